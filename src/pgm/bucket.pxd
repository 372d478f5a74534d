# A token bucket: so many units in a second, and PGM_BURST of time to make up for. One unit too many is always let through
# and paid for afterwards, so that no unit is too large for a slow rate.

from libc.stdint cimport uint64_t
from pgm.times cimport PGM_BURST, pgm_seconds

cdef struct pgm_bucket_t:
    uint64_t rate                   # per second, at least 1
    uint64_t free_at                # from when on the next may go


cdef inline bint pgm_bucket_open(const pgm_bucket_t *b, uint64_t now) noexcept nogil:
    return b.free_at <= now


cdef inline void pgm_bucket_take(pgm_bucket_t *b, uint64_t units, uint64_t now) noexcept nogil:
    if b.free_at + PGM_BURST < now:
        b.free_at = now - PGM_BURST
    b.free_at += units * pgm_seconds(1) // b.rate
