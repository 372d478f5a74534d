# Negative errno values of the core -> exceptions of zmqcore.error.

from base.errors cimport EAGAIN, EFAULT, EINTR, EINVAL, ENOENT, ENOTSOCK, ENOTSUP, EPERM, EPROTONOSUPPORT, ETERM

cdef object _error_module = None


cdef object error_module():
    global _error_module
    if _error_module is None:
        import zmqcore.error
        _error_module = zmqcore.error
    return _error_module


cdef object options_module():
    import zmqcore.options
    return zmqcore.options


cdef object keys_module():
    import zmqcore.keys
    return zmqcore.keys


cdef int raise_errno(int rc, object message=None) except -1:
    """Raises for the negative errno `rc`."""
    cdef int number = -rc
    zc_last_error_set(number)
    errors = error_module()
    if number == EAGAIN:
        raise errors.Again()
    if number == ENOTSOCK and message is None:
        message = "the socket is closed"
    raise errors.from_errno(number, message)


cdef int raise_address(int rc, addr) except -1:
    """Raises for the negative errno `rc` of a call about an endpoint."""
    zc_last_error_set(-rc)
    raise error_module().address_error(-rc, addr)


cdef int raise_option(int rc, int option, int socket_type, bint setting=False, object value=None) except -1:
    """Raises for the negative errno `rc` of a call about a socket option."""
    if rc == -EPERM:
        return raise_errno(rc, options_module().about_settled(option))
    return raise_errno(rc, options_module().about_option(option, setting, value, socket_type) if rc == -EINVAL else None)


cdef int raise_option_value(int option, object value, object kind=TypeError) except -1:
    """Raises for a value that no call about a socket option can be made with."""
    raise kind(options_module().about_value(option, value))


def zmq_errno() -> int:
    """The errno of the last call that failed in this thread.

    Returns:
        int: the number; 0 if none has failed.
    """
    return zc_last_error_get()
