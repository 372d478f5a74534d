# Securing a socket: mechanism, keys and policy in one step, before it has any endpoint.
#
# Rules
# - All of it or nothing, under the socket's lock; afterwards options that belong to a mechanism cannot be set any more. So no endpoint of the
#   socket ever was, or will be, anything but CURVE.
# - A server's policy can be replaced by calling it again with the same key.

from base.errors cimport EBUSY, ENOTSUP, EPERM
from base.mechanisms cimport CURVE_KEY_SIZE
from base.secret cimport zc_same_secret
from option.store cimport options_secure
from pattern.ops cimport pattern_raw
from socket.policy cimport policy_close
from socket.state cimport policy_t, socket_t


cdef inline int may_secure(socket_t *s, bint as_server, const unsigned char *secret) noexcept nogil:
    """0; 1: it has been, in the same way; or a negative errno."""
    if s.secured:
        if as_server and s.policy != NULL and zc_same_secret(s.opt.curve_secretkey.data, secret, CURVE_KEY_SIZE):
            return 1
        return -EPERM
    if pattern_raw(&s.pattern):
        return -ENOTSUP
    return -EBUSY if s.endpoints != NULL or s.nsessions else 0


cdef inline int socket_secure(
        socket_t *s, bint as_server, const unsigned char *public, const unsigned char *secret, const unsigned char *server,
        policy_t **policy) noexcept nogil:
    """Lock held. `server`: the server's public key, of a client; `policy`: of a server, and its reference is taken over if this succeeds; else NULL.
    0, or a negative errno and the socket is as before."""
    cdef int rc = may_secure(s, as_server, secret)
    cdef policy_t *old = s.policy
    if rc < 0:
        return rc
    if rc == 0:
        rc = options_secure(&s.opt, as_server, public, secret, server)
        if rc < 0:
            return rc
        s.secured = True
    s.policy = policy[0]
    policy[0] = NULL
    policy_close(old)
    return 0
