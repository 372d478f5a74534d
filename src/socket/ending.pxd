# The end, seen from outside: how long a closed socket goes on, and what a context still has. No lock held by the caller.

from libc.stdint cimport int64_t, uint32_t, uint64_t
from base.memory cimport calloc, free
from base.atomics cimport zc_load_relaxed_u32
from base.errors cimport ENOMEM
from base.platform cimport zc_cond_wait_until, zc_lock_acquire, zc_lock_release, zc_mutex_lock, zc_mutex_unlock, zc_now_ns
from io.end_call cimport socket_end_call
from session.lifecycle cimport session_close
from socket.state cimport context_t, socket_t, SOCKET_CLOSED
from socket.statistics cimport picture_free, picture_take, picture_t

cdef struct pictures_t:
    uint32_t count
    picture_t *items


cdef inline bint closed_wait(socket_t *s, uint64_t until) noexcept nogil:
    """Waits until a closed socket has nothing left to do. False: not yet."""
    cdef context_t *ctx = s.ctx
    cdef int rc = 0
    zc_mutex_lock(&ctx.mutex)
    while rc == 0 and zc_load_relaxed_u32(&s.state) != SOCKET_CLOSED:
        rc = zc_cond_wait_until(&ctx.changed, &ctx.mutex, until)
    zc_mutex_unlock(&ctx.mutex)
    return zc_load_relaxed_u32(&s.state) == SOCKET_CLOSED


cdef inline void closed_linger(socket_t *s, int64_t linger_ms) noexcept nogil:
    """What a closed socket has left to send may take so long from now on."""
    cdef uint32_t i
    cdef uint64_t now = zc_now_ns()
    zc_lock_acquire(&s.lock)
    i = s.nsessions
    while i > 0:
        i -= 1
        session_close(s.sessions[i], linger_ms, now)
    socket_end_call(s)
    zc_lock_release(&s.lock)


cdef inline void pictures_free(pictures_t *all) noexcept nogil:
    cdef uint32_t i
    for i in range(all.count):
        picture_free(&all.items[i])
    free(all.items)


cdef inline int pictures_take(context_t *ctx, pictures_t *all) noexcept nogil:
    """Every socket of the context, those that are closed and not done yet included. pictures_free() in either case. 0 or -ENOMEM."""
    cdef socket_t *s
    cdef int rc = 0
    all.count = 0
    all.items = NULL
    zc_mutex_lock(&ctx.mutex)
    if ctx.nsockets:
        all.items = <picture_t *> calloc(ctx.nsockets, sizeof(picture_t))
        if all.items == NULL:
            rc = -ENOMEM
    s = ctx.sockets
    while s != NULL and rc == 0:
        zc_lock_acquire(&s.lock)
        rc = picture_take(s, &all.items[all.count])
        all.count += 1
        zc_lock_release(&s.lock)
        s = s.ctx_next
    zc_mutex_unlock(&ctx.mutex)
    return rc
