# fair_queue: one whole message from each pipe in turn.
#
#   pipes: | 0 .. active | .. count |      pipes without input are behind the active ones and cost nothing until they have some
#
# Rules
# - A pipe leaves the active part only after pipe_front() said NULL, because only then somebody will report new input.
# - Inside a message every frame comes from `from_pipe`. If that pipe is taken away in the middle, the rest of the message (the ring holds
#   whole messages only) moves to `rest`: the application gets what it began to read.
# - Control frames (subscriptions) mean nothing here and are discarded; their MORE bit means nothing anywhere.
# - pipe.fq_index is the pipe's place, FQ_NONE if it is not here.

from libc.stdint cimport uint32_t
from base.memory cimport malloc, realloc, free
from base.errors cimport ENOMEM, EAGAIN
from message.message cimport msg_t, msg_close, msg_init, MSG_MORE, MSG_SUBSCRIBE, MSG_CANCEL
from pipe.pipe cimport pipe_t, pipe_front, pipe_pop
from pipe.ring cimport ring_t, ring_init, ring_free, ring_front, ring_pop, ring_slot, ring_commit
from pipe.ring_conflate cimport ring_begin

cdef enum:
    FQ_NONE = 0xffffffff

cdef struct fair_queue_t:
    pipe_t **pipes
    pipe_t *from_pipe           # inside a message: where it comes from; NULL then = from rest
    uint32_t current
    uint32_t active
    uint32_t count
    uint32_t capacity
    bint more                   # inside a message
    ring_t *rest


cdef inline void fq_init(fair_queue_t *q) noexcept nogil:
    q.pipes = NULL
    q.from_pipe = NULL
    q.current = q.active = q.count = q.capacity = 0
    q.more = False
    q.rest = NULL


cdef inline void fq_drop_rest(fair_queue_t *q) noexcept nogil:
    if q.rest != NULL:
        ring_free(q.rest)
        free(q.rest)
        q.rest = NULL


cdef inline void fq_free(fair_queue_t *q) noexcept nogil:
    fq_drop_rest(q)
    free(q.pipes)
    fq_init(q)


cdef inline void fq_swap(fair_queue_t *q, uint32_t i, uint32_t j) noexcept nogil:
    cdef pipe_t *p
    if i != j:
        p = q.pipes[i]
        q.pipes[i] = q.pipes[j]
        q.pipes[j] = p
        q.pipes[i].fq_index = i
        p.fq_index = j


cdef inline bint fq_has(pipe_t *p) noexcept nogil:
    return p.fq_index != <uint32_t> FQ_NONE


cdef inline void fq_ready(fair_queue_t *q, pipe_t *p) noexcept nogil:
    """The pipe may have input."""
    if fq_has(p) and p.fq_index >= q.active:
        fq_swap(q, p.fq_index, q.active)
        q.active += 1


cdef inline void fq_deactivate(fair_queue_t *q, pipe_t *p) noexcept nogil:
    """pipe_front() said NULL."""
    if p.fq_index < q.active:
        q.active -= 1
        fq_swap(q, p.fq_index, q.active)
        if q.current >= q.active:
            q.current = 0


cdef inline int fq_attach(fair_queue_t *q, pipe_t *p) noexcept nogil:
    cdef uint32_t capacity
    cdef pipe_t **pipes
    if q.count == q.capacity:
        capacity = q.capacity * 2 if q.capacity else 2
        pipes = <pipe_t **> realloc(q.pipes, capacity * sizeof(void *))
        if pipes == NULL:
            return -ENOMEM
        q.pipes = pipes
        q.capacity = capacity
    q.pipes[q.count] = p
    p.fq_index = q.count
    q.count += 1
    # Nobody has asked it yet, so nobody would be told.
    fq_ready(q, p)
    return 0


cdef inline void fq_save_rest(fair_queue_t *q, pipe_t *p) noexcept nogil:
    """Takes the rest of the message being read out of a pipe that goes away."""
    cdef msg_t *m
    cdef msg_t *slot
    cdef bint more = True
    cdef ring_t *rest = <ring_t *> malloc(sizeof(ring_t))
    q.from_pipe = NULL
    p.reading = False
    if rest == NULL:
        q.more = False
        return
    ring_init(rest, 0)
    while more:
        m = ring_front(p.inr)
        if m == NULL:
            break
        if m.flags & (MSG_SUBSCRIBE | MSG_CANCEL):
            msg_close(m)
        else:
            more = (m.flags & MSG_MORE) != 0
            slot = ring_slot(rest)
            if slot == NULL:
                break
            slot[0] = m[0]
            ring_commit(rest)
        ring_pop(p.inr)
    if more:
        # Out of memory: the message ends here for the reader, too.
        ring_free(rest)
        free(rest)
        q.more = False
        return
    q.rest = rest


cdef inline int fq_notice(fair_queue_t *q) noexcept nogil:
    """Between two messages: the next frame is an empty one, the last of a message that no pipe holds. 0 or -ENOMEM."""
    cdef ring_t *rest = <ring_t *> malloc(sizeof(ring_t))
    cdef msg_t *slot
    if rest == NULL:
        return -ENOMEM
    ring_init(rest, 0)
    slot = ring_slot(rest)
    if slot == NULL:
        ring_free(rest)
        free(rest)
        return -ENOMEM
    msg_init(slot)
    ring_commit(rest)
    q.rest = rest
    q.from_pipe = NULL
    q.more = True
    return 0


cdef inline void fq_remove(fair_queue_t *q, pipe_t *p) noexcept nogil:
    if not fq_has(p):
        return
    if q.from_pipe == p:
        fq_save_rest(q, p)
    fq_deactivate(q, p)
    q.count -= 1
    fq_swap(q, p.fq_index, q.count)
    p.fq_index = <uint32_t> FQ_NONE


cdef inline msg_t *fq_pipe_front(pipe_t *p) noexcept nogil:
    """The next frame of a pipe that is not control."""
    cdef msg_t *m
    while True:
        m = pipe_front(p)
        if m == NULL or not m.flags & (MSG_SUBSCRIBE | MSG_CANCEL):
            return m
        msg_close(m)
        pipe_pop(p)


cdef inline void fq_ended(fair_queue_t *q, pipe_t *p) noexcept nogil:
    """No more input will arrive. What there is stays to be read; if there is none, the pipe hears that it is drained."""
    if fq_has(p):
        fq_ready(q, p)
        if fq_pipe_front(p) == NULL:
            fq_deactivate(q, p)


cdef inline msg_t *fq_front(fair_queue_t *q) noexcept nogil:
    """The frame that fq_take() would take, or NULL. Before a message's first frame q.pipes[q.current] is where it would come from."""
    cdef pipe_t *p
    cdef msg_t *m
    if q.more:
        if q.from_pipe == NULL:
            return ring_front(q.rest)
        return fq_pipe_front(q.from_pipe)
    while q.active:
        p = q.pipes[q.current]
        m = fq_pipe_front(p)
        if m != NULL:
            return m
        fq_deactivate(q, p)
    return NULL


cdef inline void fq_begin(fair_queue_t *q, pipe_t *p) noexcept nogil:
    """The next frames are to come from this pipe up to the end of a message, whosever turn it is."""
    q.from_pipe = p
    q.more = True
    ring_begin(p.inr)


cdef inline void fq_take(fair_queue_t *q, msg_t *front, msg_t *m) noexcept nogil:
    """Moves the frame that fq_front() has just returned into `m`."""
    cdef pipe_t *p = q.from_pipe
    m[0] = front[0]
    if not q.more:
        p = q.pipes[q.current]
    elif p == NULL:
        ring_pop(q.rest)
        q.more = (m.flags & MSG_MORE) != 0
        if not q.more:
            fq_drop_rest(q)
        return
    q.more = p.reading = (m.flags & MSG_MORE) != 0
    if q.more:
        q.from_pipe = p
    else:
        q.from_pipe = NULL
        if fq_has(p):
            q.current = p.fq_index + 1
            if q.current >= q.active:
                q.current = 0
    pipe_pop(p)


cdef inline bint fq_skip(fair_queue_t *q) noexcept nogil:
    """Discards a message, or the rest of the one being read. False if there was none."""
    cdef msg_t m
    cdef msg_t *front
    while True:
        front = fq_front(q)
        if front == NULL:
            return False
        fq_take(q, front, &m)
        msg_close(&m)
        if not m.flags & MSG_MORE:
            return True


cdef inline void fq_discard(fair_queue_t *q, msg_t *front) noexcept nogil:
    """Discards the message whose first frame fq_front() has just returned: asked again it might return that of a newer one (CONFLATE)."""
    cdef msg_t m
    fq_take(q, front, &m)
    msg_close(&m)
    if m.flags & MSG_MORE:
        fq_skip(q)


cdef inline int fq_recv(fair_queue_t *q, msg_t *m, pipe_t **from_pipe) noexcept nogil:
    """One frame. 0 or -EAGAIN. `from_pipe` is set when a message begins."""
    cdef msg_t *front = fq_front(q)
    if front == NULL:
        return -EAGAIN
    if not q.more:
        from_pipe[0] = q.pipes[q.current]
    fq_take(q, front, m)
    return 0
