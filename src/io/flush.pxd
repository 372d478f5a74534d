# Delayed flush: when coalesced output is written, and by which thread. Lock held.
#
# Rules
# - Output is written by the first message of a burst at once, unless that goes to many connections; by a full buffer, by
#   every thread that is about to read input, by the thread that goes to wait at another socket (io/left_output.pxd), and by the I/O
#   thread when a burst has ended (reactor/io_thread.pxd, Delayed flush).
# - A program that sends one message after the other with pauses between, and never looks for input on this socket, would have the I/O thread come
#   for every other one. Once that has happened the time of each is noted, and one that comes FLUSH_PAUSE_NS after the last is written at once, too.
#   That is the time when its write was over: a pause is what the program makes, not what a slow system takes.
# - The pause of a program that sends by many sockets in turn is none: each waits for the others' writes. So the I/O thread counts such messages that
#   come right after one of another socket, and from the FLUSH_MANY-th on they are coalesced.
# - `self_flush_streak` counts the bursts in a row that the application flushed itself. From `self_flush_limit` on the I/O thread relies on the lease timer.

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport (
    zc_load_relaxed_ptr, zc_load_relaxed_u32, zc_load_relaxed_u64, zc_store_relaxed_ptr, zc_store_relaxed_u32,
    zc_store_relaxed_u64,
)
from base.config cimport (
    FLUSH_EACH_NS, FLUSH_FIRST_NS, FLUSH_MANY, FLUSH_PAUSE_NS, FLUSH_STEPS, FLUSH_TURN_NS, LEASE_NS, SELF_FLUSH_NS,
)
from base.platform cimport zc_now_ns
from pattern.pattern cimport pattern_backlog
from reactor.io_thread cimport flush_pace, io_poke, io_thread_t
from session.dirty cimport dirty_take
from session.lifecycle cimport session_flush
from session.session cimport FLUSH_FIRST, FLUSH_LARGE
from socket.state cimport socket_t, FRESH_SERVED
from io.left_output cimport left_note
from io.rest cimport rest_plan


cdef inline void socket_wrote(socket_t *s) noexcept nogil:
    """All output is written, by the program or by the I/O thread, whose lock a program that sends waits for. The pause of this one begins now, and so does
    that of the one whose turn is next."""
    cdef io_thread_t *io = s.client.io
    s.wrote = zc_now_ns()
    if io != NULL and zc_load_relaxed_ptr(&io.first_by) == <void *> &s.client:
        zc_store_relaxed_u64(&io.first_at, s.wrote)


cdef inline void socket_flush(socket_t *s) noexcept nogil:
    """Writes all coalesced output."""
    s.host.flush_now = 0
    if zc_load_relaxed_u32(&s.client.flush_pending):
        zc_store_relaxed_u32(&s.client.flush_pending, 0)
        if s.self_flush_streak < FLUSH_STEPS:
            s.self_flush_streak += 1
    if s.host.dirty == NULL:
        return
    if s.rest_due == 0:
        rest_plan(s, zc_now_ns())
    while s.host.dirty != NULL:
        session_flush(dirty_take(&s.host))
    if s.wrote:
        socket_wrote(s)


cdef inline void socket_flush_before_input(socket_t *s) noexcept nogil:
    """The application looks for input: what it has sent before goes first."""
    zc_store_relaxed_u64(&s.client.burst_began, 0)
    if zc_load_relaxed_u32(&s.client.flush_pending) and s.self_flush_streak < s.self_flush_limit:
        s.self_flush_streak += 1
    socket_flush(s)


cdef inline bint socket_writes_first(socket_t *s) noexcept nogil:
    """Whether a message after a pause leaves with its call: it answers nothing that came with more, and takes few writes
    or is large."""
    return not pattern_backlog(&s.pattern) and (s.host.ndirty <= FLUSH_MANY or s.host.flush_now != 0)


cdef inline bint socket_takes_turns(socket_t *s, uint64_t now) noexcept nogil:
    """Whether this message after a pause is one of many, of as many sockets, one right after the other."""
    cdef io_thread_t *io = s.client.io
    cdef uint32_t firsts = 0
    if io == NULL:
        return False
    if now - zc_load_relaxed_u64(&io.first_at) < FLUSH_TURN_NS:
        firsts = zc_load_relaxed_u32(&io.firsts)
        if zc_load_relaxed_ptr(&io.first_by) != <void *> &s.client:
            firsts += 1
    zc_store_relaxed_u64(&io.first_at, now)
    zc_store_relaxed_ptr(&io.first_by, <void *> &s.client)
    zc_store_relaxed_u32(&io.firsts, firsts)
    return firsts > FLUSH_MANY


cdef inline bint socket_coalesce(socket_t *s) noexcept nogil:
    """Output waits for more. If nobody writes it in time, the I/O thread does. True: it is the first after a pause, and does not wait."""
    cdef uint64_t now
    cdef uint64_t began
    cdef uint64_t due
    cdef uint64_t takes = 0
    cdef uint64_t tempo
    if not zc_load_relaxed_u32(&s.client.flush_pending):
        now = zc_now_ns()
        tempo = zc_load_relaxed_u64(&s.client.tempo)
        began = zc_load_relaxed_u64(&s.client.burst_began)
        if began == 0 or now > zc_load_relaxed_u64(&s.client.flush_at) + LEASE_NS:
            if (s.wrote and now - s.wrote > FLUSH_PAUSE_NS and tempo == 0 and socket_writes_first(s)
                    and not socket_takes_turns(s, now)):
                s.wrote = now
                return True
            began = now         # the last burst is over, though nobody had to write its end
            zc_store_relaxed_u64(&s.client.burst_began, now)
        if s.self_flush_streak < s.self_flush_limit:
            due = FLUSH_FIRST_NS * (1 + (s.self_flush_streak if s.self_flush_streak < FLUSH_STEPS else FLUSH_STEPS))
            due = now + flush_pace(now - began, due)
        else:
            due = now + SELF_FLUSH_NS
        if tempo:
            due = now + tempo       # it looks by then anyway, and needs no timer
        if s.host.ndirty > FLUSH_MANY:
            takes = s.host.ndirty * <uint64_t> FLUSH_EACH_NS
        zc_store_relaxed_u64(&s.client.flush_takes, takes)
        zc_store_relaxed_u64(&s.client.flush_at, due)
        zc_store_relaxed_u32(&s.client.flush_pending, 1)
        left_note(s)
        io_poke(s.client.io, due)
    return False


cdef inline void socket_sent_first(socket_t *s) noexcept nogil:
    """The message after a pause leaves now; a large one when the call ends, which decides who writes."""
    if s.host.flush_now == 0:
        socket_flush(s)
    elif s.host.flush_now == FLUSH_LARGE:
        s.host.flush_now = FLUSH_FIRST


cdef inline void socket_sent(socket_t *s) noexcept nogil:
    """A whole message has gone in. The first one after a pause leaves now, unless it answers the first of several that were received together;
    later ones are coalesced, with somebody to look after them."""
    if s.host.dirty == NULL:
        return
    if s.fresh:
        s.wrote = zc_now_ns() if s.fresh == FRESH_SERVED else 0
        s.fresh = 0
        if socket_writes_first(s) and not (s.wrote and socket_takes_turns(s, s.wrote)):
            socket_sent_first(s)
            return
    if socket_coalesce(s):
        socket_sent_first(s)
