# Sending, carried out as src/api does: the same order of lock, enter, call, settle, unlock.

from libc.stdint cimport int32_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy
from base.config cimport OVERLAP_MIN
from base.errors cimport EAGAIN, EINTR, EINVAL, ENOMEM, ENOTSOCK, ETERM
from base.platform cimport zc_lock_acquire, zc_lock_release
from message.message cimport MSG_EXACT, MSG_GROUPED, MSG_MORE, MSG_PYOBJ, msg_alloc, msg_close, msg_data, msg_init, msg_t
from sim.model cimport HEAD, SENT_ACCEPTED, SENT_DOUBTFUL, SENT_REFUSED, frame_fill, model_begin, model_sent, sent_t
from sim.program cimport NOWAIT, OP_WORK, op_t
from sim.system cimport SIM_MODEL, sim_find, sim_object_new, sim_progress, sim_sleep, world
from io.end_call cimport socket_end_call
from io.overlap cimport overlap_flush
from io.wait cimport wait_begin, wait_t
from socket.state cimport socket_t
from socket.send_recv cimport socket_abandon, socket_enter, socket_send_now, socket_send_wait, socket_try_send
from pattern.types cimport TYPE_DEALER, TYPE_RADIO, TYPE_REP, TYPE_REQ, TYPE_ROUTER, TYPE_STREAM
from sim.types cimport kind_addressed, kind_numbered, kind_raw, kind_single, sends
from socket.endpoints cimport socket_disconnect_peer
from sim.running cimport IDS, check_result, check_time, leave, peer_t, run_t, slot_t, take_back


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


cdef inline size_t size_large(run_t *r, int c) noexcept nogil:
    """Large enough to be worth another thread's while, if the machine passes it on in good time."""
    return OVERLAP_MIN + <size_t> c * 40 if r.program.config.capacity >= 4096 else 60


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


cdef inline peer_t peer_choose(slot_t *x, int which) noexcept nogil:
    """One that is known, if there is any, else "peer". All of it at once: at the next point other threads may learn other ids."""
    cdef uint32_t chosen = <uint32_t> which % IDS
    cdef peer_t peer
    if x.peers[chosen].size == 0:
        chosen = 0
    peer = x.peers[chosen]
    if peer.size == 0:
        memcpy(peer.id, b"peer", 4)
    return peer


cdef inline int address_make(const peer_t *peer, msg_t *frame) noexcept nogil:
    """The frame that names a peer. 0 or negative errno."""
    cdef int rc = msg_alloc(frame, peer.size if peer.size else 4)
    if rc == 0:
        memcpy(msg_data(frame), peer.id, frame.size)
    return rc


cdef inline uint32_t peer_number(const peer_t *peer) noexcept nogil:
    """What a SERVER or PEER knows it by."""
    cdef uint32_t number = 0
    memcpy(&number, peer.id, peer.size if peer.size <= sizeof(number) else sizeof(number))
    return number


cdef inline void id_remember(run_t *r, int slot, const void *id, size_t size, int owner) noexcept nogil:
    """owner: the socket that has it, or -1."""
    cdef slot_t *x = &r.slots[slot]
    cdef peer_t *peer = &x.peers[x.next_peer % IDS]
    if size > sizeof(peer.id):
        return
    memcpy(peer.id, id, size)
    peer.size = <uint32_t> size
    peer.owner = <uint8_t> (owner + 1)
    x.next_peer += 1


cdef inline int message_make(run_t *r, int slot, op_t *o, int turn, msg_t *frames, uint32_t number, sent_t *t) noexcept nogil:
    """Envelope and body. Their number, or negative errno."""
    cdef int type = r.program.types[slot]
    cdef int partner = r.program.types[slot ^ 1]
    cdef peer_t peer = peer_choose(&r.slots[slot], o.c + turn)
    cdef bint works = o.kind == OP_WORK
    cdef int nframes = 1 if works else o.b
    cdef int n = 0
    cdef int i
    cdef int rc
    if t != NULL:
        t.to = peer.owner
    if kind_addressed(type):
        rc = address_make(&peer, &frames[0])
        if rc < 0:
            return rc
        n = 1
    if (type == TYPE_ROUTER and partner == TYPE_REQ) or ((type == TYPE_DEALER or type == TYPE_ROUTER) and partner == TYPE_REP):
        msg_alloc(&frames[n], 0)
        n += 1
    for i in range(nframes):
        rc = frame_make(r, &frames[n], size_large(r, o.c) if works else size_make(r, o.c + turn, i), o.c + i)
        if rc < 0:
            while n > 0:
                n -= 1
                msg_close(&frames[n])
            return rc
        frame_fill(msg_data(&frames[n]), frames[n].size, slot, number, i, nframes)
        frames[n].routing_id = peer_number(&peer) if kind_numbered(type) else 0
        n += 1
    for i in range(n - 1):
        frames[i].flags |= MSG_MORE
    return n


cdef inline int group_make(msg_t *frames) noexcept nogil:
    """What a RADIO sends to: the topic of the message is its group. 0 or negative errno."""
    cdef int rc = msg_alloc(&frames[1], 1)
    if rc == 0:
        msg_data(&frames[1])[0] = msg_data(&frames[0])[0]
        frames[0].flags |= MSG_GROUPED
    return rc


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
                overlap_flush(s)
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
    cdef bint grouped = False
    cdef uint32_t number = 0
    cdef int nframes = 1 if o.kind == OP_WORK else o.b
    cdef sent_t *t = model_begin(r.model, slot, &number)
    cdef uint64_t began
    cdef uint64_t jumped = world.jumped
    n = message_make(r, slot, o, turn, frames, number, t)
    if n < 0:
        model_sent(t, SENT_REFUSED, 0)
        return n
    if type == TYPE_RADIO and n == 1:
        grouped = group_make(frames) == 0
    began = world.now
    rc = send_frames(r.slots[slot].s, frames, n, NOWAIT if r.watched[slot] else o.timeout, &done)
    check_time(r, b"send", slot, began, jumped, o.timeout)
    if rc == 0 and (type != TYPE_STREAM or nframes == 1):
        model_sent(t, SENT_ACCEPTED, nframes)
    elif rc >= 0 or done != 0:
        model_sent(t, SENT_DOUBTFUL, nframes)
    else:
        model_sent(t, SENT_REFUSED, nframes)
    for i in range(n + grouped):
        msg_close(&frames[i])
    take_back(r)
    if kind_single(type) and nframes > 1 and sends(type) and rc != -EINVAL and rc != -ENOTSOCK and rc != -ETERM:
        sim_find(SIM_MODEL, b"send on socket %d took the first of several frames (%d)", slot, -rc)
    check_result(r, b"send", slot, rc, 1 | (2 if type == TYPE_REQ or type == TYPE_REP else 0) | (0 if sends(type) else 4) |
                 (8 if kind_addressed(type) or kind_numbered(type) else 0) | (16 if kind_single(type) and nframes > 1 else 0))
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


cdef inline int act_work(run_t *r, op_t *o) noexcept nogil:
    cdef int i
    cdef int rc
    for i in range(o.a):
        rc = act_send_one(r, o, i)
        if rc < 0:
            return rc
        sim_progress(1)
        sim_sleep(<uint64_t> o.b * 1000)
    return 0


cdef inline int act_hang_up(run_t *r, op_t *o) noexcept nogil:
    """Ends the connection of one peer: an empty message to a raw one, disconnect_peer() of a PEER; others refuse it."""
    cdef slot_t *x = &r.slots[o.sock]
    cdef peer_t peer = peer_choose(x, o.c)
    cdef msg_t frames[2]
    cdef int done = 0
    cdef int i
    cdef int rc
    if not kind_raw(r.program.types[o.sock]):
        rc = socket_disconnect_peer(x.s, peer_number(&peer))
        check_result(r, b"disconnect_peer", o.sock, rc, 4 | 8)
        return rc
    rc = address_make(&peer, &frames[0])
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
