# What a call hands to the core and takes from it without the GIL: frames, whole messages, where they came from.

from base.memory cimport free, malloc
from base.errors cimport ENOMEM
from pattern.pattern cimport pattern_last_pipe, pattern_recv
from pipe.pipe cimport pipe_t
from session.session cimport session_t

cdef enum:
    FLAG_DONTWAIT = 1
    FLAG_SNDMORE = 2
    SEND_BATCH = 64             # messages of send_many() under one lock
    RECV_BATCH = 64             # and of recv_many()
    ASKED_SEND = 1              # bits of _asked
    ASKED_RECV = 2


cdef inline void msg_of_bytes(msg_t *m, object data) noexcept:
    """A frame that holds a reference of a bytes object."""
    m.kind = MSG_PYOBJ
    m.size = <size_t> PyBytes_GET_SIZE(data)
    m.body.ref.data = <unsigned char *> PyBytes_AS_STRING(data)
    m.body.ref.owner = <void *> data
    m.flags = MSG_EXACT
    m.routing_id = 0
    Py_INCREF(data)


# Frames of one message behind its first, collected under the lock and turned into Python objects after it.
cdef struct inbox_t:
    msg_t *frames
    Py_ssize_t count
    Py_ssize_t room
    msg_t on_stack[8]


cdef inline void inbox_init(inbox_t *b) noexcept nogil:
    b.frames = b.on_stack
    b.count = 0
    b.room = 8


cdef inline int inbox_fill(inbox_t *b, socket_t *s, msg_t *first) noexcept nogil:
    """Lock held; `first` was just received. The rest of a message is always there."""
    cdef bint more = (first.flags & MSG_MORE) != 0
    cdef msg_t *grown
    cdef int rc
    while more:
        if b.count == b.room:
            grown = <msg_t *> malloc(b.room * 2 * sizeof(msg_t))
            if grown == NULL:
                return -ENOMEM
            memcpy(grown, b.frames, b.count * sizeof(msg_t))
            if b.frames != b.on_stack:
                free(b.frames)
            b.frames = grown
            b.room *= 2
        rc = pattern_recv(&s.pattern, &b.frames[b.count])
        if rc < 0:
            return rc
        more = (b.frames[b.count].flags & MSG_MORE) != 0
        b.count += 1
    return 0


cdef inline void inbox_free(inbox_t *b) noexcept:
    cdef Py_ssize_t i
    for i in range(b.count):
        release(&b.frames[i])
    if b.frames != b.on_stack:
        free(b.frames)


cdef inline int recv_batch(socket_t *s, msg_t *m, int n) noexcept nogil:
    """Lock held. Takes up to `n` frames that are there; how many."""
    cdef int taken = 0
    if socket_enter(s) == 0:
        while taken < n:
            m[taken].kind = MSG_EMPTY
            if pattern_recv(&s.pattern, &m[taken]) < 0:
                break
            taken += 1
    return taken


# Where a received frame came from.
cdef struct Origin:
    metadata_t *props           # one counted reference, or NULL
    int fd
    bint remote                 # not known to have come over inproc
    msg_t group                 # MSG_EMPTY: none


cdef inline void origin_take(Origin *o, socket_t *s, int rc) noexcept nogil:
    """Lock held, a frame was just received (rc == 0) or not."""
    cdef pipe_t *p
    o.props = NULL
    o.fd = -1
    o.remote = True
    o.group.kind = MSG_EMPTY
    if rc != 0:
        return
    if s.pattern.group != NULL and msg_share(&o.group, s.pattern.group) < 0:
        o.group.kind = MSG_EMPTY
    p = pattern_last_pipe(&s.pattern)
    if p == NULL:
        return
    if p.link != NULL:
        o.remote = False
        return
    if p.session != NULL:
        o.fd = (<session_t *> p.session).stream.fd
        o.props = (<session_t *> p.session).props
    else:
        o.props = (<netpipe_t *> p).props       # the connection is gone
    if o.props != NULL:
        metadata_ref(o.props)


cdef inline void origin_drop(Origin *o) noexcept:
    metadata_unref(o.props)
    release(&o.group)


cdef int writable_buffer(buffer, Py_buffer *view) except -1:
    try:
        PyObject_GetBuffer(buffer, view, PyBUF_ANY_CONTIGUOUS | PyBUF_WRITABLE)
    except ValueError as error:         # what NumPy raises
        raise BufferError(str(error)) from None
    return 0


def fill(buffer, Frame frame, Py_ssize_t nbytes):
    """Copies a frame into a writable buffer, in the order of its memory; at most nbytes, 0 = all of it. Returns the frame's size."""
    cdef Py_buffer view
    writable_buffer(buffer, &view)
    zc_copy(view.buf, msg_data(&frame.m), min(<Py_ssize_t> frame.m.size, min(nbytes, view.len) if nbytes else view.len))
    PyBuffer_Release(&view)
    return <Py_ssize_t> frame.m.size


cdef Frame frame_from(msg_t *m, Origin *origin, bint track):
    """A Frame that takes over `m` and one reference of the properties."""
    cdef Frame frame = Frame.__new__(Frame)
    frame.m = m[0]
    frame.more = (m.flags & MSG_MORE) != 0
    frame.m.flags &= MSG_EXACT
    m.kind = MSG_EMPTY
    if track:
        frame.tracker = _finished_tracker()
    frame.fd = origin.fd
    frame._remote = origin.remote
    frame.received = True
    frame.props = origin.props
    if origin.group.kind != MSG_EMPTY:
        frame._group = take_bytes(&origin.group)
    return frame
