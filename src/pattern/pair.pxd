# PAIR: one peer at a time.
#
# Rules
# - A second peer is refused (-EEXIST); the first is not affected.
# - A peer that has ended makes room for a new one at once, even while its last messages are still to be read.

from pattern.defaults cimport default_ops
from pattern.ops cimport pattern_ops_t, ANSWERS, CAN_RECV, CAN_SEND, DROPS, ONE_PEER, REFUSES, WAITS


cdef inline void pair_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "PAIR", "PAIR", CAN_SEND | CAN_RECV | ANSWERS | ONE_PEER | WAITS | DROPS | REFUSES)
