/* Where the core's memory comes from, and how a test makes it run out.
 *
 * Rules
 * - All memory of the core comes from and goes back to these four; the system's own names appear nowhere else.
 * - In a build for users they are the system's functions, at no cost. A build with ZC_FAULTS counts the blocks in use, and can make
 *   any allocation and any call that takes something else of the system's (a descriptor, a thread, a name) fail. It also counts how many bytes
 *   of large frames are copied, and its clock can be set forward.
 * - `zc_faults` is exported under its own name: a test finds it with ctypes, so no interface of the package has to show it. A shared
 *   object has its own.
 */
#ifndef ZC_MEMORY_H
#define ZC_MEMORY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

/* Asks the system to map so much by large pages. Advice: it may do so later, or never. */
static inline void zc_advise_large_pages(void *p, size_t n) {
#if defined(MADV_HUGEPAGE)
    (void)madvise(p, n, MADV_HUGEPAGE);
#else
    (void)p, (void)n;
#endif
}

/* Memory that is kept for later and nobody's meanwhile: a build with the address sanitizer reports whoever touches it. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define zc_memory_rests(p, n) __asan_poison_memory_region(p, n)
#define zc_memory_wakes(p, n) __asan_unpoison_memory_region(p, n)
#else
#define zc_memory_rests(p, n) ((void)0)
#define zc_memory_wakes(p, n) ((void)0)
#endif

#if defined(ZC_FAULTS)

#include "base/atomics.h"

/* Whether the build looks after itself where that costs time. */
#define ZC_CHECKS 1

/* Calls number `next` to `next + run - 1` from now fail (1 = the very next one). */
typedef struct zc_countdown {
    uint32_t armed; /* atomic; read first, so that nothing is counted while no test asks for it */
    uint32_t run;   /* set while not armed */
    uint64_t next;  /* atomic; counts down, below zero as well: what is left tells a test how many calls there were */
} zc_countdown_t;

typedef struct zc_faults {
    zc_countdown_t memory;
    zc_countdown_t resources;
    uint64_t error;  /* errno of the calls for a resource that fail; set while not armed */
    uint64_t blocks; /* atomic; allocated and not freed */
    uint64_t copied; /* atomic; bytes, see zc_copy_count() */
    uint64_t ahead;  /* atomic; so many nanoseconds is zc_now_ns() ahead of the system's clock. It may only grow */
} zc_faults_t;

#if defined(_WIN32)
__declspec(dllexport) zc_faults_t zc_faults;
#else
__attribute__((visibility("default"))) zc_faults_t zc_faults;
#endif

static inline int zc_fault_due(zc_countdown_t *c) {
    if (!zc_load_acquire_u32(&c->armed)) return 0; /* acquire: `run` and `next` were set before */
    int64_t left = (int64_t)zc_sub_u64(&c->next, 1);
    return left <= 1 && left > 1 - (int64_t)c->run;
}

/* 0, or the -errno with which a call that takes a descriptor, thread or name shall fail. */
static inline int zc_resource_fault(void) {
    return zc_fault_due(&zc_faults.resources) ? -(int)zc_faults.error : 0;
}

static inline uint64_t zc_clock_ahead(void) { return zc_load_relaxed_u64(&zc_faults.ahead); }

/* So many bytes of a frame were copied. Small frames are not counted: copying is what they cost, and counting would cost as much. */
static inline void zc_copy_count(uint64_t n) {
    if (n >= 1024) zc_add_u64(&zc_faults.copied, n);
}

static inline void *zc_malloc(size_t n) {
    void *p = zc_fault_due(&zc_faults.memory) ? NULL : malloc(n);
    if (p) zc_add_u64(&zc_faults.blocks, 1);
    return p;
}

static inline void *zc_calloc(size_t n, size_t size) {
    void *p = zc_fault_due(&zc_faults.memory) ? NULL : calloc(n, size);
    if (p) zc_add_u64(&zc_faults.blocks, 1);
    return p;
}

static inline void *zc_realloc(void *old, size_t n) {
    void *p = zc_fault_due(&zc_faults.memory) ? NULL : realloc(old, n);
    if (p && !old) zc_add_u64(&zc_faults.blocks, 1);
    return p;
}

static inline void zc_free(void *p) {
    if (p) zc_sub_u64(&zc_faults.blocks, 1);
    free(p);
}

#else

#define ZC_CHECKS 0
#define zc_malloc malloc
#define zc_calloc calloc
#define zc_realloc realloc
#define zc_free free
#define zc_resource_fault() 0
#define zc_clock_ahead() 0
#define zc_copy_count(n) ((void)0)

#endif

/* memcpy() of what frames consist of. */
static inline void zc_copy(void *to, const void *from, uint64_t n) {
    memcpy(to, from, (size_t)n);
    zc_copy_count(n);
}
#endif
