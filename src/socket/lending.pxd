# Memory that a socket lends to the application, to be filled and sent.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from base.errors cimport EINVAL
from base.platform cimport zc_shared_there
from message.message cimport msg_alloc, msg_t
from shared.segment cimport segment_alloc, segment_in_use, segment_msg, segment_new, slot_t
from socket.state cimport socket_t


cdef inline int socket_lend(socket_t *s, size_t size, msg_t *out) noexcept nogil:
    """A message of that size whose content is undefined: a block of the memory shared with peers, if there is room, or memory of ours. 0,
    -EINVAL or -ENOMEM. Lock held."""
    cdef slot_t *t = NULL
    if size > <size_t> 0x7fffffffffffff00:
        return -EINVAL
    if s.opt.shared_memory and zc_shared_there():
        if s.host.segment == NULL:
            segment_new(<size_t> s.opt.shared_memory, &s.host.segment)
        if s.host.segment != NULL:
            t = segment_alloc(s.host.segment, size)
    if t == NULL:
        return msg_alloc(out, size)
    segment_msg(t, size, out)
    return 0


cdef inline uint64_t socket_lent(socket_t *s) noexcept nogil:
    """Blocks of shared memory in use: lent, on their way, or with a peer. Lock held."""
    return segment_in_use(s.host.segment) if s.host.segment != NULL else 0
