# I/O thread: keeps sockets alive while the application is elsewhere.
#
# It knows its sockets only as io_client_t: a poll set, a few words, and a function `serve` that does one round of the socket's work.
#
# Rules
# - The thread never waits for a socket: serve() tries the socket's lock and answers SERVE_BUSY when an application thread is inside.
#   That thread then does the work (`service_requested` asks it to).
# - Nor does it keep application threads waiting, however much input there is: serve() answers SERVE_LATER when one wants the lock.
# - Lease. An application thread that reads its own connections takes the lease (LEASE_TAKEN, or LEASE_BLOCKED while it waits); the
#   socket's poll set is then switched off in the thread's own set, so arriving data wakes nobody needlessly. When `activity` has
#   not moved for LEASE_NS the thread takes the socket back; an event loop that is given the lease may have it longer (serve() says). A lease
#   that is held does not run out: the waiting thread does everything. It only asks to be woken once, at `signals_at`, for its signal
#   handlers: it sleeps without a timer, which most waits would have set for nothing.
# - Delayed flush. Output that was coalesced and not yet written sets `flush_pending`; who writes it clears that. From `flush_at` on the thread
#   looks, the more seldom the longer the burst lasts, and watches for a moment: if no frames are added it writes itself; else the burst
#   goes on, and at every third look the sender is asked to write with its next call (`flush_requested`).
# - Tempo. Output of a program that sends regularly (io/overlap.pxd): while `tempo` is not 0 the thread looks for it so often, and nobody has to
#   wake it. It ends the tempo when it has found nothing some times (SERVE_REST).
# - Sleep and wake-up: `armed` is when the thread will wake by itself. Who wants it earlier calls io_poke(). `pokes` closes the race
#   with a thread that is just about to sleep.
# - Help. An application thread that drives its own socket does not depend on this thread, and this one may have to wait for a processor. So an answer
#   could come in before the handshake, or the subscription, that arrived before it on another socket. While connections are young (`young_until`)
#   application threads that have taken input in, or are about to wait, therefore serve what the set of this thread reports: io_help(). They hold no
#   socket's lock then; `helpers` keeps the struct from being freed meanwhile.
# - Apart. What is long and needs no lock is not done while serving either: io_apart() has the thread call the client's
#   `apart` between two turns, once for all requests until then. The client stands on the thread's list `apart` meanwhile,
#   and whoever put it there has taken a reference that keeps its memory; `apart` gives it back. It may find the client gone.
# - Errands. What may have to wait for locks is not done while serving: io_errand() has the thread call `errand` between two turns, with no lock held.
#
# Words of io_client_t: lease, activity, flush_pending, flush_at, burst_began, flush_takes, tempo, deadline, signals_at are
# written under the socket's lock and read here (relaxed: a stale value costs one tick). flush_requested and
# service_requested are set here and cleared by the holder of the socket's lock; adds and notified point to words of the
# socket. The rest belongs to the I/O thread, and to serve(): io_thread_t.lock is held.
# apart_queued is read and written under the socket's lock. apart_next belongs to the list.
# masked is written by the I/O thread and, under the socket's lock, by close(): atomic, relaxed (a stale value costs one look).
# io_thread_t.lock guards the table of clients and the list `gone`; it is held while the thread, or one that helps it, serves.
# Order: a socket lock may be held when it is taken.
# gone() may wait for locks under which others wait for io_thread_t.lock, so it is called after that is released.

from libc.stdint cimport uint32_t, uint64_t, uintptr_t, UINT64_MAX
from base.memory cimport realloc
from base.atomics cimport (
    zc_load_relaxed_u32, zc_store_relaxed_u32, zc_load_relaxed_u64, zc_store_relaxed_u64, zc_store_release_u32,
    zc_add_u32, zc_sub_u32, zc_swap_u32, zc_cas_ptr, zc_cas_u64, zc_load_acquire_u64, zc_load_relaxed_ptr, zc_fence,
)
from base.config cimport POLL_BATCH, RETRY_NS, FLUSH_CHECK_MAX_NS, FLUSH_CHECK_SHARE, YOUNG_NS
from base.errors cimport ENOMEM
from base.platform cimport (
    zc_lock_t, zc_lock_acquire, zc_lock_release, zc_lock_try, zc_thread_t, zc_wake_t, zc_wake_signal, zc_timer_arm, zc_now_ns,
)
from reactor.pollset cimport pollset_t, pollset_wait, pollset_child_add, pollset_child_enable, pollset_child_del
from reactor.pollset_event cimport pollevent_t

cdef enum:
    SERVE_READY = 1         # descriptors are ready
    SERVE_TAKE = 2          # the lease has run out
    SERVE_TIMERS = 3        # the deadline has passed
    SERVE_FLUSH = 4         # the burst is over
    SERVE_SIGNALS = 5          # wake the thread that waits
    SERVE_REST = 6          # nothing has come in the tempo
    SERVE_LEFT = 7          # the thread whose output waits is about to wait elsewhere: it serves itself

cdef enum:
    SERVE_DONE = 0
    SERVE_BUSY = 1          # an application thread is inside
    SERVE_LATER = 2         # an application thread wants to get in: what is ready can wait for a moment
    SERVE_GONE = 3          # the client is finished: forget it and call gone()

cdef enum:
    LEASE_NONE = 0
    LEASE_TAKEN = 1
    LEASE_BLOCKED = 2

cdef enum:
    TAG_WAKE = 0            # what an event of the thread's own poll set is about; the rest is clients
    TAG_TIMER = 1
    TAG_CLIENTS = 2

cdef struct io_client_t:
    uint32_t lease
    uint32_t activity
    uint32_t flush_pending
    uint32_t flush_requested
    uint32_t service_requested
    uint32_t masked             # this thread switched the poll set off because an application thread came first
    uint64_t deadline
    uint64_t signals_at         # written before the lease is held; 0 = never
    uint64_t flush_at
    uint64_t burst_began        # 0 = no burst
    uint64_t tempo              # ns; 0 = none
    uint32_t *adds              # grows while a burst goes on
    uint32_t *notified          # set to 1 to make the socket's next call check flush_requested and service_requested
    pollset_t *set
    int (*serve)(io_client_t *c, int why, uint64_t now) noexcept nogil
    void (*gone)(io_client_t *c) noexcept nogil
    void (*apart)(io_client_t *c) noexcept nogil
    io_thread_t *io
    void *tag
    uint64_t check_at           # of the lease
    uint32_t seen_activity
    uint32_t slot
    uint32_t ticks              # of the burst under way
    uint32_t rests              # looks in the tempo that found nothing
    uint32_t fruitless          # leases of an event loop in a row that ran out with nothing to do
    uint64_t tempo_at           # the next one; 0 = none
    io_client_t *gone_next      # finished, gone() not called yet
    io_client_t *apart_next
    bint apart_queued
    bint watching               # check_at and seen_activity are valid
    uint64_t flush_takes        # ns: looks at the burst are further apart by so much

cdef struct io_slot_t:
    io_client_t *client
    uint32_t generation

cdef struct io_thread_t:
    pollset_t set
    zc_wake_t wake
    int timer
    uint64_t timer_at           # what this thread set the timer for last; 0 = it must be set
    uint32_t stop               # atomic
    uint32_t pokes              # atomic
    uint32_t timer_poked        # atomic: since then a poke has set it, for earlier or, if it came late, for later
    uint32_t count              # of clients; written under lock, read by anybody (relaxed)
    uint64_t armed              # atomic
    zc_lock_t lock
    zc_thread_t thread
    io_slot_t *slots
    io_client_t *gone           # written under lock; taken off by the thread only
    io_client_t *apart          # atomic stack
    uint32_t nslots
    uint32_t errand_due         # atomic
    void (*errand)(void *whose) noexcept nogil      # set before the thread starts, as is the next
    void *errand_of
    uint32_t firsts             # atomic (relaxed), as are the next: messages after a pause in a row; io/flush.pxd
    void *first_by              # whose the last one was
    uint64_t first_at
    char name[32]
    # Read by every thread that finds nothing to receive: away from the words that change all the time.
    uint64_t young_until        # atomic (relaxed: it only decides whether to look); 0 = no connection is young
    uint32_t helpers            # atomic


cdef inline uint64_t flush_pace(uint64_t age, uint64_t least) noexcept nogil:
    """How long to wait before the next look at a burst that has lasted for `age`."""
    cdef uint64_t pace = age // FLUSH_CHECK_SHARE
    if pace > FLUSH_CHECK_MAX_NS:
        pace = FLUSH_CHECK_MAX_NS    # also for an age that makes no sense, because the burst has just ended
    return pace if pace > least else least


cdef inline void io_poke(io_thread_t *io, uint64_t at) noexcept nogil:
    """Some client's words changed and the thread must look at `at` (monotonic ns; 0 = now) at the latest. One system call at most, none usually."""
    cdef uint64_t armed
    zc_add_u32(&io.pokes, 1)
    zc_fence()
    while True:
        armed = zc_load_acquire_u64(&io.armed)
        if at >= armed:
            return
        if zc_cas_u64(&io.armed, armed, at):
            break
    if io.timer < 0 or at <= 1:
        zc_wake_signal(&io.wake)
        return
    while True:
        # Two threads may set the timer in the wrong order, or this one after the I/O thread did. Whoever was last looks again: `armed` says
        # what the timer must not miss; 0 is the I/O thread about to set it, which the second poke makes look once more, and set it again.
        zc_timer_arm(io.timer, at)
        zc_store_relaxed_u32(&io.timer_poked, 1)        # seen by whoever sees the poke that follows
        zc_add_u32(&io.pokes, 1)
        zc_fence()
        armed = zc_load_acquire_u64(&io.armed)
        if armed == 0 or armed >= at:
            return
        at = armed


cdef inline void io_errand(io_thread_t *io) noexcept nogil:
    """Any thread, any locks: io.errand() runs soon, after all that happened before this call."""
    if zc_swap_u32(&io.errand_due, 1) == 0:
        io_poke(io, 0)


cdef inline bint io_apart(io_client_t *c) noexcept nogil:
    """The client's lock held, and c.io is there. True: a reference of the client now belongs to the list."""
    cdef void *head
    if c.apart_queued:
        return False
    c.apart_queued = True
    while True:
        head = zc_load_relaxed_ptr(<void **> &c.io.apart)
        c.apart_next = <io_client_t *> head
        if zc_cas_ptr(<void **> &c.io.apart, head, c):
            break
    io_poke(c.io, 0)
    return True


cdef inline int io_add(io_thread_t *io, io_client_t *c) noexcept nogil:
    """The client's set, serve, gone, adds, notified are filled in. 0 or negative errno."""
    cdef uint32_t i = 0
    cdef io_slot_t *slots
    cdef int rc
    zc_lock_acquire(&io.lock)
    while i < io.nslots and io.slots[i].client != NULL:
        i += 1
    if i == io.nslots:
        slots = <io_slot_t *> realloc(io.slots, (io.nslots * 2 + 8) * sizeof(io_slot_t))
        if slots == NULL:
            zc_lock_release(&io.lock)
            return -ENOMEM
        io.slots = slots
        io.nslots = io.nslots * 2 + 8
        for rc in range(<int> i, <int> io.nslots):
            slots[rc].client = NULL
            slots[rc].generation = 0
    c.slot = i
    c.tag = <void *> ((<uintptr_t> io.slots[i].generation << 24 | i) + TAG_CLIENTS)
    c.watching = False
    c.masked = 0
    rc = pollset_child_add(&io.set, c.set, c.tag, 1)
    if rc == 0:
        c.io = io
        io.slots[i].client = c
        zc_store_relaxed_u32(&io.count, io.count + 1)
    zc_lock_release(&io.lock)
    if rc == 0:
        io_poke(io, 0)
    return rc


cdef inline void io_forget(io_client_t *c) noexcept nogil:
    """io.lock held."""
    cdef io_thread_t *io = c.io
    pollset_child_del(&io.set, c.set)
    io.slots[c.slot].client = NULL
    # 24 bits of slot, the rest generation: a late event of a former client is told apart.
    io.slots[c.slot].generation = (io.slots[c.slot].generation + 1) & 0x7fffffff
    zc_store_relaxed_u32(&io.count, io.count - 1)
    c.io = NULL


cdef inline void io_remove(io_client_t *c) noexcept nogil:
    """By any thread but the I/O thread. Afterwards the thread does not touch the client any more. May wait for one round of serving."""
    cdef io_thread_t *io = c.io
    if io == NULL:
        return
    zc_lock_acquire(&io.lock)
    if c.io != NULL:
        io_forget(c)
    zc_lock_release(&io.lock)


cdef inline void io_serve(io_thread_t *io, io_client_t *c, int why, uint64_t now, uint64_t *next) noexcept nogil:
    cdef int rc = c.serve(c, why, now)
    if rc == SERVE_GONE:
        io_forget(c)
        c.gone_next = io.gone
        io.gone = c
    elif (rc == SERVE_BUSY or rc == SERVE_LATER) and why != SERVE_LEFT:
        if why == SERVE_READY and not zc_load_relaxed_u32(&c.masked):
            pollset_child_enable(&io.set, c.set, c.tag, 0)
            # Read under the socket's lock by serve() of this same thread only, and by who takes the lease.
            zc_store_relaxed_u32(&c.masked, 1)
        if rc == SERVE_BUSY:
            zc_store_relaxed_u32(&c.service_requested, 1)
            zc_store_release_u32(c.notified, 1)
        if now + RETRY_NS < next[0]:
            next[0] = now + RETRY_NS


cdef inline void io_serve_ready(io_thread_t *io, pollevent_t *events, int n, uint64_t now, uint64_t *next) noexcept nogil:
    """io.lock held."""
    cdef uintptr_t tag
    cdef io_client_t *c
    cdef int i
    for i in range(n):
        tag = <uintptr_t> events[i].tag
        if tag < TAG_CLIENTS:
            continue
        tag -= TAG_CLIENTS
        if (tag & 0xffffff) < io.nslots and io.slots[tag & 0xffffff].generation == tag >> 24:
            c = io.slots[tag & 0xffffff].client
            if c != NULL and not zc_load_relaxed_u32(&c.masked):
                io_serve(io, c, SERVE_READY, now, next)


cdef inline void io_young(io_thread_t *io, uint64_t now) noexcept nogil:
    """A connection of one of its sockets has been begun, made, accepted, or is ready."""
    zc_store_relaxed_u64(&io.young_until, now + YOUNG_NS)


cdef inline io_thread_t *io_help_begin(io_client_t *c) noexcept nogil:
    """The client's lock held. The thread to help after the lock has been released, by io_help(), or NULL."""
    if c.io == NULL or not zc_load_relaxed_u64(&c.io.young_until):
        return NULL
    zc_add_u32(&c.io.helpers, 1)
    return c.io


cdef inline void io_help_served(io_thread_t *io, uint64_t next) noexcept nogil:
    """A helper has served, with io.lock, which is released. What is left is the I/O thread's: at `next`, or at once if a client is gone."""
    if io.gone != NULL:
        next = 0
    zc_lock_release(&io.lock)
    if next != UINT64_MAX:
        io_poke(io, next)


cdef inline void io_help(io_thread_t *io) noexcept nogil:
    """No lock and no GIL held. What has arrived for other sockets is served now, by this thread if the I/O thread has not come to it."""
    cdef pollevent_t events[POLL_BATCH]
    cdef uint64_t now = zc_now_ns()
    cdef uint64_t next = UINT64_MAX
    cdef uint64_t until = zc_load_relaxed_u64(&io.young_until)
    cdef int n
    if until <= now:
        zc_cas_u64(&io.young_until, until, 0)       # what this last look brings may set it anew
    # Whoever has the lock may not have seen what came last: after the wait follows a look of our own.
    zc_lock_acquire(&io.lock)
    n = pollset_wait(&io.set, events, POLL_BATCH, 0)
    io_serve_ready(io, events, n, now, &next)
    io_help_served(io, next)
    zc_sub_u32(&io.helpers, 1)          # pairs with io_stop()


cdef inline void io_serve_left(io_thread_t *io, uint32_t slot) noexcept nogil:
    """No lock held, and counted among the helpers. Writes what the caller has left at the client of this slot, unless the I/O thread is at work."""
    cdef uint64_t next = UINT64_MAX
    cdef io_client_t *c
    if zc_lock_try(&io.lock):
        c = io.slots[slot].client if slot < io.nslots else NULL
        if c != NULL and zc_load_relaxed_u32(&c.flush_pending):
            io_serve(io, c, SERVE_LEFT, zc_now_ns(), &next)
        io_help_served(io, next)
    zc_sub_u32(&io.helpers, 1)          # pairs with io_stop()
