# The short spin of an event loop: what zmqcore/_awaiting.py, zmqcore/green and ZMQStream do before they sleep until a descriptor is readable.
#
# Rules
# - An event loop spins by looking again in each of its turns, so its other tasks go on. Only one socket of the process does so at a time: each
#   look of another one would make this one's later.
# - A look leaves the descriptor as it is: whoever is told that something came makes a call, or asks for the socket's events.

from base.atomics cimport zc_load_relaxed_u64, zc_store_relaxed_u64
from base.config cimport SPIN_CROWDED_NS, SPIN_NS
from base.platform cimport zc_now_ns
from io.end_call cimport socket_apply_removals
from io.spin cimport socket_alone, socket_check_once, socket_may_spin, socket_spun, socket_waited, socket_yield

cdef uint64_t spinner_until = 0     # atomic: some socket spins until then


@cython.auto_pickle(False)
cdef class Spinner:
    """Waits for one socket on one event loop. Used by the loop's thread only."""
    cdef uint64_t waiting           # since when
    cdef uint64_t spinning          # since when, 0 = not
    cdef uint64_t gone              # how long others had the processor, the last time it was yielded

    def begin_spin(self, Socket socket):
        """A receive begins to wait. True if the loop should look again in its next turn, by spin_on()."""
        cdef socket_t *s = socket.s
        cdef uint64_t now = zc_now_ns()
        cdef bint may
        self.waiting = now
        if self.spinning or zc_load_relaxed_u64(&spinner_until) > now:
            return False
        if not zc_lock_try(&s.lock):
            return False            # another thread is inside
        may = s.state == SOCKET_OPEN and socket_may_spin(s, now)
        zc_lock_release(&s.lock)
        if may:
            self.spinning = now
            self.gone = 0
            zc_store_relaxed_u64(&spinner_until, now + SPIN_NS)
        return may

    def spin_on(self, Socket socket):
        """1: something came. 0: look again in the loop's next turn. -1: no more."""
        cdef socket_t *s = socket.s
        cdef bint came = False
        cdef bint alone
        cdef bint over = zc_now_ns() - self.spinning > SPIN_NS
        if zc_lock_try(&s.lock):
            came = socket_check_once(s, s.progress)
            if came or over:
                alone = socket_alone(s, self.gone)
                socket_spun(s, came and alone)
            socket_apply_removals(s)      # not socket_end_call(): the call that takes what came would have to take the signal back
            zc_lock_release(&s.lock)
        if came or over:
            self.end_spin()
            return 1 if came else -1
        with nogil:
            self.gone = socket_yield()
        if self.gone >= SPIN_CROWDED_NS:
            self.spinning = 1       # the next look is the last one
        return 0

    def end_spin(self):
        """Lets other sockets spin."""
        if self.spinning:
            self.spinning = 0
            zc_store_relaxed_u64(&spinner_until, 0)

    def waited(self, Socket socket):
        """The descriptor has ended a wait."""
        cdef socket_t *s = socket.s
        if self.waiting:
            if zc_lock_try(&s.lock):
                socket_waited(s, self.waiting, zc_now_ns())
                zc_lock_release(&s.lock)
            self.waiting = 0
