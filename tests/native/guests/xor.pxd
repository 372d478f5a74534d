# A toy mechanism, to prove that one file and one line make a mechanism: a question to the ZAP handler, READY like NULL's,
# and then every frame encoded: `number (4) | flags | body`, all but the number XORed with a mask that changes with the number.
#
# The numbers must arrive without a gap and in order, so what was encoded and never sent, sent twice or out of order ends
# the connection.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy
from base.memory cimport calloc, free, malloc
from base.errors cimport ENOMEM, EPROTO
from mechanism.mechanism cimport (
    MECHANISM_AUTHENTICATE, MECHANISM_HANDSHAKE, MECHANISM_READY, mechanism_config_t, mechanism_fail,
    mechanism_name_own, mechanism_own_t, mechanism_t, mechanism_zap_t,
)

cdef enum:
    OVERHEAD = 5


cdef struct xor_mechanism_t:
    mechanism_t base
    int said
    unsigned char *properties       # the peer's
    uint32_t encoded
    uint32_t decoded


cdef inline void xor_free(mechanism_t *m) noexcept nogil:
    free((<xor_mechanism_t *> m).properties)


cdef inline int xor_next_command(mechanism_t *m, const mechanism_own_t *own, unsigned char *out, size_t room,
                                 size_t *size) noexcept nogil:
    cdef xor_mechanism_t *self = <xor_mechanism_t *> m
    if m.state != MECHANISM_HANDSHAKE or self.said:
        return 0
    size[0] = mechanism_name_own(b"\x05READY", 6, own, out, room)
    self.said = size[0] <= room
    return 1


cdef inline int xor_process_command(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    cdef xor_mechanism_t *self = <xor_mechanism_t *> m
    if n < 6 or memcmp(p, b"\x05READY", 6) != 0:
        return mechanism_fail(m, -EPROTO, 0, 0)
    self.properties = <unsigned char *> malloc(n)
    if self.properties == NULL:
        return mechanism_fail(m, -ENOMEM, 0, 0)
    memcpy(self.properties, p + 6, n - 6)
    m.peer_properties = self.properties
    m.peer_properties_size = n - 6
    m.state = MECHANISM_READY
    return 0


cdef inline void xor_zap_request(mechanism_t *m, mechanism_zap_t *request) noexcept nogil:
    request.mechanism = "XOR"
    request.credentials = 0


cdef inline int xor_zap_reply(mechanism_t *m, int status) noexcept nogil:
    if status > 0 and status != 200:
        return mechanism_fail(m, -EPROTO, 0, 0)
    m.state = MECHANISM_HANDSHAKE   # also when there is nobody to ask
    return 0


cdef inline void xor_mask(uint32_t number, const unsigned char *p, size_t n, unsigned char *out) noexcept nogil:
    cdef size_t i
    for i in range(n):
        out[i] = p[i] ^ <unsigned char> (number * 167 + i * 31 + 90)


cdef inline int xor_encode(mechanism_t *m, int flags, const unsigned char *body, size_t n, unsigned char *out,
                           size_t *size) noexcept nogil:
    cdef xor_mechanism_t *self = <xor_mechanism_t *> m
    self.encoded += 1
    memcpy(out, &self.encoded, 4)
    out[4] = <unsigned char> (flags ^ self.encoded ^ 0x5a)
    xor_mask(self.encoded, body, n, out + OVERHEAD)
    size[0] = n + OVERHEAD
    return 0


cdef inline int xor_decode(mechanism_t *m, unsigned char *body, size_t n, int *flags, unsigned char **plain,
                           size_t *size) noexcept nogil:
    cdef xor_mechanism_t *self = <xor_mechanism_t *> m
    self.decoded += 1
    if n < OVERHEAD or memcmp(body, &self.decoded, 4) != 0:
        return -EPROTO
    flags[0] = (body[4] ^ self.decoded ^ 0x5a) & 0xff
    xor_mask(self.decoded, body + OVERHEAD, n - OVERHEAD, body + OVERHEAD)
    plain[0] = body + OVERHEAD
    size[0] = n - OVERHEAD
    return 0


cdef inline int xor_new(const mechanism_config_t *config, mechanism_t **out) noexcept nogil:
    cdef xor_mechanism_t *self = <xor_mechanism_t *> calloc(1, sizeof(xor_mechanism_t))
    if self == NULL:
        return -ENOMEM
    # Before READY is said: whoever has heard it may send messages and leave.
    self.base.state = MECHANISM_AUTHENTICATE
    memcpy(self.base.ops.name, b"XOR", 3)
    self.base.ops.free = xor_free
    self.base.ops.next_command = xor_next_command
    self.base.ops.process_command = xor_process_command
    self.base.ops.zap_request = xor_zap_request
    self.base.ops.zap_reply = xor_zap_reply
    self.base.ops.overhead = OVERHEAD
    self.base.ops.encode = xor_encode
    self.base.ops.decode = xor_decode
    out[0] = &self.base
    return 0
