# One endpoint: its texts, its memory, its place in the socket's list.
#
# An endpoint is found again by the text it was made with, or by what LAST_ENDPOINT told.

from libc.stddef cimport size_t
from base.memory cimport calloc, free, malloc
from libc.string cimport memcpy, strcmp, strlen
from base.errors cimport ENOMEM, EPROTONOSUPPORT
from pattern.pattern cimport pattern_peer_number
from pipe.pipe cimport pipe_t
from session.session cimport SOURCE_LISTENER
from socket.security cimport credentials_free
from socket.state cimport context_t, endpoint_t, socket_t
from socket.terms cimport terms_unref
from transport.address cimport address_split, ADDRESS_WILDCARD, ENDPOINT_MAX
from transport.ops cimport transport_ops_t
from transport.select cimport transport_find
from transport.socks cimport socks_way_free


cdef inline char *text_copy(const char *text, size_t n) noexcept nogil:
    cdef char *copy = <char *> malloc(n + 1)
    if copy != NULL:
        memcpy(copy, text, n)
        copy[n] = 0
    return copy


cdef inline int endpoint_split(
        context_t *ctx, const char *text, size_t n, const transport_ops_t **transport, size_t *offset) noexcept nogil:
    """Which transport, and where the address begins. 0, -EINVAL: not "scheme://address", -EPROTONOSUPPORT: no such
    transport."""
    cdef size_t scheme = 0
    cdef int rc = address_split(text, n, &scheme, offset)
    if rc == 0:
        transport[0] = transport_find(&ctx.transports, text, scheme)
        if transport[0] == NULL:
            rc = -EPROTONOSUPPORT
    return rc


cdef inline int endpoint_needs(context_t *ctx, const char *text, size_t n) noexcept nogil:
    """TRANSPORT_NEEDS_... of the transport in a text; 0 for a text that is no endpoint."""
    cdef const transport_ops_t *transport = NULL
    cdef size_t offset = 0
    return transport.needs if endpoint_split(ctx, text, n, &transport, &offset) == 0 else 0


cdef inline endpoint_t *endpoint_new(context_t *ctx, const char *text, size_t n, int *error) noexcept nogil:
    """On no list yet. NULL and an error number: the errors of endpoint_split, -ENOMEM."""
    cdef endpoint_t *e
    cdef const transport_ops_t *transport = NULL
    cdef size_t offset = 0
    error[0] = endpoint_split(ctx, text, n, &transport, &offset)
    if error[0] < 0:
        return NULL
    error[0] = -ENOMEM
    e = <endpoint_t *> calloc(1, sizeof(endpoint_t))
    if e == NULL:
        return NULL
    e.given = text_copy(text, n)
    e.told = text_copy(text, n)
    if e.given == NULL or e.told == NULL:
        endpoint_free(e)
        return NULL
    e.name_size = n
    e.source.kind = SOURCE_LISTENER
    e.refs = 1
    e.fd = -1
    e.transport = transport
    e.ops = &ctx.endpoint_ops[transport.kind]
    e.address_offset = offset
    error[0] = 0
    return e


cdef inline void endpoint_free(endpoint_t *e) noexcept nogil:
    free(e.given)
    free(e.told)
    free(e.resolved)
    free(e.address)
    socks_way_free(e.way)
    credentials_free(e.credentials)
    terms_unref(e.terms)
    free(e.visitors)
    if e.prepared != NULL:
        e.transport.release(e.prepared)
    free(e)


cdef inline void endpoint_unref(endpoint_t *e) noexcept nogil:
    e.refs -= 1
    if e.refs == 0:
        endpoint_free(e)


cdef inline int endpoint_name(endpoint_t *e, int fd) noexcept nogil:
    """What a bind has come to: `resolved`, and what LAST_ENDPOINT is going to tell. 0 or a negative errno."""
    cdef const char *text = e.given + e.address_offset
    cdef size_t room = ENDPOINT_MAX + e.name_size
    cdef int rc
    e.resolved = <char *> malloc(room)
    if e.resolved == NULL:
        return -ENOMEM
    rc = e.transport.name(e.transport, fd, e.address, text, strlen(text), e.resolved, room)
    if rc < 0:
        return rc
    free(e.told)
    e.told = text_copy(e.resolved, strlen(e.resolved))
    return 0 if e.told != NULL else -ENOMEM


cdef inline void endpoint_tell(socket_t *s, endpoint_t *e) noexcept nogil:
    """LAST_ENDPOINT is this one's from now on. Lock held; the endpoint has become the socket's."""
    cdef pipe_t *p = e.pipe if e.session == NULL else e.session.pipe
    free(s.last_endpoint)
    s.last_endpoint = e.told
    e.told = NULL
    if e.peer_number != NULL:
        e.peer_number[0] = pattern_peer_number(&s.pattern, p) if p != NULL else 0      # it has gone at once
        e.peer_number = NULL


cdef inline void endpoint_enlist(socket_t *s, endpoint_t *e) noexcept nogil:
    """The endpoint becomes the socket's. Lock held."""
    e.socket = s
    e.next = s.endpoints
    s.endpoints = e


cdef inline void endpoint_delist(socket_t *s, endpoint_t *e) noexcept nogil:
    """Takes endpoint_enlist() back."""
    cdef endpoint_t **at = &s.endpoints
    while at[0] != e:
        at = &at[0].next
    at[0] = e.next


cdef inline bint endpoint_matches(endpoint_t *e, const char *text) noexcept nogil:
    """By what LAST_ENDPOINT told, or by the text it was made with unless that left the choice to us (a wildcard names
    nothing)."""
    if e.resolved != NULL and strcmp(e.resolved, text) == 0:
        return True
    if strcmp(e.given, text) != 0:
        return False
    if e.connects or e.resolved == NULL:
        return True
    return not e.address.flags & ADDRESS_WILDCARD
