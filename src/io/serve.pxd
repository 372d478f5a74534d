# The I/O thread's side: one round of work for a socket whose application is elsewhere.

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_load_relaxed_u32, zc_load_relaxed_u64, zc_store_relaxed_u32, zc_store_relaxed_u64
from base.config cimport LEASE_DOUBLINGS, LEASE_NS, LEFT_MANY, SELF_FLUSH_LIMIT_MAX
from base.platform cimport zc_lock_release, zc_lock_try, zc_lock_wanted
from reactor.io_thread cimport (
    io_client_t, io_poke, LEASE_BLOCKED, LEASE_NONE, LEASE_TAKEN, SERVE_BUSY, SERVE_DONE, SERVE_FLUSH, SERVE_GONE, SERVE_LATER, SERVE_READY,
    SERVE_LEFT, SERVE_REST, SERVE_SIGNALS, SERVE_TIMERS,
)
from reactor.pollset cimport pollset_child_enable
from socket.connections cimport connections_plan
from socket.memory cimport memory_look
from socket.state cimport socket_t, FRESH_SERVED, SOCKET_OPEN
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush_before_input
from io.mailbox cimport mailbox_drain
from io.ownership cimport socket_watched
from io.overlap cimport overlap_serve, overlap_work
from io.rest cimport rest_plan
from io.turn cimport socket_poll_set, socket_timers, socket_wake_others
from io.wakeup cimport socket_wake


cdef inline socket_t *socket_of_client(io_client_t *c) noexcept nogil:
    return <socket_t *> (<char *> c - <size_t> &(<socket_t *> NULL).client)


cdef inline void socket_apart(io_client_t *c) noexcept nogil:
    """io_client_t.apart"""
    overlap_work(socket_of_client(c))


cdef inline void socket_give_lease(socket_t *s, uint64_t now) noexcept nogil:
    """An event loop watches the same descriptors. It gets its chance first; if it does not come, the lease runs out. Later if
    there was nothing to do the last times: it is the exported FD itself that is readable then, until the application comes."""
    cdef io_client_t *c = &s.client
    cdef uint64_t deadline = zc_load_relaxed_u64(&c.deadline)
    cdef uint64_t at = now + (<uint64_t> LEASE_NS << c.fruitless)
    if deadline < at:
        at = max(deadline, now + LEASE_NS)
    zc_store_relaxed_u32(&c.lease, LEASE_TAKEN)
    pollset_child_enable(&c.io.set, &s.set, c.tag, 0)
    c.watching = True
    c.seen_activity = zc_load_relaxed_u32(&c.activity)
    c.check_at = at
    io_poke(c.io, at)       # this may be a thread that helps the I/O thread: that one has to see the end of the lease


cdef inline void socket_read_for_loop(socket_t *s, uint64_t now) noexcept nogil:
    """A look at the poll set; counts those that find nothing but the socket's own signal."""
    cdef io_client_t *c = &s.client
    cdef uint32_t progress = s.progress
    cdef int n = socket_poll_set(s, now)
    if s.progress != progress:
        c.fruitless = 0
    elif n > 0 and c.fruitless < LEASE_DOUBLINGS:
        c.fruitless += 1


cdef inline int socket_serve(io_client_t *c, int why, uint64_t now) noexcept nogil:
    """io_client_t.serve: one round for a socket whose application is elsewhere."""
    cdef socket_t *s = socket_of_client(c)
    cdef uint32_t lease
    # Input that keeps coming would keep the application out: a round takes long, and the next one begins at once.
    if why == SERVE_READY and zc_lock_wanted(&s.lock):
        return SERVE_LATER
    if not zc_lock_try(&s.lock):
        return SERVE_BUSY
    lease = zc_load_relaxed_u32(&c.lease)
    if why == SERVE_FLUSH:
        zc_store_relaxed_u32(&c.flush_pending, 0)
        zc_store_relaxed_u64(&c.burst_began, 0)
        if s.self_flush_streak >= s.self_flush_limit and s.self_flush_limit < SELF_FLUSH_LIMIT_MAX:
            s.self_flush_limit *= 2
        s.self_flush_streak = 0
        overlap_serve(s)
        s.fresh = FRESH_SERVED if zc_load_relaxed_u64(&c.tempo) == 0 else 0
    elif why == SERVE_LEFT:
        if s.host.ndirty <= LEFT_MANY:
            socket_flush_before_input(s)
            s.fresh = FRESH_SERVED if zc_load_relaxed_u64(&c.tempo) == 0 else 0
    elif why == SERVE_REST:
        if not zc_load_relaxed_u32(&c.flush_pending):
            zc_store_relaxed_u64(&c.tempo, 0)
            s.fresh = FRESH_SERVED
    elif why == SERVE_SIGNALS:
        zc_store_relaxed_u64(&c.signals_at, 0)
        socket_wake(s)
    elif lease == LEASE_BLOCKED:
        pass            # a waiting application thread sees it, too
    elif why == SERVE_READY and socket_watched(s) and lease == LEASE_NONE and not zc_load_relaxed_u32(&c.masked):
        socket_give_lease(s, now)
    else:
        zc_store_relaxed_u32(&c.lease, LEASE_NONE)
        mailbox_drain(s)
        memory_look(s)
        s.host.serving = True
        if why != SERVE_TIMERS:
            socket_read_for_loop(s, now)
        s.host.serving = False
        socket_timers(s, now)
        overlap_serve(s)
        if s.host.replan:
            connections_plan(s)
        if lease != LEASE_NONE or zc_load_relaxed_u32(&c.masked):
            zc_store_relaxed_u32(&c.masked, 0)
            pollset_child_enable(&c.io.set, &s.set, c.tag, 1)
        zc_store_relaxed_u32(&c.service_requested, 0)
        socket_wake_others(s)
        if why != SERVE_TIMERS:
            rest_plan(s, now)
    socket_end_call(s)
    if s.state != SOCKET_OPEN and s.nsessions == 0:
        zc_lock_release(&s.lock)
        return SERVE_GONE
    zc_lock_release(&s.lock)
    return SERVE_DONE
