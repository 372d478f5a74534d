# base, reactor and transport, shown to Python. Included by _probe.pyx; every name starts with the room's.
#
# Rules
# - A failure is returned as the negative errno of the C level, not raised.
# - Tags are ints.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from base.memory cimport calloc as platform_calloc, free as platform_free

cimport base.atomics as base_a
cimport base.errors as base_e
cimport base.platform as base_p
cimport reactor.pollset as reactor_ps
cimport reactor.pollset_event as reactor_pe
cimport base.config as base_config


# ---- base: clock, locks, threads ----

cdef struct base_hammer_t:
    base_p.zc_lock_t lock
    base_p.zc_mutex_t mutex
    base_p.zc_cond_t cond
    int rounds
    long plain          # guarded by lock
    uint32_t counted    # atomic
    int arrived         # guarded by mutex


cdef void base_hammer_run(void *arg) noexcept nogil:
    cdef base_hammer_t *h = <base_hammer_t *>arg
    cdef int i
    base_p.zc_thread_tight_timers()
    for i in range(h.rounds):
        if i % 2:
            base_p.zc_lock_acquire(&h.lock)
        else:
            while not base_p.zc_lock_try(&h.lock):
                base_a.zc_pause()
        h.plain += 1
        base_p.zc_lock_release(&h.lock)
        base_a.zc_add_u32(&h.counted, 1)
    base_p.zc_mutex_lock(&h.mutex)
    h.arrived += 1
    base_p.zc_cond_signal(&h.cond)
    base_p.zc_mutex_unlock(&h.mutex)


def base_hammer(int nthreads, int rounds):
    """Threads that count under the lock and atomically: (count, count, threads that signalled their end)."""
    cdef base_hammer_t h
    cdef base_p.zc_thread_t threads[16]
    cdef int i, started = 0
    assert 0 < nthreads <= 16
    h.rounds = rounds
    h.plain = h.counted = h.arrived = 0
    base_p.zc_lock_init(&h.lock)
    base_p.zc_mutex_init(&h.mutex)
    base_p.zc_cond_init(&h.cond)
    with nogil:
        for i in range(nthreads):
            if base_p.zc_thread_start(&threads[started], base_hammer_run, &h, b"hammer", -1, -1, NULL, 0) == 0:
                started += 1
        base_p.zc_mutex_lock(&h.mutex)
        while h.arrived < started:
            base_p.zc_cond_wait_until(&h.cond, &h.mutex, <uint64_t>-1)
        base_p.zc_mutex_unlock(&h.mutex)
        for i in range(started):
            base_p.zc_thread_join(&threads[i])
    base_p.zc_cond_destroy(&h.cond)
    base_p.zc_mutex_destroy(&h.mutex)
    base_p.zc_lock_destroy(&h.lock)
    return h.plain, h.counted, h.arrived


cdef void base_lock_take(void *lock) noexcept nogil:
    base_p.zc_lock_acquire(<base_p.zc_lock_t *>lock)
    base_p.zc_lock_release(<base_p.zc_lock_t *>lock)


def base_lock_wanted():
    """What zc_lock_wanted() says of a lock that is free, held, held while a thread waits for it, and free again."""
    cdef base_p.zc_lock_t lock
    cdef base_p.zc_thread_t thread
    cdef int told[4]
    cdef int rc
    base_p.zc_lock_init(&lock)
    told[0] = base_p.zc_lock_wanted(&lock)
    with nogil:
        base_p.zc_lock_acquire(&lock)
        told[1] = base_p.zc_lock_wanted(&lock)
        rc = base_p.zc_thread_start(&thread, base_lock_take, &lock, b"waits", -1, -1, NULL, 0)
        while rc == 0 and not base_p.zc_lock_wanted(&lock):
            base_p.zc_yield()
        told[2] = base_p.zc_lock_wanted(&lock)
        base_p.zc_lock_release(&lock)
        if rc == 0:
            base_p.zc_thread_join(&thread)
    told[3] = base_p.zc_lock_wanted(&lock)
    base_p.zc_lock_destroy(&lock)
    return list(told)


cdef struct base_call_t:
    void *fn


cdef void base_call_run(void *arg) noexcept with gil:
    try:
        (<object>(<base_call_t *>arg).fn)()
    except BaseException as e:
        base_call_errors.append(e)


base_call_errors = []


def base_thread(fn, name, int policy=-1, int priority=-1, cpus=()):
    """Calls fn() on a thread of the platform's and waits for it."""
    cdef base_p.zc_thread_t t
    cdef base_call_t c
    cdef int list_of[64]
    cdef int i, n = len(cpus)
    cdef bytes text = name.encode()
    cdef const char *raw = text
    assert n <= 64
    for i in range(n):
        list_of[i] = cpus[i]
    c.fn = <void *>fn
    cdef int rc
    with nogil:
        rc = base_p.zc_thread_start(&t, base_call_run, &c, raw, policy, priority, list_of, n)
        if rc == 0:
            rc = base_p.zc_thread_join(&t)
    if base_call_errors:
        raise base_call_errors.pop()
    return rc


def base_now():
    return base_p.zc_now_ns()


def base_cond_timeout(uint64_t ns):
    """(answer of a wait that nobody ends, nanoseconds it took)"""
    cdef base_p.zc_mutex_t m
    cdef base_p.zc_cond_t c
    cdef uint64_t begun = base_p.zc_now_ns()
    cdef int rc
    base_p.zc_mutex_init(&m)
    base_p.zc_cond_init(&c)
    base_p.zc_mutex_lock(&m)
    with nogil:
        rc = base_p.zc_cond_wait_until(&c, &m, begun + ns)
        while rc == 0:
            rc = base_p.zc_cond_wait_until(&c, &m, begun + ns)
    base_p.zc_mutex_unlock(&m)
    base_p.zc_cond_destroy(&c)
    base_p.zc_mutex_destroy(&m)
    return rc, base_p.zc_now_ns() - begun


def base_cpus():
    return base_p.zc_cpus_available()


def base_fork_install():
    return base_p.zc_fork_install()


def base_fork_generation():
    return base_p.zc_fork_generation()


def base_random(int n):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, n)
    cdef int rc = base_p.zc_os_random(PyBytes_AS_STRING(out), n)
    return out if rc == 0 else rc


def base_atomics():
    """Every wrapper once, on values that show a wrong operand order."""
    cdef uint32_t a = 5
    cdef uint64_t b = 1 << 40
    cdef int x = 0, y = 0
    cdef void *p = &x
    base_a.zc_store_relaxed_u32(&a, 7)
    base_a.zc_store_release_u64(&b, b + 1)
    out = [base_a.zc_add_u32(&a, 3), base_a.zc_sub_u32(&a, 1), base_a.zc_load_acquire_u32(&a)]
    out += [base_a.zc_cas_u32(&a, 8, 1), base_a.zc_cas_u32(&a, 9, 1), base_a.zc_swap_u32(&a, 2), a]
    out += [base_a.zc_add_u64(&b, 1) == (1 << 40) + 1, base_a.zc_sub_u64(&b, 2) == (1 << 40) + 2]
    out += [base_a.zc_swap_u64(&b, 9) == 1 << 40, base_a.zc_cas_u64(&b, 9, 4), base_a.zc_load_acquire_u64(&b)]
    out += [base_a.zc_cas_ptr(&p, &y, NULL), base_a.zc_cas_ptr(&p, &x, &y), base_a.zc_swap_ptr(&p, NULL) == &y]
    base_a.zc_store_release_ptr(&p, &x)
    base_a.zc_fence()
    out += [base_a.zc_load_acquire_ptr(&p) == &x, base_a.zc_load_relaxed_ptr(&p) == &x]
    return out


# ---- base: descriptors ----

cdef class BaseWake:
    cdef base_p.zc_wake_t wake

    def __cinit__(self):
        cdef int rc = base_p.zc_wake_open(&self.wake)
        if rc < 0:
            raise OSError(-rc, "zc_wake_open")

    def __dealloc__(self):
        base_p.zc_wake_close(&self.wake)

    def fileno(self):
        return self.wake.rfd

    def signal(self):
        base_p.zc_wake_signal(&self.wake)

    def drain(self):
        base_p.zc_wake_drain(&self.wake)


def base_timer_open():
    return base_p.zc_timer_open()


def base_timer_arm(int fd, uint64_t abs_ns):
    return base_p.zc_timer_arm(fd, abs_ns)


def base_readable(int fd):
    cdef base_p.zc_pollfd_t p
    base_p.zc_pollfd_set(&p, fd, base_p.ZC_POLLIN)
    return base_p.zc_poll(&p, 1, 0) > 0 and p.revents & base_p.ZC_POLLIN != 0


def base_close(int fd):
    return base_p.zc_close(fd)


def base_recv(int fd, int n):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, n)
    cdef ptrdiff_t rc
    cdef char *p = PyBytes_AS_STRING(out)
    with nogil:
        rc = base_p.zc_recv(fd, p, n)
    return out[:rc] if rc >= 0 else rc


def base_send(int fd, bytes data):
    return base_p.zc_send(fd, PyBytes_AS_STRING(data), len(data))


def base_sendv(int fd, list parts):
    cdef base_p.zc_iovec_t v[16]
    cdef int i
    assert len(parts) <= 16
    for i in range(len(parts)):
        base_p.zc_iov_set(&v[i], PyBytes_AS_STRING(parts[i]), len(parts[i]))
        assert base_p.zc_iov_len(&v[i]) == <size_t>len(parts[i])
        assert base_p.zc_iov_base(&v[i]) == <void *>PyBytes_AS_STRING(parts[i])
    return base_p.zc_sendv(fd, v, len(parts))


def base_readv(int fd, sizes):
    cdef base_p.zc_iovec_t v[16]
    cdef ptrdiff_t rc
    parts = [PyBytes_FromStringAndSize(NULL, n) for n in sizes]
    assert len(parts) <= 16
    for i, part in enumerate(parts):
        base_p.zc_iov_set(&v[<int>i], PyBytes_AS_STRING(part), len(part))
    rc = base_p.zc_readv(fd, v, len(parts))
    return b"".join(parts)[:rc] if rc >= 0 else rc


def base_vector_length(size_t n):
    """What a vector of that length says its length is."""
    cdef base_p.zc_iovec_t v
    base_p.zc_iov_set(&v, NULL, n)
    return base_p.zc_iov_len(&v)


def base_poll_refused(fds):
    """(answer, what was told of each) for descriptors that wait for output and input."""
    cdef base_p.zc_pollfd_t polled[256]
    cdef int i, rc
    assert len(fds) <= 256
    for i in range(len(fds)):
        base_p.zc_pollfd_set(&polled[i], fds[i], base_p.ZC_POLLIN | base_p.ZC_POLLOUT)
    rc = base_p.zc_poll_refused(polled, len(fds))
    return rc, [polled[i].revents for i in range(len(fds))]


def base_file(bytes path):
    """(whether it is a socket, whether it can be told from others)"""
    return base_p.zc_file_is_socket(path), base_p.zc_file_identity(path) != 0


def base_file_remove(bytes path):
    return base_p.zc_file_remove(path)


def base_directory_remove(bytes path):
    return base_p.zc_directory_remove(path)


def base_private_directory():
    cdef char path[1024]
    cdef int rc = base_p.zc_private_directory(path, sizeof(path))
    return PyBytes_FromStringAndSize(path, rc) if rc >= 0 else rc


def base_unsent(int fd):
    return base_p.zc_unsent(fd)


def base_shutdown_write(int fd):
    return base_p.zc_shutdown_write(fd)


def base_poll_time(int64_t timeout_ns, bint epoll):
    """(answer, nanoseconds) of a wait on nothing."""
    cdef base_p.zc_epoll_event_t e[1]
    cdef uint64_t begun
    cdef int rc, ep = base_p.zc_epoll_create() if epoll else 0
    if ep < 0:
        return ep, 0
    with nogil:
        begun = base_p.zc_now_ns()
        rc = base_p.zc_epoll_wait(ep, e, 1, timeout_ns) if epoll else base_p.zc_poll(NULL, 0, timeout_ns)
        begun = base_p.zc_now_ns() - begun
    if epoll:
        base_p.zc_close(ep)
    return rc, begun


# ---- reactor: poll sets ----

REACTOR_KINDS = {
    "epoll": reactor_ps.POLLSET_EPOLL, "kqueue": reactor_ps.POLLSET_KQUEUE, "poll": reactor_ps.POLLSET_POLL,
    "default": reactor_ps.POLLSET_DEFAULT,
}
REACTOR_IN = reactor_pe.POLL_IN
REACTOR_OUT = reactor_pe.POLL_OUT
REACTOR_ERR = reactor_pe.POLL_ERR
REACTOR_DIRECT = reactor_pe.POLL_DIRECT
REACTOR_BATCH = base_config.POLL_BATCH
REACTOR_PS_SIZE = sizeof(reactor_ps.pollset_t)


cdef class ReactorPollset:
    """Closing is explicit, so that a test can show it; dropping the object closes what is open."""
    cdef reactor_ps.pollset_t ps
    cdef bint open

    def __init__(self, kind="default"):
        cdef int rc = reactor_ps.pollset_init(&self.ps, REACTOR_KINDS.get(kind, kind))
        if rc < 0:
            raise OSError(-rc, "pollset_init")
        self.open = True

    def __dealloc__(self):
        self.close()

    def close(self):
        if self.open:
            self.open = False
            reactor_ps.pollset_close(&self.ps)

    @property
    def kind(self):
        return {v: k for k, v in REACTOR_KINDS.items()}[self.ps.kind]

    def fd(self):
        return reactor_ps.pollset_fd(&self.ps)

    def add(self, int fd, int mask, size_t tag):
        return reactor_ps.pollset_add(&self.ps, fd, mask, <void *>tag)

    def mod(self, int fd, int mask, size_t tag):
        return reactor_ps.pollset_mod(&self.ps, fd, mask, <void *>tag)

    def delete(self, int fd):
        return reactor_ps.pollset_del(&self.ps, fd)

    def wait(self, int64_t timeout_ns=0, int max=64):
        """A sorted list of (tag, mask), or a negative errno."""
        cdef reactor_pe.pollevent_t out[512]
        cdef int i, n
        assert max <= 512
        with nogil:
            n = reactor_ps.pollset_wait(&self.ps, out, max, timeout_ns)
        return sorted([(<size_t>out[i].tag, out[i].mask) for i in range(n)]) if n >= 0 else n

    def child_add(self, ReactorPollset child, size_t tag, bint enabled):
        return reactor_ps.pollset_child_add(&self.ps, &child.ps, <void *>tag, enabled)

    def child_enable(self, ReactorPollset child, size_t tag, bint enabled):
        return reactor_ps.pollset_child_enable(&self.ps, &child.ps, <void *>tag, enabled)

    def child_delete(self, ReactorPollset child):
        return reactor_ps.pollset_child_del(&self.ps, &child.ps)


def reactor_wait_many(sets, extra, int64_t timeout_ns=0):
    """(count, ready flags, revents); extra is a list of (fd, events)."""
    cdef int i, n, nsets = len(sets), nextra = len(extra)
    cdef reactor_ps.pollset_t **list_of = <reactor_ps.pollset_t **>platform_calloc(nsets + 1, sizeof(void *))
    cdef int *ready = <int *>platform_calloc(nsets + 1, sizeof(int))
    cdef base_p.zc_pollfd_t *fds = <base_p.zc_pollfd_t *>platform_calloc(nextra + 1, sizeof(base_p.zc_pollfd_t))
    try:
        for i in range(nsets):
            list_of[i] = &(<ReactorPollset>sets[i]).ps
        for i in range(nextra):
            base_p.zc_pollfd_set(&fds[i], extra[i][0], extra[i][1])
        with nogil:
            n = reactor_ps.pollset_wait_many(list_of, ready, nsets, fds, nextra, timeout_ns)
        return n, [bool(ready[i]) for i in range(nsets)], [fds[i].revents for i in range(nextra)]
    finally:
        platform_free(list_of)
        platform_free(ready)
        platform_free(fds)
