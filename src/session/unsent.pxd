# What has not left: the frames in the output of a session, remembered so that a lost connection gives whole messages
# back.
#
# Rules
# - Every frame in tx has a boundary: its bytes in tx and what it is, in 16 bits. Boundaries are written from the end of
#   the buffer backwards, so they need no memory of their own, and one comparison (tx_limit) tells whether there is room
#   for both.
# - Byte 0 of tx is always the beginning of a frame, and boundary 0 is its.
# - What a frame says is found in one of three places: behind its header in tx, in its outref_t, or, when the engine is
#   ENGINE_OPAQUE, in `kept`. An engine that masks it takes the mask off. So nothing here depends on what the bytes on the wire look like. For an ENGINE_STREAM
#   nothing is given back.
# - A message of which a single byte was handed to the kernel is dropped; if its writer has not finished it, the rest is
#   skipped.
# - Signals are dropped: the next connection begins with all subscriptions, and an old cancel behind these would undo a
#   newer one.

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from base.memory cimport realloc, free
from libc.string cimport memcpy, memmove
from base.config cimport TX_REF_MIN
from base.errors cimport ENOMEM
from engine.ops cimport ENGINE_OPAQUE, ENGINE_STREAM
from message.buffer cimport buffer_new, pool_give, pool_take
from message.message cimport MSG_EMPTY, MSG_MORE, MSG_PYOBJ, buffer_t, msg_close, msg_data, msg_move, msg_set, msg_share, msg_t
from pipe.charging cimport ring_recharge, ring_recount
from pipe.pipe cimport pipe_t
from pipe.ring cimport (
    ring_commit, ring_free, ring_front, ring_init, ring_pop, ring_return_credit, ring_rollback, ring_set_hwm, ring_slot, ring_t,
)
from pipe.ring_conflate cimport ring_conflate, ring_move_unpublished
from pipe.ring_counters cimport ring_conflated, ring_queued
from session.session cimport msg_list_t, session_t, session_unsent

cdef enum:
    # What a frame is.
    FRAME_LAST = 0
    FRAME_CONTINUES = 1         # further frames of its message follow
    FRAME_OF_SIGNAL = 2
    FRAME_BY_REFERENCE = 3      # its header is here, its body an outref_t

cdef enum:
    BOUNDARY = 2                # bytes of one
    BOUNDARY_MAX = 0x3fff       # bytes of a frame that one can tell; a longer signal has several


# ---- lists of messages

cdef inline msg_t *msg_list_add(msg_list_t *list) noexcept nogil:
    """The next entry, which owns nothing yet, or NULL."""
    cdef msg_t *items
    cdef uint32_t room
    if list.count == list.room:
        room = list.room * 2 if list.room else 8
        items = <msg_t *> realloc(list.items, room * sizeof(msg_t))
        if items == NULL:
            return NULL
        list.items = items
        list.room = room
    list.items[list.count].kind = MSG_EMPTY
    list.count += 1
    return &list.items[list.count - 1]


cdef inline void msg_list_drop(msg_list_t *list, uint32_t n) noexcept nogil:
    """The first n entries."""
    cdef uint32_t i
    for i in range(n):
        msg_close(&list.items[i])
    list.count -= n
    if list.count:
        memmove(list.items, list.items + n, list.count * sizeof(msg_t))


cdef inline void msg_list_free(msg_list_t *list) noexcept nogil:
    msg_list_drop(list, list.count)
    free(list.items)
    list.items = NULL
    list.room = 0


# ---- boundaries

cdef inline uint16_t *unsent_boundary(session_t *s, size_t i) noexcept nogil:
    return (<uint16_t *> (s.tx.data + s.tx.size)) - 1 - i


cdef inline size_t unsent_frames(session_t *s) noexcept nogil:
    return (s.tx.size - s.tx_limit) // BOUNDARY if s.tx != NULL else 0


cdef inline void unsent_note(session_t *s, size_t size, int what) noexcept nogil:
    """A frame of `size` bytes, BOUNDARY_MAX at most, has been written at tx_tail."""
    s.tx_limit -= BOUNDARY
    (<uint16_t *> (s.tx.data + s.tx_limit))[0] = <uint16_t> (size << 2 | what)
    s.tx_tail += size


cdef inline void unsent_note_signal(session_t *s, size_t size) noexcept nogil:
    while size > BOUNDARY_MAX:
        unsent_note(s, BOUNDARY_MAX, FRAME_OF_SIGNAL)
        size -= BOUNDARY_MAX
    unsent_note(s, size, FRAME_OF_SIGNAL)


cdef inline size_t unsent_need(size_t size) noexcept nogil:
    """Room in tx for frames of so many bytes together and their boundaries, if none but the last is shorter than
    BOUNDARY_MAX."""
    return size + (size // BOUNDARY_MAX + 1) * BOUNDARY


cdef inline int unsent_keep(session_t *s, msg_t *m, bint take) noexcept nogil:
    """The message of the frame that is written next. 0 or -ENOMEM."""
    cdef msg_t *copy = msg_list_add(&s.kept)
    cdef int rc
    if copy == NULL:
        return -ENOMEM
    if take:
        msg_move(copy, m)
        return 0
    if m.kind == MSG_PYOBJ and m.size < TX_REF_MIN:
        # A copy is cheaper than a reference to give back later.
        rc = msg_set(copy, m.body.ref.data, m.size)
        copy.flags = m.flags & MSG_MORE
    else:
        rc = msg_share(copy, m)
    if rc < 0:
        copy.kind = MSG_EMPTY
        s.kept.count -= 1
    return rc


# ---- what has left

cdef inline void unsent_release(session_t *s) noexcept nogil:
    if s.tx != NULL:
        if s.tx.size == s.host.tx_pool.size:
            pool_give(&s.host.tx_pool, s.tx)
        else:
            free(s.tx)
        s.tx = NULL
    s.tx_head = s.tx_tail = 0


cdef inline void unsent_none(session_t *s) noexcept nogil:
    """Everything has left."""
    s.nrefs = s.ref_head = 0
    if s.kept.count:
        msg_list_drop(&s.kept, s.kept.count)
    unsent_release(s)
    s.tx_inside = s.tx_more


cdef inline void unsent_drop(session_t *s) noexcept nogil:
    """Forgets all output."""
    while s.ref_head < s.nrefs:
        msg_close(&s.refs[s.ref_head].body)
        s.ref_head += 1
    s.nrefs = s.ref_head = 0
    s.tx_refbytes = 0
    s.tx_wall = 0
    unsent_release(s)
    msg_list_free(&s.kept)
    msg_list_free(&s.held)


cdef inline uint64_t unsent_messages(session_t *s) noexcept nogil:
    """Messages in the output whose last frame has not left in full."""
    cdef size_t frames = unsent_frames(s)
    cdef size_t end = 0
    cdef size_t i
    cdef uint32_t refs = 0
    cdef uint64_t messages = 0
    cdef bint last, gone
    cdef int what
    for i in range(frames):
        what = unsent_boundary(s, i)[0] & 3
        end += unsent_boundary(s, i)[0] >> 2
        last = what == FRAME_LAST
        gone = end <= s.tx_head
        if what == FRAME_BY_REFERENCE:
            last = not s.refs[refs].body.flags & MSG_MORE
            gone = refs < s.ref_head
            refs += 1
        messages += last and not gone
    return messages


cdef inline void unsent_give_up(session_t *s, bint lingered) noexcept nogil:
    """unsent_drop() of a connection that has no successor: what had not left is counted. `lingered`: the application had closed it."""
    cdef uint64_t messages = unsent_messages(s)
    if s.pipe != NULL:
        if lingered:
            s.pipe.lingered += messages
        else:
            s.pipe.lost += messages
    unsent_drop(s)


cdef inline void unsent_compact(session_t *s) noexcept nogil:
    """Frames that have left in full make room. What is left begins with a frame again."""
    cdef size_t frames = unsent_frames(s)
    cdef size_t pos = 0
    cdef size_t size
    cdef size_t gone = 0            # frames
    cdef uint32_t refs = 0
    cdef uint32_t messages = 0
    cdef uint32_t i
    cdef int what
    while gone < frames:
        what = unsent_boundary(s, gone)[0] & 3
        size = unsent_boundary(s, gone)[0] >> 2
        if pos + size > s.tx_head or (what == FRAME_BY_REFERENCE and refs >= s.ref_head):
            break
        if what == FRAME_BY_REFERENCE:
            s.tx_inside = (s.refs[refs].body.flags & MSG_MORE) != 0
            refs += 1
        elif what != FRAME_OF_SIGNAL:
            s.tx_inside = what == FRAME_CONTINUES
        messages += what != FRAME_OF_SIGNAL
        pos += size
        gone += 1
    memmove(s.tx.data, s.tx.data + pos, s.tx_tail - pos)
    memmove(s.tx.data + s.tx_limit + gone * BOUNDARY, s.tx.data + s.tx_limit, (frames - gone) * BOUNDARY)
    s.tx_limit += gone * BOUNDARY
    s.tx_head -= pos
    s.tx_tail -= pos
    s.nrefs -= refs
    s.ref_head -= refs
    for i in range(s.nrefs):
        s.refs[i] = s.refs[i + refs]
        s.refs[i].at -= pos
    if s.kept.count:
        msg_list_drop(&s.kept, messages)


cdef inline int unsent_grow(session_t *s, size_t need) noexcept nogil:
    """A larger buffer, with `need` bytes between frames and boundaries. 0 or -ENOMEM."""
    cdef size_t noted = s.tx.size - s.tx_limit
    cdef size_t size = s.tx.size * <size_t> 2
    cdef buffer_t *b
    if size < s.host.tx_pool.size:
        size = s.host.tx_pool.size      # among many, it has begun with TX_FIRST
    while size < s.tx_tail + need + noted:
        size *= 2
    b = pool_take(&s.host.tx_pool) if size == s.host.tx_pool.size else buffer_new(size)
    if b == NULL:
        return -ENOMEM
    memcpy(b.data, s.tx.data, s.tx_tail)
    memcpy(b.data + size - noted, s.tx.data + s.tx_limit, noted)
    if s.tx.size == s.host.tx_pool.size:
        pool_give(&s.host.tx_pool, s.tx)
    else:
        free(s.tx)
    s.tx = b
    s.tx_limit = size - noted
    return 0


# ---- back in front of the ring

cdef struct requeue_t:
    ring_t fresh                # what the ring is going to be
    bint inside                 # a message has begun that has not ended
    bint keep                   # ... and nothing of it has left
    bint failed                 # memory is out


cdef inline int requeue_frame(session_t *s, size_t pos, size_t size, int what, msg_t *from_list,
                              msg_t *slot) noexcept nogil:
    """Fills `slot` with what the frame at `pos` says. `from_list`: the message kept or the body sent by reference. 0 or
    -ENOMEM."""
    cdef unsigned char *frame = s.tx.data + pos
    cdef size_t at
    if from_list != NULL:
        msg_move(slot, from_list)
        slot.flags &= MSG_MORE
        if s.engine.ops.reveal != NULL:
            s.engine.ops.reveal(s.engine, frame, msg_data(slot), slot.size)
        return 0
    at = s.engine.ops.body_at(s.engine, frame, size)
    if s.engine.ops.reveal != NULL:
        s.engine.ops.reveal(s.engine, frame, frame + at, size - at)
    if msg_set(slot, frame + at, size - at) < 0:
        return -ENOMEM
    slot.flags = MSG_MORE if what == FRAME_CONTINUES else 0
    return 0


cdef inline void requeue_output(session_t *s, requeue_t *q) noexcept nogil:
    """The frames in tx."""
    cdef bint opaque = (s.engine.traits & ENGINE_OPAQUE) != 0
    cdef size_t frames = unsent_frames(s)
    cdef size_t pos = 0
    cdef size_t size
    cdef size_t i
    cdef uint32_t refs = 0
    cdef uint32_t messages = 0
    cdef msg_t *source
    cdef msg_t *slot
    cdef bint more
    cdef int what
    for i in range(frames):
        what = unsent_boundary(s, i)[0] & 3
        size = unsent_boundary(s, i)[0] >> 2
        if what == FRAME_OF_SIGNAL:
            pos += size
            continue
        if not q.inside:
            q.keep = pos >= s.tx_head
        source = NULL
        if opaque:
            source = &s.kept.items[messages]
        elif what == FRAME_BY_REFERENCE:
            source = &s.refs[refs].body
        # A body sent in full is an empty message by now, whose flags are still true.
        more = what == FRAME_CONTINUES or (what == FRAME_BY_REFERENCE and s.refs[refs].body.flags & MSG_MORE)
        if q.keep:
            slot = ring_slot(&q.fresh)
            q.failed = slot == NULL or requeue_frame(s, pos, size, what, source, slot) < 0
            if q.failed:
                return
            ring_commit(&q.fresh)
        refs += what == FRAME_BY_REFERENCE
        messages += 1
        q.inside = more
        pos += size


cdef inline void requeue_ring(pipe_t *p, requeue_t *q) noexcept nogil:
    """The messages in the ring. The rest of one that was cut off may be among them."""
    cdef msg_t *front
    cdef msg_t *slot
    while True:
        front = ring_front(p.outr)
        if front == NULL:
            return
        if q.inside and not q.keep:
            q.inside = (front.flags & MSG_MORE) != 0
            msg_close(front)
            ring_pop(p.outr)
            continue
        slot = ring_slot(&q.fresh)
        if slot == NULL:
            q.failed = True
            return
        msg_move(slot, front)
        q.inside = (slot.flags & MSG_MORE) != 0
        q.keep = True
        ring_commit(&q.fresh)
        ring_pop(p.outr)


cdef inline void unsent_forget(session_t *s) noexcept nogil:
    """The stream of bytes has ended. What was meant for it, the ring's messages included, means nothing to the next."""
    cdef pipe_t *p = s.pipe
    cdef msg_t *front
    p.lost += unsent_messages(s) + ring_queued(p.outr)
    unsent_drop(s)
    p.skip_out = p.writing
    ring_rollback(p.outr)
    while True:
        front = ring_front(p.outr)
        if front == NULL:
            break
        msg_close(front)
        ring_pop(p.outr)
    ring_return_credit(p.outr)
    s.host.writable(s)


cdef inline void unsent_requeue(session_t *s) noexcept nogil:
    """The connection is lost but the pipe lives on: whole messages that never left go back in front of the ring."""
    cdef pipe_t *p = s.pipe
    cdef uint64_t before, conflated
    cdef requeue_t q
    if p != NULL and s.engine != NULL and s.engine.traits & ENGINE_STREAM:
        unsent_forget(s)
        return
    if p == NULL or s.engine == NULL or (
            session_unsent(s) == 0 and not s.tx_inside and p.outr.wcount == p.outr.pub):
        unsent_drop(s)          # nothing to put in front: the ring stays as it is, however much is in it
        return
    before = unsent_messages(s) + ring_queued(p.outr)
    conflated = ring_conflated(p.outr)
    ring_init(&q.fresh, 0)
    q.fresh.one_lock = p.outr.one_lock
    ring_set_hwm(&q.fresh, p.outr.hwm, p.outr.hwm_bytes)
    if p.outr.only != NULL and ring_conflate(&q.fresh) < 0:
        # The ring holds what is newest; an unfinished message cannot go on without what goes with the output.
        p.skip_out = p.writing
        ring_rollback(p.outr)
        p.lost += unsent_messages(s)
        unsent_drop(s)
        return
    ring_recharge(&q.fresh, p.outr)
    q.inside = s.tx_inside
    q.keep = q.failed = False
    requeue_output(s, &q)
    if not q.failed:
        requeue_ring(p, &q)
    if q.failed:
        # What could be kept is kept. What stands behind it is lost, for a message may neither lack a part nor overtake
        # another.
        ring_rollback(&q.fresh)
        p.skip_out = p.writing
    elif p.writing and q.inside and not q.keep:
        p.skip_out = True
    ring_move_unpublished(&q.fresh, p.outr, p.skip_out)
    p.lost += before - ring_queued(&q.fresh) - ring_conflated(&q.fresh)
    if conflated:
        q.fresh.only.replaced += conflated
        q.fresh.wmsgs += conflated
    # The new ring counts from here on; what was written in all stays the same.
    p.sunk += p.outr.wmsgs - q.fresh.wmsgs
    p.sunk_bytes += p.outr.wbytes - q.fresh.wbytes
    ring_recount(&q.fresh)
    ring_free(p.outr)
    p.outr[0] = q.fresh
    unsent_drop(s)
