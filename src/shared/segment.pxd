# shared_segment_t: memory that a socket shares with its peers, and the blocks in it. The sender's side.
#
# Rules
# - A segment belongs to one socket: what is written once goes to any number of its peers. It is never larger than when it was made, and takes
#   memory of the system only as blocks are used.
# - Everything that decides is memory of this process: which blocks there are, who holds them. Peers see the segment read-only and have a ledger
#   each, in which they write and we only read.
# - A block is free when no msg_t of this process holds it (held.refs) and every peer that it was sent to has given it back as often as it got it.
#   Nobody is told: who wants a block looks. So a block is let go by any thread, without a lock.
# - Blocks are looked for, sent and split under the socket's lock.
# - A peer that leaves with blocks it has not given back may still be reading them. Then the segment is retired: no block of it is used again, and
#   the next one is of a new segment. What is held of a retired one stays valid; its memory goes with the last holder.
# - Blocks lie side by side, in the order `order`, from the start of the segment up to `top`. Neighbours that are free are joined when a
#   larger one is wanted.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memmove
from base.atomics cimport zc_add_u32, zc_load_acquire_u32, zc_sub_u32
from base.errors cimport ENOMEM, ENOSPC
from base.memory cimport calloc, free
from base.platform cimport zc_close, zc_shared_map, zc_shared_open, zc_shared_seal, zc_shared_unmap
from message.message cimport MSG_SEGMENT, held_t, msg_t
from shared.ledger cimport LEDGER_BYTES, SEGMENT_SLOTS, ledger_is_open, ledger_returned

cdef enum:
    SEGMENT_PEERS = 64                  # bits of slot_t.peers: further peers are served without
    SEGMENT_PAGE = 4096                 # blocks begin at such a boundary, so that arrays in them are aligned
    # Places looked at in the order of their addresses before the search goes on where it last ended: memory used a moment ago is in the cache,
    # and a long queue is not looked through from its start each time.
    SEGMENT_NEAR = 8

cdef struct slot_t:
    held_t held                         # first: a held_t * of a slot is a slot_t *
    shared_segment_t *segment
    size_t at
    size_t room
    uint64_t peers                      # seats that have it, as far as we know

# A peer of the segment.
cdef struct seat_t:
    uint32_t *ledger                    # mapped read-only; NULL: the seat is free
    uint32_t sent[SEGMENT_SLOTS]

cdef struct shared_segment_t:
    uint32_t refs                       # atomic: the socket, its sessions, and blocks that a msg_t holds
    bint retired
    int fd
    unsigned char *data
    size_t size
    size_t top                          # what lies behind it has never been used
    uint32_t count                      # blocks
    uint32_t rover                      # where in `order` the last search ended
    uint32_t order[SEGMENT_SLOTS]       # slots by address; behind `count` those not in use
    slot_t slots[SEGMENT_SLOTS]
    seat_t *seats[SEGMENT_PEERS]


# ---- life

cdef inline void seat_free(shared_segment_t *g, int i) noexcept nogil:
    zc_shared_unmap(g.seats[i].ledger, LEDGER_BYTES)
    free(g.seats[i])
    g.seats[i] = NULL


cdef inline void segment_unref(shared_segment_t *g) noexcept nogil:
    """Any thread. NULL is allowed."""
    cdef int i
    if g == NULL or zc_sub_u32(&g.refs, 1) != 1:
        return
    for i in range(SEGMENT_PEERS):
        if g.seats[i] != NULL:
            seat_free(g, i)
    zc_shared_unmap(g.data, g.size)
    zc_close(g.fd)
    free(g)


cdef inline void slot_let_go(held_t *h) noexcept nogil:
    """held_t.let_go. The block may be somebody else's by now; the reference of the segment is ours."""
    segment_unref((<slot_t *> h).segment)


cdef inline int segment_new(size_t size, shared_segment_t **out) noexcept nogil:
    """0 or a negative errno."""
    cdef shared_segment_t *g = <shared_segment_t *> calloc(1, sizeof(shared_segment_t))
    cdef uint32_t i
    cdef int rc
    if g == NULL:
        return -ENOMEM
    g.fd = zc_shared_open(size)
    if g.fd < 0:
        rc = g.fd
        free(g)
        return rc
    g.data = <unsigned char *> zc_shared_map(g.fd, size, True)
    rc = zc_shared_seal(g.fd, True) if g.data != NULL else -ENOMEM
    if rc < 0:
        if g.data != NULL:
            zc_shared_unmap(g.data, size)
        zc_close(g.fd)
        free(g)
        return rc
    g.refs = 1
    g.size = size
    for i in range(<uint32_t> SEGMENT_SLOTS):
        g.order[i] = i
        g.slots[i].segment = g
        g.slots[i].held.let_go = slot_let_go
        g.slots[i].held.writable = True
    out[0] = g
    return 0


# ---- peers

cdef inline int segment_seat(shared_segment_t *g, int *ledger_fd) noexcept nogil:
    """A seat for one more peer, which counts as a reference, and the descriptor of its ledger, the caller's to close. The seat or a negative errno."""
    cdef int i, fd, rc
    cdef seat_t *seat
    for i in range(SEGMENT_PEERS):
        if g.seats[i] == NULL:
            break
    else:
        return -ENOSPC
    fd = zc_shared_open(LEDGER_BYTES)
    if fd < 0:
        return fd
    rc = zc_shared_seal(fd, False)
    seat = <seat_t *> calloc(1, sizeof(seat_t)) if rc == 0 else NULL
    if seat != NULL:
        seat.ledger = <uint32_t *> zc_shared_map(fd, LEDGER_BYTES, False)
    if seat == NULL or seat.ledger == NULL:
        free(seat)
        zc_close(fd)
        return rc if rc < 0 else -ENOMEM
    g.seats[i] = seat
    zc_add_u32(&g.refs, 1)
    ledger_fd[0] = fd
    return i


cdef inline bint segment_welcome(shared_segment_t *g, int seat) noexcept nogil:
    """The peer has mapped the segment."""
    return ledger_is_open(g.seats[seat].ledger)


cdef inline bint slot_free(slot_t *t) noexcept nogil:
    """Acquire: what others did with the block comes before what we do."""
    cdef shared_segment_t *g = t.segment
    cdef uint32_t i = <uint32_t> (t - g.slots)
    cdef uint64_t left = t.peers
    cdef int k = 0
    if zc_load_acquire_u32(&t.held.refs):
        return False
    while left:
        if left & 1 and ledger_returned(g.seats[k].ledger, i) == g.seats[k].sent[i]:
            t.peers &= ~(<uint64_t> 1 << k)
        left >>= 1
        k += 1
    return t.peers == 0


cdef inline bint segment_leave(shared_segment_t *g, int seat) noexcept nogil:
    """The peer is gone; gives the reference back. True: it has blocks, and the segment is retired."""
    cdef uint32_t i
    cdef slot_t *t
    cdef uint64_t bit = <uint64_t> 1 << seat
    cdef bint retired
    for i in range(g.count):
        t = &g.slots[g.order[i]]
        if t.peers & bit:
            slot_free(t)
            if t.peers & bit:
                g.retired = True
                t.peers &= ~bit
    seat_free(g, seat)
    retired = g.retired         # a segment that was retired before may have nobody left
    segment_unref(g)
    return retired


# ---- blocks

cdef inline slot_t *segment_take(shared_segment_t *g, slot_t *t) noexcept nogil:
    """A free slot becomes the caller's, with one reference."""
    zc_add_u32(&g.refs, 1)
    zc_add_u32(&t.held.refs, 1)
    return t


cdef inline slot_t *segment_again(shared_segment_t *g, size_t need) noexcept nogil:
    """A free block of about that size, or NULL."""
    cdef uint32_t looks, i
    cdef slot_t *t
    for looks in range(SEGMENT_NEAR + g.count):
        i = looks
        if looks >= SEGMENT_NEAR:
            i = g.rover = g.rover + 1 if g.rover + 1 < g.count else 0
        if i >= g.count:
            continue
        t = &g.slots[g.order[i]]
        if need <= t.room < 2 * need and slot_free(t):
            return t
    return NULL


cdef inline slot_t *segment_carve(shared_segment_t *g, size_t need) noexcept nogil:
    """A block of memory that has not been used before, or NULL."""
    cdef slot_t *t
    if g.count == SEGMENT_SLOTS or g.size - g.top < need:
        return NULL
    t = &g.slots[g.order[g.count]]
    t.at = g.top
    t.room = need
    g.top += need
    g.count += 1
    return t


cdef inline void segment_split(shared_segment_t *g, uint32_t i, size_t need) noexcept nogil:
    """The block at place i keeps `need` bytes; the rest becomes one of its own, if there is a slot for it."""
    cdef slot_t *t = &g.slots[g.order[i]]
    cdef slot_t *rest
    cdef uint32_t spare
    if t.room == need or g.count == SEGMENT_SLOTS:
        return
    spare = g.order[g.count]
    memmove(&g.order[i + 2], &g.order[i + 1], (g.count - i - 1) * sizeof(uint32_t))
    g.order[i + 1] = spare
    g.count += 1
    rest = &g.slots[spare]
    rest.at = t.at + need
    rest.room = t.room - need
    t.room = need


cdef inline void segment_join(shared_segment_t *g, uint32_t i, uint32_t n) noexcept nogil:
    """The n free blocks from place i on become one."""
    cdef slot_t *t = &g.slots[g.order[i]]
    cdef uint32_t spare
    cdef uint32_t _k
    for _k in range(n - 1):
        spare = g.order[i + 1]
        t.room += g.slots[spare].room
        memmove(&g.order[i + 1], &g.order[i + 2], (g.count - i - 2) * sizeof(uint32_t))
        g.count -= 1
        g.order[g.count] = spare


cdef inline slot_t *segment_merge(shared_segment_t *g, size_t need) noexcept nogil:
    """A block made of neighbours that are free, or of a part of one, or NULL."""
    cdef uint32_t i
    cdef uint32_t first = 0
    cdef size_t room = 0
    cdef slot_t *t
    for i in range(g.count):
        t = &g.slots[g.order[i]]
        if not slot_free(t):
            first = i + 1
            room = 0
            continue
        room += t.room
        if room >= need:
            segment_join(g, first, i - first + 1)
            segment_split(g, first, need)
            return &g.slots[g.order[first]]
    if room == 0 or room + (g.size - g.top) < need:
        return NULL
    segment_join(g, first, g.count - first)
    t = &g.slots[g.order[first]]
    g.top += need - t.room
    t.room = need
    return t


cdef inline slot_t *segment_alloc(shared_segment_t *g, size_t size) noexcept nogil:
    """A block of `size` bytes with one reference, or NULL: there is no room now. Socket's lock."""
    cdef size_t need = (size + SEGMENT_PAGE - 1) & ~(<size_t> SEGMENT_PAGE - 1)
    cdef slot_t *t
    if size == 0 or size > g.size:
        return NULL
    t = segment_again(g, need)
    if t == NULL:
        t = segment_carve(g, need)
    if t == NULL:
        t = segment_merge(g, need)
    return segment_take(g, t) if t != NULL else NULL


cdef inline void segment_msg(slot_t *t, size_t size, msg_t *out) noexcept nogil:
    """The caller's reference of a block becomes a message's."""
    out.size = size
    out.kind = MSG_SEGMENT
    out.flags = 0
    out.routing_id = 0
    out.body.ref.data = t.segment.data + t.at
    out.body.ref.owner = t


cdef inline slot_t *segment_slot(shared_segment_t *g, msg_t *m) noexcept nogil:
    """The block of this segment that a message holds, or NULL."""
    if m.kind != MSG_SEGMENT or not (<held_t *> m.body.ref.owner).writable:
        return NULL
    return <slot_t *> m.body.ref.owner if (<slot_t *> m.body.ref.owner).segment == g else NULL


cdef inline void segment_sent(shared_segment_t *g, int seat, slot_t *t) noexcept nogil:
    """The peer will get the block, and has to give it back once more."""
    g.seats[seat].sent[t - g.slots] += 1
    t.peers |= <uint64_t> 1 << seat


cdef inline uint32_t segment_in_use(shared_segment_t *g) noexcept nogil:
    """Blocks that somebody holds."""
    cdef uint32_t i
    cdef uint32_t n = 0
    for i in range(g.count):
        n += not slot_free(&g.slots[g.order[i]])
    return n
