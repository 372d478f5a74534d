# routing_table: routing id -> pipe, for ROUTER. Open addressing; the id itself lives in the pipe.
#
# Rules
# - Ids come from peers, so the hash has a secret seed.
# - Removal moves the followers back; there are no grave markers.

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport calloc, free
from libc.string cimport memcpy, memcmp
from base.errors cimport ENOMEM
from pipe.pipe cimport pipe_t

cdef struct route_t:
    pipe_t *pipe                # NULL = free
    uint32_t hash
    uint32_t unused

cdef struct routing_table_t:
    route_t *routes
    uint32_t mask
    uint32_t count
    uint64_t seed


cdef inline void routes_init(routing_table_t *t, uint64_t seed) noexcept nogil:
    t.routes = NULL
    t.mask = 0
    t.count = 0
    t.seed = seed


cdef inline uint32_t routes_hash(routing_table_t *t, const unsigned char *id, size_t size) noexcept nogil:
    cdef uint64_t h = t.seed ^ size
    cdef uint64_t word
    # An odd constant without pattern (the golden ratio) spreads each word over the high half; the shift brings that down again.
    while size >= 8:
        memcpy(&word, id, 8)
        h = (h ^ word) * <uint64_t> 0x9e3779b97f4a7c15
        h ^= h >> 32
        id += 8
        size -= 8
    word = 0
    while size:
        word = word << 8 | id[0]
        id += 1
        size -= 1
    h = (h ^ word) * <uint64_t> 0x9e3779b97f4a7c15
    return <uint32_t> (h ^ h >> 32)


cdef inline pipe_t *routes_find(routing_table_t *t, const unsigned char *id, size_t size) noexcept nogil:
    cdef uint32_t hash, i
    cdef route_t *r
    if t.count == 0:
        return NULL
    hash = routes_hash(t, id, size)
    i = hash & t.mask
    while True:
        r = &t.routes[i]
        if r.pipe == NULL:
            return NULL
        if r.hash == hash and r.pipe.routing_id_size == size and memcmp(r.pipe.routing_id, id, size) == 0:
            return r.pipe
        i = (i + 1) & t.mask


cdef inline void routes_place(routing_table_t *t, pipe_t *p, uint32_t hash) noexcept nogil:
    cdef uint32_t i = hash & t.mask
    while t.routes[i].pipe != NULL:
        i = (i + 1) & t.mask
    t.routes[i].pipe = p
    t.routes[i].hash = hash


cdef inline int routes_add(routing_table_t *t, pipe_t *p) noexcept nogil:
    """p.routing_id is not in the table. 0 or -ENOMEM."""
    cdef uint32_t i, size
    cdef route_t *old = t.routes
    cdef route_t *routes
    if old == NULL or t.count * 4 >= (t.mask + 1) * 3:
        size = (t.mask + 1) * 2 if old != NULL else 8
        routes = <route_t *> calloc(size, sizeof(route_t))
        if routes == NULL:
            return -ENOMEM
        t.routes = routes
        if old != NULL:
            i = t.mask + 1
            t.mask = size - 1
            while i:
                i -= 1
                if old[i].pipe != NULL:
                    routes_place(t, old[i].pipe, old[i].hash)
            free(old)
        t.mask = size - 1
    routes_place(t, p, routes_hash(t, p.routing_id, p.routing_id_size))
    t.count += 1
    return 0


cdef inline void routes_remove(routing_table_t *t, pipe_t *p) noexcept nogil:
    """p is in the table."""
    cdef uint32_t hole = routes_hash(t, p.routing_id, p.routing_id_size) & t.mask
    cdef uint32_t i, home
    while t.routes[hole].pipe != p:
        hole = (hole + 1) & t.mask
    i = hole
    while True:
        i = (i + 1) & t.mask
        if t.routes[i].pipe == NULL:
            break
        home = t.routes[i].hash & t.mask
        # May the one at i move to the hole, that is, does its home not lie between the two?
        if ((i - home) & t.mask) >= ((i - hole) & t.mask):
            t.routes[hole] = t.routes[i]
            hole = i
    t.routes[hole].pipe = NULL
    t.count -= 1
    if t.count == 0:
        free(t.routes)
        t.routes = NULL
        t.mask = 0


cdef inline void routes_free(routing_table_t *t) noexcept nogil:
    free(t.routes)
    routes_init(t, t.seed)
