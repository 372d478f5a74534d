# Monitor: what happens to the connections of a socket, told over an inproc PAIR.
#
# Events are sent from an internal PAIR socket whose pipe exists from the start, so nothing raised before the consumer
# connects is lost, and raising an event never blocks: the queue is bounded (MONITOR_BACKLOG), the oldest go while
# nobody is connected, the newest while a consumer does not read. Called under the monitored socket's lock; takes the
# PAIR's lock inside it.
#
# An event travels in one of three formats. libzmq has the first two and calls them versions:
#   1   event and value in one frame (16 and 32 bits), then one endpoint: the end that was bound or connected here by name
#   2   event, number of values, each value (64 bits, a frame each), our end, the peer's end; an end without a name is empty
#   3   as 2, and the number of the peer behind them, 0 if it has none (yet)

from libc.stddef cimport size_t
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, strlen
from base.atomics cimport zc_load_acquire_ptr
from base.monitor_events cimport EVENT_MONITOR_STOPPED
from base.platform cimport zc_lock_acquire, zc_lock_release
from message.message cimport msg_close, msg_set, msg_t, MSG_MORE
from pipe.pipe cimport pipe_flush, pipe_rollback, pipe_store, pipe_t
from pipe.ring cimport ring_front, ring_full, ring_pop
from socket.state cimport monitor_t, socket_t

cdef enum:
    MONITOR_ENDPOINT = 1        # the formats
    MONITOR_BOTH_ENDS = 2
    MONITOR_PEER = 3
    MONITOR_VALUES = 2          # at most, in one event

# What happened. The texts are C strings.
cdef struct occurrence_t:
    uint32_t event
    uint32_t count
    uint64_t values[MONITOR_VALUES]
    const char *endpoint        # of format 1
    const char *local           # of format 2
    const char *remote
    uint64_t peer               # of format 3


cdef inline bint monitor_wants(const socket_t *s, uint32_t event) noexcept nogil:
    return s.monitor != NULL and s.monitor.events & event != 0


cdef inline bint monitor_frame(pipe_t *p, const void *data, size_t n, bint more) noexcept nogil:
    """False: no memory."""
    cdef msg_t frame
    cdef bint stored
    if msg_set(&frame, data, n) < 0:
        return False
    frame.flags = MSG_MORE if more else 0
    stored = pipe_store(p, &frame, True) == 0
    msg_close(&frame)
    return stored


cdef inline bint monitor_write(pipe_t *p, int form, const occurrence_t *o) noexcept nogil:
    """The frames of an event. False: no memory."""
    cdef unsigned char head[6]
    cdef uint16_t event16 = <uint16_t> o.event
    cdef uint32_t value32 = <uint32_t> o.values[0]
    cdef uint64_t event64 = o.event
    cdef uint64_t count64 = o.count
    cdef uint32_t i
    if form == MONITOR_ENDPOINT:
        memcpy(head, &event16, 2)
        memcpy(head + 2, &value32, 4)
        return monitor_frame(p, head, 6, True) and monitor_frame(p, o.endpoint, strlen(o.endpoint), False)
    if not monitor_frame(p, &event64, 8, True) or not monitor_frame(p, &count64, 8, True):
        return False
    for i in range(o.count):
        if not monitor_frame(p, &o.values[i], 8, True):
            return False
    if not monitor_frame(p, o.local, strlen(o.local), True) or not monitor_frame(p, o.remote, strlen(o.remote), form == MONITOR_PEER):
        return False
    return form != MONITOR_PEER or monitor_frame(p, &o.peer, 8, False)


cdef inline void monitor_make_room(pipe_t *p) noexcept nogil:
    """Nobody is connected, so both ends are ours: the oldest event goes."""
    cdef bint more = True
    cdef msg_t *old
    while more:
        old = ring_front(p.outr)
        if old == NULL:
            return
        more = (old.flags & MSG_MORE) != 0
        msg_close(old)
        ring_pop(p.outr)


cdef inline void monitor_emit(socket_t *s, const occurrence_t *o) noexcept nogil:
    cdef monitor_t *m = s.monitor
    cdef pipe_t *p
    cdef bint alone
    if not monitor_wants(s, o.event):
        return
    zc_lock_acquire(&m.pair.lock)
    if m.pair.npipes:
        p = m.pair.pipes[0]
        if not p.closed_out:
            alone = zc_load_acquire_ptr(&p.other.socket) == NULL
            if alone and ring_full(p.outr):
                monitor_make_room(p)
            if alone or not ring_full(p.outr):
                if monitor_write(p, m.form, o):
                    pipe_flush(p)
                else:
                    pipe_rollback(p)        # no memory: the event is lost as a whole
    zc_lock_release(&m.pair.lock)


cdef inline monitor_t *monitor_take(socket_t *s) noexcept nogil:
    """The socket has no monitor any more. Lock held; monitor_free() follows after it. The consumer gets MONITOR_STOPPED
    as its last event."""
    cdef monitor_t *m = s.monitor
    cdef occurrence_t stopped
    if m != NULL:
        stopped.event = EVENT_MONITOR_STOPPED
        stopped.count = 1
        stopped.values[0] = stopped.peer = 0
        stopped.endpoint = stopped.local = stopped.remote = ""
        monitor_emit(s, &stopped)
        s.monitor = NULL
    return m
