# Sending, receiving and polling, as the API calls them. The socket's lock is held by the caller; functions that may wait say so (and need the GIL released).

from libc.stdint cimport int64_t, uint32_t, uint64_t, UINT64_MAX
from base.atomics cimport zc_load_relaxed_u32, zc_load_relaxed_u64, zc_load_acquire_u32, zc_store_relaxed_u32, zc_add_u32, zc_sub_u32, zc_fence
from base.errors cimport EAGAIN, EINTR, ENOTSOCK, ETERM
from base.platform cimport zc_now_ns, zc_lock_acquire, zc_lock_release, zc_yield
from message.message cimport msg_t, MSG_EMPTY, MSG_MORE
from pattern.pattern cimport pattern_t, pattern_abandon, pattern_send, pattern_recv, pattern_events, pattern_backlog
from socket.drive cimport (
    socket_alarmed, socket_coalesce, socket_come_back, socket_flush, socket_drive, socket_settle, socket_wait, socket_hold,
    socket_hold_end, socket_unblocked, wait_t, wait_looks,
)
from socket.state cimport socket_t, SOCKET_OPEN
from socket.wake cimport socket_open_set, socket_close_set, socket_unref

cdef enum:
    EVENT_IN = 1
    EVENT_OUT = 2
    SEND_DROPPED = 1            # the peer of the message begun is gone: the frame is dropped with it (success, unless NOBLOCK was asked for)


cdef inline int socket_enter(socket_t *s) noexcept nogil:
    """First thing in every call. 0, -ENOTSOCK (closed), -ETERM."""
    if s.state != SOCKET_OPEN:
        return -ENOTSOCK
    if zc_load_relaxed_u32(&s.alarm):
        return socket_alarmed(s)
    return 0


cdef inline void socket_sent(socket_t *s) noexcept nogil:
    """A whole message has gone in. The first one after a pause leaves now, unless it answers the first of several that were received together;
    later ones are coalesced, with somebody to look after them."""
    if s.host.dirty == NULL:
        return
    if s.fresh:
        s.fresh = False
        if not pattern_backlog(&s.pattern):
            socket_flush(s)
            return
    socket_coalesce(s)


cdef inline int socket_try_send(socket_t *s, msg_t *m) noexcept nogil:
    """One frame. As pattern_send(): 0, SEND_DROPPED or negative errno. Does not wait."""
    cdef bint more = (m.flags & MSG_MORE) != 0
    cdef int rc = pattern_send(&s.pattern, m)
    if rc >= 0 and not more:
        socket_sent(s)
    return rc


cdef inline void socket_abandon(socket_t *s) noexcept nogil:
    """A frame inside a message was refused for lack of memory, and its sender will not try it again. Nobody shall take what is sent next for
    the rest of that message."""
    pattern_abandon(&s.pattern)


cdef inline int socket_send_now(socket_t *s, msg_t *m) noexcept nogil:
    """socket_try_send(), and one round of driving if there was no room."""
    cdef int rc = socket_try_send(s, m)
    if rc == -EAGAIN:
        socket_drive(s)
        rc = socket_try_send(s, m)
        if rc == -EAGAIN:
            s.expecting_out = True
    return rc


cdef inline uint64_t socket_until(int64_t timeout_ms) noexcept nogil:
    return UINT64_MAX if timeout_ms < 0 else zc_now_ns() + <uint64_t> timeout_ms * 1000000


cdef inline void wait_begin(wait_t *w, int64_t timeout_ms) noexcept nogil:
    w.until = socket_until(timeout_ms)
    w.look = 0
    w.looks = 0


cdef inline int socket_send_wait(socket_t *s, msg_t *m, wait_t *w) noexcept nogil:
    """Waits for room. 0 or as pattern_send(); -EAGAIN: time is up; -EINTR."""
    cdef int rc
    while True:
        rc = socket_send_now(s, m)
        if rc != -EAGAIN:
            s.expecting_out = False
            return rc
        rc = socket_wait(s, w)
        if rc < 0:
            return rc
        rc = socket_enter(s)
        if rc < 0:
            return rc


cdef inline int socket_recv_now(socket_t *s, msg_t *m) noexcept nogil:
    """One frame; looks at the connections once if nothing is queued. 0 or as pattern_recv(). Does not wait."""
    cdef int rc = pattern_recv(&s.pattern, m)
    if rc == -EAGAIN:
        socket_come_back(s)
        socket_drive(s)
        rc = pattern_recv(&s.pattern, m)
    return rc


cdef inline int socket_wait_more(socket_t *s, wait_t *w) noexcept nogil:
    """socket_wait(), but without a sleep if the pattern has stopped in the middle of a flood of what must be skipped (`unfinished`). Other
    threads get the lock in between."""
    cdef uint64_t now
    if not s.pattern.unfinished:
        return socket_wait(s, w)
    now = zc_now_ns()
    if w.until <= now:
        return -EAGAIN
    if wait_looks(w, now):
        return -EINTR
    socket_settle(s)
    zc_lock_release(&s.lock)
    zc_yield()
    zc_lock_acquire(&s.lock)
    return 0


cdef inline int socket_recv_wait(socket_t *s, msg_t *m, wait_t *w) noexcept nogil:
    """Waits for a frame. 0 or as pattern_recv(); -EAGAIN: time is up; -EINTR."""
    cdef int rc
    while True:
        rc = socket_recv_now(s, m)
        if rc != -EAGAIN:
            return rc
        rc = socket_wait_more(s, w)
        if rc < 0:
            return rc
        rc = socket_enter(s)
        if rc < 0:
            return rc


cdef inline int socket_events_now(socket_t *s) noexcept nogil:
    """What could be done now, after a look at the connections."""
    cdef int events = pattern_events(&s.pattern)
    socket_come_back(s)
    if events & EVENT_IN == 0:
        socket_drive(s)
        events = pattern_events(&s.pattern)
    # Whoever is told that there is no room may wait for the descriptor to say otherwise.
    s.expecting_out = events & EVENT_OUT == 0
    return events


cdef inline int socket_poll_wait(socket_t *s, int wanted, wait_t *w) noexcept nogil:
    """Waits until one of the wanted events is there. The events, 0 when time is up, -EINTR..."""
    cdef int rc
    while True:
        rc = socket_events_now(s) & wanted
        if rc:
            return rc
        rc = socket_wait_more(s, w)
        if rc == -EAGAIN:
            return 0
        if rc < 0:
            return rc
        rc = socket_enter(s)
        if rc < 0:
            return rc


# ---- several sockets at once (zmq_poll)

cdef inline int socket_poll_begin(socket_t *s, int wanted) noexcept nogil:
    """No lock held. Counts the caller among the socket's sleepers; socket_poll_end() must follow. 1: there is news (one of the wanted events
    among it: others may have taken it in since the caller looked), do not sleep. Negative errno: not begun."""
    cdef int rc
    zc_lock_acquire(&s.lock)
    # An alarm is left standing: handling it here would be news that the caller, who has looked at the events already, never hears of.
    rc = 0 if s.state == SOCKET_OPEN else -ENOTSOCK
    if rc == 0:
        rc = socket_open_set(s)
    if rc == 0:
        zc_add_u32(&s.refs, 1)
        zc_add_u32(&s.sleepers, 1)
        zc_fence()
        socket_hold(s)
        socket_come_back(s)
        socket_settle(s)
        rc = pattern_events(&s.pattern)
        if rc & EVENT_IN and not rc & wanted:
            # More of what the caller does not ask for would end the wait at once, time after time: it is taken in, up to the mark.
            socket_drive(s)
            socket_settle(s)
            rc = pattern_events(&s.pattern)
        rc &= wanted
        rc = 1 if rc or zc_load_acquire_u32(&s.alarm) or s.pattern.unfinished or s.rousing else 0
        s.blocked += 1
        if s.rousing:
            s.rousing += 1      # socket_poll_end() takes off what it finds
    zc_lock_release(&s.lock)
    return rc


cdef inline uint64_t socket_poll_deadline(socket_t *s) noexcept nogil:
    """The socket's next timer. No lock: read again in every round."""
    return zc_load_relaxed_u64(&s.client.deadline)


cdef inline void socket_poll_end(socket_t *s) noexcept nogil:
    zc_lock_acquire(&s.lock)
    zc_sub_u32(&s.sleepers, 1)
    socket_unblocked(s)
    socket_hold_end(s)
    socket_close_set(s)
    zc_lock_release(&s.lock)
    socket_unref(s)
