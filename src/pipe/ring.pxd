# ring: a queue of frames from one producer thread to one consumer thread, without a lock.
#
# Rules
# - At any moment at most one thread acts as producer and one as consumer. Each side is in fact "whoever holds that socket's lock".
# - Entries live in linked segments that grow on demand, so a quiet ring costs one small segment and the high-water mark bounds it. A ring whose two
#   sides are under one lock (`one_lock`) begins its segment again when it comes to the end and nothing is queued: it stays small, and in the cache,
#   however many messages pass one by one.
# - Frames become visible only as whole messages: `pub` (entries published) moves at the last frame of a message.
# - The high-water mark counts messages. The consumer returns credit in lumps of half the mark (`credit`), not one by one, so a
#   blocked producer resumes after (hwm + 1) / 2 reads.
# - A ring may have a second mark, which counts bytes: there is room while fewer bytes are queued, so that a message of any size goes into an empty
#   ring. And it may have a charge: what it holds counts for the limit of its context (budget.pxd). Such a ring is bounded: `room` and `lump` are 0,
#   so that every message takes the long way, which looks at everything. Others take the short way, one comparison, and pay nothing.
#
# Who writes what, with which memory order
#   producer: wseg wpos wcount pubseg pubpos              plain
#             wmsgs wbytes   store-relaxed: what statistics read on any thread, as are rmsgs and rbytes
#             pub            store-release, read with acquire by the consumer: publishes the entries before it
#   consumer: rseg rpos rcount seen                       plain
#             left           store-release: the consumer has gone for good; messages from this one on were read by nobody
#             credit         store-release, read with acquire by the producer: slots before it are free; so is credit_bytes
#   reader_asleep, writer_asleep: swapped (sequentially consistent). The sleeper sets it and then looks again; the other side
#             changes pub/credit, issues a fence and then looks at it. One of the two always sees the other (Dekker).
#   spare: swapped; hands an emptied segment back to the producer.
#
# A conflating ring (`only` is set) holds the newest whole message and nothing else. The producer builds a message in a block of its own and
# swaps it in for the one before; the consumer swaps it out. `pub` then counts messages, and so does rcount; there is no mark. Messages that gave
# way to a newer one are counted by the side that dropped them.

from libc.stdint cimport uint32_t, uint64_t, UINT32_MAX
from base.memory cimport malloc, realloc, free
from base.atomics cimport (
    zc_load_acquire_u64, zc_load_relaxed_u32, zc_load_acquire_ptr, zc_store_release_u64, zc_store_release_ptr,
    zc_store_relaxed_u32, zc_store_relaxed_u64, zc_swap_u32, zc_swap_ptr, zc_fence, zc_load_relaxed_u64,
)
from base.config cimport RING_FIRST_SEGMENT, RING_GROWTH, RING_SEGMENT
from message.message cimport msg_t, msg_close, MSG_MORE
from pipe.budget cimport charge_drop, charge_refuses, charge_release, charge_t, FRAME_COST

cdef struct segment_t:
    segment_t *next
    uint32_t capacity
    uint32_t unused
    msg_t slots[1]              # `capacity` of them

cdef struct conflate_t:
    segment_t *latest           # atomic: swapped by both
    segment_t *building         # producer
    segment_t *reading          # consumer; its `unused` is the number of frames
    uint64_t taken              # consumer: value of pub when `reading` was taken
    uint64_t replaced           # producer: messages that gave way before the consumer saw them (atomic, relaxed)
    uint64_t outdone            # consumer: messages it had looked at when a newer one came (atomic, relaxed)
    uint32_t built              # producer
    uint32_t at                 # consumer
    bint begun                  # consumer: it has told of `reading` already, so nothing newer takes its place

cdef struct ring_t:
    # producer
    segment_t *wseg
    segment_t *pubseg           # where the unpublished message begins
    uint64_t wcount             # entries written
    uint64_t wmsgs              # atomic: whole messages published
    uint32_t wpos
    uint32_t pubpos
    uint64_t pub                # atomic
    uint64_t wbytes             # atomic: of the frames written
    bint one_lock               # both sides are always held together; set before the ring is used
    unsigned char pad0[4]
    # consumer
    segment_t *rseg
    uint64_t rcount
    uint64_t rmsgs              # atomic
    uint64_t seen               # last value of pub
    uint64_t credit             # atomic: messages whose room has been given back
    uint32_t rpos
    uint32_t lump
    uint64_t rbytes             # atomic: of the frames read
    uint64_t credit_bytes       # atomic: of a bounded ring, bytes whose room has been given back
    # both
    segment_t *first            # atomic: set once by the producer, taken once by the consumer
    segment_t *spare            # atomic
    uint32_t reader_asleep      # atomic
    uint32_t writer_asleep      # atomic
    uint32_t hwm                # atomic; 0 = no limit
    uint32_t room               # atomic: with fewer messages there is room, whatever else; 0 = bounded
    uint64_t hwm_bytes          # atomic; 0 = no limit
    conflate_t *only            # conflating; set before the ring is shared
    uint64_t left               # atomic: wmsgs when the consumer went, plus 1; 0 = it is there
    charge_t *charge            # NULL: no limit of a context. CACHE_LINE * 3 in all: each part has its own line where the ring begins at one (inproc)


cdef inline uint32_t ring_lump(uint32_t hwm) noexcept nogil:
    # Without a mark nobody waits for credit; it is still returned now and then so that a mark set later starts near the truth.
    return (hwm + 1) // 2 if hwm else 128


cdef inline void ring_init(ring_t *r, uint32_t hwm) noexcept nogil:
    r.wseg = NULL
    r.pubseg = NULL
    r.wcount = r.wmsgs = r.pub = r.wbytes = 0
    r.wpos = r.pubpos = 0
    r.one_lock = False
    r.rseg = NULL
    r.rcount = r.rmsgs = r.seen = r.credit = r.rbytes = r.left = 0
    r.rpos = 0
    r.first = r.spare = NULL
    r.reader_asleep = 0
    r.writer_asleep = 0
    r.only = NULL
    r.charge = NULL
    r.credit_bytes = 0
    ring_set_hwm(r, hwm, 0)


cdef inline void ring_set_hwm(ring_t *r, uint32_t hwm, uint64_t hwm_bytes) noexcept nogil:
    """Either side. Queued messages stay; a lower mark blocks new ones until the fill is below it."""
    if r.only != NULL:
        return
    zc_store_relaxed_u32(&r.hwm, hwm)
    zc_store_relaxed_u64(&r.hwm_bytes, hwm_bytes)
    zc_store_relaxed_u32(&r.room, 0 if hwm_bytes or r.charge != NULL else (hwm if hwm else UINT32_MAX))
    zc_store_relaxed_u32(&r.lump, 0 if hwm_bytes or r.charge != NULL else ring_lump(hwm))


# ---- conflating rings (reached through the functions below, which find wseg and rseg NULL)

cdef inline void only_free(segment_t *s, uint32_t from_frame, uint32_t to_frame) noexcept nogil:
    while from_frame < to_frame:
        msg_close(&s.slots[from_frame])
        from_frame += 1
    free(s)


cdef inline segment_t *only_grow(conflate_t *o, uint32_t capacity) noexcept nogil:
    cdef segment_t *s = <segment_t *> realloc(o.building, sizeof(segment_t) + (capacity - 1) * sizeof(msg_t))
    if s != NULL:
        s.capacity = capacity
        o.building = s
    return s


cdef inline msg_t *only_slot(conflate_t *o) noexcept nogil:
    cdef segment_t *s = o.building
    if s == NULL:
        s = only_grow(o, 1)
    elif o.built == s.capacity:
        s = only_grow(o, s.capacity * 2)
    return &s.slots[o.built] if s != NULL else NULL


cdef inline void only_commit(ring_t *r) noexcept nogil:
    cdef conflate_t *o = r.only
    cdef segment_t *s = o.building
    cdef bint last = (s.slots[o.built].flags & MSG_MORE) == 0
    zc_store_relaxed_u64(&r.wbytes, r.wbytes + s.slots[o.built].size)
    o.built += 1
    r.wcount = r.pub + 1
    if last:
        zc_store_relaxed_u64(&r.wmsgs, r.wmsgs + 1)
        s.unused = o.built
        o.building = NULL
        o.built = 0
        s = <segment_t *> zc_swap_ptr(<void **> &o.latest, s)
        if s != NULL:
            only_free(s, 0, s.unused)
            zc_store_relaxed_u64(&o.replaced, o.replaced + 1)
        zc_store_release_u64(&r.pub, r.wcount)


cdef inline msg_t *only_front(ring_t *r) noexcept nogil:
    cdef conflate_t *o = r.only
    cdef segment_t *newer
    cdef uint64_t pub
    if o.reading == NULL or o.at == 0:
        pub = zc_load_acquire_u64(&r.pub)
    if o.reading == NULL:
        if pub == r.rcount:
            return NULL
        o.reading = <segment_t *> zc_swap_ptr(<void **> &o.latest, NULL)
        if o.reading == NULL:
            # The message behind this count was taken before the count moved.
            r.rcount = r.seen = pub
            return NULL
        o.taken = pub
        o.at = 0
    elif o.at == 0 and not o.begun and pub != o.taken:
        # It has been looked at only, and something newer has come since.
        newer = <segment_t *> zc_swap_ptr(<void **> &o.latest, NULL)
        if newer != NULL:
            only_free(o.reading, 0, o.reading.unused)
            o.reading = newer
            zc_store_relaxed_u64(&o.outdone, o.outdone + 1)
        o.taken = pub
    return &o.reading.slots[o.at]


cdef inline void only_pop(ring_t *r) noexcept nogil:
    cdef conflate_t *o = r.only
    o.at += 1
    if o.at == o.reading.unused:
        free(o.reading)
        o.reading = NULL
        o.begun = False
        r.rcount = r.seen = o.taken
        zc_store_relaxed_u64(&r.rmsgs, r.rmsgs + 1)


# ---- producer

cdef inline segment_t *ring_new_segment(ring_t *r) noexcept nogil:
    cdef uint32_t capacity = min(r.wseg.capacity * RING_GROWTH, RING_SEGMENT) if r.wseg != NULL else RING_FIRST_SEGMENT
    cdef segment_t *s = <segment_t *> zc_swap_ptr(<void **> &r.spare, NULL)
    if s == NULL:
        s = <segment_t *> malloc(sizeof(segment_t) + (capacity - 1) * sizeof(msg_t))
        if s == NULL:
            return NULL
        s.capacity = capacity
    s.next = NULL
    return s


cdef inline bint ring_full(ring_t *r) noexcept nogil:
    """No credit for the first frame of another message."""
    return r.wmsgs - zc_load_acquire_u64(&r.credit) >= zc_load_relaxed_u32(&r.room) and ring_over(r)


cdef inline bint ring_over(ring_t *r) noexcept nogil:
    """The long way to the same."""
    return ring_marked(r) or (r.charge != NULL and charge_refuses(r.charge, r.wbytes + r.wcount * FRAME_COST))


cdef inline bint ring_marked(ring_t *r) noexcept nogil:
    """One of its own marks has been reached."""
    cdef uint32_t hwm = zc_load_relaxed_u32(&r.hwm)
    cdef uint64_t hwm_bytes = zc_load_relaxed_u64(&r.hwm_bytes)
    if hwm and r.wmsgs - zc_load_acquire_u64(&r.credit) >= hwm:
        return True
    return hwm_bytes != 0 and r.wbytes - zc_load_acquire_u64(&r.credit_bytes) >= hwm_bytes


cdef inline msg_t *ring_slot(ring_t *r) noexcept nogil:
    """The entry to fill next (its content is undefined), or NULL if memory is out. Nothing happens until ring_commit()."""
    cdef segment_t *s
    if r.wseg == NULL:
        if r.only != NULL:
            return only_slot(r.only)
        s = ring_new_segment(r)
        if s == NULL:
            return NULL
        r.wseg = r.pubseg = s
        zc_store_release_ptr(<void **> &r.first, s)
    elif r.wpos == r.wseg.capacity:
        if r.one_lock and r.rcount == r.wcount:
            # What was written here last has been read, so both sides stand at the end of this segment.
            r.wpos = r.pubpos = r.rpos = 0
            return &r.wseg.slots[0]
        s = ring_new_segment(r)
        if s == NULL:
            return NULL
        # Plain store: the consumer follows `next` only for entries that `pub` has published.
        r.wseg.next = s
        r.wseg = s
        r.wpos = 0
    return &r.wseg.slots[r.wpos]


cdef inline void ring_commit(ring_t *r) noexcept nogil:
    """The slot is filled. The last frame of a message publishes the whole message."""
    cdef bint last
    if r.wseg == NULL:
        only_commit(r)
        return
    last = (r.wseg.slots[r.wpos].flags & MSG_MORE) == 0
    zc_store_relaxed_u64(&r.wbytes, r.wbytes + r.wseg.slots[r.wpos].size)
    r.wpos += 1
    r.wcount += 1
    if last:
        zc_store_relaxed_u64(&r.wmsgs, r.wmsgs + 1)
        r.pubseg = r.wseg
        r.pubpos = r.wpos
        zc_store_release_u64(&r.pub, r.wcount)


cdef inline bint ring_wake_reader(ring_t *r) noexcept nogil:
    """After publishing to another thread: true if the reader has gone to sleep and must be told (once)."""
    zc_fence()
    if zc_load_relaxed_u32(&r.reader_asleep):
        return zc_swap_u32(&r.reader_asleep, 0) != 0
    return False


cdef inline bint ring_writer_sleeps(ring_t *r) noexcept nogil:
    """The producer found no credit: registers for a wake-up. False if credit arrived meanwhile."""
    zc_swap_u32(&r.writer_asleep, 1)
    if not ring_full(r):
        zc_swap_u32(&r.writer_asleep, 0)
        return False
    return True


cdef inline bint ring_mid_message(ring_t *r) noexcept nogil:
    return r.wcount != zc_load_relaxed_u64(&r.pub)


cdef inline void ring_rollback(ring_t *r) noexcept nogil:
    """Drops the frames of the unfinished message."""
    cdef segment_t *s = r.pubseg
    cdef segment_t *n
    cdef uint32_t i = r.pubpos
    cdef uint64_t left = r.wcount - zc_load_relaxed_u64(&r.pub)
    if r.only != NULL:
        if r.only.building != NULL:
            only_free(r.only.building, 0, r.only.built)
            r.only.building = NULL
            r.only.built = 0
        left = 0
    while left:
        if i == s.capacity:
            s = s.next
            i = 0
        zc_store_relaxed_u64(&r.wbytes, r.wbytes - s.slots[i].size)
        msg_close(&s.slots[i])
        i += 1
        left -= 1
    if r.pubseg != NULL:
        s = r.pubseg.next if r.wseg != r.pubseg else NULL
        r.pubseg.next = NULL
        r.wseg = r.pubseg
        r.wpos = r.pubpos
        while s != NULL:
            n = s.next
            free(s)
            s = n
    r.wcount = zc_load_relaxed_u64(&r.pub)


# ---- consumer

cdef inline msg_t *ring_front(ring_t *r) noexcept nogil:
    """The next frame, or NULL. The caller moves its content out and calls ring_pop(). Of a conflating ring each call may return another message
    until the first frame has been popped."""
    cdef segment_t *s
    if r.rcount == r.seen:
        if r.only != NULL:
            return only_front(r)
        r.seen = zc_load_acquire_u64(&r.pub)
        if r.rcount == r.seen:
            return NULL
        if r.rseg == NULL:
            r.rseg = <segment_t *> zc_load_acquire_ptr(<void **> &r.first)
    if r.rpos == r.rseg.capacity:
        s = r.rseg
        r.rseg = s.next
        r.rpos = 0
        if s.capacity == RING_SEGMENT:
            s = <segment_t *> zc_swap_ptr(<void **> &r.spare, s)
        if s != NULL:
            free(s)
    return &r.rseg.slots[r.rpos]


cdef inline uint64_t ring_fronts(ring_t *r) noexcept nogil:
    """Goes up whenever another message comes to the front."""
    return r.rmsgs + r.only.outdone if r.only != NULL else r.rmsgs


cdef inline msg_t *ring_second(ring_t *r) noexcept nogil:
    """The frame behind the one at the front, which begins a message, has MORE and has not been popped; both were published together."""
    if r.rseg == NULL:
        return &r.only.reading.slots[1]
    return &r.rseg.slots[r.rpos + 1] if r.rpos + 1 < r.rseg.capacity else &r.rseg.next.slots[0]


cdef inline bint ring_pop(ring_t *r) noexcept nogil:
    """The frame at the front has been moved out. True when a lump of credit was given back (tell a sleeping writer)."""
    cdef bint last
    if r.rseg == NULL:
        only_pop(r)
        return False
    last = (r.rseg.slots[r.rpos].flags & MSG_MORE) == 0
    zc_store_relaxed_u64(&r.rbytes, r.rbytes + r.rseg.slots[r.rpos].size)
    r.rpos += 1
    r.rcount += 1
    if last:
        zc_store_relaxed_u64(&r.rmsgs, r.rmsgs + 1)
        if r.rmsgs - zc_load_relaxed_u64(&r.credit) >= zc_load_relaxed_u32(&r.lump):
            return ring_give_back(r)
    return False


cdef inline bint ring_give_back(ring_t *r) noexcept nogil:
    """A lump of credit is due, or the ring is bounded and it may be. True if it was given back."""
    cdef uint64_t hwm_bytes = zc_load_relaxed_u64(&r.hwm_bytes)
    if r.charge != NULL and charge_release(r.charge, r.rbytes + r.rcount * FRAME_COST):
        pass
    elif r.rmsgs - r.credit < ring_lump(zc_load_relaxed_u32(&r.hwm)) and (hwm_bytes == 0 or r.rbytes - r.credit_bytes < (hwm_bytes + 1) // 2):
        return False
    zc_store_release_u64(&r.credit_bytes, r.rbytes)
    zc_store_release_u64(&r.credit, r.rmsgs)
    return True


cdef inline bint ring_return_credit(ring_t *r) noexcept nogil:
    """The consumer found nothing: gives back all credit. True if there was some.

    Without this a mark lowered below what has been read since the last lump would block the producer of an empty ring for ever."""
    if r.rmsgs == zc_load_relaxed_u64(&r.credit):
        return False
    zc_store_release_u64(&r.credit_bytes, r.rbytes)
    zc_store_release_u64(&r.credit, r.rmsgs)
    return True


cdef inline bint ring_wake_writer(ring_t *r) noexcept nogil:
    """After credit was given back to another thread: true if the writer sleeps and must be told (once)."""
    zc_fence()
    return ring_writer_waits(r)


cdef inline bint ring_writer_waits(ring_t *r) noexcept nogil:
    """The same where a fence lies between already."""
    if zc_load_relaxed_u32(&r.writer_asleep):
        return zc_swap_u32(&r.writer_asleep, 0) != 0
    return False


cdef inline bint ring_reader_sleeps(ring_t *r) noexcept nogil:
    """The consumer found nothing: registers for a wake-up. False if something arrived meanwhile."""
    zc_swap_u32(&r.reader_asleep, 1)
    if zc_load_acquire_u64(&r.pub) != r.rcount:
        zc_swap_u32(&r.reader_asleep, 0)
        return False
    return True


cdef inline bint ring_empty(ring_t *r) noexcept nogil:
    """Consumer's view."""
    return r.rcount == zc_load_acquire_u64(&r.pub)


# ---- numbers of messages

cdef inline uint64_t ring_written(ring_t *r) noexcept nogil:
    """Whole messages written since the ring was made. Either side."""
    return zc_load_relaxed_u64(&r.wmsgs)


cdef inline uint64_t ring_next(ring_t *r) noexcept nogil:
    """The consumer's: the number, in the order of writing and from 0, of the message that it is at."""
    cdef conflate_t *o = r.only
    cdef uint64_t pub
    if o == NULL:
        return r.rmsgs
    if o.reading != NULL:
        return o.taken - 1
    pub = zc_load_acquire_u64(&r.pub)
    return pub - 1 if pub != r.rcount else pub


# ---- either side, when the other is known to be away

cdef inline uint64_t ring_messages(ring_t *r) noexcept nogil:
    return ring_written(r) - zc_load_relaxed_u64(&r.rmsgs)


cdef inline void ring_free(ring_t *r) noexcept nogil:
    """Closes what is left, published or not. Both sides must be gone."""
    cdef segment_t *s = r.rseg if r.rseg != NULL else r.first
    cdef segment_t *n
    cdef uint32_t i = r.rpos
    cdef uint64_t left = r.wcount - r.rcount
    if r.only != NULL:
        ring_rollback(r)
        if r.only.latest != NULL:
            only_free(r.only.latest, 0, r.only.latest.unused)
        if r.only.reading != NULL:
            only_free(r.only.reading, r.only.at, r.only.reading.unused)
        free(r.only)
        left = 0
    while left:
        if i == s.capacity:
            n = s.next
            free(s)
            s = n
            i = 0
        msg_close(&s.slots[i])
        i += 1
        left -= 1
    while s != NULL:
        n = s.next
        free(s)
        s = n
    if r.spare != NULL:
        free(r.spare)
    if r.charge != NULL:
        charge_drop(r.charge)
    ring_init(r, r.hwm)
