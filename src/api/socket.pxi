# Socket: life, options, endpoints. Sending and receiving are in send_recv.pxi.

from libc.string cimport strlen
from base.atomics cimport zc_add_u32, zc_load_relaxed_u32
from base.errors cimport ENOMEM
from base.memory cimport calloc
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_lock_try
from option.numbers cimport OPT_FD
from option.store cimport option_kind, options_get
from option.table cimport (
    ACTION_EVENTS, ACTION_FD, ACTION_LAST_ENDPOINT, ACTION_RCVMORE, ACTION_THREAD_SAFE, ACTION_TOPICS_COUNT, OPTION_INT, OPTION_INT64,
    OPTION_KEY, OPTION_TEXT, OPTION_UNKNOWN,
)
from pattern.ops cimport CONNECTS_PEERS, SINGLE_FRAME
from pattern.pattern cimport pattern_is, pattern_topics_count
from reactor.io_thread cimport io_help, io_thread_t
from io.end_call cimport socket_end_call
from io.overlap cimport overlap_flush, overlap_large
from io.ownership cimport socket_help_begin
from socket.endpoints cimport socket_bind, socket_connect, socket_connect_peer, socket_disconnect_peer, socket_unbind
from socket.life cimport socket_close, socket_new, socket_new_locked
from socket.monitor cimport MONITOR_BOTH_ENDS, MONITOR_ENDPOINT
from socket.monitoring cimport socket_monitor_start, socket_monitor_stop
from socket.options cimport socket_set_option
from session.session cimport FLUSH_FIRST, FLUSH_LARGE
from socket.state cimport netpipe_t, socket_t, SOCKET_OPEN
from socket.send_recv cimport socket_enter, socket_events_now, socket_poll_wait
from socket.references cimport socket_unref
from io.exported_fd cimport socket_export_fd

# Whoever asks for the GIL while the interpreter ends does not get it: the thread is stopped there for ever. So the GIL is never asked for under a
# socket's lock. A call that holds the GIL tries the lock; if another thread has it, the whole call is done without the GIL, its end included.
#
# An exception under the lock would leave it locked for ever, and foreign code could come back for it. So nothing is called under it but the core's
# functions and those of this room that are `noexcept nogil`, in which the compiler refuses all that may raise (tests/test_layers.py looks).

cdef inline bint unsettled(socket_t *s) noexcept nogil:
    return s.ndoomed != 0 or s.host.replan or s.grave != NULL or s.fd_exported or s.helps or s.host.flush_now


cdef inline void leave_socket(socket_t *s) noexcept nogil:
    """Ends a call and unlocks. The GIL is not held."""
    cdef io_thread_t *io
    if s.host.flush_now:
        overlap_flush(s)
    socket_end_call(s)
    io = socket_help_begin(s)
    zc_lock_release(&s.lock)
    if io != NULL:
        io_help(io)


cdef inline void unlock_socket(socket_t *s) noexcept:
    """Ends a call and unlocks. The GIL is held; it is given up to write a full output, or to help the I/O thread,
    and taken again when the lock is free."""
    if unsettled(s):
        if s.host.flush_now == FLUSH_LARGE or s.host.flush_now == FLUSH_FIRST:
            overlap_large(s)
        if s.host.flush_now or s.helps:
            with nogil:
                leave_socket(s)
            return
        socket_end_call(s)
    zc_unlock_check()
    zc_lock_release(&s.lock)


cdef inline int events_locked(socket_t *s) noexcept nogil:
    cdef int rc = socket_enter(s)
    return socket_events_now(s) if rc == 0 else rc


cdef inline int events_of(socket_t *s) noexcept:
    """POLLIN and POLLOUT as they are now, or negative errno."""
    cdef int rc
    if zc_lock_try(&s.lock):
        rc = events_locked(s)
        unlock_socket(s)
    else:
        with nogil:
            zc_lock_acquire(&s.lock)
            rc = events_locked(s)
            leave_socket(s)
    return rc


cdef inline int set_locked(socket_t *s, int option, const void *value, size_t size) noexcept nogil:
    cdef int rc = socket_enter(s)
    if rc < 0:
        return rc
    return socket_set_option(s, option, value, size)


# What an option is read into.
cdef struct value_t:
    int kind
    int number
    int64_t number64
    char *endpoint              # LAST_ENDPOINT: to be freed; NULL = not asked for
    size_t size
    char bytes[1024]


cdef inline int get_locked(socket_t *s, int option, value_t *v) noexcept nogil:
    cdef int rc = socket_enter(s)
    cdef void *where = v.bytes
    if rc < 0:
        return rc
    v.size = sizeof(v.bytes)
    if v.kind == OPTION_INT:
        where = &v.number
        v.size = sizeof(v.number)
    elif v.kind == OPTION_INT64:
        where = &v.number64
        v.size = sizeof(v.number64)
    elif v.kind == OPTION_KEY:
        v.size = CURVE_KEY_TEXT_SIZE + 1
    rc = options_get(&s.opt, s.type, option, where, &v.size)
    if rc <= 0:
        return rc
    if rc == ACTION_RCVMORE:
        v.number = s.pattern.rcvmore
    elif rc == ACTION_EVENTS:
        v.number = socket_events_now(s)
    elif rc == ACTION_FD:
        v.number = socket_export_fd(s)
        if v.number < 0:
            return v.number
    elif rc == ACTION_TOPICS_COUNT:
        v.number = pattern_topics_count(&s.pattern)
    elif rc == ACTION_THREAD_SAFE:
        v.number = pattern_is(&s.pattern, SINGLE_FRAME)
    elif rc == ACTION_LAST_ENDPOINT:
        v.size = strlen(s.last_endpoint) + 1 if s.last_endpoint != NULL else 1
        v.endpoint = <char *> calloc(v.size, 1)
        if v.endpoint == NULL:
            return -ENOMEM
        if s.last_endpoint != NULL:
            memcpy(v.endpoint, s.last_endpoint, v.size - 1)
    else:
        return -EINVAL
    return 0


cdef bytes endpoint_text(addr):
    if isinstance(addr, str):
        addr = addr.encode("utf-8", "surrogateescape")      # as os.fsdecode() makes it of an ipc path that is not UTF-8
    if not isinstance(addr, bytes):
        raise TypeError(f"expected str, got: {addr!r}")
    if 0 in <bytes> addr:
        raise_address(-EINVAL, addr)
    return addr


cdef extern from *:
    """
    #define zc_forget_dict(object) Py_CLEAR((object)->__dict__)
    """
    void zc_forget_dict(_SocketBase)


cdef class _SocketBase:
    """Life, endpoints and options of a socket; Socket adds the traffic."""
    cdef socket_t *s
    cdef public object context
    cdef public object copy_threshold
    # What zmqcore.Socket and zmqcore.asyncio.Socket keep. Here and not in __dict__: see there.
    cdef public object type             # SocketType, or the number of one that has no name; None before __init__
    cdef public object _type_name
    cdef public object _shadow_obj      # the socket this one is a shadow of; None: of its `underlying`
    cdef public object _monitor_socket
    cdef public object _awaiting        # zmqcore.asyncio: what is pending on the loop used last; else None
    cdef public object _awaitings       # and on all loops, for this socket and its shadows
    cdef public bint _warned            # zmqcore._pickles: of a pickle from a peer that nobody knows
    cdef public int _asked              # a subclass overrides send 1, recv 2: the multipart and batch forms call those
    cdef readonly bint _is_shadow
    cdef bint _closed
    cdef object __weakref__
    # Attributes that somebody else gives the socket. The interpreter (3.11 and newer) calls methods of an object without a dict by a short way,
    # 15 ns faster, so there is none before the first such attribute.
    cdef dict __dict__

    def __cinit__(self, *args, **kwargs):
        zc_forget_dict(self)
        self._type_name = "UNKNOWN"
        self._closed = True

    def __init__(self, context=None, int socket_type=-1, shadow=0, copy_threshold=None):
        cdef socket_t *s
        cdef int rc = 0
        cdef _SocketBase original
        cdef Context ctx
        if self.s != NULL:
            return
        self.copy_threshold = default_threshold() if copy_threshold is None else copy_threshold
        self.context = context
        if shadow:
            original = _sockets.get(<object> int(shadow))
            if original is None or original._closed:
                raise_errno(-ENOTSOCK, "not the address of an open socket of this process")
            zc_add_u32(&original.s.refs, 1)
            self.s = original.s
            self._is_shadow = True
            self._closed = False
            if self.context is None:
                self.context = original.context
            return
        if not isinstance(context, Context):
            raise TypeError(f"context must be a zmqcore.Context, not {type(context).__name__}")
        ctx = <Context> context
        if ctx.ctx == NULL or ctx.ended() or ctx.ctx.fork_generation != zc_fork_generation():
            raise_errno(-EFAULT)
        if zc_mutex_try(&ctx.ctx.mutex):
            s = socket_new_locked(ctx.ctx, socket_type, False, &rc)
            zc_mutex_unlock(&ctx.ctx.mutex)
        else:
            with nogil:
                s = socket_new(ctx.ctx, socket_type, False, &rc)
        if s == NULL:
            if rc == -EINVAL:
                raise_errno(rc, options_module().about_type(socket_type))
            raise_errno(rc)
        self.s = s
        self._closed = False
        ctx._sockets.add(self)
        _sockets[<uintptr_t> s] = self

    def __dealloc__(self):
        zc_forget_dict(self)    # or else it would be emptied, and somebody may have kept it
        if self.s != NULL:
            if not self._closed and not self._is_shadow:
                with nogil:
                    socket_close(self.s, 0, False)
                polls_rouse()
            socket_unref(self.s)

    cdef int check(self) except -1:
        """Raises for a closed socket and for one inherited through fork()."""
        if self.s == NULL or self._closed:
            raise_errno(-ENOTSOCK)
        if self.s.fork_generation != zc_fork_generation():
            raise_errno(-ENOTSOCK, "this socket belongs to the parent process: make a new Context and Socket after fork()")
        return 0

    @property
    def underlying(self):
        """A number that identifies the socket, for `Socket.shadow()`."""
        return <uintptr_t> self.s

    @property
    def closed(self):
        """True after `close()`, and once the context has closed the socket."""
        return self.s == NULL or self._closed or zc_load_relaxed_u32(&self.s.state) != SOCKET_OPEN

    @property
    def socket_type(self):
        """The number of the socket type (zmq.PAIR is 0, zmq.PUB 1, ...)."""
        if self.s == NULL:
            raise_errno(-ENOTSOCK)
        return self.s.type

    def _original(self):
        """The object that a shadow is a shadow of in the end; itself if it is none; None if that one is gone."""
        return _sockets.get(<uintptr_t> self.s) if self._is_shadow else self

    def close(self, linger=None):
        """Close at once; `zmqcore.Socket.close()` tells more."""
        cdef int ms = 0
        cdef bint given = linger is not None
        cdef _SocketBase original
        if self.s == NULL or self._closed:
            return
        if given:
            ms = linger
        self._closed = True
        with nogil:
            socket_close(self.s, ms, given)
        polls_rouse()
        original = _sockets.pop(<uintptr_t> self.s, None)
        if original is not None:
            original._closed = True
        zc_decref_drain()

    # ---- endpoints

    def bind(self, addr):
        """Listen on an endpoint; `zmqcore.Socket.bind()` tells more."""
        cdef bytes text = endpoint_text(addr)
        cdef const char *p = text
        cdef size_t n = len(text)
        cdef int rc
        self.enter()
        need_library_at(text, self.s.ctx)
        with nogil:
            rc = socket_bind(self.s, p, n)
        if rc < 0:
            refuse_endpoint(self, rc, addr, text, False)

    def connect(self, addr):
        """Connect to an endpoint; `zmqcore.Socket.connect()` tells more."""
        cdef bytes text = endpoint_text(addr)
        cdef const char *p = text
        cdef size_t n = len(text)
        cdef int rc
        self.enter()
        need_library_at(text, self.s.ctx)
        with nogil:
            rc = socket_connect(self.s, p, n)
        if rc < 0:
            refuse_endpoint(self, rc, addr, text, True)

    def connect_peer(self, addr: str | bytes) -> int:
        """Connect a PEER socket, and learn by which routing id the peer is reached. For PEER sockets.

        Args:
            addr (str | bytes): the endpoint, as for `connect()`.

        Returns:
            int: the routing id of the peer, for `send(routing_id=...)`. It stays the same when the connection is lost
                and made again.

        Raises:
            ZMQError (ENOTSUP): the socket is of another type.
            ZMQError (EFAULT): IMMEDIATE is set.
            ZMQError (EINVAL, EPROTONOSUPPORT): as for `connect()`.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_connect_peer in the ZeroMQ API.

        Example:
            >>> with context.socket(zmq.PEER) as peer:
            ...     routing_id = peer.connect_peer("inproc://other")
        """
        cdef bytes text = endpoint_text(addr)
        cdef const char *p = text
        cdef size_t n = len(text)
        cdef uint32_t number = 0
        cdef int rc
        self.enter()
        need_library_at(text, self.s.ctx)
        with nogil:
            rc = socket_connect_peer(self.s, p, n, &number)
        if rc == -ENOTSUP and not pattern_is(&self.s.pattern, CONNECTS_PEERS):
            raise_errno(rc, "only PEER sockets have connect_peer()")
        if rc < 0:
            refuse_endpoint(self, rc, addr, text, True)
        return number

    def disconnect_peer(self, uint32_t routing_id: int) -> None:
        """End the connection to one peer. For PEER sockets.

        Args:
            routing_id (int): of the peer, from `connect_peer()` or a Frame it has sent.

        Raises:
            ZMQError (EHOSTUNREACH): there is no such peer.
            ZMQError (ENOTSUP): the socket is of another type.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_disconnect_peer in the ZeroMQ API.
        """
        cdef int rc
        self.enter()
        with nogil:
            rc = socket_disconnect_peer(self.s, routing_id)
        zc_decref_drain()
        if rc == -ENOTSUP:
            raise_errno(rc, "only PEER sockets have disconnect_peer()")
        if rc < 0:
            raise_errno(rc, f"no connected peer has the routing id {routing_id}" if rc == -EHOSTUNREACH else None)

    def unbind(self, addr: str | bytes) -> None:
        """Stop listening on an endpoint, and end the connections that were accepted there.

        What has been received can still be read; what is queued for those peers is sent within LINGER.

        Args:
            addr (str | bytes): the endpoint as it was bound, or as `last_endpoint` told it. What was bound with
                a wildcard (`tcp://*:*`) needs the latter.

        Raises:
            ZMQError (ENOENT): the socket is not bound there.
            ZMQError (EINVAL): not an endpoint.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.
        """
        self.forget_endpoint(addr, False)

    def disconnect(self, addr: str | bytes) -> None:
        """Undo a `connect()`: end the connection, and make no further attempts.

        What has been received can still be read; what is queued for that peer is sent within LINGER.

        Args:
            addr (str | bytes): the endpoint as it was given to `connect()`.

        Raises:
            ZMQError (ENOENT): the socket is not connected there.
            ZMQError (EINVAL): not an endpoint.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.
        """
        self.forget_endpoint(addr, True)

    cdef int forget_endpoint(self, addr, bint connected) except -1:
        cdef bytes text = endpoint_text(addr)
        cdef const char *p = text
        cdef size_t n = len(text)
        cdef int rc
        self.enter()
        with nogil:
            rc = socket_unbind(self.s, p, n, connected)
        zc_decref_drain()
        if rc < 0:
            raise_address(rc, addr)
        return 0

    cdef int enter(self) except -1:
        """For calls that do their own locking: closed, forked, terminated?"""
        cdef int rc
        self.check()
        if zc_lock_try(&self.s.lock):
            rc = socket_enter(self.s)
            unlock_socket(self.s)
        else:
            with nogil:
                zc_lock_acquire(&self.s.lock)
                rc = socket_enter(self.s)
                leave_socket(self.s)
        if rc < 0:
            raise_errno(rc)
        return 0

    def monitor(self, addr, int events=0xffff, int version=1):
        """Start to report events to a PAIR at an inproc endpoint, or stop (None). See `zmqcore.Socket.monitor()`."""
        cdef bint stop = addr is None
        cdef bytes text
        cdef const char *p
        cdef size_t n
        cdef int rc
        self.enter()
        if version != MONITOR_BOTH_ENDS and (version != MONITOR_ENDPOINT or events & ~0xffff):
            raise_errno(-EINVAL, f"version={version}, events={events:#x}: there is version 1 for events up to 0xffff, and version 2")
        text = b"" if stop else endpoint_text(addr)
        p = text
        n = len(text)
        with nogil:
            rc = socket_monitor_stop(self.s) if stop else socket_monitor_start(self.s, p, n, <uint32_t> events, version)
        if rc == -EPROTONOSUPPORT:
            expected = " or ".join(f"{scheme}://{form}" for scheme, form in transports(True).items())
            raise_errno(rc, f"addr={addr!r}: expected {expected}")
        if rc < 0:
            raise_address(rc, addr)

    # ---- options

    def set(self, int option: int, optval: Any) -> None:
        """Set an option to an int or bytes, as its kind demands; `zmqcore.Socket.set()` tells more."""
        cdef int kind = option_kind(option)
        cdef int number
        cdef int64_t number64
        cdef bytes text
        cdef int rc
        self.check()
        need_library_of(option, self.s.ctx)
        if kind == OPTION_INT or kind == OPTION_INT64 or kind == OPTION_UNKNOWN:
            if not isinstance(optval, int):
                raise_option_value(option, optval)
            try:
                number64 = optval - (1 << 64 if 1 << 63 <= optval < 1 << 64 else 0)       # bit maps may have the highest bit
                number = optval if kind != OPTION_INT64 else 0
            except OverflowError:
                raise_option_value(option, optval, OverflowError)
            if kind == OPTION_INT64:
                rc = self.set_raw(option, &number64, sizeof(number64))
            else:
                rc = self.set_raw(option, &number, sizeof(number))
        else:
            if isinstance(optval, str):
                raise TypeError("unicode not allowed, use setsockopt_string")
            if not isinstance(optval, bytes):
                raise_option_value(option, optval)
            text = optval
            rc = self.set_raw(option, <char *> text, len(text))
        if rc < 0:
            raise_option(rc, option, self.s.type, True, optval)

    cdef int set_raw(self, int option, const void *value, size_t size) noexcept:
        cdef socket_t *s = self.s
        cdef int rc
        if zc_lock_try(&s.lock):
            rc = set_locked(s, option, value, size)
            unlock_socket(s)
        else:
            with nogil:
                zc_lock_acquire(&s.lock)
                rc = set_locked(s, option, value, size)
                leave_socket(s)
        return rc

    def get(self, int option: int) -> Any:
        """Read an option.

        Args:
            option (int): a SocketOption, such as zmq.LINGER or zmq.LAST_ENDPOINT. Each can also be read as an
                attribute: `socket.linger`.

        Returns:
            int | bytes: the value, by the kind of the option. Texts come as bytes, without a final NUL.

        Raises:
            ZMQError (EINVAL): no such option, or one that cannot be read, or not on this type of socket.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_getsockopt in the ZeroMQ API; every option with unit, default and range in docs/options.md.

        Example:
            >>> pull.get(zmq.RCVHWM)
            1000
        """
        cdef int rc
        cdef socket_t *s = self.s
        cdef value_t v
        self.check()
        v.kind = option_kind(option)
        v.number = 0
        v.endpoint = NULL
        if zc_lock_try(&s.lock):
            rc = get_locked(s, option, &v)
            unlock_socket(s)
        else:
            with nogil:
                zc_lock_acquire(&s.lock)
                rc = get_locked(s, option, &v)
                leave_socket(s)
        if rc < 0:
            raise_option(rc, option, self.s.type)
        if v.kind == OPTION_INT:
            return v.number
        if v.kind == OPTION_INT64:
            return v.number64
        if v.endpoint != NULL:
            try:
                return <bytes> v.endpoint
            finally:
                free(v.endpoint)
        return v.bytes[:v.size - 1] if v.kind == OPTION_TEXT or v.kind == OPTION_KEY else v.bytes[:v.size]

    def fileno(self) -> int:
        """The descriptor of the socket, for `select()` and event loops; the option FD.

        It is readable as long as the socket has something to do (level-triggered). Then read EVENTS, or receive
        with zmq.DONTWAIT until Again is raised. Never read from the descriptor itself.

        Returns:
            int: the descriptor. It belongs to the socket and ends with it.

        Raises:
            ZMQError (ENOTSOCK): the socket is closed.
            ZMQError (EMFILE): no descriptor is free.
            ContextTerminated (ETERM): the context is ending.
        """
        return self.get(OPT_FD)

    def _events(self):
        """POLLIN 1 and POLLOUT 2 as they are now."""
        cdef int rc
        self.check()
        rc = events_of(self.s)
        if rc < 0:
            raise_errno(rc)
        return rc

    def poll_events(self, timeout_ms: int, int flags: int) -> int:
        """Wait until the socket can be received from or sent to; the compiled half of `zmqcore.Socket.poll()`.

        Args:
            timeout_ms (int): milliseconds; negative waits without limit.
            flags (int): zmq.POLLIN (1), zmq.POLLOUT (2), or both.

        Returns:
            int: those of `flags` that hold; 0 when the time was over first.

        Raises:
            ZMQError (ENOTSOCK): the socket is closed, or was closed by another thread meanwhile.
            ContextTerminated (ETERM): the context is ending.
        """
        cdef socket_t *s = self.s
        cdef int rc
        cdef wait_t until
        cdef int64_t ms = -1 if timeout_ms is None else timeout_ms
        self.check()
        rc = events_of(s)
        if rc < 0:
            raise_errno(rc)
        rc &= flags
        if rc or ms == 0:
            return rc
        wait_begin(&until, ms)
        while True:
            with nogil:
                zc_lock_acquire(&s.lock)
                rc = socket_enter(s)
                if rc == 0:
                    rc = socket_poll_wait(s, flags, &until)
                leave_socket(s)
                zc_gil_await()
            if rc == -EINTR:
                PyErr_CheckSignals()
                continue
            if rc < 0:
                raise_errno(rc)
            return rc

    def join(self, group: str | bytes) -> None:
        """Join a group: a DISH receives the messages of the groups it has joined.

        A group matches by its whole name, not by a beginning of it. Joins hold for all connections, those made later included.

        Args:
            group (str | bytes): the name, at most 255 bytes.

        Raises:
            ZMQError (EINVAL): it has been joined already, or is too long, or has a byte of 0 in it.
            ZMQError (ENOTSUP): the socket is not a DISH.
            ZMQError (ENOTSOCK), ContextTerminated (ETERM): the socket is closed, the context is ending.

        Source: RFC 48 (RADIO, DISH).

        Example:
            >>> radio, dish = context.socket(zmq.RADIO), context.socket(zmq.DISH)
            >>> _ = dish.bind("inproc://weather"), radio.connect("inproc://weather")
            >>> dish.join("weather")
            >>> radio.send(b"sunny", group="weather")
            >>> dish.recv(copy=False).group
            'weather'
        """
        self.check()
        change_group(self.s, group, True)

    def leave(self, group: str | bytes) -> None:
        """Leave a group that was joined.

        Args:
            group (str | bytes): the name.

        Raises:
            ZMQError (EINVAL): it has not been joined.
            ZMQError (ENOTSUP): the socket is not a DISH.
            ZMQError (ENOTSOCK), ContextTerminated (ETERM): the socket is closed, the context is ending.

        Source: RFC 48 (RADIO, DISH).

        Example:
            >>> dish = context.socket(zmq.DISH)
            >>> dish.join("weather")
            >>> dish.leave("weather")
        """
        self.check()
        change_group(self.s, group, False)


# As a C variable: what closes at the end of the interpreter finds it, when the names of this module are gone.
cdef object _sockets = weakref.WeakValueDictionary()
