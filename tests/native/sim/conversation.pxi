# Conversations of raw peers with a whole socket, for fuzzing (tests/fuzz/run.sh sockets).
#
# An input is a head and a conversation: raw peers and the application take turns as it says. A finding is whatever AddressSanitizer or the
# simulator sees, and: more work than the conversation can be worth, a call that answers what no program expects, a message received in pieces, and
# anything left (blocks, descriptors, threads, files) when sockets, peers and context are gone.
#
#   octet 0   kind of socket, see fuzz_kind(); --type=N on the command line takes its place
#   octet 1   bit 0: the socket connects, else it is bound; bit 1: ipc; bits 2-3: high-water marks; bits 4-5: MAXMSGSIZE; bit 6: IMMEDIATE;
#             bit 7: CONFLATE
#   octets 2, 3   switches of the patterns and limits, see fuzz_options()
#   octet 4   bits 0-1: how much a connection holds; bit 2: octets travel for a while; bit 3: they arrive in parts; bits 4-5: LINGER;
#             bit 6: a monitor; bit 7: heartbeats
#   then steps: an octet that says what (bits 0-4), to which peer (bits 5-6), and whether all others come to rest after it (bit 7); arguments as in
#   fuzz_step(). They have a second for it: a connection that watches a peer which reads nothing (DRAIN_MAX_S) would make one conversation in forty
#   cost as much as all the others, and many that connect again and again never rest. Sleeps lead there, too.
#   A peer introduces itself with what a well-behaved one would say unless the step asks for something else.
#
# No Python object is touched and no interpreter runs.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset, strlen
from libc.stdio cimport fprintf, stderr
from base.errors cimport EADDRINUSE, EAGAIN, EFAULT, EFSM, EHOSTUNREACH, EINTR, EINVAL, ENOENT, ENOTSOCK, ENOTSUP
from base.platform cimport zc_lock_acquire, zc_lock_release
from message.message cimport msg_t, msg_alloc, msg_close, msg_data, msg_init, MSG_EMPTY, MSG_GROUPED, MSG_MORE
from reactor.pollset cimport POLLSET_EPOLL, POLLSET_POLL
from sim.system cimport (
    sim_begin, sim_config_t, sim_end, sim_fail, sim_heap, sim_idle_for, sim_peer_accept, sim_peer_close, sim_peer_connect, sim_peer_listen,
    sim_peer_recv, sim_peer_send, sim_run, sim_sleep, sim_spawn, world,
)
from io.end_call cimport socket_end_call
from io.wait cimport wait_t
from pattern.types cimport (
    TYPE_CHANNEL, TYPE_CLIENT, TYPE_DISH, TYPE_GATHER, TYPE_PEER, TYPE_RADIO, TYPE_REQ, TYPE_SCATTER, TYPE_SERVER, TYPE_STREAM,
)
from socket.endpoints cimport socket_bind, socket_connect, socket_connect_peer, socket_disconnect_peer, socket_unbind
from socket.life cimport (
    context_end, context_new, context_shutdown, context_unref, context_wait, socket_close, socket_new,
)
from option.numbers cimport (
    OPT_SUBSCRIBE, OPT_CONFLATE, OPT_CONNECT_ROUTING_ID, OPT_HANDSHAKE_IVL, OPT_HEARTBEAT_IVL, OPT_HEARTBEAT_TTL,
    OPT_HELLO_MSG, OPT_DISCONNECT_MSG, OPT_HICCUP_MSG, OPT_IMMEDIATE, OPT_INVERT_MATCHING, OPT_MAX_MESSAGE_BYTES, OPT_MAX_MESSAGE_FRAMES,
    OPT_MAX_PEERS, OPT_MAX_PENDING_HANDSHAKES, OPT_MAX_SUBSCRIPTIONS, OPT_MAXMSGSIZE, OPT_ONLY_FIRST_SUBSCRIBE, OPT_PROBE_ROUTER, OPT_RCVHWM,
    OPT_RECONNECT_IVL, OPT_REQ_CORRELATE, OPT_REQ_RELAXED, OPT_ROUTER_HANDOVER, OPT_ROUTER_MANDATORY, OPT_ROUTER_NOTIFY,
    OPT_ROUTER_RAW, OPT_ROUTING_ID, OPT_STREAM_NOTIFY,
    OPT_SNDHWM, OPT_UNSUBSCRIBE, OPT_XPUB_MANUAL, OPT_XPUB_MANUAL_LAST_VALUE, OPT_XPUB_NODROP, OPT_XPUB_VERBOSE, OPT_XPUB_VERBOSER,
    OPT_XPUB_WELCOME_MSG, OPT_XSUB_VERBOSE_UNSUBSCRIBE,
)
from socket.options cimport socket_join, socket_set_option
from socket.monitor cimport MONITOR_ENDPOINT
from socket.monitoring cimport socket_monitor_start, socket_monitor_stop
from socket.state cimport context_t, socket_t
from socket.send_recv cimport (
    socket_enter, socket_events_now, socket_poll_wait, socket_recv_now, socket_recv_wait, socket_send_now,
    socket_send_wait,
)
from io.wait cimport wait_begin
from socket.references cimport socket_unref
from sim.types cimport TYPE_RAW_ROUTER, kind_numbered, kind_raw, receives, type_name, type_of_kind

cdef enum:
    PEERS = 4
    PORT = 5555
    KINDS = 21
    # Steps of the simulator that a conversation may cost, and each octet of it: some ten times what the costliest honest ones take.
    STEPS = 100000
    STEPS_EACH = 2000
    REST_NS = 1000000000
    MEETS = 8                   # connect_peer() beside the PEERS: each that is refused tries again ten times a second
    STEPS_TRIES = 600           # ... which may cost so much
    STEPS_DRAIN = 12000         # watching a connection for DRAIN_MAX_S whose peer reads nothing: a raw one may have output from its first moment on

cdef struct fuzz_t:
    const uint8_t *p
    size_t n
    size_t at
    int type
    bint connects
    const char *text            # of the endpoint
    const char *path            # NULL: tcp
    bint inside                 # in the middle of a message being received
    unsigned char id[32]        # the first frame received last, if it is short: of a ROUTER or STREAM the id of a peer
    size_t id_size
    uint32_t drains
    uint32_t meets
    uint32_t tries              # seconds of rest and sleep, for each of them
    uint32_t number             # SERVER, PEER: of the peer heard last, or connected last
    context_t *ctx
    socket_t *s
    int listener
    int peers[PEERS]
    unsigned char out[70100]


cdef extern from "<unistd.h>" nogil:
    int unlink(const char *path)        # the simulator's

cdef extern from *:
    """
    static int fuzz_forced_type = -1;
    """
    int fuzz_forced_type

cdef fuzz_t fuzz


cdef int fuzz_kind(unsigned int place) noexcept nogil:
    """The classic types come first, by their numbers: so old conversations mean what they meant."""
    cdef const int *newer = [TYPE_STREAM, TYPE_SERVER, TYPE_CLIENT, TYPE_RAW_ROUTER, TYPE_PEER, TYPE_GATHER, TYPE_SCATTER, TYPE_CHANNEL,
                             TYPE_RADIO, TYPE_DISH]
    place %= KINDS
    return <int> place if place < TYPE_STREAM else newer[place - TYPE_STREAM]


# ---- the input

cdef inline unsigned int take(fuzz_t *f) noexcept nogil:
    if f.at == f.n:
        return 0
    f.at += 1
    return f.p[f.at - 1]


cdef inline const uint8_t *take_octets(fuzz_t *f, size_t *n) noexcept nogil:
    """As many as there are, up to n."""
    cdef const uint8_t *p = f.p + f.at
    if n[0] > f.n - f.at:
        n[0] = f.n - f.at
    f.at += n[0]
    return p


include "sim/conversation_peers.pxi"


# ---- the application

cdef inline int enter(fuzz_t *f) noexcept nogil:
    zc_lock_acquire(&f.s.lock)
    return socket_enter(f.s)


cdef inline void leave(fuzz_t *f) noexcept nogil:
    socket_end_call(f.s)
    zc_lock_release(&f.s.lock)


cdef void expect(int rc, const char *what) noexcept nogil:
    if rc >= 0 or rc == -EAGAIN or rc == -EFSM or rc == -EHOSTUNREACH or rc == -EINVAL or rc == -ENOTSUP or rc == -ENOTSOCK or rc == -ENOENT:
        return
    sim_fail(what)


cdef void app_send(fuzz_t *f, bint more, bint wait, const uint8_t *data, size_t n, size_t size) noexcept nogil:
    cdef msg_t m[2]                 # the frame; what a RADIO sends to: the group whose name is the first octet
    cdef wait_t w
    cdef int rc = -EINTR
    cdef int i
    if msg_alloc(&m[0], size) < 0 or msg_alloc(&m[1], 1 if n else 0) < 0:
        sim_fail(b"no memory")
    memset(msg_data(&m[0]), 0x2a, size)
    memcpy(msg_data(&m[0]), data, n if n < size else size)
    memcpy(msg_data(&m[1]), data, m[1].size)
    m[0].flags = (MSG_MORE if more else 0) | (MSG_GROUPED if f.type == TYPE_RADIO else 0)
    m[0].routing_id = f.number if kind_numbered(f.type) else 0
    wait_begin(&w, 2)
    while rc == -EINTR:
        rc = enter(f)
        if rc == 0:
            rc = socket_send_wait(f.s, m, &w) if wait else socket_send_now(f.s, m)
        leave(f)
    for i in range(2):
        if m[i].kind != MSG_EMPTY:
            msg_close(&m[i])
    expect(rc, b"send")
    if rc == 0 and f.type == TYPE_REQ:
        f.inside = False            # REQ_RELAXED: with a new request the old one's reply is over, wherever its reader was


cdef int app_recv(fuzz_t *f, bint wait) noexcept nogil:
    """1: a frame came."""
    cdef msg_t m
    cdef wait_t w
    cdef int rc = -EINTR
    cdef bint more = False
    msg_init(&m)
    wait_begin(&w, 2)
    while rc == -EINTR:
        rc = enter(f)
        if rc == 0:
            rc = socket_recv_wait(f.s, &m, &w) if wait else socket_recv_now(f.s, &m)
        leave(f)
    if rc == 0:
        more = (m.flags & MSG_MORE) != 0
    if rc == 0:
        if not f.inside and m.size <= sizeof(f.id):
            memcpy(f.id, msg_data(&m), m.size)
            f.id_size = m.size
        if (m.routing_id != 0) != kind_numbered(f.type):
            sim_fail(b"a message with a number that its type has not, or without one that it has")
        f.number = m.routing_id
        f.inside = more
        peek(f, msg_data(&m), m.size)
        msg_close(&m)
        return 1
    if f.inside and rc == -EAGAIN:
        sim_fail(b"the rest of a message is not there")
    f.inside = False
    expect(rc, b"recv")
    return 0


cdef void peek(fuzz_t *f, const unsigned char *p, size_t n) noexcept nogil:
    """Looks at every octet: AddressSanitizer knows which are ours."""
    cdef size_t part
    while n:
        part = n if n < sizeof(f.out) else sizeof(f.out)
        memcpy(f.out, p, part)
        p += part
        n -= part


cdef void app_set(fuzz_t *f, int option, const void *value, size_t size) noexcept nogil:
    """As Socket.set() does it."""
    cdef int rc = enter(f)
    if rc == 0:
        rc = socket_set_option(f.s, option, value, size)
    leave(f)
    expect(rc, b"set")


cdef void app_int(fuzz_t *f, int option, int value) noexcept nogil:
    app_set(f, option, &value, sizeof(value))


cdef void app_subscribe(fuzz_t *f, const uint8_t *data, size_t n, bint add) noexcept nogil:
    """A DISH joins and leaves."""
    cdef int rc
    if f.type != TYPE_DISH:
        app_set(f, OPT_SUBSCRIBE if add else OPT_UNSUBSCRIBE, data, n)
        return
    zc_lock_acquire(&f.s.lock)
    rc = socket_join(f.s, data, n, add)
    leave(f)
    expect(rc, b"join")


cdef void app_poll(fuzz_t *f, int wanted, uint64_t ms) noexcept nogil:
    cdef wait_t w
    cdef int rc = -EINTR
    wait_begin(&w, ms)
    while rc == -EINTR:
        rc = enter(f)
        if rc == 0:
            rc = socket_poll_wait(f.s, wanted, &w) if ms else socket_events_now(f.s)
        leave(f)
    expect(rc, b"poll")
    if ms and rc > 0 and rc & 1 and receives(f.type):
        # What poll promises, recv keeps.
        if not app_recv(f, False):
            sim_fail(b"poll said there was something")


cdef int app_open(fuzz_t *f) noexcept nogil:
    if f.connects:
        return socket_connect(f.s, f.text, strlen(f.text))
    return socket_bind(f.s, f.text, strlen(f.text))


cdef void app_meet(fuzz_t *f, unsigned int how) noexcept nogil:
    """connect_peer() and disconnect_peer(); others refuse both."""
    cdef const char *where = b"inproc://nobody"
    cdef int rc = 0
    if how & 1:
        rc = socket_disconnect_peer(f.s, f.number)
    elif f.meets < MEETS:
        if not how & 2:
            where = f.text
        rc = socket_connect_peer(f.s, where, strlen(where), &f.number)
        f.meets += rc == 0
        if rc == -EFAULT:
            rc = 0
        elif rc == 0 and f.number == 0:
            sim_fail(b"connect_peer() told no number")
    expect(rc, b"meet")


cdef void app_reopen(fuzz_t *f) noexcept nogil:
    cdef int rc = socket_unbind(f.s, f.text, strlen(f.text), f.connects)
    f.drains += kind_raw(f.type)
    expect(rc, b"unbind")
    rc = app_open(f)
    if rc != -EADDRINUSE:
        expect(rc, b"open again")
    f.inside = False


include "sim/conversation_options.pxi"


# ---- the conversation

cdef void fuzz_step(fuzz_t *f) noexcept nogil:
    cdef unsigned int op = take(f)
    cdef int i = (op >> 5) & 3
    cdef int fd = f.peers[i]
    cdef unsigned int x
    cdef size_t n
    cdef const uint8_t *data
    cdef unsigned int what = op & 31
    if what == 0 or fd < 0 and what < 9:
        # A step of a peer that is not there brings it.
        peer_come(f, i, take(f) if what == 0 else 0)
        fd = f.peers[i]
    if what == 1:                       # octets as they are
        n = take(f)
        data = take_octets(f, &n)
        say(fd, data, n)
    elif what == 2:                     # a frame: flags, size, body
        x = take(f)
        n = take(f)
        data = take_octets(f, &n)
        say(fd, f.out, frame(f.out, x & 7 & ~2, n))
        say(fd, data, n)
    elif what == 3:                     # frames of one octet repeated
        x = take(f)
        peer_frames(f, fd, x & 1, (x >> 1) * 8, take(f), 1 + (take(f) & 31))
    elif what == 4:                     # a large one
        x = take(f)
        peer_frames(f, fd, x & 1, ((x >> 1) + 1) * 520, 0x31, 1)
    elif what == 5:                     # a command
        x = take(f)
        peer_command(f, fd, x, x >> 3)
    elif what == 6:
        peer_hear(f, fd, 1 + take(f))
    elif what == 7:
        peer_hear(f, fd, 1 << 20)
    elif what == 8:                     # a length that is a lie
        n = take(f)
        f.out[0] = <unsigned char> ((n & 1) | 2 | (4 if n & 2 else 0))
        memset(f.out + 1, 0, 8)
        f.out[8 - (n >> 2) % 7] = <unsigned char> (1 + (n >> 5))
        say(fd, f.out, 9)
    elif what == 9:
        peer_go(f, i, False, False)
    elif what == 10:
        peer_go(f, i, True, False)
    elif what == 11:
        peer_go(f, i, False, True)
    elif what == 12 or what == 13:      # the application sends; bit 0 of x: MORE, bit 1: waits
        x = take(f)
        n = x >> 2
        data = take_octets(f, &n)
        app_send(f, x & 1, (x >> 1) & 1, data, n, n)
    elif what == 14:                    # ... large
        x = take(f)
        app_send(f, x & 1, (x >> 1) & 1, b"", 0, (x >> 2) * 1100)
    elif what == 15:                    # ... to a peer, as a ROUTER does, or as a REQ's envelope
        app_send(f, True, False, b"AB" if i < 2 else b"A", 1 + (i & 1), 1 + (i & 1))
        app_send(f, False, False, b"to you", 6, 6)
    elif what == 16:
        app_recv(f, False)
    elif what == 17:
        app_recv(f, True)
    elif what == 18:                    # everything there is
        x = 300
        while x and app_recv(f, False):
            x -= 1
    elif what == 19:
        app_poll(f, 1 + i, 0)
    elif what == 20:
        app_poll(f, 1, 1 + i)
    elif what == 21:
        app_poll(f, 2, 1 + i)
    elif what == 22 or what == 23:      # subscribes, unsubscribes
        n = take(f) & 15
        data = take_octets(f, &n)
        app_subscribe(f, data, n, what == 22)
    elif what == 24:
        sim_sleep(<uint64_t> (1 + i) * 1000000)
    elif what == 25:
        f.tries += 4 * f.meets
        sim_sleep(<uint64_t> (1 + (take(f) & 63)) * 50000000)
    elif what == 26:
        app_reopen(f)
    elif what == 27:                    # marks, and switches that may change at any time
        x = take(f)
        app_int(f, OPT_SNDHWM, x & 3)
        app_int(f, OPT_RCVHWM, (x >> 2) & 3)
        app_int(f, OPT_ROUTER_HANDOVER, (x >> 4) & 1)
        app_int(f, OPT_XPUB_MANUAL, (x >> 5) & 1)
        app_int(f, OPT_MAX_SUBSCRIPTIONS, (x >> 6) & 3)
    elif what == 28:
        x = take(f)
        if x & 1:
            socket_monitor_stop(f.s)
        else:
            socket_monitor_start(f.s, b"inproc://watch", 14, 0xffff, MONITOR_ENDPOINT)
    elif what == 29:
        socket_close(f.s, 0, False)
    elif what == 30:                    # ... to the peer heard last; on a raw connection nothing ends it
        x = take(f)
        if not kind_numbered(f.type):
            app_send(f, True, False, f.id, f.id_size, f.id_size)
        n = x >> 1
        data = take_octets(f, &n)
        app_send(f, False, x & 1, data, n, n)
    elif what == 31:
        app_meet(f, i)
    if op & 0x80:
        f.tries += f.meets
        sim_idle_for(REST_NS)


cdef void fuzz_main(void *arg) noexcept nogil:
    cdef fuzz_t *f = <fuzz_t *> arg
    cdef int rc = 0
    cdef int i
    cdef unsigned int a = take(f)
    cdef unsigned int b = take(f)
    cdef unsigned int c = take(f)
    cdef unsigned int d = take(f)
    f.connects = a & 1
    f.text = b"tcp://127.0.0.1:5555"
    f.path = NULL
    if a & 2:
        f.text = b"ipc:///tmp/fuzz"
        f.path = b"/tmp/fuzz"
    f.ctx = context_new(POLLSET_EPOLL if c & 128 == 0 else POLLSET_POLL)
    if f.ctx == NULL:
        sim_fail(b"context")
    f.s = socket_new(f.ctx, type_of_kind(f.type), False, &rc)
    if f.s == NULL:
        sim_fail(b"socket")
    if f.type == TYPE_RAW_ROUTER:
        app_int(f, OPT_ROUTER_RAW, 1)
    fuzz_options(f, a, b, c, d)
    if d & 0x40:
        socket_monitor_start(f.s, b"inproc://watch", 14, 0xffff, MONITOR_ENDPOINT)
    f.listener = -1
    if f.connects:
        f.listener = sim_peer_listen(PORT, f.path)
    rc = app_open(f)
    expect(rc, b"open")
    while f.at < f.n:
        fuzz_step(f)
    socket_close(f.s, -1, False)
    for i in range(PEERS):
        peer_go(f, i, False, False)
    if f.listener >= 0:
        sim_peer_close(f.listener, 0, 0)
        unlink(b"/tmp/fuzz")
    while context_wait(f.ctx) != 0:
        pass
    socket_unref(f.s)
    context_shutdown(f.ctx)
    context_end(f.ctx)
    context_unref(f.ctx)


cdef int fuzz_one(const uint8_t *data, size_t size) noexcept nogil:
    """One conversation; 0 or the finding."""
    cdef sim_config_t c
    cdef fuzz_t *f = &fuzz
    cdef int i
    cdef int rc
    cdef uint64_t most
    cdef const unsigned int *rooms = [65536, 65536, 700, 40]
    if size < 5:
        return 0
    f.p = data
    f.n = size
    f.at = 1
    f.type = fuzz_kind(<unsigned int> fuzz_forced_type if fuzz_forced_type >= 0 else data[0])
    f.inside = False
    f.id_size = 0
    f.drains = 0
    f.meets = 0
    f.tries = 0
    f.number = 0
    f.ctx = NULL
    f.s = NULL
    for i in range(PEERS):
        f.peers[i] = -1
    memset(&c, 0, sizeof(c))
    c.seed = 1
    c.capacity = rooms[data[4] & 3]
    c.delay_ns = 3000000 if data[4] & 4 else 0
    c.split = 3 if data[4] & 8 else 0
    c.tick = 2000               # spins cost work and show nothing here
    sim_begin(&c)
    sim_spawn(b"application", fuzz_main, f)
    sim_run()
    most = STEPS + size * <uint64_t> STEPS_EACH + f.drains * <uint64_t> STEPS_DRAIN + f.tries * <uint64_t> STEPS_TRIES
    if world.finding == 0 and world.steps > most:
        sim_fail(b"more work than the conversation is worth")
    rc = sim_end()
    if rc:
        fprintf(stderr, b"finding %d: %s (%llu steps)\n", rc, world.text, <unsigned long long> world.steps)
    return rc
