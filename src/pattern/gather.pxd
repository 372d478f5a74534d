# GATHER: fair queuing of single frames.

from pattern.ops cimport pattern_ops_t, CAN_RECV
from pattern.single_frame cimport single_frame_ops


cdef inline void gather_ops(pattern_ops_t *ops) noexcept nogil:
    single_frame_ops(ops, "GATHER", "SCATTER", CAN_RECV)
