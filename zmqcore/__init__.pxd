# For Cython code: `from zmqcore cimport Context, Frame, Socket` types variables with zmqcore's classes.
#
# Cython checks then that an object is one, and keeps it without a look-up; its methods and attributes are those that Python has. There is no `handle`
# and no `libzmq` to cimport: no C library stands behind a socket. What another module is to share, it finds by the number `socket.underlying`, with
# `Socket.shadow(number)` and `Context.shadow(number)`.

cdef extern from *:
    ctypedef class zmqcore._core.Context [object PyObject, check_size ignore]:
        pass

    ctypedef class zmqcore._core.Frame [object PyObject, check_size ignore]:
        pass

    ctypedef class zmqcore._core.Socket [object PyObject, check_size ignore]:
        pass
