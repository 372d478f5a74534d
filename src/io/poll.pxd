# Waiting for several sockets at once (zmq_poll): each counts the caller among its sleepers. No lock held on entry.
#
# Rules
# - A wake-up that other threads have not all seen yet is still up, so no sleep would last. Without news of its own the caller yields then: on one
#   processor it would look again and again, and keep it from those it waits for.

from libc.stdint cimport int64_t, uint64_t, UINT64_MAX
from base.atomics cimport zc_add_u32, zc_fence, zc_load_acquire_u32, zc_load_relaxed_u64, zc_sub_u32
from base.errors cimport ENOTSOCK
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns, zc_pollfd_t, zc_yield
from pattern.pattern cimport pattern_events
from reactor.pollset cimport pollset_t, pollset_wait_many
from socket.references cimport socket_unref
from socket.send_recv cimport EVENT_IN
from socket.state cimport socket_t, SOCKET_OPEN
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush_before_input
from io.left_output cimport left_write
from io.ownership cimport socket_hold, socket_hold_end
from io.turn cimport socket_drive
from io.wait cimport socket_unblocked, wait_pause
from io.wakeup cimport socket_close_set, socket_open_set

cdef enum:
    POLL_NEWS = 1
    POLL_PAUSE = 2
    POLL_YIELD = 3


# What a call keeps for each socket.
cdef struct poll_item_t:
    socket_t *s
    int wanted          # events
    int begun           # what socket_poll_begin() has returned


cdef inline int socket_poll_begin(socket_t *s, int wanted) noexcept nogil:
    """No lock held. Counts the caller among the socket's sleepers; socket_poll_end() must follow. 0: sleep. POLL_NEWS: do not sleep (one of the
    wanted events is among it: others may have taken it in since the caller looked). POLL_PAUSE: its set is no place to sleep in, look again after
    a pause (wait_pause). POLL_YIELD: others have to see the last wake-up first, let them run. Negative errno: not begun."""
    cdef int rc
    zc_lock_acquire(&s.lock)
    left_write(s)
    # `notified` is left set: handling it here would be news that the caller, who has looked at the events already, never hears of.
    rc = 0 if s.state == SOCKET_OPEN else -ENOTSOCK
    if rc == 0:
        rc = socket_open_set(s)
    if rc == 0:
        zc_add_u32(&s.refs, 1)
        zc_add_u32(&s.sleepers, 1)
        zc_fence()
        socket_hold(s)
        socket_flush_before_input(s)
        socket_end_call(s)
        rc = pattern_events(&s.pattern)
        if rc & EVENT_IN and not rc & wanted:
            # More of what the caller does not ask for would end the wait at once, time after time: it is taken in, up to the mark.
            socket_drive(s)
            socket_end_call(s)
            rc = pattern_events(&s.pattern)
        rc &= wanted
        if rc or zc_load_acquire_u32(&s.notified) or s.pattern.unfinished:
            rc = POLL_NEWS
        elif s.rousing:
            rc = POLL_YIELD
        elif s.level:
            rc = POLL_PAUSE
        if rc != POLL_PAUSE and rc != POLL_YIELD:
            s.blocked += 1
            if s.rousing:
                s.rousing += 1      # socket_poll_end() takes off what it finds
    zc_lock_release(&s.lock)
    return rc


cdef inline uint64_t socket_poll_deadline(socket_t *s) noexcept nogil:
    """The socket's next timer. No lock: read again in every round."""
    return zc_load_relaxed_u64(&s.client.deadline)


cdef inline void socket_poll_end(socket_t *s, int begun) noexcept nogil:
    """`begun`: what socket_poll_begin() has returned."""
    zc_lock_acquire(&s.lock)
    zc_sub_u32(&s.sleepers, 1)
    if begun != POLL_PAUSE and begun != POLL_YIELD:
        socket_unblocked(s)
    socket_hold_end(s)
    socket_close_set(s)
    zc_lock_release(&s.lock)
    socket_unref(s)


cdef inline int sockets_poll(poll_item_t *items, int n, pollset_t **sets, int *ready, zc_pollfd_t *fds, int nfds, uint64_t until,
                             uint64_t *pause) noexcept nogil:
    """Sleeps until one of them may have something, or that time comes; returns at once if one has news already. `sets` and `ready`: room for n.
    `pause`: the last one of this call. How many are ready, of the descriptors too, or a negative errno."""
    cdef int begun = 0
    cdef int nsets = 0
    cdef int rc = 0
    cdef int i
    cdef bint news = False
    cdef bint rousing = False
    cdef uint64_t at = until
    cdef uint64_t now
    while begun < n:
        rc = socket_poll_begin(items[begun].s, items[begun].wanted)
        if rc < 0:
            break
        items[begun].begun = rc
        news = news or rc == POLL_NEWS
        rousing = rousing or rc == POLL_YIELD
        if rc != POLL_PAUSE and rc != POLL_YIELD:
            sets[nsets] = &items[begun].s.set
            nsets += 1
        begun += 1
    if rc >= 0:
        for i in range(n):
            at = min(at, socket_poll_deadline(items[i].s))
        now = zc_now_ns()
        if news or rousing:
            at = now
        elif nsets < n:
            at = min(at, now + wait_pause(pause))
        rc = pollset_wait_many(sets, ready, nsets, fds, nfds, -1 if at == UINT64_MAX else <int64_t> (at - now) if at > now else 0)
    for i in range(begun):
        socket_poll_end(items[i].s, items[i].begun)
    if rousing and not news:
        zc_yield()
    return rc
