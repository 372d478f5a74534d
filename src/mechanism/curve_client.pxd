# CURVE, the client's side of the handshake.
#
#     client                                          | server
#     ------------------------------------------------+---------------------------------------------------
#     HELLO: C', a box of zeros (C' to S)             | knows that the client knows S
#     INITIATE: the cookie, a box (C' to S') of C,    | WELCOME: a box (S to C') of S' and a cookie
#       the vouch and metadata                        | knows C, asks the ZAP handler
#     knows that the server has s                     | READY: a box (S' to C') of metadata
#
# Rules:
# - The vouch is a box (C to S') of C' and S: it is good for this connection to this server only.
# - A refusal (ERROR) may come in place of WELCOME or READY. It is not sealed, so it can do no more than end the connection.

from libc.stddef cimport size_t
from libc.string cimport memcmp, memcpy, memset

from base.endian cimport load_be64, store_be64
from base.errors cimport ENOMEM
from base.memory cimport malloc
from base.secret cimport zc_wipe
from mechanism.curve_state cimport (
    CURVE_COOKIE, CURVE_HEAR_READY, CURVE_HEAR_WELCOME, CURVE_HELLO, CURVE_INITIATE, CURVE_MAC, CURVE_READY, CURVE_SAY_HELLO,
    CURVE_SAY_INITIATE, CURVE_VOUCH, CURVE_WELCOME, curve_agree, curve_begin_traffic, curve_keys_t, curve_mechanism_t,
    curve_open, curve_seal, curve_wrong,
)
from mechanism.mechanism cimport (
    MECHANISM_HANDSHAKE, ZMTP_CRYPTOGRAPHIC, ZMTP_MALFORMED_COMMAND_READY, ZMTP_UNEXPECTED_COMMAND, mechanism_fail,
    mechanism_own_t, mechanism_t,
)
from mechanism.refusal cimport refused_by_peer


# ---- out

cdef inline int curve_say_hello(curve_mechanism_t *self, unsigned char *out, size_t room, size_t *size) noexcept nogil:
    cdef curve_keys_t *k = self.keys
    size[0] = CURVE_HELLO
    if size[0] > room:
        return 1
    self.crypto.box_keypair(k.brief_public, k.brief_secret)
    if not curve_agree(self, k.key, k.peer_public, k.brief_secret):
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    memset(out, 0, CURVE_HELLO)
    memcpy(out, b"\x05HELLO\x01", 7)
    memcpy(out + 80, k.brief_public, 32)
    self.said = 1
    store_be64(out + 112, self.said)
    curve_seal(self, b"CurveZMQHELLO---", 16, out + 112, k.key, out + 120, out + 120 + CURVE_MAC, 64)
    self.step = CURVE_HEAR_WELCOME
    return 1


cdef inline int curve_vouch(curve_mechanism_t *self, unsigned char *out) noexcept nogil:
    """CURVE_VOUCH octets. 0 or negative errno."""
    cdef curve_keys_t *k = self.keys
    cdef unsigned char key[32]
    cdef unsigned char both[64]
    cdef bint agreed = curve_agree(self, key, k.peer_brief, k.own_secret)
    if agreed:
        memcpy(both, k.brief_public, 32)
        memcpy(both + 32, k.peer_public, 32)
        self.crypto.randombytes(out, 16)
        curve_seal(self, b"VOUCH---", 8, out, key, out + 16, both, 64)
    zc_wipe(key, sizeof(key))
    return 0 if agreed else curve_wrong(self, ZMTP_CRYPTOGRAPHIC)


cdef inline int curve_say_initiate(curve_mechanism_t *self, const mechanism_own_t *own, unsigned char *out, size_t room,
                                   size_t *size) noexcept nogil:
    cdef curve_keys_t *k = self.keys
    cdef unsigned char *plain = out + 113 + CURVE_MAC
    cdef size_t n = own.size
    cdef int rc
    size[0] = CURVE_INITIATE + n
    if size[0] > room:
        return 1
    if not curve_agree(self, k.key, k.peer_brief, k.brief_secret):
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    memcpy(out, b"\x08INITIATE", 9)
    memcpy(out + 9, k.cookie, CURVE_COOKIE)
    self.said += 1
    store_be64(out + 105, self.said)
    memcpy(plain, k.own_public, 32)
    rc = curve_vouch(self, plain + 32)
    if rc < 0:
        return rc
    if n:
        memcpy(plain + 32 + CURVE_VOUCH, own.properties, n)
    curve_seal(self, b"CurveZMQINITIATE", 16, out + 105, k.key, out + 113, plain, 32 + CURVE_VOUCH + n)
    self.step = CURVE_HEAR_READY
    return 1


cdef inline int curve_client_next(mechanism_t *m, const mechanism_own_t *own, unsigned char *out, size_t room,
                                  size_t *size) noexcept nogil:
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    if m.state != MECHANISM_HANDSHAKE:
        return 0
    if self.step == CURVE_SAY_HELLO:
        return curve_say_hello(self, out, room, size)
    if self.step == CURVE_SAY_INITIATE:
        return curve_say_initiate(self, own, out, room, size)
    return 0


# ---- in

cdef inline int curve_hear_welcome(curve_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    cdef curve_keys_t *k = self.keys
    cdef unsigned char plain[32 + CURVE_COOKIE]
    if n < 8 or memcmp(p, b"\x07WELCOME", 8) != 0:
        return curve_wrong(self, ZMTP_UNEXPECTED_COMMAND)
    if n != CURVE_WELCOME or not curve_open(self, b"WELCOME-", 8, p + 8, k.key, plain, p + 24, CURVE_WELCOME - 24):
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    memcpy(k.peer_brief, plain, 32)
    memcpy(k.cookie, plain + 32, CURVE_COOKIE)
    self.step = CURVE_SAY_INITIATE
    return 0


cdef inline int curve_hear_ready(curve_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    if n < 6 or memcmp(p, b"\x05READY", 6) != 0:
        return curve_wrong(self, ZMTP_UNEXPECTED_COMMAND)
    if n < CURVE_READY:
        return curve_wrong(self, ZMTP_MALFORMED_COMMAND_READY)
    self.plain_size = n - CURVE_READY
    self.plain = <unsigned char *> malloc(self.plain_size + 1)
    if self.plain == NULL:
        return mechanism_fail(&self.base, -ENOMEM, 0, 0)
    if not curve_open(self, b"CurveZMQREADY---", 16, p + 6, self.keys.key, self.plain, p + 14, n - 14):
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    self.heard = load_be64(p + 6)
    self.base.peer_properties = self.plain
    self.base.peer_properties_size = self.plain_size
    curve_begin_traffic(self)
    return 0


cdef inline int curve_client_process(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    """A command of the server."""
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    if n >= 6 and memcmp(p, b"\x05ERROR", 6) == 0:
        return refused_by_peer(m, p + 6, n - 6)
    if self.step == CURVE_HEAR_WELCOME:
        return curve_hear_welcome(self, p, n)
    return curve_hear_ready(self, p, n)
