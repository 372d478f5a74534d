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
# - A member with mask 0 is left out of the snapshot, and one with POLL_DIRECT out of those that are made for a parent.
# - A wait of 0 needs no wake-up. Where none can be had (no descriptor is left), a longer wait sleeps in short steps and takes a new
#   snapshot after each: changes of the tables are noticed late, but the wait does not fail and its caller does not spin.

from libc.stdint cimport int64_t, uint64_t
from base.memory cimport calloc
from base.atomics cimport zc_add_u32, zc_load_acquire_u32, zc_store_relaxed_u32
from base.config cimport POLL_BLIND_NS
from base.errors cimport EBADF, ENOMEM
from base.platform cimport (
    ZC_POLLERR, ZC_POLLHUP, ZC_POLLIN, ZC_POLLNVAL, ZC_POLLOUT, zc_lock_acquire, zc_lock_release, zc_now_ns, zc_poll,
    zc_pollfd_set, zc_pollfd_t, zc_wake_drain, zc_wake_open,
)
from reactor.pollset_event cimport POLL_DIRECT, POLL_ERR, POLL_IN, POLL_OUT, pollevent_t
from reactor.poll_table cimport (
    poll_grow, poll_waiter_free, poll_table_unref, poll_find, poll_find_child, poll_member_t, poll_table_t,
    poll_entry_t, poll_seen_t, poll_waiter_t, POLL_OWN,
)


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


cdef inline int poll_snapshot_add(poll_waiter_t *w, poll_table_t *t, int parent, int child, void *tag) noexcept nogil:
    """Adds one table's members to the snapshot and lists the waiter in the table, in one step under the lock: every later
    change is signalled (to a waiter with a wake-up). Returns the table's index in `seen`. The caller holds the table alive."""
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
            if parent >= 0 and m.mask & POLL_DIRECT:
                continue
            if m.mask & POLL_IN:
                events |= ZC_POLLIN
            if m.mask & POLL_OUT:
                events |= ZC_POLLOUT
            if events != 0 and rc == 0:
                rc = poll_push(w, m.fd, events, index, child, m.tag if child == POLL_OWN else tag)
    zc_lock_release(&t.lock)
    return index if rc == 0 else rc


cdef inline int poll_snapshot_add_children(poll_waiter_t *w, int parent, int child) noexcept nogil:
    """The same for the enabled children of a table that is in the snapshot already. Each child is referenced under the
    parent's lock and looked at after it is released. `child` >= 0 puts them all under that number."""
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
        rc = poll_snapshot_add(w, c, parent, i if child == POLL_OWN else child, tag)
        poll_table_unref(c)
        # A child closed in between is about to be taken out of the parent, which is signalled.
        if rc < 0 and rc != -EBADF:
            return rc


cdef inline void poll_snapshot_begin(poll_waiter_t *w) noexcept nogil:
    w.nfds = 0
    w.nseen = 0


cdef inline void poll_recheck(poll_waiter_t *w, int index) noexcept nogil:
    """Drops from the snapshot what its tables no longer say. Called with the lock of seen[index].table held."""
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


cdef inline void poll_snapshot_end(poll_waiter_t *w) noexcept nogil:
    """Takes the waiter off every table's list; from here on nobody signals it."""
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


cdef inline int poll_sleep(poll_waiter_t *w, int64_t timeout_ns) noexcept nogil:
    """One sleep on the snapshot. 0 or -errno; the answers are in `fds`."""
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


cdef inline int64_t poll_left(uint64_t begun, int64_t timeout_ns) noexcept nogil:
    """What is left of a timeout, -1 for none."""
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


cdef inline int poll_deliver(poll_waiter_t *w, pollevent_t *out, int max) noexcept nogil:
    """Moves the ready entries to `out`: one event per member, one per child however many of its members are ready."""
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
        own = poll_snapshot_add(w, t, -1, POLL_OWN, NULL) if rc == 0 else rc
        rc = poll_snapshot_add_children(w, own, POLL_OWN) if own >= 0 else own
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


cdef inline int poll_wait_many(
        poll_table_t **tables, int *ready, int nsets, zc_pollfd_t *extra, int nextra, int64_t timeout_ns) noexcept nogil:
    """The waiting of one thread on several sets and raw descriptors. nsets > 0."""
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
            own = poll_snapshot_add(w, tables[i], -1, i, NULL) if rc == 0 else rc
            rc = poll_snapshot_add_children(w, own, i) if own >= 0 else own
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
