# Input of a session: reads in large pieces, has the engine decode in place, puts whole messages into the pipe.
#
# Rules
# - A chunk is filled front to back. Undecoded bytes stay in it; when too little room is left they move to the front of
#   a fresh one.
# - Small frames are copied into the ring; middle-sized ones become views of the chunk when it was filled by a large
#   read (so a few frames cannot pin a mostly empty chunk); large ones get a block that grows only with bytes that
#   arrived.
# - MAXMSGSIZE and the limits of whole messages are tested before anything is reserved.
# - A connection that waits for the rest of a small frame holds, among many, a block of the bytes that have come and no
#   chunk (receive_settle).
# - An announced length reserves RX_GROW_FIRST at most, or as much as the same connection has sent in one frame before.
# - A full ring stops decoding at a message boundary (`pipe.stalled`) and, once the chunk cannot take more, reading.
# - Frames of a message become visible together; a connection that ends in between is rolled back by the ring.
# - Of an ENGINE_OPAQUE frame only the size is known until all of it is here; then frame_open() tells what it is. A body of
#   an ENGINE_MASKED frame is of no use before unmask().
# - A frame that arrives in pieces (ENGINE_PIECE) is gathered by the engine, which hands it out with the last of them. Room in
#   the ring is asked for before each.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport free, zc_copy
from libc.string cimport memcpy, memmove
from base.config cimport (
    RX_BEHIND, RX_CHUNK_MIN_ROOM, RX_VIEW_MAX, RX_GROW_FIRST, RX_GROW_PROVEN, MSG_INLINE_MAX, RX_SPARE_MIN,
)
from base.atomics cimport zc_add_u32, zc_sub_u32
from base.errors cimport EAGAIN, EMSGSIZE, ENOMEM, EPIPE
from base.platform cimport zc_iovec_t, zc_iov_set
from engine.ops cimport (
    ENGINE_MASKED, ENGINE_MORE, ENGINE_OPAQUE, ENGINE_PIECE, ENGINE_SIGNAL, ENGINE_STREAM, engine_frame_t,
)
from engine.select cimport engine_frame_get
from message.message cimport (
    msg_t, buffer_t, msg_alloc, msg_grow, msg_set, msg_data, msg_close, MSG_EMPTY, MSG_INLINE, MSG_VIEW, MSG_MORE,
    MSG_EXACT,
)
from message.buffer cimport buffer_alone, buffer_new, pool_give, pool_take
from pipe.ring cimport ring_slot, ring_commit, ring_full
from session.account cimport receive_account
from session.session cimport session_t
from session.signals cimport receive_signal
from transport.ops cimport stream_read, stream_readv

cdef enum:
    # In msg_t.flags of `big`.
    RECEIVE_SIGNAL = 128        # the frame is a signal
    RECEIVE_PIECE = 64          # it is a piece of a frame


cdef inline int receive_rest(session_t *s, const unsigned char *body, size_t avail, engine_frame_t *f,
                             bint more) noexcept nogil:
    """Only `avail` bytes of the body are here. 1: a block of its own has been begun for it; 0: it waits in the chunk;
    negative errno."""
    cdef int rc
    if f.size <= RX_VIEW_MAX:
        return 0
    if f.flags & (ENGINE_SIGNAL | ENGINE_PIECE):
        rc = receive_begin_big(s, body, avail, f.size, RECEIVE_SIGNAL if f.flags & ENGINE_SIGNAL else RECEIVE_PIECE)
        return rc if rc < 0 else 1
    if (more or f.flags & ENGINE_MORE) and not s.engine.traits & ENGINE_OPAQUE:
        rc = receive_account(s, f.size, more)
        if rc < 0:
            return rc
    rc = receive_begin_big(s, body, avail, f.size, f.flags & ENGINE_MORE)
    return rc if rc < 0 else 1


cdef inline int receive_open(session_t *s, unsigned char **body, engine_frame_t *f) noexcept nogil:
    """A whole frame that does not lie there as it was meant: *body and *f become what is. 0 or a negative errno."""
    cdef unsigned char *plain = NULL
    cdef size_t size = 0
    cdef int flags = 0
    cdef int rc
    if s.engine.traits & ENGINE_MASKED:
        s.engine.ops.unmask(s.engine, body[0], <size_t> f.size)
        return 0
    rc = s.engine.ops.frame_open(s.engine, body[0], <size_t> f.size, &flags, &plain, &size)
    body[0] = plain
    f.flags = flags
    f.size = size
    return rc


cdef inline void receive_view(session_t *s, msg_t *slot, unsigned char *body, size_t size,
                              uint32_t *views) noexcept nogil:
    """The payload stays in the chunk."""
    if views[0] == 0:
        # Counted before the view is given away, for a conflating ring closes it with the next commit; all at once, for
        # it is an atomic word.
        views[0] = (s.rx_end - <uint32_t> (body - s.rx.data)) // MSG_INLINE_MAX
        zc_add_u32(&s.rx.refs, views[0])
    views[0] -= 1
    slot.size = size
    slot.routing_id = 0
    slot.kind = MSG_VIEW
    slot.body.ref.data = body
    slot.body.ref.owner = s.rx


cdef inline int receive_store(session_t *s, unsigned char *body, engine_frame_t *f, uint32_t *views) noexcept nogil:
    """A frame of a message, into the pipe. 0 or -ENOMEM."""
    cdef msg_t *slot = ring_slot(s.pipe.inr)
    if slot == NULL:
        return -ENOMEM
    if f.size <= MSG_INLINE_MAX:
        slot.size = f.size
        slot.routing_id = 0
        slot.kind = MSG_INLINE
        memcpy(slot.body.inl, body, f.size)
    elif s.rx_bulk and f.size <= RX_VIEW_MAX:
        receive_view(s, slot, body, f.size, views)
    elif msg_set(slot, body, f.size) < 0:
        slot.kind = MSG_EMPTY
        return -ENOMEM
    slot.flags = f.flags & ENGINE_MORE
    ring_commit(s.pipe.inr)
    return 0


cdef inline int receive_beside(session_t *s, unsigned char *body, engine_frame_t *f, bint *more) noexcept nogil:
    """What is no whole frame of a message, or one in shared memory. As receive_signal()."""
    cdef int rc
    if f.flags & ENGINE_PIECE:
        return receive_piece(s, body, <size_t> f.size, more)
    s.rx_more = more[0]
    rc = receive_signal(s, body, <size_t> f.size)
    more[0] = s.rx_more
    return rc


cdef inline int receive_decode(session_t *s) noexcept nogil:
    """Decodes what is in the chunk. 0 or a negative errno that ends the connection."""
    cdef bint opaque = (s.engine.traits & ENGINE_OPAQUE) != 0
    cdef bint closed = (s.engine.traits & (ENGINE_OPAQUE | ENGINE_MASKED)) != 0
    cdef bint more = s.rx_more
    cdef uint32_t views = 0             # references of s.rx taken for views that are yet to be cut
    cdef unsigned char *at
    cdef unsigned char *end
    cdef unsigned char *body
    cdef unsigned char *next
    cdef engine_frame_t f
    cdef int rc = 0
    if s.rx == NULL or s.pipe.ended:
        return 0
    at = s.rx.data + s.rx_pos
    end = s.rx.data + s.rx_end
    s.pipe.stalled = False
    while at < end:
        rc = engine_frame_get(s.engine, at, end - at, &f)
        if rc <= 0:
            break
        if opaque:
            f.flags = 0                 # what stands outside means nothing, and must not get past a full pipe
        body = at + f.header
        if f.size > s.terms.frame_max and not s.engine.traits & ENGINE_STREAM:
            rc = -EMSGSIZE
            break
        if not f.flags & ENGINE_SIGNAL and not more and ring_full(s.pipe.inr):
            s.pipe.stalled = True
            s.pipe.marks_in += 1
            break
        if f.size > <size_t> (end - body):
            rc = receive_rest(s, body, end - body, &f, more)
            if rc > 0:
                at = end
            break
        next = body + f.size
        if closed:
            rc = receive_open(s, &body, &f)
            if rc < 0:
                break
        if f.flags & (ENGINE_SIGNAL | ENGINE_PIECE):
            rc = receive_beside(s, body, &f, &more)
            at = next if rc <= 0 else at
            if rc != 0:
                break
            continue
        if more or f.flags & ENGINE_MORE:
            rc = receive_account(s, f.size, more)
            if rc < 0:
                break
        rc = receive_store(s, body, &f, &views)
        if rc < 0:
            break
        more = f.flags & ENGINE_MORE
        at = next
    s.rx_more = more
    s.rx_pos = <uint32_t> (at - s.rx.data)
    if views:
        zc_sub_u32(&s.rx.refs, views)       # ours is left
    return rc if rc < 0 else 0


cdef inline bint receive_use_spare(session_t *s, uint64_t size) noexcept nogil:
    """A bytes object of just this size may lie ready. Only for a peer that has sent so much before: others could take
    one each with a few bytes."""
    cdef int i
    if size > s.big_proven or s.engine.traits & ENGINE_OPAQUE:
        return False
    for i in range(2):
        if s.host.spares[i].kind != MSG_EMPTY and s.host.spares[i].size == size:
            s.big = s.host.spares[i]
            s.host.spares[i].kind = MSG_EMPTY
            return True
    return False


cdef inline int receive_begin_big(session_t *s, const unsigned char *have, size_t n, uint64_t size,
                                  int flags) noexcept nogil:
    """A frame that will not fit a chunk: its own block, not much larger than what has come or came before."""
    cdef size_t room = s.big_proven if s.big_proven < RX_GROW_PROVEN else RX_GROW_PROVEN
    if size > <uint64_t> 0x7fffffffffffff00:
        return -EMSGSIZE
    if room < RX_GROW_FIRST:
        room = RX_GROW_FIRST
    if room > size:
        room = size
    if room < n:
        room = n
    if size >= RX_SPARE_MIN and flags & (RECEIVE_SIGNAL | RECEIVE_PIECE) == 0 and receive_use_spare(s, size):
        room = size
    elif msg_alloc(&s.big, room) < 0:
        return -ENOMEM
    if n:
        zc_copy(msg_data(&s.big), have, n)
    s.big.flags = (s.big.flags & MSG_EXACT) | <unsigned char> flags
    s.big_got = n
    s.big_room = room
    s.big_size = size
    return 0


cdef inline int receive_grow_big(session_t *s) noexcept nogil:
    cdef uint64_t room = s.big_room * <uint64_t> 2
    if room > s.big_size:
        room = s.big_size
    if msg_grow(&s.big, room) < 0:
        return -ENOMEM
    s.big_room = room
    return 0


cdef inline int receive_open_big(session_t *s) noexcept nogil:
    """`big` becomes what is inside it. 0 or a negative errno."""
    cdef unsigned char *plain = NULL
    cdef size_t size = 0
    cdef int flags = 0
    cdef int rc = s.engine.ops.frame_open(s.engine, msg_data(&s.big), s.big.size, &flags, &plain, &size)
    if rc < 0:
        return rc
    s.big.body.ref.data = plain
    s.big.size = size
    s.big.flags = MSG_MORE if flags & ENGINE_MORE else 0
    if flags & ENGINE_PIECE:
        s.big.flags = RECEIVE_PIECE
    elif flags & ENGINE_SIGNAL:
        s.big.flags = RECEIVE_SIGNAL
    elif s.rx_more or flags & ENGINE_MORE:
        return receive_account(s, size, s.rx_more)
    return 0


cdef inline int receive_place_big(session_t *s) noexcept nogil:
    """`big`, a whole frame or signal, to where it belongs. 0 or a negative errno."""
    cdef msg_t *slot
    cdef int rc
    if s.big.flags & RECEIVE_SIGNAL:
        rc = receive_signal(s, msg_data(&s.big), s.big.size)
        msg_close(&s.big)
        return rc
    slot = ring_slot(s.pipe.inr)
    if slot == NULL:
        return -ENOMEM
    slot[0] = s.big
    s.big.kind = MSG_EMPTY
    s.rx_more = (slot.flags & MSG_MORE) != 0
    ring_commit(s.pipe.inr)
    return 0


cdef inline int receive_piece(session_t *s, unsigned char *body, size_t n, bint *more) noexcept nogil:
    """A piece of a frame; more: as s.rx_more. 0 or a negative errno."""
    cdef int flags = 0
    cdef int rc = s.engine.ops.piece(s.engine, body, n, s.terms.frame_max, &flags, &s.big)
    if rc <= 0:
        return rc
    s.rx_more = more[0]
    s.big.flags = RECEIVE_SIGNAL if flags & ENGINE_SIGNAL else <unsigned char> (flags & ENGINE_MORE)
    rc = 0
    if s.engine.traits & ENGINE_OPAQUE:
        rc = receive_open_big(s)
    elif flags & ENGINE_MORE or (s.rx_more and not flags & ENGINE_SIGNAL):
        rc = receive_account(s, s.big.size, s.rx_more)
    if rc == 0:
        rc = receive_place_big(s)
    more[0] = s.rx_more
    return rc


cdef inline int receive_end_big(session_t *s) noexcept nogil:
    cdef msg_t piece
    cdef int rc
    s.big.size = s.big_size
    if s.big_proven < s.big_size:
        s.big_proven = s.big_size
    if s.engine.traits & ENGINE_MASKED:
        s.engine.ops.unmask(s.engine, msg_data(&s.big), s.big.size)
    elif s.engine.traits & ENGINE_OPAQUE:
        rc = receive_open_big(s)
        if rc < 0:
            return rc
    if not s.big.flags & RECEIVE_PIECE:
        return receive_place_big(s)
    piece = s.big
    s.big.kind = MSG_EMPTY
    rc = receive_piece(s, msg_data(&piece), piece.size, &s.rx_more)
    msg_close(&piece)
    return rc


cdef inline int receive_make_room(session_t *s) noexcept nogil:
    """A chunk with room for a worthwhile read. 0, -ENOMEM, or -EAGAIN while a stalled chunk is full."""
    cdef buffer_t *fresh
    cdef uint32_t left = s.rx_end - s.rx_pos
    if s.rx == NULL:
        s.rx = pool_take(&s.host.rx_pool)
        s.rx_pos = s.rx_end = 0
        s.rx_bulk = False
        return 0 if s.rx != NULL else -ENOMEM
    if s.rx.size - s.rx_end >= RX_CHUNK_MIN_ROOM:
        return 0
    if s.rx.size != s.host.rx_pool.size:
        # A block of receive_park(); full by nature.
        fresh = pool_take(&s.host.rx_pool)
        if fresh == NULL:
            return -ENOMEM
        memcpy(fresh.data, s.rx.data, left)
        free(s.rx)
        s.rx = fresh
        s.rx_pos = 0
        s.rx_end = left
        return 0
    if left + RX_CHUNK_MIN_ROOM > s.rx.size:
        return -EAGAIN
    if buffer_alone(s.rx):
        memmove(s.rx.data, s.rx.data + s.rx_pos, left)
    else:
        fresh = pool_take(&s.host.rx_pool)
        if fresh == NULL:
            return -ENOMEM
        memcpy(fresh.data, s.rx.data + s.rx_pos, left)
        pool_give(&s.host.rx_pool, s.rx)
        s.rx = fresh
    s.rx_pos = 0
    s.rx_end = left
    return 0


cdef inline void receive_release(session_t *s) noexcept nogil:
    """Nothing undecoded is left: the chunk goes back (views keep it alive by themselves)."""
    if s.rx != NULL and s.rx_pos == s.rx_end:
        pool_give(&s.host.rx_pool, s.rx)
        s.rx = NULL


cdef inline void receive_park(session_t *s) noexcept nogil:
    """Undecoded bytes move to a block of their size. Without memory they stay where they are."""
    cdef uint32_t left = s.rx_end - s.rx_pos
    cdef buffer_t *b = buffer_new(left)
    if b == NULL:
        return
    memcpy(b.data, s.rx.data + s.rx_pos, left)
    pool_give(&s.host.rx_pool, s.rx)
    s.rx = b
    s.rx_pos = 0
    s.rx_end = left
    s.rx_bulk = False


cdef inline void receive_settle(session_t *s) noexcept nogil:
    """Nothing more can be read for now."""
    receive_release(s)
    if s.rx != NULL and s.host.crowded and not s.pipe.stalled and s.rx.size == s.host.rx_pool.size:
        receive_park(s)


cdef inline int receive_nothing(session_t *s, ptrdiff_t n) noexcept nogil:
    """A read has brought nothing. 0: nothing to read now; negative errno: the connection is over."""
    receive_settle(s)
    if n == 0:
        return -EPIPE
    if n == -EAGAIN and s.stream.ops.heard != NULL and s.stream.ops.heard(&s.stream):
        s.heard = True
    return 0 if n == -EAGAIN else <int> n


cdef inline size_t receive_space(session_t *s) noexcept nogil:
    """How much the next read may bring into the chunk. Little behind a large frame: the next one tends to be large, too,
    and what of it lies in the chunk is copied once more."""
    cdef size_t room = s.rx.size - s.rx_end
    if room > RX_BEHIND and s.big.kind != MSG_EMPTY and s.big_size >= RX_SPARE_MIN:
        room = RX_BEHIND
    return room if room < s.terms.in_batch else s.terms.in_batch


cdef inline int receive_read_big(session_t *s) noexcept nogil:
    """One read for `big`. 1: bytes came for it; 2: it is complete, what came behind it is in the chunk; else as
    receive_nothing()."""
    cdef zc_iovec_t iov[2]
    cdef ptrdiff_t n
    cdef size_t rest
    cdef int rc
    if s.big_got == s.big_room and s.big_got < s.big_size and receive_grow_big(s) < 0:
        return -ENOMEM
    rest = s.big_room - s.big_got
    if s.big_room == s.big_size:
        # The frame's end is in reach: what follows it comes with the same system call.
        zc_iov_set(&iov[0], msg_data(&s.big) + s.big_got, rest)
        zc_iov_set(&iov[1], s.rx.data + s.rx_end, receive_space(s))
        n = stream_readv(&s.stream, iov, 2)
    else:
        n = stream_read(&s.stream, msg_data(&s.big) + s.big_got, rest)
    s.reads += 1
    if n <= 0:
        return receive_nothing(s, n)
    s.heard = True
    s.wire_in += n
    if <size_t> n < rest:
        s.big_got += n
        receive_release(s)
        return 1
    s.big_got += rest
    n -= rest
    if s.big_got < s.big_size:
        return 1
    rc = receive_end_big(s)
    if rc < 0:
        return rc
    s.rx_end += <uint32_t> n
    s.rx_bulk = n >= s.host.view_min
    return 2


cdef inline int receive_read(session_t *s) noexcept nogil:
    """One read and its decoding. 1 = bytes came, 0 = nothing to read now, negative errno = the connection is over
    (-EPIPE: end of stream)."""
    cdef ptrdiff_t n
    cdef int rc
    if s.pipe.stalled:
        rc = receive_decode(s)
        if rc < 0 or s.pipe.stalled:
            return rc
    rc = receive_make_room(s)
    if rc < 0:
        return 0 if rc == -EAGAIN else rc
    if s.big.kind != MSG_EMPTY:
        rc = receive_read_big(s)
        if rc < 2:
            return rc
    else:
        n = stream_read(&s.stream, s.rx.data + s.rx_end, receive_space(s))
        s.reads += 1
        if n <= 0:
            return receive_nothing(s, n)
        s.heard = True
        s.wire_in += n
        s.rx_end += <uint32_t> n
        s.rx_bulk = n >= s.host.view_min
    rc = receive_decode(s)
    if s.rx_bulk:
        receive_release(s)
    else:
        receive_settle(s)       # a short read has emptied the kernel's buffer
    return 1 if rc >= 0 else rc


cdef inline void receive_drop(session_t *s) noexcept nogil:
    """Forgets undecoded input."""
    msg_close(&s.big)
    if s.rx != NULL:
        pool_give(&s.host.rx_pool, s.rx)
        s.rx = NULL
    s.rx_pos = s.rx_end = 0
    s.rx_more = False
    s.big_proven = 0
