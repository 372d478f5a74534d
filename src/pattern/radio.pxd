# RADIO: each message to every peer that has joined the message's group.
#
# Rules
# - A message is a group and one frame. In a pipe it is two frames: the group, with MORE, and the body.
# - The group of a message to send lies in memory right behind it (MSG_GROUPED), so that both go at once or neither. Without one, it is
#   the group whose name is empty.
# - A peer joins by control frames, and holds a group once. Whoever filters by itself (pipe.peer_legacy) gets everything.
# - What a peer holds belongs to its pipe, as for PUB. One with MAX_SUBSCRIPTIONS groups that joins another is closed.
# - A full peer misses the message; with XPUB_NODROP the message is refused (-EAGAIN) for all if one of its receivers is full.
# - A message that is too large for one of its receivers (pipe.message_max) is refused (-EMSGSIZE) for all.

from libc.stdint cimport uint32_t
from base.memory cimport calloc, free, realloc
from base.errors cimport EAGAIN, EINVAL, EMSGSIZE, ENOMEM
from message.message cimport (
    msg_t, msg_alloc, msg_close, msg_data, MSG_CANCEL, MSG_GROUPED, MSG_MORE, MSG_SUBSCRIBE,
)
from pipe.pipe cimport pipe_t, pipe_count_control, pipe_front, pipe_pop
from pattern.defaults cimport default_ops
from pattern.ops cimport (
    pattern_ops_t, pattern_t, CAN_SEND, DROPS, FLAG_BUSY, GROUPS, PATTERN_OUT, PUBLISHES, REFUSES, SINGLE_FRAME, WAITS,
)
from pattern.steps cimport pattern_close_pipe
from pattern.strategies.fan_out cimport (
    fan_all_ready, fan_asked, fan_attach, fan_begin, fan_choose, fan_free, fan_has_room, fan_init, fan_nobody, fan_out_t, fan_ready,
    fan_remove, fan_send, fan_take_broken,
)
from pattern.strategies.topic_trie cimport (
    holder_t, topic_trie_t, topics_add, topics_close, topics_count, topics_drop, topics_free, topics_held, topics_init,
    topics_match_exact, topics_open, topics_remove,
)

# In pipe.pattern_data.
cdef struct listener_t:
    holder_t joined
    bint hears_all              # it is in radio_t.hear_all

cdef struct radio_t:
    topic_trie_t groups
    fan_out_t fan
    pipe_t **hear_all           # the peers that filter by themselves
    uint32_t nhear_all
    uint32_t hear_all_room
    bint blocked                # NODROP refused a message and nothing has changed since


cdef inline int radio_init(pattern_t *pt) noexcept nogil:
    cdef radio_t *r = <radio_t *> calloc(1, sizeof(radio_t))
    if r == NULL:
        return -ENOMEM
    topics_init(&r.groups)
    fan_init(&r.fan, pt)
    pt.part = r
    return 0


cdef inline void radio_free(pattern_t *pt) noexcept nogil:
    cdef radio_t *r = <radio_t *> pt.part
    topics_free(&r.groups)
    fan_free(&r.fan)
    free(r.hear_all)


# ---- who hears what

cdef inline int radio_tell_all(radio_t *r, pipe_t *p) noexcept nogil:
    """From now on the peer gets everything. 0 or -ENOMEM."""
    cdef listener_t *who = <listener_t *> p.pattern_data
    cdef pipe_t **list
    if who.hears_all:
        return 0
    if r.nhear_all == r.hear_all_room:
        list = <pipe_t **> realloc(r.hear_all, (r.nhear_all * 2 + 2) * sizeof(pipe_t *))
        if list == NULL:
            return -ENOMEM
        r.hear_all = list
        r.hear_all_room = r.nhear_all * 2 + 2
    r.hear_all[r.nhear_all] = p
    r.nhear_all += 1
    who.hears_all = True
    return 0


cdef inline void radio_apply(pattern_t *pt, pipe_t *p, msg_t *m) noexcept nogil:
    """The peer joins or leaves. A join must not get lost: where there is no memory for it, the peer is to come back and join again."""
    cdef radio_t *r = <radio_t *> pt.part
    cdef holder_t *h = &(<listener_t *> p.pattern_data).joined
    cdef uint32_t limit = <uint32_t> pt.options.max_subscriptions
    if m.flags & MSG_CANCEL:
        topics_remove(&r.groups, h, msg_data(m), m.size)
    elif limit and h.count >= limit and not topics_held(&r.groups, h, msg_data(m), m.size):
        pattern_close_pipe(pt, p)
    elif topics_add(&r.groups, h, msg_data(m), m.size) < 0:
        pattern_close_pipe(pt, p)


cdef inline void radio_in_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Joins and leaves count, all else that a peer sends is discarded."""
    cdef msg_t *m
    if p.pattern_flags & FLAG_BUSY:
        return
    p.pattern_flags |= FLAG_BUSY
    (<radio_t *> pt.part).blocked = False
    while True:
        m = pipe_front(p)
        if m == NULL:
            break
        if m.flags & (MSG_SUBSCRIBE | MSG_CANCEL):
            radio_apply(pt, p, m)
            pipe_count_control(p, m)
        else:
            p.unwanted += not m.flags & MSG_MORE
        msg_close(m)
        pipe_pop(p)
    p.pattern_flags &= ~(<uint32_t> FLAG_BUSY)


cdef inline void radio_drop(radio_t *r, pipe_t *p) noexcept nogil:
    """The peer has gone: it hears nothing any more."""
    cdef listener_t *who = <listener_t *> p.pattern_data
    cdef uint32_t i = 0
    r.blocked = False
    fan_remove(&r.fan, p)
    if who == NULL:
        return
    topics_drop(&r.groups, &who.joined, NULL, NULL)
    if who.hears_all:
        while r.hear_all[i] != p:
            i += 1
        r.nhear_all -= 1
        r.hear_all[i] = r.hear_all[r.nhear_all]
        who.hears_all = False


# ---- pipes

cdef inline int radio_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef radio_t *r = <radio_t *> pt.part
    cdef listener_t *who = <listener_t *> calloc(1, sizeof(listener_t))
    cdef int rc
    if who == NULL:
        return -ENOMEM
    rc = topics_open(&r.groups, &who.joined, p)
    if rc < 0:
        free(who)
        return rc
    p.pattern_data = who
    r.blocked = False
    return fan_attach(&r.fan, p)


cdef inline int radio_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef int rc = radio_tell_all(<radio_t *> pt.part, p) if p.peer_legacy else 0
    radio_in_ready(pt, p)
    return rc


cdef inline void radio_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    radio_in_ready(pt, p)
    radio_drop(<radio_t *> pt.part, p)


cdef inline void radio_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef radio_t *r = <radio_t *> pt.part
    cdef listener_t *who = <listener_t *> p.pattern_data
    radio_drop(r, p)
    if who != NULL:
        topics_close(&r.groups, &who.joined)
        free(who)
        p.pattern_data = NULL


cdef inline void radio_out_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    cdef radio_t *r = <radio_t *> pt.part
    fan_ready(&r.fan, p)
    r.blocked = False


# ---- messages

cdef inline bint radio_fits(radio_t *r, size_t size) noexcept nogil:
    """Whether no peer has a limit below this. (Only such as hear everything have one.)"""
    cdef uint32_t i
    for i in range(r.nhear_all):
        if r.hear_all[i].message_max and size > r.hear_all[i].message_max:
            return False
    return True


cdef inline void radio_forward(pattern_t *pt, radio_t *r, msg_t *m) noexcept nogil:
    fan_send(&r.fan, m)
    while r.fan.broken:
        pattern_close_pipe(pt, fan_take_broken(&r.fan))


cdef inline int radio_send(pattern_t *pt, msg_t *m) noexcept nogil:
    cdef radio_t *r = <radio_t *> pt.part
    cdef msg_t nameless
    cdef msg_t *group = m + 1
    cdef uint32_t i
    if m.flags & MSG_MORE:
        return -EINVAL
    if not m.flags & MSG_GROUPED:
        group = &nameless
        msg_alloc(group, 0)
    if r.nhear_all and not radio_fits(r, group.size + m.size):
        return -EMSGSIZE
    if pt.options.xpub_nodrop:
        fan_all_ready(&r.fan)
    fan_begin(&r.fan, True)
    topics_match_exact(&r.groups, msg_data(group), group.size, &r.fan)
    for i in range(r.nhear_all):
        fan_choose(&r.fan, r.hear_all[i])
    if pt.options.xpub_nodrop and not fan_has_room(&r.fan):
        r.fan.chosen = 0
        r.blocked = True
        return -EAGAIN
    pt.nobody += fan_nobody(&r.fan)
    if r.fan.chosen:
        group.flags = MSG_MORE
        radio_forward(pt, r, group)
        m.flags &= ~(<unsigned char> MSG_GROUPED)
        radio_forward(pt, r, m)
    return 0


cdef inline int radio_events(pattern_t *pt) noexcept nogil:
    return 0 if pt.options.xpub_nodrop and (<radio_t *> pt.part).blocked else PATTERN_OUT


cdef inline int radio_subscribers(pattern_t *pt, const unsigned char *group, size_t n) noexcept nogil:
    cdef radio_t *r = <radio_t *> pt.part
    cdef uint32_t i
    fan_begin(&r.fan, False)
    topics_match_exact(&r.groups, group, n, &r.fan)
    for i in range(r.nhear_all):
        fan_choose(&r.fan, r.hear_all[i])
    return <int> fan_asked(&r.fan)


cdef inline int radio_topics_count(pattern_t *pt) noexcept nogil:
    return <int> topics_count(&(<radio_t *> pt.part).groups)


cdef inline void radio_ops(pattern_ops_t *ops) noexcept nogil:
    default_ops(ops, "RADIO", "DISH", CAN_SEND | PUBLISHES | GROUPS | SINGLE_FRAME | WAITS | DROPS | REFUSES)
    ops.init = radio_init
    ops.free = radio_free
    ops.attach = radio_attach
    ops.ready = radio_ready
    ops.ended = radio_ended
    ops.detach = radio_detach
    ops.in_ready = radio_in_ready
    ops.out_ready = radio_out_ready
    ops.send = radio_send
    ops.events = radio_events
    ops.topics_count = radio_topics_count
    ops.subscribers = radio_subscribers
