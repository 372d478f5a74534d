/* The primitives of CURVE: pointers into a library that is there at run time only (libsodium).
 *
 * Rules
 * - Each name is the library's own without its "crypto_", and so are the arguments. All of them may be called by any thread.
 * - Those that are optional are in libsodium, but not every build of it lets others find them. Without them messages are
 *   sealed more slowly; the octets are the same.
 * - Filled once and copied: nothing in it changes afterwards.
 */
#ifndef ZC_CRYPTO_H
#define ZC_CRYPTO_H
#include <stddef.h>
#include <stdint.h>
#include "mechanism/long_mac.h"

typedef struct crypto_t {
    int (*box_keypair)(unsigned char *public_key, unsigned char *secret_key);
    int (*box_beforenm)(unsigned char *key, const unsigned char *public_key, const unsigned char *secret_key);
    int (*box_easy_afternm)(unsigned char *box, const unsigned char *m, unsigned long long n, const unsigned char *nonce,
                            const unsigned char *key);
    int (*box_open_easy_afternm)(unsigned char *m, const unsigned char *box, unsigned long long n, const unsigned char *nonce,
                                 const unsigned char *key);
    int (*scalarmult_base)(unsigned char *public_key, const unsigned char *secret_key);
    void (*randombytes)(unsigned char *out, unsigned long long n);
    /* optional */
    int (*core_hsalsa20)(unsigned char *out, const unsigned char *in, const unsigned char *key, const unsigned char *constant);
    int (*stream_salsa20_xor_ic)(unsigned char *out, const unsigned char *in, unsigned long long n, const unsigned char *nonce,
                                 uint64_t block, const unsigned char *key);
    int (*onetimeauth_poly1305)(unsigned char *out, const unsigned char *in, unsigned long long n, const unsigned char *key);
    /* the same for long messages, if there is anything faster; it lives as long as the process. NULL: there is nothing */
    const long_mac_t *long_mac;
} crypto_t;

typedef struct crypto_function_t {
    const char *name;
    size_t offset; /* of the pointer */
    int optional;
} crypto_function_t;

#define ROW(name_, optional_) {"crypto_" #name_, offsetof(crypto_t, name_), optional_}
static const crypto_function_t crypto_functions[] = {
    ROW(box_keypair, 0),
    ROW(box_beforenm, 0),
    ROW(box_easy_afternm, 0),
    ROW(box_open_easy_afternm, 0),
    ROW(scalarmult_base, 0),
    {"randombytes", offsetof(crypto_t, randombytes), 0},
    ROW(core_hsalsa20, 1),
    ROW(stream_salsa20_xor_ic, 1),
    ROW(onetimeauth_poly1305, 1),
};
#undef ROW
enum { CRYPTO_FUNCTIONS = sizeof(crypto_functions) / sizeof(crypto_functions[0]) };
#endif
