# Context.

from option.context cimport context_option_kind, context_options_get, context_options_set, context_options_set_text
from socket.memory cimport memory_limit
from socket.state cimport context_t
from socket.exit_wait cimport context_owed, exit_wait_again, exit_wait_begin, exit_wait_look, exit_wait_t
from socket.life cimport context_end, context_new, context_shutdown, context_unref, context_wait
from reactor.pollset cimport POLLSET_DEFAULT, POLLSET_EPOLL, POLLSET_KQUEUE, POLLSET_POLL
from base.platform cimport (
    zc_fork_generation, zc_fork_install, zc_net_init, zc_mutex_lock, zc_mutex_try, zc_mutex_unlock,
)

cdef int _poller_kind() except -1:
    """ZMQCORE_POLLER=epoll|kqueue|poll overrides the system's best."""
    name = os.environ.get("ZMQCORE_POLLER", "")
    kinds = {"": POLLSET_DEFAULT, "epoll": POLLSET_EPOLL, "kqueue": POLLSET_KQUEUE, "poll": POLLSET_POLL}
    if name not in kinds:
        raise ValueError(f"ZMQCORE_POLLER={name!r}: choose epoll, kqueue or poll")
    return kinds[name]


cdef class Context:
    """Own sockets and I/O threads. The compiled half of `zmqcore.Context`.

    Args:
        io_threads (int): background threads for tcp and ipc, started with the first endpoint; 0 is enough
            for inproc. Default 1.
        shadow (int): `underlying` of another context of this process, to be the same context. Default 0: a
            context of its own.
    """
    cdef context_t *ctx
    cdef bint _closed
    cdef bint _is_shadow
    cdef bint _trusted_pickles_only
    cdef bint _interrupted          # a term() was, by a signal handler's exception: the next one does not wait again
    cdef readonly object _sockets
    cdef object _original
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self._closed = True

    def __init__(self, io_threads=1, shadow=0):
        cdef context_t *ctx
        cdef Context original
        cdef int threads
        if self.ctx != NULL:
            return
        if isinstance(io_threads, (str, bytes)):
            raise TypeError(f"io_threads: an integer is required, got: {io_threads!r}")
        threads = int(io_threads)
        self._sockets = weakref.WeakSet()
        if shadow:
            original = _contexts.get(<object> int(shadow))
            if original is None:
                raise_errno(-EFAULT, "not the address of a context of this process")
            self.ctx = original.ctx
            self._original = original
            self._is_shadow = True
            self._closed = False
            return
        if threads < 0:
            raise_errno(-EINVAL, "io_threads must not be negative")
        ctx = context_new(_poller_kind())
        if ctx == NULL:
            raise MemoryError
        ctx.opt.io_threads = threads
        self.ctx = ctx
        self._closed = False
        _contexts[<uintptr_t> ctx] = self

    def __dealloc__(self):
        if self.ctx == NULL or self._is_shadow or is_finalizing():
            return      # a process that ends waits only in its atexit handler, see module.pxi
        if not self._closed and self.ctx.fork_generation == zc_fork_generation():
            # All Socket objects are gone (they keep their context); what lingers gets its time.
            try:
                self._wait_end()
            except BaseException:
                pass
        if not self._interrupted:       # or else what lingers, and its threads, go on until the process ends
            context_unref(self.ctx)

    cdef int _wait_end(self, int64_t timeout_ms=-1) except -1:
        """1: ended; 0: not yet."""
        cdef context_t *ctx = self.ctx
        cdef uint64_t until = zc_now_ns() + <uint64_t> timeout_ms * 1000000 if timeout_ms >= 0 else UINT64_MAX
        cdef int rc
        cdef bint again = self._interrupted
        with nogil:
            context_shutdown(ctx)
        while True:
            with nogil:
                rc = context_wait(ctx)
            zc_decref_drain()
            if rc == 0:
                break
            if again and timeout_ms < 0:
                return 1
            if zc_now_ns() >= until:
                return 0
            try:
                PyErr_CheckSignals()
            except BaseException:
                self._interrupted = True
                raise
        with nogil:
            context_end(ctx)
        self._interrupted = False
        return 1

    @property
    def underlying(self):
        """A number that identifies the context, for `Context.shadow()`."""
        return <uintptr_t> self.ctx

    @property
    def closed(self):
        """True after `term()` or `destroy()`, and in a forked child."""
        return self._closed or self.ctx.fork_generation != zc_fork_generation()

    @property
    def trusted_pickles_only(self):
        """Whether `recv_pyobj()` of this context's sockets refuses pickles of unauthenticated peers on other machines.

        Signed ones are not refused. A shadow shares it. False until it is set; the environment variable ZMQCORE_TRUSTED_PICKLES_ONLY=1
        is the same for every context.
        """
        return self._trusted_pickles_only if self._original is None else (<Context> self._original)._trusted_pickles_only

    @trusted_pickles_only.setter
    def trusted_pickles_only(self, bint value):
        if self._original is None:
            self._trusted_pickles_only = value
        else:
            (<Context> self._original)._trusted_pickles_only = value

    def term(self) -> None:
        """Wait until all sockets are closed and their messages are sent or given up, then end the context.

        How long each socket's messages are waited for is its LINGER, by default without limit. A socket that is
        not closed keeps the call waiting, and its own calls raise ContextTerminated meanwhile. Ctrl-C, or any
        exception of a signal handler, ends the wait; calling `term()` once more then leaves what lingers to the
        background. `destroy()` closes the sockets first.

        Source: zmq_ctx_term in the ZeroMQ API; options LINGER, BLOCKY.
        """
        if self._closed:
            return
        if self._is_shadow:
            Context.term(self._original)
        elif self.ctx.fork_generation == zc_fork_generation():
            self._wait_end()
        self._closed = True

    def _term_within(self, int64_t timeout_ms):
        """term() that waits so long at most. Whether the context has ended; if not, it may be called again."""
        cdef bint ended = True
        if self._closed:
            return True
        if self._is_shadow:
            ended = (<Context> self._original)._term_within(timeout_ms)
        elif self.ctx.fork_generation == zc_fork_generation():
            ended = self._wait_end(timeout_ms)
        self._closed = ended
        return ended

    def shutdown(self) -> None:
        """End every call on the context's sockets, those that are blocked and those to come, with ContextTerminated.

        Returns at once and may be called from any thread, more than once. `close()` of the sockets and `term()`
        are still due.
        """
        if not self._closed and self.ctx.fork_generation == zc_fork_generation():
            with nogil:
                context_shutdown(self.ctx)

    def _sockets_snapshot(self):
        while True:
            try:
                return [s for s in self._sockets if not s.closed]
            except RuntimeError:
                pass        # another thread made or dropped a socket meanwhile

    cdef bint ended(self):
        """Whether it, or what it is a shadow of, has been ended."""
        return self._closed or (self._is_shadow and (<Context> self._original)._closed)

    cdef int check(self) except -1:
        if self._closed or self.ctx == NULL:
            raise RuntimeError("the context has been destroyed")
        if self.ended():
            raise_errno(-EFAULT, "the context that this one is a shadow of has been ended")
        return 0

    def set(self, int option: int, optval: Any) -> None:
        """Set an option of the context.

        Args:
            option (int): a ContextOption, such as zmq.IO_THREADS or zmq.MAX_SOCKETS; or zmq.IPV6, zmq.BLOCKY.
            optval (int): the value; THREAD_NAME_PREFIX takes str and bytes, too. IO_THREADS and MAX_SOCKETS count
                until the first socket is made, the thread options until the first endpoint. MAX_QUEUED_BYTES concerns
                sockets that are made while there is a limit.

        Raises:
            ZMQError (EINVAL): no such option, or a value out of range.
            TypeError: a value of a wrong type.
            RuntimeError: the context has been ended.

        Source: zmq_ctx_set in the ZeroMQ API.
        """
        cdef int rc
        cdef bytes text
        cdef char *chars
        cdef size_t size
        cdef int64_t value
        cdef int kind = context_option_kind(option)
        self.check()
        if kind == OPTION_TEXT and isinstance(optval, (str, bytes)):
            text = optval.encode("utf-8") if isinstance(optval, str) else optval
            chars = text
            size = len(text)
            with nogil:
                zc_mutex_lock(&self.ctx.mutex)
                rc = context_options_set_text(&self.ctx.opt, option, chars, size)
                zc_mutex_unlock(&self.ctx.mutex)
        else:
            if not isinstance(optval, int):
                raise TypeError(options_module().about_context_option(option, True, optval))
            try:
                value = optval if kind == OPTION_INT64 else <int> optval
            except OverflowError:
                raise OverflowError(options_module().about_context_option(option, True, optval)) from None
            with nogil:
                zc_mutex_lock(&self.ctx.mutex)
                rc = context_options_set(&self.ctx.opt, option, value)
                memory_limit(self.ctx)
                zc_mutex_unlock(&self.ctx.mutex)
        if rc < 0:
            raise_errno(rc, options_module().about_context_option(option, True, optval))

    def get(self, int option: int) -> Any:
        """Read an option of the context.

        Args:
            option (int): a ContextOption, such as zmq.IO_THREADS or zmq.SOCKET_LIMIT; or zmq.IPV6, zmq.BLOCKY.

        Returns:
            int: the value.

        Raises:
            ZMQError (EINVAL): no such option, or one that cannot be read.
            RuntimeError: the context has been ended.

        Source: zmq_ctx_get in the ZeroMQ API.
        """
        cdef int64_t value = 0
        cdef int rc
        self.check()
        with nogil:
            zc_mutex_lock(&self.ctx.mutex)
            rc = context_options_get(&self.ctx.opt, option, &value)
            zc_mutex_unlock(&self.ctx.mutex)
        if rc < 0:
            raise_errno(rc, options_module().about_context_option(option))
        return value


cdef object _contexts = weakref.WeakValueDictionary()
