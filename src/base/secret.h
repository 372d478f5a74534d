/* Secrets in memory: forgotten for good, and compared without telling how much was right.
 *
 * Rules
 * - zc_wipe() is not taken out by the compiler, though nobody reads the memory any more.
 * - zc_same_secret() takes the same time whatever the bytes are; only the size may be guessed from it.
 */
#ifndef ZC_SECRET_H
#define ZC_SECRET_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
static inline void zc_wipe(void *p, size_t n)
{
    if (n)
        memset(p, 0, n);
    __asm__ __volatile__("" : : "r"(p) : "memory");
}
#else
static inline void zc_wipe(void *p, size_t n)
{
    volatile unsigned char *byte = (volatile unsigned char *)p;
    while (n--)
        *byte++ = 0;
}
#endif

/* What has been found so far stays unknown to the compiler, so that it cannot stop early. */
#if defined(__GNUC__)
#define ZC_UNKNOWN(x) __asm__("" : "+r"(x))
#else
#define ZC_UNKNOWN(x) ((void)*(volatile uint64_t *)&(x))
#endif

static inline int zc_same_secret(const void *a, const void *b, size_t n)
{
    const unsigned char *x = (const unsigned char *)a;
    const unsigned char *y = (const unsigned char *)b;
    uint64_t differ = 0, u, v;
    for (; n >= sizeof u; n -= sizeof u, x += sizeof u, y += sizeof u) {
        memcpy(&u, x, sizeof u);
        memcpy(&v, y, sizeof v);
        differ |= u ^ v;
        ZC_UNKNOWN(differ);
    }
    while (n--) {
        differ |= (uint64_t)(*x++ ^ *y++);
        ZC_UNKNOWN(differ);
    }
    return differ == 0;
}
#endif
