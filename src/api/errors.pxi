# Negative errno values of the core -> exceptions of zmqcore.error.

from base.errors cimport (
    EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EMSGSIZE, ENOENT, ENOTSOCK, ENOTSUP, ETERM, ETIMEDOUT,
)

cdef object _error_module = None
cdef int _last_errno = 0


cdef object error_module():
    global _error_module
    if _error_module is None:
        import zmqcore.error
        _error_module = zmqcore.error
    return _error_module


cdef int raise_errno(int rc, object message=None) except -1:
    """Raises for the negative errno `rc`."""
    global _last_errno
    cdef int number = -rc
    _last_errno = number
    errors = error_module()
    if number == EAGAIN:
        raise errors.Again()
    raise errors.from_errno(number, message)


def zmq_errno():
    """The errno of the last failed call, 0 if none failed (any thread)."""
    return _last_errno
