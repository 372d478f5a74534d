# SUB: fair queuing in, filtered; subscriptions out to every publisher (xsub.pxd).
#
# Rules
# - It tells publishers of every subscribe but only of the last unsubscribe of a topic.
# - It filters what arrives by itself, too, for publishers hear of a change later than the application makes it.

from base.errors cimport EAGAIN, ENOMEM
from message.message cimport msg_t, msg_data, MSG_CANCEL, MSG_SUBSCRIBE
from pattern.ops cimport (
    pattern_ops_t, pattern_t, CONFLATES_IN, CONNECTS_ONCE, PATTERN_IN, PATTERN_SKIP_MAX,
)
from pattern.strategies.fair_queue cimport fq_discard, fq_front, fq_take
from pattern.strategies.subscriptions cimport subscriptions_add, subscriptions_match, subscriptions_remove, TOPIC_LAST
from pattern.xsub cimport sub_t, sub_tell, subscriber_ops


cdef inline int sub_subscribe(pattern_t *pt, const unsigned char *topic, size_t size, bint add) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    if add:
        if subscriptions_add(&s.topics, topic, size) < 0:
            return -ENOMEM
        sub_tell(pt, MSG_SUBSCRIBE, topic, size)
    elif subscriptions_remove(&s.topics, topic, size) == TOPIC_LAST:
        sub_tell(pt, MSG_CANCEL, topic, size)
    return 0


cdef inline msg_t *sub_front(pattern_t *pt) noexcept nogil:
    """The next frame for the application, or NULL. What does not match is discarded."""
    cdef sub_t *s = <sub_t *> pt.part
    cdef msg_t *front
    cdef int skipped = 0
    while True:
        front = fq_front(&pt.fq)
        if front == NULL or pt.fq.more:
            return front
        if subscriptions_match(&s.topics, msg_data(front), front.size) != pt.options.invert_matching:
            return front
        pt.fq.pipes[pt.fq.current].filtered += 1
        fq_discard(&pt.fq, front)
        skipped += 1
        if skipped == PATTERN_SKIP_MAX:
            pt.unfinished = True
            return NULL


cdef inline int sub_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef msg_t *front = sub_front(pt)
    if front == NULL:
        return -EAGAIN
    if not pt.fq.more:
        pt.last = pt.fq.pipes[pt.fq.current]
    fq_take(&pt.fq, front, m)
    return 0


cdef inline int sub_events(pattern_t *pt) noexcept nogil:
    return PATTERN_IN if sub_front(pt) != NULL else 0


cdef inline void sub_ops(pattern_ops_t *ops) noexcept nogil:
    subscriber_ops(ops, "SUB", CONNECTS_ONCE | CONFLATES_IN)
    ops.subscribe = sub_subscribe
    ops.recv = sub_recv
    ops.events = sub_events
