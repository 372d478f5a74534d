/* Atomic access to plain words.
 *
 * Rules
 * - These wrappers are the only way the core touches a word that two threads share without a lock.
 * - The name says the order: relaxed, acquire, release; swap and cas are sequentially consistent, add and sub
 *   are acquire-release and return the OLD value.
 * - Compiler builtins, not inline assembly, so that ThreadSanitizer follows every access.
 * - The pointed-to words are plain (no _Atomic, no volatile): Cython structs can hold them.
 */
#ifndef ZC_ATOMICS_H
#define ZC_ATOMICS_H

#include <stddef.h>
#include <stdint.h>

/* A variable that each thread has for itself. */
#if defined(_MSC_VER)
#define ZC_THREAD_LOCAL __declspec(thread)
#else
#define ZC_THREAD_LOCAL __thread
#endif

#if defined(__SANITIZE_THREAD__)
#define ZC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ZC_TSAN 1
#endif
#endif

/* For functions that touch nothing but ZC_THREAD_LOCAL words. When a thread has ended the loader frees the block they are in, and
 * ThreadSanitizer does not know that nobody can be using it any more. */
#ifdef ZC_TSAN
#define ZC_THREADS_OWN __attribute__((no_sanitize_thread))
#else
#define ZC_THREADS_OWN
#endif

#if defined(__GNUC__) || defined(__clang__)

#define ZC_ATOMIC_WORD(T, name)                                                                             \
    static inline T zc_load_relaxed_##name(T *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }           \
    static inline T zc_load_acquire_##name(T *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }           \
    static inline void zc_store_relaxed_##name(T *p, T v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }     \
    static inline void zc_store_release_##name(T *p, T v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }     \
    static inline T zc_swap_##name(T *p, T v) { return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); }       \
    static inline int zc_cas_##name(T *p, T expected, T desired) {                                          \
        return __atomic_compare_exchange_n(p, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);   \
    }

#define ZC_ATOMIC_COUNTER(T, name)                                                                          \
    static inline T zc_add_##name(T *p, T v) { return __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL); }         \
    static inline T zc_sub_##name(T *p, T v) { return __atomic_fetch_sub(p, v, __ATOMIC_ACQ_REL); }

typedef void *zc_atomic_ptr_t;
ZC_ATOMIC_WORD(uint32_t, u32)
ZC_ATOMIC_WORD(uint64_t, u64)
ZC_ATOMIC_WORD(zc_atomic_ptr_t, ptr)
ZC_ATOMIC_COUNTER(uint32_t, u32)
ZC_ATOMIC_COUNTER(uint64_t, u64)

#ifdef ZC_TSAN
/* ThreadSanitizer does not model fences; a sequentially consistent read-modify-write of one common word orders
 * the same threads in a way it does model. */
static uint32_t zc_fence_word;
static inline void zc_fence(void) { __atomic_fetch_add(&zc_fence_word, 1u, __ATOMIC_SEQ_CST); }
#else
static inline void zc_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#endif

static inline void zc_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7)
    __asm__ __volatile__("yield" ::: "memory");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
}

#elif defined(_MSC_VER)

#include <intrin.h>

/* Aligned word-sized volatile accesses are indivisible; the barriers supply the order. On x86 a compiler barrier is
 * enough for acquire and release, on ARM64 the hardware needs one too. */
#if defined(_M_ARM64) || defined(_M_ARM)
#define ZC_ORDER() __dmb(0xB)
#else
#define ZC_ORDER() _ReadWriteBarrier()
#endif

#define ZC_ATOMIC_WORD(T, name, raw, suffix)                                                                \
    static __inline T zc_load_relaxed_##name(T *p) { return *(T volatile *)p; }                             \
    static __inline T zc_load_acquire_##name(T *p) { T v = *(T volatile *)p; ZC_ORDER(); return v; }        \
    static __inline void zc_store_relaxed_##name(T *p, T v) { *(T volatile *)p = v; }                       \
    static __inline void zc_store_release_##name(T *p, T v) { ZC_ORDER(); *(T volatile *)p = v; }           \
    static __inline T zc_swap_##name(T *p, T v) {                                                           \
        return (T)_InterlockedExchange##suffix((raw volatile *)p, (raw)v);                                  \
    }                                                                                                       \
    static __inline int zc_cas_##name(T *p, T expected, T desired) {                                        \
        return (T)_InterlockedCompareExchange##suffix((raw volatile *)p, (raw)desired, (raw)expected) == expected; \
    }

#define ZC_ATOMIC_COUNTER(T, name, raw, suffix)                                                             \
    static __inline T zc_add_##name(T *p, T v) {                                                            \
        return (T)_InterlockedExchangeAdd##suffix((raw volatile *)p, (raw)v);                               \
    }                                                                                                       \
    static __inline T zc_sub_##name(T *p, T v) {                                                            \
        return (T)_InterlockedExchangeAdd##suffix((raw volatile *)p, -(raw)v);                              \
    }

typedef void *zc_atomic_ptr_t;
ZC_ATOMIC_WORD(uint32_t, u32, long, )
ZC_ATOMIC_WORD(uint64_t, u64, __int64, 64)
ZC_ATOMIC_WORD(zc_atomic_ptr_t, ptr, zc_atomic_ptr_t, Pointer)
ZC_ATOMIC_COUNTER(uint32_t, u32, long, )
ZC_ATOMIC_COUNTER(uint64_t, u64, __int64, 64)

/* An interlocked operation is a full barrier on every Windows target and needs no <windows.h> macro. */
static __inline void zc_fence(void) {
    long word = 0;
    _InterlockedExchange((long volatile *)&word, 1);
#if defined(_M_ARM64) || defined(_M_ARM)
    __dmb(0xB);
#endif
}

static __inline void zc_pause(void) {
#if defined(_M_ARM64) || defined(_M_ARM)
    __yield();
#else
    _mm_pause();
#endif
}

#else
#error "zmqcore needs GCC, Clang or MSVC"
#endif

#undef ZC_ATOMIC_WORD
#undef ZC_ATOMIC_COUNTER

#endif
