# PAIR: one peer at a time.
#
# Rules
# - A second peer is refused (-EEXIST); the first is not affected.
# - A peer that has ended makes room for a new one at once, even while its last messages are still to be read.

from base.errors cimport EEXIST
from pipe.pipe cimport pipe_t
from pattern.state cimport pattern_t
from pattern.strategies.fair_queue cimport fq_attach
from pattern.strategies.load_balance cimport lb_attach


cdef inline int pair_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef int rc
    if pt.lb.count:
        return -EEXIST
    rc = fq_attach(&pt.fq, p)
    return rc if rc < 0 else lb_attach(&pt.lb, p)
