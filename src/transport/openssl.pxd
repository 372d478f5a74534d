# The functions of OpenSSL: the face of openssl.h.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memcpy, strlen

cdef extern from "transport/openssl.h" nogil:
    enum:
        OPENSSL_PATH_MAX
        SSL_VERIFY_NONE
        SSL_VERIFY_PEER
        SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        SSL_ERROR_SSL
        SSL_ERROR_WANT_READ
        SSL_ERROR_WANT_WRITE
        SSL_ERROR_ZERO_RETURN
        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        SSL_MODE_RELEASE_BUFFERS
        SSL_OP_CLEANSE_PLAINTEXT
        SSL_OP_NO_TICKET
        SSL_OP_NO_COMPRESSION
        SSL_OP_PRIORITIZE_CHACHA
        SSL_OP_CIPHER_SERVER_PREFERENCE
        SSL_OP_NO_RENEGOTIATION
        SSL_SESS_CACHE_OFF
        SSL_SENT_SHUTDOWN
        TLS1_2_VERSION
        TLS1_3_VERSION
        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT
        X509_V_FLAG_PARTIAL_CHAIN
        PEM_R_NO_START_LINE
        ERR_REASON
        SSL_AD_REASON_OFFSET
    ctypedef struct openssl_t:
        void *(*BIO_new)(const void *method) noexcept nogil
        void *(*BIO_new_mem_buf)(const void *data, int n) noexcept nogil
        const void *(*BIO_s_mem)() noexcept nogil
        int (*BIO_free)(void *bio) noexcept nogil
        int (*BIO_read)(void *bio, void *out, int n) noexcept nogil
        int (*BIO_write)(void *bio, const void *data, int n) noexcept nogil
        long (*BIO_get_mem_data)(void *bio, char **data) noexcept nogil
        long (*BIO_set_mem_eof_return)(void *bio, int end) noexcept nogil
        void (*ERR_clear_error)() noexcept nogil
        unsigned long (*ERR_peek_error)() noexcept nogil
        void (*EVP_PKEY_free)(void *key) noexcept nogil
        const void *(*EVP_get_digestbyname)(const char *name) noexcept nogil
        void *(*PEM_read_bio_PrivateKey)(void *bio, void **out, void *callback, void *password) noexcept nogil
        void *(*PEM_read_bio_X509)(void *bio, void **out, void *callback, void *password) noexcept nogil
        long (*SSL_CTX_add_extra_chain_cert)(void *ctx, void *certificate) noexcept nogil
        int (*SSL_CTX_check_private_key)(const void *ctx) noexcept nogil
        void (*SSL_CTX_free)(void *ctx) noexcept nogil
        void *(*SSL_CTX_get_cert_store)(const void *ctx) noexcept nogil
        int (*SSL_CTX_load_verify_locations)(void *ctx, const char *file, const char *directory) noexcept nogil
        void *(*SSL_CTX_new)(const void *method) noexcept nogil
        long (*SSL_CTX_set_min_proto_version)(void *ctx, int version) noexcept nogil
        long (*SSL_CTX_set_mode)(void *ctx, long mode) noexcept nogil
        uint64_t (*SSL_CTX_set_options)(void *ctx, uint64_t options) noexcept nogil
        long (*SSL_CTX_set_session_cache_mode)(void *ctx, long mode) noexcept nogil
        int (*SSL_CTX_set_session_id_context)(void *ctx, const unsigned char *id, unsigned int n) noexcept nogil
        void (*SSL_CTX_set_verify)(void *ctx, int mode, void *callback) noexcept nogil
        int (*SSL_CTX_set_ciphersuites)(void *ctx, const char *names) noexcept nogil
        int (*SSL_CTX_use_PrivateKey)(void *ctx, void *key) noexcept nogil
        int (*SSL_CTX_use_certificate)(void *ctx, void *certificate) noexcept nogil
        int (*SSL_do_handshake)(void *ssl) noexcept nogil
        void (*SSL_free)(void *ssl) noexcept nogil
        void *(*SSL_get0_param)(void *ssl) noexcept nogil
        const char *(*SSL_get_cipher_list)(const void *ssl, int i) noexcept nogil
        int (*SSL_get_error)(const void *ssl, int rc) noexcept nogil
        void *(*SSL_get_peer_certificate)(const void *ssl) noexcept nogil
        int (*SSL_get_shutdown)(const void *ssl) noexcept nogil
        long (*SSL_get_verify_result)(const void *ssl) noexcept nogil
        void *(*SSL_new)(void *ctx) noexcept nogil
        int (*SSL_pending)(const void *ssl) noexcept nogil
        int (*SSL_read)(void *ssl, void *out, int n) noexcept nogil
        void (*SSL_set_accept_state)(void *ssl) noexcept nogil
        void (*SSL_set_bio)(void *ssl, void *incoming, void *outgoing) noexcept nogil
        void (*SSL_set_connect_state)(void *ssl) noexcept nogil
        void (*SSL_set_tlsext_host_name)(void *ssl, char *name) noexcept nogil
        int (*SSL_shutdown)(void *ssl) noexcept nogil
        int (*SSL_write)(void *ssl, const void *data, int n) noexcept nogil
        const void *(*TLS_method)() noexcept nogil
        int (*X509_STORE_add_cert)(void *store, void *certificate) noexcept nogil
        int (*X509_STORE_set_flags)(void *store, unsigned long flags) noexcept nogil
        int (*X509_VERIFY_PARAM_set1_host)(void *param, const char *name, size_t n) noexcept nogil
        int (*X509_VERIFY_PARAM_set1_ip)(void *param, const unsigned char *ip, size_t n) noexcept nogil
        void (*X509_VERIFY_PARAM_set_hostflags)(void *param, unsigned int flags) noexcept nogil
        int (*X509_digest)(const void *certificate, const void *digest, unsigned char *out,
                           unsigned int *n) noexcept nogil
        void (*X509_free)(void *certificate) noexcept nogil
        int (*i2d_X509_bio)(void *bio, void *certificate) noexcept nogil
        char trust_file[OPENSSL_PATH_MAX + 1]
        char trust_directory[1024]
    ctypedef struct openssl_function_t:
        const char *name
        size_t offset
    enum:
        OPENSSL_FUNCTIONS
    const openssl_function_t openssl_functions[]        # OPENSSL_FUNCTIONS rows


cdef inline bint openssl_there(const openssl_t *o) noexcept nogil:
    """Whether it has been filled."""
    return o.SSL_new != NULL


cdef inline void openssl_put(openssl_t *o, int i, uintptr_t address) noexcept nogil:
    """Row i of openssl_functions is at that address."""
    memcpy(<char *> o + openssl_functions[i].offset, &address, sizeof(address))


cdef inline void openssl_trust(char *out, const char *path) noexcept nogil:
    """A path of the system's certificates; one that is too long is none."""
    cdef size_t n = strlen(path)
    memcpy(out, path, n + 1 if n <= OPENSSL_PATH_MAX else 0)
    if n > OPENSSL_PATH_MAX:
        out[0] = 0
