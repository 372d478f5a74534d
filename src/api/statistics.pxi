# What a socket looks like inside, as plain Python objects; zmqcore/statistics.py makes its dataclasses of them.

from io.mailbox cimport mailbox_drain
from socket.statistics cimport peer_info_t, picture_free, picture_t, picture_take
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
