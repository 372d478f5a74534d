# libFuzzer target: the engines, as a session drives them.
#
# An input is four bytes of settings and a stream. The stream goes through an engine twice, whole and in pieces; a difference, a
# frame that does not survive being written again, or memory touched beyond a piece is a finding.
#
#   byte 0    local socket type; STREAM has the raw engine, all others that of ZMTP
#   byte 1    bits 0-1: what comes before the stream (nothing, 3.1 greeting and READY, 2.0 greeting, 1.0 routing id; with bit 3 nothing, a
#             request and READY, a request and a routing id, a request); bit 2: with a routing id; bits 3-4: WebSocket instead, as server or client
#             (built with FUZZ_WEBSOCKET: always)
#   bytes 2, 3   lengths of the pieces, in turn
#
# No Python object is touched and no interpreter runs.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport abort, free, malloc
from libc.string cimport memcmp, memcpy, memset

from base.engines cimport ENGINE_RAW, ENGINE_WEBSOCKET, ENGINE_ZMTP
from engine.ops cimport (
    ENGINE_CLOSES, ENGINE_GO_ON, ENGINE_MASKED, ENGINE_OVERHEAD, ENGINE_PIECE, ENGINE_READY, ENGINE_SIGNAL, ENGINE_STREAM, SIGNAL_PONG,
    engine_config_t, engine_frame_t, engine_security_t, engine_t, signal_t,
)
from engine.select cimport engine_delete, engine_frame_get, engine_new
from message.message cimport msg_close, msg_data, msg_init, msg_t
from pattern.ops cimport RAW, SENDS_IDENTITY, pattern_ops_t
from pattern.select cimport pattern_select
from pattern.types cimport TYPE_COUNT


cdef extern from *:
    """
    #ifdef FUZZ_WEBSOCKET
    enum { ONLY = 8 }; /* bits of byte 1 that are always set */
    #else
    enum { ONLY = 0 };
    #endif
    """
    enum:
        ONLY

cdef enum:
    PIECES_MAX = 700           # the limit of a message in pieces: within the reach of an input


cdef struct outcome_t:
    int result
    uint64_t hash          # of all that was said, learned and received


cdef void check(bint right) noexcept nogil:
    if not right:
        abort()


cdef void mix(outcome_t *o, const unsigned char *p, size_t n) noexcept nogil:
    cdef size_t i
    for i in range(n):
        o.hash = (o.hash ^ p[i]) * 1099511628211ULL


cdef void mix_int(outcome_t *o, int64_t n) noexcept nogil:
    mix(o, <unsigned char *> &n, sizeof(n))


cdef void one_frame(engine_t *e, outcome_t *o, engine_frame_t *f, const unsigned char *body) noexcept nogil:
    """What a session does with a whole frame, and back again."""
    cdef size_t n = <size_t> f.size
    cdef unsigned char *out
    cdef ptrdiff_t size
    cdef engine_frame_t again
    cdef signal_t g
    if not e.traits & ENGINE_STREAM:
        mix_int(o, f.flags)
        mix_int(o, n)
    mix(o, body, n)
    if f.flags & ENGINE_SIGNAL:
        o.result = e.ops.signal_get(e, body, n, &g)
        if o.result == 0 and g.kind:
            mix_int(o, g.kind)
            mix(o, g.data, g.size)
            out = <unsigned char *> malloc(g.size + ENGINE_OVERHEAD)
            size = e.ops.signal_put(e, SIGNAL_PONG, 0, g.data, g.size, out)
            check(size >= 0 and <size_t> size <= g.size + ENGINE_OVERHEAD)
            free(out)
        return
    out = <unsigned char *> malloc(n + ENGINE_OVERHEAD)
    size = e.ops.small_put(e, f.flags, body, n, out)
    check(size >= 0 and <size_t> size <= n + ENGINE_OVERHEAD)
    if e.traits & ENGINE_CLOSES:
        free(out)       # what one side writes the other reads
        return
    check(engine_frame_get(e, out, size, &again) == 1 and again.flags == f.flags and again.size == f.size)
    check(again.header + again.size == <uint64_t> size)
    check(e.ops.body_at(e, out, size) == <size_t> again.header and memcmp(out + again.header, body, n) == 0)
    free(out)


cdef void one_piece(engine_t *e, outcome_t *o, engine_frame_t *f, const unsigned char *body) noexcept nogil:
    """A piece of a frame; the frame, if it is the last."""
    cdef msg_t whole
    cdef engine_frame_t g
    cdef int flags = 0
    msg_init(&whole)
    o.result = e.ops.piece(e, body, <size_t> f.size, PIECES_MAX, &flags, &whole)
    if o.result > 0:
        check(whole.size <= PIECES_MAX)
        o.result = 0
        g.header = 0
        g.flags = flags
        g.size = whole.size
        one_frame(e, o, &g, msg_data(&whole))
    msg_close(&whole)


cdef size_t begin(engine_t *e, outcome_t *o, const unsigned char *p, size_t n) noexcept nogil:
    """The beginning, as far as these bytes go; how many were taken."""
    cdef size_t used = 0
    o.result = e.ops.feed(e, p, n, &used)
    check(used <= n and (o.result != ENGINE_GO_ON or used == n))
    mix(o, e.out, e.out_size)
    e.ops.sent(e, e.out_size)
    check(e.out_size == 0)
    if o.result == ENGINE_READY:
        mix(o, e.peer.routing_id, e.peer.routing_id_size)
        mix_int(o, e.peer.unversioned)
        mix_int(o, e.traits)
        e.ops.settle(e)
    return used


cdef size_t traffic(engine_t *e, outcome_t *o, unsigned char *p, size_t n) noexcept nogil:
    """All whole frames; how many bytes they took."""
    cdef size_t at = 0
    cdef engine_frame_t f
    cdef int rc
    while at < n and o.result >= 0:
        rc = engine_frame_get(e, p + at, n - at, &f)
        if rc < 0:
            o.result = rc
        if rc <= 0 or f.size > n - at - f.header:
            break
        check(<size_t> f.header <= n - at)
        if e.traits & ENGINE_MASKED:
            e.ops.unmask(e, p + at + f.header, <size_t> f.size)
        if f.flags & ENGINE_PIECE:
            one_piece(e, o, &f, p + at + f.header)
        else:
            one_frame(e, o, &f, p + at + f.header)
        at += f.header + <size_t> f.size
    return at


cdef int no_random(void *out, size_t n) noexcept nogil:
    memset(out, 0x5a, n)
    return 0


cdef void drive(int kind, const engine_config_t *config, const unsigned char *p, size_t n, const unsigned char *steps,
                outcome_t *o) noexcept nogil:
    cdef engine_t *e = NULL
    cdef unsigned char *have           # what has arrived and was not taken, in a block of its exact size
    cdef size_t left = 0, at = 0, step, used
    cdef size_t turn = 0
    cdef bint ready = False
    cdef unsigned char *piece = <unsigned char *> malloc(1)
    check(engine_new(kind, config, &e) == 0)
    o.hash = 14695981039346656037ULL
    o.result = 0
    used = begin(e, o, NULL, 0)
    ready = o.result == ENGINE_READY
    while at < n and o.result >= 0:
        step = n - at
        if steps != NULL and steps[turn & 1] + <size_t> 1 < step:
            step = steps[turn & 1] + <size_t> 1
        turn += 1
        have = <unsigned char *> malloc(left + step)
        memcpy(have, piece, left)
        memcpy(have + left, p + at, step)
        free(piece)
        piece = have
        at += step
        left += step
        used = 0
        if not ready:
            used = begin(e, o, have, left)
            ready = o.result == ENGINE_READY
        if ready and o.result >= 0:
            used += traffic(e, o, have + used, left - used)
        left -= used
        have = <unsigned char *> malloc(left + 1)
        memcpy(have, piece + used, left)
        free(piece)
        piece = have
    free(piece)
    mix_int(o, ready)
    if o.result < 0:
        mix_int(o, e.event)
        mix_int(o, e.event_value)
    engine_delete(e)


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    cdef const char *before = b""
    cdef size_t before_size = 0
    cdef unsigned char *stream
    cdef engine_config_t config
    cdef engine_security_t security
    cdef pattern_ops_t ops
    cdef outcome_t whole, cut
    cdef int kind
    cdef uint8_t settings
    if size < 4 or pattern_select(data[0] % TYPE_COUNT, &ops) < 0:
        return 0
    settings = data[1] | ONLY
    if (settings & 3) == 1:
        before_size = 72
        before = (b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                  b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\x06\x05READY")
    elif (settings & 3) == 2:
        before_size = 14
        before = b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0"
    elif (settings & 3) == 3:
        before_size = 2
        before = b"\x01\0"
    memset(&config, 0, sizeof(config))
    config.random = no_random
    config.connects = (settings & 16) != 0
    config.host = config.path = b"/"
    config.host_size = config.path_size = 1
    config.who.socket_type = data[0] % TYPE_COUNT
    config.who.name = ops.name
    config.who.peers = ops.peers
    config.who.sends_identity = (ops.traits & SENDS_IDENTITY) != 0
    config.who.routing_id = <const unsigned char *> b"me"
    config.who.routing_id_size = 2 if settings & 4 else 0
    memset(&security, 0, sizeof(security))       # NULL
    config.who.security = &security
    config.who.crypto = NULL
    config.who.maxmsgsize = -1
    config.who.app_properties = NULL
    config.who.app_properties_size = 0
    kind = ENGINE_RAW if ops.traits & RAW else ENGINE_ZMTP
    if settings & 8:
        kind = ENGINE_WEBSOCKET
        before_size = 0
        if settings & 3 and not config.connects:
            before = (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
                      b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ZWS2.0/NULL\r\n\r\n\x82\x87\0\0\0\0\x02\x05READY")
            before_size = 168 + 13
        if settings & 3 == 2:
            before = (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
                      b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ZWS2.0\r\n\r\n\x82\x81\0\0\0\0\x00")
            before_size = 163 + 7
        if settings & 3 == 3:
            before_size = 168
        if config.connects:
            before = (b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: 1nwQI3IBoftOh+fG2YorpTWcrHs=\r\n"
                      b"Sec-WebSocket-Protocol: ZWS2.0\r\n\r\n\x82\x01\x00")
            before_size = 145 + 3 if settings & 3 else 0
    stream = <unsigned char *> malloc(before_size + size - 4 + 1)
    memcpy(stream, before, before_size)
    memcpy(stream + before_size, data + 4, size - 4)
    drive(kind, &config, stream, before_size + size - 4, NULL, &whole)
    drive(kind, &config, stream, before_size + size - 4, data + 2, &cut)
    free(stream)
    check(whole.hash == cut.hash and (whole.result < 0) == (cut.result < 0))
    return 0
