# vsock: between virtual machines and their host, without a network (Linux).
#
#   vsock://cid:port    bind: a cid or port of `*` is any, `@` is this machine's cid; connect: 2 is the host, 1 this machine
#
# Rules
# - Numbers are decimal, below 2^32 - 1, which is what the kernel says for any.
# - Whether somebody is there, only connecting tells: a cid that nobody answers for costs the kernel's timeout (2 s), again and again.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport snprintf
from base.errors cimport EINVAL, ENAMETOOLONG
from base.platform cimport (
    zc_local_address, zc_sa_set_vsock, zc_sa_vsock, zc_sockaddr_t, zc_vsock_cid, ZC_FAMILY_VSOCK, ZC_VSOCK_ANY,
)
from transport.address cimport address_clear, address_t, ADDRESS_WILDCARD
from transport.family cimport family_address, family_check, family_ops
from transport.ops cimport stream_t, transport_ops_t
from transport.resolve cimport host_port_t, resolve_split


cdef inline int vsock_number(const char *text, size_t n, uint32_t *out) noexcept nogil:
    """Decimal digits, below ZC_VSOCK_ANY. 0 or -EINVAL."""
    cdef uint64_t value = 0
    cdef size_t i
    if n == 0 or n > 10:
        return -EINVAL
    for i in range(n):
        if not c'0' <= text[i] <= c'9':
            return -EINVAL
        value = value * 10 + <uint64_t> (text[i] - c'0')
    if value >= ZC_VSOCK_ANY:
        return -EINVAL
    out[0] = <uint32_t> value
    return 0


cdef inline int vsock_parse(const char *text, size_t n, bint any, address_t *out) noexcept nogil:
    """`any`: `*` may stand on either side."""
    cdef host_port_t parts
    cdef uint32_t cid = ZC_VSOCK_ANY, port = ZC_VSOCK_ANY
    cdef int rc
    address_clear(out)
    rc = resolve_split(text, n, &parts)
    if rc < 0:
        return rc
    if parts.host_len == 1 and parts.host[0] == c'@':
        rc = zc_vsock_cid(&cid)
    elif not (any and parts.host_len == 1 and parts.host[0] == c'*'):
        rc = vsock_number(parts.host, parts.host_len, &cid)
    if rc == 0 and not (any and parts.port_len == 1 and parts.port[0] == c'*'):
        rc = vsock_number(parts.port, parts.port_len, &port)
    if rc < 0:
        return rc
    out.family = ZC_FAMILY_VSOCK
    if port == ZC_VSOCK_ANY:
        out.flags |= ADDRESS_WILDCARD
    return zc_sa_set_vsock(&out.target, cid, port)


cdef inline int vsock_parse_bind(const char *text, size_t n, bint ipv6, address_t *out) noexcept nogil:
    """transport_ops_t.parse_bind"""
    return vsock_parse(text, n, True, out)


cdef inline int vsock_check(const char *text, size_t n) noexcept nogil:
    """transport_ops_t.check"""
    cdef address_t scrap
    cdef int rc = vsock_parse(text, n, False, &scrap)
    return rc if rc < 0 else family_check(ZC_FAMILY_VSOCK)


cdef inline int vsock_parse_connect(
        const char *text, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        address_t *out) noexcept nogil:
    """transport_ops_t.parse_connect"""
    return vsock_parse(text, n, False, out)


cdef inline int vsock_text(const zc_sockaddr_t *sa, char *out, size_t room) noexcept nogil:
    cdef uint32_t cid = 0, port = 0
    cdef int n = zc_sa_vsock(sa, &cid, &port)
    if n < 0:
        return n
    if cid == ZC_VSOCK_ANY:
        n = snprintf(out, room, b"vsock://*:%u", port)
    else:
        n = snprintf(out, room, b"vsock://%u:%u", cid, port)
    return n if n >= 0 and <size_t> n < room else -ENAMETOOLONG


cdef inline int vsock_name(
        const transport_ops_t *o, int listener, const address_t *address, const char *given, size_t n, char *out,
        size_t room) noexcept nogil:
    """transport_ops_t.name: with the port that was chosen."""
    cdef zc_sockaddr_t sa
    cdef int rc = zc_local_address(listener, &sa)
    return rc if rc < 0 else vsock_text(&sa, out, room)


cdef inline int vsock_end(const stream_t *t, bint remote, char *out, size_t room) noexcept nogil:
    """transport_ops_t.end"""
    cdef zc_sockaddr_t sa
    cdef int rc = family_address(t, remote, &sa)
    return rc if rc < 0 else vsock_text(&sa, out, room)


cdef inline int vsock_peer(const stream_t *t, char *out, size_t room) noexcept nogil:
    """transport_ops_t.peer: the cid."""
    cdef zc_sockaddr_t sa
    cdef uint32_t cid = 0, port = 0
    cdef int n = family_address(t, True, &sa)
    if n == 0:
        n = zc_sa_vsock(&sa, &cid, &port)
    if n == 0:
        n = snprintf(out, room, b"%u", cid)
    return n if n < 0 or <size_t> n < room else -ENAMETOOLONG


cdef inline bint vsock_there() noexcept nogil:
    """transport_ops_t.there"""
    return family_check(ZC_FAMILY_VSOCK) == 0


cdef inline void vsock_ops(transport_ops_t *o) noexcept nogil:
    family_ops(o)
    o.there = vsock_there
    o.scheme = "vsock"
    o.form = "cid:port"
    o.parse_bind = vsock_parse_bind
    o.check = vsock_check
    o.parse_connect = vsock_parse_connect
    o.name = vsock_name
    o.peer = vsock_peer
    o.end = vsock_end
