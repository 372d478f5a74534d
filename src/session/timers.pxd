# Timers of a session: heartbeats, the pace of a closing connection, and every limit of time.
#
# Rules
# - Timers are fields; `deadline` is the earliest (session_retime in lifecycle.pxd). A timer that fires looks at what
#   really happened since (s.heard), so traffic never has to touch a timer.
# - One timer is served at a time: what it does may have changed the others.

from libc.stdint cimport uint64_t
from base.config cimport DRAIN_LOOK_MAX_NS, DRAIN_LOOK_NS
from base.errors cimport ENOBUFS, ETIMEDOUT
from engine.ops cimport SIGNAL_PING
from session.lifecycle cimport (
    session_discard, session_end, session_finish, session_flush, session_input, session_look_again, session_next_ping,
    session_retime,
)
from session.session cimport session_t, SESSION_DRAINING, SESSION_READY, END_CLOSED, END_TIMEOUT
from session.transmit cimport transmit_heartbeat
from transport.ops cimport stream_due, stream_pending, stream_unsent


cdef inline void session_drain(session_t *s, uint64_t now) noexcept nogil:
    """A look at the input of a closing connection, and whether its output has arrived."""
    cdef int rc = session_discard(s)
    if rc < 0:
        return
    if s.state == SESSION_DRAINING and stream_unsent(&s.stream) <= 0:
        session_finish(s)
        return
    if rc == 1:
        s.drain_pace = DRAIN_LOOK_NS
    elif s.drain_pace < DRAIN_LOOK_MAX_NS:
        s.drain_pace *= 2
    s.drain_due = now + s.drain_pace
    session_retime(s)


cdef inline void session_ping(session_t *s, uint64_t now) noexcept nogil:
    """HEARTBEAT_IVL is over."""
    cdef uint64_t timeout = s.terms.heartbeat_timeout_ms
    s.heard = False
    if not (s.tx_broken or s.tx_blocked):
        if s.ping_at == 0:
            s.ping_at = now
            s.pings_before = s.pings
        s.pings += 1
    transmit_heartbeat(s, SIGNAL_PING, s.terms.heartbeat_ttl_ds, NULL, 0)
    session_flush(s)
    if s.state != SESSION_READY:
        return
    if s.pong_due == 0 and timeout:
        s.pong_due = now + timeout * 1000000
    s.next_ping = session_next_ping(s, now)


cdef inline void session_heartbeat(session_t *s, uint64_t now) noexcept nogil:
    """Whether the peer is alive, and whether it is time to ask."""
    if s.pipe.stalled:
        # We are the ones who do not read; the peer cannot be blamed for what waits in the kernel.
        s.heard = True
    if s.heard:
        s.pong_due = s.ttl_due = 0
    if (s.pong_due and s.pong_due <= now) or (s.ttl_due and s.ttl_due <= now):
        # Something may wait in the kernel that nobody has read yet.
        if session_input(s) == 0 and not s.heard:
            session_end(s, END_TIMEOUT, -ETIMEDOUT)
        elif s.state == SESSION_READY:
            s.pong_due = s.ttl_due = 0
            session_retime(s)
        return
    if s.next_ping and s.next_ping <= now:
        session_ping(s, now)
    if s.state == SESSION_READY:
        session_retime(s)


cdef inline void session_tick(session_t *s, uint64_t now) noexcept nogil:
    """The transport's own time has come. Afterwards there may be room to write, or something to read."""
    cdef int rc = s.stream.ops.tick(&s.stream, now)
    if rc < 0:
        session_end(s, END_CLOSED, rc)
        return
    if s.tx_blocked:
        session_flush(s)
    if s.state == SESSION_READY or s.state == SESSION_DRAINING:
        session_look_again(s)


cdef inline void session_timer(session_t *s, uint64_t now) noexcept nogil:
    """`deadline` has passed."""
    if s.linger_due and s.linger_due <= now:
        session_finish(s)
    elif s.drain_due and s.drain_due <= now:
        session_drain(s, now)
    elif s.cut_due:
        session_end(s, END_CLOSED, -ENOBUFS)
    elif s.paced and (s.state == SESSION_READY or s.state == SESSION_DRAINING) and stream_due(&s.stream) <= now:
        session_tick(s, now)
    elif s.handshake_due and s.handshake_due <= now:
        session_end(s, END_TIMEOUT, -ETIMEDOUT)
    elif s.connect_due and s.connect_due <= now:
        s.connect_due = 0
        session_end(s, END_TIMEOUT, -ETIMEDOUT)
    elif s.reconnect_due and s.reconnect_due <= now:
        s.reconnect_due = 0
        s.host.connect(s, now)
        session_retime(s)
    elif s.state == SESSION_READY:
        if s.want_in and stream_pending(&s.stream):
            session_input(s)
        if s.state == SESSION_READY:
            session_heartbeat(s, now)
    else:
        session_retime(s)
