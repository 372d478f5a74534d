# What a ring gives back when its socket is quiet.

from base.memory cimport free
from pipe.ring cimport ring_t


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
