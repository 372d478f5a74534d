# PUB and XPUB: each message to every peer that subscribed to a prefix of its first frame. XPUB also receives: the subscriptions, and what
# XSUB peers send besides.
#
# Rules
# - Input is read as soon as it arrives, whole messages at a time, so nothing about a peer's message is remembered between calls.
# - A subscription is a control frame, or a frame of a user message that begins with 01 or 00; with ONLY_FIRST_SUBSCRIBE frames after the
#   first count only if the first was one. Other frames are user data: kept for the application by XPUB, discarded by PUB.
# - Reports and user messages wait for the application in a queue (xpub_pending.pxd).
# - A peer holds a topic once; the reports are: first holder and last one gone. VERBOSE adds further subscriptions, VERBOSER also further
#   cancellations. A cancellation of a topic nobody held is reported like a real one.
# - XPUB_MANUAL: requests are reported and remembered (`asked`) but take effect only through pattern_subscribe() after the application has
#   received one, for the peer it came from. When a peer goes, what it asked for is reported, what took effect just ends.
# - XPUB_MANUAL_LAST_VALUE: as manual, and the first message after a received request goes to that peer only. With XPUB_ANSWER all do, as long as
#   it is set, and nobody gets them if that peer has gone.
# - What a peer holds belongs to its pipe. That of a connect() outlives its connections: messages queue there up to the mark while the peer is
#   away, and it finds them when it is back. What it does not subscribe to again then stays held; SUB peers filter by themselves.
# - A peer with MAX_SUBSCRIPTIONS topics that asks for another one is closed. With that option XPUB's application is expected to read: so many
#   frames of one peer that wait for it close the peer as well.
# - A full peer misses the message; with XPUB_NODROP the message is refused (-EAGAIN) for all if one of its receivers is full.

from libc.stdint cimport uint32_t
from base.memory cimport malloc, calloc, free
from base.errors cimport EAGAIN, EFSM, EINVAL, ENOMEM
from message.message cimport msg_t, msg_data, msg_close, MSG_MORE, MSG_SUBSCRIBE, MSG_CANCEL
from pipe.pipe cimport pipe_t, pipe_count_control, pipe_front, pipe_pop
from pipe.ring cimport ring_init, ring_free, ring_front, ring_pop, ring_empty
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, CAN_RECV, CAN_SEND, DROPS, FLAG_BUSY, PATTERN_IN, PATTERN_OUT, PUBLISHES, REFUSES, WAITS,
)
from pattern.steps cimport pattern_close_pipe, pattern_greet
from pattern.strategies.fan_out cimport (
    fan_all_ready, fan_asked, fan_init, fan_free, fan_attach, fan_begin, fan_has_room, fan_remove, fan_ready, fan_choose, fan_invert, fan_nobody,
    fan_send, fan_take_broken,
)
from pattern.strategies.topic_trie cimport (
    holder_t, topic_trie_t, topics_init, topics_free, topics_open, topics_close, topics_add, topics_remove, topics_drop, topics_held, topics_match,
    topics_count, TOPIC_FIRST,
)
from pattern.strategies.subscriptions cimport TOPIC_REMAINS
from pattern.xpub_pending cimport (
    pub_count_unread, pub_end_message, pub_hold, pub_peer, pub_report, pub_t, subscriber_t,
)


cdef inline int pub_init(pattern_t *pt) noexcept nogil:
    cdef pub_t *b = <pub_t *> calloc(1, sizeof(pub_t))
    if b == NULL:
        return -ENOMEM
    topics_init(&b.topics)
    fan_init(&b.fan, pt)
    ring_init(&b.pending, 0)
    ring_init(&b.later, 0)
    pt.part = b
    return 0


cdef inline void pub_free(pattern_t *pt) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    topics_free(&b.topics)
    if b.asked != NULL:
        topics_free(b.asked)
        free(b.asked)
    fan_free(&b.fan)
    pub_count_unread(pt)
    ring_free(&b.pending)
    ring_free(&b.later)
    if b.holding:
        msg_close(&b.held)


cdef inline bint pub_reports(pattern_t *pt) noexcept nogil:
    """XPUB: its application hears what its peers send."""
    return (pt.ops.traits & CAN_RECV) != 0


cdef inline bint pub_manual(pattern_t *pt) noexcept nogil:
    return pub_reports(pt) and (pt.options.xpub_manual or pt.options.xpub_manual_last_value)


# ---- subscriptions

cdef inline int pub_ask(pattern_t *pt, pipe_t *p, bint subscribe, const unsigned char *topic, size_t size) noexcept nogil:
    """Remembers a request in manual mode. 0 or -ENOMEM."""
    cdef pub_t *b = <pub_t *> pt.part
    cdef subscriber_t *s = <subscriber_t *> p.pattern_data
    if b.asked == NULL:
        b.asked = <topic_trie_t *> malloc(sizeof(topic_trie_t))
        if b.asked == NULL:
            return -ENOMEM
        topics_init(b.asked)
    if not s.has_asked:
        if topics_open(b.asked, &s.asked, p) < 0:
            return -ENOMEM
        s.has_asked = True
    if not subscribe:
        topics_remove(b.asked, &s.asked, topic, size)
        return 0
    return -ENOMEM if topics_add(b.asked, &s.asked, topic, size) < 0 else 0


cdef inline bint pub_over_limit(pattern_t *pt, pipe_t *p, const unsigned char *topic, size_t size) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    cdef subscriber_t *s = <subscriber_t *> p.pattern_data
    cdef topic_trie_t *t = &b.topics
    cdef holder_t *h = &s.holds
    if pub_manual(pt):
        if not s.has_asked:
            return False
        t = b.asked
        h = &s.asked
    return pt.options.max_subscriptions != 0 and h.count >= <uint32_t> pt.options.max_subscriptions and not topics_held(t, h, topic, size)


cdef inline void pub_apply(pattern_t *pt, pipe_t *p, bint subscribe, const unsigned char *topic, size_t size) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    cdef subscriber_t *s = <subscriber_t *> p.pattern_data
    cdef int rc
    cdef bint report = True
    if subscribe and pub_over_limit(pt, p, topic, size):
        pattern_close_pipe(pt, p)
        return
    if pub_manual(pt):
        rc = pub_ask(pt, p, subscribe, topic, size)
    elif subscribe:
        rc = topics_add(&b.topics, &s.holds, topic, size)
        report = rc == TOPIC_FIRST or pt.options.xpub_verbose or pt.options.xpub_verboser
    else:
        rc = topics_remove(&b.topics, &s.holds, topic, size)
        report = rc != TOPIC_REMAINS or pt.options.xpub_verboser
    if rc < 0:
        # A subscription must not get lost: the peer is to come back and send all of them again.
        pattern_close_pipe(pt, p)
    elif report and pub_reports(pt):
        pub_report(pt, p, subscribe, topic, size)


cdef inline void pub_gone(void *arg, const unsigned char *topic, uint32_t size, bint last) noexcept nogil:
    cdef pattern_t *pt = <pattern_t *> arg
    if pub_reports(pt) and (last or pt.options.xpub_verboser):
        pub_report(pt, (<pub_t *> pt.part).leaving, False, topic, size)


cdef inline void pub_gone_asked(void *arg, const unsigned char *topic, uint32_t size, bint last) noexcept nogil:
    pub_report(<pattern_t *> arg, NULL, False, topic, size)


cdef inline void pub_drop(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The peer has gone: so have its subscriptions."""
    cdef pub_t *b = <pub_t *> pt.part
    cdef subscriber_t *s = <subscriber_t *> p.pattern_data
    b.blocked = False
    if b.asker == p:
        b.asker = NULL
        b.last_value = False
    if s == NULL:
        return
    if pub_manual(pt):
        if s.has_asked:
            topics_drop(b.asked, &s.asked, pub_gone_asked, pt)
        topics_drop(&b.topics, &s.holds, NULL, NULL)
        return
    if s.has_asked:
        topics_drop(b.asked, &s.asked, NULL, NULL)
    b.leaving = p
    topics_drop(&b.topics, &s.holds, pub_gone, pt)
    b.leaving = NULL


cdef inline int pub_subscribe(pattern_t *pt, const unsigned char *topic, size_t size, bint add) noexcept nogil:
    """XPUB_MANUAL: for the peer whose request was received last. Ignored if that peer is gone."""
    cdef pub_t *b = <pub_t *> pt.part
    cdef subscriber_t *s
    if not pub_manual(pt):
        return -EINVAL
    if b.asker == NULL:
        return 0
    s = <subscriber_t *> b.asker.pattern_data
    b.blocked = False
    if not add:
        topics_remove(&b.topics, &s.holds, topic, size)
        return 0
    return -ENOMEM if topics_add(&b.topics, &s.holds, topic, size) < 0 else 0


# ---- pipes

cdef inline void pub_in_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    cdef msg_t m
    cdef msg_t *front
    cdef unsigned char *data
    cdef bint first = True
    cdef bint looking = True
    cdef bint spoilt = False    # the rest of this message is dropped
    cdef bint more, topic
    if p.pattern_flags & FLAG_BUSY:
        return                  # the loop below is under us and will see what has arrived
    p.pattern_flags |= FLAG_BUSY
    b.blocked = False
    while True:
        front = pipe_front(p)
        if front == NULL:
            break
        m = front[0]
        pipe_pop(p)
        data = msg_data(&m)
        if m.flags & (MSG_SUBSCRIBE | MSG_CANCEL):
            pub_apply(pt, p, (m.flags & MSG_SUBSCRIBE) != 0, data, m.size)
            msg_close(&m)
            pipe_count_control(p, &m)
            continue
        more = (m.flags & MSG_MORE) != 0
        topic = looking and m.size > 0 and data[0] <= 1
        if first:
            looking = topic or not pt.options.only_first_subscribe
        if topic:
            pub_apply(pt, p, data[0] == 1, data + 1, m.size - 1)
            msg_close(&m)
            if first:
                pipe_count_control(p, &m)
        elif pub_reports(pt) and not spoilt:
            spoilt = not pub_hold(pt, p, &m)
        else:
            msg_close(&m)
            p.unwanted += not more
        first = not more
        if first:
            looking = True
            spoilt = False
            pub_end_message(pt, p)
    pub_end_message(pt, p)
    p.pattern_flags &= ~(<uint32_t> FLAG_BUSY)


cdef inline int pub_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    cdef subscriber_t *s = <subscriber_t *> calloc(1, sizeof(subscriber_t))
    cdef int rc
    if s == NULL:
        return -ENOMEM
    rc = topics_open(&b.topics, &s.holds, p)
    if rc < 0:
        free(s)
        return rc
    p.pattern_data = s
    b.blocked = False
    return fan_attach(&b.fan, p)


cdef inline int pub_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    if pt.options.xpub_welcome_msg.size:
        pattern_greet(p, pt.options.xpub_welcome_msg.data, pt.options.xpub_welcome_msg.size)
    if p.peer_legacy:
        # It filters by itself and never subscribes.
        pub_apply(pt, p, True, NULL, 0)
    pub_in_ready(pt, p)
    return 0


cdef inline void pub_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    pub_in_ready(pt, p)
    pub_drop(pt, p)
    fan_remove(&b.fan, p)


cdef inline void pub_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    cdef subscriber_t *s = <subscriber_t *> p.pattern_data
    pub_drop(pt, p)
    fan_remove(&b.fan, p)
    if s != NULL:
        topics_close(&b.topics, &s.holds)
        if s.has_asked:
            topics_close(b.asked, &s.asked)
        free(s)
        p.pattern_data = NULL


cdef inline void pub_out_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    fan_ready(&b.fan, p)
    b.blocked = False


# ---- messages

cdef inline void pub_choose(pattern_t *pt, pub_t *b, msg_t *m) noexcept nogil:
    cdef bint one = b.last_value and pt.options.xpub_manual_last_value or pt.options.xpub_answer
    fan_begin(&b.fan, not (one or pt.options.invert_matching))
    topics_match(&b.topics, msg_data(m), m.size, &b.fan)
    if one:
        one = b.asker != NULL and (b.asker.fan_index < b.fan.chosen or b.asker.fan_missed == b.fan.serial)
        if pt.options.xpub_answer and pt.options.invert_matching:
            one = b.asker != NULL and not one
        fan_begin(&b.fan, True)
        if one:
            fan_choose(&b.fan, b.asker)
    if pt.options.invert_matching and not pt.options.xpub_answer:
        fan_invert(&b.fan)


cdef inline int pub_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    cdef bint more = (m.flags & MSG_MORE) != 0
    if not b.sending:
        if pt.options.xpub_nodrop:
            fan_all_ready(&b.fan)
        pub_choose(pt, b, m)
        if pt.options.xpub_nodrop and not fan_has_room(&b.fan):
            b.fan.chosen = 0
            b.blocked = True
            return -EAGAIN
        if b.last_value:
            b.last_value = False
            b.asker = NULL
        pt.nobody += fan_nobody(&b.fan)
    b.sending = more
    if b.fan.chosen:
        fan_send(&b.fan, m)
        while b.fan.broken:
            pattern_close_pipe(pt, fan_take_broken(&b.fan))
    return 0


cdef inline int pub_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    cdef msg_t *front = ring_front(&b.pending)
    if front == NULL:
        return -EAGAIN
    m[0] = front[0]
    pt.last = pub_peer(b, m)
    if pt.last != NULL:
        (<subscriber_t *> pt.last.pattern_data).unread -= 1
    if m.flags & MSG_SUBSCRIBE:
        m.flags &= ~(<unsigned char> MSG_SUBSCRIBE)
        if pub_manual(pt):
            b.asker = pt.last
            b.last_value = b.asker != NULL and pt.options.xpub_manual_last_value
    m.routing_id = 0
    m.unused = 0
    ring_pop(&b.pending)
    return 0


cdef inline int pub_events(pattern_t *pt) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    cdef int events = 0
    if not (pt.options.xpub_nodrop and b.blocked and not b.sending):
        events = PATTERN_OUT
    if pub_reports(pt) and not ring_empty(&b.pending):
        events |= PATTERN_IN
    return events


cdef inline int pub_subscribers(pattern_t *pt, const unsigned char *topic, size_t n) noexcept nogil:
    cdef pub_t *b = <pub_t *> pt.part
    if b.sending:
        return -EFSM
    fan_begin(&b.fan, False)
    topics_match(&b.topics, topic, n, &b.fan)
    return <int> fan_asked(&b.fan)


cdef inline int pub_topics_count(pattern_t *pt) noexcept nogil:
    return <int> topics_count(&(<pub_t *> pt.part).topics)


cdef inline void publisher_ops(pattern_ops_t *ops, const char *name, uint32_t traits) noexcept nogil:
    """What PUB and XPUB have in common. (They refuse no frame, so there is nothing to abandon: who misses a part of a message misses all.)"""
    default_ops(ops, name, "SUB XSUB", CAN_SEND | PUBLISHES | WAITS | DROPS | REFUSES | traits)
    ops.init = pub_init
    ops.free = pub_free
    ops.attach = pub_attach
    ops.ready = pub_ready
    ops.ended = pub_ended
    ops.detach = pub_detach
    ops.in_ready = pub_in_ready
    ops.out_ready = pub_out_ready
    ops.send = pub_send
    ops.events = pub_events
    ops.topics_count = pub_topics_count
    ops.subscribers = pub_subscribers


cdef inline void xpub_ops(pattern_ops_t *ops) noexcept nogil:
    publisher_ops(ops, "XPUB", CAN_RECV)
    ops.recv = pub_recv
    ops.subscribe = pub_subscribe
