# Context.

from option.context cimport context_option_kind, context_options_get, context_options_set, context_options_set_text
from socket.state cimport context_t
from socket.life cimport context_end, context_flush, context_new, context_shutdown, context_unref, context_wait
from reactor.pollset cimport POLLSET_DEFAULT, POLLSET_EPOLL, POLLSET_KQUEUE, POLLSET_POLL
from base.platform cimport (
    zc_fork_generation, zc_fork_install, zc_net_init, zc_mutex_lock, zc_mutex_unlock,
)

cdef int _poller_kind() except -1:
    """ZMQCORE_POLLER=epoll|kqueue|poll overrides the system's best."""
    name = os.environ.get("ZMQCORE_POLLER", "")
    kinds = {"": POLLSET_DEFAULT, "epoll": POLLSET_EPOLL, "kqueue": POLLSET_KQUEUE, "poll": POLLSET_POLL}
    if name not in kinds:
        raise ValueError(f"ZMQCORE_POLLER={name!r}: choose epoll, kqueue or poll")
    return kinds[name]


cdef class Context:
    """Owns sockets and I/O threads. Thread-safe.

    io_threads: background threads for tcp and ipc, started with the first endpoint (0 is enough for inproc). shadow: the `underlying`
    of another Context of this process to share.
    """
    cdef context_t *ctx
    cdef bint _closed
    cdef bint _is_shadow
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
            raise_errno(-EINVAL, "io_threads")
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

    cdef int _wait_end(self) except -1:
        cdef context_t *ctx = self.ctx
        cdef int rc
        cdef bint again = self._interrupted
        with nogil:
            context_shutdown(ctx)
        while True:
            with nogil:
                rc = context_wait(ctx)
            zc_giveback_drain()
            if rc == 0:
                break
            if again:
                return 0
            try:
                PyErr_CheckSignals()
            except BaseException:
                self._interrupted = True
                raise
        with nogil:
            context_end(ctx)
        self._interrupted = False
        return 0

    @property
    def underlying(self):
        """A number that identifies the context; Context.shadow() takes it."""
        return <uintptr_t> self.ctx

    @property
    def closed(self):
        """True after term() or destroy(), and in a forked child."""
        return self._closed or self.ctx.fork_generation != zc_fork_generation()

    def term(self):
        """Waits until all sockets are closed and what LINGER lets them flush is flushed, then ends the threads. Interruptible by signals: after an
        exception of a handler (Ctrl-C), another term() does not wait again but leaves what lingers to the background."""
        if self._closed:
            return
        if self._is_shadow:
            Context.term(self._original)
        elif self.ctx.fork_generation == zc_fork_generation():
            self._wait_end()
        self._closed = True

    def shutdown(self):
        """Every call on a socket of this context, blocked or not, raises ContextTerminated from now on. Returns at once."""
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

    def set(self, int option, optval):
        """Sets a context option (ZMQ_IO_THREADS 1, MAX_SOCKETS 2, ...). Raises ZMQError(EINVAL) for unknown ones and bad values,
        RuntimeError after term()."""
        cdef int rc
        cdef bytes text
        cdef char *chars
        cdef size_t size
        cdef int value
        self.check()
        if context_option_kind(option) == OPTION_TEXT and isinstance(optval, (str, bytes)):
            text = optval.encode("utf-8") if isinstance(optval, str) else optval
            chars = text
            size = len(text)
            with nogil:
                zc_mutex_lock(&self.ctx.mutex)
                rc = context_options_set_text(&self.ctx.opt, option, chars, size)
                zc_mutex_unlock(&self.ctx.mutex)
        else:
            if not isinstance(optval, int):
                raise TypeError(f"expected int, got: {optval!r}")
            value = optval
            with nogil:
                zc_mutex_lock(&self.ctx.mutex)
                rc = context_options_set(&self.ctx.opt, option, value)
                zc_mutex_unlock(&self.ctx.mutex)
        if rc < 0:
            raise_errno(rc, options_module().about_context_option(option))

    def get(self, int option):
        """A context option. Raises ZMQError(EINVAL) for unknown ones, RuntimeError after term()."""
        cdef int value = 0
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
