# METADATA: properties of the application as the READY command carries them: (length byte, name, 4 length bytes, value)*.

from libc.string cimport memchr, memcpy
from base.errors cimport EINVAL, ENOMEM
from base.memory cimport free, malloc
from option.table cimport option_bytes_t

cdef enum:
    NAME_MAX = 255              # one length byte
    METADATA_MAX = 1 << 17      # all properties together: fits the READY command, of which our own handshake takes 256 KiB


cdef inline bint _same_name(const unsigned char *a, const char *b, size_t size) noexcept nogil:
    """In any case of letters."""
    cdef size_t i
    cdef unsigned char x, y
    for i in range(size):
        x = a[i]
        y = <unsigned char> b[i]
        if c'A' <= x <= c'Z':
            x |= 32
        if c'A' <= y <= c'Z':
            y |= 32
        if x != y:
            return False
    return True


cdef inline size_t _property_size(const unsigned char *at) noexcept nogil:
    """Of the property that begins there."""
    cdef const unsigned char *length = at + 1 + at[0]
    return <size_t> 1 + at[0] + 4 + (
        (<size_t> length[0] << 24) | (<size_t> length[1] << 16) | (<size_t> length[2] << 8) | length[3])


cdef inline void _property_put(unsigned char *out, const char *name, size_t name_size, const char *value, size_t size) noexcept nogil:
    cdef int i
    out[0] = <unsigned char> name_size
    memcpy(out + 1, name, name_size)
    out += 1 + name_size
    for i in range(4):
        out[i] = <unsigned char> (size >> (24 - 8 * i))
    memcpy(out + 4, value, size)


cdef inline int property_add(option_bytes_t *all, const char *text, size_t size) noexcept nogil:
    """One more "X-name:value". A name given before, in any case of letters, gets the new value. 0, -EINVAL or -ENOMEM."""
    cdef const char *colon = <const char *> memchr(text, c':', size)
    cdef size_t name_size, value_size, one, at = 0, kept = 0
    cdef unsigned char *grown
    if colon == NULL:
        return -EINVAL
    name_size = colon - text
    value_size = size - name_size - 1
    if name_size < 2 or name_size > NAME_MAX or value_size == 0 or text[0] != c'X' or text[1] != c'-':
        return -EINVAL
    one = 1 + name_size + 4 + value_size
    if value_size > METADATA_MAX or all.size + one > METADATA_MAX:
        return -EINVAL
    grown = <unsigned char *> malloc(all.size + one)
    if grown == NULL:
        return -ENOMEM
    while at < all.size:
        one = _property_size(all.data + at)
        if all.data[at] != name_size or not _same_name(all.data + at + 1, text, name_size):
            memcpy(grown + kept, all.data + at, one)
            kept += one
        at += one
    _property_put(grown + kept, text, name_size, colon + 1, value_size)
    free(all.data)
    all.data = grown
    all.size = kept + 1 + name_size + 4 + value_size
    return 0
