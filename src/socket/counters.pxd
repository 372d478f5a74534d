# Counters: what pipes and sessions have counted, added up; what is gone is kept with the socket. Lock held.
#
# Rules
# - A message is counted once by its sender: `messages_out` of the peer it was written to, whatever became of it afterwards; `full` or
#   `nobody` if it was written to no one. Of those written, the ones that are neither queued nor dropped have left.
# - A message that has arrived is counted in `messages_in`. Of these, what is neither queued nor dropped has been received by the application.
# - The rings of an inproc pipe belong to two sockets. What its reader leaves behind is the reader's to count (`unread`); what is written after
#   that, the writer's (`lost`); what gave way to a newer message, the writer's (`conflated`).

from libc.stdint cimport uint64_t
from base.atomics cimport zc_load_acquire_u64, zc_load_acquire_ptr, zc_load_relaxed_u64
from base.datagram cimport datagram_losses_t
from base.platform cimport zc_now_ns
from pipe.pipe cimport pipe_t
from pipe.ring_counters cimport ring_conflated, ring_leave, ring_queued, ring_unclaimed
from session.session cimport session_losses, session_t, SESSION_DRAINING, SESSION_READY
from session.unsent cimport unsent_messages
from socket.state cimport counts_t, socket_t, SOCKET_OPEN


cdef inline void counts_pipe_flow(counts_t *c, pipe_t *p) noexcept nogil:
    """What a pipe has counted, but for what is queued."""
    c.messages_in += zc_load_relaxed_u64(&p.inr.wmsgs) - p.not_in
    c.bytes_in += zc_load_relaxed_u64(&p.inr.wbytes) - p.not_in_bytes
    c.messages_out += p.sunk + p.outr.wmsgs
    c.bytes_out += p.sunk_bytes + p.outr.wbytes
    c.conflated += ring_conflated(p.outr)
    if p.other == NULL:
        c.conflated += ring_conflated(p.inr)
    else:
        c.messages_in -= ring_conflated(p.inr)
    c.full += p.missed
    c.lost += p.lost
    c.lingered += p.lingered
    c.outdated += p.outdated
    c.filtered += p.filtered
    c.unwanted += p.unwanted
    c.full_in += p.marks_in
    c.full_out += p.marks_out


cdef inline void counts_pipe(counts_t *c, pipe_t *p) noexcept nogil:
    """A pipe that is there, with what its connection has not sent."""
    counts_pipe_flow(c, p)
    if not p.detached:
        c.queued_in += ring_queued(p.inr)
    else:
        c.unread += ring_queued(p.inr)
    if p.other != NULL and zc_load_acquire_u64(&p.outr.left):
        c.lost += ring_unclaimed(p.outr)
    else:
        c.queued_out += ring_queued(p.outr)
    if p.other == NULL and p.session != NULL:
        c.queued_out += unsent_messages(<session_t *> p.session)


cdef inline void counts_session(counts_t *c, session_t *x) noexcept nogil:
    """What a session has counted."""
    cdef datagram_losses_t lost = x.losses
    session_losses(x, &lost)
    c.refused += lost.refused
    c.overrun += lost.overrun
    c.oversized += lost.oversized
    c.malformed += lost.malformed
    c.reads += x.reads
    c.writes += x.writes
    c.handed_over += x.handed_over
    c.wire_in += x.wire_in
    c.wire_out += x.wire_out
    c.packets_lost += x.packets_lost
    c.shared_in += x.shared_in
    c.shared_out += x.shared_out
    c.handshake_failures += x.failures
    if x.failures:
        c.failed_event = x.failed_event
        c.failed_value = x.failed_value


cdef inline void counts_give_up(socket_t *s, pipe_t *p, uint64_t messages) noexcept nogil:
    """Messages that were queued for a peer whose pipe goes."""
    if p.let_go or s.state != SOCKET_OPEN:
        s.counts.lingered += messages
    else:
        s.counts.lost += messages


cdef inline void counts_pipe_end(socket_t *s, pipe_t *p) noexcept nogil:
    """A network pipe is about to be freed."""
    counts_pipe_flow(&s.counts, p)
    s.counts.unread += ring_queued(p.inr)
    counts_give_up(s, p, ring_queued(p.outr))


cdef inline void counts_link_end(socket_t *s, pipe_t *p) noexcept nogil:
    """An inproc end leaves its socket. What it has written can still be read, unless nobody is there to do so."""
    counts_parted(p)
    s.counts.unread += ring_leave(p.inr)
    if zc_load_acquire_ptr(<void **> &p.other.socket) == NULL:
        counts_give_up(s, p, ring_queued(p.outr))
    else:
        s.counts.lost += ring_unclaimed(p.outr)
    counts_pipe_flow(&s.counts, p)


# ---- who comes and goes

cdef inline void counts_joined(pipe_t *p) noexcept nogil:
    """The two sockets of an inproc pipe have met; both locks held."""
    p.since = zc_now_ns()
    (<socket_t *> p.socket).counts.connections += 1


cdef inline void counts_parted(pipe_t *p) noexcept nogil:
    """The other end of an inproc pipe is gone, or this one goes."""
    if p.since:
        p.since = 0
        (<socket_t *> p.socket).counts.disconnections += 1


cdef inline void counts_disconnected(socket_t *s, session_t *x) noexcept nogil:
    """A session has ended, for whatever reason."""
    if x.ending_was == SESSION_READY or x.ending_was == SESSION_DRAINING:
        s.counts.disconnections += 1
    if x.pipe != NULL:
        x.pipe.since = 0
