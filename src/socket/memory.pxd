# The limit of what the queues of a context hold (MAX_QUEUED_BYTES; pipe/budget.pxd): which sockets it concerns, and what they do when there is room again.
#
# Rules
# - It concerns sockets that are made while there is a limit; what it is may change at any time. The PAIR of a monitor is the library's own, and free.
# - A socket hears of room as it does of any news: `notified` is set, whoever sleeps in it is woken. With the next call, or turn of the I/O
#   thread, all its pipes below their own marks are taken for writable again, and connections that had stopped reading go on.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_load_relaxed_u32, zc_load_relaxed_u64, zc_swap_u32
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_mutex_lock, zc_mutex_unlock
from io.end_call cimport socket_end_call
from io.mailbox cimport mailbox_drain
from io.wakeup cimport socket_wake
from message.message cimport zc_large_bytes
from pattern.pattern cimport pattern_out_ready
from pipe.budget cimport account_t, budget_limit
from pipe.charging cimport ring_settle
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_marked
from socket.recycled cimport idle_object_t, recycled_bytes
from socket.state cimport context_t, socket_t, SOCKET_OPEN

# What a context's queues hold.
cdef struct memory_t:
    uint64_t limit              # 0 = none
    uint64_t queued             # by sockets that the limit concerns
    uint64_t hits               # times a queue found no room for it
    uint64_t recycled           # bytes kept to be used again, by all sockets, and by the process for large frames


cdef inline void socket_roomy(account_t *a) noexcept nogil:
    """account_t.wake"""
    socket_wake(<socket_t *> (<char *> a - <size_t> &(<socket_t *> NULL).account))


cdef inline void memory_open(socket_t *s) noexcept nogil:
    """A socket is being made; the context's mutex is held."""
    s.account.wake = socket_roomy
    if s.ctx.opt.max_queued_bytes and not s.internal:
        s.account.budget = &s.ctx.budget


cdef inline void memory_look(socket_t *s) noexcept nogil:
    """If there may be room again: whoever found none tries once more. Lock held."""
    cdef uint32_t i
    cdef pipe_t *p
    if not zc_load_relaxed_u32(&s.account.roomy):
        return
    zc_swap_u32(&s.account.roomy, 0)
    for i in range(s.npipes):
        p = s.pipes[i]
        if not p.closed_out and not ring_marked(p.outr):
            pattern_out_ready(&s.pattern, p)
        if p.stalled:
            p.resume(p)


cdef inline void memory_limit(context_t *ctx) noexcept nogil:
    """The option has been set. The context's mutex is held."""
    if zc_load_relaxed_u64(&ctx.budget.limit) != <uint64_t> ctx.opt.max_queued_bytes:
        budget_limit(&ctx.budget, <uint64_t> ctx.opt.max_queued_bytes)


cdef inline void memory_settle(socket_t *s) noexcept nogil:
    cdef uint32_t i
    for i in range(s.npipes):
        ring_settle(s.pipes[i].outr)
        if s.pipes[i].link == NULL:
            ring_settle(s.pipes[i].inr)


cdef inline void memory_take(context_t *ctx, memory_t *m, idle_object_t idle) noexcept nogil:
    """No lock held."""
    cdef socket_t *s
    cdef uint64_t used
    m.recycled = zc_large_bytes()
    zc_mutex_lock(&ctx.mutex)
    s = ctx.sockets
    while s != NULL:
        zc_lock_acquire(&s.lock)
        if s.state == SOCKET_OPEN:
            mailbox_drain(s)        # who has gone within the process leaves nothing behind
        memory_settle(s)
        socket_end_call(s)
        m.recycled += recycled_bytes(s, idle)
        zc_lock_release(&s.lock)
        s = s.ctx_next
    zc_mutex_unlock(&ctx.mutex)
    m.limit = zc_load_relaxed_u64(&ctx.budget.limit)
    m.hits = zc_load_relaxed_u64(&ctx.budget.hits)
    used = zc_load_relaxed_u64(&ctx.budget.used)
    m.queued = 0 if used >> 63 else used
