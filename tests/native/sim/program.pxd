# A program: what application threads do to up to eight sockets, and on what kind of machine. Made from a seed, before anything runs.
#
# Rules
# - A program is a list of operations that name their thread and their socket; each thread does its own in the order of the list. Leaving some out
#   leaves a program, so a long one can be shrunk.
# - Chance within the list comes from the program's seed alone; what the machine does comes from config.seed.

from libc.stdint cimport int32_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memset
from sim.system cimport sim_config_t, sim_mix
from option.numbers cimport OPT_CONFLATE, OPT_HEARTBEAT_IVL, OPT_RECONNECT_IVL
from pattern.types cimport (
    TYPE_CHANNEL, TYPE_CLIENT, TYPE_DEALER, TYPE_DISH, TYPE_GATHER, TYPE_PAIR, TYPE_PEER, TYPE_PUB, TYPE_PULL, TYPE_PUSH, TYPE_RADIO, TYPE_REP,
    TYPE_REQ, TYPE_ROUTER, TYPE_SCATTER, TYPE_SERVER, TYPE_STREAM, TYPE_SUB, TYPE_XPUB, TYPE_XSUB,
)
from sim.types cimport TYPE_RAW_ROUTER, kind_raw, kind_single, one_peer, receives, sends

cdef enum:
    SLOTS = 8
    OPS_MAX = 96
    THREADS_MAX = 4
    ENDPOINTS = 10
    NOWAIT = -2             # a timeout: the call does not wait at all

cdef enum:                  # kinds of operations
    OP_SET = 1
    OP_BIND = 2
    OP_CONNECT = 3
    OP_UNBIND = 4
    OP_DISCONNECT = 5
    OP_SEND = 6
    OP_RECV = 7
    OP_POLL = 8
    OP_SUBSCRIBE = 9
    OP_UNSUBSCRIBE = 10
    OP_SLEEP = 11
    OP_IDLE = 12
    OP_RAW = 13
    OP_RAW_LISTEN = 14
    OP_MONITOR = 15
    OP_MONITOR_READ = 16
    OP_PROXY = 17
    OP_CLOSE = 18
    OP_SHUTDOWN = 19
    OP_WATCH = 20
    OP_BREAK = 21
    OP_FLUSH_AT_EXIT = 22
    OP_HANG_UP = 23
    OP_WORK = 24            # between large messages sent
    OP_KINDS = 25

cdef enum:                  # profiles
    PROFILE_CLEAN = 0       # nothing is lost: everything accepted must arrive
    PROFILE_CHURN = 1       # endpoints and sockets come and go
    PROFILE_HOSTILE = 2     # raw peers and resets
    PROFILE_REFUSED = 3     # calls fail for lack of descriptors and buffers
    PROFILE_NO_MEMORY = 4   # allocations fail
    PROFILE_ALL = 5
    PROFILES = 6

cdef struct op_t:
    uint8_t kind
    uint8_t thread
    uint8_t sock
    uint8_t kept            # 0: shrunk away
    int32_t a
    int32_t b
    int32_t c
    int32_t timeout         # ms

cdef struct program_t:
    uint64_t seed
    sim_config_t config
    int profile
    int nsockets
    int types[SLOTS]        # kinds: sim/types.pxd
    int nthreads
    int poller
    int io_threads
    int nops
    op_t ops[OPS_MAX]

cdef struct dice_t:
    uint64_t state


cdef inline uint32_t roll(dice_t *d, uint32_t n) noexcept nogil:
    """0 to n - 1."""
    d.state += 1
    return <uint32_t> ((sim_mix(d.state) >> 20) % n) if n else 0


cdef inline bint chance(dice_t *d, uint32_t percent) noexcept nogil:
    return roll(d, 100) < percent


cdef inline int32_t pick3(dice_t *d, int32_t a, int32_t b, int32_t c) noexcept nogil:
    cdef uint32_t i = roll(d, 3)
    return a if i == 0 else b if i == 1 else c


cdef inline op_t *op_add(program_t *p, int kind, int thread, int sock) noexcept nogil:
    cdef op_t *o = &p.ops[p.nops if p.nops < OPS_MAX else OPS_MAX - 1]
    if p.nops < OPS_MAX:
        p.nops += 1
    memset(o, 0, sizeof(op_t))
    o.kind = <uint8_t> kind
    o.thread = <uint8_t> thread
    o.sock = <uint8_t> sock
    o.kept = 1
    o.timeout = NOWAIT
    return o


# ---- what the machine is like

cdef inline void config_make(program_t *p, dice_t *d) noexcept nogil:
    cdef sim_config_t *c = &p.config
    memset(c, 0, sizeof(sim_config_t))
    c.seed = sim_mix(p.seed ^ 0xC10C)
    c.slice = <uint32_t> pick3(d, 2, 10, 60) if chance(d, 70) else <uint32_t> pick3(d, 0, 1, 1000)
    c.processors = 1 + roll(d, 2)
    c.capacity = <uint32_t> pick3(d, 300, 4096, 65536) if chance(d, 80) else <uint32_t> pick3(d, 1, 9, 64)
    c.split = <uint32_t> pick3(d, 0, 2, 10)
    c.delay_ns = <uint64_t> pick3(d, 0, 20000, 1000000) if chance(d, 85) else 30000000
    c.interrupted = <uint32_t> pick3(d, 0, 20, 100)
    c.not_now = <uint32_t> pick3(d, 0, 10, 100)
    if chance(d, 40):
        c.jump = <uint32_t> pick3(d, 500, 5000, 50000)
        c.jump_ns = <uint64_t> pick3(d, 100000, 5000000, 200000000)
    if p.profile == PROFILE_CLEAN and c.capacity < 300:
        # A handshake octet by octet, with a pause behind each, would run into its time limit: nobody's fault.
        c.jump = 0
        c.delay_ns = 0
    if p.profile == PROFILE_HOSTILE or (p.profile == PROFILE_ALL and chance(d, 40)):
        c.reset = <uint32_t> pick3(d, 0, 50, 300)
    if p.profile == PROFILE_REFUSED or (p.profile == PROFILE_ALL and chance(d, 40)):
        if chance(d, 50):
            c.refused_at = 1 + roll(d, 60)
        elif chance(d, 70):
            c.refused = <uint32_t> pick3(d, 5, 20, 100)
        else:
            c.descriptors = 5 + roll(d, 15)
    if p.profile == PROFILE_NO_MEMORY or (p.profile == PROFILE_ALL and chance(d, 30)):
        if chance(d, 75):
            c.no_memory_at = 1 + roll(d, 200)
        else:
            c.no_memory = <uint32_t> pick3(d, 20, 100, 500)


# ---- who talks to whom

cdef inline int kind_make(dice_t *d) noexcept nogil:
    cdef const int *newer = [TYPE_STREAM, TYPE_RAW_ROUTER, TYPE_SERVER, TYPE_CLIENT, TYPE_GATHER, TYPE_SCATTER, TYPE_PEER, TYPE_CHANNEL,
                             TYPE_RADIO, TYPE_DISH]
    return <int> roll(d, TYPE_STREAM) if chance(d, 65) else newer[roll(d, 10)]


cdef inline int partner(int type, dice_t *d) noexcept nogil:
    if kind_raw(type):
        return TYPE_STREAM if chance(d, 65) else TYPE_RAW_ROUTER if chance(d, 70) else TYPE_DEALER
    if type == TYPE_SERVER:
        return TYPE_CLIENT
    if type == TYPE_CLIENT:
        return TYPE_SERVER
    if type == TYPE_GATHER:
        return TYPE_SCATTER
    if type == TYPE_SCATTER:
        return TYPE_GATHER
    if type == TYPE_RADIO:
        return TYPE_DISH
    if type == TYPE_DISH:
        return TYPE_RADIO
    if type == TYPE_PEER or type == TYPE_CHANNEL:
        return type
    if type == TYPE_PUSH:
        return TYPE_PULL
    if type == TYPE_PULL:
        return TYPE_PUSH
    if type == TYPE_PUB or type == TYPE_XPUB:
        return TYPE_SUB if chance(d, 60) else TYPE_XSUB
    if type == TYPE_SUB or type == TYPE_XSUB:
        return TYPE_PUB if chance(d, 50) else TYPE_XPUB
    if type == TYPE_REQ:
        return TYPE_REP if chance(d, 60) else TYPE_ROUTER
    if type == TYPE_REP:
        return TYPE_REQ if chance(d, 70) else TYPE_DEALER
    if type == TYPE_DEALER:
        return pick3(d, TYPE_ROUTER, TYPE_REP, TYPE_DEALER)
    if type == TYPE_ROUTER:
        return pick3(d, TYPE_DEALER, TYPE_REQ, TYPE_ROUTER)
    return TYPE_PAIR


cdef inline int32_t timeout_make(dice_t *d) noexcept nogil:
    return NOWAIT if chance(d, 35) else pick3(d, 10, 300, 5000) if chance(d, 90) else 0


cdef inline void option_make(program_t *p, dice_t *d, int thread, int sock) noexcept nogil:
    cdef op_t *o = op_add(p, OP_SET, thread, sock)
    o.a = <int32_t> roll(d, 1 << 20)        # run.pxi takes it modulo the table that fits the profile
    o.b = <int32_t> roll(d, 1 << 20)


cdef inline void option_number(program_t *p, int sock, int option, int32_t value) noexcept nogil:
    """One that is named: those that change most."""
    cdef op_t *o = op_add(p, OP_SET, 0, sock)
    o.a = option
    o.b = value
    o.c = 1


cdef inline void traffic_make(program_t *p, dice_t *d, int thread) noexcept nogil:
    """One operation that every profile may have."""
    cdef int sock = <int> roll(d, <uint32_t> p.nsockets)
    cdef int type = p.types[sock]
    cdef uint32_t what = roll(d, 100)
    cdef op_t *o
    if what < 40 and sends(type) or (what < 78 and not receives(type)):
        o = op_add(p, OP_SEND, thread, sock)
        # Now and then so many that a read takes a whole chunk, whose views the core hands on.
        o.a = 1 + <int32_t> (roll(d, 4) if chance(d, 60) else roll(d, 30) if chance(d, 75) else roll(d, 300))
        o.b = 1 if chance(d, 96 if kind_single(type) or type == TYPE_STREAM else 60) else 1 + <int32_t> roll(d, 4)
        o.c = <int32_t> roll(d, 1000)       # size class and destination
        o.timeout = timeout_make(d)
    elif what < 78:
        o = op_add(p, OP_RECV, thread, sock)
        o.a = 1 + <int32_t> (roll(d, 4) if chance(d, 60) else roll(d, 30))
        o.timeout = timeout_make(d)
    elif what < 84:
        o = op_add(p, OP_POLL, thread, sock)
        o.a = <int32_t> (1 << sock | roll(d, 256))
        o.b = 1 + <int32_t> roll(d, 3)
        o.timeout = pick3(d, 0, 20, 1000)
    elif what < 89:
        o = op_add(p, OP_SLEEP, thread, sock)
        o.a = pick3(d, 10, 1000, 100000)
    elif what < 91:
        op_add(p, OP_IDLE, thread, sock)
    elif what < 94 and (type == TYPE_SUB or type == TYPE_XPUB or type == TYPE_DISH):
        o = op_add(p, OP_UNSUBSCRIBE if chance(d, 30) else OP_SUBSCRIBE, thread, sock)
        o.a = <int32_t> roll(d, 5)
    elif what < 96:
        o = op_add(p, OP_MONITOR if chance(d, 50) else OP_MONITOR_READ, thread, sock)
        o.a = <int32_t> roll(d, 4)
        o.timeout = pick3(d, NOWAIT, 10, 100)
    elif what < 98:
        op_add(p, OP_WATCH, thread, sock).timeout = pick3(d, 0, 10, 300)
    else:
        op_add(p, OP_FLUSH_AT_EXIT, thread, sock)


cdef inline void trouble_make(program_t *p, dice_t *d, int thread) noexcept nogil:
    """One operation that may cost messages."""
    cdef int sock = <int> roll(d, <uint32_t> p.nsockets)
    cdef uint32_t what = roll(d, 100)
    cdef op_t *o
    if what < 12:
        op_add(p, OP_UNBIND, thread, sock).a = <int32_t> roll(d, ENDPOINTS)
    elif what < 24:
        op_add(p, OP_DISCONNECT, thread, sock).a = <int32_t> roll(d, ENDPOINTS)
    elif what < 36:
        o = op_add(p, OP_CONNECT, thread, sock)
        o.a = <int32_t> roll(d, ENDPOINTS)
        o.b = chance(d, 50)
    elif what < 46:
        op_add(p, OP_BIND, thread, sock).a = <int32_t> roll(d, ENDPOINTS)
    elif what < 58:
        option_make(p, d, thread, sock)
    elif what < 65:
        op_add(p, OP_CLOSE, thread, sock).timeout = pick3(d, 0, 1, 100)
    elif what < 67:
        o = op_add(p, OP_PROXY, thread, sock)
        o.a = <int32_t> roll(d, <uint32_t> p.nsockets)
        o.b = 1 + <int32_t> roll(d, 5)
    elif what < 68:
        op_add(p, OP_SHUTDOWN, thread, sock)
    elif what < 76 and (kind_raw(p.types[sock]) or p.types[sock] == TYPE_PEER):
        op_add(p, OP_HANG_UP, thread, sock).c = <int32_t> roll(d, 1000)
    elif p.profile == PROFILE_HOSTILE or p.profile == PROFILE_ALL:
        if what < 90:
            o = op_add(p, OP_RAW if chance(d, 75) else OP_RAW_LISTEN, thread, sock)
            o.a = <int32_t> roll(d, ENDPOINTS)
            o.b = <int32_t> roll(d, 1 << 20)
            o.c = <int32_t> roll(d, 1 << 20)
        else:
            op_add(p, OP_BREAK, thread, sock).a = <int32_t> roll(d, 64)
    else:
        traffic_make(p, d, thread)


cdef inline void burst_make(program_t *p, dice_t *d, int sock) noexcept nogil:
    """A conflating sender is at risk where a connection is full in the middle of a message: many, of several frames, and nobody waits."""
    cdef op_t *o = op_add(p, OP_SEND, <int> roll(d, <uint32_t> p.nthreads), sock)
    o.a = 20 + <int32_t> roll(d, 100)
    o.b = 2 + <int32_t> roll(d, 3)
    o.c = <int32_t> roll(d, 1000)


cdef inline void work_make(program_t *p, dice_t *d) noexcept nogil:
    """Large messages, with work between them: the I/O thread learns the pace, and writes while the program works."""
    cdef int sock = <int> roll(d, <uint32_t> p.nsockets)
    cdef op_t *o
    if not sends(p.types[sock]):
        return
    o = op_add(p, OP_WORK, <int> roll(d, <uint32_t> p.nthreads), sock)
    o.a = 5 + <int32_t> roll(d, 40)
    o.b = pick3(d, 15, 60, 90) if chance(d, 80) else 300      # us
    o.c = <int32_t> roll(d, 1000)
    o.timeout = timeout_make(d)


cdef inline void program_make(program_t *p, uint64_t seed) noexcept nogil:
    cdef dice_t d
    cdef int i
    cdef int _i
    cdef int n
    cdef int binder
    cdef int end
    cdef int traffic
    cdef int first
    cdef op_t *joiner
    cdef uint32_t conflated = 0
    memset(p, 0, sizeof(program_t))
    d.state = sim_mix(seed) >> 8
    p.seed = seed
    p.profile = <int> roll(&d, PROFILES + 3)
    if p.profile >= PROFILES:
        p.profile = PROFILE_CLEAN
    config_make(p, &d)
    p.poller = 1 if chance(&d, 80) else 3       # POLLSET_EPOLL, POLLSET_POLL
    p.io_threads = 1 if chance(&d, 85) else 2
    p.nthreads = 1 + <int> roll(&d, THREADS_MAX)
    p.nsockets = 2 + <int> (roll(&d, 2) if chance(&d, 60) else roll(&d, SLOTS - 1))
    first = kind_make(&d)
    for i in range(p.nsockets):
        if i % 2 == 0:
            p.types[i] = first if chance(&d, 60) else kind_make(&d)
        else:
            p.types[i] = partner(p.types[i - 1], &d)
    for i in range(p.nsockets):
        n = <int> roll(&d, 3) if p.profile == PROFILE_CLEAN else <int> roll(&d, 5)
        while n > 0:
            option_make(p, &d, 0, i)
            n -= 1
        if p.profile != PROFILE_CLEAN and chance(&d, 6):
            option_number(p, i, OPT_CONFLATE, 1)
            conflated |= 1 << i
        if p.profile != PROFILE_CLEAN and chance(&d, 6):
            option_number(p, i, OPT_HEARTBEAT_IVL, pick3(&d, 10, 100, 1000))
        if p.profile != PROFILE_CLEAN and chance(&d, 6):
            option_number(p, i, OPT_RECONNECT_IVL, pick3(&d, 0, 10, -1))
        if p.types[i] == TYPE_SUB and chance(&d, 85):
            op_add(p, OP_SUBSCRIBE, 0, i).a = 0 if chance(&d, 60) else <int32_t> roll(&d, 5)
        for _i in range(<int> roll(&d, 4) if p.types[i] == TYPE_DISH else 0):
            op_add(p, OP_SUBSCRIBE, 0, i).a = <int32_t> roll(&d, 5)
    # Pairs are joined: one binds, the other connects, in either order, now or by any thread later.
    i = 0
    while i + 1 < p.nsockets:
        end = <int> roll(&d, ENDPOINTS - 2)
        binder = i + <int> roll(&d, 2)
        if chance(&d, 75):
            op_add(p, OP_BIND, 0, binder).a = end
            joiner = op_add(p, OP_CONNECT, <int> roll(&d, <uint32_t> p.nthreads), 2 * i + 1 - binder)
            joiner.a = end
            joiner.b = p.types[2 * i + 1 - binder] == TYPE_PEER
        else:
            joiner = op_add(p, OP_CONNECT, 0, 2 * i + 1 - binder)
            joiner.a = end
            joiner.b = p.types[2 * i + 1 - binder] == TYPE_PEER
            op_add(p, OP_BIND, <int> roll(&d, <uint32_t> p.nthreads), binder).a = end
        if p.nsockets > i + 2 and chance(&d, 30) and not one_peer(p.types[binder]):
            # A third of the kind joins.
            n = i + 2
            while n < p.nsockets:
                if p.types[n] == p.types[2 * i + 1 - binder]:
                    op_add(p, OP_CONNECT, 0, n).a = end
                n += 1
        i += 2
    for i in range(p.nsockets):
        if conflated >> i & 1 and sends(p.types[i]) and chance(&d, 75):
            burst_make(p, &d, i)
    traffic = 4 + <int> (roll(&d, 12) if chance(&d, 60) else roll(&d, 50))
    for _i in range(traffic):
        if chance(&d, 2):
            work_make(p, &d)
        n = <int> roll(&d, <uint32_t> p.nthreads)
        if p.profile != PROFILE_CLEAN and chance(&d, 25):
            trouble_make(p, &d, n)
        else:
            traffic_make(p, &d, n)
