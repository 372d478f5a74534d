# mapping_t: a segment of a peer's, mapped read-only, and what was received in it. The receiver's side.
#
# Rules
# - It is mapped only if the kernel vouches for it: sealed against shrinking, of the size announced, not larger than the limit. From then on no access
#   within it can fault, whatever the peer does.
# - What comes as block is compared with the map; numbers that are used come from the wire, never out of shared memory.
# - The content is another matter: the peer can change it at any time. Whoever needs it to stay copies it first, once.
# - A frame in place holds the mapping, also when the connection is gone. Letting it go gives the block back by the ledger: any thread, no lock.
# - A child made by fork gives nothing back: the frame is its parent's.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t
from base.atomics cimport zc_add_u32, zc_sub_u32
from base.errors cimport EINVAL, ENOMEM, EPROTO
from base.memory cimport free, malloc
from base.platform cimport zc_fork_generation, zc_shared_map, zc_shared_size, zc_shared_unmap
from message.message cimport MSG_SEGMENT, held_t, msg_t
from shared.ledger cimport LEDGER_BYTES, SEGMENT_SLOTS, ledger_give_back, ledger_open

cdef struct mapping_t:
    uint32_t refs                       # atomic: the session, and frames in it
    uint32_t generation                 # of the process
    unsigned char *data
    size_t size
    uint32_t *ledger

# One frame in place.
cdef struct loan_t:
    held_t held                         # first: a held_t * of a loan is a loan_t *
    uint32_t slot
    mapping_t *mapping


cdef inline void mapping_unref(mapping_t *m) noexcept nogil:
    """Any thread. NULL is allowed."""
    if m == NULL or zc_sub_u32(&m.refs, 1) != 1:
        return
    zc_shared_unmap(m.data, m.size)
    zc_shared_unmap(m.ledger, LEDGER_BYTES)
    free(m)


cdef inline int mapping_new(int fd, int ledger_fd, uint64_t size, uint64_t most, mapping_t **out) noexcept nogil:
    """The descriptors stay the caller's. 0; -EINVAL: the memory is not as it has to be; -ENOMEM: it cannot be mapped."""
    cdef mapping_t *m
    if size == 0 or size > most or zc_shared_size(fd) != <int64_t> size or zc_shared_size(ledger_fd) != LEDGER_BYTES:
        return -EINVAL
    m = <mapping_t *> malloc(sizeof(mapping_t))
    if m == NULL:
        return -ENOMEM
    m.refs = 1
    m.generation = zc_fork_generation()
    m.size = <size_t> size
    m.data = <unsigned char *> zc_shared_map(fd, m.size, False)
    m.ledger = <uint32_t *> zc_shared_map(ledger_fd, LEDGER_BYTES, True) if m.data != NULL else NULL
    if m.ledger == NULL:
        if m.data != NULL:
            zc_shared_unmap(m.data, m.size)
        free(m)
        return -ENOMEM
    ledger_open(m.ledger)
    out[0] = m
    return 0


cdef inline void loan_let_go(held_t *h) noexcept nogil:
    """held_t.let_go"""
    cdef loan_t *loan = <loan_t *> h
    if loan.mapping.generation == zc_fork_generation():
        ledger_give_back(loan.mapping.ledger, loan.slot)
    mapping_unref(loan.mapping)
    free(loan)


cdef inline int mapping_take(mapping_t *m, uint32_t slot, uint64_t offset, uint64_t size, msg_t *out) noexcept nogil:
    """A block as a message, in place. 0; -EPROTO: there is no such block; -ENOMEM."""
    cdef loan_t *loan
    if slot >= SEGMENT_SLOTS or size == 0 or size > m.size or offset > m.size - size:
        return -EPROTO
    loan = <loan_t *> malloc(sizeof(loan_t))
    if loan == NULL:
        return -ENOMEM
    zc_add_u32(&m.refs, 1)
    loan.held.refs = 1
    loan.held.writable = False
    loan.held.let_go = loan_let_go
    loan.slot = slot
    loan.mapping = m
    out.size = <size_t> size
    out.kind = MSG_SEGMENT
    out.flags = 0
    out.routing_id = 0
    out.body.ref.data = m.data + offset
    out.body.ref.owner = loan
    return 0
