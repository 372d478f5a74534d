/* The functions of OpenSSL that TLS is made of: pointers into a library that is there at run time only.
 *
 * Rules
 * - Each name is the library's own, and so are the arguments; its types are opaque here. Constants are those of OpenSSL 1.1.1
 *   to 4, where they have never changed.
 * - Any thread may call them. An object (a context, a session, a BIO) belongs to the lock of the socket it is used for; a context
 *   counts its sessions itself.
 * - Filled once and copied: nothing in it changes afterwards.
 */
#ifndef ZC_OPENSSL_H
#define ZC_OPENSSL_H
#include <stddef.h>
#include <stdint.h>

enum {
    OPENSSL_PATH_MAX = 1023,
    SSL_VERIFY_NONE = 0,
    SSL_VERIFY_PEER = 1,
    SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2,
    SSL_ERROR_SSL = 1,
    SSL_ERROR_WANT_READ = 2,
    SSL_ERROR_WANT_WRITE = 3,
    SSL_ERROR_ZERO_RETURN = 6,
    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2,
    SSL_MODE_RELEASE_BUFFERS = 16,
    SSL_OP_CLEANSE_PLAINTEXT = 1 << 1, /* OpenSSL 3; before that it means nothing */
    SSL_OP_NO_TICKET = 1 << 14,
    SSL_OP_NO_COMPRESSION = 1 << 17,
    SSL_OP_PRIORITIZE_CHACHA = 1 << 21,
    SSL_OP_CIPHER_SERVER_PREFERENCE = 1 << 22,
    SSL_OP_NO_RENEGOTIATION = 1 << 30,
    SSL_SESS_CACHE_OFF = 0,
    SSL_SENT_SHUTDOWN = 1,
    TLS1_2_VERSION = 0x0303,
    TLS1_3_VERSION = 0x0304,
    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS = 4,
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT = 0x20,
    X509_V_FLAG_PARTIAL_CHAIN = 0x80000,
    PEM_R_NO_START_LINE = 108,
    ERR_REASON = 0xfff,      /* of an error code, the part that says why */
    SSL_AD_REASON_OFFSET = 1000 /* a reason above it is an alert of the peer's */
};

typedef struct openssl_t {
    void *(*BIO_new)(const void *method);
    void *(*BIO_new_mem_buf)(const void *data, int n);
    const void *(*BIO_s_mem)(void);
    int (*BIO_free)(void *bio);
    int (*BIO_read)(void *bio, void *out, int n);
    int (*BIO_write)(void *bio, const void *data, int n);
    long (*BIO_get_mem_data)(void *bio, char **data);
    long (*BIO_set_mem_eof_return)(void *bio, int end);
    void (*ERR_clear_error)(void);
    unsigned long (*ERR_peek_error)(void);
    void (*EVP_PKEY_free)(void *key);
    const void *(*EVP_get_digestbyname)(const char *name);
    void *(*PEM_read_bio_PrivateKey)(void *bio, void **out, int (*ask)(char *, int, int, void *), void *password);
    void *(*PEM_read_bio_X509)(void *bio, void **out, int (*ask)(char *, int, int, void *), void *password);
    long (*SSL_CTX_add_extra_chain_cert)(void *ctx, void *certificate);
    int (*SSL_CTX_check_private_key)(const void *ctx);
    void (*SSL_CTX_free)(void *ctx);
    void *(*SSL_CTX_get_cert_store)(const void *ctx);
    int (*SSL_CTX_load_verify_locations)(void *ctx, const char *file, const char *directory);
    void *(*SSL_CTX_new)(const void *method);
    long (*SSL_CTX_set_min_proto_version)(void *ctx, int version);
    long (*SSL_CTX_set_mode)(void *ctx, long mode);
    uint64_t (*SSL_CTX_set_options)(void *ctx, uint64_t options);
    long (*SSL_CTX_set_session_cache_mode)(void *ctx, long mode);
    int (*SSL_CTX_set_session_id_context)(void *ctx, const unsigned char *id, unsigned int n);
    void (*SSL_CTX_set_verify)(void *ctx, int mode, int (*callback)(int, void *));
    int (*SSL_CTX_set_ciphersuites)(void *ctx, const char *names);
    int (*SSL_CTX_use_PrivateKey)(void *ctx, void *key);
    int (*SSL_CTX_use_certificate)(void *ctx, void *certificate);
    int (*SSL_do_handshake)(void *ssl);
    void (*SSL_free)(void *ssl);
    void *(*SSL_get0_param)(void *ssl);
    const char *(*SSL_get_cipher_list)(const void *ssl, int i);
    int (*SSL_get_error)(const void *ssl, int rc);
    void *(*SSL_get_peer_certificate)(const void *ssl);
    int (*SSL_get_shutdown)(const void *ssl);
    long (*SSL_get_verify_result)(const void *ssl);
    void *(*SSL_new)(void *ctx);
    int (*SSL_pending)(const void *ssl);
    int (*SSL_read)(void *ssl, void *out, int n);
    void (*SSL_set_accept_state)(void *ssl);
    void (*SSL_set_bio)(void *ssl, void *incoming, void *outgoing);
    void (*SSL_set_connect_state)(void *ssl);
    void (*SSL_set_tlsext_host_name)(void *ssl, char *name);
    int (*SSL_shutdown)(void *ssl);
    int (*SSL_write)(void *ssl, const void *data, int n);
    const void *(*TLS_method)(void);
    int (*X509_STORE_add_cert)(void *store, void *certificate);
    int (*X509_STORE_set_flags)(void *store, unsigned long flags);
    int (*X509_VERIFY_PARAM_set1_host)(void *param, const char *name, size_t n);
    int (*X509_VERIFY_PARAM_set1_ip)(void *param, const unsigned char *ip, size_t n);
    void (*X509_VERIFY_PARAM_set_hostflags)(void *param, unsigned int flags);
    int (*X509_digest)(const void *certificate, const void *digest, unsigned char *out, unsigned int *n);
    void (*X509_free)(void *certificate);
    int (*i2d_X509_bio)(void *bio, void *certificate);
    /* where the system keeps the certificates it trusts; "": not there */
    char trust_file[OPENSSL_PATH_MAX + 1];
    char trust_directory[OPENSSL_PATH_MAX + 1];
} openssl_t;

typedef struct openssl_function_t {
    const char *name;
    size_t offset; /* of the pointer */
} openssl_function_t;

#define ROW(name_) {#name_, offsetof(openssl_t, name_)}
static const openssl_function_t openssl_functions[] = {
    ROW(BIO_new), ROW(BIO_new_mem_buf), ROW(BIO_s_mem), ROW(BIO_free), ROW(BIO_read), ROW(BIO_write), ROW(BIO_get_mem_data),
    ROW(BIO_set_mem_eof_return),
    ROW(ERR_clear_error), ROW(ERR_peek_error), ROW(EVP_PKEY_free), ROW(EVP_get_digestbyname), ROW(PEM_read_bio_PrivateKey),
    ROW(PEM_read_bio_X509), ROW(SSL_CTX_add_extra_chain_cert), ROW(SSL_CTX_check_private_key), ROW(SSL_CTX_free),
    ROW(SSL_CTX_get_cert_store), ROW(SSL_CTX_load_verify_locations), ROW(SSL_CTX_new), ROW(SSL_CTX_set_min_proto_version),
    ROW(SSL_CTX_set_mode), ROW(SSL_CTX_set_options), ROW(SSL_CTX_set_session_cache_mode), ROW(SSL_CTX_set_session_id_context),
    ROW(SSL_CTX_set_ciphersuites), ROW(SSL_CTX_set_verify), ROW(SSL_CTX_use_PrivateKey), ROW(SSL_CTX_use_certificate), ROW(SSL_do_handshake), ROW(SSL_free),
    ROW(SSL_get0_param), ROW(SSL_get_cipher_list), ROW(SSL_get_error), ROW(SSL_get_peer_certificate), ROW(SSL_get_shutdown), ROW(SSL_get_verify_result),
    ROW(SSL_new), ROW(SSL_pending), ROW(SSL_read), ROW(SSL_set_accept_state), ROW(SSL_set_bio), ROW(SSL_set_connect_state),
    ROW(SSL_set_tlsext_host_name), ROW(SSL_shutdown), ROW(SSL_write), ROW(TLS_method), ROW(X509_STORE_add_cert),
    ROW(X509_STORE_set_flags), ROW(X509_VERIFY_PARAM_set1_host), ROW(X509_VERIFY_PARAM_set1_ip),
    ROW(X509_VERIFY_PARAM_set_hostflags), ROW(X509_digest), ROW(X509_free), ROW(i2d_X509_bio),
};
#undef ROW
enum { OPENSSL_FUNCTIONS = sizeof(openssl_functions) / sizeof(openssl_functions[0]) };
#endif
