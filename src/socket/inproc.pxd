# inproc: two sockets of one context joined by two rings. No thread, no descriptor, no byte on any wire.
#
# Rules
# - context_t.mutex is held for every change of who is joined with whom; socket locks are taken inside it, the
#   connecting side's first.
# - A connect without a bind makes its pipe at once and waits in context_t.pending; what is sent meanwhile queues up to
#   the sender's own mark.
# - Each direction's mark is the sum of the sender's SNDHWM and the receiver's RCVHWM; no limit if either has none. So it is with those in bytes.
# - Each end announces its ROUTING_ID, but a raw socket: its option tells the id of its last connection.
# - Types are not compared: within a process libzmq joins any two, and programs make use of it (a DEALER and a PAIR,
#   say).

from libc.stdint cimport uint32_t, uint64_t
from base.config cimport CACHE_LINE
from base.memory cimport calloc, free, malloc
from libc.string cimport memcpy, strcmp
from base.atomics cimport (
    zc_add_u32, zc_load_acquire_ptr, zc_load_relaxed_u32, zc_load_relaxed_u64, zc_store_relaxed_u32, zc_store_release_ptr, zc_sub_u32,
)
from base.errors cimport EADDRINUSE, EEXIST, ENOMEM, ENOTSOCK
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_lock_try, zc_mutex_lock, zc_mutex_unlock, zc_yield
from io.end_call cimport socket_end_call
from io.mailbox cimport mailbox_drain
from io.wakeup cimport socket_notify, socket_wake
from option.table cimport options_t
from pattern.ops cimport CONFLATES_IN, CONFLATES_OUT, pattern_raw_by
from pattern.pattern cimport (
    pattern_attach, pattern_detach, pattern_in_ready, pattern_is, pattern_out_ready, pattern_ready,
)
from pipe.pipe cimport pipe_t, MAIL_CLOSED
from pipe.charging cimport ring_charge, ring_uncharge
from pipe.ring cimport ring_free, ring_init, ring_set_hwm
from pipe.ring_conflate cimport ring_conflate
from socket.counters cimport counts_joined
from socket.endpoint cimport endpoint_delist, endpoint_enlist, endpoint_tell, text_copy
from socket.pipes cimport pipe_release, pipe_remove, pipes_add, pipes_forget
from socket.questions cimport ZAP_NAME, questions_look
from socket.references cimport inproc_pair_unref
from socket.state cimport context_t, endpoint_ops_t, endpoint_t, inproc_pair_t, socket_t, SOCKET_OPEN
from socket.terms cimport terms_take

cdef enum:
    HOLD_LOOKS = 20             # for the lock of a socket that is being read: some microseconds


cdef inline uint64_t link_mark(uint64_t out, uint64_t into) noexcept nogil:
    return out + into if out and into else 0


cdef inline void link_set_marks(inproc_pair_t *link) noexcept nogil:
    cdef uint32_t i, marks
    cdef uint64_t bytes
    for i in range(2):
        if link.ends[1].socket == NULL:
            # No socket on the other side yet: only the sender's own mark counts.
            ring_set_hwm(&link.rings[i], link.hwm_out[i], link.bytes_out[i])
        else:
            marks = <uint32_t> link_mark(zc_load_relaxed_u32(&link.hwm_out[i]), zc_load_relaxed_u32(&link.hwm_in[1 - i]))
            bytes = link_mark(zc_load_relaxed_u64(&link.bytes_out[i]), zc_load_relaxed_u64(&link.bytes_in[1 - i]))
            ring_set_hwm(&link.rings[i], marks, bytes)


cdef inline bint link_counts(inproc_pair_t *link, int side) noexcept nogil:
    """Whether what this end writes counts for the limit of the context. What the ZAP handler answers does not: no socket reads it."""
    return side == 0 or link.ends[0].socket != NULL


cdef inline int link_join(inproc_pair_t *link, int side, socket_t *s, const options_t *o) noexcept nogil:
    """Gives one end to a socket, with these options of its endpoint. Its lock is held. 0 or -ENOMEM."""
    cdef pipe_t *p = &link.ends[side]
    cdef unsigned char *id = NULL
    cdef size_t id_size = 0 if pattern_raw_by(&s.pattern, o) else o.routing_id.size
    if id_size:
        id = <unsigned char *> malloc(id_size)
        if id == NULL:
            return -ENOMEM
        memcpy(id, o.routing_id.data, id_size)
    # Either end may ask for it. What a connect that waited for its bind has sent already is conflated now.
    if (
        (o.conflate and pattern_is(&s.pattern, CONFLATES_OUT) and ring_conflate(p.outr) < 0)
        or (o.conflate and pattern_is(&s.pattern, CONFLATES_IN) and ring_conflate(p.inr) < 0)
        or (link_counts(link, side) and ring_charge(p.outr, &s.account) < 0)
        or pipes_add(s, p) < 0
    ):
        ring_uncharge(p.outr)
        free(id)
        ring_uncharge(p.outr)       # the next socket that gets this end has its own account
        return -ENOMEM
    p.socket = NULL
    link.hwm_out[side] = <uint32_t> s.opt.sndhwm
    link.hwm_in[side] = <uint32_t> s.opt.rcvhwm
    link.bytes_out[side] = <uint64_t> s.opt.sndhwm_bytes
    link.bytes_in[side] = <uint64_t> s.opt.rcvhwm_bytes
    link.ends[1 - side].peer_id = id
    link.ends[1 - side].peer_id_size = <uint32_t> id_size
    zc_add_u32(&s.refs, 1)
    # Release: a thread that sees the socket sees the pipe as it is now.
    zc_store_release_ptr(&p.socket, s)
    return 0


cdef inline void link_leave(inproc_pair_t *link, int side) noexcept nogil:
    """Takes link_join() back: the end is free again. It stands in no pattern."""
    cdef pipe_t *p = &link.ends[side]
    cdef socket_t *s = <socket_t *> p.socket
    pipes_forget(s, p)
    ring_uncharge(p.outr)
    zc_store_release_ptr(&p.socket, NULL)
    mailbox_drain(s)            # so that it stands on no stack either
    p.connected = False
    free(link.ends[1 - side].peer_id)
    link.ends[1 - side].peer_id = NULL
    link.ends[1 - side].peer_id_size = 0
    zc_sub_u32(&s.refs, 1)      # never the last one: the caller works on it


cdef inline bint link_hold(pipe_t *p, bint hold) noexcept nogil:
    """pipe_hold_t. It does not wait for a lock while it has one, but the other thread may be about to leave: it looks a few times."""
    cdef socket_t *far = <socket_t *> zc_load_acquire_ptr(&p.other.socket)
    cdef int _i
    if far == p.socket:
        return True             # the same lock
    if far == NULL:
        # Nobody can come without our own lock. (But the first end of the ZAP handler's link is the I/O thread's.)
        return (<inproc_pair_t *> p.link).ends[0].socket != NULL
    if not hold:
        zc_lock_release(&far.lock)
        return True
    for _i in range(HOLD_LOOKS):
        if zc_lock_try(&far.lock):
            return True
        zc_yield()
    return False


cdef inline inproc_pair_t *link_make() noexcept nogil:
    """A link with both ends free. It begins at a cache line: two threads on two processors write its rings, and what only one of them writes
    must not travel with what the other one does. NULL without memory."""
    cdef void *memory = calloc(1, sizeof(inproc_pair_t) + CACHE_LINE)
    cdef inproc_pair_t *link = <inproc_pair_t *> (((<size_t> memory) + CACHE_LINE - 1) & ~(<size_t> CACHE_LINE - 1))
    cdef int i
    if memory == NULL:
        return NULL
    link.memory = memory
    link.refs = 2
    for i in range(2):
        ring_init(&link.rings[i], 0)
        link.ends[i].outr = &link.rings[i]
        link.ends[i].inr = &link.rings[1 - i]
        link.ends[i].other = &link.ends[1 - i]
        link.ends[i].link = link
        link.ends[i].notify = socket_notify
        link.ends[i].hold = link_hold
    link.ends[0].local = True
    return link


cdef inline inproc_pair_t *link_new(socket_t *s) noexcept nogil:
    """A link whose first end is `s` (lock held), the second free. NULL without memory."""
    cdef inproc_pair_t *link = link_make()
    if link == NULL:
        return NULL
    if link_join(link, 0, s, &s.opt) < 0:
        ring_free(&link.rings[0])
        ring_free(&link.rings[1])
        free(link.memory)
        return NULL
    link_set_marks(link)
    return link


cdef inline void link_abandon(inproc_pair_t *link) noexcept nogil:
    """The second end will never be joined."""
    inproc_pair_unref(link)


cdef inline const char *inproc_name(endpoint_t *e) noexcept nogil:
    return e.given + e.address_offset


cdef inline endpoint_t *inproc_find(context_t *ctx, const char *name) noexcept nogil:
    """ctx.mutex held."""
    cdef endpoint_t *e = ctx.bound
    while e != NULL:
        if strcmp(inproc_name(e), name) == 0:
            return e
        e = e.registry_next
    return NULL


cdef inline int inproc_complete(inproc_pair_t *link, endpoint_t *e) noexcept nogil:
    """Second end to the socket that is bound there; both locks and ctx.mutex held. The first end's socket, if it is one's, has attached its pipe already.
    0 (also if the binder refuses the peer), or -ENOMEM and the second end is still free."""
    cdef socket_t *binder = e.socket
    cdef socket_t *connecter = <socket_t *> link.ends[0].socket
    cdef pipe_t *near = &link.ends[0]
    cdef pipe_t *far = &link.ends[1]
    cdef int rc
    mailbox_drain(binder)
    socket_end_call(binder)
    if link_join(link, 1, binder, e.terms.opt if e.terms != NULL else &binder.opt) < 0:
        return -ENOMEM
    link_set_marks(link)
    near.connected = far.connected = True
    rc = pattern_attach(&binder.pattern, far)
    if rc < 0 and rc != -ENOMEM:
        pipe_remove(binder, far)
        return 0
    if rc == 0 and connecter != NULL:
        rc = pattern_ready(&connecter.pattern, near)
        if rc < 0:
            pattern_detach(&binder.pattern, far)
    if rc < 0:
        near.connected = False
        link_leave(link, 1)
        link_set_marks(link)
        return -ENOMEM
    counts_joined(far)
    if connecter != NULL:
        counts_joined(near)
        pattern_out_ready(&connecter.pattern, near)     # the mark is higher now
    pattern_in_ready(&binder.pattern, far)
    socket_end_call(binder)
    return 0


cdef inline bint inproc_awaited(context_t *ctx, const char *name) noexcept nogil:
    """Whether a connect waits for this name to be bound. ctx.mutex held."""
    cdef inproc_pair_t *link = ctx.pending
    while link != NULL:
        if strcmp(link.name, name) == 0 and not zc_load_relaxed_u32(&link.withdrawn):
            return True
        link = link.pending_next
    return False


cdef inline int inproc_serve_pending(endpoint_t *e) noexcept nogil:
    """Joins the connects that waited for its name. ctx.mutex held, no socket lock. 0, or -ENOMEM: those not joined go
    on waiting."""
    cdef socket_t *s = e.socket
    cdef const char *name = inproc_name(e)
    cdef inproc_pair_t **at = &s.ctx.pending
    cdef inproc_pair_t *link
    cdef socket_t *connecter
    cdef int rc = 0
    while rc == 0 and at[0] != NULL:
        link = at[0]
        if strcmp(link.name, name) != 0:
            at = &link.pending_next
            continue
        connecter = <socket_t *> link.ends[0].socket
        if connecter != s:
            zc_lock_acquire(&connecter.lock)
        zc_lock_acquire(&s.lock)
        if zc_load_relaxed_u32(&link.withdrawn):
            at = &link.pending_next     # until its endpoint ends
        else:
            # Taken out first: the binder may refuse the peer, and remove the pipe at once.
            at[0] = link.pending_next
            link.pending = False
            rc = inproc_complete(link, e)
            if rc < 0:
                at[0] = link
                link.pending = True
        zc_lock_release(&s.lock)
        if connecter != s:
            socket_end_call(connecter)
            zc_lock_release(&connecter.lock)
            socket_wake(connecter)
        socket_wake(s)
    return rc


cdef inline void inproc_register(endpoint_t *e) noexcept nogil:
    """The name is taken. ctx.mutex held; the endpoint is on its socket's list."""
    cdef context_t *ctx = e.socket.ctx
    e.registry_next = ctx.bound
    ctx.bound = e
    if strcmp(inproc_name(e), ZAP_NAME) == 0:
        # Relaxed: who asks meanwhile, without the mutex, may come before or after the bind.
        zc_store_relaxed_u32(&ctx.zap.had_handler, 1)
        questions_look(ctx)         # some may have been waiting for it


cdef inline int inproc_bind(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.bind"""
    cdef context_t *ctx = s.ctx
    cdef const char *name = inproc_name(e)
    cdef int rc = 0
    zc_mutex_lock(&ctx.mutex)
    zc_lock_acquire(&s.lock)
    if s.state != SOCKET_OPEN:
        rc = -ENOTSOCK
    elif inproc_find(ctx, name) != NULL:
        rc = -EADDRINUSE
    else:
        rc = terms_take(s, &e.terms)
    if rc == 0:
        endpoint_enlist(s, e)
        inproc_register(e)
    zc_lock_release(&s.lock)
    if rc == 0:
        rc = inproc_serve_pending(e)
        zc_lock_acquire(&s.lock)
        if rc == 0:
            endpoint_tell(s, e)
        else:
            # Not bound after all.
            inproc_unregister(e)
            endpoint_delist(s, e)
        zc_lock_release(&s.lock)
    zc_mutex_unlock(&ctx.mutex)
    return rc


cdef inline int inproc_take_over(socket_t *s, endpoint_t *e, endpoint_t *bound) noexcept nogil:
    """Connects to a monitor: its pipe is there already and may hold events. ctx.mutex and the socket's lock held. 0 or
    -ENOMEM."""
    cdef inproc_pair_t *link = <inproc_pair_t *> bound.pipe.link
    cdef socket_t *binder = bound.socket
    cdef int rc
    zc_lock_acquire(&binder.lock)
    rc = link_join(link, 1, s, &s.opt)
    if rc == 0:
        e.pipe = &link.ends[1]
        link_set_marks(link)
        ring_set_hwm(link.ends[0].outr, <uint32_t> link_mark(s.ctx.monitor_backlog, <uint32_t> s.opt.rcvhwm), 0)
        link.ends[1].connected = True
        rc = pattern_attach(&s.pattern, e.pipe)
        if rc == 0:
            bound.pipe = NULL
            counts_joined(e.pipe)
            pattern_in_ready(&s.pattern, e.pipe)
        else:
            link_leave(link, 1)         # the events stay for another attempt
            e.pipe = NULL
            if rc == -EEXIST:
                rc = 0
    zc_lock_release(&binder.lock)
    return rc


cdef inline int inproc_join(inproc_pair_t *link, endpoint_t *e) noexcept nogil:
    """The first end's socket, whose lock is held with ctx.mutex, gets its peer. 0 or -ENOMEM."""
    cdef socket_t *binder = e.socket
    cdef int rc
    if binder == <socket_t *> link.ends[0].socket:
        return inproc_complete(link, e)
    zc_lock_acquire(&binder.lock)
    rc = inproc_complete(link, e)
    zc_lock_release(&binder.lock)
    socket_wake(binder)
    return rc


cdef inline int inproc_pend(context_t *ctx, inproc_pair_t *link, endpoint_t *e) noexcept nogil:
    """The connect waits for its bind. ctx.mutex held. 0 or -ENOMEM."""
    cdef inproc_pair_t **at = &ctx.pending
    link.name = text_copy(inproc_name(e), e.name_size - e.address_offset)
    if link.name == NULL:
        return -ENOMEM
    link.pending = True
    # Oldest first, as they would have connected.
    while at[0] != NULL:
        at = &at[0].pending_next
    at[0] = link
    return 0


cdef inline int inproc_begin(socket_t *s, endpoint_t *e, endpoint_t *bound) noexcept nogil:
    """A pipe of its own for the connect; `bound` is NULL while the name is not bound. ctx.mutex and the socket's lock held.
    0 or -ENOMEM."""
    cdef inproc_pair_t *link = link_new(s)
    cdef int rc
    if link == NULL:
        return -ENOMEM
    e.pipe = &link.ends[0]
    rc = pattern_attach(&s.pattern, e.pipe)
    if rc == 0:
        rc = inproc_join(link, bound) if bound != NULL else inproc_pend(s.ctx, link, e)
    if rc < 0:
        pipe_remove(s, &link.ends[0])
        link_abandon(link)
        e.pipe = NULL
    # A PAIR that has its peer: accepted, and not joined, as over other transports.
    return 0 if rc == -EEXIST else rc


cdef inline int inproc_connect(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.connect"""
    cdef context_t *ctx = s.ctx
    cdef endpoint_t *bound
    cdef int rc
    zc_mutex_lock(&ctx.mutex)
    zc_lock_acquire(&s.lock)
    bound = inproc_find(ctx, inproc_name(e))
    if s.state != SOCKET_OPEN:
        rc = -ENOTSOCK
    else:
        endpoint_enlist(s, e)       # first: where a socket is joined to itself, the pipe may go at once, and looks for its endpoint
        rc = inproc_take_over(s, e, bound) if bound != NULL and bound.pipe != NULL else inproc_begin(s, e, bound)
        if rc == 0:
            endpoint_tell(s, e)
        else:
            endpoint_delist(s, e)
    socket_end_call(s)
    zc_lock_release(&s.lock)
    zc_mutex_unlock(&ctx.mutex)
    return rc


cdef inline void inproc_unregister(endpoint_t *e) noexcept nogil:
    """The name is free again; pipes made through it live on. ctx.mutex held."""
    cdef endpoint_t **at = &e.socket.ctx.bound
    while at[0] != NULL:
        if at[0] == e:
            at[0] = e.registry_next
            return
        at = &at[0].registry_next


cdef inline void inproc_unpend(context_t *ctx, inproc_pair_t *link) noexcept nogil:
    """A connect that waited for its bind is withdrawn. ctx.mutex held."""
    cdef inproc_pair_t **at = &ctx.pending
    while at[0] != NULL:
        if at[0] == link:
            at[0] = link.pending_next
            link.pending = False
            link_abandon(link)
            if zc_load_relaxed_u32(&link.withdrawn):
                inproc_pair_unref(link)     # our end has gone before
            return
        at = &at[0].pending_next


cdef inline void inproc_end(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.end. What the peer has sent stays readable; it is told that nothing will be read after that."""
    cdef pipe_t *p = e.pipe
    cdef bint withdrawn
    if not e.connects:
        inproc_unregister(e)
        return
    if p == NULL:
        return
    if (<inproc_pair_t *> p.link).pending:
        # One that was withdrawn goes with this.
        withdrawn = p.detached
        inproc_unpend(s.ctx, <inproc_pair_t *> p.link)
        if not withdrawn:
            pipe_remove(s, p)
    elif not p.detached:
        pipe_release(s, p)
        p.notify(p.other, MAIL_CLOSED)


cdef inline void inproc_close(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.close"""
    cdef pipe_t *p = e.pipe
    if not e.connects:
        inproc_unregister(e)
        if p != NULL:
            link_abandon(<inproc_pair_t *> p.link)         # a monitor's, for a consumer that never came
    elif p != NULL and (<inproc_pair_t *> p.link).pending:
        inproc_unpend(s.ctx, <inproc_pair_t *> p.link)


cdef inline void inproc_endpoint_ops(endpoint_ops_t *o) noexcept nogil:
    o.bind = inproc_bind
    o.connect = inproc_connect
    o.end = inproc_end
    o.close = inproc_close
