# Waiting for anything to happen to a socket. Lock held, released while asleep; the GIL must not be held.
#
# Rules
# - A wait ends for news, a timer, the caller's deadline, or the turn of signal handlers (-EINTR: the caller runs them and calls again).
# - A signal on the way to sleep does not end it: the first turn comes after SIGNAL_CHECK_NS, asked of the I/O thread, the second one by a timer.
#   Where signals end no sleep at all, every further one comes by a timer, too.
# - While the exported FD is up (`level`), for something that the caller does not wait for, no sleep in the poll set would last. The caller pauses
#   instead, and then looks at the set; each pause of a call is twice as long as the one before, up to PAUSE_MAX_NS. News comes that much later then.
#   It is not `blocked`: no signal has to stay up until it has seen it, which would keep the other threads from their sleep for so long.
# - A sleep with a timer costs the kernel a microsecond more than one without. The first sleep of a call is so short that it has none for what can be
#   late (the look at a socket that may rest): in round trips every sleep is a first one.

from libc.stdint cimport int64_t, uint32_t, uint64_t, UINT64_MAX
from base.atomics cimport zc_add_u32, zc_fence, zc_load_acquire_u32, zc_sub_u32
from base.config cimport POLL_BATCH, SIGNAL_CHECK_LATER_NS, SIGNAL_CHECK_NS
from base.errors cimport EAGAIN, EINTR
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns, zc_poll, zc_signals_interrupt, zc_yield
from reactor.io_thread cimport io_help, io_thread_t
from reactor.pollset cimport pollset_wait
from reactor.pollset_event cimport pollevent_t
from socket.state cimport socket_t, SOCKET_OPEN
from io.end_call cimport wakeup_clear, socket_end_call
from io.flush cimport socket_flush
from io.left_output cimport left_write
from io.ownership cimport socket_help_begin, socket_helps, socket_hold, socket_hold_end, socket_signals_at
from io.rest cimport rest_before_sleep
from io.spin cimport socket_may_spin, socket_spin, socket_waited
from io.timers cimport timers_next, timers_urgent
from io.turn cimport socket_dispatch, socket_timers
from io.wakeup cimport socket_close_set, socket_open_set

cdef enum:
    PAUSE_FIRST_NS = 20000      # some system calls long
    PAUSE_MAX_NS = 2000000      # 500 looks a second take a processor half a per cent of its time

# What a blocking call keeps from one sleep to the next.
cdef struct wait_t:
    uint64_t until              # it ends then at the latest
    uint64_t look               # signal handlers get their turn then; 0 = they have just had it
    uint32_t looks              # how often they have had it
    uint64_t pause              # the last one


cdef inline uint64_t socket_until(int64_t timeout_ms) noexcept nogil:
    return UINT64_MAX if timeout_ms < 0 else zc_now_ns() + <uint64_t> timeout_ms * 1000000


cdef inline void wait_begin(wait_t *w, int64_t timeout_ms) noexcept nogil:
    w.until = socket_until(timeout_ms)
    w.look = 0
    w.looks = 0
    w.pause = 0


cdef inline uint64_t wait_pause(uint64_t *last) noexcept nogil:
    """The next one."""
    last[0] = min(max(last[0] * 2, <uint64_t> PAUSE_FIRST_NS), <uint64_t> PAUSE_MAX_NS)
    return last[0]


cdef inline bint wait_signals_due(wait_t *w, uint64_t now) noexcept nogil:
    """Whether it is time for signal handlers. If not, `look` is filled in."""
    if w.look == 0:
        w.look = now + (SIGNAL_CHECK_LATER_NS if w.looks else SIGNAL_CHECK_NS)
        return False
    if now < w.look:
        return False
    w.look = 0
    w.looks += 1
    return True


cdef inline void socket_unblocked(socket_t *s) noexcept nogil:
    """A sleeper is back."""
    s.blocked -= 1
    if s.rousing:
        s.rousing -= 1
        if s.rousing == 0:
            wakeup_clear(s)


cdef inline int socket_pause(socket_t *s, pollevent_t *events, uint64_t pause) noexcept nogil:
    """As socket_sleep(), where no sleep would last."""
    cdef io_thread_t *io = socket_help_begin(s)
    cdef int n
    zc_lock_release(&s.lock)
    if io != NULL:
        io_help(io)
    n = zc_poll(NULL, 0, <int64_t> pause)
    zc_lock_acquire(&s.lock)
    return n if n < 0 or s.state != SOCKET_OPEN else pollset_wait(&s.set, events, POLL_BATCH, 0)


cdef inline int socket_sleep(socket_t *s, wait_t *w, pollevent_t *events, uint64_t until) noexcept nogil:
    """In the kernel until something happens or that time comes. Lock held, released meanwhile. How many events, up to POLL_BATCH, or a
    negative errno."""
    cdef uint64_t now = zc_now_ns()
    cdef int64_t timeout = -1 if until == UINT64_MAX else (<int64_t> (until - now) if until > now else 0)
    cdef uint32_t epoch = s.epoch
    cdef io_thread_t *io
    cdef int n
    if s.level:
        return socket_pause(s, events, min(wait_pause(&w.pause), <uint64_t> timeout))       # -1 is more than any
    s.blocked += 1
    io = socket_help_begin(s)
    zc_lock_release(&s.lock)
    if io != NULL:
        io_help(io)
    n = pollset_wait(&s.set, events, POLL_BATCH, timeout)
    zc_lock_acquire(&s.lock)
    socket_unblocked(s)
    if epoch != s.epoch and n > 0:
        n = 0       # another thread closed things meanwhile; what is still ready is reported again
    return n


cdef inline int socket_wait(socket_t *s, wait_t *w) noexcept nogil:
    """Waits for anything to happen to the socket, at most until the given time. Lock held, released while asleep. 0, -EAGAIN (time is up),
    -EINTR (run signal handlers and call again).

    The GIL must not be held."""
    cdef pollevent_t events[POLL_BATCH]
    cdef uint64_t began = zc_now_ns()
    cdef uint64_t now
    cdef uint64_t at
    cdef bint timed
    cdef int n
    if w.until <= began:
        return -EAGAIN
    if wait_signals_due(w, began):
        return -EINTR
    if left_write(s):
        return 0                # time has passed: the caller looks again
    n = socket_open_set(s)
    if n < 0:
        return n
    if s.ndoomed or s.host.ending != NULL:
        socket_end_call(s)
        return 0                # an end may be what the caller waits for
    timed = not zc_signals_interrupt() or w.looks == 1 or (w.looks == 0 and not socket_signals_at(s, w.look))
    socket_hold(s)
    if socket_may_spin(s, began) and socket_spin(s, began):
        socket_hold_end(s)
        return 0
    socket_end_call(s)
    rest_before_sleep(s, began)
    at = min(timers_next(s) if timed or w.looks else timers_urgent(s), w.until)
    if timed:
        at = min(at, w.look)
    n = 0
    zc_add_u32(&s.sleepers, 1)
    zc_fence()
    if s.rousing:
        # The last wake-up is not over; sleeping now would only end at once.
        zc_lock_release(&s.lock)
        zc_yield()
        zc_lock_acquire(&s.lock)
    elif not zc_load_acquire_u32(&s.notified) and s.state == SOCKET_OPEN:
        n = socket_sleep(s, w, events, at)
    zc_sub_u32(&s.sleepers, 1)      # before anything is taken in: that would signal this thread as well
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


cdef inline int socket_wait_more(socket_t *s, wait_t *w) noexcept nogil:
    """socket_wait(), but without a sleep if the pattern has stopped in the middle of a flood of what must be skipped (`unfinished`). Other
    threads get the lock in between."""
    cdef uint64_t now
    if not s.pattern.unfinished:
        return socket_wait(s, w)
    now = zc_now_ns()
    if w.until <= now:
        return -EAGAIN
    if wait_signals_due(w, now):
        return -EINTR
    socket_end_call(s)
    zc_lock_release(&s.lock)
    zc_yield()
    zc_lock_acquire(&s.lock)
    return 0
