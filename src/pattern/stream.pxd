# STREAM: raw bytes of tcp and ipc connections. A message is [routing id, data]; [routing id, empty] received says that a
# connection has come or gone, sent it ends one.
#
# Rules
# - It is a ROUTER on raw connections (pattern_raw()): ids, sending and receiving are router.pxd's.
# - Every connection has an id from the start, given with CONNECT_ROUTING_ID or made here, for no peer announces one. That of a
#   connect() is there before its first connection, and outlives each: the next connection of the endpoint has it, too.
# - A message to an id that nobody has is always refused with -EHOSTUNREACH.

from message.message cimport msg_t, MSG_MORE
from pattern.defaults cimport default_ops
from pattern.ops cimport pattern_ops_t, pattern_t, ANSWERS, CAN_RECV, CAN_SEND, FLAG_FIXED, PATTERN_OUT, RAW
from pattern.router cimport (
    router_abandon, router_attach, router_detach, router_ended, router_events, router_free, router_init, router_lost, router_peer_state, router_recv,
    router_send, router_set_connect_id,
)
from pattern.router_ids cimport router_enter, router_make_id, router_ready, router_t
from pipe.pipe cimport pipe_t


cdef inline int stream_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef int rc = router_attach(pt, p)
    if rc < 0 or not p.local or p.pattern_flags & FLAG_FIXED:
        return rc
    p.pattern_flags |= FLAG_FIXED
    rc = router_make_id(pt, p)
    return rc if rc < 0 else router_enter(pt, p)


cdef inline int stream_send(pattern_t *pt, msg_t *m) noexcept nogil:
    if (<router_t *> pt.part).sending:
        m.flags &= ~(<unsigned char> MSG_MORE)     # one frame of data; what follows begins with an id again
    return router_send(pt, m)


cdef inline int stream_events(pattern_t *pt) noexcept nogil:
    return router_events(pt) | PATTERN_OUT      # who can take something depends on the id


cdef inline void stream_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "STREAM", "", CAN_SEND | CAN_RECV | ANSWERS | RAW)
    ops.init = router_init
    ops.free = router_free
    ops.attach = stream_attach
    ops.ready = router_ready
    ops.lost = router_lost
    ops.ended = router_ended
    ops.detach = router_detach
    ops.send = stream_send
    ops.abandon = router_abandon
    ops.recv = router_recv
    ops.events = stream_events
    ops.set_connect_routing_id = router_set_connect_id
    ops.peer_state = router_peer_state
