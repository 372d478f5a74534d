# Pipes of a socket: making network pipes, the list of all, and their removal.
#
# A pipe is never removed inside a pattern call, nor while its session is at work: who wants it gone puts it on the doomed list, and socket_reap()
# does it after the call. The session under a pipe is told to end and ends after that (session/session.pxd). Lock held.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memmove
from base.atomics cimport zc_store_relaxed_u32
from base.memory cimport calloc, realloc, free
from base.check cimport zc_check
from base.errors cimport ENOMEM
from base.monitor_events cimport EVENT_DISCONNECTED
from base.platform cimport zc_now_ns
from pattern.ops cimport CONFLATES_IN, CONFLATES_OUT
from pattern.pattern cimport pattern_detach, pattern_ended, pattern_is, pattern_released
from pipe.pipe cimport pipe_t, MAIL_CLOSED
from pipe.charging cimport ring_charge, ring_leave_nothing
from pipe.ring cimport ring_empty, ring_free, ring_init, ring_rollback, ring_set_hwm
from pipe.ring_conflate cimport ring_conflate
from pipe.ring_counters cimport ring_queued
from session.lifecycle cimport session_close, session_finish
from session.session cimport session_t, SESSION_READY
from socket.state cimport socket_t, endpoint_t, netpipe_t, inproc_pair_t, SOCKET_OPEN
from socket.counters cimport counts_link_end, counts_parted, counts_pipe_end
from socket.references cimport inproc_pair_unref
from zmtp.metadata cimport metadata_unref


cdef inline int pipes_add(socket_t *s, pipe_t *p) noexcept nogil:
    cdef pipe_t **list
    if s.npipes == s.pipes_room:
        list = <pipe_t **> realloc(s.pipes, (s.npipes * 2 + 4) * sizeof(pipe_t *))
        if list == NULL:
            return -ENOMEM
        s.pipes = list
        s.pipes_room = s.npipes * 2 + 4
    if s.npipes == s.doomed_room:
        list = <pipe_t **> realloc(s.doomed, (s.npipes * 2 + 4) * sizeof(pipe_t *))
        if list == NULL:
            return -ENOMEM
        s.doomed = list
        s.doomed_room = s.npipes * 2 + 4
    s.pipes[s.npipes] = p
    s.npipes += 1
    s.next_pipe_id += 1
    p.id = s.next_pipe_id
    p.socket = s
    p.drained = socket_doom
    return 0


cdef inline pipe_t *pipes_find(socket_t *s, uint32_t id) noexcept nogil:
    """The pipe of that number, or NULL. The list is in order; only after 2^32 pipes may one not be found."""
    cdef uint32_t low = 0
    cdef uint32_t high = s.npipes
    cdef uint32_t middle
    while low < high:
        middle = low + (high - low) // 2
        if s.pipes[middle].id < id:
            low = middle + 1
        else:
            high = middle
    return s.pipes[low] if low < s.npipes and s.pipes[low].id == id else NULL


cdef inline void pipes_forget(socket_t *s, pipe_t *p) noexcept nogil:
    cdef uint32_t i
    for i in range(s.npipes, 0, -1):
        if s.pipes[i - 1] == p:
            s.npipes -= 1
            memmove(&s.pipes[i - 1], &s.pipes[i], (s.npipes - (i - 1)) * sizeof(pipe_t *))
            break
    # It may wait for socket_reap() already; what becomes of it is decided now.
    for i in range(s.ndoomed):
        if s.doomed[i] == p:
            s.ndoomed -= 1
            s.doomed[i] = s.doomed[s.ndoomed]
            return


cdef inline void socket_doom(pipe_t *p) noexcept nogil:
    """pipe_drained_t and pattern's close_pipe: remove `p` after the current call. Asking twice is fine. There is room for every pipe of the list."""
    cdef socket_t *s = <socket_t *> p.socket
    cdef uint32_t i
    for i in range(s.ndoomed):
        if s.doomed[i] == p:
            return
    s.doomed[s.ndoomed] = p
    s.ndoomed += 1


cdef inline netpipe_t *netpipe_new(socket_t *s, session_t *x) noexcept nogil:
    cdef netpipe_t *n = <netpipe_t *> calloc(1, sizeof(netpipe_t))
    cdef int rc = 0
    if n == NULL:
        return NULL
    ring_init(&n.in_ring, 0)
    ring_init(&n.out_ring, 0)
    n.in_ring.one_lock = n.out_ring.one_lock = True
    ring_set_hwm(&n.in_ring, <uint32_t> s.opt.rcvhwm, <uint64_t> s.opt.rcvhwm_bytes)
    ring_set_hwm(&n.out_ring, <uint32_t> s.opt.sndhwm, <uint64_t> s.opt.sndhwm_bytes)
    if (<endpoint_t *> x.endpoint).terms.opt.conflate:
        if pattern_is(&s.pattern, CONFLATES_OUT):
            rc = ring_conflate(&n.out_ring)
        if rc == 0 and pattern_is(&s.pattern, CONFLATES_IN):
            rc = ring_conflate(&n.in_ring)
    if rc == 0:
        rc = ring_charge(&n.in_ring, &s.account)
    if rc == 0:
        rc = ring_charge(&n.out_ring, &s.account)
    n.pipe.inr = &n.in_ring
    n.pipe.outr = &n.out_ring
    n.pipe.session = x
    if rc < 0 or pipes_add(s, &n.pipe) < 0:
        ring_free(&n.in_ring)
        ring_free(&n.out_ring)
        free(n)
        return NULL
    return n


cdef inline void netpipe_free(pipe_t *p) noexcept nogil:
    ring_free(p.inr)
    ring_free(p.outr)
    metadata_unref((<netpipe_t *> p).props)
    free(p.peer_id)
    free(p.routing_id)
    free(p)


cdef inline void pipe_end(socket_t *s, pipe_t *p) noexcept nogil:
    """Nothing new will come or can go; what was received stays readable, then the pipe is removed."""
    if p.ended:
        return
    p.ended = True
    p.closed_out = True
    p.sink = NULL
    p.stalled = False
    if p.link != NULL:
        counts_parted(p)
    if s.state == SOCKET_OPEN:
        pattern_ended(&s.pattern, p)
    if ring_empty(p.inr):
        socket_doom(p)


cdef inline void pipe_release(socket_t *s, pipe_t *p) noexcept nogil:
    """The application has let go of the peer (unbind, disconnect). What was received stays readable; the session may still flush the output, for
    which it needs the sink: closed_out keeps everybody else from writing."""
    if p.ended:
        return
    p.ended = p.closed_out = p.let_go = True
    p.stalled = False
    pattern_released(&s.pattern, p)
    ring_rollback(p.outr)
    if ring_empty(p.inr):
        socket_doom(p)


cdef inline void pipe_retire(socket_t *s, pipe_t *p) noexcept nogil:
    """Nobody will read it any more: out of the pattern, unread input dropped. The session may still flush the output."""
    if not p.detached:
        pattern_detach(&s.pattern, p)
        p.detached = True
    pipes_forget(s, p)
    p.ended = p.closed_out = True
    ring_rollback(p.outr)
    s.counts.unread += ring_queued(p.inr)
    ring_leave_nothing(p.inr)
    s.counts.unread -= ring_queued(p.inr)


cdef inline void pipe_remove(socket_t *s, pipe_t *p) noexcept nogil:
    """Out of the pattern and the list; freed."""
    cdef session_t *x
    cdef endpoint_t *e
    cdef inproc_pair_t *link = <inproc_pair_t *> p.link
    zc_check(link != NULL or s.host.inside == 0)
    # context_t.pending would keep it: only who holds the context's mutex may take a connect back that waits for its bind.
    zc_check(link == NULL or not link.pending)
    if not p.detached:
        pattern_detach(&s.pattern, p)
        p.detached = True
    pipes_forget(s, p)
    if link != NULL:
        # The endpoint stays until disconnect or close and must not look for a pipe that is gone.
        e = s.endpoints
        while e != NULL:
            if e.pipe == p:
                e.pipe = NULL
            e = e.next
        ring_rollback(p.outr)
        p.ended = p.closed_out = True
        counts_link_end(s, p)
        ring_leave_nothing(p.inr)
        p.notify(p.other, MAIL_CLOSED)
        inproc_pair_unref(link)
        return
    x = <session_t *> p.session
    if x != NULL:
        x.pipe = NULL
    ring_rollback(p.outr)
    counts_pipe_end(s, p)
    netpipe_free(p)


cdef inline void pipe_withdraw(socket_t *s, pipe_t *p) noexcept nogil:
    """A connect that waits for its bind is given up by its socket. The context's mutex, which guards context_t.pending, cannot be taken here: the link
    stays there, with our reference, until its endpoint ends or its name is bound (inproc.pxd)."""
    pattern_detach(&s.pattern, p)
    p.detached = p.ended = p.closed_out = True
    pipes_forget(s, p)
    ring_rollback(p.outr)
    counts_link_end(s, p)
    zc_store_relaxed_u32(&(<inproc_pair_t *> p.link).withdrawn, 1)


cdef inline void socket_reap(socket_t *s) noexcept nogil:
    """Removes the doomed pipes; a connection under one of them is closed, unless it is closing already and still has output to write."""
    cdef pipe_t *p
    cdef session_t *x
    zc_check(s.host.inside == 0)
    while s.ndoomed:
        s.ndoomed -= 1
        p = s.doomed[s.ndoomed]
        x = <session_t *> p.session
        if x != NULL and x.closing:
            pipe_retire(s, p)
            continue
        if p.link != NULL and (<inproc_pair_t *> p.link).pending:
            pipe_withdraw(s, p)
            continue
        if x != NULL and p.hang_up:
            p.hang_up = False
            pipe_release(s, p)
            session_close(x, -1, zc_now_ns())
            continue
        if x != NULL:
            x.pipe = NULL
            p.session = NULL
            if x.state == SESSION_READY:
                s.host.event(x, EVENT_DISCONNECTED, <uint64_t> x.stream.fd)
            session_finish(x)
        if p.ended or ring_empty(p.inr):
            pipe_remove(s, p)
        elif p.link == NULL:
            pipe_end(s, p)      # what has been received is the application's
        else:
            pipe_release(s, p)
            p.notify(p.other, MAIL_CLOSED)
