# What a ring gives back when its socket is quiet.

from libc.stdint cimport uint64_t
from base.memory cimport free
from message.message cimport msg_t
from pipe.ring cimport ring_t, segment_t


cdef inline void ring_trim(ring_t *r) noexcept nogil:
    """Both sides held by the caller: an empty ring keeps no segment at all."""
    if r.wcount == r.rcount and r.wcount == r.pub and r.wseg != NULL:
        # rseg may lag behind wseg by one emptied segment
        if r.rseg != NULL and r.rseg != r.wseg:
            free(r.rseg)
        elif r.rseg == NULL and r.first != r.wseg:
            return
        free(r.wseg)
        if r.spare != NULL:
            free(r.spare)
        r.spare = NULL
        r.first = r.wseg = r.rseg = r.pubseg = NULL
        r.wpos = r.rpos = r.pubpos = 0


cdef inline uint64_t segment_bytes(segment_t *s) noexcept nogil:
    return sizeof(segment_t) + (s.capacity - 1) * sizeof(msg_t) if s != NULL else 0


cdef inline uint64_t ring_idle_bytes(ring_t *r) noexcept nogil:
    """How much ring_trim() would give back. Both sides held by the caller."""
    cdef uint64_t n
    if r.wcount != r.rcount or r.wcount != r.pub or r.wseg == NULL:
        return 0
    n = segment_bytes(r.wseg) + segment_bytes(r.spare)
    return n + segment_bytes(r.rseg) if r.rseg != r.wseg else n
