# A connection that is there: its handshake begins, and once that is complete the peer joins pattern and pipe. Lock
# held; nothing blocks.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport free, malloc
from libc.string cimport memcpy, memset, strlen
from base.check cimport zc_check_enter, zc_check_leave
from base.mechanisms cimport CURVE_KEY_TEXT_SIZE
from base.errors cimport EEXIST, ENOENT, ENOMEM
from base.monitor_events cimport EVENT_HANDSHAKE_SUCCEEDED
from base.platform cimport zc_os_random, zc_shared_there
from engine.ops cimport ENGINE_STREAM, engine_config_t, engine_peer_t, engine_who_t
from engine.select cimport engine_for
from io.timers cimport socket_of
from option.key cimport key_to_text
from option.store cimport options_tell_routing_id
from option.table cimport options_t
from pattern.ops cimport pattern_raw, pattern_raw_by, CAN_SEND, GROUPS, SENDS_IDENTITY
from pattern.pattern cimport pattern_attach, pattern_is, pattern_ready
from pipe.pipe cimport pipe_t
from reactor.io_thread cimport io_young
from session.handshake cimport session_start
from session.lifecycle cimport session_end, session_finish, session_resume
from session.session cimport session_t, END_CLOSED, END_CONNECT, SESSION_CONNECTING
from session.shared cimport shared_begin
from session.transmit cimport session_inside, session_sink, transmit_mark, transmit_wall
from socket.admission cimport admission_unpend
from socket.connections cimport endpoint_of
from socket.occurrences cimport connection_occurrence
from socket.pipes cimport netpipe_new, socket_doom
from socket.security cimport credentials_of
from socket.state cimport credentials_t, endpoint_t, netpipe_t, socket_t, SOCKET_OPEN
from transport.ops cimport place_t, TRANSPORT_PROPERTY_MAX
from zmtp.metadata cimport metadata_join, metadata_prepend, metadata_unref


cdef inline void engine_config_place(session_t *x, engine_config_t *c) noexcept nogil:
    """What a request says it is for."""
    cdef endpoint_t *e = endpoint_of(x)
    cdef const char *text = e.given + e.address_offset
    cdef place_t place
    memset(&place, 0, sizeof(place))
    if x.connecting_side and e.transport.place != NULL:
        e.transport.place(text, strlen(text), &place)
    c.host = place.host
    c.host_size = place.host_size
    c.path = place.path
    c.path_size = place.path_size


cdef inline void engine_config_from(
        socket_t *s, session_t *x, const credentials_t *credentials, engine_config_t *config) noexcept nogil:
    cdef engine_who_t *c = &config.who
    cdef const options_t *o = endpoint_of(x).terms.opt
    config.connects = x.connecting_side
    config.random = zc_os_random
    engine_config_place(x, config)
    c.socket_type = s.type
    c.name = s.pattern.ops.name
    c.peers = s.pattern.ops.peers
    c.sends_identity = pattern_is(&s.pattern, SENDS_IDENTITY)
    c.groups = pattern_is(&s.pattern, GROUPS)
    # libzmq's DISH takes whatever it gets for a group or a body, and leaves when it is neither.
    c.unpinged = c.groups and pattern_is(&s.pattern, CAN_SEND)
    c.routing_id = credentials.routing_id
    c.routing_id_size = credentials.routing_id_size
    c.security = &credentials.security
    c.crypto = &s.ctx.crypto
    c.maxmsgsize = o.maxmsgsize
    c.app_properties = o.metadata.data
    c.app_properties_size = o.metadata.size
    c.shares = o.shared_memory != 0 and x.stream.ops.passed != NULL and zc_shared_there()


cdef inline int connection_note_peer(session_t *x, const char *accepted) noexcept nogil:
    """Who is at the other end: what the system says now, when the connection is made. At the end of the handshake it
    may not know any more. 0 or -ENOMEM: an address that is known must not be kept from who decides by it."""
    cdef char text[128]
    cdef size_t n
    if accepted == NULL or accepted[0] == 0:
        if x.stream.ops.peer(&x.stream, text, sizeof(text)) < 0:
            text[0] = 0
        accepted = text
    free(x.peer_address)
    n = strlen(accepted)
    x.peer_address = NULL
    if n == 0:
        return 0
    x.peer_address = <char *> malloc(n + 1)
    if x.peer_address == NULL:
        return -ENOMEM
    memcpy(x.peer_address, accepted, n + 1)
    return 0


cdef inline void connection_is_young(socket_t *s, uint64_t now) noexcept nogil:
    if s.client.io != NULL:
        io_young(s.client.io, now)


cdef inline int connection_handshake(socket_t *s, session_t *x, const char *accepted, uint64_t now) noexcept nogil:
    """The stream is open. `accepted`: the peer's address as accept() told it, or NULL."""
    cdef engine_config_t config
    cdef credentials_t credentials = credentials_of(endpoint_of(x))
    cdef const options_t *o = endpoint_of(x).terms.opt
    cdef int rc = connection_note_peer(x, accepted)
    connection_is_young(s, now)
    engine_config_from(s, x, &credentials, &config)
    if rc == 0:
        rc = session_start(
            x, engine_for(x.stream.ops.engine, pattern_raw_by(&s.pattern, o)), &config, <uint32_t> o.handshake_ivl, now
        )
    if rc < 0:
        x.state = SESSION_CONNECTING
        session_end(x, END_CONNECT, rc)
    return rc


cdef inline int connection_properties(session_t *x) noexcept nogil:
    """What the transport has found out about the peer. How many properties, or -ENOMEM."""
    cdef unsigned char value[TRANSPORT_PROPERTY_MAX]
    cdef const char *name = NULL
    cdef ptrdiff_t n
    cdef int count = 0
    if x.stream.ops.property == NULL:
        return 0
    while True:
        n = x.stream.ops.property(&x.stream, count, &name, value, sizeof(value))
        if n == -ENOENT:
            return count
        if n < 0 or metadata_prepend(&x.props, name, strlen(name), value, n) < 0:
            return -ENOMEM
        count += 1


cdef inline int connection_peer(socket_t *s, session_t *x) noexcept nogil:
    """Takes over what the handshake learned: properties and routing id. 0 or -ENOMEM."""
    cdef const unsigned char *address
    cdef char key[CURVE_KEY_TEXT_SIZE + 1]
    cdef engine_peer_t *peer = &x.engine.peer
    cdef pipe_t *p = x.pipe
    cdef int shown
    if x.props != NULL:
        metadata_unref(x.props)
    x.props = peer.properties
    peer.properties = NULL
    if metadata_join(&x.props, x.vouched) < 0:
        return -ENOMEM
    shown = connection_properties(x)
    if shown < 0:
        return -ENOMEM
    if peer.key != NULL:
        key_to_text(peer.key, key)
        if metadata_prepend(&x.props, "Peer-Key", 8, <unsigned char *> key, CURVE_KEY_TEXT_SIZE) < 0:
            return -ENOMEM
    if x.peer_address != NULL:
        address = <const unsigned char *> x.peer_address
        if metadata_prepend(&x.props, "Peer-Address", 12, address, strlen(x.peer_address)) == -ENOMEM:
            return -ENOMEM
        free(x.peer_address)
        x.peer_address = NULL
    if x.props != NULL:
        x.props.relayed = endpoint_of(x).way != NULL
        x.props.authenticated = (x.vouched != NULL and x.has_shown) or peer.expected or shown > 0
    free(p.peer_id)
    p.peer_id = NULL
    p.peer_id_size = 0
    if peer.routing_id_size > 0:
        p.peer_id = <unsigned char *> malloc(peer.routing_id_size)
        if p.peer_id == NULL:
            return -ENOMEM
        memcpy(p.peer_id, peer.routing_id, peer.routing_id_size)
        p.peer_id_size = <uint32_t> peer.routing_id_size
    p.peer_legacy = peer.unversioned
    p.message_max = peer.message_max
    return 0


cdef inline void connection_tell_id(socket_t *s, pipe_t *p) noexcept nogil:
    """On raw connections ROUTING_ID reads as the last id that was made for a peer."""
    if pattern_raw(&s.pattern) and p.routing_id_size and p.routing_id[0] == 0:
        options_tell_routing_id(&s.opt, p.routing_id, p.routing_id_size)    # without memory it is an older one


cdef inline void connection_ready(session_t *x, uint64_t now) noexcept nogil:
    """host.ready"""
    cdef socket_t *s = socket_of(x)
    cdef netpipe_t *n
    cdef pipe_t *p = x.pipe
    cdef bint fresh = p == NULL
    cdef int rc
    admission_unpend(s, x)
    if fresh and s.state != SOCKET_OPEN:
        session_finish(x)
        return
    if fresh:
        n = netpipe_new(s, x)
        if n == NULL:
            session_end(x, END_CLOSED, -ENOMEM)
            return
        p = &n.pipe
        p.local = x.connecting_side
        p.resume = connection_resume
        x.pipe = p
    connection_is_young(s, now)
    if connection_peer(s, x) < 0:
        if fresh:
            x.pipe = NULL
            p.session = NULL
            p.ended = p.closed_out = True
            socket_doom(p)
        session_end(x, END_CLOSED, -ENOMEM)
        return
    shared_begin(x)
    p.connected = True
    p.since = now
    s.counts.connections += 1
    p.sink = session_sink
    p.inside = session_inside
    p.queued = connection_queued
    p.session = x
    free(x.address)
    x.address = NULL
    if not x.engine.traits & ENGINE_STREAM:
        connection_occurrence(x, EVENT_HANDSHAKE_SUCCEEDED, 0)
    if fresh:
        if pattern_attach(&s.pattern, p) < 0:
            # Second peer of a PAIR, duplicate routing id: the connection stays at transport level only as long as
            # closing it takes.
            x.pipe = NULL
            p.session = NULL
            p.ended = p.closed_out = True
            socket_doom(p)
            session_end(x, END_CLOSED, -EEXIST)
        else:
            connection_tell_id(s, p)
    elif not p.ended:
        rc = pattern_ready(&s.pattern, p)
        if rc < 0:
            session_end(x, END_CLOSED, rc)
    transmit_wall(x)


cdef inline void connection_resume(pipe_t *p) noexcept nogil:
    """pipe_resume_t. A pattern is at work on this very pipe: whatever is found, nothing may be taken from it."""
    cdef socket_t *s = <socket_t *> p.socket
    if p.session != NULL:
        zc_check_enter(&s.host.inside)
        session_resume(<session_t *> p.session)
        zc_check_leave(&s.host.inside)


cdef inline void connection_queued(pipe_t *p) noexcept nogil:
    """pipe_queued_t"""
    transmit_mark(<session_t *> p.session)
