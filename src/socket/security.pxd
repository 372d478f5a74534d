# From a socket's options to what a mechanism is told about them. By reference: for use under the socket's lock.
#
# An endpoint keeps what the options said when it was made, as its transport does with certificates: options that are set for the next endpoint neither
# open this one to strangers, nor show its peers the names and keys that are meant for others.

from libc.string cimport memcpy, memset
from base.errors cimport EINVAL, ENOMEM, ENOTSUP
from base.mechanisms cimport CURVE_KEY_SIZE
from base.memory cimport calloc, free
from base.secret cimport zc_wipe
from engine.ops cimport engine_security_t
from engine.select cimport engine_carries, engine_lacks
from option.table cimport options_t
from socket.state cimport credentials_t, endpoint_t, socket_t


cdef inline void security_from(socket_t *s, engine_security_t *t) noexcept nogil:
    cdef options_t *o = &s.opt
    t.mechanism = o.mechanism
    t.as_server = o.as_server
    t.domain = o.zap_domain.size != 0
    t.handler_required = t.domain and o.zap_enforce_domain
    t.username = o.plain_username.data
    t.username_size = o.plain_username.size
    t.password = o.plain_password.data
    t.password_size = o.plain_password.size
    t.public_key = o.curve_publickey.data
    t.secret_key = o.curve_secretkey.data
    t.server_key = o.curve_serverkey.data
    t.principal = o.gssapi_principal.data
    t.principal_size = o.gssapi_principal.size
    t.principal_type = o.gssapi_principal_nametype
    t.service = o.gssapi_service_principal.data
    t.service_size = o.gssapi_service_principal.size
    t.service_type = o.gssapi_service_principal_nametype
    t.plaintext = o.gssapi_plaintext


cdef inline const char *security_lacks(socket_t *s) noexcept nogil:
    """The option that a connection over a network would still need, as a text; NULL: none."""
    cdef engine_security_t security
    security_from(s, &security)
    return engine_lacks(&security)


cdef inline int security_check(socket_t *s, int engine) noexcept nogil:
    """For bind and connect over a network. 0, -EINVAL: something has to be set before; -ENOTSUP: this engine cannot carry
    the mechanism."""
    cdef engine_security_t security
    security_from(s, &security)
    if engine_lacks(&security) != NULL:
        return -EINVAL
    return 0 if engine_carries(engine, &security) else -ENOTSUP


# ---- what an endpoint keeps

cdef inline void credentials_keep(const unsigned char **text, size_t n, unsigned char **at) noexcept nogil:
    """A text moves to the block that is filled from *at on; NULL stays."""
    if text[0] != NULL:
        memcpy(at[0], text[0], n)
        text[0] = at[0]
        at[0] += n


cdef inline int credentials_take(socket_t *s, credentials_t **out) noexcept nogil:
    """Of the options as they are now. 0, and *out is NULL if they say nothing; or -ENOMEM. Lock held."""
    cdef options_t *o = &s.opt
    cdef engine_security_t t
    cdef credentials_t *c
    cdef unsigned char *at
    cdef size_t size
    if not (o.mechanism or o.zap_domain.size or o.zap_enforce_domain or o.routing_id.size):
        out[0] = NULL
        return 0
    security_from(s, &t)
    size = (
        sizeof(credentials_t) + o.zap_domain.size + o.routing_id.size + t.username_size + t.password_size + 3 * CURVE_KEY_SIZE
        + t.principal_size + t.service_size)
    c = <credentials_t *> calloc(1, size)
    if c == NULL:
        return -ENOMEM
    c.size = size
    c.security = t
    c.enforces = o.zap_enforce_domain != 0
    c.domain, c.domain_size = o.zap_domain.data, o.zap_domain.size
    c.routing_id, c.routing_id_size = o.routing_id.data, o.routing_id.size
    at = <unsigned char *> (c + 1)
    credentials_keep(&c.domain, c.domain_size, &at)
    credentials_keep(&c.routing_id, c.routing_id_size, &at)
    credentials_keep(&c.security.username, t.username_size, &at)
    credentials_keep(&c.security.password, t.password_size, &at)
    credentials_keep(&c.security.public_key, CURVE_KEY_SIZE, &at)
    credentials_keep(&c.security.secret_key, CURVE_KEY_SIZE, &at)
    credentials_keep(&c.security.server_key, CURVE_KEY_SIZE, &at)
    credentials_keep(&c.security.principal, t.principal_size, &at)
    credentials_keep(&c.security.service, t.service_size, &at)
    out[0] = c
    return 0


cdef inline void credentials_free(credentials_t *c) noexcept nogil:
    """NULL is allowed."""
    if c != NULL:
        zc_wipe(c, c.size)
        free(c)


cdef inline credentials_t credentials_of(const endpoint_t *e) noexcept nogil:
    """For use while the endpoint is there."""
    cdef credentials_t nothing
    if e.credentials != NULL:
        return e.credentials[0]
    memset(&nothing, 0, sizeof(nothing))
    return nothing
