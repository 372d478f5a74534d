# The stream of a transport whose connections are plain stream sockets of the system: each operation is one system call.

from libc.stddef cimport ptrdiff_t, size_t
from base.platform cimport zc_close, zc_iovec_t, zc_readv, zc_recv, zc_send, zc_sendv, zc_shutdown_write, zc_unsent
from transport.ops cimport stream_t, transport_ops_t


cdef inline ptrdiff_t descriptor_read(stream_t *t, void *out, size_t n) noexcept nogil:
    return zc_recv(t.fd, out, n)


cdef inline ptrdiff_t descriptor_readv(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    return zc_readv(t.fd, v, n)


cdef inline ptrdiff_t descriptor_write(stream_t *t, const void *data, size_t n) noexcept nogil:
    return zc_send(t.fd, data, n)


cdef inline ptrdiff_t descriptor_writev(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    return zc_sendv(t.fd, v, n)


cdef inline long descriptor_unsent(stream_t *t) noexcept nogil:
    return zc_unsent(t.fd)


cdef inline void descriptor_shutdown(stream_t *t) noexcept nogil:
    zc_shutdown_write(t.fd)


cdef inline void descriptor_close(stream_t *t) noexcept nogil:
    zc_close(t.fd)
    t.fd = -1


cdef inline void descriptor_ops(transport_ops_t *o) noexcept nogil:
    o.read = descriptor_read
    o.readv = descriptor_readv
    o.write = descriptor_write
    o.writev = descriptor_writev
    o.unsent = descriptor_unsent
    o.shutdown = descriptor_shutdown
    o.close = descriptor_close
