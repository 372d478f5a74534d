# The model: what must hold whatever the machine does. Called with the socket's lock held or from a single thread; never at a point, so it is atomic.
#
# Every message carries its sender, its number and the place of each frame in it. From that alone follows
#   order       on one pipe, the numbers of one sender only grow
#   duplicates  a message that goes to one peer arrives once; one that is fanned out arrives at each socket once for each of its connections
#   whole       the frames of a message arrive together, all of them, in order, unchanged
#   no ghosts   what a send refused does not arrive
#   to whom     what is sent to an id or number arrives at the peer that it was learnt from
# and for programs that promise it (program.pxd, PROFILE_CLEAN)
#   all         what was accepted has arrived when the receivers have been emptied
#   in time     a receiver that waits gets a message soon after it was accepted

from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy, memset
from message.message cimport msg_t, msg_data
from pipe.pipe cimport pipe_t
from sim.program cimport SLOTS, program_t
from sim.system cimport SIM_MODEL, sim_find, world
from sim.types cimport balances, fans_out, kind_numbered, kind_raw

cdef enum:
    SENT_MAX = 768          # messages of one socket that are followed; later ones are sent without a number
    ORDERS = 64
    STREAMS = 64            # raw connections that are followed
    HEAD = 17               # octets of a frame before its filling
    LATE_NS = 1000000000    # far more than any timer of the core, delay of a clean network, or wish of the scheduler

cdef enum:                  # sent_t.state
    SENT_NOT = 0
    SENT_BEGUN = 1          # a thread is at it
    SENT_ACCEPTED = 2
    SENT_REFUSED = 3
    SENT_DOUBTFUL = 4       # the call failed half-way

cdef struct sent_t:
    uint8_t state
    uint8_t frames
    uint8_t delivered[SLOTS]
    uint8_t to              # one more than the socket that has to get it; 0: any
    uint64_t at             # accepted
    uint64_t jumped

cdef struct order_t:
    uint32_t pipe           # 0: free
    uint32_t last
    int sender
    uint32_t number         # SERVER, PEER: what the peer of this pipe is known by

cdef struct raw_t:          # what has come on a raw connection of a message that is not complete
    uint32_t pipe
    int receiver
    bint foreign            # not ours, up to the end of the connection
    bint begun              # a whole frame has come
    uint32_t have           # octets of this frame
    uint8_t head[HEAD]
    uint32_t number
    uint32_t size
    uint32_t frame          # the next of its message; of a frame that has no beginning here: 256

cdef struct model_t:
    program_t *program
    uint32_t count[SLOTS]
    sent_t sent[SLOTS][SENT_MAX]
    order_t order[SLOTS][ORDERS]
    uint32_t next_order[SLOTS]
    raw_t raw[STREAMS]
    uint32_t next_raw
    bint noisy              # something else than messages is written to raw connections
    int paths[SLOTS]        # successful binds and connects
    bint shared[SLOTS]      # several threads send: their messages overtake each other
    bint relayed            # a proxy runs: order and number of copies are its own
    bint strangers          # raw peers speak
    bint loose              # something happened that may cost messages
    uint64_t received
    uint64_t others


cdef inline uint8_t filling(uint32_t number, uint32_t frame, size_t i) noexcept nogil:
    return <uint8_t> (number * 7 + frame * 13 + i)


cdef inline void frame_fill(uint8_t *out, size_t size, int sender, uint32_t number, int frame, int frames) noexcept nogil:
    """`size` is HEAD at least."""
    cdef uint32_t size32 = <uint32_t> size
    cdef size_t i
    out[0] = <uint8_t> (65 + number % 4)        # the topic: A to D
    memcpy(out + 1, b"SIM1", 4)
    out[5] = <uint8_t> sender
    out[6] = <uint8_t> frame
    out[7] = <uint8_t> frames
    memcpy(out + 8, &number, 4)
    memcpy(out + 12, &size32, 4)
    out[16] = filling(number, <uint32_t> frame, size)
    for i in range(HEAD, size):
        out[i] = filling(number, <uint32_t> frame, i)


cdef inline bint frame_is_ours(msg_t *m) noexcept nogil:
    cdef uint8_t *p = msg_data(m)
    return m.size >= HEAD and p[1] == c"S" and p[2] == c"I" and p[3] == c"M" and p[4] == c"1"


cdef inline sent_t *model_begin(model_t *m, int sender, uint32_t *number) noexcept nogil:
    """A message is about to be sent. NULL: it is not followed."""
    number[0] = m.count[sender]
    if m.count[sender] >= SENT_MAX:
        return NULL
    m.count[sender] += 1
    m.sent[sender][number[0]].state = SENT_BEGUN
    return &m.sent[sender][number[0]]


cdef inline void model_sent(sent_t *t, int state, int frames) noexcept nogil:
    if t == NULL:
        return
    t.state = <uint8_t> state
    t.frames = <uint8_t> frames
    t.at = world.now
    t.jumped = world.jumped


cdef inline bint model_in_order(model_t *m, int receiver, uint32_t pipe, int sender, uint32_t number, uint32_t peer) noexcept nogil:
    """True if this is not the first message of the sender on the pipe."""
    cdef order_t *o
    cdef uint32_t i
    for i in range(ORDERS):
        o = &m.order[receiver][i]
        if o.pipe == pipe and o.sender == sender:
            if number <= o.last and not m.shared[sender] and not m.relayed:
                sim_find(SIM_MODEL, b"order: socket %d received message %u of socket %d behind message %u on one pipe", receiver, number, sender,
                         o.last)
            o.last = number
            return True
    o = &m.order[receiver][m.next_order[receiver] % ORDERS]
    m.next_order[receiver] += 1
    o.pipe = pipe
    o.sender = sender
    o.last = number
    o.number = peer
    return False


cdef inline void model_numbered(model_t *m, int receiver, msg_t *frame, pipe_t *pipe) noexcept nogil:
    """A SERVER or PEER has a number for each peer, and one only; nobody else shows any."""
    cdef order_t *o
    cdef int i
    if m.relayed:
        return
    if (frame.routing_id != 0) != kind_numbered(m.program.types[receiver]):
        sim_find(SIM_MODEL, b"number: socket %d received a message with routing id %u", receiver, frame.routing_id)
    if pipe == NULL:
        return
    for i in range(ORDERS):
        o = &m.order[receiver][i]
        if o.pipe and o.number and (o.pipe == pipe.id) != (o.number == frame.routing_id):
            sim_find(SIM_MODEL, b"number: socket %d knows two peers, or one twice, as %u and %u", receiver, o.number, frame.routing_id)


cdef inline void model_arrived(model_t *m, int receiver, int sender, uint32_t number, uint32_t peer, pipe_t *pipe, uint64_t waiting_since,
                               bint prompt) noexcept nogil:
    """A whole message of one of ours; peer: the number that a SERVER or PEER knows its sender by."""
    cdef sent_t *t
    cdef int k
    cdef bint known = False
    cdef uint32_t total = 0
    cdef uint32_t most = 1
    m.received += 1
    if number >= SENT_MAX:
        return
    t = &m.sent[sender][number]
    if t.state == SENT_REFUSED:
        sim_find(SIM_MODEL, b"ghost: socket %d received message %u of socket %d, which its send refused", receiver, number, sender)
        return
    if t.to and t.to != receiver + 1 and not m.relayed:
        sim_find(SIM_MODEL, b"astray: socket %d received message %u of socket %d, which was sent to socket %d", receiver, number, sender, t.to - 1)
        return
    if t.delivered[receiver] < 255:
        t.delivered[receiver] += 1
    for k in range(SLOTS):
        total += t.delivered[k]
    if fans_out(m.program.types[sender]):
        total = t.delivered[receiver]
        most = <uint32_t> (m.paths[receiver] * m.paths[sender])
    if total > (most if most else 1) and not m.relayed:
        sim_find(SIM_MODEL, b"duplicate: message %u of socket %d arrived %u times", number, sender, total)
        return
    if pipe != NULL and pipe.id:
        known = model_in_order(m, receiver, pipe.id, sender, number, peer)
    if prompt and known and waiting_since and t.state == SENT_ACCEPTED and waiting_since < t.at and not m.loose and not m.relayed:
        if world.now - t.at > LATE_NS + (world.jumped - t.jumped):
            sim_find(SIM_MODEL, b"late: socket %d waited, and got message %u of socket %d %u ms after it was accepted", receiver, number, sender,
                     <uint32_t> ((world.now - t.at) // 1000000))


cdef inline int model_received(model_t *m, int receiver, msg_t *frames, int n, pipe_t *pipe, uint64_t waiting_since, bint prompt) noexcept nogil:
    """A whole message has come out of a socket, at most 32 frames of it. The number of its sender, or -1."""
    cdef int i = 0
    cdef int k
    cdef uint8_t *p
    cdef uint32_t number
    cdef uint32_t size
    cdef int sender
    cdef int count
    if kind_raw(m.program.types[receiver]):
        return raw_received(m, receiver, frames, n, pipe, waiting_since, prompt)
    model_numbered(m, receiver, &frames[0], pipe)
    while i < n and not frame_is_ours(&frames[i]):
        if frames[i].size > 255 and not m.strangers:
            sim_find(SIM_MODEL, b"socket %d received a frame of %u octets that nobody sent", receiver, <uint32_t> frames[i].size)
        i += 1
    if i == n:
        m.others += 1
        return -1
    p = msg_data(&frames[i])
    sender = p[5]
    count = p[7]
    memcpy(&number, p + 8, 4)
    if sender >= SLOTS or (number >= m.count[sender] and number < SENT_MAX):
        sim_find(SIM_MODEL, b"socket %d received a message that nobody sent", receiver)
        return -1
    if kind_raw(m.program.types[sender]):
        m.others += 1
        return -1       # octets of a raw connection that look like frames: their sender is a stranger here
    if m.relayed:
        return -1       # what a proxy has in hand, another thread that uses its sockets may tear
    for k in range(i, n):
        p = msg_data(&frames[k])
        if not frame_is_ours(&frames[k]) or p[5] != sender or p[6] != k - i or p[7] != count or memcmp4(p + 8, number):
            sim_find(SIM_MODEL, b"torn: socket %d received message %u of socket %d with something else for frame %d of %d", receiver, number,
                     sender, k - i, count)
            return -1
        memcpy(&size, p + 12, 4)
        if size != frames[k].size or p[16] != filling(number, <uint32_t> (k - i), size) or not frame_whole(p, number, <uint32_t> (k - i), size):
            sim_find(SIM_MODEL, b"changed: frame %d of message %u of socket %d", k - i, number, sender)
            return -1
    if n - i != count:
        sim_find(SIM_MODEL, b"torn: socket %d received %d of %d frames of message %u of socket %d", receiver, n - i, count, number, sender)
        return -1
    model_arrived(m, receiver, sender, number, frames[0].routing_id, pipe, waiting_since, prompt)
    return sender


# ---- raw connections: messages are cut where the network likes, and have to be put together

cdef inline raw_t *raw_find(model_t *m, int receiver, uint32_t pipe) noexcept nogil:
    cdef raw_t *w
    cdef uint32_t i
    for i in range(STREAMS):
        if m.raw[i].pipe == pipe and m.raw[i].receiver == receiver:
            return &m.raw[i]
    w = &m.raw[m.next_raw % STREAMS]
    m.next_raw += 1
    memset(w, 0, sizeof(raw_t))
    w.pipe = pipe
    w.receiver = receiver
    return w


cdef inline bint raw_head(model_t *m, raw_t *w) noexcept nogil:
    """A head is complete. False: it is not one of ours."""
    memcpy(&w.number, w.head + 8, 4)
    memcpy(&w.size, w.head + 12, 4)
    if w.head[1] != c"S" or w.head[2] != c"I" or w.head[3] != c"M" or w.head[4] != c"1" or w.head[5] >= SLOTS:
        return False
    if w.number >= m.count[w.head[5]] and w.number < SENT_MAX:
        return False
    return w.size >= HEAD and w.head[16] == filling(w.number, w.head[6], w.size)


cdef inline void raw_torn(model_t *m, raw_t *w, const char *what) noexcept nogil:
    """The rest of the connection is not followed."""
    w.foreign = True
    if w.begun and not m.strangers and not m.noisy and not m.relayed:
        sim_find(SIM_MODEL, b"torn: socket %d received %s on a raw connection, behind message %u", w.receiver, what, w.number)


cdef inline bint raw_octet(model_t *m, raw_t *w, uint8_t octet) noexcept nogil:
    """True: a message is complete."""
    if w.have < HEAD:
        w.head[w.have] = octet
        w.have += 1
        if w.have == HEAD and not raw_head(m, w):
            raw_torn(m, w, b"something that is no message")
            return False
    else:
        if octet != filling(w.number, w.head[6], w.have):
            raw_torn(m, w, b"changed octets")
            return False
        w.have += 1
    if w.have < HEAD or w.have < w.size:
        return False
    w.have = 0
    if w.head[6] != w.frame and w.begun and w.head[6] != 0:
        raw_torn(m, w, b"frames out of order")
        return False
    # What a connection begins with may be the rest of a message that another one began.
    w.frame = w.head[6] + 1 if w.head[6] == w.frame or w.head[6] == 0 else 256
    w.begun = True
    if w.frame != w.head[7]:
        return False
    w.frame = 0
    return True


cdef inline int raw_received(model_t *m, int receiver, msg_t *frames, int n, pipe_t *pipe, uint64_t waiting_since, bint prompt) noexcept nogil:
    """[id, octets]; no octets: the connection has come or gone. As model_received()."""
    cdef raw_t *w
    cdef int k
    cdef size_t i
    if pipe == NULL or pipe.id == 0:
        return -1
    if n != 2 and pipe.link == NULL and not m.relayed:
        sim_find(SIM_MODEL, b"torn: socket %d received %d frames from a raw connection", receiver, n)
    w = raw_find(m, receiver, pipe.id)
    if n == 2 and frames[1].size == 0:
        memset(w, 0, sizeof(raw_t))
        w.pipe = pipe.id
        w.receiver = receiver
        return -1
    for k in range(1, n):
        for i in range(frames[k].size):
            if w.foreign:
                m.others += 1
                return -1
            if raw_octet(m, w, msg_data(&frames[k])[i]):
                model_arrived(m, receiver, w.head[5], w.number, 0, pipe, waiting_since, prompt)
    return w.head[5] if w.begun else -1


cdef inline bint memcmp4(const uint8_t *p, uint32_t value) noexcept nogil:
    cdef uint32_t there
    memcpy(&there, p, 4)
    return there != value


cdef inline bint frame_whole(const uint8_t *p, uint32_t number, uint32_t frame, size_t size) noexcept nogil:
    cdef size_t i
    for i in range(HEAD, size):
        if p[i] != filling(number, frame, i):
            return False
    return True


cdef inline void model_all_arrived(model_t *m) noexcept nogil:
    """After the receivers were emptied, for programs that promise delivery."""
    cdef int s
    cdef int k
    cdef uint32_t i
    cdef uint32_t total
    for s in range(m.program.nsockets):
        if not balances(m.program.types[s]):
            continue
        for i in range(m.count[s]):
            if m.sent[s][i].state != SENT_ACCEPTED:
                continue
            total = 0
            for k in range(SLOTS):
                total += m.sent[s][i].delivered[k]
            if total == 0:
                sim_find(SIM_MODEL, b"lost: message %u of socket %d was accepted and never arrived", i, s)
                return
