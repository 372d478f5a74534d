# CURVE: encryption and authentication with public keys (RFC 25, RFC 26).
#
# curve_state.pxd: what both sides keep; curve_client.pxd, curve_server.pxd: the handshake; curve_message.pxd: messages.

from libc.string cimport memcpy

from base.errors cimport EINVAL, ENOMEM
from base.memory cimport calloc, free
from base.mechanisms cimport CURVE_KEY_SIZE
from mechanism.crypto cimport crypto_streams, crypto_there
from mechanism.curve_client cimport curve_client_next, curve_client_process
from mechanism.curve_message cimport CURVE_OVERHEAD, curve_decode, curve_encode
from mechanism.curve_server cimport curve_server_next, curve_server_process, curve_zap_reply, curve_zap_request
from mechanism.curve_state cimport (
    CURVE_HEAR_HELLO, CURVE_SAY_HELLO, curve_free, curve_keys_t, curve_mechanism_t, curve_settle,
)
from mechanism.mechanism cimport ZMTP_INVALID_METADATA, mechanism_config_t, mechanism_t
from mechanism.security cimport security_t


cdef inline const char *curve_lacks(const security_t *security) noexcept nogil:
    """What has to be set before a handshake can begin; NULL: nothing."""
    if security.secret_key == NULL:
        return b"CURVE needs the option CURVE_SECRETKEY"
    if security.server_key == NULL and not security.as_server:
        return b"CURVE needs the option CURVE_SERVERKEY, or CURVE_SERVER on the server"
    return NULL


cdef inline void curve_take_keys(curve_mechanism_t *self, const security_t *security) noexcept nogil:
    cdef curve_keys_t *k = self.keys
    memcpy(k.own_secret, security.secret_key, CURVE_KEY_SIZE)
    self.crypto.scalarmult_base(k.own_public, k.own_secret)
    if security.as_server:
        return      # S is what belongs to s, whatever the option says
    if security.public_key != NULL:
        memcpy(k.own_public, security.public_key, CURVE_KEY_SIZE)
    memcpy(k.peer_public, security.server_key, CURVE_KEY_SIZE)


cdef inline int curve_new(const mechanism_config_t *config, mechanism_t **out) noexcept nogil:
    """0; -EINVAL: a key or the library is missing; -ENOMEM. The result is given to mechanism_delete()."""
    cdef curve_mechanism_t *self
    cdef mechanism_t *m
    if curve_lacks(config.security) != NULL or config.crypto == NULL or not crypto_there(config.crypto):
        return -EINVAL
    self = <curve_mechanism_t *>calloc(1, sizeof(curve_mechanism_t))
    if self == NULL:
        return -ENOMEM
    self.keys = <curve_keys_t *>calloc(1, sizeof(curve_keys_t))
    if self.keys == NULL:
        free(self)
        return -ENOMEM
    self.crypto = config.crypto[0]
    self.streams = crypto_streams(&self.crypto)
    self.as_server = config.security.as_server
    self.handler_required = config.security.handler_required
    curve_take_keys(self, config.security)
    m = &self.base
    memcpy(m.ops.name, b"CURVE", 5)
    m.ops.free = curve_free
    m.ops.settle = curve_settle
    m.ops.overhead = CURVE_OVERHEAD
    m.ops.encode = curve_encode
    m.ops.decode = curve_decode
    if self.as_server:
        self.step = CURVE_HEAR_HELLO
        m.ops.next_command = curve_server_next
        m.ops.process_command = curve_server_process
        m.ops.zap_request = curve_zap_request
        m.ops.zap_reply = curve_zap_reply
    else:
        self.step = CURVE_SAY_HELLO
        m.ops.next_command = curve_client_next
        m.ops.process_command = curve_client_process
        m.invalid_metadata_value = ZMTP_INVALID_METADATA
    out[0] = m
    return 0
