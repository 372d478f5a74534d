# Frames of WebSocket (RFC 6455, 5): headers and masks.
#
# Rules
# - What comes is never trusted: reserved bits, opcodes that ZeroMQ has no use for (text), a fragment where none can be
#   (websocket_pieces.pxd), a mask where none belongs or none where one does, a control frame longer than 125 bytes and a 64-bit length
#   with its top bit set end the connection (-EPROTO).
# - Whether a size is acceptable is the session's question.
# - Masks go over a body in words of eight bytes, in loops that compilers make vector code of.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from base.endian cimport load_be16, load_be64, store_be16, store_be64
from base.errors cimport EPROTO

cdef enum:
    WS_CONTINUATION = 0
    WS_BINARY = 2
    WS_CLOSE = 8
    WS_PING = 9
    WS_PONG = 10
    WS_CONTROL = 8             # the bit that control frames have in their opcode

    WS_FIN = 0x80              # in the first byte: the last fragment of a message
    WS_RESERVED = 0x70
    WS_OPCODE = 0x0F
    WS_MASKED = 0x80           # in the second byte
    WS_LENGTH = 0x7F           # likewise; up to 125 it is the length itself
    WS_LENGTH_16 = 126
    WS_LENGTH_64 = 127
    WS_CONTROL_MAX = 125       # bytes of a control frame
    WS_MASK_SIZE = 4
    WS_HEADER_MAX = 14         # two bytes, a length of eight, a mask

cdef struct ws_frame_t:
    int opcode
    int header                 # bytes of the header, mask included
    uint64_t size              # of what follows
    unsigned char mask[WS_MASK_SIZE]


cdef inline int ws_header_size(uint64_t size, bint masked) noexcept nogil:
    cdef int n = 2 if size <= WS_CONTROL_MAX else 4 if size <= 0xFFFF else 10
    return n + WS_MASK_SIZE if masked else n


cdef inline int ws_header_put(unsigned char *out, int opcode, uint64_t size, const unsigned char *mask) noexcept nogil:
    """The header of a whole message; mask: WS_MASK_SIZE bytes, or NULL. Its length."""
    cdef int n = 2
    cdef unsigned char masked = 0 if mask == NULL else WS_MASKED
    out[0] = <unsigned char> (WS_FIN | opcode)
    if size <= WS_CONTROL_MAX:
        out[1] = masked | <unsigned char> size
    elif size <= 0xFFFF:
        out[1] = masked | WS_LENGTH_16
        store_be16(out + 2, <unsigned short> size)
        n = 4
    else:
        out[1] = masked | WS_LENGTH_64
        store_be64(out + 2, size)
        n = 10
    if masked:
        memcpy(out + n, mask, WS_MASK_SIZE)
        n += WS_MASK_SIZE
    return n


cdef inline bint ws_opcode_good(unsigned char first) noexcept nogil:
    """A whole message, binary or of control, and no extension's bits."""
    cdef int opcode = first & WS_OPCODE
    return first & (WS_FIN | WS_RESERVED) == WS_FIN and (opcode == WS_BINARY or WS_CLOSE <= opcode <= WS_PONG)


cdef inline int ws_header_get(const unsigned char *p, size_t n, bint masked, ws_frame_t *f) noexcept nogil:
    """The header of a whole message; n is at least 1. As ws_header_read()."""
    return ws_header_read(p, n, masked, f) if ws_opcode_good(p[0]) else -EPROTO


cdef inline int ws_header_read(const unsigned char *p, size_t n, bint masked, ws_frame_t *f) noexcept nogil:
    """masked: whether the sender has to mask. 1: *f is filled; 0: more bytes needed; -EPROTO."""
    cdef int size = 2
    cdef int length
    if n < 2:
        return 0
    length = p[1] & WS_LENGTH
    f.opcode = p[0] & WS_OPCODE
    if (p[1] & WS_MASKED != 0) != masked or (f.opcode & WS_CONTROL and length > WS_CONTROL_MAX):
        return -EPROTO
    if length == WS_LENGTH_16:
        size = 4
    elif length == WS_LENGTH_64:
        size = 10
    f.header = size + WS_MASK_SIZE if masked else size
    if n < <size_t> size:
        return 0
    f.size = length
    if size == 4:
        f.size = load_be16(p + 2)
    elif size == 10:
        f.size = load_be64(p + 2)
        if f.size >> 63:
            return -EPROTO
    if n < <size_t> f.header:
        return 0
    if masked:
        memcpy(f.mask, p + size, WS_MASK_SIZE)
    return 1


cdef inline void ws_mask_turn(unsigned char *mask) noexcept nogil:
    """The mask as it is for what stands behind the first byte."""
    cdef unsigned char first = mask[0]
    mask[0] = mask[1]
    mask[1] = mask[2]
    mask[2] = mask[3]
    mask[3] = first


cdef inline uint64_t ws_mask_word(const unsigned char *mask) noexcept nogil:
    """Eight bytes of mask, in memory's order."""
    cdef unsigned char twice[8]
    cdef uint64_t word
    memcpy(twice, mask, WS_MASK_SIZE)
    memcpy(twice + WS_MASK_SIZE, mask, WS_MASK_SIZE)
    memcpy(&word, twice, 8)
    return word


cdef inline void ws_mask_copy(unsigned char *out, const unsigned char *p, size_t n, const unsigned char *mask) noexcept nogil:
    """n bytes from p, masked, to out, which is elsewhere."""
    cdef uint64_t key = ws_mask_word(mask)
    cdef uint64_t word
    cdef size_t i
    for i in range(n // 8):
        memcpy(&word, p + 8 * i, 8)
        word ^= key
        memcpy(out + 8 * i, &word, 8)
    for i in range(n - n % 8, n):
        out[i] = p[i] ^ mask[i & 3]


cdef inline void ws_mask(unsigned char *p, size_t n, const unsigned char *mask) noexcept nogil:
    """n bytes in place: masks, and takes masks off."""
    cdef uint64_t key = ws_mask_word(mask)
    cdef uint64_t word
    cdef size_t i
    for i in range(n // 8):
        memcpy(&word, p + 8 * i, 8)
        word ^= key
        memcpy(p + 8 * i, &word, 8)
    for i in range(n - n % 8, n):
        p[i] ^= mask[i & 3]
