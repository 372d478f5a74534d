# SUB: fair queuing in, filtered; subscriptions out to every publisher (xsub.pxd).
#
# Rules
# - It tells publishers of every subscribe but only of the last unsubscribe of a topic.
# - It filters what arrives by itself, too, for publishers hear of a change later than the application makes it, and know nothing of exact
#   subscriptions and exclusions. But what poll has told of is received (sub_promise).

from libc.stdint cimport uint32_t
from base.errors cimport EAGAIN, ENOMEM
from message.message cimport msg_t, msg_data, MSG_CANCEL, MSG_SUBSCRIBE
from pattern.ops cimport (
    pattern_ops_t, pattern_t, CONFLATES_IN, CONNECTS_ONCE, PATTERN_IN, PATTERN_SKIP_MAX, REFINE_EXCLUDE,
)
from pattern.strategies.fair_queue cimport fq_discard, fq_front, fq_take
from pattern.strategies.finer cimport finer_excludes, finer_is_prefix, finer_match, finer_new
from pattern.strategies.radix cimport radix_entry, radix_find
from pattern.strategies.subscriptions cimport (
    subscriptions_add, subscriptions_match, subscriptions_remove, TOPIC_ABSENT, TOPIC_LAST,
)
from pattern.xsub cimport sub_promise, sub_promised, sub_t, sub_tell, subscriber_ops


cdef inline int sub_change(pattern_t *pt, const unsigned char *topic, size_t size, bint add) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    if add:
        if subscriptions_add(&s.topics, topic, size) < 0:
            return -ENOMEM
        sub_tell(pt, MSG_SUBSCRIBE, topic, size)
    elif subscriptions_remove(&s.topics, topic, size) == TOPIC_LAST:
        sub_tell(pt, MSG_CANCEL, topic, size)
    return 0


cdef inline int sub_subscribe(pattern_t *pt, const unsigned char *topic, size_t size, bint add) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    cdef uint32_t name
    if s.finer != NULL and not add:
        # Exact subscriptions to it are not to be taken back by this.
        name = radix_find(&s.topics.radix, topic, size)
        if name == 0 or not finer_is_prefix(s.finer, radix_entry(&s.topics.radix, name)):
            return 0
    return sub_change(pt, topic, size, add)


cdef inline int sub_refine(pattern_t *pt, int what, const unsigned char *topic, size_t size, bint add) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    cdef int rc
    if s.finer == NULL:
        if not add:
            return 0
        s.finer = finer_new()
        if s.finer == NULL:
            return -ENOMEM
    if what == REFINE_EXCLUDE:
        rc = subscriptions_add(&s.finer.excluded, topic, size) if add else subscriptions_remove(&s.finer.excluded, topic, size)
        return rc if rc < 0 else 0
    if not add:
        if subscriptions_remove(&s.finer.exact, topic, size) == TOPIC_ABSENT:
            return 0
        return sub_change(pt, topic, size, False)
    if subscriptions_add(&s.finer.exact, topic, size) < 0:
        return -ENOMEM
    rc = sub_change(pt, topic, size, True)
    if rc < 0:
        subscriptions_remove(&s.finer.exact, topic, size)
    return rc


cdef inline bint sub_wants(pattern_t *pt, sub_t *s, msg_t *m) noexcept nogil:
    """Whether the application gets the message that begins with this frame."""
    cdef const unsigned char *topic = msg_data(m)
    if s.finer == NULL:
        return subscriptions_match(&s.topics, topic, m.size) != pt.options.invert_matching
    if finer_excludes(s.finer, topic, m.size):
        return False
    return finer_match(s.finer, &s.topics, topic, m.size) != pt.options.invert_matching


cdef inline msg_t *sub_front(pattern_t *pt) noexcept nogil:
    """The next frame for the application, or NULL. What does not match is discarded."""
    cdef sub_t *s = <sub_t *> pt.part
    cdef msg_t *front
    cdef int skipped = 0
    while True:
        front = fq_front(&pt.fq)
        if front == NULL or pt.fq.more:
            return front
        if sub_promised(pt) or sub_wants(pt, s, front):
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
    ops.refine = sub_refine
    ops.recv = sub_recv
    ops.events = sub_events
    ops.told = sub_promise
