# budget: what the queues of a context may hold together (the context's option MAX_QUEUED_BYTES).
#
# Rules
# - A frame costs its bytes and FRAME_COST, what its entry in a ring takes. A message that is queued for several peers costs each time.
# - A ring with a charge is bounded (ring.pxd), so that both of its sides come by here with every message: the producer, who looks for room, adds
#   what it has written since; the consumer takes off what it has read, at the end of each message. `used` is the sum, and what a ring has
#   written last is missing until its producer looks again. It may be below 0 for a moment, where a reader was faster than that.
# - There is no room while the limit is reached, but an empty ring takes a message whatever the others hold. So nobody waits for a queue that
#   somebody else has to read, and a message of any size passes.
# - Room that a producer has found is its own until it has written a message (`granted`), whatever others write in between: a part of a message is
#   never refused, nor is what poll() has announced.
# - Who finds no room puts its account on the list and looks again. Who takes something off looks at the list after that. There is a fence between
#   the two on either side, so one of them sees the other (Dekker), as in ring.pxd. The list hears of an eighth of the limit, not of every
#   message: all on it would look for the room that one of them takes. That a ring is empty concerns its own producer only, who is told as of credit.
#
# Who writes what: charge_t.charged and .granted the producer, .released the consumer; the list and account_t.listed whoever holds budget_t.lock, which
# is a leaf. An account is its socket's, and leaves the list before the socket goes.

from libc.stdint cimport int64_t, uint32_t, uint64_t
from base.memory cimport free
from base.atomics cimport (
    zc_add_u64, zc_fence, zc_load_acquire_u64, zc_load_relaxed_u32, zc_load_relaxed_u64, zc_store_relaxed_u32, zc_store_relaxed_u64,
    zc_store_release_u64, zc_sub_u64,
)
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_lock_t

cdef enum:
    FRAME_COST = 64             # a msg_t; with pointers of 4 bytes it has 60, but a limit shall mean the same everywhere

cdef struct account_t
cdef struct budget_t

# A socket's: how its rings are charged, and how it hears that there may be room.
cdef struct account_t:
    budget_t *budget            # NULL: no limit for this socket
    account_t *next
    account_t *prev
    bint listed
    uint32_t roomy              # atomic: it has been told; cleared by whoever looks
    void (*wake)(account_t *a) noexcept nogil   # any thread, any locks

cdef struct budget_t:
    uint64_t used               # atomic; signed
    uint64_t limit              # atomic; 0 = none
    uint64_t hits               # atomic: times somebody found no room
    uint32_t waiting            # atomic: the list is not empty
    zc_lock_t lock
    account_t *first            # of those who wait for room

# A ring's.
cdef struct charge_t:
    budget_t *budget
    account_t *account          # of the producer's socket
    uint64_t charged            # atomic: what the producer has added in all
    uint64_t released           # atomic: what the consumer has taken off
    bint granted                # producer's: the next message passes


cdef inline bint budget_full(budget_t *b) noexcept nogil:
    cdef uint64_t limit = zc_load_relaxed_u64(&b.limit)
    return limit != 0 and <int64_t> zc_load_relaxed_u64(&b.used) >= <int64_t> limit


cdef inline bint budget_roomy(budget_t *b) noexcept nogil:
    """There is so much room that the list should hear of it."""
    cdef uint64_t limit = zc_load_relaxed_u64(&b.limit)
    return limit == 0 or <int64_t> zc_load_relaxed_u64(&b.used) < <int64_t> (limit - limit // 8)


cdef inline void budget_wake(budget_t *b) noexcept nogil:
    """Everybody on the list looks again."""
    cdef account_t *a
    cdef account_t *next
    zc_lock_acquire(&b.lock)
    a = b.first
    b.first = NULL
    zc_store_relaxed_u32(&b.waiting, 0)
    while a != NULL:
        next = a.next
        a.listed = False
        zc_store_relaxed_u32(&a.roomy, 1)
        a.wake(a)
        a = next
    zc_lock_release(&b.lock)


cdef inline void budget_limit(budget_t *b, uint64_t limit) noexcept nogil:
    """Any thread."""
    zc_store_relaxed_u64(&b.limit, limit)
    budget_wake(b)


cdef inline void account_wait(account_t *a) noexcept nogil:
    cdef budget_t *b = a.budget
    zc_lock_acquire(&b.lock)
    if not a.listed:
        a.listed = True
        a.prev = NULL
        a.next = b.first
        if a.next != NULL:
            a.next.prev = a
        b.first = a
        zc_store_relaxed_u32(&b.waiting, 1)
    zc_lock_release(&b.lock)


cdef inline void account_leave(account_t *a) noexcept nogil:
    """The socket goes."""
    cdef budget_t *b = a.budget
    if b == NULL:
        return
    zc_lock_acquire(&b.lock)
    if a.listed:
        a.listed = False
        if a.next != NULL:
            a.next.prev = a.prev
        if a.prev != NULL:
            a.prev.next = a.next
        else:
            b.first = a.next
    zc_lock_release(&b.lock)


cdef inline bint charge_spent(charge_t *c) noexcept nogil:
    """Nothing of what has been charged is queued any more."""
    return zc_load_relaxed_u64(&c.charged) == zc_load_acquire_u64(&c.released)


cdef inline bint charge_room(charge_t *c) noexcept nogil:
    return not budget_full(c.budget) or charge_spent(c)


cdef inline void charge_settle(charge_t *c, uint64_t written) noexcept nogil:
    """Producer: what all that it has written costs. (Less than before if an unfinished message was taken back.)"""
    cdef uint64_t more = written - zc_load_relaxed_u64(&c.charged)
    if more:
        c.granted = False
        zc_add_u64(&c.budget.used, more)
        zc_store_release_u64(&c.charged, written)


cdef inline bint charge_refuses(charge_t *c, uint64_t written) noexcept nogil:
    """Producer: no room for another message."""
    charge_settle(c, written)
    if not c.granted and not charge_room(c):
        account_wait(c.account)
        zc_fence()
        if not charge_room(c):
            zc_add_u64(&c.budget.hits, 1)
            return True
    c.granted = True
    return False


cdef inline void charge_freed(charge_t *c) noexcept nogil:
    zc_fence()
    if zc_load_relaxed_u32(&c.budget.waiting) and budget_roomy(c.budget):
        budget_wake(c.budget)


cdef inline bint charge_release(charge_t *c, uint64_t read) noexcept nogil:
    """Consumer: what all that it has read costs. True: there is nothing else, so a producer that waits has room."""
    zc_sub_u64(&c.budget.used, read - zc_load_relaxed_u64(&c.released))
    zc_store_release_u64(&c.released, read)
    charge_freed(c)             # with the fence that charge_spent() needs
    return charge_spent(c)


cdef inline void charge_restart(charge_t *c, uint64_t queued) noexcept nogil:
    """Both sides: counting begins again with what is queued."""
    zc_add_u64(&c.budget.used, queued - (zc_load_relaxed_u64(&c.charged) - zc_load_relaxed_u64(&c.released)))
    zc_store_relaxed_u64(&c.charged, queued)
    zc_store_relaxed_u64(&c.released, 0)
    c.granted = False
    charge_freed(c)


cdef inline void charge_drop(charge_t *c) noexcept nogil:
    """Both sides are gone."""
    charge_restart(c, 0)
    free(c)
