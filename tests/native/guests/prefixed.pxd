# A toy engine, to prove that one file and one line make an engine: `size (4) | flags | body`, byte order of the machine.
#
# The first frame of each side is its routing id. A frame with the SIGNAL flag is `kind | ttl (4) | data`.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy
from base.memory cimport calloc
from base.errors cimport ENOMEM, EPROTO
from engine.ops cimport (
    ENGINE_GO_ON, ENGINE_HEARTBEATS, ENGINE_MORE, ENGINE_READY, ENGINE_SIGNAL, engine_config_t, engine_frame_t, engine_t,
    signal_t,
)
from message.message cimport MSG_MORE, msg_t

cdef enum:
    HEADER = 5
    SIGNAL_HEADER = 5
    ID_MAX = 255


cdef struct prefixed_engine_t:
    engine_t base
    unsigned char hello[HEADER + ID_MAX]
    unsigned char peer[HEADER + ID_MAX]
    size_t have


cdef inline void prefixed_free(engine_t *e) noexcept nogil:
    pass


cdef inline size_t prefixed_head(unsigned char *out, size_t n, int flags) noexcept nogil:
    cdef uint32_t size = <uint32_t> n
    memcpy(out, &size, 4)
    out[4] = <unsigned char> flags
    return HEADER


cdef inline int prefixed_frame_get(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    cdef uint32_t size
    if n < HEADER:
        return 0
    memcpy(&size, p, 4)
    f.header = HEADER
    f.flags = p[4] & (ENGINE_MORE | ENGINE_SIGNAL)
    f.size = size
    return 1


cdef inline int prefixed_feed(engine_t *e, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    cdef prefixed_engine_t *self = <prefixed_engine_t *> e
    cdef engine_frame_t f
    used[0] = 0
    while True:
        f.size = 0
        if prefixed_frame_get(e, self.peer, self.have, &f) == 1:
            if f.size > ID_MAX:
                return -EPROTO
            if self.have == HEADER + f.size:
                e.peer.routing_id = self.peer + HEADER
                e.peer.routing_id_size = <size_t> f.size
                return ENGINE_READY
        if used[0] == n:
            return ENGINE_GO_ON
        self.peer[self.have] = p[used[0]]
        self.have += 1
        used[0] += 1


cdef inline void prefixed_sent(engine_t *e, size_t n) noexcept nogil:
    e.out += n
    e.out_size -= n


cdef inline void prefixed_settle(engine_t *e) noexcept nogil:
    pass


cdef inline ptrdiff_t prefixed_frame_put(engine_t *e, int flags, const unsigned char *body, size_t n,
                                         unsigned char *out) noexcept nogil:
    memcpy(out + prefixed_head(out, n, flags), body, n)
    return HEADER + n


cdef inline ptrdiff_t prefixed_large_put(engine_t *e, msg_t *m, unsigned char *out, msg_t *body) noexcept nogil:
    return prefixed_head(out, m.size, m.flags & MSG_MORE)


cdef inline size_t prefixed_body_at(engine_t *e, const unsigned char *frame, size_t n) noexcept nogil:
    return HEADER


cdef inline ptrdiff_t prefixed_signal_put(engine_t *e, int kind, uint32_t ttl_ds, const unsigned char *data, size_t n,
                                          unsigned char *out) noexcept nogil:
    prefixed_head(out, SIGNAL_HEADER + n, ENGINE_SIGNAL)
    out[HEADER] = <unsigned char> kind
    memcpy(out + HEADER + 1, &ttl_ds, 4)
    if n:
        memcpy(out + HEADER + SIGNAL_HEADER, data, n)
    return HEADER + SIGNAL_HEADER + n


cdef inline int prefixed_signal_get(engine_t *e, const unsigned char *body, size_t n, signal_t *g) noexcept nogil:
    if n < SIGNAL_HEADER:
        return -EPROTO
    g.kind = body[0]
    memcpy(&g.ttl_ds, body + 1, 4)
    g.data = body + SIGNAL_HEADER
    g.size = n - SIGNAL_HEADER
    return 0


cdef inline int prefixed_new(const engine_config_t *config, engine_t **out) noexcept nogil:
    cdef prefixed_engine_t *self = <prefixed_engine_t *> calloc(1, sizeof(prefixed_engine_t))
    cdef engine_t *e = &self.base
    if self == NULL:
        return -ENOMEM
    prefixed_head(self.hello, config.who.routing_id_size, 0)
    if config.who.routing_id_size:
        memcpy(self.hello + HEADER, config.who.routing_id, config.who.routing_id_size)
    e.out = self.hello
    e.out_size = HEADER + config.who.routing_id_size
    e.traits = ENGINE_HEARTBEATS
    e.ops.free = prefixed_free
    e.ops.feed = prefixed_feed
    e.ops.sent = prefixed_sent
    e.ops.settle = prefixed_settle
    e.ops.small_put = prefixed_frame_put
    e.ops.large_put = prefixed_large_put
    e.ops.body_at = prefixed_body_at
    e.ops.signal_put = prefixed_signal_put
    e.ops.frame_get = prefixed_frame_get
    e.ops.signal_get = prefixed_signal_get
    out[0] = e
    return 0
