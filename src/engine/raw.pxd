# The engine of raw bytes: what is written goes out as it is, and what one read brings is one message.
#
# Rules
# - There is no beginning: the connection is ready at once, and nothing is known of the peer.
# - Boundaries mean nothing. A message of several frames is their bytes one after the other, an empty one is nothing.
# - There are no signals.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy
from base.memory cimport calloc
from base.errors cimport ENOMEM
from engine.ops cimport ENGINE_READY, ENGINE_STREAM, engine_frame_t, engine_t, signal_t
from message.message cimport msg_t


cdef inline void raw_free(engine_t *e) noexcept nogil:
    pass    # owns nothing


cdef inline int raw_feed(engine_t *e, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    used[0] = 0
    return ENGINE_READY


cdef inline void raw_sent(engine_t *e, size_t n) noexcept nogil:
    pass    # `out` is always empty


cdef inline void raw_settle(engine_t *e) noexcept nogil:
    pass


cdef inline ptrdiff_t raw_frame_put(engine_t *e, int flags, const unsigned char *body, size_t n,
                                    unsigned char *out) noexcept nogil:
    memcpy(out, body, n)
    return <ptrdiff_t> n


cdef inline ptrdiff_t raw_large_put(engine_t *e, msg_t *m, unsigned char *out, msg_t *body) noexcept nogil:
    return 0    # no header


cdef inline size_t raw_body_at(engine_t *e, const unsigned char *frame, size_t n) noexcept nogil:
    return 0


cdef inline ptrdiff_t raw_signal_put(engine_t *e, int kind, uint32_t ttl_ds, const unsigned char *data, size_t n,
                                     unsigned char *out) noexcept nogil:
    return 0


cdef inline int raw_frame_get(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    f.header = 0
    f.flags = 0
    f.size = n
    return 1


cdef inline int raw_signal_get(engine_t *e, const unsigned char *body, size_t n, signal_t *g) noexcept nogil:
    g.kind = 0
    return 0


cdef inline int raw_new(engine_t **out) noexcept nogil:
    """0 or -ENOMEM."""
    cdef engine_t *e = <engine_t *> calloc(1, sizeof(engine_t))
    if e == NULL:
        return -ENOMEM
    e.traits = ENGINE_STREAM
    e.ops.free = raw_free
    e.ops.feed = raw_feed
    e.ops.sent = raw_sent
    e.ops.settle = raw_settle
    e.ops.small_put = raw_frame_put
    e.ops.large_put = raw_large_put
    e.ops.body_at = raw_body_at
    e.ops.signal_put = raw_signal_put
    e.ops.frame_get = raw_frame_get
    e.ops.signal_get = raw_signal_get
    out[0] = e
    return 0
