# REP: a request from any peer in turn, then the reply to that peer, then the next request.
#
# Rules
# - All frames up to and including the first empty one are the envelope: kept, and put in front of the reply, whatever its depth.
# - A request without an empty frame that has followers is discarded whole.
# - The reply never blocks and never fails: if the requester is gone or full it is discarded.
# - A requester whose connection was lost counts as gone even if it comes back: its request died with the connection.

from libc.stdint cimport uint32_t
from base.memory cimport calloc, realloc, free
from base.errors cimport EAGAIN, EFSM, ENOMEM
from message.message cimport msg_t, msg_close, MSG_MORE
from pipe.pipe cimport pipe_t, pipe_can_write, pipe_lose, pipe_write, pipe_flush
from option.table cimport OVERFLOW_DROP_NEWEST
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, ANSWERS, CAN_RECV, CAN_SEND, PATTERN_IN, PATTERN_OUT, PATTERN_SKIP_MAX,
    SERVES,
)
from pattern.strategies.fair_queue cimport fair_queue_t, fq_attach, fq_ended, fq_front, fq_take, fq_skip

cdef struct rep_t:
    pipe_t *reply               # the requester, or NULL
    msg_t *frames               # the envelope
    uint32_t count
    uint32_t capacity
    uint32_t written            # of them
    bint fetched                # the envelope has been taken off, the body is being read
    bint sending                # a reply is due
    bint started                # its first frame has been sent
    bint dropping               # it is discarded


cdef inline int rep_init(pattern_t *pt) noexcept nogil:
    pt.part = calloc(1, sizeof(rep_t))
    return 0 if pt.part != NULL else -ENOMEM


cdef inline void rep_drop_envelope(rep_t *r) noexcept nogil:
    cdef uint32_t i
    for i in range(r.count):
        msg_close(&r.frames[i])
    r.count = r.written = 0


cdef inline void rep_free(pattern_t *pt) noexcept nogil:
    cdef rep_t *r = <rep_t *> pt.part
    rep_drop_envelope(r)
    free(r.frames)


cdef inline int rep_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    return fq_attach(&pt.fq, p)


cdef inline bint rep_keep(rep_t *r, msg_t *m) noexcept nogil:
    cdef uint32_t capacity
    cdef msg_t *frames
    if r.count == r.capacity:
        capacity = r.capacity * 2 if r.capacity else 2
        frames = <msg_t *> realloc(r.frames, capacity * sizeof(msg_t))
        if frames == NULL:
            return False
        r.frames = frames
        r.capacity = capacity
    r.frames[r.count] = m[0]
    r.count += 1
    return True


cdef inline bint rep_fetch(pattern_t *pt, rep_t *r) noexcept nogil:
    """Is a request there? Then its body comes next from the fair queue."""
    cdef fair_queue_t *q = &pt.fq
    cdef msg_t m
    cdef msg_t *front
    cdef pipe_t *p
    cdef int skipped = 0
    while not r.fetched:
        front = fq_front(q)
        if front == NULL:
            return False
        p = q.pipes[q.current]
        rep_drop_envelope(r)
        while True:
            fq_take(q, front, &m)
            if not m.flags & MSG_MORE:
                msg_close(&m)
                p.unwanted += 1
                break
            if not rep_keep(r, &m):
                msg_close(&m)
                fq_skip(q)
                p.unwanted += 1
                break
            if m.size == 0:
                r.fetched = True
                r.reply = p
                break
            front = fq_front(q)
            if front == NULL:
                return False
        skipped += 1
        if not r.fetched and skipped == PATTERN_SKIP_MAX:
            pt.unfinished = True
            return False
    return True


cdef inline int rep_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef rep_t *r = <rep_t *> pt.part
    cdef msg_t *front
    if r.sending:
        return -EFSM
    if not rep_fetch(pt, r):
        return -EAGAIN
    front = fq_front(&pt.fq) if pt.fq.more else NULL
    if front == NULL:
        r.fetched = False
        return -EAGAIN
    pt.last = r.reply
    fq_take(&pt.fq, front, m)
    if not m.flags & MSG_MORE:
        r.fetched = False
        r.sending = True
        r.started = False
    return 0


cdef inline void rep_count(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A reply is discarded: `p` is the requester without room, or NULL."""
    if p == NULL:
        pt.nobody += 1
    else:
        p.missed += 1
        if not p.closed_out:
            pt.hooks.overflow(pt.owner, p, OVERFLOW_DROP_NEWEST)


cdef inline int rep_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef rep_t *r = <rep_t *> pt.part
    cdef bint more = (m.flags & MSG_MORE) != 0
    cdef pipe_t *p = r.reply
    cdef int rc = 0
    if not r.sending:
        return -EFSM
    if not r.started:
        r.started = True
        r.dropping = p == NULL or not pipe_can_write(p)
        if r.dropping:
            rep_count(pt, p)
    if not r.dropping:
        while rc == 0 and r.written < r.count:
            rc = pipe_write(p, &r.frames[r.written], True)
            if rc == 0:
                r.written += 1
        if rc == 0:
            rc = pipe_write(p, m, True)
        if rc == -ENOMEM:
            return rc           # the same frame may be sent again
        if rc < 0:
            r.dropping = True
            pipe_lose(p)
        elif not more:
            pipe_flush(p)
    if not more:
        r.sending = False
        r.reply = NULL
        rep_drop_envelope(r)
    return 0


cdef inline pipe_t *rep_abandon(pattern_t *pt) noexcept nogil:
    """The reply that began will not be finished; its requester gets none."""
    cdef rep_t *r = <rep_t *> pt.part
    cdef pipe_t *p = NULL
    if r.sending and r.started:
        if not r.dropping:
            p = r.reply
        r.sending = False
        r.fetched = False
        r.reply = NULL
        rep_drop_envelope(r)
    return p


cdef inline int rep_events(pattern_t *pt) noexcept nogil:
    cdef rep_t *r = <rep_t *> pt.part
    if r.sending:
        return PATTERN_OUT
    return PATTERN_IN if rep_fetch(pt, r) else 0


cdef inline void rep_lost(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef rep_t *r = <rep_t *> pt.part
    # A reply that has begun goes on into the pipe, which swallows it up to its end.
    if r.reply == p and not (r.sending and r.started):
        r.reply = NULL


cdef inline void rep_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef rep_t *r = <rep_t *> pt.part
    if r.reply == p:
        r.reply = NULL
        if r.sending and r.started and not r.dropping:
            r.dropping = True
            pipe_lose(p)


cdef inline void rep_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    rep_detach(pt, p)
    fq_ended(&pt.fq, p)


cdef inline void rep_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "REP", "REQ DEALER", CAN_SEND | CAN_RECV | ANSWERS | SERVES)
    ops.init = rep_init
    ops.free = rep_free
    ops.attach = rep_attach
    ops.lost = rep_lost
    ops.ended = rep_ended
    ops.detach = rep_detach
    ops.send = rep_send
    ops.abandon = rep_abandon
    ops.recv = rep_recv
    ops.events = rep_events
