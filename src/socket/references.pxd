# Who keeps a socket and an inproc pipe pair alive: counted references, see the heads of socket/state.pxd and the structs.

from base.atomics cimport zc_sub_u32
from base.memory cimport free
from base.platform cimport zc_lock_destroy, zc_wake_close
from pipe.ring cimport ring_free
from reactor.pollset cimport pollset_close
from socket.state cimport inproc_pair_t, socket_t


cdef inline void socket_unref(socket_t *s) noexcept nogil:
    if zc_sub_u32(&s.refs, 1) == 1:
        if s.set_open:
            pollset_close(&s.set)
            zc_wake_close(&s.wake)
        zc_lock_destroy(&s.lock)
        free(s)


cdef inline void inproc_pair_unref(inproc_pair_t *link) noexcept nogil:
    """References: two ends, and every time an end stands in a mailbox."""
    cdef int i
    cdef socket_t *owner
    if zc_sub_u32(&link.refs, 1) != 1:
        return
    for i in range(2):
        ring_free(&link.rings[i])
        free(link.ends[i].peer_id)
        free(link.ends[i].routing_id)
    for i in range(2):
        owner = <socket_t *> link.ends[i].socket
        if owner != NULL:
            socket_unref(owner)
    free(link.name)
    free(link.memory)
