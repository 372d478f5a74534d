# The core's memory: the face of memory.h.
#
# Rules
# - malloc, calloc, realloc and free are cimported from here, never from libc: a test build counts blocks and lets allocations fail.
# - Every allocation is checked; -ENOMEM goes up to the caller, who is left as before the call.

from libc.stdint cimport uint64_t

cdef extern from "base/memory.h" nogil:
    void zc_advise_large_pages(void *p, size_t n)
    void zc_copy_count(uint64_t n)
    void zc_copy(void *to, const void *data, uint64_t n)
    void *malloc "zc_malloc" (size_t n)
    void *calloc "zc_calloc" (size_t n, size_t size)
    void *realloc "zc_realloc" (void *old, size_t n)
    void free "zc_free" (void *p)
