# The functions of LZ4 and Zstandard: the face of libraries.h.

from libc.stddef cimport size_t
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy

cdef extern from "compression/libraries.h" nogil:
    ctypedef struct lz4_t:
        void *(*LZ4_createStream)() noexcept nogil
        int (*LZ4_freeStream)(void *stream) noexcept nogil
        void (*LZ4_resetStream_fast)(void *stream) noexcept nogil
        int (*LZ4_loadDict)(void *stream, const char *dictionary, int n) noexcept nogil
        int (*LZ4_compress_fast_continue)(void *stream, const char *p, char *out, int n, int room,
                                          int acceleration) noexcept nogil
        int (*LZ4_decompress_safe_usingDict)(const char *p, char *out, int n, int room, const char *dictionary,
                                             int size) noexcept nogil
        void (*LZ4_attach_dictionary)(void *stream, const void *dictionary) noexcept nogil
    ctypedef struct zstd_t:
        void *(*ZSTD_createCCtx)() noexcept nogil
        size_t (*ZSTD_freeCCtx)(void *context) noexcept nogil
        size_t (*ZSTD_compressCCtx)(void *context, void *out, size_t room, const void *p, size_t n,
                                    int level) noexcept nogil
        void *(*ZSTD_createCDict)(const void *dictionary, size_t n, int level) noexcept nogil
        size_t (*ZSTD_freeCDict)(void *dictionary) noexcept nogil
        size_t (*ZSTD_compress_usingCDict)(void *context, void *out, size_t room, const void *p, size_t n,
                                           const void *dictionary) noexcept nogil
        void *(*ZSTD_createDCtx)() noexcept nogil
        size_t (*ZSTD_freeDCtx)(void *context) noexcept nogil
        size_t (*ZSTD_decompressDCtx)(void *context, void *out, size_t room, const void *p, size_t n) noexcept nogil
        void *(*ZSTD_createDDict)(const void *dictionary, size_t n) noexcept nogil
        size_t (*ZSTD_freeDDict)(void *dictionary) noexcept nogil
        size_t (*ZSTD_decompress_usingDDict)(void *context, void *out, size_t room, const void *p, size_t n,
                                             const void *dictionary) noexcept nogil
        unsigned long long (*ZSTD_getFrameContentSize)(const void *p, size_t n) noexcept nogil
        size_t (*ZSTD_findFrameCompressedSize)(const void *p, size_t n) noexcept nogil
        unsigned int (*ZSTD_isError)(size_t code) noexcept nogil
    ctypedef struct codec_function_t:
        const char *name
        size_t offset
        int optional
    enum:
        LZ4_FUNCTIONS
        ZSTD_FUNCTIONS
    const codec_function_t lz4_functions[]      # LZ4_FUNCTIONS rows
    const codec_function_t zstd_functions[]     # ZSTD_FUNCTIONS rows


cdef inline bint lz4_there(const lz4_t *l) noexcept nogil:
    """Whether it has been filled."""
    return l.LZ4_createStream != NULL


cdef inline bint zstd_there(const zstd_t *z) noexcept nogil:
    """Whether it has been filled."""
    return z.ZSTD_createCCtx != NULL


cdef inline void codec_function_put(void *library, const codec_function_t *row, uintptr_t address) noexcept nogil:
    """The function of that row is at that address; 0: it is not there."""
    memcpy(<char *> library + row.offset, &address, sizeof(address))
