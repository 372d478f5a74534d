# The front of the room: what sockets call. It keeps the state of each pipe and leaves the rest to the type's table.
#
# Rules
# - The caller holds the socket's lock. Nothing here blocks, looks at a clock or knows how a peer is reached.
# - A pipe is attached once and detached once; before and after, the other calls ignore it (its pattern fields are zero). In between
#   pattern_ready() and pattern_lost() alternate (a connection came, a connection went) and pattern_ended() says that no more will come or go.
# - No function calls the socket back except through the hooks, pipe_t.notify, .sink, .resume and .drained. Reports (pattern_in_ready and
#   pattern_out_ready) may come from inside these; ready, lost, ended and detach may not.
# - pattern_send(): 0 and the frame is dealt with; if the caller still owns the payload afterwards (kind != MSG_EMPTY) it closes it.
#   LB_DROPPED (1): the peer of the message begun went away and the frame was discarded, though it belongs to the caller; success for a
#   blocking call, EAGAIN for one with DONTWAIT. Later frames of that message are swallowed with 0. Negative: nothing happened.
# - pattern_recv(), pattern_events(): see `unfinished` in ops.pxd before sleeping.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.string cimport memset
from base.errors cimport EAGAIN, EEXIST, EHOSTUNREACH, ENOBUFS, ENOTSUP
from base.memory cimport free
from message.message cimport msg_t, MSG_MORE
from option.table cimport options_t, OVERFLOW_DEFAULT, OVERFLOW_DROP_NEWEST, OVERFLOW_DROP_OLDEST, OVERFLOW_REFUSE
from pattern.ops cimport (
    pattern_t, pattern_hooks_t, ANSWERS, CONNECTS_PEERS, DROPS, FLAG_ATTACHED, FLAG_ENDED, FLAG_UP, ONE_PEER, PUBLISHES, WAITS,
)
from pattern.steps cimport pattern_close_pipe
from pattern.select cimport pattern_select
from pattern.strategies.fair_queue cimport fq_free, fq_front, fq_init, fq_remove, FQ_NONE
from pattern.strategies.fan_out cimport FAN_NONE
from pattern.strategies.load_balance cimport lb_free, lb_init, lb_only, lb_remove, lb_shed, LB_DROP, LB_KEEP, LB_NONE
from pipe.pipe cimport pipe_abandon, pipe_t


cdef inline int pattern_init(
        pattern_t *pt, int socket_type, const options_t *options, void *owner, const pattern_hooks_t *hooks) noexcept nogil:
    """0, -EINVAL (no such type) or -ENOMEM. After a failure there is nothing to free."""
    cdef int rc
    memset(pt, 0, sizeof(pattern_t))
    rc = pattern_select(socket_type, &pt.ops)
    if rc < 0:
        return rc
    pt.options = options
    pt.owner = owner
    pt.hooks = hooks[0]
    fq_init(&pt.fq)
    lb_init(&pt.lb)
    rc = pt.ops.init(pt)
    if rc < 0:
        free(pt.part)
        pt.part = NULL
    return rc


cdef inline void pattern_free(pattern_t *pt) noexcept nogil:
    """All pipes have been detached."""
    if pt.part != NULL:
        pt.ops.free(pt)
        free(pt.part)
        pt.part = NULL
    fq_free(&pt.fq)
    lb_free(&pt.lb)


cdef inline bint pattern_is(const pattern_t *pt, uint32_t traits) noexcept nogil:
    """Has the type any of these traits?"""
    return (pt.ops.traits & traits) != 0


# ---- pipes

cdef inline int pattern_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A connection came up under an attached pipe (also after each reconnect): p.peer_id is set, nothing of the ring has been sent over it.

    0 or -ENOMEM: the caller closes the connection."""
    if not p.pattern_flags & FLAG_ATTACHED:
        return 0
    p.pattern_flags |= FLAG_UP
    return pt.ops.ready(pt, p)


cdef inline bint pattern_wants_peer(pattern_t *pt) noexcept nogil:
    """False for a type of one peer that has it."""
    return not pattern_is(pt, ONE_PEER) or pt.lb.count == 0


cdef inline int pattern_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A new pipe. If it is connected already this includes pattern_ready(). 0, or the socket closes the pipe without having to detach it:
    -EEXIST (there is the one peer already; the id for a ROUTER's connection is in use), -ENOMEM."""
    cdef int rc
    p.lb_index = <uint32_t> LB_NONE
    p.fq_index = <uint32_t> FQ_NONE
    p.fan_index = <uint32_t> FAN_NONE
    p.routing_id = NULL
    p.routing_id_size = 0
    p.pattern_flags = FLAG_ATTACHED
    pt.attached += 1
    p.pattern_data = NULL
    rc = pt.ops.attach(pt, p) if pattern_wants_peer(pt) else -EEXIST
    if rc == 0 and p.connected:
        rc = pattern_ready(pt, p)
    if rc < 0:
        pattern_detach(pt, p)
    return rc


cdef inline void pattern_lost(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The connection under the pipe is gone; the pipe waits for another."""
    if not p.pattern_flags & FLAG_ATTACHED:
        return
    pt.ops.lost(pt, p)
    p.pattern_flags &= ~(<uint32_t> FLAG_UP)


cdef inline void pattern_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Nothing more will arrive (p.ended) and nothing more can be written (p.closed_out); what is queued stays readable.

    If nothing is queued, p.drained() is called from here."""
    if p.pattern_flags & (FLAG_ATTACHED | FLAG_ENDED) != FLAG_ATTACHED:
        return
    p.pattern_flags |= FLAG_ENDED
    lb_remove(&pt.lb, p)
    pt.ops.ended(pt, p)
    p.pattern_flags &= ~(<uint32_t> FLAG_UP)


cdef inline void pattern_released(pattern_t *pt, pipe_t *p) noexcept nogil:
    """As pattern_ended(), because the application itself has let go of the peer: it gets no notice of a loss."""
    p.pattern_flags &= ~(<uint32_t> FLAG_UP)
    pattern_ended(pt, p)


cdef inline void pattern_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Forgets the pipe; its memory may be freed afterwards. Unread input is dropped except the rest of a message being read."""
    if not p.pattern_flags & FLAG_ATTACHED:
        return
    if pt.last == p:
        pt.last = NULL
    lb_remove(&pt.lb, p)
    fq_remove(&pt.fq, p)
    pt.ops.detach(pt, p)
    p.pattern_flags = 0
    pt.attached -= 1


cdef inline void pattern_in_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The pipe may have become readable."""
    if p.pattern_flags & FLAG_ATTACHED:
        pt.ops.in_ready(pt, p)


cdef inline void pattern_out_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The pipe may have become writable again."""
    p.told_full = pt.told_full = False
    if p.pattern_flags & FLAG_ATTACHED:
        pt.ops.out_ready(pt, p)


# ---- messages

cdef inline int pattern_send(pattern_t *pt, msg_t *m) noexcept nogil:
    """One frame. 0, LB_DROPPED, -EAGAIN, -EFSM, -EINVAL, -ENOTSUP, -EHOSTUNREACH, -ENOMEM."""
    return pt.ops.send(pt, m)


cdef inline int pattern_overflow(pattern_t *pt, msg_t *m) noexcept nogil:
    """pattern_send() has found no room, again and again, and OVERFLOW tells what to do. As pattern_send(), and -ENOBUFS."""
    cdef pipe_t *p
    if pt.attached == 0:
        return -EAGAIN          # nobody's queue is full: there is nobody
    if pt.options.overflow == OVERFLOW_REFUSE:
        pt.hooks.overflow(pt.owner, lb_only(&pt.lb), OVERFLOW_REFUSE)
        return -ENOBUFS
    if not pattern_is(pt, DROPS) or pattern_is(pt, PUBLISHES):
        return -EAGAIN
    if pt.options.overflow == OVERFLOW_DROP_OLDEST:
        p = lb_shed(&pt.lb)
        if p != NULL:
            pt.hooks.overflow(pt.owner, p, OVERFLOW_DROP_OLDEST)
            return pt.ops.send(pt, m)
    pt.overflowed += 1
    pt.hooks.overflow(pt.owner, lb_only(&pt.lb), OVERFLOW_DROP_NEWEST)
    pt.lb.dropping = LB_DROP if m.flags & MSG_MORE else LB_KEEP
    return 0


cdef inline bint pattern_overflows(const pattern_t *pt, int overflow) noexcept nogil:
    """Whether the type can do what this value of OVERFLOW says."""
    return overflow == OVERFLOW_DEFAULT or pattern_is(pt, <uint32_t> WAITS << (overflow - 1))


cdef inline void pattern_abandon(pattern_t *pt) noexcept nogil:
    """The caller will not send the rest of the message it has begun, because a frame was refused for lack of memory: what is sent next begins
    a message."""
    cdef pipe_t *p = pt.ops.abandon(pt)
    if p != NULL and pipe_abandon(p):
        pattern_close_pipe(pt, p)


cdef inline int pattern_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    """One frame, moved into `m`. 0, -EAGAIN, -EFSM, -ENOTSUP, -ENOMEM."""
    cdef int rc
    pt.unfinished = False
    rc = pt.ops.recv(pt, m)
    if rc == 0:
        pt.rcvmore = m.flags & MSG_MORE
    return rc


cdef inline int pattern_events(pattern_t *pt) noexcept nogil:
    """PATTERN_IN: a receive would succeed now. PATTERN_OUT: a send would."""
    pt.unfinished = False
    return pt.ops.events(pt)


cdef inline void pattern_told(pattern_t *pt) noexcept nogil:
    """The application hears of the PATTERN_IN that pattern_events() has just returned."""
    pt.ops.told(pt)


cdef inline bint pattern_backlog(pattern_t *pt) noexcept nogil:
    """A socket that answers what it receives has more to receive, so more answers are likely to follow soon."""
    return pattern_is(pt, ANSWERS) and fq_front(&pt.fq) != NULL


cdef inline pipe_t *pattern_last_pipe(pattern_t *pt) noexcept nogil:
    """Where the last frame received came from; NULL when that pipe is gone."""
    return pt.last


# ---- options that trigger an action

cdef inline int pattern_subscribe(pattern_t *pt, const unsigned char *topic, size_t n, bint add) noexcept nogil:
    """SUBSCRIBE and UNSUBSCRIBE. 0, -EINVAL or -ENOMEM."""
    return pt.ops.subscribe(pt, topic, n, add)


cdef inline int pattern_refine(pattern_t *pt, int what, const unsigned char *topic, size_t n, bint add) noexcept nogil:
    """Exact subscriptions and exclusions. 0, -EINVAL or -ENOMEM."""
    return pt.ops.refine(pt, what, topic, n, add)


cdef inline int pattern_join(pattern_t *pt, const unsigned char *group, size_t n, bint add) noexcept nogil:
    """join() and leave(). 0, -EINVAL, -ENOTSUP, -ENOMEM."""
    return pt.ops.join(pt, group, n, add)


cdef inline int pattern_topics_count(pattern_t *pt) noexcept nogil:
    """TOPICS_COUNT: distinct topics; -EINVAL for types without any."""
    return pt.ops.topics_count(pt)


cdef inline int pattern_subscribers(pattern_t *pt, const unsigned char *topic, size_t n) noexcept nogil:
    """Peers that a message of this topic would be for; -ENOTSUP for types without subscribers, -EFSM inside a message."""
    return pt.ops.subscribers(pt, topic, n)


cdef inline int pattern_set_connect_routing_id(pattern_t *pt, const unsigned char *id, size_t n) noexcept nogil:
    """CONNECT_ROUTING_ID: the id of the next pipe attached that is `local`. -EINVAL: wrong size, id in use, not a type with ids."""
    return pt.ops.set_connect_routing_id(pt, id, n)


cdef inline int pattern_peer_state(pattern_t *pt, const unsigned char *id, size_t n) noexcept nogil:
    """PATTERN_OUT if that peer can take a message, 0 if not, -EHOSTUNREACH; -ENOTSUP for types without ids."""
    return pt.ops.peer_state(pt, id, n)


cdef inline uint32_t pattern_peer_number(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The number that messages know this peer by; 0 for types without numbers."""
    return pt.ops.peer_number(pt, p)


cdef inline int pattern_disconnect_peer(pattern_t *pt, uint32_t number) noexcept nogil:
    """Gives up the peer of that number after the current call. 0, -EHOSTUNREACH, -ENOTSUP."""
    cdef pipe_t *p
    if not pattern_is(pt, CONNECTS_PEERS):
        return -ENOTSUP
    p = pt.ops.peer_of_number(pt, number)
    if p == NULL:
        return -EHOSTUNREACH
    pattern_close_pipe(pt, p)
    return 0
