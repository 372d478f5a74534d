# Resolver: looks host names up on threads of its own, because getaddrinfo() may take seconds and nobody else may wait
# for it.
#
# A thread starts with the first name, and another one, up to RESOLVERS, with a name that finds all of them busy; they
# end with the context. With more names than threads, or where the system has no further thread, the oldest name is the
# next that a thread takes. Without any thread the attempt has failed, and is made again like every other.
#
# They take socket locks (waiting for them) to hand the result over; a socket under lookup is kept alive by a reference,
# and the session is found again by its id, so either may be gone by then. A name that nobody waits for any more is not
# looked up: the end of the context would wait for it.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, UINT64_MAX
from base.memory cimport free, malloc
from libc.string cimport memcpy, strlen
from base.atomics cimport zc_add_u32
from base.config cimport RESOLVERS
from base.errors cimport ENOMEM
from base.platform cimport (
    zc_cond_broadcast, zc_cond_signal, zc_cond_wait_until, zc_lock_acquire, zc_lock_release, zc_mutex_lock,
    zc_mutex_unlock, zc_now_ns, zc_sockaddr_t, zc_thread_join, zc_thread_start,
)
from io.wakeup cimport socket_wake
from session.session cimport session_t
from socket.connections cimport endpoint_of
from socket.references cimport socket_unref
from socket.state cimport lookup_t, resolver_t, socket_t
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


cdef inline lookup_t *resolver_take(resolver_t *r) noexcept nogil:
    """The next lookup, when there is one. NULL: the end."""
    cdef lookup_t *job
    zc_mutex_lock(&r.mutex)
    r.idle += 1
    while r.lookups == NULL and not r.stop:
        zc_cond_wait_until(&r.changed, &r.mutex, UINT64_MAX)
    r.idle -= 1
    job = r.lookups
    if job != NULL:
        r.lookups = job.next
        r.waiting -= 1
    zc_mutex_unlock(&r.mutex)
    return job


cdef inline void resolver_main(void *arg) noexcept nogil:
    cdef lookup_t *job = resolver_take(<resolver_t *> arg)
    while job != NULL:
        if lookup_wanted(job):
            lookup_do(job)
        socket_unref(job.socket)
        free(job)
        job = resolver_take(<resolver_t *> arg)


cdef inline int resolver_staff(resolver_t *r) noexcept nogil:
    """There is a thread for one more lookup, now or later. Its mutex held. Negative errno."""
    cdef int rc
    if r.waiting < r.idle or r.started == RESOLVERS:
        return 0
    rc = zc_thread_start(&r.threads[r.started], resolver_main, r, "zmqcore/resolve", -1, -1, NULL, 0)
    if rc == 0:
        r.started += 1
    return 0 if r.started else rc       # it waits for those there are


cdef inline int resolver_ask(socket_t *s, session_t *x, const char *text, const zc_sockaddr_t *behind) noexcept nogil:
    """Has the name in an address looked up. Lock held. 0: the answer comes by s.resolved(). Negative errno."""
    cdef resolver_t *r = &s.ctx.resolver
    cdef size_t n = strlen(text)
    cdef lookup_t *job = <lookup_t *> malloc(sizeof(lookup_t) + n)
    cdef lookup_t **at
    cdef int rc
    if job == NULL:
        return -ENOMEM
    job.next = NULL
    job.socket = s
    job.transport = x.stream.ops
    job.session_id = x.id
    job.ipv6 = endpoint_of(x).terms.opt.ipv6
    job.behind = behind[0]
    job.size = n
    memcpy(job.text, text, n + 1)
    zc_mutex_lock(&r.mutex)
    rc = resolver_staff(r)
    if rc == 0:
        zc_add_u32(&s.refs, 1)
        at = &r.lookups
        while at[0] != NULL:
            at = &at[0].next
        at[0] = job
        r.waiting += 1
        zc_cond_signal(&r.changed)
    zc_mutex_unlock(&r.mutex)
    if rc < 0:
        free(job)
    return rc


cdef inline void resolver_stop(resolver_t *r) noexcept nogil:
    """Blocks until the lookups under way are over, unless another term() waits for them already. No socket is left."""
    cdef uint32_t i, started
    zc_mutex_lock(&r.mutex)
    started = r.started
    r.started = 0               # one of several that terminate the context joins them
    r.stop = True
    zc_cond_broadcast(&r.changed)
    zc_mutex_unlock(&r.mutex)
    for i in range(started):
        zc_thread_join(&r.threads[i])
