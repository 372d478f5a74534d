# buffer_t: a pooled block of octets that connections read into, and the pool a socket keeps of them.
#
# A receive chunk is shared: the connection that reads into it holds one reference, every MSG_VIEW frame cut from it one more. It is
# filled front to back and never rewritten while a view exists. When only the connection's reference is left it starts over.
# The pool belongs to one socket and is used under its lock; views may be closed by any thread (atomic count).

from libc.stdint cimport uint32_t, uint64_t
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


cdef inline buffer_t *buffer_new(size_t size) noexcept nogil:
    """With one reference, or NULL."""
    cdef buffer_t *b
    if size > <size_t> 0xffffffff:
        return NULL             # it counts in 32 bits
    b = <buffer_t *> malloc(sizeof(buffer_t) + size)
    if b != NULL:
        b.refs = 1
        b.size = <uint32_t> size
        b.next = NULL
        b.data = <unsigned char *> (b + 1)
    return b


cdef inline buffer_t *pool_take(pool_t *p) noexcept nogil:
    """A buffer with one reference, or NULL."""
    cdef buffer_t *b = p.spares
    if b == NULL:
        return buffer_new(p.size)
    p.spares = b.next
    p.count -= 1
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


cdef inline uint64_t pool_bytes(pool_t *p) noexcept nogil:
    """Of its spare buffers."""
    return <uint64_t> p.count * (sizeof(buffer_t) + p.size)


cdef inline void pool_clear(pool_t *p) noexcept nogil:
    """Gives the spare buffers back to malloc."""
    cdef buffer_t *b = p.spares
    cdef buffer_t *n
    while b != NULL:
        n = b.next
        free(b)
        b = n
    p.spares = NULL
    p.count = 0
