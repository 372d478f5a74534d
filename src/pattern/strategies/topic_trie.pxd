# topic_trie: which pipes want which topics. The publisher's table.
#
# Rules
# - A pipe holds a topic once, however often it asks (peers cancel once, too).
# - In an entry of the tree: a = the only holder's slot and b = the topic's place in that holder's list; or, with SET_FLAG in a, the
#   name of a set_t: its members sorted by slot. A topic with one holder, the usual case, thus costs no further block.
# - Every holder lists its topics, so that a lost peer costs what it had subscribed to and not a walk over everything.

from libc.stdint cimport uint32_t, uintptr_t
from base.memory cimport realloc, free
from libc.string cimport memmove, memcpy
from base.errors cimport ENOMEM
from pipe.pipe cimport pipe_t
from pattern.strategies.fan_out cimport fan_out_t, fan_choose
from pattern.strategies.arena cimport arena_at, arena_free, arena_take
from pattern.strategies.radix cimport (
    radix_t, radix_walk_t, entry_t, radix_init, radix_clear, radix_entry, radix_find, radix_put, radix_remove, radix_walk, radix_next,
)
from pattern.strategies.subscriptions cimport TOPIC_ABSENT, TOPIC_REMAINS, TOPIC_LAST

# The answer to a subscription.
cdef enum:
    TOPIC_HELD = 0              # this pipe has it already
    TOPIC_ADDED = 1             # others have it
    TOPIC_FIRST = 2             # nobody had it

cdef enum:
    SET_FLAG = 0x80000000

cdef struct member_t:
    uint32_t slot
    uint32_t place              # of the topic in the holder's list

cdef struct set_t:
    uint32_t count
    uint32_t capacity
    member_t members[1]         # `capacity` of them

# What one pipe holds. Lives with the pipe.
cdef struct holder_t:
    uint32_t slot
    uint32_t count
    uint32_t capacity
    uint32_t *list              # entries

cdef struct topic_trie_t:
    radix_t radix
    pipe_t **pipes              # by slot; odd = vacant: 2 * next vacant slot + 1
    uint32_t slots
    uint32_t slots_capacity
    uint32_t vacant             # slots if there is none

ctypedef void (*topic_gone_t)(void *arg, const unsigned char *topic, uint32_t size, bint last) noexcept nogil


cdef inline void topics_init(topic_trie_t *t) noexcept nogil:
    radix_init(&t.radix)
    t.pipes = NULL
    t.slots = t.slots_capacity = 0
    t.vacant = 0


cdef inline void topics_free(topic_trie_t *t) noexcept nogil:
    """Holders must be closed, or their lists freed, by the caller."""
    radix_clear(&t.radix)
    free(t.pipes)
    topics_init(t)


cdef inline uint32_t topics_count(topic_trie_t *t) noexcept nogil:
    return t.radix.count


# ---- holders

cdef inline int topics_open(topic_trie_t *t, holder_t *h, pipe_t *p) noexcept nogil:
    cdef uint32_t capacity
    cdef pipe_t **pipes
    h.count = h.capacity = 0
    h.list = NULL
    if t.vacant == t.slots:
        if t.slots == t.slots_capacity:
            capacity = t.slots * 2 if t.slots else 4
            pipes = <pipe_t **> realloc(t.pipes, capacity * sizeof(void *))
            if pipes == NULL:
                return -ENOMEM
            t.pipes = pipes
            t.slots_capacity = capacity
        t.slots += 1
        h.slot = t.vacant
        t.vacant = t.slots
    else:
        h.slot = t.vacant
        t.vacant = <uint32_t> (<uintptr_t> t.pipes[h.slot] >> 1)
        if t.vacant == 0x7fffffff:
            t.vacant = t.slots
    t.pipes[h.slot] = p
    return 0


cdef inline void topics_close(topic_trie_t *t, holder_t *h) noexcept nogil:
    """The holder holds nothing any more (topics_drop)."""
    cdef uintptr_t next = t.vacant if t.vacant != t.slots else 0x7fffffff
    t.pipes[h.slot] = <pipe_t *> ((next << 1) | 1)
    t.vacant = h.slot
    free(h.list)
    h.list = NULL
    h.count = h.capacity = 0


cdef inline bint holder_reserve(holder_t *h) noexcept nogil:
    cdef uint32_t capacity
    cdef uint32_t *list
    if h.count < h.capacity:
        return True
    capacity = h.count + h.count // 2 + 4
    list = <uint32_t *> realloc(h.list, capacity * sizeof(uint32_t))
    if list == NULL:
        return False
    h.list = list
    h.capacity = capacity
    return True


# ---- sets

cdef inline uint32_t set_units(uint32_t capacity) noexcept nogil:
    return 1 + capacity


cdef inline uint32_t set_place(set_t *s, uint32_t slot) noexcept nogil:
    """Of the first member that is not below `slot`."""
    cdef uint32_t low = 0
    cdef uint32_t high = s.count
    cdef uint32_t middle
    while low < high:
        middle = (low + high) >> 1
        if s.members[middle].slot < slot:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline uint32_t *topics_place(topic_trie_t *t, entry_t *e, uint32_t slot) noexcept nogil:
    """Where the topic's place in a holder's list is kept; NULL if that holder does not hold it."""
    cdef set_t *s
    cdef uint32_t i
    if not e.a & SET_FLAG:
        return &e.b if e.a == slot else NULL
    s = <set_t *> arena_at(&t.radix.arena, e.a & ~(<uint32_t> SET_FLAG))
    i = set_place(s, slot)
    return &s.members[i].place if i < s.count and s.members[i].slot == slot else NULL


cdef inline uint32_t set_make(topic_trie_t *t, uint32_t capacity, set_t *old) noexcept nogil:
    cdef uint32_t name = arena_take(&t.radix.arena, set_units(capacity))
    cdef set_t *s
    if name:
        s = <set_t *> arena_at(&t.radix.arena, name)
        s.capacity = capacity
        s.count = 0
        if old != NULL:
            s.count = old.count
            memcpy(s.members, old.members, old.count * sizeof(member_t))
    return name


# ---- topics

cdef inline int topics_add(topic_trie_t *t, holder_t *h, const unsigned char *topic, size_t size) noexcept nogil:
    """TOPIC_HELD, TOPIC_ADDED, TOPIC_FIRST or -ENOMEM (nothing changed)."""
    cdef entry_t *e
    cdef set_t *s
    cdef uint32_t name, other, i
    cdef bint fresh
    if not holder_reserve(h):
        return -ENOMEM
    name = radix_put(&t.radix, topic, size, &fresh)
    if name == 0:
        return -ENOMEM
    e = radix_entry(&t.radix, name)
    if fresh:
        e.a = h.slot
        e.b = h.count
        h.list[h.count] = name
        h.count += 1
        return TOPIC_FIRST
    if topics_place(t, e, h.slot) != NULL:
        return TOPIC_HELD
    if not e.a & SET_FLAG:
        other = set_make(t, 3, NULL)
        if other == 0:
            return -ENOMEM
        s = <set_t *> arena_at(&t.radix.arena, other)
        s.count = 1
        s.members[0].slot = e.a
        s.members[0].place = e.b
        e.a = other | <uint32_t> SET_FLAG
    s = <set_t *> arena_at(&t.radix.arena, e.a & ~(<uint32_t> SET_FLAG))
    if s.count == s.capacity:
        other = set_make(t, s.capacity * 2 + 1, s)
        if other == 0:
            return -ENOMEM
        arena_free(&t.radix.arena, e.a & ~(<uint32_t> SET_FLAG), set_units(s.capacity))
        e.a = other | <uint32_t> SET_FLAG
        s = <set_t *> arena_at(&t.radix.arena, other)
    i = set_place(s, h.slot)
    memmove(&s.members[i + 1], &s.members[i], (s.count - i) * sizeof(member_t))
    s.members[i].slot = h.slot
    s.members[i].place = h.count
    s.count += 1
    h.list[h.count] = name
    h.count += 1
    return TOPIC_ADDED


cdef inline bint topics_held(topic_trie_t *t, holder_t *h, const unsigned char *topic, size_t size) noexcept nogil:
    cdef uint32_t name = radix_find(&t.radix, topic, size)
    return name != 0 and topics_place(t, radix_entry(&t.radix, name), h.slot) != NULL


cdef inline int topics_let_go(topic_trie_t *t, holder_t *h, uint32_t name) noexcept nogil:
    """A holder that holds the entry stops doing so. TOPIC_REMAINS or TOPIC_LAST; then the entry's owner removes it."""
    cdef entry_t *e = radix_entry(&t.radix, name)
    cdef set_t *s
    cdef uint32_t set_name, other, i
    cdef uint32_t place = topics_place(t, e, h.slot)[0]
    h.count -= 1
    if place != h.count:
        h.list[place] = h.list[h.count]
        topics_place(t, radix_entry(&t.radix, h.list[place]), h.slot)[0] = place
    if not e.a & SET_FLAG:
        return TOPIC_LAST
    set_name = e.a & ~(<uint32_t> SET_FLAG)
    s = <set_t *> arena_at(&t.radix.arena, set_name)
    i = set_place(s, h.slot)
    s.count -= 1
    memmove(&s.members[i], &s.members[i + 1], (s.count - i) * sizeof(member_t))
    if s.count == 1:
        e.a = s.members[0].slot
        e.b = s.members[0].place
        arena_free(&t.radix.arena, set_name, set_units(s.capacity))
    elif s.count < s.capacity // 4:
        other = set_make(t, s.capacity // 2, s)
        if other:
            e.a = other | <uint32_t> SET_FLAG
            arena_free(&t.radix.arena, set_name, set_units(s.capacity))
    return TOPIC_REMAINS


cdef inline int topics_remove(topic_trie_t *t, holder_t *h, const unsigned char *topic, size_t size) noexcept nogil:
    """TOPIC_LAST: nobody holds it any more. TOPIC_REMAINS: others do (whether this one did or not). TOPIC_ABSENT: nobody did."""
    cdef uint32_t name = radix_find(&t.radix, topic, size)
    cdef uint32_t capacity
    cdef uint32_t *list
    if name == 0:
        return TOPIC_ABSENT
    if topics_place(t, radix_entry(&t.radix, name), h.slot) == NULL:
        return TOPIC_REMAINS
    if h.capacity > 64 and h.count < h.capacity // 4:
        capacity = h.capacity // 2
        list = <uint32_t *> realloc(h.list, capacity * sizeof(uint32_t))
        if list != NULL:
            h.list = list
            h.capacity = capacity
    if topics_let_go(t, h, name) == TOPIC_REMAINS:
        return TOPIC_REMAINS
    radix_remove(&t.radix, name)
    return TOPIC_LAST


cdef inline void topics_drop(topic_trie_t *t, holder_t *h, topic_gone_t gone, void *arg) noexcept nogil:
    """The holder lets all its topics go. `gone` (may be NULL) hears of each; it must not touch the tree."""
    cdef uint32_t name
    cdef bint last
    cdef entry_t *e
    while h.count:
        name = h.list[h.count - 1]
        last = topics_let_go(t, h, name) == TOPIC_LAST
        if gone != NULL:
            e = radix_entry(&t.radix, name)
            gone(arg, e.key, e.size, last)
        if last:
            radix_remove(&t.radix, name)
    free(h.list)
    h.list = NULL
    h.capacity = 0


cdef inline void topics_choose(topic_trie_t *t, uint32_t name, fan_out_t *fan) noexcept nogil:
    """The pipes that hold this entry."""
    cdef entry_t *e = radix_entry(&t.radix, name)
    cdef set_t *s
    cdef uint32_t i
    if not e.a & SET_FLAG:
        fan_choose(fan, t.pipes[e.a])
    else:
        s = <set_t *> arena_at(&t.radix.arena, e.a & ~(<uint32_t> SET_FLAG))
        for i in range(s.count):
            fan_choose(fan, t.pipes[s.members[i].slot])


cdef inline void topics_match_exact(topic_trie_t *t, const unsigned char *topic, size_t size, fan_out_t *fan) noexcept nogil:
    """Chooses the pipes that hold just this topic."""
    cdef uint32_t name = radix_find(&t.radix, topic, size)
    if name:
        topics_choose(t, name, fan)


cdef inline void topics_match(topic_trie_t *t, const unsigned char *topic, size_t size, fan_out_t *fan) noexcept nogil:
    """Chooses the pipes that hold a prefix of the topic."""
    cdef radix_walk_t walk
    cdef uint32_t name
    radix_walk(&t.radix, &walk, topic, size)
    while True:
        name = radix_next(&t.radix, &walk)
        if name == 0:
            return
        topics_choose(t, name, fan)
