# The engine of WebSocket: ZWS/2.0 (RFC 45), with or without a mechanism.
#
# Rules
# - The opening is websocket_opening.pxd; it is freed by settle(). Frames are websocket_state.pxd.
# - A mechanism that encodes sees every frame and command after the opening. On the wire there is then one frame around
#   each, without flags; what flags say on receipt is ignored, and those inside count.
# - A subscription is a message, 01 or 00 and the topic, whatever the mechanism: deployed peers drop the command, and we take
#   both. Groups are joined and left by commands.
# - A heartbeat is a ping, which has no time to live; its answer repeats what it holds.
# - A close is answered with one, and is the end.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memmove
from base.memory cimport calloc, free, malloc

from base.errors cimport EMSGSIZE, ENOMEM, EPROTO
from engine.ops cimport (
    ENGINE_CLOSES, ENGINE_HEARTBEATS, ENGINE_MASKED, ENGINE_OPAQUE, ENGINE_OVERHEAD, ENGINE_READY, ENGINE_SIGNAL, ENGINE_SIGNALS_WAIT,
    ENGINE_PIECE, SIGNAL_CANCEL, SIGNAL_CLOSE, SIGNAL_PING, SIGNAL_PONG, SIGNAL_SUBSCRIBE, engine_config_t, engine_frame_t,
    engine_t, engine_forget_beginning, engine_zap_t, signal_of_group, signal_t,
)
from engine.websocket_frame cimport (
    WS_BINARY, WS_CLOSE, WS_CONTINUATION, WS_CONTROL_MAX, WS_MASK_SIZE, WS_PING, WS_PONG, ws_frame_t, ws_header_get, ws_header_size,
    ws_mask, ws_mask_copy, ws_mask_turn,
)
from engine.websocket_opening cimport opening_delete, opening_feed, opening_new
from engine.websocket_pieces cimport pieces_free, pieces_get_whole, pieces_take
from engine.websocket_state cimport (
    ZWS_HEADER_MAX, opening_t, websocket_control_put, websocket_frame_put, websocket_header, websocket_t, websocket_unmask,
)
from mechanism.mechanism cimport mechanism_t
from mechanism.select cimport mechanism_delete
from message.message cimport MSG_MORE, msg_alloc, msg_close, msg_data, msg_t
from zmtp.command cimport CMD_JOIN, CMD_LEAVE, command_parse, command_put
from zmtp.frame cimport frame_get
from zmtp.introduction cimport (
    introduction_take_mechanism, introduction_take_properties, introduction_zap_reply, introduction_zap_request,
)
from zmtp.outgoing cimport outgoing_front, outgoing_took, outgoing_waits

cdef enum:
    WEBSOCKET_ENCODED_MAX = ENGINE_OVERHEAD - ZWS_HEADER_MAX - 8       # what a mechanism may add; a JOIN has its name besides


# ---- beginning

cdef inline void websocket_show_out(websocket_t *z) noexcept nogil:
    z.base.out = outgoing_front(&z.opening.out)
    z.base.out_size = outgoing_waits(&z.opening.out)


cdef inline int websocket_failed(websocket_t *z, int rc) noexcept nogil:
    z.base.event = z.opening.who.event
    z.base.event_value = z.opening.who.event_value
    return rc


cdef inline int websocket_ready(websocket_t *z) noexcept nogil:
    """The opening is complete: what has been agreed on, and who the peer is."""
    cdef engine_t *e = &z.base
    cdef opening_t *o = z.opening
    cdef mechanism_t *m = o.who.mechanism
    if e.peer.routing_id != NULL:
        return ENGINE_READY     # asked again because not everything had left
    if o.who.peer_keyed:
        e.peer.key = o.who.peer_key
    e.peer.expected = o.who.peer_expected
    e.traits = ENGINE_HEARTBEATS | ENGINE_CLOSES
    if not z.groups:
        e.traits |= ENGINE_SIGNALS_WAIT
    if not o.upgrade.bare and m.ops.encode != NULL:
        if m.ops.overhead > WEBSOCKET_ENCODED_MAX:
            return -EMSGSIZE
        z.mechanism = introduction_take_mechanism(&o.who)
        e.traits |= ENGINE_OPAQUE
    elif not z.masks:
        e.traits |= ENGINE_MASKED
    if z.masks and z.mechanism == NULL:
        e.ops.reveal = websocket_reveal
    e.peer.properties = introduction_take_properties(&o.who)
    e.peer.routing_id = o.who.identity
    e.peer.routing_id_size = o.who.identity_size
    return ENGINE_READY


cdef inline int websocket_feed(engine_t *e, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    cdef websocket_t *z = <websocket_t *> e
    # The bytes of nothing still need an address.
    cdef int rc = opening_feed(z, p if n else z.random_bytes, n, used)
    websocket_show_out(z)
    if rc < 0:
        return websocket_failed(z, rc)
    return websocket_ready(z) if rc == ENGINE_READY else rc


cdef inline void websocket_sent(engine_t *e, size_t n) noexcept nogil:
    cdef websocket_t *z = <websocket_t *> e
    outgoing_took(&z.opening.out, n)
    websocket_show_out(z)


cdef inline void websocket_zap_request(engine_t *e, engine_zap_t *request) noexcept nogil:
    introduction_zap_request(&(<websocket_t *> e).opening.who, request)


cdef inline int websocket_zap_reply(engine_t *e, int status) noexcept nogil:
    cdef websocket_t *z = <websocket_t *> e
    cdef int rc = z.opening.error
    if rc:
        return rc
    rc = introduction_zap_reply(&z.opening.who, status)
    if rc < 0:
        z.opening.error = rc
    return websocket_failed(z, rc)


cdef inline void websocket_settle(engine_t *e) noexcept nogil:
    opening_delete(<websocket_t *> e)
    engine_forget_beginning(e)


cdef inline void websocket_free(engine_t *e) noexcept nogil:
    websocket_settle(e)
    pieces_free(<websocket_t *> e)
    mechanism_delete((<websocket_t *> e).mechanism)
    (<websocket_t *> e).mechanism = NULL


# ---- traffic out

cdef inline ptrdiff_t websocket_encode(websocket_t *z, int flags, const unsigned char *body, size_t n,
                                       unsigned char *out) noexcept nogil:
    """A frame around a frame. Its length or a negative errno."""
    cdef mechanism_t *m = z.mechanism
    cdef size_t room = ws_header_size(n + m.ops.overhead + 1, z.masks) + 1
    cdef unsigned char mask[WS_MASK_SIZE]
    cdef size_t size = 0
    cdef ptrdiff_t head
    cdef int rc = m.ops.encode(m, flags, body, n, out + room, &size)
    if rc < 0:
        return rc
    head = websocket_header(z, 0, size, out, mask)
    if head < 0:
        return head
    if <size_t> head != room:
        memmove(out + head, out + room, size)       # shorter than it might have been
    if z.masks:
        ws_mask(out + head, size, mask)
    return head + <ptrdiff_t> size


cdef inline ptrdiff_t websocket_small_put(engine_t *e, int flags, const unsigned char *body, size_t n,
                                          unsigned char *out) noexcept nogil:
    cdef websocket_t *z = <websocket_t *> e
    if z.mechanism != NULL:
        return websocket_encode(z, flags, body, n, out)
    return websocket_frame_put(z, flags, body, n, out)


cdef inline ptrdiff_t websocket_large_put(engine_t *e, msg_t *m, unsigned char *out, msg_t *body) noexcept nogil:
    cdef websocket_t *z = <websocket_t *> e
    cdef mechanism_t *how = z.mechanism
    cdef unsigned char mask[WS_MASK_SIZE]
    cdef int flags = m.flags & MSG_MORE
    cdef size_t size = m.size
    cdef ptrdiff_t header
    cdef int rc
    if how == NULL and not z.masks:
        return websocket_header(z, flags, m.size, out, mask)
    if msg_alloc(body, m.size + (how.ops.overhead if how != NULL else 0)) < 0:
        return -ENOMEM
    if how != NULL:
        rc = how.ops.encode(how, flags, msg_data(m), m.size, msg_data(body), &size)
        if rc < 0:
            msg_close(body)
            return rc
        body.size = size
        flags = 0
    header = websocket_header(z, flags, size, out, mask)
    if header < 0:
        msg_close(body)
    elif how == NULL:
        ws_mask_copy(msg_data(body), msg_data(m), size, mask)
    elif z.masks:
        ws_mask(msg_data(body), size, mask)
    return header


cdef inline size_t websocket_body_at(engine_t *e, const unsigned char *frame, size_t n) noexcept nogil:
    cdef ws_frame_t w
    ws_header_get(frame, n, (<websocket_t *> e).masks, &w)
    return w.header + 1


cdef inline void websocket_reveal(engine_t *e, const unsigned char *frame, unsigned char *body, size_t n) noexcept nogil:
    """engine_ops_t.reveal, of a client."""
    cdef ws_frame_t w
    ws_header_get(frame, ZWS_HEADER_MAX, True, &w)
    ws_mask_turn(w.mask)
    ws_mask(body, n, w.mask)


cdef inline ptrdiff_t websocket_subscription_put(websocket_t *z, bint add, const unsigned char *topic, size_t n,
                                                 unsigned char *out) noexcept nogil:
    """A message, or the command of a group. Its length or a negative errno."""
    cdef unsigned char *plain = <unsigned char *> malloc(n + ENGINE_OVERHEAD)
    cdef engine_frame_t f
    cdef ptrdiff_t rc
    if plain == NULL:
        return -ENOMEM
    if z.groups:
        rc = command_put(plain, CMD_JOIN if add else CMD_LEAVE, 0, topic, n)
        frame_get(plain, rc, &f)
        rc = websocket_small_put(&z.base, ENGINE_SIGNAL, plain + f.header, <size_t> f.size, out)
    else:
        plain[0] = 1 if add else 0
        if n:
            memcpy(plain + 1, topic, n)
        rc = websocket_small_put(&z.base, 0, plain, n + 1, out)
    free(plain)
    return rc


cdef inline ptrdiff_t websocket_signal_put(engine_t *e, int kind, uint32_t ttl_ds, const unsigned char *data, size_t n,
                                           unsigned char *out) noexcept nogil:
    cdef websocket_t *z = <websocket_t *> e
    if kind == SIGNAL_SUBSCRIBE or kind == SIGNAL_CANCEL:
        return websocket_subscription_put(z, kind == SIGNAL_SUBSCRIBE, data, n, out)
    if n > WS_CONTROL_MAX:
        n = WS_CONTROL_MAX
    if kind == SIGNAL_PING:
        return websocket_control_put(z, WS_PING, data, n, out)
    if kind == SIGNAL_PONG:
        return websocket_control_put(z, WS_PONG, data, n, out)
    if kind == SIGNAL_CLOSE:
        return websocket_control_put(z, WS_CLOSE, data, n, out)
    return 0


# ---- traffic in

cdef inline void websocket_body_unmask(engine_t *e, unsigned char *body, size_t n) noexcept nogil:
    websocket_unmask(<websocket_t *> e, body, n)


cdef inline int websocket_frame_open(engine_t *e, unsigned char *body, size_t n, int *flags, unsigned char **plain,
                                     size_t *size) noexcept nogil:
    cdef websocket_t *z = <websocket_t *> e
    cdef mechanism_t *m = z.mechanism
    cdef int rc
    websocket_unmask(z, body, n)
    if z.opcode != WS_BINARY:
        flags[0] = ENGINE_PIECE if z.opcode == WS_CONTINUATION else ENGINE_SIGNAL
        plain[0] = body
        size[0] = n
        return 0
    rc = m.ops.decode(m, body, n, flags, plain, size)
    if rc < 0:
        e.event = m.event
        e.event_value = m.event_value
    return rc


cdef inline int websocket_signal_get(engine_t *e, const unsigned char *body, size_t n, signal_t *g) noexcept nogil:
    cdef websocket_t *z = <websocket_t *> e
    cdef int opcode = z.opcode
    cdef int rc
    g.ttl_ds = 0
    g.data = body
    g.size = n
    if opcode == WS_BINARY:
        rc = command_parse(body, n, g)
        if g.kind == SIGNAL_PING or g.kind == SIGNAL_PONG:
            g.kind = 0          # heartbeats are not commands here
        elif z.groups:
            signal_of_group(g)
        return rc
    g.kind = SIGNAL_PING if opcode == WS_PING else SIGNAL_PONG if opcode == WS_PONG else SIGNAL_CLOSE
    return -EPROTO if opcode == WS_CLOSE and n == 1 else 0      # half a status


# ---- life

cdef inline int websocket_new(const engine_config_t *config, engine_t **out) noexcept nogil:
    """0; -EINVAL, -ENOTSUP (mechanism), -ENOMEM, or what `random` says."""
    cdef websocket_t *z = <websocket_t *> calloc(1, sizeof(websocket_t))
    cdef engine_t *e
    cdef int rc
    if z == NULL:
        return -ENOMEM
    e = &z.base
    z.masks = config.connects
    z.groups = config.who.groups
    z.random = config.random
    e.ops.frame_get = pieces_get_whole
    e.ops.piece = pieces_take
    rc = opening_new(z, config)
    if rc < 0:
        websocket_free(e)
        free(z)
        return rc
    e.ops.free = websocket_free
    e.ops.feed = websocket_feed
    e.ops.sent = websocket_sent
    e.ops.zap_request = websocket_zap_request
    e.ops.zap_reply = websocket_zap_reply
    e.ops.settle = websocket_settle
    e.ops.small_put = websocket_small_put
    e.ops.large_put = websocket_large_put
    e.ops.body_at = websocket_body_at
    e.ops.signal_put = websocket_signal_put
    e.ops.unmask = websocket_body_unmask
    e.ops.frame_open = websocket_frame_open
    e.ops.signal_get = websocket_signal_get
    websocket_show_out(z)
    out[0] = e
    return 0
