# What a ring has counted, for statistics: on any thread that keeps the ring alive. Between two values that are read the other side may go on.

from libc.stdint cimport uint64_t
from base.atomics cimport zc_load_acquire_u64, zc_load_relaxed_u64, zc_store_release_u64
from pipe.ring cimport ring_t


cdef inline uint64_t ring_conflated(ring_t *r) noexcept nogil:
    """Messages that gave way to a newer one."""
    return zc_load_relaxed_u64(&r.only.replaced) + zc_load_relaxed_u64(&r.only.outdone) if r.only != NULL else 0


cdef inline uint64_t ring_queued(ring_t *r) noexcept nogil:
    """Whole messages that wait to be read."""
    # What has been read first: it is never more than what has been written when that is looked at.
    cdef uint64_t gone = zc_load_relaxed_u64(&r.rmsgs) + ring_conflated(r)
    cdef uint64_t written = zc_load_relaxed_u64(&r.wmsgs)
    return written - gone if written > gone else 0


cdef inline uint64_t ring_queued_bytes(ring_t *r) noexcept nogil:
    """Of the frames that wait to be read."""
    cdef uint64_t gone = zc_load_relaxed_u64(&r.rbytes)
    cdef uint64_t written = zc_load_relaxed_u64(&r.wbytes)
    return written - gone if written > gone else 0


cdef inline uint64_t ring_leave(ring_t *r) noexcept nogil:
    """The consumer goes for good. How many messages it leaves behind; what is written from now on is not among them."""
    cdef uint64_t queued = ring_queued(r)
    # Paired with ring_unclaimed().
    zc_store_release_u64(&r.left, zc_load_relaxed_u64(&r.rmsgs) + ring_conflated(r) + queued + 1)
    return queued


cdef inline uint64_t ring_unclaimed(ring_t *r) noexcept nogil:
    """Producer: messages written after the consumer had left."""
    cdef uint64_t left = zc_load_acquire_u64(&r.left)
    return r.wmsgs + 1 - left if left and r.wmsgs + 1 > left else 0
