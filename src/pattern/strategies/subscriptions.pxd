# subscriptions: what one SUB or XSUB socket has subscribed to, each topic with a count.
#
# Rules
# - n subscribes need n unsubscribes. Unsubscribing an unknown topic does nothing.
# - `list` names all topics in one array, so that they can be sent again to every new publisher without a walk over the tree.
# - In an entry: a = the count, b = the place in `list`.

from libc.stdint cimport uint32_t
from base.memory cimport realloc, free
from base.errors cimport ENOMEM
from pattern.strategies.radix cimport (
    radix_t, radix_walk_t, entry_t, radix_init, radix_clear, radix_entry, radix_find, radix_put, radix_remove, radix_walk, radix_next,
)

# The answer to an unsubscription, of both topic tables.
cdef enum:
    TOPIC_ABSENT = 0            # nobody held it
    TOPIC_REMAINS = 1           # somebody still holds it
    TOPIC_LAST = 2              # that was the last one

cdef struct subscriptions_t:
    radix_t radix
    uint32_t *list
    uint32_t capacity


cdef inline void subscriptions_init(subscriptions_t *s) noexcept nogil:
    radix_init(&s.radix)
    s.list = NULL
    s.capacity = 0


cdef inline void subscriptions_clear(subscriptions_t *s) noexcept nogil:
    radix_clear(&s.radix)
    free(s.list)
    s.list = NULL
    s.capacity = 0


cdef inline uint32_t subscriptions_count(subscriptions_t *s) noexcept nogil:
    """Distinct topics."""
    return s.radix.count


cdef inline entry_t *subscriptions_at(subscriptions_t *s, uint32_t index) noexcept nogil:
    """For iterating: 0 <= index < count."""
    return radix_entry(&s.radix, s.list[index])


cdef inline int subscriptions_add(subscriptions_t *s, const unsigned char *topic, size_t size) noexcept nogil:
    """1 = new, 0 = counted once more, -ENOMEM."""
    cdef uint32_t count = s.radix.count
    cdef uint32_t capacity, name
    cdef uint32_t *list
    cdef entry_t *e
    cdef bint fresh
    if count == s.capacity:
        capacity = count + count // 2 + 8
        list = <uint32_t *> realloc(s.list, capacity * sizeof(uint32_t))
        if list == NULL:
            return -ENOMEM
        s.list = list
        s.capacity = capacity
    name = radix_put(&s.radix, topic, size, &fresh)
    if name == 0:
        return -ENOMEM
    e = radix_entry(&s.radix, name)
    if fresh:
        e.a = 1
        e.b = count
        s.list[count] = name
        return 1
    e.a += 1
    return 0


cdef inline int subscriptions_remove(subscriptions_t *s, const unsigned char *topic, size_t size) noexcept nogil:
    """TOPIC_..."""
    cdef uint32_t name = radix_find(&s.radix, topic, size)
    cdef uint32_t last
    cdef entry_t *e
    if name == 0:
        return TOPIC_ABSENT
    e = radix_entry(&s.radix, name)
    e.a -= 1
    if e.a:
        return TOPIC_REMAINS
    last = s.list[s.radix.count - 1]
    s.list[e.b] = last
    radix_entry(&s.radix, last).b = e.b
    radix_remove(&s.radix, name)
    if s.radix.count == 0:
        subscriptions_clear(s)
    return TOPIC_LAST


cdef inline bint subscriptions_has(subscriptions_t *s, const unsigned char *topic, size_t size) noexcept nogil:
    """Is just this one subscribed to?"""
    return radix_find(&s.radix, topic, size) != 0


cdef inline bint subscriptions_match(subscriptions_t *s, const unsigned char *topic, size_t size) noexcept nogil:
    """Is any subscription a prefix of the topic?"""
    cdef radix_walk_t walk
    radix_walk(&s.radix, &walk, topic, size)
    return radix_next(&s.radix, &walk) != 0
