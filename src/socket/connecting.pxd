# Connecting: one attempt after the other, each from the text of the endpoint to the beginning of a handshake. Lock
# held; nothing blocks.
#
# A name is looked up again for every attempt, and an attempt takes the address after the one that failed. Once a
# connection has been complete the next attempt begins with the first again.

from libc.stdint cimport uint64_t
from base.memory cimport malloc
from libc.string cimport strlen
from base.errors cimport EAGAIN, EINPROGRESS, ENOMEM
from base.monitor_events cimport EVENT_CLOSED, EVENT_CONNECTED, EVENT_CONNECT_DELAYED
from base.platform cimport zc_sockaddr_t
from io.timers cimport socket_of
from pattern.pattern cimport pattern_wants_peer
from reactor.pollset cimport pollset_add
from reactor.pollset_event cimport POLL_OUT
from session.lifecycle cimport session_end, session_retime
from session.session cimport session_t, END_CONNECT, SESSION_CONNECTING, SESSION_IDLE
from socket.connections cimport connection_unwatch, connections_plan, endpoint_of
from socket.established cimport connection_handshake, connection_is_young
from socket.occurrences cimport attempt_occurrence, connection_note_ends, connection_occurrence
from socket.resolver cimport resolver_ask
from socket.state cimport endpoint_t, socket_t
from socket.tuning cimport tuning_from
from transport.address cimport address_clear, address_t
from transport.tuning cimport tuning_t

cdef enum:
    # how often a second connect of a PAIR checks whether the place is free: the default of RECONNECT_IVL
    STAND_BY_NS = 100000000


cdef inline void connection_connect(session_t *x, uint64_t now) noexcept nogil:
    """host.connect: begin an attempt."""
    cdef socket_t *s = socket_of(x)
    cdef endpoint_t *e = endpoint_of(x)
    cdef const char *text = e.given + e.address_offset
    cdef zc_sockaddr_t behind
    cdef int rc
    if x.pipe == NULL and not pattern_wants_peer(&s.pattern):
        # A second connect of a PAIR stands by until the first peer has left.
        x.reconnect_due = now + STAND_BY_NS
        session_retime(x)
        return
    if x.address == NULL:
        x.address = <address_t *> malloc(sizeof(address_t))
        if x.address == NULL:
            connection_failed(x, -ENOMEM)
            return
        address_clear(x.address)
    behind = x.address.target
    rc = e.transport.parse_connect(text, strlen(text), s.opt.ipv6, False, &behind, x.address)
    if rc == -EAGAIN:
        # A name: another thread asks the resolver and calls connection_resolved().
        rc = resolver_ask(s, x, text, &behind)
        if rc == 0:
            return
    if rc < 0:
        connection_failed(x, rc)
    else:
        connection_open(s, x, now)


cdef inline void connection_resolved(
        socket_t *s, session_t *x, const address_t *address, int rc, uint64_t now) noexcept nogil:
    if x.state != SESSION_IDLE or x.reconnect_due:
        return
    x.address[0] = address[0]
    if rc < 0:
        connection_failed(x, rc)
    else:
        connection_open(s, x, now)
    if s.host.replan:
        connections_plan(s)         # the resolver's thread ends no call, and nothing else would tell the poll set


cdef inline void connection_open(socket_t *s, session_t *x, uint64_t now) noexcept nogil:
    cdef tuning_t tuning
    cdef int rc
    tuning_from(s, endpoint_of(x), &tuning)
    rc = x.stream.ops.open(x.address, &tuning, &x.stream)
    if rc < 0 and rc != -EINPROGRESS:
        attempt_occurrence(x, EVENT_CLOSED, 0)
        connection_failed(x, rc)
        return
    if x.attempts == 0:
        connection_is_young(s, now)     # not with every attempt to reach a peer that is not there
    if rc == 0:
        connection_begun(s, x, now)
        return
    x.state = SESSION_CONNECTING
    if s.opt.connect_timeout:
        x.connect_due = now + <uint64_t> s.opt.connect_timeout * 1000000
        session_retime(x)
    if pollset_add(&s.set, x.stream.fd, POLL_OUT, x) < 0:
        session_end(x, END_CONNECT, -ENOMEM)
        return
    x.registered = True
    x.mask = POLL_OUT
    attempt_occurrence(x, EVENT_CONNECT_DELAYED, EINPROGRESS)


cdef inline void connection_begun(socket_t *s, session_t *x, uint64_t now) noexcept nogil:
    """There is a connection."""
    connection_note_ends(x)
    connection_occurrence(x, EVENT_CONNECTED, <uint64_t> x.stream.fd)
    connection_handshake(s, x, NULL, now)


cdef inline void connection_established(socket_t *s, session_t *x, uint64_t now) noexcept nogil:
    """The pending connect() has an outcome."""
    cdef tuning_t tuning
    cdef int rc
    tuning_from(s, endpoint_of(x), &tuning)
    rc = x.stream.ops.finish(&x.stream, &tuning)
    if rc < 0:
        session_end(x, END_CONNECT, rc)
        return
    connection_unwatch(x, x.stream.fd)
    connection_begun(s, x, now)


cdef inline void connection_failed(session_t *x, int err) noexcept nogil:
    """An attempt failed before there was a descriptor."""
    x.state = SESSION_CONNECTING
    session_end(x, END_CONNECT, err)
