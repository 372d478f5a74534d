# PGM, shown to Python. Included by _probe.pyx; every name starts with the room's.

from cpython.bytes cimport PyBytes_AS_STRING as pgm_AS_STRING
from libc.stdint cimport uint32_t, uint64_t, UINT64_MAX as PGM_NEVER
from libc.string cimport memcpy as pgm_memcpy, memset as pgm_memset
from base.memory cimport free as pgm_c_free, malloc as pgm_malloc

cimport pgm.apdu as pgm_a
cimport pgm.packet as pgm_p
cimport pgm.receiver as pgm_r
cimport pgm.source as pgm_s
cimport pgm.wire as pgm_w


cdef unsigned char *pgm_exact(bytes data) except NULL:
    """A block of exactly that size, so that a sanitizer sees a read beyond it."""
    cdef unsigned char *p = <unsigned char *>pgm_malloc(len(data) if data else 1)
    if p == NULL:
        raise MemoryError
    pgm_memcpy(p, pgm_AS_STRING(data), len(data))
    return p


cdef pgm_p.pgm_nla_t pgm_nla(bytes address) except *:
    cdef pgm_p.pgm_nla_t a
    if len(address) not in (0, 4, 16):
        raise ValueError("an address has 4 or 16 octets")
    pgm_memset(&a, 0, sizeof(a))
    a.size = len(address)
    pgm_memcpy(a.octets, pgm_AS_STRING(address), len(address))
    return a


def pgm_get(bytes packet):
    """A packet as dict, or a negative errno."""
    cdef pgm_p.pgm_packet_t k
    cdef unsigned char *p = pgm_exact(packet)
    cdef int rc = pgm_p.pgm_get(p, len(packet), &k)
    try:
        if rc < 0:
            return rc
        return dict(type=k.type, sport=k.sport, dport=k.dport, gsi=k.gsi[:6], sqn=k.sqn, trail=k.trail, lead=k.lead,
                    nla=k.nla.octets[:k.nla.size], group=k.group.octets[:k.group.size],
                    payload=k.payload[:k.size] if k.size else b"",
                    list=[int.from_bytes(k.list[4 * i:4 * i + 4], "big") for i in range(k.count)],
                    fin=bool(k.fin), rst=bool(k.rst), continues=bool(k.continues))
    finally:
        pgm_c_free(p)


def pgm_seal(bytes packet):
    """The packet with its checksum."""
    cdef bytearray out = bytearray(packet)
    if len(out) < pgm_p.PGM_HEADER:
        raise ValueError("too short")
    pgm_p.pgm_seal(out, len(out))
    return bytes(out)


cdef class pgm_End:
    """What source and receiver have in common: `out` collects (way, to, packet)."""
    cdef public list out
    cdef public object chance       # () -> a number of 32 bits
    cdef public int refuses         # errno that sending fails with; 0: it does not
    cdef pgm_w.pgm_wire_t wire

    cdef void wired(self, int dport, bytes nla, bytes group) except *:
        self.out = []
        self.wire.send = pgm_sent
        self.wire.random = pgm_chance
        self.wire.state = <void *>self
        self.wire.dport = dport
        self.wire.nla = pgm_nla(nla)
        self.wire.group = pgm_nla(group)


cdef int pgm_sent(void *state, int way, const pgm_p.pgm_nla_t *to, const unsigned char *p, size_t n) noexcept with gil:
    cdef pgm_End end = <pgm_End>state
    if end.refuses:
        return -end.refuses
    end.out.append((way, to.octets[:to.size], p[:n]))
    return 0


cdef uint32_t pgm_chance(void *state) noexcept with gil:
    return (<pgm_End>state).chance() if (<pgm_End>state).chance is not None else 0


cdef class pgm_Source(pgm_End):
    cdef pgm_s.pgm_source_t s

    def __init__(self, bytes gsi, int port, int dport, bytes nla, bytes group, size_t apdu=1420, uint64_t rate=12500,
                 uint32_t window=83, size_t overhead=28, uint64_t now=1, uint32_t first=0):
        cdef pgm_p.pgm_tsi_t tsi
        if len(gsi) != 6 or window == 0 or rate == 0 or apdu < 3 or self.s.pack.data != NULL:
            raise ValueError
        pgm_memcpy(tsi.gsi, pgm_AS_STRING(gsi), 6)
        tsi.port = port
        self.wired(dport, nla, group)
        if pgm_s.pgm_source_begin(&self.s, &self.wire, &tsi, apdu, rate, window, overhead, now) < 0:
            raise MemoryError
        if first:
            self.out.clear()
            self.s.trail = self.s.next = first
            pgm_s.pgm_source_spms(&self.s, False, now)

    def __dealloc__(self):
        self.wire.send = NULL
        if self.s.pack.data != NULL:
            self.s.wire.send = pgm_nowhere
            pgm_s.pgm_source_end(&self.s, 0)

    def write(self, bytes data, uint64_t now, bint push=True):
        """Octets taken, or a negative errno."""
        cdef unsigned char *p = pgm_exact(data)
        cdef ptrdiff_t n = pgm_s.pgm_source_write(&self.s, p, len(data), now)
        pgm_c_free(p)
        if push and n >= 0:
            pgm_s.pgm_source_push(&self.s, now)
        return n

    def packet(self, bytes data, uint64_t now):
        cdef unsigned char *p = pgm_exact(data)
        cdef bint taken = pgm_s.pgm_source_packet(&self.s, p, len(data), now)
        pgm_c_free(p)
        return bool(taken)

    def due(self):
        return pgm_s.pgm_source_due(&self.s)

    def tick(self, uint64_t now):
        pgm_s.pgm_source_tick(&self.s, now)

    def end(self, uint64_t now):
        pgm_s.pgm_source_end(&self.s, now)
        self.s.pack.data = NULL

    def counts(self):
        return dict(sent=self.s.sent, resent=self.s.resent, refused=self.s.refused, trail=self.s.trail, next=self.s.next,
                    idle=pgm_a.pgm_pack_empty(&self.s.pack) and self.s.wanted_count == 0)


cdef int pgm_nowhere(void *state, int way, const pgm_p.pgm_nla_t *to, const unsigned char *p, size_t n) noexcept nogil:
    return 0


cdef class pgm_Receiver(pgm_End):
    cdef pgm_r.pgm_receiver_t r
    cdef size_t near

    def __init__(self, int dport, bytes group, uint32_t window=83, uint64_t recovery=10000000000, uint64_t frame_max=PGM_NEVER,
                 uint64_t bytes_max=PGM_NEVER, uint32_t frames_max=0xffffffff, size_t held_max=67108864, size_t near=0):
        cdef pgm_a.pgm_limits_t limits
        if window == 0 or self.r.peers != NULL:
            raise ValueError
        limits.frame_max = frame_max
        limits.message_bytes_max = bytes_max
        limits.message_frames_max = frames_max
        limits.held = 0
        limits.held_max = held_max
        self.near = near
        self.wired(dport, b"", group)
        if pgm_r.pgm_receiver_begin(&self.r, &self.wire, &limits, window, recovery) < 0:
            raise MemoryError

    def __dealloc__(self):
        if self.r.peers != NULL:
            pgm_r.pgm_receiver_end(&self.r)

    def packet(self, bytes data, bytes source, uint64_t now):
        """What can be read afterwards."""
        cdef pgm_p.pgm_nla_t a = pgm_nla(source)
        cdef unsigned char *p = pgm_exact(data)
        cdef unsigned char *near = <unsigned char *>pgm_malloc(self.near + 1)
        self.r.sink.near = near
        self.r.sink.near_room = self.near
        pgm_r.pgm_receiver_packet(&self.r, p, len(data), &a, now)
        pgm_c_free(p)
        out = near[:self.r.sink.near_used]
        pgm_c_free(near)
        self.r.sink.near_room = self.r.sink.near_used = 0
        return out + self.read()

    def read(self):
        """Whole messages, as frames of ZMTP/1.0."""
        cdef unsigned char part[1000]
        cdef size_t n
        out = []
        while pgm_r.pgm_receiver_holds(&self.r):
            n = pgm_a.pgm_sink_take(&self.r.sink, part, sizeof(part))
            out.append(part[:n])
            if n == 0:
                pgm_r.pgm_receiver_more(&self.r)
        return b"".join(out)

    def due(self):
        return pgm_r.pgm_receiver_due(&self.r)

    def tick(self, uint64_t now):
        pgm_r.pgm_receiver_tick(&self.r, now)
        return self.read()

    def end(self):
        pgm_r.pgm_receiver_end(&self.r)
        return self.r.limits.held

    def counts(self):
        cdef pgm_r.pgm_counts_t c = self.r.counts
        cdef uint32_t i
        for i in range(self.r.count):
            c.recovered += self.r.peers[i].window.recovered
            c.twice += self.r.peers[i].window.twice
            c.malformed += self.r.peers[i].window.malformed
        return dict(lost=pgm_r.pgm_receiver_lost(&self.r), recovered=c.recovered, twice=c.twice, malformed=c.malformed,
                    strange=c.strange, turned_away=c.turned_away, naks=c.naks, sources=self.r.count, held=self.r.limits.held)
