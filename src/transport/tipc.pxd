# tipc: between the nodes of a TIPC cluster, by services instead of hosts (Linux, kernel module tipc).
#
#   tipc://{type,lower,upper}           a range of instances of a service: bind
#   tipc://{type,instance}              one instance: bind; connect, wherever it is
#   tipc://{type,instance}@z.c.n        the same, on that node only: connect
#   tipc://<*>                          a port of the system's choice: bind
#   tipc://<z.c.n:reference>            a port of a node, as LAST_ENDPOINT tells it: connect
#
# Rules
# - Numbers are decimal. A zone has at most 255, a cluster and a node have at most 4095, as the address of a node has them.
# - Types below 64 are TIPC's own. A blank may follow a comma; nothing may follow the end.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t, UINT32_MAX
from libc.stdio cimport snprintf
from base.errors cimport EAFNOSUPPORT, EINVAL, ENAMETOOLONG
from base.platform cimport (
    zc_local_address, zc_sa_set_tipc, zc_sa_tipc, zc_sockaddr_t, ZC_FAMILY_TIPC, ZC_TIPC_NONE, ZC_TIPC_PORT, ZC_TIPC_RANGE,
    ZC_TIPC_SERVICE,
)
from transport.address cimport address_clear, address_t
from transport.family cimport family_address, family_check, family_ops
from transport.ops cimport stream_t, transport_ops_t

cdef enum:
    RESERVED_TYPES = 64             # TIPC_RESERVED_TYPES
    ZONE_MAX = 255
    CLUSTER_MAX = 4095              # and of a node in it

# What has been read of a text.
cdef struct tipc_text_t:
    const char *at
    const char *end


cdef inline bint tipc_take(tipc_text_t *t, char c) noexcept nogil:
    """Whether this is the next character; it is read then."""
    if t.at == t.end or t.at[0] != c:
        return False
    t.at += 1
    return True


cdef inline bint tipc_number(tipc_text_t *t, uint32_t most, uint32_t *out) noexcept nogil:
    """Digits of a number up to `most`."""
    cdef uint64_t value = 0
    cdef const char *begin = t.at
    while t.at < t.end and c'0' <= t.at[0] <= c'9' and value <= most:
        value = value * 10 + <uint64_t> (t.at[0] - c'0')
        t.at += 1
    out[0] = <uint32_t> value
    return t.at > begin and value <= most


cdef inline bint tipc_comma(tipc_text_t *t) noexcept nogil:
    cdef bint there = tipc_take(t, c',')
    if there:
        tipc_take(t, c' ')
    return there


cdef inline bint tipc_node(tipc_text_t *t, uint32_t *out) noexcept nogil:
    """zone.cluster.node"""
    cdef uint32_t zone = 0, cluster = 0, node = 0
    if not (tipc_number(t, ZONE_MAX, &zone) and tipc_take(t, c'.') and tipc_number(t, CLUSTER_MAX, &cluster)
            and tipc_take(t, c'.') and tipc_number(t, CLUSTER_MAX, &node)):
        return False
    out[0] = zone << 24 | cluster << 12 | node
    return True


cdef inline int tipc_parse(const char *text, size_t n, int *kind, uint32_t *numbers) noexcept nogil:
    """0, ZC_TIPC_... in *kind (NONE: a port of the system's choice), and the numbers of zc_sa_set_tipc(); or -EINVAL."""
    cdef tipc_text_t t
    cdef bint good
    t.at, t.end = text, text + n
    numbers[0] = numbers[1] = numbers[2] = 0
    if tipc_take(&t, c'<'):
        kind[0] = ZC_TIPC_NONE
        if not tipc_take(&t, c'*'):
            kind[0] = ZC_TIPC_PORT
            if not (tipc_node(&t, &numbers[0]) and tipc_take(&t, c':') and tipc_number(&t, UINT32_MAX, &numbers[1])):
                return -EINVAL
        return 0 if tipc_take(&t, c'>') and t.at == t.end else -EINVAL
    kind[0] = ZC_TIPC_SERVICE
    good = (
        tipc_take(&t, c'{') and tipc_number(&t, UINT32_MAX, &numbers[0]) and numbers[0] >= RESERVED_TYPES
        and tipc_comma(&t) and tipc_number(&t, UINT32_MAX, &numbers[1]))
    if good and tipc_comma(&t):
        kind[0] = ZC_TIPC_RANGE
        good = tipc_number(&t, UINT32_MAX, &numbers[2]) and numbers[2] >= numbers[1]
    good = good and tipc_take(&t, c'}')
    if good and kind[0] == ZC_TIPC_SERVICE and tipc_take(&t, c'@'):
        good = tipc_node(&t, &numbers[2])
    return 0 if good and t.at == t.end else -EINVAL


cdef inline int tipc_parse_bind(const char *text, size_t n, bint ipv6, address_t *out) noexcept nogil:
    """transport_ops_t.parse_bind"""
    cdef uint32_t numbers[3]
    cdef int kind = ZC_TIPC_NONE
    cdef int rc = tipc_parse(text, n, &kind, numbers)
    address_clear(out)
    out.family = ZC_FAMILY_TIPC
    if rc < 0 or kind == ZC_TIPC_PORT or (kind == ZC_TIPC_SERVICE and numbers[2] != 0):
        return -EINVAL
    if kind == ZC_TIPC_NONE:
        return family_check(ZC_FAMILY_TIPC)     # a socket has its port from the beginning: there is nothing to bind to
    return zc_sa_set_tipc(
        &out.target, ZC_TIPC_RANGE, numbers[0], numbers[1], numbers[1] if kind == ZC_TIPC_SERVICE else numbers[2])


cdef inline int tipc_parse_connect(
        const char *text, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        address_t *out) noexcept nogil:
    """transport_ops_t.parse_connect. Of a range the first instance is meant."""
    cdef uint32_t numbers[3]
    cdef int kind = ZC_TIPC_NONE
    cdef int rc = tipc_parse(text, n, &kind, numbers)
    address_clear(out)
    out.family = ZC_FAMILY_TIPC
    if rc < 0 or kind == ZC_TIPC_NONE:
        return -EINVAL
    if kind == ZC_TIPC_RANGE:
        return zc_sa_set_tipc(&out.target, ZC_TIPC_SERVICE, numbers[0], numbers[1], 0)
    return zc_sa_set_tipc(&out.target, kind, numbers[0], numbers[1], numbers[2])


cdef inline int tipc_check(const char *text, size_t n) noexcept nogil:
    """transport_ops_t.check"""
    cdef address_t scrap
    cdef int rc = tipc_parse_connect(text, n, False, False, NULL, &scrap)
    return rc if rc < 0 else family_check(ZC_FAMILY_TIPC)


cdef inline int tipc_text(const zc_sockaddr_t *sa, char *out, size_t room) noexcept nogil:
    cdef uint32_t numbers[3]
    cdef int n, kind = zc_sa_tipc(sa, numbers)
    if kind == ZC_TIPC_NONE:
        return -EAFNOSUPPORT
    if kind == ZC_TIPC_RANGE:
        n = snprintf(out, room, b"tipc://{%u,%u,%u}", numbers[0], numbers[1], numbers[2])
    elif kind == ZC_TIPC_SERVICE:
        n = snprintf(out, room, b"tipc://{%u,%u}", numbers[0], numbers[1])
    else:
        n = snprintf(
            out, room, b"tipc://<%u.%u.%u:%u>", numbers[0] >> 24, numbers[0] >> 12 & CLUSTER_MAX,
            numbers[0] & CLUSTER_MAX, numbers[1])
    return n if n >= 0 and <size_t> n < room else -ENAMETOOLONG


cdef inline int tipc_name(
        const transport_ops_t *o, int listener, const address_t *address, const char *given, size_t n, char *out,
        size_t room) noexcept nogil:
    """transport_ops_t.name: the service that was bound to, or the port."""
    cdef zc_sockaddr_t sa
    cdef int rc
    if address.target.len:
        return tipc_text(&address.target, out, room)
    rc = zc_local_address(listener, &sa)
    return rc if rc < 0 else tipc_text(&sa, out, room)


cdef inline int tipc_end(const stream_t *t, bint remote, char *out, size_t room) noexcept nogil:
    """transport_ops_t.end: the port."""
    cdef zc_sockaddr_t sa
    cdef int rc = family_address(t, remote, &sa)
    return rc if rc < 0 else tipc_text(&sa, out, room)


cdef inline int tipc_peer(const stream_t *t, char *out, size_t room) noexcept nogil:
    """transport_ops_t.peer: nobody has given it a form yet."""
    return -EAFNOSUPPORT


cdef inline bint tipc_there() noexcept nogil:
    """transport_ops_t.there"""
    return family_check(ZC_FAMILY_TIPC) == 0


cdef inline void tipc_ops(transport_ops_t *o) noexcept nogil:
    family_ops(o)
    o.there = tipc_there
    o.scheme = "tipc"
    o.form = "{type,instance}"
    o.parse_bind = tipc_parse_bind
    o.check = tipc_check
    o.parse_connect = tipc_parse_connect
    o.name = tipc_name
    o.peer = tipc_peer
    o.end = tipc_end
