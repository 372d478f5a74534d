# Compression, shown to Python. Included by _probe.pyx; every name starts with the room's.

from cpython.bytes cimport PyBytes_AS_STRING as compression_AS_STRING
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memcpy as compression_memcpy
from base.memory cimport free as compression_c_free, malloc as compression_malloc

cimport compression.libraries as compression_l
cimport compression.lz4 as compression_lz4
cimport compression.ops as compression_o
cimport compression.packer as compression_p
cimport compression.unpacker as compression_u
cimport compression.zstd as compression_zstd


cdef unsigned char *compression_exact(bytes data) except NULL:
    """A block of exactly that size, so that a sanitizer sees a read beyond it."""
    cdef unsigned char *p = <unsigned char *>compression_malloc(len(data) if data else 1)
    if p == NULL:
        raise MemoryError
    compression_memcpy(p, compression_AS_STRING(data), len(data))
    return p


cdef class compression_Codec:
    """compression_Codec("lz4", level, dictionary): a codec with the library that zmqcore finds."""
    cdef compression_l.lz4_t lz4
    cdef compression_l.zstd_t zstd
    cdef compression_o.codec_t *c

    def __cinit__(self, str name, int level=1, bytes dictionary=b"", bint attaches=True):
        cdef compression_o.codec_ops_t ops
        cdef const compression_l.codec_function_t *rows = compression_l.lz4_functions
        cdef int i, rc, count = compression_l.LZ4_FUNCTIONS
        cdef void *library = &self.lz4
        import zmqcore._codecs
        if name == "zstd":
            rows = compression_l.zstd_functions
            count = compression_l.ZSTD_FUNCTIONS
            library = &self.zstd
            compression_zstd.zstd_ops(&ops)
        else:
            compression_lz4.lz4_ops(&ops)
        found = zmqcore._codecs.addresses(name, [rows[i].name.decode() for i in range(count)],
                                          [rows[i].name.decode() for i in range(count) if rows[i].optional])
        for i in range(count):
            compression_l.codec_function_put(library, &rows[i], <uintptr_t> found[i] if attaches or not rows[i].optional else 0)
        rc = compression_o.codec_new(&ops, library, level, <unsigned char *> compression_AS_STRING(dictionary), len(dictionary), &self.c)
        if rc < 0:
            raise OSError(-rc, "codec_new")

    def __dealloc__(self):
        if self.c != NULL:
            compression_o.codec_unref(self.c)


cdef class compression_Packer:
    """From a stream of ZMTP to one whose messages are compressed."""
    cdef compression_Codec codec
    cdef compression_p.packer_t p

    def __cinit__(self, compression_Codec codec):
        self.codec = codec
        compression_p.packer_init(&self.p)

    def pack(self, bytes data, bytes behind=b""):
        """What comes of `data`, whose last frame may have its body in `behind`: (bytes made, how many of both were taken)."""
        cdef unsigned char *p = compression_exact(data)
        cdef unsigned char *n = compression_exact(behind)
        cdef size_t room = len(data) + len(behind) + 20000
        cdef unsigned char *out = <unsigned char *>compression_malloc(room)
        cdef compression_p.packing_t w
        cdef size_t made, taken = 0, total = len(data) + len(behind)
        got = b""
        try:
            while taken < total:
                if taken < <size_t> len(data):
                    w.p = p + taken
                    w.n = len(data) - taken
                    w.next = n
                    w.next_n = len(behind)
                else:
                    w.p = n + (taken - len(data))
                    w.n = total - taken
                    w.next = NULL
                    w.next_n = 0
                w.out = out
                w.room = room
                made = compression_p.packer_step(&self.p, self.codec.c, &w)
                if made == 0:
                    break
                got += out[:made]
                taken += w.taken
        finally:
            compression_c_free(p)
            compression_c_free(n)
            compression_c_free(out)
        return got, taken


cdef class compression_Unpacker:
    """The way back. most: bytes of a part that are acceptable."""
    cdef compression_Codec codec
    cdef compression_u.unpacker_t u

    def __cinit__(self, compression_Codec codec, uint64_t most=2 ** 64 - 1):
        self.codec = codec
        compression_u.unpacker_init(&self.u, most)

    def __dealloc__(self):
        if self.codec is not None:
            compression_u.unpacker_free(&self.u, self.codec.c)

    def feed(self, bytes data, size_t room):
        """(what came of it, how much was left of `data`) or a negative errno; no more than `room` bytes at a time."""
        cdef unsigned char *p = compression_exact(data)
        cdef unsigned char *out = <unsigned char *>compression_malloc(room)
        cdef compression_u.unpacking_t w
        cdef int rc
        w.p = p
        w.n = len(data)
        got = b""
        try:
            while True:
                w.out = out
                w.room = room
                rc = compression_u.unpacker_feed(&self.u, self.codec.c, &w)
                if rc < 0:
                    return rc
                got += out[:room - w.room]
                if w.room:
                    return got, w.n
        finally:
            compression_c_free(p)
            compression_c_free(out)
