# Memory that a socket keeps to be used again: how much that is, and giving it back. Lock held.
#
# Rules
# - It consists of empty segments of rings, read and write buffers that no connection uses, lists of sessions that a burst has made long, and
#   objects for large frames. When to give it back is for io/rest.pxd to say.
# - The rings between two sockets of a process are left as they are: at most two segments each, and the other side may be at work on them.
# - Blocks of large frames (message/large_blocks.h) are the process's: any socket that rests gives them back, and whoever is at work takes new ones.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_cas_ptr, zc_load_relaxed_ptr, zc_swap_ptr
from base.config cimport RX_KEPT
from base.memory cimport free
from message.buffer cimport pool_bytes, pool_clear
from message.message cimport MSG_EMPTY, msg_close, zc_decref_push, zc_large_trim
from pipe.pipe cimport pipe_t
from pipe.ring_trim cimport ring_idle_bytes, ring_trim
from session.session cimport session_t
from session.unsent cimport msg_list_free
from socket.state cimport socket_t

# How many bytes an object takes that nobody but the caller holds, else 0.
ctypedef size_t (*idle_object_t)(void *object) noexcept nogil


cdef inline void spares_drop(socket_t *s) noexcept nogil:
    """Objects laid ready, or kept to be used again, for large frames."""
    cdef void *object
    cdef int i
    for i in range(2):
        msg_close(&s.host.spares[i])
    for i in range(RX_KEPT):
        if zc_load_relaxed_ptr(&s.host.kept[i]) == NULL:
            continue
        object = zc_swap_ptr(&s.host.kept[i], NULL)
        if object != NULL:
            zc_decref_push(object)


cdef inline uint64_t spares_bytes(socket_t *s, idle_object_t idle) noexcept nogil:
    cdef uint64_t n = 0
    cdef void *object
    cdef int i
    for i in range(2):
        if s.host.spares[i].kind != MSG_EMPTY:
            n += s.host.spares[i].size
    for i in range(RX_KEPT):
        if zc_load_relaxed_ptr(&s.host.kept[i]) == NULL:
            continue
        object = zc_swap_ptr(&s.host.kept[i], NULL)
        if object == NULL:
            continue
        n += idle(object)
        if not zc_cas_ptr(&s.host.kept[i], NULL, object):
            zc_decref_push(object)
    return n


cdef inline void session_trim(session_t *x) noexcept nogil:
    """Lists with something in them stay."""
    if x.nrefs == 0:
        free(x.refs)
        x.refs = NULL
        x.ref_room = 0
    if x.kept.count == 0:
        msg_list_free(&x.kept)
    if x.held.count == 0:
        msg_list_free(&x.held)


cdef inline void recycled_drop(socket_t *s) noexcept nogil:
    cdef uint32_t i
    cdef pipe_t *p
    spares_drop(s)
    zc_large_trim()
    pool_clear(&s.host.rx_pool)
    pool_clear(&s.host.tx_pool)
    for i in range(s.npipes):
        p = s.pipes[i]
        if p.link == NULL:
            ring_trim(p.inr)
            ring_trim(p.outr)
    for i in range(s.nsessions):
        session_trim(s.sessions[i])


cdef inline uint64_t recycled_bytes(socket_t *s, idle_object_t idle) noexcept nogil:
    """How much recycled_drop() would give back, but for what is the process's."""
    cdef uint64_t n = spares_bytes(s, idle) + pool_bytes(&s.host.rx_pool) + pool_bytes(&s.host.tx_pool)
    cdef uint32_t i
    cdef pipe_t *p
    for i in range(s.npipes):
        p = s.pipes[i]
        if p.link == NULL:
            n += ring_idle_bytes(p.inr) + ring_idle_bytes(p.outr)
    return n
