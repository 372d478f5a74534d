# zstd+tcp: tcp whose messages are compressed with Zstandard. Addresses, listeners and descriptors are those of tcp.

from libc.stddef cimport size_t
from compression.zstd cimport zstd_ops
from compression.ops cimport codec_ops_t
from transport.address cimport address_t
from transport.compressed cimport compressed_ops, compressed_prepare
from transport.ops cimport TRANSPORT_NEEDS_ZSTD, stream_t, transport_ops_t
from transport.tcp cimport tcp_behind, tcp_end, tcp_name
from transport.tuning cimport tuning_t


cdef inline int zstd_tcp_prepare(
        const tuning_t *tuning, bint connects, const char *text, size_t n, void **made,
        const char **why) noexcept nogil:
    """transport_ops_t.prepare"""
    cdef codec_ops_t ops
    zstd_ops(&ops)
    return compressed_prepare(&ops, tuning.compression.zstd, tuning, made, why)


cdef inline int zstd_tcp_name(
        int listener, const address_t *address, const char *text, size_t size, char *out, size_t room) noexcept nogil:
    """transport_ops_t.name"""
    return tcp_behind(b"zstd+", tcp_name(listener, address, text, size, out, room), out, room)


cdef inline int zstd_tcp_end(const stream_t *t, bint remote, char *out, size_t room) noexcept nogil:
    """transport_ops_t.end"""
    return tcp_behind(b"zstd+", tcp_end(t, remote, out, room), out, room)


cdef inline void zstd_tcp_ops(transport_ops_t *o) noexcept nogil:
    compressed_ops(o)
    o.scheme = "zstd+tcp"
    o.needs = TRANSPORT_NEEDS_ZSTD
    o.prepare = zstd_tcp_prepare
    o.name = zstd_tcp_name
    o.end = zstd_tcp_end
