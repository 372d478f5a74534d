# Input of a session: reads in large pieces, decodes in place, puts whole messages into the pipe.
#
# Rules
# - A chunk is filled front to back. Undecoded octets stay in it; when too little room is left they move to the front of a fresh one.
# - Small frames are copied into the ring; middle-sized ones become views of the chunk when it was filled by a large read (so a few
#   frames cannot pin a mostly empty chunk); large ones get a block that grows only with octets that arrived.
# - MAXMSGSIZE and the limits of whole messages are tested before anything is reserved.
# - A connection that waits for the rest of a small frame holds, among many, a block of the octets that have come and no chunk (receive_settle).
# - An announced length reserves RX_GROW_FIRST at most, or as much as the same connection has sent in one frame before.
# - A full ring stops decoding at a message boundary (`pipe.stalled`) and, once the chunk cannot take more, reading.
# - Frames of a message become visible together; a connection that ends in between is rolled back by the ring.

from libc.stdint cimport uint32_t, uint64_t, int64_t
from base.memory cimport malloc, realloc, free
from libc.string cimport memcpy, memmove
from base.config cimport (
    RX_CHUNK_MIN_ROOM, RX_VIEW_MAX, RX_GROW_FIRST, RX_GROW_PROVEN, MSG_INLINE_MAX, RX_BULK, RX_SPARE_MIN,
)
from base.atomics cimport zc_add_u32, zc_sub_u32
from base.errors cimport EAGAIN, EMSGSIZE, ENOMEM, EPIPE
from base.platform cimport zc_iovec_t, zc_iov_set
from message.message cimport (
    msg_t, block_t, buffer_t, msg_init, msg_alloc, msg_data, msg_close, MSG_EMPTY, MSG_INLINE, MSG_HEAP, MSG_VIEW, MSG_MORE, MSG_EXACT,
    MSG_SUBSCRIBE, MSG_CANCEL,
)
from message.buffer cimport pool_take, pool_give, buffer_alone
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_t, ring_slot, ring_commit, ring_full, ring_mid_message
from session.session cimport session_t, session_want, SESSION_READY
from session.transmit cimport transmit_command
from transport.ops cimport stream_read, stream_readv
from zmtp.command cimport (
    command_t, command_parse, CMD_PING, CMD_PONG, CMD_SUBSCRIBE, CMD_CANCEL,
)
from zmtp.frame cimport frame_t, frame_get, frame_get_v1, FRAME_MORE, FRAME_COMMAND

cdef enum:
    TYPE_PUB = 1
    TYPE_XPUB = 9

cdef enum:
    RECEIVE_COMMAND = 128       # in msg_t.flags of `big`: the frame is a command


cdef inline int receive_command(session_t *s, const unsigned char *body, size_t size) noexcept nogil:
    """0 or a negative errno that ends the connection."""
    cdef command_t c
    cdef msg_t *slot
    cdef ring_t *r
    cdef int rc
    if size == 0:
        return 0
    rc = command_parse(body, size, &c)
    if rc < 0:
        return rc
    if c.kind == CMD_PING:
        transmit_command(s, CMD_PONG, 0, c.data, c.size)
        s.ttl_ns = <uint64_t> c.ttl_ds * 100000000
    elif c.kind == CMD_SUBSCRIBE or c.kind == CMD_CANCEL:
        if s.host.socket_type != TYPE_PUB and s.host.socket_type != TYPE_XPUB:
            return 0
        r = s.pipe.inr
        slot = ring_slot(r)
        if slot == NULL:
            return -ENOMEM
        if msg_alloc(slot, c.size) < 0:
            return -ENOMEM
        memcpy(msg_data(slot), c.data, c.size)
        slot.flags = MSG_SUBSCRIBE if c.kind == CMD_SUBSCRIBE else MSG_CANCEL
        if ring_mid_message(r):
            slot.flags |= MSG_MORE      # keeps the ring from publishing the unfinished message around it
        ring_commit(r)
    return 0


cdef inline int receive_account(session_t *s, uint64_t size, bint inside) noexcept nogil:
    """One frame of a message of several; `inside`: not its first. 0 or -EMSGSIZE."""
    if not inside:
        s.message_frames = 0
        s.message_bytes = 0
    s.message_frames += 1
    s.message_bytes += size
    if s.message_frames > s.host.message_frames_max or s.message_bytes > s.host.message_bytes_max:
        return -EMSGSIZE
    return 0


cdef inline int receive_decode(session_t *s) noexcept nogil:
    """Decodes what is in the chunk. 0 or a negative errno that ends the connection."""
    cdef pipe_t *p = s.pipe
    cdef ring_t *r = p.inr
    cdef unsigned char *data
    cdef uint32_t pos
    cdef uint32_t end
    cdef uint32_t views = 0             # references of s.rx taken for views that are yet to be cut
    cdef uint32_t avail
    cdef frame_t f
    cdef msg_t *slot
    cdef int rc = 0
    cdef bint v2 = s.version >= 2
    cdef bint more = s.rx_more
    if s.rx == NULL or p.ended:
        return 0
    data = s.rx.data
    pos = s.rx_pos
    end = s.rx_end
    p.stalled = False
    while pos < end:
        if v2:
            rc = frame_get(data + pos, end - pos, &f)
        else:
            rc = frame_get_v1(data + pos, end - pos, &f)
        if rc <= 0:
            break
        rc = 0
        if f.size > s.host.frame_max:
            rc = -EMSGSIZE
            break
        avail = end - pos - f.header
        if f.flags & FRAME_COMMAND:
            if f.size > avail:
                if f.size > RX_VIEW_MAX:
                    rc = receive_begin_big(s, data + pos + f.header, avail, f.size, RECEIVE_COMMAND)
                    pos = end
                break
            rc = receive_command(s, data + pos + f.header, f.size)
            pos += f.header + <uint32_t> f.size
            if rc < 0:
                break
            continue
        if not more and ring_full(r):
            p.stalled = True
            break
        if f.size > avail and f.size <= RX_VIEW_MAX:
            break
        if more or f.flags & FRAME_MORE:
            rc = receive_account(s, f.size, more)
            if rc < 0:
                break
        if f.size > avail:
            rc = receive_begin_big(s, data + pos + f.header, avail, f.size, f.flags & FRAME_MORE)
            pos = end
            break
        slot = ring_slot(r)
        if slot == NULL:
            rc = -ENOMEM
            break
        slot.size = f.size
        slot.routing_id = 0
        if f.size <= MSG_INLINE_MAX:
            slot.kind = MSG_INLINE
            memcpy(slot.body.inl, data + pos + f.header, f.size)
        elif s.rx_bulk and f.size <= RX_VIEW_MAX:
            if views == 0:
                # Counted before the view is given away, for a conflating ring closes it with the next commit; all at once, for it is an atomic word.
                views = (end - pos) // MSG_INLINE_MAX
                zc_add_u32(&s.rx.refs, views)
            views -= 1
            slot.kind = MSG_VIEW
            slot.body.ref.data = data + pos + f.header
            slot.body.ref.owner = s.rx
        else:
            if msg_alloc(slot, f.size) < 0:
                slot.kind = MSG_EMPTY
                rc = -ENOMEM
                break
            memcpy(msg_data(slot), data + pos + f.header, f.size)
        more = (f.flags & FRAME_MORE) != 0
        slot.flags = MSG_MORE if more else 0
        ring_commit(r)
        pos += f.header + <uint32_t> f.size
    s.rx_more = more
    s.rx_pos = pos
    if views:
        zc_sub_u32(&s.rx.refs, views)       # ours is left
    if rc > 0:
        rc = 0
    return rc


cdef inline bint receive_use_spare(session_t *s, uint64_t size) noexcept nogil:
    """A bytes object of just this size may lie ready. Only for who has sent so much before: others could take one each with a few octets."""
    cdef int i
    if size > s.big_proven:
        return False
    for i in range(2):
        if s.host.spares[i].kind != MSG_EMPTY and s.host.spares[i].size == size:
            s.big = s.host.spares[i]
            s.host.spares[i].kind = MSG_EMPTY
            return True
    return False


cdef inline int receive_begin_big(session_t *s, const unsigned char *have, size_t n, uint64_t size, int flags) noexcept nogil:
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
    if size >= RX_SPARE_MIN and flags & RECEIVE_COMMAND == 0 and receive_use_spare(s, size):
        room = size
    elif msg_alloc(&s.big, room) < 0:
        return -ENOMEM
    if n:
        memcpy(msg_data(&s.big), have, n)
    s.big.flags = (s.big.flags & MSG_EXACT) | <unsigned char> flags
    s.big_got = n
    s.big_room = room
    s.big_size = size
    return 0


cdef inline int receive_grow_big(session_t *s) noexcept nogil:
    cdef block_t *b
    cdef uint64_t room = s.big_room * <uint64_t> 2
    if room > s.big_size:
        room = s.big_size
    b = <block_t *> realloc(s.big.body.ref.owner, sizeof(block_t) + room)
    if b == NULL:
        return -ENOMEM
    s.big.body.ref.owner = b
    s.big.body.ref.data = b.data
    s.big_room = room
    s.big.size = room
    return 0


cdef inline int receive_end_big(session_t *s) noexcept nogil:
    cdef int rc
    cdef msg_t *slot
    s.big.size = s.big_size
    if s.big_proven < s.big_size:
        s.big_proven = s.big_size
    if s.big.flags & RECEIVE_COMMAND:
        rc = receive_command(s, msg_data(&s.big), s.big.size)
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
    """Undecoded octets move to a block of their size. Without memory they stay where they are."""
    cdef uint32_t left = s.rx_end - s.rx_pos
    cdef buffer_t *b = <buffer_t *> malloc(sizeof(buffer_t) + left)
    if b == NULL:
        return
    b.refs = 1
    b.size = left
    b.next = NULL
    b.data = <unsigned char *> (b + 1)
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


cdef inline int receive_read(session_t *s) noexcept nogil:
    """One read and its decoding. 1 = octets came, 0 = nothing to read now, negative errno = the connection is over (-EPIPE: end of stream)."""
    cdef zc_iovec_t iov[2]
    cdef ptrdiff_t n
    cdef size_t rest
    cdef int rc
    if s.pipe.stalled:
        rc = receive_decode(s)
        if rc < 0 or s.pipe.stalled:
            return rc
    rc = receive_make_room(s)
    if rc < 0:
        return 0 if rc == -EAGAIN else rc
    if s.big.kind != MSG_EMPTY:
        if s.big_got == s.big_room and s.big_got < s.big_size and receive_grow_big(s) < 0:
            return -ENOMEM
        rest = s.big_room - s.big_got
        if s.big_room == s.big_size:
            # The frame's end is in reach: what follows it comes with the same system call.
            zc_iov_set(&iov[0], msg_data(&s.big) + s.big_got, rest)
            zc_iov_set(&iov[1], s.rx.data + s.rx_end, s.rx.size - s.rx_end)
            n = stream_readv(&s.stream, iov, 2)
        else:
            n = stream_read(&s.stream, msg_data(&s.big) + s.big_got, rest)
        if n <= 0:
            receive_settle(s)
            return receive_nothing(n)
        s.heard = True
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
        s.rx_bulk = n >= RX_BULK
    else:
        n = stream_read(&s.stream, s.rx.data + s.rx_end, s.rx.size - s.rx_end)
        if n <= 0:
            receive_settle(s)
            return receive_nothing(n)
        s.heard = True
        s.rx_end += <uint32_t> n
        s.rx_bulk = n >= RX_BULK
    rc = receive_decode(s)
    if s.rx_bulk:
        receive_release(s)
    else:
        receive_settle(s)       # a short read has emptied the kernel's buffer
    return 1 if rc >= 0 else rc


cdef inline int receive_nothing(ptrdiff_t n) noexcept nogil:
    if n == 0:
        return -EPIPE
    return 0 if n == -EAGAIN else <int> n


cdef inline void receive_drop(session_t *s) noexcept nogil:
    """Forgets undecoded input."""
    msg_close(&s.big)
    if s.rx != NULL:
        pool_give(&s.host.rx_pool, s.rx)
        s.rx = NULL
    s.rx_pos = s.rx_end = 0
    s.rx_more = False
    s.big_proven = 0
