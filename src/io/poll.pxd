# Waiting for several sockets at once (zmq_poll): each counts the caller among its sleepers. No lock held on entry.

from libc.stdint cimport uint64_t
from base.atomics cimport zc_add_u32, zc_fence, zc_load_acquire_u32, zc_load_relaxed_u64, zc_sub_u32
from base.errors cimport ENOTSOCK
from base.platform cimport zc_lock_acquire, zc_lock_release
from pattern.pattern cimport pattern_events
from socket.references cimport socket_unref
from socket.send_recv cimport EVENT_IN
from socket.state cimport socket_t, SOCKET_OPEN
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush_before_input
from io.ownership cimport socket_hold, socket_hold_end
from io.turn cimport socket_drive
from io.wait cimport socket_unblocked
from io.wakeup cimport socket_close_set, socket_open_set

cdef enum:
    POLL_PAUSE = 2


cdef inline int socket_poll_begin(socket_t *s, int wanted) noexcept nogil:
    """No lock held. Counts the caller among the socket's sleepers; socket_poll_end() must follow. 1: there is news (one of the wanted events
    among it: others may have taken it in since the caller looked), do not sleep. POLL_PAUSE: its set is no place to sleep in, look again
    after a pause (wait_pause). Negative errno: not begun."""
    cdef int rc
    zc_lock_acquire(&s.lock)
    # `notified` is left set: handling it here would be news that the caller, who has looked at the events already, never hears of.
    rc = 0 if s.state == SOCKET_OPEN else -ENOTSOCK
    if rc == 0:
        rc = socket_open_set(s)
    if rc == 0:
        zc_add_u32(&s.refs, 1)
        zc_add_u32(&s.sleepers, 1)
        zc_fence()
        socket_hold(s)
        socket_flush_before_input(s)
        socket_end_call(s)
        rc = pattern_events(&s.pattern)
        if rc & EVENT_IN and not rc & wanted:
            # More of what the caller does not ask for would end the wait at once, time after time: it is taken in, up to the mark.
            socket_drive(s)
            socket_end_call(s)
            rc = pattern_events(&s.pattern)
        rc &= wanted
        rc = 1 if rc or zc_load_acquire_u32(&s.notified) or s.pattern.unfinished or s.rousing else POLL_PAUSE if s.level else 0
        if rc != POLL_PAUSE:
            s.blocked += 1
            if s.rousing:
                s.rousing += 1      # socket_poll_end() takes off what it finds
    zc_lock_release(&s.lock)
    return rc


cdef inline uint64_t socket_poll_deadline(socket_t *s) noexcept nogil:
    """The socket's next timer. No lock: read again in every round."""
    return zc_load_relaxed_u64(&s.client.deadline)


cdef inline void socket_poll_end(socket_t *s, int begun) noexcept nogil:
    """`begun`: what socket_poll_begin() has returned."""
    zc_lock_acquire(&s.lock)
    zc_sub_u32(&s.sleepers, 1)
    if begun != POLL_PAUSE:
        socket_unblocked(s)
    socket_hold_end(s)
    socket_close_set(s)
    zc_lock_release(&s.lock)
    socket_unref(s)
