# Endpoints of stream transports: listeners, and connects with a session each.
#
# unbind also closes the connections that came in through the listener; what they have brought can still be received.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport calloc
from libc.string cimport strcmp, strlen
from base.errors cimport EEXIST, ENOMEM, ENOTSOCK
from base.monitor_events cimport EVENT_BIND_FAILED, EVENT_CLOSED, EVENT_LISTENING
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns
from engine.select cimport engine_for
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush
from io.wakeup cimport socket_open_set, socket_wake
from option.table cimport RECONNECT_STOP_AFTER_DISCONNECT
from pattern.ops cimport CONNECTS_ONCE, pattern_raw
from pattern.pattern cimport pattern_attach, pattern_is
from reactor.io_thread cimport io_add, io_thread_t
from reactor.pollset cimport pollset_add, pollset_del
from reactor.pollset_event cimport POLL_IN
from session.lifecycle cimport session_close, session_finish, session_input
from session.session cimport session_t, SESSION_IDLE, SESSION_READY
from socket.connecting cimport connection_connect
from socket.connections cimport connection_die, connection_new
from socket.endpoint cimport endpoint_enlist, endpoint_free, endpoint_name, endpoint_new, endpoint_tell
from socket.established cimport connection_resume, connection_tell_id
from socket.io_threads cimport context_io
from socket.occurrences cimport listener_occurrence
from socket.pipes cimport netpipe_new, pipe_release, pipe_remove
from socket.state cimport endpoint_ops_t, endpoint_t, netpipe_t, socket_t, SOCKET_OPEN
from socket.security cimport credentials_take, security_check
from socket.terms cimport terms_take
from socket.tuning cimport tuning_from, tuning_text, visitors_take
from transport.address cimport address_t
from transport.resolve cimport host_port_t
from transport.socks cimport socks_way_new
from transport.tuning cimport tuning_t, tuning_text_t

cdef enum:
    # of a connection that is about to be closed on purpose: some 4 MiB, if the mark lets in so much
    LAST_READS = 64


cdef inline int socket_join_io(socket_t *s, io_thread_t *io) noexcept nogil:
    """The socket gets its poll set and its I/O thread with the first endpoint that needs them. Lock held."""
    cdef int rc = socket_open_set(s)
    if rc < 0 or s.client.io != NULL:
        return rc
    return io_add(io, &s.client)


cdef inline int endpoint_find_way(endpoint_t *e, const char *text, const char **why) noexcept nogil:
    """Through a proxy, if the options name one. 0, or a negative errno and perhaps *why. Lock held."""
    cdef tuning_text_t proxy, user, password
    cdef host_port_t target
    cdef size_t source = 0
    cdef int rc
    tuning_text(&proxy, &e.terms.opt.socks_proxy)
    if proxy.size == 0 or e.transport.target == NULL:
        return 0
    tuning_text(&user, &e.terms.opt.socks_username)
    tuning_text(&password, &e.terms.opt.socks_password)
    rc = e.transport.target(text, strlen(text), &target, &source)
    if rc == 0:
        rc = socks_way_new(&proxy, &user, &password, &target, text, source, &e.way, why)
    return rc


cdef inline int endpoint_prepare(socket_t *s, endpoint_t *e, const char **why) noexcept nogil:
    """What its connections will share is made of the options as they are now. 0, or a negative errno and perhaps *why.
    Lock held."""
    cdef tuning_t tuning
    cdef const char *text = e.given + e.address_offset
    cdef int rc = terms_take(s, &e.terms)
    if rc == 0:
        rc = credentials_take(s, &e.credentials)
    if rc == 0 and e.connects:
        rc = endpoint_find_way(e, text, why)
    if rc < 0 or e.transport.prepare == NULL:
        return rc
    tuning_from(s, e, &tuning)
    return e.transport.prepare(e.transport, &tuning, e.connects, text, strlen(text), &e.prepared, why)


cdef inline const char *endpoint_lacks(socket_t *s, const char *text, size_t n, bint connects) noexcept nogil:
    """Why there can be no such endpoint: what the options lack, as a text; NULL: nothing. Lock held."""
    cdef const char *why = NULL
    cdef int rc = 0
    cdef endpoint_t *e
    if s.state != SOCKET_OPEN:
        return NULL                 # closed meanwhile: it would keep what it takes
    e = endpoint_new(s.ctx, text, n, &rc)
    if e == NULL:
        return NULL
    e.connects = connects
    endpoint_prepare(s, e, &why)
    endpoint_free(e)
    return why


cdef inline int stream_check(socket_t *s, endpoint_t *e) noexcept nogil:
    """Whether the socket can talk over this transport. 0, -ENOCOMPATPROTO, -EINVAL, -ENOTSUP."""
    cdef int engine = engine_for(e.transport.engine, pattern_raw(&s.pattern))
    return engine if engine < 0 else security_check(s, engine)


# ---- bind

cdef inline int listener_open(socket_t *s, endpoint_t *e) noexcept nogil:
    """Opens the listener and fills e.resolved. After an error listener_abandon() follows. Lock held."""
    cdef tuning_t tuning
    cdef const char *text = e.given + e.address_offset
    cdef const char *why = NULL
    cdef int rc = endpoint_prepare(s, e, &why)
    if rc < 0:
        return rc
    rc = visitors_take(s, &e.visitors)
    if rc < 0:
        return rc
    tuning_from(s, e, &tuning)
    e.address = <address_t *> calloc(1, sizeof(address_t))
    if e.address == NULL:
        return -ENOMEM
    rc = e.transport.parse_bind(text, strlen(text), e.terms.opt.ipv6, e.address)
    if rc < 0:
        return rc
    e.fd = e.transport.listen(e.address, &tuning)
    if e.fd < 0:
        return e.fd
    e.adopted = s.opt.use_fd >= 0
    rc = endpoint_name(e, e.fd)
    return rc if rc < 0 else pollset_add(&s.set, e.fd, POLL_IN, e)


cdef inline void listener_abandon(endpoint_t *e) noexcept nogil:
    """It has come to nothing. A descriptor of the application stays the application's."""
    if e.fd >= 0 and not e.adopted:
        e.transport.close_listener(e.fd, e.address, False)


cdef inline int stream_bind(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.bind"""
    cdef io_thread_t *io
    cdef int rc = context_io(s.ctx, s.opt.affinity, &io)
    if rc < 0:
        return rc
    zc_lock_acquire(&s.lock)
    rc = -ENOTSOCK
    if s.state == SOCKET_OPEN:
        rc = stream_check(s, e)
    if rc == 0:
        rc = socket_join_io(s, io)
    if rc == 0:
        rc = listener_open(s, e)
        if rc < 0:
            listener_occurrence(s, e, EVENT_BIND_FAILED, <uint64_t> -rc)
            listener_abandon(e)
    if rc == 0:
        endpoint_enlist(s, e)
        endpoint_tell(s, e)
        listener_occurrence(s, e, EVENT_LISTENING, <uint64_t> e.fd)
    zc_lock_release(&s.lock)
    return rc


# ---- connect

cdef inline bint stream_has_twin(socket_t *s, endpoint_t *e) noexcept nogil:
    """Whether the socket connects to that very text already. Lock held."""
    cdef endpoint_t *twin = s.endpoints
    while twin != NULL:
        if twin.connects and twin.session != NULL and strcmp(twin.given, e.given) == 0:
            return True
        twin = twin.next
    return False


cdef inline int connecter_attach(socket_t *s, session_t *x) noexcept nogil:
    """The pipe that a connecting session has from the beginning. 0 or -ENOMEM. Lock held."""
    cdef netpipe_t *n = netpipe_new(s, x)
    cdef int rc
    if n == NULL:
        return -ENOMEM
    n.pipe.local = True
    n.pipe.resume = connection_resume
    x.pipe = &n.pipe
    rc = pattern_attach(&s.pattern, &n.pipe)
    if rc < 0:
        x.pipe = NULL
        n.pipe.session = NULL
        pipe_remove(s, &n.pipe)
    else:
        connection_tell_id(s, &n.pipe)
    return 0 if rc == -EEXIST else rc       # a PAIR that has its peer: this one is to take over when the place is free


cdef inline int connecter_begin(socket_t *s, endpoint_t *e) noexcept nogil:
    """The endpoint gets its session, and becomes the socket's. 0 or a negative errno. Lock held."""
    cdef session_t *x
    cdef const char *why = NULL
    cdef int rc = endpoint_prepare(s, e, &why)
    if rc < 0:
        return rc
    x = connection_new(s, e, True)
    if x == NULL:
        return -ENOMEM
    e.session = x
    # Who wants the number of the peer gets a pipe at once, also if IMMEDIATE was set after the call had begun.
    x.immediate = s.opt.immediate != 0 and e.peer_number == NULL
    if not x.immediate:
        rc = connecter_attach(s, x)
    if rc < 0:
        connection_die(s, x)
        return rc
    endpoint_enlist(s, e)
    endpoint_tell(s, e)
    return 0


cdef inline int stream_begin(socket_t *s, endpoint_t *e) noexcept nogil:
    """The endpoint gets its session, which makes its first attempt. 0 or a negative errno. Lock held."""
    cdef int rc = connecter_begin(s, e)
    if rc == 0:
        connection_connect(e.session, zc_now_ns())
    return rc


cdef inline int connecter_join(
        socket_t *s, endpoint_t *e, io_thread_t *io, int rc,
        int (*begin)(socket_t *s, endpoint_t *e) noexcept nogil) noexcept nogil:
    """The rest of a connect(), with `rc` from its checks: 0, or a negative errno and the endpoint is the caller's. A twin
    is freed: there is one like it. The lock is held, and released."""
    cdef bint twin = rc == 0 and pattern_is(&s.pattern, CONNECTS_ONCE) and stream_has_twin(s, e)
    if rc == 0 and not twin:
        rc = socket_join_io(s, io)
    if rc == 0 and not twin:
        rc = begin(s, e)
    socket_flush(s)
    socket_end_call(s)
    zc_lock_release(&s.lock)
    if rc == 0:
        socket_wake(s)
    if twin:
        endpoint_free(e)
    return rc


cdef inline int stream_connect(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.connect"""
    cdef io_thread_t *io
    cdef int rc = context_io(s.ctx, s.opt.affinity, &io)
    if rc < 0:
        return rc
    zc_lock_acquire(&s.lock)
    rc = stream_check(s, e) if s.state == SOCKET_OPEN else -ENOTSOCK
    return connecter_join(s, e, io, rc, stream_begin)


# ---- unbind, disconnect, close

cdef inline void stream_close_listener(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.close"""
    if e.fd < 0:
        return
    s.epoch += 1
    pollset_del(&s.set, e.fd)
    e.transport.close_listener(e.fd, e.address, e.adopted)
    listener_occurrence(s, e, EVENT_CLOSED, <uint64_t> e.fd)
    e.fd = -1


cdef inline void stream_close_sessions(socket_t *s, endpoint_t *e) noexcept nogil:
    """Connections that came through `e` end after flushing what LINGER allows. What has arrived is taken in first: it
    is the application's."""
    cdef uint32_t i = s.nsessions
    cdef session_t *x
    cdef uint64_t now = zc_now_ns()
    cdef int rounds
    while i > 0:
        i -= 1
        x = s.sessions[i]
        if x.endpoint != e:
            continue
        rounds = LAST_READS
        while rounds and x.state == SESSION_READY and session_input(x) == 1:
            rounds -= 1
        if x.pipe != NULL:
            pipe_release(s, x.pipe)
        # An attempt under way may still come to something.
        if x.state == SESSION_IDLE and s.opt.reconnect_stop & RECONNECT_STOP_AFTER_DISCONNECT:
            session_finish(x)
        else:
            session_close(x, s.opt.linger, now)


cdef inline void stream_end(socket_t *s, endpoint_t *e) noexcept nogil:
    """endpoint_ops_t.end"""
    e.left = True
    stream_close_listener(s, e)
    stream_close_sessions(s, e)


cdef inline void stream_endpoint_ops(endpoint_ops_t *o) noexcept nogil:
    o.bind = stream_bind
    o.connect = stream_connect
    o.end = stream_end
    o.close = stream_close_listener
