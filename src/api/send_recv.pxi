# Socket: sending and receiving. Life, endpoints and options are in socket.pxi, what the calls exchange with the core in received.pxi.
#
# Small frames of bytes go the short way: one lock, one pattern call, no Python object made or copied. Whatever finds no room (or nothing to
# receive) goes the long way, without the GIL.

from base.config cimport RX_SPARE_MIN
from socket.send_recv cimport (
    socket_abandon, socket_recv_now, socket_recv_wait, socket_send_now, socket_send_wait, socket_try_send,
)
from io.wait cimport wait_begin, wait_t


cdef class Socket(_SocketBase):
    """A ZeroMQ socket. Thread-safe: calls are serialised, multipart sends are atomic."""

    @cython.binding(False)
    @cython.embedsignature.format("clinic")
    def send(self, data, int flags=0, bint copy=True, bint track=False, routing_id=None, group=None):
        """Sends one frame: bytes, Frame or any contiguous buffer. flags: NOBLOCK 1, SNDMORE 2.

        copy=False lends the memory (above copy_threshold); track=True then returns a MessageTracker. Raises Again (NOBLOCK or SNDTIMEO),
        ZMQError (EFSM, ENOTSUP, EHOSTUNREACH, ...), ContextTerminated, TypeError for str.
        """
        cdef socket_t *s = self.s
        cdef msg_t m
        cdef int rc
        cdef object tracker = None
        if self._closed or s == NULL or s.fork_generation != zc_fork_generation():
            self.check()
        if PyBytes_CheckExact(data) and (copy or not track) and group is None and routing_id is None:
            msg_of_bytes(&m, data)
        else:
            if group is not None:
                raise_errno(-ENOTSUP)       # RADIO only
            tracker = self.message_from(&m, data, copy, track)
            if routing_id is not None:
                m.routing_id = routing_id
        if flags & FLAG_SNDMORE:
            m.flags |= MSG_MORE
        rc = -EAGAIN
        if zc_lock_try(&s.lock):
            rc = socket_enter(s)
            if rc == 0:
                rc = socket_try_send(s, &m)
            unlock_socket(s)
        if rc == -EAGAIN:
            rc = self.send_slow(&m, flags)
        release(&m)
        if zc_giveback_pending():
            zc_giveback_drain()
        if rc != 0 and (rc < 0 or flags & FLAG_DONTWAIT):
            raise_errno(rc if rc < 0 else -EAGAIN)
        return tracker

    cdef int send_slow(self, msg_t *m, int flags) except? -1:
        """The frame found no room, or another thread in the socket. As send_rest(). On an exception the frame is released."""
        try:
            return self.send_rest(m, 1, 0, flags)
        except BaseException:
            release(m)
            raise

    cdef object message_from(self, msg_t *m, data, bint copy, bint track):
        """Fills `m` from anything that can be sent. The tracker of lent memory, or None."""
        cdef Frame frame
        cdef Py_buffer view
        msg_init(m)
        if isinstance(data, str):
            raise TypeError("unicode not allowed, use send_string")
        if isinstance(data, Frame):
            frame = <Frame> data
            if track and not copy and not frame.tracker:
                raise ValueError("Not a tracked message: create the frame with track=True")
            if copy and PyBytes_CheckExact(frame._bytes):
                data = frame._bytes
            else:
                if frame.share(m) < 0:
                    raise MemoryError
                m.flags &= MSG_EXACT
                return frame.tracker if not copy else None
        PyObject_GetBuffer(data, &view, PyBUF_ANY_CONTIGUOUS)
        try:
            if copy or view.len < self.copy_threshold:
                if msg_set(m, view.buf, <size_t> view.len) < 0:
                    raise MemoryError
                return None if copy else _finished_tracker()
        finally:
            PyBuffer_Release(&view)
        frame = Frame(data, track=track, copy=False)
        msg_share(m, &frame.m)
        m.flags &= MSG_EXACT
        return frame.tracker

    @cython.binding(False)
    @cython.embedsignature.format("clinic")
    def recv(self, int flags=0, bint copy=True, bint track=False):
        """Receives one frame: bytes, or a Frame with copy=False. flags: NOBLOCK 1.

        Raises Again (NOBLOCK or RCVTIMEO), ZMQError (EFSM, ENOTSUP, ...), ContextTerminated.
        """
        cdef socket_t *s = self.s
        cdef msg_t m
        cdef int rc
        cdef Origin origin
        if self._closed or s == NULL or s.fork_generation != zc_fork_generation():
            self.check()
        m.kind = MSG_EMPTY
        if zc_lock_try(&s.lock):
            rc = socket_enter(s)
            if rc == 0:
                if flags & FLAG_DONTWAIT:
                    rc = socket_recv_now(s, &m)
                else:
                    rc = pattern_recv(&s.pattern, &m)
            if not copy:
                origin_take(&origin, s, rc)
            unlock_socket(s)
            if rc == -EAGAIN and not flags & FLAG_DONTWAIT:
                rc = self.recv_slow(&m, NULL, NULL if copy else &origin, flags)
        else:
            rc = self.recv_slow(&m, NULL, NULL if copy else &origin, flags)
        if rc < 0:
            raise_errno(rc)
        if copy:
            if m.size >= RX_SPARE_MIN and s.nsessions:
                self.offer_spares(m.size)
            return take_bytes(&m)
        return frame_from(&m, &origin, track)

    cdef int offer_spares(self, size_t size) except -1:
        """Large frames tend to come in one size: bytes objects are laid ready for the next ones, to be read into directly."""
        cdef socket_t *s = self.s
        cdef msg_t fresh
        cdef msg_t old
        cdef bint wanted
        cdef int i
        for i in range(2):
            # A favour: not done if another thread is inside. The object is made without the lock, for that may fail.
            if not zc_lock_try(&s.lock):
                return 0
            wanted = s.state == SOCKET_OPEN and not (s.host.spares[i].kind != MSG_EMPTY and s.host.spares[i].size == size)
            zc_lock_release(&s.lock)
            if not wanted:
                continue
            try:
                msg_of_bytes(&fresh, PyBytes_FromStringAndSize(NULL, <Py_ssize_t> size))
            except MemoryError:
                return 0            # what was received has found its room; the next frame will, or not
            old.kind = MSG_EMPTY
            if zc_lock_try(&s.lock):
                if s.state == SOCKET_OPEN:
                    old = s.host.spares[i]
                    s.host.spares[i] = fresh
                    fresh.kind = MSG_EMPTY
                zc_lock_release(&s.lock)
            release(&fresh)
            release(&old)
        return 0

    cdef int recv_slow(self, msg_t *m, inbox_t *rest, Origin *origin, int flags) except? -1:
        """Waits for a frame as long as flags and RCVTIMEO allow; with `rest` the whole message is taken under the same lock."""
        cdef socket_t *s = self.s
        cdef int rc
        cdef wait_t until
        cdef bint wait = not (flags & FLAG_DONTWAIT or s.opt.rcvtimeo == 0)
        wait_begin(&until, s.opt.rcvtimeo)
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
            if rc != -EINTR:
                return rc
            PyErr_CheckSignals()

    @cython.binding(False)
    @cython.embedsignature.format("clinic")
    def send_multipart(self, msg_parts, int flags=0, bint copy=True, bint track=False, **kwargs):
        """Sends an iterable of frames as one message, atomically. As send(); raises TypeError before anything is sent if a part cannot be."""
        cdef socket_t *s = self.s
        cdef msg_t on_stack[8]
        cdef msg_t *m = on_stack
        cdef list parts = list(msg_parts)
        cdef Py_ssize_t n = len(parts)
        cdef Py_ssize_t i
        cdef Py_ssize_t filled = 0
        cdef int rc = 0
        cdef object part
        cdef object tracker = None
        if self._asked & ASKED_SEND:
            return self._send_multipart_by_send(parts, flags, copy, track)
        self.check()
        if n == 0:
            raise IndexError("a message has one frame at least")
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
            if zc_lock_try(&s.lock):
                rc = socket_enter(s)
                while rc >= 0 and i < n:
                    rc = socket_try_send(s, &m[i])
                    if rc >= 0:
                        i += 1
                if rc == -ENOMEM and i:
                    socket_abandon(s)
                unlock_socket(s)
            if rc == -EAGAIN:
                rc = self.send_rest(m, n, i, flags)
        finally:
            for i in range(filled):
                release(&m[i])
            if m != on_stack:
                PyMem_Free(m)
        if zc_giveback_pending():
            zc_giveback_drain()
        if rc < 0:
            raise_errno(rc)
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

    cdef int send_rest(self, msg_t *m, Py_ssize_t n, Py_ssize_t i, int flags) except? -1:
        """Frame number `i` (the first of its message, unless frames of an earlier send are pending) found no room, or another thread in the
        socket. Drives the connections, waits as long as flags and SNDTIMEO allow."""
        cdef socket_t *s = self.s
        cdef int rc
        cdef wait_t until
        cdef bint wait = not (flags & FLAG_DONTWAIT or s.opt.sndtimeo == 0)
        wait_begin(&until, s.opt.sndtimeo)
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
            if rc != -EINTR:
                return rc
            PyErr_CheckSignals()

    @cython.binding(False)
    @cython.embedsignature.format("clinic")
    def recv_multipart(self, int flags=0, bint copy=True, bint track=False):
        """Receives a whole message as a list of frames (bytes, or Frame with copy=False). As recv()."""
        cdef socket_t *s = self.s
        cdef msg_t m
        cdef inbox_t rest
        cdef int rc
        cdef Py_ssize_t i
        cdef list parts = []
        cdef Origin origin
        if self._asked & ASKED_RECV:
            return self._recv_multipart_by_recv(flags, copy, track)
        if self._closed or s == NULL or s.fork_generation != zc_fork_generation():
            self.check()
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
                rc = self.recv_slow(&m, &rest, NULL if copy else &origin, flags)
        else:
            rc = self.recv_slow(&m, &rest, NULL if copy else &origin, flags)
        if rc < 0:
            release(&m)
            inbox_free(&rest)
            raise_errno(rc)
        try:
            parts.append(take_bytes(&m) if copy else frame_from(&m, &origin, track))
            for i in range(rest.count):
                if copy:
                    parts.append(take_bytes(&rest.frames[i]))
                else:
                    if origin.props != NULL:
                        metadata_ref(origin.props)
                    parts.append(frame_from(&rest.frames[i], &origin, track))
        finally:
            inbox_free(&rest)
        return parts

    def recv_into(self, buffer, /, *, Py_ssize_t nbytes=0, int flags=0):
        """Receives one frame into a writable buffer (at most nbytes, 0 = all of it). Returns the size of the frame received, which
        may be more than was stored. Raises ValueError for a bad nbytes, and as recv()."""
        cdef Py_buffer view
        cdef socket_t *s = self.s
        cdef msg_t m
        cdef int rc
        cdef Py_ssize_t size
        if nbytes < 0:
            raise ValueError(f"nbytes={nbytes} must be non-negative")
        self.check()
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
                    rc = self.recv_slow(&m, NULL, NULL, flags)
            else:
                rc = self.recv_slow(&m, NULL, NULL, flags)
            if rc < 0:
                raise_errno(rc)
            size = <Py_ssize_t> m.size
            memcpy(view.buf, msg_data(&m), min(size, nbytes))
            release(&m)
            return size
        finally:
            PyBuffer_Release(&view)

    def send_many(self, iterable, int flags=0):
        """Sends each item as one single-frame message, many of them under one lock. Returns how many were sent: all, unless NOBLOCK or SNDTIMEO
        ended the call. Raises Again if none was; TypeError for an item that cannot be sent, after those before it have been; as send() else."""
        cdef msg_t m[64]                # SEND_BATCH
        cdef Py_ssize_t sent = 0
        cdef Py_ssize_t n, done
        cdef int rc = 0
        cdef object error = None
        cdef bint ended = False
        if self._asked & ASKED_SEND:
            return self._send_many_by_send(iterable, flags)
        self.check()
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
                rc = self.send_batch(m, n, flags, &done)
            finally:
                for i in range(n):
                    release(&m[i])
            sent += done
        if zc_giveback_pending():
            zc_giveback_drain()
        if rc < 0 and not (rc == -EAGAIN and sent):
            raise_errno(rc)
        if error is not None and rc == 0:
            raise error
        return sent

    cdef int send_batch(self, msg_t *m, Py_ssize_t n, int flags, Py_ssize_t *done) except? -1:
        """Sends until one finds no room in spite of waiting. `done` counts those that were sent."""
        cdef socket_t *s = self.s
        cdef int rc
        while done[0] < n:
            rc = -EAGAIN
            if zc_lock_try(&s.lock):
                rc = socket_enter(s)
                while rc >= 0 and done[0] < n:
                    rc = socket_try_send(s, &m[done[0]])
                    if rc >= 0:
                        done[0] += 1
                        if s.host.flush_now:
                            break       # written without the GIL
                unlock_socket(s)
            if rc == -EAGAIN:
                rc = self.send_slow(&m[done[0]], flags)
                if rc >= 0:
                    done[0] += 1
            if rc < 0:
                return rc
        return 0

    def recv_many(self, Py_ssize_t max=1000, int flags=0):
        """Receives up to `max` frames: waits for the first as recv() does, takes what is there. A list of bytes, which does not tell where
        messages of several frames begin."""
        cdef socket_t *s = self.s
        cdef list out = []
        cdef msg_t m[64]                # RECV_BATCH
        cdef int n = RECV_BATCH
        cdef int taken
        cdef int i
        if self._asked & ASKED_RECV:
            return self._recv_many_by_recv(max, flags)
        if max <= 0:
            return out
        out.append(Socket.recv(self, flags))
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
