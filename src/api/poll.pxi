# zmq_poll: several sockets and descriptors at once.

from base.platform cimport (
    zc_now_ns, zc_pollfd_t, zc_pollfd_set, zc_pollfds_error, zc_signals_interrupt, ZC_POLLERR, ZC_POLLHUP, ZC_POLLIN, ZC_POLLNVAL, ZC_POLLOUT, ZC_POLLPRI,
)
from reactor.pollset cimport pollset_t, pollset_wait_many
from base.config cimport SIGNAL_CHECK_LATER_NS, SIGNAL_CHECK_NS
from io.poll cimport poll_item_t, sockets_poll
from io.wait cimport socket_until

cdef enum:
    ZMQ_POLLIN = 1
    ZMQ_POLLOUT = 2
    ZMQ_POLLERR = 4
    ZMQ_POLLPRI = 8


cdef int poll_socket(Socket sock, int wanted) except -1:
    """What of `wanted` is there now."""
    cdef int rc
    sock.check()
    rc = events_of(sock.s)
    if rc < 0:
        raise_errno(rc)
    return rc & wanted


cdef int poll_wait(list socks, list flags, zc_pollfd_t *fds, int nfds, uint64_t until, uint64_t *pause) except -1:
    """sockets_poll(), and the handlers of signals."""
    cdef int n = len(socks)
    cdef int i
    cdef int rc
    cdef poll_item_t *items = <poll_item_t *> PyMem_Malloc((n + 1) * sizeof(poll_item_t))
    cdef pollset_t **sets = <pollset_t **> PyMem_Malloc((n + 1) * sizeof(pollset_t *))
    cdef int *ready = <int *> PyMem_Malloc((n + 1) * sizeof(int))
    if items == NULL or sets == NULL or ready == NULL:
        PyMem_Free(items)
        PyMem_Free(sets)
        PyMem_Free(ready)
        raise MemoryError
    for i in range(n):
        items[i].s = (<Socket> socks[i]).s
        items[i].wanted = flags[i]
    with nogil:
        rc = sockets_poll(items, n, sets, ready, fds, nfds, until, pause)
        zc_gil_await()
    PyMem_Free(items)
    PyMem_Free(sets)
    PyMem_Free(ready)
    PyErr_CheckSignals()
    if rc == -EINTR:
        rc = 0
    if rc < 0:
        raise_errno(rc)
    return rc


cdef int pollfd_events(short mask, int wanted) noexcept:
    """What poll(2) told of a descriptor, of what is wanted. All that is no input and no output is an error: a hang-up, a closed descriptor."""
    cdef int events = 0
    if mask & ZC_POLLIN:
        events |= ZMQ_POLLIN
    if mask & ZC_POLLOUT:
        events |= ZMQ_POLLOUT
    if mask & ZC_POLLPRI:
        events |= ZMQ_POLLPRI
    events &= wanted
    if mask & (ZC_POLLERR | ZC_POLLHUP | ZC_POLLNVAL):
        events |= ZMQ_POLLERR
    return events


cdef list poll_entries(list items, list socks, list flags):
    """(Socket, wanted, -1) or (None, wanted, descriptor) for each item; `socks` and `flags` of the sockets are filled in."""
    cdef list entries = []
    cdef int wanted
    for pair in items:
        if isinstance(pair, _SocketBase):       # which can be iterated: it receives
            raise TypeError(f"zmq_poll() takes pairs of a socket and events, not a socket: {pair!r}")
        item, flag = pair
        wanted = flag
        if isinstance(item, Socket):
            socks.append(item)
            flags.append(wanted)
            entries.append((item, wanted, -1))
            continue
        fd = item
        if not isinstance(fd, int):
            if not hasattr(fd, "fileno"):
                raise TypeError(f"Socket must be a 0MQ socket, an integer fd or have a fileno() method: {item!r}")
            fd = fd.fileno()
        entries.append((None, wanted, int(fd)))
    return entries


cdef int pollfd_fill(zc_pollfd_t *fds, list entries) except -1:
    """The descriptors among the entries, as poll(2) wants them."""
    cdef int i = 0
    cdef int wanted
    cdef short mask
    for sock, wanted, fd in entries:
        if sock is None:
            mask = 0
            if wanted & ZMQ_POLLIN:
                mask |= ZC_POLLIN
            if wanted & ZMQ_POLLOUT:
                mask |= ZC_POLLOUT
            if wanted & ZMQ_POLLPRI:
                mask |= ZC_POLLPRI
            zc_pollfd_set(&fds[i], fd, mask)
            i += 1
    return 0


cdef list poll_results(list entries, zc_pollfd_t *fds, int nfds):
    """What is ready now, without waiting: (Socket or descriptor, events) in the order of the entries."""
    cdef list results = []
    cdef int i = 0
    cdef int events
    cdef int wanted
    cdef int rc
    if nfds:
        with nogil:
            rc = pollset_wait_many(NULL, NULL, 0, fds, nfds, 0)
        if rc > 0 and zc_pollfds_error(fds, nfds) < 0:
            rc = zc_pollfds_error(fds, nfds)
        if rc < 0 and rc != -EINTR:
            raise_errno(rc, "only sockets can be polled on this system, and only open ones" if rc == -ENOTSOCK else None)
        if rc <= 0:
            for i in range(nfds):
                fds[i].revents = 0
    i = 0
    for sock, wanted, fd in entries:
        if sock is None:
            events = pollfd_events(fds[i].revents, wanted)
            i += 1
        else:
            events = poll_socket(sock, wanted)
        if events:
            results.append((fd if sock is None else sock, events))
    return results


cdef int64_t milliseconds_of(timeout) except? -2:
    if timeout is None:
        return -1
    if isinstance(timeout, (str, bytes)):       # int() would read a number in it
        raise TypeError(f"timeout must be a number of milliseconds or None, not {timeout!r}")
    try:
        return int(timeout)
    except (OverflowError, ValueError) as error:
        raise type(error)(f"timeout must be a number of milliseconds or None, not {timeout!r}") from None


def zmq_poll(sockets: Sequence[tuple[Any, int]], timeout: int = -1) -> list[tuple[Any, int]]:
    """Wait until one of several sockets and descriptors is ready. `Poller` is this with a list that stays.

    Args:
        sockets (Sequence[tuple[Socket | int | file, int]]): what to wait for, each with its flags: zmq.POLLIN,
            zmq.POLLOUT, and for descriptors zmq.POLLERR and zmq.POLLPRI. POLLERR of a descriptor (hung up,
            closed) is reported whether it was asked for or not.
        timeout (int): milliseconds; negative waits without limit, but not for an empty list. Default -1.

    Returns:
        list[tuple]: (item, events) of those that are ready, in the order given; empty when the time is over.

    Raises:
        ZMQError (ENOTSOCK): a socket is closed. On Windows also: a descriptor is no socket, or closed.
        ContextTerminated (ETERM): a context is ending.
        TypeError: something that is neither a socket nor a descriptor and has no fileno().

    Source: zmq_poll in the ZeroMQ API.

    Example:
        >>> push.send(b"hello")
        >>> zmq.zmq_poll([(pull, zmq.POLLIN)], 1000) == [(pull, zmq.POLLIN)]
        True
    """
    cdef list socks = []
    cdef list flags = []
    cdef list items
    cdef int64_t ms
    cdef list entries
    cdef list results
    cdef zc_pollfd_t *fds
    cdef int nfds
    cdef int waits = 0
    cdef uint64_t pause = 0
    cdef uint64_t until
    cdef uint64_t now
    cdef uint64_t at
    if isinstance(sockets, _SocketBase):
        raise TypeError(f"zmq_poll() takes a list of pairs of a socket and events, not a socket: {sockets!r}")
    items = list(sockets)
    ms = milliseconds_of(timeout)
    if not items and ms < 0:
        return items
    entries = poll_entries(items, socks, flags)
    nfds = len(entries) - len(socks)
    fds = <zc_pollfd_t *> PyMem_Malloc((nfds + 1) * sizeof(zc_pollfd_t))
    if fds == NULL:
        raise MemoryError
    try:
        until = socket_until(ms)
        pollfd_fill(fds, entries)
        while True:
            results = poll_results(entries, fds, nfds)
            now = zc_now_ns()
            if results or (waits and until <= now) or ms == 0:
                return results
            # As socket_wait(): a signal that came just before is checked for once more.
            at = until
            if waits < 2 or not zc_signals_interrupt():
                at = min(until, now + (SIGNAL_CHECK_LATER_NS if waits else SIGNAL_CHECK_NS))
            poll_wait(socks, flags, fds, nfds, at, &pause)
            waits += 1
    finally:
        PyMem_Free(fds)
