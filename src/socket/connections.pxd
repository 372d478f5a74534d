# Connections of a socket: accepting, connecting, reconnecting, and what their sessions report. Lock held; nothing blocks.
#
# connect side  one session per endpoint for its whole life. Without IMMEDIATE its pipe exists from connect() on and outlives the connections;
#               with IMMEDIATE each connection gets a new pipe.
# accept side   one session and one pipe per connection.
#
# A name is looked up again for every attempt, and an attempt takes the address after the one that failed. Once a connection has been complete
# the next attempt begins with the first again.
#
# What is over is taken apart by connections_end() alone, when no session, pipe or pattern is being worked on (session/session.pxd says why). It is
# called at the end of a call, after the events or timers of one look, and before anybody waits. connection_lost() and connection_finished() run
# under it and nowhere else; so does everything that takes a network pipe from its session.
#
# After a protocol error a connecting session gives up (as deployed stacks do): the same peer would fail the same way again.

from libc.stdint cimport int32_t, uint32_t, uint64_t, UINT64_MAX
from base.memory cimport calloc, malloc, realloc, free
from libc.string cimport memcpy, memset, strlen
from base.atomics cimport zc_store_relaxed_u64
from base.check cimport zc_check, zc_check_enter, zc_check_leave
from base.config cimport RECONNECT_LEAST_NS, RECONNECT_LEAST_STEPS, RX_KEEP_CHUNKS
from base.errors cimport (
    EAGAIN, EEXIST, EINPROGRESS, EINVAL, ECONNREFUSED, EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED, EPROTO,
)
from base.platform cimport zc_close, zc_now_ns, zc_os_random, zc_sockaddr_t
from message.buffer cimport pool_init
from message.message cimport MSG_EMPTY
from pattern.pattern cimport (
    pattern_attach, pattern_ready, pattern_lost, pattern_in_ready, pattern_out_ready, pattern_wants_peer,
)
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_empty
from reactor.io_thread cimport io_poke, io_young
from reactor.pollset cimport pollset_add, pollset_mod, pollset_del, POLL_IN, POLL_OUT
from session.lifecycle cimport (
    session_start, session_end, session_finish, session_conclude, session_resume, session_retime, session_has_output,
    EVENT_HANDSHAKE_SUCCEEDED,
)
from session.session cimport (
    session_t, SESSION_IDLE, SESSION_CONNECTING, SESSION_DEAD, SESSION_ENDING, SOURCE_SESSION, END_CLOSED, END_PROTOCOL, END_CONNECT,
)
from session.transmit cimport session_sink, transmit_drop, transmit_mark, transmit_salvage, transmit_wall
from socket.admission cimport admission_make_way, admission_pend, admission_press, admission_uncount, admission_unpend
from socket.monitor cimport (
    monitor_emit, EVENT_CONNECTED, EVENT_CONNECT_DELAYED, EVENT_CONNECT_RETRIED, EVENT_ACCEPTED, EVENT_ACCEPT_FAILED, EVENT_CLOSED,
)
from socket.option_table cimport (
    options_t, RECONNECT_STOP_CONN_REFUSED, RECONNECT_STOP_HANDSHAKE_FAILED, RECONNECT_STOP_AFTER_DISCONNECT,
)
from socket.options cimport (
    options_frame_max, options_heartbeat_timeout, options_message_bytes_max, options_message_frames_max,
)
from socket.pipes cimport netpipe_new, pipe_end, pipe_remove, socket_doom
from socket.resolver cimport resolver_ask
from socket.state cimport socket_t, endpoint_t, netpipe_t, SOCKET_OPEN
from socket.timers cimport socket_of, socket_retime, timers_reserve, timers_retry
from transport.address cimport address_t, address_clear, PROTO_TCP, PROTO_IPC
from transport.tcp cimport tuning_t, cidr_t, tcp_parse_connect, tcp_open, tcp_finish, tcp_accept, tcp_tune, tcp_peer_ip
from transport.ipc cimport ipc_parse, ipc_open, ipc_finish, ipc_accept, ipc_peer_credentials, ipc_filter_t
from zmtp.handshake cimport hs_config_t
from zmtp.metadata cimport metadata_prepend, metadata_unref

cdef enum:
    ACCEPT_BATCH = 16           # connections taken per look at a listener; others want their turn
    STAND_BY_NS = 100000000     # how often a second connect of a PAIR looks whether the place is free: the default of RECONNECT_IVL


cdef inline void tuning_from(socket_t *s, tuning_t *t) noexcept nogil:
    cdef options_t *o = &s.opt
    memset(t, 0, sizeof(tuning_t))
    t.sndbuf = o.sndbuf
    t.rcvbuf = o.rcvbuf
    t.keepalive = o.tcp_keepalive
    t.keepalive_cnt = o.tcp_keepalive_cnt
    t.keepalive_idle = o.tcp_keepalive_idle
    t.keepalive_intvl = o.tcp_keepalive_intvl
    t.tos = o.tos
    t.priority = o.priority
    t.maxrt_ms = o.tcp_maxrt
    t.backlog = o.backlog
    t.busy_poll = o.busy_poll
    t.ipv6 = o.ipv6
    t.use_fd = o.use_fd
    memcpy(t.bindtodevice, o.bindtodevice, sizeof(t.bindtodevice))


# ---- the table of sessions

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
    x.stream.ops = e.transport
    x.stream.fd = -1
    x.host = &s.host
    x.endpoint = e
    x.connecting_side = connecting
    x.deadline = UINT64_MAX
    x.big.kind = MSG_EMPTY
    s.next_session_id += 1
    x.id = s.next_session_id
    x.index = s.nsessions
    e.refs += 1
    s.sessions[s.nsessions] = x
    s.nsessions += 1
    s.host.crowded = s.nsessions > RX_KEEP_CHUNKS
    if not connecting:
        x.counted = True
        s.naccepted += 1
    return x


cdef inline void connection_bury(socket_t *s, session_t *x) noexcept nogil:
    """A dead session leaves the table; its memory goes at the end of the call (events of it may be left in the caller's hands)."""
    cdef session_t **d = &s.host.dirty
    zc_check(x.state == SESSION_DEAD and s.host.inside == 0)
    admission_uncount(s, x)
    s.epoch += 1
    s.nsessions -= 1
    s.host.crowded = s.nsessions > RX_KEEP_CHUNKS
    s.sessions[x.index] = s.sessions[s.nsessions]
    s.sessions[x.index].index = x.index
    while d[0] != NULL:
        if d[0] == x:
            d[0] = x.dirty_next
            break
        d = &d[0].dirty_next
    x.tx_dirty = False
    x.dirty_next = s.grave
    s.grave = x
    if s.nsessions == 0 and s.state != SOCKET_OPEN and s.client.io != NULL:
        # The I/O thread ends a closed socket, but this may be another thread (one that was blocked in it, the resolver's): it must come and look.
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
        free(x.address)
        free(x)


# ---- poll set

cdef inline void connections_end(socket_t *s) noexcept nogil:
    """Takes apart the sessions that are over. No session, pipe or pattern of this socket may be in the caller's hands."""
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
    """Takes apart what is over, and makes the poll set watch what the other sessions want. Before anybody waits."""
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


# ---- connecting

cdef inline endpoint_t *endpoint_of(session_t *x) noexcept nogil:
    return <endpoint_t *> x.endpoint


cdef inline const char *connection_name(session_t *x) noexcept nogil:
    """The address a monitor is told: the listener's own for accepted connections, the remote one for connecting ones."""
    cdef endpoint_t *e = endpoint_of(x)
    return e.resolved if e.resolved != NULL else e.given


cdef inline void hs_config_from(socket_t *s, hs_config_t *c) noexcept nogil:
    c.socket_type = s.type
    c.routing_id = s.opt.routing_id
    c.routing_id_size = s.opt.routing_id_size
    c.mechanism = 0
    c.as_server = 0
    c.maxmsgsize = s.opt.maxmsgsize
    c.app_properties = s.opt.metadata.data
    c.app_properties_size = s.opt.metadata.size


cdef inline void connection_note_peer(session_t *x, int fd, const char *accepted) noexcept nogil:
    """Who is at the other end: what the system says now, when the connection is made. At the end of the handshake it may not know any more."""
    cdef char text[128]
    cdef size_t n
    text[0] = 0
    if endpoint_of(x).proto != PROTO_TCP:
        if ipc_peer_credentials(fd, text, sizeof(text)) < 0:
            text[0] = 0
        accepted = text
    elif accepted == NULL or accepted[0] == 0:
        if tcp_peer_ip(fd, text, sizeof(text)) < 0:
            text[0] = 0
        accepted = text
    free(x.peer_address)
    n = strlen(accepted)
    x.peer_address = <char *> malloc(n + 1) if n else NULL
    if x.peer_address != NULL:
        memcpy(x.peer_address, accepted, n + 1)


cdef inline void connection_is_young(socket_t *s, uint64_t now) noexcept nogil:
    if s.client.io != NULL:
        io_young(s.client.io, now)


cdef inline int connection_handshake(socket_t *s, session_t *x, int fd, const char *accepted, uint64_t now) noexcept nogil:
    """`accepted`: the peer's address as accept() told it, or NULL."""
    cdef hs_config_t config
    cdef int rc
    connection_is_young(s, now)
    connection_note_peer(x, fd, accepted)
    hs_config_from(s, &config)
    s.host.frame_max = options_frame_max(&s.opt)
    s.host.message_bytes_max = options_message_bytes_max(&s.opt)
    s.host.message_frames_max = options_message_frames_max(&s.opt)
    s.host.heartbeat_ivl_ms = <uint32_t> s.opt.heartbeat_ivl
    s.host.heartbeat_timeout_ms = <uint32_t> options_heartbeat_timeout(&s.opt)
    s.host.heartbeat_ttl_ds = <uint32_t> s.opt.heartbeat_ttl_ds
    rc = session_start(x, fd, &config, <uint32_t> s.opt.handshake_ivl, now)
    if rc < 0:
        x.state = SESSION_CONNECTING
        x.stream.fd = fd
        session_end(x, END_CONNECT, rc)
    return rc


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
        address_clear(x.address, e.proto)
    if e.proto == PROTO_TCP:
        behind = x.address.target
        rc = tcp_parse_connect(text, strlen(text), s.opt.ipv6, 0, &behind, x.address)
        if rc == -EAGAIN:
            # A name: another thread asks the resolver and calls connection_resolved().
            rc = resolver_ask(s, x.id, text, s.opt.ipv6, &behind)
            if rc == 0:
                return
    else:
        rc = ipc_parse(text, strlen(text), x.address)
    if rc < 0:
        connection_failed(x, rc)
    else:
        connection_open(s, x, now)


cdef inline void connection_resolved(socket_t *s, session_t *x, const address_t *address, int rc, uint64_t now) noexcept nogil:
    if x.state != SESSION_IDLE or x.reconnect_due:
        return
    x.address[0] = address[0]
    if rc < 0:
        connection_failed(x, rc)
    else:
        connection_open(s, x, now)
    if s.host.replan:
        connections_plan(s)         # the resolver's thread ends no call: nobody else would tell the poll set


cdef inline void connection_open(socket_t *s, session_t *x, uint64_t now) noexcept nogil:
    cdef tuning_t tuning
    cdef int in_progress = 0
    cdef int fd
    tuning_from(s, &tuning)
    if endpoint_of(x).proto == PROTO_TCP:
        fd = tcp_open(x.address, &tuning, &in_progress)
    else:
        fd = ipc_open(x.address, &tuning, &in_progress)
    if fd < 0:
        connection_failed(x, fd)
        return
    if x.attempts == 0:
        connection_is_young(s, now)     # not with every attempt to reach a peer that is not there
    if in_progress:
        x.stream.fd = fd
        x.state = SESSION_CONNECTING
        if s.opt.connect_timeout:
            x.connect_due = now + <uint64_t> s.opt.connect_timeout * 1000000
            session_retime(x)
        if pollset_add(&s.set, fd, POLL_OUT, x) < 0:
            session_end(x, END_CONNECT, -ENOMEM)
            return
        x.registered = True
        x.mask = POLL_OUT
        monitor_emit(s, EVENT_CONNECT_DELAYED, EINPROGRESS, connection_name(x))
        return
    monitor_emit(s, EVENT_CONNECTED, fd, connection_name(x))
    connection_handshake(s, x, fd, NULL, now)


cdef inline void connection_established(socket_t *s, session_t *x, uint64_t now) noexcept nogil:
    """The pending connect() has an outcome."""
    cdef tuning_t tuning
    cdef int fd = x.stream.fd
    cdef int rc = tcp_finish(fd) if endpoint_of(x).proto == PROTO_TCP else ipc_finish(fd)
    if rc < 0:
        session_end(x, END_CONNECT, rc)
        return
    tuning_from(s, &tuning)
    if endpoint_of(x).proto == PROTO_TCP:
        tcp_tune(fd, &tuning)
    connection_unwatch(x, fd)
    monitor_emit(s, EVENT_CONNECTED, fd, connection_name(x))
    connection_handshake(s, x, fd, NULL, now)


cdef inline void connection_failed(session_t *x, int err) noexcept nogil:
    """An attempt failed before there was a descriptor."""
    x.state = SESSION_CONNECTING
    session_end(x, END_CONNECT, err)


cdef inline uint64_t reconnect_least(session_t *x) noexcept nogil:
    """RECONNECT_IVL 0 is at once, nanoseconds after the connection was lost. An attempt that failed would fail at once again, and again."""
    cdef uint32_t steps = x.attempts - 1
    if x.attempts == 0:
        return 1                # 0 would be no timer
    return <uint64_t> RECONNECT_LEAST_NS << (steps if steps < RECONNECT_LEAST_STEPS else RECONNECT_LEAST_STEPS)


cdef inline uint32_t reconnect_delay(socket_t *s, session_t *x) noexcept nogil:
    """Milliseconds. Without a maximum: base plus up to base of jitter, so that many clients of one dead server do not return at once.
    With one: doubling from base up to it."""
    cdef uint32_t base = <uint32_t> s.opt.reconnect_ivl
    cdef uint32_t most = <uint32_t> s.opt.reconnect_ivl_max
    cdef uint32_t noise = 0
    cdef uint32_t _i
    if base == 0:
        return 0
    if most == 0:
        zc_os_random(&noise, sizeof(noise))
        return base + noise % base
    for _i in range(x.attempts):
        if base >= most:
            break
        base *= 2
    return base if base < most else most


cdef inline void connection_lost(session_t *x, int why, int err, uint64_t now) noexcept nogil:
    """host.lost: the connection (or the attempt) is over; decides what becomes of session and pipe."""
    cdef socket_t *s = socket_of(x)
    cdef pipe_t *p = x.pipe
    cdef uint32_t delay
    cdef bint again
    if x.connecting_side and why == END_CONNECT:
        monitor_emit(s, EVENT_CLOSED, x.stream.fd if x.stream.fd >= 0 else 0, connection_name(x))
    again = x.connecting_side and why != END_PROTOCOL and s.opt.reconnect_ivl != -1
    if why == END_CONNECT and s.opt.reconnect_ivl == -1:
        again = False
    if again and why == END_CONNECT and err == -ECONNREFUSED and s.opt.reconnect_stop & RECONNECT_STOP_CONN_REFUSED:
        again = False
    if again and x.hs_failed and s.opt.reconnect_stop & RECONNECT_STOP_HANDSHAKE_FAILED:
        again = False
    if x.closing and not session_has_output(x):
        again = False
    x.state = SESSION_IDLE
    if not again:
        transmit_drop(x)
        connection_part(x)
        connection_die(s, x)
        if p != NULL:
            connection_leave_pipe(s, p)
        return
    if p != NULL:
        if x.immediate and not p.ended:
            transmit_drop(x)
            connection_part(x)
            pipe_end(s, p)
        else:
            transmit_salvage(x)
            if why != END_CONNECT and not p.ended:
                pattern_lost(&s.pattern, p)
    delay = reconnect_delay(s, x)
    x.reconnect_due = now + (<uint64_t> delay * 1000000 if delay else reconnect_least(x))
    x.attempts += 1
    monitor_emit(s, EVENT_CONNECT_RETRIED, delay, connection_name(x))


cdef inline void connection_part(session_t *x) noexcept nogil:
    """Takes session and pipe from each other. What is still to be read from the pipe keeps the properties of its connection."""
    cdef netpipe_t *n = <netpipe_t *> x.pipe
    if n == NULL:
        return
    x.pipe = NULL
    n.pipe.session = NULL
    metadata_unref(n.props)
    n.props = x.props
    x.props = NULL


cdef inline void connection_leave_pipe(socket_t *s, pipe_t *p) noexcept nogil:
    """The session is gone for good: what it received can still be read, unless the application has let go of it, too."""
    if p.detached:
        pipe_remove(s, p)
    else:
        pipe_end(s, p)


cdef inline void endpoint_unref(endpoint_t *e) noexcept nogil:
    e.refs -= 1
    if e.refs == 0:
        endpoint_free(e)


cdef inline void endpoint_free(endpoint_t *e) noexcept nogil:
    free(e.given)
    free(e.told)
    free(e.resolved)
    free(e.address)
    free(e)


cdef inline void connection_die(socket_t *s, session_t *x) noexcept nogil:
    cdef endpoint_t *e = endpoint_of(x)
    x.state = SESSION_DEAD
    x.deadline = UINT64_MAX
    socket_retime(x)
    if e.session == x:
        e.session = NULL
    x.endpoint = NULL
    connection_bury(s, x)
    endpoint_unref(e)


cdef inline void connection_finished(session_t *x) noexcept nogil:
    """host.finished: closed on purpose."""
    cdef socket_t *s = socket_of(x)
    cdef pipe_t *p = x.pipe
    connection_part(x)
    connection_die(s, x)
    if p != NULL:
        connection_leave_pipe(s, p)


# ---- accepting

cdef inline void connection_accept(socket_t *s, endpoint_t *e, uint64_t now) noexcept nogil:
    cdef tuning_t tuning
    cdef ipc_filter_t filters
    cdef session_t *x
    cdef char peer[128]
    cdef int fd
    cdef int _i
    tuning_from(s, &tuning)
    filters.uids = s.opt.ipc_uid_accept_filters.ids
    filters.nuids = <int> s.opt.ipc_uid_accept_filters.count
    filters.gids = s.opt.ipc_gid_accept_filters.ids
    filters.ngids = <int> s.opt.ipc_gid_accept_filters.count
    filters.pids = <const int32_t *> s.opt.ipc_pid_accept_filters.ids
    filters.npids = <int> s.opt.ipc_pid_accept_filters.count
    for _i in range(ACCEPT_BATCH):
        if e.proto == PROTO_TCP:
            fd = tcp_accept(e.fd, &tuning, s.cidrs, <int> s.ncidrs, peer, sizeof(peer))
        else:
            fd = ipc_accept(e.fd, &tuning, &filters)
        if fd == -EAGAIN:
            return
        if fd < 0:
            monitor_emit(s, EVENT_ACCEPT_FAILED, <uint64_t> -fd, e.resolved)
            if fd == -EMFILE or fd == -ENFILE or fd == -ENOMEM or fd == -ENOBUFS:
                # The connection stays in the backlog and would be reported without end.
                admission_press(s, now)
                pollset_mod(&s.set, e.fd, 0, e)
                e.paused = True
                timers_retry(s, now)
                return
            continue
        if not admission_make_way(s):
            # Closed at once rather than left in the backlog: the peer learns of it, and can go elsewhere or come back.
            zc_close(fd)
            monitor_emit(s, EVENT_ACCEPT_FAILED, ENOBUFS, e.resolved)
            continue
        x = connection_new(s, e, False)
        if x == NULL:
            zc_close(fd)
            return
        monitor_emit(s, EVENT_ACCEPTED, fd, e.resolved)
        admission_pend(s, x, now)
        connection_handshake(s, x, fd, peer, now)


# ---- what sessions report

cdef inline int connection_peer(socket_t *s, session_t *x) noexcept nogil:
    """Takes over what the handshake learnt: properties and routing id. 0 or -ENOMEM."""
    cdef pipe_t *p = x.pipe
    if x.props != NULL:
        metadata_unref(x.props)
    x.props = x.hs.properties
    x.hs.properties = NULL
    if x.peer_address != NULL:
        if metadata_prepend(&x.props, "Peer-Address", 12, <const unsigned char *> x.peer_address, strlen(x.peer_address)) == -ENOMEM:
            return -ENOMEM
        free(x.peer_address)
        x.peer_address = NULL
    free(p.peer_id)
    p.peer_id = NULL
    p.peer_id_size = 0
    if x.hs.identity_size > 0:
        p.peer_id = <unsigned char *> malloc(x.hs.identity_size)
        if p.peer_id == NULL:
            return -ENOMEM
        memcpy(p.peer_id, x.hs.identity, x.hs.identity_size)
        p.peer_id_size = <uint32_t> x.hs.identity_size
    p.peer_legacy = x.hs.unversioned != 0
    return 0


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
    p.connected = True
    p.sink = session_sink
    p.queued = connection_queued
    p.session = x
    free(x.address)
    x.address = NULL
    monitor_emit(s, EVENT_HANDSHAKE_SUCCEEDED, 0, connection_name(x))
    if fresh:
        if pattern_attach(&s.pattern, p) < 0:
            # Second peer of a PAIR, duplicate routing id: the connection stays at transport level only as long as closing it takes.
            x.pipe = NULL
            p.session = NULL
            p.ended = p.closed_out = True
            socket_doom(p)
            session_end(x, END_CLOSED, -EEXIST)
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


cdef inline void connection_received(session_t *x) noexcept nogil:
    """host.received"""
    cdef socket_t *s = socket_of(x)
    if x.pipe != NULL and not x.pipe.detached and not ring_empty(x.pipe.inr):
        pattern_in_ready(&s.pattern, x.pipe)


cdef inline void connection_writable(session_t *x) noexcept nogil:
    """host.writable: the output is no longer blocked."""
    cdef socket_t *s = socket_of(x)
    if x.pipe != NULL and not x.pipe.detached:
        pattern_out_ready(&s.pattern, x.pipe)


cdef inline void connection_event(session_t *x, uint32_t event, uint64_t value) noexcept nogil:
    """host.event"""
    monitor_emit(socket_of(x), event, value, connection_name(x))


cdef inline void connections_init(socket_t *s) noexcept nogil:
    s.host.socket_type = s.type
    s.host.connect = connection_connect
    s.host.unwatch = connection_unwatch
    s.host.ready = connection_ready
    s.host.lost = connection_lost
    s.host.received = connection_received
    s.host.writable = connection_writable
    s.host.retime = socket_retime
    s.host.event = connection_event
    s.host.finished = connection_finished
