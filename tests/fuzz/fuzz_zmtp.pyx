# libFuzzer target: handshake, decoder, commands and metadata, exactly as the product compiles them.
#
# An input is four octets of settings and a stream. The stream goes through everything twice, whole and in pieces; a difference, a buffer
# larger than what arrived allows or a command that does not survive re-encoding is a finding (abort), and so is whatever
# AddressSanitizer sees: every piece lies in a block of its exact size.
#
#   octet 0   local socket type
#   octet 1   bits 0-1: what comes before the stream (nothing, 3.1 greeting, 2.0 greeting, 3.0 greeting and READY without properties)
#             bit 2: own routing id; bits 3-4: MAXMSGSIZE (none, 0, 64, 1000)
#   octets 2, 3   lengths of the pieces, in turn
#
# No Python object is touched and no interpreter runs.

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport abort, free, malloc
from libc.string cimport memcmp, memcpy, memset

from mechanism.security cimport security_t
from zmtp.command cimport CMD_UNKNOWN, command_parse, command_put, command_size, command_t
from zmtp.decoder cimport decoder_feed, decoder_free, decoder_init, decoder_t
from zmtp.frame cimport FRAME_COMMAND, FRAME_MORE, frame_get, frame_get_v1, frame_put, frame_put_v1, frame_t
from zmtp.handshake cimport (
    HS_MORE, HS_READY, handshake_feed, handshake_free, handshake_init, handshake_t,
)
from zmtp.introduction cimport hs_config_t, introduction_take_properties
from zmtp.outgoing cimport outgoing_took, outgoing_waits
from zmtp.metadata cimport metadata_find, metadata_prepend, metadata_ref, metadata_t, metadata_unref
from pattern.ops cimport pattern_ops_t, SENDS_IDENTITY
from pattern.select cimport pattern_select
from pattern.types cimport TYPE_COUNT


cdef struct outcome_t:
    int result
    int event
    uint64_t value
    uint64_t traffic       # octets before it
    uint64_t hash          # of all that was sent, learnt and received
    int version            # to tell what a frame is


cdef void check(bint right) noexcept nogil:
    if not right:
        abort()


cdef void mix(outcome_t *o, const unsigned char *p, size_t n) noexcept nogil:
    cdef size_t i
    o.hash = (o.hash ^ n) * 1099511628211ULL
    for i in range(n):
        o.hash = (o.hash ^ p[i]) * 1099511628211ULL


cdef void mix_int(outcome_t *o, int64_t n) noexcept nogil:
    mix(o, <unsigned char *>&n, sizeof(n))


cdef void one_command(outcome_t *o, const unsigned char *body, size_t n) noexcept nogil:
    cdef command_t c, again
    cdef frame_t f
    cdef unsigned char *out
    cdef size_t size
    mix_int(o, command_parse(body, n, &c))
    mix_int(o, c.kind)
    if c.kind == CMD_UNKNOWN:
        return
    mix(o, c.data, c.size)
    size = command_size(c.kind, c.size)
    out = <unsigned char *>malloc(size)
    check(command_put(out, c.kind, c.ttl_ds, c.data, c.size) == size)
    check(frame_get(out, size, &f) == 1 and f.flags == FRAME_COMMAND and f.header + f.size == size)
    check(command_parse(out + f.header, <size_t>f.size, &again) == 0)
    check(again.kind == c.kind and again.size == c.size and again.ttl_ds == c.ttl_ds)
    check(memcmp(again.data, c.data, c.size) == 0)
    free(out)


cdef int one_frame(void *arg, int flags, const unsigned char *body, size_t n) noexcept nogil:
    cdef outcome_t *o = <outcome_t *>arg
    cdef unsigned char header[10]
    cdef frame_t f
    cdef int size
    mix_int(o, flags)
    mix(o, body, n)
    check((flags & ~(FRAME_MORE | FRAME_COMMAND)) == 0)
    if o.version == 1:
        size = frame_put_v1(header, n, flags)
        check(frame_get_v1(header, size, &f) == 1)
    else:
        size = frame_put(header, n, flags)
        check(frame_get(header, size, &f) == 1)
    check(f.header == size and f.size == n and f.flags == flags)
    if o.version == 3 and flags & FRAME_COMMAND:
        one_command(o, body, n)
    return 0


cdef void properties(outcome_t *o, metadata_t *md) noexcept nogil:
    cdef metadata_t *ours = md
    cdef const unsigned char *value
    cdef size_t n
    if metadata_find(md, b"Socket-Type", 11, &value, &n) == 0:
        mix(o, value, n)
    if metadata_find(md, b"Routing-Id", 10, &value, &n) == 0:
        mix(o, value, n)
    if metadata_find(md, b"", 0, &value, &n) == 0:
        mix(o, value, n)
    if md != NULL:
        metadata_ref(md)
    check(metadata_prepend(&ours, b"Peer-Address", 12, <const unsigned char *>b"::1", 3) == 0)
    check(metadata_find(ours, b"Peer-Address", 12, &value, &n) == 0 and n == 3 and memcmp(value, b"::1", 3) == 0)
    metadata_unref(ours)
    metadata_unref(md)


cdef void said(outcome_t *o, handshake_t *hs) noexcept nogil:
    cdef size_t i
    # Octet by octet: what is said in one go may be said in two.
    for i in range(hs.out.taken, hs.out.size):
        mix(o, hs.out.octets + i, 1)
    outgoing_took(&hs.out, outgoing_waits(&hs.out))


cdef void drive(const hs_config_t *config, const unsigned char *p, size_t n, const unsigned char *steps,
                outcome_t *o) noexcept nogil:
    cdef handshake_t hs
    cdef decoder_t d
    cdef unsigned char *piece
    cdef size_t at = 0, used, step, turn = 0
    cdef int rc = HS_MORE
    check(handshake_init(&hs, config) == 0)
    o.hash = 14695981039346656037ULL
    o.traffic = 0
    while at < n and rc != HS_READY and rc >= 0:
        step = n - at
        if steps != NULL and steps[turn & 1] + <size_t>1 < step:
            step = steps[turn & 1] + <size_t>1
        turn += 1
        piece = <unsigned char *>malloc(step)
        memcpy(piece, p + at, step)
        rc = handshake_feed(&hs, piece, step, &used)
        free(piece)
        check(used <= step and (rc != HS_MORE or used == step))
        at += used
        check(hs.decoder.capacity <= 64 or hs.decoder.capacity <= 2 * at)
        said(o, &hs)
    o.result = rc
    o.event = hs.who.event
    o.value = hs.who.event_value
    o.version = hs.version
    mix_int(o, hs.minor)
    mix_int(o, hs.unversioned)
    mix(o, hs.who.identity, hs.who.identity_size)
    check(rc == HS_READY or rc < 0 or at == n)
    if rc == HS_READY:
        o.traffic = at
        check(hs.version > 0 and (hs.who.properties != NULL) == (hs.version == 3))
        properties(o, introduction_take_properties(&hs.who))
        decoder_init(&d, hs.version == 1, config.maxmsgsize)
        rc = 0
        while at < n and rc == 0:
            step = n - at
            if steps != NULL and steps[turn & 1] + <size_t>1 < step:
                step = steps[turn & 1] + <size_t>1
            turn += 1
            piece = <unsigned char *>malloc(step)
            memcpy(piece, p + at, step)
            rc = decoder_feed(&d, piece, step, one_frame, o)
            free(piece)
            at += step
            check(d.capacity <= 64 or d.capacity <= 2 * at)
        mix_int(o, rc)
        decoder_free(&d)
    handshake_free(&hs)


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    cdef const char *before
    cdef size_t before_size
    cdef unsigned char *stream
    cdef hs_config_t config
    cdef security_t security
    cdef pattern_ops_t ops
    cdef outcome_t whole, cut
    if size < 4:
        return 0
    if (data[1] & 3) == 1:
        before_size = 64
        before = (b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                  b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
    elif (data[1] & 3) == 2:
        before_size = 12
        before = b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05"
    elif (data[1] & 3) == 3:
        before_size = 72
        before = (b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                  b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\x06\x05READY")
    else:
        before_size = 0
        before = b""
    config.socket_type = data[0] % TYPE_COUNT
    if pattern_select(config.socket_type, &ops) < 0:
        return 0
    config.name = ops.name
    config.peers = ops.peers
    config.sends_identity = (ops.traits & SENDS_IDENTITY) != 0
    config.routing_id = <const unsigned char *>b"me"
    config.routing_id_size = 2 if data[1] & 4 else 0
    memset(&security, 0, sizeof(security))       # NULL
    config.security = &security
    config.crypto = NULL
    config.maxmsgsize = -1
    if (data[1] >> 3) & 3:
        config.maxmsgsize = 0 if (data[1] >> 3) & 3 == 1 else (64 if (data[1] >> 3) & 3 == 2 else 1000)
    config.app_properties = NULL
    config.app_properties_size = 0
    stream = <unsigned char *>malloc(before_size + size - 4 + 1)
    memcpy(stream, before, before_size)
    memcpy(stream + before_size, data + 4, size - 4)
    drive(&config, stream, before_size + size - 4, NULL, &whole)
    drive(&config, stream, before_size + size - 4, data + 2, &cut)
    free(stream)
    check(whole.result == cut.result and whole.event == cut.event and whole.value == cut.value)
    check(whole.traffic == cut.traffic and whole.hash == cut.hash and whole.version == cut.version)
    return 0
