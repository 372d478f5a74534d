# SCATTER: load balancing of single frames. Whatever a peer sends to it is discarded.

from pattern.ops cimport pattern_ops_t, CAN_SEND, DROPS, REFUSES, WAITS
from pattern.single_frame cimport single_frame_ops
from pattern.steps cimport pattern_discard


cdef inline void scatter_ops(pattern_ops_t *ops) noexcept nogil:
    single_frame_ops(ops, "SCATTER", "GATHER", CAN_SEND | WAITS | DROPS | REFUSES)
    ops.in_ready = pattern_discard
    ops.ended = pattern_discard
