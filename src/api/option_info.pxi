# What the option tables say, for docstrings, documents and tests.

from option.context_table cimport CONTEXT_OPTIONS, context_option_table
from option.table cimport (
    KEEP_FLAG, KEEP_LIST, KEEP_NOTHING, ON_ALL, OPTION_ABSENT, OPTION_BY_API, OPTION_CONSTANT, OPTIONS_ROOM, RULE_TYPE,
    option_row_t, option_table, option_when,
)


cdef object option_types(uint32_t types):
    """None for all socket types, or a tuple of their numbers."""
    return None if types == ON_ALL else tuple([number for number in range(31) if types >> number & 1])


cdef dict option_row_info(const option_row_t *row):
    cdef bint number = row.kind == OPTION_INT or row.kind == OPTION_INT64
    cdef bint by_api = row.flags & OPTION_BY_API
    cdef object default = None
    if number and (row.flags & OPTION_CONSTANT or by_api or row.keep != KEEP_NOTHING) and row.keep != KEEP_LIST and row.rule != RULE_TYPE:
        default = row.initial
    elif not number and row.get_on and not row.on_get and row.kind != OPTION_KEY:
        default = b""
    return {
        "name": row.name.decode(),
        "number": row.number,
        "kind": "int64" if row.kind == OPTION_INT64 else "int" if number else "bytes",
        "unit": row.unit.decode() if row.unit != NULL else "",
        "default": default,
        "zero_on": option_types(row.zero_on),
        "lowest": row.lowest,
        "highest": row.highest,
        "switch": row.keep == KEEP_FLAG,
        "adds": row.keep == KEEP_LIST,
        "set_on": None if by_api else option_types(row.set_on),
        "get_on": option_types(row.get_on),
        "when": option_when[row.when].decode(),
        "absent": bool(row.flags & OPTION_ABSENT),
        "doc": row.doc.decode(),
    }


def option_info():
    """Two lists, of the options of sockets and of contexts, with a dict for each option that the core knows (docs/options.md)."""
    return (
        [option_row_info(&option_table[i]) for i in range(OPTIONS_ROOM) if option_table[i].name != NULL],
        [option_row_info(&context_option_table[i]) for i in range(CONTEXT_OPTIONS)],
    )
