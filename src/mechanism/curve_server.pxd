# CURVE, the server's side of the handshake. curve_client.pxd shows both.
#
# Rules:
# - The RFC's cookie is for servers that remember nothing between WELCOME and INITIATE. This one does, so its cookie is random
#   octets that have to come back unchanged: good once, on this connection, until its handshake timer ends it.
# - A client costs two key agreements before it has shown that it knows S, and two more before the ZAP handler is asked. There
#   is one try of each command.
# - What is in the vouch is compared, S included: a vouch that was made out to another server is none.
# - No command is answered by falling back to another mechanism.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy

from base.endian cimport load_be64, store_be64
from base.errors cimport ENOMEM, EPROTO
from base.memory cimport malloc
from base.secret cimport zc_same_secret, zc_wipe
from mechanism.curve_state cimport (
    CURVE_COOKIE, CURVE_HEAR_HELLO, CURVE_HEAR_INITIATE, CURVE_HELLO, CURVE_INITIATE, CURVE_MAC, CURVE_READY, CURVE_SAY_READY,
    CURVE_SAY_WELCOME, CURVE_VOUCH, CURVE_WELCOME, curve_agree, curve_begin_traffic, curve_keys_t, curve_mechanism_t,
    curve_open, curve_seal, curve_wrong,
)
from mechanism.mechanism cimport (
    MECHANISM_AUTHENTICATE, MECHANISM_HANDSHAKE, MECHANISM_REFUSED, ZMTP_CRYPTOGRAPHIC, ZMTP_INVALID_SEQUENCE,
    ZMTP_KEY_EXCHANGE, ZMTP_MALFORMED_COMMAND_HELLO, ZMTP_MALFORMED_COMMAND_INITIATE, ZMTP_MALFORMED_COMMAND_UNSPECIFIED,
    ZMTP_UNEXPECTED_COMMAND, mechanism_fail, mechanism_own_t, mechanism_t, mechanism_zap_t,
)
from mechanism.refusal cimport refusal_decide, refusal_next_command


# ---- out

cdef inline int curve_say_welcome(curve_mechanism_t *self, unsigned char *out, size_t room, size_t *size) noexcept nogil:
    cdef curve_keys_t *k = self.keys
    cdef unsigned char *plain = out + 24 + CURVE_MAC
    size[0] = CURVE_WELCOME
    if size[0] > room:
        return 1
    self.crypto.box_keypair(k.brief_public, k.brief_secret)
    self.crypto.randombytes(k.cookie, CURVE_COOKIE)
    memcpy(out, b"\x07WELCOME", 8)
    self.crypto.randombytes(out + 8, 16)
    memcpy(plain, k.brief_public, 32)
    memcpy(plain + 32, k.cookie, CURVE_COOKIE)
    curve_seal(self, b"WELCOME-", 8, out + 8, k.key, out + 24, plain, 32 + CURVE_COOKIE)
    self.step = CURVE_HEAR_INITIATE
    return 1


cdef inline int curve_say_ready(curve_mechanism_t *self, const mechanism_own_t *own, unsigned char *out, size_t room,
                                size_t *size) noexcept nogil:
    cdef size_t n = own.size
    size[0] = CURVE_READY + n
    if size[0] > room:
        return 1
    memcpy(out, b"\x05READY", 6)
    self.said = 1
    store_be64(out + 6, self.said)
    if n:
        memcpy(out + 14 + CURVE_MAC, own.properties, n)
    curve_seal(self, b"CurveZMQREADY---", 16, out + 6, self.keys.key, out + 14, out + 14 + CURVE_MAC, n)
    curve_begin_traffic(self)
    return 1


cdef inline int curve_server_next(mechanism_t *m, const mechanism_own_t *own, unsigned char *out, size_t room,
                                  size_t *size) noexcept nogil:
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    if m.state == MECHANISM_REFUSED:
        return refusal_next_command(m, b"\x05ERROR", 6, out, room, size)
    if m.state != MECHANISM_HANDSHAKE:
        return 0
    if self.step == CURVE_SAY_WELCOME:
        return curve_say_welcome(self, out, room, size)
    if self.step == CURVE_SAY_READY:
        return curve_say_ready(self, own, out, room, size)
    return 0


# ---- in

cdef inline int curve_hear_hello(curve_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    cdef curve_keys_t *k = self.keys
    cdef unsigned char zeros[64]
    if n < 6 or memcmp(p, b"\x05HELLO", 6) != 0:
        return curve_wrong(self, ZMTP_UNEXPECTED_COMMAND)
    if n != CURVE_HELLO or p[6] != 1 or p[7] != 0:
        return curve_wrong(self, ZMTP_MALFORMED_COMMAND_HELLO)
    memcpy(k.peer_brief, p + 80, 32)
    # What is in the box is not looked at, as deployed peers do not either: that it opens is what counts.
    if not curve_agree(self, k.key, k.peer_brief, k.own_secret) or not curve_open(
            self, b"CurveZMQHELLO---", 16, p + 112, k.key, zeros, p + 120, CURVE_HELLO - 120):
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    self.heard = load_be64(p + 112)
    self.step = CURVE_SAY_WELCOME
    return 0


cdef inline int curve_check_vouch(curve_mechanism_t *self, const unsigned char *vouch) noexcept nogil:
    """Is it by the owner of C, for this connection and for us? 0 or negative errno."""
    cdef curve_keys_t *k = self.keys
    cdef unsigned char key[32]
    cdef unsigned char both[64]
    cdef bint good = curve_agree(self, key, k.peer_public, k.brief_secret) and curve_open(
        self, b"VOUCH---", 8, vouch, key, both, vouch + 16, CURVE_VOUCH - 16)
    zc_wipe(key, sizeof(key))
    if not good:
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    if not zc_same_secret(both, k.peer_brief, 32) or not zc_same_secret(both + 32, k.own_public, 32):
        return curve_wrong(self, ZMTP_KEY_EXCHANGE)
    return 0


cdef inline int curve_open_initiate(curve_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    """The box of INITIATE, into `plain`. 0 or negative errno."""
    cdef curve_keys_t *k = self.keys
    self.plain_size = n - 113 - CURVE_MAC
    self.plain = <unsigned char *> malloc(self.plain_size)
    if self.plain == NULL:
        return mechanism_fail(&self.base, -ENOMEM, 0, 0)
    if not curve_agree(self, k.key, k.peer_brief, k.brief_secret) or not curve_open(
            self, b"CurveZMQINITIATE", 16, p + 105, k.key, self.plain, p + 113, n - 113):
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    return 0


cdef inline int curve_hear_initiate(curve_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    cdef curve_keys_t *k = self.keys
    cdef uint64_t number
    cdef int rc
    if n < 9 or memcmp(p, b"\x08INITIATE", 9) != 0:
        return curve_wrong(self, ZMTP_UNEXPECTED_COMMAND)
    if n < CURVE_INITIATE:
        return curve_wrong(self, ZMTP_MALFORMED_COMMAND_INITIATE)
    if not zc_same_secret(p + 9, k.cookie, CURVE_COOKIE):
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    number = load_be64(p + 105)
    if number <= self.heard:
        return curve_wrong(self, ZMTP_INVALID_SEQUENCE)
    rc = curve_open_initiate(self, p, n)
    if rc < 0:
        return rc
    memcpy(k.peer_public, self.plain, 32)
    rc = curve_check_vouch(self, self.plain + 32)
    if rc < 0:
        return rc
    self.heard = number
    self.base.peer_properties = self.plain + 32 + CURVE_VOUCH
    self.base.peer_properties_size = self.plain_size - 32 - CURVE_VOUCH
    self.base.state = MECHANISM_AUTHENTICATE
    return 0


cdef inline int curve_server_process(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    """A command of the client."""
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    if m.state == MECHANISM_REFUSED:
        return mechanism_fail(m, -EPROTO, 0, 0)
    if n <= 1 or n <= p[0]:
        return curve_wrong(self, ZMTP_MALFORMED_COMMAND_UNSPECIFIED)
    if self.step == CURVE_HEAR_HELLO:
        return curve_hear_hello(self, p, n)
    return curve_hear_initiate(self, p, n)


# ---- the ZAP handler

cdef inline void curve_zap_request(mechanism_t *m, mechanism_zap_t *request) noexcept nogil:
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    request.mechanism = m.ops.name
    request.credentials = 1
    request.credential[0] = self.keys.peer_public
    request.credential_size[0] = 32
    request.proved = True
    request.properties = m.peer_properties
    request.properties_size = m.peer_properties_size


cdef inline int curve_zap_reply(mechanism_t *m, int status) noexcept nogil:
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    cdef int rc = refusal_decide(m, status, self.handler_required)
    if rc > 0:
        m.state = MECHANISM_HANDSHAKE
        self.step = CURVE_SAY_READY
    return rc if rc < 0 else 0
