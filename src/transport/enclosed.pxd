# Enclosed: descriptors that come and go with the bytes of a connection.
#
# Rules
# - A connection made with tuning_t.passing takes the descriptors that its peer sends, and holds the last ones only. Without, the kernel closes them.
# - A read that brings descriptors ends behind the bytes that they came with.

from libc.stddef cimport ptrdiff_t, size_t
from libc.string cimport memcpy
from base.errors cimport ENOMEM
from base.memory cimport calloc, free
from base.platform cimport zc_close, zc_iov_set, zc_iovec_t, zc_readv, zc_readv_passing, zc_recv, zc_send_passing, ZC_PASS_MAX
from transport.descriptor cimport descriptor_close
from transport.ops cimport stream_t, transport_ops_t
from transport.tuning cimport tuning_t

# stream_t.state of a connection that takes descriptors: those that came last.
cdef struct enclosed_t:
    int count
    int fds[ZC_PASS_MAX]


cdef inline void enclosed_empty(enclosed_t *p) noexcept nogil:
    while p.count:
        p.count -= 1
        zc_close(p.fds[p.count])


cdef inline int enclosed_wanted(stream_t *out, const tuning_t *tuning) noexcept nogil:
    """0 or -ENOMEM."""
    out.state = NULL
    if not tuning.passing:
        return 0
    out.state = calloc(1, sizeof(enclosed_t))
    return 0 if out.state != NULL else -ENOMEM


cdef inline ptrdiff_t enclosed_readv(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    """transport_ops_t.readv"""
    cdef enclosed_t *p = <enclosed_t *> t.state
    cdef int fds[ZC_PASS_MAX]
    cdef int count = 0
    cdef ptrdiff_t got
    if p == NULL:
        return zc_readv(t.fd, v, n)
    got = zc_readv_passing(t.fd, v, n, fds, &count)
    if count:
        enclosed_empty(p)             # nobody has asked for them
        memcpy(p.fds, fds, count * sizeof(int))
        p.count = count
    return got


cdef inline ptrdiff_t enclosed_read(stream_t *t, void *out, size_t n) noexcept nogil:
    """transport_ops_t.read"""
    cdef zc_iovec_t v
    if t.state == NULL:
        return zc_recv(t.fd, out, n)
    zc_iov_set(&v, out, n)
    return enclosed_readv(t, &v, 1)


cdef inline ptrdiff_t enclosed_pass(stream_t *t, const void *data, size_t n, const int *fds, int count) noexcept nogil:
    """transport_ops_t.pass_"""
    return zc_send_passing(t.fd, data, n, fds, count)


cdef inline int enclosed_passed(stream_t *t, int *fds) noexcept nogil:
    """transport_ops_t.passed"""
    cdef enclosed_t *p = <enclosed_t *> t.state
    cdef int count = p.count if p != NULL else 0
    if count:
        memcpy(fds, p.fds, count * sizeof(int))
        p.count = 0
    return count


cdef inline void enclosed_close(stream_t *t) noexcept nogil:
    """transport_ops_t.close"""
    if t.state != NULL:
        enclosed_empty(<enclosed_t *> t.state)
        free(t.state)
        t.state = NULL
    descriptor_close(t)


cdef inline void enclosed_ops(transport_ops_t *o) noexcept nogil:
    """In place of those of descriptor.pxd."""
    o.read = enclosed_read
    o.readv = enclosed_readv
    o.close = enclosed_close
    o.pass_ = enclosed_pass
    o.passed = enclosed_passed
