# libFuzzer target: what a SOCKS5 proxy says, to the machine that a connecting session asks.
#
# An input is an octet of settings (bit 0: with user and password; bits 1-7: the size of the pieces) and the octets of the proxy. They go through
# twice, as large as they are awaited and in pieces; a difference, a machine that awaits nothing or too much, and what AddressSanitizer sees are
# findings: every piece, and the way, lies in a block of its exact size.
#
# No Python object is touched and no interpreter runs.

from libc.stdint cimport uint8_t
from libc.stdlib cimport abort, free, malloc
from libc.string cimport memcpy

from transport.resolve cimport host_port_t, resolve_split
from transport.socks cimport socks_awaits, socks_begin, socks_feed, socks_output, socks_t, socks_way_free, socks_way_new, socks_way_t
from transport.tuning cimport tuning_text_t


cdef struct outcome_t:
    int result
    size_t taken
    size_t sent


cdef void check(bint right) noexcept nogil:
    if not right:
        abort()


cdef void converse(const socks_way_t *way, const uint8_t *octets, size_t size, size_t most, outcome_t *out) noexcept nogil:
    cdef socks_t *s = <socks_t *> malloc(sizeof(socks_t))
    cdef const unsigned char *data = NULL
    cdef unsigned char *piece
    cdef size_t n, at = 0
    cdef int rc = 0
    socks_begin(s, way)
    while rc == 0 and at <= size:
        n = socks_output(s, &data)
        check(n <= 513 and data - way.said + n <= sizeof(way.said))
        s.sent += n
        n = socks_awaits(s)
        check(0 < n <= 257)
        if n > most:
            n = most
        if n > size - at:
            n = size - at
        if n == 0:
            break
        piece = <unsigned char *> malloc(n)
        memcpy(piece, octets + at, n)
        rc = socks_feed(s, piece, n)
        free(piece)
        at += n
    out.result = rc
    # Who refuses may know it earlier when it comes in pieces.
    out.taken = at if rc >= 0 else 0
    out.sent = s.sent
    free(s)


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    cdef tuning_text_t proxy, user, password
    cdef host_port_t target
    cdef socks_way_t *way = NULL
    cdef const char *why = NULL
    cdef outcome_t whole, cut
    if size < 1:
        return 0
    proxy.data, proxy.size = b"127.0.0.1:1080", 14
    user.data, user.size = b"user", 4 if data[0] & 1 else 0
    password.data, password.size = b"secret", 6
    resolve_split(b"example.org:443", 15, &target)
    check(socks_way_new(&proxy, &user, &password, &target, NULL, 0, &way, &why) == 0)
    converse(way, data + 1, size - 1, 512, &whole)
    converse(way, data + 1, size - 1, 1 + (data[0] >> 1), &cut)
    socks_way_free(way)
    check(whole.result == cut.result and whole.taken == cut.taken and whole.sent == cut.sent)
    return 0
