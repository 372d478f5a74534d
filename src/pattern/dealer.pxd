# DEALER: load balancing out, fair queuing in, nothing added and nothing taken away.
#
# Rules
# - A greeting (HELLO_MSG, then the empty message of PROBE_ROUTER) opens every connection.
# - HICCUP_MSG is given to the local application when the connection of a connect() is lost.

from pipe.pipe cimport pipe_t
from pattern.state cimport pattern_t, pattern_greet, pattern_insert, FLAG_UP
from pattern.strategies.fair_queue cimport fq_attach, fq_ready
from pattern.strategies.load_balance cimport lb_attach


cdef inline int dealer_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef int rc = fq_attach(&pt.fq, p)
    return rc if rc < 0 else lb_attach(&pt.lb, p)


cdef inline void dealer_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    if pt.hello_msg.size:
        pattern_greet(p, pt.hello_msg.data, pt.hello_msg.size)
    if pt.probe_router:
        pattern_greet(p, NULL, 0)


cdef inline void dealer_lost(pattern_t *pt, pipe_t *p) noexcept nogil:
    if p.local and p.pattern_flags & FLAG_UP and pt.hiccup_msg.size and p.other == NULL:
        pattern_insert(p, pt.hiccup_msg.data, pt.hiccup_msg.size)
        fq_ready(&pt.fq, p)
