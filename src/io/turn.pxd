# One turn of a socket: events, reads, timers, and what the I/O thread has asked for. Lock held; nothing here waits.
#
# Rules
# - The thread that holds the lock moves the connections on, be it an application thread or the I/O thread.
# - Work under the lock is bounded in every turn: a number of events, reads, timers and bytes. What is left is due at once, in the next turn.

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_load_acquire_u32, zc_load_relaxed_u32, zc_store_relaxed_u32, zc_swap_u32
from base.config cimport DIRECT_READ_MAX, POLL_BATCH, FLUSH_STEPS, TIMERS_PER_TURN
from base.errors cimport ETERM
from base.platform cimport zc_now_ns, zc_wake_signal
from reactor.io_thread cimport LEASE_BLOCKED, LEASE_TAKEN
from reactor.pollset cimport pollset_add, pollset_wait
from reactor.pollset_event cimport pollevent_t, POLL_IN
from session.events cimport session_ready_event
from session.lifecycle cimport session_input
from session.session cimport session_t, source_t, SESSION_CONNECTING, SESSION_READY, SOURCE_LISTENER, SOURCE_WAKE
from session.timers cimport session_timer
from socket.accepting cimport connection_accept
from socket.connecting cimport connection_established
from socket.connections cimport connections_end, connections_plan
from socket.memory cimport memory_look
from socket.state cimport endpoint_t, socket_t, FRESH_DRIVEN
from io.end_call cimport wakeup_clear
from io.flush cimport socket_flush
from io.mailbox cimport mailbox_drain
from io.ownership cimport socket_helps, socket_lease
from io.rest cimport rest_look
from io.timers cimport timers_publish, timers_retry


cdef inline void socket_wake_others(socket_t *s) noexcept nogil:
    """What this thread brought in may be what another one waits for."""
    s.progress += 1
    if zc_load_relaxed_u32(&s.sleepers) and s.set_open and not s.fd_exported:
        if zc_swap_u32(&s.wake_pending, 1) == 0:
            zc_wake_signal(&s.wake)


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
                    wakeup_clear(s)
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
                e.paused = pollset_add(&s.set, e.fd, POLL_IN, e) < 0
                if e.paused:
                    timers_retry(s, now)
            e = e.next
        timers_publish(s)
    if s.rest_due and s.rest_due <= now:
        rest_look(s, now)


cdef inline int socket_poll_set(socket_t *s, uint64_t now) noexcept nogil:
    """One look at the poll set without waiting. Number of events."""
    cdef pollevent_t events[POLL_BATCH]
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


cdef inline void socket_drive(socket_t *s) noexcept nogil:
    """An application thread found nothing to do: write what waits, read what is there. Does not wait."""
    cdef uint64_t now
    socket_flush(s)
    s.fresh = FRESH_DRIVEN
    s.overlap.left = 0
    if s.client.io == NULL:
        # inproc only: nothing to read, but a wake-up that stays up would end every later wait of zmq_poll at once.
        if zc_load_relaxed_u32(&s.wake_pending):
            socket_poll_set(s, zc_now_ns())
        return
    if zc_load_relaxed_u32(&s.client.lease) != LEASE_BLOCKED:
        socket_lease(s, LEASE_TAKEN)
    socket_helps(s)
    if s.nsessions <= DIRECT_READ_MAX and socket_read_directly(s):
        socket_wake_others(s)
        return
    now = zc_now_ns()
    socket_poll_set(s, now)
    socket_timers(s, now)
    socket_flush(s)


cdef inline int socket_alarmed(socket_t *s) noexcept nogil:
    """The slow part of entering a call: s.notified is set. 0 or -ETERM."""
    zc_swap_u32(&s.notified, 0)
    mailbox_drain(s)
    memory_look(s)
    if zc_load_acquire_u32(&s.ctx.shutdown):
        zc_swap_u32(&s.notified, 1)
        return -ETERM
    if zc_load_relaxed_u32(&s.client.flush_requested):
        zc_store_relaxed_u32(&s.client.flush_requested, 0)
        zc_store_relaxed_u32(&s.client.flush_pending, 0)
        if s.self_flush_streak > FLUSH_STEPS:
            s.self_flush_streak = FLUSH_STEPS
        socket_flush(s)
    if zc_load_relaxed_u32(&s.client.service_requested):
        zc_store_relaxed_u32(&s.client.service_requested, 0)
        socket_poll_set(s, zc_now_ns())
        socket_flush(s)
    return 0
