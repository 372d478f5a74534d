# The receive window of one source: what has come out of order, and what is missing.
#
# Rules
# - Everything from `base` up to `next` has a slot; all before `base` has been handed on or given up. Nothing is handed on
#   that has an unfinished number before it.
# - A missing number is in one of three queues, each in the order of its times: after a NAK it is awaited, at last it is
#   given up.
#
#     state     | until                 | then
#     ----------+-----------------------+---------------------------------------------------
#     BACK_OFF  | a time set by chance  | NAK, NCF_WAIT
#     BACK_OFF  | NCF, another's NAK    | DATA_WAIT
#     NCF_WAIT  | NCF                   | DATA_WAIT
#     NCF_WAIT  | PGM_NCF_WAIT          | BACK_OFF; LOST after PGM_TRIES or the recovery interval
#     DATA_WAIT | PGM_DATA_WAIT         | BACK_OFF; LOST after PGM_TRIES or the recovery interval
#     any       | data                  | HAVE
#     any       | the source's trail    | LOST: it cannot be had any more
#
# - What a source announces costs slots only up to the window, and slots count as held octets: who announces much and
#   sends little loses, and nobody else does.

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t, uint64_t, UINT64_MAX
from libc.string cimport memcpy, memset
from base.errors cimport ENOMEM
from base.memory cimport free, malloc
from pgm.apdu cimport pgm_limits_t, pgm_sink_empty, pgm_sink_t, pgm_unpack, pgm_unpack_drop, pgm_unpack_t

cdef enum:
    # States of a slot. The first three are queues.
    PGM_BACKING_OFF = 0
    PGM_NCF_AWAITED = 1
    PGM_DATA_AWAITED = 2
    PGM_QUEUES = 3
    PGM_HAVE = 3
    PGM_LOST = 4

cdef struct pgm_slot_t:
    unsigned char *data             # of `size` octets, PGM_HAVE only
    uint32_t size
    unsigned char state
    unsigned char continues         # as in pgm_packet_t
    unsigned char ncf_tries
    unsigned char data_tries
    uint32_t before                 # numbers of the neighbours in the queue
    uint32_t behind
    uint64_t due
    uint64_t since                  # when it was found to be missing

cdef struct pgm_queue_t:
    uint32_t first
    uint32_t last
    uint32_t count

cdef struct pgm_window_t:
    pgm_slot_t *slots               # `room` of them, a power of two; NULL while all is in order
    uint32_t room
    uint32_t most                   # packets
    uint32_t base
    uint32_t next
    pgm_queue_t queues[PGM_QUEUES]
    pgm_unpack_t unpack
    uint64_t lost                   # packets given up
    uint64_t recovered              # packets that were missing and came
    uint64_t twice
    uint64_t malformed              # APDUs that were none


cdef inline pgm_slot_t *pgm_slot(pgm_window_t *w, uint32_t sqn) noexcept nogil:
    return &w.slots[sqn & (w.room - 1)]


cdef inline bint pgm_window_has(const pgm_window_t *w, uint32_t sqn) noexcept nogil:
    """Whether there is a slot for it."""
    return sqn - w.base < w.next - w.base


# ---- queues

cdef inline void pgm_unqueue(pgm_window_t *w, uint32_t sqn) noexcept nogil:
    """Out of its queue, if it is in one."""
    cdef pgm_slot_t *s = pgm_slot(w, sqn)
    cdef pgm_queue_t *q
    if s.state >= PGM_QUEUES:
        return
    q = &w.queues[s.state]
    if sqn == q.first:
        q.first = s.behind
    else:
        pgm_slot(w, s.before).behind = s.behind
    if sqn == q.last:
        q.last = s.before
    else:
        pgm_slot(w, s.behind).before = s.before
    q.count -= 1


cdef inline void pgm_enqueue(pgm_window_t *w, uint32_t sqn, int state, uint64_t due) noexcept nogil:
    """It was in no queue. Behind all that are due no later; but not far forward: then it is a little late."""
    cdef pgm_slot_t *s = pgm_slot(w, sqn)
    cdef pgm_queue_t *q = &w.queues[state]
    cdef uint32_t at = q.last
    cdef int steps = 0
    s.state = <unsigned char> state
    s.due = due
    q.count += 1
    if q.count == 1:
        q.first = q.last = sqn
        s.before = s.behind = sqn
        return
    while steps < 16 and at != q.first and pgm_slot(w, at).due > due:
        at = pgm_slot(w, at).before
        steps += 1
    if at == q.first and pgm_slot(w, at).due > due:
        s.behind = at
        s.before = sqn
        pgm_slot(w, at).before = sqn
        q.first = sqn
        return
    s.before = at
    if at == q.last:
        s.behind = sqn
        q.last = sqn
    else:
        s.behind = pgm_slot(w, at).behind
        pgm_slot(w, s.behind).before = sqn
    pgm_slot(w, at).behind = sqn


cdef inline void pgm_requeue(pgm_window_t *w, uint32_t sqn, int state, uint64_t due) noexcept nogil:
    pgm_unqueue(w, sqn)
    pgm_enqueue(w, sqn, state, due)


cdef inline void pgm_window_lose(pgm_window_t *w, uint32_t sqn) noexcept nogil:
    pgm_unqueue(w, sqn)
    pgm_slot(w, sqn).state = PGM_LOST


# ---- handing on

cdef inline void pgm_window_gap(pgm_window_t *w, uint64_t count, pgm_limits_t *limits) noexcept nogil:
    w.lost += count
    pgm_unpack_drop(&w.unpack, limits)


cdef inline void pgm_window_unpack(pgm_window_t *w, const unsigned char *p, size_t n, bint continues,
                                   pgm_limits_t *limits, pgm_sink_t *sink) noexcept nogil:
    if pgm_unpack(&w.unpack, p, n, continues, limits, sink) < 0:
        w.malformed += 1


cdef inline void pgm_window_deliver(pgm_window_t *w, bint everything, pgm_limits_t *limits, pgm_sink_t *sink) noexcept nogil:
    """What is in order now; unless `everything` only as long as the reader has room."""
    cdef pgm_slot_t *s
    while w.base != w.next and (everything or pgm_sink_empty(sink)):
        s = pgm_slot(w, w.base)
        if s.state == PGM_HAVE:
            pgm_window_unpack(w, s.data, s.size, s.continues, limits, sink)
            free(s.data)
            s.data = NULL
            limits.held -= s.size
        elif s.state == PGM_LOST:
            pgm_window_gap(w, 1, limits)
        else:
            return
        w.base += 1


cdef inline bint pgm_window_ready(pgm_window_t *w) noexcept nogil:
    """Whether pgm_window_deliver() would go on."""
    return w.base != w.next and pgm_slot(w, w.base).state >= PGM_HAVE


# ---- what a source announces

cdef inline int pgm_window_reserve(pgm_window_t *w, uint32_t span, pgm_limits_t *limits) noexcept nogil:
    """Slots for `span` numbers from base on. 0 or -ENOMEM."""
    cdef uint32_t room = w.room if w.room else 16
    cdef uint32_t i, sqn
    cdef pgm_slot_t *slots
    cdef size_t more
    if span <= w.room:
        return 0
    while room < span:
        room *= 2
    more = (room - w.room) * sizeof(pgm_slot_t)
    if more > limits.held_max - limits.held:
        return -ENOMEM
    slots = <pgm_slot_t *> malloc(room * sizeof(pgm_slot_t))
    if slots == NULL:
        return -ENOMEM
    for i in range(w.next - w.base):
        sqn = w.base + i
        slots[sqn & (room - 1)] = pgm_slot(w, sqn)[0]
    free(w.slots)
    w.slots = slots
    w.room = room
    limits.held += more
    return 0


cdef inline void pgm_window_release(pgm_window_t *w, pgm_limits_t *limits) noexcept nogil:
    """Nothing is out of order: the slots go, if they are many."""
    if w.base == w.next and w.room > 64:
        limits.held -= w.room * sizeof(pgm_slot_t)
        free(w.slots)
        w.slots = NULL
        w.room = 0


cdef inline void pgm_window_skip(pgm_window_t *w, uint32_t to, pgm_limits_t *limits, pgm_sink_t *sink) noexcept nogil:
    """Nothing before `to` will be waited for any more. What is there is handed on."""
    cdef uint32_t sqn = w.base
    while sqn != to and sqn != w.next:
        if pgm_slot(w, sqn).state < PGM_QUEUES:
            pgm_window_lose(w, sqn)
        sqn += 1
    if sqn == to:
        return
    pgm_window_deliver(w, True, limits, sink)
    pgm_window_gap(w, to - w.next, limits)
    w.base = w.next = to


cdef inline bint pgm_window_trail(pgm_window_t *w, uint32_t trail, pgm_limits_t *limits, pgm_sink_t *sink) noexcept nogil:
    """What lies before the source's trail cannot be had any more."""
    if <int32_t> (trail - w.base) > 0:
        pgm_window_skip(w, trail, limits, sink)
        return True
    return False


cdef inline int pgm_window_extend(pgm_window_t *w, uint32_t next, uint64_t due, uint64_t now, pgm_limits_t *limits,
                                  pgm_sink_t *sink) noexcept nogil:
    """Numbers before `next` exist: those without a slot are missing. What the window cannot hold is given up. 0, or
    -ENOMEM and nothing has changed."""
    cdef pgm_slot_t *s
    if <int32_t> (next - w.next) <= 0:
        return 0
    if next - w.base > w.most:
        pgm_window_skip(w, next - w.most, limits, sink)
        # What was given up but is behind something that was not handed on yet still has its slots.
        pgm_window_deliver(w, True, limits, sink)
    if pgm_window_reserve(w, next - w.base, limits) < 0:
        return -ENOMEM
    while w.next != next:
        s = pgm_slot(w, w.next)
        memset(s, 0, sizeof(pgm_slot_t))
        s.since = now
        pgm_enqueue(w, w.next, PGM_BACKING_OFF, due)
        w.next += 1
    return 0


cdef inline int pgm_window_data(pgm_window_t *w, uint32_t sqn, const unsigned char *p, size_t n, bint continues, uint64_t due,
                                uint64_t now, pgm_limits_t *limits, pgm_sink_t *sink) noexcept nogil:
    """A packet of data. 0; -ENOMEM: it may come again."""
    cdef pgm_slot_t *s
    if sqn == w.next and sqn == w.base:
        # In order, as nearly all of them: it needs no slot.
        pgm_window_unpack(w, p, n, continues, limits, sink)
        w.base += 1
        w.next += 1
        return 0
    if <int32_t> (sqn - w.base) < 0:
        w.twice += 1
        return 0
    if <int32_t> (sqn - w.next) < 0:
        s = pgm_slot(w, sqn)
        if s.state == PGM_HAVE:
            w.twice += 1
            return 0
    elif pgm_window_extend(w, sqn + 1, due, now, limits, sink) < 0:
        return -ENOMEM
    if n > limits.held_max - limits.held:
        return -ENOMEM
    s = pgm_slot(w, sqn)
    s.data = <unsigned char *> malloc(n if n else 1)
    if s.data == NULL:
        return -ENOMEM
    memcpy(s.data, p, n)
    limits.held += n
    if s.ncf_tries or s.state == PGM_DATA_AWAITED:
        w.recovered += 1
    pgm_unqueue(w, sqn)
    s.size = <uint32_t> n
    s.continues = continues
    s.state = PGM_HAVE
    pgm_window_deliver(w, False, limits, sink)
    return 0


cdef inline void pgm_window_confirm(pgm_window_t *w, uint32_t sqn, uint64_t due) noexcept nogil:
    """Somebody has asked for it, or the source has heard: the data is awaited."""
    if pgm_window_has(w, sqn) and pgm_slot(w, sqn).state < PGM_DATA_AWAITED:
        pgm_requeue(w, sqn, PGM_DATA_AWAITED, due)


# ---- time

cdef inline uint64_t pgm_window_due(pgm_window_t *w) noexcept nogil:
    cdef uint64_t due = UINT64_MAX
    cdef int i
    for i in range(PGM_QUEUES):
        if w.queues[i].count and pgm_slot(w, w.queues[i].first).due < due:
            due = pgm_slot(w, w.queues[i].first).due
    return due


cdef inline bint pgm_window_takes(pgm_window_t *w, int state, uint64_t now, uint32_t *sqn) noexcept nogil:
    """The next of a queue that is due."""
    if w.queues[state].count == 0 or pgm_slot(w, w.queues[state].first).due > now:
        return False
    sqn[0] = w.queues[state].first
    return True


cdef inline bint pgm_window_missing(const pgm_window_t *w) noexcept nogil:
    return w.queues[0].count + w.queues[1].count + w.queues[2].count != 0


cdef inline void pgm_window_begin(pgm_window_t *w, uint32_t base, uint32_t most) noexcept nogil:
    memset(w, 0, sizeof(pgm_window_t))
    w.base = w.next = base
    w.most = most


cdef inline void pgm_window_end(pgm_window_t *w, pgm_limits_t *limits, pgm_sink_t *sink) noexcept nogil:
    """The source is gone: what is there is handed on, the rest given up."""
    pgm_window_skip(w, w.next, limits, sink)
    pgm_window_deliver(w, True, limits, sink)
    pgm_unpack_drop(&w.unpack, limits)
    limits.held -= w.room * sizeof(pgm_slot_t)
    free(w.slots)
    w.slots = NULL
    w.room = 0
