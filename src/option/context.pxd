# The option store of a context: defaults, set, get, free.
#
# Rules:
#  - Guarded by the context's lock. None of the calls blocks or touches a Python object.
#  - The store does not know whether sockets exist. IO_THREADS, MAX_SOCKETS and the THREAD_* options only matter to what is created later:
#    the caller reads them when it makes the first socket and starts its threads; a later set is stored and read back, as in libzmq.
#  - Numbers and texts have separate ways in (context_options_set, _set_text). libzmq tells them apart by their size,
#    so that a name prefix of four characters becomes a number there; here a text is a text.

from libc.stdint cimport int64_t, uint32_t
from libc.stdio cimport snprintf
from libc.stdlib cimport atoi
from libc.string cimport memset, strlen
from base.errors cimport EINVAL
from option.context_table cimport CONTEXT_OPTIONS, context_option_find, context_option_table, context_options_t
from option.field cimport bytes_assign, bytes_clear, list_append, list_clear
from option.table cimport (
    KEEP_BYTES, KEEP_FLAG, KEEP_INT, KEEP_INT64, KEEP_LIST, OPTION_CONSTANT, OPTION_TEXT, OPTION_UNKNOWN, RULE_EXCLUDE,
    option_bytes_t, option_list_t, option_row_t,
)


cdef inline void *_field(context_options_t *o, const option_row_t *row) noexcept nogil:
    return <char *> o + row.offset


cdef inline void context_options_init(context_options_t *o) noexcept nogil:
    cdef const option_row_t *row
    cdef int i
    memset(o, 0, sizeof(context_options_t))
    for i in range(CONTEXT_OPTIONS):
        row = &context_option_table[i]
        if row.keep == KEEP_INT or row.keep == KEEP_FLAG:
            (<int *> _field(o, row))[0] = <int> row.initial
        elif row.keep == KEEP_INT64:
            (<int64_t *> _field(o, row))[0] = row.initial


cdef inline void context_options_free(context_options_t *o) noexcept nogil:
    """Gives back what the record owns; may be called twice."""
    cdef const option_row_t *row
    cdef int i
    for i in range(CONTEXT_OPTIONS):
        row = &context_option_table[i]
        if row.keep == KEEP_BYTES:
            bytes_clear(<option_bytes_t *> _field(o, row))
        elif row.keep == KEEP_LIST:
            list_clear(<option_list_t *> _field(o, row))


cdef inline int context_option_kind(int option) noexcept nogil:
    """OPTION_INT, OPTION_INT64 or OPTION_TEXT; OPTION_UNKNOWN for one that cannot be set."""
    cdef const option_row_t *row = context_option_find(option, True)
    return row.kind if row != NULL else OPTION_UNKNOWN


cdef inline int _change_set(option_list_t *list, int item, bint add) noexcept nogil:
    """Puts a number into a set or takes it out; -EINVAL if it is not there."""
    cdef int *items = <int *> list.items
    cdef uint32_t at = 0
    while at < list.count and items[at] != item:
        at += 1
    if add:
        return 0 if at < list.count else list_append(list, &item, sizeof(int))
    if at == list.count:
        return -EINVAL
    list.count -= 1
    items[at] = items[list.count]
    return 0


cdef inline int context_options_set_text(
        context_options_t *o, int option, const void *value, size_t size) noexcept nogil:
    """For an option of the kind OPTION_TEXT. 0, -EINVAL or -ENOMEM."""
    cdef const option_row_t *row = context_option_find(option, True)
    if row == NULL or row.kind != OPTION_TEXT or <int64_t> size < row.lowest or <int64_t> size > row.highest:
        return -EINVAL
    return bytes_assign(<option_bytes_t *> _field(o, row), value, size)


cdef inline int context_options_set(context_options_t *o, int option, int64_t value) noexcept nogil:
    """0 or a negative errno; a refused value changes nothing."""
    cdef const option_row_t *row = context_option_find(option, True)
    cdef char text[24]
    if row == NULL:
        return -EINVAL
    if row.kind == OPTION_TEXT:
        # as a number it takes any; the text is its decimal form
        snprintf(text, sizeof(text), b"%lld", <long long> value)
        return context_options_set_text(o, option, text, strlen(text))
    if value < row.lowest or value > row.highest:
        return -EINVAL
    if row.keep == KEEP_LIST:
        return _change_set(<option_list_t *> _field(o, row), <int> value, row.rule != RULE_EXCLUDE)
    if row.keep == KEEP_INT64:
        (<int64_t *> _field(o, row))[0] = value
    else:
        (<int *> _field(o, row))[0] = value != 0 if row.keep == KEEP_FLAG else <int> value
    return 0


cdef inline int context_options_get(const context_options_t *o, int option, int64_t *out) noexcept nogil:
    """0 and the value in `out` (which may be negative), or a negative errno."""
    cdef const option_row_t *row = context_option_find(option, False)
    cdef const option_bytes_t *text
    if row == NULL:
        return -EINVAL
    if row.kind == OPTION_TEXT:
        text = <const option_bytes_t *> _field(<context_options_t *> o, row)
        out[0] = atoi(<const char *> text.data) if text.data != NULL else 0
    elif row.flags & OPTION_CONSTANT:
        out[0] = row.initial
    elif row.keep == KEEP_INT64:
        out[0] = (<const int64_t *> _field(<context_options_t *> o, row))[0]
    else:
        out[0] = (<const int *> _field(<context_options_t *> o, row))[0]
    return 0
