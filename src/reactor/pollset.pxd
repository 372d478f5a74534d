# A set of descriptors that one thread waits on and others change: the front of epoll, kqueue and poll.
#
# Rules
# - Level-triggered. An event carries the tag its member was added with.
# - Members and children may be changed while another thread waits on the set, on its parent, or on many sets; the
#   change takes effect on that wait.
# - An event fetched by a waiting thread can be older than a change made meanwhile: who deletes a member makes sure
#   that its tag stays valid until the waiters have looked (the socket's lock and state do that).
# - A member is deleted before its descriptor is closed; a child is taken out of its parent before it is closed.
# - A set and its children are of one kind. Children have no children.
# - Waits return -EINTR on a signal.
# - pollset_close works in a forked child: it only lets go of descriptors, the parent's members stay as they are.

from libc.stdint cimport int64_t, uint32_t
from base.memory cimport free, malloc
from base.errors cimport EINVAL, ENOMEM, ENOSYS
from base.platform cimport (
    ZC_POLLIN, zc_close, zc_epoll_create, zc_fork_generation, zc_kqueue_create, zc_poll, zc_pollfd_set, zc_pollfd_t,
)
from reactor.pollset_event cimport POLL_IN, pollevent_t
from reactor.epoll cimport epoll_add, epoll_del, epoll_mod, epoll_wait_events
from reactor.kqueue cimport (
    kqueue_add, kqueue_child, kqueue_child_del, kqueue_del, kqueue_mod, kqueue_wait_events,
)
from reactor.poll cimport poll_wait_events, poll_wait_many
from reactor.poll_table cimport (
    poll_add, poll_child_add, poll_child_del, poll_child_enable, poll_del, poll_mod, poll_table_close, poll_table_new,
    poll_table_t,
)

cdef enum:
    POLLSET_DEFAULT = 0      # what the system has: epoll, else kqueue, else poll
    POLLSET_EPOLL = 1
    POLLSET_KQUEUE = 2
    POLLSET_POLL = 3

cdef enum:
    # Sets and descriptors of one pollset_wait_many that fit on the stack; more are allocated.
    POLLSET_MANY_ON_STACK = 32

# Written by init and close only; the kernel or the table's lock guards the rest.
cdef struct pollset_t:
    int kind
    int fd                   # epoll or kqueue descriptor, -1 for poll and when closed
    uint32_t generation      # of the process (fork) that made it
    poll_table_t *table      # poll only


cdef inline int pollset_init(pollset_t *ps, int kind) noexcept nogil:
    ps.kind = kind
    ps.fd = -1
    ps.table = NULL
    ps.generation = zc_fork_generation()
    if kind == POLLSET_DEFAULT or kind == POLLSET_EPOLL:
        ps.kind = POLLSET_EPOLL
        ps.fd = zc_epoll_create()
        if ps.fd != -ENOSYS or kind == POLLSET_EPOLL:
            return 0 if ps.fd >= 0 else ps.fd
    if kind == POLLSET_DEFAULT or kind == POLLSET_KQUEUE:
        ps.kind = POLLSET_KQUEUE
        ps.fd = zc_kqueue_create()
        if ps.fd != -ENOSYS or kind == POLLSET_KQUEUE:
            return 0 if ps.fd >= 0 else ps.fd
    if kind == POLLSET_DEFAULT or kind == POLLSET_POLL:
        ps.kind = POLLSET_POLL
        ps.fd = -1
        ps.table = poll_table_new()
        return 0 if ps.table != NULL else -ENOMEM
    return -EINVAL


cdef inline void pollset_close(pollset_t *ps) noexcept nogil:
    if ps.table != NULL:
        poll_table_close(ps.table)
    # A kqueue descriptor is not inherited by fork: in the child the number may be somebody else's by now.
    if ps.fd >= 0 and (ps.kind != POLLSET_KQUEUE or ps.generation == zc_fork_generation()):
        zc_close(ps.fd)
    ps.table = NULL
    ps.fd = -1


cdef inline int pollset_add(pollset_t *ps, int fd, int mask, void *tag) noexcept nogil:
    if ps.kind == POLLSET_EPOLL:
        return epoll_add(ps.fd, fd, mask, tag)
    if ps.kind == POLLSET_KQUEUE:
        return kqueue_add(ps.fd, fd, mask, tag)
    return poll_add(ps.table, fd, mask, tag)


cdef inline int pollset_mod(pollset_t *ps, int fd, int mask, void *tag) noexcept nogil:
    if ps.kind == POLLSET_EPOLL:
        return epoll_mod(ps.fd, fd, mask, tag)
    if ps.kind == POLLSET_KQUEUE:
        return kqueue_mod(ps.fd, fd, mask, tag)
    return poll_mod(ps.table, fd, mask, tag)


cdef inline int pollset_del(pollset_t *ps, int fd) noexcept nogil:
    if ps.kind == POLLSET_EPOLL:
        return epoll_del(ps.fd, fd)
    if ps.kind == POLLSET_KQUEUE:
        return kqueue_del(ps.fd, fd)
    return poll_del(ps.table, fd)


# Blocks up to the timeout. Number of events, 0 after the timeout, -EINTR or another -errno.
cdef inline int pollset_wait(pollset_t *ps, pollevent_t *out, int max, int64_t timeout_ns) noexcept nogil:
    if max <= 0:
        return -EINVAL
    if ps.kind == POLLSET_EPOLL:
        return epoll_wait_events(ps.fd, out, max, timeout_ns)
    if ps.kind == POLLSET_KQUEUE:
        return kqueue_wait_events(ps.fd, out, max, timeout_ns)
    return poll_wait_events(ps.table, out, max, timeout_ns)


# A descriptor that polls readable while any member is ready, -1 where there is none (poll).
cdef inline int pollset_fd(pollset_t *ps) noexcept nogil:
    return ps.fd


# ---- children ----

cdef inline int pollset_child_add(pollset_t *parent, pollset_t *child, void *tag, bint enabled) noexcept nogil:
    if parent.kind != child.kind:
        return -EINVAL
    if parent.kind == POLLSET_EPOLL:
        return epoll_add(parent.fd, child.fd, POLL_IN if enabled else 0, tag)
    if parent.kind == POLLSET_KQUEUE:
        return kqueue_child(parent.fd, child.fd, tag, enabled)
    return poll_child_add(parent.table, child.table, tag, enabled)


cdef inline int pollset_child_enable(pollset_t *parent, pollset_t *child, void *tag, bint enabled) noexcept nogil:
    if parent.kind == POLLSET_EPOLL:
        return epoll_mod(parent.fd, child.fd, POLL_IN if enabled else 0, tag)
    if parent.kind == POLLSET_KQUEUE:
        return kqueue_child(parent.fd, child.fd, tag, enabled)
    return poll_child_enable(parent.table, child.table, tag, enabled)


cdef inline int pollset_child_del(pollset_t *parent, pollset_t *child) noexcept nogil:
    if parent.kind == POLLSET_EPOLL:
        return epoll_del(parent.fd, child.fd)
    if parent.kind == POLLSET_KQUEUE:
        return kqueue_child_del(parent.fd, child.fd)
    return poll_child_del(parent.table, child.table)


# ---- one thread, many sets ----

# Sets with a descriptor: the kernel polls them like any other.
cdef inline int pollset_wait_fds(
        pollset_t **sets, int *ready, int nsets, zc_pollfd_t *extra, int nextra, zc_pollfd_t *fds,
        int64_t timeout_ns) noexcept nogil:
    cdef int i, rc
    for i in range(nsets):
        zc_pollfd_set(&fds[i], sets[i].fd, ZC_POLLIN)
    for i in range(nextra):
        fds[nsets + i] = extra[i]
    rc = zc_poll(fds, nsets + nextra, timeout_ns)
    for i in range(nsets):
        ready[i] = rc > 0 and fds[i].revents != 0
    for i in range(nextra):
        extra[i].revents = fds[nsets + i].revents if rc > 0 else 0
    return rc


cdef inline int pollset_wait_tables(
        pollset_t **sets, int *ready, int nsets, zc_pollfd_t *extra, int nextra, poll_table_t **tables,
        int64_t timeout_ns) noexcept nogil:
    cdef int i
    for i in range(nsets):
        tables[i] = sets[i].table
    return poll_wait_many(tables, ready, nsets, extra, nextra, timeout_ns)


# Blocks until one of the sets or raw descriptors has something: ready[i] and extra[i].revents tell which. Returns how
# many, 0 after the timeout, -errno. All sets are of one kind.
cdef inline int pollset_wait_many(
        pollset_t **sets, int *ready, int nsets, zc_pollfd_t *extra, int nextra, int64_t timeout_ns) noexcept nogil:
    cdef zc_pollfd_t fds[POLLSET_MANY_ON_STACK]
    cdef poll_table_t *tables[POLLSET_MANY_ON_STACK]
    cdef void *heap
    cdef int i, rc, total = nsets + nextra
    for i in range(1, nsets):
        if sets[i].kind != sets[0].kind:
            return -EINVAL
    if nsets == 0:
        return zc_poll(extra, nextra, timeout_ns)
    if sets[0].kind == POLLSET_POLL:
        if nsets <= POLLSET_MANY_ON_STACK:
            return pollset_wait_tables(sets, ready, nsets, extra, nextra, tables, timeout_ns)
        heap = malloc(<size_t>nsets * sizeof(poll_table_t *))
        if heap == NULL:
            return -ENOMEM
        rc = pollset_wait_tables(sets, ready, nsets, extra, nextra, <poll_table_t **>heap, timeout_ns)
    else:
        if total <= POLLSET_MANY_ON_STACK:
            return pollset_wait_fds(sets, ready, nsets, extra, nextra, fds, timeout_ns)
        heap = malloc(<size_t>total * sizeof(zc_pollfd_t))
        if heap == NULL:
            return -ENOMEM
        rc = pollset_wait_fds(sets, ready, nsets, extra, nextra, <zc_pollfd_t *>heap, timeout_ns)
    free(heap)
    return rc
