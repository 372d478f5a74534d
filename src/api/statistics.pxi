# What a socket looks like inside, as plain Python objects; zmqcore/statistics.py makes its dataclasses of them.

from io.mailbox cimport mailbox_drain
from socket.ending cimport closed_linger, closed_wait, pictures_free, pictures_t, pictures_take
from socket.memory cimport memory_t, memory_take
from socket.monitor cimport MONITOR_PEER
from socket.monitoring cimport socket_monitor_pipes
from pattern.pattern cimport pattern_peer_state
from socket.presence cimport peer_let_go, present_wait
from socket.statistics cimport peer_info_clear, peer_info_t, picture_free, picture_peer, picture_t, picture_take
from zmtp.metadata cimport metadata_octets


cdef inline int picture_locked(socket_t *s, picture_t *t) noexcept nogil:
    """Lock held. News of inproc peers are taken in first."""
    if s.state == SOCKET_OPEN:
        mailbox_drain(s)
    return picture_take(s, t)


cdef dict peer_facts(peer_info_t *info):
    """Everything about one peer but its counters."""
    props = b""
    if info.props != NULL:
        props = (<char *> metadata_octets(info.props))[:info.props.size]
    return {
        "id": info.id,
        "state": info.state,
        "within": bool(info.within),
        "local": bool(info.local),
        "room": bool(info.room),
        "age": info.age_ns / 1e9 if info.age_ns else None,
        "rtt": info.rtt_ns / 1e9 if info.rtt_ns else None,
        "connections": info.connections,
        "attempts": info.attempts,
        "type": (<bytes> info.type).decode() if info.type != NULL else None,
        "endpoint": (<bytes> info.endpoint).decode("utf-8", "surrogateescape"),
        "properties": props,
        "ours": info.props.head if info.props != NULL else 0,
        "authenticated": info.props != NULL and bool(info.props.authenticated),
        "routing_id": (<char *> info.routing_id)[:info.routing_id_size],
        "peer_id": (<char *> info.peer_id)[:info.peer_id_size],
    }


def picture(_SocketBase sock not None):
    """The counters of a socket, and facts and counters of each peer: (dict, [(dict, dict)]). Also of a closed socket."""
    cdef socket_t *s = sock.s
    cdef picture_t t
    cdef uint32_t i
    cdef int rc
    if s == NULL or s.fork_generation != zc_fork_generation():
        sock.check()
    with nogil:
        zc_lock_acquire(&s.lock)
        rc = picture_locked(s, &t)
        leave_socket(s)
    try:
        if rc < 0:
            raise MemoryError
        return <object> t.counts, [(peer_facts(&t.peers[i]), <object> t.peers[i].counts) for i in range(t.npeers)]
    finally:
        picture_free(&t)


cdef inline int peer_picture_locked(socket_t *s, uint32_t id, peer_info_t *info) noexcept nogil:
    if s.state == SOCKET_OPEN:
        mailbox_drain(s)
    return picture_peer(s, id, info)


def peer_picture(_SocketBase sock not None, uint32_t id):
    """Facts and counters of the peer of that number, or None. Also of a closed socket."""
    cdef socket_t *s = sock.s
    cdef peer_info_t info
    cdef int rc
    if s == NULL or s.fork_generation != zc_fork_generation():
        sock.check()
    memset(&info, 0, sizeof(info))
    with nogil:
        zc_lock_acquire(&s.lock)
        rc = peer_picture_locked(s, id, &info)
        leave_socket(s)
    try:
        if rc < 0:
            raise MemoryError
        return (peer_facts(&info), <object> info.counts) if rc else None
    finally:
        peer_info_clear(&info)


cdef dict picture_facts(picture_t *t):
    return {
        "identity": <uintptr_t> t.identity,
        "type": (<bytes> t.type).decode(),
        "open": bool(t.open),
        "internal": bool(t.internal),
        "places": [(<bytes> t.places[i]).decode("utf-8", "surrogateescape") for i in range(t.nplaces)],
        "counts": <object> t.counts,
        "peers": [(peer_facts(&t.peers[i]), <object> t.peers[i].counts) for i in range(t.npeers)],
    }


def pictures(Context context not None):
    """Every socket that the context still has: [dict]. None of a context that is over."""
    cdef pictures_t all
    cdef uint32_t i
    cdef int rc
    if context.ctx == NULL or context.ctx.fork_generation != zc_fork_generation():
        return []
    with nogil:
        rc = pictures_take(context.ctx, &all)
    try:
        if rc < 0:
            raise MemoryError
        return [picture_facts(&all.items[i]) for i in range(all.count)]
    finally:
        pictures_free(&all)


cdef size_t object_idle(void *object) noexcept nogil:
    """idle_object_t"""
    return zc_bytes_idle(<PyObject *> object)


def memory(Context context not None):
    """What the queues of a context hold, and what it keeps: {"limit", "queued", "hits", "recycled"}. Zeros for a context that is over."""
    cdef memory_t m
    m.limit = m.queued = m.hits = m.recycled = 0
    if context.ctx != NULL and context.ctx.fork_generation == zc_fork_generation():
        with nogil:
            memory_take(context.ctx, &m, object_idle)
    return <object> m


def contexts():
    """Every context of this process that is not gone."""
    return [context for context in list(_contexts.values()) if (<Context> context).ctx.fork_generation == zc_fork_generation()]


def wait_closed(_SocketBase sock not None, int64_t timeout_ms):
    """Wait until a closed socket has nothing left to do, so long at most. Whether it has."""
    cdef socket_t *s = sock.s
    cdef uint64_t until = zc_now_ns() + <uint64_t> timeout_ms * 1000000
    cdef bint done
    if s == NULL or s.fork_generation != zc_fork_generation():
        return True
    with nogil:
        done = closed_wait(s, until)
    zc_decref_drain()
    return done


def linger_on(_SocketBase sock not None, int64_t linger_ms):
    """A closed socket may go on sending so long from now."""
    cdef socket_t *s = sock.s
    if s != NULL and s.fork_generation == zc_fork_generation():
        with nogil:
            closed_linger(s, linger_ms)
        zc_decref_drain()


def wait_present(_SocketBase sock not None, int wanted, bytes topic, int64_t timeout_ms):
    """Wait until so many peers are there, or subscribers of a topic (not None). How many are."""
    cdef socket_t *s = sock.s
    cdef const unsigned char *p = NULL
    cdef size_t n = 0
    cdef wait_t until
    cdef int rc
    if topic is not None:
        p = topic
        n = len(topic)
    sock.check()
    wait_begin(&until, timeout_ms)
    while True:
        with nogil:
            zc_lock_acquire(&s.lock)
            rc = socket_enter(s)
            if rc == 0:
                rc = present_wait(s, wanted, p, n, &until)
            leave_socket(s)
        if rc != -EINTR:
            break
        PyErr_CheckSignals()
    if rc < 0:
        raise_errno(rc, "only PUB, XPUB and RADIO have subscribers" if rc == -ENOTSUP else None)
    return rc


cdef inline int let_go_locked(socket_t *s, uint32_t number) noexcept nogil:
    cdef int rc = socket_enter(s)
    return peer_let_go(s, number) if rc == 0 else rc


def let_go(_SocketBase sock not None, uint32_t number):
    """End the connection to the peer of that number."""
    cdef socket_t *s = sock.s
    cdef int rc
    sock.check()
    with nogil:
        zc_lock_acquire(&s.lock)
        rc = let_go_locked(s, number)
        leave_socket(s)
    zc_decref_drain()
    if rc < 0:
        raise_errno(rc, f"there is no peer {number} (any more)" if rc == -EHOSTUNREACH else None)


cdef inline int peer_state_locked(socket_t *s, const unsigned char *id, size_t n) noexcept nogil:
    """The connections are looked at first: who has come, who has gone, who has read."""
    cdef int rc = events_locked(s)
    return pattern_peer_state(&s.pattern, id, n) if rc >= 0 else rc


def peer_state(_SocketBase sock not None, bytes routing_id not None):
    """Whether the peer of that routing id can take a message. See `zmqcore.Socket.peer_state()`."""
    cdef socket_t *s = sock.s
    cdef const unsigned char *id = routing_id
    cdef size_t n = len(routing_id)
    cdef int rc
    sock.check()
    with nogil:
        zc_lock_acquire(&s.lock)
        rc = peer_state_locked(s, id, n)
        leave_socket(s)
    zc_decref_drain()
    if rc == -EHOSTUNREACH:
        raise_errno(rc, "no peer has this routing id")
    if rc < 0:
        raise_errno(rc, "only ROUTER and STREAM know their peers by routing ids" if rc == -ENOTSUP else None)
    return rc


def monitor_peers(_SocketBase sock not None, bytes addr, uint32_t events):
    """Start to report events, with the number of the peer, to a PAIR at an inproc endpoint."""
    cdef const char *p = addr
    cdef size_t n = len(addr)
    cdef int rc
    sock.enter()
    with nogil:
        rc = socket_monitor_start(sock.s, p, n, events, MONITOR_PEER)
    if rc < 0:
        raise_address(rc, addr)


def pipes_stats(_SocketBase sock not None):
    """Report what waits in the queues. See `zmqcore.Socket.monitor_pipes_stats()`."""
    cdef int rc
    sock.enter()
    with nogil:
        rc = socket_monitor_pipes(sock.s)
    if rc < 0:
        raise_errno(rc, "it needs a monitor of version 2" if rc == -EINVAL else None)
