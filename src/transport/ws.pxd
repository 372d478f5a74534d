# ws: WebSocket over tcp. The bytes, the listeners and the connections are tcp's; an address has a path behind it, and what is
# spoken is ZWS.
#
#   ws://host:port/path    the path, with what follows it, is sent as it stands; `/` if there is none
#
# Rules
# - A path consists of visible ASCII: everything else has to be percent-encoded, for it goes into a line of a request.
# - Where a listener is bound says nothing about which paths it answers to: all.

from libc.stddef cimport size_t
from libc.string cimport memchr, memcmp, memcpy
from base.engines cimport ENGINE_WEBSOCKET
from base.errors cimport EINVAL, ENAMETOOLONG
from base.platform cimport zc_sockaddr_t
from transport.address cimport address_t
from transport.ops cimport place_t, transport_ops_t
from transport.resolve cimport host_port_t
from transport.tcp cimport (
    tcp_check_connect, tcp_find_source, tcp_name, tcp_ops, tcp_parse_bind, tcp_parse_connect, tcp_target,
)


cdef inline size_t ws_path_at(const char *text, size_t n) noexcept nogil:
    """Where the path begins; n: there is none."""
    cdef const char *found = <const char *> memchr(text, c'/', n)
    return n if found == NULL else <size_t> (found - text)


cdef inline void ws_path(const char *text, size_t n, place_t *out) noexcept nogil:
    cdef size_t at = ws_path_at(text, n)
    out.path = text + at
    out.path_size = n - at
    if at == n:
        out.path = b"/"
        out.path_size = 1


cdef inline bint ws_path_good(const char *path, size_t n) noexcept nogil:
    cdef size_t i
    for i in range(n):
        if not c'!' <= path[i] <= c'~' or path[i] == c'#':
            return False
    return True


cdef inline int ws_parse_bind(const char *text, size_t n, bint ipv6, address_t *out) noexcept nogil:
    """transport_ops_t.parse_bind"""
    cdef size_t at = ws_path_at(text, n)
    cdef int rc = tcp_parse_bind(text, at, ipv6, out)
    if rc == 0 and not ws_path_good(text + at, n - at):
        return -EINVAL
    return rc


cdef inline int ws_check(const char *text, size_t n) noexcept nogil:
    """transport_ops_t.check"""
    cdef size_t at = ws_path_at(text, n)
    return tcp_check_connect(text, at) if ws_path_good(text + at, n - at) else -EINVAL


cdef inline int ws_parse_connect(
        const char *text, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        address_t *out) noexcept nogil:
    """transport_ops_t.parse_connect"""
    return tcp_parse_connect(text, ws_path_at(text, n), ipv6, allow_dns, behind, out)


cdef inline int ws_target(const char *text, size_t n, host_port_t *out, size_t *source) noexcept nogil:
    """transport_ops_t.target"""
    return tcp_target(text, ws_path_at(text, n), out, source)


cdef inline void ws_place_of(const char *text, size_t n, const char *port, size_t port_size, place_t *out) noexcept nogil:
    """`port`: ":80", which a request does not name."""
    cdef size_t at = ws_path_at(text, n)
    cdef size_t source = 0
    tcp_find_source(text, at, &source)
    ws_path(text, n, out)
    out.host = text if source == at else text + source + 1
    out.host_size = at if source == at else at - source - 1
    if out.host_size > port_size and memcmp(out.host + out.host_size - port_size, port, port_size) == 0:
        out.host_size -= port_size


cdef inline void ws_place(const char *text, size_t n, place_t *out) noexcept nogil:
    """transport_ops_t.place"""
    ws_place_of(text, n, b":80", 3, out)


cdef inline int ws_name(
        const transport_ops_t *o, int listener, const address_t *address, const char *text, size_t n, char *out,
        size_t room) noexcept nogil:
    """transport_ops_t.name: tcp's, and the path as it was given."""
    cdef place_t place
    cdef int length = tcp_name(o, listener, address, text, n, out, room)
    if length < 0:
        return length
    ws_path(text, n, &place)
    if <size_t> length + place.path_size >= room:
        return -ENAMETOOLONG
    memcpy(out + length, place.path, place.path_size)
    length += <int> place.path_size
    out[length] = 0
    return length


cdef inline void ws_ops(transport_ops_t *o) noexcept nogil:
    tcp_ops(o)
    o.scheme = "ws"
    o.form = "host:port/path"
    o.optional = True
    o.engine = ENGINE_WEBSOCKET
    o.parse_bind = ws_parse_bind
    o.check = ws_check
    o.parse_connect = ws_parse_connect
    o.place = ws_place
    o.target = ws_target
    o.name = ws_name
