# host.dirty: the sessions with output that nobody has written yet, and how many they are. Lock held.

from session.session cimport session_host_t, session_t


cdef inline void dirty_add(session_t *s) noexcept nogil:
    """It has output, and is not on host.dirty."""
    s.tx_dirty = True
    s.dirty_next = s.host.dirty
    s.host.dirty = s
    s.host.ndirty += 1


cdef inline session_t *dirty_take(session_host_t *host) noexcept nogil:
    """One of host.dirty (there is one); it is not on it any more."""
    cdef session_t *s = host.dirty
    host.dirty = s.dirty_next
    host.ndirty -= 1
    s.tx_dirty = False
    return s


cdef inline void dirty_remove(session_t *s) noexcept nogil:
    """Wherever it is on host.dirty, if it is."""
    cdef session_t **d = &s.host.dirty
    if not s.tx_dirty:
        return
    while d[0] != s:
        d = &d[0].dirty_next
    d[0] = s.dirty_next
    s.host.ndirty -= 1
    s.tx_dirty = False
