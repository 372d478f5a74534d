# Endpoints: bind, connect, unbind, disconnect. No lock is held by the caller.
#
# What an endpoint does is a matter of its transport's kind: stream_endpoints.pxd, group_endpoints.pxd, datagram_endpoints.pxd, inproc.pxd.
# This file finds the table
# and the endpoint.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from base.memory cimport free
from base.errors cimport EFAULT, ENOCOMPATPROTO, ENOENT, ENOTSUP
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_mutex_lock, zc_mutex_unlock
from io.end_call cimport socket_end_call
from io.mailbox cimport mailbox_drain
from io.wakeup cimport socket_wake
from option.store cimport options_take_connect_routing_id
from option.table cimport option_bytes_t
from pattern.ops cimport CAN_RECV, CONNECTS_PEERS, DATAGRAMS, GROUPS
from pattern.pattern cimport pattern_disconnect_peer, pattern_is, pattern_set_connect_routing_id
from socket.send_recv cimport socket_enter
from socket.datagram_endpoints cimport datagram_endpoint_ops
from socket.endpoint cimport endpoint_free, endpoint_matches, endpoint_new, endpoint_split, endpoint_unref
from socket.group_endpoints cimport group_endpoint_ops
from socket.inproc cimport inproc_endpoint_ops
from socket.state cimport context_t, endpoint_t, socket_t, SOCKET_OPEN
from socket.stream_endpoints cimport stream_endpoint_ops
from transport.ops cimport (
    transport_ops_t, CARRIES_DATAGRAMS, TRANSPORT_DATAGRAM, TRANSPORT_GROUP, TRANSPORT_IN_PROCESS, TRANSPORT_STREAM,
)


cdef inline void endpoints_init(context_t *ctx) noexcept nogil:
    """How a socket of this context binds and connects, for each kind of transport."""
    stream_endpoint_ops(&ctx.endpoint_ops[TRANSPORT_STREAM])
    inproc_endpoint_ops(&ctx.endpoint_ops[TRANSPORT_IN_PROCESS])
    group_endpoint_ops(&ctx.endpoint_ops[TRANSPORT_GROUP])
    datagram_endpoint_ops(&ctx.endpoint_ops[TRANSPORT_DATAGRAM])


cdef inline int endpoint_suits(socket_t *s, const endpoint_t *e) noexcept nogil:
    """Whether the transport carries what this type says. 0 or -ENOCOMPATPROTO."""
    if e.transport.carries == CARRIES_DATAGRAMS:
        if not pattern_is(&s.pattern, GROUPS | DATAGRAMS) or e.connects == pattern_is(&s.pattern, CAN_RECV):
            return -ENOCOMPATPROTO
    elif pattern_is(&s.pattern, DATAGRAMS):
        return -ENOCOMPATPROTO
    return 0


cdef inline int socket_bind(socket_t *s, const char *text, size_t n) noexcept nogil:
    cdef int rc = 0
    cdef endpoint_t *e = endpoint_new(s.ctx, text, n, &rc)
    if e == NULL:
        return rc
    rc = endpoint_suits(s, e)
    if rc == 0:
        rc = e.ops.bind(s, e)
    if rc < 0:
        endpoint_free(e)
    return rc


cdef inline int take_connect_routing_id(socket_t *s) noexcept nogil:
    """A preset routing id is for the next connect only, whatever becomes of it."""
    cdef option_bytes_t rid
    cdef int rc = 0
    zc_lock_acquire(&s.lock)
    if s.state == SOCKET_OPEN:
        options_take_connect_routing_id(&s.opt, &rid)
        if rid.data != NULL:
            rc = pattern_set_connect_routing_id(&s.pattern, rid.data, rid.size)
            free(rid.data)
    zc_lock_release(&s.lock)
    return rc


cdef inline int connect_with(socket_t *s, const char *text, size_t n, uint32_t *peer_number) noexcept nogil:
    """peer_number: where the number of the peer goes, or NULL."""
    cdef int rc = 0
    cdef endpoint_t *e = endpoint_new(s.ctx, text, n, &rc)
    if e == NULL:
        return rc
    e.connects = True
    e.peer_number = peer_number
    rc = endpoint_suits(s, e)
    if rc == 0:
        rc = e.transport.check(e.given + e.address_offset, n - e.address_offset)
    if rc == 0:
        rc = take_connect_routing_id(s)
    if rc == 0:
        rc = e.ops.connect(s, e)
    if rc < 0:
        endpoint_free(e)
    return rc


cdef inline int socket_connect(socket_t *s, const char *text, size_t n) noexcept nogil:
    return connect_with(s, text, n, NULL)


cdef inline int socket_connect_peer(socket_t *s, const char *text, size_t n, uint32_t *number) noexcept nogil:
    """As socket_connect(), with the number of the peer. -ENOTSUP: not a PEER; -EFAULT: with IMMEDIATE there is none yet."""
    cdef bint immediate
    if not pattern_is(&s.pattern, CONNECTS_PEERS):
        return -ENOTSUP
    zc_lock_acquire(&s.lock)
    immediate = s.opt.immediate != 0
    zc_lock_release(&s.lock)
    return -EFAULT if immediate else connect_with(s, text, n, number)


cdef inline int socket_disconnect_peer(socket_t *s, uint32_t number) noexcept nogil:
    """0, -EHOSTUNREACH: no such peer, -ENOTSUP: not a PEER."""
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = pattern_disconnect_peer(&s.pattern, number)
    socket_end_call(s)
    zc_lock_release(&s.lock)
    socket_wake(s)
    return rc


cdef inline int endpoints_end(socket_t *s, const char *text, bint connected) noexcept nogil:
    """Ends the connects of that name, or the bind. -ENOENT if there is none. Both locks held."""
    cdef endpoint_t **at = &s.endpoints
    cdef endpoint_t *e
    cdef int rc = -ENOENT
    while at[0] != NULL:
        e = at[0]
        if e.connects != connected or not endpoint_matches(e, text):
            at = &e.next
            continue
        rc = 0
        at[0] = e.next
        e.ops.end(s, e)
        endpoint_unref(e)
        if not connected:
            break
    return rc


cdef inline int socket_unbind(socket_t *s, const char *text, size_t n, bint connected) noexcept nogil:
    """unbind (connected False) or disconnect (True). -ENOENT if there is no such endpoint.

    Each does the other's work where there is nothing for its own: libzmq knows no difference, and programs mix them
    up."""
    cdef const transport_ops_t *transport = NULL
    cdef size_t offset = 0
    cdef int rc = endpoint_split(s.ctx, text, n, &transport, &offset)
    if rc < 0:
        return rc
    zc_mutex_lock(&s.ctx.mutex)
    zc_lock_acquire(&s.lock)
    mailbox_drain(s)
    rc = endpoints_end(s, text, connected)
    if rc < 0:
        rc = endpoints_end(s, text, not connected)
    socket_end_call(s)
    zc_lock_release(&s.lock)
    zc_mutex_unlock(&s.ctx.mutex)
    if rc == 0:
        socket_wake(s)
    return rc


cdef inline void endpoints_close(socket_t *s) noexcept nogil:
    """The socket closes: no peer finds it any more. Both locks held."""
    cdef endpoint_t *e
    while s.endpoints != NULL:
        e = s.endpoints
        s.endpoints = e.next
        e.ops.close(s, e)
        endpoint_unref(e)
