# pattern: what a socket type does with messages and pipes. The room's front; one function of each kind, dispatched by type.
#
# Rules
# - The caller holds the socket's lock. Nothing here blocks, looks at a clock or knows how a peer is reached.
# - A pipe is attached once and detached once; before and after, the other calls ignore it (its pattern fields are zero). In between
#   pattern_ready() and pattern_lost() alternate (a connection came, a connection went) and pattern_ended() says that no more will come or go.
# - No function calls the socket back except through the hooks, pipe_t.notify, .sink, .resume and .drained. Reports (pattern_in_ready and
#   pattern_out_ready) may come from inside these; ready, lost, ended and detach may not.
# - pattern_send(): 0 and the frame is dealt with; if the caller still owns the payload afterwards (kind != MSG_EMPTY) it closes it.
#   LB_DROPPED (1): the peer of the message begun went away and the frame was discarded, though it belongs to the caller; success for a
#   blocking call, EAGAIN for one with DONTWAIT. Later frames of that message are swallowed with 0. Negative: nothing happened.
# - pattern_recv(), pattern_events(): see `unfinished` in state.pxd before sleeping.

from libc.stdint cimport uint32_t
from base.memory cimport free
from libc.string cimport memset
from base.errors cimport EAGAIN, EEXIST, EINVAL, ENOMEM, ENOTSUP
from message.message cimport msg_t, MSG_MORE
from pipe.pipe cimport pipe_abandon, pipe_t
from pattern.state cimport (
    pattern_t, pattern_close_pipe, pattern_hooks_t, pattern_pipe_init, PATTERN_PAIR, PATTERN_PUB, PATTERN_SUB, PATTERN_REQ, PATTERN_REP,
    PATTERN_DEALER, PATTERN_ROUTER, PATTERN_PULL, PATTERN_PUSH, PATTERN_XPUB, PATTERN_XSUB, PATTERN_IN, PATTERN_OUT,
    FLAG_UP, FLAG_ENDED, FLAG_ATTACHED,
)
from pattern.strategies.fair_queue cimport fq_init, fq_free, fq_has, fq_ready, fq_quiet, fq_remove, fq_front, fq_recv, fq_pipe_front
from pattern.strategies.load_balance cimport lb_abandon, lb_init, lb_free, lb_ready, lb_remove, lb_send, lb_can_send, LB_DROPPED
from pattern.strategies.fan_out cimport fan_ready, fan_remove
from pattern.pair cimport pair_attach
from pattern.push cimport push_attach, push_in_ready
from pattern.pull cimport pull_attach
from pattern.dealer cimport dealer_attach, dealer_ready, dealer_lost
from pattern.req cimport (
    req_abandon, req_init, req_attach, req_send, req_recv, req_events, req_in_ready, req_detach,
)
from pattern.rep cimport rep_abandon, rep_init, rep_free, rep_attach, rep_send, rep_recv, rep_events, rep_lost, rep_detach
from pattern.router cimport (
    router_abandon, router_init, router_free, router_attach, router_ready, router_lost, router_ended, router_detach, router_send, router_recv,
    router_events, router_set_connect_id, router_peer_state,
)
from pattern.pub cimport (
    pub_t, pub_init, pub_free, pub_attach, pub_ready, pub_ended, pub_detach, pub_in_ready, pub_send, pub_recv, pub_events,
    pub_subscribe,
)
from pattern.strategies.topic_trie cimport topics_count
from pattern.sub cimport (
    sub_t, sub_init, sub_free, sub_attach, sub_ready, sub_subscribe, sub_recv, sub_events, xsub_abandon, xsub_send,
)
from pattern.strategies.subscriptions cimport subscriptions_count


cdef inline int pattern_init(pattern_t *pt, int socket_type, void *owner, const pattern_hooks_t *hooks) noexcept nogil:
    """0, -EINVAL (no such type) or -ENOMEM. After a failure there is nothing to free."""
    memset(pt, 0, sizeof(pattern_t))
    pt.type = socket_type
    pt.owner = owner
    pt.hooks = hooks[0]
    fq_init(&pt.fq)
    lb_init(&pt.lb)
    if socket_type == PATTERN_REQ:
        return req_init(pt)
    if socket_type == PATTERN_REP:
        return rep_init(pt)
    if socket_type == PATTERN_ROUTER:
        return router_init(pt)
    if socket_type == PATTERN_PUB or socket_type == PATTERN_XPUB:
        return pub_init(pt)
    if socket_type == PATTERN_SUB or socket_type == PATTERN_XSUB:
        return sub_init(pt)
    if socket_type == PATTERN_PAIR or socket_type == PATTERN_DEALER or socket_type == PATTERN_PULL or socket_type == PATTERN_PUSH:
        return 0
    return -EINVAL


cdef inline void pattern_free(pattern_t *pt) noexcept nogil:
    """All pipes have been detached."""
    if pt.part != NULL:
        if pt.type == PATTERN_REP:
            rep_free(pt)
        elif pt.type == PATTERN_ROUTER:
            router_free(pt)
        elif pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
            pub_free(pt)
        elif pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
            sub_free(pt)
        free(pt.part)
        pt.part = NULL
    fq_free(&pt.fq)
    lb_free(&pt.lb)


# ---- pipes

cdef inline int pattern_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A connection came up under an attached pipe (also after each reconnect): p.peer_id is set, nothing of the ring has been sent over it.

    0 or -ENOMEM: the caller closes the connection."""
    cdef int rc = 0
    if not p.pattern_flags & FLAG_ATTACHED:
        return 0
    p.pattern_flags |= FLAG_UP
    if pt.type == PATTERN_ROUTER:
        rc = router_ready(pt, p)
    elif pt.type == PATTERN_DEALER or pt.type == PATTERN_REQ:
        dealer_ready(pt, p)
    elif pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
        sub_ready(pt, p)
    elif pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        pub_ready(pt, p)
    return rc


cdef inline int pattern_attach(pattern_t *pt, pipe_t *p) noexcept nogil:
    """A new pipe. If it is connected already this includes pattern_ready(). 0, or the socket closes the pipe without having to detach it:
    -EEXIST (PAIR has a peer; the id for a ROUTER's connection is in use), -ENOMEM."""
    cdef int rc = 0
    pattern_pipe_init(p)
    if pt.type == PATTERN_PUSH:
        rc = push_attach(pt, p)
    elif pt.type == PATTERN_PULL:
        rc = pull_attach(pt, p)
    elif pt.type == PATTERN_DEALER:
        rc = dealer_attach(pt, p)
    elif pt.type == PATTERN_PAIR:
        rc = pair_attach(pt, p)
    elif pt.type == PATTERN_REQ:
        rc = req_attach(pt, p)
    elif pt.type == PATTERN_REP:
        rc = rep_attach(pt, p)
    elif pt.type == PATTERN_ROUTER:
        rc = router_attach(pt, p)
    elif pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        rc = pub_attach(pt, p)
    elif pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
        rc = sub_attach(pt, p)
    if rc == 0 and p.connected:
        rc = pattern_ready(pt, p)
    if rc < 0:
        pattern_detach(pt, p)
    return rc


cdef inline bint pattern_wants_peer(pattern_t *pt) noexcept nogil:
    """False for a PAIR that has one."""
    return pt.type != PATTERN_PAIR or pt.lb.count == 0


cdef inline void pattern_lost(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The connection under the pipe is gone; the pipe waits for another."""
    if not p.pattern_flags & FLAG_ATTACHED:
        return
    if pt.type == PATTERN_ROUTER:
        router_lost(pt, p)
    elif pt.type == PATTERN_DEALER:
        dealer_lost(pt, p)
    elif pt.type == PATTERN_REP:
        rep_lost(pt, p)
    p.pattern_flags &= ~(<uint32_t> FLAG_UP)


cdef inline void pattern_ended(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Nothing more will arrive (p.ended) and nothing more can be written (p.closed_out); what is queued stays readable.

    If nothing is queued, p.drained() is called from here."""
    if p.pattern_flags & (FLAG_ATTACHED | FLAG_ENDED) != FLAG_ATTACHED:
        return
    p.pattern_flags |= FLAG_ENDED
    lb_remove(&pt.lb, p)
    if pt.type == PATTERN_ROUTER:
        router_ended(pt, p)
    elif pt.type == PATTERN_REP:
        rep_detach(pt, p)
    elif pt.type == PATTERN_PUSH:
        push_in_ready(p)
    elif pt.type == PATTERN_REQ:
        req_in_ready(pt, p)
        fq_pipe_front(p)        # the reply pipe may still be of use; if it holds nothing, it is drained
    elif pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        pub_ended(pt, p)
    elif pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
        fan_remove(&(<sub_t *> pt.part).fan, p)
    if fq_has(p) and pt.type != PATTERN_REQ:
        fq_ready(&pt.fq, p)
        if fq_pipe_front(p) == NULL:
            fq_quiet(&pt.fq, p)
    p.pattern_flags &= ~(<uint32_t> FLAG_UP)


cdef inline void pattern_released(pattern_t *pt, pipe_t *p) noexcept nogil:
    """As pattern_ended(), because the application itself has let go of the peer: it gets no notice of a loss."""
    p.pattern_flags &= ~(<uint32_t> FLAG_UP)
    pattern_ended(pt, p)


cdef inline void pattern_detach(pattern_t *pt, pipe_t *p) noexcept nogil:
    """Forgets the pipe; its memory may be freed afterwards. Unread input is dropped except the rest of a message being read."""
    if not p.pattern_flags & FLAG_ATTACHED:
        return
    if pt.last == p:
        pt.last = NULL
    lb_remove(&pt.lb, p)
    fq_remove(&pt.fq, p)
    if pt.type == PATTERN_ROUTER:
        router_detach(pt, p)
    elif pt.type == PATTERN_REQ:
        req_detach(pt, p)
    elif pt.type == PATTERN_REP:
        rep_detach(pt, p)
    elif pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        pub_detach(pt, p)
    elif pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
        fan_remove(&(<sub_t *> pt.part).fan, p)
    p.pattern_flags = 0


cdef inline void pattern_in_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The pipe may have become readable."""
    if not p.pattern_flags & FLAG_ATTACHED:
        return
    if fq_has(p):
        fq_ready(&pt.fq, p)
        if pt.type == PATTERN_REQ:
            req_in_ready(pt, p)
    elif pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        pub_in_ready(pt, p)
    elif pt.type == PATTERN_PUSH:
        push_in_ready(p)


cdef inline void pattern_out_ready(pattern_t *pt, pipe_t *p) noexcept nogil:
    """The pipe may have become writable again."""
    if not p.pattern_flags & FLAG_ATTACHED:
        return
    lb_ready(&pt.lb, p)
    if pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        fan_ready(&(<pub_t *> pt.part).fan, p)
        (<pub_t *> pt.part).blocked = False
    elif pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
        fan_ready(&(<sub_t *> pt.part).fan, p)


# ---- messages

cdef inline int pattern_send(pattern_t *pt, msg_t *m) noexcept nogil:
    """One frame. 0, LB_DROPPED, -EAGAIN, -EFSM, -ENOTSUP, -EHOSTUNREACH, -ENOMEM."""
    if pt.type == PATTERN_PUSH or pt.type == PATTERN_DEALER or pt.type == PATTERN_PAIR:
        return lb_send(&pt.lb, m)
    if pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        return pub_send(pt, m)
    if pt.type == PATTERN_ROUTER:
        return router_send(pt, m)
    if pt.type == PATTERN_REQ:
        return req_send(pt, m)
    if pt.type == PATTERN_REP:
        return rep_send(pt, m)
    if pt.type == PATTERN_XSUB:
        return xsub_send(pt, m)
    return -ENOTSUP


cdef inline void pattern_abandon(pattern_t *pt) noexcept nogil:
    """The caller will not send the rest of the message it has begun, because a frame was refused for lack of memory: what is sent next begins
    a message. (PUB and XPUB refuse no frame: who misses a part of a message misses all of it.)"""
    cdef pipe_t *p = NULL
    if pt.type == PATTERN_PUSH or pt.type == PATTERN_DEALER or pt.type == PATTERN_PAIR:
        p = lb_abandon(&pt.lb)
    elif pt.type == PATTERN_ROUTER:
        p = router_abandon(pt)
    elif pt.type == PATTERN_REQ:
        p = req_abandon(pt)
    elif pt.type == PATTERN_REP:
        p = rep_abandon(pt)
    elif pt.type == PATTERN_XSUB:
        xsub_abandon(pt)
    if p != NULL and pipe_abandon(p):
        pattern_close_pipe(pt, p)


cdef inline int pattern_recv(pattern_t *pt, msg_t *m) noexcept nogil:
    """One frame, moved into `m`. 0, -EAGAIN, -EFSM, -ENOTSUP, -ENOMEM."""
    cdef int rc = -ENOTSUP
    pt.unfinished = False
    if pt.type == PATTERN_PULL or pt.type == PATTERN_DEALER or pt.type == PATTERN_PAIR:
        rc = fq_recv(&pt.fq, m, &pt.last)
    elif pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
        rc = sub_recv(pt, m)
    elif pt.type == PATTERN_ROUTER:
        rc = router_recv(pt, m)
    elif pt.type == PATTERN_REQ:
        rc = req_recv(pt, m)
    elif pt.type == PATTERN_REP:
        rc = rep_recv(pt, m)
    elif pt.type == PATTERN_XPUB:
        rc = pub_recv(pt, m)
    if rc == 0:
        pt.rcvmore = m.flags & MSG_MORE
    return rc


cdef inline int pattern_events(pattern_t *pt) noexcept nogil:
    """PATTERN_IN: a receive would succeed now. PATTERN_OUT: a send would."""
    cdef int events = 0
    pt.unfinished = False
    if pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
        return sub_events(pt)
    if pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        return pub_events(pt)
    if pt.type == PATTERN_ROUTER:
        return router_events(pt)
    if pt.type == PATTERN_REQ:
        return req_events(pt)
    if pt.type == PATTERN_REP:
        return rep_events(pt)
    if pt.type != PATTERN_PUSH and fq_front(&pt.fq) != NULL:
        events = PATTERN_IN
    if pt.type != PATTERN_PULL and lb_can_send(&pt.lb):
        events |= PATTERN_OUT
    return events


cdef inline bint pattern_backlog(pattern_t *pt) noexcept nogil:
    """A socket that answers what it receives has more to receive, so more answers are likely to follow soon."""
    return (
        (pt.type == PATTERN_ROUTER or pt.type == PATTERN_DEALER or pt.type == PATTERN_REP or pt.type == PATTERN_PAIR)
        and fq_front(&pt.fq) != NULL
    )


cdef inline pipe_t *pattern_last_pipe(pattern_t *pt) noexcept nogil:
    """Where the last frame received came from; NULL when that pipe is gone."""
    return pt.last


# ---- options that are deeds

cdef inline int pattern_subscribe(pattern_t *pt, const unsigned char *topic, size_t n, bint add) noexcept nogil:
    """SUBSCRIBE and UNSUBSCRIBE. 0, -EINVAL or -ENOMEM."""
    if pt.type == PATTERN_SUB:
        return sub_subscribe(pt, topic, n, add)
    if pt.type == PATTERN_XPUB:
        return pub_subscribe(pt, topic, n, add)
    return -EINVAL


cdef inline int pattern_topics_count(pattern_t *pt) noexcept nogil:
    """TOPICS_COUNT: distinct topics; -EINVAL for types without any."""
    if pt.type == PATTERN_PUB or pt.type == PATTERN_XPUB:
        return <int> topics_count(&(<pub_t *> pt.part).topics)
    if pt.type == PATTERN_SUB or pt.type == PATTERN_XSUB:
        return <int> subscriptions_count(&(<sub_t *> pt.part).topics)
    return -EINVAL


cdef inline int pattern_set_connect_routing_id(pattern_t *pt, const unsigned char *id, size_t n) noexcept nogil:
    """CONNECT_ROUTING_ID: the id of the next pipe attached that is `local`. -EINVAL: wrong size, id in use, not a ROUTER."""
    if pt.type != PATTERN_ROUTER:
        return -EINVAL
    return router_set_connect_id(pt, id, n)


cdef inline int pattern_peer_state(pattern_t *pt, const unsigned char *id, size_t n) noexcept nogil:
    """ROUTER: PATTERN_OUT if that peer can take a message, 0 if not, -EHOSTUNREACH; -ENOTSUP for other types."""
    if pt.type != PATTERN_ROUTER:
        return -ENOTSUP
    return router_peer_state(pt, id, n)
