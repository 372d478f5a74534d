# Metadata: the properties of a connection, shared by every message that came over it.
#
# Rules:
# - Encoding, on the wire and in memory alike: name length (1) | name | value length (4) | value, repeated to the very end.
# - A block never changes once it is built; it is freed with its last reference. Any thread may hold one.
# - "Peer-..." and User-Id are what the system, the transport and the authentication found out. They are looked for only in what we have put in front, so
#   that a peer cannot pose as somebody else, not even where we have found out nothing.
# - Among the peer's own duplicates the first wins; only for Identity the last does.
# - Names are compared exactly. "Routing-Id" and "Identity" are two names of one property.

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport free, malloc
from libc.string cimport memcmp, memcpy

from base.atomics cimport zc_add_u32, zc_sub_u32
from base.errors cimport EINVAL, ENOMEM, EPROTO
from base.endian cimport load_be32, store_be32


cdef struct metadata_t:
    uint32_t refs      # atomic, any thread
    # Both are said once, before the block is shared.
    unsigned char authenticated     # the peer has proved who it is
    unsigned char relayed           # Peer-Address is that of a proxy that leads to the peer
    size_t head        # octets at the start that we have put in front; the rest is the peer's
    size_t size        # octets of the encoding, which follows this struct


cdef inline const unsigned char *metadata_octets(const metadata_t *md) noexcept nogil:
    return <const unsigned char *>(md + 1)


cdef inline size_t property_size(const unsigned char *p, size_t n) noexcept nogil:
    """Octets of the property that starts at p; 0 if n octets do not hold a whole one."""
    cdef size_t nlen
    cdef uint64_t size
    if n < 5:
        return 0
    nlen = p[0]
    if n < 5 + nlen:
        return 0
    size = 5 + nlen + <uint64_t>load_be32(p + 1 + nlen)
    return <size_t>size if size <= n else 0


cdef inline size_t property_put(unsigned char *out, const unsigned char *name, size_t nlen, const unsigned char *value,
                                size_t vlen) noexcept nogil:
    """Encode one property into 5 + nlen + vlen octets; returns that number."""
    out[0] = <unsigned char>nlen
    if nlen:
        memcpy(out + 1, name, nlen)
    store_be32(out + 1 + nlen, <uint32_t>vlen)
    if vlen:
        memcpy(out + 5 + nlen, value, vlen)
    return 5 + nlen + vlen


cdef inline int metadata_parse(const unsigned char *p, size_t n, metadata_t **out) noexcept nogil:
    """Copy the encoded properties into a block of their own with one reference. 0, -EPROTO, -ENOMEM."""
    cdef size_t at = 0, size
    cdef metadata_t *md
    while at < n:
        size = property_size(p + at, n - at)
        if size == 0:
            return -EPROTO
        at += size
    md = <metadata_t *>malloc(sizeof(metadata_t) + n)
    if md == NULL:
        return -ENOMEM
    md.refs = 1
    md.authenticated = md.relayed = False
    md.head = 0
    md.size = n
    if n:
        memcpy(md + 1, p, n)
    out[0] = md
    return 0


cdef inline void metadata_ref(metadata_t *md) noexcept nogil:
    zc_add_u32(&md.refs, 1)      # who takes a reference already holds one: nothing to pair with


cdef inline void metadata_unref(metadata_t *md) noexcept nogil:
    """Give one reference back; NULL is allowed."""
    # Acquire-release: the last holder's free() comes after every other holder's last look.
    if md != NULL and zc_sub_u32(&md.refs, 1) == 1:
        free(md)


cdef inline int metadata_prepend(metadata_t **md, const char *name, size_t nlen, const unsigned char *value,
                                 size_t vlen) noexcept nogil:
    """Replace *md (which may be NULL) by a block with one more property in front, and take over the caller's reference.
    0, -EINVAL (name or value too long to encode), -ENOMEM; on failure *md is as before."""
    cdef metadata_t *old = md[0]
    cdef metadata_t *new
    cdef size_t old_size = 0 if old == NULL else old.size
    cdef size_t first = 5 + nlen + vlen
    if nlen > 255 or vlen > 0x7FFFFFFF:
        return -EINVAL
    new = <metadata_t *>malloc(sizeof(metadata_t) + first + old_size)
    if new == NULL:
        return -ENOMEM
    new.refs = 1
    new.authenticated = new.relayed = False
    new.head = first + (0 if old == NULL else old.head)
    new.size = first + old_size
    property_put(<unsigned char *>(new + 1), <const unsigned char *>name, nlen, value, vlen)
    if old_size:
        memcpy(<unsigned char *>(new + 1) + first, old + 1, old_size)
    md[0] = new
    metadata_unref(old)
    return 0


cdef inline int metadata_join(metadata_t **md, const metadata_t *front) noexcept nogil:
    """Replace *md (which may be NULL) by a block with all of `front` (NULL: nothing) put in front, and take over the caller's reference. 0, or
    -ENOMEM and *md is as before."""
    cdef metadata_t *old = md[0]
    cdef metadata_t *new
    cdef size_t old_size = 0 if old == NULL else old.size
    if front == NULL:
        return 0
    new = <metadata_t *>malloc(sizeof(metadata_t) + front.size + old_size)
    if new == NULL:
        return -ENOMEM
    new.refs = 1
    new.authenticated = new.relayed = False
    new.head = front.size + (0 if old == NULL else old.head)
    new.size = front.size + old_size
    memcpy(new + 1, front + 1, front.size)
    if old_size:
        memcpy(<unsigned char *>(new + 1) + front.size, old + 1, old_size)
    md[0] = new
    metadata_unref(old)
    return 0


cdef inline bint property_named(const unsigned char *p, const char *name, size_t nlen) noexcept nogil:
    return p[0] == nlen and (nlen == 0 or memcmp(p + 1, name, nlen) == 0)


cdef inline const unsigned char *metadata_lookup(const metadata_t *md, const char *name, size_t nlen,
                                                 bint last) noexcept nogil:
    """The first property of that name; with `last` the last of the peer's part, unless we have put one in front."""
    cdef const unsigned char *p = metadata_octets(md)
    cdef const unsigned char *found = NULL
    cdef size_t at = 0
    while at < md.size:
        if property_named(p + at, name, nlen):
            if not last or at < md.head:
                return p + at
            found = p + at
        at += property_size(p + at, md.size - at)
    return found


cdef inline int metadata_find(const metadata_t *md, const char *name, size_t nlen, const unsigned char **value,
                              size_t *vlen) noexcept nogil:
    """The value of a property. 0, or -EINVAL if there is none (md may be NULL). The value lives as long as md."""
    cdef const unsigned char *p
    cdef bint is_identity = nlen == 8 and memcmp(name, b"Identity", 8) == 0
    cdef bint is_routing_id = nlen == 10 and memcmp(name, b"Routing-Id", 10) == 0
    cdef bint is_ours = (
        (nlen >= 5 and memcmp(name, b"Peer-", 5) == 0) or (nlen == 7 and memcmp(name, b"User-Id", 7) == 0))
    if md == NULL:
        return -EINVAL
    if is_identity or is_routing_id:
        # Identity is the wire's name of it, so that is asked for first whichever name is used here.
        p = metadata_lookup(md, b"Identity", 8, True)
        if p == NULL:
            p = metadata_lookup(md, b"Routing-Id", 10, False)
    else:
        p = metadata_lookup(md, name, nlen, False)
        if p != NULL and is_ours and p >= metadata_octets(md) + md.head:
            return -EINVAL
    if p == NULL:
        return -EINVAL
    vlen[0] = load_be32(p + 1 + p[0])
    value[0] = p + 5 + p[0]
    return 0
