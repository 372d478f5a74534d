# The tables behind the portable back end of poll sets (reactor/poll.pxd): who is a member, who is a child, who sleeps on them.
#
# Rules
# - A table has its own short lock; two tables' locks are never held together. Children have no children.
# - Every change is signalled to the waiters that are listed in the table.
# - A waiter's snapshot holds a reference, so a table may be closed while a thread sleeps on it.

from libc.stdint cimport uint32_t
from base.memory cimport calloc, free, realloc
from base.atomics cimport zc_cas_u32, zc_sub_u32
from base.errors cimport EBADF, EEXIST, ENOENT, ENOMEM
from base.platform cimport (
    zc_fork_generation, zc_lock_acquire, zc_lock_destroy, zc_lock_init, zc_lock_release, zc_lock_t, zc_pollfd_t,
    zc_wake_close, zc_wake_signal, zc_wake_t,
)

cdef enum:
    POLL_OWN = -1            # a snapshot entry that belongs to the set waited on itself, not to a child
    POLL_FIRST_CAP = 8       # first size of the arrays; they double

cdef struct poll_member_t:
    void *tag
    int fd
    int mask

cdef struct poll_child_t:
    poll_table_t *table      # borrowed: the child is taken out before it is closed
    void *tag
    int enabled

cdef struct poll_table_t:
    uint32_t refs            # atomic: the owner and every snapshot
    uint32_t generation      # of the process (fork) that made it
    zc_lock_t lock           # guards everything below
    uint32_t version         # grows with every change
    int closed
    int nmembers
    int members_cap
    int nchildren
    int children_cap
    int nwaiters
    int waiters_cap
    poll_member_t *members
    poll_child_t *children
    poll_waiter_t **waiters  # asleep on a snapshot of this table
    poll_waiter_t *spare     # waiters of earlier waits on this set, kept for the next

# What a snapshot entry came from; fds[i] and entries[i] go together, number 0 is the waiter's own wake-up.
cdef struct poll_entry_t:
    void *tag
    int seen                 # index into poll_waiter_t.seen
    int child                # which child (or which set of many), POLL_OWN for none

cdef struct poll_seen_t:
    poll_table_t *table      # referenced
    uint32_t version
    int parent               # index into seen of the table this one is a child of, or -1

# All fields belong to the waiting thread, except that other threads signal `wake` through `signalled`.
cdef struct poll_waiter_t:
    zc_wake_t wake
    uint32_t signalled       # atomic: 1 = the wake-up was signalled since the last drain
    bint listed              # this wait has a wake-up: the tables it looks at list it
    poll_waiter_t *next
    zc_pollfd_t *fds
    poll_entry_t *entries
    int nfds
    int fds_cap
    int entries_cap
    poll_seen_t *seen
    int nseen
    int seen_cap
    int turn                 # where the next delivery starts, so that a full batch starves nobody


cdef inline int poll_grow(void **array, int *cap, int used, size_t size) noexcept nogil:
    """Makes room for one more element. The array stays as it is when there is no memory."""
    cdef int wanted
    cdef void *grown
    if used < cap[0]:
        return 0
    wanted = cap[0] * 2 if cap[0] > 0 else POLL_FIRST_CAP
    grown = realloc(array[0], wanted * size)
    if grown == NULL:
        return -ENOMEM
    array[0] = grown
    cap[0] = wanted
    return 0


cdef inline poll_table_t *poll_table_new() noexcept nogil:
    cdef poll_table_t *t = <poll_table_t *>calloc(1, sizeof(poll_table_t))
    if t != NULL:
        t.refs = 1
        t.generation = zc_fork_generation()
        zc_lock_init(&t.lock)
    return t


cdef inline void poll_waiter_free(poll_waiter_t *w) noexcept nogil:
    zc_wake_close(&w.wake)
    free(w.fds)
    free(w.entries)
    free(w.seen)
    free(w)


cdef inline void poll_table_free(poll_table_t *t) noexcept nogil:
    cdef poll_waiter_t *w
    while t.spare != NULL:
        w = t.spare
        t.spare = w.next
        poll_waiter_free(w)
    zc_lock_destroy(&t.lock)
    free(t.members)
    free(t.children)
    free(t.waiters)
    free(t)


cdef inline void poll_table_unref(poll_table_t *t) noexcept nogil:
    # Acquire-release: the last one sees everything the others did before they let go.
    if zc_sub_u32(&t.refs, 1) == 1:
        poll_table_free(t)


cdef inline void poll_table_changed(poll_table_t *t) noexcept nogil:
    """Under the table's lock, after every change."""
    cdef int i
    t.version += 1
    for i in range(t.nwaiters):
        if zc_cas_u32(&t.waiters[i].signalled, 0, 1):
            zc_wake_signal(&t.waiters[i].wake)


cdef inline void poll_table_close(poll_table_t *t) noexcept nogil:
    if t.generation != zc_fork_generation():
        # A forked child: the threads that held locks and references do not exist here.
        poll_table_free(t)
        return
    zc_lock_acquire(&t.lock)
    t.closed = 1
    t.nmembers = 0
    t.nchildren = 0
    poll_table_changed(t)
    zc_lock_release(&t.lock)
    poll_table_unref(t)


cdef inline int poll_find(poll_table_t *t, int fd) noexcept nogil:
    cdef int i
    for i in range(t.nmembers):
        if t.members[i].fd == fd:
            return i
    return -ENOENT


cdef inline int poll_find_child(poll_table_t *t, poll_table_t *child) noexcept nogil:
    cdef int i
    for i in range(t.nchildren):
        if t.children[i].table == child:
            return i
    return -ENOENT


cdef inline int poll_add(poll_table_t *t, int fd, int mask, void *tag) noexcept nogil:
    cdef int rc
    if fd < 0:
        return -EBADF
    zc_lock_acquire(&t.lock)
    if poll_find(t, fd) >= 0:
        rc = -EEXIST
    else:
        rc = poll_grow(<void **>&t.members, &t.members_cap, t.nmembers, sizeof(poll_member_t))
    if rc == 0:
        t.members[t.nmembers].fd = fd
        t.members[t.nmembers].mask = mask
        t.members[t.nmembers].tag = tag
        t.nmembers += 1
        poll_table_changed(t)
    zc_lock_release(&t.lock)
    return rc


cdef inline int poll_mod(poll_table_t *t, int fd, int mask, void *tag) noexcept nogil:
    cdef int i
    zc_lock_acquire(&t.lock)
    i = poll_find(t, fd)
    if i >= 0:
        t.members[i].mask = mask
        t.members[i].tag = tag
        poll_table_changed(t)
    zc_lock_release(&t.lock)
    return 0 if i >= 0 else i


cdef inline int poll_del(poll_table_t *t, int fd) noexcept nogil:
    cdef int i
    zc_lock_acquire(&t.lock)
    i = poll_find(t, fd)
    if i >= 0:
        t.nmembers -= 1
        t.members[i] = t.members[t.nmembers]
        poll_table_changed(t)
    zc_lock_release(&t.lock)
    return 0 if i >= 0 else i


cdef inline int poll_child_add(poll_table_t *t, poll_table_t *child, void *tag, bint enabled) noexcept nogil:
    cdef int rc
    zc_lock_acquire(&t.lock)
    if poll_find_child(t, child) >= 0:
        rc = -EEXIST
    else:
        rc = poll_grow(<void **>&t.children, &t.children_cap, t.nchildren, sizeof(poll_child_t))
    if rc == 0:
        t.children[t.nchildren].table = child
        t.children[t.nchildren].tag = tag
        t.children[t.nchildren].enabled = enabled
        t.nchildren += 1
        if enabled:
            poll_table_changed(t)
    zc_lock_release(&t.lock)
    return rc


cdef inline int poll_child_enable(poll_table_t *t, poll_table_t *child, void *tag, bint enabled) noexcept nogil:
    cdef int i
    zc_lock_acquire(&t.lock)
    i = poll_find_child(t, child)
    if i >= 0 and (t.children[i].tag != tag or t.children[i].enabled != enabled):
        t.children[i].tag = tag
        t.children[i].enabled = enabled
        poll_table_changed(t)
    zc_lock_release(&t.lock)
    return 0 if i >= 0 else i


cdef inline int poll_child_del(poll_table_t *t, poll_table_t *child) noexcept nogil:
    cdef int i
    zc_lock_acquire(&t.lock)
    i = poll_find_child(t, child)
    if i >= 0:
        t.nchildren -= 1
        t.children[i] = t.children[t.nchildren]
        poll_table_changed(t)
    zc_lock_release(&t.lock)
    return 0 if i >= 0 else i
