# The ids of a ROUTER's peers: who is known by which, who waits for one, and who is told.
#
# A pipe is known by
#   the id given with CONNECT_ROUTING_ID (FLAG_FIXED: from attach to detach, so that messages can wait for the connection), or
#   the id its peer announced, or
#   5 octets made here: 00 and a counter. Both last as long as the pipe, and that of a connect() outlives its connections: messages wait there for
#   the peer to come back. If another one comes, or the id is announced elsewhere meanwhile or has been (somebody waits for it), it is given up.
#
# Rules
# - A peer that announces an id in use waits (FLAG_WAITING): connected, but nothing goes to it or comes from it, until the holder of the id is
#   gone; then it takes its place. With ROUTER_HANDOVER it takes the id at once and the holder waits, when what it has sent so far is read.
#   Disconnected instead, a holder that lives would come back and take the id again, and so on without end. It may be dead, and the reason for the
#   handover: so it gets the id back when that is free and a message of its own says that it lives (FLAG_DISPLACED). A pipe whose id was given
#   with CONNECT_ROUTING_ID does not wait: it goes on under the id that its peer announced.
# - Messages are named by the id the peer had when it sent them, also if they are read after a reconnect under a new one (`former`). Where an id
#   ends is told by the number of a message in the ring, so that what the peer takes back over inproc (OVERFLOW, CONFLATE) moves no border.
# - The notice of a peer that has waited, and may be inside a message, comes with what it sent meanwhile, ahead of it (FLAG_NOTICE).
# - Greetings (HELLO_MSG, PROBE_ROUTER) go straight into a connection that has carried nothing else, once (FLAG_GREETED).

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport malloc, realloc, free
from libc.string cimport memcpy, memcmp
from base.errors cimport ENOMEM
from pipe.pipe cimport pipe_t, pipe_front
from pipe.ring cimport ring_messages, ring_mid_message, ring_next, ring_written
from option.table cimport NOTIFY_CONNECT, NOTIFY_DISCONNECT
from pattern.ops cimport (
    pattern_t, FLAG_DISPLACED, FLAG_FIXED, FLAG_GREETED, FLAG_KEYED, FLAG_NOTICE, FLAG_UP, FLAG_WAITING, pattern_raw,
)
from pattern.steps cimport pattern_close_pipe, pattern_discard, pattern_greet, pattern_insert
from pattern.strategies.fair_queue cimport fq_attach, fq_has, fq_ready, fq_remove
from pattern.strategies.load_balance cimport lb_attach, lb_has, lb_remove
from pattern.strategies.routing_table cimport routing_table_t, routes_find, routes_add, routes_remove

cdef enum:
    ROUTING_ID_MADE = 5

# An earlier id of a pipe, while messages from that time are still to be read. In pipe.pattern_data, oldest first.
cdef struct former_t:
    former_t *next
    uint64_t until              # number (ring_next) of the first message that is not from that time
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


cdef inline void router_unkey(router_t *r, pipe_t *p) noexcept nogil:
    if p.pattern_flags & FLAG_KEYED:
        p.pattern_flags &= ~(<uint32_t> FLAG_KEYED)
        routes_remove(&r.table, p)


cdef inline former_t *router_former(pipe_t *p) noexcept nogil:
    """The id of the pipe's next message, if it is an earlier one; NULL: it is the present one."""
    cdef former_t *f = <former_t *> p.pattern_data
    while f != NULL and f.until <= ring_next(p.inr):
        p.pattern_data = f.next
        free(f)
        f = <former_t *> p.pattern_data
    return f


cdef inline uint64_t router_unread(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Messages of the pipe's present id that are still to be read."""
    cdef former_t *f = router_former(p)
    cdef uint64_t since = ring_next(p.inr)
    if pt.fq.more and pt.fq.from_pipe == p:
        since += 1              # its id frame has been given out
    while f != NULL:
        since = max(since, f.until)
        f = f.next
    return ring_written(p.inr) - since


cdef inline int router_remember(pattern_t *pt, pipe_t *p, const unsigned char *id, uint32_t size) noexcept nogil:
    """The pipe is about to get another id: what is queued keeps this one."""
    cdef former_t **link = <former_t **> &p.pattern_data
    cdef former_t *f
    if router_unread(pt, p) == 0:
        return 0
    while link[0] != NULL:
        link = &link[0].next
    f = <former_t *> malloc(sizeof(former_t) + size)
    if f == NULL:
        return -ENOMEM
    f.next = NULL
    f.until = ring_written(p.inr)
    f.size = size
    memcpy(f.id, id, size)
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
            if router_remember(pt, p, p.routing_id, p.routing_id_size) < 0:
                free(copy)
                return -ENOMEM
            free(p.routing_id)
        p.routing_id = copy
        p.routing_id_size = size
    rc = routes_add(&r.table, p)
    if rc == 0:
        p.pattern_flags |= FLAG_KEYED
    return rc


cdef inline int router_forget(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The pipe has no id for now: what comes is not the last one's. 0 or -ENOMEM."""
    if p.routing_id == NULL:
        return 0
    if router_remember(pt, p, p.routing_id, p.routing_id_size) < 0:
        return -ENOMEM
    free(p.routing_id)
    p.routing_id = NULL
    p.routing_id_size = 0
    return 0


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
        p.pattern_flags &= ~(<uint32_t> FLAG_WAITING | FLAG_DISPLACED)
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
    cdef bint served = fq_has(p)
    if not p.pattern_flags & (FLAG_WAITING | FLAG_DISPLACED) or pt.fq.from_pipe == p or router_former(p) != NULL:
        return
    fq_remove(&pt.fq, p)
    if not p.pattern_flags & FLAG_WAITING:
        if served:
            pattern_discard(pt, p)      # it has gone
    else:
        if p.other != NULL:
            pipe_front(p)       # of an inproc pipe there is no news until somebody has found nothing in it
        router_look(pt, p)


cdef inline int router_enter(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The pipe has its id: messages go to it and come from it."""
    cdef int rc = 0
    if not lb_has(p):
        rc = lb_attach(&pt.lb, p)   # only asked whether anybody has room
    if rc == 0 and not fq_has(p):
        rc = fq_attach(&pt.fq, p)
    return rc


cdef inline void router_greet(pattern_t *pt, pipe_t *p, bint fresh) noexcept nogil:
    """The pipe is served from now on. `fresh`: so is its connection, and of an earlier one nothing will follow."""
    if router_notices(pt) & NOTIFY_CONNECT and p.other == NULL:
        if fresh or not (ring_messages(p.inr) or ring_mid_message(p.inr)):
            pattern_insert(p, NULL, 0)
            fq_ready(&pt.fq, p)
        else:
            p.pattern_flags |= FLAG_NOTICE
    if p.pattern_flags & FLAG_GREETED:
        return
    p.pattern_flags |= FLAG_GREETED
    if pt.options.hello_msg.size:
        pattern_greet(p, pt.options.hello_msg.data, pt.options.hello_msg.size)
    if pt.options.probe_router:
        pattern_greet(p, NULL, 0)


cdef inline bint router_holds(pipe_t *p) noexcept nogil:
    """The id of the pipe, which may be NULL, is not to be had: its peer is there, or the application has given it."""
    return p != NULL and p.pattern_flags & (FLAG_UP | FLAG_FIXED) != 0


cdef inline bint router_has_announced(pipe_t *p) noexcept nogil:
    """The pipe is known by the id its peer announced."""
    return p.peer_id_size == p.routing_id_size and memcmp(p.peer_id, p.routing_id, p.peer_id_size) == 0


cdef inline bint router_is_another(pipe_t *p) noexcept nogil:
    """The pipe has kept the id of a peer that was away, and now somebody else is there."""
    if p.pattern_flags & (FLAG_KEYED | FLAG_FIXED) != FLAG_KEYED:
        return False
    if p.peer_id_size == 0:
        return p.routing_id_size != ROUTING_ID_MADE or p.routing_id[0] != 0
    return not router_has_announced(p)


cdef inline void router_displace(pattern_t *pt, pipe_t *p) noexcept nogil:
    """ROUTER_HANDOVER: the id of this pipe has gone to another one."""
    cdef router_t *r = <router_t *> pt.part
    cdef int rc = 0
    lb_remove(&pt.lb, p)
    if not p.pattern_flags & FLAG_UP:
        return
    if router_has_announced(p):
        rc = router_remember(pt, p, p.routing_id, p.routing_id_size)
        if rc == 0:
            rc = router_wait(r, p)
        p.pattern_flags |= FLAG_DISPLACED
        router_rest(pt, p)
    else:
        p.pattern_flags &= ~(<uint32_t> FLAG_FIXED)
        rc = router_identify(pt, p)
    if rc < 0:
        pattern_close_pipe(pt, p)


cdef inline int router_identify(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Gives a pipe that has a peer its id, or has it wait for that. 0 or -ENOMEM."""
    cdef router_t *r = <router_t *> pt.part
    cdef pipe_t *holder = NULL
    cdef int rc
    if p.peer_id_size == 0 or pattern_raw(pt):          # a raw peer has nothing to say of itself, not even over inproc
        rc = router_make_id(pt, p)
    else:
        holder = routes_find(&r.table, p.peer_id, p.peer_id_size)
        if not pt.options.router_handover and router_holds(holder):
            fq_remove(&pt.fq, p)    # it had an id before its connection was lost; what is unread waits with it
            return router_forget(pt, p) or router_wait(r, p)
        if holder != NULL:
            router_unkey(r, holder)
        rc = router_key(pt, p, p.peer_id, p.peer_id_size)
        if holder != NULL:
            router_displace(pt, holder)
            if p.pattern_flags & FLAG_WAITING:
                return rc       # one of those that had to give way, in turn, has announced the same id
    return rc if rc < 0 else router_enter(pt, p)


cdef inline int router_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef int rc
    if router_is_another(p) and not pattern_raw(pt):
        router_leave(pt, p)
    rc = router_enter(pt, p) if p.pattern_flags & FLAG_KEYED else router_identify(pt, p)
    if rc == 0 and not p.pattern_flags & FLAG_WAITING:
        router_greet(pt, p, True)
    return rc


cdef inline void router_serve(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A pipe has waited, and now its id is free."""
    router_unwait(<router_t *> pt.part, p)
    if router_identify(pt, p) < 0:
        pattern_close_pipe(pt, p)
    else:
        router_greet(pt, p, False)


cdef inline void router_adopt(pattern_t *pt, const unsigned char *id, uint32_t size) noexcept nogil:
    """An id has become free: the first pipe that waits for it gets it; of those that had it once the last one."""
    cdef router_t *r = <router_t *> pt.part
    cdef pipe_t *p
    cdef pipe_t *next = NULL
    cdef uint32_t i
    for i in range(r.waiting_count):
        p = r.waiting[i]
        if p.peer_id_size != size or memcmp(p.peer_id, id, size) != 0:
            continue
        if not p.pattern_flags & FLAG_DISPLACED:
            next = p
            break
        if router_unread(pt, p):
            next = p            # it has spoken since
    if next != NULL:
        router_serve(pt, next)


cdef inline void router_look(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A displaced pipe may have spoken: it has its id again if that is free."""
    cdef router_t *r = <router_t *> pt.part
    if p.pattern_flags & FLAG_WAITING and p.pattern_flags & FLAG_DISPLACED and router_unread(pt, p):
        if not router_holds(routes_find(&r.table, p.peer_id, p.peer_id_size)):
            router_serve(pt, p)


cdef inline void router_in_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    fq_ready(&pt.fq, p)
    if p.pattern_flags & FLAG_DISPLACED:
        router_look(pt, p)


cdef inline void router_leave(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef router_t *r = <router_t *> pt.part
    cdef bint keyed = p.pattern_flags & FLAG_KEYED
    router_unwait(r, p)
    router_unkey(r, p)
    lb_remove(&pt.lb, p)
    if keyed and r.waiting_count:
        router_adopt(pt, p.routing_id, p.routing_id_size)
