# DISH: fair queuing in, of the groups it has joined; joins and leaves out to every RADIO, as SUB does with its subscriptions (xsub.pxd).
#
# Rules
# - A group matches by its whole name. To join one twice, or to leave one that has not been joined, is a mistake (-EINVAL).
# - It filters what arrives by itself, too: a RADIO hears of a change later than the application makes it, and over udp not at all.
# - The application gets the body; its group is kept aside (pattern_t.group) until the next receive.
# - A peer whose message is not a group and one body loses its connection.

from libc.stddef cimport size_t
from base.config cimport GROUP_MAX
from base.errors cimport EAGAIN, EINVAL, ENOMEM
from base.memory cimport realloc
from message.message cimport msg_close, msg_data, msg_t, MSG_CANCEL, MSG_EMPTY, MSG_MORE, MSG_SUBSCRIBE
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, CAN_RECV, GROUPS, PATTERN_IN, PATTERN_SKIP_MAX, SINGLE_FRAME,
)
from pattern.steps cimport pattern_close_pipe
from pattern.strategies.fair_queue cimport fq_discard, fq_front, fq_skip, fq_take
from pattern.strategies.subscriptions cimport subscriptions_add, subscriptions_has, subscriptions_remove
from pattern.xsub cimport (
    sub_attach, sub_detach, sub_ended, sub_free, sub_init, sub_out_ready, sub_promise, sub_promised, sub_ready, sub_t, sub_tell, sub_topics_count,
)
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_second

cdef struct dish_t:
    sub_t sub                   # first: a dish_t * is a sub_t *
    msg_t group                 # of the message received last


cdef inline int dish_init(pattern_t *pt) noexcept nogil:
    cdef dish_t *d
    cdef int rc = sub_init(pt)
    if rc < 0:
        return rc
    d = <dish_t *> realloc(pt.part, sizeof(dish_t))
    if d == NULL:
        return -ENOMEM
    d.group.kind = MSG_EMPTY
    pt.part = d
    pt.group = &d.group
    return 0


cdef inline void dish_free(pattern_t *pt) noexcept nogil:
    msg_close(&(<dish_t *> pt.part).group)
    pt.group = NULL
    sub_free(pt)


cdef inline int dish_join(pattern_t *pt, const unsigned char *group, size_t n, bint add) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    if n > GROUP_MAX or subscriptions_has(&s.topics, group, n) == add:
        return -EINVAL
    if add:
        if subscriptions_add(&s.topics, group, n) < 0:
            return -ENOMEM
        sub_tell(pt, MSG_SUBSCRIBE, group, n)
    else:
        subscriptions_remove(&s.topics, group, n)
        sub_tell(pt, MSG_CANCEL, group, n)
    return 0


cdef inline msg_t *dish_front(pattern_t *pt) noexcept nogil:
    """The group of the next message for the application, whose body stands behind it, or NULL. What nobody has joined is discarded."""
    cdef sub_t *s = <sub_t *> pt.part
    cdef pipe_t *p
    cdef msg_t *front
    cdef int skipped = 0
    while True:
        if pt.fq.more and not fq_skip(&pt.fq):
            return NULL
        front = fq_front(&pt.fq)
        if front == NULL:
            return NULL
        p = pt.fq.pipes[pt.fq.current]
        if not front.flags & MSG_MORE or front.size > GROUP_MAX or ring_second(p.inr).flags & MSG_MORE:
            p.unwanted += 1
            if not p.ended:
                # Otherwise there is no connection any more, and what stands behind would go with the pipe though poll may have promised it.
                pattern_close_pipe(pt, p)
        elif sub_promised(pt) or subscriptions_has(&s.topics, msg_data(front), front.size):
            return front
        else:
            p.filtered += 1
        fq_discard(&pt.fq, front)
        skipped += 1
        if skipped == PATTERN_SKIP_MAX:
            pt.unfinished = True
            return NULL


cdef inline int dish_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef dish_t *d = <dish_t *> pt.part
    cdef msg_t *front = dish_front(pt)
    if front == NULL:
        return -EAGAIN
    pt.last = pt.fq.pipes[pt.fq.current]
    msg_close(&d.group)
    fq_take(&pt.fq, front, &d.group)
    fq_take(&pt.fq, fq_front(&pt.fq), m)
    return 0


cdef inline int dish_events(pattern_t *pt) noexcept nogil:
    return PATTERN_IN if dish_front(pt) != NULL else 0


cdef inline void dish_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "DISH", "RADIO", CAN_RECV | GROUPS | SINGLE_FRAME)
    ops.init = dish_init
    ops.free = dish_free
    ops.attach = sub_attach
    ops.ready = sub_ready
    ops.ended = sub_ended
    ops.detach = sub_detach
    ops.out_ready = sub_out_ready
    ops.recv = dish_recv
    ops.events = dish_events
    ops.told = sub_promise
    ops.topics_count = sub_topics_count
    ops.join = dish_join
