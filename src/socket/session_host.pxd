# What the sessions of a socket call: session_host_t, filled in. Lock held; nothing blocks.

from base.platform cimport zc_lock_init
from io.timers cimport socket_of, socket_retime
from pattern.ops cimport PUBLISHES
from pattern.pattern cimport pattern_in_ready, pattern_is, pattern_out_ready
from pipe.ring cimport ring_empty
from session.session cimport session_t
from socket.authenticate cimport connection_authenticate, connection_withdraw
from socket.connecting cimport connection_connect
from socket.connections cimport connection_unwatch
from socket.established cimport connection_ready
from socket.occurrences cimport session_occurrence
from socket.reconnect cimport connection_finished, connection_lost
from socket.state cimport socket_t


cdef inline void connection_received(session_t *x) noexcept nogil:
    """host.received"""
    cdef socket_t *s = socket_of(x)
    if x.pipe != NULL and not x.pipe.detached and not ring_empty(x.pipe.inr):
        pattern_in_ready(&s.pattern, x.pipe)


cdef inline void connection_writable(session_t *x) noexcept nogil:
    """host.writable: the output is no longer blocked."""
    cdef socket_t *s = socket_of(x)
    if x.pipe != NULL and not x.pipe.detached:
        pattern_out_ready(&s.pattern, x.pipe)


cdef inline void connections_init(socket_t *s) noexcept nogil:
    zc_lock_init(&s.host.apart.call)
    s.host.publishes = pattern_is(&s.pattern, PUBLISHES)
    s.host.connect = connection_connect
    s.host.unwatch = connection_unwatch
    s.host.authenticate = connection_authenticate
    s.host.withdraw = connection_withdraw
    s.host.ready = connection_ready
    s.host.lost = connection_lost
    s.host.received = connection_received
    s.host.writable = connection_writable
    s.host.retime = socket_retime
    s.host.event = session_occurrence
    s.host.finished = connection_finished
