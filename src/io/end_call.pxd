# What every call does before it releases the lock: removals, the poll set, the exported descriptor.
#
# Rules
# - Sessions that are over are taken apart by connections_end() (socket/connections.pxd), pipes are removed and sessions freed in socket_apply_removals() only.
#   Code that walks the table of sessions before that finds them ENDING.
# - The exported FD is level-triggered. It is brought up to date last, because the removals may change what there is to receive. That of a socket that is
#   closed, but has not said all, is left alone: close() wakes who watches it, and a signal that stays would wake the I/O thread without end.

from base.atomics cimport zc_load_acquire_u32, zc_load_relaxed_u32, zc_swap_u32
from base.check cimport zc_check
from base.platform cimport zc_wake_drain, zc_wake_signal
from pattern.ops cimport PATTERN_IN, PATTERN_OUT
from pattern.pattern cimport pattern_events
from socket.connections cimport connections_end, connections_plan, graves_clear
from socket.pipes cimport socket_reap
from socket.state cimport socket_t, SOCKET_OPEN


cdef inline void socket_apply_removals(socket_t *s) noexcept nogil:
    """Removals, and the poll set up to date."""
    while s.ndoomed or s.host.ending != NULL:
        # Each may lead to the other.
        connections_end(s)
        socket_reap(s)
    if s.host.replan and s.set_open:
        connections_plan(s)
    if s.grave != NULL:
        graves_clear(s)


cdef inline void wakeup_clear(socket_t *s) noexcept nogil:
    """Takes the wake-up signal back."""
    if not s.set_open:
        return
    s.level = False
    zc_wake_drain(&s.wake)
    # Who brought news before this exchange may have relied on the signal that is gone now; its notification is then visible here. (It sets alarm, then
    # exchanges wake_pending; both sides are sequentially consistent.)
    zc_swap_u32(&s.wake_pending, 0)
    if (s.fd_exported and s.state == SOCKET_OPEN and zc_load_acquire_u32(&s.notified)
            and zc_swap_u32(&s.wake_pending, 1) == 0):
        zc_wake_signal(&s.wake)


cdef inline void fd_update(socket_t *s) noexcept nogil:
    """The exported FD is level-triggered: readable as long as there is something to receive (or to be skipped first, or a refused send could
    now go on)."""
    cdef int events
    cdef bint want
    while True:
        events = pattern_events(&s.pattern)
        # Looking may find a connection that is over, or make room for one that had to stop reading.
        if s.ndoomed == 0 and s.host.ending == NULL and not (s.host.replan and s.set_open):
            break
        socket_apply_removals(s)
    if not s.set_open:
        return
    want = (events & PATTERN_IN) != 0 or s.pattern.unfinished or (s.expecting_out and (events & PATTERN_OUT) != 0)
    if want and not s.level:
        s.level = True
        zc_wake_signal(&s.wake)
    elif not want and not s.blocked and (s.level or zc_load_relaxed_u32(&s.wake_pending)):
        wakeup_clear(s)


cdef inline void socket_end_call(socket_t *s) noexcept nogil:
    """At the end of a call."""
    socket_apply_removals(s)
    if s.fd_exported and s.state == SOCKET_OPEN:
        fd_update(s)
    zc_check(s.host.ending == NULL and s.ndoomed == 0)
