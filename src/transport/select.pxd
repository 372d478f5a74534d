# Which transport a scheme means: the only file that knows all of them.
#
# A new transport is a file that ends with its <name>_ops(), one line in transports_init(), and one more in TRANSPORTS.

from libc.stddef cimport size_t
from libc.string cimport memcmp, memset, strlen
from transport.inproc cimport inproc_ops
from transport.ipc cimport ipc_ops
from transport.ops cimport transport_ops_t
from transport.tcp cimport tcp_ops

cdef enum:
    TRANSPORTS = 3

# The tables. Part of the context; written by transports_init() before there is a socket, only read afterwards.
cdef struct transports_t:
    transport_ops_t table[TRANSPORTS]


cdef inline void transports_init(transports_t *all) noexcept nogil:
    memset(all, 0, sizeof(transports_t))
    tcp_ops(&all.table[0])
    ipc_ops(&all.table[1])
    inproc_ops(&all.table[2])


cdef inline const transport_ops_t *transport_find(const transports_t *all, const char *scheme, size_t n) noexcept nogil:
    """NULL: there is no such transport."""
    cdef int i
    for i in range(TRANSPORTS):
        if strlen(all.table[i].scheme) == n and memcmp(all.table[i].scheme, scheme, n) == 0:
            return &all.table[i]
    return NULL
