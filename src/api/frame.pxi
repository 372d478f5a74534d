# Frame: one frame as a Python object, and MessageTracker: when its memory is no longer used.

from base.memory cimport free, zc_copy, zc_copy_count
from base.atomics cimport zc_load_relaxed_u32, zc_sub_u32
from message.message cimport (
    block_t, held_t, msg_t, share_t, msg_init, msg_set, msg_data, msg_close, msg_share, MSG_EMPTY, MSG_HEAP, MSG_MORE,
    MSG_PYOBJ, MSG_PYSHARED, MSG_SEGMENT, MSG_EXACT,
)
from base.mechanisms cimport CURVE_KEY_SIZE
from option.key cimport key_read
from zmtp.metadata cimport metadata_t, metadata_find, metadata_ref, metadata_unref

cdef object _package = None


cdef object default_threshold():
    """zmqcore.COPY_THRESHOLD, which programs set."""
    global _package
    if _package is None:
        import zmqcore
        _package = zmqcore
    return _package.COPY_THRESHOLD


cdef double TRACKER_LOOK_S = 0.005     # how often a waiting tracker takes back what threads without the GIL have let go


cdef inline void release(msg_t *m) noexcept:
    """msg_close() with the GIL: a Python reference goes at once. No lock may be held."""
    cdef share_t *s
    if m.kind == MSG_PYOBJ:
        m.kind = MSG_EMPTY
        Py_DECREF(<object> m.body.ref.owner)
    elif m.kind == MSG_PYSHARED:
        s = <share_t *> m.body.ref.owner
        m.kind = MSG_EMPTY
        if zc_sub_u32(&s.refs, 1) == 1:
            Py_DECREF(<object> s.object)
            free(s)
    else:
        msg_close(m)


cdef inline object take_bytes(msg_t *m):
    """The payload as bytes; `m` owns nothing afterwards. A bytes object that was sent inproc comes out as itself."""
    cdef object result
    if m.kind == MSG_PYOBJ and m.flags & MSG_EXACT:
        result = <object> m.body.ref.owner
        m.kind = MSG_EMPTY
        Py_DECREF(result)
        return result
    zc_copy_count(m.size)
    try:
        return PyBytes_FromStringAndSize(<char *> msg_data(m), <Py_ssize_t> m.size)
    finally:
        release(m)


cdef extern from *:
    """
    #define zc_is_bytes(object) PyBytes_CheckExact((PyObject *) (object))
    #define zc_only_reference(object) (Py_REFCNT((PyObject *) (object)) == 1)
    """
    bint zc_is_bytes(void *object) nogil
    bint zc_only_reference(void *object) nogil


cdef class _Hold:
    """Memory of another object lent to the core; its end tells a tracker."""
    cdef Py_buffer view
    cdef bint viewed
    cdef object event

    def __cinit__(self, data, event):
        self.event = event
        PyObject_GetBuffer(data, &self.view, PyBUF_ANY_CONTIGUOUS)
        self.viewed = True

    def __dealloc__(self):
        if self.viewed:
            PyBuffer_Release(&self.view)
        if self.event is not None:
            self.event.set()


class MessageTracker:
    """Tell whether memory that was lent with copy=False is still in use.

    Args:
        *towatch (threading.Event | Frame | MessageTracker): what to wait for: events, Frames that were made
            with track=True, other trackers.

    Raises:
        ValueError: a Frame without a tracker.
        TypeError: anything else.
    """
    # Smaller than pyzmq's struct of this name, so that what was compiled against that is refused (docs/from-pyzmq.md). An object with a dict and
    # weak references is as large in Python 3.10; later ones have them elsewhere.
    if sys.version_info < (3, 11):
        __slots__ = ("__dict__",)

    def __init__(self, *towatch):
        self.events = set()
        self.peers = set()
        for obj in towatch:
            if isinstance(obj, threading.Event):
                self.events.add(obj)
            elif isinstance(obj, MessageTracker):
                self.peers.add(obj)
            elif isinstance(obj, Frame):
                if not obj.tracker:
                    raise ValueError("Not a tracked message: create the frame with track=True")
                self.peers.add(obj.tracker)
            else:
                raise TypeError(f"Require Events or Message Frames, not {type(obj)}")

    @property
    def done(self):
        """True when none of the memory is in use any more."""
        zc_decref_drain()
        return all(event.is_set() for event in self.events) and all(peer.done for peer in self.peers)

    def wait(self, timeout=-1):
        """Wait until none of the memory is in use.

        Args:
            timeout (float): seconds; negative and None wait without limit. Default -1.

        Raises:
            NotDone: the time is over.
        """
        import time
        deadline = None if timeout is None or timeout is False or timeout < 0 else time.monotonic() + timeout
        for event in self.events:
            while not event.is_set():
                zc_decref_drain()
                left = TRACKER_LOOK_S if deadline is None else min(TRACKER_LOOK_S, deadline - time.monotonic())
                if event.is_set():
                    break
                if left <= 0:
                    raise error_module().NotDone
                event.wait(left)
        for peer in self.peers:
            left = -1 if deadline is None else max(0, deadline - time.monotonic())
            peer.wait(left)


cdef class Frame:
    """One frame of a message: content, whether more frames follow, and properties of the connection it came by.

    A Frame is a buffer (`memoryview(frame)`). A received one can be written to, and belongs to its receiver:
    memory that others see, such as a bytes object sent over inproc, is copied first. One in shared memory
    (option SHARED_MEMORY) is read-only. One that lends memory of the program can be written to if that memory can.

    Attributes:
        more (bool): whether further frames of the message follow.
        tracker (MessageTracker | None): tells when lent memory is no longer in use.
        tracker_event (threading.Event | None): the same as an event.
        routing_id (int), group (str): of a SERVER's or RADIO's message.

    Args:
        data (bytes | buffer): the content; str raises TypeError. Default None: empty.
        track (bool): give it a `tracker`. Default False.
        copy (bool): False lends the memory instead of copying it. Default None: copy below `copy_threshold`.
        copy_threshold (int): bytes. Default None: zmqcore.COPY_THRESHOLD, 65536.

    Example:
        >>> frame = zmq.Frame(b"hello")
        >>> frame.bytes, len(frame), frame.more
        (b'hello', 5, False)
    """
    cdef msg_t m
    cdef metadata_t *props
    cdef int fd
    cdef readonly bint _remote      # received, and not known to have come over inproc
    cdef bint received
    cdef bint shown                 # as a buffer: the memory must stay where it is
    cdef bint read_only             # then
    cdef object _bytes
    cdef object _buffer         # weakref.ref of a memoryview, or None
    cdef public bint more
    cdef public object tracker
    cdef public object tracker_event
    cdef bytes _group               # None: none
    cdef object __weakref__

    def __cinit__(self, data=None, track=False, copy=None, copy_threshold=None, **kwargs):
        cdef _Hold hold
        cdef Py_ssize_t size
        msg_init(&self.m)
        self.fd = -1
        if data is None:
            if track:
                self.tracker = _finished_tracker()
            msg_set(&self.m, NULL, 0)
            return
        if isinstance(data, str):
            raise TypeError("Str objects not allowed. Only: bytes, buffer interfaces.")
        event = None
        if track:
            self.tracker_event = event = threading.Event()
            self.tracker = MessageTracker(event)
        if copy_threshold is None:
            copy_threshold = default_threshold()
        hold = _Hold(data, event)
        size = hold.view.len
        if copy is None:
            copy = size < copy_threshold
        if copy:
            if PyBytes_CheckExact(data):
                self._bytes = data
            if msg_set(&self.m, hold.view.buf, <size_t> size) < 0:
                raise MemoryError
            return
        self.m.kind = MSG_PYOBJ
        self.m.flags = 0
        self.m.size = <size_t> size
        self.m.routing_id = 0
        self.m.body.ref.data = <unsigned char *> hold.view.buf
        if PyBytes_CheckExact(data):
            self._bytes = data
            if not track:
                self.m.flags = MSG_EXACT
                self.m.body.ref.owner = <void *> data
                Py_INCREF(data)
                return
        self.m.body.ref.owner = <void *> hold
        Py_INCREF(hold)

    def __init__(self, data=None, track=False, copy=None, copy_threshold=None):
        pass

    def __dealloc__(self):
        release(&self.m)
        if self.props != NULL:
            metadata_unref(self.props)

    def __getbuffer__(self, Py_buffer *view, int flags):
        with cython.critical_section(self):
            if not self.shown:
                self.show()
        PyBuffer_FillInfo(view, self, msg_data(&self.m), <Py_ssize_t> self.m.size, self.read_only, flags)

    def __len__(self):
        return <Py_ssize_t> self.m.size

    def __getitem__(self, key):
        """get(key)."""
        return self.get(key)

    def __bytes__(self):
        return self.bytes

    def __copy__(self):
        return self.fast_copy()

    cdef int show(self) except -1:
        """Before the memory is seen as a buffer for the first time."""
        cdef msg_t *m = &self.m
        cdef msg_t own
        cdef void *owner
        cdef bint seen = False          # by somebody else
        self.read_only = False
        if m.kind == MSG_HEAP:
            seen = zc_load_relaxed_u32(&(<block_t *> m.body.ref.owner).refs) > 1
        elif m.kind == MSG_SEGMENT and not (<held_t *> m.body.ref.owner).writable:
            self.read_only = True       # a peer's memory, in place
        elif m.kind == MSG_SEGMENT:
            seen = self.received        # peers may have it, too
        elif m.kind == MSG_PYOBJ or m.kind == MSG_PYSHARED:
            owner = m.body.ref.owner if m.kind == MSG_PYOBJ else (<share_t *> m.body.ref.owner).object
            if zc_is_bytes(owner):
                # A bytes object that nobody else has was read into for us. It is not immutable any more, so nobody may get it later.
                seen = m.kind == MSG_PYSHARED or not zc_only_reference(owner) or not self.received
                self.read_only = seen
                if not seen:
                    m.flags &= ~MSG_EXACT
            else:
                self.read_only = seen = (<_Hold> <object> owner).view.readonly
        if seen and self.received:
            if msg_set(&own, msg_data(m), m.size) < 0:
                raise MemoryError
            release(m)
            m[0] = own
            self.read_only = False
        if not self.read_only:
            self._bytes = None          # and none is kept from now on
        self.shown = True
        return 0

    cdef int share(self, msg_t *m) except? -1:
        """msg_share(), which may change our own msg_t: one thread at a time, also where no GIL sees to it."""
        cdef int rc
        with cython.critical_section(self):
            rc = msg_share(m, &self.m)
        return rc

    def fast_copy(self):
        """Make another Frame over the same memory.

        Returns:
            Frame: a Frame of its own; the content is shared until one of them is written to.
        """
        cdef Frame other = Frame.__new__(Frame)
        if self.share(&other.m) < 0:
            raise MemoryError
        other.more = self.more
        other.tracker = self.tracker
        other.tracker_event = self.tracker_event
        other._bytes = self._bytes
        other._group = self._group
        other.fd = self.fd
        other._remote = self._remote
        other.received = self.received
        if self.props != NULL:
            metadata_ref(self.props)
            other.props = self.props
        return other

    @property
    def bytes(self):
        """The content as bytes. Made once, unless the Frame has been shown as a buffer that can be written to."""
        with cython.critical_section(self):
            if self._bytes is None or (self.shown and not self.read_only):
                zc_copy_count(self.m.size)
            if self.shown and not self.read_only:
                return PyBytes_FromStringAndSize(<char *> msg_data(&self.m), <Py_ssize_t> self.m.size)
            if self._bytes is None:
                self._bytes = PyBytes_FromStringAndSize(<char *> msg_data(&self.m), <Py_ssize_t> self.m.size)
            return self._bytes

    @property
    def buffer(self):
        """The content as a memoryview."""
        # Known weakly: the two would hold each other, and the memory would stay until the next garbage collection.
        cdef object known
        with cython.critical_section(self):
            known = self._buffer
        view = None if known is None else known()
        if view is None:
            view = memoryview(self)
            known = weakref.ref(view)
            with cython.critical_section(self):
                self._buffer = known
        return view

    @property
    def peer_key(self):
        """The public key of the peer that sent the frame, or None.

        A PublicKey that the peer has proved to have the secret of, in CURVE's handshake: the client's on a server, the server's on a client. `get("Peer-Key")`
        gives its text. None without CURVE, over inproc, and for Frames that were not received."""
        cdef const unsigned char *value = NULL
        cdef size_t size = 0
        cdef unsigned char key[CURVE_KEY_SIZE]
        if metadata_find(self.props, "Peer-Key", 8, &value, &size) < 0 or key_read(value, size, key) < 0:
            return None
        return keys_module().PublicKey((<char *> key)[:CURVE_KEY_SIZE])

    @property
    def authenticated(self):
        """Whether the peer that sent the frame has been authenticated.

        By what `secure_server()` allows (but for "*", which asks nobody who they are), by a ZAP handler that was shown a password, a key or a
        ticket, or, on a client, by the server's key. False otherwise, with the NULL mechanism whatever a handler says, over inproc, and for
        Frames that were not received."""
        return self.props != NULL and bool(self.props.authenticated)

    @property
    def _relayed(self):
        """Whether Peer-Address is that of a proxy on the way to the peer."""
        return self.props != NULL and bool(self.props.relayed)

    @property
    def group(self):
        """The group that a DISH received the frame for, or that a RADIO is to send it to: at most 255 bytes. "" if there is none."""
        return "" if self._group is None else self._group.decode("utf-8")

    @group.setter
    def group(self, value):
        self._group = group_name(value)

    @property
    def routing_id(self):
        """Which peer of a SERVER or PEER this frame came from, or is to go to: a number of 32 bits, never 0.

        RuntimeError if it was neither received by a SERVER or PEER nor set here."""
        if self.m.routing_id == 0:
            raise RuntimeError("this frame has no routing id: only SERVER and PEER sockets give one to what they receive")
        return self.m.routing_id

    @routing_id.setter
    def routing_id(self, value):
        if value == 0:
            raise_errno(-EINVAL)
        self.m.routing_id = value

    def __repr__(self):
        cdef size_t size = self.m.size
        name = "zmq.Frame" if type(self) is Frame else f"{type(self).__module__}.{type(self).__qualname__}"
        if size <= 16:
            return f"<{name}({self.bytes!r})>"
        length = f"{size}B" if size < 1000 else f"{size // 1000}kB" if size <= 1000000 else f"{size // 1000000}MB"
        return f"<{name}({bytes(self.buffer[:12])!r}...{length})>"

    def __eq__(self, other):
        if isinstance(other, Frame):
            return self.bytes == other.bytes
        if isinstance(other, bytes):
            return self.bytes == other
        return NotImplemented

    def __hash__(self):
        return hash(self.bytes)

    def get(self, option: int | str) -> int | str:
        """Read a property of the message or of the connection it came by. `frame[name]` is the same.

        Args:
            option (int | str): a MessageOption (zmq.MORE, zmq.SRCFD, zmq.SHARED), or a name: "Socket-Type",
                "Routing-Id" or "Identity" (of the peer), "Peer-Address", "Peer-Key", "User-Id", "group", "routing_id", and what the peer
                has set as METADATA ("X-...").

        Returns:
            int | str: the value, int for numbers and str for names.

        Raises:
            ZMQError (EINVAL): there is no such property. Frames that were not received, or came over inproc,
                have none of the connection's.
            TypeError: `option` is neither int nor str.

        Source: RFC 37 (ZMTP, metadata).
        """
        cdef const unsigned char *value = NULL
        cdef size_t size = 0
        cdef bytes name
        cdef int number
        if isinstance(option, int):
            number = option
            if number == 1:
                return 1 if self.more else 0
            if number == 2:
                if self.fd < 0:
                    raise_errno(-EINVAL, "the frame has come by no descriptor")
                return self.fd
            if number == 3:
                return 1 if self.m.kind == MSG_PYSHARED else 0
            raise_errno(-EINVAL, f"no such option of a message: {option}")
        if option == "routing_id" and self.m.routing_id != 0:
            return self.m.routing_id
        if option == "group" and self._group is not None:
            return self.group
        if isinstance(option, str):
            name = option.encode("utf-8")
        elif isinstance(option, bytes):
            name = option
        else:
            raise TypeError(f"expected str, got: {option!r}")
        if self.props == NULL or metadata_find(self.props, name, len(name), &value, &size) < 0:
            raise_errno(-EINVAL, f"the frame has no property {option!r}")
        return value[:size].decode("utf-8")

    def set(self, option: int | str, value: int | str) -> None:
        """Set `routing_id` or `group`. Options of a message cannot be set.

        Args:
            option (str): "routing_id" or "group".
            value (int | str): the value.

        Raises:
            ZMQError (EINVAL): the number of an option, or a value out of range.
            TypeError: another name, or a value of a wrong type.
        """
        cdef int number
        cdef long long wanted
        if option == "routing_id":
            self.routing_id = value
        elif option == "group":
            self.group = value
        else:
            # A TypeError or OverflowError for what is no number.
            number = option
            wanted = value
            raise_errno(-EINVAL)


_FINISHED_TRACKER = MessageTracker()
cdef object _finished = _FINISHED_TRACKER


cdef object _finished_tracker():
    """A tracker of memory that was never lent."""
    return _finished
