# Negative errno values of the core -> exceptions of zmqcore.error.

from base.errors cimport (
    EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EMSGSIZE, ENOENT, ENOTSOCK, ENOTSUP, EPROTONOSUPPORT, ETERM, ETIMEDOUT,
)

cdef object _error_module = None
cdef int _last_errno = 0


cdef object error_module():
    global _error_module
    if _error_module is None:
        import zmqcore.error
        _error_module = zmqcore.error
    return _error_module


cdef object options_module():
    import zmqcore.options
    return zmqcore.options


cdef int raise_errno(int rc, object message=None) except -1:
    """Raises for the negative errno `rc`."""
    global _last_errno
    cdef int number = -rc
    _last_errno = number
    errors = error_module()
    if number == EAGAIN:
        raise errors.Again()
    raise errors.from_errno(number, message)


cdef int raise_address(int rc, addr) except -1:
    """Raises for the negative errno `rc` of a call about an endpoint."""
    global _last_errno
    _last_errno = -rc
    raise error_module().address_error(-rc, addr)


cdef int raise_option(int rc, int option) except -1:
    """Raises for the negative errno `rc` of a call about a socket option."""
    return raise_errno(rc, options_module().about_option(option))


def zmq_errno():
    """The errno of the last failed call, 0 if none failed (any thread)."""
    return _last_errno
