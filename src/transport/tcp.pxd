# tcp: addresses, listeners, connections.
#
# Rules
# - Every descriptor handed out is non-blocking and closes on exec; it is the caller's to close.
# - An option the application asked for and the system refuses does not cost the connection; only binding to a device
#   does, because going out by another way would be worse than failing.
# - Nothing blocks but names: tcp_parse_bind, and tcp_parse_connect with allow_dns.

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t
from libc.stdio cimport snprintf
from libc.string cimport memchr
from base.engines cimport ENGINE_ZMTP
from base.errors cimport EACCES, EAFNOSUPPORT, ECONNABORTED, EINPROGRESS, EINVAL, ENAMETOOLONG, ENOSYS, EOPNOTSUPP
from base.platform cimport (
    zc_accept, zc_bind, zc_bind_device, zc_close, zc_connect, zc_listen, zc_local_address, zc_peer_address, zc_sa_equal,
    zc_sa_family, zc_sa_octets, zc_sa_port, zc_sa_set_port, zc_sa_set_v4, zc_sa_text, zc_set_option, zc_sockaddr_t,
    zc_socket_adopt, zc_socket_error, zc_socket_open, ZC_FAMILY_V4, ZC_FAMILY_V6, ZC_OPT_BIND_NO_PORT, ZC_OPT_BUSY_POLL,
    ZC_OPT_KEEPALIVE, ZC_OPT_KEEPALIVE_CNT, ZC_OPT_KEEPALIVE_IDLE, ZC_OPT_KEEPALIVE_INTVL, ZC_OPT_LOOPBACK_FASTPATH, ZC_OPT_MAXRT, ZC_OPT_NODELAY,
    ZC_OPT_PRIORITY, ZC_OPT_RCVBUF, ZC_OPT_REUSE, ZC_OPT_SNDBUF, ZC_OPT_TOS, ZC_OPT_V6ONLY,
)
from transport.address cimport address_clear, address_t, ADDRESS_WILDCARD, ENDPOINT_MAX
from transport.cidr cimport cidr_match
from transport.descriptor cimport descriptor_ops
from transport.ops cimport stream_t, transport_ops_t, visitors_t, TRANSPORT_STREAM
from transport.resolve cimport (
    host_port_t, resolve_bind_host, resolve_bind_port, resolve_number, resolve_peer_host, resolve_source_host,
    resolve_split, resolve_unmap, PORT_MAX,
)
from transport.tuning cimport tuning_t

# ---- addresses

cdef inline int tcp_parse_bind(const char *addr, size_t n, bint ipv6, address_t *out) noexcept nogil:
    cdef host_port_t parts
    cdef int port, rc
    address_clear(out)
    rc = resolve_split(addr, n, &parts)
    if rc < 0:
        return rc
    port = resolve_bind_port(parts.port, parts.port_len)
    if port < 0:
        return port
    rc = resolve_bind_host(parts.host, parts.host_len, ipv6, &out.target)
    if rc < 0:
        return rc
    zc_sa_set_port(&out.target, port)
    out.family = zc_sa_family(&out.target)
    if port == 0:
        out.flags |= ADDRESS_WILDCARD
    return 0


cdef inline bint tcp_host_byte(char c) noexcept nogil:
    """May this byte stand in a host: names, numeric addresses, scopes."""
    return (c'a' <= c <= c'z' or c'A' <= c <= c'Z' or c'0' <= c <= c'9'
            or c == c'.' or c == c'-' or c == c'_' or c == c':' or c == c'%')


cdef inline int tcp_check_host(const char *host, size_t n) noexcept nogil:
    """A host that could be one: something in it, no blank or other stray byte, brackets in pairs, a decent first
    byte."""
    cdef size_t i
    if n == 0 or host[0] == c'-' or host[0] == c'.' or host[0] == c'%':
        return -EINVAL
    for i in range(n):
        if not tcp_host_byte(host[i]):
            return -EINVAL
    return 0


cdef inline int tcp_find_source(const char *addr, size_t n, size_t *cut) noexcept nogil:
    """Where the source ends: the offset of `;`, or n when there is none. -EINVAL: more than one, or nothing on a
    side."""
    cdef const char *found = <const char *>memchr(addr, c';', n)
    cut[0] = n
    if found == NULL:
        return 0
    cut[0] = <size_t>(found - addr)
    if cut[0] == 0 or cut[0] + 1 == n or memchr(found + 1, c';', n - cut[0] - 1) != NULL:
        return -EINVAL
    return 0


cdef inline int tcp_split_source(const char *text, size_t n, host_port_t *out, int *port) noexcept nogil:
    """Splits `host[:port]` of a source; without a port, any."""
    cdef size_t colons = 0, i
    cdef int rc
    port[0] = 0
    for i in range(n):
        if text[i] == c':':
            colons += 1
    # A lone v6 address has colons but no port only inside brackets.
    if colons == 0 or text[n - 1] == c']':
        out.host = text
        out.host_len = n
        if n >= 2 and text[0] == c'[' and text[n - 1] == c']':
            out.host += 1
            out.host_len -= 2
        return 0
    rc = resolve_split(text, n, out)
    if rc < 0:
        return rc
    port[0] = resolve_bind_port(out.port, out.port_len)
    return port[0] if port[0] < 0 else 0


cdef inline int tcp_check_connect(const char *addr, size_t n) noexcept nogil:
    """Is this the text of a tcp peer? Nothing is looked up."""
    cdef host_port_t parts
    cdef size_t cut = 0
    cdef int rc, port = 0
    rc = tcp_find_source(addr, n, &cut)
    if rc < 0:
        return rc
    if cut < n:
        rc = tcp_split_source(addr, cut, &parts, &port)
        if rc == 0:
            rc = tcp_check_host(parts.host, parts.host_len)
        if rc < 0:
            return rc
        addr += cut + 1
        n -= cut + 1
    rc = resolve_split(addr, n, &parts)
    if rc < 0:
        return rc
    port = resolve_number(parts.port, parts.port_len, PORT_MAX)
    if port < 0:
        return port
    return tcp_check_host(parts.host, parts.host_len)


cdef inline int tcp_target(const char *text, size_t n, host_port_t *out, size_t *source) noexcept nogil:
    """transport_ops_t.target"""
    cdef size_t cut = 0
    cdef int rc = tcp_find_source(text, n, &cut)
    source[0] = cut if cut < n else 0
    if rc < 0:
        return rc
    return resolve_split(text + cut + 1, n - cut - 1, out) if cut < n else resolve_split(text, n, out)


cdef inline int tcp_parse_connect(
        const char *addr, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        address_t *out) noexcept nogil:
    """-EAGAIN: a name must be looked up and allow_dns is 0. behind: the address of that name that was tried last (len
    0: none). If only the source is at fault, out.target is filled in nevertheless."""
    cdef host_port_t parts
    cdef size_t cut = 0, begin = 0
    cdef int rc, port = 0
    address_clear(out)
    rc = tcp_check_connect(addr, n)
    if rc < 0:
        return rc
    tcp_find_source(addr, n, &cut)
    if cut < n:
        begin = cut + 1
    rc = resolve_split(addr + begin, n - begin, &parts)
    if rc < 0:
        return rc
    rc = resolve_peer_host(parts.host, parts.host_len, ipv6, allow_dns, behind, &out.target)
    if rc < 0:
        return rc
    zc_sa_set_port(&out.target, resolve_number(parts.port, parts.port_len, PORT_MAX))
    out.family = zc_sa_family(&out.target)
    if cut < n:
        rc = tcp_split_source(addr, cut, &parts, &port)
        if rc == 0:
            rc = resolve_source_host(parts.host, parts.host_len, out.family, allow_dns, &out.source)
        if rc < 0:
            return rc
        zc_sa_set_port(&out.source, port)
    return 0


# ---- descriptors

cdef inline void tcp_tune(int fd, const tuning_t *t) noexcept nogil:
    """For every connection, made or accepted."""
    # Whole messages are written at once; Nagle's waiting for more would only delay the last one.
    zc_set_option(fd, ZC_OPT_NODELAY, 1)
    if t.keepalive >= 0:
        zc_set_option(fd, ZC_OPT_KEEPALIVE, t.keepalive)
    if t.keepalive == 1:
        if t.keepalive_cnt > 0:
            zc_set_option(fd, ZC_OPT_KEEPALIVE_CNT, t.keepalive_cnt)
        if t.keepalive_idle > 0:
            zc_set_option(fd, ZC_OPT_KEEPALIVE_IDLE, t.keepalive_idle)
        if t.keepalive_intvl > 0:
            zc_set_option(fd, ZC_OPT_KEEPALIVE_INTVL, t.keepalive_intvl)
    if t.maxrt_ms > 0:
        zc_set_option(fd, ZC_OPT_MAXRT, t.maxrt_ms)
    if t.tos != 0:
        zc_set_option(fd, ZC_OPT_TOS, t.tos)
    # After the type of service, which sets a priority of its own.
    if t.priority != 0:
        zc_set_option(fd, ZC_OPT_PRIORITY, t.priority)
    if t.busy_poll != 0:
        zc_set_option(fd, ZC_OPT_BUSY_POLL, t.busy_poll)


cdef inline int tcp_socket(int family, const tuning_t *t) noexcept nogil:
    """A socket with what must be set before bind or connect: the buffer sizes decide the window offered with the
    first packet."""
    cdef int rc, fd = zc_socket_open(family)
    if fd < 0:
        return fd
    if family == ZC_FAMILY_V6:
        zc_set_option(fd, ZC_OPT_V6ONLY, 0)
    if t.sndbuf >= 0:
        zc_set_option(fd, ZC_OPT_SNDBUF, t.sndbuf)
    if t.rcvbuf >= 0:
        zc_set_option(fd, ZC_OPT_RCVBUF, t.rcvbuf)
    if t.tos != 0:
        zc_set_option(fd, ZC_OPT_TOS, t.tos)
    if t.priority != 0:
        zc_set_option(fd, ZC_OPT_PRIORITY, t.priority)
    if t.loopback_fastpath != 0:
        zc_set_option(fd, ZC_OPT_LOOPBACK_FASTPATH, 1)
    if t.bindtodevice[0] != 0:
        rc = zc_bind_device(fd, t.bindtodevice)
        if rc < 0:
            zc_close(fd)
            return rc if rc != -ENOSYS else -EOPNOTSUPP
    return fd


cdef inline int tcp_listen(address_t *a, const tuning_t *tuning) noexcept nogil:
    cdef zc_sockaddr_t here = a.target
    cdef int fd, rc, i, n = 0
    cdef const uint8_t *bytes
    cdef bint everywhere = True
    if tuning.use_fd >= 0:
        rc = zc_socket_adopt(tuning.use_fd)
        return tuning.use_fd if rc == 0 else rc
    fd = tcp_socket(zc_sa_family(&here), tuning)
    if fd == -EAFNOSUPPORT and zc_sa_family(&here) == ZC_FAMILY_V6:
        # A system without IPv6: what was asked for can still be had where it means v4, `*` included.
        bytes = zc_sa_octets(&here, &n)
        for i in range(n):
            everywhere = everywhere and bytes[i] == 0
        if everywhere:
            zc_sa_set_v4(&here, bytes, 0)
        elif not resolve_unmap(&here):
            return fd
        zc_sa_set_port(&here, zc_sa_port(&a.target))
        fd = tcp_socket(ZC_FAMILY_V4, tuning)
    if fd < 0:
        return fd
    zc_set_option(fd, ZC_OPT_REUSE, 1)
    rc = zc_bind(fd, &here)
    if rc == 0:
        rc = zc_listen(fd, tuning.backlog)
    if rc < 0:
        zc_close(fd)
        return rc
    return fd


cdef inline int tcp_open(const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.open"""
    cdef int fd, rc = 0
    if a.target.len == 0:
        return -EINVAL
    fd = tcp_socket(zc_sa_family(&a.target), tuning)
    if fd < 0:
        return fd
    if a.source.len != 0:
        if zc_sa_port(&a.source) != 0:
            zc_set_option(fd, ZC_OPT_REUSE, 1)
        else:
            zc_set_option(fd, ZC_OPT_BIND_NO_PORT, 1)
        rc = zc_bind(fd, &a.source)
    if rc == 0:
        tcp_tune(fd, tuning)
        rc = zc_connect(fd, &a.target)
    if rc < 0 and rc != -EINPROGRESS:
        zc_close(fd)
    else:
        out.fd = fd
    return rc


cdef inline int tcp_finish(stream_t *t, const tuning_t *tuning) noexcept nogil:
    """transport_ops_t.finish. A port of this host that nobody listens on can, by coincidence, be the one the kernel
    chose for our own end; then tcp connects us to ourselves: -ECONNABORTED."""
    cdef zc_sockaddr_t here, there
    cdef int rc = zc_socket_error(t.fd)
    if rc < 0:
        return rc
    rc = zc_peer_address(t.fd, &there)
    if rc == 0:
        rc = zc_local_address(t.fd, &here)
    if rc == 0 and zc_sa_equal(&here, &there):
        rc = -ECONNABORTED
    if rc == 0:
        tcp_tune(t.fd, tuning)
    return rc


cdef inline bint tcp_admits(const visitors_t *visitors, const zc_sockaddr_t *peer) noexcept nogil:
    cdef int i
    for i in range(visitors.naddresses):
        if cidr_match(&visitors.addresses[i], peer):
            return True
    return visitors.naddresses == 0


cdef inline int tcp_accept(
        int listener, const tuning_t *tuning, const visitors_t *visitors, stream_t *out,
        char *peer, size_t room) noexcept nogil:
    """transport_ops_t.accept. The peer's address is taken now: later it may be gone, and the system knows no more."""
    cdef zc_sockaddr_t there
    cdef int fd = zc_accept(listener, &there)
    peer[0] = 0
    if fd < 0:
        return fd
    if not tcp_admits(visitors, &there):
        zc_close(fd)
        return -EACCES
    tcp_tune(fd, tuning)
    if zc_sa_text(&there, peer, room) < 0:
        peer[0] = 0
    out.fd = fd
    return 0


cdef inline void tcp_close_listener(int listener, address_t *address, bint adopted) noexcept nogil:
    """transport_ops_t.close_listener"""
    zc_close(listener)


# ---- names

cdef inline int tcp_text(const char *scheme, const zc_sockaddr_t *sa, char *out, size_t cap) noexcept nogil:
    """"scheme://address:port" of an address. Length or -errno."""
    cdef char host[ENDPOINT_MAX]
    cdef int n = zc_sa_text(sa, host, ENDPOINT_MAX)
    if n < 0:
        return n
    if zc_sa_family(sa) == ZC_FAMILY_V6:
        n = snprintf(out, cap, b"%s://[%s]:%d", scheme, host, zc_sa_port(sa))
    else:
        n = snprintf(out, cap, b"%s://%s:%d", scheme, host, zc_sa_port(sa))
    return n if n >= 0 and <size_t>n < cap else -ENAMETOOLONG


cdef inline int tcp_name(
        const transport_ops_t *o, int listener, const address_t *address, const char *given, size_t n, char *out,
        size_t room) noexcept nogil:
    """transport_ops_t.name: with the port that was chosen."""
    cdef zc_sockaddr_t sa
    cdef int rc = zc_local_address(listener, &sa)
    return rc if rc < 0 else tcp_text(o.scheme, &sa, out, room)


cdef inline int tcp_peer(const stream_t *t, char *out, size_t room) noexcept nogil:
    """transport_ops_t.peer: the numeric address."""
    cdef zc_sockaddr_t sa
    cdef int rc = zc_peer_address(t.fd, &sa)
    return rc if rc < 0 else zc_sa_text(&sa, out, room)


cdef inline int tcp_end(const stream_t *t, bint remote, char *out, size_t room) noexcept nogil:
    """transport_ops_t.end"""
    cdef zc_sockaddr_t sa
    cdef int rc = zc_peer_address(t.fd, &sa) if remote else zc_local_address(t.fd, &sa)
    return rc if rc < 0 else tcp_text(t.ops.scheme, &sa, out, room)


cdef inline void tcp_ops(transport_ops_t *o) noexcept nogil:
    descriptor_ops(o)
    o.scheme = "tcp"
    o.form = "host:port"
    o.kind = TRANSPORT_STREAM
    o.engine = ENGINE_ZMTP
    o.parse_bind = tcp_parse_bind
    o.check = tcp_check_connect
    o.parse_connect = tcp_parse_connect
    o.target = tcp_target
    o.listen = tcp_listen
    o.name = tcp_name
    o.accept = tcp_accept
    o.close_listener = tcp_close_listener
    o.open = tcp_open
    o.finish = tcp_finish
    o.peer = tcp_peer
    o.end = tcp_end
