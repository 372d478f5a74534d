# The engine of datagrams: RADIO and DISH (a group in front of the body), and DGRAM (the peer's address in front of it).
#
#   on the wire, groups:    length of the group (1) | group | body          RFC 48
#   on the wire, addressed: body; the address is the record's
#   to and from sockets:    a message of two frames, the group or the address, and the body
#
# Rules
# - There is no beginning: the connection is ready at once. The peer filters by itself, and never says a word about it.
# - A first frame is kept here until the second one comes, so that only whole records are in the output.
# - A record that arrives becomes two frames where it lies: what is in front of the body moves to the left, over what the record's
#   header does not need any more, and each frame gets a header (piece_t). Asked again at the same place, the answer is the same.
# - A datagram that is no message is a signal that says so. Nothing that arrives ends the connection.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memmove
from base.config cimport GROUP_MAX
from base.datagram cimport (
    DATAGRAM_MAX, RECORD_ADDRESS_MAX, RECORD_HEADER, record_get, record_put, record_t,
)
from base.errors cimport ENOMEM, EPROTO
from base.memory cimport calloc
from engine.ops cimport (
    ENGINE_DATAGRAMS, ENGINE_MORE, ENGINE_READY, ENGINE_SIGNAL, ENGINE_STREAM, SIGNAL_NOISE, engine_config_t, engine_frame_t,
    engine_t, signal_t,
)
from message.message cimport msg_data, msg_t

cdef enum:
    PIECE_MARK = 0x80000000     # in piece_t.header: no record_t begins like this, for addresses are shorter
    PIECE_HEADER_MAX = RECORD_HEADER + RECORD_ADDRESS_MAX + 1

# What stands in front of a frame once its record has been taken apart.
cdef struct piece_t:
    uint32_t header             # bytes from here to the frame, marked
    uint32_t size               # of the frame, twice; plus one if the body follows

cdef struct datagram_engine_t:
    engine_t base               # first: a datagram_engine_t * is an engine_t *
    bint addressed
    bint wrong                  # the first frame is too long: the message is left out
    unsigned char first[GROUP_MAX + 1]      # a group and its length, or an address
    size_t first_size


cdef inline void datagram_free(engine_t *e) noexcept nogil:
    pass    # owns nothing


cdef inline int datagram_feed(engine_t *e, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    used[0] = 0
    return ENGINE_READY


cdef inline void datagram_sent(engine_t *e, size_t n) noexcept nogil:
    pass    # `out` is always empty


cdef inline void datagram_settle(engine_t *e) noexcept nogil:
    pass


# ---- out

cdef inline ptrdiff_t datagram_begin(datagram_engine_t *d, const unsigned char *body, size_t n) noexcept nogil:
    """The first frame of a message."""
    cdef size_t room = RECORD_ADDRESS_MAX if d.addressed else GROUP_MAX
    d.wrong = n > room
    d.first_size = 0
    if not d.addressed:
        d.first[0] = <unsigned char> n
        d.first_size = 1
    if not d.wrong:
        memcpy(d.first + d.first_size, body, n)
        d.first_size += n
    return 0


cdef inline ptrdiff_t datagram_head(datagram_engine_t *d, size_t n, unsigned char *out) noexcept nogil:
    """What goes in front of a body of n bytes. Its length."""
    if d.addressed:
        record_put(out, <uint32_t> d.first_size, <uint32_t> n)
    else:
        record_put(out, 0, <uint32_t> (d.first_size + n))
    memcpy(out + RECORD_HEADER, d.first, d.first_size)
    return <ptrdiff_t> (RECORD_HEADER + d.first_size)


cdef inline ptrdiff_t datagram_small_put(engine_t *e, int flags, const unsigned char *body, size_t n,
                                         unsigned char *out) noexcept nogil:
    cdef datagram_engine_t *d = <datagram_engine_t *> e
    cdef ptrdiff_t head
    if flags & ENGINE_MORE:
        return datagram_begin(d, body, n)
    if d.wrong:
        return 0
    head = datagram_head(d, n, out)
    memcpy(out + head, body, n)
    return head + <ptrdiff_t> n


cdef inline ptrdiff_t datagram_large_put(engine_t *e, msg_t *m, unsigned char *out, msg_t *body) noexcept nogil:
    """The pattern has seen to it that the body is not too large; and that no first frame is, but that is looked at once more."""
    if m.flags & ENGINE_MORE:
        return datagram_begin(<datagram_engine_t *> e, msg_data(m), m.size)
    return datagram_head(<datagram_engine_t *> e, m.size, out)


cdef inline ptrdiff_t datagram_signal_put(engine_t *e, int kind, uint32_t ttl_ds, const unsigned char *data, size_t n,
                                          unsigned char *out) noexcept nogil:
    return 0


# ---- in

cdef inline void datagram_piece(engine_frame_t *f, const piece_t *piece) noexcept nogil:
    f.header = <int> (piece.header & ~(<uint32_t> PIECE_MARK))
    f.size = piece.size >> 1
    f.flags = ENGINE_MORE if piece.size & 1 else 0


cdef inline void datagram_take_apart(unsigned char *p, size_t first_at, size_t first, size_t body,
                                     engine_frame_t *f) noexcept nogil:
    """The record at p: its first frame is `first` bytes at `first_at`, and then comes the body."""
    cdef piece_t piece
    memmove(p + first_at - sizeof(piece_t), p + first_at, first)
    piece.header = <uint32_t> (first_at - sizeof(piece_t)) | <uint32_t> PIECE_MARK
    piece.size = <uint32_t> first << 1 | 1
    memcpy(p, &piece, sizeof(piece_t))
    datagram_piece(f, &piece)
    piece.header = <uint32_t> sizeof(piece_t) | <uint32_t> PIECE_MARK
    piece.size = <uint32_t> body << 1
    memcpy(p + first_at + first - sizeof(piece_t), &piece, sizeof(piece_t))


cdef inline int datagram_frame_get(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    cdef unsigned char *at = <unsigned char *> p        # the session's own chunk
    cdef piece_t piece
    cdef record_t r
    cdef size_t first_at
    cdef size_t first = 0
    if n < sizeof(piece_t):
        return 0
    memcpy(&piece, p, sizeof(piece_t))
    if piece.header & PIECE_MARK:
        datagram_piece(f, &piece)
        # The transport wrote all records, and this engine all marks; what does not look like either is not believed.
        return 1 if f.header <= PIECE_HEADER_MAX and f.size <= DATAGRAM_MAX + 20 else -EPROTO
    record_get(p, &r)
    if r.address > RECORD_ADDRESS_MAX or r.size > DATAGRAM_MAX + 20:
        return -EPROTO
    first_at = RECORD_HEADER + <size_t> r.address
    if (<datagram_engine_t *> e).addressed:
        if n < first_at:
            return 0
        datagram_take_apart(at, RECORD_HEADER, r.address, r.size, f)
        return 1
    if n < first_at + (r.size != 0):
        return 0
    if r.size:
        first = p[first_at]
    if r.size < 1 + first:
        f.header = <int> first_at
        f.size = r.size
        f.flags = ENGINE_SIGNAL
        return 1
    if n < first_at + 1 + first:
        return 0
    datagram_take_apart(at, first_at + 1, first, r.size - 1 - first, f)
    return 1


cdef inline int datagram_signal_get(engine_t *e, const unsigned char *body, size_t n, signal_t *g) noexcept nogil:
    g.kind = SIGNAL_NOISE
    return 0


# ---- life

cdef inline int datagram_new(const engine_config_t *config, engine_t **out) noexcept nogil:
    """0 or -ENOMEM."""
    cdef datagram_engine_t *d = <datagram_engine_t *> calloc(1, sizeof(datagram_engine_t))
    cdef engine_t *e = &d.base
    if d == NULL:
        return -ENOMEM
    d.addressed = not config.who.groups
    e.traits = ENGINE_STREAM | ENGINE_DATAGRAMS
    e.peer.unversioned = not d.addressed
    # Both frames of a message count; the length of the group is a byte more.
    e.peer.message_max = DATAGRAM_MAX if d.addressed else DATAGRAM_MAX - 1
    e.ops.free = datagram_free
    e.ops.feed = datagram_feed
    e.ops.sent = datagram_sent
    e.ops.settle = datagram_settle
    e.ops.small_put = datagram_small_put
    e.ops.large_put = datagram_large_put
    e.ops.signal_put = datagram_signal_put
    e.ops.frame_get = datagram_frame_get
    e.ops.signal_get = datagram_signal_get
    out[0] = e
    return 0
