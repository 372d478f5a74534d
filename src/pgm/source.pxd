# A source: data goes out at its rate, is kept for as long as the window is, and is sent again to who asks.
#
# Rules
# - Sans-IO: packets leave through pgm_wire_t, time is an argument, pgm_source_due() tells when pgm_source_tick() is wanted.
# - Sequence numbers are serial numbers of 32 bits: they are only ever subtracted.
# - Original data is limited by `rate`, what is sent again by `repairs`, answers to NAKs by `answers`: no number of NAKs
#   makes a source send more than that, nor stops its original data.
# - A number is queued for repair at most once.
#
#   event                            what leaves
#   -----------------------------------------------------------------------------------------------
#   pgm_source_begin                 SPM, PGM_SPM_AT_ONCE of them
#   an APDU is full, or pushed       ODATA, when the rate permits
#   NAK                              NCF at once, RDATA when `repairs` permits
#   SPMR                             SPM, PGM_SPM_LEAST after the last one
#   time after data, time at all     SPM
#   pgm_source_end                   SPM with FIN, PGM_SPM_AT_ONCE of them

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset
from base.endian cimport load_be32
from base.errors cimport EAGAIN, ENOBUFS, ENOMEM
from base.memory cimport calloc, free, malloc
from pgm.apdu cimport pgm_pack, pgm_pack_begin, pgm_pack_empty, pgm_pack_full, pgm_pack_t
from pgm.bucket cimport pgm_bucket_open, pgm_bucket_t, pgm_bucket_take
from pgm.packet cimport (
    PGM_DATA_HEADER, PGM_LIST_MAX, PGM_NAK, PGM_NCF, PGM_ODATA, PGM_RDATA, PGM_SPMR, pgm_data_put,
    pgm_get, pgm_nla_equal, pgm_packet_t, pgm_spm_put, pgm_tsi_is, pgm_tsi_t, pgm_type, pgm_want_put,
)
from pgm.times cimport (
    PGM_HEARTBEATS, PGM_NCF_RATE, PGM_REPAIR_ONCE, PGM_REPAIR_RATE_LEAST, PGM_SEND_REST, PGM_SPM_AT_ONCE, PGM_SPM_LEAST,
    pgm_ambient, pgm_heartbeat,
)
from pgm.wire cimport PGM_TO_GROUP, pgm_wire_t

# A packet of the window.
cdef struct pgm_kept_t:
    unsigned char *data             # the whole packet; the payload stands behind PGM_DATA_HEADER
    size_t size                     # of the payload
    uint64_t repaired               # when it was sent last, for the second time or later; 0: never
    bint queued                     # on `wanted`

cdef struct pgm_source_t:
    pgm_wire_t wire
    pgm_tsi_t tsi
    uint32_t window                 # packets that are kept
    size_t overhead                 # octets that each packet costs beside its own, for the rates
    # the window: trail up to next - 1
    pgm_kept_t *kept                # `room` of them, a power of two
    uint32_t room
    uint32_t trail
    uint32_t next
    unsigned char *spare            # a block that was made for a packet that could not leave, or NULL
    uint32_t *wanted                # numbers to be sent again, the first in first: `room` places, as there are packets
    uint32_t wanted_head
    uint32_t wanted_count
    pgm_pack_t pack
    pgm_bucket_t rate
    pgm_bucket_t repairs
    pgm_bucket_t answers
    uint64_t rest                   # the socket took nothing: not before
    uint32_t spm_sqn
    uint64_t spm_last
    uint64_t ambient_due
    uint64_t heartbeat_due          # 0: no data that it could follow
    int heartbeat_step
    uint64_t active                 # when data was last sent, or asked for
    uint64_t fresh                  # when data was last sent for the first time
    uint64_t sent                   # packets of original data
    uint64_t resent
    uint64_t refused                # NAKs and numbers beyond the window or the budget


cdef inline pgm_kept_t *pgm_source_kept(pgm_source_t *s, uint32_t sqn) noexcept nogil:
    return &s.kept[sqn & (s.room - 1)]


# ---- SPM

cdef inline void pgm_source_spm(pgm_source_t *s, bint fin, uint64_t now) noexcept nogil:
    cdef unsigned char out[512]         # the longest of these has 320
    cdef int n = pgm_spm_put(out, &s.tsi, s.wire.dport, s.spm_sqn, s.trail, s.next - 1, &s.wire.nla, fin)
    s.spm_sqn += 1
    s.spm_last = now
    s.ambient_due = now + pgm_ambient()
    s.wire.send(s.wire.state, PGM_TO_GROUP, &s.wire.group, out, n)


cdef inline void pgm_source_spms(pgm_source_t *s, bint fin, uint64_t now) noexcept nogil:
    cdef int _i
    for _i in range(PGM_SPM_AT_ONCE):
        pgm_source_spm(s, fin, now)


cdef inline void pgm_source_asked(pgm_source_t *s, uint64_t now) noexcept nogil:
    """SPMR"""
    if s.heartbeat_due and s.heartbeat_due <= s.spm_last + PGM_SPM_LEAST:
        return                      # one is on its way
    if s.spm_last + PGM_SPM_LEAST <= now:
        pgm_source_spm(s, False, now)
    else:
        s.heartbeat_due = s.spm_last + PGM_SPM_LEAST


cdef inline void pgm_source_heartbeat(pgm_source_t *s, uint64_t now) noexcept nogil:
    if s.heartbeat_due and s.heartbeat_due <= now:
        pgm_source_spm(s, False, now)
        s.heartbeat_due = 0
        if s.heartbeat_step < PGM_HEARTBEATS:
            s.heartbeat_due = now + pgm_heartbeat(s.heartbeat_step)
            s.heartbeat_step += 1
    elif s.ambient_due <= now:
        pgm_source_spm(s, False, now)


# ---- the window

cdef inline int pgm_source_grow(pgm_source_t *s) noexcept nogil:
    """Twice the places, while the window is not full. 0 or -ENOMEM."""
    cdef uint32_t room = s.room * 2 if s.room else 64
    cdef pgm_kept_t *kept = <pgm_kept_t *> calloc(room, sizeof(pgm_kept_t))
    cdef uint32_t *wanted = <uint32_t *> malloc(room * sizeof(uint32_t))
    cdef uint32_t i, sqn
    if kept == NULL or wanted == NULL:
        free(kept)
        free(wanted)
        return -ENOMEM
    for i in range(s.next - s.trail):
        sqn = s.trail + i
        kept[sqn & (room - 1)] = pgm_source_kept(s, sqn)[0]
    for i in range(s.wanted_count):
        wanted[i] = s.wanted[(s.wanted_head + i) & (s.room - 1)]
    free(s.kept)
    free(s.wanted)
    s.kept = kept
    s.wanted = wanted
    s.wanted_head = 0
    s.room = room
    return 0


cdef inline unsigned char *pgm_source_block(pgm_source_t *s) noexcept nogil:
    """Memory for one more packet of the window, which may be that of the oldest. NULL: out of memory."""
    cdef pgm_kept_t *k
    cdef unsigned char *data = s.spare
    if data != NULL:
        s.spare = NULL
        return data
    if s.next - s.trail < s.window:
        if s.next - s.trail == s.room and pgm_source_grow(s) < 0:
            return NULL
        return <unsigned char *> malloc(PGM_DATA_HEADER + s.pack.room)
    k = pgm_source_kept(s, s.trail)
    data = k.data
    k.data = NULL
    s.trail += 1        # should it be on `wanted`, it is found to be gone
    return data


# ---- data

cdef inline int pgm_source_emit(pgm_source_t *s, uint64_t now) noexcept nogil:
    """The APDU leaves. 0; -EAGAIN: later, pgm_source_due() says when; -ENOMEM."""
    cdef pgm_kept_t *k
    cdef unsigned char *packet = s.pack.data - PGM_DATA_HEADER
    cdef unsigned char *fresh
    cdef int rc
    if not pgm_bucket_open(&s.rate, now) or s.rest > now:
        return -EAGAIN
    fresh = pgm_source_block(s)
    if fresh == NULL:
        s.rest = now + PGM_SEND_REST
        return -ENOMEM
    pgm_data_put(packet, PGM_ODATA, &s.tsi, s.wire.dport, s.next, s.trail, s.pack.size)
    rc = s.wire.send(s.wire.state, PGM_TO_GROUP, &s.wire.group, packet, PGM_DATA_HEADER + s.pack.size)
    if rc == -EAGAIN or rc == -ENOBUFS:
        s.spare = fresh             # the trail has gone on for it already
        s.rest = now + PGM_SEND_REST
        return -EAGAIN
    # Any other error is one more way to be lost: receivers ask for it again.
    k = pgm_source_kept(s, s.next)
    k.data = packet
    k.size = s.pack.size
    k.repaired = 0
    k.queued = False
    pgm_bucket_take(&s.rate, s.overhead + PGM_DATA_HEADER + s.pack.size, now)
    s.next += 1
    s.sent += 1
    s.active = s.fresh = now
    s.heartbeat_step = 1
    s.heartbeat_due = now + pgm_heartbeat(0)
    s.pack.data = fresh + PGM_DATA_HEADER
    pgm_pack_begin(&s.pack)
    return 0


cdef inline int pgm_source_push(pgm_source_t *s, uint64_t now) noexcept nogil:
    """What there is leaves although there would be room for more. 0, -EAGAIN, -ENOMEM."""
    return 0 if pgm_pack_empty(&s.pack) else pgm_source_emit(s, now)


cdef inline ptrdiff_t pgm_source_write(pgm_source_t *s, const unsigned char *p, size_t n, uint64_t now) noexcept nogil:
    """Frames, cut anywhere. How many octets were taken; -EAGAIN: none; -EPROTO: these are no frames."""
    cdef size_t at = 0, step = 0
    cdef int rc
    while True:
        rc = pgm_pack(&s.pack, p + at, n - at, &step)
        if rc < 0:
            return rc
        at += step
        if not pgm_pack_full(&s.pack) or pgm_source_emit(s, now) < 0:
            break
    return <ptrdiff_t> at if at or n == 0 else -EAGAIN


# ---- repairs

cdef inline bint pgm_source_want(pgm_source_t *s, uint32_t sqn, uint64_t now) noexcept nogil:
    """Somebody lacks it. Whether it will be sent again."""
    cdef pgm_kept_t *k
    if sqn - s.trail >= s.next - s.trail:
        s.refused += 1
        return False
    k = pgm_source_kept(s, sqn)
    if k.queued:
        return True
    if k.repaired and k.repaired + PGM_REPAIR_ONCE > now:
        return False
    # A number that has left the window stays on the list until its turn, so there may be more than there are packets.
    if s.wanted_count == s.room:
        pgm_source_kept(s, s.wanted[s.wanted_head & (s.room - 1)]).queued = False
        s.wanted_head += 1
        s.wanted_count -= 1
    k.queued = True
    s.wanted[(s.wanted_head + s.wanted_count) & (s.room - 1)] = sqn
    s.wanted_count += 1
    return True


cdef inline void pgm_source_nak(pgm_source_t *s, pgm_packet_t *k, uint64_t now) noexcept nogil:
    cdef unsigned char out[512]         # the longest of these has 320
    cdef uint32_t sqns[PGM_LIST_MAX + 1]
    cdef uint32_t sqn = k.sqn
    cdef int i, n, count = 0
    if not pgm_nla_equal(&k.nla, &s.wire.nla) or not pgm_nla_equal(&k.group, &s.wire.group):
        return
    if not pgm_bucket_open(&s.answers, now):
        s.refused += 1
        return
    for i in range(k.count + 1):
        if i:
            sqn = load_be32(k.list + 4 * (i - 1))
        if pgm_source_want(s, sqn, now):
            sqns[count] = sqn
            count += 1
    if count == 0:
        return
    s.active = now
    pgm_bucket_take(&s.answers, 1, now)
    n = pgm_want_put(out, PGM_NCF, s.tsi.port, s.wire.dport, s.tsi.gsi, &s.wire.nla, &s.wire.group, sqns, count)
    s.wire.send(s.wire.state, PGM_TO_GROUP, &s.wire.group, out, n)


cdef inline void pgm_source_repair(pgm_source_t *s, uint64_t now) noexcept nogil:
    """Sends again what is wanted and the budget permits."""
    cdef pgm_kept_t *k
    cdef uint32_t sqn
    cdef int rc
    while s.wanted_count and s.rest <= now and pgm_bucket_open(&s.repairs, now):
        sqn = s.wanted[s.wanted_head & (s.room - 1)]
        k = pgm_source_kept(s, sqn)
        if sqn - s.trail < s.next - s.trail and k.queued:
            pgm_data_put(k.data, PGM_RDATA, &s.tsi, s.wire.dport, sqn, s.trail, k.size)
            rc = s.wire.send(s.wire.state, PGM_TO_GROUP, &s.wire.group, k.data, PGM_DATA_HEADER + k.size)
            if rc == -EAGAIN or rc == -ENOBUFS:
                s.rest = now + PGM_SEND_REST
                return
            k.queued = False
            k.repaired = s.active = now
            s.resent += 1
            pgm_bucket_take(&s.repairs, s.overhead + PGM_DATA_HEADER + k.size, now)
        s.wanted_head += 1
        s.wanted_count -= 1


# ---- from outside

cdef inline bint pgm_source_packet(pgm_source_t *s, const unsigned char *p, size_t n, uint64_t now) noexcept nogil:
    """A packet has arrived. Whether it was for this source."""
    cdef pgm_packet_t k
    cdef int type = pgm_type(p, n)
    if type != PGM_NAK and type != PGM_SPMR:
        return False
    if pgm_get(p, n, &k) < 0 or k.sport != s.wire.dport or not pgm_tsi_is(&s.tsi, k.gsi, k.dport):
        return False
    if type == PGM_NAK:
        pgm_source_nak(s, &k, now)
        pgm_source_repair(s, now)
    else:
        pgm_source_asked(s, now)
    return True


cdef inline uint64_t pgm_source_due(const pgm_source_t *s) noexcept nogil:
    """When pgm_source_tick() is wanted."""
    cdef uint64_t due = s.ambient_due
    cdef uint64_t at
    if s.heartbeat_due and s.heartbeat_due < due:
        due = s.heartbeat_due
    if not pgm_pack_empty(&s.pack):
        at = s.rate.free_at if s.rate.free_at > s.rest else s.rest
        if at < due:
            due = at
    if s.wanted_count:
        at = s.repairs.free_at if s.repairs.free_at > s.rest else s.rest
        if at < due:
            due = at
    return due


cdef inline void pgm_source_tick(pgm_source_t *s, uint64_t now) noexcept nogil:
    pgm_source_push(s, now)
    pgm_source_repair(s, now)
    pgm_source_heartbeat(s, now)


cdef inline int pgm_source_begin(pgm_source_t *s, const pgm_wire_t *wire, const pgm_tsi_t *tsi, size_t apdu, uint64_t rate,
                                 uint32_t window, size_t overhead, uint64_t now) noexcept nogil:
    """apdu: octets of the largest payload; rate: bytes per second; window: packets. 0 or -ENOMEM."""
    memset(s, 0, sizeof(pgm_source_t))
    s.wire = wire[0]
    s.tsi = tsi[0]
    s.window = window
    s.overhead = overhead
    s.rate.rate = rate
    s.repairs.rate = rate if rate > PGM_REPAIR_RATE_LEAST else PGM_REPAIR_RATE_LEAST
    s.answers.rate = PGM_NCF_RATE
    s.heartbeat_step = PGM_HEARTBEATS
    s.pack.room = apdu
    s.pack.data = <unsigned char *> malloc(PGM_DATA_HEADER + apdu)
    if s.pack.data == NULL:
        return -ENOMEM
    s.pack.data += PGM_DATA_HEADER
    pgm_pack_begin(&s.pack)
    pgm_source_spms(s, False, now)
    return 0


cdef inline void pgm_source_end(pgm_source_t *s, uint64_t now) noexcept nogil:
    """Says goodbye and gives everything back."""
    cdef uint32_t i
    pgm_source_spms(s, True, now)
    for i in range(s.next - s.trail):
        free(pgm_source_kept(s, s.trail + i).data)
    free(s.kept)
    free(s.wanted)
    free(s.spare)
    free(s.pack.data - PGM_DATA_HEADER)
    s.kept = NULL
    s.wanted = NULL
