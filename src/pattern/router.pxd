# ROUTER: every peer has a routing id. Received messages get it as a first frame; the first frame of a message to send selects the peer.
#
# A pipe is known by
#   the id given with CONNECT_ROUTING_ID (FLAG_FIXED: from attach to detach, so that messages can wait for the connection), or
#   the id its peer announced, or
#   5 octets made here: 00 and a counter. Both last as long as the pipe, and that of a connect() outlives its connections: messages wait there for
#   the peer to come back. If another one comes, or the id is announced elsewhere meanwhile, it is given up.
#
# Rules
# - A peer that announces an id in use waits (FLAG_WAITING): connected, but nothing goes to it or comes from it, until the holder of the id is
#   gone; then it takes its place. With ROUTER_HANDOVER it takes the id at once and the holder waits, when what it has sent so far is read.
#   Disconnected instead, a holder that lives would come back and take the id again, and so on without end.
# - Messages are named by the id the peer had when it sent them, also if they are read after a reconnect under a new one (`former`).
# - Without ROUTER_MANDATORY a message to an unknown or full peer is discarded; with it, -EHOSTUNREACH or -EAGAIN at the id frame.
# - Notices (ROUTER_NOTIFY, DISCONNECT_MSG) are put behind what the peer sent, as messages of that peer.
# - On raw connections (ROUTER_RAW) an empty message ends the connection once everything before it has left.

from libc.stdint cimport uint32_t, uint64_t
from base.config cimport ROUTING_ID_MAX
from base.memory cimport malloc, calloc, realloc, free
from libc.string cimport memcpy, memcmp
from base.errors cimport EAGAIN, EEXIST, EHOSTUNREACH, EINVAL, ENOBUFS, ENOMEM
from message.message cimport msg_t, msg_data, msg_set, MSG_MORE
from pipe.pipe cimport pipe_t, pipe_can_write, pipe_lose, pipe_shed, pipe_write, pipe_flush
from pipe.ring cimport ring_messages
from option.table cimport NOTIFY_CONNECT, NOTIFY_DISCONNECT, OVERFLOW_DEFAULT, OVERFLOW_DROP_NEWEST, OVERFLOW_DROP_OLDEST, OVERFLOW_REFUSE
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, ANSWERS, CAN_RECV, CAN_SEND, FLAG_FIXED, FLAG_KEYED, FLAG_UP, FLAG_WAITING,
    DROPS, PATTERN_IN, PATTERN_OUT, RAW, REFUSES, SENDS_IDENTITY, SERVES, pattern_raw,
)
from pattern.steps cimport pattern_close_pipe, pattern_discard, pattern_greet, pattern_insert
from pattern.strategies.fair_queue cimport fq_attach, fq_ended, fq_has, fq_ready, fq_begin, fq_front, fq_remove, fq_take
from pattern.strategies.load_balance cimport lb_attach, lb_has, lb_full, lb_remove, lb_can_send
from pattern.strategies.routing_table cimport routing_table_t, routes_init, routes_free, routes_find, routes_add, routes_remove

cdef enum:
    ROUTING_ID_MADE = 5

# An earlier id of a pipe, and how many messages from that time are still to be read. In pipe.pattern_data, oldest first.
cdef struct former_t:
    former_t *next
    uint64_t left
    uint32_t size
    unsigned char id[1]         # allocated to the size wanted

cdef struct router_t:
    routing_table_t table
    pipe_t *out                 # inside a message being sent; NULL = it is discarded
    bint sending                # the id frame has been taken
    uint32_t made               # counter of made ids
    pipe_t **waiting
    uint32_t waiting_count
    uint32_t waiting_capacity
    uint32_t connect_id_size    # of CONNECT_ROUTING_ID, 0 = none
    unsigned char connect_id[255]


cdef inline int router_notices(const pattern_t *pt) noexcept nogil:
    """NOTIFY_... bits."""
    if pattern_raw(pt):
        return NOTIFY_CONNECT | NOTIFY_DISCONNECT if pt.options.stream_notify else 0
    return pt.options.router_notify


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


# ---- ids

cdef inline void router_unkey(router_t *r, pipe_t *p) noexcept nogil:
    if p.pattern_flags & FLAG_KEYED:
        p.pattern_flags &= ~(<uint32_t> FLAG_KEYED)
        routes_remove(&r.table, p)


cdef inline int router_remember(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The pipe is about to get another id: what is queued keeps the old one."""
    cdef former_t **link = <former_t **> &p.pattern_data
    cdef former_t *f
    cdef uint64_t left = ring_messages(p.inr)
    if left and pt.fq.more and pt.fq.from_pipe == p:
        left -= 1               # its id frame has been given out
    while link[0] != NULL:
        left -= link[0].left
        link = &link[0].next
    if left == 0:
        return 0
    f = <former_t *> malloc(sizeof(former_t) + p.routing_id_size)
    if f == NULL:
        return -ENOMEM
    f.next = NULL
    f.left = left
    f.size = p.routing_id_size
    memcpy(f.id, p.routing_id, p.routing_id_size)
    link[0] = f
    return 0


cdef inline int router_key(pattern_t *pt, pipe_t *p, const unsigned char *id, uint32_t size) noexcept nogil:
    """Makes the pipe known by an id that is free."""
    cdef router_t *r = <router_t *> pt.part
    cdef unsigned char *copy
    cdef int rc
    if p.routing_id == NULL or p.routing_id_size != size or memcmp(p.routing_id, id, size) != 0:
        copy = <unsigned char *> malloc(size)
        if copy == NULL:
            return -ENOMEM
        memcpy(copy, id, size)
        if p.routing_id != NULL:
            if router_remember(pt, p) < 0:
                free(copy)
                return -ENOMEM
            free(p.routing_id)
        p.routing_id = copy
        p.routing_id_size = size
    rc = routes_add(&r.table, p)
    if rc == 0:
        p.pattern_flags |= FLAG_KEYED
    return rc


cdef inline int router_make_id(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    cdef unsigned char id[5]
    id[0] = 0
    while True:
        r.made += 1
        id[1] = <unsigned char> (r.made >> 24)
        id[2] = <unsigned char> (r.made >> 16)
        id[3] = <unsigned char> (r.made >> 8)
        id[4] = <unsigned char> r.made
        # A peer may have announced just these octets.
        if routes_find(&r.table, id, ROUTING_ID_MADE) == NULL:
            return router_key(pt, p, id, ROUTING_ID_MADE)


# ---- pipes that wait for their id

cdef inline int router_wait(router_t *r, pipe_t *p) noexcept nogil:
    cdef uint32_t capacity
    cdef pipe_t **waiting
    if r.waiting_count == r.waiting_capacity:
        capacity = r.waiting_capacity * 2 if r.waiting_capacity else 4
        waiting = <pipe_t **> realloc(r.waiting, capacity * sizeof(void *))
        if waiting == NULL:
            return -ENOMEM
        r.waiting = waiting
        r.waiting_capacity = capacity
    r.waiting[r.waiting_count] = p
    r.waiting_count += 1
    p.pattern_flags |= FLAG_WAITING
    return 0


cdef inline void router_unwait(router_t *r, pipe_t *p) noexcept nogil:
    cdef uint32_t i
    if p.pattern_flags & FLAG_WAITING:
        p.pattern_flags &= ~(<uint32_t> FLAG_WAITING)
        i = 0
        while r.waiting[i] != p:
            i += 1
        r.waiting_count -= 1
        # In order: the one that came first is next.
        while i < r.waiting_count:
            r.waiting[i] = r.waiting[i + 1]
            i += 1


cdef inline void router_rest(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A pipe that waits is read no more once all is read that came while it had the id."""
    if p.pattern_flags & FLAG_WAITING and p.pattern_data == NULL and pt.fq.from_pipe != p:
        fq_remove(&pt.fq, p)


cdef inline int router_enter(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The pipe has its id: messages go to it and come from it."""
    cdef int rc = 0
    if not lb_has(p):
        rc = lb_attach(&pt.lb, p)   # only asked whether anybody has room
    if rc == 0 and not fq_has(p):
        rc = fq_attach(&pt.fq, p)
    return rc


cdef inline void router_greet(pattern_t *pt, pipe_t *p) noexcept nogil:
    if router_notices(pt) & NOTIFY_CONNECT and p.other == NULL:
        pattern_insert(p, NULL, 0)
        fq_ready(&pt.fq, p)
    if pt.options.hello_msg.size:
        pattern_greet(p, pt.options.hello_msg.data, pt.options.hello_msg.size)
    if pt.options.probe_router:
        pattern_greet(p, NULL, 0)


cdef inline bint router_has_announced(pipe_t *p) noexcept nogil:
    """The pipe is known by the id its peer announced."""
    return p.peer_id_size == p.routing_id_size and memcmp(p.peer_id, p.routing_id, p.peer_id_size) == 0


cdef inline void router_displace(pattern_t *pt, pipe_t *p) noexcept nogil:
    """ROUTER_HANDOVER: the id of this pipe goes to another one."""
    cdef router_t *r = <router_t *> pt.part
    router_unkey(r, p)
    lb_remove(&pt.lb, p)
    if not p.pattern_flags & FLAG_UP:
        return
    if not router_has_announced(p) or router_remember(pt, p) < 0 or router_wait(r, p) < 0:
        pattern_close_pipe(pt, p)   # the id was given by CONNECT_ROUTING_ID: it can come back under the one its peer announces
    else:
        router_rest(pt, p)


cdef inline bint router_is_another(pipe_t *p) noexcept nogil:
    """The pipe has kept the id of a peer that was away, and now somebody else is there."""
    if p.pattern_flags & (FLAG_KEYED | FLAG_FIXED) != FLAG_KEYED:
        return False
    if p.peer_id_size == 0:
        return p.routing_id_size != ROUTING_ID_MADE or p.routing_id[0] != 0
    return not router_has_announced(p)


cdef inline int router_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    cdef pipe_t *holder
    cdef int rc = 0
    if router_is_another(p) and not pattern_raw(pt):
        router_leave(pt, p)
    if not p.pattern_flags & FLAG_KEYED:
        if p.peer_id_size == 0 or pattern_raw(pt):      # a raw peer has nothing to say of itself, not even over inproc
            rc = router_make_id(pt, p)
        else:
            holder = routes_find(&r.table, p.peer_id, p.peer_id_size)
            if holder != NULL:
                if not pt.options.router_handover and holder.pattern_flags & (FLAG_UP | FLAG_FIXED):
                    fq_remove(&pt.fq, p)    # it had the id before its connection was lost; what is unread waits with it
                    return router_wait(r, p)
                router_displace(pt, holder)
            rc = router_key(pt, p, p.peer_id, p.peer_id_size)
    if rc == 0:
        rc = router_enter(pt, p)
    if rc == 0:
        router_greet(pt, p)
    return rc


cdef inline void router_adopt(pattern_t *pt, const unsigned char *id, uint32_t size) noexcept nogil:
    """An id has become free: the first pipe that waits for it gets it."""
    cdef router_t *r = <router_t *> pt.part
    cdef pipe_t *p
    cdef uint32_t i
    for i in range(r.waiting_count):
        p = r.waiting[i]
        if p.peer_id_size == size and memcmp(p.peer_id, id, size) == 0:
            router_unwait(r, p)
            if router_ready(pt, p) < 0:
                pattern_close_pipe(pt, p)
            return


cdef inline void router_leave(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    cdef bint keyed = p.pattern_flags & FLAG_KEYED
    router_unwait(r, p)
    router_unkey(r, p)
    lb_remove(&pt.lb, p)
    if keyed and r.waiting_count:
        router_adopt(pt, p.routing_id, p.routing_id_size)


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
    if router_notices(pt) & NOTIFY_DISCONNECT and router_has_peer(p) and p.other == NULL:
        pattern_insert(p, NULL, 0)
        fq_ready(&pt.fq, p)
    router_unwait(<router_t *> pt.part, p)


cdef inline void router_give_up(router_t *r, pipe_t *p) noexcept nogil:
    """The pipe goes; the rest of a message to it that has begun is discarded."""
    if r.out == p:
        r.out = NULL
        pipe_lose(p)


cdef inline void router_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    router_give_up(r, p)
    if router_has_peer(p):
        # `ended` says that the other end writes no more, so that even an inproc ring is ours to write.
        if pt.options.disconnect_msg.size and not p.local:
            pattern_insert(p, pt.options.disconnect_msg.data, pt.options.disconnect_msg.size)
        if router_notices(pt) & NOTIFY_DISCONNECT and p.other == NULL:
            pattern_insert(p, NULL, 0)
    router_leave(pt, p)
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
    cdef former_t *f = <former_t *> p.pattern_data
    cdef int rc
    if f == NULL:
        return msg_set(m, p.routing_id, p.routing_id_size)
    rc = msg_set(m, f.id, f.size)
    if rc == 0:
        f.left -= 1
        if f.left == 0:
            p.pattern_data = f.next
            free(f)
    return rc


cdef inline int router_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef msg_t *front = fq_front(&pt.fq)
    cdef pipe_t *p = pt.fq.from_pipe
    if front == NULL:
        return -EAGAIN
    if pt.fq.more:
        fq_take(&pt.fq, front, m)
        if not pt.fq.more and p != NULL:
            router_rest(pt, p)
        return 0
    p = pt.fq.pipes[pt.fq.current]
    if router_id(p, m) < 0:
        return -ENOMEM
    m.flags = MSG_MORE
    fq_begin(&pt.fq, p)
    p.reading = True            # its message is half read, though all of it stands in the ring yet
    pt.last = p
    return 0


cdef inline int router_events(pattern_t *pt) noexcept nogil:
    cdef int events = PATTERN_IN if fq_front(&pt.fq) != NULL else 0
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
    ops.events = router_events
    ops.set_connect_routing_id = router_set_connect_id
    ops.peer_state = router_peer_state
