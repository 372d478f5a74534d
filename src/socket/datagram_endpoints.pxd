# Endpoints of datagrams: a bind is an open stream from its first moment, with a session of its own; a connect is like any other
# (stream_endpoints.pxd), but that nothing has to be waited for.

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport calloc
from base.errors cimport EINVAL, ENOCOMPATPROTO, ENOMEM, ENOTSOCK
from base.monitor_events cimport EVENT_BIND_FAILED, EVENT_CLOSED, EVENT_LISTENING
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns
from engine.ops cimport engine_security_t
from engine.select cimport engine_carries
from io.end_call cimport socket_end_call
from io.wakeup cimport socket_wake
from pattern.pattern cimport pattern_wants_peer
from reactor.io_thread cimport io_thread_t
from session.session cimport session_t, SESSION_READY
from socket.admission cimport admission_uncount
from socket.connections cimport connection_new
from socket.endpoint cimport endpoint_delist, endpoint_enlist, endpoint_name, endpoint_tell
from socket.established cimport connection_handshake
from socket.io_threads cimport context_io
from socket.occurrences cimport listener_occurrence
from socket.security cimport security_from
from socket.state cimport endpoint_ops_t, endpoint_t, socket_t, SOCKET_OPEN
from socket.stream_endpoints cimport socket_join_io, stream_close_sessions, stream_connect
from socket.terms cimport terms_take
from socket.tuning cimport tuning_from
from transport.address cimport address_t
from transport.ops cimport stream_clear, stream_close, stream_t
from transport.tuning cimport tuning_t


cdef inline int datagram_suits(socket_t *s, endpoint_t *e) noexcept nogil:
    """Nothing is secret or authentic here: a socket that has been given a mechanism is refused. 0 or -ENOCOMPATPROTO. Lock held."""
    cdef engine_security_t security
    security_from(s, &security)
    return -ENOCOMPATPROTO if s.secured or not engine_carries(e.transport.engine, &security) else 0


cdef inline int datagram_open(socket_t *s, endpoint_t *e, stream_t *out) noexcept nogil:
    """0 and `out` is open, or a negative errno. Lock held."""
    cdef tuning_t tuning
    cdef const char *text = e.given + e.address_offset
    cdef int rc
    stream_clear(out, e.transport)
    rc = terms_take(s, &e.terms)
    if rc < 0:
        return rc
    e.address = <address_t *> calloc(1, sizeof(address_t))
    if e.address == NULL:
        return -ENOMEM
    rc = e.transport.parse_bind(text, e.name_size - e.address_offset, e.terms.opt.ipv6, e.address)
    if rc < 0:
        return rc
    tuning_from(s, e, &tuning)
    rc = e.transport.receive_at(e.address, &tuning, out)
    if rc < 0:
        return rc
    rc = endpoint_name(e, out.fd)
    if rc < 0:
        stream_close(out)
    return rc


cdef inline int datagram_begin_session(socket_t *s, endpoint_t *e, stream_t *stream) noexcept nogil:
    """The endpoint becomes the socket's, and its stream that of a session. 0 or -ENOMEM, and nothing is left of either. Lock held."""
    cdef session_t *x = connection_new(s, e, False)
    if x == NULL:
        stream_close(stream)
        return -ENOMEM
    admission_uncount(s, x)         # it is not a peer that has come
    x.stream = stream[0]
    endpoint_enlist(s, e)
    connection_handshake(s, x, NULL, zc_now_ns())
    if x.state != SESSION_READY:
        endpoint_delist(s, e)
        return -ENOMEM
    listener_occurrence(s, e, EVENT_LISTENING, <uint64_t> x.stream.fd)
    endpoint_tell(s, e)
    return 0


cdef inline int datagram_bind(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.bind"""
    cdef stream_t stream
    cdef io_thread_t *io
    cdef int rc = context_io(s.ctx, s.opt.affinity, &io)
    if rc < 0:
        return rc
    zc_lock_acquire(&s.lock)
    if s.state != SOCKET_OPEN:
        rc = -ENOTSOCK
    elif not pattern_wants_peer(&s.pattern):
        rc = -EINVAL            # a DGRAM has one address
    if rc == 0:
        rc = datagram_suits(s, e)
    if rc == 0:
        rc = socket_join_io(s, io)
    if rc == 0:
        rc = datagram_open(s, e, &stream)
        if rc == 0:
            rc = datagram_begin_session(s, e, &stream)
        if rc < 0:
            listener_occurrence(s, e, EVENT_BIND_FAILED, <uint64_t> -rc)
    socket_end_call(s)
    zc_lock_release(&s.lock)
    if rc == 0:
        socket_wake(s)
    return rc


cdef inline int datagram_connect(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.connect"""
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = datagram_suits(s, e)
    zc_lock_release(&s.lock)
    return rc if rc < 0 else stream_connect(s, e)


cdef inline void datagram_close(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.close"""
    cdef uint32_t i
    if e.connects:
        return
    for i in range(s.nsessions):
        if s.sessions[i].endpoint == e:
            listener_occurrence(s, e, EVENT_CLOSED, <uint64_t> s.sessions[i].stream.fd)


cdef inline void datagram_end(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.end"""
    e.left = True
    datagram_close(s, e)
    stream_close_sessions(s, e)


cdef inline void datagram_endpoint_ops(endpoint_ops_t *o) noexcept nogil:
    o.bind = datagram_bind
    o.connect = datagram_connect
    o.end = datagram_end
    o.close = datagram_close
