# libFuzzer target: handshakes of PLAIN and CURVE between two of ours, with what they say changed on its way.
#
# An input is two bytes of settings, then one change after the other, each of four bytes: what, which command, where, with what.
#
#   byte 0    bits 0-1: mechanism (CURVE with streams, CURVE with boxes, PLAIN, two servers of CURVE); bit 2: any MAC is right, so that
#             changes reach what is behind it; bits 3-4: the answer of the ZAP handler (200, none, 400, 300)
#   byte 1    lengths of the pieces in which commands arrive
#
# The primitives are toys, so that a run takes microseconds: a key is the sum of two, a MAC a hash. An unchanged handshake must end well, and a
# failed one must stay failed. Behind READY messages go both ways through the same changes.
#
# No Python object is touched and no interpreter runs.

from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport abort, free, malloc
from libc.string cimport memcpy, memmove, memset

from base.errors cimport ECONNREFUSED
from base.mechanisms cimport MECHANISM_CURVE, MECHANISM_PLAIN
from mechanism.crypto cimport crypto_t
from mechanism.mechanism cimport mechanism_t, mechanism_zap_t
from mechanism.security cimport security_t
from zmtp.handshake cimport (
    HS_AUTHENTICATE, HS_READY, handshake_feed, handshake_free, handshake_init, handshake_t, handshake_zap_reply,
)
from zmtp.introduction cimport hs_config_t, introduction_zap_request
from zmtp.outgoing cimport outgoing_took, outgoing_waits

cdef enum:
    KEPT_MAX = 4096            # of what was said, to be said again
    ROUNDS = 12                # more than any handshake takes


cdef struct world_t:
    bint any_mac
    uint8_t counter
    const uint8_t *changes
    size_t nchanges
    size_t said                # commands so far
    unsigned char kept[KEPT_MAX]
    size_t nkept


cdef world_t world


cdef void check(bint right) noexcept nogil:
    if not right:
        abort()


# ---- toys

cdef void toy_random(unsigned char *out, unsigned long long n) noexcept nogil:
    cdef size_t i
    for i in range(n):
        world.counter += 1
        out[i] = world.counter


cdef int toy_keypair(unsigned char *public_key, unsigned char *secret_key) noexcept nogil:
    toy_random(secret_key, 32)
    memcpy(public_key, secret_key, 32)
    return 0


cdef int toy_base(unsigned char *public_key, const unsigned char *secret_key) noexcept nogil:
    memcpy(public_key, secret_key, 32)
    return 0


cdef int toy_beforenm(unsigned char *key, const unsigned char *public_key, const unsigned char *secret_key) noexcept nogil:
    cdef int i
    cdef unsigned char any = 0
    for i in range(32):
        any |= public_key[i]
        key[i] = public_key[i] + secret_key[i]
    return 0 if any else -1


cdef void toy_mac(unsigned char *mac, const unsigned char *p, size_t n, const unsigned char *key) noexcept nogil:
    cdef uint64_t hash = 14695981039346656037ULL
    cdef size_t i
    for i in range(32):
        hash = (hash ^ key[i]) * 1099511628211ULL
    for i in range(n):
        hash = (hash ^ p[i]) * 1099511628211ULL
    memset(mac, 0, 16)
    memcpy(mac, &hash, 8)


cdef int toy_seal(unsigned char *box, const unsigned char *m, unsigned long long n, const unsigned char *nonce, const unsigned char *key) noexcept nogil:
    memmove(box + 16, m, n)
    toy_mac(box, box + 16, n, key)
    return 0


cdef int toy_open(unsigned char *m, const unsigned char *box, unsigned long long n, const unsigned char *nonce, const unsigned char *key) noexcept nogil:
    cdef unsigned char mac[16]
    cdef int i
    check(n >= 16)
    toy_mac(mac, box + 16, n - 16, key)
    for i in range(16):
        if mac[i] != box[i] and not world.any_mac:
            return -1
    memmove(m, box + 16, n - 16)
    return 0


cdef int toy_hsalsa(unsigned char *out, const unsigned char *p, const unsigned char *key, const unsigned char *constant) noexcept nogil:
    cdef int i
    for i in range(32):
        out[i] = key[i] ^ p[15]
    return 0


cdef int toy_stream(unsigned char *out, const unsigned char *p, unsigned long long n, const unsigned char *nonce, uint64_t block,
                    const unsigned char *key) noexcept nogil:
    cdef size_t i
    for i in range(n):
        out[i] = p[i] ^ key[i & 31] ^ nonce[7]
    return 0


cdef int toy_auth(unsigned char *out, const unsigned char *p, unsigned long long n, const unsigned char *key) noexcept nogil:
    toy_mac(out, p, n, key)
    return 0


cdef void toys(crypto_t *c, bint streams) noexcept nogil:
    memset(c, 0, sizeof(crypto_t))
    c.box_keypair = toy_keypair
    c.box_beforenm = toy_beforenm
    c.box_easy_afternm = toy_seal
    c.box_open_easy_afternm = toy_open
    c.scalarmult_base = toy_base
    c.randombytes = toy_random
    if streams:
        c.core_hsalsa20 = toy_hsalsa
        c.stream_salsa20_xor_ic = toy_stream
        c.onetimeauth_poly1305 = toy_auth


# ---- what happens on the way

cdef unsigned char *changed(const unsigned char *p, size_t *n) noexcept nogil:
    """A block of what arrives instead of these octets."""
    cdef const uint8_t *change
    cdef unsigned char *out = <unsigned char *> malloc(2 * n[0] + KEPT_MAX + 512)
    cdef size_t size = n[0]
    cdef size_t i, at, more
    memcpy(out, p, size)
    for i in range(world.nchanges):
        change = world.changes + 4 * i
        if change[1] != (world.said & 255) or size == 0:
            continue
        at = (change[2] * size) // 256 if change[0] & 8 else change[2] % size
        if change[0] & 7 == 0:
            out[at] ^= 1 << (change[3] & 7)
        elif change[0] & 7 == 1:
            out[at] = change[3]
        elif change[0] & 7 == 2:
            size = at
        elif change[0] & 7 == 3:
            memset(out + size, change[2], change[3])
            size += change[3]
        elif change[0] & 7 == 4:        # said before, instead
            more = world.nkept if world.nkept < KEPT_MAX else KEPT_MAX
            memcpy(out, world.kept, more)
            size = more
        elif change[0] & 7 == 5:        # again
            memcpy(out + size, p, n[0])
            size += n[0]
            break
        elif change[0] & 7 == 6:        # one octet less
            memmove(out + at, out + at + 1, size - at - 1)
            size -= 1
        else:
            memmove(out + at + 1, out + at, size - at)
            out[at] = change[3]
            size += 1
    world.said += 1
    if n[0] <= KEPT_MAX:
        memcpy(world.kept, p, n[0])
        world.nkept = n[0]
    n[0] = size
    return out


cdef int fed(handshake_t *hs, const unsigned char *p, size_t n, size_t step, int answer) noexcept nogil:
    """What the handshake makes of it, in pieces."""
    cdef mechanism_zap_t question
    cdef unsigned char *piece
    cdef size_t at = 0, used = 0, end
    cdef int rc = 0
    while rc >= 0 and rc != HS_READY:
        end = n if step == 0 or at + step > n else at + step
        piece = <unsigned char *> malloc(end - at + 1)
        memcpy(piece, p + at, end - at)
        used = 0
        rc = handshake_feed(hs, piece, end - at, &used)
        free(piece)
        check(used <= end - at)
        if rc == HS_AUTHENTICATE:
            introduction_zap_request(&hs.who, &question)
            rc = handshake_zap_reply(hs, answer)
            at += used
            continue
        at += used
        if rc == 0 and at < end:
            break           # nothing more is taken
        if at == n and rc == 0:
            break
    if rc < 0:
        check(handshake_feed(hs, p, 0, &used) == rc)
    return rc


cdef int passed(handshake_t *one, handshake_t *other, size_t step, int answer) noexcept nogil:
    """What one of them has to say, to the other."""
    cdef size_t n = outgoing_waits(&one.out)
    cdef unsigned char *p
    cdef int rc
    if n == 0:
        return 0
    p = changed(one.out.octets + one.out.taken, &n)
    outgoing_took(&one.out, outgoing_waits(&one.out))
    rc = fed(other, p, n, step, answer)
    free(p)
    return rc


cdef void traffic(mechanism_t *one, mechanism_t *other) noexcept nogil:
    cdef size_t sizes[6]
    cdef unsigned char *body
    cdef unsigned char *sealed
    cdef unsigned char *plain = NULL
    cdef size_t size = 0, i
    cdef int flags = 0
    sizes[:] = [0, 1, 31, 480, 600, 2000]
    for i in range(6):
        body = <unsigned char *> malloc(sizes[i] + 1)
        memset(body, 7, sizes[i])
        sealed = <unsigned char *> malloc(sizes[i] + one.ops.overhead)
        check(one.ops.encode(one, <int> (i & 1), body, sizes[i], sealed, &size) == 0 and size == sizes[i] + one.ops.overhead)
        free(body)
        body = changed(sealed, &size)
        free(sealed)
        sealed = <unsigned char *> malloc(size + 1)
        memcpy(sealed, body, size)
        free(body)
        if other.ops.decode(other, sealed, size, &flags, &plain, &size) < 0:
            i = 6
        else:
            check(plain >= sealed and (world.any_mac or world.nchanges or size == sizes[i]))
        free(sealed)
        if i == 6:
            return


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    cdef handshake_t a, b
    cdef hs_config_t config
    cdef security_t security
    cdef crypto_t crypto
    cdef unsigned char keys[96]
    cdef int answers[4]
    cdef int kind, answer, ra = 0, rb = 0, _i
    if size < 2:
        return 0
    answers[:] = [200, -ECONNREFUSED, 400, 300]
    memset(&world, 0, sizeof(world_t))
    world.any_mac = (data[0] & 4) != 0
    world.changes = data + 2
    world.nchanges = (size - 2) // 4
    kind = data[0] & 3
    answer = answers[(data[0] >> 3) & 3]
    toys(&crypto, kind == 0)
    memset(keys, 11, 32)
    memset(keys + 32, 22, 32)
    memset(&security, 0, sizeof(security))
    memset(&config, 0, sizeof(config))
    security.mechanism = MECHANISM_PLAIN if kind == 2 else MECHANISM_CURVE
    security.as_server = True
    security.secret_key = keys
    security.username = b"admin"
    security.username_size = 5
    security.password = b"password"
    security.password_size = 8
    config.socket_type = 6
    config.name = b"ROUTER"
    config.peers = b"DEALER ROUTER"
    config.sends_identity = 1
    config.security = &security
    config.crypto = &crypto
    config.maxmsgsize = -1
    check(handshake_init(&b, &config) == 0)
    if kind != 3:
        security.as_server = False
        security.secret_key = keys + 32
        security.server_key = keys
    check(handshake_init(&a, &config) == 0)
    for _i in range(ROUNDS):
        if ra >= 0 and rb >= 0 and rb != HS_READY:
            rb = passed(&a, &b, data[1] & 15, answer)
        if ra >= 0 and rb >= 0 and ra != HS_READY:
            ra = passed(&b, &a, data[1] >> 4, answer)
    if world.nchanges == 0 and kind != 3 and (answer == 200 or (answer < 0 and kind != 2)):
        check(ra == HS_READY and rb == HS_READY)
    if kind == 3 or answer >= 300:
        check(ra != HS_READY or kind == 2)
    if ra == HS_READY and rb == HS_READY and a.who.mechanism.ops.encode != NULL:
        traffic(a.who.mechanism, b.who.mechanism)
        traffic(b.who.mechanism, a.who.mechanism)
    handshake_free(&a)
    handshake_free(&b)
    return 0
