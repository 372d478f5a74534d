# SOCKS5 (RFC 1928, with user and password of RFC 1929), client side: what is said to a proxy before a connection through it is
# ours, and what it answers. Sans-IO but for socks_step(), which moves the octets.
#
#   METHOD     05 01 mm              ->  05 mm              mm: 00 nothing to show, 02 user and password
#   LOGIN      01 n user n password  ->  01 00              only with 02
#   REQUEST    05 01 00 address port ->  05 00 00 address port
#
# Rules
# - A way is made at connect() of the options as they are then, and says the same in every attempt. It holds the password: it is
#   wiped when it goes.
# - Names are the proxy's to resolve; nothing here looks one up, nor does anybody else on this side.
# - Not one octet is read behind the end of an answer: what follows is the peer's.
# - An answer has at most 262 octets, of which no more are awaited than its own beginning has announced.

from libc.stddef cimport ptrdiff_t, size_t
from libc.string cimport memchr, memcpy, memset
from base.config cimport SOCKS_TEXT_MAX
from base.errors cimport (
    EACCES, EAGAIN, ECONNABORTED, ECONNREFUSED, EHOSTUNREACH, EINVAL, ENETUNREACH, ENOMEM, EOPNOTSUPP, EPIPE, EPROTO,
)
from base.memory cimport calloc, free
from base.platform cimport zc_recv, zc_sa_octets, zc_send, zc_sockaddr_t
from base.secret cimport zc_wipe
from transport.resolve cimport HOST_MAX, PORT_MAX, host_port_t, resolve_copy, resolve_number, resolve_numeric
from transport.tcp cimport tcp_check_connect
from transport.tuning cimport tuning_text_t

cdef enum:
    SOCKS_STAGES = 3
    STAGE_METHOD = 0
    STAGE_LOGIN = 1
    STAGE_REQUEST = 2

cdef enum:
    VERSION = 5
    LOGIN_VERSION = 1
    METHOD_NONE = 0
    METHOD_LOGIN = 2
    COMMAND_CONNECT = 1
    ADDRESS_V4 = 1
    ADDRESS_NAME = 3
    ADDRESS_V6 = 4
    ANSWER_SHORT = 2
    ANSWER_HEAD = 5                 # of a REQUEST: version, reply, 0, kind of address, and its first octet
    SAID_MAX = 778                  # 3, then 3 + 255 + 255, then 7 + 255
    ANSWER_MAX = 262                # 4, then 1 + 255, then the port
    PROXY_TEXT_MAX = 1024           # source;host:port, far more than any that can be used

# How an endpoint is reached. It belongs to the endpoint.
cdef struct socks_way_t:
    char proxy[PROXY_TEXT_MAX + 1]  # its address as a text, with the source of the endpoint's
    unsigned char said[SAID_MAX]
    size_t ends[SOCKS_STAGES]       # where in `said` each one ends; one without octets is left out

# One attempt. It belongs to the session.
cdef struct socks_t:
    const socks_way_t *way
    int stage
    size_t sent                     # of way.said
    size_t got                      # of the answer to this stage
    unsigned char answer[ANSWER_MAX]


# ---- the way

cdef inline size_t _put_text(unsigned char *out, const char *text, size_t n) noexcept nogil:
    out[0] = <unsigned char> n
    if n:
        memcpy(out + 1, text, n)
    return 1 + n


cdef inline int _put_host(unsigned char *out, const char *text, size_t n) noexcept nogil:
    """The address of a REQUEST, without the port. Its size or -EINVAL."""
    cdef char host[HOST_MAX + 1]
    cdef zc_sockaddr_t numeric
    cdef const unsigned char *octets
    cdef int size = 0, rc = resolve_copy(text, n, host)
    if rc == 0:
        rc = resolve_numeric(host, &numeric)
    if rc == -EAGAIN:
        out[0] = ADDRESS_NAME
        return 1 + <int> _put_text(out + 1, text, n)
    if rc < 0:
        return rc
    octets = zc_sa_octets(&numeric, &size)
    out[0] = ADDRESS_V4 if size == 4 else ADDRESS_V6
    memcpy(out + 1, octets, size)
    return 1 + size


cdef inline int _say_all(
        socks_way_t *way, const host_port_t *target, const tuning_text_t *user,
        const tuning_text_t *password) noexcept nogil:
    cdef unsigned char *at = way.said
    cdef int n, port = resolve_number(target.port, target.port_len, PORT_MAX)
    if port < 0:
        return port
    at[0] = VERSION
    at[1] = 1
    at[2] = METHOD_LOGIN if user.size else METHOD_NONE
    at += 3
    way.ends[STAGE_METHOD] = at - way.said
    if user.size:
        at[0] = LOGIN_VERSION
        at += 1
        at += _put_text(at, user.data, user.size)
        at += _put_text(at, password.data, password.size)
    way.ends[STAGE_LOGIN] = at - way.said
    at[0] = VERSION
    at[1] = COMMAND_CONNECT
    at[2] = 0
    n = _put_host(at + 3, target.host, target.host_len)
    if n < 0:
        return n
    at += 3 + n
    at[0] = <unsigned char> (port >> 8)
    at[1] = <unsigned char> (port & 0xff)
    way.ends[STAGE_REQUEST] = at + 2 - way.said
    return 0


cdef inline int socks_way_new(
        const tuning_text_t *proxy, const tuning_text_t *user, const tuning_text_t *password, const host_port_t *target,
        const char *source, size_t source_size, socks_way_t **out, const char **why) noexcept nogil:
    """`source`: what stands before the `;` of the endpoint's address, if there is one. It is our end of the connection to the
    proxy, unless the proxy's address has a source of its own. 0, -EINVAL and *why, -ENOMEM."""
    cdef socks_way_t *way
    cdef char *at
    cdef int rc
    why[0] = "SOCKS_PROXY is no address of a proxy, host:port"
    if tcp_check_connect(proxy.data, proxy.size) < 0 or proxy.size + source_size + 1 > PROXY_TEXT_MAX:
        return -EINVAL
    why[0] = "a SOCKS5 proxy can be told of a user, a password and a host of at most 255 bytes"
    if user.size > SOCKS_TEXT_MAX or password.size > SOCKS_TEXT_MAX:
        return -EINVAL
    if memchr(proxy.data, c';', proxy.size) != NULL:
        source_size = 0
    way = <socks_way_t *> calloc(1, sizeof(socks_way_t))
    if way == NULL:
        return -ENOMEM
    at = way.proxy
    if source_size:
        memcpy(at, source, source_size)
        at[source_size] = c';'
        at += source_size + 1
    memcpy(at, proxy.data, proxy.size)
    rc = _say_all(way, target, user, password)
    if rc < 0:
        socks_way_free(way)
        return rc
    out[0] = way
    why[0] = NULL
    return 0


cdef inline void socks_way_free(socks_way_t *way) noexcept nogil:
    if way != NULL:
        zc_wipe(way, sizeof(socks_way_t))
        free(way)


# ---- the conversation

cdef inline void socks_begin(socks_t *s, const socks_way_t *way) noexcept nogil:
    memset(s, 0, sizeof(socks_t))
    s.way = way


cdef inline size_t socks_output(const socks_t *s, const unsigned char **data) noexcept nogil:
    """What is to be sent now, before anything else is read: its size; 0: nothing."""
    data[0] = s.way.said + s.sent
    return s.way.ends[s.stage] - s.sent


cdef inline size_t socks_awaits(const socks_t *s) noexcept nogil:
    """How many octets of the answer to read next, at most."""
    cdef size_t size = ANSWER_SHORT
    if s.stage == STAGE_REQUEST:
        size = ANSWER_HEAD
        if s.got >= ANSWER_HEAD:
            if s.answer[3] == ADDRESS_V4:
                size = 4 + 4 + 2
            elif s.answer[3] == ADDRESS_V6:
                size = 4 + 16 + 2
            else:
                size = 4 + 1 + s.answer[4] + 2
    return size - s.got


cdef inline int _refusal(int reply) noexcept nogil:
    """What a reply of RFC 1928 means here."""
    if reply == 2:
        return -EACCES              # not allowed by the proxy's rules
    if reply == 3:
        return -ENETUNREACH
    if reply == 4 or reply == 6:
        return -EHOSTUNREACH        # 6: on its way too long
    if reply == 5:
        return -ECONNREFUSED
    if reply == 7 or reply == 8:
        return -EOPNOTSUPP          # the command, the kind of address
    return -ECONNABORTED


cdef inline int _judge(const socks_t *s) noexcept nogil:
    """Of an answer as far as it is there: -EPROTO as soon as it cannot be one, or what it refuses with; else 0."""
    if s.got >= 1 and s.answer[0] != (LOGIN_VERSION if s.stage == STAGE_LOGIN else VERSION):
        return -EPROTO
    if s.got < 2:
        return 0
    if s.stage == STAGE_METHOD:
        # FF, or a method that was not offered
        return 0 if s.answer[1] == s.way.said[2] else -EACCES
    if s.stage == STAGE_LOGIN:
        return 0 if s.answer[1] == 0 else -EACCES
    if s.answer[1] != 0:
        return _refusal(s.answer[1])
    if s.got >= 4 and s.answer[3] != ADDRESS_V4 and s.answer[3] != ADDRESS_V6 and s.answer[3] != ADDRESS_NAME:
        return -EPROTO
    return 0


cdef inline int socks_feed(socks_t *s, const unsigned char *data, size_t n) noexcept nogil:
    """The next octets, at most as many as are awaited. 1: the connection is ours; 0: go on; or a negative errno."""
    cdef int rc
    memcpy(s.answer + s.got, data, n)
    s.got += n
    rc = _judge(s)
    if rc < 0 or socks_awaits(s):
        return rc
    if s.stage == STAGE_REQUEST:
        return 1
    s.got = 0
    s.stage += 1
    if s.way.ends[s.stage] == s.sent:
        s.stage += 1                # no LOGIN
    return 0


cdef inline int socks_step(socks_t *s, int fd, bint *wants_room) noexcept nogil:
    """As far as it goes without waiting, on a descriptor that is connected to the proxy. 0: the connection is ours; -EAGAIN:
    again when there is something to read, or room to write if *wants_room; another errno: it has come to nothing."""
    cdef unsigned char octets[ANSWER_MAX]
    cdef const unsigned char *data = NULL
    cdef size_t size
    cdef ptrdiff_t n
    cdef int rc
    wants_room[0] = False
    while True:
        size = socks_output(s, &data)
        if size:
            n = zc_send(fd, data, size)
            if n == 0 or n == -EAGAIN:
                wants_room[0] = True
                return -EAGAIN
            if n < 0:
                return <int> n
            s.sent += n
            continue
        n = zc_recv(fd, octets, socks_awaits(s))
        if n <= 0:
            return <int> n if n < 0 else -EPIPE
        rc = socks_feed(s, octets, n)
        if rc != 0:
            return 0 if rc == 1 else rc
