# What a socket type does unless its table says otherwise: load balancing out, fair queuing in, as far as its traits allow.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from base.errors cimport EINVAL, ENOTSUP
from message.message cimport msg_t
from pattern.ops cimport pattern_ops_t, pattern_t, CAN_RECV, CAN_SEND, PATTERN_IN, PATTERN_OUT
from pattern.strategies.fair_queue cimport fq_attach, fq_ended, fq_front, fq_ready, fq_recv
from pattern.strategies.load_balance cimport lb_abandon, lb_attach, lb_can_send, lb_ready, lb_send
from pipe.pipe cimport pipe_t


cdef inline int default_init(pattern_t *pt) noexcept nogil:
    return 0


cdef inline void default_free(pattern_t *pt) noexcept nogil:
    pass


cdef inline int default_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef int rc = 0
    if pt.ops.traits & CAN_RECV:
        rc = fq_attach(&pt.fq, p)
    if rc == 0 and pt.ops.traits & CAN_SEND:
        rc = lb_attach(&pt.lb, p)
    return rc


cdef inline int default_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    # The fair queue asks every pipe that it is given. Without it nobody else would, and of input of an inproc pipe there would be no news.
    if p.link != NULL and not pt.ops.traits & CAN_RECV:
        pt.ops.in_ready(pt, p)
    return 0


cdef inline void default_lost(pattern_t *pt, pipe_t *p) noexcept nogil:
    pass


cdef inline void default_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    fq_ended(&pt.fq, p)


cdef inline void default_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    pass


cdef inline void default_in_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    fq_ready(&pt.fq, p)


cdef inline void default_out_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    lb_ready(&pt.lb, p)


cdef inline int default_send(pattern_t *pt, msg_t *m) noexcept nogil:
    return lb_send(&pt.lb, m)


cdef inline int refuse_send(pattern_t *pt, msg_t *m) noexcept nogil:
    return -ENOTSUP


cdef inline pipe_t *default_abandon(pattern_t *pt) noexcept nogil:
    return lb_abandon(&pt.lb)


cdef inline int default_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    return fq_recv(&pt.fq, m, &pt.last)


cdef inline int refuse_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    return -ENOTSUP


cdef inline int default_events(pattern_t *pt) noexcept nogil:
    cdef int events = 0
    if pt.ops.traits & CAN_RECV and fq_front(&pt.fq) != NULL:
        events = PATTERN_IN
    if pt.ops.traits & CAN_SEND and lb_can_send(&pt.lb):
        events |= PATTERN_OUT
    return events


cdef inline void default_told(pattern_t *pt) noexcept nogil:
    pass


cdef inline int default_subscribe(pattern_t *pt, const unsigned char *topic, size_t n, bint add) noexcept nogil:
    return -EINVAL


cdef inline int default_refine(pattern_t *pt, int what, const unsigned char *topic, size_t n, bint add) noexcept nogil:
    return -EINVAL


cdef inline int default_join(pattern_t *pt, const unsigned char *group, size_t n, bint add) noexcept nogil:
    return -ENOTSUP


cdef inline int default_topics_count(pattern_t *pt) noexcept nogil:
    return -EINVAL


cdef inline int default_subscribers(pattern_t *pt, const unsigned char *topic, size_t n) noexcept nogil:
    return -ENOTSUP


cdef inline int default_set_connect_routing_id(pattern_t *pt, const unsigned char *id, size_t n) noexcept nogil:
    return -EINVAL


cdef inline int default_peer_state(pattern_t *pt, const unsigned char *id, size_t n) noexcept nogil:
    return -ENOTSUP


cdef inline uint32_t default_peer_number(pattern_t *pt, pipe_t *p) noexcept nogil:
    return 0


cdef inline pipe_t *default_peer_of_number(pattern_t *pt, uint32_t number) noexcept nogil:
    return NULL


cdef inline void default_ops(pattern_ops_t *ops, const char *name, const char *peers, uint32_t traits) noexcept nogil:
    """Fills a table with what load balancing and fair queuing do, as far as the traits allow; the type replaces what it does otherwise."""
    ops.name = name
    ops.peers = peers
    ops.traits = traits
    ops.init = default_init
    ops.free = default_free
    ops.attach = default_attach
    ops.ready = default_ready
    ops.lost = default_lost
    ops.ended = default_ended
    ops.detach = default_detach
    ops.in_ready = default_in_ready
    ops.out_ready = default_out_ready
    ops.send = default_send if traits & CAN_SEND else refuse_send
    ops.abandon = default_abandon
    ops.recv = default_recv if traits & CAN_RECV else refuse_recv
    ops.events = default_events
    ops.told = default_told
    ops.subscribe = default_subscribe
    ops.refine = default_refine
    ops.join = default_join
    ops.topics_count = default_topics_count
    ops.subscribers = default_subscribers
    ops.set_connect_routing_id = default_set_connect_routing_id
    ops.peer_state = default_peer_state
    ops.peer_number = default_peer_number
    ops.peer_of_number = default_peer_of_number
