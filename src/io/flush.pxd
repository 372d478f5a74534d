# Delayed flush: when coalesced output is written, and by which thread. Lock held.
#
# Rules
# - Output is written by the first message of a burst at once, by a full buffer, by every thread that is about to read input, and by the I/O
#   thread when a burst has ended (reactor/io_thread.pxd, Delayed flush).
# - `self_flush_streak` counts the bursts in a row that the application flushed itself. From `self_flush_limit` on the I/O thread relies on the lease timer.

from libc.stdint cimport uint64_t
from base.atomics cimport zc_load_relaxed_u32, zc_load_relaxed_u64, zc_store_relaxed_u32, zc_store_relaxed_u64
from base.config cimport LEASE_NS, FLUSH_FIRST_NS, FLUSH_STEPS, SELF_FLUSH_NS
from base.platform cimport zc_now_ns
from pattern.pattern cimport pattern_backlog
from reactor.io_thread cimport io_poke, flush_pace
from session.lifecycle cimport session_flush
from session.session cimport session_t
from socket.state cimport socket_t


cdef inline void socket_flush(socket_t *s) noexcept nogil:
    """Writes all coalesced output."""
    cdef session_t *x
    s.host.flush_now = False
    if zc_load_relaxed_u32(&s.client.flush_pending):
        zc_store_relaxed_u32(&s.client.flush_pending, 0)
        if s.self_flush_streak < FLUSH_STEPS:
            s.self_flush_streak += 1
    while s.host.dirty != NULL:
        x = s.host.dirty
        s.host.dirty = x.dirty_next
        x.tx_dirty = False
        session_flush(x)


cdef inline void socket_flush_before_input(socket_t *s) noexcept nogil:
    """The application looks for input: what it has sent before goes first."""
    zc_store_relaxed_u64(&s.client.burst_began, 0)
    if zc_load_relaxed_u32(&s.client.flush_pending) and s.self_flush_streak < s.self_flush_limit:
        s.self_flush_streak += 1
    socket_flush(s)


cdef inline void socket_coalesce(socket_t *s) noexcept nogil:
    """Output waits for more. If nobody writes it in time, the I/O thread does."""
    cdef uint64_t now
    cdef uint64_t began
    cdef uint64_t due
    if not zc_load_relaxed_u32(&s.client.flush_pending):
        now = zc_now_ns()
        began = zc_load_relaxed_u64(&s.client.burst_began)
        if began == 0 or now > zc_load_relaxed_u64(&s.client.flush_at) + LEASE_NS:
            began = now         # the last burst is over, though nobody had to write its end
            zc_store_relaxed_u64(&s.client.burst_began, now)
        if s.self_flush_streak < s.self_flush_limit:
            due = FLUSH_FIRST_NS * (1 + (s.self_flush_streak if s.self_flush_streak < FLUSH_STEPS else FLUSH_STEPS))
            due = now + flush_pace(now - began, due)
        else:
            due = now + SELF_FLUSH_NS
        zc_store_relaxed_u64(&s.client.flush_at, due)
        zc_store_relaxed_u32(&s.client.flush_pending, 1)
        io_poke(s.client.io, due)


cdef inline void socket_sent(socket_t *s) noexcept nogil:
    """A whole message has gone in. The first one after a pause leaves now, unless it answers the first of several that were received together;
    later ones are coalesced, with somebody to look after them."""
    if s.host.dirty == NULL:
        return
    if s.fresh:
        s.fresh = False
        if not pattern_backlog(&s.pattern):
            if not s.host.flush_now:    # else at the end of the call, which decides who writes
                socket_flush(s)
            return
    socket_coalesce(s)
