# From the text of a tcp address to socket addresses: hosts, ports, interfaces, names.
#
# Rules
# - A host text is taken as, in this order: `*` (bind), an interface name (bind and source), a numeric address, a name.
# - Only a name can block, in the system's resolver, and only where the caller allows it; else it answers -EAGAIN.
# - A port is digits only, 0..65535. What looks like a port with something behind it is refused, not cut off.
# - The length is the caller's; a byte of zero inside an address is refused.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint8_t
from libc.string cimport memchr, memcpy, memset
from base.errors cimport EAFNOSUPPORT, EAGAIN, EHOSTUNREACH, EINVAL, ENODEV
from base.platform cimport (
    zc_interface_address, zc_interface_index, zc_resolve, zc_resolve_all, zc_sa_equal, zc_sa_family, zc_sa_octets,
    zc_sa_parse_numeric, zc_sa_set_port, zc_sa_set_v4, zc_sa_set_v6, zc_sockaddr_t, ZC_FAMILY_V4, ZC_FAMILY_V6,
)

cdef enum:
    # A DNS name has at most 253 characters; room for an IPv6 address with the longest interface name as scope is less.
    HOST_MAX = 255
    PORT_MAX = 65535
    # Addresses of a name that are tried, of each family; a name with more has them for the load, not because only some
    # work.
    NAME_ADDRESSES = 8

# Pointers into the text that was split.
cdef struct host_port_t:
    const char *host
    size_t host_len
    const char *port
    size_t port_len


cdef inline int resolve_split(const char *text, size_t n, host_port_t *out) noexcept nogil:
    """Cuts at the last colon and takes a pair of brackets off the host. No colon or no port: -EINVAL."""
    cdef size_t colon = n
    while colon > 0 and text[colon - 1] != c':':
        colon -= 1
    if colon == 0 or colon == n:
        return -EINVAL
    out.port = text + colon
    out.port_len = n - colon
    out.host = text
    out.host_len = colon - 1
    if out.host_len >= 2 and out.host[0] == c'[' and out.host[out.host_len - 1] == c']':
        out.host += 1
        out.host_len -= 2
    return 0


cdef inline int resolve_number(const char *text, size_t n, int limit) noexcept nogil:
    """The value of a number of at most `limit`, digits only; -EINVAL."""
    cdef size_t i
    cdef int value = 0
    if n == 0:
        return -EINVAL
    for i in range(n):
        if text[i] < c'0' or text[i] > c'9':
            return -EINVAL
        value = value * 10 + (text[i] - c'0')
        if value > limit:
            return -EINVAL
    return value


cdef inline int resolve_bind_port(const char *text, size_t n) noexcept nogil:
    """`*` and `0` ask for any port; other spellings of zero are mistakes."""
    cdef int port
    if n == 1 and (text[0] == c'*' or text[0] == c'0'):
        return 0
    port = resolve_number(text, n, PORT_MAX)
    return port if port != 0 else -EINVAL


cdef inline int resolve_copy(const char *text, size_t n, char *out) noexcept nogil:
    """A text as a C string. -EINVAL: empty, too long, or with a zero inside."""
    if n == 0 or n > HOST_MAX or memchr(text, 0, n) != NULL:
        return -EINVAL
    memcpy(out, text, n)
    out[n] = 0
    return 0


cdef inline int resolve_unmap(zc_sockaddr_t *sa) noexcept nogil:
    """A v6 address that stands for a v4 one (::ffff:a.b.c.d) as that v4 address, in place. 1 if it was one."""
    cdef int n = 0, i
    cdef uint8_t v4[4]
    cdef const uint8_t *octets = zc_sa_octets(sa, &n)
    if n != 16 or octets[10] != 0xff or octets[11] != 0xff:
        return 0
    for i in range(10):
        if octets[i] != 0:
            return 0
    memcpy(v4, octets + 12, 4)
    zc_sa_set_v4(sa, v4, 0)
    return 1


cdef inline void resolve_map(zc_sockaddr_t *sa) noexcept nogil:
    """A v4 address as the v6 address that stands for it, in place."""
    cdef int n = 0
    cdef uint8_t v6[16]
    cdef const uint8_t *octets = zc_sa_octets(sa, &n)
    if n != 4:
        return
    memset(v6, 0, 16)
    v6[10] = 0xff
    v6[11] = 0xff
    memcpy(v6 + 12, octets, 4)
    zc_sa_set_v6(sa, v6, 0, 0)


cdef inline int resolve_numeric(const char *host, zc_sockaddr_t *out) noexcept nogil:
    """A numeric address of either family, v6 with %scope. -EINVAL: a scope that does not exist. -EAGAIN: not
    numeric."""
    cdef char address[HOST_MAX + 1]
    cdef uint8_t octets[16]
    cdef size_t n = 0, scope_len = 0
    cdef uint32_t scope = 0
    cdef int value
    while host[n] != 0 and host[n] != c'%':
        n += 1
    if n > HOST_MAX:
        return -EAGAIN
    memcpy(address, host, n)
    address[n] = 0
    if zc_sa_parse_numeric(address, ZC_FAMILY_V6, octets) < 0:
        # Shortened v4 forms are the system's business.
        return -EAGAIN if host[n] != 0 else zc_resolve(host, ZC_FAMILY_V4, 0, out)
    if host[n] == c'%':
        n += 1
        while host[n + scope_len] != 0:
            scope_len += 1
        value = resolve_number(host + n, scope_len, 0x7fffffff // 16)
        scope = <uint32_t>value if value >= 0 else zc_interface_index(host + n)
        if scope == 0:
            return -EINVAL
    zc_sa_set_v6(out, octets, 0, scope)
    return 0


cdef inline int resolve_bind_host(const char *text, size_t n, bint ipv6, zc_sockaddr_t *out) noexcept nogil:
    """The host of an address to bind to; the port is left 0. With ipv6 the answer is always a v6 address, because the
    listener is a dual-stack socket then. A name is looked up (blocks). -ENODEV: nothing here is called so."""
    cdef char host[HOST_MAX + 1]
    cdef uint8_t any_address[16]
    cdef int rc
    if resolve_copy(text, n, host) < 0:
        return -ENODEV
    if n == 1 and host[0] == c'*':
        memset(any_address, 0, 16)
        if ipv6:
            zc_sa_set_v6(out, any_address, 0, 0)
        else:
            zc_sa_set_v4(out, any_address, 0)
        return 0
    rc = -ENODEV
    if ipv6:
        rc = zc_interface_address(host, ZC_FAMILY_V6, out)
    if rc == -ENODEV:
        rc = zc_interface_address(host, ZC_FAMILY_V4, out)
    if rc == -ENODEV:
        rc = resolve_numeric(host, out)
    if rc == -EAGAIN:
        # v4 first even with ipv6: "localhost" shall be reachable by peers that know v4 only.
        rc = zc_resolve(host, ZC_FAMILY_V4, 1, out)
        if rc == -EHOSTUNREACH and ipv6:
            rc = zc_resolve(host, ZC_FAMILY_V6, 1, out)
        if rc == -EHOSTUNREACH:
            rc = -ENODEV
    if rc < 0:
        return rc
    if ipv6:
        resolve_map(out)
    elif zc_sa_family(out) == ZC_FAMILY_V6 and not resolve_unmap(out):
        return -ENODEV
    zc_sa_set_port(out, 0)
    return 0


cdef inline int resolve_next(const zc_sockaddr_t *addresses, int n, const zc_sockaddr_t *behind) noexcept nogil:
    """Which of n > 0 addresses to try after `behind` failed (its port does not matter): the one after it, and the
    first after the last or if it is none of them any more."""
    cdef zc_sockaddr_t bare = behind[0]
    cdef int i
    zc_sa_set_port(&bare, 0)
    for i in range(n):
        if zc_sa_equal(&addresses[i], &bare):
            return (i + 1) % n
    return 0


cdef inline int resolve_name(
        const char *host, bint ipv6, const zc_sockaddr_t *behind, zc_sockaddr_t *out) noexcept nogil:
    """One address of a peer's name; see resolve_next for which."""
    cdef zc_sockaddr_t found[2 * NAME_ADDRESSES]
    cdef int n = 0, i
    cdef int rc = -EHOSTUNREACH
    if ipv6:
        rc = zc_resolve_all(host, ZC_FAMILY_V6, 1, found, NAME_ADDRESSES)
        n = rc if rc > 0 else 0
    if n > 0 or rc == -EHOSTUNREACH:
        rc = zc_resolve_all(host, ZC_FAMILY_V4, 1, found + n, NAME_ADDRESSES)
        n += rc if rc > 0 else 0
    if n == 0:
        return rc
    for i in range(n):
        resolve_unmap(&found[i])                # `behind` was
    out[0] = found[resolve_next(found, n, behind)]
    return 0


cdef inline int resolve_peer_host(
        const char *text, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        zc_sockaddr_t *out) noexcept nogil:
    """The host of a peer. Without ipv6 only v4 counts; with it v6 comes first. Of a name's addresses the one after
    `behind` (len 0: the first). -EAFNOSUPPORT: a v6 address without ipv6."""
    cdef char host[HOST_MAX + 1]
    cdef int rc = resolve_copy(text, n, host)
    if rc < 0:
        return rc
    rc = resolve_numeric(host, out)
    if rc == -EAGAIN and allow_dns:
        rc = resolve_name(host, ipv6, behind, out)
    if rc < 0:
        return rc
    # A v4 socket reaches a mapped address on every system, a v6 socket not on all.
    if zc_sa_family(out) == ZC_FAMILY_V6 and not resolve_unmap(out) and not ipv6:
        return -EAFNOSUPPORT
    return 0


cdef inline int resolve_source_host(
        const char *text, size_t n, int family, bint allow_dns, zc_sockaddr_t *out) noexcept nogil:
    """The local end of a connection, of the peer's family: an interface, a numeric address, a name, or `*`."""
    cdef char host[HOST_MAX + 1]
    cdef uint8_t any_address[16]
    cdef int rc = resolve_copy(text, n, host)
    if rc < 0:
        return rc
    if n == 1 and host[0] == c'*':
        memset(any_address, 0, 16)
        if family == ZC_FAMILY_V6:
            zc_sa_set_v6(out, any_address, 0, 0)
        else:
            zc_sa_set_v4(out, any_address, 0)
        return 0
    rc = zc_interface_address(host, family, out)
    if rc == -ENODEV:
        rc = resolve_numeric(host, out)
        if rc == -EAGAIN and allow_dns:
            rc = zc_resolve(host, family, 1, out)
    if rc == 0 and zc_sa_family(out) != family:
        return -EAFNOSUPPORT
    return rc
