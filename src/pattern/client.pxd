# CLIENT: load balancing to SERVERs, fair queuing from them, single frames; greetings and HICCUP_MSG as DEALER has them.

from pattern.dealer cimport dealer_lost, dealer_ready
from pattern.ops cimport pattern_ops_t, ANSWERS, CAN_RECV, CAN_SEND, DROPS, REFUSES, WAITS
from pattern.single_frame cimport single_frame_ops


cdef inline void client_ops(pattern_ops_t *ops) noexcept nogil:
    single_frame_ops(ops, "CLIENT", "SERVER", CAN_SEND | CAN_RECV | ANSWERS | WAITS | DROPS | REFUSES)
    ops.ready = dealer_ready
    ops.lost = dealer_lost
