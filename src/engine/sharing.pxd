# What two peers that share memory tell each other: signals of an engine that is `plain`, between peers that have both announced it in READY.
#
# Rules
# - SIGNAL_SEGMENT: here is memory of mine. The data is its size in bytes; two descriptors come with the signal's first byte, the memory's and its
#   ledger's (shared/ledger.pxd).
# - SIGNAL_BLOCK stands where a frame of a message would: its content lies in the segment shown last. The data is `flags | slot | offset | size`; the one
#   flag that counts is MORE. In the ledger the slot is what the receiver gives the block back by.
# - Data of any other length is no such signal. Whether the numbers fit the segment is the receiver's question (shared/mapping.pxd).

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport strlen
from base.endian cimport load_be32, load_be64, store_be32, store_be64
from base.errors cimport EPROTO
from engine.ops cimport ENGINE_MORE
from zmtp.introduction cimport shared_property
from zmtp.metadata cimport metadata_find, metadata_t

cdef enum:
    SEGMENT_DATA = 8
    BLOCK_DATA = 21

cdef struct block_place_t:
    int flags                  # ENGINE_MORE or 0
    uint32_t slot
    uint64_t offset
    uint64_t size


cdef inline bint sharing_announced(const metadata_t *peer) noexcept nogil:
    """Whether a peer with these properties understands the signals."""
    cdef const unsigned char *value = NULL
    cdef size_t size = 0
    return metadata_find(peer, shared_property(), strlen(shared_property()), &value, &size) == 0


cdef inline void segment_data_put(unsigned char *out, uint64_t size) noexcept nogil:
    store_be64(out, size)


cdef inline int segment_data_get(const unsigned char *p, size_t n, uint64_t *size) noexcept nogil:
    """0 or -EPROTO."""
    if n != SEGMENT_DATA:
        return -EPROTO
    size[0] = load_be64(p)
    return 0


cdef inline void block_data_put(unsigned char *out, const block_place_t *b) noexcept nogil:
    out[0] = <unsigned char> b.flags
    store_be32(out + 1, b.slot)
    store_be64(out + 5, b.offset)
    store_be64(out + 13, b.size)


cdef inline int block_data_get(const unsigned char *p, size_t n, block_place_t *b) noexcept nogil:
    """0 or -EPROTO."""
    if n != BLOCK_DATA:
        return -EPROTO
    b.flags = p[0] & ENGINE_MORE
    b.slot = load_be32(p + 1)
    b.offset = load_be64(p + 5)
    b.size = load_be64(p + 13)
    return 0
