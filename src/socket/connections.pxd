# The table of a socket's connections: making a session, watching its descriptor, taking apart what is over. Lock held;
# nothing blocks.
#
# connect side  one session per endpoint for its whole life. Without IMMEDIATE its pipe exists from connect() on and
#               outlives the connections; with IMMEDIATE each connection gets a new pipe.
# accept side   one session and one pipe per connection.
#
# What is over is taken apart by connections_end() alone, when no session, pipe or pattern is being worked on
# (session/session.pxd says why). It is called at the end of a call, after the events or timers of one look, and before
# a thread waits. connection_lost() and connection_finished() run under it and nowhere else; so does everything that
# takes a network pipe from its session.
#
# Files: connections.pxd the table; connecting.pxd and accepting.pxd how a connection begins; established.pxd what its
# peer means to pattern and pipe; reconnect.pxd what becomes of it when it ends; session_host.pxd what sessions call.

from libc.stdint cimport uint32_t, uint64_t, UINT64_MAX
from base.memory cimport calloc, free, realloc
from base.atomics cimport zc_store_relaxed_u32, zc_store_relaxed_u64
from base.check cimport zc_check
from base.config cimport RX_KEEP_CHUNKS
from base.platform cimport zc_now_ns
from io.timers cimport socket_of, socket_retime, timers_reserve, timers_retry
from message.message cimport MSG_EMPTY
from reactor.io_thread cimport io_poke
from reactor.pollset cimport pollset_add, pollset_del, pollset_mod
from reactor.pollset_event cimport POLL_IN, POLL_OUT
from session.lifecycle cimport session_conclude
from session.dirty cimport dirty_remove
from session.session cimport session_t, SESSION_CONNECTING, SESSION_DEAD, SOURCE_SESSION
from socket.admission cimport admission_uncount
from socket.counters cimport counts_session
from socket.endpoint cimport endpoint_unref
from socket.state cimport endpoint_t, netpipe_t, socket_t, SOCKET_OPEN
from transport.ops cimport stream_clear
from zmtp.metadata cimport metadata_unref


cdef inline session_t *connection_new(socket_t *s, endpoint_t *e, bint connecting) noexcept nogil:
    cdef session_t *x
    cdef session_t **list
    if s.nsessions == s.sessions_room:
        list = <session_t **> realloc(s.sessions, (s.nsessions * 2 + 4) * sizeof(session_t *))
        if list == NULL:
            return NULL
        s.sessions = list
        s.sessions_room = s.nsessions * 2 + 4
    if timers_reserve(s, s.nsessions + 1) < 0:
        return NULL
    x = <session_t *> calloc(1, sizeof(session_t))
    if x == NULL:
        return NULL
    x.source.kind = SOURCE_SESSION
    stream_clear(&x.stream, e.transport)
    x.host = &s.host
    x.terms = &e.terms.session
    x.endpoint = e
    x.connecting_side = connecting
    x.deadline = UINT64_MAX
    x.big.kind = MSG_EMPTY
    s.next_session_id += 1
    x.id = s.next_session_id
    x.index = s.nsessions
    e.refs += 1
    s.sessions[s.nsessions] = x
    zc_store_relaxed_u32(&s.nsessions, s.nsessions + 1)
    s.host.crowded = s.nsessions > RX_KEEP_CHUNKS
    if not connecting:
        x.counted = True
        s.naccepted += 1
    return x


cdef inline void connection_bury(socket_t *s, session_t *x) noexcept nogil:
    """A dead session leaves the table; its memory goes at the end of the call (events of it may be left in the caller's
    hands)."""
    zc_check(x.state == SESSION_DEAD and s.host.inside == 0)
    admission_uncount(s, x)
    counts_session(&s.counts, x)
    s.epoch += 1
    zc_store_relaxed_u32(&s.nsessions, s.nsessions - 1)
    s.host.crowded = s.nsessions > RX_KEEP_CHUNKS
    s.sessions[x.index] = s.sessions[s.nsessions]
    s.sessions[x.index].index = x.index
    dirty_remove(x)
    x.dirty_next = s.grave
    s.grave = x
    if s.nsessions == 0 and s.state != SOCKET_OPEN and s.client.io != NULL:
        # The I/O thread ends a closed socket, but this may be another thread (one that was blocked in it, the
        # resolver's): it must come and look.
        zc_store_relaxed_u64(&s.client.deadline, 1)
        io_poke(s.client.io, 0)


cdef inline void graves_clear(socket_t *s) noexcept nogil:
    cdef session_t *x
    zc_check(s.host.inside == 0)
    while s.grave != NULL:
        x = s.grave
        s.grave = x.dirty_next
        if x.props != NULL:
            metadata_unref(x.props)
        free(x.refs)
        free(x.ends)
        free(x.address)
        free(x)


cdef inline void connection_die(socket_t *s, session_t *x) noexcept nogil:
    cdef endpoint_t *e = endpoint_of(x)
    x.state = SESSION_DEAD
    x.deadline = UINT64_MAX
    socket_retime(x)
    if e.session == x:
        e.session = NULL
    x.endpoint = NULL
    x.terms = NULL
    connection_bury(s, x)
    endpoint_unref(e)


cdef inline void connection_part(session_t *x) noexcept nogil:
    """Takes session and pipe from each other. What is still to be read from the pipe keeps the properties of its
    connection."""
    cdef netpipe_t *n = <netpipe_t *> x.pipe
    if n == NULL:
        return
    x.pipe = NULL
    n.pipe.session = NULL
    metadata_unref(n.props)
    n.props = x.props
    x.props = NULL


cdef inline endpoint_t *endpoint_of(session_t *x) noexcept nogil:
    return <endpoint_t *> x.endpoint


cdef inline void connections_end(socket_t *s) noexcept nogil:
    """Takes apart the sessions that are over. No session, pipe or pattern of this socket may be in the caller's
    hands."""
    cdef session_t *x
    cdef uint64_t now
    if s.host.ending == NULL:
        return
    now = zc_now_ns()
    while s.host.ending != NULL:
        x = s.host.ending
        s.host.ending = x.ending_next
        session_conclude(x, now)


cdef inline void connections_plan(socket_t *s) noexcept nogil:
    """Takes apart what is over, and makes the poll set watch what the other sessions want. Before a thread waits."""
    cdef uint32_t i
    cdef session_t *x
    cdef int mask
    connections_end(s)
    s.host.replan = False
    for i in range(s.nsessions):
        x = s.sessions[i]
        if x.stream.fd < 0 or x.state == SESSION_CONNECTING:
            continue
        mask = (POLL_IN if x.want_in else 0) | (POLL_OUT if x.want_out else 0)
        if mask == x.mask and (x.registered or mask == 0):
            continue
        # Not watched at all while nothing is wanted: a poll set reports a hang-up even if only asked for nothing.
        if mask == 0:
            pollset_del(&s.set, x.stream.fd)
            x.registered = False
        elif x.registered:
            pollset_mod(&s.set, x.stream.fd, mask, x)
        else:
            if pollset_add(&s.set, x.stream.fd, mask, x) < 0:
                timers_retry(s, zc_now_ns())
                continue
            x.registered = True
        x.mask = mask


cdef inline void connection_unwatch(session_t *x, int fd) noexcept nogil:
    """host.unwatch"""
    socket_of(x).epoch += 1
    if x.registered:
        pollset_del(&socket_of(x).set, fd)
        x.registered = False
    x.mask = 0
