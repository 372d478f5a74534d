# What a transport is: one table of operations for all of them, and the stream that sessions read and write.
#
# Rules
# - A transport knows descriptors, addresses and system calls; no frames, no patterns, no sockets. It keeps nothing between two calls but what stands
#   in the structs it is handed.
# - Nothing here blocks. Every operation runs under the lock of the socket that owns the stream; none of them calls back.
# - Results are 0 or more, or a negative errno. -EAGAIN: not now, the poll set will tell.
# - The tables live in the context (transport/select.pxd fills them): C-level modules share no variables. Whoever holds a stream holds a reference of
#   the context through its socket.

from libc.stddef cimport ptrdiff_t, size_t
from base.platform cimport zc_iovec_t

cdef struct transport_ops_t

# One connection, as the system and the transport see it. It belongs to its session; all zero but for fd -1 is a stream that is not open.
cdef struct stream_t:
    const transport_ops_t *ops
    void *state                 # of a transport that keeps some for each connection; NULL for the others
    int fd                      # what a poll set watches; -1 while there is no connection

cdef struct transport_ops_t:
    const char *scheme          # "tcp"

    # ---- a connection. All of these are called with a stream that is open.

    # Take what has arrived: bytes, 0 at the end of the stream, -EAGAIN. A read that returns less than it was offered has taken all there was,
    # except what `pending` counts.
    ptrdiff_t (*read)(stream_t *t, void *out, size_t n) noexcept nogil
    ptrdiff_t (*readv)(stream_t *t, zc_iovec_t *v, int n) noexcept nogil
    # Hand bytes over: how many were taken, -EAGAIN if none. The memory is the caller's again at once. An error says that nothing more can be sent;
    # what the peer sent before may still be read.
    ptrdiff_t (*write)(stream_t *t, const void *data, size_t n) noexcept nogil
    ptrdiff_t (*writev)(stream_t *t, zc_iovec_t *v, int n) noexcept nogil
    # Bytes that were written and that the peer's system has not acknowledged; 0 or a negative errno where nothing is known to be missing.
    long (*unsent)(stream_t *t) noexcept nogil
    # No more will be written: the peer finds the end of the stream behind what has been.
    void (*shutdown)(stream_t *t) noexcept nogil
    # Give back the descriptor and the state; the stream is not open any more. The descriptor is in no poll set.
    void (*close)(stream_t *t) noexcept nogil


cdef inline ptrdiff_t stream_read(stream_t *t, void *out, size_t n) noexcept nogil:
    return t.ops.read(t, out, n)


cdef inline ptrdiff_t stream_readv(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    return t.ops.readv(t, v, n)


cdef inline ptrdiff_t stream_write(stream_t *t, const void *data, size_t n) noexcept nogil:
    return t.ops.write(t, data, n)


cdef inline ptrdiff_t stream_writev(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    return t.ops.writev(t, v, n)


cdef inline long stream_unsent(stream_t *t) noexcept nogil:
    return t.ops.unsent(t)


cdef inline void stream_shutdown(stream_t *t) noexcept nogil:
    t.ops.shutdown(t)


cdef inline void stream_close(stream_t *t) noexcept nogil:
    t.ops.close(t)
