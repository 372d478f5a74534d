# Connecting: one attempt after the other, each from the text of the endpoint to the beginning of a handshake. Lock
# held; nothing blocks.
#
# Through a proxy (endpoint_t.way) the attempt leads to the proxy, by the same steps; then the session stays CONNECTING until the
# proxy has let it through. Nobody beyond the resolver and the sessions knows of it.
#
# A name is looked up again for every attempt, and an attempt takes the address after the one that failed. Once a
# connection has been complete the next attempt begins with the first again.

from libc.stdint cimport uint64_t
from base.memory cimport free, malloc
from libc.string cimport strlen
from base.errors cimport EAGAIN, EINPROGRESS, ENOMEM
from base.monitor_events cimport EVENT_CLOSED, EVENT_CONNECTED, EVENT_CONNECT_DELAYED
from base.platform cimport zc_sockaddr_t
from io.timers cimport socket_of
from pattern.pattern cimport pattern_wants_peer
from reactor.pollset cimport pollset_add, pollset_mod
from reactor.pollset_event cimport POLL_IN, POLL_OUT
from session.lifecycle cimport session_end, session_retime
from session.session cimport session_t, END_CONNECT, SESSION_CONNECTING, SESSION_IDLE
from socket.connections cimport connection_unwatch, connections_plan, endpoint_of
from socket.established cimport connection_handshake, connection_is_young
from socket.occurrences cimport attempt_occurrence, connection_note_ends, connection_occurrence
from socket.resolver cimport resolver_ask
from socket.state cimport endpoint_t, socket_t
from socket.tuning cimport tuning_from
from transport.address cimport address_clear, address_t
from transport.socks cimport socks_begin, socks_step, socks_t
from transport.tuning cimport tuning_t

cdef enum:
    # how often a second connect of a PAIR checks whether the place is free: the default of RECONNECT_IVL
    STAND_BY_NS = 100000000


cdef inline void connection_connect(session_t *x, uint64_t now) noexcept nogil:
    """host.connect: begin an attempt."""
    cdef socket_t *s = socket_of(x)
    cdef endpoint_t *e = endpoint_of(x)
    cdef const char *text = e.given + e.address_offset if e.way == NULL else e.way.proxy
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
    rc = e.transport.parse_connect(text, strlen(text), e.terms.opt.ipv6, False, &behind, x.address)
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
    cdef int timeout = endpoint_of(x).terms.opt.connect_timeout
    cdef int rc
    tuning_from(s, endpoint_of(x), &tuning)
    rc = x.stream.ops.open(x.address, &tuning, &x.stream)
    if rc < 0 and rc != -EINPROGRESS:
        attempt_occurrence(x, EVENT_CLOSED, 0)
        connection_failed(x, rc)
        return
    if x.attempts == 0:
        connection_is_young(s, now)     # not with every attempt to reach a peer that is not there
    if rc == 0 and endpoint_of(x).way == NULL:
        connection_begun(s, x, now)
        return
    x.state = SESSION_CONNECTING
    if timeout:
        x.connect_due = now + <uint64_t> timeout * 1000000
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


cdef inline int connection_meet_proxy(session_t *x, uint64_t now) noexcept nogil:
    """The proxy is there. 0 or -ENOMEM. It has as much time as a handshake, unless CONNECT_TIMEOUT is for the whole of it."""
    cdef int limit = endpoint_of(x).terms.opt.handshake_ivl
    x.socks = <socks_t *> malloc(sizeof(socks_t))
    if x.socks == NULL:
        return -ENOMEM
    socks_begin(x.socks, endpoint_of(x).way)
    if x.connect_due == 0 and limit:
        x.connect_due = now + <uint64_t> limit * 1000000
        session_retime(x)
    return 0


cdef inline int connection_ask_proxy(socket_t *s, session_t *x) noexcept nogil:
    """As far as it goes. 0: it has let us through; -EAGAIN: the poll set will tell; another errno."""
    cdef bint wants_room = False
    cdef int mask, rc = socks_step(x.socks, x.stream.fd, &wants_room)
    if rc == -EAGAIN:
        mask = POLL_OUT if wants_room else POLL_IN
        if mask != x.mask:
            pollset_mod(&s.set, x.stream.fd, mask, x)
            x.mask = mask
    if rc == 0:
        free(x.socks)
        x.socks = NULL
    return rc


cdef inline void connection_established(socket_t *s, session_t *x, uint64_t now) noexcept nogil:
    """The pending connect() has an outcome, or the proxy says something."""
    cdef tuning_t tuning
    cdef int rc = 0
    if x.socks == NULL:
        tuning_from(s, endpoint_of(x), &tuning)
        rc = x.stream.ops.finish(&x.stream, &tuning)
        if rc == 0 and endpoint_of(x).way != NULL:
            rc = connection_meet_proxy(x, now)
    if rc == 0 and x.socks != NULL:
        rc = connection_ask_proxy(s, x)
    if rc == -EAGAIN:
        return
    if rc < 0:
        session_end(x, END_CONNECT, rc)
        return
    connection_unwatch(x, x.stream.fd)
    connection_begun(s, x, now)


cdef inline void connection_failed(session_t *x, int err) noexcept nogil:
    """An attempt failed before there was a descriptor."""
    x.state = SESSION_CONNECTING
    session_end(x, END_CONNECT, err)
