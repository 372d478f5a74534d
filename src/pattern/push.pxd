# PUSH: load balancing only. Whatever a peer sends to it is discarded.

from pattern.defaults cimport default_ops
from pattern.ops cimport pattern_ops_t, CAN_SEND, CONFLATES_OUT, DROPS, REFUSES, WAITS
from pattern.steps cimport pattern_discard


cdef inline void push_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "PUSH", "PULL", CAN_SEND | CONFLATES_OUT | WAITS | DROPS | REFUSES)
    ops.in_ready = pattern_discard
    ops.ended = pattern_discard
