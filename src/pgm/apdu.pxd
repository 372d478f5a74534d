# What PGM carries for ZeroMQ: a stream of ZMTP/1.0 frames, cut into pieces (APDUs) of one packet each.
#
# An APDU begins with two octets: how far behind them the first *message* begins that begins in it; FFFF: none does. So who
# joins late, or has lost a packet, finds the next beginning.
#
# Rules
# - Only whole messages come out of an unpacker. It keeps the part of one that has not ended; what is announced is not
#   reserved.
# - An offset that contradicts the frames means that one of both is wrong: the message under way is dropped, and the next
#   offset counts. So is everything that breaks a limit. Nothing a source sends can hurt another source's messages.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t, uint64_t, UINT64_MAX
from libc.string cimport memcpy
from base.endian cimport load_be16, store_be16
from base.errors cimport EMSGSIZE, ENOMEM, EPROTO
from base.memory cimport free, realloc
from zmtp.frame cimport FRAME_MORE, FRAME_V1_HEADER_MAX, frame_get_v1, frame_t

cdef enum:
    APDU_HEADER = 2
    APDU_NO_START = 0xFFFF

# Where one is in a stream of frames.
cdef struct pgm_scan_t:
    uint64_t left                   # of the body under way
    bint more                       # the frame under way, or the last one, has MORE
    uint64_t bytes                  # of the bodies of the message under way, or the last one
    int nhead                       # octets of a header that has not come in full
    unsigned char head[FRAME_V1_HEADER_MAX]

# What a message may be, and what all sources of a receiver keep together.
cdef struct pgm_limits_t:
    uint64_t frame_max              # octets of one frame's body
    uint64_t message_bytes_max
    uint32_t message_frames_max
    size_t held                     # octets of packets out of order and messages that have not ended
    size_t held_max

# Where messages go: first into the memory of who is reading, then into our own.
cdef struct pgm_sink_t:
    unsigned char *near
    size_t near_room
    size_t near_used
    unsigned char *far
    size_t far_head
    size_t far_tail
    size_t far_room

cdef struct pgm_unpack_t:
    pgm_scan_t scan
    bint joined                     # `scan` knows where it is
    uint32_t frames                 # of the message under way
    unsigned char *part             # its octets
    size_t size
    size_t room

# An APDU that is being filled.
cdef struct pgm_pack_t:
    pgm_scan_t scan
    unsigned char *data             # of `room` octets
    size_t room
    size_t size                     # APDU_HEADER included
    bint starts                     # a message begins in it


# ---- frames

cdef inline bint pgm_scan_between(const pgm_scan_t *s) noexcept nogil:
    """Between two messages."""
    return s.left == 0 and s.nhead == 0 and not s.more


cdef inline int pgm_scan_frame(pgm_scan_t *s, const unsigned char *p, size_t n, uint64_t frame_max,
                               size_t *used) noexcept nogil:
    """Goes on to the end of the frame under way. 1: it is there; 0: it lies beyond; -EPROTO, -EMSGSIZE."""
    cdef frame_t f
    cdef size_t at = 0
    cdef int rc
    if s.left == 0:
        while True:
            if at == n:
                used[0] = at
                return 0
            s.head[s.nhead] = p[at]
            s.nhead += 1
            at += 1
            rc = frame_get_v1(s.head, s.nhead, &f)
            if rc:
                break
        if rc < 0:
            return rc
        if f.size > frame_max:
            return -EMSGSIZE
        s.bytes = f.size if not s.more else s.bytes + f.size
        s.nhead = 0
        s.left = f.size
        s.more = f.flags & FRAME_MORE
    if s.left > n - at:
        s.left -= n - at
        used[0] = n
        return 0
    used[0] = at + <size_t> s.left
    s.left = 0
    return 1


# ---- out

cdef inline void pgm_pack_begin(pgm_pack_t *k) noexcept nogil:
    """The next APDU."""
    k.size = APDU_HEADER
    k.starts = False
    store_be16(k.data, APDU_NO_START)


cdef inline bint pgm_pack_empty(const pgm_pack_t *k) noexcept nogil:
    return k.size == APDU_HEADER


cdef inline bint pgm_pack_full(const pgm_pack_t *k) noexcept nogil:
    return k.size == k.room


cdef inline int pgm_pack(pgm_pack_t *k, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """Takes frames until the APDU is full. 0, or -EPROTO: these are none."""
    cdef size_t at = 0, step = 0
    if n > k.room - k.size:
        n = k.room - k.size
    while at < n:
        if not k.starts and pgm_scan_between(&k.scan):
            k.starts = True
            store_be16(k.data, <unsigned short> (k.size - APDU_HEADER + at))
        if pgm_scan_frame(&k.scan, p + at, n - at, UINT64_MAX, &step) < 0:
            return -EPROTO
        at += step
    if n:
        memcpy(k.data + k.size, p, n)
        k.size += n
    used[0] = n
    return 0


# ---- in

cdef inline bint pgm_sink_empty(const pgm_sink_t *s) noexcept nogil:
    """Nothing waits in our own memory."""
    return s.far_head == s.far_tail


cdef inline int pgm_grow(unsigned char **data, size_t *room, size_t need) noexcept nogil:
    """0 or -ENOMEM."""
    cdef size_t more = room[0] * 2 if room[0] * 2 > need else need
    cdef unsigned char *fresh
    if need <= room[0]:
        return 0
    fresh = <unsigned char *> realloc(data[0], more)
    if fresh == NULL:
        return -ENOMEM
    data[0] = fresh
    room[0] = more
    return 0


cdef inline int pgm_sink_reserve(pgm_sink_t *s, size_t n) noexcept nogil:
    """So that n more octets can be put. 0 or -ENOMEM."""
    if pgm_sink_empty(s):
        s.far_head = s.far_tail = 0
        if n <= s.near_room - s.near_used:
            return 0
    return pgm_grow(&s.far, &s.far_room, s.far_tail + n)


cdef inline void pgm_sink_put(pgm_sink_t *s, const unsigned char *p, size_t n) noexcept nogil:
    """There is room."""
    cdef size_t step
    if pgm_sink_empty(s):
        step = s.near_room - s.near_used
        if step > n:
            step = n
        if step:
            memcpy(s.near + s.near_used, p, step)
            s.near_used += step
            p += step
            n -= step
    if n:
        memcpy(s.far + s.far_tail, p, n)
        s.far_tail += n


cdef inline size_t pgm_sink_take(pgm_sink_t *s, unsigned char *out, size_t n) noexcept nogil:
    """From our own memory. How many octets."""
    if n > s.far_tail - s.far_head:
        n = s.far_tail - s.far_head
    if n:
        memcpy(out, s.far + s.far_head, n)
        s.far_head += n
    if pgm_sink_empty(s):
        free(s.far)
        s.far = NULL
        s.far_head = s.far_tail = s.far_room = 0
    return n


cdef inline void pgm_unpack_release(pgm_unpack_t *u, pgm_limits_t *limits) noexcept nogil:
    limits.held -= u.size
    free(u.part)
    u.part = NULL
    u.size = u.room = 0


cdef inline void pgm_unpack_drop(pgm_unpack_t *u, pgm_limits_t *limits) noexcept nogil:
    """The message under way will never be whole; the next offset counts."""
    pgm_unpack_release(u, limits)
    u.joined = False
    u.frames = 0
    u.scan.left = 0
    u.scan.nhead = 0
    u.scan.more = False


cdef inline int pgm_unpack_end(pgm_unpack_t *u, const unsigned char *p, size_t n, pgm_limits_t *limits,
                               pgm_sink_t *sink) noexcept nogil:
    """A message has ended with these octets. 0 or -ENOMEM."""
    if pgm_sink_reserve(sink, u.size + n) < 0:
        return -ENOMEM
    if u.size:
        pgm_sink_put(sink, u.part, u.size)
        pgm_unpack_release(u, limits)
    pgm_sink_put(sink, p, n)
    u.frames = 0
    return 0


cdef inline int pgm_unpack_keep(pgm_unpack_t *u, const unsigned char *p, size_t n,
                                pgm_limits_t *limits) noexcept nogil:
    """The octets of a message that goes on. 0 or -ENOMEM."""
    if n == 0:
        return 0
    if n > limits.held_max - limits.held:
        return -ENOMEM
    if pgm_grow(&u.part, &u.room, u.size + n) < 0:
        return -ENOMEM
    memcpy(u.part + u.size, p, n)
    u.size += n
    limits.held += n
    return 0


cdef inline int pgm_unpack_frames(pgm_unpack_t *u, const unsigned char *p, size_t n, ptrdiff_t start,
                                  pgm_limits_t *limits, pgm_sink_t *sink) noexcept nogil:
    """start: where the first message begins; -1: not here; -2: it was not said. 0 or a negative errno."""
    cdef size_t at = 0, begin = 0, step = 0
    cdef bint checked = start == -2
    cdef int rc
    if not checked and n and pgm_scan_between(&u.scan):
        checked = True
        if start != 0:
            return -EPROTO
    while at < n:
        rc = pgm_scan_frame(&u.scan, p + at, n - at, limits.frame_max, &step)
        if rc < 0:
            return rc
        at += step
        if u.scan.bytes > limits.message_bytes_max:
            return -EMSGSIZE
        if rc == 0:
            break
        u.frames += 1
        if u.frames > limits.message_frames_max and (u.scan.more or u.frames > 1):
            return -EMSGSIZE
        if u.scan.more:
            continue
        if not checked:
            checked = True
            if start != <ptrdiff_t> at and not (start == -1 and at == n):
                return -EPROTO
        if pgm_unpack_end(u, p + begin, at - begin, limits, sink) < 0:
            return -ENOMEM
        begin = at
    if not checked and start != -1 and not (n == 0 and start == 0):
        return -EPROTO
    return pgm_unpack_keep(u, p + begin, n - begin, limits)


cdef inline int pgm_unpack(pgm_unpack_t *u, const unsigned char *p, size_t n, bint continues,
                           pgm_limits_t *limits, pgm_sink_t *sink) noexcept nogil:
    """One APDU, or a further fragment of one. 0; or a negative errno, and the message under way has been dropped."""
    cdef ptrdiff_t start = -2
    cdef int rc
    if not continues:
        start = load_be16(p) if n >= APDU_HEADER else 0
        if n < APDU_HEADER or (start != APDU_NO_START and <size_t> start > n - APDU_HEADER):
            pgm_unpack_drop(u, limits)
            return -EPROTO
        p += APDU_HEADER
        n -= APDU_HEADER
        if start == APDU_NO_START:
            start = -1
    if not u.joined:
        if start < 0:
            return 0
        p += start
        n -= start
        start = 0
        u.joined = True
    rc = pgm_unpack_frames(u, p, n, start, limits, sink)
    if rc < 0:
        pgm_unpack_drop(u, limits)
    return rc
