# Resolver: looks host names up on a thread of its own, because getaddrinfo() may take seconds and nobody else may wait
# for it.
#
# The thread starts with the first name and ends with the context. It takes socket locks (waiting for them) to hand the
# result over; a socket under lookup is kept alive by a reference, and the session is found again by its id, so either
# may be gone by then. A name that nobody waits for any more is not looked up: the end of the context would wait for it.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, UINT64_MAX
from base.memory cimport free, malloc
from libc.string cimport memcpy, strlen
from base.atomics cimport zc_add_u32
from base.errors cimport ENOMEM
from base.platform cimport (
    zc_cond_signal, zc_cond_wait_until, zc_lock_acquire, zc_lock_release, zc_mutex_lock, zc_mutex_unlock, zc_now_ns,
    zc_sockaddr_t, zc_thread_join, zc_thread_start,
)
from io.wakeup cimport socket_wake
from session.session cimport session_t
from socket.references cimport socket_unref
from socket.state cimport context_t, lookup_t, socket_t
from transport.address cimport address_t


cdef inline session_t *lookup_session(const lookup_t *job) noexcept nogil:
    """Who waits for it, or NULL. The socket's lock held."""
    cdef uint32_t i
    for i in range(job.socket.nsessions):
        if job.socket.sessions[i].id == job.session_id:
            return job.socket.sessions[i]
    return NULL


cdef inline bint lookup_wanted(const lookup_t *job) noexcept nogil:
    cdef bint wanted
    zc_lock_acquire(&job.socket.lock)
    wanted = lookup_session(job) != NULL
    zc_lock_release(&job.socket.lock)
    return wanted


cdef inline void lookup_do(lookup_t *job) noexcept nogil:
    cdef address_t address
    cdef session_t *x
    cdef int rc = job.transport.parse_connect(job.text, job.size, job.ipv6, True, &job.behind, &address)
    zc_lock_acquire(&job.socket.lock)
    x = lookup_session(job)
    if x != NULL:
        job.socket.resolved(job.socket, x, &address, rc, zc_now_ns())
    zc_lock_release(&job.socket.lock)
    # What the socket now waits for is new to the thread that drives it.
    socket_wake(job.socket)


cdef inline void resolver_main(void *arg) noexcept nogil:
    cdef context_t *ctx = <context_t *> arg
    cdef lookup_t *job
    while True:
        zc_mutex_lock(&ctx.resolve_mutex)
        while ctx.lookups == NULL and not ctx.resolver_stop:
            zc_cond_wait_until(&ctx.resolve_cond, &ctx.resolve_mutex, UINT64_MAX)
        job = ctx.lookups
        if job != NULL:
            ctx.lookups = job.next
        zc_mutex_unlock(&ctx.resolve_mutex)
        if job == NULL:
            return
        if lookup_wanted(job):
            lookup_do(job)
        socket_unref(job.socket)
        free(job)


cdef inline int resolver_ask(socket_t *s, session_t *x, const char *text, const zc_sockaddr_t *behind) noexcept nogil:
    """Has the name in an address looked up. Lock held. 0: the answer comes by s.resolved(). Negative errno."""
    cdef context_t *ctx = s.ctx
    cdef size_t n = strlen(text)
    cdef lookup_t *job = <lookup_t *> malloc(sizeof(lookup_t) + n)
    cdef lookup_t **at
    cdef int rc = 0
    if job == NULL:
        return -ENOMEM
    job.next = NULL
    job.socket = s
    job.transport = x.stream.ops
    job.session_id = x.id
    job.ipv6 = s.opt.ipv6
    job.behind = behind[0]
    job.size = n
    memcpy(job.text, text, n + 1)
    zc_mutex_lock(&ctx.resolve_mutex)
    if not ctx.resolver_running:
        rc = zc_thread_start(&ctx.resolver, resolver_main, ctx, "zmqcore/resolve", -1, -1, NULL, 0)
        ctx.resolver_running = rc == 0
    if rc == 0:
        zc_add_u32(&s.refs, 1)
        at = &ctx.lookups
        while at[0] != NULL:
            at = &at[0].next
        at[0] = job
        zc_cond_signal(&ctx.resolve_cond)
    zc_mutex_unlock(&ctx.resolve_mutex)
    if rc < 0:
        free(job)
    return rc


cdef inline void resolver_stop(context_t *ctx) noexcept nogil:
    """Waits for a lookup under way."""
    cdef bint running
    zc_mutex_lock(&ctx.resolve_mutex)
    running = ctx.resolver_running
    ctx.resolver_running = False        # one of several that terminate the context joins it
    ctx.resolver_stop = True
    zc_cond_signal(&ctx.resolve_cond)
    zc_mutex_unlock(&ctx.resolve_mutex)
    if running:
        zc_thread_join(&ctx.resolver)
