# Sending, carried out as src/api does: the same order of lock, enter, call, settle, unlock.

from libc.stdint cimport int32_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy
from base.errors cimport EAGAIN, EINTR, EINVAL, ENOMEM, ENOTSOCK, ETERM
from base.platform cimport zc_lock_acquire, zc_lock_release
from message.message cimport MSG_EXACT, MSG_GROUPED, MSG_MORE, MSG_PYOBJ, msg_alloc, msg_close, msg_data, msg_init, msg_t
from sim.model cimport HEAD, SENT_ACCEPTED, SENT_DOUBTFUL, SENT_REFUSED, frame_fill, model_begin, model_sent, sent_t
from sim.program cimport NOWAIT, op_t
from sim.system cimport SIM_MODEL, sim_find, sim_object_new, sim_progress, world
from io.end_call cimport socket_end_call
from io.overlap cimport overlap_flush
from io.wait cimport wait_begin, wait_t
from socket.state cimport socket_t
from socket.send_recv cimport socket_abandon, socket_enter, socket_send_now, socket_send_wait, socket_try_send
from pattern.types cimport TYPE_DEALER, TYPE_RADIO, TYPE_REP, TYPE_REQ, TYPE_ROUTER, TYPE_STREAM
from sim.types cimport kind_addressed, kind_numbered, kind_raw, kind_single, sends
from socket.endpoints cimport socket_disconnect_peer
from sim.running cimport IDS, check_result, check_time, leave, run_t, slot_t, take_back


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
    if rc == 0 and (type != TYPE_STREAM or o.b == 1):
        model_sent(t, SENT_ACCEPTED, o.b)
    elif rc >= 0 or done != 0:
        model_sent(t, SENT_DOUBTFUL, o.b)
    else:
        model_sent(t, SENT_REFUSED, o.b)
    for i in range(n + grouped):
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
