# The engine of frames without a conversation: those of ZMTP/1.0 and nothing else, one way. For a transport that has many
# readers and no connection to any of them.
#
# Rules
# - There is no beginning: who is there is not known, and need not be. Whoever reads filters by itself, so a publisher
#   sends everything.
# - There are no signals.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy
from base.errors cimport ENOMEM
from base.memory cimport calloc
from engine.ops cimport ENGINE_READY, engine_frame_t, engine_t, signal_t
from message.message cimport MSG_MORE, msg_t
from zmtp.frame cimport FRAME_V1_SHORT_MAX, frame_get_v1, frame_put_v1


cdef inline void frames_nothing(engine_t *e) noexcept nogil:
    """free and settle: it owns nothing"""
    pass


cdef inline int frames_feed(engine_t *e, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    used[0] = 0
    return ENGINE_READY


cdef inline void frames_sent(engine_t *e, size_t n) noexcept nogil:
    pass    # `out` is always empty


cdef inline ptrdiff_t frames_small_put(engine_t *e, int flags, const unsigned char *body, size_t n,
                                       unsigned char *out) noexcept nogil:
    cdef int header = frame_put_v1(out, n, flags)
    memcpy(out + header, body, n)
    return <ptrdiff_t> (header + n)


cdef inline ptrdiff_t frames_large_put(engine_t *e, msg_t *m, unsigned char *out, msg_t *body) noexcept nogil:
    return frame_put_v1(out, m.size, m.flags & MSG_MORE)


cdef inline size_t frames_body_at(engine_t *e, const unsigned char *frame, size_t n) noexcept nogil:
    return 2 if n - 2 <= FRAME_V1_SHORT_MAX else 10


cdef inline ptrdiff_t frames_signal_put(engine_t *e, int kind, uint32_t ttl_ds, const unsigned char *data, size_t n,
                                        unsigned char *out) noexcept nogil:
    return 0


cdef inline int frames_frame_get(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    return frame_get_v1(p, n, f)


cdef inline int frames_signal_get(engine_t *e, const unsigned char *body, size_t n, signal_t *g) noexcept nogil:
    g.kind = 0
    return 0


cdef inline int frames_new(engine_t **out) noexcept nogil:
    """0 or -ENOMEM."""
    cdef engine_t *e = <engine_t *> calloc(1, sizeof(engine_t))
    if e == NULL:
        return -ENOMEM
    e.peer.unversioned = True
    e.ops.free = frames_nothing
    e.ops.feed = frames_feed
    e.ops.sent = frames_sent
    e.ops.settle = frames_nothing
    e.ops.small_put = frames_small_put
    e.ops.large_put = frames_large_put
    e.ops.body_at = frames_body_at
    e.ops.signal_put = frames_signal_put
    e.ops.frame_get = frames_frame_get
    e.ops.signal_get = frames_signal_get
    out[0] = e
    return 0
