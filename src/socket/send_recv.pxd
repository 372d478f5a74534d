# Sending, receiving and polling, as the API calls them. The caller holds the socket's lock; functions that may wait say so (and need the GIL released).

from base.atomics cimport zc_load_relaxed_u32
from base.errors cimport EAGAIN, ENOTSOCK
from message.message cimport msg_t, MSG_MORE
from option.table cimport OVERFLOW_WAIT
from pattern.pattern cimport pattern_abandon, pattern_events, pattern_overflow, pattern_recv, pattern_send, pattern_told
from socket.state cimport socket_t, SOCKET_OPEN
from io.flush cimport socket_flush_before_input, socket_sent
from io.turn cimport socket_alarmed, socket_drive
from io.wait cimport socket_wait, socket_wait_more, wait_t

cdef enum:
    EVENT_IN = 1
    EVENT_OUT = 2
    SEND_DROPPED = 1            # the peer of the message begun is gone: the frame is dropped with it (success, unless NOBLOCK was asked for)


cdef inline int socket_enter(socket_t *s) noexcept nogil:
    """First thing in every call. 0, -ENOTSOCK (closed), -ETERM."""
    if s.state != SOCKET_OPEN:
        return -ENOTSOCK
    if zc_load_relaxed_u32(&s.notified):
        return socket_alarmed(s)
    return 0


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
    cdef bint more
    cdef int rc = socket_try_send(s, m)
    if rc == -EAGAIN:
        socket_drive(s)
        rc = socket_try_send(s, m)
        if rc == -EAGAIN and s.opt.overflow > OVERFLOW_WAIT:
            more = (m.flags & MSG_MORE) != 0
            rc = pattern_overflow(&s.pattern, m)
            if rc >= 0 and not more:
                socket_sent(s)
        if rc == -EAGAIN:
            s.expecting_out = True
    return rc


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
        socket_flush_before_input(s)
        socket_drive(s)
        rc = pattern_recv(&s.pattern, m)
    return rc


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
    """What could be done now, after a look at the connections. The application is told of it."""
    cdef int events = pattern_events(&s.pattern)
    socket_flush_before_input(s)
    if events & EVENT_IN == 0:
        socket_drive(s)
        events = pattern_events(&s.pattern)
    if events & EVENT_IN:
        pattern_told(&s.pattern)
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
