# tls+tcp: tcp with TLS around what the engines say. Addresses, listeners and descriptors are those of tcp.

from libc.stddef cimport size_t
from base.errors cimport EINPROGRESS, EINVAL
from transport.address cimport address_t
from transport.ops cimport TRANSPORT_NEEDS_OPENSSL, stream_t, transport_ops_t, visitors_t
from transport.resolve cimport host_port_t
from transport.tcp cimport tcp_accept, tcp_open, tcp_ops, tcp_target
from transport.tls_setup cimport tls_prepare, tls_release
from transport.tls_stream cimport tls_start, tls_stream_ops
from transport.tuning cimport tuning_t

cdef inline int tls_tcp_prepare(
        const transport_ops_t *o, const tuning_t *tuning, bint connects, const char *text, size_t n, void **made,
        const char **why) noexcept nogil:
    """transport_ops_t.prepare: the server's certificate has to be for the host of the address."""
    cdef host_port_t parts
    cdef size_t source = 0
    if tcp_target(text, n, &parts, &source) < 0:
        return -EINVAL
    return tls_prepare(tuning, connects, parts.host, parts.host_len, made, why)


cdef inline int tls_tcp_accept(
        int listener, const tuning_t *tuning, const visitors_t *visitors, stream_t *out,
        char *peer, size_t room) noexcept nogil:
    """transport_ops_t.accept"""
    cdef int rc = tcp_accept(listener, tuning, visitors, out, peer, room)
    return tls_start(out, out.fd, tuning.prepared) if rc == 0 else rc


cdef inline int tls_tcp_open(const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.open"""
    cdef int begun, rc = tcp_open(a, tuning, out)
    if rc < 0 and rc != -EINPROGRESS:
        return rc
    begun = tls_start(out, out.fd, tuning.prepared)
    return rc if begun == 0 else begun


cdef inline void tls_ops(transport_ops_t *o) noexcept nogil:
    tcp_ops(o)
    o.scheme = "tls+tcp"
    o.optional = True
    o.needs = TRANSPORT_NEEDS_OPENSSL
    o.prepare = tls_tcp_prepare
    o.release = tls_release
    o.accept = tls_tcp_accept
    o.open = tls_tcp_open
    tls_stream_ops(o)
