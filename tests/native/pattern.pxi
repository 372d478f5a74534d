# Shows src/pattern to the tests: the topic tables, and whole patterns joined by pipes without any transport.
#
# pattern_Socket   one pattern and the little of a socket it needs: an attention queue, and a list of pipes it wants closed
# pattern_Link     an inproc pipe between two of them
# pattern_Wire     a network pipe whose far end is the test: feed() is what arrives, out() what left
#
# Calls answer negative errno values like the functions they show.

from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from base.memory cimport malloc, calloc, realloc, free
from libc.string cimport memcpy, memset
from cpython.bytes cimport PyBytes_FromStringAndSize, PyBytes_AS_STRING, PyBytes_GET_SIZE
from base.platform cimport zc_now_ns
from message.message cimport msg_t, msg_close, msg_move, msg_share, MSG_MORE, MSG_SUBSCRIBE, MSG_CANCEL
from pipe.ring cimport ring_t, ring_init, ring_free, ring_slot, ring_commit, ring_front, ring_pop, ring_rollback, ring_set_hwm
from pipe.ring_conflate cimport ring_conflate
from pipe.pipe cimport pipe_t, MAIL_IN, MAIL_OUT, MAIL_CLOSED
from pattern.strategies.radix cimport entry_t
from pattern.strategies.subscriptions cimport (
    subscriptions_t, subscriptions_init, subscriptions_clear, subscriptions_count, subscriptions_at, subscriptions_add,
    subscriptions_remove, subscriptions_match,
)
from pattern.strategies.fan_out cimport fan_out_t, fan_init, fan_free, fan_attach
from pattern.strategies.topic_trie cimport (
    topic_trie_t, holder_t, topics_init, topics_free, topics_open, topics_close, topics_add, topics_remove, topics_drop, topics_match,
    topics_count,
)
from pattern.strategies.load_balance cimport LB_DROPPED
from option.store cimport options_free, options_init, options_set
from option.table cimport option_table, options_t, OPTIONS_ROOM
from pattern.ops cimport pattern_hooks_t, pattern_ops_t, pattern_t
from pattern.pattern cimport (
    pattern_init, pattern_free, pattern_attach, pattern_ready, pattern_lost, pattern_ended, pattern_detach,
    pattern_in_ready, pattern_out_ready, pattern_send, pattern_recv, pattern_events, pattern_subscribe, pattern_topics_count,
    pattern_last_pipe, pattern_set_connect_routing_id, pattern_peer_state,
)
from pattern.select cimport pattern_select


cdef double probe_now() noexcept nogil:
    return zc_now_ns() * 1e-9


# ---- topic tables

cdef class pattern_Subscriptions:
    cdef subscriptions_t table

    def __cinit__(self):
        subscriptions_init(&self.table)

    def __dealloc__(self):
        subscriptions_clear(&self.table)

    def add(self, bytes topic not None):
        return subscriptions_add(&self.table, <const unsigned char *> PyBytes_AS_STRING(topic), len(topic))

    def remove(self, bytes topic not None):
        return subscriptions_remove(&self.table, <const unsigned char *> PyBytes_AS_STRING(topic), len(topic))

    def match(self, bytes topic not None):
        return bool(subscriptions_match(&self.table, <const unsigned char *> PyBytes_AS_STRING(topic), len(topic)))

    def topics(self):
        cdef uint32_t i
        cdef entry_t *e
        found = []
        for i in range(subscriptions_count(&self.table)):
            e = subscriptions_at(&self.table, i)
            found.append(PyBytes_FromStringAndSize(<char *> e.key, e.size))
        return found

    def __len__(self):
        return subscriptions_count(&self.table)

    def memory(self):
        """Octets taken from malloc, without what malloc itself adds."""
        return self.table.radix.arena.held + self.table.radix.arena.capacity * 8 + self.table.capacity * 4

    def time_match(self, list topics not None):
        """Nanoseconds for one match."""
        cdef Py_ssize_t i
        cdef double began = probe_now()
        cdef int hits = 0
        for i in range(len(topics)):
            hits += subscriptions_match(&self.table, <const unsigned char *> PyBytes_AS_STRING(<bytes> topics[i]), PyBytes_GET_SIZE(<bytes> topics[i]))
        return (probe_now() - began) * 1e9 / len(topics), hits


cdef void pattern_note_gone(void *arg, const unsigned char *topic, uint32_t size, bint last) noexcept nogil:
    with gil:
        (<list> arg).append((PyBytes_FromStringAndSize(<char *> topic, size), bool(last)))


cdef class pattern_Topics:
    """Holders are numbers."""
    cdef topic_trie_t table
    cdef fan_out_t fan
    cdef pipe_t **pipes
    cdef holder_t **holders
    cdef uint32_t count

    def __cinit__(self):
        topics_init(&self.table)
        fan_init(&self.fan, NULL)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.count):
            if self.holders[i] != NULL:
                free(self.holders[i].list)
                free(self.holders[i])
            free(self.pipes[i])
        free(self.holders)
        free(self.pipes)
        topics_free(&self.table)
        fan_free(&self.fan)

    cdef holder_t *holder(self, uint32_t number) except NULL:
        if number >= self.count or self.holders[number] == NULL:
            raise ValueError("no such holder")
        return self.holders[number]

    def open(self):
        cdef uint32_t n = self.count
        self.pipes = <pipe_t **> realloc(self.pipes, (n + 1) * sizeof(void *))
        self.holders = <holder_t **> realloc(self.holders, (n + 1) * sizeof(void *))
        self.pipes[n] = <pipe_t *> calloc(1, sizeof(pipe_t))
        self.holders[n] = <holder_t *> calloc(1, sizeof(holder_t))
        self.pipes[n].id = n + 1
        self.count += 1
        if topics_open(&self.table, self.holders[n], self.pipes[n]) < 0 or fan_attach(&self.fan, self.pipes[n]) < 0:
            raise MemoryError
        return n

    def close(self, uint32_t number):
        """What it held: [(topic, was it the last holder)]"""
        cdef holder_t *h = self.holder(number)
        gone = []
        topics_drop(&self.table, h, pattern_note_gone, <void *> gone)
        topics_close(&self.table, h)
        free(h)
        self.holders[number] = NULL
        return gone

    def add(self, uint32_t number, bytes topic not None):
        return topics_add(&self.table, self.holder(number), <const unsigned char *> PyBytes_AS_STRING(topic), len(topic))

    def remove(self, uint32_t number, bytes topic not None):
        return topics_remove(&self.table, self.holder(number), <const unsigned char *> PyBytes_AS_STRING(topic), len(topic))

    def match(self, bytes topic not None):
        cdef uint32_t i
        self.fan.chosen = 0
        topics_match(&self.table, <const unsigned char *> PyBytes_AS_STRING(topic), len(topic), &self.fan)
        return {self.fan.pipes[i].id - 1 for i in range(self.fan.chosen)}

    def __len__(self):
        return topics_count(&self.table)

    def memory(self):
        cdef uint32_t i
        held = self.table.radix.arena.held + self.table.radix.arena.capacity * 8
        for i in range(self.count):
            if self.holders[i] != NULL:
                held += self.holders[i].capacity * 4
        return held

    def time_match(self, list topics not None):
        cdef Py_ssize_t i
        cdef double began = probe_now()
        cdef uint64_t hits = 0
        for i in range(len(topics)):
            self.fan.chosen = 0
            topics_match(&self.table, <const unsigned char *> PyBytes_AS_STRING(<bytes> topics[i]), PyBytes_GET_SIZE(<bytes> topics[i]), &self.fan)
            hits += self.fan.chosen
        return (probe_now() - began) * 1e9 / len(topics), hits


# ---- socket types

def pattern_type(int number):
    """(name, peers, traits) as the type's table has them, or None."""
    cdef pattern_ops_t ops
    if pattern_select(number, &ops) < 0:
        return None
    return (<bytes> ops.name).decode(), (<bytes> ops.peers).decode(), ops.traits


# ---- patterns

cdef struct probe_socket_t:
    pattern_t pattern
    pipe_t *mailbox             # queued, newest first
    pipe_t *closing[256]        # hooks.close_pipe was called for them
    uint32_t closing_count

cdef struct probe_wire_t:
    ring_t inr
    ring_t outr
    ring_t sent                 # what the sink took
    long room                   # frames the sink still takes; -1 = any number
    bint drained
    bint resumed
    bint queued


cdef void probe_close_pipe(void *owner, pipe_t *p) noexcept nogil:
    cdef probe_socket_t *s = <probe_socket_t *> owner
    if s.closing_count < 256:
        s.closing[s.closing_count] = p
        s.closing_count += 1


cdef void probe_overflow(void *owner, pipe_t *p, int what) noexcept nogil:
    pass


cdef int probe_random(void *buf, size_t n) noexcept nogil:
    # Known octets: tests want to know the ids made from them.
    memset(buf, 0x5a, n)
    return 0


cdef void probe_notify(pipe_t *end, uint32_t bits) noexcept nogil:
    cdef probe_socket_t *s = <probe_socket_t *> end.socket
    if s == NULL:
        return
    if end.mail == 0:
        end.mailbox_next = s.mailbox
        s.mailbox = end
    end.mail |= bits


cdef int probe_sink(pipe_t *p, msg_t *m, bint take) noexcept nogil:
    cdef probe_wire_t *w = <probe_wire_t *> p.session
    cdef msg_t *slot
    if not m.flags & (MSG_SUBSCRIBE | MSG_CANCEL):
        if w.room == 0:
            return 0
        if w.room > 0:
            w.room -= 1
    slot = ring_slot(&w.sent)
    if slot == NULL:
        return 0
    if take:
        msg_move(slot, m)
    elif msg_share(slot, m) < 0:
        return 0
    ring_commit(&w.sent)
    return 1


cdef void probe_resume(pipe_t *p) noexcept nogil:
    p.stalled = False
    (<probe_wire_t *> p.session).resumed = True


cdef void probe_queued(pipe_t *p) noexcept nogil:
    (<probe_wire_t *> p.session).queued = True


cdef void probe_drained(pipe_t *p) noexcept nogil:
    if p.session != NULL:
        (<probe_wire_t *> p.session).drained = True


cdef class pattern_Socket:
    cdef probe_socket_t s
    cdef readonly int type
    cdef dict pipes             # address -> Link or Wire
    cdef options_t options

    def __cinit__(self, int type):
        cdef pattern_hooks_t hooks
        cdef int rc
        hooks.close_pipe = probe_close_pipe
        hooks.random = probe_random
        hooks.overflow = probe_overflow
        self.type = type
        self.pipes = {}
        options_init(&self.options, type, 0, 1)
        rc = pattern_init(&self.s.pattern, type, &self.options, &self.s, &hooks)
        if rc < 0:
            raise OSError(-rc, "pattern_init")

    def close(self):
        for pipe in list(self.pipes.values()):
            pipe.forget(self)
        pattern_free(&self.s.pattern)
        options_free(&self.options)

    cdef process(self):
        """The reports other ends have left."""
        cdef pipe_t *p
        cdef uint32_t bits
        while self.s.mailbox != NULL:
            p = self.s.mailbox
            self.s.mailbox = p.mailbox_next
            bits = p.mail
            p.mail = 0
            if bits & MAIL_CLOSED:
                p.ended = True
                p.closed_out = True
                pattern_ended(&self.s.pattern, p)
                continue
            if bits & MAIL_IN:
                pattern_in_ready(&self.s.pattern, p)
            if bits & MAIL_OUT:
                pattern_out_ready(&self.s.pattern, p)

    def set(self, str name, value):
        """An option, by its name in lower case. One that the type does not have is refused."""
        cdef int number = value if isinstance(value, int) else 0
        cdef bytes text = value if isinstance(value, bytes) else (<char *> &number)[:sizeof(number)]
        cdef int i, rc = -1
        for i in range(OPTIONS_ROOM):
            if option_table[i].name != NULL and option_table[i].name == name.upper().encode():
                rc = options_set(&self.options, self.type, option_table[i].number, PyBytes_AS_STRING(text), len(text), False)
        if rc < 0:
            raise ValueError(name)

    def send(self, bytes frame not None, bint more=False):
        """0, LB_DROPPED (1) or a negative errno"""
        cdef msg_t m
        cdef int rc
        self.process()
        probe_fill(&m, frame, more, 0)
        rc = pattern_send(&self.s.pattern, &m)
        msg_close(&m)
        return rc

    def send_multipart(self, frames):
        frames = list(frames)
        for i, frame in enumerate(frames):
            rc = self.send(frame, i + 1 < len(frames))
            if rc:
                return rc
        return 0

    def recv(self):
        """(frame, more) or a negative errno"""
        cdef msg_t m
        cdef int rc
        self.process()
        rc = pattern_recv(&self.s.pattern, &m)
        if rc < 0:
            return rc
        if bool(self.s.pattern.rcvmore) != ((m.flags & MSG_MORE) != 0):
            raise AssertionError("rcvmore")
        if m.flags & (MSG_SUBSCRIBE | MSG_CANCEL) or m.routing_id:
            raise AssertionError("internal marks on a received frame")
        try:
            return probe_octets(&m), (m.flags & MSG_MORE) != 0
        finally:
            msg_close(&m)

    def recv_multipart(self):
        frames = []
        while True:
            got = self.recv()
            if isinstance(got, int):
                if frames:
                    raise AssertionError(f"{got} inside a message")
                return got
            frames.append(got[0])
            if not got[1]:
                return frames

    @property
    def events(self):
        self.process()
        return pattern_events(&self.s.pattern)

    @property
    def unfinished(self):
        return bool(self.s.pattern.unfinished)

    @property
    def last(self):
        return self.pipes.get(<uintptr_t> pattern_last_pipe(&self.s.pattern))

    @property
    def closing(self):
        """Pipes the pattern has asked to close."""
        cdef uint32_t i
        self.process()
        return [self.pipes.get(<uintptr_t> self.s.closing[i]) for i in range(self.s.closing_count)]

    def subscribe(self, bytes topic not None, bint add=True):
        self.process()
        return pattern_subscribe(&self.s.pattern, <const unsigned char *> PyBytes_AS_STRING(topic), len(topic), add)

    def unsubscribe(self, bytes topic not None):
        return self.subscribe(topic, False)

    @property
    def topics(self):
        self.process()
        return pattern_topics_count(&self.s.pattern)

    def connect_routing_id(self, bytes id not None):
        return pattern_set_connect_routing_id(&self.s.pattern, <const unsigned char *> PyBytes_AS_STRING(id), len(id))

    def peer_state(self, bytes id not None):
        return pattern_peer_state(&self.s.pattern, <const unsigned char *> PyBytes_AS_STRING(id), len(id))


cdef uint32_t probe_pipe_ids = 0


cdef class pattern_Link:
    """An inproc pipe. hwm: of a's writing and of b's writing."""
    cdef pipe_t a
    cdef pipe_t b
    cdef ring_t ab
    cdef ring_t ba
    cdef pattern_Socket left
    cdef pattern_Socket right
    cdef readonly int attached

    def __init__(self, pattern_Socket left not None, pattern_Socket right not None, hwm_left=0, hwm_right=0, bytes id_left=b"",
                 bytes id_right=b"", bint conflate=False):
        """`left` connects to `right`. `attached` is what right's pattern said, then left's."""
        global probe_pipe_ids
        ring_init(&self.ab, hwm_left)
        ring_init(&self.ba, hwm_right)
        if conflate and (ring_conflate(&self.ab) < 0 or ring_conflate(&self.ba) < 0):
            raise MemoryError
        self.left = left
        self.right = right
        self.setup(&self.a, &self.b, &self.ba, &self.ab, left, id_right)
        self.setup(&self.b, &self.a, &self.ab, &self.ba, right, id_left)
        self.a.local = True
        left.pipes[<uintptr_t> &self.a] = self
        right.pipes[<uintptr_t> &self.b] = self
        self.attached = pattern_attach(&right.s.pattern, &self.b)
        if self.attached == 0:
            self.attached = pattern_attach(&left.s.pattern, &self.a)
            if self.attached < 0:
                self.end(right, &self.b)
        else:
            self.a.socket = NULL
            del left.pipes[<uintptr_t> &self.a]
            del right.pipes[<uintptr_t> &self.b]

    cdef setup(self, pipe_t *p, pipe_t *other, ring_t *inr, ring_t *outr, pattern_Socket socket, bytes peer_id):
        global probe_pipe_ids
        probe_pipe_ids += 1
        p.id = probe_pipe_ids
        p.inr = inr
        p.outr = outr
        p.other = other
        p.socket = &socket.s
        p.notify = probe_notify
        p.resume = probe_resume
        p.drained = probe_drained
        p.connected = True
        if peer_id:
            p.peer_id = <unsigned char *> malloc(len(peer_id))
            memcpy(p.peer_id, <char *> peer_id, len(peer_id))
            p.peer_id_size = len(peer_id)

    def set_hwm_left(self, uint32_t hwm):
        ring_set_hwm(&self.ab, hwm, 0)

    cdef end(self, pattern_Socket socket, pipe_t *p):
        p.ended = True
        p.closed_out = True
        pattern_ended(&socket.s.pattern, p)

    def forget(self, pattern_Socket socket not None):
        """One side is closed: it forgets its end; the other end is told."""
        cdef pipe_t *p
        cdef pipe_t *other
        if socket is self.left and <uintptr_t> &self.a in socket.pipes:
            p = &self.a
        elif socket is self.right and <uintptr_t> &self.b in socket.pipes:
            p = &self.b
        else:
            return
        other = p.other
        socket.process()
        pattern_detach(&socket.s.pattern, p)
        del socket.pipes[<uintptr_t> p]
        ring_rollback(p.outr)
        p.socket = NULL
        if other.socket != NULL:
            probe_notify(other, MAIL_CLOSED)

    def __dealloc__(self):
        free(self.a.peer_id)
        free(self.b.peer_id)
        ring_free(&self.ab)
        ring_free(&self.ba)


cdef class pattern_Wire:
    """A network pipe."""
    cdef pipe_t p
    cdef probe_wire_t w
    cdef pattern_Socket socket
    cdef readonly int attached

    def __init__(self, pattern_Socket socket not None, bint connected=True, bytes peer_id=b"", bint local=False, bint legacy=False,
                 hwm=0, hwm_in=0, long room=-1, bint conflate=False):
        global probe_pipe_ids
        probe_pipe_ids += 1
        ring_init(&self.w.inr, hwm_in)
        ring_init(&self.w.outr, hwm)
        ring_init(&self.w.sent, 0)
        if conflate and (ring_conflate(&self.w.inr) < 0 or ring_conflate(&self.w.outr) < 0):
            raise MemoryError
        self.w.room = room
        self.socket = socket
        self.p.id = probe_pipe_ids
        self.p.inr = &self.w.inr
        self.p.outr = &self.w.outr
        self.p.session = &self.w
        self.p.socket = &socket.s
        self.p.notify = probe_notify
        self.p.resume = probe_resume
        self.p.queued = probe_queued
        self.p.drained = probe_drained
        self.p.local = local
        self.p.peer_legacy = legacy
        self.set_id(peer_id)
        self.p.connected = connected
        if connected:
            self.p.sink = probe_sink
        socket.pipes[<uintptr_t> &self.p] = self
        self.attached = pattern_attach(&socket.s.pattern, &self.p)
        if self.attached < 0:
            del socket.pipes[<uintptr_t> &self.p]

    cdef set_id(self, bytes peer_id):
        free(self.p.peer_id)
        self.p.peer_id = NULL
        self.p.peer_id_size = len(peer_id)
        if peer_id:
            self.p.peer_id = <unsigned char *> malloc(len(peer_id))
            memcpy(self.p.peer_id, <char *> peer_id, len(peer_id))

    def feed(self, *frames, bint more=False):
        """A message arrives, or with `more` the beginning of one. bytes, or (flag, topic) with flag "sub" or "cancel"."""
        cdef msg_t *slot
        for i, frame in enumerate(frames):
            flags = 0
            if isinstance(frame, tuple):
                flags = {"sub": MSG_SUBSCRIBE, "cancel": MSG_CANCEL}[frame[0]]
                frame = frame[1]
            slot = ring_slot(&self.w.inr)
            if slot == NULL:
                raise MemoryError
            probe_fill(slot, frame, more or i + 1 < len(frames), flags)
            ring_commit(&self.w.inr)
        pattern_in_ready(&self.socket.s.pattern, &self.p)

    def out(self):
        """What has left: a list of messages, each a list of frames; control frames are (flag, topic). Makes room again."""
        messages = []
        current = []
        for frame, flags in self.frames(&self.w.sent, False) + self.frames(&self.w.outr, True):
            if flags & (MSG_SUBSCRIBE | MSG_CANCEL):
                messages.append(("sub" if flags & MSG_SUBSCRIBE else "cancel", frame))
                continue
            current.append(frame)
            if not flags & MSG_MORE:
                messages.append(current)
                current = []
        if current:
            messages.append(current + [None])
        pattern_out_ready(&self.socket.s.pattern, &self.p)
        return messages

    cdef list frames(self, ring_t *ring, bint both):
        cdef msg_t *front
        cdef list found = []
        if not both:
            # the sink shows half messages, too
            ring.pub = ring.wcount
        while True:
            front = ring_front(ring)
            if front == NULL:
                return found
            found.append((probe_octets(front), front.flags))
            msg_close(front)
            ring_pop(ring)

    def lost(self):
        if self.p.writing and not self.p.skip_out:
            # as a session does: the rest of a message that went with the connection is swallowed
            ring_rollback(&self.w.outr)
            self.p.skip_out = True
        self.p.sink = NULL
        self.p.connected = False
        pattern_lost(&self.socket.s.pattern, &self.p)

    def ready(self, bytes peer_id=b""):
        self.set_id(peer_id)
        self.p.sink = probe_sink
        self.p.connected = True
        return pattern_ready(&self.socket.s.pattern, &self.p)

    def ended(self):
        self.p.sink = NULL
        self.p.closed_out = True
        self.p.ended = True
        pattern_ended(&self.socket.s.pattern, &self.p)

    def stall(self):
        self.p.stalled = True
        self.w.resumed = False

    @property
    def resumed(self):
        return bool(self.w.resumed)

    @property
    def queued(self):
        """Was the connection told to fetch messages from the ring?"""
        return bool(self.w.queued)

    @property
    def drained(self):
        return bool(self.w.drained)

    def forget(self, pattern_Socket socket=None):
        if <uintptr_t> &self.p in self.socket.pipes:
            pattern_detach(&self.socket.s.pattern, &self.p)
            del self.socket.pipes[<uintptr_t> &self.p]

    def __dealloc__(self):
        free(self.p.peer_id)
        ring_free(&self.w.inr)
        ring_free(&self.w.outr)
        ring_free(&self.w.sent)
