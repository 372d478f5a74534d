# The proof that a server speaks WebSocket: the accept value, base64 of SHA-1 of the client's key and a constant (RFC 6455,
# 4.2.2). SHA-1 (FIPS 180-4) and base64 (RFC 4648) are here for that alone; nothing secret depends on either.

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset

from base.endian cimport load_be32, store_be32, store_be64

cdef enum:
    SHA1_SIZE = 20
    SHA1_BLOCK = 64
    WS_NONCE_SIZE = 16
    WS_KEY_SIZE = 24           # base64 of a nonce
    WS_ACCEPT_SIZE = 28        # base64 of a SHA-1 value


cdef inline uint32_t sha1_rotate(uint32_t x, int n) noexcept nogil:
    return (x << n) | (x >> (32 - n))


cdef inline void sha1_block(uint32_t *h, const uint8_t *p) noexcept nogil:
    cdef uint32_t w[80]
    cdef uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4]
    cdef uint32_t f, k, t
    cdef int i
    for i in range(16):
        w[i] = load_be32(p + 4 * i)
    for i in range(16, 80):
        w[i] = sha1_rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1)
    for i in range(80):
        if i < 20:
            f = (b & c) | (~b & d)
            k = 0x5A827999
        elif i < 40:
            f = b ^ c ^ d
            k = 0x6ED9EBA1
        elif i < 60:
            f = (b & c) | (b & d) | (c & d)
            k = 0x8F1BBCDC
        else:
            f = b ^ c ^ d
            k = 0xCA62C1D6
        t = sha1_rotate(a, 5) + f + e + k + w[i]
        e = d
        d = c
        c = sha1_rotate(b, 30)
        b = a
        a = t
    h[0] += a
    h[1] += b
    h[2] += c
    h[3] += d
    h[4] += e


cdef inline void sha1(const uint8_t *p, size_t n, uint8_t *out) noexcept nogil:
    """SHA1_SIZE bytes for n bytes."""
    cdef uint32_t h[5]
    cdef uint8_t last[2 * SHA1_BLOCK]
    cdef size_t rest = n % SHA1_BLOCK
    cdef size_t blocks = 1 if rest < SHA1_BLOCK - 8 else 2      # of padding: a bit, zeros, the length in 8 bytes
    cdef size_t i
    h[0] = 0x67452301
    h[1] = 0xEFCDAB89
    h[2] = 0x98BADCFE
    h[3] = 0x10325476
    h[4] = 0xC3D2E1F0
    for i in range(n // SHA1_BLOCK):
        sha1_block(h, p + i * SHA1_BLOCK)
    memset(last, 0, sizeof(last))
    if rest:
        memcpy(last, p + n - rest, rest)
    last[rest] = 0x80
    store_be64(last + blocks * SHA1_BLOCK - 8, n * 8)
    for i in range(blocks):
        sha1_block(h, last + i * SHA1_BLOCK)
    for i in range(5):
        store_be32(out + 4 * i, h[i])


cdef inline void base64_put(const uint8_t *p, size_t n, char *out) noexcept nogil:
    """Four characters for each three bytes begun; no NUL."""
    cdef const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    cdef uint32_t bits
    cdef size_t i = 0, left
    while i < n:
        left = n - i
        bits = <uint32_t> p[i] << 16
        if left > 1:
            bits |= <uint32_t> p[i + 1] << 8
        if left > 2:
            bits |= p[i + 2]
        out[0] = alphabet[bits >> 18]
        out[1] = alphabet[bits >> 12 & 63]
        out[2] = alphabet[bits >> 6 & 63] if left > 1 else c'='
        out[3] = alphabet[bits & 63] if left > 2 else c'='
        out += 4
        i += 3


cdef inline bint ws_key_valid(const char *key, size_t n) noexcept nogil:
    """Whether this is base64 of some nonce. Its spare bits are nobody's business."""
    cdef size_t i
    cdef char c
    if n != WS_KEY_SIZE or key[n - 1] != c'=' or key[n - 2] != c'=':
        return False
    for i in range(n - 2):
        c = key[i]
        if not (c'A' <= c <= c'Z' or c'a' <= c <= c'z' or c'0' <= c <= c'9' or c == c'+' or c == c'/'):
            return False
    return True


cdef inline void ws_accept(const char *key, char *out) noexcept nogil:
    """WS_ACCEPT_SIZE characters for a key of WS_KEY_SIZE."""
    cdef uint8_t text[WS_KEY_SIZE + 36]
    cdef uint8_t digest[SHA1_SIZE]
    memcpy(text, key, WS_KEY_SIZE)
    memcpy(text + WS_KEY_SIZE, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36)
    sha1(text, sizeof(text), digest)
    base64_put(digest, SHA1_SIZE, out)
