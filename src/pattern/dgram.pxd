# DGRAM: datagrams to and from anybody. A message is the address of the peer, "127.0.0.1:5555" or "[::1]:5555", and the body.
#
# Rules
# - It has one endpoint, whose address is what peers see.
# - The address waits here for the body, so that a message is refused whole or not at all. There must be room before it is taken.
# - An address that is none is refused (-EINVAL), and so is a body of several frames. A body that no datagram can carry: -EMSGSIZE.

from base.errors cimport EAGAIN, EINVAL, EMSGSIZE, ENOMEM
from base.memory cimport calloc
from message.message cimport msg_close, msg_data, msg_move, msg_t, MSG_EMPTY, MSG_MORE
from pattern.defaults cimport default_ops
from pattern.ops cimport pattern_ops_t, pattern_t, CAN_RECV, CAN_SEND, DATAGRAMS, ONE_PEER
from pattern.strategies.load_balance cimport lb_can_send, lb_send
from pipe.pipe cimport pipe_t

cdef struct dgram_t:
    msg_t address               # MSG_EMPTY: a message begins with the next frame


cdef inline int dgram_init(pattern_t *pt) noexcept nogil:
    cdef dgram_t *d = <dgram_t *> calloc(1, sizeof(dgram_t))
    if d == NULL:
        return -ENOMEM
    d.address.kind = MSG_EMPTY
    pt.part = d
    return 0


cdef inline void dgram_free(pattern_t *pt) noexcept nogil:
    msg_close(&(<dgram_t *> pt.part).address)


cdef inline int dgram_send_body(pattern_t *pt, dgram_t *d, msg_t *m) noexcept nogil:
    cdef pipe_t *p
    cdef int rc
    if not lb_can_send(&pt.lb):
        return -EAGAIN
    p = pt.lb.pipes[pt.lb.current]
    if m.flags & MSG_MORE:
        rc = -EINVAL
    elif p.message_max and m.size > p.message_max:
        rc = -EMSGSIZE
    else:
        rc = lb_send(&pt.lb, &d.address)
        if rc < 0:
            return rc
        rc = lb_send(&pt.lb, m)
    msg_close(&d.address)
    return rc


cdef inline int dgram_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef dgram_t *d = <dgram_t *> pt.part
    if d.address.kind != MSG_EMPTY:
        return dgram_send_body(pt, d, m)
    if not m.flags & MSG_MORE or pt.hooks.check_address(msg_data(m), m.size) < 0:
        return -EINVAL
    if not lb_can_send(&pt.lb):
        return -EAGAIN
    msg_move(&d.address, m)
    return 0


cdef inline pipe_t *dgram_abandon(pattern_t *pt) noexcept nogil:
    msg_close(&(<dgram_t *> pt.part).address)
    return NULL


cdef inline void dgram_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "DGRAM", "", CAN_SEND | CAN_RECV | DATAGRAMS | ONE_PEER)
    ops.init = dgram_init
    ops.free = dgram_free
    ops.send = dgram_send
    ops.abandon = dgram_abandon
