# Statistics: a picture of a socket at one moment: its counters, and who its peers are. Lock held; only looks.
#
# A peer is a pipe, or a session that has none (yet, or any more: what a closed socket has left to send).

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport calloc, free
from libc.string cimport memcpy, strlen
from base.atomics cimport zc_load_acquire_ptr
from base.config cimport ROUTING_ID_MAX
from base.errors cimport ENOMEM
from base.platform cimport zc_now_ns
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_full
from session.session cimport (
    session_t, SESSION_CONNECTING, SESSION_DRAINING, SESSION_HANDSHAKE, SESSION_READY,
)
from session.unsent cimport unsent_messages
from socket.connections cimport endpoint_of
from socket.counters cimport counts_pipe, counts_session
from socket.endpoint cimport text_copy
from socket.lending cimport socket_lent
from socket.pipes cimport pipes_find
from socket.state cimport counts_t, endpoint_t, netpipe_t, socket_t, SOCKET_OPEN
from transport.ops cimport TRANSPORT_IN_PROCESS
from zmtp.metadata cimport metadata_ref, metadata_t, metadata_unref

cdef enum:
    PEER_WAITING = 0            # not there: to be connected to again, or inproc before its bind
    PEER_CONNECTING = 1
    PEER_HANDSHAKE = 2
    PEER_READY = 3
    PEER_CLOSING = 4            # let go by the application; what is queued is still being sent
    PEER_GONE = 5               # what it sent can still be received

cdef struct peer_info_t:
    counts_t counts
    uint32_t id                 # of the pipe; 0 = none
    int state                   # PEER_...
    bint within                 # inproc
    bint local                  # we connect
    bint room                   # another message would find room
    uint64_t age_ns             # since it joined; 0 = it is not there
    uint64_t rtt_ns             # 0 = unknown
    uint32_t connections        # complete ones of this session, and
    uint32_t attempts           # ... connects that failed since the last
    const char *type            # inproc: the type of the other socket
    char *endpoint
    metadata_t *props           # one counted reference, or NULL
    size_t routing_id_size
    unsigned char routing_id[ROUTING_ID_MAX]
    size_t peer_id_size
    unsigned char peer_id[ROUTING_ID_MAX]

cdef struct picture_t:
    counts_t counts             # of the whole socket, those that are gone included
    const void *identity        # of the socket
    const char *type
    bint open
    bint internal
    uint32_t nplaces
    char **places               # what it is bound to and connects to, each with a first letter: b or c
    uint32_t npeers
    peer_info_t *peers


cdef inline void peer_info_clear(peer_info_t *info) noexcept nogil:
    free(info.endpoint)
    metadata_unref(info.props)


cdef inline void picture_free(picture_t *t) noexcept nogil:
    cdef uint32_t i
    for i in range(t.nplaces):
        free(t.places[i])
    free(t.places)
    t.places = NULL
    t.nplaces = 0
    for i in range(t.npeers):
        peer_info_clear(&t.peers[i])
    free(t.peers)
    t.peers = NULL
    t.npeers = 0


cdef inline int peer_state(pipe_t *p, session_t *x) noexcept nogil:
    if x == NULL:
        if p.ended:
            return PEER_GONE
        return PEER_READY if p.connected else PEER_WAITING
    if x.state == SESSION_CONNECTING:
        return PEER_CONNECTING
    if x.state == SESSION_HANDSHAKE:
        return PEER_HANDSHAKE
    if x.closing or x.state == SESSION_DRAINING:
        return PEER_CLOSING
    return PEER_READY if x.state == SESSION_READY else PEER_WAITING


cdef inline session_t *session_under(pipe_t *p) noexcept nogil:
    return <session_t *> p.session if p.link == NULL else NULL


cdef inline const char *link_endpoint(socket_t *s, pipe_t *p) noexcept nogil:
    """The name that an inproc pipe was made by, if it can be told."""
    cdef endpoint_t *e = s.endpoints
    cdef const char *name = ""
    cdef int bound = 0
    while e != NULL:
        if e.pipe == p:
            return e.given
        if e.transport.kind == TRANSPORT_IN_PROCESS and not e.connects:
            name = e.given
            bound += 1
        e = e.next
    if bound != 1 or p.local:
        name = ""
    return name


cdef inline void info_session(peer_info_t *info, session_t *x) noexcept nogil:
    counts_session(&info.counts, x)
    info.local = x.connecting_side
    info.rtt_ns = x.rtt_ns
    info.connections = x.times_ready
    info.attempts = x.attempts


cdef inline void info_pipe(peer_info_t *info, pipe_t *p, uint64_t now) noexcept nogil:
    cdef socket_t *other
    counts_pipe(&info.counts, p)
    info.id = p.id
    info.local = p.local
    info.room = not (p.closed_out or ring_full(p.outr))
    if p.since:
        info.age_ns = now - p.since if now > p.since else 1
    if p.routing_id != NULL:
        info.routing_id_size = p.routing_id_size
        memcpy(info.routing_id, p.routing_id, p.routing_id_size)
    if p.peer_id != NULL:
        info.peer_id_size = p.peer_id_size
        memcpy(info.peer_id, p.peer_id, p.peer_id_size)
    if p.link != NULL:
        info.within = True
        # The link keeps that socket's memory, and its table is not changed.
        other = <socket_t *> zc_load_acquire_ptr(<void **> &p.other.socket)
        info.type = other.pattern.ops.name if other != NULL else NULL


cdef inline int info_fill(socket_t *s, peer_info_t *info, pipe_t *p, session_t *x, uint64_t now) noexcept nogil:
    """0 or -ENOMEM."""
    cdef const char *name = ""
    cdef metadata_t *props = NULL
    info.state = peer_state(p, x)
    if p != NULL:
        info_pipe(info, p, now)
        if p.link != NULL:
            name = link_endpoint(s, p)
        elif x == NULL:
            props = (<netpipe_t *> p).props
    elif x.tx != NULL:
        info.counts.queued_out = unsent_messages(x)
    if x != NULL:
        info_session(info, x)
        name = endpoint_of(x).resolved if endpoint_of(x).resolved != NULL else endpoint_of(x).given
        props = x.props
    if props != NULL:
        metadata_ref(props)
        info.props = props
    info.endpoint = text_copy(name, strlen(name))
    return 0 if info.endpoint != NULL else -ENOMEM


cdef inline void counts_sum(counts_t *into, const counts_t *c) noexcept nogil:
    """All of its members but the last two are one kind of number."""
    cdef uint64_t *to = <uint64_t *> into
    cdef const uint64_t *from_ = <const uint64_t *> c
    cdef size_t i
    for i in range((<size_t> &(<counts_t *> NULL).failed_event) // sizeof(uint64_t)):
        to[i] += from_[i]
    if c.failed_event:
        into.failed_event = c.failed_event
        into.failed_value = c.failed_value


cdef inline int picture_add(socket_t *s, picture_t *t, pipe_t *p, session_t *x, uint64_t now) noexcept nogil:
    cdef peer_info_t *info = &t.peers[t.npeers]
    cdef int rc = info_fill(s, info, p, x, now)
    t.npeers += 1
    counts_sum(&t.counts, &info.counts)
    return rc


cdef inline int picture_places(socket_t *s, picture_t *t) noexcept nogil:
    """The endpoints. 0 or -ENOMEM."""
    cdef endpoint_t *e = s.endpoints
    cdef const char *name
    cdef uint32_t count = 0
    while e != NULL:
        count += 1
        e = e.next
    t.places = <char **> calloc(count + 1, sizeof(char *))
    if t.places == NULL:
        return -ENOMEM
    e = s.endpoints
    while e != NULL:
        name = e.resolved if e.resolved != NULL else e.given
        t.places[t.nplaces] = <char *> calloc(strlen(name) + 2, 1)
        if t.places[t.nplaces] == NULL:
            return -ENOMEM
        t.places[t.nplaces][0] = c'c' if e.connects else c'b'
        memcpy(t.places[t.nplaces] + 1, name, strlen(name))
        t.nplaces += 1
        e = e.next
    return 0


cdef inline int picture_peer(socket_t *s, uint32_t id, peer_info_t *info) noexcept nogil:
    """Fills `info`, zeroed, which peer_info_clear() follows. 1, 0: there is no such peer, or -ENOMEM."""
    cdef pipe_t *p = pipes_find(s, id)
    if p == NULL:
        return 0
    return 1 if info_fill(s, info, p, session_under(p), zc_now_ns()) == 0 else -ENOMEM


cdef inline int picture_take(socket_t *s, picture_t *t) noexcept nogil:
    """Fills `t`, which picture_free() frees in either case. 0 or -ENOMEM."""
    cdef uint32_t i
    cdef int rc = 0
    cdef pipe_t *p
    cdef session_t *x
    cdef uint64_t now = zc_now_ns()
    t.identity = s
    t.type = s.pattern.ops.name
    t.open = s.state == SOCKET_OPEN
    t.internal = s.internal
    t.nplaces = 0
    t.places = NULL
    t.counts = s.counts
    t.counts.nobody += s.pattern.nobody
    t.counts.full += s.pattern.overflowed
    t.counts.unread += s.pattern.unread
    t.counts.shared_blocks = socket_lent(s)
    t.npeers = 0
    t.peers = NULL
    if picture_places(s, t) < 0:
        return -ENOMEM
    if s.npipes + s.nsessions == 0:
        return 0
    t.peers = <peer_info_t *> calloc(s.npipes + s.nsessions, sizeof(peer_info_t))
    if t.peers == NULL:
        return -ENOMEM
    for i in range(s.npipes):
        p = s.pipes[i]
        rc = picture_add(s, t, p, session_under(p), now)
        if rc < 0:
            return rc
    for i in range(s.nsessions):
        x = s.sessions[i]
        if x.pipe == NULL or x.pipe.detached:
            rc = picture_add(s, t, x.pipe, x, now)
            if rc < 0:
                return rc
    return 0
