# The macOS and FreeBSD back end of poll sets.
#
# Rules
# - The kernel keeps the members; a change made while another thread waits takes effect at once.
# - Reading and writing are two filters of one descriptor; a wait joins them into one event per tag.
# - A child is its kqueue descriptor with a read filter, switched on and off in place.
# - A member with mask 0 has no filter at all.

from libc.stdint cimport int64_t
from base.errors cimport ENOENT
from base.platform cimport (
    ZC_KQ_DELETE, ZC_KQ_OFF, ZC_KQ_ON, ZC_KQ_READ, ZC_KQ_WRITE,
    zc_kevent_failed, zc_kevent_filter, zc_kevent_t, zc_kevent_tag, zc_kqueue_change, zc_kqueue_wait,
)
from base.config cimport POLL_BATCH
from reactor.pollset_event cimport POLL_ERR, POLL_IN, POLL_OUT, pollevent_t


cdef inline int kqueue_filter(int kq, int fd, int filter, bint wanted, void *tag) noexcept nogil:
    cdef int rc = zc_kqueue_change(kq, fd, filter, ZC_KQ_ON if wanted else ZC_KQ_DELETE, tag)
    if not wanted and rc == -ENOENT:
        return 0
    return rc


cdef inline int kqueue_mod(int kq, int fd, int mask, void *tag) noexcept nogil:
    cdef int rc = kqueue_filter(kq, fd, ZC_KQ_READ, mask & POLL_IN, tag)
    if rc < 0:
        return rc
    return kqueue_filter(kq, fd, ZC_KQ_WRITE, mask & POLL_OUT, tag)


cdef inline int kqueue_add(int kq, int fd, int mask, void *tag) noexcept nogil:
    return kqueue_mod(kq, fd, mask, tag)


cdef inline int kqueue_del(int kq, int fd) noexcept nogil:
    return kqueue_mod(kq, fd, 0, NULL)


cdef inline int kqueue_child(int kq, int child, void *tag, bint enabled) noexcept nogil:
    return zc_kqueue_change(kq, child, ZC_KQ_READ, ZC_KQ_ON if enabled else ZC_KQ_OFF, tag)


cdef inline int kqueue_child_del(int kq, int child) noexcept nogil:
    return kqueue_filter(kq, child, ZC_KQ_READ, False, NULL)


cdef inline int kqueue_wait_events(int kq, pollevent_t *out, int max, int64_t timeout_ns) noexcept nogil:
    cdef zc_kevent_t events[POLL_BATCH]
    cdef int i, k, n, mask, joined = 0
    cdef void *tag
    n = zc_kqueue_wait(kq, events, max if max < POLL_BATCH else POLL_BATCH, timeout_ns)
    if n < 0:
        return n
    for i in range(n):
        mask = POLL_OUT if zc_kevent_filter(&events[i]) == ZC_KQ_WRITE else POLL_IN
        if zc_kevent_failed(&events[i]):
            mask |= POLL_ERR | POLL_IN
        tag = zc_kevent_tag(&events[i])
        # The two filters of a descriptor need not be neighbours in the answer. A batch is short, so looking through it is
        # cheaper than any index.
        k = 0
        while k < joined and out[k].tag != tag:
            k += 1
        if k == joined:
            out[k].tag = tag
            out[k].mask = 0
            joined += 1
        out[k].mask |= mask
    return joined
