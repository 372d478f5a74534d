# CURVE after the handshake: MESSAGE, `07 "MESSAGE" | number (8) | MAC (16) | sealed: flags (1) body`.
#
# Rules:
# - Numbers only go up. After the last one nothing is sealed any more, and the connection ends.
# - Nothing of a box is handed on before its MAC is right, and what is opened is opened in place.
# - A box is XSalsa20-Poly1305 with a key of its direction: the first 32 octets of the key stream authenticate, the rest
#   encrypts. libsodium makes 512 octets of key stream in the time of two blocks of 64, and parts of a block slowly. So for a
#   body's head and tail more key stream is made than they have octets; what lies between is done in one call.
# - The MAC of a long message is a third of its cost in libsodium; long_mac.h has it made elsewhere.
# - curve_seal_* and curve_open_* do the same in two ways: with the library's stream, and with its whole boxes where it hides
#   the stream.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t, UINT64_MAX
from libc.string cimport memcmp, memcpy, memset

from base.endian cimport load_be64, store_be64
from base.errors cimport EOVERFLOW
from base.secret cimport zc_same_secret, zc_wipe
from mechanism.crypto cimport crypto_t
from mechanism.curve_state cimport (
    CURVE_NONCE, curve_mechanism_t, curve_nonce, curve_prefix, curve_wrong,
)
from mechanism.long_mac cimport LONG_MAC_MIN, long_mac_make
from mechanism.mechanism cimport (
    MECHANISM_COMMAND, MECHANISM_MORE, ZMTP_CRYPTOGRAPHIC, ZMTP_INVALID_SEQUENCE, ZMTP_MALFORMED_COMMAND_MESSAGE,
    ZMTP_MALFORMED_COMMAND_UNSPECIFIED, ZMTP_UNEXPECTED_COMMAND, mechanism_t,
)

cdef enum:
    CURVE_SEALED = 32              # where the sealed octets begin: as far as the key of the MAC reaches into the stream
    CURVE_OVERHEAD = 33
    INNER_MORE = 1                 # the flags inside
    INNER_COMMAND = 2

    BLOCK = 64                     # octets that share a number in the key stream
    SCRATCH = 512
    SCRATCH_HALF = 256


cdef inline size_t curve_stretch(size_t n) noexcept nogil:
    """How much key stream is made for n octets of scratch."""
    return BLOCK if n <= BLOCK else SCRATCH_HALF if n <= SCRATCH_HALF else SCRATCH


cdef inline void curve_key_stream(const crypto_t *c, unsigned char *out, size_t n, const unsigned char *number,
                                  uint64_t block, const unsigned char *key) noexcept nogil:
    """n octets of it, from that block on."""
    memset(out, 0, n)
    c.stream_salsa20_xor_ic(out, out, n, number, block, key)


cdef inline void curve_mix(unsigned char *out, const unsigned char *p, const unsigned char *stream, size_t n) noexcept nogil:
    """Encrypts or decrypts n octets, in place or not."""
    cdef size_t i
    for i in range(n):
        out[i] = p[i] ^ stream[i]


cdef inline void curve_rest(const crypto_t *c, const unsigned char *key, const unsigned char *number, unsigned char *out,
                            const unsigned char *p, size_t n) noexcept nogil:
    """Encrypts (or decrypts) what stands behind the first SCRATCH octets of the key stream."""
    cdef unsigned char scratch[SCRATCH]
    cdef size_t tail = n % SCRATCH
    cdef size_t bulk = n - tail
    cdef size_t stretch
    if bulk:
        c.stream_salsa20_xor_ic(out, p, bulk, number, SCRATCH // BLOCK, key)
    if tail:
        stretch = curve_stretch(tail)
        curve_key_stream(c, scratch, stretch, number, (SCRATCH + bulk) // BLOCK, key)
        curve_mix(out + bulk, p + bulk, scratch, tail)
        zc_wipe(scratch, stretch)


cdef inline void curve_mac(curve_mechanism_t *self, unsigned char *out, const unsigned char *p, size_t n,
                           const unsigned char *key) noexcept nogil:
    """The MAC of n sealed octets, by the first octets of their key stream."""
    cdef const crypto_t *c = &self.crypto
    if n < LONG_MAC_MIN or c.long_mac == NULL or not long_mac_make(c.long_mac, &self.mac, out, p, n, key):
        c.onetimeauth_poly1305(out, p, n, key)


cdef inline void curve_seal_stream(curve_mechanism_t *self, unsigned char inner, const unsigned char *body, size_t n,
                                   unsigned char *out) noexcept nogil:
    """What stands from out + 16 on, by the number at out + 8."""
    cdef const crypto_t *c = &self.crypto
    cdef unsigned char scratch[SCRATCH]
    cdef size_t head = n if n < SCRATCH - CURVE_OVERHEAD else SCRATCH - CURVE_OVERHEAD
    cdef size_t stretch = curve_stretch(CURVE_OVERHEAD + head)
    curve_key_stream(c, scratch, stretch, out + 8, 0, self.say_key)
    out[CURVE_SEALED] = inner ^ scratch[CURVE_SEALED]
    curve_mix(out + CURVE_OVERHEAD, body, scratch + CURVE_OVERHEAD, head)
    if n > head:
        curve_rest(c, self.say_key, out + 8, out + CURVE_OVERHEAD + head, body + head, n - head)
    curve_mac(self, out + 16, out + CURVE_SEALED, n + 1, scratch)
    zc_wipe(scratch, stretch)


cdef inline bint curve_open_stream(curve_mechanism_t *self, unsigned char *p, size_t n) noexcept nogil:
    """A whole MESSAGE of n octets, opened in place. False: the MAC is wrong, and nothing has changed."""
    cdef const crypto_t *c = &self.crypto
    cdef unsigned char scratch[SCRATCH]
    cdef unsigned char mac[16]
    cdef size_t sealed = n - CURVE_SEALED
    cdef size_t head = sealed if sealed < SCRATCH - CURVE_SEALED else SCRATCH - CURVE_SEALED
    cdef size_t stretch = curve_stretch(CURVE_SEALED + head)
    cdef bint good
    curve_key_stream(c, scratch, stretch, p + 8, 0, self.hear_key)
    curve_mac(self, mac, p + CURVE_SEALED, sealed, scratch)
    good = zc_same_secret(mac, p + 16, sizeof(mac))
    if good:
        curve_mix(p + CURVE_SEALED, p + CURVE_SEALED, scratch + CURVE_SEALED, head)
        if sealed > head:
            curve_rest(c, self.hear_key, p + 8, p + CURVE_SEALED + head, p + CURVE_SEALED + head, sealed - head)
    zc_wipe(scratch, stretch)
    return good


cdef inline void curve_seal_box(curve_mechanism_t *self, unsigned char inner, const unsigned char *body, size_t n,
                                unsigned char *out) noexcept nogil:
    """As curve_seal_stream()."""
    cdef unsigned char nonce[CURVE_NONCE]
    curve_nonce(nonce, curve_prefix(self.as_server), 16, out + 8)
    out[CURVE_SEALED] = inner
    memcpy(out + CURVE_OVERHEAD, body, n)
    self.crypto.box_easy_afternm(out + 16, out + CURVE_SEALED, n + 1, nonce, self.say_key)


cdef inline bint curve_open_box(curve_mechanism_t *self, unsigned char *p, size_t n) noexcept nogil:
    """As curve_open_stream()."""
    cdef unsigned char nonce[CURVE_NONCE]
    curve_nonce(nonce, curve_prefix(not self.as_server), 16, p + 8)
    return self.crypto.box_open_easy_afternm(p + CURVE_SEALED, p + 16, n - 16, nonce, self.hear_key) == 0


cdef inline int curve_encode(mechanism_t *m, int flags, const unsigned char *body, size_t n, unsigned char *out,
                             size_t *size) noexcept nogil:
    """mechanism_ops_t.encode"""
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    cdef unsigned char inner = 0
    if self.said == UINT64_MAX:
        return -EOVERFLOW
    if flags & MECHANISM_MORE:
        inner |= INNER_MORE
    if flags & MECHANISM_COMMAND:
        inner |= INNER_COMMAND
    self.said += 1
    memcpy(out, b"\x07MESSAGE", 8)
    store_be64(out + 8, self.said)
    if self.streams:
        curve_seal_stream(self, inner, body, n, out)
    else:
        curve_seal_box(self, inner, body, n, out)
    size[0] = n + CURVE_OVERHEAD
    return 0


cdef inline int curve_decode(mechanism_t *m, unsigned char *body, size_t n, int *flags, unsigned char **plain,
                             size_t *size) noexcept nogil:
    """mechanism_ops_t.decode"""
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    cdef uint64_t number
    if n <= 1 or n <= body[0]:
        return curve_wrong(self, ZMTP_MALFORMED_COMMAND_UNSPECIFIED)
    if n < 8 or memcmp(body, b"\x07MESSAGE", 8) != 0:
        return curve_wrong(self, ZMTP_UNEXPECTED_COMMAND)
    if n < CURVE_OVERHEAD:
        return curve_wrong(self, ZMTP_MALFORMED_COMMAND_MESSAGE)
    number = load_be64(body + 8)
    if number <= self.heard:
        return curve_wrong(self, ZMTP_INVALID_SEQUENCE)
    if not (curve_open_stream(self, body, n) if self.streams else curve_open_box(self, body, n)):
        return curve_wrong(self, ZMTP_CRYPTOGRAPHIC)
    self.heard = number
    flags[0] = 0
    if body[CURVE_SEALED] & INNER_MORE:
        flags[0] |= MECHANISM_MORE
    if body[CURVE_SEALED] & INNER_COMMAND:
        flags[0] |= MECHANISM_COMMAND
    plain[0] = body + CURVE_OVERHEAD
    size[0] = n - CURVE_OVERHEAD
    return 0
