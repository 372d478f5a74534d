# XSUB: fair queuing in; out to every publisher: subscriptions, and messages. And what it shares with SUB (sub.pxd).
#
# Rules
# - Subscriptions are control state: no mark refuses them, every publisher gets all of them at every connection, and one that cannot take
#   them (memory) is closed so that it starts afresh.
# - XSUB does not filter. What the application sends beginning with 01 or 00 is a subscription or its end; everything else goes to all
#   publishers, and one without room misses it. With ONLY_FIRST_SUBSCRIBE the later frames of a message are looked at only if the first was one.
# - A subscription that is a whole message travels as control. One inside a multipart message stays a frame of it: the message keeps its shape.

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport calloc, free
from base.errors cimport ENOMEM
from message.message cimport msg_t, msg_data, msg_close, msg_share, MSG_MORE, MSG_SUBSCRIBE, MSG_CANCEL
from pipe.pipe cimport pipe_abandon, pipe_t, pipe_write_control
from pipe.ring cimport ring_fronts
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, CAN_RECV, CAN_SEND, PATTERN_IN, PATTERN_OUT, SUBSCRIBES,
)
from pattern.steps cimport pattern_close_pipe
from pattern.strategies.fair_queue cimport fq_attach, fq_ended, fq_front
from pattern.strategies.fan_out cimport (
    fan_out_t, fan_init, fan_free, fan_attach, fan_begin, fan_choose_all, fan_nobody, fan_ready, fan_remove, fan_send, fan_take_broken,
)
from pattern.strategies.finer cimport finer_clear, finer_t
from pattern.strategies.radix cimport entry_t
from pattern.strategies.subscriptions cimport (
    subscriptions_t, subscriptions_init, subscriptions_clear, subscriptions_count, subscriptions_at, subscriptions_add,
    subscriptions_remove, TOPIC_LAST, TOPIC_REMAINS,
)

cdef struct sub_t:
    subscriptions_t topics
    fan_out_t fan
    finer_t *finer              # SUB; NULL: prefixes only
    pipe_t *promised            # SUB and DISH: the application has been told of the message at its front; sub_promise()
    uint64_t promised_at
    # XSUB
    bint sending                # inside a message
    bint looking                # its further frames may be subscriptions


cdef inline int sub_init(pattern_t *pt) noexcept nogil:
    cdef sub_t *s = <sub_t *> calloc(1, sizeof(sub_t))
    if s == NULL:
        return -ENOMEM
    subscriptions_init(&s.topics)
    fan_init(&s.fan, pt)
    pt.part = s
    return 0


cdef inline void sub_free(pattern_t *pt) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    subscriptions_clear(&s.topics)
    if s.finer != NULL:
        finer_clear(s.finer)
        free(s.finer)
    fan_free(&s.fan)


cdef inline int sub_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef int rc = fq_attach(&pt.fq, p)
    return rc if rc < 0 else fan_attach(&(<sub_t *> pt.part).fan, p)


cdef inline int sub_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    cdef entry_t *e
    cdef uint32_t i
    for i in range(subscriptions_count(&s.topics)):
        e = subscriptions_at(&s.topics, i)
        if pipe_write_control(p, MSG_SUBSCRIBE, e.key, e.size) < 0:
            pattern_close_pipe(pt, p)
            break
    return 0


cdef inline void sub_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    fan_remove(&(<sub_t *> pt.part).fan, p)
    fq_ended(&pt.fq, p)


cdef inline void sub_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    fan_remove(&s.fan, p)
    if s.promised == p:
        s.promised = NULL


cdef inline void sub_promise(pattern_t *pt) noexcept nogil:
    """The application is told that the message at the front of the queue is there. It gets it, whatever it unsubscribes from before it asks. (A pipe that
    conflates may have a newer one by then.)"""
    cdef sub_t *s = <sub_t *> pt.part
    cdef pipe_t *p
    if not pt.fq.more:          # inside a message the application hears of its rest
        p = pt.fq.pipes[pt.fq.current]
        s.promised = p
        s.promised_at = ring_fronts(p.inr)


cdef inline bint sub_promised(pattern_t *pt) noexcept nogil:
    """Whether the message at the front of the queue has been promised."""
    cdef sub_t *s = <sub_t *> pt.part
    return s.promised == pt.fq.pipes[pt.fq.current] and s.promised_at == ring_fronts(s.promised.inr)


cdef inline void sub_out_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    fan_ready(&(<sub_t *> pt.part).fan, p)


cdef inline int sub_topics_count(pattern_t *pt) noexcept nogil:
    return <int> subscriptions_count(&(<sub_t *> pt.part).topics)


cdef inline void sub_tell(pattern_t *pt, int flag, const unsigned char *topic, size_t size) noexcept nogil:
    """Control to every publisher."""
    cdef sub_t *s = <sub_t *> pt.part
    cdef uint32_t i
    for i in range(s.fan.count):
        if pipe_write_control(s.fan.pipes[i], flag, topic, size) < 0:
            pattern_close_pipe(pt, s.fan.pipes[i])


cdef inline void xsub_forward(pattern_t *pt, sub_t *s, msg_t *m) noexcept nogil:
    fan_send(&s.fan, m)
    while s.fan.broken:
        pattern_close_pipe(pt, fan_take_broken(&s.fan))


cdef inline pipe_t *xsub_abandon(pattern_t *pt) noexcept nogil:
    """The message that began will not be finished."""
    cdef sub_t *s = <sub_t *> pt.part
    cdef uint32_t i
    if s.sending:
        for i in range(s.fan.chosen):
            if pipe_abandon(s.fan.pipes[i]):
                pattern_close_pipe(pt, s.fan.pipes[i])
    s.sending = False
    s.fan.chosen = 0
    return NULL


cdef inline int xsub_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef sub_t *s = <sub_t *> pt.part
    cdef bint more = (m.flags & MSG_MORE) != 0
    cdef bint first = not s.sending
    cdef unsigned char *data = msg_data(m)
    cdef bint topic = m.size > 0 and data[0] <= 1
    cdef bint again = False
    cdef int rc = 0
    cdef msg_t copy
    if topic and (first or s.looking):
        if data[0] == 1:
            rc = subscriptions_add(&s.topics, data + 1, m.size - 1)
            if rc < 0:
                return rc
        else:
            rc = subscriptions_remove(&s.topics, data + 1, m.size - 1)
            again = rc == TOPIC_REMAINS
        if first and not more:
            if data[0] == 1:
                sub_tell(pt, MSG_SUBSCRIBE, data + 1, m.size - 1)
            elif rc == TOPIC_LAST or pt.options.xsub_verbose_unsubscribe:
                sub_tell(pt, MSG_CANCEL, data + 1, m.size - 1)
            return 0
    if first:
        s.looking = topic or not pt.options.only_first_subscribe
        fan_begin(&s.fan, True)
        fan_choose_all(&s.fan)
        pt.nobody += fan_nobody(&s.fan)
    if again and not pt.options.xsub_verbose_unsubscribe:
        # The frame must go or the message would lose its shape; but a publisher takes it for the last reference, so subscribe again.
        if msg_share(&copy, m) < 0:
            return -ENOMEM
        s.sending = more
        xsub_forward(pt, s, m)
        sub_tell(pt, MSG_SUBSCRIBE, msg_data(&copy) + 1, copy.size - 1)
        msg_close(&copy)
        return 0
    s.sending = more
    xsub_forward(pt, s, m)
    return 0


cdef inline int xsub_events(pattern_t *pt) noexcept nogil:
    return PATTERN_OUT | PATTERN_IN if fq_front(&pt.fq) != NULL else PATTERN_OUT


cdef inline void subscriber_ops(pattern_ops_t *ops, const char *name, uint32_t traits) noexcept nogil:
    """What SUB and XSUB have in common."""
    default_ops(ops, name, "PUB XPUB", CAN_RECV | SUBSCRIBES | traits)
    ops.init = sub_init
    ops.free = sub_free
    ops.attach = sub_attach
    ops.ready = sub_ready
    ops.ended = sub_ended
    ops.detach = sub_detach
    ops.out_ready = sub_out_ready
    ops.topics_count = sub_topics_count


cdef inline void xsub_ops(pattern_ops_t *ops) noexcept nogil:
    subscriber_ops(ops, "XSUB", CAN_SEND)
    ops.send = xsub_send
    ops.abandon = xsub_abandon
    ops.events = xsub_events
