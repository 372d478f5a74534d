# CHANNEL: one peer at a time, as PAIR, with single frames.

from pattern.ops cimport pattern_ops_t, ANSWERS, CAN_RECV, CAN_SEND, DROPS, ONE_PEER, REFUSES, WAITS
from pattern.single_frame cimport single_frame_ops


cdef inline void channel_ops(pattern_ops_t *ops) noexcept nogil:
    single_frame_ops(ops, "CHANNEL", "CHANNEL", CAN_SEND | CAN_RECV | ANSWERS | ONE_PEER | WAITS | DROPS | REFUSES)
