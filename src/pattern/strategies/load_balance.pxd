# load_balance: each message to the next pipe that has room.
#
#   pipes: | 0 .. active | .. count |      full pipes are behind the active ones and cost nothing until they have room again
#
# Rules
# - All frames of a message go to the pipe that took the first (`out`).
# - If that pipe goes away inside a message the rest is discarded and the next message starts clean. The first discarded frame is answered
#   LB_DROPPED so that the socket can report it; the others are swallowed with 0.
# - pipe.lb_index is the pipe's place, LB_NONE if it is not here.

from libc.stdint cimport uint32_t
from base.memory cimport realloc, free
from base.errors cimport ENOMEM, EAGAIN
from message.message cimport msg_t, MSG_MORE
from pipe.pipe cimport pipe_t, pipe_can_write, pipe_lose, pipe_shed, pipe_write, pipe_flush

cdef enum:
    LB_NONE = 0xffffffff
    LB_DROPPED = 1              # answer of lb_send: the frame was not taken and belongs to a message that is lost

cdef enum:                      # load_balance_t.dropping
    LB_KEEP = 0
    LB_DROP = 1                 # frames are swallowed up to the end of the message
    LB_DROP_NEW = 2             # the same, and nobody has been told yet

cdef struct load_balance_t:
    pipe_t **pipes
    pipe_t *out                 # inside a message: where it goes
    uint32_t current
    uint32_t active
    uint32_t count
    uint32_t capacity
    uint32_t shedding           # whose turn it was to lose its oldest message
    int dropping


cdef inline void lb_init(load_balance_t *b) noexcept nogil:
    b.pipes = NULL
    b.out = NULL
    b.current = b.active = b.count = b.capacity = b.shedding = 0
    b.dropping = LB_KEEP


cdef inline void lb_free(load_balance_t *b) noexcept nogil:
    free(b.pipes)
    lb_init(b)


cdef inline void lb_swap(load_balance_t *b, uint32_t i, uint32_t j) noexcept nogil:
    cdef pipe_t *p
    if i != j:
        p = b.pipes[i]
        b.pipes[i] = b.pipes[j]
        b.pipes[j] = p
        b.pipes[i].lb_index = i
        p.lb_index = j


cdef inline bint lb_has(pipe_t *p) noexcept nogil:
    return p.lb_index != <uint32_t> LB_NONE


cdef inline void lb_ready(load_balance_t *b, pipe_t *p) noexcept nogil:
    """The pipe has room again."""
    if lb_has(p) and p.lb_index >= b.active:
        lb_swap(b, p.lb_index, b.active)
        b.active += 1


cdef inline void lb_full(load_balance_t *b, pipe_t *p) noexcept nogil:
    """No room until lb_ready()."""
    if p.lb_index < b.active:
        b.active -= 1
        lb_swap(b, p.lb_index, b.active)
        if b.current >= b.active:
            b.current = 0


cdef inline int lb_attach(load_balance_t *b, pipe_t *p) noexcept nogil:
    cdef uint32_t capacity
    cdef pipe_t **pipes
    if b.count == b.capacity:
        capacity = b.capacity * 2 if b.capacity else 2
        pipes = <pipe_t **> realloc(b.pipes, capacity * sizeof(void *))
        if pipes == NULL:
            return -ENOMEM
        b.pipes = pipes
        b.capacity = capacity
    b.pipes[b.count] = p
    p.lb_index = b.count
    b.count += 1
    lb_ready(b, p)
    return 0


cdef inline void lb_remove(load_balance_t *b, pipe_t *p) noexcept nogil:
    if not lb_has(p):
        return
    if b.out == p:
        b.out = NULL
        b.dropping = LB_DROP_NEW
        pipe_lose(p)
    lb_full(b, p)
    b.count -= 1
    lb_swap(b, p.lb_index, b.count)
    p.lb_index = <uint32_t> LB_NONE


cdef inline bint lb_can_send(load_balance_t *b) noexcept nogil:
    if b.out != NULL or b.dropping:
        return True
    while b.active:
        if pipe_can_write(b.pipes[b.current]):
            return True
        lb_full(b, b.pipes[b.current])
    return False


cdef inline pipe_t *lb_only(load_balance_t *b) noexcept nogil:
    """The pipe, if there is just one."""
    return b.pipes[0] if b.count == 1 else NULL


cdef inline pipe_t *lb_shed(load_balance_t *b) noexcept nogil:
    """All are full: gives up what is oldest in one of them, in turn. The one; NULL: not possible in any."""
    cdef pipe_t *p
    cdef uint32_t _i
    for _i in range(b.count):
        b.shedding = (b.shedding + 1) % b.count
        p = b.pipes[b.shedding]
        if pipe_shed(p):
            lb_ready(b, p)
            return p
    return NULL


cdef inline int lb_rest(load_balance_t *b, msg_t *m, bint more) noexcept nogil:
    """Another frame of a message that began: never refused for lack of room."""
    cdef pipe_t *p = b.out
    cdef int rc
    if p != NULL:
        rc = pipe_write(p, m, True)
        if rc == 0:
            if not more:
                pipe_flush(p)
                b.out = NULL
                b.current = p.lb_index + 1
                if b.current >= b.active:
                    b.current = 0
            return 0
        if rc == -ENOMEM:
            return rc
        # Gone, and the socket has not said so yet.
        b.out = NULL
        b.dropping = LB_DROP_NEW
        pipe_lose(p)
    rc = LB_DROPPED if b.dropping == LB_DROP_NEW else 0
    b.dropping = LB_DROP if more else LB_KEEP
    return rc


cdef inline pipe_t *lb_abandon(load_balance_t *b) noexcept nogil:
    """The message that began will not be finished. The pipe it went to, or NULL."""
    cdef pipe_t *p = b.out
    b.out = NULL
    b.dropping = LB_KEEP
    return p


cdef inline int lb_send(load_balance_t *b, msg_t *m) noexcept nogil:
    """One frame. 0, LB_DROPPED, -EAGAIN or -ENOMEM (both: nothing changed)."""
    cdef bint more = (m.flags & MSG_MORE) != 0
    cdef pipe_t *p
    cdef int rc
    if b.out != NULL or b.dropping:
        return lb_rest(b, m, more)
    while b.active:
        p = b.pipes[b.current]
        rc = pipe_write(p, m, True)
        if rc == 0:
            if more:
                b.out = p
            else:
                pipe_flush(p)
                b.current += 1
                if b.current >= b.active:
                    b.current = 0
            return 0
        if rc == -ENOMEM:
            return rc
        if rc == -EAGAIN and pipe_can_write(p):
            continue
        lb_full(b, p)
    return -EAGAIN
