# Telling a socket that something happened: from the other end of an inproc pipe, from another thread, from the context.
#
# Rules
# - A sleeper (a thread about to wait, or an exported FD) is counted in `sleepers` before it reads `notified` for the last time; the thread that
#   brings news sets `notified` before it reads `sleepers`. Both are sequentially consistent, so one of the two sees the other.
# - The poll set and the wake-up descriptor are made when first needed and closed when nothing sleeps on them any more.

from libc.stdint cimport uint32_t
from base.atomics cimport (
    zc_add_u32, zc_cas_ptr, zc_cas_u32, zc_load_acquire_ptr, zc_load_acquire_u32, zc_load_relaxed_ptr,
    zc_load_relaxed_u32, zc_sub_u32, zc_swap_u32,
)
from base.errors cimport ENOTSOCK
from base.platform cimport zc_wake_close, zc_wake_open, zc_wake_signal, zc_yield
from pipe.pipe cimport pipe_t
from reactor.pollset cimport pollset_add, pollset_close, pollset_init
from reactor.pollset_event cimport POLL_DIRECT, POLL_IN
from session.session cimport SOURCE_WAKE
from socket.references cimport inproc_pair_unref
from socket.state cimport inproc_pair_t, socket_t, SOCKET_CLOSED, SOCKET_OPEN


cdef inline pipe_t *mailbox_closed() noexcept nogil:
    """Stands on the stack of a closed socket: nothing can be pushed any more."""
    return <pipe_t *> <size_t> 1


cdef inline int socket_open_set(socket_t *s) noexcept nogil:
    """Poll set and wake-up, made when first needed: a socket that never waits owns no descriptor. 0 or negative errno. Lock held."""
    cdef int rc
    if s.set_open:
        return 0
    if s.state != SOCKET_OPEN:
        return -ENOTSOCK
    rc = pollset_init(&s.set, s.ctx.poller)
    if rc < 0:
        return rc
    rc = zc_wake_open(&s.wake)
    if rc < 0:
        pollset_close(&s.set)
        return rc
    s.wake_source.kind = SOURCE_WAKE
    rc = pollset_add(&s.set, s.wake.rfd, POLL_IN | POLL_DIRECT, &s.wake_source)
    if rc < 0:
        pollset_close(&s.set)
        zc_wake_close(&s.wake)
        return rc
    s.set_open = True
    return 0


cdef inline void socket_close_set(socket_t *s) noexcept nogil:
    """The descriptors of a closed socket go as soon as nobody sleeps on them. Lock held; nothing happens while the socket still needs them."""
    if not s.set_open or s.state != SOCKET_CLOSED or s.blocked:
        return
    s.set_open = s.fd_exported = s.level = False
    # From now on no waker finds wake_pending 0, and those that found it so before have counted themselves first (both are sequentially consistent):
    # what they write must not go to a descriptor of somebody else's that has got the same number. It takes them one system call at most.
    zc_swap_u32(&s.wake_pending, 1)
    while zc_load_acquire_u32(&s.wakers):
        zc_yield()
    pollset_close(&s.set)
    zc_wake_close(&s.wake)


cdef inline void socket_wake(socket_t *s) noexcept nogil:
    """Any thread. Wakes whoever waits for this socket."""
    zc_swap_u32(&s.notified, 1)
    if zc_load_acquire_u32(&s.sleepers):
        zc_add_u32(&s.wakers, 1)
        if zc_swap_u32(&s.wake_pending, 1) == 0:
            zc_wake_signal(&s.wake)
        zc_sub_u32(&s.wakers, 1)


cdef inline void socket_notify(pipe_t *end, uint32_t bits) noexcept nogil:
    """pipe_notify_t: news for the socket that owns `end`. Any thread, any locks; the caller's own end keeps the link alive."""
    cdef socket_t *s
    cdef inproc_pair_t *link = <inproc_pair_t *> end.link
    cdef uint32_t old
    cdef void *head
    while True:
        old = zc_load_relaxed_u32(&end.mail)
        if zc_cas_u32(&end.mail, old, old | bits):
            break
    if old:
        return          # queued already
    s = <socket_t *> zc_load_acquire_ptr(&end.socket)
    if s == NULL:
        return          # a connect still waiting for its bind: the bind looks by itself
    zc_add_u32(&link.refs, 1)
    while True:
        head = zc_load_relaxed_ptr(<void **> &s.mailbox)
        if head == mailbox_closed():
            inproc_pair_unref(link)
            return
        end.mailbox_next = <pipe_t *> head
        if zc_cas_ptr(<void **> &s.mailbox, head, end):
            break
    socket_wake(s)
