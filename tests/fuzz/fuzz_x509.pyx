# libFuzzer target: what is told of a peer's certificate.
#
# An input is a byte, the room for the text in steps of four, and a certificate. A text longer than its room, or one that is no clean text, and
# memory touched beyond the certificate or the room are findings.
#
# No Python object is touched and no interpreter runs.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t
from libc.stdlib cimport abort, free, malloc
from libc.string cimport memcpy

from transport.x509 cimport x509_names, x509_subject


cdef void look(const unsigned char *der, size_t n, size_t room, bint names) noexcept nogil:
    cdef char *out = <char *> malloc(room)
    cdef ptrdiff_t size = x509_names(der, n, out, room) if names else x509_subject(der, n, out, room)
    cdef ptrdiff_t i
    if size < 0 or <size_t> size > room:
        abort()
    for i in range(size):
        if 0 <= out[i] < c' ' or out[i] == 0x7f:       # a control character
            abort()
    free(out)


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    cdef unsigned char *der
    if size < 1:
        return 0
    der = <unsigned char *> malloc(size - 1)            # so that its end is seen
    memcpy(der, data + 1, size - 1)
    look(der, size - 1, <size_t> data[0] * 4, False)
    look(der, size - 1, <size_t> data[0] * 4, True)
    free(der)
    return 0
