# Who is let in: how many connections a socket takes, and who makes way when there are too many. Lock held; nothing blocks.
#
# Accepted connections within their handshake are in a list, the oldest first. Where one has to go it is the oldest, not the newcomer: an honest
# peer needs some round trips for its handshake, who is silent is the oldest before long. To pause instead would let a few silent connections keep
# everybody out until HANDSHAKE_IVL is over.

from libc.stdint cimport uint32_t, uint64_t
from base.config cimport PRESSED_HANDSHAKE_NS, PRESSED_HANDSHAKES
from base.errors cimport EMFILE, ENOBUFS
from session.lifecycle cimport session_end
from session.session cimport session_t, END_TIMEOUT
from socket.state cimport socket_t


cdef inline void admission_pend(socket_t *s, session_t *x, uint64_t now) noexcept nogil:
    """Behind all others that are within their handshake."""
    x.pending_since = now
    if s.pending == NULL:
        s.pending = x.pending_prev = x
    else:
        x.pending_prev = s.pending.pending_prev
        x.pending_prev.pending_next = x
        s.pending.pending_prev = x
    s.npending += 1


cdef inline void admission_unpend(socket_t *s, session_t *x) noexcept nogil:
    if x.pending_prev == NULL:
        return
    if s.pending == x:
        s.pending = x.pending_next
    else:
        x.pending_prev.pending_next = x.pending_next
    if x.pending_next != NULL:
        x.pending_next.pending_prev = x.pending_prev
    elif s.pending != NULL:
        s.pending.pending_prev = x.pending_prev
    x.pending_next = x.pending_prev = NULL
    s.npending -= 1


cdef inline void admission_uncount(socket_t *s, session_t *x) noexcept nogil:
    """Makes room for another one within MAX_PEERS and MAX_PENDING_HANDSHAKES."""
    admission_unpend(s, x)
    if x.counted:
        x.counted = False
        s.naccepted -= 1


cdef inline bint admission_make_way(socket_t *s) noexcept nogil:
    """Before one more connection is taken: MAX_PENDING_HANDSHAKES and MAX_PEERS. False: there is no place for it."""
    cdef session_t *x
    while s.pending != NULL and (
            (s.opt.max_pending_handshakes and s.npending >= <uint32_t> s.opt.max_pending_handshakes)
            or (s.opt.max_peers and s.naccepted >= <uint32_t> s.opt.max_peers)):
        x = s.pending
        admission_uncount(s, x)
        session_end(x, END_TIMEOUT, -ENOBUFS)
    return s.opt.max_peers == 0 or s.naccepted < <uint32_t> s.opt.max_peers


cdef inline void admission_press(socket_t *s, uint64_t now) noexcept nogil:
    """Descriptors have run out: strangers that only sit there shall not keep others out for as long as HANDSHAKE_IVL."""
    cdef session_t *x
    cdef int _i
    for _i in range(PRESSED_HANDSHAKES):
        x = s.pending
        if x == NULL or now - x.pending_since < PRESSED_HANDSHAKE_NS:
            return
        admission_uncount(s, x)
        session_end(x, END_TIMEOUT, -EMFILE)
