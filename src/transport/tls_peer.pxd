# What a certificate says about the peer, as properties of its messages.

from libc.stddef cimport ptrdiff_t, size_t
from base.errors cimport ENOMEM
from transport.openssl cimport openssl_t
from transport.x509 cimport CERTIFICATE_MAX, x509_names, x509_subject

cdef enum:
    DIGEST_SIZE = 32                # SHA-256


cdef inline ptrdiff_t tls_fingerprint(const openssl_t *lib, const void *certificate, unsigned char *out) noexcept nogil:
    """SHA-256 of the certificate, as hexadecimal digits."""
    cdef const char *digits = b"0123456789abcdef"
    cdef unsigned char digest[64]           # EVP_MAX_MD_SIZE of OpenSSL
    cdef unsigned int n = 0
    cdef unsigned int i
    if lib.X509_digest(certificate, lib.EVP_get_digestbyname(b"SHA256"), digest, &n) != 1 or n != DIGEST_SIZE:
        return -ENOMEM
    for i in range(n):
        out[2 * i] = digits[digest[i] >> 4]
        out[2 * i + 1] = digits[digest[i] & 15]
    return 2 * DIGEST_SIZE


cdef inline ptrdiff_t tls_about(const openssl_t *lib, void *certificate, int i, const char **name, unsigned char *out,
                                size_t room) noexcept nogil:
    """Property i of a certificate."""
    cdef char *der = NULL
    cdef long size
    cdef ptrdiff_t n = -ENOMEM
    cdef void *bio
    name[0] = b"Peer-Fingerprint" if i == 0 else b"Peer-Names" if i == 1 else b"Peer-Subject"
    if i == 0:
        return tls_fingerprint(lib, certificate, out)
    bio = lib.BIO_new(lib.BIO_s_mem())
    if bio != NULL and lib.i2d_X509_bio(bio, certificate) == 1:
        size = lib.BIO_get_mem_data(bio, &der)
        if size > CERTIFICATE_MAX:
            n = 0
        elif i == 1:
            n = x509_names(<const unsigned char *> der, size, <char *> out, room)
        else:
            n = x509_subject(<const unsigned char *> der, size, <char *> out, room)
    lib.BIO_free(bio)
    return n
