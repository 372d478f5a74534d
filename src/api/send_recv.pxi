# Socket: sending and receiving. Life, endpoints and options are in socket.pxi, what the calls exchange with the core in received.pxi.
#
# Small frames of bytes go the short way: one lock, one pattern call, no Python object made or copied. Whatever finds no room (or nothing to
# receive) goes the long way, without the GIL.

from base.atomics cimport zc_load_relaxed_u32
from base.config cimport RX_SPARE_MIN, SHARED_LONG
from socket.send_recv cimport (
    socket_abandon, socket_recv_now, socket_recv_wait, socket_send_now, socket_send_wait, socket_try_send,
)
from io.wait cimport wait_begin, wait_t
from message.message cimport MSG_GROUPED
from session.session cimport FLUSH_FULL
from pattern.ops cimport CAN_SEND, GROUPS


cdef inline bint copies_long(socket_t *s, msg_t *m) noexcept:
    """It may be copied into memory shared with peers, which takes too long to keep the GIL."""
    return m.size >= SHARED_LONG and zc_load_relaxed_u32(&s.host.nsharing) != 0


cdef inline bint lock_to_send(socket_t *s, msg_t *m, Py_ssize_t n) noexcept:
    """For a short way, with the GIL. False: another thread is inside, or this is long."""
    cdef Py_ssize_t i
    for i in range(n):
        if copies_long(s, m + i):
            return False
    return zc_lock_try(&s.lock)


cpdef list frames_of(msg_parts):
    """The frames of a message as a list. A single text or bytes object is none: its letters would be frames."""
    if isinstance(msg_parts, (str, bytes)):
        raise TypeError(
            f"a message of several frames is a list of them, not {type(msg_parts).__name__}: send_multipart([frame]), or send(frame)")
    if isinstance(msg_parts, _SocketBase):      # which can be iterated: it receives
        raise TypeError(f"a message of several frames is a list of them, not a socket: {msg_parts!r}")
    return list(msg_parts)


cdef class Socket(_SocketBase):
    """Send and receive; the compiled half of `zmqcore.Socket`. Several threads may use one socket."""

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def send(self, data, int flags=0, bint copy=True, bint track=False, routing_id=None, group=None, *, timeout=None):
        """Send one frame.

        A socket without a peer that can take the frame makes the call wait, or drops it, as its type demands:
        PUSH, DEALER, REQ and PAIR wait, PUB drops, ROUTER drops unless ROUTER_MANDATORY is set.

        Args:
            data (bytes | buffer | Frame): the content. str is not accepted, see `send_string()`.
            flags (int): zmq.DONTWAIT (do not wait), zmq.SNDMORE (the message goes on with the next send). Default 0.
            copy (bool): False lends the memory to the socket instead of copying it, from `copy_threshold` bytes on
                (65536); it must not change until it has been sent. Default True.
            track (bool): with copy=False or of a Frame made with track=True, return a MessageTracker that tells when. Default False.
            routing_id (int): which peer a SERVER or PEER sends to. Default None: the `routing_id` of a Frame.
            group (str | bytes): which group a RADIO sends to, at most 255 bytes. Default None: the `group` of a Frame,
                or else the group without a name.
            timeout (float): milliseconds to wait at most; None and negative numbers leave it to the option SNDTIMEO, which holds in any case.
                Default None.

        Returns:
            MessageTracker | None: the tracker, if one was asked for.

        Raises:
            Again (EAGAIN): it would have to wait and DONTWAIT is set, or `timeout` or SNDTIMEO is over. With `timeout` given the text says which.
            ZMQError (EFSM): not the turn of a REQ or REP to send.
            ZMQError (ENOTSUP): the type does not send (PULL, SUB).
            ZMQError (EHOSTUNREACH): a ROUTER with ROUTER_MANDATORY does not know the peer, nor does a SERVER or PEER.
            ZMQError (EINVAL): SNDMORE on a type whose messages have one frame (CLIENT, SERVER, RADIO, PEER, SCATTER,
                CHANNEL); a name of a group that cannot be.
            ZMQError (ENOTSUP): a group, and the socket is not a RADIO.
            ZMQError (EMSGSIZE): the message is too large for a datagram (udp).
            ZMQError (ENOBUFS): the queue is full, and the option OVERFLOW is 4.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.
            TypeError: `data` is str, or has no contiguous buffer.

        Source: RFC 28 (REQ, REP, DEALER, ROUTER), 29 (PUB, SUB), 30 (PUSH, PULL), 31 (PAIR), 48 (RADIO, DISH); options
        SNDTIMEO, SNDHWM.

        Example:
            >>> push.send(b"hello")
            >>> pull.recv()
            b'hello'
        """
        cdef msg_t m
        cdef int rc
        cdef uint64_t deadline = deadline_of(timeout)
        cdef object tracker
        self.check()
        if group is None and isinstance(data, Frame) and pattern_is(&self.s.pattern, GROUPS):
            group = (<Frame> data)._group
        if group is not None:
            return self.send_to_group(data, flags, copy, track, group_name(group), deadline)
        tracker = self.message_from(&m, data, copy, track)
        if routing_id is not None:
            m.routing_id = routing_id
        if flags & FLAG_SNDMORE:
            m.flags |= MSG_MORE
        rc = self.send_slow(&m, flags, deadline)
        release(&m)
        zc_decref_drain()
        if rc != 0 and (rc < 0 or flags & FLAG_DONTWAIT):
            raise_transfer(self.s, rc if rc < 0 else -EAGAIN, True, flags, timeout)
        return tracker

    cdef int send_slow(self, msg_t *m, int flags, uint64_t deadline) except? -1:
        """The frame found no room, or another thread in the socket. As send_rest(). On an exception the frame is released."""
        try:
            return self.send_rest(m, 1, 0, flags, deadline)
        except BaseException:
            release(m)
            raise

    cdef object send_to_group(self, data, int flags, bint copy, bint track, bytes group, uint64_t deadline):
        """send() of a RADIO. The tracker of lent memory, or None."""
        cdef socket_t *s = self.s
        cdef msg_t m[2]                 # the message, and its group
        cdef int rc = -EAGAIN
        cdef object tracker
        if not (pattern_is(&s.pattern, GROUPS) and pattern_is(&s.pattern, CAN_SEND)):
            raise_errno(-ENOTSUP, "only a RADIO sends to a group")
        if msg_set(&m[1], PyBytes_AS_STRING(group), <size_t> PyBytes_GET_SIZE(group)) < 0:
            raise MemoryError
        m[0].kind = MSG_EMPTY
        try:
            tracker = self.message_from(m, data, copy, track)
            m[0].flags |= MSG_GROUPED
            if flags & FLAG_SNDMORE:
                m[0].flags |= MSG_MORE
            if lock_to_send(s, m, 1):
                rc = socket_enter(s)
                if rc == 0:
                    rc = socket_try_send(s, m)
                unlock_socket(s)
            if rc == -EAGAIN:
                rc = self.send_rest(m, 1, 0, flags, deadline)
        finally:
            release(&m[0])
            release(&m[1])
        if zc_decref_pending():
            zc_decref_drain()
        if rc < 0:
            raise_transfer(s, rc, True)        # never EAGAIN: a RADIO does not wait
        return tracker

    cdef object message_from(self, msg_t *m, data, bint copy, bint track):
        """Fills `m` from anything that can be sent. The tracker of lent memory, or None."""
        cdef Frame frame
        cdef Py_buffer view
        cdef uint32_t number = 0
        msg_init(m)
        if isinstance(data, str):
            raise TypeError("unicode not allowed, use send_string")
        if isinstance(data, Frame):
            frame = <Frame> data
            if track and not frame.tracker:
                raise ValueError("Not a tracked message: create the frame with track=True")
            if copy and not frame.tracker and PyBytes_CheckExact(frame._bytes):
                data = frame._bytes
                number = frame.m.routing_id
            else:
                if frame.share(m) < 0:
                    raise MemoryError
                m.flags &= MSG_EXACT
                return frame.tracker
        PyObject_GetBuffer(data, &view, PyBUF_ANY_CONTIGUOUS)
        try:
            if copy or view.len < self.copy_threshold:
                if msg_set(m, view.buf, <size_t> view.len) < 0:
                    raise MemoryError
                m.routing_id = number
                return None if copy else _finished_tracker()
        finally:
            PyBuffer_Release(&view)
        frame = Frame(data, track=track, copy=False)
        msg_share(m, &frame.m)
        m.flags &= MSG_EXACT
        return frame.tracker

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def recv(self, int flags=0, bint copy=True, bint track=False, *, timeout=None):
        """Receive one frame. Waits until there is one.

        Args:
            flags (int): zmq.DONTWAIT (do not wait). Default 0.
            copy (bool): False returns a Frame, which knows its connection and saves a copy of large content.
                Default True.
            track (bool): with copy=False, give the Frame a `tracker`. Default False.
            timeout (float): milliseconds to wait at most; None and negative numbers leave it to the option RCVTIMEO, which holds in any case.
                Default None.

        Returns:
            bytes | Frame: the content of the frame, or the Frame.

        Raises:
            Again (EAGAIN): nothing is there and DONTWAIT is set, or `timeout` or RCVTIMEO is over. With `timeout` given the text says which.
            ZMQError (EFSM): not the turn of a REQ or REP to receive.
            ZMQError (ENOTSUP): the type does not receive (PUSH, PUB).
            ZMQError (ENOTSOCK): the socket is closed, or was closed by another thread meanwhile.
            ContextTerminated (ETERM): the context is ending.

        Source: RFC 28 to 31; options RCVTIMEO, RCVHWM, RCVMORE.

        Example:
            >>> push.send(b"hello")
            >>> pull.recv()
            b'hello'
            >>> pull.recv(zmq.DONTWAIT)
            Traceback (most recent call last):
                ...
            zmqcore.error.Again: Resource temporarily unavailable
        """
        cdef msg_t m
        cdef int rc
        cdef uint64_t deadline = deadline_of(timeout)
        cdef Origin origin
        self.check()
        m.kind = MSG_EMPTY
        rc = self.recv_slow(&m, NULL, &origin, flags, deadline)
        if rc < 0:
            raise_transfer(self.s, rc, False, flags, timeout)
        if not copy:
            return frame_from(&m, &origin, track)
        origin_drop(&origin)
        return take_bytes(&m)

    cdef int recv_slow(self, msg_t *m, inbox_t *rest, Origin *origin, int flags, uint64_t deadline) except? -1:
        """Waits for a frame as long as flags, RCVTIMEO and the deadline allow; with `rest` the whole message is taken under the same lock."""
        cdef socket_t *s = self.s
        cdef int rc
        cdef wait_t until
        cdef bint wait = not (flags & FLAG_DONTWAIT or s.opt.rcvtimeo == 0)
        wait_begin(&until, s.opt.rcvtimeo)
        until.until = min(until.until, deadline)
        while True:
            with nogil:
                zc_lock_acquire(&s.lock)
                rc = socket_enter(s)
                if rc == 0:
                    rc = socket_recv_wait(s, m, &until) if wait else socket_recv_now(s, m)
                if origin != NULL:
                    origin_take(origin, s, rc)
                if rest != NULL and rc == 0:
                    rc = inbox_fill(rest, s, m)
                leave_socket(s)
                zc_gil_await()
            if rc != -EINTR:
                return rc
            PyErr_CheckSignals()

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def send_multipart(self, msg_parts, int flags=0, bint copy=True, bint track=False, *, timeout=None, **kwargs):
        """Send several frames as one message. It arrives whole or not at all, whatever other threads send.

        Args:
            msg_parts (Iterable[bytes | buffer | Frame]): the frames, one or more.
            flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
            copy (bool): as for `send()`. Default True.
            track (bool): as for `send()`; one tracker for all frames. Default False.
            timeout (float): milliseconds to wait at most; None and negative numbers leave it to the option SNDTIMEO, which holds in any case.
                Default None.
            **kwargs: accepted for pyzmq's sake and ignored.

        Returns:
            MessageTracker | None: the tracker, if one was asked for.

        Raises:
            Again, ZMQError, ContextTerminated: as `send()`.
            TypeError: a frame cannot be sent, or `msg_parts` is one frame and not several; nothing has been sent then.
            IndexError: there are no frames.

        Source: RFC 37 (ZMTP, messages of several frames).

        Example:
            >>> push.send_multipart([b"header", b"body"])
            >>> pull.recv_multipart()
            [b'header', b'body']
        """
        cdef socket_t *s = self.s
        cdef msg_t on_stack[8]
        cdef msg_t *m = on_stack
        cdef list parts = frames_of(msg_parts)
        cdef Py_ssize_t n = len(parts)
        cdef Py_ssize_t i
        cdef Py_ssize_t filled = 0
        cdef int rc = 0
        cdef uint64_t deadline = UINT64_MAX
        cdef object part
        cdef object tracker = None
        if self._asked & ASKED_SEND:
            return self._send_multipart_by_send(parts, flags, copy, track, timeout=timeout)
        self.check()
        if timeout is not None:
            deadline = deadline_of(timeout)
        if n == 0:
            raise IndexError("a message needs at least one frame")
        if n > 8:
            m = <msg_t *> PyMem_Malloc(n * sizeof(msg_t))
            if m == NULL:
                raise MemoryError
        try:
            for i in range(n):
                part = parts[i]
                if PyBytes_CheckExact(part) and (copy or not track):
                    msg_of_bytes(&m[i], part)
                else:
                    made = self.message_from_part(&m[i], part, i, copy, track)
                    if made is not None and track:
                        tracker = made if tracker is None else MessageTracker(tracker, made)
                filled = i + 1
                if i + 1 < n or flags & FLAG_SNDMORE:
                    m[i].flags |= MSG_MORE
            rc = -EAGAIN
            i = 0
            if lock_to_send(s, m, n):
                rc = socket_enter(s)
                while rc >= 0 and i < n:
                    rc = socket_try_send(s, &m[i])
                    if rc >= 0:
                        i += 1
                if rc == -ENOMEM and i:
                    socket_abandon(s)
                unlock_socket(s)
            if rc == -EAGAIN:
                rc = self.send_rest(m, n, i, flags, deadline)
        finally:
            for i in range(filled):
                release(&m[i])
            if m != on_stack:
                PyMem_Free(m)
        if zc_decref_pending():
            zc_decref_drain()
        if rc < 0:
            raise_transfer(s, rc, True, flags, timeout)
        return tracker

    cdef object message_from_part(self, msg_t *m, part, Py_ssize_t i, bint copy, bint track):
        """message_from() of frame number `i` of a message; the error says which one it was."""
        try:
            return self.message_from(m, part, copy, track)
        except TypeError:
            told = repr(part)
            if len(told) > 80:
                told = told[:77] + "..."
            raise TypeError(f"Frame {i} ({told}) does not support the buffer interface.") from None

    cdef int send_rest(self, msg_t *m, Py_ssize_t n, Py_ssize_t i, int flags, uint64_t deadline) except? -1:
        """Frame number `i` (the first of its message, unless frames of an earlier send are pending) found no room, or another thread in the
        socket. Drives the connections, waits as long as flags, SNDTIMEO and the deadline allow."""
        cdef socket_t *s = self.s
        cdef int rc
        cdef wait_t until
        cdef bint wait = not (flags & FLAG_DONTWAIT or s.opt.sndtimeo == 0)
        wait_begin(&until, s.opt.sndtimeo)
        until.until = min(until.until, deadline)
        while True:
            with nogil:
                zc_lock_acquire(&s.lock)
                rc = socket_enter(s)
                while rc >= 0 and i < n:
                    rc = socket_send_wait(s, m + i, &until) if wait else socket_send_now(s, m + i)
                    if rc >= 0:
                        i += 1
                if rc == -ENOMEM and i:
                    socket_abandon(s)
                leave_socket(s)
                zc_gil_await()
            if rc != -EINTR:
                return rc
            PyErr_CheckSignals()

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def recv_multipart(self, int flags=0, bint copy=True, bint track=False, *, timeout=None):
        """Receive one message with all its frames. Waits until there is one.

        Args:
            flags (int): zmq.DONTWAIT (do not wait). Default 0.
            copy (bool): False returns Frames. Default True.
            track (bool): with copy=False, give the Frames a `tracker`. Default False.
            timeout (float): milliseconds to wait at most; None and negative numbers leave it to the option RCVTIMEO, which holds in any case.
                Default None.

        Returns:
            list[bytes] | list[Frame]: the frames, one or more.

        Raises:
            Again, ZMQError, ContextTerminated: as `recv()`.

        Source: RFC 37 (ZMTP, messages of several frames); option RCVMORE.

        Example:
            >>> push.send_multipart([b"header", b"body"])
            >>> pull.recv_multipart()
            [b'header', b'body']
        """
        cdef socket_t *s = self.s
        cdef msg_t m
        cdef inbox_t rest
        cdef int rc
        cdef uint64_t deadline = UINT64_MAX
        cdef Py_ssize_t i
        cdef list parts = []
        cdef Origin origin
        if self._asked & ASKED_RECV:
            return self._recv_multipart_by_recv(flags, copy, track, timeout=timeout)
        if self._closed or s == NULL or s.fork_generation != zc_fork_generation():
            self.check()
        if timeout is not None:
            deadline = deadline_of(timeout)
        m.kind = MSG_EMPTY
        inbox_init(&rest)
        if zc_lock_try(&s.lock):
            rc = socket_enter(s)
            if rc == 0:
                if flags & FLAG_DONTWAIT:
                    rc = socket_recv_now(s, &m)
                else:
                    rc = pattern_recv(&s.pattern, &m)
            if not copy:
                origin_take(&origin, s, rc)
            if rc == 0:
                rc = inbox_fill(&rest, s, &m)
            unlock_socket(s)
            if rc == -EAGAIN and not flags & FLAG_DONTWAIT:
                rc = self.recv_slow(&m, &rest, NULL if copy else &origin, flags, deadline)
        else:
            rc = self.recv_slow(&m, &rest, NULL if copy else &origin, flags, deadline)
        if rc < 0:
            release(&m)
            inbox_free(&rest)
            raise_transfer(s, rc, False, flags, timeout)
        try:
            parts.append(take_bytes(&m) if copy else frame_from(&m, &origin, track))
            for i in range(rest.count):
                if copy and rest.frames[i].size >= RX_SPARE_MIN and zc_load_relaxed_u32(&s.nsessions):
                    parts.append(large_bytes(s, &rest.frames[i]))
                elif copy:
                    parts.append(take_bytes(&rest.frames[i]))
                else:
                    if origin.props != NULL:
                        metadata_ref(origin.props)
                    parts.append(frame_from(&rest.frames[i], &origin, track))
        finally:
            inbox_free(&rest)
        return parts

    def recv_into(self, buffer: Any, /, *, Py_ssize_t nbytes: int = 0, int flags: int = 0, timeout: float | None = None) -> int:
        """Receive one frame into memory that is there already.

        Args:
            buffer (buffer): contiguous memory that can be written to, such as a bytearray.
            nbytes (int): bytes to store at most; 0 is the whole buffer. Default 0.
            flags (int): zmq.DONTWAIT (do not wait). Default 0.
            timeout (float): milliseconds to wait at most; None and negative numbers leave it to the option RCVTIMEO, which holds in any case.
                Default None.

        Returns:
            int: the size of the frame. If it is larger than what was stored, the rest is lost.

        Raises:
            ValueError: `nbytes` is negative or larger than the buffer.
            BufferError: the memory cannot be written to, or has gaps.
            TypeError: it is no buffer.
            Again, ZMQError, ContextTerminated: as `recv()`.

        Example:
            >>> memory = bytearray(10)
            >>> push.send(b"hello")
            >>> pull.recv_into(memory)
            5
            >>> bytes(memory[:5])
            b'hello'
        """
        cdef Py_buffer view
        cdef socket_t *s = self.s
        cdef msg_t m
        cdef int rc
        cdef uint64_t deadline
        cdef Py_ssize_t size
        if nbytes < 0:
            raise ValueError(f"nbytes={nbytes} must be non-negative")
        self.check()
        deadline = deadline_of(timeout)
        writable_buffer(buffer, &view)
        try:
            if nbytes > view.len:
                raise ValueError(f"nbytes={nbytes} too big for memoryview of {view.len}B")
            if nbytes == 0:
                nbytes = view.len
            m.kind = MSG_EMPTY
            if zc_lock_try(&s.lock):
                rc = socket_enter(s)
                if rc == 0:
                    rc = socket_recv_now(s, &m)
                unlock_socket(s)
                if rc == -EAGAIN and not flags & FLAG_DONTWAIT:
                    rc = self.recv_slow(&m, NULL, NULL, flags, deadline)
            else:
                rc = self.recv_slow(&m, NULL, NULL, flags, deadline)
            if rc < 0:
                raise_transfer(s, rc, False, flags, timeout)
            size = <Py_ssize_t> m.size
            zc_copy(view.buf, msg_data(&m), min(size, nbytes))
            release(&m)
            return size
        finally:
            PyBuffer_Release(&view)

    def send_many(self, iterable: Iterable[Any], int flags: int = 0, *, timeout: float | None = None) -> int:
        """Send a batch: each item is one message of one frame. For small messages twice as fast as a loop of `send()`.

        Args:
            iterable (Iterable[bytes | buffer | Frame]): the messages.
            flags (int): zmq.DONTWAIT (do not wait). Default 0.
            timeout (float): milliseconds to wait at most, for the whole batch; None and negative numbers leave it to the option SNDTIMEO,
                which holds for each message in any case. Default None.

        Returns:
            int: how many were sent; fewer than all if DONTWAIT, `timeout` or SNDTIMEO ended the call.

        Raises:
            Again (EAGAIN): none could be sent.
            TypeError: an item cannot be sent; those before it have been.
            ZMQError, ContextTerminated: as `send()`.

        Example:
            >>> push.send_many([b"a", b"b", b"c"])
            3
            >>> pull.recv_many(3)
            [b'a', b'b', b'c']
        """
        cdef msg_t m[SEND_BATCH]
        cdef Py_ssize_t sent = 0
        cdef Py_ssize_t n, done
        cdef int rc = 0
        cdef uint64_t deadline
        cdef object error = None
        cdef bint ended = False
        if self._asked & ASKED_SEND:
            return self._send_many_by_send(iterable, flags, timeout)
        self.check()
        deadline = deadline_of(timeout)
        items = iter(iterable)
        while rc == 0 and not ended:
            n = done = 0
            try:
                while n < SEND_BATCH:
                    item = next(items)
                    if PyBytes_CheckExact(item):
                        msg_of_bytes(&m[n], item)
                    else:
                        self.message_from(&m[n], item, True, False)
                    n += 1
            except StopIteration:
                ended = True
            except BaseException as raised:
                error = raised
                ended = True
            try:
                rc = self.send_batch(m, n, flags, deadline, &done)
            finally:
                for i in range(n):
                    release(&m[i])
            sent += done
        if zc_decref_pending():
            zc_decref_drain()
        if rc < 0 and not (rc == -EAGAIN and sent):
            raise_transfer(self.s, rc, True, flags, timeout)
        if error is not None and rc == 0:
            raise error
        return sent

    cdef int send_batch(self, msg_t *m, Py_ssize_t n, int flags, uint64_t deadline, Py_ssize_t *done) except? -1:
        """Sends until one finds no room in spite of waiting. `done` counts those that were sent."""
        cdef socket_t *s = self.s
        cdef int rc
        while done[0] < n:
            rc = -EAGAIN
            if not copies_long(s, &m[done[0]]) and zc_lock_try(&s.lock):
                rc = socket_enter(s)
                while rc >= 0 and done[0] < n and not copies_long(s, &m[done[0]]):
                    rc = socket_try_send(s, &m[done[0]])
                    if rc >= 0:
                        done[0] += 1
                        if s.host.flush_now == FLUSH_FULL:
                            break       # written without the GIL
                unlock_socket(s)
            if rc == -EAGAIN:
                rc = self.send_slow(&m[done[0]], flags, deadline)
                if rc >= 0:
                    done[0] += 1
            if rc < 0:
                return rc
        return 0

    def recv_many(self, Py_ssize_t max: int = 1000, int flags: int = 0, *, timeout: float | None = None) -> list[bytes]:
        """Receive a batch: wait for one frame, and take further ones as far as they are there.

        For messages of one frame; of longer ones the list does not tell where each begins.

        Args:
            max (int): frames to take at most. Default 1000.
            flags (int): zmq.DONTWAIT (do not wait for the first), by name: `recv_many(zmq.DONTWAIT)` is max=1, and waits. Default 0.
            timeout (float): milliseconds to wait at most; None and negative numbers leave it to the option RCVTIMEO, which holds in any case.
                Default None.

        Returns:
            list[bytes]: one to `max` frames, or an empty list if `max` is 0 or less.

        Raises:
            Again, ZMQError, ContextTerminated: as `recv()`, for the first frame.

        Example:
            >>> push.send_many([b"a", b"b", b"c"])
            3
            >>> pull.recv_many(2), pull.recv_many()
            ([b'a', b'b'], [b'c'])
        """
        cdef socket_t *s = self.s
        cdef list out = []
        cdef msg_t m[RECV_BATCH]
        cdef int n = RECV_BATCH
        cdef int taken
        cdef int i
        if self._asked & ASKED_RECV:
            return self._recv_many_by_recv(max, flags, timeout)
        if max <= 0:
            return out
        out.append(Socket.recv(self, flags) if timeout is None else Socket.recv(self, flags, timeout=timeout))
        while n == RECV_BATCH and len(out) < max:
            n = <int> min(max - len(out), RECV_BATCH)
            if zc_lock_try(&s.lock):
                taken = recv_batch(s, m, n)
                unlock_socket(s)
            else:
                with nogil:
                    zc_lock_acquire(&s.lock)
                    taken = recv_batch(s, m, n)
                    leave_socket(s)
            n = taken
            i = 0
            try:
                while i < n:
                    i += 1
                    out.append(take_bytes(&m[i - 1]))
            finally:
                while i < n:
                    release(&m[i])
                    i += 1
        return out
