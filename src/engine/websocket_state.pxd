# What the engine of WebSocket keeps for a connection, and its frames: ZMTP's frames inside binary messages.
#
# Rules
# - A message of WebSocket is a frame: one byte of flags, then the body. Ping, pong and close are signals.
# - The client masks all it sends with keys that nobody can foresee; the server masks nothing.
# - The flags are read with the header, so a body that was masked has the size and the place of the plain one.
# - What frame_get() has read last is remembered for whoever deals with the body.
# - A message in several frames is websocket_pieces.pxd's.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from base.errors cimport EPROTO
from engine.ops cimport ENGINE_MORE, ENGINE_PIECE, ENGINE_SIGNAL, engine_frame_t, engine_t
from engine.websocket_frame cimport (
    WS_BINARY, WS_CONTINUATION, WS_CONTROL, WS_FIN, WS_HEADER_MAX, WS_MASK_SIZE, WS_OPCODE, WS_RESERVED, ws_frame_t,
    ws_header_get, ws_header_put, ws_header_read, ws_mask, ws_mask_copy, ws_mask_turn,
)
from engine.websocket_http cimport http_head_t
from engine.websocket_upgrade cimport upgrade_t
from mechanism.mechanism cimport mechanism_t
from message.message cimport msg_t
from zmtp.decoder cimport decoder_t
from zmtp.introduction cimport introduction_t
from zmtp.outgoing cimport outgoing_t

cdef enum:
    # Flags of ZWS. Others are ignored, as ZMTP's are.
    ZWS_MORE = 1
    ZWS_COMMAND = 2
    ZWS_HEADER_MAX = WS_HEADER_MAX + 1
    # Masks are drawn so many bytes at a time: a system call for every 64 frames.
    WS_RANDOM = 256

cdef struct opening_t:
    outgoing_t out             # what waits to be sent
    http_head_t head
    upgrade_t upgrade
    introduction_t who
    decoder_t decoder
    int stage
    int error
    uint32_t controls           # control frames that have come
    msg_t whole                 # a command that came in pieces, until the next one

# A message that arrives in several frames.
cdef struct pieces_t:
    bint begun
    bint told                  # `flags` are known: the first piece with bytes has them
    int flags
    bint last                  # the piece whose header was read last is the last; ...
    int opens                  # ... and the flags in it, or -1
    uint32_t empty             # pieces without bytes
    size_t got
    msg_t whole                # with room for as many bytes as its size says; EMPTY: none have come

cdef struct websocket_t:
    engine_t base              # first: a websocket_t * is an engine_t *
    opening_t *opening         # until settle()
    mechanism_t *mechanism     # from ENGINE_READY on, if it encodes
    bint masks                 # this side is the client
    bint groups                # as in the config
    int opcode                 # of the frame whose header was read last (WS_CONTINUATION: it is a piece), ...
    unsigned char mask[WS_MASK_SIZE]        # ... and the mask of its body
    pieces_t pieces
    int (*random)(void *out, size_t n) noexcept nogil
    size_t random_left
    unsigned char random_bytes[WS_RANDOM]


cdef inline int websocket_draw(websocket_t *z, void *out, size_t n) noexcept nogil:
    """n <= WS_RANDOM bytes that nobody can foresee. 0 or a negative errno."""
    cdef int rc
    if z.random_left < n:
        rc = z.random(z.random_bytes, WS_RANDOM)
        if rc < 0:
            return rc
        z.random_left = WS_RANDOM
    z.random_left -= n
    memcpy(out, z.random_bytes + z.random_left, n)
    return 0


cdef inline int websocket_flags_get(websocket_t *z, const unsigned char *p, size_t n, ws_frame_t *w,
                                    engine_frame_t *f) noexcept nogil:
    """Fills *f from the flags behind the header of a frame that is not empty; the mask becomes that of the rest. 1; 0: more
    bytes needed; -EPROTO."""
    cdef unsigned char flags
    if n == <size_t> w.header:
        return 0
    flags = p[w.header]
    if not z.masks:
        flags ^= w.mask[0]
        ws_mask_turn(w.mask)
    if flags & (ZWS_MORE | ZWS_COMMAND) == ZWS_MORE | ZWS_COMMAND:
        return -EPROTO
    f.flags = ENGINE_MORE if flags & ZWS_MORE else ENGINE_SIGNAL if flags & ZWS_COMMAND else 0
    f.header = w.header + 1
    f.size = w.size - 1
    return 1


cdef inline int websocket_piece_get(websocket_t *z, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    """engine_ops_t.frame_get of a frame that is no whole message."""
    cdef ws_frame_t w
    cdef int rc
    cdef bint last = (p[0] & WS_FIN) != 0
    if p[0] & WS_RESERVED or p[0] & WS_OPCODE != (WS_CONTINUATION if z.pieces.begun else WS_BINARY):
        return -EPROTO
    if last and not z.pieces.begun:
        return -EPROTO
    rc = ws_header_read(p, n, not z.masks, &w)
    if rc <= 0:
        return rc
    f.header = w.header
    f.size = w.size
    z.pieces.opens = -1
    if not z.pieces.told and w.size:
        rc = websocket_flags_get(z, p, n, &w, f)
        if rc <= 0:
            return rc
        z.pieces.opens = f.flags
    f.flags = ENGINE_PIECE
    z.pieces.last = last
    z.opcode = WS_CONTINUATION
    if not z.masks:
        memcpy(z.mask, w.mask, WS_MASK_SIZE)
    return 1


cdef inline int websocket_frame_get(websocket_t *z, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    """engine_ops_t.frame_get"""
    cdef ws_frame_t w
    cdef int rc = ws_header_get(p, n, not z.masks, &w)
    if rc <= 0:
        return rc if rc == 0 else websocket_piece_get(z, p, n, f)
    if w.opcode & WS_CONTROL:
        f.flags = ENGINE_SIGNAL
        f.header = w.header
        f.size = w.size
    else:
        if w.size == 0:
            return -EPROTO
        rc = websocket_flags_get(z, p, n, &w, f)
        if rc <= 0:
            return rc
    z.opcode = w.opcode
    if not z.masks:
        memcpy(z.mask, w.mask, WS_MASK_SIZE)
    return 1


cdef inline void websocket_unmask(websocket_t *z, unsigned char *body, size_t n) noexcept nogil:
    """The body of the frame whose header was read last, in place."""
    if not z.masks:
        ws_mask(body, n, z.mask)


cdef inline unsigned char websocket_flags(int flags) noexcept nogil:
    return ZWS_MORE if flags & ENGINE_MORE else ZWS_COMMAND if flags & ENGINE_SIGNAL else 0


cdef inline ptrdiff_t websocket_header(websocket_t *z, int flags, size_t n, unsigned char *out,
                                       unsigned char *mask) noexcept nogil:
    """Header and flags of a frame of n bytes, into ZWS_HEADER_MAX bytes; `mask` becomes that of its body. Length or a
    negative errno."""
    cdef int size, rc
    if not z.masks:
        size = ws_header_put(out, WS_BINARY, n + 1, NULL)
        out[size] = websocket_flags(flags)
        return size + 1
    rc = websocket_draw(z, mask, WS_MASK_SIZE)
    if rc < 0:
        return rc
    size = ws_header_put(out, WS_BINARY, n + 1, mask)
    out[size] = websocket_flags(flags) ^ mask[0]
    ws_mask_turn(mask)
    return size + 1


cdef inline ptrdiff_t websocket_frame_put(websocket_t *z, int flags, const unsigned char *body, size_t n,
                                          unsigned char *out) noexcept nogil:
    """A whole frame into n + ZWS_HEADER_MAX bytes. Length or a negative errno."""
    cdef unsigned char mask[WS_MASK_SIZE]
    cdef ptrdiff_t header = websocket_header(z, flags, n, out, mask)
    if header < 0:
        return header
    if z.masks:
        ws_mask_copy(out + header, body, n, mask)
    elif n:
        memcpy(out + header, body, n)
    return header + <ptrdiff_t> n


cdef inline ptrdiff_t websocket_control_put(websocket_t *z, int opcode, const unsigned char *data, size_t n,
                                            unsigned char *out) noexcept nogil:
    """A control frame of at most WS_CONTROL_MAX bytes. Length or a negative errno."""
    cdef unsigned char mask[WS_MASK_SIZE]
    cdef int size, rc
    if z.masks:
        rc = websocket_draw(z, mask, WS_MASK_SIZE)
        if rc < 0:
            return rc
    size = ws_header_put(out, opcode, n, mask if z.masks else NULL)
    if z.masks:
        ws_mask_copy(out + size, data, n, mask)
    elif n:
        memcpy(out + size, data, n)
    return size + <ptrdiff_t> n
