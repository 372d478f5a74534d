# The end of a connection: what becomes of its session and its pipe, and when a connecting session tries again. Lock
# held; nothing blocks.
#
# After a protocol error a connecting session gives up (as deployed stacks do): the same peer would fail the same way
# again.

from libc.stdint cimport uint32_t, uint64_t
from base.config cimport RECONNECT_LEAST_NS, RECONNECT_LEAST_STEPS
from base.errors cimport ECONNREFUSED
from base.monitor_events cimport EVENT_CONNECT_RETRIED
from base.platform cimport zc_os_random
from io.timers cimport socket_of
from option.table cimport (
    RECONNECT_STOP_AFTER_DISCONNECT, RECONNECT_STOP_CONN_REFUSED, RECONNECT_STOP_HANDSHAKE_FAILED,
)
from pattern.pattern cimport pattern_lost
from pipe.pipe cimport pipe_t
from session.lifecycle cimport session_has_output
from session.session cimport session_t, END_CONNECT, END_PROTOCOL, SESSION_IDLE
from session.unsent cimport unsent_give_up, unsent_requeue
from socket.connections cimport connection_die, connection_part, endpoint_of
from socket.counters cimport counts_disconnected
from socket.occurrences cimport attempt_occurrence
from socket.pipes cimport pipe_end, pipe_remove
from socket.state cimport socket_t


cdef inline uint64_t reconnect_least(session_t *x) noexcept nogil:
    """RECONNECT_IVL 0 is at once, nanoseconds after the connection was lost. An attempt that failed would fail at once
    again, and again."""
    cdef uint32_t steps = x.attempts - 1
    if x.attempts == 0:
        return 1                # 0 would be no timer
    return <uint64_t> RECONNECT_LEAST_NS << (steps if steps < RECONNECT_LEAST_STEPS else RECONNECT_LEAST_STEPS)


cdef inline uint32_t reconnect_delay(socket_t *s, session_t *x) noexcept nogil:
    """Milliseconds. Without a maximum: base plus up to base of jitter, so that many clients of one dead server do not
    return at once. With one: doubling from base up to it."""
    cdef uint32_t base = <uint32_t> s.opt.reconnect_ivl
    cdef uint32_t most = <uint32_t> s.opt.reconnect_ivl_max
    cdef uint32_t noise = 0
    cdef uint32_t _i
    if base == 0:
        return 0
    if most == 0:
        zc_os_random(&noise, sizeof(noise))
        return base + noise % base
    for _i in range(x.attempts):
        if base >= most:
            break
        base *= 2
    return base if base < most else most


cdef inline void connection_lost(session_t *x, int why, int err, uint64_t now) noexcept nogil:
    """host.lost: the connection (or the attempt) is over; decides what becomes of session and pipe."""
    cdef socket_t *s = socket_of(x)
    cdef pipe_t *p = x.pipe
    cdef uint32_t delay
    cdef bint again
    again = x.connecting_side and why != END_PROTOCOL and s.opt.reconnect_ivl != -1
    if why == END_CONNECT and s.opt.reconnect_ivl == -1:
        again = False
    if again and why == END_CONNECT and err == -ECONNREFUSED and s.opt.reconnect_stop & RECONNECT_STOP_CONN_REFUSED:
        again = False
    if again and x.hs_failed and s.opt.reconnect_stop & RECONNECT_STOP_HANDSHAKE_FAILED:
        again = False
    if again and endpoint_of(x).left and s.opt.reconnect_stop & RECONNECT_STOP_AFTER_DISCONNECT:
        again = False
    if x.closing and not session_has_output(x):
        again = False
    x.state = SESSION_IDLE
    counts_disconnected(s, x)
    if not again:
        unsent_give_up(x, False)
        connection_part(x)
        connection_die(s, x)
        if p != NULL:
            connection_leave_pipe(s, p)
        return
    if p != NULL:
        if x.immediate and not p.ended:
            unsent_give_up(x, False)
            connection_part(x)
            pipe_end(s, p)
        else:
            unsent_requeue(x)
            if why != END_CONNECT and not p.ended:
                pattern_lost(&s.pattern, p)
    delay = reconnect_delay(s, x)
    x.reconnect_due = now + (<uint64_t> delay * 1000000 if delay else reconnect_least(x))
    x.attempts += 1
    s.counts.retries += 1
    attempt_occurrence(x, EVENT_CONNECT_RETRIED, delay)


cdef inline void connection_finished(session_t *x) noexcept nogil:
    """host.finished: closed on purpose."""
    cdef socket_t *s = socket_of(x)
    cdef pipe_t *p = x.pipe
    counts_disconnected(s, x)
    connection_part(x)
    connection_die(s, x)
    if p != NULL:
        connection_leave_pipe(s, p)


cdef inline void connection_leave_pipe(socket_t *s, pipe_t *p) noexcept nogil:
    """The session is gone for good: what it received can still be read, unless the application has let go of it,
    too."""
    if p.detached:
        pipe_remove(s, p)
    else:
        pipe_end(s, p)
