# What a PUB or XPUB keeps, and the queue of what its application is to hear: reports of subscriptions, and user messages.
#
# Rules
# - Reports and user messages wait in `pending`, a queue of the socket's own without a mark. A user message stays whole: reports that come up
#   inside it follow it, and its last user frame ends it even if a subscription was its last frame. If memory ends inside it, all of it is
#   dropped and its peer is closed.
# - What waits is counted for each peer, so that MAX_SUBSCRIPTIONS bounds it.

from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy
from message.message cimport msg_t, msg_alloc, msg_data, msg_close, msg_move, MSG_MORE, MSG_SUBSCRIBE
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_t, ring_slot, ring_commit, ring_front, ring_pop, ring_rollback
from pattern.ops cimport pattern_t
from pattern.steps cimport pattern_close_pipe
from pattern.strategies.fan_out cimport fan_out_t
from pattern.strategies.topic_trie cimport topic_trie_t, holder_t

cdef enum:
    PUB_NOBODY = 0xffffffff     # a pending frame without a peer

# In pipe.pattern_data.
cdef struct subscriber_t:
    holder_t holds
    holder_t asked              # manual mode
    bint has_asked              # it is open
    uint32_t unread             # frames of this peer in `pending`, `later` and `held`

cdef struct pub_t:
    topic_trie_t topics
    topic_trie_t *asked         # made in manual mode
    fan_out_t fan
    ring_t pending              # msg.routing_id and msg.unused name the peer: its slot and the low half of its pipe's id
    ring_t later                # reports that came up inside a user message
    msg_t held                  # its last user frame so far
    bint holding
    uint32_t frames             # of the user message that `held` belongs to, as far as they are counted in `unread`
    bint sending                # inside a message
    bint blocked                # NODROP refused a message and nothing has changed since
    pipe_t *asker               # manual: whose request the application received last
    bint last_value             # ... and the next message is for it alone
    pipe_t *leaving             # whose topics are being dropped


cdef inline bint pub_queue(ring_t *ring, msg_t *m) noexcept nogil:
    """False if memory is out: the frame is gone."""
    cdef msg_t *slot = ring_slot(ring)
    if slot == NULL:
        msg_close(m)
        return False
    msg_move(slot, m)
    ring_commit(ring)
    return True


cdef inline void pub_count(pattern_t *pt, pipe_t *p) noexcept nogil:
    """One more frame of this peer waits for the application. What cancellations of its own topics add is allowed for."""
    cdef subscriber_t *s = <subscriber_t *> p.pattern_data
    s.unread += 1
    if pt.options.max_subscriptions and s.unread > 2 * <uint64_t> pt.options.max_subscriptions and (<pub_t *> pt.part).leaving != p:
        pattern_close_pipe(pt, p)


cdef inline void pub_report(pattern_t *pt, pipe_t *p, bint subscribe, const unsigned char *topic, size_t size) noexcept nogil:
    """01 topic or 00 topic for the application; p NULL = of a peer that is gone. Out of memory loses the report; the subscription itself
    stands."""
    cdef pub_t *b = <pub_t *> pt.part
    cdef msg_t m
    if msg_alloc(&m, size + 1) < 0:
        return
    msg_data(&m)[0] = subscribe
    if size:
        memcpy(msg_data(&m) + 1, topic, size)
    # Marks a report; taken off before the application sees it.
    m.flags = MSG_SUBSCRIBE
    m.routing_id = <uint32_t> PUB_NOBODY
    m.unused = 0
    if p != NULL:
        m.routing_id = (<subscriber_t *> p.pattern_data).holds.slot
        m.unused = <unsigned short> p.id
        pub_count(pt, p)
    if not pub_queue(&b.later if b.holding else &b.pending, &m) and p != NULL:
        (<subscriber_t *> p.pattern_data).unread -= 1


cdef inline void pub_spoilt(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Memory ended inside a user message: nothing of it may be taken for a part of another, and its peer is told by the end of the connection."""
    cdef pub_t *b = <pub_t *> pt.part
    ring_rollback(&b.pending)
    (<subscriber_t *> p.pattern_data).unread -= b.frames
    b.frames = 0
    pattern_close_pipe(pt, p)


cdef inline bint pub_hold(pattern_t *pt, pipe_t *p, msg_t *m) noexcept nogil:
    """A user frame: is it the last of its message? The next one tells. False if memory is out: what the message had so far is gone."""
    cdef pub_t *b = <pub_t *> pt.part
    if b.holding:
        b.held.flags |= MSG_MORE
        if not pub_queue(&b.pending, &b.held):
            b.holding = False
            pub_spoilt(pt, p)
            msg_close(m)
            return False
    msg_move(&b.held, m)
    b.held.routing_id = (<subscriber_t *> p.pattern_data).holds.slot
    b.held.unused = <unsigned short> p.id
    b.holding = True
    b.frames += 1
    pub_count(pt, p)
    return True


cdef inline pipe_t *pub_peer(pub_t *b, msg_t *m) noexcept nogil:
    """Where a pending frame came from, or NULL if that pipe is gone."""
    cdef pipe_t *p
    if m.routing_id >= b.topics.slots:
        return NULL
    p = b.topics.pipes[m.routing_id]
    # The slot may be vacant, or belong to a later pipe.
    if <uintptr_t> p & 1 or <unsigned short> p.id != m.unused:
        return NULL
    return p


cdef inline void pub_end_message(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The message of `p` is complete, and what came up inside it follows."""
    cdef pub_t *b = <pub_t *> pt.part
    cdef msg_t *m
    cdef pipe_t *from_
    if b.holding:
        b.holding = False
        b.held.flags &= ~(<unsigned char> MSG_MORE)
        if not pub_queue(&b.pending, &b.held):
            pub_spoilt(pt, p)
    b.frames = 0
    while True:
        m = ring_front(&b.later)
        if m == NULL:
            return
        from_ = pub_peer(b, m)
        if not pub_queue(&b.pending, m) and from_ != NULL:
            (<subscriber_t *> from_.pattern_data).unread -= 1
        ring_pop(&b.later)


cdef inline void pub_count_unread(pattern_t *pt) noexcept nogil:
    """User messages that the application has not received, and never will."""
    cdef ring_t *pending = &(<pub_t *> pt.part).pending
    cdef msg_t *m
    while True:
        m = ring_front(pending)
        if m == NULL:
            return
        if not m.flags & (MSG_SUBSCRIBE | MSG_MORE):
            pt.unread += 1
        msg_close(m)
        ring_pop(pending)
