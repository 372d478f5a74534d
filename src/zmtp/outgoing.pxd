# What waits to be sent while a connection begins: octets behind octets, taken from the front.
#
# Rules:
# - size - taken octets wait, from octets + taken on. Whoever sends tells outgoing_took().
# - Room grows with what is said. It is the owner's to free.
# - A password may be among it: nothing of it stays behind.

from base.memory cimport free, malloc
from libc.string cimport memcpy

from base.errors cimport ENOMEM
from base.secret cimport zc_wipe


cdef struct outgoing_t:
    unsigned char *octets
    size_t size
    size_t taken
    size_t capacity


cdef inline unsigned char *outgoing_room(outgoing_t *o, size_t n) noexcept nogil:
    """Make room for n octets behind what waits; NULL without memory. `size` is left to the caller."""
    cdef unsigned char *grown
    cdef size_t capacity
    if o.size + n > o.capacity:
        capacity = 2 * (o.size + n)
        grown = <unsigned char *> malloc(capacity)
        if grown == NULL:
            return NULL
        if o.size:
            memcpy(grown, o.octets, o.size)
        zc_wipe(o.octets, o.capacity)
        free(o.octets)
        o.octets = grown
        o.capacity = capacity
    return o.octets + o.size


cdef inline int outgoing_say(outgoing_t *o, const void *p, size_t n) noexcept nogil:
    """0 or -ENOMEM."""
    cdef unsigned char *to = outgoing_room(o, n)
    if to == NULL:
        return -ENOMEM
    if n:
        memcpy(to, p, n)
    o.size += n
    return 0


cdef inline size_t outgoing_waits(const outgoing_t *o) noexcept nogil:
    return o.size - o.taken


cdef inline const unsigned char *outgoing_front(const outgoing_t *o) noexcept nogil:
    """What waits; NULL if nothing was ever said."""
    return NULL if o.octets == NULL else o.octets + o.taken


cdef inline void outgoing_took(outgoing_t *o, size_t n) noexcept nogil:
    """The owner has sent n octets."""
    o.taken += n
    if o.taken >= o.size:
        zc_wipe(o.octets, o.size)
        o.size = 0
        o.taken = 0


cdef inline void outgoing_free(outgoing_t *o) noexcept nogil:
    """May be called again."""
    zc_wipe(o.octets, o.capacity)
    free(o.octets)
    o.octets = NULL
    o.size = o.taken = o.capacity = 0
