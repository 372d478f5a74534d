# The fields of an option record that own memory: bytes and lists.
#
# Rules
# - Memory for a new value is taken before the old one is let go: after -ENOMEM everything is as it was.
# - A value that goes is wiped: it may have been a password.
# - Bytes have a NUL behind them that is not counted, so that a text is a C string.

from libc.string cimport memcpy
from base.errors cimport EINVAL, ENOMEM
from base.memory cimport free, malloc, realloc
from base.secret cimport zc_wipe
from option.table cimport option_bytes_t, option_list_t

cdef enum:
    LIST_MAX = 65536            # a bound against runaway loops, far above any real list


cdef inline void bytes_clear(option_bytes_t *field) noexcept nogil:
    zc_wipe(field.data, field.size)
    free(field.data)
    field.data = NULL
    field.size = 0


cdef inline int bytes_assign(option_bytes_t *field, const void *value, size_t size) noexcept nogil:
    """Replaces the bytes by a copy of `value`; size 0 unsets. 0 or -ENOMEM."""
    cdef unsigned char *copy
    if size == 0:
        bytes_clear(field)
        return 0
    copy = <unsigned char *> malloc(size + 1)
    if copy == NULL:
        return -ENOMEM
    memcpy(copy, value, size)
    copy[size] = 0
    bytes_clear(field)
    field.data = copy
    field.size = size
    return 0


cdef inline void list_clear(option_list_t *list) noexcept nogil:
    free(list.items)
    list.items = NULL
    list.count = 0


cdef inline int list_assign(option_list_t *list, const option_list_t *value, size_t size) noexcept nogil:
    """Replaces the items by copies of others, of `size` bytes each. 0 or -ENOMEM."""
    cdef void *copy = NULL
    if value.count:
        copy = malloc(value.count * size)
        if copy == NULL:
            return -ENOMEM
        memcpy(copy, value.items, value.count * size)
    list_clear(list)
    list.items = copy
    list.count = value.count
    return 0


cdef inline int list_append(option_list_t *list, const void *item, size_t size) noexcept nogil:
    """A copy of one item of `size` bytes. 0, -EINVAL (too many) or -ENOMEM."""
    cdef char *grown
    if list.count >= LIST_MAX:
        return -EINVAL
    grown = <char *> realloc(list.items, (list.count + 1) * size)
    if grown == NULL:
        return -ENOMEM
    memcpy(grown + list.count * size, item, size)
    list.items = grown
    list.count += 1
    return 0
