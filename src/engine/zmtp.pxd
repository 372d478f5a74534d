# The engine of ZMTP: 1.0, 2.0 and 3.x, through the mechanism when it encodes.
#
# Rules
# - The beginning is zmtp/handshake.pxd; it is freed by settle().
# - A mechanism that encodes (mechanism_ops_t.encode) sees every frame and command after the handshake. On the wire
#   there is then one plain frame around each, with neither MORE nor COMMAND; what these bits say on receipt is ignored,
#   and those inside count.
# - To peers before 3.1 a subscription is an ordinary message, 01 or 00 and the topic.
# - Groups are joined and left by commands, to 3.0 as well, and not at all to older peers, which know no groups.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memmove
from base.memory cimport calloc, free, malloc, zc_copy

from base.errors cimport EMSGSIZE, ENOMEM
from engine.ops cimport (
    ENGINE_HEARTBEATS, ENGINE_OPAQUE, ENGINE_OVERHEAD, ENGINE_READY, ENGINE_SIGNALS_WAIT, SIGNAL_CANCEL,
    SIGNAL_SUBSCRIBE, engine_config_t, engine_forget_beginning, engine_frame_t, engine_t,
    engine_zap_t, signal_of_group, signal_t,
)
from mechanism.mechanism cimport mechanism_t
from mechanism.select cimport mechanism_delete
from message.message cimport MSG_MORE, msg_alloc, msg_close, msg_data, msg_t
from zmtp.command cimport (
    CMD_JOIN, CMD_LEAVE, command_parse, command_put, command_size, subscription_put_legacy, subscription_put_legacy_v1,
)
from zmtp.frame cimport (
    FRAME_COMMAND, FRAME_HEADER_MAX, FRAME_MORE, FRAME_SHORT_MAX, FRAME_V1_SHORT_MAX, frame_get, frame_get_v1,
    frame_put, frame_put_v1,
)
from zmtp.handshake cimport handshake_feed, handshake_free, handshake_init, handshake_t, handshake_zap_reply
from zmtp.introduction cimport introduction_take_mechanism, introduction_take_properties, introduction_zap_request
from zmtp.outgoing cimport outgoing_front, outgoing_took, outgoing_waits

cdef enum:
    # What a mechanism may add: the rest is the header of a frame, and a command's name and TTL.
    ENCODED_OVERHEAD_MAX = ENGINE_OVERHEAD - FRAME_HEADER_MAX - 12
    # Commands up to this size are encoded from the stack.
    COMMAND_ON_STACK = 256


cdef struct zmtp_engine_t:
    engine_t base               # first: a zmtp_engine_t * is an engine_t *
    handshake_t *hs             # until settle()
    mechanism_t *mechanism      # from ENGINE_READY on, if it encodes
    int version                 # 1, 2, 3
    int minor                   # of 3
    bint groups                 # as in the config, as is the next
    bint unpinged


# ---- beginning

cdef inline void zmtp_show_out(zmtp_engine_t *z) noexcept nogil:
    z.base.out = outgoing_front(&z.hs.out)
    z.base.out_size = outgoing_waits(&z.hs.out)


cdef inline int zmtp_failed(zmtp_engine_t *z, int rc) noexcept nogil:
    z.base.event = z.hs.who.event
    z.base.event_value = z.hs.who.event_value
    return rc


cdef inline int zmtp_ready(zmtp_engine_t *z) noexcept nogil:
    """The handshake is complete: what has been agreed on, and who the peer is."""
    cdef engine_t *e = &z.base
    cdef handshake_t *hs = z.hs
    if e.peer.routing_id != NULL:
        return ENGINE_READY     # asked again because not everything had left
    z.version = hs.version
    z.minor = hs.minor
    if hs.who.peer_keyed:
        e.peer.key = hs.who.peer_key
    e.peer.expected = hs.who.peer_expected
    if hs.version >= 3 and not z.unpinged:
        e.traits |= ENGINE_HEARTBEATS
    if (hs.version < 3 or hs.minor < 1) and not z.groups:
        e.traits |= ENGINE_SIGNALS_WAIT
    if hs.version >= 3 and hs.who.mechanism.ops.encode != NULL:
        if hs.who.mechanism.ops.overhead > ENCODED_OVERHEAD_MAX:
            return -EMSGSIZE
        z.mechanism = introduction_take_mechanism(&hs.who)
        e.traits |= ENGINE_OPAQUE
        if z.mechanism.ops.message_subscriptions and not z.groups:
            e.traits |= ENGINE_SIGNALS_WAIT
    e.plain = hs.version >= 2 and z.mechanism == NULL
    e.peer.properties = introduction_take_properties(&hs.who)
    e.peer.routing_id = hs.who.identity
    e.peer.routing_id_size = hs.who.identity_size
    e.peer.unversioned = hs.unversioned != 0
    return ENGINE_READY


cdef inline int zmtp_feed(engine_t *e, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    cdef zmtp_engine_t *z = <zmtp_engine_t *> e
    # The octets of nothing still need an address.
    cdef int rc = handshake_feed(z.hs, p if n else z.hs.greeting, n, used)
    zmtp_show_out(z)
    if rc < 0:
        return zmtp_failed(z, rc)
    return zmtp_ready(z) if rc == ENGINE_READY else rc


cdef inline void zmtp_sent(engine_t *e, size_t n) noexcept nogil:
    cdef zmtp_engine_t *z = <zmtp_engine_t *> e
    outgoing_took(&z.hs.out, n)
    zmtp_show_out(z)


cdef inline void zmtp_zap_request(engine_t *e, engine_zap_t *request) noexcept nogil:
    introduction_zap_request(&(<zmtp_engine_t *> e).hs.who, request)


cdef inline int zmtp_zap_reply(engine_t *e, int status) noexcept nogil:
    cdef zmtp_engine_t *z = <zmtp_engine_t *> e
    return zmtp_failed(z, handshake_zap_reply(z.hs, status))


cdef inline void zmtp_settle(engine_t *e) noexcept nogil:
    cdef zmtp_engine_t *z = <zmtp_engine_t *> e
    if z.hs != NULL:
        handshake_free(z.hs)
        free(z.hs)
        z.hs = NULL
    engine_forget_beginning(e)


cdef inline void zmtp_free(engine_t *e) noexcept nogil:
    zmtp_settle(e)
    mechanism_delete((<zmtp_engine_t *> e).mechanism)
    (<zmtp_engine_t *> e).mechanism = NULL


# ---- traffic out

cdef inline ptrdiff_t zmtp_encode(zmtp_engine_t *z, int flags, const unsigned char *body, size_t n,
                                  unsigned char *out) noexcept nogil:
    """A frame around a frame. Its length or a negative errno."""
    cdef mechanism_t *m = z.mechanism
    cdef size_t head = 2 if n + m.ops.overhead <= FRAME_SHORT_MAX else FRAME_HEADER_MAX
    cdef size_t size = 0
    cdef size_t actual
    cdef int rc = m.ops.encode(m, flags, body, n, out + head, &size)
    if rc < 0:
        return rc
    actual = frame_put(out, size, 0)
    if actual != head:
        memmove(out + actual, out + head, size)     # shorter than it might have been
        frame_put(out, size, 0)
    return <ptrdiff_t> (actual + size)


cdef inline ptrdiff_t zmtp_frame_put(engine_t *e, int flags, const unsigned char *body, size_t n,
                                     unsigned char *out) noexcept nogil:
    cdef zmtp_engine_t *z = <zmtp_engine_t *> e
    cdef int header
    if z.mechanism != NULL:
        return zmtp_encode(z, flags, body, n, out)
    if z.version >= 2:
        header = frame_put(out, n, flags)
    else:
        header = frame_put_v1(out, n, flags)
    zc_copy(out + header, body, n)
    return <ptrdiff_t> (header + n)


cdef inline ptrdiff_t zmtp_large_put(engine_t *e, msg_t *m, unsigned char *out, msg_t *body) noexcept nogil:
    cdef zmtp_engine_t *z = <zmtp_engine_t *> e
    cdef mechanism_t *how = z.mechanism
    cdef int flags = m.flags & MSG_MORE
    cdef size_t size = 0
    cdef int rc
    if how == NULL:
        return frame_put(out, m.size, flags) if z.version >= 2 else frame_put_v1(out, m.size, flags)
    if msg_alloc(body, m.size + how.ops.overhead) < 0:
        return -ENOMEM
    rc = how.ops.encode(how, flags, msg_data(m), m.size, msg_data(body), &size)
    if rc < 0:
        msg_close(body)
        return rc
    body.size = size
    return frame_put(out, size, 0)


cdef inline size_t zmtp_body_at(engine_t *e, const unsigned char *frame, size_t n) noexcept nogil:
    if (<zmtp_engine_t *> e).version >= 2:
        return 2 if n - 2 <= FRAME_SHORT_MAX else 9
    return 2 if n - 2 <= FRAME_V1_SHORT_MAX else 10


cdef inline ptrdiff_t zmtp_encode_command(zmtp_engine_t *z, int kind, uint32_t ttl_ds, const unsigned char *data,
                                          size_t n, unsigned char *out) noexcept nogil:
    cdef unsigned char on_stack[COMMAND_ON_STACK]
    cdef unsigned char *plain = on_stack
    cdef engine_frame_t f
    cdef size_t size = command_size(kind, n)
    cdef ptrdiff_t rc
    if size > COMMAND_ON_STACK:
        plain = <unsigned char *> malloc(size)
        if plain == NULL:
            return -ENOMEM
    command_put(plain, kind, ttl_ds, data, n)
    frame_get(plain, size, &f)
    rc = zmtp_encode(z, FRAME_COMMAND, plain + f.header, <size_t> f.size, out)
    if plain != on_stack:
        free(plain)
    return rc


cdef inline ptrdiff_t zmtp_encode_legacy(zmtp_engine_t *z, bint add, const unsigned char *topic, size_t n,
                                         unsigned char *out) noexcept nogil:
    """A subscription as message, encoded."""
    cdef unsigned char *plain = <unsigned char *> malloc(n + 1)
    cdef ptrdiff_t rc
    if plain == NULL:
        return -ENOMEM
    plain[0] = 1 if add else 0
    if n:
        memcpy(plain + 1, topic, n)
    rc = zmtp_encode(z, 0, plain, n + 1, out)
    free(plain)
    return rc


cdef inline ptrdiff_t zmtp_signal_put(engine_t *e, int kind, uint32_t ttl_ds, const unsigned char *data, size_t n,
                                      unsigned char *out) noexcept nogil:
    cdef zmtp_engine_t *z = <zmtp_engine_t *> e
    cdef bint add = kind == SIGNAL_SUBSCRIBE
    if e.traits & ENGINE_SIGNALS_WAIT and (add or kind == SIGNAL_CANCEL):
        if z.mechanism != NULL:
            return zmtp_encode_legacy(z, add, data, n, out)
        if z.version >= 2:
            return <ptrdiff_t> subscription_put_legacy(out, add, data, n)
        return <ptrdiff_t> subscription_put_legacy_v1(out, add, data, n)
    if z.version < 3:
        return 0
    if z.groups and (add or kind == SIGNAL_CANCEL):
        kind = CMD_JOIN if add else CMD_LEAVE
    if z.mechanism != NULL:
        return zmtp_encode_command(z, kind, ttl_ds, data, n, out)
    return <ptrdiff_t> command_put(out, kind, ttl_ds, data, n)


# ---- traffic in

cdef inline int zmtp_frame_get(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    if (<zmtp_engine_t *> e).version < 2:
        return frame_get_v1(p, n, f)
    return frame_get(p, n, f)


cdef inline int zmtp_frame_open(engine_t *e, unsigned char *body, size_t n, int *flags, unsigned char **plain,
                                size_t *size) noexcept nogil:
    cdef mechanism_t *m = (<zmtp_engine_t *> e).mechanism
    cdef int rc = m.ops.decode(m, body, n, flags, plain, size)
    if rc < 0:
        e.event = m.event
        e.event_value = m.event_value
    flags[0] &= FRAME_MORE | FRAME_COMMAND
    return rc


cdef inline int zmtp_signal_get(engine_t *e, const unsigned char *body, size_t n, signal_t *g) noexcept nogil:
    cdef int rc
    if n == 0:
        g.kind = 0
        return 0
    rc = command_parse(body, n, g)
    if (<zmtp_engine_t *> e).groups:
        signal_of_group(g)
    return rc


# ---- life

cdef inline int zmtp_new(const engine_config_t *config, engine_t **out) noexcept nogil:
    """0; -EINVAL, -ENOTSUP (mechanism), -ENOMEM."""
    cdef zmtp_engine_t *z = <zmtp_engine_t *> calloc(1, sizeof(zmtp_engine_t))
    cdef engine_t *e
    cdef int rc
    if z == NULL:
        return -ENOMEM
    e = &z.base
    z.groups = config.who.groups
    z.unpinged = config.who.unpinged
    z.hs = <handshake_t *> malloc(sizeof(handshake_t))
    if z.hs == NULL:
        free(z)
        return -ENOMEM
    rc = handshake_init(z.hs, &config.who)
    if rc < 0:
        zmtp_free(e)
        free(z)
        return rc
    e.ops.free = zmtp_free
    e.ops.feed = zmtp_feed
    e.ops.sent = zmtp_sent
    e.ops.zap_request = zmtp_zap_request
    e.ops.zap_reply = zmtp_zap_reply
    e.ops.settle = zmtp_settle
    e.ops.small_put = zmtp_frame_put
    e.ops.large_put = zmtp_large_put
    e.ops.body_at = zmtp_body_at
    e.ops.signal_put = zmtp_signal_put
    e.ops.frame_get = zmtp_frame_get
    e.ops.frame_open = zmtp_frame_open
    e.ops.signal_get = zmtp_signal_get
    zmtp_show_out(z)
    out[0] = e
    return 0
