# Steps that several types share, each on one pipe besides sending and receiving: greet the peer, speak in its name, discard its input,
# close it.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from message.message cimport msg_t, msg_close, msg_set, MSG_CANCEL, MSG_MORE, MSG_SUBSCRIBE
from pattern.ops cimport pattern_t, FLAG_BUSY
from pipe.pipe cimport pipe_t, pipe_flush, pipe_front, pipe_pop, pipe_store
from pipe.ring cimport ring_commit, ring_mid_message, ring_rollback, ring_slot


cdef inline void pattern_close_pipe(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Asks the socket to give the pipe up after the current call."""
    if pt.hooks.close_pipe != NULL:
        pt.hooks.close_pipe(pt.owner, p)


cdef inline void pattern_greet(pipe_t *p, const unsigned char *data, size_t size) noexcept nogil:
    """A message ahead of everything queued (hello, welcome, probe); no mark refuses it."""
    cdef msg_t m
    if p.closed_out or msg_set(&m, data, size) < 0:
        return
    # Straight into the connection, for the ring may hold messages from before it. (An inproc pipe that waited for its bind has no such way:
    # there the greeting follows what was sent in the meantime.)
    if p.sink == NULL or p.sink(p, &m, True) != 1:
        if not p.writing:
            pipe_store(p, &m, True)
            pipe_flush(p)
    else:
        p.sunk += 1
        p.sunk_bytes += size
    msg_close(&m)


cdef inline void pattern_insert(pipe_t *p, const unsigned char *data, size_t size) noexcept nogil:
    """A message to the local application as if the peer had sent it, after all it did send.

    Only when no peer writes into the ring: a network pipe, or an inproc pipe whose other end is gone."""
    cdef msg_t *slot
    if ring_mid_message(p.inr):
        ring_rollback(p.inr)
    slot = ring_slot(p.inr)
    if slot != NULL and msg_set(slot, data, size) == 0:
        ring_commit(p.inr)
        p.not_in += 1
        p.not_in_bytes += size


cdef inline void pattern_discard(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Reads away all that the peer has sent: in_ready of a type that does not listen to it."""
    cdef msg_t *m
    if p.pattern_flags & FLAG_BUSY:
        return
    p.pattern_flags |= FLAG_BUSY
    while True:
        m = pipe_front(p)
        if m == NULL:
            break
        p.unwanted += not m.flags & (MSG_MORE | MSG_SUBSCRIBE | MSG_CANCEL)
        msg_close(m)
        pipe_pop(p)
    p.pattern_flags &= ~(<uint32_t> FLAG_BUSY)
