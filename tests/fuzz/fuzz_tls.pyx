# libFuzzer target: TLS as a transport, with somebody in between.
#
# Two of ours, a client and a server, each with a real descriptor; what they say goes through the fuzzer. An input is steps of three bytes: what, and
# two numbers. Steps relay, change, drop, repeat and insert bytes, write and read. Whatever happens to the bytes, what is read is what was written, in
# order and without a gap; and when nothing was changed, all of it arrives.
#
#   what   bits 0-2: relay, relay, change a byte, drop some, repeat, insert, write, read; bit 3: from the client, or from the server;
#          bit 4: the handshake is gone through first, undisturbed
#
# The certificate is made by run.sh. No Python object is touched and no interpreter runs.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t, uintptr_t
from libc.stdio cimport FILE, fclose, fopen, fread
from libc.stdlib cimport abort, getenv
from libc.string cimport memmove, memset

from base.errors cimport EAGAIN
from base.platform cimport zc_iov_set, zc_iovec_t
from transport.openssl cimport OPENSSL_FUNCTIONS, openssl_functions, openssl_put, openssl_t
from transport.ops cimport stream_t
from transport.tls_setup cimport tls_prepare
from transport.tls_stream cimport tls_begin, tls_close, tls_pending, tls_property, tls_readv, tls_start, tls_writev
from transport.tuning cimport tuning_default, tuning_t

cdef extern from *:
    """
    #include <fcntl.h>
    #include <sys/socket.h>
    #include <unistd.h>
    void *openssl_call(const char *name);
    static int pair_of_descriptors(int *two)
    {
        int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, two);
        return rc;
    }
    """
    void *openssl_call(const char *name) nogil
    int pair_of_descriptors(int *two) nogil
    ptrdiff_t fd_read "read"(int fd, void *out, size_t n) nogil
    ptrdiff_t fd_write "write"(int fd, const void *data, size_t n) nogil
    int fd_close "close"(int fd) nogil

cdef enum:
    MOST = 65536               # bytes of one relay, write or read

cdef struct end_t:
    stream_t stream
    int outside                # the other end of its descriptor
    bint begun
    bint over                  # an error has ended it
    size_t wrote               # reported as taken
    size_t offered             # bytes that may have left: those, and some behind them
    size_t got

cdef openssl_t lib
cdef void *setups[2]
cdef char pem[2][4096]
cdef size_t pem_size[2]
cdef unsigned char data_out[MOST]
cdef unsigned char data_in[MOST]
cdef unsigned char relayed[2 * MOST + 16]
cdef bint changed


cdef void check(bint right) noexcept nogil:
    if not right:
        abort()


cdef inline unsigned char at_place(size_t i) noexcept nogil:
    return <unsigned char> (i * 7 + (i >> 8))


cdef void begin(end_t *e) noexcept nogil:
    cdef bint wants_room = False
    cdef int rc
    if e.begun or e.over:
        return
    rc = tls_begin(&e.stream, &wants_room)
    if rc == 0:
        e.begun = True
    elif rc != -EAGAIN:
        e.over = True


cdef void write_some(end_t *e, size_t n, size_t cut) noexcept nogil:
    cdef zc_iovec_t v[2]
    cdef ptrdiff_t rc
    cdef size_t i
    if not e.begun or e.over:
        return
    n = max(n, e.offered - e.wrote)         # what was offered is offered again
    cut = min(cut, n)
    for i in range(n):
        data_out[i] = at_place(e.wrote + i)
    zc_iov_set(&v[0], data_out, cut)
    zc_iov_set(&v[1], data_out + cut, n - cut)
    rc = tls_writev(&e.stream, v, 2)
    check(rc <= <ptrdiff_t> n)
    if rc < 0 and rc != -EAGAIN:
        e.over = True
        e.offered = e.wrote + n
        return
    e.offered = max(e.offered, e.wrote + n)
    if rc > 0:
        e.wrote += rc
    check(e.offered >= e.wrote)


cdef void read_some(end_t *e, end_t *other, size_t n, size_t cut) noexcept nogil:
    cdef zc_iovec_t v[2]
    cdef ptrdiff_t rc
    cdef size_t i
    if not e.begun:
        return
    cut = min(cut, n)
    zc_iov_set(&v[0], data_in, cut)
    zc_iov_set(&v[1], data_in + cut, n - cut)
    rc = tls_readv(&e.stream, v, 2)
    check(rc <= <ptrdiff_t> n)
    if rc <= 0 and rc != -EAGAIN:
        e.over = True
    for i in range(rc if rc > 0 else 0):
        check(data_in[i] == at_place(e.got + i))
    if rc > 0:
        e.got += rc
    check(e.got <= other.offered)


cdef void relay(end_t *source, end_t *target, int what, size_t a, size_t b) noexcept nogil:
    cdef ptrdiff_t n = fd_read(source.outside, relayed, MOST)
    cdef size_t size
    global changed
    if n <= 0:
        return
    size = n
    if what == 2:
        relayed[(a << 8 | b) % size] ^= <unsigned char> (a | 1)
    elif what == 3:
        size -= min(size, 1 + (a << 8 | b) % size)
    elif what == 4:
        memmove(relayed + size, relayed, size)
        size *= 2
    elif what == 5:
        memmove(relayed + a % size + 1, relayed + a % size, size - a % size)
        relayed[a % size] = <unsigned char> b
        size += 1
    changed |= 2 <= what <= 5
    if size and fd_write(target.outside, relayed, size) != <ptrdiff_t> size:
        changed = True              # it does not read, and this relay keeps nothing


cdef void settle(end_t *ends) noexcept nogil:
    cdef int _i
    for _i in range(8):
        begin(&ends[0])
        begin(&ends[1])
        relay(&ends[0], &ends[1], 0, 0, 0)
        relay(&ends[1], &ends[0], 0, 0, 0)


cdef void close_end(end_t *e) noexcept nogil:
    cdef unsigned char out[1024]
    cdef const char *name = NULL
    if e.begun:
        tls_property(&e.stream, 1, &name, out, sizeof(out))
    tls_close(&e.stream)
    fd_close(e.outside)


cdef void finish(end_t *ends) noexcept nogil:
    """Nothing was changed: it all arrives."""
    cdef int _i, _j, side
    if not ends[0].begun or not ends[1].begun:
        settle(ends)
    check(ends[0].begun and ends[1].begun)
    for _i in range(64):
        for side in range(2):
            if ends[side].offered > ends[side].wrote:
                write_some(&ends[side], 0, 0)
            for _j in range(4):         # a read need not take all there is, but makes room for the relay
                read_some(&ends[1 - side], &ends[side], MOST, MOST // 3)
            relay(&ends[side], &ends[1 - side], 0, 0, 0)
    check(not changed)
    for side in range(2):
        check(not ends[side].over and ends[side].wrote == ends[side].offered and ends[1 - side].got == ends[side].wrote)
        check(not tls_pending(&ends[side].stream))


cdef void load(int i, const char *name) noexcept nogil:
    cdef FILE *f
    check(name != NULL)
    f = fopen(name, b"r")
    check(f != NULL)
    pem_size[i] = fread(pem[i], 1, sizeof(pem[i]), f)
    fclose(f)


cdef public int LLVMFuzzerInitialize(int *argc, char ***argv) noexcept nogil:
    cdef tuning_t tuning
    cdef const char *why = NULL
    cdef int i
    for i in range(OPENSSL_FUNCTIONS):
        check(openssl_call(openssl_functions[i].name) != NULL)
        openssl_put(&lib, i, <uintptr_t> openssl_call(openssl_functions[i].name))
    load(0, getenv(b"ZMQCORE_FUZZ_CERTIFICATE"))
    load(1, getenv(b"ZMQCORE_FUZZ_KEY"))
    tuning_default(&tuning)
    tuning.tls.library = &lib
    tuning.tls.certificate.data = tuning.tls.trust.data = pem[0]
    tuning.tls.certificate.size = tuning.tls.trust.size = pem_size[0]
    tuning.tls.key.data = pem[1]
    tuning.tls.key.size = pem_size[1]
    tuning.tls.client_certificates = 1
    check(tls_prepare(&tuning, True, b"localhost", 9, &setups[0], &why) == 0)
    check(tls_prepare(&tuning, False, b"localhost", 9, &setups[1], &why) == 0)
    return 0


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    cdef end_t ends[2]
    cdef int two[2]
    cdef size_t at = 0, n
    cdef int side, what
    global changed
    changed = False
    memset(ends, 0, sizeof(ends))
    for side in range(2):
        check(pair_of_descriptors(two) == 0)
        check(tls_start(&ends[side].stream, two[0], setups[side]) == 0)
        ends[side].outside = two[1]
    if size and data[0] & 16:
        settle(ends)
    while at + 3 <= size:
        what = data[at] & 7
        side = data[at] >> 3 & 1
        n = (<size_t> data[at + 1] << 8 | data[at + 2]) % MOST
        begin(&ends[0])
        begin(&ends[1])
        if what == 6:
            write_some(&ends[side], n, data[at + 2] * 64)
        elif what == 7:
            read_some(&ends[side], &ends[1 - side], n + 1, data[at + 2] * 64)
        else:
            relay(&ends[side], &ends[1 - side], what, data[at + 1], data[at + 2])
        at += 3
    if not changed:
        finish(ends)
    close_end(&ends[0])
    close_end(&ends[1])
    return 0
