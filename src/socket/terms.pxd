# The terms of an endpoint: the options as they were at bind() or connect(), which all connections that come of it have.
#
# Rules
# - Sessions and transports read what an endpoint keeps (WHEN_CALL in the option table) from its terms, never from the socket.
# - Nothing is copied while nothing changes: endpoints share terms that refer to the socket's own record. Before an option that they keep is set,
#   they get a copy of the record as it is, one for all of them.
# - Lock held, but for terms_unref(): an endpoint that has come to nothing is freed without it.

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_add_u32, zc_load_acquire_u32, zc_sub_u32
from base.errors cimport ENOMEM
from base.memory cimport calloc, free, malloc
from option.store cimport (
    options_copy, options_frame_max, options_free, options_heartbeat_timeout, options_heartbeat_ttl_ds, options_message_bytes_max,
    options_message_frames_max,
)
from option.table cimport options_t
from session.session cimport session_terms_t
from socket.state cimport socket_t, terms_t


cdef inline void session_terms_from(const options_t *o, session_terms_t *t) noexcept nogil:
    t.frame_max = options_frame_max(o)
    t.message_bytes_max = options_message_bytes_max(o)
    t.message_frames_max = options_message_frames_max(o)
    t.shared_bytes = <uint64_t> o.shared_memory
    t.shared_any_user = o.shared_memory_any_user != 0
    t.in_batch = <uint32_t> o.in_batch_size
    t.out_batch = <uint32_t> o.out_batch_size
    t.heartbeat_ivl_ms = <uint32_t> o.heartbeat_ivl
    t.heartbeat_timeout_ms = <uint32_t> options_heartbeat_timeout(o)
    t.heartbeat_ttl_ds = <uint32_t> options_heartbeat_ttl_ds(o)


cdef inline int terms_take(socket_t *s, terms_t **out) noexcept nogil:
    """For an endpoint that is being made; one that has its terms keeps them. 0 or -ENOMEM."""
    if out[0] != NULL:
        return 0
    if s.terms == NULL:
        s.terms = <terms_t *> calloc(1, sizeof(terms_t))
        if s.terms == NULL:
            return -ENOMEM
        s.terms.refs = 1
        s.terms.opt = &s.opt
        session_terms_from(&s.opt, &s.terms.session)
    zc_add_u32(&s.terms.refs, 1)
    out[0] = s.terms
    return 0


cdef inline void terms_unref(terms_t *t) noexcept nogil:
    """NULL is allowed."""
    if t == NULL or zc_sub_u32(&t.refs, 1) != 1:
        return
    if t.own != NULL:
        options_free(t.own)
        free(t.own)
    free(t)


cdef inline int terms_settle(socket_t *s) noexcept nogil:
    """Before an option changes that endpoints keep. 0; or -ENOMEM, and it must not change."""
    cdef terms_t *t = s.terms
    cdef options_t *own
    if t == NULL:
        return 0
    # Pairs with the release in terms_unref(). Only this thread, with the lock, could add a reference.
    if zc_load_acquire_u32(&t.refs) > 1:
        own = <options_t *> malloc(sizeof(options_t))
        if own == NULL:
            return -ENOMEM
        if options_copy(own, &s.opt) < 0:
            free(own)
            return -ENOMEM
        t.opt = t.own = own
    s.terms = NULL
    terms_unref(t)
    return 0


cdef inline void terms_close(socket_t *s) noexcept nogil:
    """The socket makes no more endpoints, and has none."""
    terms_unref(s.terms)
    s.terms = NULL
