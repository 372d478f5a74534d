# What all TLS connections of an endpoint share: certificates and what is asked of the peer's, made of the options at bind()
# and connect().
#
# Rules
# - TLS 1.3, or 1.2 where the options allow it. No session tickets, no renegotiation, no compression.
# - A client always verifies the server's certificate, and that it is for the host it connects to. There is no way around
#   it but to say who is to be trusted (TLS_TRUST_PEM may be the server's own certificate) and under what name.
# - A certificate that is trusted is trusted as it is: it need not be that of an authority.
# - A key with a password is refused: nobody is asked for it.
# - Counted: its endpoint holds one reference, each stream another. All of it belongs to the lock of the socket.

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, strstr
from base.errors cimport EINVAL, ENOMEM, ENOTSUP
from base.memory cimport calloc, free
from base.platform cimport ZC_FAMILY_V4, ZC_FAMILY_V6, zc_cpu_has_aes, zc_sa_parse_numeric
from transport.openssl cimport (
    ERR_REASON, PEM_R_NO_START_LINE, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, SSL_MODE_RELEASE_BUFFERS,
    SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_CLEANSE_PLAINTEXT, SSL_OP_NO_COMPRESSION, SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET,
    SSL_OP_PRIORITIZE_CHACHA,
    SSL_SESS_CACHE_OFF,
    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, SSL_VERIFY_NONE, SSL_VERIFY_PEER, TLS1_2_VERSION, TLS1_3_VERSION,
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, X509_V_FLAG_PARTIAL_CHAIN, openssl_t,
)
from transport.tuning cimport tls_wishes_t, tuning_t, tuning_text_t

cdef enum:
    TLS_RECORD = 16384              # plaintext of the largest record
    TLS_RECORDS = 8                 # handed to the system at once
    TLS_SCRATCH = 139264            # so many records, with 1 KiB each around them
    # What one may become: a peer may have it cut into pieces of 512 bytes (RFC 6066), with 85 around each in TLS 1.2.
    TLS_RECORD_MOST = TLS_RECORD + 4096
    TLS_NAME_MAX = 255              # bytes of a DNS name
    TLS_SUITES = 3                  # that tls_suites() names
    CLIENTS_MAY = 1
    PEM_MAX = 0x7fffffff            # an int is what OpenSSL takes

cdef struct tls_setup_t:
    uint32_t refs
    const openssl_t *lib            # the context's
    void *ctx                       # SSL_CTX
    bint connects
    char name[256]                  # of the server, TLS_NAME_MAX and a NUL
    size_t name_size
    int address_size                # 4 or 16: the name is that address; else 0
    uint8_t address[16]
    # For the time of one call: bytes from and to the system, and pieces of plaintext put together.
    unsigned char scratch[TLS_SCRATCH]
    unsigned char plain[TLS_RECORD]


cdef inline void tls_setup_unref(tls_setup_t *t) noexcept nogil:
    t.refs -= 1
    if t.refs == 0:
        t.lib.SSL_CTX_free(t.ctx)
        free(t)


cdef inline void tls_release(void *made) noexcept nogil:
    """transport_ops_t.release"""
    tls_setup_unref(<tls_setup_t *> made)


cdef inline int tls_take_certificate(tls_setup_t *t, void *certificate, int i, void *store) noexcept nogil:
    """Certificate number i of a text: ours and those that lead to it, or with `store` one to trust. 0 or -EINVAL."""
    cdef int rc
    if store != NULL:
        rc = t.lib.X509_STORE_add_cert(store, certificate)
    elif i == 0:
        rc = t.lib.SSL_CTX_use_certificate(t.ctx, certificate)
    else:
        rc = <int> t.lib.SSL_CTX_add_extra_chain_cert(t.ctx, certificate)
        if rc == 1:
            return 0                # it is the context's now
    t.lib.X509_free(certificate)
    return 0 if rc == 1 else -EINVAL


cdef inline int tls_take_certificates(tls_setup_t *t, const tuning_text_t *pem, void *store) noexcept nogil:
    """All certificates of a text. 0, or -EINVAL: none, or not only certificates."""
    cdef void *bio = NULL
    cdef void *certificate
    cdef int rc = 0, i = 0
    if pem.size <= PEM_MAX:
        bio = t.lib.BIO_new_mem_buf(pem.data, <int> pem.size)
    if bio == NULL:
        return -EINVAL
    t.lib.ERR_clear_error()
    while rc == 0:
        certificate = t.lib.PEM_read_bio_X509(bio, NULL, NULL, <void *> b"")
        if certificate == NULL:
            break
        rc = tls_take_certificate(t, certificate, i, store)
        i += 1
    if rc == 0 and (i == 0 or (t.lib.ERR_peek_error() & ERR_REASON) != PEM_R_NO_START_LINE):
        rc = -EINVAL
    t.lib.ERR_clear_error()
    t.lib.BIO_free(bio)
    return rc


cdef inline int tls_take_key(tls_setup_t *t, const tuning_text_t *pem) noexcept nogil:
    """0 or -EINVAL: not a private key, or one with a password."""
    cdef void *bio = NULL
    cdef void *key = NULL
    cdef int rc = -EINVAL
    if pem.size <= PEM_MAX:
        bio = t.lib.BIO_new_mem_buf(pem.data, <int> pem.size)
    if bio != NULL:
        key = t.lib.PEM_read_bio_PrivateKey(bio, NULL, NULL, <void *> b"")
    if key != NULL:
        rc = 0 if t.lib.SSL_CTX_use_PrivateKey(t.ctx, key) == 1 else -EINVAL
        t.lib.EVP_PKEY_free(key)
    t.lib.ERR_clear_error()
    t.lib.BIO_free(bio)
    return rc


cdef inline int tls_trust(tls_setup_t *t, const tls_wishes_t *w, const char **why) noexcept nogil:
    """Whose certificates are good. 0 or -EINVAL."""
    cdef const char *file = t.lib.trust_file if t.lib.trust_file[0] else NULL
    cdef const char *directory = t.lib.trust_directory if t.lib.trust_directory[0] else NULL
    cdef void *store = t.lib.SSL_CTX_get_cert_store(t.ctx)
    t.lib.X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN)
    if w.trust.size and tls_take_certificates(t, &w.trust, store) < 0:
        why[0] = "TLS_TRUST_PEM must hold certificates in PEM format, and nothing else"
        return -EINVAL
    if w.trust_system and (file == NULL and directory == NULL
                           or t.lib.SSL_CTX_load_verify_locations(t.ctx, file, directory) != 1):
        why[0] = "TLS_TRUST_SYSTEM: no certificates of this system were found; give some by TLS_TRUST_PEM"
        t.lib.ERR_clear_error()
        return -EINVAL
    return 0


cdef inline int tls_identify(tls_setup_t *t, const tls_wishes_t *w, const char **why) noexcept nogil:
    """Who we are. 0 or -EINVAL."""
    why[0] = NULL
    if w.certificate.size == 0 or w.key.size == 0:
        if not t.connects:
            why[0] = "a server of TLS needs TLS_CERT_PEM and TLS_KEY_PEM: its certificate and the private key to it, in PEM format"
        elif w.certificate.size != w.key.size:
            why[0] = "a client that shows a certificate needs both TLS_CERT_PEM and TLS_KEY_PEM"
    elif tls_take_certificates(t, &w.certificate, NULL) < 0:
        why[0] = "TLS_CERT_PEM must hold certificates in PEM format, ours first, and nothing else"
    elif tls_take_key(t, &w.key) < 0:
        why[0] = "TLS_KEY_PEM must be the private key that belongs to TLS_CERT_PEM, in PEM format and without a password"
    return -EINVAL if why[0] != NULL else 0


cdef inline int tls_verify(tls_setup_t *t, const tls_wishes_t *w, const char **why) noexcept nogil:
    """What is asked of the peer. 0 or -EINVAL."""
    cdef int mode = SSL_VERIFY_NONE
    cdef int rc
    if t.connects or w.client_certificates:
        if w.trust.size == 0 and not w.trust_system:
            why[0] = "whom to trust must be said by TLS_TRUST_PEM (certificates) or TLS_TRUST_SYSTEM (1: those of this system)"
            return -EINVAL
        rc = tls_trust(t, w, why)
        if rc < 0:
            return rc
        mode = SSL_VERIFY_PEER
        if t.connects or w.client_certificates > CLIENTS_MAY:
            mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT
    t.lib.SSL_CTX_set_verify(t.ctx, mode, NULL)
    return 0


cdef inline int tls_name(tls_setup_t *t, const char *host, size_t n) noexcept nogil:
    """Who the server must be: a name or a numeric address. 0 or -EINVAL."""
    cdef size_t i
    if n == 0 or n > TLS_NAME_MAX:
        return -EINVAL
    for i in range(n):
        if host[i] == 0:
            return -EINVAL
        if host[i] == c'%':
            n = i                   # a scope is no part of an address
            break
    if n == 0 or host[0] == c'.':   # OpenSSL would ask for no name, or for any below a domain
        return -EINVAL
    memcpy(t.name, host, n)
    t.name[n] = 0
    t.name_size = n
    if zc_sa_parse_numeric(t.name, ZC_FAMILY_V4, t.address) == 0:
        t.address_size = 4
    elif zc_sa_parse_numeric(t.name, ZC_FAMILY_V6, t.address) == 0:
        t.address_size = 16
    return 0


cdef inline const char *tls_suites() noexcept nogil:
    """Of TLS 1.3, what this processor is fastest at comes first: all three are beyond attack. OpenSSL itself begins with the longer key."""
    if zc_cpu_has_aes():
        return "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    return "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"


cdef inline int tls_order(tls_setup_t *t) noexcept nogil:
    """Puts the suites in our order, if all of them are allowed: what OpenSSL's configuration leaves of them is the system's policy, and stays. 0 or
    -ENOMEM."""
    cdef const char *suites = tls_suites()
    cdef const char *name
    cdef void *ssl = t.lib.SSL_new(t.ctx)
    cdef int i = 0
    cdef int found = 0
    if ssl == NULL:
        return -ENOMEM
    while True:
        name = t.lib.SSL_get_cipher_list(ssl, i)
        if name == NULL:
            break
        found += strstr(suites, name) != NULL
        i += 1
    t.lib.SSL_free(ssl)
    return -ENOMEM if found == TLS_SUITES and t.lib.SSL_CTX_set_ciphersuites(t.ctx, suites) != 1 else 0


cdef inline int tls_prepare_context(tls_setup_t *t, const tls_wishes_t *w, const char **why) noexcept nogil:
    """0 or a negative errno."""
    cdef int rc
    t.ctx = t.lib.SSL_CTX_new(t.lib.TLS_method())
    if t.ctx == NULL:
        return -ENOMEM
    t.lib.SSL_CTX_set_min_proto_version(t.ctx, TLS1_2_VERSION if w.tls12 else TLS1_3_VERSION)
    # A server goes by its own order, but for a client whose processor has no instructions for AES.
    t.lib.SSL_CTX_set_options(
        t.ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE
        | SSL_OP_PRIORITIZE_CHACHA)
    if w.wiping:                    # not for everybody: it costs each record a pass over its bytes
        t.lib.SSL_CTX_set_options(t.ctx, SSL_OP_CLEANSE_PLAINTEXT)
    rc = tls_order(t)
    if rc < 0:
        return rc
    t.lib.SSL_CTX_set_mode(t.ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS)
    t.lib.SSL_CTX_set_session_cache_mode(t.ctx, SSL_SESS_CACHE_OFF)
    t.lib.SSL_CTX_set_session_id_context(t.ctx, <const unsigned char *> b"zmqcore", 7)
    rc = tls_identify(t, w, why)
    return tls_verify(t, w, why) if rc == 0 else rc


cdef inline int tls_prepare(const tuning_t *tuning, bint connects, const char *host, size_t n, void **made,
                            const char **why) noexcept nogil:
    """transport_ops_t.prepare, with the host of a server in place of the address."""
    cdef const tls_wishes_t *w = &tuning.tls
    cdef tls_setup_t *t
    cdef int rc
    if w.library == NULL:
        return -ENOTSUP
    t = <tls_setup_t *> calloc(1, sizeof(tls_setup_t))
    if t == NULL:
        return -ENOMEM
    t.refs = 1
    t.lib = w.library
    t.connects = connects
    rc = tls_prepare_context(t, w, why)
    if rc == 0 and connects and w.hostname.size:
        rc = tls_name(t, w.hostname.data, w.hostname.size)
        if rc < 0:
            why[0] = "TLS_HOSTNAME must be a name or a numeric address"
    elif rc == 0 and connects:
        rc = tls_name(t, host, n)
    if rc < 0:
        tls_setup_unref(t)
        return rc
    made[0] = t
    return 0


cdef inline int tls_expect(const tls_setup_t *t, void *ssl) noexcept nogil:
    """Has a new session of a client insist on the name, and tell the server of it. 0 or -ENOMEM."""
    cdef void *param
    if not t.connects:
        return 0
    param = t.lib.SSL_get0_param(ssl)
    if t.address_size:
        return 0 if t.lib.X509_VERIFY_PARAM_set1_ip(param, t.address, t.address_size) == 1 else -ENOMEM
    t.lib.X509_VERIFY_PARAM_set_hostflags(
        param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
    if t.lib.X509_VERIFY_PARAM_set1_host(param, t.name, t.name_size) != 1:
        return -ENOMEM
    t.lib.SSL_set_tlsext_host_name(ssl, <char *> t.name)
    return 0
