# The Cython face of gss.h, and what every use of it takes: names, credentials, and buffers that go back.
#
# Rules
# - Errors of the library become one negative errno here: what it says beyond that is for its own trace (KRB5_TRACE).
# - A call may read files of keys and tickets, and the client's may ask a key distribution centre. All of that happens in
#   the handshake; wrapping and unwrapping do neither.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.string cimport memset
from base.errors cimport EACCES

cdef extern from "mechanism/gss.h" nogil:
    enum:
        GSS_C_INITIATE
        GSS_C_ACCEPT
        GSS_C_MUTUAL_FLAG
        GSS_C_REPLAY_FLAG
        GSS_C_SEQUENCE_FLAG
        GSS_C_CONF_FLAG
        GSS_C_INTEG_FLAG
        GSS_S_COMPLETE
        GSS_S_CONTINUE_NEEDED
    ctypedef struct gss_text_t:
        size_t length
        void *value
    ctypedef struct gss_oid_t:
        pass
    ctypedef struct gss_oid_set_t:
        pass
    ctypedef void *gss_name_t
    ctypedef void *gss_cred_t
    ctypedef void *gss_context_t
    ctypedef struct gss_library_t:
        uint32_t (*import_name)(uint32_t *minor, const gss_text_t *text, const gss_oid_t *type,
                                gss_name_t *name) noexcept nogil
        uint32_t (*display_name)(uint32_t *minor, gss_name_t name, gss_text_t *text, void *type) noexcept nogil
        uint32_t (*release_name)(uint32_t *minor, gss_name_t *name) noexcept nogil
        uint32_t (*acquire_cred)(uint32_t *minor, gss_name_t name, uint32_t seconds, const gss_oid_set_t *mechanisms,
                                 int usage, gss_cred_t *cred, void *actual, uint32_t *lifetime) noexcept nogil
        uint32_t (*release_cred)(uint32_t *minor, gss_cred_t *cred) noexcept nogil
        uint32_t (*init_sec_context)(uint32_t *minor, gss_cred_t cred, gss_context_t *context, gss_name_t target,
                                     const gss_oid_t *mechanism, uint32_t flags, uint32_t seconds, void *bindings,
                                     const gss_text_t *data, void *actual, gss_text_t *out, uint32_t *got,
                                     uint32_t *lifetime) noexcept nogil
        uint32_t (*accept_sec_context)(uint32_t *minor, gss_context_t *context, gss_cred_t cred, const gss_text_t *data,
                                       void *bindings, gss_name_t *peer, void *mechanism, gss_text_t *out,
                                       uint32_t *got, uint32_t *lifetime, gss_cred_t *delegated) noexcept nogil
        uint32_t (*delete_sec_context)(uint32_t *minor, gss_context_t *context, gss_text_t *out) noexcept nogil
        uint32_t (*wrap)(uint32_t *minor, gss_context_t context, int secret, uint32_t quality, const gss_text_t *data,
                         int *was_secret, gss_text_t *out) noexcept nogil
        uint32_t (*unwrap)(uint32_t *minor, gss_context_t context, const gss_text_t *data, gss_text_t *out,
                           int *was_secret, uint32_t *quality) noexcept nogil
        uint32_t (*release_buffer)(uint32_t *minor, gss_text_t *text) noexcept nogil
    const gss_oid_t gss_name_types[]
    const gss_oid_t gss_kerberos[]
    const gss_oid_set_t gss_mechanisms[]
    int gss_load(gss_library_t *g)


cdef inline bint gss_found() noexcept nogil:
    """Does the system have GSSAPI?"""
    cdef gss_library_t g
    return gss_load(&g) == 0


cdef inline void gss_give_back(const gss_library_t *g, gss_text_t *text) noexcept nogil:
    """Releases what the library made; a text it did not make is empty."""
    cdef uint32_t minor
    if text.value != NULL:
        g.release_buffer(&minor, text)
    memset(text, 0, sizeof(gss_text_t))


cdef inline int gss_name(const gss_library_t *g, const unsigned char *p, size_t n, int type,
                         gss_name_t *name) noexcept nogil:
    """A name of one of the numbered types. 0 or -EACCES."""
    cdef gss_text_t text
    cdef uint32_t minor
    text.value = <void *> p
    text.length = n
    return 0 if g.import_name(&minor, &text, &gss_name_types[type], name) == GSS_S_COMPLETE else -EACCES


cdef inline int gss_own(const gss_library_t *g, const unsigned char *p, size_t n, int type, int usage,
                        gss_cred_t *cred) noexcept nogil:
    """The credentials of the principal of that name; n is 0: the default ones. 0 or -EACCES: no such key or ticket here."""
    cdef gss_name_t name = NULL
    cdef uint32_t minor
    cdef uint32_t rc
    if n and gss_name(g, p, n, type, &name) < 0:
        return -EACCES
    rc = g.acquire_cred(&minor, name, 0, gss_mechanisms, usage, cred, NULL, NULL)
    if name != NULL:
        g.release_name(&minor, &name)
    return 0 if rc == GSS_S_COMPLETE else -EACCES
