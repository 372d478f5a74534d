# What makes another ring of a ring: turning it into a conflating one, and moving a message that is being written.
#
# Rules
# - Both sides are held by the caller, except for ring_begin(), which is for the consumer.
# - A conflating ring has no mark and no charge: it holds one message.

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport calloc, free
from base.errors cimport ENOMEM
from message.message cimport msg_t, msg_close, MSG_EMPTY
from pipe.ring cimport (
    conflate_t, only_grow, ring_commit, ring_free, ring_front, ring_init, ring_messages, ring_pop, ring_rollback, ring_slot, ring_t, segment_t,
)


cdef inline void ring_move_unpublished(ring_t *into, ring_t *source, bint skip) noexcept nogil:
    """Both rings held by the caller: frames of a message still being written follow to `into`, or are dropped (`skip`)."""
    cdef segment_t *s = source.pubseg
    cdef msg_t *slot
    cdef uint32_t i = source.pubpos
    cdef uint64_t left = source.wcount - source.pub
    if source.only != NULL:
        s = source.only.building
        i = 0
        left = source.only.built
        source.only.built = 0
    while left:
        if i == s.capacity:
            s = s.next
            i = 0
        slot = NULL if skip else ring_slot(into)
        if slot == NULL:
            msg_close(&s.slots[i])
        else:
            slot[0] = s.slots[i]
            s.slots[i].kind = MSG_EMPTY
            ring_commit(into)
        i += 1
        left -= 1


cdef inline int ring_conflate(ring_t *r) noexcept nogil:
    """Both sides held by the caller: the ring becomes a conflating one, if it is not one already. Of what stands in it the newest whole message
    stays, and the beginning of an unfinished one. 0, or -ENOMEM and nothing has changed."""
    cdef ring_t old
    cdef msg_t *front
    cdef segment_t *s
    cdef uint32_t frames = 1
    cdef uint64_t written = r.wmsgs
    cdef uint64_t read = r.rmsgs
    if r.only != NULL:
        return 0
    while ring_messages(r) > 1:
        # Less to keep. Credit is not returned: nobody waits for it once there is no mark.
        front = ring_front(r)
        msg_close(front)
        ring_pop(r)
    frames = <uint32_t> (r.wcount - r.rcount)
    old = r[0]
    ring_init(r, 0)
    r.only = <conflate_t *> calloc(1, sizeof(conflate_t))
    if r.only != NULL and frames:
        s = only_grow(r.only, frames)
        if s == NULL:
            free(r.only)
            r.only = NULL
    if r.only == NULL:
        r[0] = old
        return -ENOMEM
    r.reader_asleep = old.reader_asleep
    r.writer_asleep = old.writer_asleep
    while True:
        front = ring_front(&old)
        if front == NULL:
            break
        ring_slot(r)[0] = front[0]
        ring_commit(r)
        ring_pop(&old)
    r.only.replaced = written - read - r.wmsgs
    r.wmsgs = written
    r.rmsgs = read
    r.wbytes = old.wbytes
    ring_move_unpublished(r, &old, False)
    ring_rollback(&old)
    ring_free(&old)
    return 0


cdef inline void ring_begin(ring_t *r) noexcept nogil:
    """For the consumer, which has told of the message at the front: that one is read to its end, though a newer one may come."""
    if r.only != NULL:
        r.only.begun = True
