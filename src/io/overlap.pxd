# Overlap: the I/O thread writes large frames while the program works. When that is, and its side of it.
#
# Rules
# - A program is measured where a message has filled an output with large frames: from the end of that call to the next
#   such moment it has been away, unless it has driven the socket in between (it waited, or looked for input). The mean
#   of these times decides: it must be longer than handing over and copying take, or the I/O thread would be the slower
#   of the two. Small messages and round trips are not measured and come to no hand-over.
# - To hand over is to leave sessions on host.dirty and have the I/O thread called (io_apart). Whoever drives the
#   socket before it comes writes them himself, as ever; then it finds nothing.
# - What the I/O thread writes while it serves (a burst has ended, there is room again) goes the same way if it is
#   large.
# - The lock is not held during the system call: session/apart.pxd says who may do what meanwhile.
# - The I/O thread comes with no lock held, and so may wait for the socket's.

from libc.stdint cimport uint64_t
from base.atomics cimport zc_add_u32
from base.config cimport (
    APART_CALLS, OVERLAP_AWAY_MAX_NS, OVERLAP_AWAY_NS, OVERLAP_BYTES_PER_NS, OVERLAP_MIN, OVERLAP_SHARE,
)
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush
from io.turn cimport socket_wake_others
from reactor.io_thread cimport io_apart
from session.apart cimport apart_begin, apart_call, apart_job_t, apart_worth
from session.lifecycle cimport session_flush, session_written_apart
from session.session cimport session_t
from socket.references cimport socket_unref
from socket.state cimport overlap_t, socket_t


cdef inline void overlap_ask(socket_t *s) noexcept nogil:
    """The I/O thread shall write what is on host.dirty. Lock held."""
    if s.host.apart.session == NULL and io_apart(&s.client):       # else it looks when it is back
        zc_add_u32(&s.refs, 1)


cdef inline uint64_t overlap_mean(uint64_t mean, uint64_t latest) noexcept nogil:
    if latest > OVERLAP_AWAY_MAX_NS:
        latest = OVERLAP_AWAY_MAX_NS
    return mean - mean // OVERLAP_SHARE + latest // OVERLAP_SHARE


cdef inline void overlap_flush(socket_t *s) noexcept nogil:
    """A message has filled an output: as socket_flush(), by this thread or by the other. Lock held."""
    cdef overlap_t *o = &s.overlap
    cdef uint64_t least
    if s.host.dirty == NULL or s.host.dirty.tx_refbytes < OVERLAP_MIN or s.client.io == NULL:
        socket_flush(s)
        return
    if o.left:
        o.away = overlap_mean(o.away, zc_now_ns() - o.left)
    least = s.host.dirty.tx_refbytes // OVERLAP_BYTES_PER_NS
    if least < OVERLAP_AWAY_NS:
        least = OVERLAP_AWAY_NS
    if o.away < least or o.away > OVERLAP_AWAY_MAX_NS // 2 or not apart_worth(s.host.dirty):
        socket_flush(s)
    else:
        s.host.flush_now = False
        overlap_ask(s)
    o.left = zc_now_ns()


cdef inline void overlap_serve(socket_t *s) noexcept nogil:
    """The I/O thread, serving, writes all output: as socket_flush(). Lock held."""
    cdef session_t *x = s.host.dirty
    while x != NULL and not apart_worth(x):
        x = x.dirty_next
    if x != NULL and s.client.io != NULL:
        overlap_ask(s)
    else:
        socket_flush(s)


cdef inline void overlap_work(socket_t *s) noexcept nogil:
    """The I/O thread, between two turns: writes host.dirty. No lock held. Gives back the reference of overlap_ask()."""
    cdef apart_job_t job
    cdef session_t *x
    cdef int left = APART_CALLS
    cdef bint room = False
    zc_lock_acquire(&s.lock)
    s.client.apart_queued = False
    while s.host.dirty != NULL and left:
        x = s.host.dirty
        s.host.dirty = x.dirty_next
        x.tx_dirty = False
        if not apart_begin(x, &job):
            s.host.serving = True
            session_flush(x)
            s.host.serving = False
            left -= x.tx_dirty
            room = True
            continue
        left -= 1
        zc_lock_release(&s.lock)
        apart_call(&s.host.apart, &job)
        zc_lock_acquire(&s.lock)
        if s.host.apart.session == x:
            room = session_written_apart(x) or room
    s.host.flush_now = False
    if s.host.dirty != NULL and s.client.io != NULL:
        overlap_ask(s)
    if room:
        socket_wake_others(s)
    socket_end_call(s)
    zc_lock_release(&s.lock)
    socket_unref(s)
