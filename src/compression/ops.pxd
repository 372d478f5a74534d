# A way to compress: one table of operations for all of them, and what the connections of an endpoint share.
#
# Rules
# - Sans-IO: a codec sees whole parts of messages. What stands around them is packer.pxd's and unpacker.pxd's business.
# - A part on the wire begins with four bytes that say what follows: nothing is changed (zeros), it is compressed (`packed`
#   and whatever else the codec's own `is_packed` knows), several messages together (`batch`), or a dictionary.
# - A codec belongs to the lock of one socket. Connections count it: they may outlive the endpoint.
# - What a part says of its size is a claim. `size` tells it only if the bytes could come to that much, and the caller
#   decides whether it is acceptable before there is any memory for it.
# - The table is held by value: C-level modules share no variables.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcpy
from base.errors cimport EINVAL, ENOMEM
from base.memory cimport calloc, free, malloc

cdef enum:
    # The codecs there are; compression/select.pxd knows their tables.
    CODEC_LZ4 = 0
    CODEC_ZSTD = 1
    CODECS = 2

cdef enum:
    SENTINEL = 4                    # bytes in front of every part
    DICTIONARY_MAX = 8192           # bytes of a dictionary, as the drafts have it
    CODEC_SCRATCH = 1 << 17         # bytes on their way to or from the system
    CODEC_SCRATCH_KEPT = 1 << 21    # more is given back when a large part has left
    # Without any limit of the application's, a part that unfolds into more than this and 255 times its own size is
    # refused: nobody needs to be able to fill the memory with some packets. (No more than that can come of LZ4.)
    UNFOLDS_MOST = 1 << 26
    UNFOLDS_TIMES = 255

cdef struct codec_t

cdef struct codec_ops_t:
    # The sentinels of this codec.
    unsigned char batch[4]
    unsigned char dictionary[4]
    # A part smaller than this is sent as it is: without and with a dictionary.
    size_t least
    size_t least_with
    # A dictionary begins with its sentinel; else it stands behind it.
    bint sentinel_within
    # Make of `library`, `level` and `mine` what `pack` and `unfold` need. 0, -EINVAL (the dictionary), -ENOMEM.
    int (*begin)(codec_t *c) noexcept nogil
    void (*end)(codec_t *c) noexcept nogil
    # What this part is compressed to, sentinel included: less than n + SENTINEL bytes. 0: it does not pay.
    size_t (*pack)(codec_t *c, const unsigned char *p, size_t n, unsigned char *out) noexcept nogil
    # Whether those four bytes begin a part that is compressed.
    bint (*is_packed)(const unsigned char *p) noexcept nogil
    # What a compressed part unfolds into. 0 and *size, or -EPROTO.
    int (*size)(codec_t *c, const unsigned char *p, size_t n, uint64_t *size) noexcept nogil
    # Just `size` bytes of it. 0, -EPROTO, -ENOMEM.
    int (*unfold)(codec_t *c, void *theirs, const unsigned char *p, size_t n, unsigned char *out,
                  size_t size) noexcept nogil
    # The same for the bytes of a batch, which come without a sentinel.
    int (*unfold_batch)(codec_t *c, void *theirs, const unsigned char *p, size_t n, unsigned char *out,
                        size_t size) noexcept nogil
    # A dictionary of a peer: what `unfold` takes as `theirs`; NULL: no memory, or it is none.
    void *(*dictionary_new)(codec_t *c, const unsigned char *p, size_t n) noexcept nogil
    void (*dictionary_free)(codec_t *c, void *theirs) noexcept nogil

# What the connections of an endpoint share.
cdef struct codec_t:
    codec_ops_t ops
    int refs                        # the endpoint, and each connection
    const void *library             # the context's
    int level
    unsigned char *mine             # the dictionary that is sent; NULL: none
    size_t mine_size
    void *packs                     # of `begin`: the state of compressing, ...
    void *packs_with                # ... the dictionary made ready for it, ...
    void *unfolds                   # ... and the state of decompressing
    unsigned char *scratch          # CODEC_SCRATCH at least
    size_t scratch_size


cdef inline void codec_unref(codec_t *c) noexcept nogil:
    c.refs -= 1
    if c.refs == 0:
        c.ops.end(c)
        free(c.mine)
        free(c.scratch)
        free(c)


cdef inline int codec_new(const codec_ops_t *ops, const void *library, int level, const unsigned char *dictionary, size_t n,
                          codec_t **out) noexcept nogil:
    """With one reference. 0, -EINVAL: no such dictionary, -ENOMEM."""
    cdef codec_t *c
    cdef int rc
    if n > DICTIONARY_MAX:
        return -EINVAL
    c = <codec_t *> calloc(1, sizeof(codec_t))
    if c == NULL:
        return -ENOMEM
    c.ops = ops[0]
    c.refs = 1
    c.library = library
    c.level = level
    c.scratch_size = CODEC_SCRATCH
    c.scratch = <unsigned char *> malloc(CODEC_SCRATCH)
    if n:
        c.mine = <unsigned char *> malloc(n)
        c.mine_size = n
    if c.scratch == NULL or (n and c.mine == NULL):
        codec_unref(c)
        return -ENOMEM
    if n:
        memcpy(c.mine, dictionary, n)
    rc = c.ops.begin(c)
    if rc < 0:
        codec_unref(c)
        return rc
    out[0] = c
    return 0


cdef inline uint64_t codec_limit(uint64_t most, size_t n) noexcept nogil:
    """What n bytes may unfold into, if the application takes parts of `most` bytes."""
    cdef uint64_t fair = <uint64_t> n * UNFOLDS_TIMES
    if fair < UNFOLDS_MOST:
        fair = UNFOLDS_MOST
    return most if most <= <uint64_t> 0x7fffffffffffffff else fair


cdef inline bint codec_fair(size_t n, size_t packed) noexcept nogil:
    """Whether a peer without limits takes a part of n bytes as so many."""
    return n <= <size_t> UNFOLDS_MOST or packed * <size_t> UNFOLDS_TIMES >= n
