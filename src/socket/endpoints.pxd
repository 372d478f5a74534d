# Endpoints: bind, connect, unbind, disconnect. No lock is held by the caller.
#
# An endpoint is found again by the text it was made with, or by what LAST_ENDPOINT told. unbind also closes the connections that came in through it;
# what they have brought can still be received.

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport calloc, malloc, realloc, free
from libc.string cimport memcpy, strcmp, strlen, memset
from base.errors cimport (
    EADDRINUSE, EEXIST, EINVAL, EMTHREAD, ENOENT, ENOMEM, ENOTSOCK, ETERM, EPROTONOSUPPORT,
)
from base.platform cimport zc_close, zc_lock_acquire, zc_lock_release, zc_mutex_lock, zc_mutex_unlock, zc_now_ns
from option.store cimport options_take_connect_routing_id
from option.table cimport option_bytes_t
from pattern.pattern cimport pattern_attach, pattern_set_connect_routing_id
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_empty
from reactor.io_thread cimport io_add, io_thread_t
from reactor.pollset cimport pollset_add, pollset_del
from reactor.pollset_event cimport POLL_IN
from session.lifecycle cimport session_close, session_finish, session_input, session_retime
from session.session cimport session_t, SESSION_DEAD, SESSION_IDLE, SESSION_READY, SOURCE_LISTENER
from socket.connecting cimport connection_connect
from socket.connections cimport connection_die, connection_new, endpoint_free, endpoint_unref
from socket.established cimport connection_resume
from socket.tuning cimport tuning_from
from io.end_call cimport socket_settle
from io.flush cimport socket_flush
from io.mailbox cimport socket_attend
from socket.inproc cimport inproc_bind, inproc_connect, inproc_disconnect, inproc_unbind, socket_remember_endpoint, text_copy
from socket.io_threads cimport context_io
from socket.monitor cimport monitor_emit, EVENT_LISTENING, EVENT_BIND_FAILED, EVENT_CLOSED
from socket.pipes cimport netpipe_new, pipe_release, pipe_remove
from socket.state cimport (
    socket_t, context_t, endpoint_t, netpipe_t, link_t, SOCKET_OPEN, ENDPOINT_LISTENER, ENDPOINT_CONNECTER, ENDPOINT_INPROC_BOUND,
    ENDPOINT_INPROC_CONNECTED,
)
from io.wakeup cimport socket_open_set, socket_wake
from transport.address cimport (
    address_t, address_protocol, PROTO_TCP, PROTO_IPC, PROTO_INPROC, ADDRESS_WILDCARD, ENDPOINT_MAX,
)
from transport.cidr cimport cidr_t
from transport.ipc cimport ipc_parse, ipc_listen, ipc_name, ipc_unlink, IPC_PATH_MAX
from transport.select cimport transport_find
from transport.tcp cimport tuning_t, tcp_parse_bind, tcp_check_connect, tcp_listen, tcp_name

cdef enum:
    TYPE_DEALER = 5
    TYPE_SUB = 2
    TYPE_PUB = 1
    TYPE_REQ = 3

cdef enum:
    LAST_READS = 64             # of a connection that is about to be closed on purpose: some 4 MiB, if the mark lets in so much


cdef inline endpoint_t *endpoint_new(context_t *ctx, const char *text, size_t n, int *error) noexcept nogil:
    """Checks "proto://address". NULL and an error number otherwise."""
    cdef endpoint_t *e
    cdef int proto = 0
    cdef size_t offset = 0
    cdef int rc = address_protocol(text, n, &proto, &offset)
    if rc < 0:
        error[0] = rc
        return NULL
    error[0] = -ENOMEM
    e = <endpoint_t *> calloc(1, sizeof(endpoint_t))
    if e == NULL:
        return NULL
    e.given = text_copy(text, n)
    e.told = text_copy(text, n)
    if e.given == NULL or e.told == NULL:
        endpoint_free(e)
        return NULL
    e.name_size = n
    e.source.kind = SOURCE_LISTENER
    e.refs = 1
    e.fd = -1
    e.proto = proto
    e.transport = transport_find(&ctx.transports, text, offset - 3)
    e.address_offset = offset
    error[0] = 0
    return e


cdef inline int socket_join_io(socket_t *s, io_thread_t *io) noexcept nogil:
    """The socket gets its poll set and its I/O thread with the first endpoint that needs them. Lock held."""
    cdef int rc = socket_open_set(s)
    if rc < 0 or s.client.io != NULL:
        return rc
    return io_add(io, &s.client)


cdef inline int accept_filters_take(socket_t *s) noexcept nogil:
    """The filters as they are now hold from this bind on, for all listeners. 0 or -ENOMEM."""
    cdef size_t size = s.opt.tcp_accept_filters.count * sizeof(cidr_t)
    free(s.cidrs)
    s.cidrs = NULL
    s.ncidrs = 0
    if size == 0:
        return 0
    s.cidrs = <cidr_t *> malloc(size)
    if s.cidrs == NULL:
        return -ENOMEM
    memcpy(s.cidrs, s.opt.tcp_accept_filters.items, size)
    s.ncidrs = s.opt.tcp_accept_filters.count
    return 0


# ---- bind

cdef inline int endpoint_listen(socket_t *s, endpoint_t *e) noexcept nogil:
    """Lock held. Opens the listener and fills e.resolved."""
    cdef tuning_t tuning
    cdef char name[256]                 # ENDPOINT_MAX
    cdef const char *text = e.given + e.address_offset
    cdef int rc
    tuning_from(s, &tuning)
    e.address = <address_t *> calloc(1, sizeof(address_t))
    if e.address == NULL:
        return -ENOMEM
    if e.proto == PROTO_TCP:
        rc = tcp_parse_bind(text, strlen(text), s.opt.ipv6, e.address)
        if rc < 0:
            return rc
        e.fd = tcp_listen(e.address, &tuning)
    else:
        rc = ipc_parse(text, strlen(text), e.address)
        if rc < 0:
            return rc
        e.fd = ipc_listen(e.address, &tuning)
    if e.fd < 0:
        return e.fd
    e.adopted = s.opt.use_fd >= 0
    if e.proto == PROTO_TCP:
        rc = tcp_name(e.fd, 0, name, sizeof(name))
    else:
        rc = ipc_name(e.address, name, sizeof(name))
    if rc < 0:
        return rc
    e.resolved = text_copy(name, strlen(name))
    free(e.told)
    e.told = text_copy(name, strlen(name))
    if e.resolved == NULL or e.told == NULL:
        return -ENOMEM
    return pollset_add(&s.set, e.fd, POLL_IN, e)


cdef inline int socket_bind(socket_t *s, const char *text, size_t n) noexcept nogil:
    cdef int rc = 0
    cdef endpoint_t *e = endpoint_new(s.ctx, text, n, &rc)
    cdef io_thread_t *io
    if e == NULL:
        return rc
    e.kind = ENDPOINT_LISTENER
    if e.proto == PROTO_INPROC:
        e.kind = ENDPOINT_INPROC_BOUND
        rc = inproc_bind(s, e)
        if rc < 0:
            endpoint_free(e)
        return rc
    rc = context_io(s.ctx, s.opt.affinity, &io)
    if rc < 0:
        endpoint_free(e)
        return rc
    zc_lock_acquire(&s.lock)
    rc = -ENOTSOCK
    if s.state == SOCKET_OPEN:
        rc = socket_join_io(s, io)
    if rc == 0:
        rc = accept_filters_take(s)
    if rc == 0:
        e.socket = s
        rc = endpoint_listen(s, e)
        if rc < 0:
            monitor_emit(s, EVENT_BIND_FAILED, <uint64_t> -rc, e.given)
            if e.fd >= 0 and not e.adopted:
                if e.proto == PROTO_IPC:
                    ipc_unlink(e.address)
                zc_close(e.fd)
    if rc == 0:
        e.next = s.endpoints
        s.endpoints = e
        socket_remember_endpoint(s, e)
        monitor_emit(s, EVENT_LISTENING, e.fd, e.resolved)
    zc_lock_release(&s.lock)
    if rc < 0:
        endpoint_free(e)
    return rc


# ---- connect

cdef inline int socket_connect(socket_t *s, const char *text, size_t n) noexcept nogil:
    cdef int rc = 0
    cdef endpoint_t *e = endpoint_new(s.ctx, text, n, &rc)
    cdef endpoint_t *twin
    cdef io_thread_t *io
    cdef session_t *x
    cdef netpipe_t *pipe
    cdef option_bytes_t rid
    cdef address_t scrap
    if e == NULL:
        return rc
    if e.proto == PROTO_TCP:
        rc = tcp_check_connect(e.given + e.address_offset, n - e.address_offset)
    elif e.proto == PROTO_IPC:
        rc = ipc_parse(e.given + e.address_offset, n - e.address_offset, &scrap)
    if rc < 0:
        endpoint_free(e)
        return rc
    # A preset routing id is for the next connect only, whatever becomes of it.
    zc_lock_acquire(&s.lock)
    rc = 0
    if s.state == SOCKET_OPEN:
        options_take_connect_routing_id(&s.opt, &rid)
        if rid.data != NULL:
            rc = pattern_set_connect_routing_id(&s.pattern, rid.data, rid.size)
            free(rid.data)
    zc_lock_release(&s.lock)
    if rc < 0:
        endpoint_free(e)
        return rc
    if e.proto == PROTO_INPROC:
        e.kind = ENDPOINT_INPROC_CONNECTED
        rc = inproc_connect(s, e)
        if rc < 0:
            endpoint_free(e)
        return rc
    e.kind = ENDPOINT_CONNECTER
    rc = context_io(s.ctx, s.opt.affinity, &io)
    if rc < 0:
        endpoint_free(e)
        return rc
    zc_lock_acquire(&s.lock)
    if s.state != SOCKET_OPEN:
        rc = -ENOTSOCK
    elif s.type == TYPE_DEALER or s.type == TYPE_SUB or s.type == TYPE_PUB or s.type == TYPE_REQ:
        # These types gain nothing from a second connection to the same peer; connecting twice is once.
        twin = s.endpoints
        while twin != NULL:
            if twin.kind == ENDPOINT_CONNECTER and twin.session != NULL and strcmp(twin.given, e.given) == 0:
                zc_lock_release(&s.lock)
                endpoint_free(e)
                return 0
            twin = twin.next
    if rc == 0:
        rc = socket_join_io(s, io)
    if rc == 0:
        x = connection_new(s, e, True)
        if x == NULL:
            rc = -ENOMEM
        else:
            e.session = x
            e.socket = s
            x.immediate = s.opt.immediate
            if not x.immediate:
                pipe = netpipe_new(s, x)
                if pipe == NULL:
                    rc = -ENOMEM
                else:
                    pipe.pipe.local = True
                    pipe.pipe.resume = connection_resume
                    x.pipe = &pipe.pipe
                    rc = pattern_attach(&s.pattern, &pipe.pipe)
                    if rc < 0:
                        x.pipe = NULL
                        pipe.pipe.session = NULL
                        pipe_remove(s, &pipe.pipe)
                    if rc == -EEXIST:
                        rc = 0          # a PAIR that has its peer: this one is to take over when the place is free
            if rc < 0:
                connection_die(s, x)
    if rc == 0:
        e.next = s.endpoints
        s.endpoints = e
        socket_remember_endpoint(s, e)
        connection_connect(x, zc_now_ns())
    socket_flush(s)
    socket_settle(s)
    zc_lock_release(&s.lock)
    if rc < 0:
        endpoint_free(e)
    else:
        socket_wake(s)
    return rc


# ---- unbind, disconnect

cdef inline void endpoint_close_listener(socket_t *s, endpoint_t *e) noexcept nogil:
    if e.fd < 0:
        return
    s.epoch += 1
    pollset_del(&s.set, e.fd)
    if e.proto == PROTO_IPC and not e.adopted:
        ipc_unlink(e.address)
    zc_close(e.fd)
    monitor_emit(s, EVENT_CLOSED, e.fd, e.resolved)
    e.fd = -1


cdef inline void endpoint_close_sessions(socket_t *s, endpoint_t *e) noexcept nogil:
    """Connections that came through `e` end after flushing what LINGER allows. What has arrived is taken in first: it is the application's."""
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
        session_close(x, s.opt.linger, now)


cdef inline bint endpoint_matches(endpoint_t *e, const char *text) noexcept nogil:
    """By what LAST_ENDPOINT told, or by the text it was made with unless that left the choice to us (a wildcard names nothing)."""
    cdef size_t n = e.name_size
    if e.resolved != NULL and strcmp(e.resolved, text) == 0:
        return True
    if strcmp(e.given, text) != 0:
        return False
    if e.kind != ENDPOINT_LISTENER:
        return True
    return not (e.given[n - 1] == c'*' or (n > 1 and e.given[n - 2] == c':' and e.given[n - 1] == c'0'))


cdef inline void endpoint_end(socket_t *s, endpoint_t *e) noexcept nogil:
    """It is out of the socket's list. Both locks held."""
    if e.kind == ENDPOINT_INPROC_BOUND:
        inproc_unbind(e)
    elif e.kind == ENDPOINT_INPROC_CONNECTED:
        inproc_disconnect(s, e)
    else:
        endpoint_close_listener(s, e)
        endpoint_close_sessions(s, e)
    endpoint_unref(e)


cdef inline int endpoints_end(socket_t *s, const char *text, bint connected) noexcept nogil:
    """Ends the connects of that name, or the bind. -ENOENT if there is none. Both locks held."""
    cdef endpoint_t **at = &s.endpoints
    cdef endpoint_t *e
    cdef int rc = -ENOENT
    while at[0] != NULL:
        e = at[0]
        if (e.kind == ENDPOINT_CONNECTER or e.kind == ENDPOINT_INPROC_CONNECTED) != connected or not endpoint_matches(e, text):
            at = &e.next
            continue
        rc = 0
        at[0] = e.next
        endpoint_end(s, e)
        if not connected:
            break
    return rc


cdef inline int socket_unbind(socket_t *s, const char *text, size_t n, bint connected) noexcept nogil:
    """unbind (connected False) or disconnect (True). -ENOENT if there is no such endpoint.

    Each does the other's work where there is nothing for its own: libzmq knows no difference, and programs mix them up."""
    cdef int proto = 0
    cdef size_t offset = 0
    cdef int rc = address_protocol(text, n, &proto, &offset)
    if rc < 0:
        return rc
    zc_mutex_lock(&s.ctx.mutex)
    zc_lock_acquire(&s.lock)
    socket_attend(s)
    rc = endpoints_end(s, text, connected)
    if rc < 0:
        rc = endpoints_end(s, text, not connected)
    socket_settle(s)
    zc_lock_release(&s.lock)
    zc_mutex_unlock(&s.ctx.mutex)
    if rc == 0:
        socket_wake(s)
    return rc
