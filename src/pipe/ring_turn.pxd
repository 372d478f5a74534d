# Getting at the second message of a ring when the first one has begun to leave.

from libc.stdint cimport uint32_t, uint64_t
from libc.stddef cimport size_t
from base.memory cimport free, malloc
from base.atomics cimport zc_load_acquire_u64
from message.message cimport msg_t, MSG_MORE
from pipe.ring cimport ring_front, ring_t, segment_t

# A place in a ring.
cdef struct ring_place_t:
    segment_t *segment
    uint32_t at


cdef inline msg_t *place_next(ring_place_t *p) noexcept nogil:
    """The entry at the place, which moves on."""
    if p.at == p.segment.capacity:
        p.segment = p.segment.next
        p.at = 0
    p.at += 1
    return &p.segment.slots[p.at - 1]


cdef inline uint64_t place_skip(ring_place_t *p, uint64_t most) noexcept nogil:
    """To behind the end of a message. The number of its frames; 0: it does not end within `most`."""
    cdef uint64_t n = 0
    while n < most:
        n += 1
        if not place_next(p).flags & MSG_MORE:
            return n
    return 0


cdef inline bint ring_turn(ring_t *r) noexcept nogil:
    """Both sides held, and the ring is no conflating one: its first frames, up to the end of a message, change places with the message behind
    them. False: there is none, or no memory."""
    cdef uint64_t published = zc_load_acquire_u64(&r.pub) - r.rcount
    cdef uint64_t rest, whole, i, _i
    cdef ring_place_t to, source
    cdef msg_t *kept
    if ring_front(r) == NULL:
        return False
    to.segment = r.rseg
    to.at = r.rpos
    source = to
    rest = place_skip(&source, published)
    kept = <msg_t *> malloc(<size_t> rest * sizeof(msg_t))
    if kept == NULL:
        return False
    for i in range(rest):
        kept[i] = place_next(&to)[0]
    to.segment = r.rseg
    to.at = r.rpos
    whole = place_skip(&source, published - rest)
    source = to
    for _i in range(rest):
        place_next(&source)
    for _i in range(whole):
        place_next(&to)[0] = place_next(&source)[0]
    for i in range(rest if whole else 0):
        place_next(&to)[0] = kept[i]
    free(kept)
    return whole != 0
