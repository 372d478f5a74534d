# The upgrade from HTTP to ZWS/2.0 (RFC 6455, 4; RFC 45): what the client asks, what the server answers, and what each
# demands of the other.
#
# Rules
# - Field names, and the values of Upgrade and Connection, are compared without regard to case; sub-protocols exactly.
# - A server takes the first sub-protocol, in the client's order, that fits its own mechanism. It answers 400 to what is no
#   such request, 426 to another version of WebSocket, 431 to a head that is too long, once the request's end is there or
#   nothing sensible can follow.
# - A client demands 101, the accept value of its key, a sub-protocol it has offered and no extension. An answer of the kind
#   5xx says that the server is not ready: that one may be asked again.
# - Paths and Host are not compared with anything: other implementations' clients and servers do not care either.
# - A sub-protocol without mechanism, ZWS2.0, is for those who would also let ZMTP/2.0 in: who cannot be asked about has no
#   place where a ZAP domain is set.

from libc.stddef cimport size_t
from libc.string cimport memchr, memcmp, memcpy, memset, strlen

from base.errors cimport ECONNREFUSED, ENOMEM, EPROTO
from engine.websocket_accept cimport WS_ACCEPT_SIZE, WS_KEY_SIZE, ws_accept, ws_key_valid
from engine.websocket_http cimport http_clean, http_field, http_is, http_lists, http_next, http_text_t
from zmtp.outgoing cimport outgoing_say, outgoing_t

cdef enum:
    WS_UNSPECIFIED = 0x30000000    # the value of HANDSHAKE_FAILED_PROTOCOL

    UPGRADE_GOOD = 101
    UPGRADE_BAD = 400
    UPGRADE_VERSION = 426
    UPGRADE_TOO_LONG = 431
    UPGRADE_SERVER_ERROR = 500     # and above
    ZWS_NAME_MAX = 28              # "ZWS2.0/" and a mechanism's name

# One upgrade, from either side.
cdef struct upgrade_t:
    bint connects
    bint begun                     # the first line has been read
    bint upgrade                   # Upgrade: websocket
    bint connection                # Connection: Upgrade
    bint bare                      # the sub-protocol agreed on is the one without mechanism
    bint chosen                    # there is one
    bint bare_allowed
    int status                     # UPGRADE_GOOD; a server's refusal; or what the server has answered
    int keys                       # fields of this kind; one is right
    int versions
    char key[WS_KEY_SIZE]          # the client's
    char accept[WS_ACCEPT_SIZE]    # what belongs to it, on a client
    char name[ZWS_NAME_MAX]        # our sub-protocol
    size_t name_size


cdef inline void upgrade_init(upgrade_t *u, bint connects, const char *mechanism, bint bare_allowed) noexcept nogil:
    """mechanism: its name, NUL at the end."""
    cdef size_t n = strlen(mechanism)
    memset(u, 0, sizeof(upgrade_t))
    u.connects = connects
    u.bare_allowed = bare_allowed
    u.status = UPGRADE_GOOD
    memcpy(u.name, b"ZWS2.0/", 7)
    memcpy(u.name + 7, mechanism, n)
    u.name_size = 7 + n


cdef inline int upgrade_say(outgoing_t *out, const char *text) noexcept nogil:
    return outgoing_say(out, text, strlen(text))


# ---- the client

cdef inline int upgrade_request(upgrade_t *u, outgoing_t *out, const char *host, size_t host_size, const char *path,
                                size_t path_size) noexcept nogil:
    """u.key is there. 0 or -ENOMEM."""
    ws_accept(u.key, u.accept)
    if (
        upgrade_say(out, b"GET ") < 0 or outgoing_say(out, path, path_size) < 0
        or upgrade_say(out, b" HTTP/1.1\r\nHost: ") < 0 or outgoing_say(out, host, host_size) < 0
        or upgrade_say(out, b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ") < 0
        or outgoing_say(out, u.key, WS_KEY_SIZE) < 0
        or upgrade_say(out, b"\r\nSec-WebSocket-Protocol: ") < 0 or outgoing_say(out, u.name, u.name_size) < 0
        or (u.bare_allowed and upgrade_say(out, b",ZWS2.0") < 0)
    ):
        return -ENOMEM
    return upgrade_say(out, b"\r\nSec-WebSocket-Version: 13\r\n\r\n")


cdef inline bint upgrade_status(upgrade_t *u, const http_text_t *line) noexcept nogil:
    """`HTTP/1.1 101 Switching Protocols`. False: no such line."""
    cdef int i
    if line.n < 12 or memcmp(line.p, b"HTTP/1.1 ", 9) != 0 or (line.n > 12 and line.p[12] != c' '):
        return False
    u.status = 0
    for i in range(9, 12):
        if not c'0' <= line.p[i] <= c'9':
            return False
        u.status = u.status * 10 + line.p[i] - c'0'
    return http_clean(line)


cdef inline bint upgrade_is_ours(upgrade_t *u, const http_text_t *name) noexcept nogil:
    """A sub-protocol that fits our mechanism; u.bare says which."""
    u.bare = name.n == 6 and memcmp(name.p, b"ZWS2.0", 6) == 0
    if u.bare:
        return u.bare_allowed
    return name.n == u.name_size and memcmp(name.p, u.name, u.name_size) == 0


cdef inline bint upgrade_answer_field(upgrade_t *u, const http_text_t *name, const http_text_t *value) noexcept nogil:
    """False: the answer is no good."""
    if http_is(name, b"sec-websocket-accept"):
        u.keys += 1
        return u.keys == 1 and value.n == WS_ACCEPT_SIZE and memcmp(value.p, u.accept, WS_ACCEPT_SIZE) == 0
    if http_is(name, b"sec-websocket-protocol"):
        if u.chosen or not upgrade_is_ours(u, value):
            return False
        u.chosen = True
    elif http_is(name, b"sec-websocket-extensions"):
        return value.n == 0
    return True


# ---- the server

cdef inline bint upgrade_request_line(const http_text_t *line) noexcept nogil:
    """`GET /path HTTP/1.1`"""
    cdef const char *target = line.p + 4
    if line.n < 14 or memcmp(line.p, b"GET ", 4) != 0 or memcmp(line.p + line.n - 9, b" HTTP/1.1", 9) != 0:
        return False
    return memchr(target, c' ', line.n - 13) == NULL and http_clean(line)


cdef inline void upgrade_refuse(upgrade_t *u, int status) noexcept nogil:
    """What is said first holds."""
    if u.status == UPGRADE_GOOD:
        u.status = status


cdef inline void upgrade_offer(upgrade_t *u, http_text_t value) noexcept nogil:
    """Sec-WebSocket-Protocol of a client."""
    cdef http_text_t name
    while not u.chosen and http_next(&value, &name):
        u.chosen = upgrade_is_ours(u, &name)


cdef inline bint upgrade_request_field(upgrade_t *u, const http_text_t *name, const http_text_t *value) noexcept nogil:
    """False: the request is no good."""
    if http_is(name, b"sec-websocket-key"):
        u.keys += 1
        if u.keys > 1 or not ws_key_valid(value.p, value.n):
            return False
        memcpy(u.key, value.p, WS_KEY_SIZE)
    elif http_is(name, b"sec-websocket-version"):
        u.versions += 1
        if value.n != 2 or memcmp(value.p, b"13", 2) != 0:
            upgrade_refuse(u, UPGRADE_VERSION)
    elif http_is(name, b"sec-websocket-protocol"):
        upgrade_offer(u, value[0])
    return True


cdef inline int upgrade_answer(const upgrade_t *u, outgoing_t *out) noexcept nogil:
    """0 or -ENOMEM."""
    cdef char accept[WS_ACCEPT_SIZE]
    ws_accept(u.key, accept)
    if (
        upgrade_say(out, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: ") < 0
        or outgoing_say(out, accept, WS_ACCEPT_SIZE) < 0
        or upgrade_say(out, b"\r\nSec-WebSocket-Protocol: ") < 0
        or outgoing_say(out, u.name, 6 if u.bare else u.name_size) < 0
    ):
        return -ENOMEM
    return upgrade_say(out, b"\r\n\r\n")


cdef inline int upgrade_decline(int status, outgoing_t *out) noexcept nogil:
    """0 or -ENOMEM."""
    cdef const char *first = b"HTTP/1.1 400 Bad Request\r\n"
    if status == UPGRADE_VERSION:
        first = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    elif status == UPGRADE_TOO_LONG:
        first = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    if upgrade_say(out, first) < 0:
        return -ENOMEM
    return upgrade_say(out, b"Connection: close\r\nContent-Type: text/plain\r\nContent-Length: 55\r\n\r\n"
                            b"Here is a ZeroMQ socket that speaks ZWS/2.0 (RFC 45).\r\n")


# ---- both

cdef inline bint upgrade_take(upgrade_t *u, const http_text_t *line) noexcept nogil:
    """A line of the head that is not its last. False: this is no answer of a WebSocket server. A request is always read to
    its end."""
    cdef http_text_t name, value
    cdef bint good
    if not u.begun:
        u.begun = True
        good = upgrade_status(u, line) if u.connects else upgrade_request_line(line)
    elif not http_field(line, &name, &value):
        good = False
    elif http_is(&name, b"upgrade"):
        u.upgrade |= http_lists(value, b"websocket")
        good = True
    elif http_is(&name, b"connection"):
        u.connection |= http_lists(value, b"upgrade")
        good = True
    elif u.connects:
        good = u.status != UPGRADE_GOOD or upgrade_answer_field(u, &name, &value)
    else:
        good = upgrade_request_field(u, &name, &value)
    if good or u.connects:
        return good
    upgrade_refuse(u, UPGRADE_BAD)
    return True


cdef inline int upgrade_accepted(const upgrade_t *u) noexcept nogil:
    """A client, at the end of the answer's head. 0 or negative errno."""
    if u.status >= UPGRADE_SERVER_ERROR:
        return -ECONNREFUSED
    if u.status != UPGRADE_GOOD or not u.upgrade or not u.connection or u.keys != 1 or not u.chosen:
        return -EPROTO
    return 0


cdef inline int upgrade_requested(upgrade_t *u, outgoing_t *out) noexcept nogil:
    """A server, at the end of the request's head: the answer. 0, -EPROTO or -ENOMEM."""
    cdef int rc
    if not u.begun or not u.upgrade or not u.connection or u.keys != 1:
        upgrade_refuse(u, UPGRADE_BAD)
    if u.versions != 1:
        upgrade_refuse(u, UPGRADE_VERSION)
    if not u.chosen:
        upgrade_refuse(u, UPGRADE_BAD)
    if u.status == UPGRADE_GOOD:
        return upgrade_answer(u, out)
    rc = upgrade_decline(u.status, out)
    return rc if rc < 0 else -EPROTO
