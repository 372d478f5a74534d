# Receiving and waiting, carried out as src/api does: the same order of lock, enter, call, settle, unlock.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from base.errors cimport EAGAIN, EINTR
from base.platform cimport ZC_POLLIN, zc_lock_acquire, zc_lock_release, zc_lock_try, zc_poll, zc_pollfd_set, zc_pollfd_t
from message.message cimport MSG_MORE, msg_close, msg_data, msg_init, msg_t
from pattern.pattern cimport pattern_last_pipe, pattern_recv
from pipe.pipe cimport pipe_t
from reactor.pollset cimport pollset_t
from session.session cimport SESSION_READY
from sim.model cimport model_received
from sim.program cimport NOWAIT, PROFILE_CLEAN, SLOTS, op_t
from sim.system cimport SIM_MODEL, sim_find, sim_progress, sim_waiting_since, world
from io.wait cimport socket_until, wait_begin, wait_t
from socket.state cimport SOCKET_OPEN, socket_t
from socket.send_recv cimport socket_enter, socket_events_now, socket_recv_now, socket_recv_wait
from io.poll cimport poll_item_t, sockets_poll
from io.exported_fd cimport socket_export_fd
from pattern.types cimport TYPE_REP, TYPE_REQ, TYPE_ROUTER
from sim.types cimport kind_addressed, kind_numbered, receives
from sim.running cimport FRAMES_MAX, check_result, check_time, leave, run_t, take_back
from sim.act_send cimport id_remember


cdef enum:
    NEGLECT_NS = 5000000        # for the I/O thread to come: a lease and the way there


cdef inline bint octets_waited(socket_t *s, uint64_t began, uint64_t jumped) noexcept nogil:
    """A connection that could be read has had something for long since a call began, when so much time had been jumped over. Lock held."""
    cdef uint32_t i
    cdef uint64_t since
    for i in range(s.nsessions):
        since = sim_waiting_since(s.sessions[i].stream.fd)
        if since == 0 or s.sessions[i].state != SESSION_READY or not s.sessions[i].want_in or s.sessions[i].closing:
            continue
        if s.sessions[i].pipe == NULL or s.sessions[i].pipe.stalled or s.sessions[i].pipe.detached:
            continue
        if since < began:
            since = began
        if world.now - since > 250000000 + (world.jumped - jumped):
            return True
    return False


cdef inline bint octets_of_slot_waited(run_t *r, int slot, uint64_t began, uint64_t jumped) noexcept nogil:
    cdef socket_t *s = r.slots[slot].s
    cdef bint waited
    if s == NULL or not zc_lock_try(&s.lock):
        return False
    waited = s.state == SOCKET_OPEN and octets_waited(s, began, jumped)
    zc_lock_release(&s.lock)
    return waited


cdef inline void check_neglect(run_t *r, const char *call, int slot, uint64_t began, uint64_t jumped) noexcept nogil:
    """A wait was in vain, long enough for the I/O thread to see to every socket whose application is elsewhere. Looks twice: another thread may
    have made room just now, for a connection that was right not to be read until then."""
    cdef int i
    for i in range(r.program.nsockets):
        if i == slot or not octets_of_slot_waited(r, i, began, jumped):
            continue
        zc_poll(NULL, 0, NEGLECT_NS)
        if octets_of_slot_waited(r, i, began, jumped):
            sim_find(SIM_MODEL, b"neglected: octets for socket %d waited all through the %s of socket %d", i, call, slot)


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
        elif rc == -EAGAIN and timeout >= 300 and r.prompt:
            if octets_waited(s, began, jumped):
                sim_find(SIM_MODEL, b"asleep: octets for socket %d waited while its recv ran into its time-out", slot)
            check_neglect(r, b"recv", slot, began, jumped)
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
    cdef poll_item_t items[SLOTS]
    cdef pollset_t *sets[SLOTS]
    cdef int ready[SLOTS]
    cdef int n = 0
    cdef int i
    cdef int rc = 0
    cdef uint64_t pause = 0
    cdef int found = 0
    cdef bint waited = False
    cdef uint64_t began = world.now
    cdef uint64_t jumped = world.jumped
    cdef uint64_t until = socket_until(o.timeout)
    for i in range(r.program.nsockets):
        if o.a >> i & 1 and r.slots[i].s != NULL and (o.timeout == 0 or not r.watched[i]):
            items[n].s = r.slots[i].s
            items[n].wanted = o.b
            n += 1
    if n == 0:
        return 0
    while True:
        for i in range(n):
            rc = events_of(items[i].s)
            if rc < 0:
                break
            found |= rc & o.b
        if rc < 0 or found or o.timeout == 0 or (waited and until <= world.now):
            break
        rc = sockets_poll(items, n, sets, ready, NULL, 0, until, &pause)
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
    cdef uint64_t began = world.now
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
        if s.state == SOCKET_OPEN and octets_waited(s, began, jumped):
            sim_find(SIM_MODEL, b"asleep: octets for socket %d waited while its descriptor was not readable", o.sock)
        zc_lock_release(&s.lock)
        check_neglect(r, b"watching", o.sock, began, jumped)
    return events_of(s)
