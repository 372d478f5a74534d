/* Poly1305 of long messages: OpenSSL's, where Python has one that can be called.
 *
 * Rules
 * - libsodium's works on two words at a time, OpenSSL's on as many as the processor's vectors hold: 64 KiB take 6 instead of 20 us.
 *   The octets are the same, which is tried when it is found; CURVE works without it.
 * - Each name is the library's own, and so are the arguments; its types are opaque here. `poly1305` is the algorithm, found once for
 *   the process. A state belongs to one connection, and so to the lock of its socket.
 * - OpenSSL wipes a state when it has given its result.
 * - Filled once, before it is pointed to; nothing in it changes afterwards.
 */
#ifndef ZC_LONG_MAC_H
#define ZC_LONG_MAC_H
#include <stddef.h>

typedef struct long_mac_t {
    void *(*EVP_MAC_CTX_new)(void *mac);
    void (*EVP_MAC_CTX_free)(void *state);
    int (*EVP_MAC_init)(void *state, const unsigned char *key, size_t n, const void *parameters);
    int (*EVP_MAC_update)(void *state, const unsigned char *p, size_t n);
    int (*EVP_MAC_final)(void *state, unsigned char *out, size_t *n, size_t room);
    void *poly1305;
} long_mac_t;

typedef struct long_mac_function_t {
    const char *name;
    size_t offset; /* of the pointer */
} long_mac_function_t;

#define ROW(name_) {#name_, offsetof(long_mac_t, name_)}
static const long_mac_function_t long_mac_functions[] = {
    ROW(poly1305), /* no function */
    ROW(EVP_MAC_CTX_new), ROW(EVP_MAC_CTX_free), ROW(EVP_MAC_init), ROW(EVP_MAC_update), ROW(EVP_MAC_final),
};
#undef ROW
enum { LONG_MAC_FUNCTIONS = sizeof(long_mac_functions) / sizeof(long_mac_functions[0]) };
#endif
