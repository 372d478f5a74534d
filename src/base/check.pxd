# Checks of rules that no input may break: a violation is a fault of ours. The face of check.h; free in release builds.
#
# Rules
# - What comes from a peer, the application or the system is never checked here: it is answered with an error.
# - The condition has no side effect, because a release build does not evaluate it.

from libc.stdint cimport uint32_t

cdef extern from "base/check.h" nogil:
    void zc_check(bint holds)
    # How deep calls are nested in something that must not be taken apart meanwhile. Counted only where zc_check() checks.
    void zc_check_enter(uint32_t *depth)
    void zc_check_leave(uint32_t *depth)
