# The mailbox of a socket: inproc pipe ends that have news for it, pushed by any thread (io/wakeup.pxd), taken out under the socket's lock.

from libc.stdint cimport uint32_t
from base.atomics cimport zc_load_relaxed_ptr, zc_swap_ptr, zc_swap_u32
from pipe.pipe cimport pipe_t, ATTENTION_CLOSED, ATTENTION_IN, ATTENTION_OUT
from pattern.pattern cimport pattern_in_ready, pattern_out_ready
from socket.pipes cimport pipe_end
from socket.references cimport link_unref
from socket.state cimport link_t, socket_t
from io.wakeup cimport attention_closed


cdef inline void socket_attend(socket_t *s) noexcept nogil:
    """News from the other ends of inproc pipes."""
    cdef pipe_t *p
    cdef pipe_t *next
    cdef pipe_t *first = NULL
    cdef uint32_t bits
    p = <pipe_t *> zc_load_relaxed_ptr(<void **> &s.attention)
    if p == NULL or p == attention_closed():
        return
    p = <pipe_t *> zc_swap_ptr(<void **> &s.attention, NULL)
    s.news += 1
    # The stack is newest first; turn it round so that nobody is overtaken.
    while p != NULL:
        next = p.attention_next
        p.attention_next = first
        first = p
        p = next
    while first != NULL:
        p = first
        first = p.attention_next
        bits = zc_swap_u32(&p.attention, 0)
        if not p.detached:
            if bits & ATTENTION_IN:
                pattern_in_ready(&s.pattern, p)
            if bits & ATTENTION_OUT:
                pattern_out_ready(&s.pattern, p)
            if bits & ATTENTION_CLOSED:
                pipe_end(s, p)
        link_unref(<link_t *> p.link)
