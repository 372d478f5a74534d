# The head of an HTTP/1.1 message (RFC 9112), line by line: as much of HTTP as the opening of a WebSocket needs.
#
# Rules
# - Sans-IO: bytes in, lines out. Any fragmentation gives the same lines. A line that lies whole in the input is handed out
#   where it lies; only one that comes in pieces is kept, and looked at once.
# - A head has HTTP_HEAD_MAX bytes at most, whatever it consists of, and a line ends with CR LF. More, or a bare LF, is no head.
# - Names and values are checked octet by octet as they are taken apart: no control characters, no blank before the colon, no
#   line that continues the one before.

from libc.stddef cimport size_t
from libc.string cimport memchr, memcpy
from base.memory cimport free, realloc

from base.errors cimport EMSGSIZE, ENOMEM, EPROTO

cdef enum:
    # Twice what deployed ZWS servers take: a browser sends all cookies of the host along.
    HTTP_HEAD_MAX = 16384

cdef struct http_head_t:
    size_t total               # bytes taken
    unsigned char *line        # of a line whose end is yet to come
    size_t have
    size_t capacity

# A part of a line.
cdef struct http_text_t:
    const char *p
    size_t n


cdef inline void http_free(http_head_t *h) noexcept nogil:
    free(h.line)
    h.line = NULL
    h.have = h.capacity = 0


cdef inline int http_keep(http_head_t *h, const unsigned char *p, size_t n) noexcept nogil:
    """0 or -ENOMEM."""
    cdef size_t room = 2 * (h.have + n)
    cdef unsigned char *grown
    if h.have + n > h.capacity:
        grown = <unsigned char *> realloc(h.line, room)
        if grown == NULL:
            return -ENOMEM
        h.line = grown
        h.capacity = room
    memcpy(h.line + h.have, p, n)
    h.have += n
    return 0


cdef inline int http_line(http_head_t *h, const unsigned char *p, size_t n, size_t *used, http_text_t *line) noexcept nogil:
    """1: a line without its end, valid until the next call and as long as p; 0: all bytes taken, more needed; -EMSGSIZE,
    -EPROTO, -ENOMEM."""
    cdef const unsigned char *end = NULL
    cdef const unsigned char *all = p
    cdef size_t take = n
    cdef int rc
    used[0] = 0
    if n == 0:
        return 0
    end = <const unsigned char *> memchr(p, c'\n', n)
    if end != NULL:
        take = end - p + 1
    if take > HTTP_HEAD_MAX - h.total:
        return -EMSGSIZE
    h.total += take
    used[0] = take
    if h.have or end == NULL:
        rc = http_keep(h, p, take)
        if rc < 0 or end == NULL:
            return rc
        all = h.line
        take = h.have
        h.have = 0
    if take < 2 or all[take - 2] != c'\r':
        return -EPROTO
    line.p = <const char *> all
    line.n = take - 2
    return 1


cdef inline bint http_token_byte(unsigned char c) noexcept nogil:
    """RFC 9110, 5.6.2."""
    return (c'a' <= c <= c'z' or c'A' <= c <= c'Z' or c'0' <= c <= c'9'
            or (c > 32 and c < 127 and memchr(b"!#$%&'*+-.^_`|~", c, 15) != NULL))


cdef inline bint http_value_byte(unsigned char c) noexcept nogil:
    return c == c'\t' or (c >= 32 and c != 127)


cdef inline void http_trim(http_text_t *t) noexcept nogil:
    while t.n and (t.p[0] == c' ' or t.p[0] == c'\t'):
        t.p += 1
        t.n -= 1
    while t.n and (t.p[t.n - 1] == c' ' or t.p[t.n - 1] == c'\t'):
        t.n -= 1


cdef inline bint http_clean(const http_text_t *t) noexcept nogil:
    """No control characters."""
    cdef size_t i
    for i in range(t.n):
        if not http_value_byte(<unsigned char> t.p[i]):
            return False
    return True


cdef inline bint http_field(const http_text_t *line, http_text_t *name, http_text_t *value) noexcept nogil:
    """`Name: value` taken apart; False: it is none."""
    cdef size_t i = 0
    while i < line.n and http_token_byte(<unsigned char> line.p[i]):
        i += 1
    if i == 0 or i == line.n or line.p[i] != c':':
        return False
    name.p = line.p
    name.n = i
    value.p = line.p + i + 1
    value.n = line.n - i - 1
    http_trim(value)
    return http_clean(value)


cdef inline char http_lower(char c) noexcept nogil:
    return <char> (c | 32) if c'A' <= c <= c'Z' else c


cdef inline bint http_is(const http_text_t *t, const char *text) noexcept nogil:
    """`text` is in lower case; that of *t does not matter."""
    cdef size_t i
    for i in range(t.n):
        if text[i] == 0 or http_lower(t.p[i]) != text[i]:
            return False
    return text[t.n] == 0


cdef inline bint http_next(http_text_t *list, http_text_t *element) noexcept nogil:
    """The next element of a comma-separated list, which is shortened by it. False: that was all."""
    cdef const char *comma
    while list.n:
        comma = <const char *> memchr(list.p, c',', list.n)
        element.p = list.p
        element.n = list.n if comma == NULL else <size_t> (comma - list.p)
        list.p += element.n
        list.n -= element.n
        if comma != NULL:
            list.p += 1
            list.n -= 1
        http_trim(element)
        if element.n:
            return True
    return False


cdef inline bint http_lists(http_text_t list, const char *text) noexcept nogil:
    """Whether an element of the list is `text` (in lower case)."""
    cdef http_text_t element
    while http_next(&list, &element):
        if http_is(&element, text):
            return True
    return False
