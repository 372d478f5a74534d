# From a stream whose messages are compressed to one of ZMTP.
#
# Rules
# - Greeting, handshake and commands pass unchanged, and parts that are not compressed but for their sentinel: they need
#   not be there in full. Anything else is taken when all of it is here.
# - A batch is what one of OMQ's stacks makes of several messages that wait together:
#     sentinel | 1 or 0: whether the rest is compressed (4) | bytes (4) | messages (4) | frames of ZMTP
#   (numbers little-endian). It stands between messages, and holds whole ones.
# - A dictionary stands between messages, too. There is one at most.
# - Before the first command there is no message: a peer that has not said anything of itself gets no memory for a part.
# - What a part will unfold into is compared with `most` before there is memory for it, and so is what has to be waited
#   for. Commands, and parts as they are, are left to the reader of the stream.
# - After an error the stream is over.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy
from base.endian cimport load_le32
from base.errors cimport EMSGSIZE, ENOMEM, EPROTO
from base.memory cimport free, malloc
from compression.ops cimport DICTIONARY_MAX, SENTINEL, codec_limit, codec_t
from compression.packer cimport GREETING
from zmtp.frame cimport FRAME_COMMAND, FRAME_HEADER_MAX, FRAME_MORE, frame_get, frame_put, frame_t

cdef enum:
    BATCH_HEAD = 16
    BATCH_MAX = 1 << 20             # bytes that a batch unfolds into; 32 KiB have been seen
    REVISION_AT = 10                # in the greeting

cdef struct unpacker_t:
    uint64_t passes                 # bytes that follow unchanged
    bint greeted
    bint commanded                  # a command has come: the handshake has begun at least
    bint begun                      # and a message: the handshake is over
    bint inside                     # a message: its last frame has not come
    uint64_t most                   # bytes of a part that the application takes
    uint64_t need                   # bytes of the frame that waits, header included; 0: not known
    void *theirs                    # the dictionary of the peer, or NULL
    # What did not fit: it is next. Memory of its own.
    unsigned char *rest
    size_t rest_at
    size_t rest_size

# Where the stream comes from, and where it goes to.
cdef struct unpacking_t:
    const unsigned char *p
    size_t n
    unsigned char *out
    size_t room


cdef inline void unpacker_init(unpacker_t *u, uint64_t most) noexcept nogil:
    u.passes = GREETING
    u.greeted = u.commanded = u.begun = u.inside = False
    u.most = most
    u.need = 0
    u.theirs = NULL
    u.rest = NULL
    u.rest_at = u.rest_size = 0


cdef inline void unpacker_free(unpacker_t *u, codec_t *c) noexcept nogil:
    if u.theirs != NULL:
        c.ops.dictionary_free(c, u.theirs)
    u.theirs = NULL
    free(u.rest)
    u.rest = NULL
    u.rest_at = u.rest_size = 0


cdef inline void unpack_took(unpacking_t *w, size_t n) noexcept nogil:
    w.p += n
    w.n -= n


cdef inline void unpack_made(unpacking_t *w, size_t n) noexcept nogil:
    w.out += n
    w.room -= n


cdef inline void unpack_rest(unpacker_t *u, unpacking_t *w) noexcept nogil:
    """As much as fits of what did not."""
    cdef size_t n = u.rest_size - u.rest_at
    if n > w.room:
        n = w.room
    memcpy(w.out, u.rest + u.rest_at, n)
    unpack_made(w, n)
    u.rest_at += n
    if u.rest_at == u.rest_size:
        free(u.rest)
        u.rest = NULL
        u.rest_at = u.rest_size = 0


cdef inline unsigned char *unpack_place(unpacker_t *u, unpacking_t *w, size_t n) noexcept nogil:
    """Where n bytes can be written: the output, or else `rest`. NULL: no memory."""
    if n <= w.room:
        return w.out
    u.rest = <unsigned char *> malloc(n)
    u.rest_size = n if u.rest != NULL else 0
    return u.rest


cdef inline void unpack_placed(unpacker_t *u, unpacking_t *w, size_t n) noexcept nogil:
    """They have been."""
    if u.rest == NULL:
        unpack_made(w, n)
    else:
        unpack_rest(u, w)


cdef inline int unpack_pass(unpacker_t *u, unpacking_t *w) noexcept nogil:
    """Bytes that pass unchanged. 0 or -EPROTO."""
    cdef size_t n = w.n if w.n < u.passes else <size_t> u.passes
    cdef size_t at
    if n > w.room:
        n = w.room
    if not u.greeted:
        at = GREETING - <size_t> u.passes
        # A peer of ZMTP 1.0 or 2.0 would never say a sentinel.
        if (at == 0 and n and w.p[0] != 0xff) or (at <= REVISION_AT < at + n and w.p[REVISION_AT - at] < 3):
            return -EPROTO
        u.greeted = n == u.passes
    memcpy(w.out, w.p, n)
    unpack_took(w, n)
    unpack_made(w, n)
    u.passes -= n
    return 0


cdef inline int unpack_batch_check(const unsigned char *p, size_t n, uint32_t messages) noexcept nogil:
    """Whether those are frames of so many whole messages. 0 or -EPROTO."""
    cdef frame_t f
    f.flags = 0
    while n:
        if frame_get(p, n, &f) <= 0 or f.flags & FRAME_COMMAND or f.size > <uint64_t> n - f.header:
            return -EPROTO
        p += f.header + f.size
        n -= <size_t> (f.header + f.size)
        if not f.flags & FRAME_MORE:
            messages -= 1
    return 0 if messages == 0 and not f.flags & FRAME_MORE else -EPROTO


cdef inline int unpack_batch(unpacker_t *u, codec_t *c, unpacking_t *w, const unsigned char *p, size_t n) noexcept nogil:
    """0 or a negative errno."""
    cdef unsigned char *out
    cdef size_t size
    cdef uint32_t how, messages
    cdef int rc = 0
    if n < BATCH_HEAD or u.inside:
        return -EPROTO
    how = load_le32(p + SENTINEL)
    size = load_le32(p + SENTINEL + 4)
    messages = load_le32(p + SENTINEL + 8)
    p += BATCH_HEAD
    n -= BATCH_HEAD
    if how > 1 or size > BATCH_MAX or messages == 0 or (how == 0 and size != n):
        return -EPROTO
    out = unpack_place(u, w, size)
    if out == NULL:
        return -ENOMEM
    if how:
        rc = c.ops.unfold_batch(c, u.theirs, p, n, out, size)
    else:
        memcpy(out, p, n)
    if rc == 0:
        rc = unpack_batch_check(out, size, messages)
    if rc == 0:
        unpack_placed(u, w, size)
    return rc


cdef inline int unpack_dictionary(unpacker_t *u, codec_t *c, const unsigned char *p, size_t n, int flags) noexcept nogil:
    """0 or a negative errno."""
    if not c.ops.sentinel_within:
        p += SENTINEL
        n -= SENTINEL
    if n == 0 or n > DICTIONARY_MAX or u.theirs != NULL or u.inside or flags & FRAME_MORE:
        return -EPROTO
    u.theirs = c.ops.dictionary_new(c, p, n)
    return 0 if u.theirs != NULL else -ENOMEM


cdef inline int unpack_part(unpacker_t *u, codec_t *c, unpacking_t *w, const unsigned char *p, size_t n,
                            int flags) noexcept nogil:
    """A compressed part. 0 or a negative errno."""
    cdef unsigned char *out
    cdef uint64_t size = 0
    cdef size_t head
    cdef unsigned char header[FRAME_HEADER_MAX]
    cdef int rc = c.ops.size(c, p, n, &size)
    if rc < 0:
        return rc
    if size > codec_limit(u.most, n):
        return -EMSGSIZE
    head = <size_t> frame_put(header, size, flags & FRAME_MORE)
    out = unpack_place(u, w, head + <size_t> size)
    if out == NULL:
        return -ENOMEM
    memcpy(out, header, head)
    rc = c.ops.unfold(c, u.theirs, p, n, out + head, <size_t> size)
    if rc == 0:
        unpack_placed(u, w, head + <size_t> size)
        u.inside = flags & FRAME_MORE
    return rc


cdef inline int unpack_plain(unpacker_t *u, unpacking_t *w, const frame_t *f) noexcept nogil:
    """A part that is as it was: what follows its sentinel passes. 1 or -ENOMEM."""
    cdef unsigned char header[FRAME_HEADER_MAX]
    cdef size_t head = <size_t> frame_put(header, f.size - SENTINEL, f.flags)
    cdef unsigned char *out = unpack_place(u, w, head)
    if out == NULL:
        return -ENOMEM
    memcpy(out, header, head)
    unpack_took(w, f.header + SENTINEL)
    unpack_placed(u, w, head)
    u.passes = f.size - SENTINEL
    u.inside = f.flags & FRAME_MORE
    return 1


cdef inline bint unpack_too_large(unpacker_t *u, codec_t *c, const unsigned char *sentinel, uint64_t size) noexcept nogil:
    """Whether a part that has to be here in full would be more than anybody needs to send."""
    if memcmp(sentinel, c.ops.dictionary, SENTINEL) == 0:
        return size > DICTIONARY_MAX + SENTINEL
    if memcmp(sentinel, c.ops.batch, SENTINEL) == 0:
        return size > BATCH_MAX + BATCH_HEAD
    # Compressed, and not smaller: of several blocks each may have grown a little.
    return size > <uint64_t> 0x7fffffffffff0000 or (u.most < size and size - u.most > 4096 + u.most // 128)


cdef inline int unpack_frame(unpacker_t *u, codec_t *c, unpacking_t *w) noexcept nogil:
    """The frame that begins here. 1: something has been done with it; 0: more of it is needed; or a negative errno."""
    cdef frame_t f
    cdef const unsigned char *body
    cdef int rc
    u.need = 0
    rc = frame_get(w.p, w.n, &f)
    if rc <= 0:
        return rc
    if f.flags & FRAME_COMMAND:
        u.passes = <uint64_t> f.header + f.size
        u.commanded = True
        return 1
    if f.size < SENTINEL or not u.commanded:
        return -EPROTO
    u.begun = True
    if w.n - f.header < SENTINEL:
        return 0
    body = w.p + f.header
    if load_le32(body) == 0:
        return unpack_plain(u, w, &f)
    if not c.ops.is_packed(body) and memcmp(body, c.ops.batch, SENTINEL) != 0 and memcmp(body, c.ops.dictionary, SENTINEL) != 0:
        return -EPROTO
    if unpack_too_large(u, c, body, f.size):
        return -EMSGSIZE
    u.need = f.header + f.size
    if w.n < u.need:
        return 0
    if c.ops.is_packed(body):
        rc = unpack_part(u, c, w, body, <size_t> f.size, f.flags)
    elif memcmp(body, c.ops.batch, SENTINEL) == 0:
        rc = unpack_batch(u, c, w, body, <size_t> f.size) if not f.flags else -EPROTO
    else:
        rc = unpack_dictionary(u, c, body, <size_t> f.size, f.flags)
    unpack_took(w, <size_t> u.need)
    u.need = 0
    return rc if rc < 0 else 1


cdef inline int unpacker_feed(unpacker_t *u, codec_t *c, unpacking_t *w) noexcept nogil:
    """As much as is here and fits. 0 or a negative errno."""
    cdef int rc = 1
    if u.rest != NULL:
        unpack_rest(u, w)
    while rc > 0 and w.n and w.room:
        if u.passes:
            rc = unpack_pass(u, w)
            if rc == 0:
                rc = 1
        else:
            rc = unpack_frame(u, c, w)
    return rc if rc < 0 else 0
