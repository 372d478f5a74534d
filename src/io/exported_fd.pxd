# The FD option: one descriptor for foreign event loops. Lock held.
#
# It is the descriptor of the socket's own poll set, so the loop is woken by the connections themselves. What the poll set cannot know (messages
# already taken in, news from inproc) is shown through the wake-up descriptor in it, which socket_end_call() keeps in step.
# Where a poll set has no descriptor (the poll() back end) the wake-up descriptor alone is exported, and the I/O thread does the reading: the
# application has the lease only while a thread of its waits (io/ownership.pxd), and what the wake-up says is for the event loop (POLL_DIRECT).

from base.atomics cimport zc_add_u32, zc_load_relaxed_u32
from reactor.io_thread cimport LEASE_TAKEN
from reactor.pollset cimport pollset_fd
from socket.state cimport socket_t
from io.end_call cimport socket_end_call
from io.ownership cimport socket_lease
from io.wakeup cimport socket_open_set


cdef inline int socket_export_fd(socket_t *s) noexcept nogil:
    """The descriptor, or a negative errno."""
    cdef int rc = socket_open_set(s)
    if rc < 0:
        return rc
    if not s.fd_exported:
        s.fd_exported = True
        # A watcher counts as a sleeper that never wakes up: news is always signalled.
        zc_add_u32(&s.sleepers, 1)
        if zc_load_relaxed_u32(&s.client.lease) == LEASE_TAKEN:
            socket_lease(s, LEASE_TAKEN)
        socket_end_call(s)
    rc = pollset_fd(&s.set)
    return rc if rc >= 0 else s.wake.rfd
