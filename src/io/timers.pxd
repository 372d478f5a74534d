# The timers of a socket: a binary heap of its sessions by deadline, and the one deadline the I/O thread reads. Lock held.

from libc.stdint cimport uint32_t, uint64_t, UINT64_MAX
from base.atomics cimport zc_load_relaxed_u32, zc_load_relaxed_u64, zc_store_relaxed_u64
from base.errors cimport ENOMEM
from base.memory cimport realloc
from reactor.io_thread cimport LEASE_NONE, io_poke
from session.session cimport session_t
from socket.state cimport socket_t
from io.wakeup cimport socket_wake

cdef enum:
    REFUSED_REST_NS = 100000000     # short enough for a waiting peer, long enough not to burn a processor while the table is full


cdef inline void heap_put(socket_t *s, uint32_t i, session_t *x) noexcept nogil:
    s.heap[i] = x
    x.timer_index = i


cdef inline void heap_up(socket_t *s, uint32_t i) noexcept nogil:
    cdef session_t *x = s.heap[i]
    while i > 1 and s.heap[i // 2].deadline > x.deadline:
        heap_put(s, i, s.heap[i // 2])
        i //= 2
    heap_put(s, i, x)


cdef inline void heap_down(socket_t *s, uint32_t i) noexcept nogil:
    cdef session_t *x = s.heap[i]
    cdef uint32_t c
    while 2 * i <= s.heap_size:
        c = 2 * i
        if c < s.heap_size and s.heap[c + 1].deadline < s.heap[c].deadline:
            c += 1
        if s.heap[c].deadline >= x.deadline:
            break
        heap_put(s, i, s.heap[c])
        i = c
    heap_put(s, i, x)


cdef inline uint64_t timers_urgent(socket_t *s) noexcept nogil:
    """When the next one is due, but for the look at a socket that may rest, which nobody waits for."""
    cdef uint64_t at = s.heap[1].deadline if s.heap_size else UINT64_MAX
    if s.retry_due and s.retry_due < at:
        at = s.retry_due
    return at


cdef inline uint64_t timers_next(socket_t *s) noexcept nogil:
    cdef uint64_t at = timers_urgent(s)
    if s.rest_due and s.rest_due < at:
        at = s.rest_due
    return at


cdef inline void timers_publish(socket_t *s) noexcept nogil:
    """Tells the I/O thread when this socket's next timer is due; wakes it only if it would sleep too long. While the application has the lease
    its threads serve the timers, and the I/O thread looks at them when it takes the socket back."""
    cdef uint64_t at = timers_next(s)
    cdef uint64_t was = zc_load_relaxed_u64(&s.client.deadline)
    if at != was:
        zc_store_relaxed_u64(&s.client.deadline, at)
        if at < was and s.blocked:
            socket_wake(s)      # another thread sleeps in it until the timer it knew of, and the I/O thread leaves the socket to that one
        if s.client.io != NULL and at != UINT64_MAX and zc_load_relaxed_u32(&s.client.lease) == LEASE_NONE:
            io_poke(s.client.io, at)


cdef inline void timers_retry(socket_t *s, uint64_t now) noexcept nogil:
    """The system has refused something: it is asked again after a rest, by the I/O thread if the application is elsewhere."""
    if s.retry_due == 0:
        s.retry_due = now + REFUSED_REST_NS
        timers_publish(s)


cdef inline int timers_reserve(socket_t *s, uint32_t sessions) noexcept nogil:
    """Room for that many timers, so that host.retime cannot fail. 0 or -ENOMEM."""
    cdef session_t **heap
    if sessions + 1 > s.heap_room:
        heap = <session_t **> realloc(s.heap, (sessions * 2 + 8) * sizeof(session_t *))
        if heap == NULL:
            return -ENOMEM
        s.heap = heap
        s.heap_room = sessions * 2 + 8
    return 0


cdef inline socket_t *socket_of(session_t *x) noexcept nogil:
    """The socket a session belongs to: its host is embedded there."""
    return <socket_t *> (<char *> x.host - <size_t> &(<socket_t *> NULL).host)


cdef inline void socket_retime(session_t *x) noexcept nogil:
    """host.retime: x.deadline has changed."""
    cdef socket_t *s = socket_of(x)
    cdef uint32_t i = x.timer_index
    cdef session_t *last
    if x.deadline == UINT64_MAX:
        if i:
            x.timer_index = 0
            last = s.heap[s.heap_size]
            s.heap_size -= 1
            if last != x:
                heap_put(s, i, last)
                heap_up(s, i)
                heap_down(s, last.timer_index)
    elif i:
        heap_up(s, i)
        heap_down(s, x.timer_index)
    else:
        s.heap_size += 1
        heap_put(s, s.heap_size, x)
        heap_up(s, s.heap_size)
    timers_publish(s)
