# udp: addresses, and endpoints that send or receive datagrams (datagrams.pxd).
#
#   udp://host:port               to a host; at an address of this one, or at all (`*`)
#   udp://group:port              to a multicast group; what is sent to it
#   udp://interface;group:port    the same by one interface: its name, or for IPv4 an address of it
#
# Rules
# - Two sockets of this host may be bound to the same group and port, and both get everything. Other addresses belong to one.

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcpy, memset
from base.config cimport UDP_BUFFER
from base.engines cimport ENGINE_DATAGRAM
from base.errors cimport EAGAIN, EINVAL, ENAMETOOLONG, ENODEV, ENOTCONN
from base.platform cimport (
    zc_bind, zc_bind_device, zc_close, zc_datagram_open, zc_group_bind, zc_group_hops, zc_group_interface, zc_group_join, zc_group_loop,
    zc_group_only_joined, zc_group_share, zc_interface_find, zc_interface_index, zc_local_address, zc_sa_family,
    zc_sa_is_multicast, zc_sa_octets, zc_sa_port, zc_sa_scope, zc_sa_set_port, zc_sa_set_v6, zc_sa_text,
    zc_set_option, zc_sockaddr_t, ZC_FAMILY_V6,
    ZC_OPT_BUSY_POLL, ZC_OPT_PRIORITY, ZC_OPT_RCVBUF, ZC_OPT_SNDBUF, ZC_OPT_TOS, ZC_OPT_V6ONLY,
)
from transport.address cimport address_clear, address_t, ADDRESS_MULTICAST, ADDRESS_WILDCARD, INTERFACE_NAME_MAX
from transport.datagrams cimport datagram_peer_text, datagrams_begin, datagrams_of, datagrams_ops
from transport.ops cimport stream_t, transport_ops_t, CARRIES_DATAGRAMS, TRANSPORT_DATAGRAM
from transport.resolve cimport (
    host_port_t, resolve_bind_host, resolve_bind_port, resolve_copy, resolve_number, resolve_numeric, resolve_peer_host,
    resolve_split, resolve_unmap, HOST_MAX, PORT_MAX,
)
from transport.tuning cimport tuning_t

# ---- addresses

cdef inline int udp_interface(const char *text, size_t n, int family, address_t *out) noexcept nogil:
    """What stands in front of the semicolon: `*`, a name, or for IPv4 an address. 0, -EINVAL or -ENODEV."""
    cdef char name[HOST_MAX + 1]
    cdef zc_sockaddr_t own
    cdef const uint8_t *octets
    cdef int bits = 0
    cdef int rc = resolve_copy(text, n, name)
    if rc < 0 or n > INTERFACE_NAME_MAX:
        return -EINVAL
    memcpy(out.device_name, name, n + 1)
    if n == 1 and name[0] == c'*':
        return 0
    out.device = zc_interface_index(name)
    if out.device:
        return 0
    rc = resolve_numeric(name, &own)
    if rc == -EAGAIN:
        return -ENODEV          # no such interface, and not an address
    if rc == 0 and zc_sa_is_multicast(&own):
        return -EINVAL
    if rc == 0 and (family == ZC_FAMILY_V6 or zc_sa_family(&own) != family):
        return -ENODEV
    if rc == 0:
        octets = zc_sa_octets(&own, &bits)
        rc = zc_interface_find(NULL, family, octets, bits * 8, &out.source)
        out.device = <uint32_t> rc if rc > 0 else 0
    return rc if rc < 0 else 0


cdef inline size_t udp_before(const char *text, size_t n) noexcept nogil:
    """The length of what stands in front of the semicolon; n: there is none."""
    cdef const char *at = <const char *> memchr(text, c';', n)
    return <size_t> (at - text) if at != NULL else n


cdef inline int udp_settle(const char *text, size_t before, size_t n, address_t *out) noexcept nogil:
    """The target is there: is it a group, and is an interface given for one? 0 or a negative errno."""
    cdef unsigned char octets[16]
    cdef int n_octets = 0
    cdef int rc
    out.family = zc_sa_family(&out.target)
    if not zc_sa_is_multicast(&out.target):
        return 0 if before == n else -EINVAL
    out.flags |= ADDRESS_MULTICAST
    out.device = zc_sa_scope(&out.target)
    rc = 0 if before == n else udp_interface(text, before, out.family, out)
    if rc == 0 and out.family == ZC_FAMILY_V6 and out.device:
        # To bind a group of one network the system wants to know which.
        memcpy(octets, zc_sa_octets(&out.target, &n_octets), 16)
        zc_sa_set_v6(&out.target, octets, zc_sa_port(&out.target), out.device)
    return rc


cdef inline int udp_parse_bind(const char *text, size_t n, bint ipv6, address_t *out) noexcept nogil:
    """transport_ops_t.parse_bind"""
    cdef host_port_t parts
    cdef size_t before = udp_before(text, n)
    cdef size_t skip = before + 1 if before < n else 0
    cdef int port, rc
    address_clear(out)
    rc = resolve_split(text + skip, n - skip, &parts)
    if rc < 0:
        return rc
    port = resolve_bind_port(parts.port, parts.port_len)
    if port < 0:
        return port
    rc = resolve_bind_host(parts.host, parts.host_len, ipv6, &out.target)
    if rc < 0:
        return rc
    resolve_unmap(&out.target)      # a v4 socket says v4 addresses, and is what multicast needs
    zc_sa_set_port(&out.target, port)
    if port == 0:
        out.flags |= ADDRESS_WILDCARD
    return udp_settle(text, before, n, out)


cdef inline int udp_parse_connect(
        const char *text, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind, address_t *out) noexcept nogil:
    """transport_ops_t.parse_connect"""
    cdef zc_sockaddr_t last = behind[0]
    cdef host_port_t parts
    cdef size_t before = udp_before(text, n)
    cdef size_t skip = before + 1 if before < n else 0
    cdef int port, rc
    address_clear(out)
    rc = resolve_split(text + skip, n - skip, &parts)
    if rc < 0:
        return rc
    port = resolve_number(parts.port, parts.port_len, PORT_MAX)
    if port <= 0 or (parts.host_len == 1 and parts.host[0] == c'*'):
        return -EINVAL
    rc = resolve_peer_host(parts.host, parts.host_len, ipv6, allow_dns, &last, &out.target)
    if rc < 0:
        return rc
    zc_sa_set_port(&out.target, port)
    return udp_settle(text, before, n, out)


cdef inline int udp_check(const char *text, size_t n) noexcept nogil:
    """transport_ops_t.check"""
    cdef zc_sockaddr_t none
    cdef address_t address
    cdef int rc
    memset(&none, 0, sizeof(zc_sockaddr_t))
    rc = udp_parse_connect(text, n, True, False, &none, &address)
    return 0 if rc == -EAGAIN else rc


# ---- opening

cdef inline void udp_tune(int fd, const tuning_t *tuning) noexcept nogil:
    """What the system refuses does not cost the endpoint."""
    zc_set_option(fd, ZC_OPT_SNDBUF, tuning.sndbuf if tuning.sndbuf >= 0 else UDP_BUFFER)
    zc_set_option(fd, ZC_OPT_RCVBUF, tuning.rcvbuf if tuning.rcvbuf >= 0 else UDP_BUFFER)
    if tuning.tos:
        zc_set_option(fd, ZC_OPT_TOS, tuning.tos)
    if tuning.priority:
        zc_set_option(fd, ZC_OPT_PRIORITY, tuning.priority)
    if tuning.busy_poll:
        zc_set_option(fd, ZC_OPT_BUSY_POLL, tuning.busy_poll)


cdef inline int udp_socket(int family, const tuning_t *tuning) noexcept nogil:
    """A descriptor or a negative errno. To go out by another way than the device asked for would be worse than failing."""
    cdef int fd = zc_datagram_open(family, 0)
    cdef int rc
    if fd < 0:
        return fd
    if family == ZC_FAMILY_V6:
        zc_set_option(fd, ZC_OPT_V6ONLY, 0)
    if tuning.bindtodevice[0]:
        rc = zc_bind_device(fd, tuning.bindtodevice)
        if rc < 0:
            zc_close(fd)
            return rc
    udp_tune(fd, tuning)
    return fd


cdef inline int udp_begin(int fd, int family, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """The stream of a descriptor, which is closed if that fails. 0 or -ENOMEM."""
    cdef int rc = datagrams_begin(fd, family, tuning, out)
    if rc < 0:
        zc_close(fd)
    return rc


cdef inline int udp_multicast(int fd, const address_t *a, const tuning_t *tuning) noexcept nogil:
    """How what is sent to groups leaves. 0 or a negative errno."""
    cdef int rc = zc_group_hops(fd, a.family, tuning.multicast_hops if tuning.multicast_hops < 255 else 255)
    if rc == 0:
        rc = zc_group_loop(fd, a.family, tuning.multicast_loop)
    if rc == 0 and a.device:
        rc = zc_group_interface(fd, a.family, a.device)
    return rc


cdef inline int udp_open(const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.open. Not connected: then the system would go on using the route, and this host's address, of now."""
    cdef int fd, rc
    if a.target.len == 0:
        return -EINVAL
    fd = udp_socket(a.family, tuning)
    if fd < 0:
        return fd
    rc = udp_multicast(fd, a, tuning) if a.flags & ADDRESS_MULTICAST else 0
    if rc < 0:
        zc_close(fd)
        return rc
    rc = udp_begin(fd, a.family, tuning, out)
    if rc == 0:
        datagrams_of(out).target = a.target
    return rc


cdef inline int udp_receive_at(address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.receive_at"""
    cdef int fd = udp_socket(a.family, tuning)
    cdef int rc = 0
    if fd < 0:
        return fd
    if a.flags & ADDRESS_MULTICAST:
        rc = zc_group_share(fd)
        if rc == 0:
            rc = zc_group_bind(fd, &a.target)
    else:
        rc = zc_bind(fd, &a.target)
    if rc == 0 and a.flags & ADDRESS_MULTICAST:
        zc_group_only_joined(fd, a.family)
        rc = zc_group_join(fd, &a.target, a.device)
        if rc == 0:
            rc = udp_multicast(fd, a, tuning)
    if rc < 0:
        zc_close(fd)
        return rc
    return udp_begin(fd, a.family, tuning, out)


cdef inline int udp_name(
        const transport_ops_t *o, int fd, const address_t *a, const char *given, size_t n, char *out,
        size_t room) noexcept nogil:
    """transport_ops_t.name: with the port that was chosen."""
    cdef zc_sockaddr_t here
    cdef zc_sockaddr_t group = a.target
    cdef char text[128]
    cdef int rc = zc_local_address(fd, &here)
    if rc == 0 and a.flags & ADDRESS_MULTICAST:
        zc_sa_set_port(&group, zc_sa_port(&here))
        here = group
    if rc == 0:
        rc = datagram_peer_text(&here, text, sizeof(text))
    if rc < 0:
        return rc
    if a.device_name[0]:
        rc = snprintf(out, room, b"udp://%s;%s", a.device_name, text)
    else:
        rc = snprintf(out, room, b"udp://%s", text)
    return rc if rc >= 0 and <size_t> rc < room else -ENAMETOOLONG


cdef inline int udp_finish(stream_t *t, const tuning_t *tuning) noexcept nogil:
    """transport_ops_t.finish: `open` leaves nothing under way."""
    return 0


cdef inline int udp_peer(const stream_t *t, char *out, size_t room) noexcept nogil:
    """transport_ops_t.peer: nobody in particular, where one receives."""
    cdef const zc_sockaddr_t *target = &datagrams_of(t).target
    return zc_sa_text(target, out, room) if target.len else -ENOTCONN


cdef inline void udp_ops(transport_ops_t *o) noexcept nogil:
    datagrams_ops(o)
    o.scheme = "udp"
    o.form = "host:port"
    o.kind = TRANSPORT_DATAGRAM
    o.engine = ENGINE_DATAGRAM
    o.carries = CARRIES_DATAGRAMS
    o.parse_bind = udp_parse_bind
    o.check = udp_check
    o.parse_connect = udp_parse_connect
    o.name = udp_name
    o.receive_at = udp_receive_at
    o.open = udp_open
    o.finish = udp_finish
    o.peer = udp_peer
