/* Secrets in memory: forgotten for good, and compared without telling how much was right.
 *
 * Rules
 * - zc_wipe() is not taken out by the compiler, though nobody reads the memory any more.
 * - zc_same_secret() takes the same time whatever the bytes are; only the size may be guessed from it.
 */
#ifndef ZC_SECRET_H
#define ZC_SECRET_H
#include <stddef.h>
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

static inline int zc_same_secret(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *x = (const volatile unsigned char *)a;
    const volatile unsigned char *y = (const volatile unsigned char *)b;
    unsigned char differ = 0;
    while (n--)
        differ |= (unsigned char)(*x++ ^ *y++);
    return differ == 0;
}
#endif
