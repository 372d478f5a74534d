# Proxy: moves messages between two sockets without the GIL.
#
# Rules
# - Messages are read only when the other side has room, a few at a time, so backpressure reaches the senders and nothing is dropped here.
# - At most PROXY_BATCH messages go one way before the other way gets its turn; the control socket is looked at in between.
# - What has gone in is written after both ways have been looked at, or before the proxy waits for room: the I/O thread has nothing to flush.
# - The proxy spins as a single socket does, if both sides may, and sleeps on what it waits for: while paused on the control socket only,
#   while one side is full on that side.
# - A signal or a command ends a wait for room: frames in hand stay in proxy_t, and the next turn goes on with them. TERMINATE waits for them.
# - With one socket on both sides each message goes back out by it: received and sent in turn, as REP wants it, without asking for room first.
# - Statistics count frames and octets of payload.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memset
from base.config cimport SPIN_CROWDED_NS, SPIN_NS
from base.errors cimport EAGAIN, ENOMEM
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns
from message.message cimport msg_t, msg_close, msg_data, msg_set, msg_share, MSG_EMPTY, MSG_EXACT, MSG_MORE
from pattern.ops cimport CAN_SEND
from pattern.pattern cimport pattern_abandon, pattern_events, pattern_is, pattern_recv, pattern_send
from reactor.pollset cimport pollset_t
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush, socket_sent
from io.poll cimport poll_item_t, sockets_poll
from io.spin cimport socket_alone, socket_check_once, socket_may_spin, socket_spun, socket_yield
from io.wait cimport wait_begin, wait_pause, wait_t
from session.session cimport FLUSH_FULL
from socket.send_recv cimport (
    EVENT_IN, EVENT_OUT, socket_enter, socket_events_now, socket_recv_now, socket_send_now, socket_send_wait,
)
from socket.state cimport socket_t, SOCKET_OPEN

cdef enum:
    PROXY_MORE = 1              # come back: time to look at signals
    PROXY_BATCH = 1000
    PROXY_FRAMES = 64           # moved under one pair of locks
    PROXY_ROUNDS = 64           # turns in a row before signals are checked
    PROXY_SIGNALS_NS = 100000000   # a proxy without traffic comes up this often for signals

cdef enum:
    COUNT_OUT = 2               # in `counts`: behind what a side received is what it sent,
    COUNT_BACKEND = 4           # and behind the frontend the backend

cdef struct proxy_t:
    socket_t *frontend
    socket_t *backend
    socket_t *capture           # may be NULL
    socket_t *control           # may be NULL
    bint paused
    bint done
    uint64_t pause              # the last one of a wait; 0: something has been moved since
    uint64_t counts[8]          # frontend in, out, backend in, out; frames and octets each
    # in hand, from `source` to `target`
    socket_t *source
    socket_t *target
    socket_t *blocked           # the target or the capture socket: it has no room for the next of them
    bint inside                 # the last of them is not the end of its message
    int n
    int captured                # so many of them the capture socket has
    int given                   # so many of them the target has
    msg_t frames[PROXY_FRAMES]


cdef inline void proxy_init(proxy_t *p, socket_t *frontend, socket_t *backend, socket_t *capture, socket_t *control) noexcept nogil:
    memset(p, 0, sizeof(proxy_t))
    p.frontend = frontend
    p.backend = backend
    p.capture = capture
    p.control = control


cdef inline void proxy_free(proxy_t *p) noexcept nogil:
    """What is still in hand after an error or an exception of a signal handler is dropped."""
    while p.given < p.n:
        msg_close(&p.frames[p.given])
        p.given += 1
    p.n = p.captured = p.given = 0
    p.inside = False


cdef inline int proxy_send(proxy_t *p, socket_t *target, msg_t *m) noexcept nogil:
    """Lock of `target` held. One frame, waiting for room if it must. 0 or negative errno. Not sent: -EINTR, and with a control socket, which has to
    be served meanwhile, -EAGAIN."""
    cdef wait_t wait
    cdef int rc = pattern_send(&target.pattern, m)
    if rc == -EAGAIN and p.control != NULL:
        rc = socket_send_now(target, m)
        p.blocked = target
    elif rc == -EAGAIN:
        # Before a wait without end: what else has been sent.
        zc_lock_release(&target.lock)
        if p.source != target:
            proxy_flush(p.source)
        if p.target != target:
            proxy_flush(p.target)
        zc_lock_acquire(&target.lock)
        rc = socket_enter(target)
        if rc == 0:
            wait_begin(&wait, -1)
            rc = socket_send_wait(target, m, &wait)
    if rc == -ENOMEM:
        pattern_abandon(&target.pattern)        # the proxy ends here; the target may be used again
    if target.host.flush_now == FLUSH_FULL:
        socket_flush(target)
    return rc


cdef inline int proxy_capture(proxy_t *p) noexcept nogil:
    """A copy of the frames in hand for the capture socket. 0 or negative errno."""
    cdef msg_t copy
    cdef int rc = 0
    if p.capture == NULL:
        return 0
    while p.captured < p.n:
        rc = msg_share(&copy, &p.frames[p.captured])
        if rc < 0:
            return rc
        copy.flags = p.frames[p.captured].flags & MSG_MORE
        zc_lock_acquire(&p.capture.lock)
        rc = socket_enter(p.capture)
        if rc == 0:
            rc = proxy_send(p, p.capture, &copy)
            if rc >= 0 and not p.frames[p.captured].flags & MSG_MORE:
                socket_sent(p.capture)
                if p.capture.host.flush_now == FLUSH_FULL:
                    socket_flush(p.capture)
        socket_end_call(p.capture)
        zc_lock_release(&p.capture.lock)
        msg_close(&copy)
        if rc < 0:
            return rc
        p.captured += 1
    return 0


cdef inline int proxy_take(socket_t *source, msg_t *frames, int room, int messages, bint *inside) noexcept nogil:
    """Frames of up to `messages` whole messages; `inside` tells whether the last of them is not complete yet. Their number, or negative errno."""
    cdef int n = 0
    cdef int rc
    zc_lock_acquire(&source.lock)
    rc = socket_enter(source)
    while rc == 0 and n < room and messages:
        frames[n].kind = MSG_EMPTY
        rc = pattern_recv(&source.pattern, &frames[n])
        if rc == 0:
            inside[0] = (frames[n].flags & MSG_MORE) != 0
            frames[n].flags &= MSG_MORE | MSG_EXACT
            if not inside[0]:
                messages -= 1
            n += 1
    if source.ndoomed or source.host.replan:
        socket_end_call(source)
    zc_lock_release(&source.lock)
    return n if n or rc == -EAGAIN else rc


cdef inline void proxy_flush(socket_t *s) noexcept nogil:
    zc_lock_acquire(&s.lock)
    socket_flush(s)
    socket_end_call(s)
    zc_lock_release(&s.lock)


cdef inline int proxy_give(proxy_t *p) noexcept nogil:
    """Sends the frames in hand. What has gone in is written when both ways have been looked at. 0 or negative errno."""
    cdef socket_t *target = p.target
    cdef uint64_t *put = &p.counts[COUNT_BACKEND + COUNT_OUT if p.source == p.frontend else COUNT_OUT]
    cdef size_t size
    cdef int rc
    zc_lock_acquire(&target.lock)
    rc = socket_enter(target)
    while rc >= 0 and p.given < p.n:
        size = p.frames[p.given].size
        rc = proxy_send(p, target, &p.frames[p.given])
        if rc >= 0:
            put[0] += 1
            put[1] += size
            msg_close(&p.frames[p.given])
            p.given += 1
    if target.ndoomed or target.host.replan:
        socket_end_call(target)
    zc_lock_release(&target.lock)
    if rc < 0:
        return rc
    p.n = p.captured = p.given = 0
    return 0


cdef inline int proxy_can_send(socket_t *s) noexcept nogil:
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = pattern_events(&s.pattern) & 2
    zc_lock_release(&s.lock)
    return rc


cdef inline int proxy_way(proxy_t *p, socket_t *source, socket_t *target) noexcept nogil:
    """Up to PROXY_BATCH messages in one direction, what is in hand first. How many frames were moved, or negative errno."""
    cdef uint64_t *got = &p.counts[0 if source == p.frontend else COUNT_BACKEND]
    cdef int moved = 0
    cdef int i
    cdef int rc
    # What is in our hands counts against nobody's mark: with small marks, or a limit of the context, one message at a time, so that back-pressure
    # stays exact.
    cdef int messages = target.opt.sndhwm // 16 if target.opt.sndhwm else PROXY_FRAMES
    if messages < 1 or source == target or target.account.budget != NULL:
        messages = 1
    p.source = source
    p.target = target
    while (moved < PROXY_BATCH and not p.done) or p.inside or p.n:
        if p.n == 0:
            if not p.inside and source != target:
                rc = proxy_can_send(target)
                if rc <= 0:
                    return rc if rc < 0 else moved
            rc = proxy_take(source, p.frames, PROXY_FRAMES, messages, &p.inside)
            if rc <= 0:
                p.inside = False
                return rc if rc < 0 else moved
            p.n = rc
            p.pause = 0
            for i in range(rc):
                got[0] += 1
                got[1] += p.frames[i].size
        moved += p.n
        rc = proxy_capture(p)
        if rc == 0:
            rc = proxy_give(p)
        if rc < 0:
            return rc
    return moved


cdef inline int proxy_events(socket_t *s) noexcept nogil:
    """After a look at the connections. Flushes what was sent."""
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = socket_events_now(s)
    socket_end_call(s)
    zc_lock_release(&s.lock)
    return rc


cdef inline int proxy_command(proxy_t *p) noexcept nogil:
    """Handles one command if there is one. 0 or negative errno."""
    cdef socket_t *c = p.control
    cdef msg_t m
    cdef msg_t reply
    cdef int rc
    cdef int i
    cdef bint statistics = False
    cdef bint more = True
    cdef bint first = True
    while more:
        m.kind = MSG_EMPTY
        zc_lock_acquire(&c.lock)
        rc = socket_enter(c)
        if rc == 0:
            rc = socket_recv_now(c, &m)
        socket_end_call(c)
        zc_lock_release(&c.lock)
        if rc == -EAGAIN:
            return 0
        if rc < 0:
            return rc
        more = (m.flags & MSG_MORE) != 0
        if first:
            if m.size == 5 and memcmp(msg_data(&m), b"PAUSE", 5) == 0:
                p.paused = True
            elif m.size == 6 and memcmp(msg_data(&m), b"RESUME", 6) == 0:
                p.paused = False
            elif m.size == 9 and memcmp(msg_data(&m), b"TERMINATE", 9) == 0:
                p.done = True
            elif m.size == 10 and memcmp(msg_data(&m), b"STATISTICS", 10) == 0:
                statistics = True
        first = False
        msg_close(&m)
    if not pattern_is(&c.pattern, CAN_SEND):
        return 0
    for i in range(8 if statistics else 1):
        rc = msg_set(&reply, &p.counts[i], 8 if statistics else 0)
        if rc < 0:
            return rc
        if statistics and i < 7:
            reply.flags = MSG_MORE
        zc_lock_acquire(&c.lock)
        rc = socket_enter(c)
        if rc == 0:
            rc = socket_send_now(c, &reply)
        if c.host.flush_now == FLUSH_FULL or i == 7 or not statistics:
            socket_flush(c)
        socket_end_call(c)
        zc_lock_release(&c.lock)
        msg_close(&reply)
        if rc < 0 and rc != -EAGAIN:
            return rc
    return 0


cdef inline bint proxy_may_spin(socket_t *s, uint64_t now, uint32_t *news) noexcept nogil:
    """Fills in what the socket has seen so far, too."""
    cdef bint may
    zc_lock_acquire(&s.lock)
    news[0] = s.progress
    may = s.state == SOCKET_OPEN and socket_may_spin(s, now)
    zc_lock_release(&s.lock)
    return may


cdef inline bint proxy_glance(socket_t *s, uint32_t news) noexcept nogil:
    cdef bint came
    zc_lock_acquire(&s.lock)
    came = socket_check_once(s, news)
    zc_lock_release(&s.lock)
    return came


cdef inline bint proxy_spin(proxy_t *p) noexcept nogil:
    """Looks at the connections of both sides for a short while. True if something came. As socket_spin(), with two sockets."""
    cdef socket_t *a = p.frontend
    cdef socket_t *b = p.backend
    cdef uint64_t began = zc_now_ns()
    cdef uint32_t a_news
    cdef uint32_t b_news
    cdef uint64_t gone = 0
    cdef bint came = False
    cdef bint alone = True
    if not proxy_may_spin(a, began, &a_news) or not proxy_may_spin(b, began, &b_news):
        return False
    while not came and alone and zc_now_ns() - began < SPIN_NS:
        gone = socket_yield()
        alone = gone < SPIN_CROWDED_NS
        came = proxy_glance(a, a_news) or proxy_glance(b, b_news)
    zc_lock_acquire(&a.lock)
    alone = socket_alone(a, gone)
    socket_spun(a, came and alone)
    zc_lock_release(&a.lock)
    return came


cdef inline int proxy_sleep(poll_item_t *items, int n, uint64_t *pause) noexcept nogil:
    """Until one of them has news; a while at most. `pause`: wait_pause()."""
    cdef pollset_t *sets[3]
    cdef int ready[3]
    cdef int rc = sockets_poll(items, n, sets, ready, NULL, 0, zc_now_ns() + PROXY_SIGNALS_NS, pause)
    return rc if rc < 0 else 0


cdef inline int proxy_turn(proxy_t *p) noexcept nogil:
    """What is there now is passed on, up to a batch each way, what is in hand first. 1: there may be more. 0: both ways are empty or blocked.
    Negative errno; -EAGAIN: something is in hand for which there is no room."""
    cdef int forth
    cdef int back = 0
    if p.paused:
        return 0
    if p.n or p.inside:
        forth = proxy_way(p, p.source, p.target)
        if forth < 0:
            return forth
    forth = proxy_way(p, p.frontend, p.backend)
    if forth < 0:
        return forth
    if p.frontend != p.backend:
        back = proxy_way(p, p.backend, p.frontend)
        if back < 0:
            return back
    return 1 if forth >= PROXY_BATCH or back >= PROXY_BATCH else 0


cdef inline int proxy_wait(proxy_t *p, int fe, int be) noexcept nogil:
    """Sleeps, or spins, until something can go on; `fe` and `be` are the events at the last check. 1: go on at once. 0: asleep in between.
    Negative errno."""
    cdef poll_item_t wait[3]    # wanted: what was not there at the last check
    cdef int n = 0
    if not p.paused:
        # A side that is full is waited for alone: its partner's input would wake us for nothing.
        if not (fe & EVENT_IN) or be & EVENT_OUT or not (be & EVENT_IN):
            wait[n].s = p.frontend
            wait[n].wanted = ~fe & (EVENT_IN | EVENT_OUT)
            n += 1
        if p.frontend != p.backend and (not (be & EVENT_IN) or fe & EVENT_OUT or not (fe & EVENT_IN)):
            wait[n].s = p.backend
            wait[n].wanted = ~be & (EVENT_IN | EVENT_OUT)
            n += 1
    if n == 1 and p.frontend == p.backend:
        wait[0].wanted = EVENT_IN
        if proxy_spin(p):
            return 1
    elif n == 2 and not (wait[0].wanted | wait[1].wanted) & EVENT_OUT and proxy_spin(p):
        return 1
    if p.control != NULL:
        wait[n].s = p.control
        wait[n].wanted = EVENT_IN
        n += 1
    return proxy_sleep(wait, n, &p.pause)


cdef inline int proxy_wait_for_room(proxy_t *p) noexcept nogil:
    """Sleeps until what is in hand may be sent, or a command has come. 0 or negative errno."""
    cdef poll_item_t wait[2]
    proxy_flush(p.source)
    proxy_flush(p.target)
    wait[0].s = p.blocked
    wait[0].wanted = EVENT_OUT
    wait[1].s = p.control
    wait[1].wanted = EVENT_IN
    return proxy_sleep(wait, 1 if p.done else 2, &p.pause)


cdef inline int proxy_run(proxy_t *p) noexcept nogil:
    """0 = terminated by command, PROXY_MORE = call again, negative errno."""
    cdef int rc
    cdef int fe
    cdef int be
    for _ in range(PROXY_ROUNDS):
        if p.control != NULL and not p.done:
            rc = proxy_command(p)
            if rc < 0:
                return rc
        if p.done:
            p.paused = False
            if p.n == 0 and not p.inside:
                return 0        # what had been taken has been given
        rc = proxy_turn(p)
        if rc == -EAGAIN:
            rc = proxy_wait_for_room(p)
            return rc if rc < 0 else PROXY_MORE
        if rc < 0:
            return rc
        if rc:
            continue
        # These look at the connections, so the check below sees what came meanwhile.
        fe = proxy_events(p.frontend)
        if fe < 0:
            return fe
        be = proxy_events(p.backend)
        if be < 0:
            return be
        if not p.paused and (
            (fe & EVENT_IN and (be & EVENT_OUT or p.frontend == p.backend)) or (be & EVENT_IN and fe & EVENT_OUT)
        ):
            continue
        rc = proxy_wait(p, fe, be)
        if rc <= 0:
            return rc if rc < 0 else PROXY_MORE
    return PROXY_MORE
