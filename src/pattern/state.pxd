# pattern_t: the routing state of one socket, and what all types share.
#
# Rules
# - Everything here is used under the lock of the socket.
# - Options are plain fields that the socket writes at any time; they are read when they matter. Messages among them are borrowed.
# - What only one type needs is behind `part`.
# - hooks.close_pipe() may be called from inside any call; the socket ends and detaches the pipe after that call, never inside it.
# - `unfinished`: a receive or events call stopped because it had discarded PATTERN_SKIP_MAX messages (filtered or malformed), not because
#   there was nothing left. Nobody will report new input for what is left: the caller must not sleep but do what else it has to (signals,
#   deadlines, other sockets) and call again.

from libc.stdint cimport uint32_t
from libc.stddef cimport size_t
from message.message cimport msg_t, msg_set, msg_close
from pipe.pipe cimport pipe_t, pipe_store, pipe_flush
from pipe.ring cimport ring_slot, ring_commit, ring_mid_message, ring_rollback
from pattern.strategies.fair_queue cimport fair_queue_t, FQ_NONE
from pattern.strategies.load_balance cimport load_balance_t, LB_NONE
from pattern.strategies.fan_out cimport FAN_NONE

cdef enum:
    PATTERN_PAIR = 0
    PATTERN_PUB = 1
    PATTERN_SUB = 2
    PATTERN_REQ = 3
    PATTERN_REP = 4
    PATTERN_DEALER = 5
    PATTERN_ROUTER = 6
    PATTERN_PULL = 7
    PATTERN_PUSH = 8
    PATTERN_XPUB = 9
    PATTERN_XSUB = 10

cdef enum:                      # pattern_events()
    PATTERN_IN = 1
    PATTERN_OUT = 2

cdef enum:                      # router_notify
    NOTIFY_CONNECT = 1
    NOTIFY_DISCONNECT = 2

cdef enum:                      # pipe_t.pattern_flags
    FLAG_UP = 1                 # pattern_ready() came after the last pattern_lost(): there is a peer
    FLAG_ENDED = 2              # pattern_ended() has been here
    FLAG_BUSY = 4               # being read by pattern_in_ready(): a nested report adds nothing
    FLAG_KEYED = 8              # ROUTER: in the routing table
    FLAG_FIXED = 16             # ROUTER: the id was given by CONNECT_ROUTING_ID and outlives connections
    FLAG_WAITING = 32           # ROUTER: another pipe has this peer's id
    FLAG_ATTACHED = 64          # between pattern_attach() and pattern_detach(); nothing here touches another pipe

cdef enum:
    # Messages discarded in one call before the caller gets to look at anything else: some 50 us of work.
    PATTERN_SKIP_MAX = 1000

cdef struct pattern_hooks_t:
    void (*close_pipe)(void *owner, pipe_t *p) noexcept nogil
    int (*random)(void *buf, size_t n) noexcept nogil

# Bytes of an option, borrowed. data NULL = not set.
cdef struct octets_t:
    const unsigned char *data
    size_t size

cdef struct pattern_t:
    int type
    bint rcvmore                # the last frame received has followers
    bint unfinished
    void *part                  # of the type
    pipe_t *last                # where the last frame received came from; NULL when it is gone
    fair_queue_t fq
    load_balance_t lb
    void *owner
    pattern_hooks_t hooks
    # live options
    bint router_mandatory
    bint router_handover
    int router_notify           # NOTIFY_... bits
    bint probe_router
    bint req_correlate
    bint req_relaxed
    bint xpub_verbose
    bint xpub_verboser
    bint xpub_nodrop
    bint xpub_manual
    bint xpub_manual_last_value
    bint invert_matching
    bint only_first_subscribe
    uint32_t max_subscriptions  # topics of one peer, 0 = no limit
    bint xsub_verbose_unsubscribe
    octets_t welcome_msg
    octets_t hello_msg
    octets_t disconnect_msg
    octets_t hiccup_msg


cdef inline void pattern_pipe_init(pipe_t *p) noexcept nogil:
    p.lb_index = <uint32_t> LB_NONE
    p.fq_index = <uint32_t> FQ_NONE
    p.fan_index = <uint32_t> FAN_NONE
    p.routing_id = NULL
    p.routing_id_size = 0
    p.pattern_flags = FLAG_ATTACHED
    p.pattern_data = NULL


cdef inline void pattern_close_pipe(pattern_t *pt, pipe_t *p) noexcept nogil:
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
