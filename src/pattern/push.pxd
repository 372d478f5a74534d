# PUSH: load balancing only. Whatever a peer sends to it is discarded.

from message.message cimport msg_t, msg_close
from pipe.pipe cimport pipe_t, pipe_front, pipe_pop
from pattern.state cimport pattern_t, FLAG_BUSY
from pattern.strategies.load_balance cimport lb_attach


cdef inline int push_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    return lb_attach(&pt.lb, p)


cdef inline void push_in_ready(pipe_t *p) noexcept nogil:
    cdef msg_t *m
    if p.pattern_flags & FLAG_BUSY:
        return
    p.pattern_flags |= FLAG_BUSY
    while True:
        m = pipe_front(p)
        if m == NULL:
            break
        msg_close(m)
        pipe_pop(p)
    p.pattern_flags &= ~(<unsigned int> FLAG_BUSY)
