# Groups: their names, and how a DISH joins and leaves them.

from base.config cimport GROUP_MAX
from socket.options cimport socket_join


cdef bytes group_name(value):
    """The name of a group as it goes over the wire."""
    cdef bytes name
    if isinstance(value, str):
        name = value.encode("utf-8")
    elif isinstance(value, bytes):
        name = value
    else:
        raise TypeError(f"a group is named by str or bytes, not {type(value).__name__}")
    if len(name) > GROUP_MAX:
        raise_errno(-EINVAL, f"the name of a group has at most {GROUP_MAX} bytes, not {len(name)}")
    if b"\0" in name:
        raise_errno(-EINVAL, "the name of a group has no byte of 0: libzmq would cut it off there")
    return name


cdef object change_group(socket_t *s, group, bint add):
    """join() and leave()."""
    cdef bytes name = group_name(group)
    cdef const unsigned char *text = <const unsigned char *> PyBytes_AS_STRING(name)
    cdef size_t size = <size_t> PyBytes_GET_SIZE(name)
    cdef int rc
    with nogil:
        zc_lock_acquire(&s.lock)
        rc = socket_join(s, text, size, add)
        leave_socket(s)
    if rc == -ENOTSUP:
        raise_errno(rc, "only a DISH joins groups")
    if rc == -EINVAL:
        raise_errno(rc, f"the group {group!r} has {'been joined already' if add else 'not been joined'}")
    if rc < 0:
        raise_errno(rc)
