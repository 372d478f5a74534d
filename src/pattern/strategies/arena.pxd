# arena: memory for the small blocks of a topic tree, named by 32-bit numbers instead of pointers.
#
# Rules
# - A block is named by its unit: chunk number and 8-octet step inside the chunk. 0 names nothing. A name needs half the room of a
#   pointer, and blocks carry no allocator header: together that halves a tree of a million topics.
# - Chunks never move, so a pointer into a block stays good until that block is freed.
# - The caller remembers the size of a block and says it again when it frees it. Freed blocks are reused for the same size.
# - A block too large for a chunk gets a chunk of its own, given back to malloc when freed. Other chunks go back all together in
#   arena_clear(), which the trees call whenever they become empty.
# - A large tree is read at random, and then most of a walk is the processor looking up pages. From ARENA_MANY chunks on they come in slabs of
#   large pages.
# - Used under the lock of the socket that owns the tree.

from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from base.memory cimport malloc, realloc, free, zc_advise_large_pages
from libc.string cimport memset

cdef enum:
    ARENA_SHIFT = 13
    ARENA_CHUNK = 8192          # units of 8 octets: 64 KiB; pages of it that are never used cost no memory
    ARENA_MASK = 8191
    ARENA_LINE = 8              # units of a cache line: a block of that size, as a node of ten children is, lies in one, in slabs
    ARENA_EXACT = 160           # up to this many units every size has its own free list: a 256-way node is 130 units
    ARENA_LARGEST = 4096        # above, half a chunk, a block gets a chunk of its own
    ARENA_LISTS = 166           # 1..160 exact, then 256, 512, 1024, 2048, 4096
    ARENA_CHUNKS_MAX = 262144   # names have 31 bits; the trees need the 32nd
    ARENA_BYTES = 65536         # of a chunk
    ARENA_PAGE = 2097152        # a large page of the common processors
    ARENA_MANY = 128            # chunks, 8 MiB, of which one page more is no great part
    ARENA_SLAB = 64             # chunks, 4 MiB

cdef struct arena_t:
    unsigned char **chunks      # odd = vacant number: 2 * next vacant + 1
    uint32_t count
    uint32_t capacity
    uint32_t vacant             # first vacant chunk number, 0 = none (chunk 0 is never vacant)
    uint32_t top                # next unit never used yet in the open chunk
    uint32_t end                # first unit after the open chunk
    uint64_t held               # octets taken from malloc
    unsigned char *slab         # what is left of the open one
    uint32_t slab_left          # chunks
    unsigned char **slabs       # to be freed; the chunks in them are not
    uint32_t nslabs
    uint32_t lists[ARENA_LISTS]


cdef inline void arena_init(arena_t *a) noexcept nogil:
    memset(a, 0, sizeof(arena_t))


cdef inline void *arena_at(arena_t *a, uint32_t name) noexcept nogil:
    return a.chunks[name >> ARENA_SHIFT] + ((<size_t> (name & ARENA_MASK)) << 3)


cdef inline bint arena_in_slab(const arena_t *a, const unsigned char *chunk) noexcept nogil:
    cdef uint32_t i
    for i in range(a.nslabs):
        if a.slabs[i] <= chunk < a.slabs[i] + ARENA_SLAB * ARENA_BYTES + ARENA_PAGE:
            return True
    return False


cdef inline unsigned char *arena_slab(arena_t *a) noexcept nogil:
    """The next chunk of a slab, or NULL if memory is out: then single ones may still be had."""
    cdef unsigned char *slab
    cdef unsigned char **slabs
    if a.slab_left == 0:
        slabs = <unsigned char **> realloc(a.slabs, (a.nslabs + 1) * sizeof(void *))
        if slabs == NULL:
            return NULL
        a.slabs = slabs
        # More than is used, so that it can begin with a page; what is not used is never touched, and costs addresses only.
        slab = <unsigned char *> malloc(ARENA_SLAB * ARENA_BYTES + ARENA_PAGE)
        if slab == NULL:
            return NULL
        a.slabs[a.nslabs] = slab
        a.nslabs += 1
        a.slab = <unsigned char *> ((<uintptr_t> slab + ARENA_PAGE - 1) & ~<uintptr_t> (ARENA_PAGE - 1))
        a.slab_left = ARENA_SLAB
        zc_advise_large_pages(a.slab, ARENA_SLAB * ARENA_BYTES)
    slab = a.slab
    a.slab += ARENA_BYTES
    a.slab_left -= 1
    return slab


cdef inline void arena_clear(arena_t *a) noexcept nogil:
    """Everything goes; the arena can be used again."""
    cdef uint32_t i
    for i in range(a.count):
        if (<uintptr_t> a.chunks[i] & 1) == 0 and not arena_in_slab(a, a.chunks[i]):
            free(a.chunks[i])
    for i in range(a.nslabs):
        free(a.slabs[i])
    free(a.slabs)
    free(a.chunks)
    arena_init(a)


cdef inline uint32_t arena_list(uint32_t *units) noexcept nogil:
    """The free list for a size; rounds the size up to what the list holds."""
    cdef uint32_t size = 256
    cdef uint32_t list = ARENA_EXACT + 1
    if units[0] <= ARENA_EXACT:
        return units[0]
    while size < units[0]:
        size *= 2
        list += 1
    units[0] = size
    return list


cdef inline int arena_chunk(arena_t *a, uint32_t units, bint alone) noexcept nogil:
    """The number of a new chunk, or -1 if memory is out. alone: it is one block, whatever its size, and arena_free() frees it."""
    cdef uint32_t number = a.vacant
    cdef uint32_t capacity
    cdef unsigned char **chunks
    cdef unsigned char *chunk = NULL
    if number == 0 and a.count == a.capacity:
        capacity = a.capacity * 2 if a.capacity else 4
        if capacity > ARENA_CHUNKS_MAX:
            return -1
        chunks = <unsigned char **> realloc(a.chunks, capacity * sizeof(void *))
        if chunks == NULL:
            return -1
        a.chunks = chunks
        a.capacity = capacity
    if a.count >= ARENA_MANY and not alone:
        chunk = arena_slab(a)
    if chunk == NULL:
        chunk = <unsigned char *> malloc((<size_t> units) << 3)
    if chunk == NULL:
        return -1
    a.held += (<uint64_t> units) << 3
    if number:
        a.vacant = <uint32_t> (<uintptr_t> a.chunks[number] >> 1)
    else:
        number = a.count
        a.count += 1
    a.chunks[number] = chunk
    return <int> number


cdef inline void arena_free(arena_t *a, uint32_t name, uint32_t units) noexcept nogil:
    cdef uint32_t list
    if units > ARENA_LARGEST:
        free(a.chunks[name >> ARENA_SHIFT])
        a.held -= (<uint64_t> units) << 3
        a.chunks[name >> ARENA_SHIFT] = <unsigned char *> ((<uintptr_t> a.vacant << 1) | 1)
        a.vacant = name >> ARENA_SHIFT
        return
    list = arena_list(&units)
    (<uint32_t *> arena_at(a, name))[0] = a.lists[list]
    a.lists[list] = name


cdef inline uint32_t arena_take(arena_t *a, uint32_t units) noexcept nogil:
    """The name of a block of undefined content, or 0 if memory is out."""
    cdef uint32_t list, name
    cdef int number
    if a.count == 0 and units > ARENA_LARGEST:
        # Chunk 0 must be an ordinary one: its unit 0 is the name of nothing.
        name = arena_take_small(a, 1, 1)
        if name == 0:
            return 0
        arena_free(a, name, 1)
    if units > ARENA_LARGEST:
        number = arena_chunk(a, units, True)
        return 0 if number < 0 else <uint32_t> number << ARENA_SHIFT
    list = arena_list(&units)
    name = a.lists[list]
    if name:
        a.lists[list] = (<uint32_t *> arena_at(a, name))[0]
        return name
    return arena_take_small(a, units, list)


cdef inline uint32_t arena_take_small(arena_t *a, uint32_t units, uint32_t list) noexcept nogil:
    """From the open chunk."""
    cdef uint32_t name, piece
    cdef int number
    if a.end - a.top < units:
        number = arena_chunk(a, ARENA_CHUNK, False)
        if number < 0:
            return 0
        # What is left of the old chunk serves small blocks.
        while a.top != a.end:
            piece = a.end - a.top
            if piece > ARENA_EXACT:
                piece = ARENA_EXACT
            arena_free(a, a.top, piece)
            a.top += piece
        a.top = <uint32_t> number << ARENA_SHIFT
        a.end = a.top + ARENA_CHUNK
        if number == 0:
            a.top = 1
    if units == ARENA_LINE and a.top & (ARENA_LINE - 1) and a.end - a.top >= 2 * ARENA_LINE:
        piece = ARENA_LINE - (a.top & (ARENA_LINE - 1))
        arena_free(a, a.top, piece)
        a.top += piece
    name = a.top
    a.top += units
    return name
