# Proxy: moves messages between two sockets without the GIL.
#
# Rules
# - Messages are read only when the other side has room, a few at a time, so backpressure reaches the senders and nothing is dropped here.
# - At most PROXY_BATCH messages go one way before the other way gets its turn; the control socket is looked at in between.
# - What has gone in is written after both ways have been looked at, or before the proxy waits for room: no straggler is left to the I/O thread.
# - The proxy spins as a single socket does, if both sides may, and sleeps on what it waits for: while paused on the control socket only,
#   while one side is full on that side.
# - Statistics count frames and octets of payload.

from libc.stdint cimport int64_t, uint32_t, uint64_t, UINT64_MAX
from libc.string cimport memcmp
from base.config cimport SPIN_NS
from base.errors cimport EAGAIN
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns
from message.message cimport msg_t, msg_close, msg_data, msg_set, msg_share, MSG_EMPTY, MSG_EXACT, MSG_MORE
from pattern.pattern cimport pattern_events, pattern_recv, pattern_send
from reactor.pollset cimport pollset_t, pollset_wait_many
from socket.drive cimport socket_flush, socket_glance, socket_may_spin, socket_settle, socket_spun, socket_yield
from socket.state cimport socket_t, SOCKET_OPEN
from socket.traffic cimport (
    socket_enter, socket_events_now, socket_poll_begin, socket_poll_deadline, socket_poll_end, socket_recv_now, socket_send_now,
    socket_send_wait, socket_try_send,
)

cdef enum:
    PROXY_MORE = 1              # come back: time to look at signals
    PROXY_BATCH = 1000
    PROXY_FRAMES = 64           # moved under one pair of locks
    PROXY_LOOK_NS = 100000000   # a proxy without traffic comes up this often for signals
    TYPE_REP = 4

cdef enum:
    COUNT_IN = 0                # frames, then octets, of what a side received and sent
    COUNT_OUT = 2

cdef struct proxy_t:
    socket_t *frontend
    socket_t *backend
    socket_t *capture           # may be NULL
    socket_t *control           # may be NULL
    bint paused
    bint done
    uint64_t counts[8]          # frontend in, out, backend in, out; frames and octets each


cdef inline int proxy_capture(proxy_t *p, msg_t *m) noexcept nogil:
    """A copy of one frame for the capture socket, waiting for room if it must."""
    cdef msg_t copy
    cdef int rc
    if p.capture == NULL:
        return 0
    rc = msg_share(&copy, m)
    if rc < 0:
        return rc
    copy.flags = m.flags & MSG_MORE
    zc_lock_acquire(&p.capture.lock)
    rc = socket_enter(p.capture)
    if rc == 0:
        rc = socket_try_send(p.capture, &copy)
        if rc == -EAGAIN:
            zc_lock_release(&p.capture.lock)
            proxy_flush(p.frontend)
            proxy_flush(p.backend)
            zc_lock_acquire(&p.capture.lock)
            rc = socket_enter(p.capture)
            if rc == 0:
                rc = socket_send_wait(p.capture, &copy, UINT64_MAX)
    socket_settle(p.capture)
    zc_lock_release(&p.capture.lock)
    msg_close(&copy)
    return rc


cdef inline int proxy_take(socket_t *source, msg_t *frames, int room, int messages, bint *inside) noexcept nogil:
    """Frames of up to `messages` whole messages; `inside` tells whether the last of them is not complete yet. Their number, or negative errno."""
    cdef int n = 0
    cdef int rc
    zc_lock_acquire(&source.lock)
    rc = socket_enter(source)
    while rc == 0 and n < room and messages:
        rc = pattern_recv(&source.pattern, &frames[n])
        if rc == 0:
            inside[0] = (frames[n].flags & MSG_MORE) != 0
            frames[n].flags &= MSG_MORE | MSG_EXACT
            if not inside[0]:
                messages -= 1
            n += 1
    if source.ndoomed or source.host.replan:
        socket_settle(source)
    zc_lock_release(&source.lock)
    return n if n or rc == -EAGAIN else rc


cdef inline void proxy_flush(socket_t *s) noexcept nogil:
    zc_lock_acquire(&s.lock)
    socket_flush(s)
    socket_settle(s)
    zc_lock_release(&s.lock)


cdef inline int proxy_give(socket_t *source, socket_t *target, msg_t *frames, int n) noexcept nogil:
    """Sends the frames, waiting for room. They are closed in any case. What has gone in is written when both ways have been looked at."""
    cdef int i
    cdef int rc
    zc_lock_acquire(&target.lock)
    rc = socket_enter(target)
    for i in range(n):
        if rc >= 0:
            rc = pattern_send(&target.pattern, &frames[i])
            if rc == -EAGAIN:
                # Before a wait without end: what has gone the other way.
                zc_lock_release(&target.lock)
                proxy_flush(source)
                zc_lock_acquire(&target.lock)
                rc = socket_enter(target)
                if rc == 0:
                    rc = socket_send_wait(target, &frames[i], UINT64_MAX)
            if target.host.flush_now:
                socket_flush(target)
        msg_close(&frames[i])
    if target.ndoomed or target.host.replan:
        socket_settle(target)
    zc_lock_release(&target.lock)
    return rc if rc < 0 else 0


cdef inline int proxy_can_send(socket_t *s) noexcept nogil:
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = pattern_events(&s.pattern) & 2
    zc_lock_release(&s.lock)
    return rc


cdef inline int proxy_way(proxy_t *p, socket_t *source, socket_t *target, uint64_t *got, uint64_t *put) noexcept nogil:
    """Up to PROXY_BATCH messages in one direction. How many frames were moved, or negative errno."""
    cdef msg_t frames[64]               # PROXY_FRAMES
    cdef int moved = 0
    cdef int n
    cdef int i
    cdef int rc
    # What is in our hands counts against nobody's mark: with small marks one message at a time, so that back-pressure stays exact.
    cdef int messages = target.opt.sndhwm // 16 if target.opt.sndhwm else PROXY_FRAMES
    cdef bint inside = False
    if messages < 1:
        messages = 1
    while moved < PROXY_BATCH or inside:
        if not inside:
            rc = proxy_can_send(target)
            if rc <= 0:
                return rc if rc < 0 else moved
        n = proxy_take(source, frames, PROXY_FRAMES, messages, &inside)
        if n <= 0:
            return n if n < 0 else moved
        for i in range(n):
            got[0] += 1
            got[1] += frames[i].size
            put[0] += 1
            put[1] += frames[i].size
            rc = proxy_capture(p, &frames[i])
            if rc < 0:
                while i < n:
                    msg_close(&frames[i])
                    i += 1
                return rc
        rc = proxy_give(source, target, frames, n)
        if rc < 0:
            return rc
        moved += n
    return moved


cdef inline int proxy_events(socket_t *s) noexcept nogil:
    """After a look at the connections. Flushes what was sent."""
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = socket_events_now(s)
    socket_settle(s)
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
        socket_settle(c)
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
    if not statistics and c.type != TYPE_REP:
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
        if c.host.flush_now or i == 7 or not statistics:
            socket_flush(c)
        socket_settle(c)
        zc_lock_release(&c.lock)
        msg_close(&reply)
        if rc < 0 and rc != -EAGAIN:
            return rc
    return 0


cdef inline bint proxy_may_spin(socket_t *s, uint64_t now) noexcept nogil:
    cdef bint may
    zc_lock_acquire(&s.lock)
    may = s.state == SOCKET_OPEN and socket_may_spin(s, now)
    zc_lock_release(&s.lock)
    return may


cdef inline bint proxy_glance(socket_t *s, uint32_t news) noexcept nogil:
    cdef bint came
    zc_lock_acquire(&s.lock)
    came = socket_glance(s, news)
    zc_lock_release(&s.lock)
    return came


cdef inline bint proxy_spin(proxy_t *p) noexcept nogil:
    """Looks at the connections of both sides for a short while. True if something came. As socket_spin(), with two sockets."""
    cdef socket_t *a = p.frontend
    cdef socket_t *b = p.backend
    cdef uint64_t began = zc_now_ns()
    cdef uint32_t a_news = a.news
    cdef uint32_t b_news = b.news
    cdef bint came = False
    cdef bint alone = True
    if not proxy_may_spin(a, began) or not proxy_may_spin(b, began):
        return False
    while not came and alone and zc_now_ns() - began < SPIN_NS:
        alone = socket_yield()
        came = proxy_glance(a, a_news) or proxy_glance(b, b_news)
    zc_lock_acquire(&a.lock)
    socket_spun(a, came and alone)
    zc_lock_release(&a.lock)
    return came


cdef inline int proxy_sleep(socket_t **socks, int *wanted, int n) noexcept nogil:
    """Until one of them has news; a while at most."""
    cdef pollset_t *sets[3]
    cdef int ready[3]
    cdef int begun = 0
    cdef int i
    cdef int rc = 0
    cdef bint news = False
    cdef uint64_t now
    cdef uint64_t at
    while begun < n:
        rc = socket_poll_begin(socks[begun], wanted[begun])
        if rc < 0:
            break
        news = news or rc == 1
        sets[begun] = &socks[begun].set
        begun += 1
    if rc >= 0:
        now = zc_now_ns()
        at = now + PROXY_LOOK_NS
        for i in range(n):
            if socket_poll_deadline(socks[i]) < at:
                at = socket_poll_deadline(socks[i])
        rc = pollset_wait_many(sets, ready, n, NULL, 0, 0 if news or at <= now else <int64_t> (at - now))
    for i in range(begun):
        socket_poll_end(socks[i])
    return rc if rc < 0 else 0


cdef inline int proxy_run(proxy_t *p) noexcept nogil:
    """0 = terminated by command, PROXY_MORE = call again, negative errno."""
    cdef socket_t *wait[3]
    cdef int wanted[3]          # what was not there at the last look
    cdef int n
    cdef int there = 0
    cdef int back = 0
    cdef int fe
    cdef int be
    cdef int rounds = 0
    p.done = False
    while rounds < 64:
        rounds += 1
        if p.control != NULL:
            fe = proxy_command(p)
            if fe < 0:
                return fe
            if p.done:
                return 0
        there = back = 0
        if not p.paused:
            there = proxy_way(p, p.frontend, p.backend, &p.counts[0], &p.counts[6])
            if there < 0:
                return there
            if p.frontend != p.backend:
                back = proxy_way(p, p.backend, p.frontend, &p.counts[4], &p.counts[2])
                if back < 0:
                    return back
            if there >= PROXY_BATCH or back >= PROXY_BATCH:
                continue
        # Looks at the connections, so a second look finds what came meanwhile.
        fe = proxy_events(p.frontend)
        if fe < 0:
            return fe
        be = proxy_events(p.backend)
        if be < 0:
            return be
        if not p.paused and ((fe & 1 and be & 2) or (be & 1 and fe & 2)):
            continue
        n = 0
        if not p.paused:
            # A side that is full is waited for alone: its partner's input would wake us for nothing.
            if not (fe & 1) or be & 2 or not (be & 1):
                wait[n] = p.frontend
                wanted[n] = ~fe & 3
                n += 1
            if p.frontend != p.backend and (not (be & 1) or fe & 2 or not (fe & 1)):
                wait[n] = p.backend
                wanted[n] = ~be & 3
                n += 1
        if n == 2 and not (wanted[0] | wanted[1]) & 2 and proxy_spin(p):
            continue
        if p.control != NULL:
            wait[n] = p.control
            wanted[n] = 1
            n += 1
        fe = proxy_sleep(wait, wanted, n)
        if fe < 0:
            return fe
        return PROXY_MORE
    return PROXY_MORE
