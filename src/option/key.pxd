# Keys of CURVE, as bytes and as text: Z85 makes five characters of four bytes (RFC 32).
#
# Rules
# - A key comes as 32 bytes, or as 40 characters, with or without a NUL behind them. Nothing else is taken for one.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memchr, memcpy, memset
from base.errors cimport EINVAL
from base.mechanisms cimport CURVE_KEY_SIZE, CURVE_KEY_TEXT_SIZE
from base.secret cimport zc_wipe
from option.field cimport bytes_assign
from option.table cimport option_bytes_t

cdef enum:
    Z85_BASE = 85


cdef inline const char *z85_alphabet() noexcept nogil:
    return b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


cdef inline int key_from_text(const unsigned char *text, unsigned char *key) noexcept nogil:
    """CURVE_KEY_TEXT_SIZE characters. 0 or -EINVAL."""
    cdef const char *alphabet = z85_alphabet()
    cdef const char *found
    cdef uint64_t value
    cdef int group, i
    for group in range(CURVE_KEY_TEXT_SIZE // 5):
        value = 0
        for i in range(5):
            found = <const char *> memchr(alphabet, text[5 * group + i], Z85_BASE)
            if found == NULL:
                return -EINVAL
            value = value * Z85_BASE + <uint64_t> (found - alphabet)
        if value >> 32:
            return -EINVAL
        for i in range(4):
            key[4 * group + i] = <unsigned char> (value >> (24 - 8 * i))
    return 0


cdef inline void key_to_text(const unsigned char *key, char *text) noexcept nogil:
    """CURVE_KEY_TEXT_SIZE characters and a NUL."""
    cdef const char *alphabet = z85_alphabet()
    cdef uint32_t value
    cdef int group, i
    for group in range(CURVE_KEY_TEXT_SIZE // 5):
        value = 0
        for i in range(4):
            value = value << 8 | key[4 * group + i]
        for i in range(4, -1, -1):
            text[5 * group + i] = alphabet[value % Z85_BASE]
            value //= Z85_BASE
    text[CURVE_KEY_TEXT_SIZE] = 0


cdef inline int key_read(const unsigned char *value, size_t size, unsigned char *key) noexcept nogil:
    """A key in any of its forms. 0 or -EINVAL."""
    if size == CURVE_KEY_SIZE:
        memcpy(key, value, CURVE_KEY_SIZE)
        return 0
    if size == CURVE_KEY_TEXT_SIZE or (size == CURVE_KEY_TEXT_SIZE + 1 and value[CURVE_KEY_TEXT_SIZE] == 0):
        return key_from_text(value, key)
    return -EINVAL


cdef inline int key_assign(option_bytes_t *field, const unsigned char *value, size_t size) noexcept nogil:
    """0; or -EINVAL, -ENOMEM, and the key is as before."""
    cdef unsigned char key[CURVE_KEY_SIZE]
    cdef int rc = key_read(value, size, key)
    if rc == 0:
        rc = bytes_assign(field, key, CURVE_KEY_SIZE)
    zc_wipe(key, sizeof(key))
    return rc


cdef inline int key_put(const option_bytes_t *field, unsigned char *out, size_t size) noexcept nogil:
    """Into exactly so many bytes, which tell what form is wanted. A key that is not set reads as zeros. 0 or -EINVAL."""
    cdef unsigned char key[CURVE_KEY_SIZE]
    memset(key, 0, sizeof(key))
    if field.data != NULL:
        memcpy(key, field.data, CURVE_KEY_SIZE)
    if size == CURVE_KEY_SIZE:
        memcpy(out, key, CURVE_KEY_SIZE)
    elif size == CURVE_KEY_TEXT_SIZE + 1:
        key_to_text(key, <char *> out)
    else:
        return -EINVAL
    return 0
