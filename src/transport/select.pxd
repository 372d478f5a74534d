# Which transport a scheme means: the only file that knows all of them.
#
# A new transport is a file that ends with its <name>_ops(), its cimport here, and one line in transports_init().

from libc.stddef cimport size_t
from libc.string cimport memcmp, memset, strlen
from base.check cimport zc_check
from compression.ops cimport CODEC_LZ4, CODEC_ZSTD
from transport.compressed cimport compressed_tcp_ops
from transport.inproc cimport inproc_ops
from transport.ipc cimport ipc_ops
from transport.ops cimport TRANSPORT_NEEDS_LZ4, TRANSPORT_NEEDS_ZSTD, transport_ops_t
from transport.pgm cimport epgm_ops, pgm_ops
from transport.tcp cimport tcp_ops
from transport.tls cimport tls_ops
from transport.ws cimport ws_ops
from transport.wss cimport wss_ops
from transport.udp cimport udp_ops
from transport.tipc cimport tipc_ops
from transport.vsock cimport vsock_ops

cdef enum:
    TRANSPORTS_MAX = 16

# The tables. Part of the context; written by transports_init() before there is a socket, only read afterwards.
cdef struct transports_t:
    transport_ops_t table[TRANSPORTS_MAX]
    int count


cdef inline transport_ops_t *transports_add(transports_t *all) noexcept nogil:
    zc_check(all.count < TRANSPORTS_MAX)
    all.count += 1
    return &all.table[all.count - 1]


cdef inline void transports_init(transports_t *all) noexcept nogil:
    memset(all, 0, sizeof(transports_t))
    tcp_ops(transports_add(all))
    ipc_ops(transports_add(all))
    inproc_ops(transports_add(all))
    ws_ops(transports_add(all))
    pgm_ops(transports_add(all))
    epgm_ops(transports_add(all))
    tls_ops(transports_add(all))
    wss_ops(transports_add(all))
    udp_ops(transports_add(all))
    vsock_ops(transports_add(all))
    tipc_ops(transports_add(all))
    compressed_tcp_ops(transports_add(all), "lz4+tcp", CODEC_LZ4, TRANSPORT_NEEDS_LZ4)
    compressed_tcp_ops(transports_add(all), "zstd+tcp", CODEC_ZSTD, TRANSPORT_NEEDS_ZSTD)


cdef inline const transport_ops_t *transport_find(const transports_t *all, const char *scheme, size_t n) noexcept nogil:
    """NULL: there is no such transport."""
    cdef int i
    for i in range(all.count):
        if strlen(all.table[i].scheme) == n and memcmp(all.table[i].scheme, scheme, n) == 0:
            return &all.table[i]
    return NULL
