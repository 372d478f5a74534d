# LZ4: parts in its block format, as OMQ's draft ZMTP-LZ4 has them.
#
#   "LZ4B" | size (8, little-endian) | a block                                a part of at most LZ4_BLOCK bytes
#   "LZ4M" | size (8, little-endian) | (length (4, little-endian) | a block)*  blocks of LZ4_BLOCK bytes, and a rest
#   "LZ4D" | 1 to DICTIONARY_MAX bytes                                       a dictionary
#
# Rules
# - A block stands for itself: nothing of an earlier one is needed to read it.
# - LZ4 cannot make more than 255 bytes of one, so a part that claims more is refused before there is memory for it.
# - A part of more than LZ4_BLOCK bytes is sent as it is. It is read in either form.

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint64_t
from libc.string cimport memcmp, memcpy
from base.endian cimport load_le32, load_le64, store_le64
from base.errors cimport EPROTO
from base.memory cimport free, malloc
from compression.libraries cimport lz4_t
from compression.ops cimport SENTINEL, codec_fair, codec_ops_t, codec_t

cdef enum:
    LZ4_HEAD = 12                   # sentinel and size
    LZ4_BLOCK = 1 << 30             # bytes that one block holds
    LZ4_EXPANDS = 255               # bytes that come of one at most

# A dictionary of a peer.
cdef struct lz4_theirs_t:
    int size
    char bytes[1]                   # allocated to the size wanted


cdef inline bint lz4_ready(codec_t *c, const lz4_t *lib) noexcept nogil:
    """The state of compressing, as after its last use. False: no memory."""
    if c.packs == NULL:
        c.packs = lib.LZ4_createStream()
        return c.packs != NULL
    lib.LZ4_resetStream_fast(c.packs)
    return True


cdef inline size_t lz4_pack(codec_t *c, const unsigned char *p, size_t n, unsigned char *out) noexcept nogil:
    """codec_ops_t.pack"""
    cdef const lz4_t *lib = <const lz4_t *> c.library
    cdef int made
    if n > <size_t> LZ4_BLOCK or not lz4_ready(c, lib):
        return 0
    if c.packs_with != NULL:
        lib.LZ4_attach_dictionary(c.packs, c.packs_with)
    elif c.mine != NULL:
        lib.LZ4_loadDict(c.packs, <const char *> c.mine, <int> c.mine_size)
    made = lib.LZ4_compress_fast_continue(
        c.packs, <const char *> p, <char *> out + LZ4_HEAD, <int> n, <int> (n + SENTINEL - LZ4_HEAD - 1), 1)
    if made <= 0:
        # What a stream that has failed is good for is not said.
        lib.LZ4_freeStream(c.packs)
        c.packs = NULL
        return 0
    if not codec_fair(n, made):
        return 0
    memcpy(out, b"LZ4B", SENTINEL)
    store_le64(out + SENTINEL, n)
    return <size_t> made + LZ4_HEAD


cdef inline bint lz4_is_packed(const unsigned char *p) noexcept nogil:
    """codec_ops_t.is_packed"""
    return memcmp(p, b"LZ4", 3) == 0 and (p[3] == c'B' or p[3] == c'M')


cdef inline int lz4_size(codec_t *c, const unsigned char *p, size_t n, uint64_t *size) noexcept nogil:
    """codec_ops_t.size"""
    if n <= LZ4_HEAD:
        return -EPROTO
    size[0] = load_le64(p + SENTINEL)
    if size[0] // LZ4_EXPANDS > n - LZ4_HEAD or (p[3] == c'B' and size[0] > <uint64_t> LZ4_BLOCK):
        return -EPROTO
    return 0


cdef inline int lz4_unfold_batch(codec_t *c, void *theirs, const unsigned char *p, size_t n, unsigned char *out,
                                 size_t size) noexcept nogil:
    """codec_ops_t.unfold_batch, and any single block."""
    cdef const lz4_t *lib = <const lz4_t *> c.library
    cdef lz4_theirs_t *d = <lz4_theirs_t *> theirs
    cdef int made
    if n > 0x7fffffff:
        return -EPROTO
    made = lib.LZ4_decompress_safe_usingDict(
        <const char *> p, <char *> out, <int> n, <int> size, d.bytes if d != NULL else NULL, d.size if d != NULL else 0)
    return 0 if made == <int> size else -EPROTO


cdef inline int lz4_unfold(codec_t *c, void *theirs, const unsigned char *p, size_t n, unsigned char *out,
                           size_t size) noexcept nogil:
    """codec_ops_t.unfold"""
    cdef size_t at = LZ4_HEAD, block, step
    if p[3] == c'B':
        return lz4_unfold_batch(c, theirs, p + LZ4_HEAD, n - LZ4_HEAD, out, size)
    while size:
        if n - at < 4:
            return -EPROTO
        block = load_le32(p + at)
        at += 4
        step = size if size < <size_t> LZ4_BLOCK else <size_t> LZ4_BLOCK
        if block > n - at or lz4_unfold_batch(c, theirs, p + at, block, out, step) < 0:
            return -EPROTO
        at += block
        out += step
        size -= step
    return 0 if at == n else -EPROTO


cdef inline void *lz4_dictionary_new(codec_t *c, const unsigned char *p, size_t n) noexcept nogil:
    """codec_ops_t.dictionary_new"""
    cdef lz4_theirs_t *d = <lz4_theirs_t *> malloc(sizeof(lz4_theirs_t) + n)
    if d != NULL:
        d.size = <int32_t> n
        memcpy(d.bytes, p, n)
    return d


cdef inline void lz4_dictionary_free(codec_t *c, void *theirs) noexcept nogil:
    """codec_ops_t.dictionary_free"""
    free(theirs)


cdef inline int lz4_begin(codec_t *c) noexcept nogil:
    """codec_ops_t.begin"""
    cdef const lz4_t *lib = <const lz4_t *> c.library
    if c.mine != NULL and lib.LZ4_attach_dictionary != NULL:
        c.packs_with = lib.LZ4_createStream()
        if c.packs_with != NULL:            # slower without
            lib.LZ4_loadDict(c.packs_with, <const char *> c.mine, <int> c.mine_size)
    return 0


cdef inline void lz4_end(codec_t *c) noexcept nogil:
    """codec_ops_t.end"""
    cdef const lz4_t *lib = <const lz4_t *> c.library
    if c.packs != NULL:
        lib.LZ4_freeStream(c.packs)
    if c.packs_with != NULL:
        lib.LZ4_freeStream(c.packs_with)


cdef inline void lz4_ops(codec_ops_t *o) noexcept nogil:
    memcpy(o.batch, b"LZ4A", SENTINEL)
    memcpy(o.dictionary, b"LZ4D", SENTINEL)
    o.least = 512
    o.least_with = 128
    o.sentinel_within = False
    o.begin = lz4_begin
    o.end = lz4_end
    o.pack = lz4_pack
    o.is_packed = lz4_is_packed
    o.size = lz4_size
    o.unfold = lz4_unfold
    o.unfold_batch = lz4_unfold_batch
    o.dictionary_new = lz4_dictionary_new
    o.dictionary_free = lz4_dictionary_free
