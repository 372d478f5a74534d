# DEALER: load balancing out, fair queuing in, nothing added and nothing taken away.
#
# Rules
# - A greeting (HELLO_MSG, then the empty message of PROBE_ROUTER) opens every connection.
# - HICCUP_MSG is given to the local application when the connection of a connect() is lost.

from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, ANSWERS, CAN_RECV, CAN_SEND, CONFLATES_IN, CONFLATES_OUT, CONNECTS_ONCE, DROPS, FLAG_UP, REFUSES,
    SENDS_IDENTITY, WAITS,
)
from pattern.steps cimport pattern_greet, pattern_insert
from pattern.strategies.fair_queue cimport fq_ready
from pipe.pipe cimport pipe_t


cdef inline int dealer_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    if pt.options.hello_msg.size:
        pattern_greet(p, pt.options.hello_msg.data, pt.options.hello_msg.size)
    if pt.options.probe_router:
        pattern_greet(p, NULL, 0)
    return 0


cdef inline void dealer_lost(pattern_t *pt, pipe_t *p) noexcept nogil:
    if p.local and p.pattern_flags & FLAG_UP and pt.options.hiccup_msg.size and p.other == NULL:
        pattern_insert(p, pt.options.hiccup_msg.data, pt.options.hiccup_msg.size)
        fq_ready(&pt.fq, p)


cdef inline void dealer_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(
        ops, "DEALER", "REP DEALER ROUTER",
        CAN_SEND | CAN_RECV | ANSWERS | CONNECTS_ONCE | CONFLATES_IN | CONFLATES_OUT | SENDS_IDENTITY | WAITS | DROPS | REFUSES,
    )
    ops.ready = dealer_ready
    ops.lost = dealer_lost
