# The beginning of a connection: the transport's own, octets of the engine's both ways, and the question who the peer is, until messages can flow.
#
# Rules
# - The host may answer the engine's question at once or later. Meanwhile the engine gets nothing, and little is read, just enough to see the peer
#   leave; the handshake timer goes on.
# - A peer that is refused is told so, and leaves by itself or is ended by the timer.

from libc.stdint cimport uint32_t, uint64_t
from libc.stddef cimport ptrdiff_t, size_t
from base.errors cimport EAGAIN, EPIPE
from base.secret cimport zc_wipe
from engine.ops cimport ENGINE_AUTHENTICATE, ENGINE_READY, engine_config_t, engine_zap_t
from engine.select cimport engine_new
from session.lifecycle cimport session_become_ready, session_end, session_retime
from session.receive cimport receive_make_room, receive_park, receive_release
from session.session cimport session_t, session_want, session_blame, SESSION_HANDSHAKE, END_CLOSED
from transport.ops cimport stream_read, stream_write

cdef enum:
    # What is read of a peer while the host is asked about it. Its READY, if it sends that unasked, takes some hundred bytes.
    ASKING_INPUT = 8192


cdef inline int session_start(
    session_t *s, int engine, const engine_config_t *config, uint32_t handshake_ivl_ms, uint64_t now
) noexcept nogil:
    """The stream is open: an engine of that kind begins. 0 or a negative errno."""
    cdef int rc = engine_new(engine, config, &s.engine)
    if rc < 0:
        return rc
    s.state = SESSION_HANDSHAKE
    s.paced = s.stream.ops.due != NULL
    s.connect_due = 0
    s.handshake_due = now + <uint64_t> handshake_ivl_ms * 1000000 if handshake_ivl_ms else 0
    s.tx_broken = s.tx_blocked = s.said_farewell = False
    s.heard = False
    s.rx_more = False
    s.asking = s.refused = False
    s.opening = s.stream.ops.begin != NULL
    session_want(s, True, False)
    session_retime(s)
    session_handshake(s, now)
    return 0


cdef inline bint session_listens(session_t *s) noexcept nogil:
    """Whether the handshake takes input. While the host is asked it belongs to nobody: little is kept of it, so that a peer that leaves is
    noticed."""
    return not s.asking or s.rx == NULL or s.rx_end - s.rx_pos < ASKING_INPUT


cdef inline bint session_send_handshake(session_t *s) noexcept nogil:
    """True when nothing is left to send: it has been sent, or nobody is there to take it. Then what the peer said
    before it went is still read."""
    cdef ptrdiff_t n
    while s.engine.out_size:
        n = -EPIPE if s.tx_broken else stream_write(&s.stream, s.engine.out, s.engine.out_size)
        s.writes += 1
        if n > 0:
            s.wire_out += n
        if n == -EAGAIN or n == 0:
            session_want(s, session_listens(s), True)
            return False
        if n < 0:
            s.tx_broken = True
            n = s.engine.out_size
        s.engine.ops.sent(s.engine, n)
    session_want(s, session_listens(s), False)
    return True


cdef inline int session_feed(session_t *s) noexcept nogil:
    """What is in the chunk, to the engine. ENGINE_... or a negative errno."""
    cdef size_t used = 0
    cdef int rc
    if s.rx == NULL or s.rx_pos == s.rx_end:
        # Nothing new, but the end of the beginning may only have waited for room to send.
        return s.engine.ops.feed(s.engine, NULL, 0, &used)
    rc = s.engine.ops.feed(s.engine, s.rx.data + s.rx_pos, s.rx_end - s.rx_pos, &used)
    zc_wipe(s.rx.data + s.rx_pos, used)     # a password may have been among it, and the chunk is everybody's
    s.rx_pos += <uint32_t> used
    return rc


cdef inline int session_answer(session_t *s, int status) noexcept nogil:
    """What the host answers, to the engine. 0 or a negative errno.

    A peer that is refused is told so and leaves. To close at once could make the kernel drop what was said to it."""
    cdef int rc = s.engine.ops.zap_reply(s.engine, status)
    if rc == 0 and s.engine.event:
        s.refused = True
        s.host.event(s, <uint32_t> s.engine.event, s.engine.event_value)
    return rc


cdef inline int session_authenticate(session_t *s) noexcept nogil:
    """The engine has a question. 1: answered; 0: the answer will come; negative errno."""
    cdef engine_zap_t request
    cdef int status
    s.engine.ops.zap_request(s.engine, &request)
    status = s.host.authenticate(s, &request)
    if status == 0:
        s.asking = True
        return 0
    status = session_answer(s, status)
    return status if status < 0 else 1


cdef inline void session_authenticated(session_t *s, int status, uint64_t now) noexcept nogil:
    """The host's answer: a ZAP status, or a negative errno when none can come. Too late is fine."""
    cdef int rc
    if s.state != SESSION_HANDSHAKE or not s.asking:
        return
    s.asking = False
    rc = session_answer(s, status)
    if rc < 0:
        session_send_handshake(s)
        session_end(s, session_blame(rc), rc)
        return
    session_want(s, True, s.want_out)
    session_handshake(s, now)


cdef inline int session_handshake_read(session_t *s) noexcept nogil:
    """1: bytes came; 0: nothing now, or the connection is over."""
    cdef ptrdiff_t n
    cdef size_t room
    cdef int rc = receive_make_room(s)
    if rc < 0:
        session_end(s, END_CLOSED, rc)
        return 0
    room = s.rx.size - s.rx_end
    if s.asking and room > ASKING_INPUT:
        room = ASKING_INPUT
    n = stream_read(&s.stream, s.rx.data + s.rx_end, room)
    s.reads += 1
    if n <= 0:
        receive_release(s)
        if n != -EAGAIN:
            session_end(s, END_CLOSED, -EPIPE if n == 0 else <int> n)
        return 0
    s.rx_end += <uint32_t> n
    s.wire_in += n
    return 1


cdef inline void session_overhear(session_t *s) noexcept nogil:
    """While the host is asked: has the peer left?"""
    while session_listens(s) and session_handshake_read(s):
        pass
    if s.state != SESSION_HANDSHAKE:
        return
    if s.rx != NULL and s.host.crowded:
        receive_park(s)
    session_want(s, session_listens(s), s.want_out)


cdef inline bint session_open(session_t *s) noexcept nogil:
    """The transport's own beginning. True: it is over, and the engine's turn has come."""
    cdef bint wants_room = False
    cdef int rc = s.stream.ops.begin(&s.stream, &wants_room)
    if rc == -EAGAIN:
        session_want(s, True, wants_room)
    elif rc < 0:
        session_end(s, END_CLOSED, rc)
    else:
        s.opening = False
    return rc == 0


cdef inline void session_handshake(session_t *s, uint64_t now) noexcept nogil:
    cdef int rc
    if s.opening and not session_open(s):
        return
    session_send_handshake(s)
    if s.asking:
        session_overhear(s)
        return
    while True:
        rc = session_feed(s)
        if rc == ENGINE_AUTHENTICATE:
            session_send_handshake(s)
            rc = session_authenticate(s)
            if rc == 0:
                session_overhear(s)
                return
            if rc > 0:
                continue
        if rc < 0:
            session_send_handshake(s)
            session_end(s, session_blame(rc), rc)
            return
        if not session_send_handshake(s) and rc == ENGINE_READY:
            session_want(s, False, True)        # what else the peer sends belongs to nobody yet
            return
        if rc == ENGINE_READY:
            session_become_ready(s, now)
            return
        if not session_handshake_read(s):
            return
