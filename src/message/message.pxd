# msg_t: one frame on its way through the process.
#
# A msg_t is a value of one cache line that owns its payload in one of six ways:
#
#   MSG_EMPTY    owns nothing (after a move)
#   MSG_INLINE   payload inside the struct, up to MSG_INLINE_MAX octets
#   MSG_HEAP     a block_t of its own, shared by count; large ones are used again (message/large_blocks.h)
#   MSG_VIEW     a slice of a receive chunk (buffer_t), which stays alive while views of it exist
#   MSG_PYOBJ    memory of one Python object; the msg_t owns one reference. `owner` is never looked into below api/
#   MSG_PYSHARED the same, held by several msg_t through a counted share_t
#   MSG_SEGMENT  a block of memory that processes share, ours or a peer's (shared/), held through a counted held_t
#
# msg_t are moved by assignment; the source is then set MSG_EMPTY. msg_close() may run without the GIL: Python references go to
# the give-back list. A msg_t is used by one thread at a time; only the blocks behind it are shared.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from base.memory cimport malloc, free, zc_copy
from base.atomics cimport zc_add_u32, zc_sub_u32
from base.config cimport MSG_INLINE_MAX
from base.errors cimport ENOMEM

cdef extern from "message/decref_queue.h" nogil:
    void zc_decref_push(void *object)

cdef extern from "message/large_blocks.h" nogil:
    void *zc_block_alloc(size_t n)
    void *zc_block_secret(size_t n)
    void *zc_block_grow(void *block, size_t n)
    void zc_block_free(void *block)
    void zc_large_trim()
    uint64_t zc_large_bytes()

cdef enum:
    MSG_EMPTY = 0
    MSG_INLINE = 1
    MSG_HEAP = 2
    MSG_VIEW = 3
    MSG_PYOBJ = 4
    MSG_PYSHARED = 5
    MSG_SEGMENT = 6

cdef enum:
    MSG_MORE = 1            # further frames of this message follow
    MSG_SUBSCRIBE = 2       # control: payload is a topic to subscribe to
    MSG_CANCEL = 4          # control: payload is a topic to unsubscribe from
    MSG_EXACT = 8           # MSG_PYOBJ: owner is an immutable bytes object whose whole content is the payload
    MSG_GROUPED = 16        # on its way into a RADIO only: the msg_t right behind this one is its group

cdef struct block_t:
    uint32_t refs           # atomic
    uint32_t pages          # message/large_blocks.h, which also knows of secrets
    unsigned char data[1]   # allocated to the size wanted

cdef struct share_t:
    uint32_t refs           # atomic
    void *object

# Memory whose end is somebody else's business. Part of a larger struct.
cdef struct held_t:
    uint32_t refs           # atomic
    bint writable           # ours: who holds it alone may write
    void (*let_go)(held_t *h) noexcept nogil    # nobody holds it any more. Any thread, with or without the GIL

cdef struct buffer_t:       # see message/buffer.pxd
    uint32_t refs           # atomic; one per view and one of the connection that reads into it
    uint32_t size
    buffer_t *next
    unsigned char *data

cdef struct msg_ref_t:
    unsigned char *data
    void *owner

cdef union msg_body_t:
    unsigned char inl[MSG_INLINE_MAX]
    msg_ref_t ref

cdef struct msg_t:
    size_t size
    unsigned char kind
    unsigned char flags
    unsigned short unused
    uint32_t routing_id
    msg_body_t body


cdef inline void msg_init(msg_t *m) noexcept nogil:
    m.size = 0
    m.kind = MSG_EMPTY
    m.flags = 0
    m.routing_id = 0


cdef inline unsigned char *msg_data(msg_t *m) noexcept nogil:
    if m.kind == MSG_INLINE:
        return m.body.inl
    return m.body.ref.data


cdef inline int msg_own(msg_t *m, block_t *b) noexcept nogil:
    """The rest of msg_alloc(): m is to own the new block. 0, or -ENOMEM if there is none."""
    if b == NULL:
        m.kind = MSG_EMPTY
        m.size = 0
        return -ENOMEM
    b.refs = 1
    m.kind = MSG_HEAP
    m.body.ref.data = b.data
    m.body.ref.owner = b
    return 0


cdef inline int msg_alloc(msg_t *m, size_t size) noexcept nogil:
    """Room for `size` octets, content undefined. 0 or -ENOMEM."""
    m.size = size
    m.flags = 0
    m.routing_id = 0
    if size <= MSG_INLINE_MAX:
        m.kind = MSG_INLINE
        return 0
    return msg_own(m, <block_t *> zc_block_alloc(sizeof(block_t) + size))


cdef inline int msg_set_secret(msg_t *m, const void *data, size_t size) noexcept nogil:
    """A message with a copy of `data` that is wiped when nobody holds it any more: never inline, so there is one copy. 0 or
    -ENOMEM."""
    cdef int rc
    m.size = size
    m.flags = 0
    m.routing_id = 0
    rc = msg_own(m, <block_t *> zc_block_secret(sizeof(block_t) + size))
    if rc == 0 and size:
        memcpy(m.body.ref.data, data, size)
    return rc


cdef inline int msg_grow(msg_t *m, size_t size) noexcept nogil:
    """More room for a MSG_HEAP that nobody shares. 0 or -ENOMEM."""
    cdef block_t *b = <block_t *> zc_block_grow(m.body.ref.owner, sizeof(block_t) + size)
    if b == NULL:
        return -ENOMEM
    m.body.ref.owner = b
    m.body.ref.data = b.data
    m.size = size
    return 0


cdef inline int msg_set(msg_t *m, const void *data, size_t size) noexcept nogil:
    """A message with a copy of `data`. 0 or -ENOMEM."""
    cdef int rc = msg_alloc(m, size)
    if rc == 0 and size:
        zc_copy(msg_data(m), data, size)
    return rc


cdef inline void buffer_unref_shared(buffer_t *b) noexcept nogil:
    if zc_sub_u32(&b.refs, 1) == 1:
        free(b)


cdef inline void held_unref(held_t *h) noexcept nogil:
    if zc_sub_u32(&h.refs, 1) == 1:
        h.let_go(h)


cdef inline void msg_close(msg_t *m) noexcept nogil:
    """Gives the payload back. Idempotent."""
    cdef block_t *b
    cdef share_t *s
    if m.kind > MSG_INLINE:
        if m.kind == MSG_HEAP:
            b = <block_t *> m.body.ref.owner
            if zc_sub_u32(&b.refs, 1) == 1:
                zc_block_free(b)
        elif m.kind == MSG_VIEW:
            buffer_unref_shared(<buffer_t *> m.body.ref.owner)
        elif m.kind == MSG_PYOBJ:
            zc_decref_push(m.body.ref.owner)
        elif m.kind == MSG_SEGMENT:
            held_unref(<held_t *> m.body.ref.owner)
        else:
            s = <share_t *> m.body.ref.owner
            if zc_sub_u32(&s.refs, 1) == 1:
                zc_decref_push(s.object)
                free(s)
    m.kind = MSG_EMPTY


cdef inline void msg_move(msg_t *dst, msg_t *src) noexcept nogil:
    """dst (owning nothing) takes over src."""
    dst[0] = src[0]
    src.kind = MSG_EMPTY


cdef inline int msg_share(msg_t *dst, msg_t *src) noexcept nogil:
    """A second msg_t over the same payload; `src` may change its kind, never its content. 0 or -ENOMEM."""
    cdef share_t *s
    if src.kind == MSG_PYOBJ:
        # One Python reference cannot be doubled without the GIL, a counted holder of it can.
        s = <share_t *> malloc(sizeof(share_t))
        if s == NULL:
            return -ENOMEM
        s.refs = 1
        s.object = src.body.ref.owner
        src.body.ref.owner = s
        src.kind = MSG_PYSHARED
    if src.kind == MSG_HEAP:
        zc_add_u32(&(<block_t *> src.body.ref.owner).refs, 1)
    elif src.kind == MSG_VIEW:
        zc_add_u32(&(<buffer_t *> src.body.ref.owner).refs, 1)
    elif src.kind == MSG_PYSHARED:
        zc_add_u32(&(<share_t *> src.body.ref.owner).refs, 1)
    elif src.kind == MSG_SEGMENT:
        zc_add_u32(&(<held_t *> src.body.ref.owner).refs, 1)
    dst[0] = src[0]
    return 0
