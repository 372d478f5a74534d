# The I/O thread's side: one round of work for a socket whose application is elsewhere.

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_load_relaxed_u32, zc_store_relaxed_u32, zc_store_relaxed_u64
from base.config cimport SELF_FLUSH_LIMIT_MAX, TRIM_NS
from base.platform cimport zc_lock_release, zc_lock_try
from reactor.io_thread cimport (
    io_client_t, LEASE_BLOCKED, LEASE_NONE, LEASE_TAKEN, SERVE_BUSY, SERVE_DONE, SERVE_FLUSH, SERVE_GONE, SERVE_SIGNALS,
    SERVE_READY, SERVE_TAKE, SERVE_TIMERS,
)
from reactor.pollset cimport pollset_child_enable
from socket.connections cimport connections_plan
from socket.pipes cimport pipes_trim
from socket.state cimport socket_t, SOCKET_OPEN
from io.end_call cimport socket_end_call
from io.mailbox cimport mailbox_drain
from io.overlap cimport overlap_serve, overlap_work
from io.turn cimport socket_poll_set, socket_timers, socket_wake_others
from io.wakeup cimport socket_wake


cdef inline socket_t *socket_of_client(io_client_t *c) noexcept nogil:
    return <socket_t *> (<char *> c - <size_t> &(<socket_t *> NULL).client)


cdef inline void socket_apart(io_client_t *c) noexcept nogil:
    """io_client_t.apart"""
    overlap_work(socket_of_client(c))


cdef inline int socket_serve(io_client_t *c, int why, uint64_t now) noexcept nogil:
    """io_client_t.serve: one round for a socket whose application is elsewhere."""
    cdef socket_t *s = socket_of_client(c)
    cdef uint32_t lease
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
        s.fresh = True
    elif why == SERVE_SIGNALS:
        zc_store_relaxed_u64(&c.signals_at, 0)
        socket_wake(s)
    elif lease == LEASE_BLOCKED:
        pass            # a waiting application thread sees it, too
    elif why == SERVE_READY and s.fd_exported and lease == LEASE_NONE and not zc_load_relaxed_u32(&c.masked):
        # An event loop watches the same descriptors. It gets its chance first; if it does not come, the lease runs out.
        zc_store_relaxed_u32(&c.lease, LEASE_TAKEN)
        pollset_child_enable(&c.io.set, &s.set, c.tag, 0)
    else:
        zc_store_relaxed_u32(&c.lease, LEASE_NONE)
        mailbox_drain(s)
        s.host.serving = True
        if why != SERVE_TIMERS:
            socket_poll_set(s, now)
        s.host.serving = False
        socket_timers(s, now)
        overlap_serve(s)
        if s.host.replan:
            connections_plan(s)
        if why == SERVE_TAKE and now - s.trimmed > TRIM_NS:
            s.trimmed = now
            pipes_trim(s)
        if lease != LEASE_NONE or zc_load_relaxed_u32(&c.masked):
            zc_store_relaxed_u32(&c.masked, 0)
            pollset_child_enable(&c.io.set, &s.set, c.tag, 1)
        zc_store_relaxed_u32(&c.service_requested, 0)
        socket_wake_others(s)
    socket_end_call(s)
    if s.state != SOCKET_OPEN and s.nsessions == 0:
        zc_lock_release(&s.lock)
        return SERVE_GONE
    zc_lock_release(&s.lock)
    return SERVE_DONE
