# States of a session: from the end of the handshake to the end of the connection.
#
# Rules
# - There is one way out, in two steps (session.pxd says why). session_end() or session_finish() marks the session
#   ENDING; later session_conclude() closes the descriptor, rolls unfinished input back, and asks the socket (host.lost)
#   what becomes of the pipe: kept for a reconnect, or ended. After session_finish() nobody is asked (host.finished).
# - Closing: first everything queued is written, then the peer's kernel must have acknowledged it (an answer arriving at
#   a closed descriptor would make the kernel reset the connection and discard what we wrote), then the descriptor is
#   closed.
# - Nobody wants the input of a closing connection, but the peer may have to get rid of it before it takes ours. It is
#   not watched: a timer looks at it, and takes a bounded amount each time.

from libc.stdint cimport int64_t, uint32_t, uint64_t, UINT64_MAX
from libc.stddef cimport ptrdiff_t
from base.memory cimport free
from base.check cimport zc_check, zc_check_enter, zc_check_leave
from base.config cimport DISCARD_READS, DRAIN_LOOK_NS, DRAIN_MAX_S
from base.errors cimport EAGAIN, EPIPE
from base.monitor_events cimport EVENT_CLOSED, EVENT_DISCONNECTED, EVENT_HANDSHAKE_FAILED_NO_DETAIL, EVENT_PACKETS_LOST
from base.platform cimport zc_now_ns
from engine.ops cimport ENGINE_HEARTBEATS
from engine.select cimport engine_delete
from pipe.ring cimport ring_rollback, ring_empty
from session.session cimport (
    session_t, session_blame, session_losses, session_want, session_unsent, SESSION_CONNECTING, SESSION_IDLE, SESSION_HANDSHAKE,
    SESSION_READY, SESSION_DRAINING, SESSION_DEAD, SESSION_ENDING,
    END_CLOSED, END_PROTOCOL,
)
from session.receive cimport (
    receive_read, receive_decode, receive_release, receive_settle, receive_drop,
)
from session.apart cimport apart_settle
from session.shared cimport shared_end
from session.transmit cimport transmit_farewell, transmit_flush, transmit_refill, transmit_written_apart
from session.unsent cimport unsent_give_up
from transport.ops cimport (
    stream_t, stream_close, stream_clear, stream_due, stream_pending, stream_read, stream_shutdown, stream_unsent,
)
from zmtp.metadata cimport metadata_unref


cdef inline uint64_t earlier(uint64_t a, uint64_t b) noexcept nogil:
    return a if a < b else b


cdef inline void session_retime(session_t *s) noexcept nogil:
    """Recomputes `deadline` (a timer field of 0 is off)."""
    cdef uint64_t d = UINT64_MAX
    if s.state == SESSION_ENDING:
        return
    if s.handshake_due:
        d = earlier(d, s.handshake_due)
    if s.connect_due:
        d = earlier(d, s.connect_due)
    if s.reconnect_due:
        d = earlier(d, s.reconnect_due)
    if s.next_ping:
        d = earlier(d, s.next_ping)
    if s.pong_due:
        d = earlier(d, s.pong_due)
    if s.ttl_due:
        d = earlier(d, s.ttl_due)
    if s.linger_due:
        d = earlier(d, s.linger_due)
    if s.drain_due:
        d = earlier(d, s.drain_due)
    if s.cut_due:
        d = earlier(d, s.cut_due)
    if s.state == SESSION_READY and s.want_in and stream_pending(&s.stream):
        d = 1
    elif s.paced and (s.state == SESSION_READY or s.state == SESSION_DRAINING):
        d = earlier(d, stream_due(&s.stream))
    if d != s.deadline:
        s.deadline = d
        s.host.retime(s)


cdef inline void session_look_again(session_t *s) noexcept nogil:
    """Reading stops for now. What the transport still holds is reported by no poll set: a timer that is due reads it. The
    transport's own timers may have changed, too."""
    cdef uint64_t lost
    if s.stream.ops.lost != NULL:
        lost = s.stream.ops.lost(&s.stream)
        if lost:
            s.packets_lost += lost
            s.host.event(s, EVENT_PACKETS_LOST, lost)
    if s.stream.ops.pending != NULL or s.paced:
        session_retime(s)


cdef inline uint64_t session_next_ping(session_t *s, uint64_t now) noexcept nogil:
    """After HEARTBEAT_IVL or up to a sixteenth of it sooner, at a moment that the pings of all connections fall on: one
    wake-up serves many."""
    cdef uint64_t interval = <uint64_t> s.terms.heartbeat_ivl_ms * 1000000
    cdef uint64_t due = now + interval
    return due - due % (interval // 16)


# ---- traffic begins

cdef inline void session_become_ready(session_t *s, uint64_t now) noexcept nogil:
    cdef int rc
    s.state = SESSION_READY
    s.handshake_due = 0
    s.attempts = 0
    s.next_ping = s.pong_due = s.ttl_due = 0
    s.ttl_ns = 0
    s.ping_at = s.rtt_ns = 0
    s.pings = s.pings_before = 0
    s.times_ready += 1
    if s.terms.heartbeat_ivl_ms and s.engine.traits & ENGINE_HEARTBEATS:
        s.next_ping = session_next_ping(s, now)
    # The socket makes or revives the pipe and takes what it wants from engine.peer.
    zc_check_enter(&s.host.inside)
    s.host.ready(s, now)
    zc_check_leave(&s.host.inside)
    if s.state != SESSION_READY:
        return
    s.engine.ops.settle(s.engine)
    session_retime(s)
    if transmit_refill(s):
        s.host.writable(s)
    transmit_flush(s)
    rc = receive_decode(s)
    receive_settle(s)
    session_tell_received(s)
    if rc < 0:
        session_end(s, session_blame(rc), rc)
    elif s.closing and s.state == SESSION_READY:
        session_discard_later(s, now)
        session_try_finish(s, now)
        session_retime(s)
    else:
        session_look_again(s)


# ---- traffic

cdef inline void session_tell_received(session_t *s) noexcept nogil:
    """The reader may be at work at once: decode more, and find the end."""
    zc_check_enter(&s.host.inside)
    s.host.received(s)
    zc_check_leave(&s.host.inside)


cdef inline int session_input(session_t *s) noexcept nogil:
    """One read of a READY session. 1 = something came, 0 = nothing now, -1 = the connection is over."""
    cdef int rc
    if s.closing:
        return session_discard(s)
    rc = receive_read(s)
    if rc == 0:
        if s.pipe.stalled and s.want_in:
            session_want(s, False, s.want_out)
        session_look_again(s)
        return 0
    session_tell_received(s)
    if rc < 0:
        session_end(s, session_blame(rc), rc)
        return -1
    if s.state != SESSION_READY:
        return -1
    if s.ttl_ns:
        s.ttl_due = zc_now_ns() + s.ttl_ns
        s.ttl_ns = 0
        s.heard = False
        session_retime(s)
    if s.pipe.stalled and s.want_in:
        session_want(s, False, s.want_out)
    session_look_again(s)
    return 1


cdef inline int session_discard(session_t *s) noexcept nogil:
    """Input of a closing connection. 1 = some came, 0 = nothing now, -1 = the connection is over."""
    cdef unsigned char scrap[16384]
    cdef ptrdiff_t n
    cdef int left = DISCARD_READS
    while left:
        n = stream_read(&s.stream, scrap, sizeof(scrap))
        s.reads += 1
        if n <= 0:
            break
        s.heard = True
        s.wire_in += n
        left -= 1
    if left == DISCARD_READS and n == -EAGAIN:
        return 0
    if left == 0 or n == -EAGAIN:
        return 1
    if s.state == SESSION_DRAINING:
        session_finish(s)
    else:
        session_end(s, END_CLOSED, -EPIPE if n == 0 else <int> n)
    return -1


cdef inline void session_discard_later(session_t *s, uint64_t now) noexcept nogil:
    """From now on input is looked at by the timer only."""
    session_want(s, False, s.want_out)
    s.drain_pace = DRAIN_LOOK_NS
    s.drain_due = now + DRAIN_LOOK_NS


cdef inline void session_resume(session_t *s) noexcept nogil:
    """The reader of the pipe made room: go on decoding what had to wait."""
    cdef int rc
    if s.state != SESSION_READY:
        return
    rc = receive_decode(s)
    receive_release(s)
    session_tell_received(s)
    if rc < 0:
        session_end(s, session_blame(rc), rc)
    elif s.state == SESSION_READY and not s.pipe.stalled and not s.want_in and not s.closing:
        session_want(s, True, s.want_out)
        session_look_again(s)


# ---- the end

cdef inline void session_mark_ending(session_t *s) noexcept nogil:
    s.ending_was = s.state
    s.state = SESSION_ENDING
    s.want_in = s.want_out = False
    s.handshake_due = s.connect_due = s.reconnect_due = s.next_ping = 0
    s.pong_due = s.ttl_due = s.drain_due = s.cut_due = 0
    if s.deadline != UINT64_MAX:
        s.deadline = UINT64_MAX
        s.host.retime(s)
    s.ending_next = NULL
    if s.host.ending == NULL:
        s.host.ending = s
    else:
        s.host.ending_last.ending_next = s
    s.host.ending_last = s
    s.host.replan = True


cdef inline void session_end(session_t *s, int why, int err) noexcept nogil:
    """The connection (or the attempt to make one) is over; what becomes of the session is decided by host.lost().
    Idempotent."""
    if s.state == SESSION_DEAD or s.state == SESSION_IDLE or s.state == SESSION_ENDING:
        return
    s.ending_why = why
    s.ending_error = err
    session_mark_ending(s)


cdef inline void session_finish(session_t *s) noexcept nogil:
    """Closes without asking. Idempotent."""
    if s.state == SESSION_DEAD:
        return
    s.finishing = True
    if s.state != SESSION_ENDING:
        session_mark_ending(s)


cdef inline void session_tell_end(session_t *s, int fd) noexcept nogil:
    """Monitor events of a connection that is lost."""
    cdef int err = s.ending_error
    if s.refused:
        pass                    # it has been told
    elif s.engine != NULL and s.engine.event:
        s.host.event(s, <uint32_t> s.engine.event, s.engine.event_value)
    elif s.ending_was == SESSION_HANDSHAKE and s.ending_why != END_PROTOCOL:
        s.host.event(s, EVENT_HANDSHAKE_FAILED_NO_DETAIL, <uint64_t> (EPIPE if err == -EPIPE else -err))
    if s.ending_was == SESSION_HANDSHAKE or s.ending_was == SESSION_READY:
        s.host.event(s, EVENT_DISCONNECTED, <uint64_t> fd)
    elif s.ending_was == SESSION_CONNECTING and fd >= 0:
        s.host.event(s, EVENT_CLOSED, <uint64_t> fd)


cdef inline void session_note_failure(session_t *s) noexcept nogil:
    """A handshake came to nothing: what the monitor has heard of it."""
    s.failures += 1
    s.failed_event = EVENT_HANDSHAKE_FAILED_NO_DETAIL
    s.failed_value = <uint32_t> -s.ending_error
    if s.engine != NULL and s.engine.event:
        s.failed_event = <uint32_t> s.engine.event
        s.failed_value = s.engine.event_value


cdef inline void session_conclude(session_t *s, uint64_t now) noexcept nogil:
    """Takes an ENDING session apart. For connections_end() only."""
    cdef stream_t stream = s.stream
    cdef int fd = stream.fd
    zc_check(s.state == SESSION_ENDING and s.host.inside == 0)
    apart_settle(s, True)
    if not s.finishing:
        session_tell_end(s, fd)
    free(s.ends)
    s.ends = NULL
    session_losses(s, &s.losses)
    stream_clear(&s.stream, stream.ops)
    if fd >= 0:
        s.host.unwatch(s, fd)
    if s.asking:
        s.asking = False
        s.host.withdraw(s)
    metadata_unref(s.vouched)
    s.vouched = NULL
    free(s.peer_address)
    s.peer_address = NULL
    receive_drop(s)
    if s.pipe != NULL:
        s.pipe.sink = NULL
        s.pipe.connected = False
        s.pipe.stalled = False
        ring_rollback(s.pipe.inr)
    s.tx_blocked = False
    s.hs_failed = s.ending_was == SESSION_HANDSHAKE
    if (s.hs_failed or s.socks != NULL) and not s.finishing:
        session_note_failure(s)
    free(s.socks)
    s.socks = NULL
    if s.finishing:
        unsent_give_up(s, s.closing)
        s.state = SESSION_DEAD
        s.host.finished(s)
    else:
        s.state = SESSION_IDLE
        s.host.lost(s, s.ending_why, s.ending_error, now)
        s.tx_more = s.tx_inside = False
    shared_end(s)
    engine_delete(s.engine)
    s.engine = NULL
    if fd >= 0:
        stream_close(&stream)
    if s.state != SESSION_DEAD:
        session_retime(s)


cdef inline bint session_has_output(session_t *s) noexcept nogil:
    return session_unsent(s) != 0 or (s.pipe != NULL and not ring_empty(s.pipe.outr))


cdef inline void session_close(session_t *s, int64_t linger_ms, uint64_t now) noexcept nogil:
    """No more output will be queued. Ends (host.finished) now, or when all is written, or when `linger_ms` (-1 = no
    limit) is over."""
    s.closing = True
    if s.pipe != NULL:
        s.pipe.let_go = True
    # A stream with a time of its own would stay on for what a receiver may still ask for.
    if linger_ms == 0 and (s.state != SESSION_READY or s.paced or session_has_output(s)):
        session_finish(s)
        return
    if linger_ms > 0:
        s.linger_due = now + <uint64_t> linger_ms * 1000000
    if s.state == SESSION_READY:
        session_discard_later(s, now)       # a stalled reader has left for good
        session_flush(s)
    session_try_finish(s, now)
    if linger_ms == 0 and session_has_output(s):
        session_finish(s)       # its farewell would have to wait
    session_retime(s)


cdef inline void session_flush(session_t *s) noexcept nogil:
    """Writes what there is. Whoever writes the last of a closing session ends it: there will be no other event that
    could."""
    transmit_flush(s)
    if s.paced:
        session_retime(s)
    session_flushed(s)


cdef inline bint session_written_apart(session_t *s) noexcept nogil:
    """host.apart names the session, and its call is over. As transmit_written_apart()."""
    cdef bint room = transmit_written_apart(s)
    session_flushed(s)
    return room


cdef inline void session_flushed(session_t *s) noexcept nogil:
    if s.closing and s.state == SESSION_READY:
        if s.tx_broken:
            # nobody reads on to find the end; the next connection takes what is left
            session_end(s, END_CLOSED, -EPIPE)
        else:
            session_try_finish(s, zc_now_ns())


cdef inline void session_limit_linger(session_t *s, uint64_t now) noexcept nogil:
    cdef uint64_t limit = now + <uint64_t> DRAIN_MAX_S * 1000000000
    if s.linger_due == 0 or s.linger_due > limit:
        s.linger_due = limit


cdef inline void session_try_finish(session_t *s, uint64_t now) noexcept nogil:
    if s.state == SESSION_ENDING or s.state == SESSION_DRAINING or session_has_output(s):
        return
    if s.state == SESSION_READY:
        transmit_farewell(s, NULL, 0)
        if session_has_output(s) and not s.tx_broken:
            # Whoever writes the last of it comes back.
            session_limit_linger(s, now)
            session_want(s, False, True)
            session_retime(s)
            return
    if s.state != SESSION_READY or s.tx_broken or stream_unsent(&s.stream) <= 0:
        session_finish(s)
        return
    stream_shutdown(&s.stream)
    session_limit_linger(s, now)
    s.state = SESSION_DRAINING
    s.next_ping = s.pong_due = s.ttl_due = 0        # a timer left behind would be due for ever
    session_want(s, False, False)
    session_discard_later(s, now)
    session_retime(s)
