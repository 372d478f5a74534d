# Which thread reads a socket's connections: the lease of the application, and the help for a late I/O thread. Lock held.
#
# | lease   | event                                        | function               | next    |
# |---------|----------------------------------------------|------------------------|---------|
# | NONE    | a call finds nothing to receive              | socket_drive           | TAKEN   |
# | NONE    | a thread is going to wait                    | socket_hold            | HELD    |
# | NONE    | exported FD, readable                        | socket_serve           | TAKEN   |
# | TAKEN   | a thread is going to wait                    | socket_hold            | HELD    |
# | TAKEN   | no activity for LEASE_NS                     | io_scan, socket_serve  | NONE    |
# | HELD    | the last waiting thread is back              | socket_hold_end        | TAKEN   |
# | any     | the socket is closed                         | socket_close           | NONE    |
#
# The I/O thread reads the descriptors in NONE only: in TAKEN and HELD the socket's poll set is switched off in the thread's own set.
# An event loop that cannot see the connections (exported FD of a poll set that has no descriptor) never has the lease: NONE stands for TAKEN then.

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport (
    zc_load_relaxed_u32, zc_load_relaxed_u64, zc_store_relaxed_u32, zc_store_relaxed_u64, zc_store_release_u32,
)
from base.config cimport LEASE_NS
from base.platform cimport zc_now_ns
from reactor.io_thread cimport io_help_begin, io_poke, io_thread_t, LEASE_BLOCKED, LEASE_NONE, LEASE_TAKEN
from reactor.pollset cimport pollset_child_enable, pollset_fd
from socket.state cimport socket_t, SOCKET_OPEN


cdef inline bint socket_watched(socket_t *s) noexcept nogil:
    """An event loop sees the connections themselves."""
    return s.fd_exported and s.state == SOCKET_OPEN and pollset_fd(&s.set) >= 0


cdef inline void socket_lease(socket_t *s, uint32_t how) noexcept nogil:
    """The application thread drives: the I/O thread shall not be woken for this socket's descriptors."""
    cdef uint32_t was = zc_load_relaxed_u32(&s.client.lease)
    # A closed socket is the I/O thread's; it may be forgetting it just now.
    if s.state != SOCKET_OPEN or s.client.io == NULL:
        return
    zc_store_relaxed_u32(&s.client.activity, s.client.activity + 1)
    if how == LEASE_TAKEN and s.fd_exported and not socket_watched(s):
        how = LEASE_NONE
    if was == how:
        return
    zc_store_release_u32(&s.client.lease, how)
    if (was == LEASE_NONE or how == LEASE_NONE) and not zc_load_relaxed_u32(&s.client.masked):
        pollset_child_enable(&s.client.io.set, &s.set, s.client.tag, how == LEASE_NONE)
    if how == LEASE_TAKEN:
        # It must notice when we stay away.
        io_poke(s.client.io, zc_now_ns() + LEASE_NS)
    elif how == LEASE_NONE:
        io_poke(s.client.io, zc_load_relaxed_u64(&s.client.deadline))       # it has not looked at it


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


cdef inline void socket_hold(socket_t *s) noexcept nogil:
    """A thread is going to wait: the lease does not run out meanwhile."""
    s.waiting_threads += 1
    socket_lease(s, LEASE_BLOCKED)


cdef inline bint socket_signals_at(socket_t *s, uint64_t at) noexcept nogil:
    """A thread is going to wait, and shall be woken at that time, or before, if it still does. False: there is nobody to do it."""
    cdef uint64_t was = zc_load_relaxed_u64(&s.client.signals_at)
    if s.state != SOCKET_OPEN or s.client.io == NULL:
        return False
    if was == 0 or at < was:
        zc_store_relaxed_u64(&s.client.signals_at, at)
        if zc_load_relaxed_u32(&s.client.lease) != LEASE_TAKEN:     # of a lease that can run out the I/O thread keeps track anyway
            io_poke(s.client.io, at)
    return True


cdef inline void socket_hold_end(socket_t *s) noexcept nogil:
    s.waiting_threads -= 1
    if s.waiting_threads == 0:
        zc_store_relaxed_u64(&s.client.signals_at, 0)
        socket_lease(s, LEASE_TAKEN)
