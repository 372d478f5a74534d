# Shows src/message/large_blocks.h to the tests: block_Block is one block in the caller's hands.

from libc.stdint cimport uintptr_t
from libc.string cimport memcpy, memset

cdef extern from "message/large_blocks.h" nogil:
    enum:
        ZC_LARGE_MIN
        ZC_LARGE_MAX
        ZC_LARGE_KEPT
    void *zc_block_alloc(size_t n)
    void *zc_block_grow(void *block, size_t n)
    void zc_block_free(void *block)
    void zc_large_trim()

block_MIN, block_MAX, block_KEPT = ZC_LARGE_MIN, ZC_LARGE_MAX, ZC_LARGE_KEPT
cdef enum:
    BLOCK_HEAD = 8


def block_trim():
    zc_large_trim()


def block_churn(size_t size, int rounds, unsigned char mark):
    """Takes and gives two blocks at a time, without the GIL. How often somebody else wrote into one of them."""
    cdef unsigned char *held[2]
    cdef int torn = 0
    cdef int r
    cdef int i
    with nogil:
        for r in range(rounds):
            for i in range(2):
                held[i] = <unsigned char *> zc_block_alloc(size)
                if held[i] != NULL:
                    memset(held[i] + BLOCK_HEAD, mark, size - BLOCK_HEAD)
            for i in range(2):
                if held[i] != NULL:
                    torn += held[i][BLOCK_HEAD] != mark or held[i][size // 2] != mark or held[i][size - 1] != mark
                    zc_block_free(held[i])
    return torn


cdef class block_Block:
    cdef unsigned char *at
    cdef readonly size_t size

    def __cinit__(self, size_t size):
        if size < BLOCK_HEAD:
            raise ValueError("smaller than its head")
        self.at = <unsigned char *> zc_block_alloc(size)
        if self.at == NULL:
            raise MemoryError
        self.size = size

    @property
    def address(self):
        return <uintptr_t> self.at

    def grow(self, size_t size):
        cdef void *grown
        if size < self.size:
            raise ValueError("smaller than it is")
        grown = zc_block_grow(self.at, size)
        if grown == NULL:
            raise MemoryError
        self.at = <unsigned char *> grown
        self.size = size

    def fill(self, bytes content not None):
        if <size_t> len(content) != self.size - BLOCK_HEAD:
            raise ValueError("not the size of the block")
        memcpy(self.at + BLOCK_HEAD, <const char *> content, len(content))

    def content(self):
        return self.at[BLOCK_HEAD:self.size]

    def free(self):
        if self.at != NULL:
            zc_block_free(self.at)
            self.at = NULL

    def __dealloc__(self):
        self.free()
