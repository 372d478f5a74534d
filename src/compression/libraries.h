/* The functions of LZ4 and Zstandard: pointers into libraries that are there at run time only.
 *
 * Rules
 * - Each name is the library's own, and so are the arguments; its types are opaque here.
 * - Any thread may call them. An object (a stream, a context) belongs to the lock of the socket it is used for.
 * - A function that is optional is not in every release; what is done without it is slower, and the bytes are the same.
 * - Filled once and copied: nothing in it changes afterwards.
 */
#ifndef ZC_COMPRESSION_LIBRARIES_H
#define ZC_COMPRESSION_LIBRARIES_H
#include <stddef.h>

typedef struct lz4_t {
    void *(*LZ4_createStream)(void);
    int (*LZ4_freeStream)(void *stream);
    void (*LZ4_resetStream_fast)(void *stream);
    int (*LZ4_loadDict)(void *stream, const char *dictionary, int n);
    int (*LZ4_compress_fast_continue)(void *stream, const char *in, char *out, int n, int room, int acceleration);
    int (*LZ4_decompress_safe_usingDict)(const char *in, char *out, int n, int room, const char *dictionary, int size);
    void (*LZ4_attach_dictionary)(void *stream, const void *dictionary); /* optional */
} lz4_t;

typedef struct zstd_t {
    void *(*ZSTD_createCCtx)(void);
    size_t (*ZSTD_freeCCtx)(void *context);
    size_t (*ZSTD_compressCCtx)(void *context, void *out, size_t room, const void *in, size_t n, int level);
    void *(*ZSTD_createCDict)(const void *dictionary, size_t n, int level);
    size_t (*ZSTD_freeCDict)(void *dictionary);
    size_t (*ZSTD_compress_usingCDict)(void *context, void *out, size_t room, const void *in, size_t n, const void *dictionary);
    void *(*ZSTD_createDCtx)(void);
    size_t (*ZSTD_freeDCtx)(void *context);
    size_t (*ZSTD_decompressDCtx)(void *context, void *out, size_t room, const void *in, size_t n);
    void *(*ZSTD_createDDict)(const void *dictionary, size_t n);
    size_t (*ZSTD_freeDDict)(void *dictionary);
    size_t (*ZSTD_decompress_usingDDict)(void *context, void *out, size_t room, const void *in, size_t n, const void *dictionary);
    unsigned long long (*ZSTD_getFrameContentSize)(const void *in, size_t n);
    size_t (*ZSTD_findFrameCompressedSize)(const void *in, size_t n);
    unsigned (*ZSTD_isError)(size_t code);
} zstd_t;

typedef struct codec_function_t {
    const char *name;
    size_t offset; /* of the pointer */
    int optional;
} codec_function_t;

#define ROW(library, name_, optional_) {#name_, offsetof(library, name_), optional_}
static const codec_function_t lz4_functions[] = {
    ROW(lz4_t, LZ4_createStream, 0),
    ROW(lz4_t, LZ4_freeStream, 0),
    ROW(lz4_t, LZ4_resetStream_fast, 0),
    ROW(lz4_t, LZ4_loadDict, 0),
    ROW(lz4_t, LZ4_compress_fast_continue, 0),
    ROW(lz4_t, LZ4_decompress_safe_usingDict, 0),
    ROW(lz4_t, LZ4_attach_dictionary, 1),
};
static const codec_function_t zstd_functions[] = {
    ROW(zstd_t, ZSTD_createCCtx, 0),
    ROW(zstd_t, ZSTD_freeCCtx, 0),
    ROW(zstd_t, ZSTD_compressCCtx, 0),
    ROW(zstd_t, ZSTD_createCDict, 0),
    ROW(zstd_t, ZSTD_freeCDict, 0),
    ROW(zstd_t, ZSTD_compress_usingCDict, 0),
    ROW(zstd_t, ZSTD_createDCtx, 0),
    ROW(zstd_t, ZSTD_freeDCtx, 0),
    ROW(zstd_t, ZSTD_decompressDCtx, 0),
    ROW(zstd_t, ZSTD_createDDict, 0),
    ROW(zstd_t, ZSTD_freeDDict, 0),
    ROW(zstd_t, ZSTD_decompress_usingDDict, 0),
    ROW(zstd_t, ZSTD_getFrameContentSize, 0),
    ROW(zstd_t, ZSTD_findFrameCompressedSize, 0),
    ROW(zstd_t, ZSTD_isError, 0),
};
#undef ROW
enum {
    LZ4_FUNCTIONS = sizeof(lz4_functions) / sizeof(lz4_functions[0]),
    ZSTD_FUNCTIONS = sizeof(zstd_functions) / sizeof(zstd_functions[0]),
};
#endif
