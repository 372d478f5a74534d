# timeout=: how long one call may wait.
#
# Rules
# - Milliseconds, as every time in ZeroMQ. It becomes a deadline where the call begins, on the monotonic clock, and holds for all of the call: for all
#   frames of a message, and for all messages of a batch.
# - RCVTIMEO and SNDTIMEO stay what they are; what comes first ends the call. DONTWAIT does not wait whatever the timeout.

# - send() and recv() with a timeout take the long way at once; without_timeout.pxi has the short one.

cdef extern from "api/entry.h":
    ctypedef struct zc_kind_t "PyTypeObject":
        pass
    ctypedef struct zc_ways_t:
        pass
    ctypedef void *zc_entry_t
    zc_ways_t zc_send_ways
    zc_ways_t zc_recv_ways
    zc_entry_t zc_send_entry
    zc_entry_t zc_recv_entry
    int zc_enter_by(zc_kind_t *kind, zc_kind_t *shorter, const char *name, zc_ways_t *ways, zc_entry_t entry) except -1
    int zc_own_methods(zc_kind_t *base, object kind) except -1

cdef enum:
    NS_PER_MS = 1000000
    TIMEOUT_MAX_MS = 1000000000000      # longer ones are none: some 30 years


cdef uint64_t deadline_of(timeout) except? 0:
    """When a call that was given this timeout has to end, by zc_now_ns(). UINT64_MAX: it has none."""
    cdef double ms
    if timeout is None:
        return UINT64_MAX
    try:
        ms = timeout
    except TypeError:
        raise TypeError(f"timeout must be a number of milliseconds or None, not {timeout!r}") from None
    except OverflowError:
        return UINT64_MAX
    if ms != ms:
        raise ValueError("timeout must be a number of milliseconds or None, not NaN")
    if ms < 0 or ms > TIMEOUT_MAX_MS:
        return UINT64_MAX
    return zc_now_ns() + <uint64_t> (ms * NS_PER_MS)


cdef int raise_transfer(socket_t *s, int rc, bint sending, int flags=0, object timeout=None) except -1:
    """Raises for the negative errno `rc` of a send or receive that was called like this."""
    if rc != -EAGAIN:
        return raise_errno(rc, error_module().about_transfer(-rc, s.type, sending))
    if timeout is None or flags & FLAG_DONTWAIT:
        return raise_errno(rc)
    zc_last_error_set(EAGAIN)
    raise error_module().time_is_over(sending, timeout, s.opt.sndtimeo if sending else s.opt.rcvtimeo)
