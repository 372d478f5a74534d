# buffer_t: a pooled block of octets that connections read into, and the pool a socket keeps of them.
#
# A receive chunk is shared: the connection that reads into it holds one reference, every MSG_VIEW frame cut from it one more. It is
# filled front to back and never rewritten while a view exists. When only the connection's reference is left it starts over.
# The pool belongs to one socket and is used under its lock; views may be closed by any thread (atomic count).

from libc.stdint cimport uint32_t
from base.memory cimport malloc, free
from base.atomics cimport zc_load_acquire_u32, zc_sub_u32
from base.config cimport POOL_SPARES
from message.message cimport buffer_t

cdef struct pool_t:
    buffer_t *spares
    uint32_t count
    uint32_t size               # of each buffer


cdef inline void pool_init(pool_t *p, uint32_t size) noexcept nogil:
    p.spares = NULL
    p.count = 0
    p.size = size


cdef inline buffer_t *pool_take(pool_t *p) noexcept nogil:
    """A buffer with one reference, or NULL."""
    cdef buffer_t *b = p.spares
    if b != NULL:
        p.spares = b.next
        p.count -= 1
    else:
        b = <buffer_t *> malloc(sizeof(buffer_t) + p.size)
        if b == NULL:
            return NULL
        b.size = p.size
        b.data = <unsigned char *> (b + 1)
    b.refs = 1
    b.next = NULL
    return b


cdef inline bint buffer_alone(buffer_t *b) noexcept nogil:
    """No view exists. Acquire: the reads of a view's last user come before our next write."""
    return zc_load_acquire_u32(&b.refs) == 1


cdef inline void pool_give(pool_t *p, buffer_t *b) noexcept nogil:
    """Lets the caller's reference go; the last one out keeps the buffer warm for the next read, unless it is of another size."""
    if buffer_alone(b):
        if p.count < POOL_SPARES and b.size == p.size:
            b.next = p.spares
            p.spares = b
            p.count += 1
        else:
            free(b)
    elif zc_sub_u32(&b.refs, 1) == 1:
        free(b)


cdef inline void pool_clear(pool_t *p) noexcept nogil:
    cdef buffer_t *b = p.spares
    cdef buffer_t *n
    while b != NULL:
        n = b.next
        free(b)
        b = n
    p.spares = NULL
    p.count = 0
