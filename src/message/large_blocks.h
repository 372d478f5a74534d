/* Blocks of large frames that nobody holds any more, kept for the next ones.
 *
 * malloc takes memory of this size from the system and gives it back: a page fault for each 4 KiB, every time, which is
 * half of what receiving a frame of 1 MiB costs.
 *
 * Rules
 * - Any thread gives and takes, without a lock: a place is exchanged as a whole, so whoever has taken a block out of it
 *   is alone with it.
 * - The places are the process's: a frame is let go where no context is known.
 * - A block begins with its size in pages. It is used again for a frame that fills more than half of it.
 * - A block of a secret is none of them: it is as small as it can be, and wiped when it goes. What tells it is a bit beside its size.
 * - What is kept is bounded (ZC_LARGE_KEPT blocks of ZC_LARGE_MAX at most), and goes back to the system when a socket
 *   has gone quiet, or a context ends.
 */
#ifndef ZMQCORE_LARGE_BLOCKS_H
#define ZMQCORE_LARGE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include "base/atomics.h"
#include "base/memory.h"
#include "base/secret.h"

/* From here on glibc maps memory for every block; below, malloc keeps it by itself. */
#define ZC_LARGE_MIN 131072u
/* Larger ones are rare, and what is done with them takes longer than the faults. */
#define ZC_LARGE_MAX 4194304u
/* One being received, some queued, some in the program's hands, in each direction of a busy process. */
#define ZC_LARGE_KEPT 8
#define ZC_LARGE_PAGE 4096u
#define ZC_BLOCK_SECRET 0x80000000u

/* What every block starts with: msg_t's block_t. */
typedef struct zc_large_head {
    uint32_t refs;
    uint32_t pages; /* 0: not one of ours; or ZC_BLOCK_SECRET and the bytes behind this head */
} zc_large_head;

static void *zc_large_kept[ZC_LARGE_KEPT]; /* atomic */

static inline uint32_t zc_large_pages(size_t n)
{
    return n < ZC_LARGE_MIN || n > ZC_LARGE_MAX ? 0 : (uint32_t)((n + ZC_LARGE_PAGE - 1) / ZC_LARGE_PAGE);
}

static inline size_t zc_large_room(const zc_large_head *b) { return (size_t)b->pages * ZC_LARGE_PAGE - sizeof *b; }

/* 1: it is kept. */
static inline int zc_large_put(zc_large_head *b)
{
    zc_memory_rests(b + 1, zc_large_room(b));
    for (int i = 0; i < ZC_LARGE_KEPT; i++)
        if (!zc_load_relaxed_ptr(&zc_large_kept[i]) && zc_cas_ptr(&zc_large_kept[i], NULL, b))
            return 1;
    zc_memory_wakes(b + 1, zc_large_room(b));
    return 0;
}

/* What place number i holds, or NULL. It is the caller's alone. */
static inline zc_large_head *zc_large_get(int i)
{
    zc_large_head *b;
    if (!zc_load_relaxed_ptr(&zc_large_kept[i]))
        return NULL;
    b = (zc_large_head *)zc_swap_ptr(&zc_large_kept[i], NULL);
    if (b)
        zc_memory_wakes(b + 1, zc_large_room(b));
    return b;
}

/* A block of at least n bytes, head included. NULL: out of memory. */
static inline void *zc_block_alloc(size_t n)
{
    uint32_t pages = zc_large_pages(n);
    zc_large_head *b;
    for (int i = 0; pages && i < ZC_LARGE_KEPT; i++) {
        b = zc_large_get(i);
        if (b && b->pages >= pages && b->pages < 2 * pages)
            return b;
        if (b && !zc_large_put(b))
            zc_free(b);
    }
    b = (zc_large_head *)zc_malloc(pages ? (size_t)pages * ZC_LARGE_PAGE : n);
    if (b)
        b->pages = pages;
    return b;
}

/* A block for `n` bytes, head included, that are wiped when it is let go. NULL: out of memory. */
static inline void *zc_block_secret(size_t n)
{
    zc_large_head *b = n < ZC_BLOCK_SECRET ? (zc_large_head *)zc_malloc(n) : NULL;
    if (b)
        b->pages = ZC_BLOCK_SECRET | (uint32_t)(n - sizeof *b);
    return b;
}

/* 1: it is kept. */
static inline int zc_block_keep(zc_large_head *b)
{
    if (!(b->pages & ZC_BLOCK_SECRET))
        return zc_large_put(b);
    zc_wipe(b + 1, b->pages & ~ZC_BLOCK_SECRET);
    return 0;
}

static inline void zc_block_free(void *block)
{
    zc_large_head *b = (zc_large_head *)block;
    if (!b->pages || !zc_block_keep(b))
        zc_free(b);
}

/* The same block with room for n bytes, or another one with its content; not for secrets. NULL: out of memory, nothing has happened. */
static inline void *zc_block_grow(void *block, size_t n)
{
    uint32_t pages = zc_large_pages(n);
    zc_large_head *b = (zc_large_head *)block;
    if (pages && b->pages >= pages)
        return b;
    b = (zc_large_head *)zc_realloc(b, pages ? (size_t)pages * ZC_LARGE_PAGE : n);
    if (b)
        b->pages = pages;
    return b;
}

/* How much is kept. */
static inline uint64_t zc_large_bytes(void)
{
    uint64_t n = 0;
    for (int i = 0; i < ZC_LARGE_KEPT; i++) {
        zc_large_head *b = zc_large_get(i);
        if (!b)
            continue;
        n += (uint64_t)b->pages * ZC_LARGE_PAGE;
        if (!zc_large_put(b))
            zc_free(b);
    }
    return n;
}

/* Gives everything back to the system. */
static inline void zc_large_trim(void)
{
    for (int i = 0; i < ZC_LARGE_KEPT; i++) {
        zc_large_head *b = zc_large_get(i);
        if (b)
            zc_free(b);
    }
}
#endif
