# Overlap: the I/O thread writes large frames while the program works. When that is, and its side of it.
#
# Rules
# - A program is measured where it sends a large frame: from the end of that call to the next such moment it has been
#   away, unless it has driven the socket in between (it waited, or looked for input). The mean of these times decides:
#   it must be longer than handing over and copying take, or the I/O thread would be the slower of the two. Small
#   messages and round trips are not measured and come to no hand-over.
# - To hand over is to leave sessions on host.dirty and have the I/O thread called (io_apart). Whoever drives the
#   socket before it comes writes them himself, as ever; then it finds nothing.
# - Calling a thread that sleeps is dear. For a program that comes back soon it keeps time by itself (client.tempo): what
#   is sent waits for its next look, as the messages of a burst do, and is not the first after a pause (`fresh`). That
#   would slow a program down which waits at another socket for an answer to each message: if there is but one for each
#   look, time after time, the tempo ends, and is tried again ever more seldom. A look that
#   finds nothing large ends it, too.
# - It only helps where a processor is free. Where none is, the I/O thread takes the program's: how often that was lost is looked at once for many
#   messages, and a program that loses it again and again writes by itself for a while.
# - What the I/O thread writes while it serves (a burst has ended, there is room again) goes the same way if it is
#   large.
# - The lock is not held during the system call: session/apart.pxd says who may do what meanwhile.
# - The I/O thread comes with no lock held, and so may wait for the socket's.

from libc.stdint cimport int32_t, uint32_t, uint64_t
from base.atomics cimport zc_add_u32, zc_load_relaxed_u64, zc_store_relaxed_u32, zc_store_relaxed_u64
from base.config cimport (
    APART_CALLS, OVERLAP_AWAY_MAX_NS, OVERLAP_AWAY_NS, OVERLAP_BYTES_PER_NS, OVERLAP_MIN, OVERLAP_SHARE, TAKEN_LOOK,
    TAKEN_MOST, TAKEN_REST, TAKEN_REST_MAX, TEMPO_AWAY_NS, TEMPO_LONELY, TEMPO_SKIP, TEMPO_SKIP_MAX, TEMPO_TIMES,
)
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns, zc_thread_preempted, zc_thread_self
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush
from io.rest cimport rest_plan
from io.turn cimport socket_wake_others
from reactor.io_thread cimport io_apart
from session.apart cimport apart_begin, apart_call, apart_job_t, apart_worth
from session.lifecycle cimport session_flush, session_written_apart
from session.dirty cimport dirty_take
from session.session cimport FLUSH_FIRST, FLUSH_FULL, session_t
from socket.references cimport socket_unref
from socket.state cimport overlap_t, socket_t, FRESH_SERVED


cdef inline void overlap_ask(socket_t *s) noexcept nogil:
    """The I/O thread shall write what is on host.dirty. Lock held."""
    if s.host.apart.session == NULL and io_apart(&s.client):       # else it looks when it is back
        zc_add_u32(&s.refs, 1)


cdef inline uint64_t overlap_mean(uint64_t mean, uint64_t latest) noexcept nogil:
    if latest > OVERLAP_AWAY_MAX_NS:
        latest = OVERLAP_AWAY_MAX_NS
    return mean - mean // OVERLAP_SHARE + latest // OVERLAP_SHARE


cdef inline bint overlap_measured(socket_t *s) noexcept nogil:
    """There is output to be measured by."""
    return s.host.dirty != NULL and s.host.dirty.tx_refbytes >= OVERLAP_MIN and s.client.io != NULL


cdef inline void overlap_judge(overlap_t *o, void *looker, uint32_t taken) noexcept nogil:
    """A look: thread `looker` has lost its processor `taken` times so far. Compares with the last one, if that was this thread's."""
    if o.handed and o.looker == looker:
        if <int32_t> (taken - o.taken) >= TAKEN_MOST:
            o.rested = min(max(o.rested * 2, <uint32_t> TAKEN_REST), <uint32_t> TAKEN_REST_MAX)
            o.rest = o.rested
        else:
            o.rested //= 2
    o.looker = looker
    o.taken = taken
    o.handed = 0


cdef inline bint overlap_free(overlap_t *o) noexcept nogil:
    """One more message could be handed over. Whether a processor is free for it."""
    if o.rest == 0 and (o.handed == 0 or o.handed == TAKEN_LOOK):
        overlap_judge(o, zc_thread_self(), zc_thread_preempted())
    if o.rest:
        o.rest -= 1
        return False
    o.handed += 1
    return True


cdef inline bint overlap_works(socket_t *s) noexcept nogil:
    """Measures. Whether the program works for so long between its calls that the other thread had better write."""
    cdef overlap_t *o = &s.overlap
    cdef uint64_t least = s.host.dirty.tx_refbytes // OVERLAP_BYTES_PER_NS
    cdef uint64_t away
    if o.left:
        away = zc_now_ns() - o.left
        o.away = overlap_mean(o.away, away)
        if away > OVERLAP_AWAY_MAX_NS:
            o.handed = 0        # what it lost in so long a time is not to be counted
    if least < OVERLAP_AWAY_NS:
        least = OVERLAP_AWAY_NS
    return least <= o.away <= OVERLAP_AWAY_MAX_NS // 2 and apart_worth(s.host.dirty)


cdef inline uint64_t overlap_tempo(socket_t *s, bint works) noexcept nogil:
    """One more message. The time the I/O thread is to keep for it and those that follow; 0: none."""
    cdef overlap_t *o = &s.overlap
    if not works or o.away > TEMPO_AWAY_NS:
        return 0
    if o.skip:
        o.skip -= 1
        return 0
    o.waiting += 1
    return o.away * TEMPO_TIMES


cdef inline void overlap_large(socket_t *s) noexcept nogil:
    """FLUSH_LARGE or FLUSH_FIRST: there is room for more. Lock held."""
    cdef bint first = s.host.flush_now == FLUSH_FIRST
    cdef uint64_t tempo = 0
    cdef bint measured = overlap_measured(s)
    cdef bint works = False
    s.host.flush_now = 0
    if measured:
        works = overlap_works(s)
        tempo = overlap_tempo(s, works and s.overlap.away <= TEMPO_AWAY_NS and overlap_free(&s.overlap))
        if tempo and (first or zc_load_relaxed_u64(&s.client.tempo) == 0):
            overlap_ask(s)
        zc_store_relaxed_u64(&s.client.tempo, tempo)
    if not tempo and (first or (works and s.overlap.rest)):     # a burst without work between is still coalesced
        socket_flush(s)
    if measured:
        s.overlap.left = zc_now_ns()


cdef inline void overlap_flush(socket_t *s) noexcept nogil:
    """The end of a call in which host.flush_now was set: as socket_flush(), by this thread or by the other. Lock held."""
    cdef bint works
    if s.host.flush_now != FLUSH_FULL:
        overlap_large(s)
        return
    if not overlap_measured(s):
        socket_flush(s)
        return
    works = overlap_works(s) and overlap_free(&s.overlap)
    zc_store_relaxed_u64(&s.client.tempo, overlap_tempo(s, works))
    if works:
        s.host.flush_now = 0
        overlap_ask(s)
    else:
        socket_flush(s)
    s.overlap.left = zc_now_ns()


cdef inline void overlap_look(socket_t *s) noexcept nogil:
    """The I/O thread is about to write. Whether the tempo is worth it: it is not for messages that come one by one."""
    cdef overlap_t *o = &s.overlap
    if o.waiting > 1:
        o.lonely = o.skipped = 0
    elif zc_load_relaxed_u64(&s.client.tempo):
        o.lonely += 1
        if o.lonely == TEMPO_LONELY:
            o.lonely = 0
            o.skipped = TEMPO_SKIP if o.skipped == 0 else min(o.skipped * 2, TEMPO_SKIP_MAX)
            o.skip = o.skipped
            zc_store_relaxed_u64(&s.client.tempo, 0)
    o.waiting = 0


cdef inline void overlap_serve(socket_t *s) noexcept nogil:
    """The I/O thread, serving, writes all output: as socket_flush(). Lock held."""
    cdef session_t *x = s.host.dirty
    while x != NULL and not apart_worth(x):
        x = x.dirty_next
    if x != NULL and s.client.io != NULL:
        overlap_ask(s)
    else:
        if s.host.dirty != NULL:
            zc_store_relaxed_u64(&s.client.tempo, 0)    # small messages need none, and nobody measures them
        socket_flush(s)


cdef inline void overlap_work(socket_t *s) noexcept nogil:
    """The I/O thread, between two turns: writes host.dirty. No lock held. Gives back the reference of overlap_ask()."""
    cdef apart_job_t job
    cdef session_t *x
    cdef int left = APART_CALLS
    cdef bint room = False
    zc_lock_acquire(&s.lock)
    s.client.apart_queued = False
    overlap_look(s)
    while s.host.dirty != NULL and left:
        x = dirty_take(&s.host)
        if not apart_begin(x, &job):
            s.host.serving = True
            session_flush(x)
            s.host.serving = False
            left -= x.tx_dirty
            room = True
            continue
        left -= 1
        zc_lock_release(&s.lock)
        apart_call(&s.host.apart, &job)
        zc_lock_acquire(&s.lock)
        if s.host.apart.session == x:
            room = session_written_apart(x) or room
    s.host.flush_now = 0
    if s.host.dirty == NULL:
        # Nothing waits: the next message is the first after a pause, unless it is one of many.
        zc_store_relaxed_u32(&s.client.flush_pending, 0)
        zc_store_relaxed_u64(&s.client.burst_began, 0)
        s.fresh = FRESH_SERVED if zc_load_relaxed_u64(&s.client.tempo) == 0 else 0
    elif s.client.io != NULL:
        overlap_ask(s)
    if room:
        socket_wake_others(s)
    rest_plan(s, zc_now_ns())
    socket_end_call(s)
    zc_lock_release(&s.lock)
    socket_unref(s)
