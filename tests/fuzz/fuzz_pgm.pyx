# libFuzzer target: PGM, as a transport drives it.
#
# An input is one byte of settings and a conversation of steps. Settings: bit 0, a source or a receiver; bits 1-2, small limits.
# A step is an operation, a length n, and n octets:
#
#   bit 0       the octets are a packet (else: a source writes them, a receiver only lets time pass)
#   bit 1       ports and identifier are put right
#   bit 2       the checksum is put right
#   bit 3       the packet comes from another address
#   bits 4-7    so many times 30 ms pass first, and what is due is done
#
# Findings: memory touched beyond a packet, held octets beyond their bound or left at the end, a message handed on in part, a timer
# that is due again at once.
#
# No Python object is touched and no interpreter runs.

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT64_MAX
from libc.stdlib cimport abort, free, malloc
from libc.string cimport memcpy, memset

from base.endian cimport store_be16
from pgm.apdu cimport pgm_limits_t, pgm_scan_between, pgm_scan_frame, pgm_scan_t, pgm_sink_take
from pgm.packet cimport PGM_HEADER, PGM_NAK, PGM_SPMR, pgm_nla_t, pgm_seal, pgm_tsi_t
from pgm.receiver cimport (
    pgm_receiver_begin, pgm_receiver_due, pgm_receiver_end, pgm_receiver_holds, pgm_receiver_lost, pgm_receiver_more,
    pgm_receiver_packet, pgm_receiver_t, pgm_receiver_tick,
)
from pgm.source cimport (
    pgm_source_begin, pgm_source_due, pgm_source_end, pgm_source_packet, pgm_source_push, pgm_source_t, pgm_source_tick,
    pgm_source_write,
)
from pgm.wire cimport pgm_wire_t

cdef enum:
    STEP_NS = 30000000
    SESSION_PORT = 5555
    SOURCE_PORT = 4660


cdef void check(bint right) noexcept nogil:
    if not right:
        abort()


cdef int sent(void *state, int way, const pgm_nla_t *to, const unsigned char *p, size_t n) noexcept nogil:
    cdef uint64_t *sum = <uint64_t *> state
    cdef size_t i
    for i in range(n):
        sum[0] = sum[0] * 31 + p[i]
    return 0


cdef uint32_t chance(void *state) noexcept nogil:
    cdef uint64_t *sum = <uint64_t *> state
    sum[0] = sum[0] * 6364136223846793005ULL + 1442695040888963407ULL
    return <uint32_t> (sum[0] >> 32)


cdef void address(pgm_nla_t *a, int last) noexcept nogil:
    memset(a, 0, sizeof(pgm_nla_t))
    a.size = 4
    a.octets[0] = 10
    a.octets[3] = <unsigned char> last


cdef void put_right(int op, unsigned char *p, size_t n) noexcept nogil:
    """What an honest packet would have, as far as the step wants it."""
    cdef bint upstream
    if n < PGM_HEADER:
        return
    if op & 2:
        upstream = p[4] & 15 == PGM_NAK or p[4] & 15 == PGM_SPMR
        store_be16(p, SESSION_PORT if upstream else SOURCE_PORT)
        store_be16(p + 2, SOURCE_PORT if upstream else SESSION_PORT)
        memset(p + 8, 1 + (p[8] & 1), 6)
    if op & 4:
        pgm_seal(p, n)


cdef void read_all(pgm_receiver_t *r, pgm_scan_t *scan) noexcept nogil:
    cdef unsigned char out[999]
    cdef size_t n, at, used = 0
    while pgm_receiver_holds(r):
        n = pgm_sink_take(&r.sink, out, sizeof(out))
        if n == 0:
            pgm_receiver_more(r)
        at = 0
        while at < n:
            check(pgm_scan_frame(scan, out + at, n - at, r.limits.frame_max, &used) >= 0)
            at += used
    check(pgm_scan_between(scan))


cdef void receive(int settings, const uint8_t *data, size_t size, pgm_wire_t *wire) noexcept nogil:
    cdef pgm_receiver_t r
    cdef pgm_limits_t limits
    cdef pgm_scan_t scan
    cdef pgm_nla_t source
    cdef unsigned char *packet
    cdef uint64_t now = 1000000000
    cdef size_t n
    cdef int op
    memset(&limits, 0, sizeof(limits))
    memset(&scan, 0, sizeof(scan))
    limits.frame_max = 20 if settings & 2 else UINT64_MAX
    limits.message_bytes_max = 30 if settings & 2 else UINT64_MAX
    limits.message_frames_max = 3 if settings & 2 else 0xffffffff
    limits.held_max = 2000 if settings & 4 else 1000000
    check(pgm_receiver_begin(&r, wire, &limits, 40 if settings & 4 else 5000, 2000000000) == 0)
    while size >= 2:
        op = data[0]
        n = data[1]
        data += 2
        size -= 2
        if n > size:
            n = size
        now += <uint64_t> (op >> 4) * STEP_NS
        if pgm_receiver_due(&r) <= now:
            pgm_receiver_tick(&r, now)
            check(pgm_receiver_due(&r) > now or pgm_receiver_due(&r) != 0)
        if op & 1:
            packet = <unsigned char *> malloc(n if n else 1)
            memcpy(packet, data, n)
            put_right(op, packet, n)
            address(&source, 2 if op & 8 else 1)
            pgm_receiver_packet(&r, packet, n, &source, now)
            free(packet)
        check(r.limits.held <= r.limits.held_max)
        read_all(&r, &scan)
        pgm_receiver_lost(&r)
        data += n
        size -= n
    pgm_receiver_tick(&r, now + 1000000000000ULL)
    check(r.count == 0)
    read_all(&r, &scan)
    check(r.limits.held == 0)
    pgm_receiver_end(&r)


cdef void transmit(int settings, const uint8_t *data, size_t size, pgm_wire_t *wire) noexcept nogil:
    cdef pgm_source_t s
    cdef pgm_tsi_t tsi
    cdef unsigned char *packet
    cdef uint64_t now = 1000000000
    cdef size_t n
    cdef int op
    tsi.port = SOURCE_PORT
    memset(tsi.gsi, 1, 6)
    check(pgm_source_begin(&s, wire, &tsi, 5 if settings & 2 else 100, 100000, 3 if settings & 4 else 100, 28, now) == 0)
    while size >= 2:
        op = data[0]
        n = data[1]
        data += 2
        size -= 2
        if n > size:
            n = size
        now += <uint64_t> (op >> 4) * STEP_NS
        if pgm_source_due(&s) <= now:
            pgm_source_tick(&s, now)
        packet = <unsigned char *> malloc(n if n else 1)
        memcpy(packet, data, n)
        if op & 1:
            put_right(op, packet, n)
            pgm_source_packet(&s, packet, n, now)
        elif pgm_source_write(&s, packet, n, now) < -11:    # no frames: the connection would end
            free(packet)
            break
        else:
            pgm_source_push(&s, now)
        free(packet)
        check(s.next - s.trail <= s.window and s.wanted_count <= s.room)
        data += n
        size -= n
    pgm_source_end(&s, now)


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    cdef pgm_wire_t wire
    cdef uint64_t state = 1
    if size == 0:
        return 0
    memset(&wire, 0, sizeof(wire))
    wire.send = sent
    wire.random = chance
    wire.state = &state
    wire.dport = SESSION_PORT
    address(&wire.group, 100)
    address(&wire.nla, 1)
    if data[0] & 1:
        transmit(data[0], data + 1, size - 1, &wire)
    else:
        receive(data[0], data + 1, size - 1, &wire)
    return 0
