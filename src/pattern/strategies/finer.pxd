# finer: what a SUB asks for beyond prefixes, which are all that the wire knows.
#
# Rules
# - An exact topic is a subscription like any other to publishers; here it lets through only messages of just that topic.
# - What begins with an excluded prefix is not let through, whatever is subscribed to.
# - Both are counted, as subscriptions are. A topic may be subscribed to as a prefix and exactly: each has its count, and the count in the table
#   of subscriptions is that of both.
# - A socket that asks for nothing of the kind has none of this.

from libc.stdint cimport uint32_t
from base.memory cimport calloc
from pattern.strategies.radix cimport entry_t, radix_entry, radix_find, radix_next, radix_walk, radix_walk_t
from pattern.strategies.subscriptions cimport (
    subscriptions_clear, subscriptions_init, subscriptions_match, subscriptions_t,
)

cdef struct finer_t:
    subscriptions_t exact
    subscriptions_t excluded


cdef inline finer_t *finer_new() noexcept nogil:
    cdef finer_t *f = <finer_t *> calloc(1, sizeof(finer_t))
    if f != NULL:
        subscriptions_init(&f.exact)
        subscriptions_init(&f.excluded)
    return f


cdef inline void finer_clear(finer_t *f) noexcept nogil:
    """The block itself is the caller's to free."""
    subscriptions_clear(&f.exact)
    subscriptions_clear(&f.excluded)


cdef inline bint finer_is_prefix(finer_t *f, const entry_t *e) noexcept nogil:
    """Whether a subscription is one to a prefix, perhaps besides an exact one."""
    cdef uint32_t name = radix_find(&f.exact.radix, e.key, e.size)
    return name == 0 or radix_entry(&f.exact.radix, name).a < e.a


cdef inline bint finer_match(finer_t *f, subscriptions_t *topics, const unsigned char *topic, size_t size) noexcept nogil:
    """Whether any subscription, an exact one or a prefix, is for the topic."""
    cdef radix_walk_t walk
    cdef uint32_t name
    cdef entry_t *e
    radix_walk(&topics.radix, &walk, topic, size)
    while True:
        name = radix_next(&topics.radix, &walk)
        if name == 0:
            return False
        e = radix_entry(&topics.radix, name)
        if e.size == size or finer_is_prefix(f, e):
            return True


cdef inline bint finer_excludes(finer_t *f, const unsigned char *topic, size_t size) noexcept nogil:
    return subscriptions_match(&f.excluded, topic, size)
