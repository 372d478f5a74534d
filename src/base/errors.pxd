# Error numbers. Below the API a failure is a NEGATIVE errno value; this is the one list of them.
#
# Rules
# - errno numbers are the system's own (errors.h fills in what a platform lacks).
# - The private numbers are ZeroMQ's, fixed by its public header: programs compare against them.

cdef extern from "base/errors.h" nogil:
    enum:
        EPERM
        ENOENT
        EINTR
        EIO
        EBADF
        EAGAIN
        ENOMEM
        EACCES
        EFAULT
        EBUSY
        EEXIST
        ENODEV
        ENOTDIR
        EISDIR
        EINVAL
        ENFILE
        EMFILE
        ENOSPC
        EPIPE
        ERANGE
        ENAMETOOLONG
        ENOSYS
        ENOTEMPTY
        ELOOP
        EPROTO
        EOVERFLOW
        ENOTSOCK
        EMSGSIZE
        ENOPROTOOPT
        EPROTONOSUPPORT
        EOPNOTSUPP
        ENOTSUP
        EAFNOSUPPORT
        EADDRINUSE
        EADDRNOTAVAIL
        ENETDOWN
        ENETUNREACH
        ENETRESET
        ECONNABORTED
        ECONNRESET
        ENOBUFS
        EISCONN
        ENOTCONN
        ETIMEDOUT
        ECONNREFUSED
        EHOSTUNREACH
        EALREADY
        EINPROGRESS
        ECANCELED

# ZeroMQ's private numbers start at 156384712.
cdef enum:
    EFSM = 156384763             # the operation does not fit the socket's present state (REQ/REP order)
    ENOCOMPATPROTO = 156384764   # transport and socket type do not go together
    ETERM = 156384765            # the context was terminated
    EMTHREAD = 156384766         # no I/O thread available
