# The Linux back end of poll sets.
#
# Rules
# - The kernel keeps the members; a change made while another thread waits takes effect at once.
# - A child is its epoll descriptor as a member; switched off it stays a member with an empty mask, which never fires.
# - A member with mask 0 may still report an error or a hang-up.

from libc.stdint cimport int64_t, uint32_t
from base.platform cimport (
    ZC_EPOLL_ADD, ZC_EPOLL_DEL, ZC_EPOLL_MOD, ZC_EPOLLERR, ZC_EPOLLHUP, ZC_EPOLLIN, ZC_EPOLLOUT,
    zc_epoll_ctl, zc_epoll_event_t, zc_epoll_tag, zc_epoll_wait,
)
from base.config cimport POLL_BATCH
from reactor.pollset_event cimport POLL_ERR, POLL_IN, POLL_OUT, pollevent_t


cdef inline uint32_t epoll_mask(int mask) noexcept nogil:
    cdef uint32_t events = 0
    if mask & POLL_IN:
        events |= ZC_EPOLLIN
    if mask & POLL_OUT:
        events |= ZC_EPOLLOUT
    return events


cdef inline int epoll_add(int ep, int fd, int mask, void *tag) noexcept nogil:
    return zc_epoll_ctl(ep, ZC_EPOLL_ADD, fd, epoll_mask(mask), tag)


cdef inline int epoll_mod(int ep, int fd, int mask, void *tag) noexcept nogil:
    return zc_epoll_ctl(ep, ZC_EPOLL_MOD, fd, epoll_mask(mask), tag)


cdef inline int epoll_del(int ep, int fd) noexcept nogil:
    return zc_epoll_ctl(ep, ZC_EPOLL_DEL, fd, 0, NULL)


cdef inline int epoll_wait_events(int ep, pollevent_t *out, int max, int64_t timeout_ns) noexcept nogil:
    cdef zc_epoll_event_t events[POLL_BATCH]
    cdef int i, n, mask
    n = zc_epoll_wait(ep, events, max if max < POLL_BATCH else POLL_BATCH, timeout_ns)
    for i in range(n):
        mask = 0
        if events[i].events & ZC_EPOLLIN:
            mask |= POLL_IN
        if events[i].events & ZC_EPOLLOUT:
            mask |= POLL_OUT
        if events[i].events & (<uint32_t>ZC_EPOLLERR | <uint32_t>ZC_EPOLLHUP):
            mask |= POLL_ERR | POLL_IN
        out[i].tag = zc_epoll_tag(&events[i])
        out[i].mask = mask
    return n
