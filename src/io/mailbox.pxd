# The mailbox of a socket: inproc pipe ends that have news for it, pushed by any thread (io/wakeup.pxd), taken out under the socket's lock.

from libc.stdint cimport uint32_t
from base.atomics cimport zc_load_relaxed_ptr, zc_swap_ptr, zc_swap_u32
from pipe.pipe cimport pipe_t, MAIL_CLOSED, MAIL_IN, MAIL_OUT
from pattern.pattern cimport pattern_in_ready, pattern_out_ready
from socket.pipes cimport pipe_end
from socket.references cimport inproc_pair_unref
from socket.state cimport inproc_pair_t, socket_t
from io.wakeup cimport mailbox_closed


cdef inline void mailbox_drain(socket_t *s) noexcept nogil:
    """News from the other ends of inproc pipes."""
    cdef pipe_t *p
    cdef pipe_t *next
    cdef pipe_t *first = NULL
    cdef uint32_t bits
    p = <pipe_t *> zc_load_relaxed_ptr(<void **> &s.mailbox)
    if p == NULL or p == mailbox_closed():
        return
    p = <pipe_t *> zc_swap_ptr(<void **> &s.mailbox, NULL)
    s.progress += 1
    # The stack is newest first; turn it round so that nobody is overtaken.
    while p != NULL:
        next = p.mailbox_next
        p.mailbox_next = first
        first = p
        p = next
    while first != NULL:
        p = first
        first = p.mailbox_next
        bits = zc_swap_u32(&p.mail, 0)
        if not p.detached:
            if bits & MAIL_IN:
                pattern_in_ready(&s.pattern, p)
            if bits & MAIL_OUT:
                pattern_out_ready(&s.pattern, p)
            if bits & MAIL_CLOSED:
                pipe_end(s, p)
        inproc_pair_unref(<inproc_pair_t *> p.link)
