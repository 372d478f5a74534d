# Output of a session: the engine puts frames into `tx`, which is written in large pieces; large bodies are written from
# their own memory.
#
# Rules
# - tx is filled from its start and starts over only when everything in it has been written, or else at a frame
#   (unsent.pxd).
# - The sink refuses (0) when tx is full or TX_FULL bytes wait; messages then queue in the pipe's ring, where the
#   high-water mark counts them.
# - Signals are never refused: tx grows for them. A subscription that is a message to the peer would, inside a message
#   of the application, be taken for a frame of it, so it is held until that message has ended.
# - A write error only marks the output broken. What the peer sent before it went is still read; the reader then finds
#   the end.
# - Between two calls the output may be in the hands of the I/O thread (apart.pxd). Then it is only appended to.

from libc.stdint cimport uint32_t
from libc.stddef cimport ptrdiff_t
from libc.string cimport memcpy
from base.memory cimport realloc
from base.atomics cimport zc_load_relaxed_u32, zc_store_relaxed_u32
from base.config cimport OVERLAP_MIN, SHARED_MIN, TX_FIRST, TX_FULL, TX_REF_MIN, TX_SUBSCRIPTIONS_MAX, TX_TURN
from base.errors cimport EAGAIN, ENOMEM
from engine.ops cimport (
    ENGINE_CLOSES, ENGINE_OPAQUE, ENGINE_OVERHEAD, ENGINE_SIGNALS_WAIT, SIGNAL_CANCEL, SIGNAL_CLOSE, SIGNAL_PING,
    SIGNAL_PONG, SIGNAL_SUBSCRIBE,
)
from engine.select cimport engine_plain_put
from message.message cimport (
    msg_t, msg_data, msg_close, msg_move, msg_share, MSG_EMPTY, MSG_MORE, MSG_SUBSCRIBE, MSG_CANCEL,
)
from message.buffer cimport buffer_new, pool_take
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_front, ring_pop, ring_empty, ring_return_credit
from session.dirty cimport dirty_add
from session.apart cimport apart_settle, apart_worth, transmit_advance, transmit_took, transmit_write
from session.shared cimport shared_put, shared_show
from session.session cimport (
    session_t, outref_t, session_unsent, session_want, FLUSH_FULL, FLUSH_LARGE, SESSION_READY,
)
from session.unsent cimport (
    msg_list_add, msg_list_drop, unsent_compact, unsent_grow, unsent_keep, unsent_need, unsent_none, unsent_note,
    unsent_note_signal,
    FRAME_BY_REFERENCE, FRAME_CONTINUES, FRAME_LAST, BOUNDARY,
)

cdef enum:
    # Room for one more frame.
    FRAME_ROOM = TX_REF_MIN + ENGINE_OVERHEAD + BOUNDARY


cdef inline bint transmit_full(session_t *s) noexcept nogil:
    """No further frame is taken."""
    return s.tx != NULL and (s.tx_tail + FRAME_ROOM > s.tx_limit or session_unsent(s) >= s.terms.out_batch)


cdef inline bint transmit_can_widen(session_t *s) noexcept nogil:
    """After transmit_full(): the buffer is small, and there may be a larger one."""
    return s.tx.size < s.host.tx_pool.size and session_unsent(s) < s.terms.out_batch


cdef inline void transmit_mark(session_t *s) noexcept nogil:
    if not s.tx_dirty:
        dirty_add(s)
    # Plain increment by the lock holder; the I/O thread only compares it.
    zc_store_relaxed_u32(&s.host.dirty_adds, zc_load_relaxed_u32(&s.host.dirty_adds) + 1)
    # The kernel tells when it takes more; asking it with every message would cost a system call each, and write the
    # others' output in crumbs.
    if not s.tx_blocked and transmit_full(s) and not transmit_can_widen(s):
        s.host.flush_now = FLUSH_FULL


cdef inline unsigned char *transmit_room(session_t *s, size_t need) noexcept nogil:
    """Where the next `need` bytes go, boundaries included; grows tx if it must. NULL: out of memory."""
    if s.tx == NULL:
        s.tx = buffer_new(TX_FIRST) if s.host.crowded else pool_take(&s.host.tx_pool)
        if s.tx == NULL:
            return NULL
        s.tx_head = s.tx_tail = 0
        s.tx_limit = s.tx.size
    if s.tx_tail + need > s.tx_limit and s.tx_head > s.tx_tail // 2:
        unsent_compact(s)       # a peer that never reads all of it does not make it grow
    if s.tx_tail + need > s.tx_limit and unsent_grow(s, need) < 0:
        return NULL
    return s.tx.data + s.tx_tail


cdef inline void transmit_cut(session_t *s) noexcept nogil:
    """The connection ends with the next turn of the timers. Not here: the pattern is at work."""
    s.cut_due = s.deadline = 1
    s.host.retime(s)


cdef inline outref_t *transmit_ref(session_t *s) noexcept nogil:
    """A place for a body by reference, counted only by transmit_large(). NULL: out of memory."""
    cdef outref_t *r
    cdef uint32_t room
    if s.nrefs == s.ref_room:
        room = s.ref_room * 2 if s.ref_room else 8
        r = <outref_t *> realloc(s.refs, room * sizeof(outref_t))
        if r == NULL:
            return NULL
        s.refs = r
        s.ref_room = room
    r = &s.refs[s.nrefs]
    r.body.kind = MSG_EMPTY
    r.sent = 0
    return r


cdef inline ptrdiff_t transmit_large(session_t *s, msg_t *m, bint take, unsigned char *out) noexcept nogil:
    """A frame whose body is not copied into tx. The size of its header, or a negative errno and nothing has happened to
    m."""
    cdef bint opaque = (s.engine.traits & ENGINE_OPAQUE) != 0
    cdef outref_t *r = transmit_ref(s)
    cdef ptrdiff_t n
    if r == NULL:
        return -ENOMEM
    n = s.engine.ops.large_put(s.engine, m, out, &r.body)
    if n < 0:
        return n
    if r.body.kind != MSG_EMPTY:
        r.body.flags = m.flags & MSG_MORE
        if opaque and unsent_keep(s, m, take) < 0:
            # The engine has numbered a frame that will never leave.
            transmit_cut(s)
            msg_close(&r.body)
            return -ENOMEM
    elif take:
        msg_move(&r.body, m)
    elif msg_share(&r.body, m) < 0:
        return -ENOMEM
    r.at = s.tx_tail + n
    s.nrefs += 1
    s.tx_refbytes += r.body.size
    if r.body.size >= OVERLAP_MIN and s.host.flush_now == 0:
        s.host.flush_now = FLUSH_LARGE
    unsent_note(s, n, FRAME_BY_REFERENCE)
    return n


cdef inline ptrdiff_t transmit_shared(session_t *s, msg_t *m, unsigned char *out) noexcept nogil:
    """A frame through memory shared with the peer. The size of its descriptor; 0: it goes as any other; -ENOMEM."""
    cdef outref_t *r = transmit_ref(s)
    cdef ptrdiff_t n
    if r == NULL:
        return -ENOMEM
    n = shared_put(s, m, &r.body, out)
    if n > 0:
        r.sent = r.body.size
        r.at = s.tx_tail + n
        s.nrefs += 1
        unsent_note(s, n, FRAME_BY_REFERENCE)
    return n


cdef inline void transmit_show(session_t *s) noexcept nogil:
    """With an empty output: the peer is shown our segment. What the kernel does not take of the command is output like any other."""
    cdef size_t left
    if not shared_show(s):
        return
    left = s.shared.rest_end - s.shared.rest_at
    if left == 0:
        return
    if transmit_room(s, left + BOUNDARY) == NULL:
        s.tx_broken = True
        return
    memcpy(s.tx.data + s.tx_tail, s.shared.rest + s.shared.rest_at, left)
    unsent_note_signal(s, left)


cdef inline ptrdiff_t transmit_small(session_t *s, msg_t *m, bint take, unsigned char *out) noexcept nogil:
    """A frame copied into tx by an engine that is not `plain`. Its size, or a negative errno and nothing has happened
    to m."""
    cdef bint opaque = (s.engine.traits & ENGINE_OPAQUE) != 0
    cdef ptrdiff_t n = s.engine.ops.small_put(s.engine, m.flags & MSG_MORE, msg_data(m), m.size, out)
    cdef int what = FRAME_CONTINUES if m.flags & MSG_MORE else FRAME_LAST
    if n < 0:
        return n
    if opaque and unsent_keep(s, m, take) < 0:
        transmit_cut(s)
        return -ENOMEM
    unsent_note(s, n, what)
    return n


cdef inline int transmit_frame(session_t *s, msg_t *m, bint take, unsigned char *out) noexcept nogil:
    """1, or 0: could not be put into tx."""
    cdef ptrdiff_t n
    if m.size < TX_REF_MIN:
        n = transmit_small(s, m, take, out)
    else:
        n = transmit_shared(s, m, out) if s.shared != NULL and m.size >= SHARED_MIN else 0
        if n == 0:
            n = transmit_large(s, m, take, out)
    if n < 0 and n != -ENOMEM:
        transmit_cut(s)
    return n >= 0


cdef inline size_t transmit_need(const msg_t *m) noexcept nogil:
    """Room for this frame. Of a large one only the header goes into tx."""
    return (m.size if m.size < TX_REF_MIN else 0) + ENGINE_OVERHEAD + BOUNDARY


cdef inline int session_sink(pipe_t *p, msg_t *m, bint take) noexcept nogil:
    """pipe_sink_t. 1 = in the output (a subscription: or held), 0 = full, -ENOMEM (only a subscription)."""
    cdef session_t *s = <session_t *> p.session
    cdef unsigned char *out
    cdef unsigned char more = m.flags & MSG_MORE
    if m.flags & (MSG_SUBSCRIBE | MSG_CANCEL):
        return transmit_subscription(s, m)
    if s.tx_broken:
        return 0
    if s.tx == NULL:
        out = transmit_room(s, transmit_need(m))
        if out == NULL:
            return 0
    elif transmit_full(s):
        out = transmit_room(s, transmit_need(m)) if transmit_can_widen(s) else NULL
        if out == NULL:
            return 0
    else:
        out = s.tx.data + s.tx_tail
    if s.held.count and not more:
        # What was held goes right behind this frame, so there must be room for both.
        out = transmit_room(s, FRAME_ROOM + transmit_held_size(s))
        if out == NULL:
            return 0
    if s.engine.plain and m.size < TX_REF_MIN:
        unsent_note(s, engine_plain_put(m, out), FRAME_CONTINUES if more else FRAME_LAST)
    elif not transmit_frame(s, m, take, out):
        return 0
    s.tx_more = more
    if s.held.count and not more:
        transmit_held(s)
    transmit_mark(s)
    return 1


cdef inline bint session_inside(pipe_t *p) noexcept nogil:
    """pipe_inside_t"""
    return (<session_t *> p.session).tx_more != 0


# ---- signals

cdef inline int transmit_signal(session_t *s, int kind, uint32_t ttl_ds, const unsigned char *data,
                                size_t size) noexcept nogil:
    """1 or -ENOMEM."""
    cdef unsigned char *out = transmit_room(s, unsent_need(size + ENGINE_OVERHEAD))
    cdef ptrdiff_t n
    if out == NULL:
        return -ENOMEM
    n = s.engine.ops.signal_put(s.engine, kind, ttl_ds, data, size, out)
    if n == -ENOMEM:
        return -ENOMEM
    if n < 0:
        transmit_cut(s)
    elif n:
        unsent_note_signal(s, n)
        transmit_mark(s)
    return 1


cdef inline int transmit_subscription(session_t *s, msg_t *m) noexcept nogil:
    """1 or -ENOMEM."""
    cdef msg_t *held
    if s.tx_wall and session_unsent(s) + m.size > s.tx_wall:
        transmit_cut(s)         # forgotten with the connection; the next one begins with all of them
        return 1
    if s.tx_more and s.engine.traits & ENGINE_SIGNALS_WAIT:
        held = msg_list_add(&s.held)
        if held == NULL:
            return -ENOMEM
        if msg_share(held, m) < 0:
            s.held.count -= 1
            return -ENOMEM
        return 1
    return transmit_topic(s, m)


cdef inline int transmit_topic(session_t *s, msg_t *m) noexcept nogil:
    """1 or -ENOMEM."""
    return transmit_signal(s, SIGNAL_SUBSCRIBE if m.flags & MSG_SUBSCRIBE else SIGNAL_CANCEL, 0, msg_data(m), m.size)


cdef inline size_t transmit_held_size(session_t *s) noexcept nogil:
    cdef size_t size = 0
    cdef uint32_t i
    for i in range(s.held.count):
        size += unsent_need(s.held.items[i].size + ENGINE_OVERHEAD)
    return size


cdef inline void transmit_held(session_t *s) noexcept nogil:
    """The message has ended that the subscriptions waited for. There is room for them."""
    cdef uint32_t i
    for i in range(s.held.count):
        if transmit_topic(s, &s.held.items[i]) < 0:
            transmit_cut(s)     # an engine without memory; the next connection begins with all of them
            break
    msg_list_drop(&s.held, s.held.count)


cdef inline void transmit_wall(session_t *s) noexcept nogil:
    """The subscriptions that a connection begins with are in the output; from here on there is a limit."""
    s.tx_wall = session_unsent(s) + TX_SUBSCRIPTIONS_MAX


cdef inline void transmit_heartbeat(session_t *s, int kind, uint32_t ttl_ds, const unsigned char *data,
                                    size_t n) noexcept nogil:
    """SIGNAL_PING or SIGNAL_PONG. No memory for a peer that asks without ever reading, nor for one that takes nothing:
    what it has not taken yet shows it that we are alive."""
    if s.tx_broken or (kind == SIGNAL_PING and s.tx_blocked):
        return
    if kind == SIGNAL_PONG and session_unsent(s) > 2 * TX_FULL:
        return
    transmit_signal(s, kind, ttl_ds, data, n)


cdef inline bint transmit_refill(session_t *s) noexcept nogil:
    """Moves queued messages from the ring into an output that has room. True if there were any."""
    cdef pipe_t *p = s.pipe
    cdef msg_t *m
    cdef bint some = False
    if p == NULL or p.sink == NULL:
        return False
    while True:
        m = ring_front(p.outr)
        if m == NULL:
            ring_return_credit(p.outr)     # or else a mark that was lowered meanwhile could leave an empty ring full
            return some
        if not session_sink(p, m, True):
            return some
        msg_close(m)
        ring_pop(p.outr)
        some = True


cdef inline void transmit_flush(session_t *s) noexcept nogil:
    """Writes what there is, refills from the ring, until all is out or the kernel is full (or TX_TURN is; it looks the
    same from outside)."""
    cdef ptrdiff_t n
    cdef size_t tried
    cdef size_t left = TX_TURN
    cdef bint was_blocked = s.tx_blocked
    cdef bint refilled = False
    if s.state != SESSION_READY or s.tx_broken or not apart_settle(s, False):
        return
    while not s.tx_broken:
        if session_unsent(s) == 0:
            refilled = transmit_all_left(s) or refilled
            if session_unsent(s) and s.host.serving and apart_worth(s):
                transmit_mark(s)    # whoever serves writes it apart
                break
            if session_unsent(s):
                continue
            break
        n = transmit_write(s, &tried)
        if not transmit_took(s, n, tried):
            break
        if <size_t> n >= left and not s.paced:
            s.tx_blocked = True
            break
        left -= n
    transmit_tell(s, was_blocked, refilled)


cdef inline bint transmit_all_left(session_t *s) noexcept nogil:
    """Everything in the output has left: what the ring holds is next. Whether there was any."""
    unsent_none(s)
    s.tx_blocked = False
    if s.shared != NULL and s.shared.wanted:
        transmit_show(s)
        if s.tx_broken or session_unsent(s):
            return False
    return s.pipe != NULL and not ring_empty(s.pipe.outr) and transmit_refill(s)


cdef inline void transmit_tell(session_t *s, bint was_blocked, bint refilled) noexcept nogil:
    """After writing: the poll set and the pattern hear what has changed."""
    if was_blocked != s.tx_blocked:
        session_want(s, s.want_in, s.tx_blocked and not s.paced)
    if refilled or (was_blocked and not s.tx_blocked):
        s.host.writable(s)


cdef inline bint transmit_written_apart(session_t *s) noexcept nogil:
    """The writer is back. Whether senders may find room now that did not before."""
    cdef bint was_blocked = s.tx_blocked
    cdef bint refilled = False
    apart_settle(s, True)
    if s.state != SESSION_READY:
        return False
    if session_unsent(s) == 0 and not s.tx_broken:
        refilled = transmit_all_left(s)
    if session_unsent(s) and not s.tx_blocked and not s.tx_broken:
        transmit_mark(s)
    transmit_tell(s, was_blocked, refilled)
    return refilled or (was_blocked and not s.tx_blocked)


cdef inline void transmit_farewell(session_t *s, const unsigned char *data, size_t n) noexcept nogil:
    """SIGNAL_CLOSE, where the wire has it: the last thing that is said, in one attempt. Not behind output that waits: to a
    peer that has said it, that would be lost, and the next connection can have it."""
    cdef ptrdiff_t written
    cdef size_t tried
    if s.tx_broken or s.said_farewell or session_unsent(s) or not s.engine.traits & ENGINE_CLOSES:
        return
    s.said_farewell = True
    transmit_signal(s, SIGNAL_CLOSE, 0, data, n)
    if session_unsent(s) == 0:
        return
    written = transmit_write(s, &tried)
    if written > 0:
        transmit_advance(s, written)
    elif written != -EAGAIN:
        s.tx_broken = True
