# Types whose messages are single frames: CLIENT, SERVER, PEER, SCATTER, GATHER, CHANNEL. (libzmq calls them thread-safe; here all types are.)
#
# Rules
# - A frame with MORE is refused (-EINVAL) and nothing has begun.
# - A message of several frames that a peer sends is discarded whole.

from libc.stdint cimport uint32_t
from base.errors cimport EAGAIN, EINVAL
from message.message cimport msg_t, MSG_MORE
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, CAN_RECV, CAN_SEND, PATTERN_IN, PATTERN_OUT, PATTERN_SKIP_MAX, SINGLE_FRAME,
)
from pattern.strategies.fair_queue cimport fq_discard, fq_front, fq_skip, fq_take
from pattern.strategies.load_balance cimport lb_can_send, lb_send


cdef inline int single_send(pattern_t *pt, msg_t *m) noexcept nogil:
    return -EINVAL if m.flags & MSG_MORE else lb_send(&pt.lb, m)


cdef inline msg_t *single_front(pattern_t *pt) noexcept nogil:
    """The next message, or NULL. Its pipe is fq.pipes[fq.current]."""
    cdef msg_t *front
    cdef int skipped = 0
    while True:
        if pt.fq.more and not fq_skip(&pt.fq):
            return NULL
        front = fq_front(&pt.fq)
        if front == NULL or not front.flags & MSG_MORE:
            return front
        pt.fq.pipes[pt.fq.current].unwanted += 1
        fq_discard(&pt.fq, front)
        skipped += 1
        if skipped == PATTERN_SKIP_MAX:
            pt.unfinished = True
            return NULL


cdef inline int single_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef msg_t *front = single_front(pt)
    if front == NULL:
        return -EAGAIN
    pt.last = pt.fq.pipes[pt.fq.current]
    fq_take(&pt.fq, front, m)
    return 0


cdef inline int single_events(pattern_t *pt) noexcept nogil:
    cdef int events = 0
    if pt.ops.traits & CAN_RECV and single_front(pt) != NULL:
        events = PATTERN_IN
    if pt.ops.traits & CAN_SEND and lb_can_send(&pt.lb):
        events |= PATTERN_OUT
    return events


cdef inline void single_frame_ops(pattern_ops_t *ops, const char *name, const char *peers, uint32_t traits) noexcept nogil:
    """Load balancing and fair queuing of single frames, as far as the traits allow."""
    default_ops(ops, name, peers, traits | SINGLE_FRAME)
    if traits & CAN_SEND:
        ops.send = single_send
    if traits & CAN_RECV:
        ops.recv = single_recv
    ops.events = single_events
