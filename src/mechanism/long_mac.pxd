# Poly1305 of long messages: the face of long_mac.h.

from libc.stddef cimport size_t
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy

cdef extern from "mechanism/long_mac.h" nogil:
    ctypedef struct long_mac_t:
        void *(*EVP_MAC_CTX_new)(void *mac) noexcept nogil
        void (*EVP_MAC_CTX_free)(void *state) noexcept nogil
        int (*EVP_MAC_init)(void *state, const unsigned char *key, size_t n, const void *parameters) noexcept nogil
        int (*EVP_MAC_update)(void *state, const unsigned char *p, size_t n) noexcept nogil
        int (*EVP_MAC_final)(void *state, unsigned char *out, size_t *n, size_t room) noexcept nogil
        void *poly1305
    ctypedef struct long_mac_function_t:
        const char *name
        size_t offset
    enum:
        LONG_MAC_FUNCTIONS
    const long_mac_function_t long_mac_functions[]      # LONG_MAC_FUNCTIONS rows

cdef enum:
    LONG_MAC_KEY = 32
    LONG_MAC_SIZE = 16
    # From here on it is the faster one: a state costs some 50 ns to prepare.
    LONG_MAC_MIN = 512


cdef inline void long_mac_put(long_mac_t *l, int i, uintptr_t address) noexcept nogil:
    """Row i of long_mac_functions is at that address."""
    memcpy(<char *> l + long_mac_functions[i].offset, &address, sizeof(address))


cdef inline bint long_mac_make(const long_mac_t *l, void **state, unsigned char *out, const unsigned char *p, size_t n,
                               const unsigned char *key) noexcept nogil:
    """*state: NULL, or what an earlier call has left there, for long_mac_free(). False: it cannot be done, and `out` is undefined."""
    cdef size_t size = 0
    if state[0] == NULL:
        state[0] = l.EVP_MAC_CTX_new(l.poly1305)
        if state[0] == NULL:
            return False
    return (l.EVP_MAC_init(state[0], key, LONG_MAC_KEY, NULL) == 1 and l.EVP_MAC_update(state[0], p, n) == 1
            and l.EVP_MAC_final(state[0], out, &size, LONG_MAC_SIZE) == 1 and size == LONG_MAC_SIZE)


cdef inline void long_mac_free(const long_mac_t *l, void *state) noexcept nogil:
    if state != NULL:
        l.EVP_MAC_CTX_free(state)
