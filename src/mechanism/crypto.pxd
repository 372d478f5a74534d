# The primitives of CURVE: the face of crypto.h.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memcpy
from mechanism.long_mac cimport long_mac_t

cdef extern from "mechanism/crypto.h" nogil:
    ctypedef struct crypto_t:
        int (*box_keypair)(unsigned char *public_key, unsigned char *secret_key) noexcept nogil
        int (*box_beforenm)(unsigned char *key, const unsigned char *public_key,
                            const unsigned char *secret_key) noexcept nogil
        int (*box_easy_afternm)(unsigned char *box, const unsigned char *m, unsigned long long n,
                                const unsigned char *nonce, const unsigned char *key) noexcept nogil
        int (*box_open_easy_afternm)(unsigned char *m, const unsigned char *box, unsigned long long n,
                                     const unsigned char *nonce, const unsigned char *key) noexcept nogil
        int (*scalarmult_base)(unsigned char *public_key, const unsigned char *secret_key) noexcept nogil
        void (*randombytes)(unsigned char *out, unsigned long long n) noexcept nogil
        int (*core_hsalsa20)(unsigned char *out, const unsigned char *p, const unsigned char *key,
                             const unsigned char *constant) noexcept nogil
        int (*stream_salsa20_xor_ic)(unsigned char *out, const unsigned char *p, unsigned long long n,
                                     const unsigned char *nonce, uint64_t block, const unsigned char *key) noexcept nogil
        int (*onetimeauth_poly1305)(unsigned char *out, const unsigned char *p, unsigned long long n,
                                    const unsigned char *key) noexcept nogil
        const long_mac_t *long_mac
    ctypedef struct crypto_function_t:
        const char *name
        size_t offset
        int optional
    enum:
        CRYPTO_FUNCTIONS
    const crypto_function_t crypto_functions[]      # CRYPTO_FUNCTIONS rows


cdef inline bint crypto_there(const crypto_t *c) noexcept nogil:
    """Whether it has been filled."""
    return c.box_keypair != NULL


cdef inline bint crypto_streams(const crypto_t *c) noexcept nogil:
    """Whether the optional functions are there."""
    return c.core_hsalsa20 != NULL and c.stream_salsa20_xor_ic != NULL and c.onetimeauth_poly1305 != NULL


cdef inline void crypto_put(crypto_t *c, int i, uintptr_t address) noexcept nogil:
    """Row i of crypto_functions is at that address; 0: it is not there."""
    memcpy(<char *> c + crypto_functions[i].offset, &address, sizeof(address))
