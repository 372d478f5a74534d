# The operations of a program, carried out as src/api carries them out: the same order of lock, enter, call, settle, unlock.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy, memset, strlen
from base.errors cimport (
    EAGAIN, EFSM, EHOSTUNREACH, EINTR, EINVAL, ENOMEM, ENOTSOCK, ENOTSUP, ETERM,
)
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_lock_try, zc_poll, zc_pollfd_set, zc_pollfd_t, ZC_POLLIN
from message.message cimport msg_t, msg_alloc, msg_close, msg_data, msg_init, MSG_EMPTY, MSG_EXACT, MSG_MORE, MSG_PYOBJ
from pattern.pattern cimport pattern_last_pipe, pattern_recv
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_messages
from reactor.pollset cimport pollset_t, pollset_wait_many
from session.session cimport session_t, SESSION_READY
from sim.model cimport (
    HEAD, SENT_ACCEPTED, SENT_DOUBTFUL, SENT_REFUSED, frame_fill, model_begin, model_received, model_sent, model_t, sent_t,
)
from sim.program cimport NOWAIT, PROFILE_CLEAN, SLOTS, op_t, program_t
from sim.system cimport SIM_MODEL, sim_find, sim_free, sim_heap, sim_object_new, sim_progress, sim_waiting_since, world
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush
from io.wait cimport wait_t
from option.numbers cimport OPT_SUBSCRIBE
from socket.options cimport socket_set_option
from socket.proxy cimport COUNT_OUT, PROXY_MORE, proxy_free, proxy_init, proxy_run, proxy_t
from socket.state cimport context_t, socket_t, SOCKET_OPEN
from socket.send_recv cimport (
    socket_abandon, socket_enter, socket_events_now, socket_recv_now, socket_recv_wait, socket_send_now,
    socket_send_wait, socket_try_send,
)
from io.poll cimport socket_poll_begin, socket_poll_deadline, socket_poll_end
from io.wait cimport socket_until, wait_begin
from io.exported_fd cimport socket_export_fd
from pattern.types cimport TYPE_DEALER, TYPE_REP, TYPE_REQ, TYPE_ROUTER, TYPE_STREAM, TYPE_XSUB
from sim.types cimport kind_addressed, kind_numbered, kind_raw, kind_single, receives, sends
from socket.endpoints cimport socket_disconnect_peer

cdef extern from "message/decref_queue.h" nogil:
    ctypedef struct zc_decref_node:
        zc_decref_node *next
        void *object
    zc_decref_node *zc_decref_take()

cdef extern from * nogil:
    """
    #define sim_core_free(p) zc_free(p)
    """
    void sim_core_free(void *p)

cdef enum:
    FRAMES_MAX = 32
    IDS = 4
    BACKEND = 4             # of proxy_t.counts

cdef struct slot_t:
    socket_t *s             # NULL: it could not be made
    socket_t *reader        # of its monitor
    bint monitored          # a thread is at it, or it is there
    bint closed
    uint8_t ids[IDS][32]    # of peers of a ROUTER and the like, numbers of those of a SERVER; latest first come, round robin
    uint32_t id_sizes[IDS]
    uint8_t id_owners[IDS]  # one more than the socket it was learnt from, if it can never be another's; else 0
    uint32_t next_id

cdef struct run_t:
    program_t *program
    model_t *model
    context_t *ctx
    slot_t slots[SLOTS]
    bint watched[SLOTS]     # somebody watches its descriptor: nobody waits in it then (see docs/simulator.md)
    bint prompt             # of a machine on which waiting threads are served soon
    bint shut               # context_shutdown() was called
    bint relaying[8]        # the thread is in a proxy
    proxy_t proxies[8]      # ... in this one
    uint64_t moved          # frames that proxies of the past have moved
    op_t *at[8]             # what the thread is doing
    bint ended[8]
    int32_t lent            # objects lent to the core and not given back
    uint64_t calls


cdef inline bint unsettled(socket_t *s) noexcept nogil:
    return s.ndoomed != 0 or s.host.replan or s.grave != NULL or s.fd_exported or s.host.flush_now


cdef inline void leave(socket_t *s) noexcept nogil:
    """unlock_socket() of the API."""
    if unsettled(s):
        if s.host.flush_now:
            socket_flush(s)
        socket_end_call(s)
    zc_lock_release(&s.lock)


cdef inline void take_back(run_t *r) noexcept nogil:
    """References that the core lets go of."""
    cdef zc_decref_node *node = zc_decref_take()
    cdef zc_decref_node *next
    while node != NULL:
        next = node.next
        sim_free(node.object)
        sim_core_free(node)
        r.lent -= 1
        node = next


cdef inline bint troubled(run_t *r) noexcept nogil:
    """Something was refused to the core, so its calls may fail for want of it."""
    return sim_heap.failures != 0 or world.refusals != 0


cdef inline void check_result(run_t *r, const char *what, int slot, int rc, uint32_t allowed) noexcept nogil:
    """allowed: bits of the errors below that make sense besides those of a closed socket and an ended context."""
    cdef bint good = rc >= 0
    if rc == -EAGAIN:
        good = allowed & 1
    elif rc == -EFSM:
        good = allowed & 2
    elif rc == -ENOTSUP:
        good = allowed & 4
    elif rc == -EHOSTUNREACH:
        good = allowed & 8
    elif rc == -ENOTSOCK:
        good = r.slots[slot].closed
    elif rc == -ETERM:
        good = r.shut
    elif rc == -EINVAL:
        good = allowed & 16
    if not good and not troubled(r):
        sim_find(SIM_MODEL, b"%s on socket %d answers errno %d", what, slot, -rc)


cdef inline void check_time(run_t *r, const char *what, int slot, uint64_t began, uint64_t jumped, int32_t timeout) noexcept nogil:
    """A call that may wait for `timeout` ms has returned."""
    cdef uint64_t took = world.now - began
    cdef uint64_t most = <uint64_t> (timeout if timeout > 0 else 0) * 1000000 + 1000000000 + (world.jumped - jumped)
    if took > most:
        sim_find(SIM_MODEL, b"%s on socket %d took %u ms, its limit was %d", what, slot, <uint32_t> (took // 1000000), timeout)


# ---- sending

cdef inline size_t size_make(run_t *r, int c, int frame) noexcept nogil:
    """Sizes at which the core changes its ways: inline, copied, lent, read directly."""
    cdef uint32_t capacity = r.program.config.capacity
    cdef int which = (c + frame * 3) % 24
    if which < 12:
        return HEAD + which * 2
    if which < 14:
        return 48
    if which < 16:
        return 49
    if capacity < 300:
        return 60
    if which < 19:
        return 200 + c % 50
    if which == 19:
        return 8191
    if which == 20:
        return 8192
    if capacity < 4096:
        return 300
    return 9000 if which < 23 else 33000 + <size_t> c * 40


cdef inline int frame_make(run_t *r, msg_t *m, size_t size, int c) noexcept nogil:
    """Room for a frame: the core's own, or an object that is lent to it."""
    cdef void *object
    # Without memory the core cannot even say that it is done with an object, and keeps it: nothing is lent then.
    if c % 3 or r.program.config.no_memory or r.program.config.no_memory_at:
        return msg_alloc(m, size)
    object = sim_object_new(size)
    msg_init(m)
    m.kind = MSG_PYOBJ
    m.size = size
    m.body.ref.data = <unsigned char *> object
    m.body.ref.owner = object
    m.flags = MSG_EXACT
    r.lent += 1
    return 0


cdef inline uint32_t id_choose(slot_t *x, int which) noexcept nogil:
    """One that is known, if there is any; else the first."""
    cdef uint32_t chosen = <uint32_t> which % IDS
    return chosen if x.id_sizes[chosen] else 0


cdef inline int address_make(slot_t *x, uint32_t which, msg_t *frame) noexcept nogil:
    """The frame that names a peer, "peer" if none is known. 0 or negative errno."""
    cdef int rc = msg_alloc(frame, x.id_sizes[which] if x.id_sizes[which] else 4)
    if rc < 0:
        return rc
    if x.id_sizes[which]:
        memcpy(msg_data(frame), x.ids[which], frame.size)
    else:
        memcpy(msg_data(frame), b"peer", 4)
    return 0


cdef inline void id_remember(run_t *r, int slot, const void *id, size_t size, int owner) noexcept nogil:
    """owner: the socket that has it, or -1."""
    cdef slot_t *x = &r.slots[slot]
    cdef uint32_t i = x.next_id % IDS
    if size > sizeof(x.ids[0]):
        return
    memcpy(x.ids[i], id, size)
    x.id_sizes[i] = <uint32_t> size
    x.id_owners[i] = <uint8_t> (owner + 1)
    x.next_id += 1


cdef inline int message_make(run_t *r, int slot, op_t *o, int turn, msg_t *frames, uint32_t number, sent_t *t) noexcept nogil:
    """Envelope and body. Their number, or negative errno."""
    cdef int type = r.program.types[slot]
    cdef int partner = r.program.types[slot ^ 1]
    cdef slot_t *x = &r.slots[slot]
    cdef uint32_t which = id_choose(x, o.c + turn)
    cdef uint32_t peer = 0
    cdef int n = 0
    cdef int i
    cdef int rc
    if t != NULL:
        t.to = x.id_owners[which]
    if kind_addressed(type):
        rc = address_make(x, which, &frames[0])
        if rc < 0:
            return rc
        n = 1
    elif kind_numbered(type):
        memcpy(&peer, x.ids[which], x.id_sizes[which])
    if (type == TYPE_ROUTER and partner == TYPE_REQ) or ((type == TYPE_DEALER or type == TYPE_ROUTER) and partner == TYPE_REP):
        msg_alloc(&frames[n], 0)
        n += 1
    for i in range(o.b):
        rc = frame_make(r, &frames[n], size_make(r, o.c + turn, i), o.c + i)
        if rc < 0:
            while n > 0:
                n -= 1
                msg_close(&frames[n])
            return rc
        frame_fill(msg_data(&frames[n]), frames[n].size, slot, number, i, o.b)
        frames[n].routing_id = peer
        n += 1
    for i in range(n - 1):
        frames[i].flags |= MSG_MORE
    return n


cdef inline int send_frames(socket_t *s, msg_t *m, int n, int32_t timeout, int *done) noexcept nogil:
    """As send_multipart(): first without waiting, then as long as allowed."""
    cdef int rc
    cdef wait_t wait
    cdef bint dropped = False
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    while rc >= 0 and done[0] < n:
        rc = socket_try_send(s, &m[done[0]])
        if rc >= 0:
            dropped = dropped or rc == 1
            done[0] += 1
    if rc == -ENOMEM and done[0]:
        socket_abandon(s)
    leave(s)
    if rc == -EAGAIN:
        wait_begin(&wait, timeout)
        rc = -EINTR
        while rc == -EINTR:
            zc_lock_acquire(&s.lock)
            rc = socket_enter(s)
            while rc >= 0 and done[0] < n:
                rc = socket_send_wait(s, m + done[0], &wait) if timeout > 0 else socket_send_now(s, m + done[0])
                if rc >= 0:
                    dropped = dropped or rc == 1
                    done[0] += 1
            if rc == -ENOMEM and done[0]:
                socket_abandon(s)
            if s.host.flush_now:
                socket_flush(s)
            socket_end_call(s)
            zc_lock_release(&s.lock)
    return rc if rc < 0 else dropped


cdef inline int act_send_one(run_t *r, op_t *o, int turn) noexcept nogil:
    cdef msg_t frames[8]
    cdef int slot = o.sock
    cdef int type = r.program.types[slot]
    cdef int n
    cdef int i
    cdef int rc
    cdef int done = 0
    cdef uint32_t number = 0
    cdef sent_t *t = model_begin(r.model, slot, &number)
    cdef uint64_t began
    cdef uint64_t jumped = world.jumped
    n = message_make(r, slot, o, turn, frames, number, t)
    if n < 0:
        model_sent(t, SENT_REFUSED, 0)
        return n
    began = world.now
    rc = send_frames(r.slots[slot].s, frames, n, NOWAIT if r.watched[slot] else o.timeout, &done)
    check_time(r, b"send", slot, began, jumped, o.timeout)
    if rc == 0 and (type != TYPE_STREAM or o.b == 1):
        model_sent(t, SENT_ACCEPTED, o.b)
    elif rc >= 0 or done != 0:
        model_sent(t, SENT_DOUBTFUL, o.b)
    else:
        model_sent(t, SENT_REFUSED, o.b)
    for i in range(n):
        msg_close(&frames[i])
    take_back(r)
    if kind_single(type) and o.b > 1 and sends(type) and rc != -EINVAL and rc != -ENOTSOCK and rc != -ETERM:
        sim_find(SIM_MODEL, b"send on socket %d took the first of several frames (%d)", slot, -rc)
    check_result(r, b"send", slot, rc, 1 | (2 if type == TYPE_REQ or type == TYPE_REP else 0) | (0 if sends(type) else 4) |
                 (8 if kind_addressed(type) or kind_numbered(type) else 0) | (16 if kind_single(type) and o.b > 1 else 0))
    return rc


cdef inline int act_send(run_t *r, op_t *o) noexcept nogil:
    cdef int i
    cdef int rc = 0
    for i in range(o.a):
        rc = act_send_one(r, o, i)
        if rc < 0:
            return rc
        sim_progress(1)
    return rc


cdef inline int act_hang_up(run_t *r, op_t *o) noexcept nogil:
    """Ends the connection of one peer: an empty message to a raw one, disconnect_peer() of a PEER; others refuse it."""
    cdef slot_t *x = &r.slots[o.sock]
    cdef uint32_t which = id_choose(x, o.c)
    cdef msg_t frames[2]
    cdef int done = 0
    cdef int i
    cdef int rc
    cdef uint32_t peer = 0
    if not kind_raw(r.program.types[o.sock]):
        memcpy(&peer, x.ids[which], x.id_sizes[which] if x.id_sizes[which] <= 4 else 4)
        rc = socket_disconnect_peer(x.s, peer)
        check_result(r, b"disconnect_peer", o.sock, rc, 4 | 8)
        return rc
    rc = address_make(x, which, &frames[0])
    if rc < 0:
        return rc
    frames[0].flags |= MSG_MORE
    msg_init(&frames[1])
    rc = send_frames(x.s, frames, 2, NOWAIT, &done)
    for i in range(2):
        msg_close(&frames[i])
    take_back(r)
    check_result(r, b"hang up", o.sock, rc, 1 | 8)
    return rc


# ---- receiving

cdef inline bint octets_waited(socket_t *s, uint64_t jumped) noexcept nogil:
    """A connection that could be read has had something for long. Lock held."""
    cdef uint32_t i
    cdef uint64_t since
    for i in range(s.nsessions):
        since = sim_waiting_since(s.sessions[i].stream.fd)
        if since == 0 or s.sessions[i].state != SESSION_READY or not s.sessions[i].want_in or s.sessions[i].closing:
            continue
        if s.sessions[i].pipe == NULL or s.sessions[i].pipe.stalled or s.sessions[i].pipe.detached:
            continue
        if world.now - since > 250000000 + (world.jumped - jumped):
            return True
    return False


cdef inline void id_learn(run_t *r, int slot, msg_t *frames, pipe_t *pipe, int sender) noexcept nogil:
    """From a message: who can be answered. What an accepted connection is known by goes with it, unless its peer has chosen it; that of a connect()
    goes to whoever is there next."""
    cdef int type = r.program.types[slot]
    cdef bint made = type != TYPE_ROUTER or (frames[0].size == 5 and msg_data(&frames[0])[0] == 0)
    if pipe == NULL or not made or (pipe.local and r.program.profile != PROFILE_CLEAN):
        sender = -1
    if kind_addressed(type):
        id_remember(r, slot, msg_data(&frames[0]), frames[0].size, sender)
    elif kind_numbered(type):
        id_remember(r, slot, &frames[0].routing_id, 4, sender)


cdef inline int act_recv_one(run_t *r, int slot, int32_t timeout) noexcept nogil:
    cdef socket_t *s = r.slots[slot].s
    cdef int type = r.program.types[slot]
    cdef msg_t frames[FRAMES_MAX]
    cdef int sender = -1
    cdef int n = 0
    cdef int i
    cdef int rc = -EINTR
    cdef wait_t wait
    cdef uint64_t began = world.now
    cdef uint64_t jumped = world.jumped
    cdef bint more
    cdef pipe_t *pipe = NULL
    if r.watched[slot]:
        timeout = NOWAIT
    wait_begin(&wait, timeout)
    while rc == -EINTR:
        msg_init(&frames[0])
        n = 0
        zc_lock_acquire(&s.lock)
        rc = socket_enter(s)
        if rc == 0:
            rc = socket_recv_wait(s, &frames[0], &wait) if timeout > 0 else socket_recv_now(s, &frames[0])
        if rc == 0:
            n = 1
            pipe = pattern_last_pipe(&s.pattern)
            more = (frames[0].flags & MSG_MORE) != 0
            while more and n < FRAMES_MAX and rc == 0:
                rc = pattern_recv(&s.pattern, &frames[n])
                if rc == 0:
                    more = (frames[n].flags & MSG_MORE) != 0
                    n += 1
            if rc == -EAGAIN and not r.model.relayed:
                sim_find(SIM_MODEL, b"torn: %d frames of a message came out of socket %d, and then nothing", n, slot)
            if rc == 0:
                sender = model_received(r.model, slot, frames, n, pipe, began if timeout > 0 else 0, r.prompt)
                id_learn(r, slot, frames, pipe, sender)
        elif rc == -EAGAIN and timeout >= 300 and r.prompt and octets_waited(s, jumped):
            sim_find(SIM_MODEL, b"asleep: octets for socket %d waited while its recv ran into its time-out", slot)
        leave(s)
    for i in range(n):
        msg_close(&frames[i])
    take_back(r)
    check_time(r, b"recv", slot, began, jumped, timeout)
    check_result(r, b"recv", slot, rc, 1 | (2 if type == TYPE_REQ or type == TYPE_REP else 0) | (0 if receives(type) else 4))
    if rc == 0:
        sim_progress(1)
    return rc


cdef inline int act_recv(run_t *r, op_t *o) noexcept nogil:
    cdef int _i
    cdef int rc = 0
    for _i in range(o.a):
        rc = act_recv_one(r, o.sock, o.timeout)
        if rc < 0:
            return rc
    return rc


cdef inline int events_of(socket_t *s) noexcept nogil:
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = socket_events_now(s)
    leave(s)
    return rc


cdef inline int act_poll(run_t *r, op_t *o) noexcept nogil:
    """zmq_poll() on the sockets of a bit set."""
    cdef socket_t *socks[SLOTS]
    cdef pollset_t *sets[SLOTS]
    cdef int ready[SLOTS]
    cdef int n = 0
    cdef int i
    cdef int rc = 0
    cdef int begun
    cdef int found = 0
    cdef bint news
    cdef bint waited = False
    cdef uint64_t at
    cdef uint64_t began = world.now
    cdef uint64_t jumped = world.jumped
    cdef uint64_t until = socket_until(o.timeout)
    for i in range(r.program.nsockets):
        if o.a >> i & 1 and r.slots[i].s != NULL and (o.timeout == 0 or not r.watched[i]):
            socks[n] = r.slots[i].s
            n += 1
    if n == 0:
        return 0
    while True:
        for i in range(n):
            rc = events_of(socks[i])
            if rc < 0:
                break
            found |= rc & o.b
        if rc < 0 or found or o.timeout == 0 or (waited and until <= world.now):
            break
        begun = 0
        news = False
        for i in range(n):
            sets[i] = &socks[i].set
            ready[i] = o.b
            rc = socket_poll_begin(socks[i], o.b)
            if rc < 0:
                break
            begun += 1
            news = news or rc == 1
        if rc >= 0:
            at = until
            for i in range(n):
                if socket_poll_deadline(socks[i]) < at:
                    at = socket_poll_deadline(socks[i])
            rc = pollset_wait_many(sets, ready, n, NULL, 0, 0 if news else <int64_t> (at - world.now) if at > world.now else 0)
        for i in range(begun):
            socket_poll_end(socks[i])
        if rc < 0 and rc != -EINTR:
            break
        rc = 0
        waited = True
    check_time(r, b"poll", o.sock, began, jumped, o.timeout)
    return rc if rc < 0 else found


cdef inline int act_watch(run_t *r, op_t *o) noexcept nogil:
    """The exported descriptor: an event loop waits on it and then asks for EVENTS."""
    cdef socket_t *s = r.slots[o.sock].s
    cdef zc_pollfd_t p
    cdef int fd
    cdef int rc
    cdef uint64_t jumped = world.jumped
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    fd = socket_export_fd(s) if rc == 0 else rc
    leave(s)
    if fd < 0:
        return fd
    rc = events_of(s)
    if rc < 0 or rc & 1 or o.timeout <= 0:
        return rc
    zc_pollfd_set(&p, fd, ZC_POLLIN)
    rc = zc_poll(&p, 1, <int64_t> o.timeout * 1000000)
    if rc == 0 and o.timeout >= 300 and r.prompt:
        zc_lock_acquire(&s.lock)
        if s.state == SOCKET_OPEN and octets_waited(s, jumped):
            sim_find(SIM_MODEL, b"asleep: octets for socket %d waited while its descriptor was not readable", o.sock)
        zc_lock_release(&s.lock)
    return events_of(s)


# ---- the rest

cdef inline int act_set(run_t *r, int slot, int option, const void *value, size_t size) noexcept nogil:
    cdef socket_t *s = r.slots[slot].s
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = socket_set_option(s, option, value, size)
    leave(s)
    return rc


cdef inline int act_subscribe(run_t *r, op_t *o, bint add) noexcept nogil:
    """SUB by option, XSUB by message. Topics: all, A to D."""
    cdef char topic[2]
    cdef msg_t m
    cdef int done = 0
    cdef int rc
    topic[0] = <char> add
    topic[1] = <char> (64 + o.a)
    if r.program.types[o.sock] != TYPE_XSUB:
        return act_set(r, o.sock, OPT_SUBSCRIBE if add else OPT_SUBSCRIBE + 1, topic + 1, 1 if o.a else 0)
    rc = msg_alloc(&m, 2 if o.a else 1)
    if rc < 0:
        return rc
    memcpy(msg_data(&m), topic, m.size)
    rc = send_frames(r.slots[o.sock].s, &m, 1, NOWAIT, &done)
    msg_close(&m)
    return rc


cdef inline uint64_t proxy_moved(proxy_t *p) noexcept nogil:
    return p.counts[COUNT_OUT] + p.counts[BACKEND + COUNT_OUT]


cdef inline uint64_t moved_by_proxies(run_t *r) noexcept nogil:
    """Between sockets that are joined to each other in memory messages may go round for ever: the program's wish, and work with progress."""
    cdef uint64_t moved = r.moved
    cdef int i
    for i in range(r.program.nthreads):
        if r.relaying[i]:
            moved += proxy_moved(&r.proxies[i])
    return moved


cdef inline int act_proxy(run_t *r, op_t *o) noexcept nogil:
    cdef proxy_t *p = &r.proxies[o.thread]
    cdef int _i
    cdef int rc = PROXY_MORE
    if r.slots[o.a].s == NULL:
        return 0
    proxy_init(p, r.slots[o.sock].s, r.slots[o.a].s, NULL, NULL)
    r.relaying[o.thread] = True
    for _i in range(o.b):
        if rc == PROXY_MORE or rc == -EINTR:
            rc = proxy_run(p)
    r.relaying[o.thread] = False
    r.moved += proxy_moved(p)
    proxy_free(p)
    take_back(r)
    return rc
