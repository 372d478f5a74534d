# From a stream of ZMTP to one whose messages are compressed.
#
# Rules
# - Greeting, handshake and commands pass unchanged; every frame of a message gets a sentinel.
# - The first frame of a message is preceded by our dictionary, if there is one.
# - It is fed with whole headers. A frame whose body is not there in full goes uncompressed, in pieces.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memmove, memset
from compression.ops cimport DICTIONARY_MAX, SENTINEL, codec_t
from zmtp.frame cimport FRAME_COMMAND, FRAME_HEADER_MAX, frame_get, frame_put, frame_t

cdef enum:
    GREETING = 64                   # of ZMTP 3.x, the only one that is spoken here
    # What a frame may add to its body, and the dictionary in front of it.
    PACKER_OVERHEAD = FRAME_HEADER_MAX + SENTINEL
    PACKER_DICTIONARY = PACKER_OVERHEAD + DICTIONARY_MAX

cdef struct packer_t:
    uint64_t passes                 # bytes that follow unchanged
    bint told                       # the dictionary has left
    bint begun                      # there has been a message: the handshake, and a password in it, is over

# A piece of the stream, what stands behind it somewhere else, and where the output goes.
cdef struct packing_t:
    const unsigned char *p
    size_t n
    const unsigned char *next
    size_t next_n
    unsigned char *out
    size_t room
    size_t taken
    size_t need


cdef inline void packer_init(packer_t *p) noexcept nogil:
    p.passes = GREETING
    p.told = p.begun = False


cdef inline size_t packer_dictionary(codec_t *c, unsigned char *out) noexcept nogil:
    """A frame of our dictionary; its length."""
    cdef size_t body = c.mine_size if c.ops.sentinel_within else c.mine_size + SENTINEL
    cdef size_t head = <size_t> frame_put(out, body, 0)
    memcpy(out + head, c.ops.dictionary, SENTINEL)
    memcpy(out + head + body - c.mine_size, c.mine, c.mine_size)
    return head + body


cdef inline size_t packer_frame(codec_t *c, int flags, const unsigned char *body, size_t n, unsigned char *out) noexcept nogil:
    """A frame of a message into n + PACKER_OVERHEAD bytes; its length."""
    cdef size_t made = 0
    cdef size_t head
    if n >= (c.ops.least if c.mine == NULL else c.ops.least_with):
        made = c.ops.pack(c, body, n, out + FRAME_HEADER_MAX)
    if made:
        head = <size_t> frame_put(out, made, flags)
        if head != FRAME_HEADER_MAX:
            memmove(out + head, out + FRAME_HEADER_MAX, made)
        return head + made
    head = <size_t> frame_put(out, n + SENTINEL, flags)
    memset(out + head, 0, SENTINEL)
    memcpy(out + head + SENTINEL, body, n)
    return head + SENTINEL + n


cdef inline size_t packer_pass(packer_t *p, const unsigned char *head, size_t n, size_t room, unsigned char *out,
                               size_t *taken) noexcept nogil:
    """Bytes that pass unchanged."""
    taken[0] = n if n < p.passes else <size_t> p.passes
    if taken[0] > room:
        taken[0] = room
    memcpy(out, head, taken[0])
    p.passes -= taken[0]
    return taken[0]


cdef inline size_t packer_step(packer_t *p, codec_t *c, packing_t *w) noexcept nogil:
    """The next bytes of the stream. How many were made at w.out of the w.taken; 0: it takes
    `w.need` bytes of room, or (`need` 0) what is here is no header."""
    cdef size_t made = 0
    cdef const unsigned char *body
    cdef frame_t f
    w.taken = w.need = 0
    if p.passes:
        return packer_pass(p, w.p, w.n, w.room, w.out, &w.taken)
    if frame_get(w.p, w.n, &f) <= 0:
        return 0
    if f.flags & FRAME_COMMAND:
        p.passes = <uint64_t> f.header + f.size
        return packer_pass(p, w.p, w.n, w.room, w.out, &w.taken)
    p.begun = True
    body = w.p + f.header
    if f.size > w.n - f.header:
        # The body is what follows; or else it is on its way in pieces, and goes as it is.
        body = w.next if f.size <= w.next_n and <size_t> f.header == w.n else NULL
    w.need = PACKER_OVERHEAD + PACKER_DICTIONARY + (<size_t> f.size if body != NULL else 0)
    if w.need > w.room:
        return 0
    if c.mine != NULL and not p.told:
        made = packer_dictionary(c, w.out)
        p.told = True
    if body == NULL:
        made += <size_t> frame_put(w.out + made, f.size + SENTINEL, f.flags)
        memset(w.out + made, 0, SENTINEL)
        p.passes = f.size
        w.taken = f.header
        return made + SENTINEL
    w.taken = <size_t> (f.header + f.size)
    return made + packer_frame(c, f.flags, body, <size_t> f.size, w.out + made)
