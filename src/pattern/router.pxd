# ROUTER: every peer has a routing id. Received messages get it as a first frame; the first frame of a message to send selects the peer.
#
# Rules
# - Which peer has which id: router_ids.pxd.
# - Without ROUTER_MANDATORY a message to an unknown or full peer is discarded; with it, -EHOSTUNREACH or -EAGAIN at the id frame.
# - Notices (ROUTER_NOTIFY, DISCONNECT_MSG) are put behind what the peer sent, as messages of that peer.
# - On raw connections (ROUTER_RAW) an empty message ends the connection once everything before it has left.

from libc.stdint cimport uint32_t, uint64_t
from base.config cimport ROUTING_ID_MAX
from base.memory cimport calloc, free
from libc.string cimport memcpy
from base.errors cimport EAGAIN, EEXIST, EHOSTUNREACH, EINVAL, ENOBUFS, ENOMEM
from message.message cimport msg_close, msg_t, msg_data, msg_set, MSG_MORE
from pipe.pipe cimport pipe_t, pipe_can_write, pipe_lose, pipe_shed, pipe_write, pipe_flush
from option.table cimport NOTIFY_DISCONNECT, OVERFLOW_DEFAULT, OVERFLOW_DROP_NEWEST, OVERFLOW_DROP_OLDEST, OVERFLOW_REFUSE
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, ANSWERS, CAN_RECV, CAN_SEND, FLAG_DISPLACED, FLAG_FIXED, FLAG_GREETED, FLAG_KEYED, FLAG_NOTICE, FLAG_UP,
    FLAG_WAITING, DROPS, PATTERN_IN, PATTERN_OUT, RAW, REFUSES, SENDS_IDENTITY, SERVES, pattern_raw,
)
from pattern.router_ids cimport (
    former_t, router_t, router_adopt, router_enter, router_former, router_holds, router_in_ready, router_key, router_leave, router_notices,
    router_ready, router_remember, router_rest, router_unwait,
)
from pattern.steps cimport pattern_close_pipe, pattern_discard, pattern_insert
from pattern.strategies.fair_queue cimport fq_ended, fq_has, fq_ready, fq_begin, fq_front, fq_notice, fq_take
from pattern.strategies.load_balance cimport lb_full, lb_can_send
from pattern.strategies.routing_table cimport routes_init, routes_free, routes_find


cdef inline bint router_mandatory(const pattern_t *pt) noexcept nogil:
    """A STREAM always tells who cannot be reached."""
    return pt.options.router_mandatory or (pt.ops.traits & RAW) != 0


cdef inline int router_init(pattern_t *pt) noexcept nogil:
    cdef router_t *r = <router_t *> calloc(1, sizeof(router_t))
    cdef uint64_t seed = 0
    if r == NULL:
        return -ENOMEM
    if pt.hooks.random != NULL:
        pt.hooks.random(&seed, sizeof(seed))
        pt.hooks.random(&r.made, sizeof(uint32_t))
    routes_init(&r.table, seed)
    pt.part = r
    return 0


cdef inline void router_free(pattern_t *pt) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    routes_free(&r.table)
    free(r.waiting)


cdef inline int router_set_connect_id(pattern_t *pt, const unsigned char *id, size_t size) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    if size == 0 or size > ROUTING_ID_MAX or routes_find(&r.table, id, size) != NULL:
        return -EINVAL
    memcpy(r.connect_id, id, size)
    r.connect_id_size = <uint32_t> size
    return 0


cdef inline int router_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    cdef uint32_t size = r.connect_id_size
    cdef int rc
    if not p.local or size == 0:
        return 0                # the rest is done when there is a peer
    r.connect_id_size = 0
    if routes_find(&r.table, r.connect_id, size) != NULL:
        return -EEXIST
    p.pattern_flags |= FLAG_FIXED
    rc = router_key(pt, p, r.connect_id, size)
    return rc if rc < 0 else router_enter(pt, p)


cdef inline bint router_has_peer(pipe_t *p) noexcept nogil:
    """Connected and known by its id: not waiting, not replaced."""
    return p.pattern_flags & (FLAG_UP | FLAG_KEYED) == FLAG_UP | FLAG_KEYED


cdef inline void router_lost(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    if router_notices(pt) & NOTIFY_DISCONNECT and router_has_peer(p) and p.other == NULL:
        pattern_insert(p, NULL, 0)
        fq_ready(&pt.fq, p)
    p.pattern_flags &= ~(<uint32_t> FLAG_GREETED | FLAG_UP)     # its id may be had from now on: router_holds()
    if p.pattern_flags & FLAG_WAITING:
        router_remember(pt, p, p.peer_id, p.peer_id_size)       # without memory it is the next one's
    router_unwait(r, p)
    if p.pattern_flags & FLAG_KEYED and r.waiting_count and not router_holds(p):
        router_adopt(pt, p.routing_id, p.routing_id_size)


cdef inline void router_give_up(router_t *r, pipe_t *p) noexcept nogil:
    """The pipe goes; the rest of a message to it that has begun is discarded."""
    if r.out == p:
        r.out = NULL
        pipe_lose(p)


cdef inline void router_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    cdef uint32_t displaced
    router_give_up(r, p)
    if router_has_peer(p):
        # `ended` says that the other end writes no more, so that even an inproc ring is ours to write.
        if pt.options.disconnect_msg.size and not p.local:
            pattern_insert(p, pt.options.disconnect_msg.data, pt.options.disconnect_msg.size)
        if router_notices(pt) & NOTIFY_DISCONNECT and p.other == NULL:
            pattern_insert(p, NULL, 0)
        fq_ready(&pt.fq, p)     # before the pipe that takes its place
    displaced = p.pattern_flags & FLAG_DISPLACED
    router_leave(pt, p)
    p.pattern_flags |= displaced        # what it has sent since is not read (router_rest)
    if fq_has(p):
        fq_ended(&pt.fq, p)
    else:
        pattern_discard(pt, p)  # it was never listened to: read it to its end


cdef inline void router_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    cdef former_t *f
    router_give_up(r, p)
    router_leave(pt, p)
    while p.pattern_data != NULL:
        f = <former_t *> p.pattern_data
        p.pattern_data = f.next
        free(f)
    free(p.routing_id)
    p.routing_id = NULL
    p.routing_id_size = 0


# ---- messages

cdef inline void router_hang_up(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The id is free at once; what has been written still goes out."""
    router_leave(pt, p)
    p.hang_up = p.other == NULL
    pattern_close_pipe(pt, p)


cdef inline int router_overflow(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A message is for a peer whose queue is full. 1: there is room now; 0: it is dropped; negative errno."""
    if pt.options.overflow == OVERFLOW_DROP_OLDEST and pipe_shed(p):
        pt.hooks.overflow(pt.owner, p, OVERFLOW_DROP_OLDEST)
        return 1
    lb_full(&pt.lb, p)
    if pt.options.overflow == OVERFLOW_REFUSE and not p.closed_out:
        pt.hooks.overflow(pt.owner, p, OVERFLOW_REFUSE)
        return -ENOBUFS
    if router_mandatory(pt) and (p.closed_out or pt.options.overflow == OVERFLOW_DEFAULT):
        return -EHOSTUNREACH if p.closed_out else -EAGAIN
    p.missed += 1
    if not p.closed_out:
        pt.hooks.overflow(pt.owner, p, OVERFLOW_DROP_NEWEST)
    return 0


cdef inline int router_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    cdef bint more = (m.flags & MSG_MORE) != 0
    cdef pipe_t *p
    cdef int rc
    if not r.sending:
        if more:
            p = routes_find(&r.table, msg_data(m), m.size)
            if p == NULL:
                if router_mandatory(pt):
                    return -EHOSTUNREACH
                pt.nobody += 1
            elif not pipe_can_write(p):
                rc = router_overflow(pt, p)
                if rc < 0:
                    return rc
                if rc == 0:
                    p = NULL
            r.out = p
            r.sending = True
        # An id alone is no message.
        return 0
    p = r.out
    if p != NULL and pattern_raw(pt) and m.size == 0 and not p.writing:
        router_hang_up(pt, p)
        r.out = NULL
    elif p != NULL:
        rc = pipe_write(p, m, True)
        if rc == -ENOMEM:
            return rc
        if rc < 0:
            r.out = NULL
            pipe_lose(p)
        elif not more:
            pipe_flush(p)
    r.sending = more
    if not more:
        r.out = NULL            # whole: it is not lost with the pipe
    return 0


cdef inline pipe_t *router_abandon(pattern_t *pt) noexcept nogil:
    """The message that began will not be finished. The pipe it went to, or NULL."""
    cdef router_t *r = <router_t *> pt.part
    cdef pipe_t *p = r.out if r.sending else NULL
    r.out = NULL
    r.sending = False
    return p


cdef inline int router_id(pipe_t *p, msg_t *m) noexcept nogil:
    """The id frame of the pipe's next message."""
    cdef former_t *f = router_former(p)
    if f == NULL:
        return msg_set(m, p.routing_id, p.routing_id_size)
    return msg_set(m, f.id, f.size)


cdef inline int router_notice(pattern_t *pt, pipe_t *p, msg_t *m) noexcept nogil:
    """The id frame of a notice that is not in the ring."""
    if msg_set(m, p.routing_id, p.routing_id_size) < 0:
        return -ENOMEM
    if fq_notice(&pt.fq) < 0:
        msg_close(m)
        return -ENOMEM
    m.flags = MSG_MORE
    p.pattern_flags &= ~(<uint32_t> FLAG_NOTICE)
    pt.last = p
    return 0


cdef inline msg_t *router_front(pattern_t *pt) noexcept nogil:
    """As fq_front(): a frame of the message to give out, or NULL. What a peer that has no id now has sent since it lost it is passed over."""
    cdef msg_t *front = fq_front(&pt.fq)
    cdef pipe_t *p
    while front != NULL and not pt.fq.more:
        p = pt.fq.pipes[pt.fq.current]
        if not p.pattern_flags & (FLAG_WAITING | FLAG_DISPLACED) or router_former(p) != NULL:
            break
        router_rest(pt, p)      # what it had sent under the id has been taken back over inproc (OVERFLOW, CONFLATE)
        front = fq_front(&pt.fq)
    return front


cdef inline int router_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef msg_t *front = router_front(pt)
    cdef pipe_t *p = pt.fq.from_pipe
    if front == NULL:
        return -EAGAIN
    if pt.fq.more:
        fq_take(&pt.fq, front, m)
        if not pt.fq.more and p != NULL:
            router_rest(pt, p)
        return 0
    p = pt.fq.pipes[pt.fq.current]
    if p.pattern_flags & FLAG_NOTICE and router_former(p) == NULL:
        return router_notice(pt, p, m)
    if router_id(p, m) < 0:
        return -ENOMEM
    m.flags = MSG_MORE
    fq_begin(&pt.fq, p)
    p.reading = True            # its message is half read, though all of it stands in the ring yet
    pt.last = p
    return 0


cdef inline int router_events(pattern_t *pt) noexcept nogil:
    cdef int events = PATTERN_IN if router_front(pt) != NULL else 0
    cdef router_t *r = <router_t *> pt.part
    if r.sending or not router_mandatory(pt) or lb_can_send(&pt.lb):
        events |= PATTERN_OUT
    return events


cdef inline int router_peer_state(pattern_t *pt, const unsigned char *id, size_t size) noexcept nogil:
    """PATTERN_OUT if the peer can take a message, 0 if not, -EHOSTUNREACH."""
    cdef router_t *r = <router_t *> pt.part
    cdef pipe_t *p = routes_find(&r.table, id, size)
    if p == NULL:
        return -EHOSTUNREACH
    return PATTERN_OUT if pipe_can_write(p) else 0


cdef inline void router_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "ROUTER", "REQ DEALER ROUTER", CAN_SEND | CAN_RECV | ANSWERS | SENDS_IDENTITY | SERVES | DROPS | REFUSES)
    ops.init = router_init
    ops.free = router_free
    ops.attach = router_attach
    ops.ready = router_ready
    ops.lost = router_lost
    ops.ended = router_ended
    ops.detach = router_detach
    ops.send = router_send
    ops.abandon = router_abandon
    ops.recv = router_recv
    ops.in_ready = router_in_ready
    ops.events = router_events
    ops.set_connect_routing_id = router_set_connect_id
    ops.peer_state = router_peer_state
