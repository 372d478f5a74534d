# radix: topics in a tree that branches only where topics differ. Both topic tables are built on it.
#
# Shape
#   entry  one topic: its octets in full and two words for the table that uses the tree
#   node   `depth` = how many octets all topics below have in common; one child per octet that follows; `terminal` = the topic that
#          ends exactly here. A node has two children at least, or one and a terminal.
#   child  0 = none, 2 * name = node, 2 * name + 1 = entry (names: see arena)
#
# Rules
# - Octets between two branchings are not stored in nodes and not looked at on the way down: the entry met in the end holds them all, and
#   they are compared there once. A walk therefore costs one cache miss per branching, not per octet, and is linear in the topic at worst.
# - Nothing recurses and nothing needs a stack, however long topics are.
# - An entry keeps its name and place until it is removed; nodes do not.

from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memcpy, memcmp, memchr, memset
from pattern.strategies.arena cimport arena_t, arena_init, arena_at, arena_clear, arena_free, arena_take

cdef enum:
    RADIX_DIRECT = 256          # capacity of a node whose children are indexed by the octet itself
    RADIX_SEARCHED_MAX = 48     # above, searching costs more than the 1 KiB of a direct node
    RADIX_KEY_MAX = 0x7fffffff

cdef struct entry_t:
    uint32_t size
    uint32_t a                  # free for the table
    uint32_t b                  # free for the table
    unsigned char key[1]        # `size` octets

cdef struct node_t:
    uint32_t depth
    uint32_t terminal           # name of an entry, or 0
    uint16_t count
    uint16_t capacity
    # then, unless direct: unsigned char keys[capacity rounded up to 4]
    # then: uint32_t children[capacity]

cdef struct radix_t:
    arena_t arena
    uint32_t root               # a child
    uint32_t count              # entries

# A walk over all entries that are a prefix of one topic, shortest first. The tree must not change meanwhile.
cdef struct radix_walk_t:
    const unsigned char *key
    uint32_t size
    uint32_t equal              # octets known to be equal
    uint32_t next               # a child


cdef inline void radix_init(radix_t *r) noexcept nogil:
    arena_init(&r.arena)
    r.root = 0
    r.count = 0


cdef inline void radix_clear(radix_t *r) noexcept nogil:
    arena_clear(&r.arena)
    r.root = 0
    r.count = 0


cdef inline entry_t *radix_entry(radix_t *r, uint32_t name) noexcept nogil:
    return <entry_t *> arena_at(&r.arena, name)


cdef inline uint32_t radix_entry_units(uint32_t size) noexcept nogil:
    return (12 + size + 7) >> 3


# ---- nodes

cdef inline unsigned char *node_keys(node_t *n) noexcept nogil:
    return <unsigned char *> (n + 1)


cdef inline uint32_t *node_children(node_t *n) noexcept nogil:
    if n.capacity == RADIX_DIRECT:
        return <uint32_t *> (n + 1)
    return <uint32_t *> (node_keys(n) + ((n.capacity + 3) & ~3))


cdef inline uint32_t node_units(uint32_t capacity) noexcept nogil:
    cdef uint32_t keys = 0 if capacity == RADIX_DIRECT else (capacity + 3) & ~3
    return (<uint32_t> sizeof(node_t) + keys + capacity * 4 + 7) >> 3


cdef inline uint32_t node_capacity(uint32_t count) noexcept nogil:
    """Small steps: most memory of a tree is in nodes of ten or so children."""
    if count <= 16:
        return (count + 1) & ~1
    if count <= RADIX_SEARCHED_MAX:
        return (count + 3) & ~3
    return RADIX_DIRECT


cdef inline uint32_t *node_find(node_t *n, unsigned char octet) noexcept nogil:
    """Where the child for an octet is kept, or NULL."""
    cdef uint32_t *child
    cdef unsigned char *keys
    cdef unsigned char *hit
    if n.capacity == RADIX_DIRECT:
        child = <uint32_t *> (n + 1) + octet
        return child if child[0] else NULL
    keys = node_keys(n)
    hit = <unsigned char *> memchr(keys, octet, n.count)
    if hit == NULL:
        return NULL
    return node_children(n) + (hit - keys)


cdef inline uint32_t node_any(node_t *n) noexcept nogil:
    """Some child (there is one)."""
    cdef uint32_t *children = node_children(n)
    cdef uint32_t i = 0
    while children[i] == 0:
        i += 1
    return children[i]


cdef inline uint32_t node_make(radix_t *r, uint32_t depth, uint32_t count) noexcept nogil:
    """The name of an empty node with room for `count` children, or 0."""
    cdef uint32_t capacity = node_capacity(count)
    cdef uint32_t name = arena_take(&r.arena, node_units(capacity))
    cdef node_t *n
    if name == 0:
        return 0
    n = <node_t *> arena_at(&r.arena, name)
    n.depth = depth
    n.terminal = 0
    n.count = 0
    n.capacity = <uint16_t> capacity
    if capacity == RADIX_DIRECT:
        memset(node_children(n), 0, RADIX_DIRECT * 4)
    return name


cdef inline void node_put(node_t *n, unsigned char octet, uint32_t child) noexcept nogil:
    """There is room."""
    if n.capacity == RADIX_DIRECT:
        node_children(n)[octet] = child
    else:
        node_keys(n)[n.count] = octet
        node_children(n)[n.count] = child
    n.count += 1


cdef inline bint node_resize(radix_t *r, uint32_t *link, uint32_t count) noexcept nogil:
    """Moves the node behind `link` into one with room for `count` children. False if memory is out (nothing changed)."""
    cdef uint32_t name = node_make(r, 0, count)
    cdef node_t *n
    cdef node_t *old
    cdef uint32_t i
    if name == 0:
        return False
    n = <node_t *> arena_at(&r.arena, name)
    old = <node_t *> arena_at(&r.arena, link[0] >> 1)
    n.depth = old.depth
    n.terminal = old.terminal
    if old.capacity == RADIX_DIRECT:
        for i in range(RADIX_DIRECT):
            if node_children(old)[i]:
                node_put(n, <unsigned char> i, node_children(old)[i])
    elif n.capacity == RADIX_DIRECT:
        for i in range(old.count):
            node_put(n, node_keys(old)[i], node_children(old)[i])
    else:
        memcpy(node_keys(n), node_keys(old), old.count)
        memcpy(node_children(n), node_children(old), old.count * 4)
        n.count = old.count
    arena_free(&r.arena, link[0] >> 1, node_units(old.capacity))
    link[0] = name << 1
    return True


# ---- topics

cdef inline uint32_t radix_find(radix_t *r, const unsigned char *key, size_t size) noexcept nogil:
    """The name of the entry with exactly this topic, or 0."""
    cdef uint32_t child = r.root
    cdef uint32_t *link
    cdef node_t *n
    cdef entry_t *e
    while child and not child & 1:
        n = <node_t *> arena_at(&r.arena, child >> 1)
        if n.depth >= size:
            child = n.terminal << 1 | 1 if n.depth == size and n.terminal else 0
            break
        link = node_find(n, key[n.depth])
        child = link[0] if link != NULL else 0
    if child == 0:
        return 0
    e = radix_entry(r, child >> 1)
    if e.size != size or memcmp(e.key, key, size) != 0:
        return 0
    return child >> 1


cdef inline uint32_t radix_nearest(radix_t *r, const unsigned char *key, size_t size, uint32_t *same) noexcept nogil:
    """Some entry that shares as much with the topic as any does, as a child; 0 if there is none. `same`: so many bytes."""
    cdef uint32_t child = r.root
    cdef uint32_t *link
    cdef uint32_t shorter
    cdef node_t *n
    cdef entry_t *e
    same[0] = 0
    if child == 0:
        return 0
    while not child & 1:
        n = <node_t *> arena_at(&r.arena, child >> 1)
        link = node_find(n, key[n.depth]) if n.depth < size else NULL
        if link != NULL:
            child = link[0]
        elif n.terminal:
            child = n.terminal << 1 | 1
        else:
            child = node_any(n)
    e = radix_entry(r, child >> 1)
    shorter = e.size if e.size < size else <uint32_t> size
    while same[0] < shorter and e.key[same[0]] == key[same[0]]:
        same[0] += 1
    return child


cdef inline bint radix_join(
    radix_t *r, uint32_t nearest, uint32_t entry, const unsigned char *key, size_t size, uint32_t same,
) noexcept nogil:
    """Hangs a new entry into the tree where it parts from the nearest one, after `same` bytes. False if memory is out."""
    cdef uint32_t *link = &r.root
    cdef node_t *n = NULL
    cdef entry_t *e
    cdef uint32_t name
    while not link[0] & 1:
        n = <node_t *> arena_at(&r.arena, link[0] >> 1)
        if n.depth >= same:
            break
        link = node_find(n, key[n.depth])
    if not link[0] & 1 and n.depth == same:
        # Joins a branching that is there already.
        if same != size and n.capacity != RADIX_DIRECT and n.count == n.capacity:
            if not node_resize(r, link, n.count + 1):
                return False
            n = <node_t *> arena_at(&r.arena, link[0] >> 1)
    else:
        name = node_make(r, same, 2)
        if name == 0:
            return False
        n = <node_t *> arena_at(&r.arena, name)
        e = radix_entry(r, nearest >> 1)
        if e.size == same:
            # Only an entry can end where the new topic goes on; a node's topics are all longer than what they share.
            n.terminal = link[0] >> 1
        else:
            node_put(n, e.key[same], link[0])
        link[0] = name << 1
    if same == size:
        n.terminal = entry
    else:
        node_put(n, key[same], entry << 1 | 1)
    return True


cdef inline uint32_t radix_put(radix_t *r, const unsigned char *key, size_t size, bint *fresh) noexcept nogil:
    """The name of the entry for a topic, made if need be (then a and b are undefined). 0 if memory is out or the topic too long."""
    cdef uint32_t nearest, entry, same
    cdef entry_t *e
    fresh[0] = False
    if size > RADIX_KEY_MAX:
        return 0
    nearest = radix_nearest(r, key, size, &same)
    if nearest and same == size and radix_entry(r, nearest >> 1).size == size:
        return nearest >> 1
    entry = arena_take(&r.arena, radix_entry_units(<uint32_t> size))
    if entry == 0:
        return 0
    if nearest == 0:
        r.root = entry << 1 | 1
    elif not radix_join(r, nearest, entry, key, size, same):
        arena_free(&r.arena, entry, radix_entry_units(<uint32_t> size))
        return 0
    e = radix_entry(r, entry)
    e.size = <uint32_t> size
    if size:
        memcpy(e.key, key, size)
    r.count += 1
    fresh[0] = True
    return entry


cdef inline void radix_remove(radix_t *r, uint32_t entry) noexcept nogil:
    """Takes an entry out and frees it."""
    cdef entry_t *e = radix_entry(r, entry)
    cdef uint32_t *link = &r.root
    cdef uint32_t *child
    cdef uint32_t *children
    cdef node_t *n
    cdef uint32_t last, name
    cdef uint32_t units = radix_entry_units(e.size)
    if r.count == 1:
        radix_clear(r)
        return
    r.count -= 1
    while True:
        # The root is a node, for there are two entries at least; every step goes to a node that has the entry below.
        n = <node_t *> arena_at(&r.arena, link[0] >> 1)
        if n.depth == e.size:
            n.terminal = 0
            break
        child = node_find(n, e.key[n.depth])
        if child[0] == (entry << 1 | 1):
            n.count -= 1
            if n.capacity == RADIX_DIRECT:
                child[0] = 0
            else:
                children = node_children(n)
                last = <uint32_t> (child - children)
                node_keys(n)[last] = node_keys(n)[n.count]
                children[last] = children[n.count]
            break
        link = child
    arena_free(&r.arena, entry, units)
    if n.count == 0 or (n.count == 1 and n.terminal == 0):
        name = link[0] >> 1
        link[0] = n.terminal << 1 | 1 if n.terminal else node_any(n)
        arena_free(&r.arena, name, node_units(n.capacity))
    elif n.capacity == RADIX_DIRECT:
        # A little below the size that made it direct, so that it does not swing.
        if n.count <= RADIX_SEARCHED_MAX - 8:
            node_resize(r, link, n.count)
    elif n.capacity >= node_capacity(n.count) + 8:
        node_resize(r, link, n.count)


cdef inline void radix_walk(radix_t *r, radix_walk_t *w, const unsigned char *key, size_t size) noexcept nogil:
    w.key = key
    w.size = <uint32_t> (size if size < RADIX_KEY_MAX else RADIX_KEY_MAX)
    w.equal = 0
    w.next = r.root


cdef inline uint32_t radix_next(radix_t *r, radix_walk_t *w) noexcept nogil:
    """The name of the next entry that is a prefix of the topic, or 0."""
    cdef uint32_t child = w.next
    cdef uint32_t entry
    cdef uint32_t *link
    cdef node_t *n
    cdef entry_t *e
    while child:
        if child & 1:
            entry = child >> 1
            child = 0
            e = radix_entry(r, entry)
            if e.size > w.size:
                break
        else:
            n = <node_t *> arena_at(&r.arena, child >> 1)
            if n.depth > w.size:
                break
            entry = n.terminal
            if n.depth == w.size:
                child = 0
            else:
                link = node_find(n, w.key[n.depth])
                child = link[0] if link != NULL else 0
            if entry == 0:
                continue
            e = radix_entry(r, entry)
        # What lies before `equal` was compared with a shorter entry that this one begins with.
        if memcmp(e.key + w.equal, w.key + w.equal, e.size - w.equal) != 0:
            break       # and so would be all below
        w.equal = e.size
        w.next = child
        return entry
    w.next = 0
    return 0
