# fan_out: one message to several pipes. A pipe that is full misses whole messages, never a part of one.
#
#   pipes: | 0 .. chosen | .. ready | .. count |
#
#   chosen   get the message being sent
#   ready    could take one; a pipe that turned out to be full is moved behind them and costs nothing until it has room again
#
# Rules
# - A pipe is chosen before the first frame and only from the ready ones: one that gets room in the middle of a message waits for the next.
# - pipe.fan_index is the pipe's place, FAN_NONE if it is not here. Unlike load balancer and fair queue, the front knows nothing of it: ended()
#   and detach() of the type take the pipe out, out_ready() says that it has room.
# - A full pipe that a message was meant for is counted (pipe.missed), once for each message: fan_begin() tells where one begins.
# - Where memory ends inside a message, the pipe misses all of it. If its connection may have the beginning already, the pipe is broken: after
#   each fan_send() the pattern has the broken ones closed (fan_take_broken()).

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport realloc, free
from base.errors cimport ENOMEM, EAGAIN, EPIPE
from message.message cimport msg_t, MSG_MORE
from option.table cimport OVERFLOW_DROP_NEWEST, OVERFLOW_DROP_OLDEST
from pattern.ops cimport pattern_t
from pipe.pipe cimport pipe_t, pipe_can_write, pipe_abandon, pipe_lose, pipe_shed, pipe_write, pipe_flush

cdef enum:
    FAN_NONE = 0xffffffff

cdef struct fan_out_t:
    pipe_t **pipes
    uint32_t count
    uint32_t ready
    uint32_t chosen
    uint32_t capacity
    uint32_t broken             # pipes that the pattern must have closed
    uint64_t serial             # of the message
    uint64_t missed             # serial of the last message that a pipe has missed
    bint tally                  # a full pipe that is asked for misses the message
    pattern_t *pt               # whose it is: says what OVERFLOW is, and hears of it; NULL: a full pipe always misses the message


cdef inline void fan_init(fan_out_t *f, pattern_t *pt) noexcept nogil:
    f.pipes = NULL
    f.count = f.ready = f.chosen = f.capacity = f.broken = 0
    f.serial = f.missed = 0
    f.tally = True
    f.pt = pt


cdef inline void fan_free(fan_out_t *f) noexcept nogil:
    free(f.pipes)
    fan_init(f, f.pt)


cdef inline void fan_swap(fan_out_t *f, uint32_t i, uint32_t j) noexcept nogil:
    cdef pipe_t *p
    if i != j:
        p = f.pipes[i]
        f.pipes[i] = f.pipes[j]
        f.pipes[j] = p
        f.pipes[i].fan_index = i
        p.fan_index = j


cdef inline bint fan_has(pipe_t *p) noexcept nogil:
    return p.fan_index != <uint32_t> FAN_NONE


cdef inline void fan_ready(fan_out_t *f, pipe_t *p) noexcept nogil:
    """The pipe has room again."""
    if fan_has(p) and p.fan_index >= f.ready:
        fan_swap(f, p.fan_index, f.ready)
        f.ready += 1


cdef inline int fan_attach(fan_out_t *f, pipe_t *p) noexcept nogil:
    cdef uint32_t capacity
    cdef pipe_t **pipes
    if f.count == f.capacity:
        capacity = f.capacity * 2 if f.capacity else 4
        pipes = <pipe_t **> realloc(f.pipes, capacity * sizeof(void *))
        if pipes == NULL:
            return -ENOMEM
        f.pipes = pipes
        f.capacity = capacity
    f.pipes[f.count] = p
    p.fan_index = f.count
    f.count += 1
    fan_ready(f, p)
    return 0


cdef inline void fan_unchoose(fan_out_t *f, pipe_t *p) noexcept nogil:
    if p.fan_index < f.chosen:
        f.chosen -= 1
        fan_swap(f, p.fan_index, f.chosen)


cdef inline void fan_full(fan_out_t *f, pipe_t *p) noexcept nogil:
    """No room until fan_ready()."""
    fan_unchoose(f, p)
    if p.fan_index < f.ready:
        f.ready -= 1
        fan_swap(f, p.fan_index, f.ready)


cdef inline void fan_remove(fan_out_t *f, pipe_t *p) noexcept nogil:
    if fan_has(p):
        fan_full(f, p)
        if p.fan_broken:
            p.fan_broken = False
            f.broken -= 1
        f.count -= 1
        fan_swap(f, p.fan_index, f.count)
        p.fan_index = <uint32_t> FAN_NONE


cdef inline void fan_tell(fan_out_t *f, pipe_t *p, int what) noexcept nogil:
    if f.pt != NULL and not p.told_full:
        f.pt.hooks.overflow(f.pt.owner, p, what)


cdef inline bint fan_shed(fan_out_t *f, pipe_t *p) noexcept nogil:
    """Makes room in a full pipe, if old messages have to give way to new ones."""
    if f.pt == NULL or f.pt.options.overflow != OVERFLOW_DROP_OLDEST or not pipe_shed(p):
        return False
    fan_tell(f, p, OVERFLOW_DROP_OLDEST)
    return True


cdef inline void fan_choose(fan_out_t *f, pipe_t *p) noexcept nogil:
    """Does nothing for a pipe that is chosen already, or not here; a full one misses the message."""
    if f.chosen <= p.fan_index < f.ready:
        fan_swap(f, p.fan_index, f.chosen)
        f.chosen += 1
    elif p.fan_index >= f.ready and fan_has(p) and p.fan_missed != f.serial:
        if f.tally and fan_shed(f, p):
            fan_ready(f, p)
            fan_choose(f, p)
            return
        p.fan_missed = f.serial
        f.missed = f.serial
        if f.tally:
            p.missed += 1
            fan_tell(f, p, OVERFLOW_DROP_NEWEST)


cdef inline void fan_begin(fan_out_t *f, bint tally) noexcept nogil:
    """A message begins; nobody is chosen. `tally`: who is asked for and full, misses it."""
    f.chosen = 0
    f.serial += 1
    f.tally = tally


cdef inline bint fan_nobody(fan_out_t *f) noexcept nogil:
    """After choosing: nobody gets the message, nor misses it."""
    return f.chosen == 0 and f.missed != f.serial


cdef inline uint32_t fan_asked(fan_out_t *f) noexcept nogil:
    """How many have been asked for since fan_begin(), full ones included. Nobody is chosen afterwards."""
    cdef uint32_t asked = f.chosen
    cdef uint32_t i
    for i in range(f.ready, f.count):
        asked += f.pipes[i].fan_missed == f.serial
    f.chosen = 0
    return asked


cdef inline void fan_miss(fan_out_t *f, pipe_t *p) noexcept nogil:
    p.missed += 1
    f.missed = f.serial
    fan_tell(f, p, OVERFLOW_DROP_NEWEST)


cdef inline void fan_choose_all(fan_out_t *f) noexcept nogil:
    cdef uint32_t i
    f.chosen = f.ready
    for i in range(f.ready, f.count):
        fan_miss(f, f.pipes[i])


cdef inline void fan_invert(fan_out_t *f) noexcept nogil:
    """Chooses the pipes that were not chosen; the full ones that were not asked for miss the message."""
    cdef uint32_t i
    cdef uint32_t before = f.chosen
    cdef uint32_t full = f.ready
    cdef pipe_t *p
    f.chosen = 0
    f.missed = 0
    for i in range(before, full):
        fan_swap(f, i, f.chosen)
        f.chosen += 1
    # One that gets room changes places with one that has been looked at.
    for i in range(full, f.count):
        p = f.pipes[i]
        if p.fan_missed == f.serial:
            continue
        if fan_shed(f, p):
            fan_ready(f, p)
            fan_swap(f, p.fan_index, f.chosen)
            f.chosen += 1
        else:
            fan_miss(f, p)


cdef inline void fan_all_ready(fan_out_t *f) noexcept nogil:
    """Where nothing may be dropped a full pipe counts as much as any other: all may be chosen."""
    f.ready = f.count


cdef inline bint fan_has_room(fan_out_t *f) noexcept nogil:
    """Could all that are chosen take a message?"""
    cdef uint32_t i
    for i in range(f.chosen):
        if not f.pipes[i].closed_out and not pipe_can_write(f.pipes[i]):
            return False
    return True


cdef inline pipe_t *fan_take_broken(fan_out_t *f) noexcept nogil:
    """One of the broken pipes (there is one); it is not counted any more."""
    cdef uint32_t i = 0
    while not f.pipes[i].fan_broken:
        i += 1
    f.pipes[i].fan_broken = False
    f.broken -= 1
    return f.pipes[i]


cdef inline void fan_send(fan_out_t *f, msg_t *m) noexcept nogil:
    """One frame to the chosen pipes. May leave the payload with the caller. After the last frame nobody is chosen."""
    cdef uint32_t i = 0
    cdef bint more = (m.flags & MSG_MORE) != 0
    cdef pipe_t *p
    cdef int rc
    while i < f.chosen:
        p = f.pipes[i]
        # The last one may have the payload itself.
        rc = pipe_write(p, m, i + 1 == f.chosen)
        if rc == 0:
            if not more:
                pipe_flush(p)
            if i < f.chosen and f.pipes[i] == p:
                i += 1
        elif rc == -EAGAIN:
            if not pipe_can_write(p) and not fan_shed(f, p):
                fan_full(f, p)
                fan_miss(f, p)
        elif rc == -EPIPE:
            fan_full(f, p)
            pipe_lose(p)
        else:
            pipe_lose(p)
            # Out of memory: it misses this message. A peer that has the beginning could mistake the next message for the rest.
            if pipe_abandon(p) and not p.fan_broken:
                p.fan_broken = True
                f.broken += 1
            fan_unchoose(f, p)
    if not more:
        f.chosen = 0
