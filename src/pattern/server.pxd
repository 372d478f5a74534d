# SERVER: every peer has a number. A received message carries the number of its peer; that of a message to send selects the peer.
#
# Rules
# - A number is msg_t.routing_id: 32 bits, never 0, made at attach, valid as long as the pipe, and never the peer's to choose. That of a
#   connect() outlives its connections: what is sent in between waits for the peer to come back.
# - To an unknown number, or to a peer that has ended: -EHOSTUNREACH. To one without room: -EAGAIN. Nothing is ever dropped.
# - DISCONNECT_MSG is put behind what an accepted peer has sent, as a message of that peer.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from base.errors cimport EAGAIN, EHOSTUNREACH, EINVAL, ENOMEM
from base.memory cimport calloc, free, malloc
from message.message cimport msg_t, MSG_MORE
from pattern.dealer cimport dealer_ready
from pattern.ops cimport (
    pattern_ops_t, pattern_t, ANSWERS, CAN_RECV, CAN_SEND, FLAG_KEYED, FLAG_UP, PATTERN_IN, PATTERN_OUT, REFUSES, WAITS,
)
from pattern.single_frame cimport single_frame_ops, single_front, single_recv
from pattern.steps cimport pattern_insert
from pattern.strategies.fair_queue cimport fq_attach, fq_ended
from pattern.strategies.routing_table cimport (
    routes_add, routes_find, routes_free, routes_init, routes_remove, routing_table_t,
)
from pipe.pipe cimport pipe_can_write, pipe_flush, pipe_t, pipe_write

cdef struct server_t:
    routing_table_t table
    uint32_t made               # the number given last


cdef inline int server_init(pattern_t *pt) noexcept nogil:
    cdef server_t *v = <server_t *> calloc(1, sizeof(server_t))
    cdef uint64_t seed = 0
    if v == NULL:
        return -ENOMEM
    if pt.hooks.random != NULL:
        pt.hooks.random(&seed, sizeof(seed))
        pt.hooks.random(&v.made, sizeof(uint32_t))
    routes_init(&v.table, seed)
    pt.part = v
    return 0


cdef inline void server_free(pattern_t *pt) noexcept nogil:
    routes_free(&(<server_t *> pt.part).table)


# ---- pipes

cdef inline pipe_t *server_find(pattern_t *pt, uint32_t number) noexcept nogil:
    """The peer of that number, or NULL."""
    return routes_find(&(<server_t *> pt.part).table, <const unsigned char *> &number, sizeof(uint32_t))


cdef inline uint32_t server_number(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef uint32_t number = 0
    if p.routing_id != NULL:
        memcpy(&number, p.routing_id, sizeof(uint32_t))
    return number


cdef inline int server_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef server_t *v = <server_t *> pt.part
    cdef int rc
    v.made += 1
    while v.made == 0 or server_find(pt, v.made) != NULL:
        v.made += 1
    p.routing_id = <unsigned char *> malloc(sizeof(uint32_t))
    if p.routing_id == NULL:
        return -ENOMEM
    memcpy(p.routing_id, &v.made, sizeof(uint32_t))
    p.routing_id_size = sizeof(uint32_t)
    rc = routes_add(&v.table, p)
    if rc < 0:
        return rc
    p.pattern_flags |= FLAG_KEYED
    return fq_attach(&pt.fq, p)


cdef inline void server_unkey(pattern_t *pt, pipe_t *p) noexcept nogil:
    if p.pattern_flags & FLAG_KEYED:
        p.pattern_flags &= ~(<uint32_t> FLAG_KEYED)
        routes_remove(&(<server_t *> pt.part).table, p)


cdef inline void server_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    server_unkey(pt, p)
    # The other end writes no more, so that even an inproc ring is ours to write.
    if p.pattern_flags & FLAG_UP and pt.options.disconnect_msg.size and not p.local:
        pattern_insert(p, pt.options.disconnect_msg.data, pt.options.disconnect_msg.size)
    fq_ended(&pt.fq, p)


cdef inline void server_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    server_unkey(pt, p)
    free(p.routing_id)
    p.routing_id = NULL
    p.routing_id_size = 0


# ---- messages

cdef inline int server_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef uint32_t number = m.routing_id
    cdef pipe_t *p
    cdef int rc
    if m.flags & MSG_MORE:
        return -EINVAL
    p = server_find(pt, number)
    if p == NULL or p.closed_out:
        return -EHOSTUNREACH
    if not pipe_can_write(p):
        return -EAGAIN
    m.routing_id = 0            # it means nothing to the peer
    rc = pipe_write(p, m, True)
    if rc == 0:
        pipe_flush(p)
    else:
        m.routing_id = number
    return rc


cdef inline int server_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef int rc = single_recv(pt, m)
    if rc == 0:
        m.routing_id = server_number(pt, pt.last)
    return rc


cdef inline int server_events(pattern_t *pt) noexcept nogil:
    """Whether a send would succeed depends on the peer: some may have room."""
    return PATTERN_OUT | PATTERN_IN if single_front(pt) != NULL else PATTERN_OUT


cdef inline void numbered_ops(pattern_ops_t *ops, const char *name, const char *peers, uint32_t traits) noexcept nogil:
    """What SERVER and PEER have in common."""
    single_frame_ops(ops, name, peers, CAN_SEND | CAN_RECV | ANSWERS | WAITS | REFUSES | traits)
    ops.init = server_init
    ops.free = server_free
    ops.attach = server_attach
    ops.ready = dealer_ready
    ops.ended = server_ended
    ops.detach = server_detach
    ops.send = server_send
    ops.recv = server_recv
    ops.events = server_events
    ops.peer_number = server_number
    ops.peer_of_number = server_find


cdef inline void server_ops(pattern_ops_t *ops) noexcept nogil:
    numbered_ops(ops, "SERVER", "CLIENT", 0)
