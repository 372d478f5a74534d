# What a message of several frames may be altogether.

from libc.stdint cimport uint64_t
from base.errors cimport EMSGSIZE
from engine.ops cimport ENGINE_DATAGRAMS
from session.session cimport session_t


cdef inline int receive_account(session_t *s, uint64_t size, bint inside) noexcept nogil:
    """One frame of a message of several; `inside`: not its first. 0 or -EMSGSIZE."""
    if not inside:
        s.message_frames = 0
        s.message_bytes = 0
    s.message_frames += 1
    s.message_bytes += size
    if s.message_frames > s.terms.message_frames_max or s.message_bytes > s.terms.message_bytes_max:
        return 0 if s.engine.traits & ENGINE_DATAGRAMS else -EMSGSIZE
    return 0
