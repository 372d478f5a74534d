# A session of TLS: what a connection keeps, and bytes between OpenSSL and the descriptor. The table is that of tls_stream.pxd.
#
# Rules
# - A large read is shown to OpenSSL where it lies, in the scratch, which is everybody's: what it leaves is copied then.
# - Records that have not left are kept apart from the BIO, into and out of which every byte would be copied twice.
# - An error of OpenSSL's is the end of the session; it is not asked again. The alert that it leaves is still sent.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy
from base.errors cimport EACCES, EAGAIN, ECONNABORTED, ECONNRESET, ENOMEM, EPROTO
from base.memory cimport free, malloc
from base.platform cimport zc_recv, zc_send
from transport.openssl cimport ERR_REASON, SSL_AD_REASON_OFFSET, SSL_ERROR_WANT_READ, SSL_ERROR_ZERO_RETURN, openssl_t
from transport.ops cimport stream_t
from transport.tls_setup cimport TLS_RECORD, TLS_RECORDS, TLS_SCRATCH, tls_setup_t

cdef enum:
    ALERTS_END = 1256               # SSL_AD_REASON_OFFSET and the largest alert
    SHOWN_LEAST = 8192              # bytes that cost more to copy than to make a BIO for

cdef struct tls_state_t:
    const openssl_t *lib            # the context's
    tls_setup_t *setup              # counted
    void *ssl
    void *incoming                  # BIOs; the session's
    void *outgoing
    unsigned char *rest             # bytes of records that were encrypted and have not left, in front of what is in the BIO
    size_t rest_at
    size_t rest_size
    bint shown                      # `incoming` is over memory of ours, and cannot be written to
    size_t ahead                    # bytes encrypted that have not been reported as taken
    size_t taken                    # of these, what is to be reported next
    int records                     # that were handed to the system together
    int left                        # the first of them that has not left in full
    int told                        # the first of them that is not in `taken`
    bint held                       # the last byte of `taken` is held back
    uint32_t cipher[TLS_RECORDS]    # bytes of each that have not left
    uint32_t plain[TLS_RECORDS]     # bytes inside each
    bint begun                      # the handshake is over
    bint more                       # a read may find something that no poll set reports
    bint heard                      # something has come of a record that is not complete
    bint ended                      # the peer has said that it is done
    int error                       # the session is over; 0: it is not
    int broken                      # the same of writing only: what has come is still read


cdef inline int tls_reason(tls_state_t *s) noexcept nogil:
    """Why OpenSSL has given up: -EACCES if a certificate was refused, by us or by the peer; -EPROTO if there is no session; -ECONNABORTED if there was
    one, for a record may have been changed on its way: who connected tries again."""
    cdef int reason = <int> (s.lib.ERR_peek_error() & ERR_REASON)
    cdef int alert = reason - SSL_AD_REASON_OFFSET
    if not s.begun and s.lib.SSL_get_verify_result(s.ssl) != 0:
        return -EACCES
    # bad_certificate to access_denied, and certificate_required
    if SSL_AD_REASON_OFFSET < reason < ALERTS_END and (42 <= alert <= 49 or alert == 116):
        return -EACCES
    return -ECONNABORTED if s.begun else -EPROTO


cdef inline int tls_verdict(tls_state_t *s, int rc) noexcept nogil:
    """After a call that has not succeeded: -EAGAIN (more must be read), 0 (the peer is done), or what ended the
    session."""
    cdef int error = s.lib.SSL_get_error(s.ssl, rc)
    if error == SSL_ERROR_WANT_READ:
        return -EAGAIN
    if error == SSL_ERROR_ZERO_RETURN:
        s.ended = True
        return 0
    s.error = tls_reason(s)
    s.lib.ERR_clear_error()
    return s.error


cdef inline void tls_progress(tls_state_t *s, size_t n) noexcept nogil:
    """So many more bytes of the records have left."""
    cdef size_t step
    while n and s.left < s.records:
        step = s.cipher[s.left]
        if step > n:
            step = n
        s.cipher[s.left] -= <uint32_t> step
        n -= step
        if s.told == s.left:
            s.taken += s.plain[s.left]
            s.told += 1
        if s.cipher[s.left] == 0:
            s.left += 1
    if s.held and s.left == s.records:
        s.held = False
        s.taken += 1
    elif not s.held and s.told == s.records and s.left < s.records:
        s.held = True
        s.taken -= 1


cdef inline void tls_rest_free(tls_state_t *s) noexcept nogil:
    free(s.rest)
    s.rest = NULL
    s.rest_at = s.rest_size = 0


cdef inline int tls_rest_keep(tls_state_t *s, const unsigned char *data, size_t n) noexcept nogil:
    """The system has not taken these. 0 or -ENOMEM."""
    s.rest = <unsigned char *> malloc(n)
    if s.rest == NULL:
        return -ENOMEM
    memcpy(s.rest, data, n)
    s.rest_size = n
    return 0


cdef inline int tls_send(stream_t *t, tls_state_t *s) noexcept nogil:
    """What waits, to the system. 0: nothing waits any more; -EAGAIN; or a negative errno."""
    cdef unsigned char scrap[4096]
    cdef char *data = NULL
    cdef long size
    cdef ptrdiff_t n
    cdef int part
    while s.rest_at < s.rest_size:
        n = zc_send(t.fd, s.rest + s.rest_at, s.rest_size - s.rest_at)
        if n <= 0:
            return <int> n if n < 0 else -EAGAIN
        s.rest_at += n
        tls_progress(s, n)
    tls_rest_free(s)
    size = s.lib.BIO_get_mem_data(s.outgoing, &data)
    while size > 0:
        n = zc_send(t.fd, data, size)
        if n <= 0:
            return <int> n if n < 0 else -EAGAIN
        while n > 0:
            part = s.lib.BIO_read(s.outgoing, scrap, <int> (n if n < <ptrdiff_t> sizeof(scrap) else sizeof(scrap)))
            if part <= 0:
                return -EPROTO
            n -= part
        size = s.lib.BIO_get_mem_data(s.outgoing, &data)
    return 0


cdef inline int tls_show(tls_state_t *s, void *bio, bint shown) noexcept nogil:
    """`incoming` becomes that BIO. 0, or -ENOMEM: it is NULL."""
    if bio == NULL:
        return -ENOMEM
    if shown:
        s.lib.BIO_set_mem_eof_return(bio, -1)       # its end is not that of the stream
    s.lib.SSL_set_bio(s.ssl, bio, s.outgoing)       # frees the other
    s.incoming = bio
    s.shown = shown
    return 0


cdef inline int tls_keep(tls_state_t *s) noexcept nogil:
    """What OpenSSL has not taken of the scratch gets a place of its own. 0 or -ENOMEM."""
    cdef char *data = NULL
    cdef void *bio
    cdef int n
    if not s.shown or s.lib.BIO_get_mem_data(s.incoming, &data) == 0:
        return 0
    bio = s.lib.BIO_new(s.lib.BIO_s_mem())
    while bio != NULL:
        n = s.lib.BIO_read(s.incoming, s.setup.plain, TLS_RECORD)
        if n <= 0:
            break
        s.lib.BIO_write(bio, s.setup.plain, n)      # what is lost without memory, OpenSSL misses
    return tls_show(s, bio, False)


cdef inline ptrdiff_t tls_fetch(stream_t *t, tls_state_t *s, size_t most) noexcept nogil:
    """From the system to OpenSSL, which has taken all it was given before: bytes, or a negative errno. -ECONNRESET: the
    stream has ended without a word."""
    cdef ptrdiff_t n = zc_recv(t.fd, s.setup.scratch, most if most < TLS_SCRATCH else TLS_SCRATCH)
    if n <= 0:
        return n if n < 0 else -ECONNRESET
    s.heard = True
    if n >= SHOWN_LEAST and s.begun:
        return n if tls_show(s, s.lib.BIO_new_mem_buf(s.setup.scratch, <int> n), True) == 0 else -ENOMEM
    if s.shown and tls_show(s, s.lib.BIO_new(s.lib.BIO_s_mem()), False) < 0:
        return -ENOMEM
    return n if s.lib.BIO_write(s.incoming, s.setup.scratch, <int> n) == n else -ENOMEM
