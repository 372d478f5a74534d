# inproc: between two sockets of a context. A connection is a pair of rings and no stream; the sockets' own room makes
# it (socket/inproc.pxd).

from libc.stddef cimport size_t
from transport.ops cimport transport_ops_t, TRANSPORT_IN_PROCESS


cdef inline int inproc_check(const char *name, size_t n) noexcept nogil:
    """transport_ops_t.check: any bytes are a name."""
    return 0


cdef inline void inproc_ops(transport_ops_t *o) noexcept nogil:
    o.scheme = "inproc"
    o.form = "name"
    o.kind = TRANSPORT_IN_PROCESS
    o.check = inproc_check
