# Payloads through memory that two processes share: what a session knows of its peer's segment, and its peer of ours.
#
# Rules
# - Both sides have to want it (the option SHARED_MEMORY, told in READY), over a transport that passes descriptors, without encryption, and between
#   processes of one user unless the option says otherwise. Else `shared` stays NULL and nothing is different.
# - Nothing is made before there is a large frame to send. The segment is shown when the output is empty, for its descriptors go with the first byte
#   of the command. Until the peer has mapped it, and whenever it has no room, frames go over the connection.
# - A frame in the segment is in the output as one by reference whose body has been sent already: it holds the block until its descriptor has left,
#   and when the connection is lost it goes back into the pipe as it is.
# - What a peer shows is mapped, or silently not; a block without a segment, or outside of it, ends the connection.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from base.atomics cimport zc_load_relaxed_u32, zc_store_relaxed_u32
from base.config cimport SHARED_COPIED, SHARED_SHOWN_MAX
from base.errors cimport EAGAIN, EMSGSIZE, ENOMEM, EPROTO
from base.memory cimport calloc, free
from base.platform cimport zc_close, ZC_PASS_MAX
from engine.ops cimport ENGINE_MORE, SIGNAL_BLOCK, SIGNAL_SEGMENT, signal_t
from engine.sharing cimport (
    BLOCK_DATA, SEGMENT_DATA, block_data_get, block_data_put, block_place_t, segment_data_get, segment_data_put, sharing_announced,
)
from message.message cimport MSG_EMPTY, MSG_EXACT, MSG_MORE, MSG_SEGMENT, msg_close, msg_data, msg_share, msg_t
from pipe.ring cimport ring_commit, ring_full, ring_slot
from session.account cimport receive_account
from session.session cimport FLUSH_FULL, session_t, shared_t
from shared.mapping cimport mapping_new, mapping_take, mapping_unref
from shared.segment cimport (
    segment_alloc, segment_leave, segment_msg, segment_new, segment_seat, segment_sent, segment_slot, shared_segment_t, segment_unref, segment_welcome, slot_t,
)

cdef enum:
    SHARED_STALLED = 1          # shared_receive(): the frame has to wait for room in the pipe


# ---- beginning and end

cdef inline void shared_count(session_t *s, int more) noexcept nogil:
    zc_store_relaxed_u32(&s.host.nsharing, zc_load_relaxed_u32(&s.host.nsharing) + more)


cdef inline void shared_begin(session_t *s) noexcept nogil:
    """The peer is known. Without memory the connection does without."""
    if s.terms.shared_bytes == 0 or s.stream.ops.passed == NULL or not s.engine.plain:
        return
    if not sharing_announced(s.props):
        return
    if s.terms.shared_any_user or s.stream.ops.kin(&s.stream):
        s.shared = <shared_t *> calloc(1, sizeof(shared_t))
        shared_count(s, s.shared != NULL)


cdef inline void shared_leave(session_t *s) noexcept nogil:
    """The peer gets nothing more out of the segment it was shown."""
    cdef shared_segment_t *g = s.shared.segment
    if g == NULL:
        return
    s.shared.segment = NULL
    if segment_leave(g, s.shared.seat) and g == s.host.segment:
        s.host.segment = NULL
        segment_unref(g)


cdef inline void shared_end(session_t *s) noexcept nogil:
    """The connection is over. Frames in the peer's segment stay valid."""
    if s.shared == NULL:
        return
    shared_leave(s)
    mapping_unref(s.shared.mapping)
    free(s.shared)
    s.shared = NULL
    shared_count(s, -1)


# ---- sending

cdef inline ptrdiff_t shared_introduce(session_t *s, int ledger) noexcept nogil:
    """Writes the command that shows the segment. How much of it was not taken is kept in `shared` for the output; a negative errno."""
    cdef unsigned char data[SEGMENT_DATA]
    cdef shared_t *h = s.shared
    cdef int fds[2]
    cdef ptrdiff_t n, put
    segment_data_put(data, h.segment.size)
    n = s.engine.ops.signal_put(s.engine, SIGNAL_SEGMENT, 0, data, SEGMENT_DATA, h.rest)
    if n < 0:
        return n
    fds[0] = h.segment.fd
    fds[1] = ledger
    put = s.stream.ops.pass_(&s.stream, h.rest, n, fds, 2)
    s.writes += 1
    if put <= 0:
        return put if put < 0 else -EAGAIN
    s.wire_out += put
    h.rest_at = <uint32_t> put
    h.rest_end = <uint32_t> n
    return 0


cdef inline bint shared_show(session_t *s) noexcept nogil:
    """Shows the peer our segment, which is made if there is none. Only with an empty output. False: it was not shown, and shall not be tried again
    unless `wanted` says so."""
    cdef shared_t *h = s.shared
    cdef int ledger = -1
    cdef ptrdiff_t rc
    h.wanted = False
    if s.host.segment == NULL and segment_new(<size_t> s.terms.shared_bytes, &s.host.segment) < 0:
        h.refused = True
        return False
    shared_leave(s)
    rc = segment_seat(s.host.segment, &ledger)
    if rc < 0:
        h.refused = True
        return False
    h.segment = s.host.segment
    h.seat = <int> rc
    rc = shared_introduce(s, ledger)
    zc_close(ledger)
    if rc < 0:
        h.wanted = rc == -EAGAIN
        h.refused = rc != -EAGAIN
        shared_leave(s)
    return rc == 0


cdef inline bint shared_fits(session_t *s) noexcept nogil:
    """Whether the peer has our segment. If not, it is going to be shown."""
    cdef shared_t *h = s.shared
    if h.segment != NULL and h.segment == s.host.segment:
        return segment_welcome(h.segment, h.seat)
    h.wanted = not h.refused
    return False


cdef inline bint shared_block(session_t *s, msg_t *m, msg_t *body) noexcept nogil:
    """The content of `m` as a block of our segment: the block that it is already, or a copy. False: there is no room."""
    cdef shared_segment_t *g = s.shared.segment
    cdef slot_t *t = segment_slot(g, m)
    if t != NULL:
        return msg_share(body, m) == 0
    t = segment_alloc(g, m.size)
    if t == NULL:
        return False
    segment_msg(t, m.size, body)
    body.flags = m.flags & MSG_MORE
    memcpy(msg_data(body), msg_data(m), m.size)
    s.shared.copied += m.size
    return True


cdef inline void shared_spread(session_t *s, msg_t *m, msg_t *body) noexcept nogil:
    """The message goes to several peers: `m` becomes the block, so that the next one needs no copy of its own."""
    cdef unsigned char flags = m.flags
    cdef uint32_t routing_id = m.routing_id
    cdef msg_t other
    if m.kind == MSG_SEGMENT or msg_share(&other, body) < 0:
        return
    msg_close(m)
    m[0] = other
    m.flags = flags & ~(<unsigned char> MSG_EXACT)
    m.routing_id = routing_id


cdef inline ptrdiff_t shared_put(session_t *s, msg_t *m, msg_t *body, unsigned char *out) noexcept nogil:
    """A frame through the segment: its block in *body, its descriptor in `out`. The descriptor's size; 0: it goes over the connection."""
    cdef unsigned char data[BLOCK_DATA]
    cdef block_place_t b
    cdef slot_t *t
    cdef ptrdiff_t n
    if not shared_fits(s) or not shared_block(s, m, body):
        return 0
    t = <slot_t *> body.body.ref.owner
    b.flags = m.flags & MSG_MORE
    b.slot = <uint32_t> (t - t.segment.slots)
    b.offset = t.at
    b.size = m.size
    block_data_put(data, &b)
    n = s.engine.ops.signal_put(s.engine, SIGNAL_BLOCK, 0, data, BLOCK_DATA, out)
    if n <= 0:
        msg_close(body)
        return 0
    segment_sent(t.segment, s.shared.seat, t)
    if zc_load_relaxed_u32(&s.host.nsharing) > 1:
        shared_spread(s, m, body)
    s.shared_out += m.size
    if s.shared.copied >= SHARED_COPIED and not s.tx_blocked:
        # The peer can begin to read; the copy has taken longer than a write does.
        s.shared.copied = 0
        s.host.flush_now = FLUSH_FULL
    return n


# ---- receiving

cdef inline void shared_shown(session_t *s, signal_t *g) noexcept nogil:
    """SIGNAL_SEGMENT. What is not as it should be is not used: the peer finds its ledger closed."""
    cdef shared_t *h = s.shared
    cdef int fds[ZC_PASS_MAX]
    cdef int count
    cdef uint64_t size = 0
    if h == NULL:
        return                  # a command that is not known
    count = s.stream.ops.passed(&s.stream, fds)
    mapping_unref(h.mapping)
    h.mapping = NULL
    h.shown += 1
    if count == 2 and h.shown <= SHARED_SHOWN_MAX and segment_data_get(g.data, g.size, &size) == 0:
        mapping_new(fds[0], fds[1], size, s.terms.shared_bytes, &h.mapping)
    while count:
        count -= 1
        zc_close(fds[count])


cdef inline int shared_receive(session_t *s, signal_t *g) noexcept nogil:
    """SIGNAL_BLOCK: a frame whose content lies in the peer's segment, into the pipe. 0, SHARED_STALLED, or a negative errno that ends the
    connection."""
    cdef block_place_t b
    cdef msg_t *slot
    cdef int rc
    if s.shared == NULL:
        return 0                # a command that is not known
    if s.shared.mapping == NULL or block_data_get(g.data, g.size, &b) < 0:
        return -EPROTO
    if b.size > s.terms.frame_max:
        return -EMSGSIZE
    if not s.rx_more and ring_full(s.pipe.inr):
        s.pipe.stalled = True
        s.pipe.marks_in += 1
        return SHARED_STALLED
    if s.rx_more or b.flags & ENGINE_MORE:
        rc = receive_account(s, b.size, s.rx_more)
        if rc < 0:
            return rc
    slot = ring_slot(s.pipe.inr)
    if slot == NULL:
        return -ENOMEM
    rc = mapping_take(s.shared.mapping, b.slot, b.offset, b.size, slot)
    if rc < 0:
        slot.kind = MSG_EMPTY
        return rc
    slot.flags = <unsigned char> b.flags
    s.shared_in += b.size
    s.rx_more = (b.flags & ENGINE_MORE) != 0
    ring_commit(s.pipe.inr)
    return 0
