# The portable back end of poll sets: poll() on POSIX, WSAPoll() on Windows.
#
# Rules
# - The members live in a table under its own short lock. A waiting thread polls a snapshot of the tables it looks at;
#   no lock is held while it sleeps.
# - While it sleeps it is listed in those tables, and whoever changes one of them signals it; it takes a new snapshot
#   and goes on.
# - What a stale snapshot reports is compared with the tables before it is delivered: no event of a member that was
#   deleted, of a condition no longer asked for, or of a child switched off.
# - A snapshot holds references, so a table may be closed while somebody sleeps on it.
# - Two tables' locks are never held together. Children have no children.
# - A member with mask 0 is left out of the snapshot.
# - A wait of 0 needs no wake-up. Where none can be had (no descriptor is left), a longer wait sleeps in short steps and takes a new
#   snapshot after each: changes of the tables are noticed late, but the wait does not fail and its caller does not spin.

from libc.stdint cimport int64_t, uint32_t, uint64_t
from base.memory cimport calloc, free, realloc
from base.atomics cimport zc_add_u32, zc_cas_u32, zc_load_acquire_u32, zc_store_relaxed_u32, zc_sub_u32
from base.config cimport POLL_BLIND_NS
from base.errors cimport EBADF, EEXIST, ENOENT, ENOMEM
from base.platform cimport (
    ZC_POLLERR, ZC_POLLHUP, ZC_POLLIN, ZC_POLLNVAL, ZC_POLLOUT,
    zc_fork_generation, zc_lock_acquire, zc_lock_destroy, zc_lock_init, zc_lock_release, zc_lock_t,
    zc_now_ns, zc_poll, zc_pollfd_set, zc_pollfd_t,
    zc_wake_close, zc_wake_drain, zc_wake_open, zc_wake_signal, zc_wake_t,
)
from reactor.pollset_event cimport POLL_ERR, POLL_IN, POLL_OUT, pollevent_t

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


# Makes room for one more element. The array stays as it is when there is no memory.
cdef inline int poll_grow(void **array, int *cap, int used, size_t size) noexcept nogil:
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


# ---- tables ----

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


# Under the table's lock, after every change.
cdef inline void poll_table_changed(poll_table_t *t) noexcept nogil:
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


# ---- members and children; called with the table's lock held ----

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


# ---- members and children; the calls ----

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


# ---- waiters ----

cdef inline poll_waiter_t *poll_waiter_take(poll_table_t *t, int64_t timeout_ns) noexcept nogil:
    cdef poll_waiter_t *w
    zc_lock_acquire(&t.lock)
    w = t.spare
    if w != NULL:
        t.spare = w.next
    zc_lock_release(&t.lock)
    if w == NULL:
        w = <poll_waiter_t *>calloc(1, sizeof(poll_waiter_t))
        if w == NULL:
            return NULL
        w.wake.rfd = w.wake.wfd = -1
    w.listed = timeout_ns != 0 and (w.wake.rfd >= 0 or zc_wake_open(&w.wake) == 0)
    return w


cdef inline void poll_waiter_give(poll_table_t *t, poll_waiter_t *w) noexcept nogil:
    cdef bint kept
    zc_lock_acquire(&t.lock)
    kept = not t.closed
    if kept:
        w.next = t.spare
        t.spare = w
    zc_lock_release(&t.lock)
    if not kept:
        poll_waiter_free(w)


cdef inline int poll_push(poll_waiter_t *w, int fd, int events, int seen, int child, void *tag) noexcept nogil:
    if (poll_grow(<void **>&w.fds, &w.fds_cap, w.nfds, sizeof(zc_pollfd_t)) < 0
            or poll_grow(<void **>&w.entries, &w.entries_cap, w.nfds, sizeof(poll_entry_t)) < 0):
        return -ENOMEM
    zc_pollfd_set(&w.fds[w.nfds], fd, events)
    w.entries[w.nfds].tag = tag
    w.entries[w.nfds].seen = seen
    w.entries[w.nfds].child = child
    w.nfds += 1
    return 0


# Adds one table's members to the snapshot and lists the waiter in the table, in one step under the lock: every later
# change is signalled (to a waiter with a wake-up). Returns the table's index in `seen`. The caller holds the table alive.
cdef inline int poll_look(poll_waiter_t *w, poll_table_t *t, int parent, int child, void *tag) noexcept nogil:
    cdef int i, events, rc, index = w.nseen
    cdef poll_member_t *m
    if poll_grow(<void **>&w.seen, &w.seen_cap, w.nseen, sizeof(poll_seen_t)) < 0:
        return -ENOMEM
    zc_lock_acquire(&t.lock)
    rc = -EBADF if t.closed else 0
    if rc == 0 and w.listed:
        rc = poll_grow(<void **>&t.waiters, &t.waiters_cap, t.nwaiters, sizeof(poll_waiter_t *))
    if rc == 0:
        if w.listed:
            t.waiters[t.nwaiters] = w
            t.nwaiters += 1
        zc_add_u32(&t.refs, 1)
        w.seen[index].table = t
        w.seen[index].version = t.version
        w.seen[index].parent = parent
        w.nseen += 1
        for i in range(t.nmembers):
            m = &t.members[i]
            events = 0
            if m.mask & POLL_IN:
                events |= ZC_POLLIN
            if m.mask & POLL_OUT:
                events |= ZC_POLLOUT
            if events != 0 and rc == 0:
                rc = poll_push(w, m.fd, events, index, child, m.tag if child == POLL_OWN else tag)
    zc_lock_release(&t.lock)
    return index if rc == 0 else rc


# The same for the enabled children of a table that is in the snapshot already. Each child is referenced under the
# parent's lock and looked at after it is released. `child` >= 0 puts them all under that number.
cdef inline int poll_look_children(poll_waiter_t *w, int parent, int child) noexcept nogil:
    cdef poll_table_t *t = w.seen[parent].table
    cdef poll_table_t *c
    cdef void *tag
    cdef int i = 0, rc
    while True:
        c = NULL
        tag = NULL
        zc_lock_acquire(&t.lock)
        while i < t.nchildren and c == NULL:
            if t.children[i].enabled:
                c = t.children[i].table
                tag = t.children[i].tag
                zc_add_u32(&c.refs, 1)
            i += 1
        zc_lock_release(&t.lock)
        if c == NULL:
            return 0
        rc = poll_look(w, c, parent, i if child == POLL_OWN else child, tag)
        poll_table_unref(c)
        # A child closed in between is about to be taken out of the parent, which is signalled.
        if rc < 0 and rc != -EBADF:
            return rc


cdef inline void poll_snapshot_begin(poll_waiter_t *w) noexcept nogil:
    w.nfds = 0
    w.nseen = 0


# Drops from the snapshot what its tables no longer say. Called with the lock of seen[index].table held.
cdef inline void poll_recheck(poll_waiter_t *w, int index) noexcept nogil:
    cdef poll_table_t *t = w.seen[index].table
    cdef int i, k, found, mask
    for i in range(1, w.nfds):
        if w.fds[i].revents == 0 or w.entries[i].seen < 0:
            continue
        if w.entries[i].seen == index:
            found = poll_find(t, <int>w.fds[i].fd)
            if found < 0 or (w.entries[i].child == POLL_OWN and t.members[found].tag != w.entries[i].tag):
                w.fds[i].revents = 0
                continue
            mask = ZC_POLLERR | ZC_POLLHUP | ZC_POLLNVAL
            if t.members[found].mask & POLL_IN:
                mask |= ZC_POLLIN
            if t.members[found].mask & POLL_OUT:
                mask |= ZC_POLLOUT
            if t.members[found].mask == 0:
                mask = 0
            w.fds[i].revents = <short>(w.fds[i].revents & mask)
        elif w.seen[w.entries[i].seen].parent == index:
            k = poll_find_child(t, w.seen[w.entries[i].seen].table)
            if k < 0 or not t.children[k].enabled:
                w.fds[i].revents = 0
            elif w.entries[i].child != POLL_OWN:
                w.entries[i].tag = t.children[k].tag


# Takes the waiter off every table's list; from here on nobody signals it.
cdef inline void poll_snapshot_end(poll_waiter_t *w) noexcept nogil:
    cdef poll_table_t *t
    cdef int i, k
    for i in range(w.nseen):
        t = w.seen[i].table
        zc_lock_acquire(&t.lock)
        for k in range(t.nwaiters):
            if t.waiters[k] == w:
                t.nwaiters -= 1
                t.waiters[k] = t.waiters[t.nwaiters]
                break
        if t.version != w.seen[i].version:
            poll_recheck(w, i)
        zc_lock_release(&t.lock)
    for i in range(w.nseen):
        poll_table_unref(w.seen[i].table)
    w.nseen = 0
    if zc_load_acquire_u32(&w.signalled):
        zc_wake_drain(&w.wake)
        zc_store_relaxed_u32(&w.signalled, 0)


# One sleep on the snapshot. 0 or -errno; the answers are in `fds`.
cdef inline int poll_sleep(poll_waiter_t *w, int64_t timeout_ns) noexcept nogil:
    cdef int i, rc
    if w.listed:
        rc = zc_poll(w.fds, w.nfds, timeout_ns)
    else:
        # Without its entry 0: WSAPoll() does not leave out a descriptor of -1.
        rc = zc_poll(&w.fds[1], w.nfds - 1, POLL_BLIND_NS if timeout_ns < 0 or timeout_ns > POLL_BLIND_NS else timeout_ns)
    if rc <= 0:
        for i in range(w.nfds):
            w.fds[i].revents = 0
    poll_snapshot_end(w)
    return rc if rc < 0 else 0


# What is left of a timeout, -1 for none.
cdef inline int64_t poll_left(uint64_t begun, int64_t timeout_ns) noexcept nogil:
    cdef uint64_t gone
    if timeout_ns <= 0:
        return timeout_ns
    gone = zc_now_ns() - begun
    return timeout_ns - <int64_t>gone if gone < <uint64_t>timeout_ns else 0


cdef inline int poll_mask(int revents) noexcept nogil:
    cdef int mask = 0
    if revents & ZC_POLLIN:
        mask |= POLL_IN
    if revents & ZC_POLLOUT:
        mask |= POLL_OUT
    if revents & (ZC_POLLERR | ZC_POLLHUP | ZC_POLLNVAL):
        mask |= POLL_ERR | POLL_IN
    return mask


# Moves the ready entries to `out`: one event per member, one per child however many of its members are ready.
cdef inline int poll_deliver(poll_waiter_t *w, pollevent_t *out, int max) noexcept nogil:
    cdef int n = 0, step, i, start, last = POLL_OWN, total = w.nfds - 1
    if total <= 0:
        return 0
    start = w.turn % total
    # Not into the middle of a child, or it would be delivered twice.
    while start > 0 and w.entries[1 + start].child != POLL_OWN and w.entries[start].child == w.entries[1 + start].child:
        start -= 1
    w.turn = 0
    for step in range(total):
        i = 1 + (start + step) % total
        if w.fds[i].revents == 0:
            continue
        if w.entries[i].child != POLL_OWN and w.entries[i].child == last:
            continue
        if n == max:
            w.turn = i - 1
            break
        last = w.entries[i].child
        out[n].tag = w.entries[i].tag
        out[n].mask = poll_mask(w.fds[i].revents) if last == POLL_OWN else POLL_IN
        n += 1
    return n


cdef inline int poll_wait_events(poll_table_t *t, pollevent_t *out, int max, int64_t timeout_ns) noexcept nogil:
    cdef int rc, own
    cdef uint64_t begun = zc_now_ns() if timeout_ns > 0 else 0
    cdef int64_t left = timeout_ns
    cdef poll_waiter_t *w
    zc_add_u32(&t.refs, 1)
    w = poll_waiter_take(t, timeout_ns)
    if w == NULL:
        poll_table_unref(t)
        return -ENOMEM
    while True:
        poll_snapshot_begin(w)
        rc = poll_push(w, w.wake.rfd, ZC_POLLIN, -1, POLL_OWN, NULL)
        own = poll_look(w, t, -1, POLL_OWN, NULL) if rc == 0 else rc
        rc = poll_look_children(w, own, POLL_OWN) if own >= 0 else own
        if rc < 0:
            poll_snapshot_end(w)
            break
        rc = poll_sleep(w, left)
        if rc == 0:
            rc = poll_deliver(w, out, max)
        if rc != 0:
            break
        left = poll_left(begun, timeout_ns)
        if left == 0:
            break
    poll_waiter_give(t, w)
    poll_table_unref(t)
    return rc


# The waiting of one thread on several sets and raw descriptors. nsets > 0.
cdef inline int poll_wait_many(
        poll_table_t **tables, int *ready, int nsets, zc_pollfd_t *extra, int nextra, int64_t timeout_ns) noexcept nogil:
    cdef int rc, own, i, n, first_extra
    cdef uint64_t begun = zc_now_ns() if timeout_ns > 0 else 0
    cdef int64_t left = timeout_ns
    cdef poll_table_t *home = tables[0]
    cdef poll_waiter_t *w
    zc_add_u32(&home.refs, 1)
    w = poll_waiter_take(home, timeout_ns)
    if w == NULL:
        poll_table_unref(home)
        return -ENOMEM
    while True:
        n = 0
        poll_snapshot_begin(w)
        rc = poll_push(w, w.wake.rfd, ZC_POLLIN, -1, POLL_OWN, NULL)
        for i in range(nsets):
            ready[i] = 0
            own = poll_look(w, tables[i], -1, i, NULL) if rc == 0 else rc
            rc = poll_look_children(w, own, i) if own >= 0 else own
            if rc < 0:
                break
        first_extra = w.nfds
        for i in range(nextra):
            if rc == 0:
                rc = poll_push(w, <int>extra[i].fd, extra[i].events, -1, POLL_OWN, NULL)
        if rc < 0:
            poll_snapshot_end(w)
            break
        rc = poll_sleep(w, left)
        if rc < 0:
            break
        for i in range(1, first_extra):
            if w.fds[i].revents != 0 and not ready[w.entries[i].child]:
                ready[w.entries[i].child] = 1
                n += 1
        for i in range(nextra):
            extra[i].revents = w.fds[first_extra + i].revents
            if extra[i].revents != 0:
                n += 1
        rc = n
        if n != 0:
            break
        left = poll_left(begun, timeout_ns)
        if left == 0:
            break
    poll_waiter_give(home, w)
    poll_table_unref(home)
    return rc
