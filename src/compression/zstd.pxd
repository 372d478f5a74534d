# Zstandard: a part is one frame of it (RFC 8878), as OMQ's draft ZMTP-Zstd has it. The magic number is the sentinel, and so is that
# of a dictionary, which has Zstandard's own format.
#
# Rules
# - A frame says what it unfolds into, or is refused; and so is what stands behind the frame.
# - A block of four bytes can stand for 128 KiB: more than that is refused before there is memory for it.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy
from base.errors cimport EINVAL, ENOMEM, EPROTO
from compression.libraries cimport zstd_t
from compression.ops cimport SENTINEL, codec_fair, codec_ops_t, codec_t

cdef enum:
    # The level of COMPRESSION_LEVEL 0. What level 1 finds more in a part that is smaller than ZSTD_SMALL is a sixth of it, and takes twice the
    # time there, and three times on the other side.
    ZSTD_LEVEL = 1
    ZSTD_LEVEL_SMALL = -2
    ZSTD_SMALL = 4096
    ZSTD_BLOCK = 1 << 17            # bytes of a block
    ZSTD_BLOCK_LEAST = 4            # its header, and the byte that is repeated


cdef inline size_t zstd_pack(codec_t *c, const unsigned char *p, size_t n, unsigned char *out) noexcept nogil:
    """codec_ops_t.pack"""
    cdef const zstd_t *z = <const zstd_t *> c.library
    cdef size_t made
    cdef int level = c.level if c.level else (ZSTD_LEVEL_SMALL if n < ZSTD_SMALL else ZSTD_LEVEL)
    if c.packs == NULL:
        c.packs = z.ZSTD_createCCtx()
    if c.packs == NULL or n <= 2 * SENTINEL:
        return 0
    if c.packs_with != NULL:
        made = z.ZSTD_compress_usingCDict(c.packs, out, n - SENTINEL - 1, p, n, c.packs_with)
    else:
        made = z.ZSTD_compressCCtx(c.packs, out, n - SENTINEL - 1, p, n, level)
    return made if not z.ZSTD_isError(made) and codec_fair(n, made) else 0


cdef inline bint zstd_is_packed(const unsigned char *p) noexcept nogil:
    """codec_ops_t.is_packed"""
    return memcmp(p, b"\x28\xb5\x2f\xfd", SENTINEL) == 0


cdef inline int zstd_size(codec_t *c, const unsigned char *p, size_t n, uint64_t *size) noexcept nogil:
    """codec_ops_t.size"""
    cdef const zstd_t *z = <const zstd_t *> c.library
    cdef unsigned long long said = z.ZSTD_getFrameContentSize(p, n)
    # Above are the two numbers for "not said" and "no frame".
    if said > <unsigned long long> 0x7fffffffffffffff or said // ZSTD_BLOCK > n // ZSTD_BLOCK_LEAST:
        return -EPROTO
    if z.ZSTD_findFrameCompressedSize(p, n) != n:
        return -EPROTO
    size[0] = said
    return 0


cdef inline int zstd_unfold(codec_t *c, void *theirs, const unsigned char *p, size_t n, unsigned char *out,
                            size_t size) noexcept nogil:
    """codec_ops_t.unfold and unfold_batch"""
    cdef const zstd_t *z = <const zstd_t *> c.library
    cdef size_t made
    if c.unfolds == NULL:
        c.unfolds = z.ZSTD_createDCtx()
        if c.unfolds == NULL:
            return -ENOMEM
    if theirs != NULL:
        made = z.ZSTD_decompress_usingDDict(c.unfolds, out, size, p, n, theirs)
    else:
        made = z.ZSTD_decompressDCtx(c.unfolds, out, size, p, n)
    return 0 if made == size else -EPROTO


cdef inline void *zstd_dictionary_new(codec_t *c, const unsigned char *p, size_t n) noexcept nogil:
    """codec_ops_t.dictionary_new"""
    return (<const zstd_t *> c.library).ZSTD_createDDict(p, n)


cdef inline void zstd_dictionary_free(codec_t *c, void *theirs) noexcept nogil:
    """codec_ops_t.dictionary_free"""
    (<const zstd_t *> c.library).ZSTD_freeDDict(theirs)


cdef inline int zstd_begin(codec_t *c) noexcept nogil:
    """codec_ops_t.begin"""
    cdef const zstd_t *z = <const zstd_t *> c.library
    if c.mine == NULL:
        return 0
    if c.mine_size < 2 * SENTINEL or memcmp(c.mine, c.ops.dictionary, SENTINEL) != 0:
        return -EINVAL
    c.packs_with = z.ZSTD_createCDict(c.mine, c.mine_size, c.level if c.level else ZSTD_LEVEL)
    return 0 if c.packs_with != NULL else -EINVAL


cdef inline void zstd_end(codec_t *c) noexcept nogil:
    """codec_ops_t.end"""
    cdef const zstd_t *z = <const zstd_t *> c.library
    z.ZSTD_freeCCtx(c.packs)
    z.ZSTD_freeCDict(c.packs_with)
    z.ZSTD_freeDCtx(c.unfolds)


cdef inline void zstd_ops(codec_ops_t *o) noexcept nogil:
    memcpy(o.batch, b"ZSTA", SENTINEL)
    memcpy(o.dictionary, b"\x37\xa4\x30\xec", SENTINEL)
    o.least = 512
    o.least_with = 64
    o.sentinel_within = True
    o.begin = zstd_begin
    o.end = zstd_end
    o.pack = zstd_pack
    o.is_packed = zstd_is_packed
    o.size = zstd_size
    o.unfold = zstd_unfold
    o.unfold_batch = zstd_unfold
    o.dictionary_new = zstd_dictionary_new
    o.dictionary_free = zstd_dictionary_free
