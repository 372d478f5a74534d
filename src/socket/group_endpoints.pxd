# Endpoints of groups: a stream to everybody in a group, or from everybody. To bind and to connect is the same, and there
# is nobody to wait for: what the system refuses is refused at once. Should the stream break later, it is opened again as
# a connection would be.
#
# Only types that publish or subscribe go together with a group, and nothing is secret or authentic there: a socket that
# has been given a mechanism is refused.

from libc.string cimport strlen
from base.errors cimport ENOCOMPATPROTO, ENOTSOCK
from base.platform cimport zc_lock_acquire, zc_now_ns
from engine.ops cimport engine_security_t
from engine.select cimport engine_carries
from pattern.ops cimport GROUPS, PUBLISHES, SUBSCRIBES
from pattern.pattern cimport pattern_is
from reactor.io_thread cimport io_thread_t
from socket.connecting cimport connection_begun
from socket.io_threads cimport context_io
from socket.security cimport security_from
from socket.state cimport endpoint_ops_t, endpoint_t, socket_t, SOCKET_OPEN
from socket.stream_endpoints cimport connecter_begin, connecter_join, stream_close_listener, stream_end
from socket.terms cimport terms_take
from socket.tuning cimport tuning_from
from transport.address cimport address_t
from transport.ops cimport stream_clear, stream_close, stream_t
from transport.tuning cimport tuning_t


cdef inline int group_open(socket_t *s, endpoint_t *e, stream_t *stream) noexcept nogil:
    """0 or a negative errno. Lock held."""
    cdef address_t address
    cdef tuning_t tuning
    cdef const char *text = e.given + e.address_offset
    cdef int rc
    stream_clear(stream, e.transport)
    rc = terms_take(s, &e.terms)
    if rc < 0:
        return rc
    rc = e.transport.parse_connect(text, strlen(text), e.terms.opt.ipv6, False, NULL, &address)
    if rc < 0:
        return rc
    tuning_from(s, e, &tuning)
    return e.transport.open(&address, &tuning, stream)


cdef inline int group_begin(socket_t *s, endpoint_t *e) noexcept nogil:
    """0 or a negative errno. Lock held."""
    cdef stream_t stream
    cdef engine_security_t security
    cdef int rc
    if pattern_is(&s.pattern, GROUPS) or not (pattern_is(&s.pattern, PUBLISHES) or pattern_is(&s.pattern, SUBSCRIBES)):
        return -ENOCOMPATPROTO          # the groups of a RADIO are others
    security_from(s, &security)
    if s.secured or not engine_carries(e.transport.engine, &security):
        return -ENOCOMPATPROTO
    rc = group_open(s, e, &stream)
    if rc < 0:
        return rc
    rc = connecter_begin(s, e)
    if rc < 0:
        stream_close(&stream)
        return rc
    e.session.stream = stream
    connection_begun(s, e.session, zc_now_ns())
    return 0


cdef inline int group_connect(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.connect and bind"""
    cdef io_thread_t *io
    cdef int rc = context_io(s.ctx, s.opt.affinity, &io)
    if rc < 0:
        return rc
    e.connects = True
    zc_lock_acquire(&s.lock)
    return connecter_join(s, e, io, 0 if s.state == SOCKET_OPEN else -ENOTSOCK, group_begin)


cdef inline void group_endpoint_ops(endpoint_ops_t *o) noexcept nogil:
    o.bind = group_connect
    o.connect = group_connect
    o.end = stream_end
    o.close = stream_close_listener
