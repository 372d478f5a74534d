# From a socket's options to what a mechanism is told about them. By reference: for use under the socket's lock.

from base.errors cimport EINVAL, ENOTSUP
from engine.ops cimport engine_security_t
from engine.select cimport engine_carries, engine_lacks
from option.table cimport options_t
from socket.state cimport socket_t


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
