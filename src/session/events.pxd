# What a poll set reports about a connection.

from libc.stdint cimport uint64_t
from base.platform cimport zc_lock_wanted
from message.message cimport MSG_EMPTY
from session.apart cimport apart_worth
from session.handshake cimport session_handshake
from session.lifecycle cimport session_flush, session_input
from session.session cimport session_t, SESSION_HANDSHAKE, SESSION_READY
from session.transmit cimport transmit_mark
from transport.ops cimport stream_pending


cdef inline void session_ready_event(session_t *s, int mask, uint64_t now) noexcept nogil:
    """The poll set reports input (1), output (2) or trouble (4)."""
    cdef int rounds = 4         # bounded: others wait, too
    if s.state == SESSION_HANDSHAKE:
        session_handshake(s, now)
        return
    if s.state != SESSION_READY:
        return
    if mask & (2 | 4):
        # A hang-up is reported without end, and whoever waits for room only would never read about it: writing finds
        # out, too.
        if s.host.serving and apart_worth(s):
            transmit_mark(s)
        else:
            session_flush(s)
        if s.state != SESSION_READY:
            return
    if mask & (1 | 4) and not s.closing:
        # A short read has emptied the kernel's buffer: asking again would only cost a system call.
        while rounds and session_input(s) == 1 and (
                s.rx_bulk or s.big.kind != MSG_EMPTY or stream_pending(&s.stream)):
            rounds -= 1
            if s.host.serving and zc_lock_wanted(s.host.lock):
                break           # the application has come for what is there; the other connections have one read each, or some never would
