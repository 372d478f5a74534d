# lz4+tcp, zstd+tcp: tcp whose messages are compressed. Addresses, listeners and descriptors are those of tcp; here is what a
# connection keeps, and bytes both ways. The layers above see a stream of ZMTP.
#
# Rules
# - A frame that has been compressed but has not left in full is not reported as taken. It is offered again (transport_ops_t.write),
#   and `pieces` tell how much of that to skip. If the connection is lost before, it cannot have arrived, for the
#   peer unfolds whole frames only; so it may be sent again on the next one. One that has left in full is reported at once: it
#   would arrive twice.
# - A frame is read into the memory that it is unpacked from; only one that is not complete has memory of its own, which grows
#   with what has come. An idle connection has none.
# - Bytes of both directions pass through the scratch of the endpoint, which is in use during a call and not between two.
# - Up to the first message of a direction a password may be among them: nothing of it stays behind.

from libc.stddef cimport ptrdiff_t, size_t
from libc.string cimport memcpy, memmove
from base.errors cimport EAGAIN, EINPROGRESS, EINVAL, ENOMEM, ENOTSUP, EPROTO
from base.memory cimport calloc, free, malloc, realloc
from base.engines cimport ENGINE_PACKED
from base.platform cimport zc_close, zc_iov_base, zc_iov_len, zc_iov_set, zc_iovec_t, zc_recv, zc_send
from base.secret cimport zc_wipe
from compression.ops cimport CODEC_SCRATCH, CODEC_SCRATCH_KEPT, codec_new, codec_ops_t, codec_t, codec_unref
from compression.select cimport codec_ops
from compression.packer cimport packer_init, packer_step, packer_t, packing_t
from compression.unpacker cimport unpacker_feed, unpacker_free, unpacker_init, unpacker_t, unpacking_t
from transport.address cimport address_t
from transport.ops cimport stream_t, transport_ops_t, visitors_t
from transport.tcp cimport tcp_accept, tcp_open, tcp_ops
from transport.tuning cimport tuning_t

cdef enum:
    # of one read: a sender that is as fast as we are must not keep the others waiting
    COMPRESSED_READ_MOST = 1 << 18
    # So much is handed to the system together.
    COMPRESSED_WRITE = 1 << 16
    COMPRESSED_PIECES = 1024        # and not more frames

# What becomes of a piece of the stream, a frame mostly.
cdef struct outgoing_piece_t:
    size_t taken                    # its bytes
    size_t end                      # where what was made of it ends

cdef struct compressed_t:
    codec_t *codec                  # counted
    packer_t packs
    unpacker_t unpacks
    unsigned char *incoming         # of the wire, not unpacked
    size_t incoming_size
    size_t incoming_room
    outgoing_piece_t *pieces                 # of `outgoing`, in one block of memory with it
    int pieces_at
    int pieces_count
    unsigned char *outgoing         # for the wire, not sent
    size_t outgoing_at
    size_t outgoing_size
    bint more                       # a read may find something that no poll set reports
    bint heard                      # something has come, of a frame that is not complete perhaps
    int error                       # of reading: that is over; 0: it is not
    int broken                      # the same of writing. What has come can be read all the same

# A place in what is to be written.
cdef struct unwritten_t:
    zc_iovec_t *v
    int count
    int i
    size_t at


# ---- writing

cdef inline void unwritten_skip(unwritten_t *p, size_t n) noexcept nogil:
    """n bytes on, and to a piece that has some left."""
    p.at += n
    while p.i < p.count and p.at >= zc_iov_len(&p.v[p.i]):
        p.at -= zc_iov_len(&p.v[p.i])
        p.i += 1


cdef inline void compressed_forget_rest(compressed_t *s) noexcept nogil:
    if not s.packs.begun:
        zc_wipe(s.outgoing, s.outgoing_size)
    free(s.pieces)


cdef inline int compressed_send_rest(stream_t *t, compressed_t *s, size_t *taken) noexcept nogil:
    """What had not left. 0: it has; or a negative errno. `taken`: bytes of the stream that have left in full by now."""
    cdef ptrdiff_t n = 1
    taken[0] = 0
    while s.outgoing_at < s.outgoing_size and n > 0:
        n = zc_send(t.fd, s.outgoing + s.outgoing_at, s.outgoing_size - s.outgoing_at)
        if n > 0:
            s.outgoing_at += n
    while s.pieces_at < s.pieces_count and s.pieces[s.pieces_at].end <= s.outgoing_at:
        taken[0] += s.pieces[s.pieces_at].taken
        s.pieces_at += 1
    if n <= 0:
        return <int> n if n < 0 else -EAGAIN
    compressed_forget_rest(s)
    s.pieces = NULL
    s.outgoing = NULL
    s.pieces_at = s.pieces_count = 0
    s.outgoing_at = s.outgoing_size = 0
    return 0


cdef inline int compressed_scratch(codec_t *c, size_t need) noexcept nogil:
    """Room for so much. 0 or -ENOMEM. What was in it is gone."""
    cdef unsigned char *fresh
    if c.scratch_size == need or (need < c.scratch_size and c.scratch_size <= CODEC_SCRATCH_KEPT):
        return 0
    fresh = <unsigned char *> malloc(need)
    if fresh == NULL:
        return -ENOMEM
    free(c.scratch)
    c.scratch = fresh
    c.scratch_size = need
    return 0


cdef inline ptrdiff_t compressed_pack(compressed_t *s, unwritten_t *from_, outgoing_piece_t *pieces, int *count) noexcept nogil:
    """Some frames into the scratch: how many bytes came of these pieces, or a negative errno."""
    cdef codec_t *c = s.codec
    cdef packing_t w
    cdef size_t made = 0, n
    count[0] = 0
    while from_.i < from_.count and made < COMPRESSED_WRITE and count[0] < COMPRESSED_PIECES:
        w.p = <unsigned char *> zc_iov_base(&from_.v[from_.i]) + from_.at
        w.n = zc_iov_len(&from_.v[from_.i]) - from_.at
        w.next = NULL
        w.next_n = 0
        if from_.i + 1 < from_.count:
            w.next = <unsigned char *> zc_iov_base(&from_.v[from_.i + 1])
            w.next_n = zc_iov_len(&from_.v[from_.i + 1])
        w.out = c.scratch + made
        w.room = c.scratch_size - made
        n = packer_step(&s.packs, c, &w)
        if n == 0 and made:
            break
        if n == 0:
            if w.need == 0:
                return -EPROTO
            if compressed_scratch(c, w.need) < 0:
                return -ENOMEM
            continue
        made += n
        pieces[count[0]].taken = w.taken
        pieces[count[0]].end = made
        count[0] += 1
        unwritten_skip(from_, w.taken)
    return <ptrdiff_t> made


cdef inline int compressed_send(stream_t *t, compressed_t *s, size_t made, const outgoing_piece_t *pieces, int count,
                                size_t *taken) noexcept nogil:
    """What is in the scratch. 1: it has left; 0: not all of it, and the rest is kept; or a negative errno. `taken`: bytes of the
    stream that have left in full."""
    cdef ptrdiff_t n = zc_send(t.fd, s.codec.scratch, made)
    cdef int i = 0
    taken[0] = 0
    if n < 0 and n != -EAGAIN:
        return <int> n
    if n < 0:
        n = 0
    while i < count and pieces[i].end <= <size_t> n:
        taken[0] += pieces[i].taken
        i += 1
    if <size_t> n == made:
        return 1
    s.pieces = <outgoing_piece_t *> malloc((count - i) * sizeof(outgoing_piece_t) + made - n)
    if s.pieces == NULL:
        return -ENOMEM
    memcpy(s.pieces, pieces + i, (count - i) * sizeof(outgoing_piece_t))
    s.pieces_at = 0
    s.pieces_count = count - i
    for i in range(s.pieces_count):
        s.pieces[i].end -= n
    s.outgoing = <unsigned char *> (s.pieces + s.pieces_count)
    memcpy(s.outgoing, s.codec.scratch + n, made - n)
    s.outgoing_at = 0
    s.outgoing_size = made - n
    return 0


cdef inline ptrdiff_t compressed_writev(stream_t *t, zc_iovec_t *v, int count) noexcept nogil:
    """transport_ops_t.writev"""
    cdef compressed_t *s = <compressed_t *> t.state
    cdef outgoing_piece_t pieces[COMPRESSED_PIECES]
    cdef ptrdiff_t made
    cdef size_t total = 0, taken = 0
    cdef unwritten_t from_
    cdef int rc, n = 0
    if s.broken:
        return s.broken
    rc = compressed_send_rest(t, s, &total)
    if rc < 0:
        return <ptrdiff_t> total if total else rc
    from_.v = v
    from_.count = count
    from_.i = 0
    from_.at = 0
    unwritten_skip(&from_, total)
    while from_.i < count:
        made = compressed_pack(s, &from_, pieces, &n)
        taken = 0
        rc = compressed_send(t, s, made, pieces, n, &taken) if made >= 0 else <int> made
        if made > 0 and not s.packs.begun:
            zc_wipe(s.codec.scratch, made)
        total += taken
        if rc < 0:
            s.broken = rc
        if rc <= 0:
            break
    if s.codec.scratch_size > CODEC_SCRATCH_KEPT:
        compressed_scratch(s.codec, CODEC_SCRATCH)
    if total:
        return <ptrdiff_t> total
    return s.broken if s.broken else -EAGAIN


cdef inline ptrdiff_t compressed_write(stream_t *t, const void *data, size_t n) noexcept nogil:
    """transport_ops_t.write"""
    cdef zc_iovec_t v
    zc_iov_set(&v, <void *> data, n)
    return compressed_writev(t, &v, 1)


# ---- reading

cdef inline int compressed_keep(compressed_t *s, const unsigned char *p, size_t n) noexcept nogil:
    """What could not be unpacked yet becomes `incoming`. p may be in it. 0 or -ENOMEM."""
    if n == 0:
        if not s.unpacks.begun:
            zc_wipe(s.incoming, s.incoming_size)
        free(s.incoming)
        s.incoming = NULL
        s.incoming_size = s.incoming_room = 0
        return 0
    if s.incoming == NULL:
        s.incoming = <unsigned char *> malloc(n)
        if s.incoming == NULL:
            return -ENOMEM
        s.incoming_room = n
        memcpy(s.incoming, p, n)
    elif p != s.incoming:
        memmove(s.incoming, p, n)
    s.incoming_size = n
    return 0


cdef inline ptrdiff_t compressed_fetch_large(stream_t *t, compressed_t *s) noexcept nogil:
    """More of a frame that is larger than the scratch, behind what has come of it. Bytes or a negative errno."""
    cdef size_t room = 2 * s.incoming_size
    cdef unsigned char *larger
    cdef ptrdiff_t n
    if room > s.unpacks.need:
        room = <size_t> s.unpacks.need
    if s.incoming_size == s.incoming_room:
        larger = <unsigned char *> realloc(s.incoming, room)
        if larger == NULL:
            return -ENOMEM
        s.incoming = larger
        s.incoming_room = room
    n = zc_recv(t.fd, s.incoming + s.incoming_size, s.incoming_room - s.incoming_size)
    if n > 0:
        s.incoming_size += n
    return n


cdef inline ptrdiff_t compressed_fetch(stream_t *t, compressed_t *s, size_t most, unpacking_t *w) noexcept nogil:
    """More of the wire, into the scratch behind what is left. Bytes, of `most` at most, or a negative errno."""
    cdef unsigned char *scratch = s.codec.scratch
    cdef size_t have = s.incoming_size
    cdef ptrdiff_t n
    if have:
        memcpy(scratch, s.incoming, have)
        compressed_keep(s, NULL, 0)
    n = zc_recv(t.fd, scratch + have, most if most < CODEC_SCRATCH - have else CODEC_SCRATCH - have)
    w.p = scratch
    w.n = have + (n if n > 0 else 0)
    return n


cdef inline ptrdiff_t compressed_take(stream_t *t, compressed_t *s, unpacking_t *w) noexcept nogil:
    """One read, and what can be unpacked of it. As transport_ops_t.read; if it is over, s.error is set, too."""
    cdef ptrdiff_t n
    cdef size_t most = w.room + 4096        # so little can be left over that it is no cost to keep it
    cdef size_t had
    cdef int rc
    if s.unpacks.need > CODEC_SCRATCH // 2 and s.incoming_size:
        n = compressed_fetch_large(t, s)
        w.p = s.incoming
        w.n = s.incoming_size
    else:
        n = compressed_fetch(t, s, most, w)
    s.heard = s.heard or n > 0
    had = w.n
    rc = unpacker_feed(&s.unpacks, s.codec, w)
    if rc == 0:
        rc = compressed_keep(s, w.p, w.n)
    if not s.unpacks.begun:
        zc_wipe(s.codec.scratch, min(had, s.codec.scratch_size))
    if rc < 0:
        s.error = rc
        return rc
    return n


cdef inline ptrdiff_t compressed_read(stream_t *t, void *out, size_t room) noexcept nogil:
    """transport_ops_t.read"""
    cdef compressed_t *s = <compressed_t *> t.state
    cdef unpacking_t w
    cdef size_t fetched = 0
    cdef ptrdiff_t n = -EAGAIN
    w.out = <unsigned char *> out
    w.room = room
    w.p = s.incoming
    w.n = s.incoming_size
    if s.error == 0 and (w.n or s.unpacks.rest != NULL):
        s.error = unpacker_feed(&s.unpacks, s.codec, &w)
        if s.error == 0:
            s.error = compressed_keep(s, w.p, w.n)
    while s.error == 0 and w.room and fetched < COMPRESSED_READ_MOST:
        n = compressed_take(t, s, &w)
        if n <= 0:
            break
        fetched += n
    s.more = s.unpacks.rest != NULL or n > 0 or w.room == 0 or s.error != 0
    if w.room < room:
        s.heard = False
        return <ptrdiff_t> (room - w.room)
    if s.error:
        return s.error
    return n if n <= 0 else -EAGAIN         # nothing has come of what has been read


cdef inline ptrdiff_t compressed_readv(stream_t *t, zc_iovec_t *v, int count) noexcept nogil:
    """transport_ops_t.readv"""
    cdef ptrdiff_t total = 0, n
    cdef int i
    for i in range(count):
        if zc_iov_len(&v[i]) == 0:
            continue
        n = compressed_read(t, zc_iov_base(&v[i]), zc_iov_len(&v[i]))
        if n <= 0:
            return total if total else n
        total += n
        if <size_t> n < zc_iov_len(&v[i]):
            break
    return total


cdef inline bint compressed_pending(const stream_t *t) noexcept nogil:
    """transport_ops_t.pending"""
    return (<compressed_t *> t.state).more


cdef inline bint compressed_heard(stream_t *t) noexcept nogil:
    """transport_ops_t.heard"""
    cdef compressed_t *s = <compressed_t *> t.state
    cdef bint heard = s.heard
    s.heard = False
    return heard


# ---- life

cdef inline int compressed_start(stream_t *t, const tuning_t *tuning) noexcept nogil:
    """On a descriptor that is connected, or will be. 0; or -ENOMEM, and it is closed."""
    cdef compressed_t *s = <compressed_t *> calloc(1, sizeof(compressed_t))
    if s == NULL:
        zc_close(t.fd)
        t.fd = -1
        return -ENOMEM
    s.codec = <codec_t *> tuning.prepared
    s.codec.refs += 1
    packer_init(&s.packs)
    unpacker_init(&s.unpacks, tuning.frame_max)
    t.state = s
    return 0


cdef inline void compressed_close(stream_t *t) noexcept nogil:
    """transport_ops_t.close"""
    cdef compressed_t *s = <compressed_t *> t.state
    zc_close(t.fd)
    t.fd = -1
    if s == NULL:
        return
    unpacker_free(&s.unpacks, s.codec)
    compressed_keep(s, NULL, 0)
    compressed_forget_rest(s)
    codec_unref(s.codec)
    free(s)
    t.state = NULL


cdef inline int compressed_accept(
        int listener, const tuning_t *tuning, const visitors_t *visitors, stream_t *out,
        char *peer, size_t room) noexcept nogil:
    """transport_ops_t.accept"""
    cdef int rc = tcp_accept(listener, tuning, visitors, out, peer, room)
    return compressed_start(out, tuning) if rc == 0 else rc


cdef inline int compressed_open(const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.open"""
    cdef int rc = tcp_open(a, tuning, out)
    if rc < 0 and rc != -EINPROGRESS:
        return rc
    return rc if compressed_start(out, tuning) == 0 else -ENOMEM


cdef inline int compressed_prepare(
        const transport_ops_t *o, const tuning_t *tuning, bint connects, const char *text, size_t n, void **made,
        const char **why) noexcept nogil:
    """transport_ops_t.prepare"""
    cdef const void *library = tuning.compression.libraries[o.codec]
    cdef codec_t *c = NULL
    cdef codec_ops_t ops
    cdef int rc = -ENOTSUP
    if library != NULL:
        codec_ops(o.codec, &ops)
        rc = codec_new(
            &ops, library, tuning.compression.level, <const unsigned char *> tuning.compression.dictionary.data,
            tuning.compression.dictionary.size, &c)
    if rc == -EINVAL:
        why[0] = "COMPRESSION_DICT must be a dictionary in Zstandard's own format"
    made[0] = c
    return rc


cdef inline void compressed_release(void *made) noexcept nogil:
    """transport_ops_t.release"""
    codec_unref(<codec_t *> made)


cdef inline void compressed_tcp_ops(transport_ops_t *o, const char *scheme, int codec, int needs) noexcept nogil:
    """Each of these transports is a row of transport/select.pxd: its scheme, its codec, and the library of that."""
    tcp_ops(o)
    o.scheme = scheme
    o.codec = codec
    o.needs = needs
    o.prepare = compressed_prepare
    o.optional = True
    o.engine = ENGINE_PACKED
    o.release = compressed_release
    o.accept = compressed_accept
    o.open = compressed_open
    o.read = compressed_read
    o.readv = compressed_readv
    o.pending = compressed_pending
    o.heard = compressed_heard
    o.write = compressed_write
    o.writev = compressed_writev
    o.close = compressed_close
