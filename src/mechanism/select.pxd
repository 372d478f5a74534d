# Which mechanism a number means: the only file that knows all of them.

from base.memory cimport free

from base.errors cimport ENOTSUP
from base.mechanisms cimport MECHANISM_CURVE, MECHANISM_GSSAPI, MECHANISM_NULL, MECHANISM_PLAIN
from mechanism.curve cimport curve_lacks, curve_new
from mechanism.gssapi cimport gssapi_new
from mechanism.mechanism cimport mechanism_config_t, mechanism_t
from mechanism.null cimport null_new
from mechanism.plain cimport plain_new
from mechanism.security cimport security_t


cdef inline int mechanism_new(const mechanism_config_t *config, mechanism_t **out) noexcept nogil:
    """0, -ENOTSUP for a mechanism this build does not have, -EINVAL when one lacks what it needs, -ENOMEM."""
    cdef int kind = config.security.mechanism
    if kind == MECHANISM_NULL:
        return null_new(config, out)
    if kind == MECHANISM_PLAIN:
        return plain_new(config, out)
    if kind == MECHANISM_CURVE:
        return curve_new(config, out)
    if kind == MECHANISM_GSSAPI:
        return gssapi_new(config, out)
    return -ENOTSUP


cdef inline const char *mechanism_lacks(const security_t *security) noexcept nogil:
    """What has to be set before mechanism_new() can succeed, as a text; NULL: nothing."""
    return curve_lacks(security) if security.mechanism == MECHANISM_CURVE else NULL


cdef inline bint mechanism_has_subprotocol(const security_t *security) noexcept nogil:
    """Whether ZWS has a name for it. Nobody has agreed on one for GSSAPI."""
    return security.mechanism != MECHANISM_GSSAPI


cdef inline bint mechanism_encrypts(const security_t *security) noexcept nogil:
    """Whether nobody but the peer sees what a message is: all but these."""
    if security.mechanism == MECHANISM_GSSAPI:
        return not security.plaintext
    return security.mechanism != MECHANISM_NULL and security.mechanism != MECHANISM_PLAIN


cdef inline void mechanism_delete(mechanism_t *m) noexcept nogil:
    """Release a mechanism in any state; NULL is allowed."""
    if m != NULL:
        m.ops.free(m)
        free(m)
