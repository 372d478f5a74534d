/* The functions of openssl.h in an OpenSSL that the fuzzer is linked with: some are macros there. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

static long get_mem_data(BIO *b, char **data) { return BIO_get_mem_data(b, data); }
static long set_mem_eof_return(BIO *b, int end) { return BIO_set_mem_eof_return(b, end); }
static long add_extra_chain_cert(SSL_CTX *c, X509 *x) { return SSL_CTX_add_extra_chain_cert(c, x); }
static long set_min_proto_version(SSL_CTX *c, int version) { return SSL_CTX_set_min_proto_version(c, version); }
static long set_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_mode(c, mode); }
static long set_session_cache_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_session_cache_mode(c, mode); }
static void set_tlsext_host_name(SSL *s, char *name) { SSL_set_tlsext_host_name(s, name); }

#define ROW(name_) {#name_, (void *)name_}
static const struct { const char *name; void *address; } functions[] = {
    ROW(BIO_new), ROW(BIO_new_mem_buf), ROW(BIO_s_mem), ROW(BIO_free), ROW(BIO_read), ROW(BIO_write), ROW(ERR_clear_error),
    ROW(ERR_peek_error), ROW(EVP_PKEY_free), ROW(EVP_get_digestbyname), ROW(PEM_read_bio_PrivateKey), ROW(PEM_read_bio_X509),
    ROW(SSL_CTX_check_private_key), ROW(SSL_CTX_free), ROW(SSL_CTX_get_cert_store), ROW(SSL_CTX_load_verify_locations),
    ROW(SSL_CTX_new), ROW(SSL_CTX_set_options), ROW(SSL_CTX_set_session_id_context), ROW(SSL_CTX_set_verify),
    ROW(SSL_CTX_use_PrivateKey), ROW(SSL_CTX_use_certificate), ROW(SSL_do_handshake), ROW(SSL_free), ROW(SSL_get0_param),
    ROW(SSL_get_error), {"SSL_get_peer_certificate", (void *)SSL_get1_peer_certificate}, ROW(SSL_get_shutdown),
    ROW(SSL_get_verify_result), ROW(SSL_new), ROW(SSL_pending), ROW(SSL_read), ROW(SSL_set_accept_state), ROW(SSL_set_bio),
    ROW(SSL_set_connect_state), ROW(SSL_shutdown), ROW(SSL_write), ROW(TLS_method), ROW(X509_STORE_add_cert),
    ROW(X509_STORE_set_flags), ROW(X509_VERIFY_PARAM_set1_host), ROW(X509_VERIFY_PARAM_set1_ip),
    ROW(X509_VERIFY_PARAM_set_hostflags), ROW(X509_digest), ROW(X509_free), ROW(i2d_X509_bio),
    {"BIO_get_mem_data", (void *)get_mem_data}, {"BIO_set_mem_eof_return", (void *)set_mem_eof_return},
    {"SSL_CTX_add_extra_chain_cert", (void *)add_extra_chain_cert}, {"SSL_CTX_set_mode", (void *)set_mode},
    {"SSL_CTX_set_min_proto_version", (void *)set_min_proto_version},
    {"SSL_CTX_set_session_cache_mode", (void *)set_session_cache_mode},
    {"SSL_set_tlsext_host_name", (void *)set_tlsext_host_name},
};

void *openssl_call(const char *name)
{
    size_t i;
    for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (strcmp(functions[i].name, name) == 0)
            return functions[i].address;
    return NULL;
}
