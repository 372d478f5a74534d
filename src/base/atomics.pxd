# Atomic access to words shared between threads without a lock: the face of atomics.h.
#
# Rules
# - The name says the order: relaxed, acquire, release. swap and cas are sequentially consistent; add and sub are
#   acquire-release and return the OLD value; cas returns 1 when it wrote.
# - Every use names in a comment which access it pairs with.

from libc.stdint cimport uint32_t, uint64_t

cdef extern from "base/atomics.h" nogil:
    uint32_t zc_load_relaxed_u32(uint32_t *p)
    uint32_t zc_load_acquire_u32(uint32_t *p)
    void zc_store_relaxed_u32(uint32_t *p, uint32_t v)
    void zc_store_release_u32(uint32_t *p, uint32_t v)
    uint32_t zc_swap_u32(uint32_t *p, uint32_t v)
    int zc_cas_u32(uint32_t *p, uint32_t expected, uint32_t desired)
    uint32_t zc_add_u32(uint32_t *p, uint32_t v)
    uint32_t zc_sub_u32(uint32_t *p, uint32_t v)

    uint64_t zc_load_relaxed_u64(uint64_t *p)
    uint64_t zc_load_acquire_u64(uint64_t *p)
    void zc_store_relaxed_u64(uint64_t *p, uint64_t v)
    void zc_store_release_u64(uint64_t *p, uint64_t v)
    uint64_t zc_swap_u64(uint64_t *p, uint64_t v)
    int zc_cas_u64(uint64_t *p, uint64_t expected, uint64_t desired)
    uint64_t zc_add_u64(uint64_t *p, uint64_t v)
    uint64_t zc_sub_u64(uint64_t *p, uint64_t v)

    void *zc_load_relaxed_ptr(void **p)
    void *zc_load_acquire_ptr(void **p)
    void zc_store_relaxed_ptr(void **p, void *v)
    void zc_store_release_ptr(void **p, void *v)
    void *zc_swap_ptr(void **p, void *v)
    int zc_cas_ptr(void **p, void *expected, void *desired)

    void zc_fence()
    void zc_pause()
