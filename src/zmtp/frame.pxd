# Frame headers: the hottest code of the product.
#
# Rules:
# - Only the header is touched here; bodies stay where they are.
# - ZMTP/2.0 and 3.x ("v2"):  flags | size (1 octet, or 8 with FRAME_LONG) | body
# - ZMTP/1.0 ("v1"):          length (1 octet, or FF and 8 octets) | flags | body, where length counts the flags octet too.
# - What is read is never trusted: a 64-bit size with its top bit set, a v1 length of zero and COMMAND together with MORE end
#   the connection (-EPROTO). Reserved flag bits are ignored, as all deployed peers do.
# - Whether a size is acceptable (MAXMSGSIZE) is the caller's question, to be asked before any memory is reserved.

from libc.stdint cimport uint64_t

from base.errors cimport EPROTO
from base.endian cimport load_be64, store_be64
from mechanism.mechanism cimport MECHANISM_COMMAND, MECHANISM_MORE


cdef enum:
    FRAME_MORE = MECHANISM_MORE         # 1: more frames of the same message follow
    FRAME_LONG = 2         # on the wire only: the size field has 8 octets
    FRAME_COMMAND = MECHANISM_COMMAND   # 4: the body is a ZMTP command, not application data (3.x)

    FRAME_HEADER_MAX = 9   # flags and an 8-octet size
    FRAME_V1_HEADER_MAX = 10
    FRAME_SHORT_MAX = 255  # largest body behind a one-octet size
    FRAME_V1_SHORT_MAX = 253   # FF is the escape and the length counts the flags octet: 254 - 1


cdef struct frame_t:
    int flags              # FRAME_MORE and FRAME_COMMAND; FRAME_LONG is told by `header`
    int header             # octets of the header
    uint64_t size          # octets of the body, below 2**63


cdef inline int frame_put(unsigned char *out, uint64_t size, int flags) noexcept nogil:
    """Write a v2/v3 header; `flags` is MORE or COMMAND or 0. Returns its length: 2 or 9."""
    if size <= FRAME_SHORT_MAX:
        out[0] = <unsigned char>flags
        out[1] = <unsigned char>size
        return 2
    out[0] = <unsigned char>(flags | FRAME_LONG)
    store_be64(out + 1, size)
    return 9


cdef inline int frame_put_v1(unsigned char *out, uint64_t size, int flags) noexcept nogil:
    """Write a ZMTP/1.0 header. Returns its length: 2 or 10. 1.0 knows no flag but MORE."""
    if size <= FRAME_V1_SHORT_MAX:
        out[0] = <unsigned char>(size + 1)
        out[1] = <unsigned char>(flags & FRAME_MORE)
        return 2
    out[0] = 0xFF
    store_be64(out + 1, size + 1)
    out[9] = <unsigned char>(flags & FRAME_MORE)
    return 10


cdef inline int frame_get(const unsigned char *p, size_t n, frame_t *f) noexcept nogil:
    """Read a v2/v3 header. 1: *f is filled; 0: more octets needed; -EPROTO."""
    cdef int flags
    if n < 2:
        return 0
    flags = p[0]
    if (flags & (FRAME_LONG | FRAME_COMMAND)) == 0:
        # One test for what nearly every frame is: short and not a command.
        f.flags = flags & FRAME_MORE
        f.header = 2
        f.size = p[1]
        return 1
    if (flags & (FRAME_COMMAND | FRAME_MORE)) == (FRAME_COMMAND | FRAME_MORE):
        return -EPROTO
    f.flags = flags & (FRAME_COMMAND | FRAME_MORE)
    if (flags & FRAME_LONG) == 0:
        f.header = 2
        f.size = p[1]
        return 1
    if n < 9:
        return 0
    f.header = 9
    f.size = load_be64(p + 1)
    if f.size >> 63:
        return -EPROTO
    return 1


cdef inline int frame_get_v1(const unsigned char *p, size_t n, frame_t *f) noexcept nogil:
    """Read a ZMTP/1.0 header. 1: *f is filled; 0: more octets needed; -EPROTO."""
    cdef uint64_t length
    if n < 2:
        # A zero length is known to be wrong before the flags octet is here.
        if n == 1 and p[0] == 0:
            return -EPROTO
        return 0
    length = p[0]
    if length != 0xFF:
        if length == 0:
            return -EPROTO
        f.flags = p[1] & FRAME_MORE
        f.header = 2
        f.size = length - 1
        return 1
    if n < 10:
        return 0
    length = load_be64(p + 1)
    if length == 0 or length >> 63:
        return -EPROTO
    f.flags = p[9] & FRAME_MORE
    f.header = 10
    f.size = length - 1
    return 1
