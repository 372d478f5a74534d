# A small frame decoder: octets in, whole frames out.
#
# Traffic is decoded in place, in the session's receive buffers (frame_get() of the engine). This is the plain form of the same
# rules, used by the handshake, where nothing is worth being fast, by tests and by the fuzzer.
#
# Rules:
# - Any split and any coalescing of the stream gives the same frames.
# - The limit is checked as soon as the header is complete, before anything is allocated.
# - The announced size is never reserved: the buffer at most doubles what has really arrived.
# - A frame that lies whole in the input is handed out where it lies, without a copy, unless it is to be changed (`apart`).
# - What a header looks like is told by a function: ZMTP has two, and other wires have theirs.
# - A password may be among it: what was gathered is wiped when it goes.
# - After an error the decoder stays in error: a stream out of step cannot be trusted again.

from libc.stdint cimport int64_t, uint64_t
from base.memory cimport free, malloc
from libc.string cimport memcpy

from base.errors cimport EMSGSIZE, ENOMEM
from base.secret cimport zc_wipe
from zmtp.frame cimport frame_get, frame_get_v1, frame_t


cdef enum:
    DECODER_START = 64         # first buffer: most handshake commands fit
    # Room up to here is kept for the next frame, more is given back with the frame that needed it.
    DECODER_KEEP = 8192
    DECODER_HEAD_MAX = 16      # octets of a header of any wire


# Reads the header at p. 1: *f is filled; 0: more octets needed; negative errno.
ctypedef int (*decoder_header_fn)(void *arg, const unsigned char *p, size_t n, frame_t *f) noexcept nogil


cdef struct decoder_t:
    decoder_header_fn get
    void *arg                  # of `get`
    bint apart                 # bodies are handed out from `body` only, and may be changed there
    int error                  # negative errno, 0 while all is well
    int64_t limit              # largest body accepted, -1 = none
    unsigned char head[DECODER_HEAD_MAX]
    int head_have
    int in_body                # 1: `frame` is valid, body octets follow
    frame_t frame
    unsigned char *body
    size_t capacity
    size_t have


# Gets one whole frame; `body` is valid during the call only. A negative return ends the decoding with that error.
ctypedef int (*decoder_frame_fn)(void *arg, int flags, const unsigned char *body, size_t n) noexcept nogil


cdef inline int decoder_get_v1(void *arg, const unsigned char *p, size_t n, frame_t *f) noexcept nogil:
    """decoder_header_fn of ZMTP/1.0"""
    return frame_get_v1(p, n, f)


cdef inline int decoder_get_v2(void *arg, const unsigned char *p, size_t n, frame_t *f) noexcept nogil:
    """decoder_header_fn of ZMTP/2.0 and 3.x"""
    return frame_get(p, n, f)


cdef inline void decoder_begin(decoder_t *d, decoder_header_fn get, void *arg, bint apart, int64_t limit) noexcept nogil:
    d.get = get
    d.arg = arg
    d.apart = apart
    d.error = 0
    d.limit = limit
    d.head_have = 0
    d.in_body = 0
    d.body = NULL
    d.capacity = 0
    d.have = 0


cdef inline void decoder_init(decoder_t *d, int v1, int64_t limit) noexcept nogil:
    """For frames of ZMTP."""
    decoder_begin(d, decoder_get_v1 if v1 else decoder_get_v2, NULL, False, limit)


cdef inline void decoder_free(decoder_t *d) noexcept nogil:
    zc_wipe(d.body, d.capacity)
    free(d.body)
    d.body = NULL
    d.capacity = 0


cdef inline int decoder_header(decoder_t *d, const unsigned char *p, size_t n) noexcept nogil:
    cdef int rc = d.get(d.arg, p, n, &d.frame)
    if rc == 1 and ((d.limit >= 0 and d.frame.size > <uint64_t>d.limit) or d.frame.size > <size_t>-1 >> 1):
        return -EMSGSIZE
    return rc


cdef inline int decoder_keep(decoder_t *d, const unsigned char *p, size_t n) noexcept nogil:
    """Append body octets. 0 or -ENOMEM."""
    cdef size_t need = d.have + n
    cdef size_t room
    cdef unsigned char *grown
    if need > d.capacity:
        room = 2 * need
        if room < DECODER_START:
            room = DECODER_START
        if room > d.frame.size:
            room = <size_t>d.frame.size
        grown = <unsigned char *> malloc(room)
        if grown == NULL:
            return -ENOMEM
        if d.have:
            memcpy(grown, d.body, d.have)
        decoder_free(d)
        d.body = grown
        d.capacity = room
    if n:
        memcpy(d.body + d.have, p, n)
    d.have = need
    return 0


cdef inline int decoder_next(decoder_t *d, const unsigned char *p, size_t n, size_t *used, int *flags,
                             const unsigned char **body, size_t *size) noexcept nogil:
    """Take octets up to the end of one frame; *used tells how many. 1: a frame, valid until the next call and as long as p;
    0: all octets taken, more needed; negative errno."""
    cdef size_t take
    cdef int rc
    used[0] = 0
    if d.error:
        return d.error
    if not d.in_body:
        if d.capacity > DECODER_KEEP:
            decoder_free(d)
        if d.head_have == 0:
            rc = decoder_header(d, p, n)
            if rc == 1:
                used[0] = d.frame.header
        else:
            rc = 0
        if rc == 0:
            # A header in pieces: collect it octet by octet, it is short.
            while rc == 0 and used[0] < n:
                d.head[d.head_have] = p[used[0]]
                d.head_have += 1
                used[0] += 1
                rc = decoder_header(d, d.head, d.head_have)
        if rc < 0:
            d.error = rc
            return rc
        if rc == 0:
            return 0
        d.head_have = 0
        d.in_body = 1
        d.have = 0
        if d.frame.size <= n - used[0] and not d.apart:
            flags[0] = d.frame.flags
            body[0] = p + used[0]
            size[0] = <size_t>d.frame.size
            used[0] += size[0]
            d.in_body = 0
            return 1
    take = n - used[0]
    if take > d.frame.size - d.have:
        take = <size_t>d.frame.size - d.have
    rc = decoder_keep(d, p + used[0], take)
    if rc < 0:
        d.error = rc
        return rc
    used[0] += take
    if d.have < d.frame.size:
        return 0
    flags[0] = d.frame.flags
    body[0] = d.body
    size[0] = d.have
    d.in_body = 0
    return 1


cdef inline int decoder_feed(decoder_t *d, const unsigned char *p, size_t n, decoder_frame_fn on_frame,
                             void *arg) noexcept nogil:
    """Decode all of p and call on_frame for each whole frame. 0 or negative errno."""
    cdef size_t at = 0, used = 0, size = 0
    cdef const unsigned char *body = NULL
    cdef int flags = 0, rc
    while True:
        rc = decoder_next(d, p + at, n - at, &used, &flags, &body, &size)
        at += used
        if rc == 0:
            return 0
        if rc < 0:
            return rc
        rc = on_frame(arg, flags, body, size)
        if rc < 0:
            d.error = rc
            return rc
