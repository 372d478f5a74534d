# The I/O thread's own loop: serves the clients that are due, sleeps, and is started and stopped.
#
# Rules: see reactor/io_thread.pxd. A function that serves a client may find it gone afterwards (its slot is empty or another one's).

from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t, UINT64_MAX
from base.memory cimport free
from base.atomics cimport (
    zc_load_relaxed_u32, zc_store_relaxed_u32, zc_load_relaxed_u64, zc_store_release_u32, zc_load_acquire_u32,
    zc_load_relaxed_ptr, zc_swap_ptr, zc_swap_u32, zc_swap_u64, zc_pause,
)
from base.config cimport (
    LEASE_NS, SCANS_PER_TURN, POLL_BATCH, RETRY_NS, FLUSH_CHECKS, FLUSH_CHECK_NS, FLUSH_WATCH_NS, TEMPO_RESTS,
)
from base.errors cimport EINTR
from base.platform cimport (
    zc_lock_init, zc_lock_destroy, zc_lock_acquire, zc_lock_release, zc_lock_wanted, zc_thread_start, zc_thread_join,
    zc_thread_tight_timers, zc_wake_open, zc_wake_close, zc_wake_signal, zc_wake_drain, zc_timer_open, zc_timer_arm,
    zc_now_ns, zc_close, zc_yield, zc_poll, zc_pollfd_set, zc_pollfd_t, ZC_POLLIN,
)
from reactor.pollset cimport pollset_init, pollset_close, pollset_add, pollset_wait
from reactor.pollset_event cimport pollevent_t, POLL_IN
from reactor.io_thread cimport (
    flush_pace, io_serve, io_serve_ready, io_client_t, io_thread_t, SERVE_READY, SERVE_TAKE, SERVE_TIMERS,
    SERVE_FLUSH, SERVE_REST, SERVE_SIGNALS, LEASE_NONE, LEASE_TAKEN, LEASE_BLOCKED, TAG_WAKE, TAG_TIMER,
)


cdef inline bint io_goes_on(io_client_t *c) noexcept nogil:
    """Whether the sender of a burst is at it this very moment."""
    cdef uint32_t adds = zc_load_relaxed_u32(c.adds)
    cdef uint64_t until = zc_now_ns() + FLUSH_WATCH_NS
    while zc_load_relaxed_u32(c.adds) == adds and zc_load_relaxed_u32(&c.flush_pending):
        zc_pause()
        if zc_now_ns() >= until:
            return False
    return True


cdef inline bint io_scan_tempo(io_thread_t *io, io_client_t *c, uint64_t now, uint64_t *next) noexcept nogil:
    """Output of a program that sends regularly. False: there is none. The client may be gone afterwards."""
    cdef uint32_t slot = c.slot
    cdef uint64_t tempo = zc_load_relaxed_u64(&c.tempo)
    if tempo == 0:
        c.tempo_at = 0
        return False
    if c.tempo_at == 0:
        c.tempo_at = now + tempo
        c.rests = 0
    elif c.tempo_at <= now:
        c.tempo_at = now + tempo
        if zc_load_relaxed_u32(&c.flush_pending):
            c.rests = 0
            io_serve(io, c, SERVE_FLUSH, now, next)
        else:
            c.rests += 1
            if c.rests >= TEMPO_RESTS:
                io_serve(io, c, SERVE_REST, now, next)
        if io.slots[slot].client != c:
            return True
    if c.tempo_at < next[0]:
        next[0] = c.tempo_at
    return True


cdef inline void io_scan_flush(io_thread_t *io, io_client_t *c, uint64_t now, uint64_t *next) noexcept nogil:
    """Output that waits to be written. The client may be gone afterwards."""
    cdef uint32_t slot = c.slot
    cdef uint64_t at
    cdef uint64_t least
    if io_scan_tempo(io, c, now, next):
        return
    if not zc_load_relaxed_u32(&c.flush_pending):
        c.ticks = 0
        return
    at = zc_load_relaxed_u64(&c.flush_at)
    if at > now:
        c.ticks = 0
    else:
        if not io_goes_on(c):
            io_serve(io, c, SERVE_FLUSH, now, next)
            if io.slots[slot].client != c:
                return
        elif c.ticks >= FLUSH_CHECKS:
            zc_store_relaxed_u32(&c.flush_requested, 1)
            zc_store_release_u32(c.notified, 1)
        c.ticks += 1
        least = FLUSH_CHECK_NS + zc_load_relaxed_u64(&c.flush_takes)
        at = now + flush_pace(now - zc_load_relaxed_u64(&c.burst_began), least)
    if at < next[0] and zc_load_relaxed_u32(&c.flush_pending):
        next[0] = at


cdef inline void io_scan_held(io_thread_t *io, io_client_t *c, uint64_t now, uint64_t *next) noexcept nogil:
    """A thread waits in the socket and reads its connections. The client may be gone afterwards."""
    cdef uint64_t at = zc_load_relaxed_u64(&c.signals_at)
    if at and at <= now:
        io_serve(io, c, SERVE_SIGNALS, now, next)
    elif at and at < next[0]:
        next[0] = at


cdef inline void io_scan_taken(io_thread_t *io, io_client_t *c, uint64_t now, uint64_t *next) noexcept nogil:
    """The application reads its connections as long as it keeps coming back. The client may be gone afterwards."""
    cdef uint32_t slot = c.slot
    cdef uint32_t activity = zc_load_relaxed_u32(&c.activity)
    if not c.watching or (c.check_at <= now and activity != c.seen_activity):
        c.watching = True
        c.fruitless = 0
        c.seen_activity = activity
        c.check_at = now + LEASE_NS
    elif c.check_at <= now:
        c.check_at = now + LEASE_NS
        io_serve(io, c, SERVE_TAKE, now, next)
        if io.slots[slot].client != c:
            return
    if zc_load_relaxed_u32(&c.lease) == LEASE_TAKEN and c.check_at < next[0]:
        next[0] = c.check_at


cdef inline void io_scan_own(io_thread_t *io, io_client_t *c, uint64_t now, uint64_t *next) noexcept nogil:
    """This thread reads the connections. The client may be gone afterwards."""
    cdef uint32_t slot = c.slot
    cdef uint64_t at
    c.watching = False
    if zc_load_relaxed_u32(&c.masked):
        io_serve(io, c, SERVE_READY, now, next)
        if io.slots[slot].client != c:
            return
    at = zc_load_relaxed_u64(&c.deadline)
    if at <= now:
        io_serve(io, c, SERVE_TIMERS, now, next)
        if io.slots[slot].client != c:
            return
        at = zc_load_relaxed_u64(&c.deadline)
        if at <= now:
            at = now + RETRY_NS     # the socket was busy
    if at < next[0]:
        next[0] = at


cdef inline uint64_t io_scan(io_thread_t *io, uint64_t now) noexcept nogil:
    """Serves every client that is due; returns when the next one will be."""
    cdef uint64_t next = UINT64_MAX
    cdef uint32_t i
    cdef uint32_t lease
    cdef io_client_t *c
    for i in range(io.nslots):
        c = io.slots[i].client
        if c == NULL:
            continue
        io_scan_flush(io, c, now, &next)
        if io.slots[i].client != c:
            continue
        lease = zc_load_acquire_u32(&c.lease)
        if lease == LEASE_BLOCKED:
            io_scan_held(io, c, now, &next)
        elif lease == LEASE_TAKEN:
            io_scan_taken(io, c, now, &next)
            if io.slots[i].client != c:
                continue
            lease = zc_load_relaxed_u32(&c.lease)
        if lease == LEASE_NONE:
            io_scan_own(io, c, now, &next)
    return next


cdef inline void io_rest(io_thread_t *io) noexcept nogil:
    """A wait that needs nothing: for a moment, or until somebody pokes."""
    cdef zc_pollfd_t wake
    zc_pollfd_set(&wake, io.wake.rfd, ZC_POLLIN)
    if zc_poll(&wake, 1, RETRY_NS) > 0:
        zc_wake_drain(&io.wake)


cdef inline bint io_next_turn(io_thread_t *io) noexcept nogil:
    """Whether there is another turn. It lets those in who wait for the thread's lock: turns may follow each other at once, and would come before a thread
    that must wake up first."""
    if zc_lock_wanted(&io.lock):
        io_rest(io)
    return not zc_load_acquire_u32(&io.stop)        # last: the rest may have taken the signal that says so


cdef inline void io_run_apart(io_thread_t *io) noexcept nogil:
    """No lock is held."""
    cdef io_client_t *c
    cdef io_client_t *next
    if zc_load_relaxed_ptr(<void **> &io.apart) == NULL:
        return
    c = <io_client_t *> zc_swap_ptr(<void **> &io.apart, NULL)
    while c != NULL:
        next = c.apart_next         # read first: it may stand on the list again soon, or be no more
        c.apart(c)
        c = next


cdef inline void io_between(io_thread_t *io, io_client_t *gone) noexcept nogil:
    """What may wait for locks: no lock is held between two turns."""
    cdef io_client_t *c
    io_run_apart(io)
    while gone != NULL:
        c = gone
        gone = c.gone_next
        c.gone(c)
    if zc_load_relaxed_u32(&io.errand_due):
        zc_swap_u32(&io.errand_due, 0)      # before the errand looks: who asks from now on is not overlooked
        io.errand(io.errand_of)


cdef inline void io_main(void *arg) noexcept nogil:
    cdef io_thread_t *io = <io_thread_t *> arg
    cdef pollevent_t events[POLL_BATCH]
    cdef uint64_t now
    cdef uint64_t next
    cdef uint64_t soonest
    cdef uint32_t pokes
    cdef int64_t timeout
    cdef int n = 0
    cdef int i
    cdef int looks
    cdef io_client_t *gone
    zc_thread_tight_timers()
    while io_next_turn(io):
        now = zc_now_ns()
        soonest = UINT64_MAX
        zc_lock_acquire(&io.lock)
        io_serve_ready(io, events, n, now, &soonest)
        looks = SCANS_PER_TURN
        while True:
            pokes = zc_load_acquire_u32(&io.pokes)
            next = io_scan(io, now)
            looks -= 1
            if soonest < next:
                next = soonest
            if io.timer >= 0 and (next != io.timer_at or zc_load_relaxed_u32(&io.timer_poked)):
                zc_store_relaxed_u32(&io.timer_poked, 0)        # first: what is set from now on is seen with its poke
                zc_timer_arm(io.timer, 0 if next == UINT64_MAX else next)
                io.timer_at = next
            zc_swap_u64(&io.armed, next)
            if zc_load_acquire_u32(&io.pokes) == pokes:
                break
            zc_swap_u64(&io.armed, 0)
            now = zc_now_ns()
            if looks == 0:
                break           # the next turn is at once, but others may have the lock first
        gone = io.gone
        io.gone = NULL
        zc_lock_release(&io.lock)
        io_between(io, gone)
        timeout = -1
        if looks == 0:
            timeout = 0
        elif io.timer < 0 and next != UINT64_MAX:
            now = zc_now_ns()
            timeout = <int64_t> (next - now) if next > now else 0
        n = pollset_wait(&io.set, events, POLL_BATCH, timeout)
        if n < 0:
            if n != -EINTR:
                io_rest(io)             # no memory for it: the next turn is not at once, or the thread would do nothing but fail
            n = 0
        zc_swap_u64(&io.armed, 0)       # awake: nobody needs to poke
        for i in range(n):
            if <uintptr_t> events[i].tag == TAG_WAKE:
                zc_wake_drain(&io.wake)
            elif <uintptr_t> events[i].tag == TAG_TIMER:
                io.timer_at = 0         # setting it makes it quiet again
    io_run_apart(io)                    # the list has references of sockets that are gone


cdef inline int io_start(io_thread_t *io, int kind, int policy, int priority, const int *cpus, int ncpus) noexcept nogil:
    """`name`, `errand` and `errand_of` are filled in. 0 or negative errno."""
    cdef int rc
    zc_lock_init(&io.lock)
    io.slots = NULL
    io.gone = NULL
    io.apart = NULL
    io.nslots = io.count = 0
    io.stop = io.pokes = io.timer_poked = io.firsts = 0
    io.first_by = NULL
    io.first_at = 0
    io.armed = io.young_until = 0
    io.helpers = io.errand_due = 0
    io.timer_at = UINT64_MAX
    rc = pollset_init(&io.set, kind)
    if rc < 0:
        return rc
    rc = zc_wake_open(&io.wake)
    if rc < 0:
        pollset_close(&io.set)
        return rc
    io.timer = zc_timer_open()
    rc = pollset_add(&io.set, io.wake.rfd, POLL_IN, <void *> TAG_WAKE)
    if rc == 0 and io.timer >= 0:
        rc = pollset_add(&io.set, io.timer, POLL_IN, <void *> TAG_TIMER)
    if rc == 0:
        rc = zc_thread_start(&io.thread, io_main, io, io.name, policy, priority, cpus, ncpus)
    if rc < 0:
        io_close(io)
    return rc


cdef inline void io_close(io_thread_t *io) noexcept nogil:
    """Descriptors and memory; the thread is not running (or belongs to the parent of a fork)."""
    if io.timer >= 0:
        zc_close(io.timer)
    zc_wake_close(&io.wake)
    pollset_close(&io.set)
    free(io.slots)
    io.slots = NULL
    io.nslots = 0


cdef inline void io_stop(io_thread_t *io) noexcept nogil:
    """Blocks until the thread has ended. No client may be left."""
    zc_store_release_u32(&io.stop, 1)
    zc_wake_signal(&io.wake)
    zc_thread_join(&io.thread)
    while zc_load_acquire_u32(&io.helpers):
        zc_yield()          # on its way out of a socket that is closed by now
    io_close(io)
    zc_lock_destroy(&io.lock)
