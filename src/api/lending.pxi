# Frames over memory of the core, for the program to fill.

from socket.lending cimport socket_lend


cdef inline int lend_locked(socket_t *s, size_t size, msg_t *m) noexcept nogil:
    cdef int rc = socket_enter(s)
    return socket_lend(s, size, m) if rc == 0 else rc


def lend(_SocketBase sock not None, Py_ssize_t size):
    """A Frame of that size that can be written to. See `zmqcore.Socket.lend()`."""
    cdef socket_t *s = sock.s
    cdef Frame frame = Frame.__new__(Frame)
    cdef int rc
    sock.check()
    if size < 0:
        raise_errno(-EINVAL, f"a size is 0 bytes or more, not {size}")
    with nogil:
        zc_lock_acquire(&s.lock)
        rc = lend_locked(s, <size_t> size, &frame.m)
        leave_socket(s)
    if rc == -ENOMEM:
        raise MemoryError
    if rc < 0:
        raise_errno(rc)
    return frame
