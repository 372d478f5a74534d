# Life of contexts and sockets: making, closing, lingering, termination, and what is left of them in a forked child.
#
# Closing a socket: the application's handle is gone at once; endpoints and pipes are taken down; sessions with output
# go on under the I/O thread until it is flushed or LINGER is over. The last session's end (or closing itself) takes the
# socket out of its context. Termination waits for that, for every socket. In a forked child nobody may touch locks or
# poll sets of the parent: closing there only closes descriptors.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t, UINT64_MAX
from base.memory cimport calloc, free
from base.atomics cimport zc_add_u32, zc_load_acquire_u32, zc_store_relaxed_u32, zc_sub_u32, zc_swap_ptr, zc_swap_u32
from base.config cimport MONITOR_BACKLOG, RX_BULK, RX_CHUNK, SELF_FLUSH_LIMIT, TX_BUFFER, TX_REF_MIN
from base.errors cimport EMFILE, ENOMEM, ETERM
from base.platform cimport (
    zc_close, zc_cond_broadcast, zc_cond_destroy, zc_cond_init, zc_cond_wait_until, zc_fork_generation, zc_lock_acquire,
    zc_lock_init, zc_lock_release, zc_mutex_destroy, zc_mutex_init, zc_mutex_lock, zc_mutex_unlock, zc_now_ns,
    zc_os_random, zc_wake_close,
)
from io.flush cimport socket_flush
from io.mailbox cimport mailbox_drain
from io.serve cimport socket_apart, socket_of_client, socket_serve
from io.wakeup cimport mailbox_closed, socket_close_set, socket_wake
from message.buffer cimport pool_clear, pool_init
from message.message cimport zc_large_trim
from option.context cimport context_options_free, context_options_init
from option.store cimport options_free, options_init
from pattern.ops cimport pattern_hooks_t
from pattern.pattern cimport pattern_free, pattern_init
from pipe.budget cimport account_leave
from pipe.pipe cimport pipe_t
from reactor.io_thread cimport io_client_t, io_poke, io_remove, LEASE_NONE
from reactor.pollset cimport pollset_child_enable, pollset_close
from shared.segment cimport segment_unref
from session.lifecycle cimport session_close
from socket.connecting cimport connection_resolved
from socket.connections cimport connections_end, connections_plan, graves_clear
from socket.endpoints cimport endpoints_close, endpoints_init
from socket.io_threads cimport context_stop_io
from socket.memory cimport memory_open
from socket.inproc cimport inproc_unregister
from socket.monitor cimport monitor_take
from socket.occurrences cimport overflow_occurrence
from socket.pipes cimport pipe_remove, pipe_retire, socket_doom
from socket.recycled cimport spares_drop
from socket.policy cimport policy_close
from socket.questions cimport questions_end
from socket.references cimport inproc_pair_unref, socket_unref
from socket.terms cimport terms_close
from socket.resolver cimport resolver_stop
from socket.session_host cimport connections_init
from socket.state cimport context_t, endpoint_t, inproc_pair_t, monitor_t, socket_t, FRESH_DRIVEN, SOCKET_CLOSED, SOCKET_CLOSING, SOCKET_OPEN
from socket.zap_handler cimport zap_leave
from transport.datagrams cimport datagram_check_peer
from transport.select cimport transports_init

cdef enum:
    TERM_LOOK_NS = 50000000     # a waiting term() comes up this often to let the caller handle signals


# ---- context

cdef inline context_t *context_new(int poller) noexcept nogil:
    cdef context_t *ctx = <context_t *> calloc(1, sizeof(context_t))
    if ctx == NULL:
        return NULL
    zc_mutex_init(&ctx.mutex)
    zc_mutex_init(&ctx.resolver.mutex)
    zc_lock_init(&ctx.zap.lock)
    zc_lock_init(&ctx.budget.lock)
    zc_cond_init(&ctx.changed)
    zc_cond_init(&ctx.resolver.changed)
    context_options_init(&ctx.opt)
    transports_init(&ctx.transports)
    endpoints_init(ctx)
    ctx.refs = 1
    ctx.poller = poller
    ctx.monitor_backlog = MONITOR_BACKLOG
    ctx.fork_generation = zc_fork_generation()
    return ctx


cdef inline void context_shutdown(context_t *ctx) noexcept nogil:
    """Every call on a socket of this context, blocked or not, fails with ETERM from now on; only close works."""
    cdef socket_t *s
    zc_mutex_lock(&ctx.mutex)
    zc_swap_u32(&ctx.shutdown, 1)
    s = ctx.sockets
    while s != NULL:
        socket_wake(s)
        s = s.ctx_next
    zc_mutex_unlock(&ctx.mutex)


cdef inline int context_wait(context_t *ctx) noexcept nogil:
    """Waits a moment for the sockets to go. 0 = none left, -ETIMEDOUT = ask again."""
    cdef int rc = 0
    cdef uint64_t until = zc_now_ns() + TERM_LOOK_NS
    zc_mutex_lock(&ctx.mutex)
    while ctx.sockets != NULL and rc == 0:
        rc = zc_cond_wait_until(&ctx.changed, &ctx.mutex, until)
    if ctx.sockets == NULL:
        rc = 0
    zc_mutex_unlock(&ctx.mutex)
    return rc


cdef inline void context_end(context_t *ctx) noexcept nogil:
    """After the last socket: threads. Idempotent."""
    resolver_stop(&ctx.resolver)
    context_stop_io(ctx)


cdef inline void context_unref(context_t *ctx) noexcept nogil:
    if zc_sub_u32(&ctx.refs, 1) != 1:
        return
    if ctx.fork_generation == zc_fork_generation():
        context_end(ctx)
        zap_leave(&ctx.zap)
        questions_end(&ctx.zap)
        zc_mutex_destroy(&ctx.mutex)
        zc_mutex_destroy(&ctx.resolver.mutex)
        zc_cond_destroy(&ctx.changed)
        zc_cond_destroy(&ctx.resolver.changed)
    context_options_free(&ctx.opt)
    free(ctx)
    zc_large_trim()


# ---- making a socket

cdef inline void socket_close_pipe(void *owner, pipe_t *p) noexcept nogil:
    """pattern_hooks_t.close_pipe"""
    socket_doom(p)


cdef inline int socket_random(void *buf, size_t n) noexcept nogil:
    return zc_os_random(buf, n)


cdef inline void socket_overflow(void *owner, pipe_t *p, int what) noexcept nogil:
    """pattern_hooks_t.overflow"""
    overflow_occurrence(<socket_t *> owner, p, what)


cdef inline socket_t *socket_new_locked(context_t *ctx, int type, bint internal, int *error) noexcept nogil:
    """The context's mutex is held."""
    cdef pattern_hooks_t hooks
    cdef socket_t *s = <socket_t *> calloc(1, sizeof(socket_t))
    cdef int rc
    error[0] = -ENOMEM
    if s == NULL:
        return NULL
    hooks.close_pipe = socket_close_pipe
    hooks.random = socket_random
    hooks.check_address = datagram_check_peer
    hooks.overflow = socket_overflow
    rc = pattern_init(&s.pattern, type, &s.opt, s, &hooks)
    if rc < 0:
        free(s)
        error[0] = rc
        return NULL
    zc_lock_init(&s.lock)
    s.type = type
    s.ctx = ctx
    s.refs = 2                  # the caller's and the context's
    s.fresh = FRESH_DRIVEN
    s.self_flush_limit = SELF_FLUSH_LIMIT
    s.internal = internal
    s.fork_generation = zc_fork_generation()
    s.resolved = connection_resolved
    s.client.deadline = UINT64_MAX
    s.client.set = &s.set
    s.client.serve = socket_serve
    s.client.gone = socket_gone
    s.client.apart = socket_apart
    s.client.adds = &s.host.dirty_adds
    s.client.notified = &s.notified
    s.host.lock = &s.lock
    pool_init(&s.host.rx_pool, RX_CHUNK)
    s.host.view_min = RX_BULK if ctx.opt.zero_copy_recv else RX_CHUNK + 1
    pool_init(&s.host.tx_pool, TX_BUFFER + TX_REF_MIN + 64)
    connections_init(s)
    memory_open(s)
    options_init(&s.opt, type, ctx.opt.ipv6, ctx.opt.blocky)
    rc = 0
    if zc_load_acquire_u32(&ctx.shutdown):
        rc = -ETERM
    elif ctx.nsockets >= <uint32_t> ctx.opt.max_sockets:
        rc = -EMFILE
    else:
        s.ctx_next = ctx.sockets
        if s.ctx_next != NULL:
            s.ctx_next.ctx_prev = s
        ctx.sockets = s
        ctx.nsockets += 1
        zc_add_u32(&ctx.refs, 1)
    if rc < 0:
        pattern_free(&s.pattern)
        options_free(&s.opt)
        free(s)
        error[0] = rc
        return NULL
    error[0] = 0
    return s


cdef inline socket_t *socket_new(context_t *ctx, int type, bint internal, int *error) noexcept nogil:
    cdef socket_t *s
    zc_mutex_lock(&ctx.mutex)
    s = socket_new_locked(ctx, type, internal, error)
    zc_mutex_unlock(&ctx.mutex)
    return s


# ---- closing

cdef inline void socket_leave_context(socket_t *s) noexcept nogil:
    """The socket has nothing left to do. No lock held; drops the context's reference."""
    cdef context_t *ctx = s.ctx
    zc_mutex_lock(&ctx.mutex)
    if s.ctx_prev != NULL:
        s.ctx_prev.ctx_next = s.ctx_next
    else:
        ctx.sockets = s.ctx_next
    if s.ctx_next != NULL:
        s.ctx_next.ctx_prev = s.ctx_prev
    ctx.nsockets -= 1
    zc_cond_broadcast(&ctx.changed)
    zc_mutex_unlock(&ctx.mutex)
    socket_unref(s)
    # The last reference if term() has gone on meanwhile. Never by an I/O thread: term() joins those before it lets its
    # own reference go.
    context_unref(ctx)


cdef inline void socket_dismantle(socket_t *s) noexcept nogil:
    """Memory that only an open or lingering socket needs. Lock held, no sessions left."""
    zc_store_relaxed_u32(&s.state, SOCKET_CLOSED)
    account_leave(&s.account)
    graves_clear(s)
    terms_close(s)
    options_free(&s.opt)
    pool_clear(&s.host.rx_pool)
    pool_clear(&s.host.tx_pool)
    segment_unref(s.host.segment)
    s.host.segment = NULL
    spares_drop(s)
    free(s.sessions)
    free(s.heap)
    free(s.doomed)
    free(s.pipes)
    policy_close(s.policy)
    s.policy = NULL
    free(s.last_endpoint)
    s.sessions = NULL
    s.heap = NULL
    s.doomed = NULL
    s.pipes = NULL
    s.last_endpoint = NULL
    s.sessions_room = s.heap_room = s.doomed_room = s.pipes_room = 0
    socket_close_set(s)


cdef inline void socket_gone(io_client_t *c) noexcept nogil:
    """io_client_t.gone: the I/O thread finished the last session of a closed socket."""
    cdef socket_t *s = socket_of_client(c)
    zc_lock_acquire(&s.lock)
    socket_dismantle(s)
    zc_lock_release(&s.lock)
    socket_leave_context(s)


cdef inline void socket_seal_mailbox(socket_t *s) noexcept nogil:
    """Handles the last news and refuses further ones."""
    cdef pipe_t *p = <pipe_t *> zc_swap_ptr(<void **> &s.mailbox, mailbox_closed())
    cdef pipe_t *next
    while p != NULL:
        next = p.mailbox_next
        inproc_pair_unref(<inproc_pair_t *> p.link)
        p = next


cdef inline void socket_close_pipes(socket_t *s) noexcept nogil:
    """Nobody reads or writes any more; what is under way to the network stays with the sessions. Lock held."""
    cdef pipe_t *p
    s.ndoomed = 0
    while s.npipes:
        p = s.pipes[s.npipes - 1]       # the last one: taking out another moves all behind it
        if p.link != NULL or p.session == NULL:
            pipe_remove(s, p)
        else:
            pipe_retire(s, p)
    s.ndoomed = 0
    pattern_free(&s.pattern)


cdef inline void socket_close_sessions(socket_t *s) noexcept nogil:
    """Lock held."""
    cdef uint32_t i = s.nsessions
    cdef uint64_t now = zc_now_ns()
    while i > 0:
        i -= 1
        session_close(s.sessions[i], s.opt.linger, now)
    socket_flush(s)
    connections_end(s)


cdef inline void socket_hand_over(socket_t *s) noexcept nogil:
    """What a closed socket has left to do is the I/O thread's alone from here on. Lock held."""
    connections_plan(s)
    zc_store_relaxed_u32(&s.client.lease, LEASE_NONE)
    zc_store_relaxed_u32(&s.client.flush_pending, 0)
    zc_store_relaxed_u32(&s.client.masked, 0)
    pollset_child_enable(&s.client.io.set, &s.set, s.client.tag, 1)
    io_poke(s.client.io, 0)


cdef inline void socket_close(socket_t *s, int linger_ms, bint set_linger) noexcept nogil:
    """Idempotent. No lock held. The caller keeps its reference."""
    cdef context_t *ctx = s.ctx
    cdef monitor_t *monitor
    cdef bint done
    if s.fork_generation != zc_fork_generation():
        socket_close_in_child(s)
        return
    zc_mutex_lock(&ctx.mutex)
    zc_lock_acquire(&s.lock)
    if s.state != SOCKET_OPEN:
        zc_lock_release(&s.lock)
        zc_mutex_unlock(&ctx.mutex)
        return
    if set_linger:
        s.opt.linger = linger_ms
    mailbox_drain(s)
    zc_store_relaxed_u32(&s.state, SOCKET_CLOSING)
    endpoints_close(s)
    # Under the same lock as the change of state: who installs a monitor after this finds the socket closed. It hears of the listeners, and
    # nothing of what lingers.
    monitor = monitor_take(s)
    if monitor != NULL:
        # Its name goes by the descriptor: who gets the descriptor next may ask for the name at once.
        inproc_unregister(monitor.pair.endpoints)
    # Not kept any longer: what follows waits for the I/O thread, which may be waiting for this mutex.
    zc_mutex_unlock(&ctx.mutex)
    socket_close_pipes(s)
    socket_close_sessions(s)
    socket_seal_mailbox(s)
    done = s.nsessions == 0
    if s.client.io != NULL:
        if done:
            io_remove(&s.client)
        else:
            socket_hand_over(s)
    if done:
        socket_dismantle(s)
    zc_lock_release(&s.lock)
    socket_wake(s)              # calls blocked in it return
    monitor_free(monitor)
    if done:
        socket_leave_context(s)


cdef inline void socket_close_in_child(socket_t *s) noexcept nogil:
    """After fork: the parent's connections must not be held open by our copies of the descriptors. Nothing else is
    touched."""
    cdef uint32_t i
    cdef endpoint_t *e = s.endpoints
    if s.state == SOCKET_CLOSED:
        return
    s.state = SOCKET_CLOSED
    for i in range(s.nsessions):
        if s.sessions[i].stream.fd >= 0:
            zc_close(s.sessions[i].stream.fd)
            s.sessions[i].stream.fd = -1
    while e != NULL:
        if e.fd >= 0:
            zc_close(e.fd)
            e.fd = -1
        e = e.next
    if s.set_open:
        s.set_open = False
        pollset_close(&s.set)
        zc_wake_close(&s.wake)


# ---- monitor

cdef inline void monitor_free(monitor_t *m) noexcept nogil:
    """No lock held. NULL is fine."""
    if m != NULL:
        socket_close(m.pair, 0, True)
        socket_unref(m.pair)
        free(m)
