# inproc: between sockets of one context. A connection is a pair of rings and no stream; the sockets' own room makes it (socket/inproc.pxd).

from transport.ops cimport transport_ops_t


cdef inline void inproc_ops(transport_ops_t *o) noexcept nogil:
    o.scheme = "inproc"
