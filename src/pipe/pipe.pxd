# pipe: what a pattern sees of one peer. Two directions, a high-water mark in each, and nothing about how the peer is reached.
#
# Two kinds
#   inproc   `other` is the end of the peer socket; the two rings are shared, each end's fields belong to its own socket's lock.
#   network  `other` is NULL; both rings are used under the one lock of the socket. `sink` lets a frame skip the ring and go
#            straight into the connection's output; the ring holds what does not fit there, up to the mark.
#
# Rules
# - A message is refused only at its first frame (-EAGAIN). Further frames of an accepted message always go in.
# - pipe_write() leaves msg.kind == MSG_EMPTY if the pipe took the payload over; otherwise the caller still owns it (it was copied).
# - Control frames (MSG_SUBSCRIBE, MSG_CANCEL) are never refused and not counted.
# - The pattern's own fields (between the marks) are touched by patterns only.
# - What came and went is counted where it happens anyway: by the rings, and here where a frame skips its ring. Everything that is dropped is
#   counted by whoever drops it (`missed`, `lost`, ...); socket/statistics.pxd adds up.

from libc.stdint cimport uint32_t, uint64_t
from base.config cimport TX_REF_MIN
from base.errors cimport EAGAIN, ENOMEM, EPIPE
from message.message cimport (
    msg_t, msg_set, msg_close, msg_share, MSG_EMPTY, MSG_MORE, MSG_PYOBJ, MSG_SUBSCRIBE, MSG_CANCEL, MSG_EXACT,
)
from pipe.ring cimport (
    ring_t, ring_full, ring_slot, ring_commit, ring_front, ring_pop, ring_wake_reader, ring_wake_writer, ring_empty,
    ring_marked, ring_writer_sleeps, ring_reader_sleeps, ring_rollback, ring_return_credit, ring_writer_waits,
)
from pipe.charging cimport ring_grant
from pipe.ring_turn cimport ring_turn

cdef enum:
    MAIL_IN = 1        # something to read
    MAIL_OUT = 2       # credit came back
    MAIL_CLOSED = 4    # the other end is gone

# Frame straight into the connection. take: the payload may be taken over (msg becomes MSG_EMPTY), else it is copied or shared.
# 1 = done, 0 = no room: queue it. Control frames are never queued: 1 or -ENOMEM.
ctypedef int (*pipe_sink_t)(pipe_t *p, msg_t *m, bint take) noexcept nogil
# Tells the other end's socket (any lock state): sets bits of `mail`, puts the end into the socket's mailbox, wakes a sleeper.
ctypedef void (*pipe_notify_t)(pipe_t *end, uint32_t bits) noexcept nogil
# Network: the reader made room (or found nothing) while the connection had stopped decoding because the ring was full.
ctypedef void (*pipe_resume_t)(pipe_t *p) noexcept nogil
# Network: whole messages stand in the ring although a connection is up; it must fetch them.
ctypedef void (*pipe_queued_t)(pipe_t *p) noexcept nogil
# Network: whether the connection's output ends inside a message, the rest of which is first in the ring.
ctypedef bint (*pipe_inside_t)(pipe_t *p) noexcept nogil
# inproc: the lock of the socket at the other end, taken if that can be had soon (True), or given back. Whoever has it is the reader, too.
ctypedef bint (*pipe_hold_t)(pipe_t *p, bint hold) noexcept nogil
# An ended pipe has been read to its end. The socket detaches it after the current call, never inside it.
ctypedef void (*pipe_drained_t)(pipe_t *p) noexcept nogil

cdef struct pipe_t:
    ring_t *inr
    ring_t *outr
    pipe_sink_t sink            # NULL while there is no connection that could take frames
    void *session               # network: opaque to patterns
    pipe_t *other               # inproc
    void *link                  # inproc: the block both ends live in
    void *socket                # opaque to patterns
    pipe_notify_t notify        # inproc
    pipe_hold_t hold            # inproc
    pipe_resume_t resume        # network
    pipe_queued_t queued        # network
    pipe_inside_t inside        # network, while there is a sink
    pipe_drained_t drained
    pipe_t *mailbox_next        # in the owner's mailbox, a stack
    uint32_t mail               # atomic bits, not zero = in the mailbox
    uint32_t id                 # unique in the socket's life, never 0
    bint connected              # network: handshake complete; inproc: always
    bint skip_out               # the connection died inside an outgoing message: drop its remaining frames
    bint writing                # the last frame written had MORE
    bint reading                # the last frame read had MORE
    bint hang_up                # network: when the socket closes the pipe, what has been written still goes out
    bint closed_out             # nothing can be written any more
    bint ended                  # nothing new will arrive; what is queued can still be read
    bint detached               # out of its socket; only the memory waits for the other end
    bint stalled                # network: decoding stopped for lack of room in inr
    unsigned char *peer_id      # routing id the peer announced (malloc'ed; NULL = none), set before attach or ready
    uint32_t peer_id_size
    bint peer_legacy            # the peer filters by itself (ZMTP/1.0, datagrams)
    size_t message_max          # bytes of a message that the connection can carry; 0: no limit
    bint local                  # made by our own connect() (routing ids by CONNECT_ROUTING_ID, HICCUP, ...)
    bint let_go                 # by the application: closed, unbound, disconnected
    bint told_full              # the socket has reported that its queue was full, and it has had no room since
    # ---- counters, under the owner's lock
    uint64_t since              # when the peer joined, nanoseconds; 0 = it is not there
    uint64_t sunk               # messages written that are not counted by outr: their last frame went into the connection
    uint64_t sunk_bytes
    uint64_t not_in             # messages that inr counts and that are none of the peer's: subscriptions, notices of our own
    uint64_t not_in_bytes
    uint64_t missed             # messages not written for lack of room, where that drops them
    uint64_t lost               # written and given up: the connection ended, or memory
    uint64_t lingered           # written and given up: the application had closed, and its LINGER was over
    uint64_t outdated           # written and given up to make room for a newer one
    uint64_t filtered           # read and dropped: no subscription
    uint64_t unwanted           # read and dropped: this type does not take such a message
    uint64_t marks_out          # times a writer found no room
    uint64_t marks_in           # times decoding stopped for lack of room
    # ---- the end of the process (socket/exit_wait.pxd), under the owner's lock: what there was to be sent on the connection
    uint64_t exit_messages      # wmsgs of outr
    uint64_t exit_octets        # octets written to the connection when all of it will have left; 0 = not all of it is output yet
    uint32_t exit_connection    # which one that was, counted from 1; 0 = none
    # ---- begin: pattern's own
    uint32_t lb_index           # position in load_balance
    uint32_t fq_index           # position in fair_queue
    uint32_t fan_index          # position in fan_out
    uint64_t fan_missed         # fan_out_t.serial of the last message it missed
    bint fan_broken             # ... and memory ran out inside a message to it
    unsigned char *routing_id   # ROUTER: the id this pipe is known by (malloc'ed)
    uint32_t routing_id_size
    uint32_t pattern_flags
    void *pattern_data
    # ---- end


cdef inline bint pipe_can_write(pipe_t *p) noexcept nogil:
    """Room for the first frame of a message. A writer that is told no is woken by MAIL_OUT / pattern_out_ready."""
    if p.closed_out:
        return False
    if not ring_full(p.outr):
        return True
    if p.other != NULL and not ring_writer_sleeps(p.outr):
        return True
    p.marks_out += 1
    return False


cdef inline int pipe_store(pipe_t *p, msg_t *m, bint take) noexcept nogil:
    """Into the ring, whatever its fill. 0 or -ENOMEM."""
    cdef msg_t *slot = ring_slot(p.outr)
    cdef unsigned char flags = m.flags
    if slot == NULL:
        return -ENOMEM
    if p.other == NULL and m.kind >= MSG_PYOBJ and m.size < TX_REF_MIN and m.flags & MSG_EXACT:
        # A small bytes object bound for the wire: a copy now is cheaper than a reference to give back later. Memory that is lent on purpose
        # stays lent until it has been written; its tracker tells.
        if msg_set(slot, m.body.ref.data, m.size) < 0:
            return -ENOMEM
        slot.flags = flags & ~(<unsigned char> MSG_EXACT)
        slot.routing_id = m.routing_id
    elif take:
        slot[0] = m[0]
        m.kind = MSG_EMPTY
    elif msg_share(slot, m) < 0:
        return -ENOMEM
    ring_commit(p.outr)
    return 0


cdef inline void pipe_lose(pipe_t *p) noexcept nogil:
    """A message that the application has sent ends here: what there was of it went with a connection."""
    p.sunk += 1
    p.lost += 1


cdef inline int pipe_write(pipe_t *p, msg_t *m, bint take) noexcept nogil:
    """One frame. 0, -EAGAIN (first frame, no room), -EPIPE (gone), -ENOMEM. Visible to the peer after pipe_flush()."""
    cdef bint more = (m.flags & MSG_MORE) != 0
    if p.closed_out:
        return -EPIPE
    if p.skip_out:
        # The beginning of this message went with a dead connection; a part of a message must never arrive.
        p.skip_out = p.writing = more
        if not more:
            pipe_lose(p)
        return 0
    # Frames of this very message may stand in the ring unpublished, so an empty ring is one with nothing written that was not read.
    # A conflating ring takes every frame: the rest of a message whose beginning has left could be overwritten there by the next one.
    if p.sink != NULL and p.outr.wcount == p.outr.rcount and p.outr.only == NULL and p.sink(p, m, take) == 1:
        p.writing = more
        p.sunk_bytes += m.size
        p.sunk += not more
        return 0
    if not p.writing and ring_full(p.outr):
        p.marks_out += 1
        return -EAGAIN
    if pipe_store(p, m, take) < 0:
        return -ENOMEM
    p.writing = more
    return 0


cdef inline int pipe_write_control(pipe_t *p, int flag, const unsigned char *topic, size_t size) noexcept nogil:
    """A subscription (flag MSG_SUBSCRIBE or MSG_CANCEL). Never refused; 0 or -ENOMEM.

    A pipe without a connection forgets it: the pattern sends all subscriptions again in pattern_ready()."""
    cdef msg_t m
    cdef msg_t *slot
    cdef int rc = 0
    if p.closed_out or not p.connected:
        return 0
    if msg_set(&m, topic, size) < 0:
        return -ENOMEM
    m.flags = <unsigned char> flag
    if p.other == NULL:
        if p.sink != NULL:
            rc = p.sink(p, &m, True)
        msg_close(&m)
        return rc if rc < 0 else 0
    if p.writing:
        # Inside an unfinished message: MORE keeps the ring from publishing half of it. Readers ignore it on control frames.
        m.flags |= MSG_MORE
    slot = ring_slot(p.outr)
    if slot == NULL:
        msg_close(&m)
        return -ENOMEM
    slot[0] = m
    ring_commit(p.outr)
    # No message; the ring has counted it.
    p.sunk -= not p.writing
    p.sunk_bytes -= size
    pipe_flush(p)
    return 0


cdef inline void pipe_count_control(pipe_t *p, msg_t *m) noexcept nogil:
    """A frame that was read is no message of the peer's (one with MORE ends none), though the ring has counted it."""
    p.not_in += not m.flags & MSG_MORE
    p.not_in_bytes += m.size


cdef inline void pipe_flush(pipe_t *p) noexcept nogil:
    """Whole messages written so far may be read by the peer; it is told if it sleeps."""
    if p.other != NULL:
        if ring_wake_reader(p.outr):
            p.notify(p.other, MAIL_IN)
    elif p.sink != NULL and not ring_empty(p.outr):
        p.queued(p)


cdef inline void pipe_rollback(pipe_t *p) noexcept nogil:
    """Drops the unfinished outgoing message as far as it is still in the ring."""
    ring_rollback(p.outr)
    p.writing = False


cdef inline void pipe_drop_front(pipe_t *p) noexcept nogil:
    """The oldest message of the queue is given up. Both sides of the ring held."""
    cdef msg_t *m = ring_front(p.outr)
    cdef bint more = True
    while more:
        more = (m.flags & MSG_MORE) != 0
        if p.other != NULL:
            p.other.not_in += not more      # its reader never had it
            p.other.not_in_bytes += m.size
        msg_close(m)
        ring_pop(p.outr)
        m = ring_front(p.outr) if more else NULL
    ring_return_credit(p.outr)
    p.outdated += 1


cdef inline bint pipe_clear_room(pipe_t *p, bint inside) noexcept nogil:
    """Gives up messages until there is room. `inside`: the first ones in the queue are the rest of a message that has begun to leave."""
    while ring_full(p.outr):
        if ring_front(p.outr) == NULL or (inside and not ring_turn(p.outr)):
            return False
        pipe_drop_front(p)
        if not ring_marked(p.outr):
            ring_grant(p.outr)
            return True
    return True


cdef inline bint pipe_shed(pipe_t *p) noexcept nogil:
    """Gives the oldest queued messages up until there is room for another. False: there is none that can be, or the reader of an inproc ring is at
    work just now."""
    cdef bint room
    if p.closed_out or p.outr.only != NULL:
        return False
    if p.other == NULL:
        return pipe_clear_room(p, p.sink != NULL and p.inside(p))
    if not p.hold(p, True):
        return False
    room = pipe_clear_room(p, p.other.reading)
    p.hold(p, False)
    return room


cdef inline bint pipe_abandon(pipe_t *p) noexcept nogil:
    """The writer will not finish its message: nothing of it may be taken for a part of the next. True if the pipe must be closed for that,
    because its beginning may have gone into the connection."""
    cdef bint gone = p.writing and not p.skip_out and p.sink != NULL and p.outr.only == NULL
    p.skip_out = False
    if p.writing:
        pipe_rollback(p)
    return gone


cdef inline msg_t *pipe_front(pipe_t *p) noexcept nogil:
    """The next frame to read, or NULL. After NULL the owner is told by MAIL_IN / pattern_in_ready."""
    cdef msg_t *m
    cdef bint settled, asleep
    while True:
        m = ring_front(p.inr)
        if m != NULL:
            return m
        settled = ring_return_credit(p.inr)
        if p.stalled:
            p.resume(p)
            if not ring_empty(p.inr):
                continue
        if p.ended:
            p.drained(p)
            return NULL
        if p.other == NULL:
            return NULL
        # The exchange inside ring_reader_sleeps() is the fence between returning credit and looking at writer_asleep.
        asleep = ring_reader_sleeps(p.inr)
        if settled and ring_writer_waits(p.inr):
            p.notify(p.other, MAIL_OUT)
        if asleep:
            return NULL


cdef inline void pipe_pop(pipe_t *p) noexcept nogil:
    """The frame at the front has been moved out (or closed)."""
    if ring_pop(p.inr):
        if p.other != NULL:
            if ring_wake_writer(p.inr):
                p.notify(p.other, MAIL_OUT)
        elif p.stalled:
            p.resume(p)
