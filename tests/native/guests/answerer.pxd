# A toy socket type, to prove that one file and one line make a type: ANSWERER, a REP without turns. What it sends goes to the peer that the
# last message came from.

from base.errors cimport EAGAIN, EFSM
from message.message cimport msg_t, MSG_MORE
from pattern.defaults cimport default_ops
from pattern.ops cimport pattern_ops_t, pattern_t, ANSWERS, CAN_RECV, CAN_SEND, PATTERN_IN, PATTERN_OUT
from pattern.strategies.fair_queue cimport fq_attach, fq_front
from pipe.pipe cimport pipe_can_write, pipe_flush, pipe_t, pipe_write


cdef inline int answerer_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    return fq_attach(&pt.fq, p)


cdef inline int answerer_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef bint more = (m.flags & MSG_MORE) != 0
    cdef int rc
    if pt.last == NULL:
        return -EFSM
    if not pt.last.writing and not pt.last.closed_out and not pipe_can_write(pt.last):
        return -EAGAIN
    rc = pipe_write(pt.last, m, True)
    if rc == 0 and not more:
        pipe_flush(pt.last)
    return rc


cdef inline int answerer_events(pattern_t *pt) noexcept nogil:
    cdef int events = PATTERN_IN if fq_front(&pt.fq) != NULL else 0
    return events | PATTERN_OUT if pt.last != NULL else events


cdef inline void answerer_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "REP", "REQ DEALER", CAN_SEND | CAN_RECV | ANSWERS)
    ops.attach = answerer_attach
    ops.send = answerer_send
    ops.events = answerer_events
