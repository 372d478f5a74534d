# libFuzzer target: the engine of datagrams, as a session drives it.
#
# An input is three bytes of settings (bit 0 of the first: groups; then the lengths of the pieces, in turn) and datagrams: the length of the address,
# that of the datagram (two bytes), then both. They become records, as the transport makes them, and go through an engine whole and in
# pieces. A difference, a message that does not become the record it was, or memory touched beyond a piece is a finding.
#
# No Python object is touched and no interpreter runs.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport abort, free, malloc
from libc.string cimport memcmp, memcpy, memset

from base.datagram cimport RECORD_ADDRESS_MAX, RECORD_HEADER, record_put
from base.engines cimport ENGINE_DATAGRAM
from engine.ops cimport (
    ENGINE_MORE, ENGINE_OVERHEAD, ENGINE_READY, ENGINE_SIGNAL, SIGNAL_NOISE, engine_config_t, engine_frame_t, engine_security_t, engine_t, signal_t,
)
from engine.select cimport engine_delete, engine_frame_get, engine_new


cdef struct outcome_t:
    uint64_t hash
    size_t frames
    size_t group               # of the message under way
    unsigned char first[512]
    size_t records             # bytes of them written again


cdef void check(bint right) noexcept nogil:
    if not right:
        abort()


cdef void mix(outcome_t *o, const unsigned char *p, size_t n) noexcept nogil:
    cdef size_t i
    for i in range(n):
        o.hash = (o.hash ^ p[i]) * 1099511628211ULL
    o.hash = (o.hash ^ n) * 1099511628211ULL


cdef void one_frame(engine_t *e, bint groups, outcome_t *o, engine_frame_t *f, const unsigned char *body) noexcept nogil:
    cdef size_t n = <size_t> f.size
    cdef unsigned char *out
    cdef ptrdiff_t size
    cdef signal_t g
    mix(o, body, n)
    o.frames += 1
    if f.flags & ENGINE_SIGNAL:
        check(e.ops.signal_get(e, body, n, &g) == 0 and g.kind == SIGNAL_NOISE)
        return
    out = <unsigned char *> malloc(n + ENGINE_OVERHEAD)
    size = e.ops.small_put(e, f.flags, body, n, out)
    if f.flags & ENGINE_MORE:
        check(size == 0 and n <= 255)
        o.group = n
        memcpy(o.first, body, n)
    else:
        check(size == <ptrdiff_t> (RECORD_HEADER + o.group + n + (1 if groups else 0)))
        check(memcmp(out + RECORD_HEADER + (1 if groups else 0), o.first, o.group) == 0 and memcmp(out + size - n, body, n) == 0)
    free(out)


cdef size_t traffic(engine_t *e, bint groups, outcome_t *o, unsigned char *p, size_t n) noexcept nogil:
    """All whole frames; how many bytes they took."""
    cdef size_t at = 0
    cdef engine_frame_t f
    cdef int rc
    while at < n:
        rc = engine_frame_get(e, p + at, n - at, &f)
        check(rc >= 0)                                  # nothing that arrives ends it
        if rc == 0 or f.size + f.header > n - at:
            break
        one_frame(e, groups, o, &f, p + at + f.header)
        at += f.header + <size_t> f.size
    return at


cdef void drive(const engine_config_t *config, const unsigned char *p, size_t n, const unsigned char *steps, outcome_t *o) noexcept nogil:
    cdef engine_t *e = NULL
    cdef size_t left = 0, at = 0, step, used = 0, turn = 0
    cdef unsigned char *have
    cdef unsigned char *rest = <unsigned char *> malloc(1)
    memset(o, 0, sizeof(outcome_t))
    check(engine_new(ENGINE_DATAGRAM, config, &e) == 0)
    check(e.ops.feed(e, rest, 0, &used) == ENGINE_READY)
    e.ops.settle(e)
    while at < n:
        step = n - at
        if steps != NULL and steps[turn & 1] + <size_t> 1 < step:
            step = steps[turn & 1] + <size_t> 1
        turn += 1
        have = <unsigned char *> malloc(left + step)
        memcpy(have, rest, left)
        memcpy(have + left, p + at, step)
        free(rest)
        at += step
        left += step
        used = traffic(e, config.who.groups, o, have, left)
        left -= used
        rest = <unsigned char *> malloc(left + 1)
        memcpy(rest, have + used, left)
        free(have)
    check(left == 0)
    free(rest)
    engine_delete(e)


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    cdef unsigned char *stream
    cdef engine_config_t config
    cdef engine_security_t security
    cdef outcome_t whole, cut
    cdef size_t at = 3, to = 0, address, n
    if size < 3:
        return 0
    memset(&config, 0, sizeof(config))
    memset(&security, 0, sizeof(security))
    config.who.security = &security
    config.who.groups = data[0] & 1
    stream = <unsigned char *> malloc(size * 16 + 64)
    while at + 3 <= size:
        address = data[at] % (RECORD_ADDRESS_MAX + 1)
        n = data[at + 1] | <size_t> data[at + 2] << 8
        at += 3
        address = min(address, size - at)
        n = min(n, size - at - address)
        record_put(stream + to, <uint32_t> address, <uint32_t> n)
        memset(stream + to + 8, 0, RECORD_HEADER - 8)
        memcpy(stream + to + RECORD_HEADER, data + at, address + n)
        at += address + n
        to += RECORD_HEADER + address + n
    drive(&config, stream, to, NULL, &whole)
    drive(&config, stream, to, data + 1, &cut)
    free(stream)
    check(whole.hash == cut.hash and whole.frames == cut.frames)
    return 0
