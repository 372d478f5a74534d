# libFuzzer target: compressed streams, as a transport unpacks them, and what is unpacked, packed again.
#
# An input is two bytes of settings and the frames of a wire behind the greeting and a command. They are unpacked twice, whole and in pieces, into small and
# large room: the outcome has to be the same. What came of it is packed and unpacked again, and has to be what it was.
#
#   byte 0    bit 0: LZ4 or Zstandard; bit 1: with a dictionary of ours; bits 2-3: what a part may be (no limit, 100, 4000, 100000 bytes)
#   byte 1    size of the pieces and of the room
#
# No Python object is touched and no interpreter runs.

from libc.stddef cimport size_t
from libc.stdint cimport UINT64_MAX, uint8_t, uint64_t, uintptr_t
from libc.stdlib cimport abort, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memmove, memset

from compression.libraries cimport (
    LZ4_FUNCTIONS, ZSTD_FUNCTIONS, codec_function_put, codec_function_t, lz4_functions, lz4_t, zstd_functions, zstd_t,
)
from compression.lz4 cimport lz4_ops
from compression.ops cimport codec_new, codec_ops_t, codec_t
from compression.packer cimport GREETING, packer_init, packer_step, packer_t, packing_t
from compression.unpacker cimport unpacker_feed, unpacker_free, unpacker_init, unpacker_t, unpacking_t
from compression.zstd cimport zstd_ops
from zmtp.frame cimport FRAME_HEADER_MAX, frame_get, frame_put, frame_t

cdef extern from "dlfcn.h" nogil:
    enum:
        RTLD_NOW
    void *dlopen(const char *name, int flags)
    void *dlsym(void *library, const char *name)

# All that a run has made: at `data`.
cdef struct bytes_t:
    unsigned char *data
    size_t size
    size_t room
    int result

cdef enum:
    MOST = 1 << 22              # of one run
    BEGINNING = GREETING + 2

cdef lz4_t lz4
cdef zstd_t zstd
cdef codec_t *codecs[4]


cdef void check(bint right) noexcept nogil:
    if not right:
        abort()


cdef void load(const char *name, void *library, const codec_function_t *rows, int count) noexcept nogil:
    cdef void *found = dlopen(name, RTLD_NOW)
    cdef int i
    check(found != NULL)
    for i in range(count):
        codec_function_put(library, &rows[i], <uintptr_t> dlsym(found, rows[i].name))


cdef void begin() noexcept nogil:
    cdef codec_ops_t ops
    cdef unsigned char *typical = <unsigned char *> b"the words that are in most of the messages, and in this dictionary"
    load(b"liblz4.so.1", &lz4, lz4_functions, LZ4_FUNCTIONS)
    load(b"libzstd.so.1", &zstd, zstd_functions, ZSTD_FUNCTIONS)
    lz4_ops(&ops)
    check(codec_new(&ops, &lz4, 1, NULL, 0, &codecs[0]) == 0)
    check(codec_new(&ops, &lz4, 1, typical, 60, &codecs[2]) == 0)
    zstd_ops(&ops)
    check(codec_new(&ops, &zstd, 1, NULL, 0, &codecs[1]) == 0)
    codecs[3] = codecs[1]


cdef void add(bytes_t *b, const unsigned char *p, size_t n) noexcept nogil:
    if b.size + n >= b.room:
        b.room = 2 * (b.size + n) + 1
        b.data = <unsigned char *> realloc(b.data, b.room)
    memcpy(b.data + b.size, p, n)
    b.size += n


cdef void unpack(codec_t *c, uint64_t most, const unsigned char *p, size_t n, size_t piece, size_t room, bytes_t *to) noexcept nogil:
    """In pieces, each in a block of its own size."""
    cdef unpacker_t u
    cdef unpacking_t w
    cdef unsigned char *held = <unsigned char *> malloc(1)
    cdef unsigned char *exact
    cdef unsigned char *out = <unsigned char *> malloc(room)
    cdef size_t have = 0, at = 0, step
    unpacker_init(&u, most)
    memset(to, 0, sizeof(bytes_t))
    add(to, out, 0)             # so that there is memory, even if nothing comes
    while to.result == 0 and to.size < MOST:
        step = piece if piece < n - at else n - at
        exact = <unsigned char *> malloc(have + step + 1)
        memcpy(exact, held, have)
        memcpy(exact + have, p + at, step)
        free(held)
        held = exact
        at += step
        w.p = exact
        w.n = have + step
        while to.size < MOST:
            w.out = out
            w.room = room
            to.result = unpacker_feed(&u, c, &w)
            if to.result == 0:
                add(to, out, room - w.room)
            if to.result < 0 or w.room:
                break
        have = w.n
        exact = <unsigned char *> malloc(have + 1)
        memcpy(exact, w.p, have)
        free(held)
        held = exact
        if at == n:
            break
    free(held)
    free(out)
    unpacker_free(&u, c)


cdef void settle(bytes_t *b) noexcept nogil:
    """Headers as we write them: those in a batch may be longer than they have to be, and have flags that mean nothing."""
    cdef unsigned char header[FRAME_HEADER_MAX]
    cdef frame_t f
    cdef size_t at = GREETING, to = GREETING, n
    while at < b.size and frame_get(b.data + at, b.size - at, &f) > 0:
        n = frame_put(header, f.size, f.flags)
        memcpy(b.data + to, header, n)
        at += f.header
        to += n
        n = b.size - at if f.size > b.size - at else f.size
        memmove(b.data + to, b.data + at, n)
        at += n
        to += n
    memmove(b.data + to, b.data + at, b.size - at)
    b.size -= at - to


cdef void pack(codec_t *c, const unsigned char *p, size_t n, bytes_t *to) noexcept nogil:
    cdef packer_t k
    cdef packing_t w
    cdef size_t made, at = 0
    packer_init(&k)
    memset(to, 0, sizeof(bytes_t))
    w.room = n + 20000
    w.out = <unsigned char *> malloc(w.room)
    while at < n:
        w.p = p + at
        w.n = n - at
        w.next = NULL
        w.next_n = 0
        made = packer_step(&k, c, &w)
        if made == 0:
            break               # the rest of a header
        add(to, w.out, made)
        at += w.taken
    free(w.out)
    to.result = <int> (n - at)


cdef void one(const unsigned char *p, size_t n) noexcept nogil:
    cdef codec_t *c = codecs[p[0] & 3]
    cdef uint64_t most = UINT64_MAX if not p[0] & 12 else 100 if p[0] & 12 == 4 else 4000 if p[0] & 12 == 8 else 100000
    cdef size_t piece = 1 + p[1] % 16 * 9
    cdef size_t room = 1 + p[1] // 16 * 150
    cdef unsigned char *wire = <unsigned char *> malloc(BEGINNING + n)
    cdef bytes_t whole, pieces, packed, again
    memset(wire, 0, BEGINNING)
    wire[0] = 0xff
    wire[10] = 3
    wire[GREETING] = 4          # FRAME_COMMAND, and no bytes of it
    memcpy(wire + BEGINNING, p + 2, n - 2)
    n += BEGINNING - 2
    unpack(c, most, wire, n, n, 100000, &whole)
    unpack(c, most, wire, n, piece, room, &pieces)
    check(whole.result == pieces.result or whole.size >= MOST or pieces.size >= MOST)
    # Before an error less may have been handed over by the one that had less room.
    check(memcmp(whole.data, pieces.data, whole.size if whole.size < pieces.size else pieces.size) == 0)
    if whole.result == 0 and whole.size < MOST:
        check(whole.size == pieces.size)
        settle(&whole)
        pack(c, whole.data, whole.size, &packed)
        unpack(c, UINT64_MAX, packed.data, packed.size, packed.size + 1, 100000, &again)
        check(again.result == 0 and again.size == whole.size - packed.result and memcmp(again.data, whole.data, again.size) == 0)
        free(packed.data)
        free(again.data)
    free(whole.data)
    free(pieces.data)
    free(wire)


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    if codecs[0] == NULL:
        begin()
    if size >= 2:
        one(data, size)
    return 0
