# A message of WebSocket in several frames (RFC 6455, 5.4): browsers send large ones so, and proxies may split any.
#
# Rules
# - The first piece says that the message is binary, the others continue it, the last one has FIN. Only control frames may
#   stand in between.
# - Pieces are gathered with their masks taken off. What is reserved for them is at most twice what has come; the whole is
#   held against the limit of a frame with every piece.
# - A piece may be empty, but not any number of them.
# - Whole messages pay nothing for this: while a message is in pieces, the engine's table has another frame_get.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from base.config cimport MSG_INLINE_MAX
from base.errors cimport EMSGSIZE, ENOMEM, EPROTO
from engine.ops cimport engine_frame_t, engine_t
from engine.websocket_frame cimport WS_BINARY, WS_CONTROL, WS_MASK_SIZE
from engine.websocket_state cimport websocket_frame_get, websocket_piece_get, websocket_t
from message.message cimport MSG_EMPTY, msg_alloc, msg_close, msg_data, msg_grow, msg_set, msg_t

cdef enum:
    PIECES_FIRST = 512          # room at first, so that it is a block of its own
    # A sender that flushes without having written makes an empty piece now and then. Many only keep us from other work.
    PIECES_EMPTY_MAX = 64


cdef inline int pieces_get_whole(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    """engine_ops_t.frame_get where a message may begin."""
    return websocket_frame_get(<websocket_t *> e, p, n, f)


cdef inline int pieces_get_next(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    """engine_ops_t.frame_get within one."""
    if p[0] & WS_CONTROL:
        return websocket_frame_get(<websocket_t *> e, p, n, f)
    return websocket_piece_get(<websocket_t *> e, p, n, f)


cdef inline void pieces_free(websocket_t *z) noexcept nogil:
    msg_close(&z.pieces.whole)


cdef inline int pieces_keep(websocket_t *z, const unsigned char *body, size_t n) noexcept nogil:
    """0 or -ENOMEM."""
    cdef msg_t *whole = &z.pieces.whole
    cdef size_t got = z.pieces.got
    cdef size_t room = PIECES_FIRST
    if whole.kind == MSG_EMPTY:
        if msg_alloc(whole, n if n > room else room) < 0:
            return -ENOMEM
    elif n > whole.size - got:
        room = 2 * whole.size
        if msg_grow(whole, got + n if got + n > room else room) < 0:
            return -ENOMEM
    memcpy(msg_data(whole) + got, body, n)
    z.pieces.got = got + n
    return 0


cdef inline int pieces_end(websocket_t *z, int *flags, msg_t *whole) noexcept nogil:
    """The last piece is here. 1 or -EPROTO."""
    cdef msg_t *have = &z.pieces.whole
    cdef size_t size = z.pieces.got
    if not z.pieces.told:
        return -EPROTO
    flags[0] = z.pieces.flags
    z.opcode = WS_BINARY
    memset(z.mask, 0, WS_MASK_SIZE)         # all of them have been taken off
    have.size = size
    if size > MSG_INLINE_MAX or z.mechanism != NULL:
        whole[0] = have[0]
        have.kind = MSG_EMPTY
        return 1
    # A block must not stand for a few bytes in a long queue, unless a mechanism has to look into it. Without one, nothing can
    # fail.
    msg_set(whole, msg_data(have), size)
    msg_close(have)
    return 1


cdef inline int pieces_take(engine_t *e, const unsigned char *body, size_t n, uint64_t limit, int *flags,
                            msg_t *whole) noexcept nogil:
    """engine_ops_t.piece"""
    cdef websocket_t *z = <websocket_t *> e
    cdef bint last = z.pieces.last
    cdef int rc = 0
    if z.pieces.opens >= 0:
        z.pieces.flags = z.pieces.opens
        z.pieces.told = True
    elif n == 0:
        z.pieces.empty += 1
        if z.pieces.empty > PIECES_EMPTY_MAX:
            return -EPROTO
    if z.pieces.got + n > limit:
        return -EMSGSIZE
    if n and pieces_keep(z, body, n) < 0:
        return -ENOMEM
    if last:
        rc = pieces_end(z, flags, whole)
        z.pieces.got = 0
        z.pieces.empty = 0
        z.pieces.told = False
    z.pieces.begun = not last
    e.ops.frame_get = pieces_get_whole if last else pieces_get_next
    return rc
