# What a certificate says about its owner, as text: the subject and the alternative names.
#
# Rules
# - The bytes are a certificate's in DER (RFC 5280) that OpenSSL has parsed and verified, and yet none of its lengths is
#   trusted: what does not fit its parent has no text.
# - Texts cannot be mistaken for others: names are told with their kind, and what separates or could confuse them is escaped.
# - A text that does not fit is cut at a whole part, never within one.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp, memcpy, strlen

cdef enum:
    CERTIFICATE_MAX = 65536         # bytes; more than any that people use
    DER_SEQUENCE = 0x30
    DER_SET = 0x31
    DER_OID = 0x06
    DER_OCTETS = 0x04
    DER_UTF8 = 0x0c
    DER_BMP = 0x1e                  # characters of two bytes
    DER_UNIVERSAL = 0x1c            # of four
    DER_VERSION = 0xa0
    DER_EXTENSIONS = 0xa3
    NAME_EMAIL = 0x81
    NAME_DNS = 0x82
    NAME_URI = 0x86
    NAME_IP = 0x87

# A part of a certificate: not yet read are `n` bytes at `p`.
cdef struct der_t:
    const unsigned char *p
    size_t n

cdef struct text_t:
    char *data
    size_t size
    size_t room


cdef inline int der_next(der_t *at, der_t *inside) noexcept nogil:
    """Reads past one element: its tag, and what is in it. -1: there is no whole one."""
    cdef size_t length, header = 2
    cdef int tag, octets, i
    if at.n < 2:
        return -1
    tag = at.p[0]
    length = at.p[1]
    if length >= 0x80:
        octets = <int> (length & 0x7f)
        if octets == 0 or octets > 3 or at.n < 2 + <size_t> octets:
            return -1
        length = 0
        for i in range(octets):
            length = length << 8 | at.p[2 + i]
        header += octets
    if length > at.n - header:
        return -1
    inside.p = at.p + header
    inside.n = length
    at.p += header + length
    at.n -= header + length
    return tag


cdef inline bint der_within(der_t *at, int tag, der_t *inside) noexcept nogil:
    """Reads past one element that has to be of that kind."""
    return der_next(at, inside) == tag


cdef inline bint x509_body(const unsigned char *p, size_t n, der_t *body) noexcept nogil:
    """From the beginning of a certificate to behind its issuer and validity: what comes next is the subject."""
    cdef der_t at, certificate, part
    cdef int tag
    cdef int _i
    at.p = p
    at.n = n
    if not der_within(&at, DER_SEQUENCE, &certificate) or not der_within(&certificate, DER_SEQUENCE, body):
        return False
    tag = der_next(body, &part)
    if tag == DER_VERSION:
        tag = der_next(body, &part)         # the serial number
    if tag < 0:
        return False
    for _i in range(3):                     # algorithm, issuer, validity
        if not der_within(body, DER_SEQUENCE, &part):
            return False
    return True


# ---- texts

cdef inline bint text_put(text_t *t, const void *p, size_t n) noexcept nogil:
    if n > t.room - t.size:
        return False
    memcpy(t.data + t.size, p, n)
    t.size += n
    return True


cdef inline bint text_escaped(text_t *t, const unsigned char *p, size_t n, bint utf8) noexcept nogil:
    """As RFC 4514 writes a value: what has a meaning there gets a backslash, and what is no plain character its number.
    UTF-8 stays as it is, other texts are those of old standards."""
    cdef char code[4]
    cdef size_t i
    for i in range(n):
        if p[i] < 0x20 or p[i] == 0x7f or (p[i] > 0x7f and not utf8):
            snprintf(code, sizeof(code), b"\\%02x", p[i])
            if not text_put(t, code, 3):
                return False
            continue
        if p[i] in b',+"\\<>;=' or (i == 0 and p[i] == c'#') or (p[i] == c' ' and (i == 0 or i + 1 == n)):
            if not text_put(t, b"\\", 1):
                return False
        if not text_put(t, p + i, 1):
            return False
    return True


cdef inline bint text_hexadecimal(text_t *t, const unsigned char *p, size_t n) noexcept nogil:
    """Bytes that are no text: "#" and their digits."""
    cdef char code[3]
    cdef size_t i
    if not text_put(t, b"#", 1):
        return False
    for i in range(n):
        snprintf(code, sizeof(code), b"%02x", p[i])
        if not text_put(t, code, 2):
            return False
    return True


cdef inline bint text_oid(text_t *t, const unsigned char *p, size_t n) noexcept nogil:
    """An object identifier in dots and numbers."""
    cdef char number[24]
    cdef unsigned long long value = 0
    cdef size_t i
    cdef bint first = True
    for i in range(n):
        if value >> 56:
            return False
        value = value << 7 | (p[i] & 0x7f)
        if p[i] & 0x80:
            continue
        if first:
            snprintf(number, sizeof(number), b"%d.%llu", <int> (value // 40 if value < 80 else 2),
                     value % 40 if value < 80 else value - 80)
        else:
            snprintf(number, sizeof(number), b".%llu", value)
        first = False
        value = 0
        if not text_put(t, number, strlen(number)):
            return False
    return n > 0 and not p[n - 1] & 0x80


cdef inline const char *x509_short(const unsigned char *oid, size_t n) noexcept nogil:
    """The usual name of a kind of attribute (RFC 4514), or NULL."""
    if n == 3 and oid[0] == 0x55 and oid[1] == 4:
        if oid[2] == 3:
            return b"CN"
        if oid[2] == 6:
            return b"C"
        if oid[2] == 7:
            return b"L"
        if oid[2] == 8:
            return b"ST"
        if oid[2] == 10:
            return b"O"
        if oid[2] == 11:
            return b"OU"
    if n == 10 and memcmp(oid, b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10) == 0:
        return b"DC"
    if n == 10 and memcmp(oid, b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10) == 0:
        return b"UID"
    return NULL


# ---- the subject

cdef inline bint x509_attribute(der_t *pair, text_t *t) noexcept nogil:
    """One attribute: "CN=name"."""
    cdef der_t oid, value
    cdef const char *known
    cdef int tag
    if not der_within(pair, DER_OID, &oid):
        return False
    tag = der_next(pair, &value)
    if tag < 0:
        return False
    known = x509_short(oid.p, oid.n)
    if known != NULL:
        if not text_put(t, known, strlen(known)):
            return False
    elif not text_oid(t, oid.p, oid.n):
        return False
    if not text_put(t, b"=", 1):
        return False
    if tag == DER_BMP or tag == DER_UNIVERSAL or tag & 0x20:
        return text_hexadecimal(t, value.p, value.n)
    return text_escaped(t, value.p, value.n, tag == DER_UTF8)


cdef inline ptrdiff_t x509_subject(const unsigned char *p, size_t n, char *out, size_t room) noexcept nogil:
    """The subject of a certificate in the order in which it stands there: "C=AT,O=Acme,CN=gauge". The length; 0: it has
    none, or cannot be read."""
    cdef der_t body, name, group, pair
    cdef text_t t
    cdef size_t whole = 0
    cdef bint first
    t.data = out
    t.size = 0
    t.room = room
    if not x509_body(p, n, &body) or not der_within(&body, DER_SEQUENCE, &name):
        return 0
    while name.n:
        if not der_within(&name, DER_SET, &group):
            break
        first = True
        while group.n:
            if not der_within(&group, DER_SEQUENCE, &pair):
                return <ptrdiff_t> whole
            if t.size and not text_put(&t, b"," if first else b"+", 1):
                return <ptrdiff_t> whole
            first = False
            if not x509_attribute(&pair, &t):
                return <ptrdiff_t> whole
        whole = t.size
    return <ptrdiff_t> whole


# ---- the alternative names

cdef inline bint x509_find_names(der_t *body, der_t *names) noexcept nogil:
    """The extension subjectAltName, from behind the validity on."""
    cdef der_t part, all, list, extension, oid, value
    cdef int tag
    while body.n:
        tag = der_next(body, &part)
        if tag < 0:
            return False
        if tag == DER_EXTENSIONS:
            break
    else:
        return False
    all = part
    if not der_within(&all, DER_SEQUENCE, &list):
        return False
    while list.n:
        if not der_within(&list, DER_SEQUENCE, &extension) or not der_within(&extension, DER_OID, &oid):
            return False
        tag = der_next(&extension, &value)
        if tag >= 0 and tag != DER_OCTETS:
            tag = der_next(&extension, &value)      # behind "critical"
        if tag == DER_OCTETS and oid.n == 3 and memcmp(oid.p, b"\x55\x1d\x11", 3) == 0:
            return der_within(&value, DER_SEQUENCE, names)
    return False


cdef inline bint x509_address(text_t *t, const unsigned char *p, size_t n) noexcept nogil:
    """A numeric address; groups of IPv6 are all written out."""
    cdef char code[8]
    cdef size_t i
    if n == 4:
        for i in range(4):
            snprintf(code, sizeof(code), b"%s%d", b"." if i else b"", p[i])
            if not text_put(t, code, strlen(code)):
                return False
        return True
    if n == 16:
        for i in range(8):
            snprintf(code, sizeof(code), b"%s%x", b":" if i else b"", p[2 * i] << 8 | p[2 * i + 1])
            if not text_put(t, code, strlen(code)):
                return False
        return True
    return text_hexadecimal(t, p, n)


cdef inline ptrdiff_t x509_names(const unsigned char *p, size_t n, char *out, size_t room) noexcept nogil:
    """The alternative names: "DNS:gauge.example,IP:192.0.2.1,URI:spiffe://example/gauge". Kinds that are rare are left out. The
    length; 0: there are none, or they cannot be read."""
    cdef der_t body, names, value
    cdef text_t t
    cdef size_t whole = 0
    cdef int tag
    cdef const char *kind
    t.data = out
    t.size = 0
    t.room = room
    if not x509_body(p, n, &body) or not x509_find_names(&body, &names):
        return 0
    while names.n:
        tag = der_next(&names, &value)
        if tag < 0:
            break
        if tag == NAME_DNS:
            kind = b"DNS:"
        elif tag == NAME_IP:
            kind = b"IP:"
        elif tag == NAME_URI:
            kind = b"URI:"
        elif tag == NAME_EMAIL:
            kind = b"email:"
        else:
            continue
        if t.size and not text_put(&t, b",", 1):
            break
        if not text_put(&t, kind, strlen(kind)):
            break
        if not (x509_address(&t, value.p, value.n) if tag == NAME_IP else text_escaped(&t, value.p, value.n, False)):
            break
        whole = t.size
    return <ptrdiff_t> whole
