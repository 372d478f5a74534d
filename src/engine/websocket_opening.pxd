# The opening of a WebSocket connection: from the first byte to the first message.
#
# Rules
# - Any fragmentation gives the same result. Any error is final.
#
#     stage       | waits for                          | then
#     ------------+------------------------------------+----------------------------------------------------------
#     HEAD        | the blank line behind a request    | (the client's request is said at the start) the server answers
#     COMMANDS    | the mechanism's steps              | DONE
#     ROUTING_ID  | one frame, the peer's routing id   | DONE; without mechanism each side sends its own unasked
#
# - Ping, pong and close may come at any time behind the head. Pongs wait their turn up to a limit; who asks on without
#   reading is not answered.
# - Announced lengths are checked against MAXMSGSIZE and a limit of our own, and never reserved.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint64_t
from base.config cimport ROUTING_ID_MAX
from base.memory cimport calloc, free

from base.errors cimport EMSGSIZE, ENOMEM, ENOTSUP, EPIPE, EPROTO
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_PROTOCOL
from engine.ops cimport (
    ENGINE_AUTHENTICATE, ENGINE_GO_ON, ENGINE_READY, ENGINE_SIGNAL, engine_config_t, engine_frame_t,
)
from engine.websocket_accept cimport WS_NONCE_SIZE, base64_put
from engine.websocket_frame cimport WS_CLOSE, WS_CONTINUATION, WS_CONTROL, WS_HEADER_MAX, WS_PING, WS_PONG
from engine.websocket_http cimport http_free, http_line, http_text_t
from engine.websocket_state cimport (
    ZWS_HEADER_MAX, opening_t, websocket_control_put, websocket_draw, websocket_frame_put, websocket_t, websocket_unmask,
)
from engine.websocket_upgrade cimport (
    UPGRADE_BAD, UPGRADE_TOO_LONG, WS_UNSPECIFIED, upgrade_accepted, upgrade_decline, upgrade_init, upgrade_request,
    upgrade_requested, upgrade_take,
)
from mechanism.mechanism cimport MECHANISM_AUTHENTICATE, MECHANISM_READY, mechanism_t
from mechanism.select cimport mechanism_has_subprotocol
from message.message cimport msg_close, msg_data
from zmtp.decoder cimport decoder_begin, decoder_free, decoder_next
from zmtp.introduction cimport (
    HANDSHAKE_COMMAND_MAX, introduction_free, introduction_hear, introduction_init,
    introduction_limit, introduction_name, introduction_own_id, introduction_ready, introduction_say,
)
from zmtp.outgoing cimport outgoing_free, outgoing_room, outgoing_waits

cdef enum:
    OPENING_HEAD = 0
    OPENING_COMMANDS = 1
    OPENING_ROUTING_ID = 2
    OPENING_DONE = 3

    # With so much unsent no further ping is answered.
    OPENING_OUT_MAX = 4096
    # A peer may ask whether we are there while it waits for an answer. With more it only keeps us from looking at the clock.
    OPENING_CONTROLS_MAX = 64


cdef inline int opening_get(void *arg, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    """decoder_header_fn"""
    cdef websocket_t *z = <websocket_t *> arg
    return z.base.ops.frame_get(&z.base, p, n, f) if n else 0


# ---- life

cdef inline int opening_ask(websocket_t *z, const engine_config_t *config) noexcept nogil:
    """The client's request. 0 or a negative errno."""
    cdef opening_t *o = z.opening
    cdef unsigned char nonce[WS_NONCE_SIZE]
    cdef int rc = websocket_draw(z, nonce, WS_NONCE_SIZE)
    if rc < 0:
        return rc
    base64_put(nonce, WS_NONCE_SIZE, o.upgrade.key)
    return upgrade_request(&o.upgrade, &o.out, config.host, config.host_size, config.path, config.path_size)


cdef inline int opening_new(websocket_t *z, const engine_config_t *config) noexcept nogil:
    """0; -EINVAL, -ENOTSUP (mechanism), -ENOMEM. opening_delete() is due in any case."""
    cdef opening_t *o = <opening_t *> calloc(1, sizeof(opening_t))
    cdef mechanism_t *m
    cdef int rc
    z.opening = o
    if o == NULL:
        return -ENOMEM
    if not mechanism_has_subprotocol(config.who.security):
        return -ENOTSUP
    rc = introduction_init(&o.who, &config.who)
    if rc < 0:
        return rc
    m = o.who.mechanism
    upgrade_init(&o.upgrade, config.connects, m.ops.name, m.ops.legacy_peers != 0)
    return opening_ask(z, config) if config.connects else 0


cdef inline void opening_delete(websocket_t *z) noexcept nogil:
    """May be called again."""
    cdef opening_t *o = z.opening
    if o == NULL:
        return
    introduction_free(&o.who)
    http_free(&o.head)
    msg_close(&o.whole)
    decoder_free(&o.decoder)
    outgoing_free(&o.out)
    free(o)
    z.opening = NULL


# ---- what is said

cdef inline int opening_said(opening_t *o, ptrdiff_t n) noexcept nogil:
    """A frame of n bytes stands in the room behind what waits, or n is a negative errno. 0 or that."""
    if n > 0:
        o.out.size += n
    return <int> n if n < 0 else 0


cdef inline int opening_say_commands(websocket_t *z) noexcept nogil:
    """Queue all that the mechanism has to say now. 0 or a negative errno."""
    cdef opening_t *o = z.opening
    cdef unsigned char *plain = NULL
    cdef unsigned char *to
    cdef size_t room = 0, size = 0
    cdef int rc
    while True:
        # The first call, without room, tells the size of the command.
        to = outgoing_room(&o.out, ZWS_HEADER_MAX + 2 * room)
        if to == NULL:
            return -ENOMEM
        plain = to + ZWS_HEADER_MAX + room
        rc = introduction_say(&o.who, plain, room, &size)
        if rc <= 0:
            return rc
        if size > room:
            room = size
            continue
        rc = opening_said(o, websocket_frame_put(z, ENGINE_SIGNAL, plain, size, to))
        if rc < 0:
            return rc
        room = 0


cdef inline int opening_say_id(websocket_t *z) noexcept nogil:
    cdef opening_t *o = z.opening
    cdef size_t n = o.who.own_id_size
    cdef unsigned char *to = outgoing_room(&o.out, ZWS_HEADER_MAX + n)
    if to == NULL:
        return -ENOMEM
    return opening_said(o, websocket_frame_put(z, 0, introduction_own_id(&o.who), n, to))


cdef inline int opening_control(websocket_t *z, const unsigned char *data, size_t n) noexcept nogil:
    """A control frame has come. 0 or a negative errno."""
    cdef opening_t *o = z.opening
    cdef int opcode = WS_PONG if z.opcode == WS_PING else WS_CLOSE
    cdef unsigned char *to
    cdef int rc
    o.controls += 1
    if o.controls > OPENING_CONTROLS_MAX:
        return opening_refused(o, -EPROTO)
    if z.opcode == WS_PONG:
        return 0
    if outgoing_waits(&o.out) > OPENING_OUT_MAX:
        return -EPIPE if opcode == WS_CLOSE else 0
    to = outgoing_room(&o.out, WS_HEADER_MAX + n)
    if to == NULL:
        return -ENOMEM
    rc = opening_said(o, websocket_control_put(z, opcode, data, n, to))
    return -EPIPE if rc == 0 and opcode == WS_CLOSE else rc


# ---- what is heard

cdef inline int opening_refused(opening_t *o, int rc) noexcept nogil:
    """There will be no WebSocket. Returns rc."""
    if rc == -EPROTO or rc == -EMSGSIZE:
        o.who.event = EVENT_HANDSHAKE_FAILED_PROTOCOL
        o.who.event_value = WS_UNSPECIFIED
    return rc


cdef inline int opening_upgraded(websocket_t *z) noexcept nogil:
    """The head's last line has been read. 0 or a negative errno."""
    cdef opening_t *o = z.opening
    cdef int rc = upgrade_accepted(&o.upgrade) if z.masks else upgrade_requested(&o.upgrade, &o.out)
    if rc < 0:
        return opening_refused(o, rc)
    http_free(&o.head)
    o.stage = OPENING_ROUTING_ID if o.upgrade.bare else OPENING_COMMANDS
    decoder_begin(
        &o.decoder, opening_get, z, True,
        introduction_limit(&o.who, ROUTING_ID_MAX if o.upgrade.bare else HANDSHAKE_COMMAND_MAX))
    return opening_say_id(z) if o.upgrade.bare else 0


cdef inline int opening_head(websocket_t *z, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """Lines of the head, until there are no more. 0 or a negative errno."""
    cdef opening_t *o = z.opening
    cdef http_text_t line
    cdef size_t taken = 0
    cdef int rc
    while o.stage == OPENING_HEAD:
        rc = http_line(&o.head, p + used[0], n - used[0], &taken, &line)
        used[0] += taken
        if rc == 0:
            return 0
        if rc > 0 and line.n == 0:
            rc = opening_upgraded(z)
            if rc < 0:
                return rc
            continue
        if rc > 0 and upgrade_take(&o.upgrade, &line):
            continue
        if (rc == -EPROTO or rc == -EMSGSIZE) and not z.masks:
            if upgrade_decline(UPGRADE_TOO_LONG if rc == -EMSGSIZE else UPGRADE_BAD, &o.out) < 0:
                return -ENOMEM
        return opening_refused(o, -EPROTO if rc > 0 else rc)
    return 0


cdef inline int opening_frame(websocket_t *z, const unsigned char *p, size_t n, size_t *used, int *flags,
                              const unsigned char **body, size_t *size) noexcept nogil:
    """The next frame that is no control frame. 1, 0: more bytes needed, or a negative errno."""
    cdef opening_t *o = z.opening
    cdef size_t taken = 0
    cdef int rc
    msg_close(&o.whole)
    while True:
        rc = decoder_next(&o.decoder, p + used[0], n - used[0], &taken, flags, body, size)
        used[0] += taken
        if rc <= 0:
            return rc
        websocket_unmask(z, <unsigned char *> body[0], size[0])     # the decoder keeps bodies apart
        if z.opcode == WS_CONTINUATION:
            rc = z.base.ops.piece(&z.base, body[0], size[0], <uint64_t> o.decoder.limit, flags, &o.whole)
            if rc > 0:
                body[0] = msg_data(&o.whole)
                size[0] = o.whole.size
                return 1
        elif z.opcode & WS_CONTROL:
            rc = opening_control(z, body[0], size[0])
        else:
            return 1
        if rc < 0:
            return rc


cdef inline int opening_commands(websocket_t *z, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """ENGINE_... or a negative errno."""
    cdef opening_t *o = z.opening
    cdef mechanism_t *m = o.who.mechanism
    cdef const unsigned char *body = NULL
    cdef size_t size = 0
    cdef int flags = 0
    cdef int rc
    while True:
        rc = opening_say_commands(z)
        if rc < 0:
            return rc
        if m.state == MECHANISM_READY:
            rc = introduction_ready(&o.who)
            if rc == 0:
                o.stage = OPENING_DONE
            return rc if rc < 0 else ENGINE_READY
        if m.state == MECHANISM_AUTHENTICATE:
            return ENGINE_AUTHENTICATE
        rc = opening_frame(z, p, n, used, &flags, &body, &size)
        if rc > 0:
            rc = introduction_hear(&o.who, flags, body, size)
        elif rc == 0:
            return ENGINE_GO_ON
        if rc < 0:
            return rc


cdef inline int opening_routing_id(websocket_t *z, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """ENGINE_... or a negative errno."""
    cdef opening_t *o = z.opening
    cdef const unsigned char *body = NULL
    cdef size_t size = 0
    cdef int flags = 0
    cdef int rc = opening_frame(z, p, n, used, &flags, &body, &size)
    if rc <= 0:
        return rc
    rc = -EPROTO if flags else introduction_name(&o.who, body, size)
    if rc < 0:
        return rc
    o.stage = OPENING_DONE
    return ENGINE_READY


cdef inline int opening_feed(websocket_t *z, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """engine_ops_t.feed"""
    cdef opening_t *o = z.opening
    cdef int rc = ENGINE_GO_ON
    used[0] = 0
    if o.error:
        return o.error
    if o.stage == OPENING_DONE:
        return ENGINE_READY
    if o.stage == OPENING_HEAD:
        rc = opening_head(z, p, n, used)
    if rc == 0 and o.stage == OPENING_COMMANDS:
        rc = opening_commands(z, p, n, used)
    elif rc == 0 and o.stage == OPENING_ROUTING_ID:
        rc = opening_routing_id(z, p, n, used)
    if rc < 0:
        o.error = rc
    return rc
