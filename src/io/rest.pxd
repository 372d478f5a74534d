# A socket that rests gives back the memory it keeps to be used again (socket/recycled.pxd). Lock held.
#
# Rules
# - A socket rests when no message has come, gone or been read for REST_NS. Heartbeats are no messages.
# - It is looked at by a timer, REST_NS after the last look, if something has happened since: whoever serves the socket's timers does it. So a
#   socket that is idle for good costs one look, and messages cost nothing.
# - A look is planned by whoever writes output, by the I/O thread when it is through with the socket, and by a thread that is about to sleep in it. A
#   socket that has never had connections but those within the process has no I/O thread, and nothing that would be given back.

from libc.stdint cimport uint32_t, uint64_t
from pipe.pipe cimport pipe_t
from socket.recycled cimport recycled_drop
from socket.state cimport socket_t, SOCKET_OPEN
from io.timers cimport timers_publish

cdef enum:
    # Longer than the pauses of programs that send regularly, video at 5 frames a second included: giving memory back and taking it again costs a
    # page fault for each 4 KiB. Short enough that nobody who looks at a quiet program sees its last burst.
    REST_NS = 1000000000


cdef inline uint64_t rest_flow(socket_t *s) noexcept nogil:
    """Changes with each message that comes, goes or is read."""
    cdef uint64_t n = 0
    cdef uint32_t i
    cdef pipe_t *p
    for i in range(s.npipes):
        p = s.pipes[i]
        n += p.sunk + p.outr.wmsgs
        if p.link == NULL:
            n += p.outr.rmsgs + p.inr.wmsgs
        n += p.inr.rmsgs
    return n


cdef inline void rest_plan(socket_t *s, uint64_t now) noexcept nogil:
    """Something may have happened: there will be a look."""
    if s.rest_due or s.client.io == NULL or s.state != SOCKET_OPEN:
        return
    s.rest_saw = rest_flow(s)
    s.rest_due = now + REST_NS
    timers_publish(s)


cdef inline void rest_before_sleep(socket_t *s, uint64_t now) noexcept nogil:
    """A thread is about to sleep, with what it and others have taken in since the last look."""
    if s.progress != s.rest_progress:
        rest_plan(s, now)


cdef inline void rest_look(socket_t *s, uint64_t now) noexcept nogil:
    """It is due."""
    cdef uint64_t flow = rest_flow(s)
    if flow != s.rest_saw:
        s.rest_saw = flow
        s.rest_due = now + REST_NS
    else:
        s.rest_due = 0
        recycled_drop(s)
    s.rest_progress = s.progress
    timers_publish(s)
