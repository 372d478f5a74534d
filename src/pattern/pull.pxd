# PULL: fair queuing only.

from pipe.pipe cimport pipe_t
from pattern.state cimport pattern_t
from pattern.strategies.fair_queue cimport fq_attach


cdef inline int pull_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    return fq_attach(&pt.fq, p)
