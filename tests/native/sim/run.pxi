# Runs programs: the threads, the end of a program, and what Python sees.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memset, strlen
from base.errors cimport EAGAIN, EFSM, EINTR
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_mutex_lock, zc_mutex_unlock
from message.message cimport MSG_MORE, zc_large_trim
from reactor.pollset cimport POLLSET_EPOLL
from sim.act cimport act_proxy, act_set, act_subscribe, moved_by_proxies
from sim.act_recv cimport act_poll, act_recv, act_recv_one, act_watch
from sim.act_send cimport act_hang_up, act_send, act_work, id_remember
from sim.running cimport run_t, slot_t, take_back, troubled, zc_decref_take
from sim.model cimport model_all_arrived, model_t
from sim.program cimport *
from sim.strangers cimport stranger_connects, stranger_listens
from sim.system cimport (
    SIM_DEADLOCK, SIM_LEAK, SIM_LIVELOCK, SIM_MEMORY, SIM_MISUSE, SIM_MODEL, SIM_OK, SIM_TIRED, sim_begin, sim_config_t,
    sim_end, sim_end_break, sim_fiber_t, sim_find, sim_heap, sim_idle, sim_octets, sim_others_octets, sim_progress, sim_resets,
    sim_run, sim_sleep, sim_spawn, sim_wait, world,
)
from socket.endpoints cimport socket_bind, socket_connect, socket_connect_peer, socket_unbind
from socket.exit_wait cimport context_owed, exit_wait_again, exit_wait_begin, exit_wait_look, exit_wait_t
from socket.life cimport context_end, context_new, context_shutdown, context_unref, context_wait, socket_close, socket_new
from option.numbers cimport *
from socket.options cimport socket_set_option
from socket.monitor cimport MONITOR_ENDPOINT
from socket.monitoring cimport socket_monitor_start, socket_monitor_stop
from socket.state cimport context_t, socket_t
from socket.send_recv cimport socket_recv_now
from socket.references cimport socket_unref
from sim.types cimport TYPE_RAW_ROUTER, balances, kind_raw, one_peer, receives, type_accepts, type_name, type_of_kind

cdef enum:
    PAIR_TYPE = 0

cdef struct setting_t:
    int option
    int values[4]           # of a number; of octets: lengths
    int kind                # 0 int, 1 int64, 2 octets
    bint harmless           # loses nothing: for programs that promise delivery

cdef struct place_t:
    const char *bind
    const char *connect
    int port
    const char *path

cdef setting_t[48] settings
cdef int nsettings = 0
cdef place_t[10] places     # ENDPOINTS
cdef const char *OCTETS = b"Idxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
cdef const char **MONITORS = [b"inproc://monitor0", b"inproc://monitor1", b"inproc://monitor2", b"inproc://monitor3", b"inproc://monitor4",
                              b"inproc://monitor5", b"inproc://monitor6", b"inproc://monitor7"]


cdef inline uint64_t seconds(uint64_t n) noexcept nogil:
    return n * 1000000000


def _setting(int option, values, int kind=0, bint harmless=True):
    global nsettings
    settings[nsettings].option = option
    for i in range(4):
        settings[nsettings].values[i] = values[i % len(values)]
    settings[nsettings].kind = kind
    settings[nsettings].harmless = harmless
    nsettings += 1


for _option, _values in (
    (OPT_SNDHWM, (1, 2, 10, 1000)), (OPT_RCVHWM, (1, 3, 10, 0)), (OPT_RECONNECT_IVL, (1, 10, 100, 0)), (OPT_RECONNECT_IVL_MAX, (0, 200)),
    (OPT_IO_STRATEGY, (0, 1, 2)), (OPT_BACKLOG, (1, 2, 100)), (OPT_PROBE_ROUTER, (0, 1)), (OPT_XPUB_VERBOSE, (0, 1)), (OPT_XPUB_VERBOSER, (0, 1)),
    (OPT_XPUB_NODROP, (0, 1)), (OPT_ROUTER_NOTIFY, (0, 1, 2, 3)), (OPT_ROUTER_MANDATORY, (0, 1)), (OPT_REQ_CORRELATE, (0, 1)),
    (OPT_SNDBUF, (-1, 1000)), (OPT_IMMEDIATE, (0, 1)), (OPT_LINGER, (-1, 0, 10)),
):
    _setting(_option, _values)
for _option, _values in (
    (OPT_RECONNECT_IVL, (-1, 0, 1, 10)), (OPT_CONFLATE, (0, 1)), (OPT_HEARTBEAT_IVL, (0, 10, 100, 1000)), (OPT_HEARTBEAT_TIMEOUT, (-1, 1, 50)),
    (OPT_HEARTBEAT_TTL, (0, 100, 1000)), (OPT_HANDSHAKE_IVL, (0, 1, 50, 30000)), (OPT_ROUTER_HANDOVER, (0, 1)), (OPT_REQ_RELAXED, (0, 1)),
    (OPT_XPUB_MANUAL, (0, 1)), (OPT_INVERT_MATCHING, (0, 1)), (OPT_ONLY_FIRST_SUBSCRIBE, (0, 1)), (OPT_CONNECT_TIMEOUT, (0, 1, 100)),
    (OPT_RECONNECT_STOP, (0, 1, 2, 7)), (OPT_XSUB_VERBOSE_UNSUBSCRIBE, (0, 1)), (OPT_RCVHWM, (0, 1, 3, 10)), (OPT_SNDHWM, (0, 1, 2, 10)),
):
    _setting(_option, _values, 0, False)
_setting(OPT_STREAM_NOTIFY, (0, 1), 0, False)
_setting(OPT_MAXMSGSIZE, (-1, 20, 1000, 10000), 1, False)
for _option in (OPT_ROUTING_ID, OPT_CONNECT_ROUTING_ID, OPT_HELLO_MSG, OPT_DISCONNECT_MSG, OPT_HICCUP_MSG, OPT_XPUB_WELCOME_MSG):
    _setting(_option, (1, 2, 8, 16), 2, False)

places[0] = place_t(b"tcp://127.0.0.1:5001", b"tcp://127.0.0.1:5001", 5001, NULL)
places[1] = place_t(b"tcp://127.0.0.1:5002", b"tcp://127.0.0.1:5002", 5002, NULL)
places[2] = place_t(b"ipc:///tmp/one", b"ipc:///tmp/one", 0, b"/tmp/one")
places[3] = place_t(b"ipc://@two", b"ipc://@two", 0, b"/tmp/two")
places[4] = place_t(b"inproc://a", b"inproc://a", 5900, NULL)
places[5] = place_t(b"inproc://b", b"inproc://b", 5901, NULL)
places[6] = place_t(b"tcp://*:5003", b"tcp://localhost:5003", 5003, NULL)
places[7] = place_t(b"ipc:///tmp/three", b"ipc:///tmp/three", 0, b"/tmp/three")
places[8] = place_t(b"tcp://127.0.0.1:*", b"tcp://nowhere:5004", 5004, NULL)
places[9] = place_t(b"ipc://*", b"tcp://127.0.0.1:5009", 5009, NULL)


cdef void setting_of(program_t *p, op_t *o, setting_t *out) noexcept nogil:
    """The option and, in values[0], its value. A program that was exported names both; one from a seed has two large numbers."""
    cdef int i = o.a % nsettings
    if o.c:
        out.option = o.a
        out.values[0] = o.b
        out.kind = o.c - 1
        return
    while p.profile == PROFILE_CLEAN and not settings[i].harmless:
        i = (i + 1) % nsettings
    out[0] = settings[i]
    out.values[0] = settings[i].values[o.b % 4]


cdef int do_set(run_t *r, op_t *o) noexcept nogil:
    cdef setting_t x
    cdef int value
    cdef int64_t value64
    setting_of(r.program, o, &x)
    if (x.option == OPT_HELLO_MSG or x.option == OPT_DISCONNECT_MSG or x.option == OPT_HICCUP_MSG or x.option == OPT_STREAM_NOTIFY
            or x.option == OPT_ROUTER_NOTIFY):
        r.model.noisy = True
    value = x.values[0]
    value64 = value
    if x.kind == 2:
        return act_set(r, o.sock, x.option, OCTETS + o.sock, <size_t> value)
    if x.kind == 1:
        return act_set(r, o.sock, x.option, &value64, sizeof(value64))
    return act_set(r, o.sock, x.option, &value, sizeof(value))


cdef int do_monitor(run_t *r, op_t *o) noexcept nogil:
    cdef slot_t *x = &r.slots[o.sock]
    cdef int rc
    if o.a == 0:
        return socket_monitor_stop(x.s)
    if x.monitored:
        return 0
    x.monitored = True
    rc = socket_monitor_start(x.s, MONITORS[o.sock], strlen(MONITORS[o.sock]), 0xffff, MONITOR_ENDPOINT)
    if rc < 0:
        x.monitored = False
        return rc
    x.reader = socket_new(r.ctx, PAIR_TYPE, False, &rc)
    if x.reader != NULL:
        rc = socket_connect(x.reader, MONITORS[o.sock], strlen(MONITORS[o.sock]))
    return rc


cdef int do_monitor_read(run_t *r, op_t *o) noexcept nogil:
    """Events have two frames, which arrive together; several threads may read them, so both are taken under one lock."""
    cdef socket_t *s = r.slots[o.sock].reader
    cdef msg_t m
    cdef int rc = 0
    cdef int events = 0
    cdef bint more
    cdef wait_t wait
    if s == NULL:
        return 0
    wait_begin(&wait, o.timeout)
    while rc == 0 and events < 100:
        m.kind = 0
        zc_lock_acquire(&s.lock)
        rc = socket_enter(s)
        if rc == 0:
            rc = socket_recv_now(s, &m) if o.timeout <= 0 else socket_recv_wait(s, &m, &wait)
        if rc == 0:
            more = m.flags & MSG_MORE
            msg_close(&m)
            m.kind = 0
            if not more or socket_recv_now(s, &m) != 0 or m.flags & MSG_MORE:
                sim_find(SIM_MODEL, b"torn: an event of the monitor of socket %d", <int> o.sock)
        socket_end_call(s)
        zc_lock_release(&s.lock)
        msg_close(&m)
        events += 1
    return rc


cdef int do_connect(run_t *r, op_t *o) noexcept nogil:
    """o.b: as a PEER does it, which learns the number of its peer."""
    cdef socket_t *s = r.slots[o.sock].s
    cdef uint32_t peer = 0
    cdef int rc
    r.model.paths[o.sock] += 1
    if o.b:
        rc = socket_connect_peer(s, places[o.a].connect, strlen(places[o.a].connect), &peer)
    else:
        rc = socket_connect(s, places[o.a].connect, strlen(places[o.a].connect))
    if rc != 0:
        r.model.paths[o.sock] -= 1
    elif o.b and peer == 0:
        sim_find(SIM_MODEL, b"connect_peer() on socket %d tells no number", <int> o.sock)
    elif o.b:
        id_remember(r, o.sock, &peer, sizeof(peer), -1)
    return rc


cdef void do_flush_at_exit(run_t *r) noexcept nogil:
    """As the API's handler does."""
    cdef exit_wait_t wait
    cdef bint again = True
    exit_wait_begin(&wait)
    while again:
        exit_wait_look(&wait)
        context_owed(r.ctx, &wait)
        again = exit_wait_again(&wait)


cdef int do_op(run_t *r, op_t *o) noexcept nogil:
    cdef socket_t *s = r.slots[o.sock].s
    cdef uint64_t began
    cdef uint64_t jumped
    cdef uint64_t octets
    cdef const char *text
    cdef int rc = 0
    if s == NULL and o.kind != OP_SLEEP and o.kind != OP_IDLE:
        return 0
    if o.kind == OP_SET:
        return do_set(r, o)
    if o.kind == OP_BIND:
        # Counted before: a connection may work before the call that made it has returned.
        r.model.paths[o.sock] += 1
        rc = socket_bind(s, places[o.a].bind, strlen(places[o.a].bind))
        if rc != 0:
            r.model.paths[o.sock] -= 1
    elif o.kind == OP_CONNECT:
        rc = do_connect(r, o)
    elif o.kind == OP_UNBIND:
        rc = socket_unbind(s, places[o.a].bind, strlen(places[o.a].bind), False)
        take_back(r)
    elif o.kind == OP_DISCONNECT:
        rc = socket_unbind(s, places[o.a].connect, strlen(places[o.a].connect), True)
        take_back(r)
    elif o.kind == OP_SEND:
        rc = act_send(r, o)
    elif o.kind == OP_WORK:
        rc = act_work(r, o)
    elif o.kind == OP_RECV:
        rc = act_recv(r, o)
    elif o.kind == OP_POLL:
        rc = act_poll(r, o)
    elif o.kind == OP_SUBSCRIBE:
        rc = act_subscribe(r, o, True)
    elif o.kind == OP_UNSUBSCRIBE:
        rc = act_subscribe(r, o, False)
    elif o.kind == OP_SLEEP:
        sim_sleep(<uint64_t> o.a * 1000)
    elif o.kind == OP_IDLE:
        sim_sleep(300000000)
    elif o.kind == OP_RAW:
        stranger_connects(places[o.a].port, places[o.a].path, r.program.types[o.sock], <uint32_t> o.b, <uint32_t> o.c)
    elif o.kind == OP_RAW_LISTEN:
        stranger_listens(places[o.a].port, places[o.a].path, r.program.types[o.sock], <uint32_t> o.b, <uint32_t> o.c)
    elif o.kind == OP_MONITOR:
        rc = do_monitor(r, o)
    elif o.kind == OP_MONITOR_READ:
        rc = do_monitor_read(r, o)
    elif o.kind == OP_PROXY:
        rc = act_proxy(r, o)
    elif o.kind == OP_CLOSE:
        r.slots[o.sock].closed = True
        socket_close(s, o.timeout if o.timeout >= 0 else 0, True)
    elif o.kind == OP_SHUTDOWN:
        r.shut = True
        context_shutdown(r.ctx)
    elif o.kind == OP_WATCH:
        rc = act_watch(r, o)
    elif o.kind == OP_HANG_UP:
        rc = act_hang_up(r, o)
    elif o.kind == OP_BREAK:
        sim_end_break(o.a)
    elif o.kind == OP_FLUSH_AT_EXIT:
        began = world.now
        jumped = world.jumped
        octets = sim_octets
        do_flush_at_exit(r)
        # As long as the network needs for what has moved meanwhile, twice.
        jumped -= 2 * (sim_octets - octets) * (r.program.config.delay_ns // r.program.config.capacity)
        if world.now - began > seconds(60) + (world.jumped - jumped):
            sim_find(SIM_MODEL, b"the flush at exit took %u s", <uint32_t> ((world.now - began) // 1000000000))
    return rc


# ---- threads

cdef struct thread_t:
    run_t *run
    int number


cdef void thread_main(void *arg) noexcept nogil:
    cdef thread_t *t = <thread_t *> arg
    cdef run_t *r = t.run
    cdef int i
    for i in range(r.program.nops):
        if r.program.ops[i].kept and r.program.ops[i].thread == t.number:
            r.at[t.number] = &r.program.ops[i]
            do_op(r, &r.program.ops[i])
            r.calls += 1
            sim_progress(1)
    r.at[t.number] = NULL
    r.ended[t.number] = True


cdef int threads_ended(sim_fiber_t *f) noexcept nogil:
    cdef run_t *r = current_run
    cdef int i
    for i in range(r.program.nthreads):
        if not r.ended[i] and not (r.relaying[i] and not r.shut):
            return 0
    return 1


cdef run_t *current_run = NULL
cdef thread_t[THREADS_MAX] threads


cdef bint all_ended(run_t *r) noexcept nogil:
    cdef int i
    for i in range(r.program.nthreads):
        if not r.ended[i]:
            return False
    return True


cdef void say_who_hangs(run_t *r, const char *why) noexcept nogil:
    cdef int i
    for i in range(r.program.nthreads):
        if not r.ended[i] and r.at[i] != NULL:
            sim_find(SIM_MODEL, b"%s: thread %d is in operation %d", why, i, <int> (r.at[i] - r.program.ops))
            return
    sim_find(SIM_MODEL, b"%s", why)


cdef void wait_for_threads(run_t *r) noexcept nogil:
    """Those in a proxy end only with the context."""
    cdef uint64_t most = seconds(2000)
    sim_wait(threads_ended, NULL, world.now + most)
    if not all_ended(r):
        r.shut = True
        context_shutdown(r.ctx)
        sim_wait(threads_ended, NULL, world.now + seconds(60) + world.jumped)
        if not all_ended(r):
            say_who_hangs(r, b"a call goes on for ever")


# ---- the end of a program

cdef bint drain_socket(run_t *r, int slot, int32_t timeout) noexcept nogil:
    """True if something came."""
    cdef bint some = False
    cdef int rc = 0
    cdef int most = 2000
    cdef op_t reply
    if r.slots[slot].s == NULL or r.slots[slot].closed or not receives(r.program.types[slot]):
        return False
    while most and rc >= 0:
        most -= 1
        rc = act_recv_one(r, slot, timeout)
        if rc >= 0:
            some = True
        if r.program.types[slot] == TYPE_REP and (rc >= 0 or rc == -EFSM):
            memset(&reply, 0, sizeof(reply))
            reply.sock = <uint8_t> slot
            reply.b = 1
            reply.a = 1
            reply.timeout = NOWAIT
            if act_send(r, &reply) >= 0:
                some = True
                rc = 0
    return some


cdef void drain(run_t *r) noexcept nogil:
    """Until nothing has come for a while, and no octet has moved: where 300 of them are under way for 30 ms, a long message takes its time.

    Heartbeats move octets for ever, a raw socket gets them as messages, and a proxy passes ours round."""
    cdef int quiet = 0
    cdef int rounds = 0     # since the last message of ours; behind a proxy, of all
    cdef int i
    cdef bint some
    cdef bint late = False  # every other round waits
    cdef uint64_t octets
    cdef uint64_t received
    while quiet < 8 and rounds < 300:
        some = False
        octets = sim_octets
        received = r.model.received
        for i in range(r.program.nsockets):
            some = drain_socket(r, i, 300 if late else NOWAIT) or some
        sim_sleep(200000000)
        late = not late
        quiet = 0 if some or octets != sim_octets else quiet + 1
        rounds = 0 if r.model.received != received and not r.model.relayed else rounds + 1


cdef bint joined(run_t *r) noexcept nogil:
    """Whether every connect has its bind at a socket that takes it: then nothing may be left under way."""
    cdef program_t *p = r.program
    cdef op_t *o
    cdef op_t *b
    cdef bint found
    cdef int i
    cdef int k
    for i in range(p.nops):
        o = &p.ops[i]
        if not o.kept or o.kind != OP_CONNECT:
            continue
        found = False
        for k in range(p.nops):
            b = &p.ops[k]
            if b.kept and b.kind == OP_BIND and b.a == o.a:
                # Two binds of one endpoint: one of them fails, and it depends on the schedule which.
                if found or not type_accepts(p.types[b.sock], p.types[o.sock]):
                    return False
                # Envelopes are made for the partner alone; a REP or REQ throws away what has none.
                if b.sock != o.sock ^ 1 and (p.types[b.sock] == TYPE_REP or p.types[o.sock] == TYPE_REP or p.types[o.sock] == TYPE_REQ):
                    return False
                found = True
        if not found:
            return False
    return True


cdef bint probes_a_req(program_t *p) noexcept nogil:
    """A REQ takes the probe of a ROUTER or DEALER for a broken reply and ends the connection, time after time."""
    cdef setting_t what
    cdef int i
    cdef int j
    for i in range(p.nops):
        if p.ops[i].kept and p.ops[i].kind == OP_SET:
            setting_of(p, &p.ops[i], &what)
            if what.option == OPT_PROBE_ROUTER:
                for j in range(p.nsockets):
                    if p.types[j] == TYPE_REQ:
                        return True
    return False


cdef bint promises(run_t *r) noexcept nogil:
    cdef program_t *p = r.program
    cdef int i
    cdef int pairs[SLOTS]
    if p.profile != PROFILE_CLEAN or r.model.loose or r.model.strangers or r.model.relayed or r.shut or troubled(r):
        return False
    memset(pairs, 0, sizeof(pairs))
    for i in range(p.nops):
        if p.ops[i].kept and (p.ops[i].kind == OP_CONNECT or p.ops[i].kind == OP_BIND):
            pairs[p.ops[i].sock] += 1
            if one_peer(p.types[p.ops[i].sock]) and pairs[p.ops[i].sock] > 1:
                return False
    return not probes_a_req(p) and joined(r)


cdef void main_thread(void *arg) noexcept nogil:
    cdef run_t *r = <run_t *> arg
    cdef program_t *p = r.program
    cdef bint promised
    cdef int i
    cdef int on = 1
    cdef int rc = 0
    cdef uint64_t began
    cdef uint64_t jumped
    r.ctx = context_new(p.poller)
    if r.ctx == NULL:
        return
    r.ctx.opt.io_threads = p.io_threads
    for i in range(p.nsockets):
        r.slots[i].s = socket_new(r.ctx, type_of_kind(p.types[i]), False, &rc)
        if r.slots[i].s != NULL and p.types[i] == TYPE_RAW_ROUTER:
            socket_set_option(r.slots[i].s, OPT_ROUTER_RAW, &on, sizeof(on))
    for i in range(p.nthreads):
        threads[i].run = r
        threads[i].number = i
        if sim_spawn(THREAD_NAMES[i], thread_main, &threads[i]) < 0:
            r.ended[i] = True
    wait_for_threads(r)
    promised = promises(r)
    drain(r)
    if promised:
        model_all_arrived(r.model)
    for i in range(p.nsockets):
        if r.slots[i].reader != NULL:
            socket_close(r.slots[i].reader, 0, True)
            socket_unref(r.slots[i].reader)
        if r.slots[i].s != NULL:
            # Without limit only where nothing may be left: what a ROUTER has for a REQ that never asked waits for ever.
            socket_close(r.slots[i].s, -1 if promised and balances(p.types[i]) else 100, True)
            socket_unref(r.slots[i].s)
    take_back(r)
    r.shut = True
    context_shutdown(r.ctx)
    began = world.now
    jumped = world.jumped
    while context_wait(r.ctx) != 0:
        take_back(r)
        if world.now - began > seconds(45) + (world.jumped - jumped):
            sim_find(SIM_MODEL, b"term() goes on for ever: a closed socket does not end")
    context_end(r.ctx)
    context_unref(r.ctx)
    take_back(r)


cdef const char **THREAD_NAMES = [b"thread 0", b"thread 1", b"thread 2", b"thread 3"]
cdef model_t the_model
cdef run_t the_run
cdef program_t the_program


cdef uint64_t unseen_progress() noexcept nogil:
    return moved_by_proxies(current_run)


cdef int run_program(program_t *p) noexcept nogil:
    global current_run
    cdef run_t *r = &the_run
    cdef model_t *m = &the_model
    cdef int i
    cdef int k
    cdef int senders[SLOTS]
    cdef int thread
    for i in range(SLOTS):
        # Only what the last program has used: the whole of it is large.
        memset(m.sent[i], 0, m.count[i] * sizeof(m.sent[i][0]))
        m.count[i] = 0
        memset(m.order[i], 0, sizeof(m.order[i]))
        m.next_order[i] = 0
        m.paths[i] = 0
        m.shared[i] = False
        senders[i] = -1
    m.program = p
    memset(m.raw, 0, sizeof(m.raw))
    m.next_raw = 0
    m.relayed = m.strangers = m.loose = m.noisy = False
    m.received = m.others = 0
    memset(r, 0, sizeof(run_t))
    r.program = p
    r.model = m
    r.prompt = p.profile == PROFILE_CLEAN and p.config.capacity >= 300 and p.config.delay_ns <= 1000000
    for k in range(p.nops):
        if not p.ops[k].kept:
            continue
        i = p.ops[k].sock
        thread = p.ops[k].thread
        if p.ops[k].kind == OP_SEND or p.ops[k].kind == OP_WORK:
            m.shared[i] = m.shared[i] or (senders[i] >= 0 and senders[i] != thread)
            senders[i] = thread
        elif p.ops[k].kind == OP_WATCH:
            r.watched[i] = True
        elif p.ops[k].kind == OP_PROXY:
            m.relayed = True
            if kind_raw(p.types[i]) or kind_raw(p.types[p.ops[k].a]):
                m.strangers = True      # it passes on the octets of raw connections in the pieces they came in
        elif p.ops[k].kind == OP_RAW or p.ops[k].kind == OP_RAW_LISTEN:
            m.strangers = True
        elif p.ops[k].kind in (OP_UNBIND, OP_DISCONNECT, OP_CLOSE, OP_SHUTDOWN, OP_HANG_UP):
            m.loose = True
    current_run = r
    sim_begin(&p.config)
    world.unseen = unseen_progress
    sim_spawn(b"main", main_thread, r)
    sim_run()
    zc_decref_take()
    if world.finding != SIM_OK:
        zc_large_trim()     # the process's blocks: of a program that was given up no socket has ended, and the next world must not find them
    return sim_end()
