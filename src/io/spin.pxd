# Spinning: polling the connections for a short while before a thread goes to sleep. Lock held but for the pauses.
#
# Rules
# - A spin that finds nothing makes the next ones rarer; a wait that was over soon makes them frequent again.
# - A thread that yields its processor to a program that computes gets it back milliseconds later. If that costs more
#   than the spins that have won have saved, nobody spins for a while.
# - It does not pay where only one processor may run, nor with more connections than are read directly.

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_load_relaxed_u32, zc_load_relaxed_u64, zc_pause, zc_store_relaxed_u64
from base.config cimport (
    DIRECT_READ_MAX, SPIN_CREDIT_NS, SPIN_CROWDED_NS, SPIN_NS, SPIN_REST_MAX_NS, SPIN_REST_NS, SPIN_STOLEN_NS,
    SPIN_WORTH_NS,
)
from base.platform cimport zc_cpus_available, zc_lock_acquire, zc_lock_release, zc_now_ns, zc_yield
from reactor.io_thread cimport io_help, io_thread_t
from option.table cimport IO_BLOCK, IO_SPIN
from socket.state cimport socket_t, SOCKET_OPEN
from io.ownership cimport socket_help_begin, socket_helps
from io.turn cimport socket_read_directly, socket_wake_others

cdef enum:
    CPUS_CHECK_NS = 100000000    # how often to ask on how many processors we may run
    SPIN_PAUSES = 40            # between two looks of a spinning thread; about the price of one recv() that finds nothing
    SPIN_BACKOFF_MAX = 64       # waits without spinning after spinning failed again and again


cdef inline bint socket_may_spin(socket_t *s, uint64_t now) noexcept nogil:
    if s.opt.io_strategy == IO_BLOCK or s.npipes == 0 or s.nsessions > DIRECT_READ_MAX:
        return False
    if now - s.cpus_checked > CPUS_CHECK_NS:
        s.cpus_checked = now
        s.cpus = zc_cpus_available()
    if s.cpus == 1:
        return False        # whoever we wait for could not run meanwhile
    if s.opt.io_strategy == IO_SPIN:
        return True
    if now < zc_load_relaxed_u64(&s.ctx.spin_again):
        return False
    if s.spin_skip:
        s.spin_skip -= 1
        return False
    return True


cdef inline bint socket_check_once(socket_t *s, uint32_t news) noexcept nogil:
    """One look of a spinning thread. True if something has come since the news were `news`."""
    # Another thread may have taken in, while the lock was free, what we wait for.
    if s.state != SOCKET_OPEN or zc_load_relaxed_u32(&s.notified) or s.progress != news:
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
        s.spin_credit = min(s.spin_credit + SPIN_WORTH_NS, SPIN_CREDIT_NS)
        return
    s.spin_backoff = s.spin_backoff * 2 if s.spin_backoff else 1
    if s.spin_backoff > SPIN_BACKOFF_MAX:
        s.spin_backoff = SPIN_BACKOFF_MAX
    s.spin_skip = s.spin_backoff


cdef inline void socket_waited(socket_t *s, uint64_t began, uint64_t now) noexcept nogil:
    """A wait that did not spin is over: would spinning have won?"""
    if s.spin_skip and now - began < 2 * SPIN_NS:
        s.spin_skip = s.spin_backoff = 0


cdef inline uint64_t socket_yield() noexcept nogil:
    """Between two looks of a spinning thread. How long others had the processor."""
    cdef uint64_t before = zc_now_ns()
    # The kernel likes to wake the peer on the waker's own processor: without this it would wait there until we stop.
    zc_yield()
    return zc_now_ns() - before


cdef inline bint socket_alone(socket_t *s, uint64_t gone) noexcept nogil:
    """After socket_yield(), which returned `gone`. False: there are others who need the processor more. Lock held."""
    cdef uint64_t now
    cdef uint64_t rest
    if gone >= SPIN_STOLEN_NS and s.spin_credit >= gone:
        s.spin_credit -= gone           # spinning has saved more than that since
    elif gone >= SPIN_STOLEN_NS:
        s.spin_credit = 0
        now = zc_now_ns()
        rest = min(zc_load_relaxed_u64(&s.ctx.spin_rest) * 2, SPIN_REST_MAX_NS)
        if now > zc_load_relaxed_u64(&s.ctx.spin_again) + SPIN_REST_MAX_NS:
            rest = SPIN_REST_NS
        zc_store_relaxed_u64(&s.ctx.spin_rest, rest)
        zc_store_relaxed_u64(&s.ctx.spin_again, now + rest)
    return gone < SPIN_CROWDED_NS


cdef inline bint socket_spin(socket_t *s, uint64_t since) noexcept nogil:
    """Looks at the connections for a short while before the thread goes to sleep. True if something came. Lock held, given up between looks."""
    cdef int _i
    cdef bint alone = True
    cdef bint came
    cdef uint64_t gone
    cdef uint32_t news = s.progress
    cdef io_thread_t *io
    while alone and zc_now_ns() - since < SPIN_NS:
        socket_helps(s)
        io = socket_help_begin(s)
        zc_lock_release(&s.lock)
        if io != NULL:
            io_help(io)
        for _i in range(SPIN_PAUSES):
            zc_pause()
            if zc_load_relaxed_u32(&s.notified):
                break       # what comes by inproc is announced here; connections have to be asked
        gone = 0 if zc_load_relaxed_u32(&s.notified) else socket_yield()
        zc_lock_acquire(&s.lock)
        alone = socket_alone(s, gone)
        came = socket_check_once(s, news)
        if came:
            socket_spun(s, alone)
            return True
    socket_spun(s, False)
    return False
