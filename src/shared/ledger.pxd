# The ledger of a segment and one peer: how often the peer has given each slot back. One page that the receiver writes and the sender reads.
#
# Rules
# - A ledger is words of 32 bits. Word 0 is LEDGER_OPEN once the receiver has mapped the segment; word 1 + i counts how often slot i came back. It
#   only grows, and wraps around.
# - The sender keeps in memory of its own how often it has sent each slot. A slot is back when the two are equal. So a peer that writes nonsense
#   harms what it gets itself, and takes a place of the segment out of use; it reaches nothing of the sender's.
# - Giving back is one atomic addition: no lock, no system call, from any thread, and of no consequence once the connection is gone.

from libc.stdint cimport uint32_t
from base.atomics cimport zc_add_u32, zc_load_acquire_u32, zc_store_release_u32

cdef enum:
    LEDGER_BYTES = 4096                 # the smallest page
    SEGMENT_SLOTS = LEDGER_BYTES // 4 - 1
    LEDGER_OPEN = 0x5A4D5153


cdef inline void ledger_open(uint32_t *ledger) noexcept nogil:
    """Release: pairs with ledger_is_open()."""
    zc_store_release_u32(ledger, LEDGER_OPEN)


cdef inline bint ledger_is_open(uint32_t *ledger) noexcept nogil:
    return zc_load_acquire_u32(ledger) == LEDGER_OPEN


cdef inline void ledger_give_back(uint32_t *ledger, uint32_t slot) noexcept nogil:
    """Acquire-release: pairs with ledger_returned(); whatever was read of the block was read before."""
    zc_add_u32(ledger + 1 + slot, 1)


cdef inline uint32_t ledger_returned(uint32_t *ledger, uint32_t slot) noexcept nogil:
    return zc_load_acquire_u32(ledger + 1 + slot)
