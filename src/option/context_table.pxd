# The table of a context's options as Cython sees it.

from libc.stdint cimport int64_t
from option.table cimport option_bytes_t, option_list_t, option_row_t

cdef extern from "option/context_table.h" nogil:
    ctypedef struct context_options_t:
        int io_threads
        int max_sockets
        int thread_priority
        int thread_sched_policy
        int max_msgsz
        int zero_copy_recv
        int ipv6
        int blocky
        int64_t max_queued_bytes
        option_list_t cpus
        option_bytes_t thread_name_prefix
    enum:
        CONTEXT_OPTIONS
    const option_row_t context_option_table[]   # CONTEXT_OPTIONS rows


cdef inline const option_row_t *context_option_find(int number, bint to_set) noexcept nogil:
    """The row for a set, or for a get: number 3 is one option for each. NULL for a number that is none, or not for that."""
    cdef const option_row_t *row
    cdef int i
    for i in range(CONTEXT_OPTIONS):
        row = &context_option_table[i]
        if row.number == number and (row.set_on if to_set else row.get_on):
            return row
    return NULL
