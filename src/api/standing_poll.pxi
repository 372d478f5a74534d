# Polling the same sockets again and again, in time that grows with what is ready and not with how many there are.
#
# Rules
# - One poll set over the descriptors that the sockets export (option FD). They are level-triggered, so it tells which sockets have something to
#   receive, whoever has taken it in; only those are asked. Whether one can be sent to they do not tell: who wants that is asked each time.
# - Nothing else is different: results, their order and errors are those of zmq_poll(). What cannot be done this way is left to it: a list that has
#   changed lately, members that do not wait for input, other objects than sockets and numbers, a system without epoll, a second thread meanwhile.
# - The descriptor of a socket that is closed leaves the poll set in silence. So close() wakes every poll that sleeps, which looks at its members
#   again: `roused` is set after the socket has been marked as closed, and taken back before the members are looked at.
# - The socket of a list that is no longer polled goes on exporting its descriptor. That costs its calls some nanoseconds, and while a message waits
#   that nobody receives the I/O thread is woken for it now and then (LEASE_DOUBLINGS), as for a socket of an event loop.

from cpython.list cimport PyList_GET_ITEM
from libc.string cimport memchr
from base.atomics cimport zc_cas_u32, zc_load_acquire_u32, zc_load_relaxed_u32, zc_store_release_u32, zc_swap_u32
from base.platform cimport zc_poll, zc_wake_close, zc_wake_drain, zc_wake_open, zc_wake_signal, zc_wake_t
from reactor.pollset cimport pollset_add, pollset_close, pollset_fd, pollset_init, pollset_wait, POLLSET_EPOLL
from reactor.pollset_event cimport POLL_IN, pollevent_t
from base.config cimport POLL_BATCH


cdef inline bint same_members(list one, list other) noexcept:
    cdef Py_ssize_t i
    if other is None or len(one) != len(other):
        return False
    for i in range(len(one)):
        if PyList_GET_ITEM(one, i) is not PyList_GET_ITEM(other, i):
            return False
    return True


cdef inline int export_locked(socket_t *s) noexcept nogil:
    cdef int rc = socket_enter(s)
    return socket_export_fd(s) if rc == 0 else rc


# StandingPolls that sleep, or are about to.
cdef set _asleep = set()


cdef void polls_rouse() noexcept:
    """A socket has been closed."""
    if _asleep:
        for poll in list(_asleep):
            (<StandingPoll> poll).rouse()


cdef int exported_fd(Socket sock) except -1:
    cdef socket_t *s = sock.s
    cdef int fd
    sock.check()
    with nogil:
        zc_lock_acquire(&s.lock)
        fd = export_locked(s)
        leave_socket(s)
    if fd < 0:
        raise_errno(fd)
    return fd


@cython.final
cdef class StandingPoll:
    """What a Poller of many sockets keeps from one poll to the next.

    Args:
        patience (int): so many polls in a row of the same list are left to `zmq_poll`.
    """

    cdef pollset_t set
    cdef bint made
    cdef uint32_t busy              # atomic: a thread is inside
    cdef uint32_t roused            # atomic: the wake-up has been signalled
    cdef bint has_wake
    cdef zc_wake_t wake             # a member of the poll set, the place behind the others
    cdef int patience
    cdef int polls                  # of the same list, up to patience; -1: it is none for this
    cdef list items                 # as polled last
    cdef list entries               # (Socket, wanted, -1) or (None, wanted, descriptor)
    cdef list socks
    cdef list eager                 # places of those that are always asked
    cdef int nfds
    cdef zc_pollfd_t *fds           # of the descriptors; the poll set is the last

    def __init__(self, int patience):
        self.patience = patience

    def __dealloc__(self):
        self.clear()
        if self.has_wake:
            zc_wake_close(&self.wake)       # not before: who rouses may be at it without the GIL

    cdef void clear(self) noexcept:
        if self.made:
            pollset_close(&self.set)
        PyMem_Free(self.fds)
        self.fds = NULL
        self.made = False

    cdef void rouse(self) noexcept:
        # In a forked child it is the parent's that sleeps: it shares the wake-up, but not `roused`.
        if self.set.generation == zc_fork_generation() and zc_swap_u32(&self.roused, 1) == 0:
            zc_wake_signal(&self.wake)

    def poll(self, list items not None, timeout):
        """`zmq_poll`."""
        if zc_cas_u32(&self.busy, 0, 1):
            try:
                if self.stands(list(items)):
                    return self.wait(milliseconds_of(timeout))
            finally:
                zc_store_release_u32(&self.busy, 0)
        return zmq_poll(items, timeout)

    cdef bint stands(self, list items) except -1:
        """Whether these can be polled now."""
        if not same_members(items, self.items):
            self.clear()
            self.items = items
            self.entries = self.socks = None
            self.polls = 0
        if self.made or self.polls < 0:
            return self.made
        self.polls += 1
        if self.polls <= self.patience:
            return False
        self.polls = -1
        if self.suits():
            self.make()
        return self.made

    cdef bint suits(self) except -1:
        self.eager = []
        for item, flag in self.items:
            if not isinstance(flag, int):
                return False
            if isinstance(item, Socket):
                if flag & ~(ZMQ_POLLIN | ZMQ_POLLOUT) or not flag & ZMQ_POLLIN or (<Socket> item)._closed:
                    return False
            elif not isinstance(item, int):
                return False
        return True

    cdef int make(self) except -1:
        cdef int place
        cdef int rc = pollset_init(&self.set, POLLSET_EPOLL)
        if rc < 0:
            return 0
        self.made = True
        self.socks = []
        try:
            if not self.has_wake:
                rc = zc_wake_open(&self.wake)
                if rc < 0:
                    raise_errno(rc)
                self.has_wake = True
            self.entries = poll_entries(self.items, self.socks, [])
            rc = pollset_add(&self.set, self.wake.rfd, POLL_IN, <void *> <uintptr_t> len(self.entries))
            if rc < 0:
                raise_errno(rc)
            for place, (sock, wanted, _) in enumerate(self.entries):
                if sock is None:
                    continue
                if wanted & ZMQ_POLLOUT:
                    self.eager.append(place)
                rc = pollset_add(&self.set, exported_fd(sock), POLL_IN, <void *> <uintptr_t> place)
                if rc < 0:
                    raise_errno(rc)
            self.nfds = len(self.entries) - len(self.socks)
            self.fds = <zc_pollfd_t *> PyMem_Malloc((self.nfds + 1) * sizeof(zc_pollfd_t))
            if self.fds == NULL:
                raise MemoryError
            pollfd_fill(self.fds, self.entries)
            zc_pollfd_set(&self.fds[self.nfds], pollset_fd(&self.set), ZC_POLLIN)
        except Exception:
            self.clear()            # zmq_poll() needs less, or tells what is wrong
        return 0

    cdef int collect(self, unsigned char *marks) except -1:
        """Marks all members that may be ready. A full batch is followed by another look, which begins where that one ended."""
        cdef pollevent_t events[POLL_BATCH]
        cdef int i
        cdef int n = POLL_BATCH
        cdef bint news = True
        while n == POLL_BATCH and news:
            n = pollset_wait(&self.set, events, POLL_BATCH, 0)
            if n < 0 and n != -EINTR:
                raise_errno(n)
            news = False
            for i in range(n):
                news = news or not marks[<uintptr_t> events[i].tag]
                marks[<uintptr_t> events[i].tag] = 1
        return 0

    cdef list ready(self, unsigned char *marks, zc_pollfd_t *fds):
        """Those of the marked ones that are, and descriptors."""
        cdef list results = []
        cdef unsigned char *at
        cdef int count = len(self.entries)
        cdef int place = 0
        cdef int fd_place = 0
        cdef int events
        while place < count:
            at = <unsigned char *> memchr(marks + place, 1, count - place)
            if at == NULL:
                break
            place = <int> (at - marks)
            sock, wanted, fd = self.entries[place]
            if sock is None:
                events = pollfd_events(fds[fd_place].revents, wanted)
                fd_place += 1
            else:
                events = poll_socket(sock, wanted)
            if events:
                results.append((fd if sock is None else sock, events))
            place += 1
        return results

    cdef list look(self, unsigned char *marks, zc_pollfd_t *fds):
        cdef int place
        cdef int rc
        if zc_load_acquire_u32(&self.roused):
            zc_wake_drain(&self.wake)
            zc_swap_u32(&self.roused, 0)
        for sock in self.socks:
            (<Socket> sock).check()
            if zc_load_relaxed_u32(&(<Socket> sock).s.state) != SOCKET_OPEN:
                raise_errno(-ENOTSOCK)      # by way of another object for the same socket
        memset(marks, 0, len(self.entries) + 1)
        for place in self.eager:
            marks[place] = 1
        if self.nfds:
            with nogil:
                rc = zc_poll(fds, self.nfds, 0)
            if rc < 0:
                if rc != -EINTR:
                    raise_errno(rc)
                for place in range(self.nfds):
                    fds[place].revents = 0
            for place in range(<int> len(self.entries)):
                if self.entries[place][0] is None:
                    marks[place] = 1
        self.collect(marks)
        return self.ready(marks, fds)

    cdef list wait(self, int64_t ms):
        cdef unsigned char *marks = <unsigned char *> PyMem_Malloc(len(self.entries) + 1)
        cdef zc_pollfd_t *fds = <zc_pollfd_t *> PyMem_Malloc((self.nfds + 1) * sizeof(zc_pollfd_t))
        cdef list results
        cdef uint64_t until = socket_until(ms)
        cdef uint64_t now
        cdef uint64_t at
        cdef int waits = 0
        try:
            if marks == NULL or fds == NULL:
                raise MemoryError
            if ms != 0:
                _asleep.add(self)       # before the first look: nothing that is closed after it is overlooked
            memcpy(fds, self.fds, (self.nfds + 1) * sizeof(zc_pollfd_t))
            while True:
                results = self.look(marks, fds)
                now = zc_now_ns()
                if results or ms == 0 or (waits and until <= now):
                    return results
                at = until
                if waits < 2:
                    at = min(until, now + (SIGNAL_CHECK_LATER_NS if waits else SIGNAL_CHECK_NS))
                waits += 1
                with nogil:
                    zc_poll(fds, self.nfds + 1, -1 if at == UINT64_MAX else (<int64_t> (at - now) if at > now else 0))
                    zc_gil_await()
                PyErr_CheckSignals()
        finally:
            _asleep.discard(self)
            PyMem_Free(marks)
            PyMem_Free(fds)
