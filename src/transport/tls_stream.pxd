# TLS on a stream: what a connection keeps, its handshake, and bytes both ways. For every transport that runs over TLS.
#
# The seam. A transport of this kind is one of plain sockets whose table goes through tls_stream_ops() last, and which
#   prepare   calls tls_prepare() (tls_setup.pxd) with the host that the certificate has to be for;
#   accept    calls tls_start() with the descriptor that it has accepted;
#   open      calls tls_start() with the descriptor that connects; `finish` is that of the plain transport.
# Everything else (handshake, reading, writing, closing, what is known of the peer) is in the table then; the layers above
# see a stream of bytes. transport/tls.pxd is the example.
#
# Rules
# - OpenSSL sees no descriptor: bytes go through two BIOs in memory, and this file reads and writes the descriptor. So it
#   blocks nowhere, and a signal or a platform cannot matter to it.
# - Bytes that are encrypted but still wait in the BIO are not reported as taken, or nobody would ask for room to send them.
#   They are offered again (transport_ops_t.write), and `ahead` tells how many of them to skip. But of a record that has
#   left in part, all is reported: if the connection is lost now, nothing of it may be sent again on the next one. Only
#   while nothing else is left to report, one byte is held back.
# - A read takes what there is, up to READ_MOST. What of it OpenSSL still holds it tells of by `more`: rarely, for that costs
#   the I/O thread a look. It leaves to the system what might not fit.
# - The end of the bytes without a word (close_notify) is not the end of the stream, but an error: somebody may have cut it.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy
from base.errors cimport EAGAIN, ECONNABORTED, ECONNRESET, ENOBUFS, ENOENT, ENOMEM
from base.memory cimport calloc, free
from base.platform cimport zc_close, zc_iov_base, zc_iov_len, zc_iov_set, zc_iovec_t, zc_send, zc_shutdown_write, zc_unsent
from base.secret cimport zc_wipe
from transport.openssl cimport SSL_SENT_SHUTDOWN, openssl_t
from transport.ops cimport stream_t, transport_ops_t
from transport.tls_peer cimport tls_about
from transport.tls_session cimport (
    tls_fetch, tls_keep, tls_progress, tls_rest_free, tls_rest_keep, tls_send, tls_state_t, tls_verdict,
)
from transport.tls_setup cimport TLS_RECORD, TLS_RECORD_MOST, TLS_RECORDS, TLS_SCRATCH, tls_expect, tls_setup_t, tls_setup_unref

cdef enum:
    # of one read: a sender that is as fast as we are must not keep the others waiting
    READ_MOST = 262144
    # Answers that the peer asked for and does not take. They are some bytes each; OpenSSL itself refuses a row of more
    # than 32 such questions.
    ANSWERS_MOST = 65536

# One read, on its way through the places where its bytes go.
cdef struct tls_reading_t:
    size_t room                     # that is left, in all of them
    size_t fetched                  # from the system
    bint dry                        # which has no more for now

# ---- the handshake

cdef inline int tls_start(stream_t *t, int fd, void *prepared) noexcept nogil:
    """A stream over a descriptor that is connected, or will be. 0; or a negative errno, and the descriptor is
    closed."""
    cdef tls_setup_t *setup = <tls_setup_t *> prepared
    cdef const openssl_t *lib = setup.lib
    cdef tls_state_t *s = <tls_state_t *> calloc(1, sizeof(tls_state_t))
    if s != NULL:
        s.ssl = lib.SSL_new(setup.ctx)
    if s == NULL or s.ssl == NULL:
        free(s)
        zc_close(fd)
        t.fd = -1
        return -ENOMEM
    s.lib = lib
    s.setup = setup
    setup.refs += 1
    t.state = s
    t.fd = fd
    s.incoming = lib.BIO_new(lib.BIO_s_mem())
    s.outgoing = lib.BIO_new(lib.BIO_s_mem())
    if s.incoming == NULL or s.outgoing == NULL or tls_expect(setup, s.ssl) < 0:
        lib.BIO_free(s.incoming)
        lib.BIO_free(s.outgoing)
        tls_close(t)
        return -ENOMEM
    lib.SSL_set_bio(s.ssl, s.incoming, s.outgoing)
    if setup.connects:
        lib.SSL_set_connect_state(s.ssl)
    else:
        lib.SSL_set_accept_state(s.ssl)
    return 0


cdef inline int tls_begin(stream_t *t, bint *wants_room) noexcept nogil:
    """transport_ops_t.begin: as much of the handshake as the peer has said so far allows."""
    cdef tls_state_t *s = <tls_state_t *> t.state
    cdef int sent, done, rc
    cdef ptrdiff_t n
    while True:
        rc = s.error
        done = 0
        if rc == 0:
            s.lib.ERR_clear_error()
            done = s.lib.SSL_do_handshake(s.ssl)
            rc = 0 if done == 1 else tls_verdict(s, done)
        sent = tls_send(t, s)
        wants_room[0] = sent == -EAGAIN
        if s.error:
            return s.error          # with the alert behind it, if there was room
        if sent < 0 and sent != -EAGAIN:
            return sent
        if done == 1:
            # Bytes behind the handshake may have come with it.
            s.begun = s.more = True
            return 0
        if rc == 0:
            return -ECONNRESET      # close_notify in the middle of it
        n = tls_fetch(t, s, TLS_SCRATCH)
        if n < 0:
            return <int> n


# ---- reading

cdef inline ptrdiff_t tls_fill(stream_t *t, tls_state_t *s, tls_reading_t *r, unsigned char *out, size_t room) noexcept nogil:
    """Into one of the places: bytes, fewer than room if there are no more for now; else as tls_read()."""
    cdef size_t got = 0, most
    cdef ptrdiff_t n = -EAGAIN
    cdef int rc
    while got < room:
        if s.error or s.ended:
            n = s.error
            break
        rc = s.lib.SSL_read(s.ssl, out + got, <int> (room - got))
        if rc > 0:
            got += rc
            r.room -= rc
            continue
        n = tls_verdict(s, rc)
        if n != -EAGAIN:
            continue
        if r.dry or (r.fetched and r.room < TLS_RECORD):
            break                   # a record more might not fit; what the system has the poll set tells
        most = min(max(r.room, <size_t> TLS_RECORD), <size_t> TLS_SCRATCH)
        n = tls_fetch(t, s, most)
        if n < 0:
            if n != -EAGAIN:
                s.error = <int> n
            break
        r.fetched += n
        # Records without any data (tickets, keys, greetings) count as well: others wait, too.
        r.dry = <size_t> n < most or r.fetched >= READ_MOST
    return <ptrdiff_t> got if got else n


cdef inline ptrdiff_t tls_readv(stream_t *t, zc_iovec_t *v, int count) noexcept nogil:
    """transport_ops_t.readv"""
    cdef tls_state_t *s = <tls_state_t *> t.state
    cdef tls_reading_t r
    cdef char *waiting = NULL
    cdef ptrdiff_t total = 0, n = -EAGAIN
    cdef size_t room
    cdef int i
    r.room = r.fetched = 0
    r.dry = False
    for i in range(count):
        r.room += zc_iov_len(&v[i])
    r.room = min(r.room, <size_t> READ_MOST)
    if count > 1:                   # to the end of a large frame, and not so far that much of the next one has to be copied
        r.room = min(r.room, max(zc_iov_len(&v[0]), <size_t> TLS_RECORD) + TLS_RECORD)
    s.more = False
    s.lib.ERR_clear_error()
    for i in range(count):
        room = min(zc_iov_len(&v[i]), r.room)
        if room == 0:
            continue
        n = tls_fill(t, s, &r, <unsigned char *> zc_iov_base(&v[i]), room)
        if n <= 0:
            break
        total += n
        if <size_t> n < room:
            break
    if tls_keep(s) < 0:
        s.error = -ENOMEM
    if s.lib.BIO_get_mem_data(s.outgoing, &waiting) > 0 and s.ahead == 0:
        tls_send(t, s)              # what the peer asked for; writing finds out if it is broken
    if s.lib.BIO_get_mem_data(s.outgoing, &waiting) > ANSWERS_MOST + TLS_SCRATCH:
        s.error = -ENOBUFS          # it asks, and does not read: a record of ours may be among what waits
    # What a poll set does not report: the rest of what fitted no more, and the end behind what did.
    s.more = total > 0 and (s.lib.SSL_pending(s.ssl) > 0 or s.lib.BIO_get_mem_data(s.incoming, &waiting) > 0
                            or s.ended or s.error != 0)
    s.heard = s.heard and total == 0
    return total if total else n


cdef inline ptrdiff_t tls_read(stream_t *t, void *out, size_t room) noexcept nogil:
    """transport_ops_t.read"""
    cdef zc_iovec_t v
    zc_iov_set(&v, out, room)
    return tls_readv(t, &v, 1)


cdef inline bint tls_pending(const stream_t *t) noexcept nogil:
    """transport_ops_t.pending"""
    return (<tls_state_t *> t.state).more


cdef inline bint tls_heard(stream_t *t) noexcept nogil:
    """transport_ops_t.heard"""
    cdef tls_state_t *s = <tls_state_t *> t.state
    cdef bint heard = s.heard
    s.heard = False
    return heard


# ---- writing

cdef inline size_t tls_gather(zc_iovec_t *v, int count, int *index, size_t *at, const unsigned char **piece,
                              unsigned char *copy) noexcept nogil:
    """The next record's worth of bytes from `at` of v[index[0]] on, which both move behind it: where they are, or copied
    together if they lie in several places. 0: there are none left."""
    cdef size_t n = 0, part
    while index[0] < count:
        part = zc_iov_len(&v[index[0]]) - at[0]
        if part > TLS_RECORD - n:
            part = TLS_RECORD - n
        if n == 0 and part == TLS_RECORD:
            piece[0] = <unsigned char *> zc_iov_base(&v[index[0]]) + at[0]
            at[0] += part
            return part
        memcpy(copy + n, <unsigned char *> zc_iov_base(&v[index[0]]) + at[0], part)
        n += part
        at[0] += part
        if n == TLS_RECORD:
            break
        index[0] += 1
        at[0] = 0
    piece[0] = copy
    return n


cdef inline ptrdiff_t tls_encrypt(stream_t *t, tls_state_t *s, zc_iovec_t *v, int count, int *index,
                                  size_t *at) noexcept nogil:
    """Some records, and to the system with them. How many bytes are to be reported as taken; not all if `ahead` is not 0
    afterwards. 0, and `ahead` is 0: there were none; or a negative errno."""
    cdef unsigned char *out = s.setup.scratch
    cdef const unsigned char *piece = NULL
    cdef size_t size, filled = 0, taken = 0
    cdef ptrdiff_t n
    cdef int rc
    s.records = s.left = s.told = 0
    s.lib.ERR_clear_error()
    while s.records < TLS_RECORDS and TLS_SCRATCH - filled >= TLS_RECORD_MOST:
        size = tls_gather(v, count, index, at, &piece, s.setup.plain)
        if size == 0:
            break
        rc = s.lib.SSL_write(s.ssl, piece, <int> size)
        if rc != <int> size:
            s.error = -ECONNABORTED
            return s.error
        rc = s.lib.BIO_read(s.outgoing, out + filled, <int> (TLS_SCRATCH - filled))
        if rc <= 0:
            s.error = -ECONNABORTED
            return s.error
        filled += rc
        taken += size
        s.plain[s.records] = <uint32_t> size
        s.cipher[s.records] = <uint32_t> rc
        s.records += 1
    if filled == 0:
        return 0
    n = zc_send(t.fd, out, filled)
    if n < 0 and n != -EAGAIN:
        s.broken = <int> n
        return n
    if n < 0:
        n = 0
    tls_progress(s, n)
    if <size_t> n < filled and tls_rest_keep(s, out + n, filled - n) < 0:
        s.error = -ENOMEM
        return s.error
    n = <ptrdiff_t> s.taken
    s.taken = 0
    s.ahead = taken - n
    return n


cdef inline ptrdiff_t tls_writev(stream_t *t, zc_iovec_t *v, int count) noexcept nogil:
    """transport_ops_t.writev"""
    cdef tls_state_t *s = <tls_state_t *> t.state
    cdef ptrdiff_t total = 0, n
    cdef size_t at = 0, skip
    cdef int rc, index = 0
    if s.error or s.broken:
        return s.error if s.error else s.broken
    rc = tls_send(t, s)
    total = <ptrdiff_t> s.taken
    s.taken = 0
    if rc < 0:
        s.ahead -= total
        return total if total else rc
    skip = s.ahead                  # all of it has left now
    s.ahead = 0
    while index < count and skip >= zc_iov_len(&v[index]):
        skip -= zc_iov_len(&v[index])
        index += 1
    at = skip
    while True:
        n = tls_encrypt(t, s, v, count, &index, &at)
        if n < 0:
            return total if total else n
        total += n
        if s.ahead:
            return total if total else -EAGAIN
        if n == 0:
            return total


cdef inline ptrdiff_t tls_write(stream_t *t, const void *data, size_t n) noexcept nogil:
    """transport_ops_t.write"""
    cdef zc_iovec_t v
    zc_iov_set(&v, data, n)
    return tls_writev(t, &v, 1)


cdef inline long tls_unsent(stream_t *t) noexcept nogil:
    """transport_ops_t.unsent"""
    return zc_unsent(t.fd)


# ---- the end

cdef inline void tls_say_goodbye(stream_t *t, tls_state_t *s) noexcept nogil:
    """close_notify, once, if the system takes it."""
    if s.begun and s.error == 0 and s.broken == 0 and s.ahead == 0 and not s.lib.SSL_get_shutdown(s.ssl) & SSL_SENT_SHUTDOWN:
        s.lib.ERR_clear_error()
        s.lib.SSL_shutdown(s.ssl)
        tls_send(t, s)


cdef inline void tls_shutdown(stream_t *t) noexcept nogil:
    """transport_ops_t.shutdown"""
    tls_say_goodbye(t, <tls_state_t *> t.state)
    zc_shutdown_write(t.fd)


cdef inline void tls_close(stream_t *t) noexcept nogil:
    """transport_ops_t.close"""
    cdef tls_state_t *s = <tls_state_t *> t.state
    tls_say_goodbye(t, s)
    tls_rest_free(s)
    zc_wipe(s.setup.plain, TLS_RECORD)      # a password may be among what was put together there last
    s.lib.SSL_free(s.ssl)
    tls_setup_unref(s.setup)
    free(s)
    t.state = NULL
    zc_close(t.fd)
    t.fd = -1


# ---- the peer

cdef inline ptrdiff_t tls_property(stream_t *t, int i, const char **name, unsigned char *out, size_t room) noexcept nogil:
    """transport_ops_t.property"""
    cdef tls_state_t *s = <tls_state_t *> t.state
    cdef void *certificate
    cdef ptrdiff_t n
    if i > 2:
        return -ENOENT
    certificate = s.lib.SSL_get_peer_certificate(s.ssl)
    if certificate == NULL:
        return -ENOENT
    n = tls_about(s.lib, certificate, i, name, out, room)
    s.lib.X509_free(certificate)
    return n


cdef inline void tls_stream_ops(transport_ops_t *o) noexcept nogil:
    o.begin = tls_begin
    o.property = tls_property
    o.read = tls_read
    o.readv = tls_readv
    o.pending = tls_pending
    o.heard = tls_heard
    o.write = tls_write
    o.writev = tls_writev
    o.unsent = tls_unsent
    o.shutdown = tls_shutdown
    o.close = tls_close
