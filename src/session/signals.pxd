# Signals that arrive: what a session does with them.
#
# Rules
# - Subscriptions go into the pipe, however full it is; heartbeats are answered and timed here; a close is answered, and is
#   the end.
# - A frame in shared memory is a frame of the message around it (shared.pxd).

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcpy
from base.errors cimport ENOMEM, EPIPE
from base.platform cimport zc_now_ns
from engine.ops cimport (
    SIGNAL_BLOCK, SIGNAL_CANCEL, SIGNAL_CLOSE, SIGNAL_NOISE, SIGNAL_PING, SIGNAL_PONG, SIGNAL_SEGMENT, SIGNAL_SUBSCRIBE,
    signal_t,
)
from message.message cimport MSG_CANCEL, MSG_MORE, MSG_SUBSCRIBE, msg_alloc, msg_data, msg_t
from pipe.ring cimport ring_commit, ring_mid_message, ring_slot, ring_t
from session.session cimport session_t
from session.shared cimport shared_receive, shared_shown
from session.transmit cimport transmit_farewell, transmit_heartbeat


cdef inline int receive_topic(session_t *s, signal_t *g) noexcept nogil:
    """A subscription, into the pipe. 0 or -ENOMEM."""
    cdef ring_t *r = s.pipe.inr
    cdef msg_t *slot
    if not s.host.publishes:
        return 0
    slot = ring_slot(r)
    if slot == NULL or msg_alloc(slot, g.size) < 0:
        return -ENOMEM
    memcpy(msg_data(slot), g.data, g.size)
    slot.flags = MSG_SUBSCRIBE if g.kind == SIGNAL_SUBSCRIBE else MSG_CANCEL
    if ring_mid_message(r):
        slot.flags |= MSG_MORE      # keeps the ring from publishing the unfinished message around it
    ring_commit(r)
    return 0


cdef inline void receive_pong(session_t *s) noexcept nogil:
    """Answers come in the order of the questions."""
    if s.pings == 0:
        return
    s.pings -= 1
    if s.pings_before:
        s.pings_before -= 1
    elif s.ping_at:
        s.rtt_ns = zc_now_ns() - s.ping_at
        s.ping_at = 0


cdef inline int receive_signal(session_t *s, const unsigned char *body, size_t size) noexcept nogil:
    """0; SHARED_STALLED: nothing has happened, there was no room; or a negative errno that ends the connection."""
    cdef signal_t g
    cdef int rc = s.engine.ops.signal_get(s.engine, body, size, &g)
    if rc < 0:
        return rc
    if g.kind == SIGNAL_PING:
        transmit_heartbeat(s, SIGNAL_PONG, 0, g.data, g.size)
        s.ttl_ns = <uint64_t> g.ttl_ds * 100000000
    elif g.kind == SIGNAL_PONG:
        receive_pong(s)
    elif g.kind == SIGNAL_SUBSCRIBE or g.kind == SIGNAL_CANCEL:
        return receive_topic(s, &g)
    elif g.kind == SIGNAL_BLOCK:
        return shared_receive(s, &g)
    elif g.kind == SIGNAL_SEGMENT:
        shared_shown(s, &g)
    elif g.kind == SIGNAL_CLOSE:
        transmit_farewell(s, g.data, g.size)
        return -EPIPE
    elif g.kind == SIGNAL_NOISE:
        s.losses.malformed += 1
    return 0
