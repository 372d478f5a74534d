# Driving a socket: whoever holds its lock moves its connections on, be it an application thread or the I/O thread.
#
# Rules
# - An application thread drives when it finds nothing to receive, when it waits, and when the I/O thread asked for it. It then holds the lease
#   (reactor/io_thread.pxd), and the I/O thread leaves the descriptors alone.
# - Output is written by the first message of a burst at once, by a full buffer, by everybody who is about to look for input, and by
#   the I/O thread when a burst has ended.
# - Sessions that are over are taken apart by connections_end() (socket/connections.pxd): after the events, timers or reads of one look, so that the
#   caller finds the news in the patterns, and in socket_tidy(). Pipes are removed and sessions freed only in socket_tidy(). Who goes through
#   the table of sessions meanwhile finds them ENDING.
# - Work under the lock is bounded in every turn: so many events, reads, timers, octets. What is left is due at once, and the next turn's.

from libc.stdint cimport int64_t, uint32_t, uint64_t, UINT64_MAX
from base.atomics cimport (
    zc_load_relaxed_u32, zc_load_acquire_u32, zc_load_relaxed_u64, zc_store_relaxed_u32, zc_store_relaxed_u64, zc_swap_u32,
    zc_load_relaxed_ptr, zc_store_release_u32, zc_swap_ptr, zc_add_u32, zc_sub_u32, zc_pause, zc_fence,
)
from base.check cimport zc_check
from base.config cimport (
    TIMERS_PER_TURN, TRIM_NS, POLL_BATCH, DIRECT_READ_MAX, STRAGGLER_FIRST_NS, STRAGGLER_STEPS, STRAGGLER_TRUST_MAX, STRAGGLER_TRUSTED_NS,
    LEASE_NS, SPIN_NS, SPIN_CROWDED_NS, SIGNAL_LOOK_LATER_NS, SIGNAL_LOOK_NS,
)
from base.errors cimport EINTR, ETERM, EAGAIN
from base.platform cimport zc_lock_try, zc_lock_acquire, zc_lock_release, zc_now_ns, zc_wake_drain, zc_wake_signal, zc_cpus_available, zc_yield
from pattern.pattern cimport pattern_events, pattern_in_ready, pattern_out_ready
from pipe.pipe cimport pipe_t, ATTENTION_IN, ATTENTION_OUT, ATTENTION_CLOSED
from reactor.io_thread cimport (
    io_client_t, io_thread_t, io_help, io_help_begin, io_poke, straggler_pace, SERVE_READY, SERVE_TAKE, SERVE_TIMERS, SERVE_FLUSH,
    SERVE_LOOK, SERVE_DONE, SERVE_BUSY, SERVE_GONE, LEASE_NONE, LEASE_TAKEN, LEASE_HELD,
)
from reactor.pollset cimport pollset_wait, pollset_mod, pollset_child_enable, pollevent_t, POLL_IN
from session.lifecycle cimport session_flush, session_input, session_timer, session_ready_event
from session.session cimport (
    session_t, source_t, SESSION_READY, SESSION_CONNECTING, SOURCE_WAKE, SOURCE_LISTENER,
)
from socket.accepting cimport connection_accept
from socket.connecting cimport connection_established
from socket.connections cimport connections_end, connections_plan, graves_clear
from socket.option_table cimport IO_BLOCK, IO_SPIN
from socket.pipes cimport pipe_end, pipes_trim, socket_reap
from socket.state cimport socket_t, endpoint_t, link_t, SOCKET_OPEN
from socket.timers cimport timers_next, timers_publish
from socket.wake cimport socket_open_set, socket_close_set, socket_wake, link_unref, attention_closed

cdef enum:
    CPUS_LOOK_NS = 100000000    # how often to ask on how many processors we may run
    SPIN_PAUSES = 40            # between two looks of a spinning thread; about the price of one recv() that finds nothing
    SPIN_BACKOFF_MAX = 64       # waits without spinning after spinning failed again and again


cdef inline void socket_flush(socket_t *s) noexcept nogil:
    """Writes all coalesced output."""
    cdef session_t *x
    s.host.flush_now = False
    if zc_load_relaxed_u32(&s.client.straggle):
        zc_store_relaxed_u32(&s.client.straggle, 0)
        if s.own_flushes < STRAGGLER_STEPS:
            s.own_flushes += 1
    while s.host.dirty != NULL:
        x = s.host.dirty
        s.host.dirty = x.dirty_next
        x.tx_dirty = False
        session_flush(x)


cdef inline void socket_come_back(socket_t *s) noexcept nogil:
    """The application looks for input: what it has sent before goes first."""
    zc_store_relaxed_u64(&s.client.burst_began, 0)
    if zc_load_relaxed_u32(&s.client.straggle) and s.own_flushes < s.trust_at:
        s.own_flushes += 1
    socket_flush(s)


cdef inline void socket_coalesce(socket_t *s) noexcept nogil:
    """Output waits for more. If nobody writes it in time, the I/O thread does."""
    cdef uint64_t now
    cdef uint64_t began
    cdef uint64_t due
    if not zc_load_relaxed_u32(&s.client.straggle):
        now = zc_now_ns()
        began = zc_load_relaxed_u64(&s.client.burst_began)
        if began == 0 or now > zc_load_relaxed_u64(&s.client.straggle_due) + LEASE_NS:
            began = now         # the last burst is over, though nobody had to write its end
            zc_store_relaxed_u64(&s.client.burst_began, now)
        if s.own_flushes < s.trust_at:
            due = STRAGGLER_FIRST_NS * (1 + (s.own_flushes if s.own_flushes < STRAGGLER_STEPS else STRAGGLER_STEPS))
            due = now + straggler_pace(now - began, due)
        else:
            due = now + STRAGGLER_TRUSTED_NS
        zc_store_relaxed_u64(&s.client.straggle_due, due)
        zc_store_relaxed_u32(&s.client.straggle, 1)
        io_poke(s.client.io, due)


cdef inline void socket_tidy(socket_t *s) noexcept nogil:
    """Removals, and the poll set up to date."""
    while s.ndoomed or s.host.ending != NULL:
        # Each may lead to the other.
        connections_end(s)
        socket_reap(s)
    if s.host.replan and s.set_open:
        connections_plan(s)
    if s.grave != NULL:
        graves_clear(s)


cdef inline void socket_settle(socket_t *s) noexcept nogil:
    """At the end of a call."""
    socket_tidy(s)
    if s.fd_exported:
        socket_level(s)
    zc_check(s.host.ending == NULL and s.ndoomed == 0)


cdef inline void socket_level(socket_t *s) noexcept nogil:
    """The exported FD is level-triggered: readable as long as there is something to receive (or a refused send could now go on)."""
    cdef int events
    cdef bint want
    while True:
        events = pattern_events(&s.pattern) if s.state == SOCKET_OPEN else 3
        if s.ndoomed == 0 and s.host.ending == NULL:
            break
        socket_tidy(s)          # found by looking
    if not s.set_open:
        return
    want = (events & 1) != 0 or (s.expecting_out and (events & 2) != 0)
    if want and not s.level:
        s.level = True
        zc_wake_signal(&s.wake)
    elif not want and not s.blocked and (s.level or zc_load_relaxed_u32(&s.wake_pending)):
        socket_quiet(s)


cdef inline void socket_quiet(socket_t *s) noexcept nogil:
    """Takes the wake-up signal back."""
    if not s.set_open:
        return
    s.level = False
    zc_wake_drain(&s.wake)
    # Who brought news before this exchange may have relied on the signal that is gone now; its alarm is then visible here. (It sets alarm, then
    # exchanges wake_pending; both sides are sequentially consistent.)
    zc_swap_u32(&s.wake_pending, 0)
    if s.fd_exported and zc_load_acquire_u32(&s.alarm) and zc_swap_u32(&s.wake_pending, 1) == 0:
        zc_wake_signal(&s.wake)


cdef inline void socket_attend(socket_t *s) noexcept nogil:
    """News from the other ends of inproc pipes."""
    cdef pipe_t *p
    cdef pipe_t *next
    cdef pipe_t *first = NULL
    cdef uint32_t bits
    p = <pipe_t *> zc_load_relaxed_ptr(<void **> &s.attention)
    if p == NULL or p == attention_closed():
        return
    p = <pipe_t *> zc_swap_ptr(<void **> &s.attention, NULL)
    s.news += 1
    # The stack is newest first; turn it round so that nobody is overtaken.
    while p != NULL:
        next = p.attention_next
        p.attention_next = first
        first = p
        p = next
    while first != NULL:
        p = first
        first = p.attention_next
        bits = zc_swap_u32(&p.attention, 0)
        if not p.detached:
            if bits & ATTENTION_IN:
                pattern_in_ready(&s.pattern, p)
            if bits & ATTENTION_OUT:
                pattern_out_ready(&s.pattern, p)
            if bits & ATTENTION_CLOSED:
                pipe_end(s, p)
        link_unref(<link_t *> p.link)


cdef inline int socket_alarmed(socket_t *s) noexcept nogil:
    """The slow part of entering a call: s.alarm is set. 0 or -ETERM."""
    zc_swap_u32(&s.alarm, 0)
    socket_attend(s)
    if zc_load_acquire_u32(&s.ctx.shutdown):
        zc_swap_u32(&s.alarm, 1)
        return -ETERM
    if zc_load_relaxed_u32(&s.client.flush_please):
        zc_store_relaxed_u32(&s.client.flush_please, 0)
        zc_store_relaxed_u32(&s.client.straggle, 0)
        if s.own_flushes > STRAGGLER_STEPS:
            s.own_flushes = STRAGGLER_STEPS
        socket_flush(s)
    if zc_load_relaxed_u32(&s.client.wants):
        zc_store_relaxed_u32(&s.client.wants, 0)
        socket_poll_set(s, zc_now_ns())
        socket_flush(s)
    return 0


# ---- events

cdef inline void socket_dispatch(socket_t *s, pollevent_t *events, int n, uint64_t now) noexcept nogil:
    cdef int i
    cdef source_t *source
    cdef session_t *x
    cdef bint some = False
    for i in range(n):
        source = <source_t *> events[i].tag
        some = some or source.kind != SOURCE_WAKE
        if source.kind == SOURCE_WAKE:
            # One signal is for everybody who sleeps: it stays up until the last of them has seen it.
            if s.rousing == 0:
                s.rousing = s.blocked
                if s.rousing == 0:
                    socket_quiet(s)
        elif source.kind == SOURCE_LISTENER:
            connection_accept(s, <endpoint_t *> source, now)
        else:
            x = <session_t *> source
            if x.state == SESSION_CONNECTING:
                connection_established(s, x, now)
            else:
                session_ready_event(x, events[i].mask, now)
    connections_end(s)
    if some:
        socket_wake_others(s)


cdef inline void socket_timers(socket_t *s, uint64_t now) noexcept nogil:
    cdef endpoint_t *e
    cdef int left = TIMERS_PER_TURN
    while left and s.heap_size and s.heap[1].deadline <= now:
        session_timer(s.heap[1], now)
        left -= 1
    connections_end(s)
    if s.retry_due and s.retry_due <= now:
        s.retry_due = 0
        s.host.replan = True
        e = s.endpoints
        while e != NULL:
            if e.paused:
                e.paused = False
                pollset_mod(&s.set, e.fd, POLL_IN, e)
            e = e.next
        timers_publish(s)


cdef inline int socket_poll_set(socket_t *s, uint64_t now) noexcept nogil:
    """One look at the poll set without waiting. Number of events."""
    cdef pollevent_t events[64]         # POLL_BATCH
    cdef int n
    if not s.set_open:
        return 0
    if s.host.replan:
        connections_plan(s)
    n = pollset_wait(&s.set, events, POLL_BATCH, 0)
    if n > 0:
        socket_dispatch(s, events, n, now)
    return n


cdef inline bint socket_read_directly(socket_t *s) noexcept nogil:
    """Few connections: ask them at once and spare the poll set. True if one had something."""
    cdef uint32_t i
    cdef bint some = False
    for i in range(s.nsessions):
        if s.sessions[i].state == SESSION_READY and s.sessions[i].want_in:
            some = session_input(s.sessions[i]) != 0 or some
    connections_end(s)
    return some


cdef inline void socket_lease(socket_t *s, uint32_t how) noexcept nogil:
    """The application thread drives: the I/O thread shall not be woken for this socket's descriptors."""
    cdef uint32_t was = zc_load_relaxed_u32(&s.client.lease)
    # A closed socket is the I/O thread's; it may be forgetting it just now.
    if s.state != SOCKET_OPEN or s.client.io == NULL:
        return
    zc_store_relaxed_u32(&s.client.activity, s.client.activity + 1)
    if was == how:
        return
    zc_store_release_u32(&s.client.lease, how)
    if was == LEASE_NONE and not zc_load_relaxed_u32(&s.client.masked):
        pollset_child_enable(&s.client.io.set, &s.set, s.client.tag, 0)
    if how == LEASE_TAKEN:
        # It must notice when we stay away.
        io_poke(s.client.io, zc_now_ns() + LEASE_NS)


cdef inline void socket_helps(socket_t *s) noexcept nogil:
    """Input that this thread takes in must not overtake the handshakes of other sockets (reactor/io_thread.pxd, Help)."""
    if s.state == SOCKET_OPEN and s.client.io != NULL and zc_load_relaxed_u64(&s.client.io.young_until):
        s.helps = True


cdef inline io_thread_t *socket_help_begin(socket_t *s) noexcept nogil:
    """For whoever releases the lock next: the I/O thread to help then, or NULL."""
    if not s.helps:
        return NULL
    s.helps = False
    if s.state != SOCKET_OPEN:
        return NULL             # the I/O thread may be forgetting it just now, and be gone next
    return io_help_begin(&s.client)


cdef inline void socket_drive(socket_t *s) noexcept nogil:
    """An application thread found nothing to do: write what waits, read what is there. Does not wait."""
    cdef uint64_t now
    socket_flush(s)
    s.fresh = True
    if s.client.io == NULL:
        # inproc only: nothing to read, but a wake-up that stays up would end every later wait of zmq_poll at once.
        if zc_load_relaxed_u32(&s.wake_pending):
            socket_poll_set(s, zc_now_ns())
        return
    if zc_load_relaxed_u32(&s.client.lease) != LEASE_HELD:
        socket_lease(s, LEASE_TAKEN)
    socket_helps(s)
    if s.nsessions <= DIRECT_READ_MAX and socket_read_directly(s):
        socket_wake_others(s)
        return
    now = zc_now_ns()
    socket_poll_set(s, now)
    socket_timers(s, now)
    socket_flush(s)


# ---- waiting

# What a blocking call keeps from one sleep to the next.
cdef struct wait_t:
    uint64_t until              # it ends then at the latest
    uint64_t look               # signal handlers get their turn then; 0 = they have just had it
    uint32_t looks              # how often they have had it


cdef inline bint wait_looks(wait_t *w, uint64_t now) noexcept nogil:
    """Whether it is time for signal handlers. If not, `look` is filled in."""
    if w.look == 0:
        w.look = now + (SIGNAL_LOOK_LATER_NS if w.looks else SIGNAL_LOOK_NS)
        return False
    if now < w.look:
        return False
    w.look = 0
    w.looks += 1
    return True


cdef inline void socket_wake_others(socket_t *s) noexcept nogil:
    """What this thread brought in may be what another one waits for."""
    s.news += 1
    if zc_load_relaxed_u32(&s.sleepers) and s.set_open and not s.fd_exported:
        if zc_swap_u32(&s.wake_pending, 1) == 0:
            zc_wake_signal(&s.wake)


cdef inline bint socket_may_spin(socket_t *s, uint64_t now) noexcept nogil:
    if s.opt.io_strategy == IO_BLOCK or s.npipes == 0 or s.nsessions > DIRECT_READ_MAX:
        return False
    if now - s.cpus_checked > CPUS_LOOK_NS:
        s.cpus_checked = now
        s.cpus = zc_cpus_available()
    if s.cpus == 1:
        return False        # whoever we wait for could not run meanwhile
    if s.opt.io_strategy == IO_SPIN:
        return True
    if s.spin_skip:
        s.spin_skip -= 1
        return False
    return True


cdef inline bint socket_glance(socket_t *s, uint32_t news) noexcept nogil:
    """One look of a spinning thread. True if something has come since the news were `news`."""
    # Another thread may have taken in, while the lock was free, what we wait for.
    if s.state != SOCKET_OPEN or zc_load_relaxed_u32(&s.alarm) or s.news != news:
        return True
    if socket_read_directly(s):
        socket_helps(s)
        socket_wake_others(s)
        return True
    return False


cdef inline void socket_spun(socket_t *s, bint won) noexcept nogil:
    """A spin is over. Those that fail make the next ones rarer."""
    if won:
        s.spin_backoff = 0
        return
    s.spin_backoff = s.spin_backoff * 2 if s.spin_backoff else 1
    if s.spin_backoff > SPIN_BACKOFF_MAX:
        s.spin_backoff = SPIN_BACKOFF_MAX
    s.spin_skip = s.spin_backoff


cdef inline void socket_waited(socket_t *s, uint64_t began, uint64_t now) noexcept nogil:
    """A wait that did not spin is over: would spinning have won?"""
    if s.spin_skip and now - began < 2 * SPIN_NS:
        s.spin_skip = s.spin_backoff = 0


cdef inline bint socket_yield() noexcept nogil:
    """Between two looks of a spinning thread. False: there are others who need the processor more."""
    cdef uint64_t before = zc_now_ns()
    # The kernel likes to wake the peer on the waker's own processor: without this it would wait there until we stop.
    zc_yield()
    return zc_now_ns() - before < SPIN_CROWDED_NS


cdef inline bint socket_spin(socket_t *s, uint64_t since) noexcept nogil:
    """Looks at the connections for a short while before the thread goes to sleep. True if something came. Lock held, given up between looks."""
    cdef int _i
    cdef bint alone = True
    cdef bint came
    cdef uint32_t news = s.news
    cdef io_thread_t *io
    while alone and zc_now_ns() - since < SPIN_NS:
        socket_helps(s)
        io = socket_help_begin(s)
        zc_lock_release(&s.lock)
        if io != NULL:
            io_help(io)
        for _i in range(SPIN_PAUSES):
            zc_pause()
            if zc_load_relaxed_u32(&s.alarm):
                break       # what comes by inproc is announced here; connections have to be asked
        alone = socket_yield()
        zc_lock_acquire(&s.lock)
        came = socket_glance(s, news)
        if came:
            socket_spun(s, alone)
            return True
    socket_spun(s, False)
    return False


cdef inline int socket_wait(socket_t *s, wait_t *w) noexcept nogil:
    """Waits for anything to happen to the socket, at most until the given time. Lock held, released while asleep. 0, -EAGAIN (time is up),
    -EINTR (run signal handlers and call again).

    The GIL must not be held."""
    cdef pollevent_t events[64]         # POLL_BATCH
    cdef uint64_t now = zc_now_ns()
    cdef uint64_t began = now
    cdef uint64_t at
    cdef uint32_t epoch
    cdef io_thread_t *io
    cdef bint timed
    cdef int n
    if w.until <= now:
        return -EAGAIN
    if wait_looks(w, now):
        return -EINTR
    n = socket_open_set(s)
    if n < 0:
        return n
    if s.ndoomed or s.host.ending != NULL:
        socket_settle(s)
        return 0                # an end may be what the caller waits for
    timed = w.looks == 1 or (w.looks == 0 and not socket_woken_at(s, w.look))
    socket_hold(s)
    if socket_may_spin(s, now) and socket_spin(s, now):
        socket_hold_end(s)
        return 0
    socket_settle(s)
    at = timers_next(s)
    if w.until < at:
        at = w.until
    if timed and w.look < at:
        at = w.look
    zc_add_u32(&s.sleepers, 1)
    zc_fence()
    n = 0
    if s.rousing:
        # The last wake-up is not over; sleeping now would only end at once.
        zc_lock_release(&s.lock)
        zc_yield()
        zc_lock_acquire(&s.lock)
    elif not zc_load_acquire_u32(&s.alarm) and s.state == SOCKET_OPEN:
        now = zc_now_ns()
        epoch = s.epoch
        s.blocked += 1
        io = socket_help_begin(s)
        zc_lock_release(&s.lock)
        if io != NULL:
            io_help(io)
        n = pollset_wait(&s.set, events, POLL_BATCH, -1 if at == UINT64_MAX else (<int64_t> (at - now) if at > now else 0))
        zc_lock_acquire(&s.lock)
        socket_unblocked(s)
        if epoch != s.epoch and n > 0:
            n = 0       # somebody closed things meanwhile; what is still ready is reported again
    zc_sub_u32(&s.sleepers, 1)
    now = zc_now_ns()
    socket_waited(s, began, now)
    if n > 0:
        socket_helps(s)
        socket_dispatch(s, events, n, now)
    socket_timers(s, now)
    socket_flush(s)
    socket_hold_end(s)
    socket_close_set(s)
    return n if n < 0 else 0


cdef inline void socket_unblocked(socket_t *s) noexcept nogil:
    """A sleeper is back."""
    s.blocked -= 1
    if s.rousing:
        s.rousing -= 1
        if s.rousing == 0:
            socket_quiet(s)


cdef inline void socket_hold(socket_t *s) noexcept nogil:
    """A thread is going to wait: the lease does not run out meanwhile."""
    s.holders += 1
    socket_lease(s, LEASE_HELD)


cdef inline bint socket_woken_at(socket_t *s, uint64_t at) noexcept nogil:
    """A thread is going to wait, and shall be woken at that time, or before, if it still does. False: there is nobody to do it."""
    cdef uint64_t was = zc_load_relaxed_u64(&s.client.look_at)
    if s.state != SOCKET_OPEN or s.client.io == NULL:
        return False
    if was == 0 or at < was:
        zc_store_relaxed_u64(&s.client.look_at, at)
        if zc_load_relaxed_u32(&s.client.lease) != LEASE_TAKEN:     # of a lease that can run out the I/O thread keeps track anyway
            io_poke(s.client.io, at)
    return True


cdef inline void socket_hold_end(socket_t *s) noexcept nogil:
    s.holders -= 1
    if s.holders == 0:
        zc_store_relaxed_u64(&s.client.look_at, 0)
        socket_lease(s, LEASE_TAKEN)


# ---- the I/O thread's side

cdef inline socket_t *socket_of_client(io_client_t *c) noexcept nogil:
    return <socket_t *> (<char *> c - <size_t> &(<socket_t *> NULL).client)


cdef inline int socket_serve(io_client_t *c, int why, uint64_t now) noexcept nogil:
    """io_client_t.serve: one round for a socket whose application is elsewhere."""
    cdef socket_t *s = socket_of_client(c)
    cdef uint32_t lease
    if not zc_lock_try(&s.lock):
        return SERVE_BUSY
    lease = zc_load_relaxed_u32(&c.lease)
    if why == SERVE_FLUSH:
        zc_store_relaxed_u32(&c.straggle, 0)
        zc_store_relaxed_u64(&c.burst_began, 0)
        if s.own_flushes >= s.trust_at and s.trust_at < STRAGGLER_TRUST_MAX:
            s.trust_at *= 2
        s.own_flushes = 0
        socket_flush(s)
        s.fresh = True
    elif why == SERVE_LOOK:
        zc_store_relaxed_u64(&c.look_at, 0)
        socket_wake(s)
    elif lease == LEASE_HELD:
        pass            # a waiting application thread sees it, too
    elif why == SERVE_READY and s.fd_exported and lease == LEASE_NONE and not zc_load_relaxed_u32(&c.masked):
        # An event loop watches the same descriptors. It gets its chance first; if it does not come, the lease runs out.
        zc_store_relaxed_u32(&c.lease, LEASE_TAKEN)
        pollset_child_enable(&c.io.set, &s.set, c.tag, 0)
    else:
        zc_store_relaxed_u32(&c.lease, LEASE_NONE)
        socket_attend(s)
        if why != SERVE_TIMERS:
            socket_poll_set(s, now)
        socket_timers(s, now)
        socket_flush(s)
        if s.host.replan:
            connections_plan(s)
        if why == SERVE_TAKE and now - s.trimmed > TRIM_NS:
            s.trimmed = now
            pipes_trim(s)
        if lease != LEASE_NONE or zc_load_relaxed_u32(&c.masked):
            zc_store_relaxed_u32(&c.masked, 0)
            pollset_child_enable(&c.io.set, &s.set, c.tag, 1)
        zc_store_relaxed_u32(&c.wants, 0)
        socket_wake_others(s)
    socket_settle(s)
    if s.state != SOCKET_OPEN and s.nsessions == 0:
        zc_lock_release(&s.lock)
        return SERVE_GONE
    zc_lock_release(&s.lock)
    return SERVE_DONE
