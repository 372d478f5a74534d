# REQ: a request to the next peer, then the reply from that peer, then the next request.
#
# On the pipe a request is [id] "" body: the id (4 octets) only with REQ_CORRELATE.
#
# Rules
# - Sending while a reply is due, or receiving when none is, is -EFSM; REQ_RELAXED allows sending at any time and abandons the old request.
# - Only the peer that got the request is listened to. What others send is read at once and discarded, so that their connections go on.
# - A message without a valid envelope closes a network pipe; from an inproc peer it is skipped. A valid one with another id is skipped.
# - Replies that are already there when a request begins belong to older requests and are discarded.
# - If the peer goes away before it replied, the reply never comes (strict mode waits for it; REQ_RELAXED is the way out).

from libc.stdint cimport uint32_t
from base.memory cimport calloc
from libc.string cimport memcmp
from base.errors cimport EAGAIN, EFSM, ENOMEM
from message.message cimport msg_t, msg_data, msg_set, msg_close, MSG_MORE
from pipe.pipe cimport pipe_t, pipe_pop
from pattern.dealer cimport dealer_ready
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, CAN_RECV, CAN_SEND, CONNECTS_ONCE, FLAG_BUSY, PATTERN_IN, PATTERN_OUT, PATTERN_SKIP_MAX, REFUSES, SENDS_IDENTITY,
    WAITS,
)
from pattern.steps cimport pattern_close_pipe
from pattern.strategies.fair_queue cimport fair_queue_t, fq_begin, fq_front, fq_ready, fq_take, fq_skip, fq_pipe_front
from pattern.strategies.load_balance cimport lb_abandon, lb_send, lb_can_send

cdef enum:                      # req_t.stage
    REQ_BEGIN = 0
    REQ_DELIMITER = 1           # the id has been written, the delimiter has not
    REQ_BODY = 2

cdef enum:                      # req_open()
    REQ_NONE = 0
    REQ_OURS = 1
    REQ_STALE = 2
    REQ_MALFORMED = 3

cdef struct req_t:
    pipe_t *reply               # who got the request; NULL when it is gone or the reply has been read
    uint32_t id
    int stage
    bint with_id                # of the request that is out
    bint receiving
    bint fetching               # inside req_fetch(): reports it causes add nothing
    bint fetched                # the envelope of the reply has been taken off


cdef inline int req_init(pattern_t *pt) noexcept nogil:
    cdef req_t *r = <req_t *> calloc(1, sizeof(req_t))
    if r == NULL:
        return -ENOMEM
    if pt.hooks.random != NULL:
        pt.hooks.random(&r.id, sizeof(uint32_t))
    pt.part = r
    return 0


cdef inline void req_discard(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Reads away whole messages of a peer that owes no reply, looking at their envelopes."""
    cdef msg_t *m
    cdef int step = 0           # 0 = a message begins, 1 = after its id, 2 = in its body
    cdef bint more, good
    if p.pattern_flags & FLAG_BUSY:
        return
    p.pattern_flags |= FLAG_BUSY
    while True:
        m = fq_pipe_front(p)
        if m == NULL:
            break
        more = (m.flags & MSG_MORE) != 0
        good = True
        if step == 2:
            step = 2 if more else 0
        elif more and m.size == 0:
            step = 2
        elif more and m.size == 4 and step == 0:
            step = 1
        else:
            good = False
            step = 2 if more else 0
        p.unwanted += not more
        msg_close(m)
        pipe_pop(p)
        if not good and p.other == NULL:
            pattern_close_pipe(pt, p)
            # The connection is given up; what is left goes with the pipe, except the rest of this message.
            while more:
                m = fq_pipe_front(p)
                if m == NULL:
                    break
                more = (m.flags & MSG_MORE) != 0
                p.unwanted += not more
                msg_close(m)
                pipe_pop(p)
            break
    p.pattern_flags &= ~(<uint32_t> FLAG_BUSY)


cdef inline int req_open(req_t *r, fair_queue_t *q) noexcept nogil:
    """Takes the envelope off the next message of q.from_pipe. After REQ_STALE the body is still there."""
    cdef msg_t m
    cdef msg_t *front = fq_front(q)
    cdef bint with_id = False
    cdef bint same = False
    if front == NULL:
        q.more = False
        q.from_pipe = NULL
        return REQ_NONE
    fq_take(q, front, &m)
    if m.size == 4 and m.flags & MSG_MORE:
        with_id = True
        same = memcmp(msg_data(&m), &r.id, 4) == 0
        msg_close(&m)
        front = fq_front(q)
        if front == NULL:
            return REQ_NONE
        fq_take(q, front, &m)
    msg_close(&m)
    if m.size != 0 or not m.flags & MSG_MORE:
        if m.flags & MSG_MORE:
            fq_skip(q)
        return REQ_MALFORMED
    return REQ_OURS if with_id == r.with_id and (same or not with_id) else REQ_STALE


cdef inline bint req_fetch(pattern_t *pt, req_t *r) noexcept nogil:
    """Is the reply there? Then its body comes next from the fair queue."""
    cdef bint found
    r.fetching = True
    found = req_find_reply(pt, r)
    r.fetching = False
    return found


cdef inline bint req_find_reply(pattern_t *pt, req_t *r) noexcept nogil:
    cdef fair_queue_t *q = &pt.fq
    cdef pipe_t *p = r.reply
    cdef int skipped = 0
    cdef int what
    if r.fetched:
        return True
    if p == NULL:
        return False
    while True:
        fq_begin(q, p)
        what = req_open(r, q)
        if what == REQ_NONE:
            return False
        if what == REQ_OURS:
            r.fetched = True
            return True
        p.unwanted += 1
        if what == REQ_STALE:
            fq_skip(q)
        elif p.other == NULL:
            pattern_close_pipe(pt, p)
            return False
        skipped += 1
        if skipped == PATTERN_SKIP_MAX:
            pt.unfinished = True
            return False


cdef inline int req_prefix(pattern_t *pt, req_t *r) noexcept nogil:
    """Begins a request. 0, -EAGAIN or -ENOMEM; a repeated call goes on where the last one failed."""
    cdef msg_t m
    cdef uint32_t id
    cdef int rc
    if r.stage == REQ_BEGIN and pt.options.req_correlate:
        id = r.id + 1
        msg_set(&m, &id, 4)
        m.flags = MSG_MORE
        rc = lb_send(&pt.lb, &m)
        msg_close(&m)
        if rc < 0:
            return rc
        r.id = id
        r.stage = REQ_DELIMITER
    msg_set(&m, NULL, 0)
    m.flags = MSG_MORE
    rc = lb_send(&pt.lb, &m)
    msg_close(&m)
    if rc < 0:
        return rc
    r.with_id = r.stage == REQ_DELIMITER
    r.stage = REQ_BODY
    # The old request, if any, is over.
    if pt.fq.more:
        if r.reply != NULL:
            r.reply.unwanted += 1
        fq_skip(&pt.fq)
    r.receiving = False
    r.fetched = False
    r.reply = pt.lb.out
    if r.reply != NULL:
        req_discard(pt, r.reply)
    return 0


cdef inline int req_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef req_t *r = <req_t *> pt.part
    cdef bint more = (m.flags & MSG_MORE) != 0
    cdef int rc
    if r.stage != REQ_BODY:
        if r.receiving and not pt.options.req_relaxed:
            return -EFSM
        rc = req_prefix(pt, r)
        if rc < 0:
            return rc
    rc = lb_send(&pt.lb, m)
    if rc >= 0 and not more:
        r.stage = REQ_BEGIN
        r.receiving = True
    return rc


cdef inline pipe_t *req_abandon(pattern_t *pt) noexcept nogil:
    """The request that began will not be finished: the next one may be sent at once."""
    cdef req_t *r = <req_t *> pt.part
    if r.stage != REQ_BEGIN:
        r.stage = REQ_BEGIN
        r.reply = NULL
    return lb_abandon(&pt.lb)


cdef inline int req_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef req_t *r = <req_t *> pt.part
    cdef pipe_t *p = r.reply
    cdef msg_t *front
    if not r.receiving:
        return -EFSM
    if not req_fetch(pt, r):
        return -EAGAIN
    front = fq_front(&pt.fq) if pt.fq.more else NULL
    if front == NULL:
        r.fetched = False
        return -EAGAIN
    pt.last = p
    fq_take(&pt.fq, front, m)
    if not m.flags & MSG_MORE:
        r.receiving = False
        r.fetched = False
        r.reply = NULL
        if p != NULL:
            # Whatever else it has sent is of no use; and an ended pipe must be read to its end.
            req_discard(pt, p)
    return 0


cdef inline int req_events(pattern_t *pt) noexcept nogil:
    cdef req_t *r = <req_t *> pt.part
    cdef int events = 0
    if r.receiving and req_fetch(pt, r):
        events = PATTERN_IN
    if r.stage != REQ_BEGIN or ((pt.options.req_relaxed or not r.receiving) and lb_can_send(&pt.lb)):
        events |= PATTERN_OUT
    return events


cdef inline void req_in_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef req_t *r = <req_t *> pt.part
    # In the fair queue for its help with multipart messages only: a REQ never asks whose turn it is.
    fq_ready(&pt.fq, p)
    if p != r.reply:
        req_discard(pt, p)
    elif r.receiving and not r.fetching:
        req_fetch(pt, r)        # a malformed reply ends its connection now, not when the application comes to read


cdef inline void req_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    req_in_ready(pt, p)
    fq_pipe_front(p)            # the reply pipe may still be of use; if it holds nothing, it is drained


cdef inline void req_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef req_t *r = <req_t *> pt.part
    if r.reply == p:
        r.reply = NULL


cdef inline void req_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "REQ", "REP ROUTER", CAN_SEND | CAN_RECV | CONNECTS_ONCE | SENDS_IDENTITY | WAITS | REFUSES)
    ops.init = req_init
    ops.ready = dealer_ready
    ops.ended = req_ended
    ops.detach = req_detach
    ops.in_ready = req_in_ready
    ops.send = req_send
    ops.abandon = req_abandon
    ops.recv = req_recv
    ops.events = req_events
