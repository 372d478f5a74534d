# Monitor: what happens to the connections of a socket, told over an inproc PAIR.
#
# Events are sent from an internal PAIR socket whose pipe exists from the start, so nothing raised before the consumer
# connects is lost, and raising an event never blocks: the queue is bounded (MONITOR_BACKLOG), the oldest go while
# nobody is connected, the newest while a consumer does not read. Called under the monitored socket's lock; takes the
# PAIR's lock inside it.

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, strlen
from base.atomics cimport zc_load_acquire_ptr
from base.monitor_events cimport EVENT_MONITOR_STOPPED
from base.platform cimport zc_lock_acquire, zc_lock_release
from message.message cimport msg_close, msg_set, msg_t, MSG_MORE
from pipe.pipe cimport pipe_flush, pipe_rollback, pipe_store, pipe_t
from pipe.ring cimport ring_front, ring_full, ring_pop
from socket.state cimport monitor_t, socket_t


cdef inline void monitor_emit(socket_t *s, uint32_t event, uint64_t value, const char *endpoint) noexcept nogil:
    cdef monitor_t *m = s.monitor
    cdef unsigned char head[6]
    cdef uint16_t event16 = <uint16_t> event
    cdef uint32_t value32 = <uint32_t> value
    cdef msg_t frame
    cdef msg_t *old
    cdef pipe_t *p
    cdef bint more
    cdef bint alone
    if m == NULL or not m.events & event:
        return
    zc_lock_acquire(&m.pair.lock)
    if m.pair.npipes:
        p = m.pair.pipes[0]
        if not p.closed_out:
            alone = zc_load_acquire_ptr(&p.other.socket) == NULL
            if alone and ring_full(p.outr):
                # Nobody is connected, so both ends are ours: the oldest event makes room.
                more = True
                while more:
                    old = ring_front(p.outr)
                    if old == NULL:
                        break
                    more = (old.flags & MSG_MORE) != 0
                    msg_close(old)
                    ring_pop(p.outr)
            if alone or not ring_full(p.outr):
                memcpy(head, &event16, 2)
                memcpy(head + 2, &value32, 4)
                if msg_set(&frame, head, 6) == 0:
                    frame.flags = MSG_MORE
                    if (
                        pipe_store(p, &frame, True) == 0 and msg_set(&frame, endpoint, strlen(endpoint)) == 0
                        and pipe_store(p, &frame, True) == 0
                    ):
                        pipe_flush(p)
                    else:
                        pipe_rollback(p)        # no memory: the event is lost as a whole
                    msg_close(&frame)
    zc_lock_release(&m.pair.lock)


cdef inline monitor_t *monitor_take(socket_t *s) noexcept nogil:
    """The socket has no monitor any more. Lock held; monitor_free() follows after it. The consumer gets MONITOR_STOPPED
    as its last event."""
    cdef monitor_t *m = s.monitor
    if m != NULL:
        monitor_emit(s, EVENT_MONITOR_STOPPED, 0, "")
        s.monitor = NULL
    return m
