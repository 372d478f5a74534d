# What a monitor is told of listeners and connections: the event, its value, and who is at which end. Lock held.
#
# - A listener has one end, ours: the endpoint it is bound to, or was to be bound to.
# - A connection has two. The peer's end of one that we made is the endpoint as it was given to connect(); everything else is asked of the
#   system, which knows no more of a peer that has reset the connection. So a monitor of both ends has them noted when the connection begins
#   (session_t.ends), and events of connections that are older than the monitor do with what the system still says.
# - An attempt that came to nothing has no end here.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, strlen
from base.memory cimport free, malloc
from base.monitor_events cimport EVENT_PIPES_STATS, EVENT_QUEUE_FULL
from io.timers cimport socket_of
from pipe.pipe cimport pipe_t
from pipe.ring_counters cimport ring_queued
from session.session cimport session_t, SESSION_CONNECTING, SESSION_ENDING
from socket.connections cimport endpoint_of
from socket.monitor cimport monitor_emit, monitor_wants, occurrence_t, MONITOR_BOTH_ENDS, MONITOR_ENDPOINT
from socket.state cimport endpoint_t, socket_t
from transport.address cimport ENDPOINT_MAX


cdef inline void occurrence_at(occurrence_t *o, uint32_t event, uint64_t value) noexcept nogil:
    o.event = event
    o.count = 1
    o.values[0] = value
    o.peer = 0
    o.endpoint = o.local = o.remote = ""


cdef inline void listener_occurrence(socket_t *s, endpoint_t *e, uint32_t event, uint64_t value) noexcept nogil:
    cdef occurrence_t o
    if monitor_wants(s, event):
        occurrence_at(&o, event, value)
        o.endpoint = o.local = e.resolved if e.resolved != NULL else e.given
        monitor_emit(s, &o)


cdef inline uint32_t peer_number(const session_t *x) noexcept nogil:
    return x.pipe.id if x.pipe != NULL else 0


cdef inline void attempt_occurrence(session_t *x, uint32_t event, uint64_t value) noexcept nogil:
    """Of a connecting session without a connection."""
    cdef occurrence_t o
    if monitor_wants(socket_of(x), event):
        occurrence_at(&o, event, value)
        o.endpoint = o.remote = endpoint_of(x).given
        o.peer = peer_number(x)
        monitor_emit(socket_of(x), &o)


cdef inline void connection_ask_end(session_t *x, bint remote, char *out) noexcept nogil:
    """What the system calls one end; "" if it does not know. `out` has room for ENDPOINT_MAX."""
    out[0] = 0
    if x.stream.fd >= 0 and x.stream.ops.end != NULL and x.stream.ops.end(&x.stream, remote, out, ENDPOINT_MAX) < 0:
        out[0] = 0


cdef inline void connection_note_ends(session_t *x) noexcept nogil:
    """A connection begins: a monitor of both ends will want to know them when it is over."""
    cdef socket_t *s = socket_of(x)
    cdef char local[ENDPOINT_MAX]
    cdef char remote[ENDPOINT_MAX]
    cdef size_t n
    free(x.ends)
    x.ends = NULL
    if s.monitor == NULL or s.monitor.form < MONITOR_BOTH_ENDS:
        return
    connection_ask_end(x, False, local)
    connection_ask_end(x, True, remote)
    n = strlen(local) + 1
    x.ends = <char *> malloc(n + strlen(remote) + 1)
    if x.ends != NULL:
        memcpy(x.ends, local, n)
        memcpy(x.ends + n, remote, strlen(remote) + 1)


cdef inline void connection_ends(session_t *x, occurrence_t *o, char *local, char *remote) noexcept nogil:
    """Who is at which end. `local` and `remote` have room for ENDPOINT_MAX, and live as long as `o`."""
    cdef endpoint_t *e = endpoint_of(x)
    if x.ends != NULL:
        o.local = x.ends
        o.remote = x.ends + strlen(x.ends) + 1
    else:
        connection_ask_end(x, False, local)
        o.local = local
        if not x.connecting_side:
            connection_ask_end(x, True, remote)
            o.remote = remote
    if x.connecting_side:
        o.endpoint = o.remote = e.given
    else:
        # A listener that is bound to all addresses tells which of them it was.
        o.endpoint = o.local if o.local[0] else e.resolved


cdef inline void connection_occurrence(session_t *x, uint32_t event, uint64_t value) noexcept nogil:
    """Of a session with a connection, or with one that is just over."""
    cdef occurrence_t o
    cdef char local[ENDPOINT_MAX]
    cdef char remote[ENDPOINT_MAX]
    if monitor_wants(socket_of(x), event):
        occurrence_at(&o, event, value)
        o.peer = peer_number(x)
        connection_ends(x, &o, local, remote)
        monitor_emit(socket_of(x), &o)


cdef inline void session_occurrence(session_t *x, uint32_t event, uint64_t value) noexcept nogil:
    """host.event"""
    if x.state == SESSION_ENDING and x.ending_was == SESSION_CONNECTING:
        attempt_occurrence(x, event, value)
    else:
        connection_occurrence(x, event, value)


cdef inline void peer_occurrence(socket_t *s, pipe_t *p, occurrence_t *o) noexcept nogil:
    """Something about a pipe. Of an inproc pipe only the endpoint that was connected to is known."""
    cdef char local[ENDPOINT_MAX]
    cdef char remote[ENDPOINT_MAX]
    cdef endpoint_t *e = s.endpoints
    o.peer = p.id
    if p.session != NULL:
        connection_ends(<session_t *> p.session, o, local, remote)
    while e != NULL:
        if e.pipe == p:
            o.endpoint = o.remote = e.given
        e = e.next
    monitor_emit(s, o)


cdef inline void pipe_occurrence(socket_t *s, pipe_t *p) noexcept nogil:
    """How many messages wait in a pipe, outgoing and incoming ones."""
    cdef occurrence_t o
    occurrence_at(&o, EVENT_PIPES_STATS, ring_queued(p.outr))
    o.count = 2
    o.values[1] = ring_queued(p.inr)
    peer_occurrence(s, p, &o)


cdef inline void overflow_occurrence(socket_t *s, pipe_t *p, int what) noexcept nogil:
    """A message has found no room for a peer (NULL: for any), and the value of OVERFLOW was carried out. Told once until there is room."""
    cdef occurrence_t o
    if not monitor_wants(s, EVENT_QUEUE_FULL) or s.monitor.form == MONITOR_ENDPOINT:
        return      # the first format has no room for its number
    occurrence_at(&o, EVENT_QUEUE_FULL, <uint64_t> what)
    if p == NULL and not s.pattern.told_full:
        s.pattern.told_full = True
        monitor_emit(s, &o)
    elif p != NULL and not p.told_full:
        p.told_full = True
        peer_occurrence(s, p, &o)
