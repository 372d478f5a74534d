# Sockets that are awaited: what can be done at once. What has to wait is in zmqcore/_awaiting.py.
#
# Rules
# - A call that is done at once gives a Finished: a Future to everybody who asks, but made without the loop and awaited without a turn of it.
# - One with a timeout takes the long way, where that is checked.

from base.errors cimport EBUSY
from cpython.tuple cimport PyTuple_Check

cdef extern from "Python.h":
    ctypedef struct PyObject
    ctypedef PyObject *(*iternextfunc)(PyObject *) noexcept
    ctypedef struct zc_type_t "PyTypeObject":
        iternextfunc tp_iternext
    PyObject *PyExc_StopIteration
    void PyErr_SetObject(PyObject *kind, PyObject *value) noexcept

# So many calls may be done at once before one must wait for the loop's next turn; otherwise a fast peer could keep a task running for
# ever and starve all others. A turn costs about as much as 50 messages, so this is lost among them.
cdef enum:
    CALLS_PER_TURN = 1000

cdef object running_loop = None


@cython.final
@cython.auto_pickle(False)
@cython.freelist(64)
cdef class Finished:
    """A Future that has its result from the beginning."""
    cdef object value
    cdef object loop
    cdef public bint _asyncio_future_blocking

    @property
    def __class__(self):
        import asyncio
        return asyncio.Future

    def __getattr__(self, name):
        raise AttributeError(f"a Future has no attribute {name!r}; `await` the call to get its result ({type(self.value).__name__})", name=name, obj=self)

    def __repr__(self):
        return f"<Future finished result={self.value!r}>"

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration(self.value)

    def result(self):
        """Return the result."""
        return self.value

    def exception(self):
        """Return None: there is none."""
        return None

    def done(self):
        """Return True."""
        return True

    def cancelled(self):
        """Return False."""
        return False

    def cancel(self, msg=None):
        """Return False: the result is already set."""
        return False

    def get_loop(self):
        """Return the loop that it was made on."""
        return self.loop

    def add_done_callback(self, fn, /, *, context=None):
        """Call `fn(future)` in the loop's next turn."""
        self.loop.call_soon(fn, self, context=context)

    def remove_done_callback(self, fn, /):
        """Return 0: no callbacks are kept."""
        return 0

    def set_result(self, result, /):
        """Raise InvalidStateError: the result is already set."""
        from asyncio import InvalidStateError
        raise InvalidStateError("invalid state")

    def set_exception(self, exception, /):
        """Raise InvalidStateError: the result is already set."""
        from asyncio import InvalidStateError
        raise InvalidStateError("invalid state")


cdef PyObject *finished_next(PyObject *self) noexcept:
    """Finished.__next__ without the traceback that a raise statement would leave behind."""
    cdef PyObject *value = <PyObject *> (<Finished> self).value
    cdef object stop
    if value != <PyObject *> None:      # for None, the end without a StopIteration says it all
        if PyTuple_Check(<object> value) or isinstance(<object> value, BaseException):
            stop = StopIteration(<object> value)    # or else its arguments, or itself, would be raised
            PyErr_SetObject(PyExc_StopIteration, <PyObject *> stop)
        else:
            PyErr_SetObject(PyExc_StopIteration, value)
    return NULL


(<zc_type_t *> Finished).tp_iternext = finished_next


cdef inline Finished finish(value, loop):
    # Its fields are set here because a constructor with arguments takes longer than everything else about it.
    cdef Finished future = Finished.__new__(Finished)
    future.value = value
    future.loop = loop
    return future


def finished(value, loop):
    """A Future that has its result from the beginning."""
    return finish(value, loop)


cdef class AwaitingBase(Spinner):
    """What is pending on one socket and one loop: see zmqcore/_awaiting.py, which subclasses this. Used by the loop's thread only."""
    cdef public object loop
    cdef public object receives
    cdef public object sends
    cdef public object returned
    cdef public object watches
    cdef public Py_ssize_t calls    # done at once since one had to wait for a turn

    def __cinit__(self, *args):
        global running_loop
        if running_loop is None:
            from asyncio.events import _get_running_loop
            running_loop = _get_running_loop

    cdef bint at_once(self, bint receive) except -1:
        """Whether a call may be tried at once, without more ado."""
        if self.sends or self.watches or (receive and (self.receives or self.returned)):
            return False
        return self.calls < CALLS_PER_TURN and running_loop() is self.loop

    def exhausted(self):
        """Whether the next call has to wait for the loop's next turn."""
        return self.calls >= CALLS_PER_TURN


cdef int send_long(socket_t *s, msg_t *m) noexcept:
    """One frame, without the GIL. As socket_try_send()."""
    cdef int rc
    with nogil:
        zc_lock_acquire(&s.lock)
        rc = socket_enter(s)
        if rc == 0:
            rc = socket_try_send(s, m)
        leave_socket(s)
    return rc


def await_send(Socket self, data, int flags=0, bint copy=True, bint track=False, routing_id=None, group=None, *, timeout=None):
    """Send one frame, to be awaited. See `zmqcore.Socket.send()`.

    What can be sent at once is: the frame leaves with the call, whether or not it is awaited. Otherwise it
    waits its turn, in order with other sends of this socket.

    Args:
        data (bytes | buffer | Frame): the content.
        flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
        copy (bool): False lends the memory. Default True.
        track (bool): with copy=False, return a MessageTracker. Default False.
        routing_id (int): which peer a SERVER or PEER sends to. Default None: the `routing_id` of a Frame.
        group (str): group of a RADIO's message. Default None.
        timeout (float): milliseconds to wait at most; SNDTIMEO holds in any case. Default None: no other limit.

    Returns:
        Future: done when the frame is sent; its result is the tracker or None. Cancelled before, the frame is
        not sent.

    Raises:
        Again, ZMQError, ContextTerminated, TypeError: as `zmqcore.Socket.send()`, when awaited.
    """
    cdef socket_t *s = self.s
    cdef AwaitingBase awaiting = self._awaiting
    cdef msg_t m
    cdef int rc = -EAGAIN
    if (
        PyBytes_CheckExact(data) and not track and routing_id is None and group is None and timeout is None and not self._closed
        and s.fork_generation == zc_fork_generation() and awaiting is not None and awaiting.at_once(False)
    ):
        msg_of_bytes(&m, data)
        if flags & FLAG_SNDMORE:
            m.flags |= MSG_MORE
        if copies_long(s, &m):
            rc = send_long(s, &m)
        elif zc_lock_try(&s.lock):
            rc = socket_enter(s)
            if rc == 0:
                rc = socket_try_send(s, &m)
            unlock_socket(s)
        release(&m)
        if zc_decref_pending():
            zc_decref_drain()
        if rc == 0:
            awaiting.calls += 1
            return finish(None, awaiting.loop)
        # Nothing has happened: the long way finds out the same and tells it.
    return self._send_later(data, flags, copy, track, routing_id, group, timeout)


def await_recv(Socket self, int flags=0, bint copy=True, bint track=False, *, timeout=None):
    """Receive one frame, to be awaited. See `zmqcore.Socket.recv()`.

    Args:
        flags (int): zmq.DONTWAIT (do not wait). Default 0.
        copy (bool): False returns a Frame. Default True.
        track (bool): with copy=False, give the Frame a `tracker`. Default False.
        timeout (float): milliseconds to wait at most; RCVTIMEO holds in any case. Default None: no other limit.

    Returns:
        Future: its result is bytes or the Frame. A Future that is cancelled loses no message: the next receive
        gets it.

    Raises:
        Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv()`, when awaited.
    """
    cdef socket_t *s = self.s
    cdef AwaitingBase awaiting = self._awaiting
    cdef msg_t m
    cdef int rc = 0
    if (
        copy and timeout is None and not self._closed and s.fork_generation == zc_fork_generation() and awaiting is not None
        and awaiting.at_once(True)
    ):
        m.kind = MSG_EMPTY
        rc = -EBUSY                 # another thread is inside: not tried
        if zc_lock_try(&s.lock):
            rc = socket_enter(s)
            if rc == 0:
                rc = socket_recv_now(s, &m)
            unlock_socket(s)
        if rc == 0:
            awaiting.calls += 1
            if m.size >= RX_SPARE_MIN and zc_load_relaxed_u32(&s.nsessions):
                return finish(large_bytes(s, &m), awaiting.loop)
            return finish(take_bytes(&m), awaiting.loop)
    return self._recv_later(flags, copy, track, rc == -EAGAIN, timeout)


def await_send_multipart(Socket self, msg_parts, int flags=0, bint copy=True, bint track=False, *, timeout=None, **kwargs):
    """Send several frames as one message, to be awaited. See `zmqcore.Socket.send_multipart()`.

    Args:
        msg_parts (Iterable[bytes | buffer | Frame]): the frames, one or more.
        flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
        copy (bool): False lends the memory. Default True.
        track (bool): with copy=False, return a MessageTracker. Default False.
        timeout (float): milliseconds to wait at most; SNDTIMEO holds in any case. Default None: no other limit.
        **kwargs: accepted for pyzmq's sake and ignored.

    Returns:
        Future: done when the message is sent; its result is the tracker or None.

    Raises:
        Again, ZMQError, ContextTerminated, TypeError: as `zmqcore.Socket.send_multipart()`, when awaited.
    """
    cdef AwaitingBase awaiting = self._awaiting
    cdef list parts = frames_of(msg_parts)      # it may be an iterator, and one attempt may not be enough
    if not track and timeout is None and awaiting is not None and awaiting.at_once(False):
        try:
            Socket.send_multipart(self, parts, flags | FLAG_DONTWAIT, copy)
        except Exception:
            pass    # nothing has happened: the long way finds out the same and tells it
        else:
            awaiting.calls += 1
            return finish(None, awaiting.loop)
    return self._send_multipart_later(parts, flags, copy, track, timeout)


def await_recv_multipart(Socket self, int flags=0, bint copy=True, bint track=False, *, timeout=None):
    """Receive one message with all its frames, to be awaited. See `zmqcore.Socket.recv_multipart()`.

    Args:
        flags (int): zmq.DONTWAIT (do not wait). Default 0.
        copy (bool): False returns Frames. Default True.
        track (bool): with copy=False, give the Frames a `tracker`. Default False.
        timeout (float): milliseconds to wait at most; RCVTIMEO holds in any case. Default None: no other limit.

    Returns:
        Future: its result is the list of frames.

    Raises:
        Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv_multipart()`, when awaited.
    """
    cdef AwaitingBase awaiting = self._awaiting
    cdef list parts
    cdef bint tried = False
    if timeout is None and awaiting is not None and awaiting.at_once(True):
        try:
            parts = Socket.recv_multipart(self, flags | FLAG_DONTWAIT, copy, track)
        except Exception as error:
            tried = isinstance(error, error_module().Again)
        else:
            awaiting.calls += 1
            return finish(parts, awaiting.loop)
    return self._recv_multipart_later(flags, copy, track, tried, timeout)
