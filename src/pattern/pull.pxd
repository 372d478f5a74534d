# PULL: fair queuing only.

from pattern.defaults cimport default_ops
from pattern.ops cimport pattern_ops_t, CAN_RECV, CONFLATES_IN


cdef inline void pull_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "PULL", "PUSH", CAN_RECV | CONFLATES_IN)
