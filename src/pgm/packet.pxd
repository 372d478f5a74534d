# The packets of PGM (RFC 3208, section 8): read, write, checksum.
#
# Rules
# - What is read is never trusted: every length is compared with what is there before it is used. -EPROTO: the packet is
#   to be dropped, and nothing else happens.
# - A checksum of 0 means none. Data has to have one.
# - Options that are not needed are skipped. One that is unknown and says that the packet means nothing without it drops
#   the packet.
# - Nothing is copied out of a packet but small fields: payload and list of a pgm_packet_t point into it.

from libc.stddef cimport size_t
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset
from base.endian cimport load_be16, load_be32, store_be16, store_be32
from base.errors cimport EPROTO

cdef enum:
    # Types. The bit of 8 tells those that receivers send from those of sources, but for NCF.
    PGM_SPM = 0x00
    PGM_ODATA = 0x04
    PGM_RDATA = 0x05
    PGM_NAK = 0x08
    PGM_NCF = 0x0A
    PGM_SPMR = 0x0C

    PGM_HEADER = 16
    PGM_DATA_HEADER = 24            # of ODATA and RDATA without options
    PGM_LIST_MAX = 62               # numbers in a list, besides the one in front of it: its length has one octet

cdef enum:
    # Flags of the header.
    PGM_HAS_OPTIONS = 0x01
    PGM_NETWORK_OPTIONS = 0x02      # among them one that routers look at
    PGM_PARITY = 0x80

cdef enum:
    PGM_OPT_LENGTH = 0x00
    PGM_OPT_FRAGMENT = 0x01
    PGM_OPT_NAK_LIST = 0x02
    PGM_OPT_FIN = 0x0E
    PGM_OPT_RST = 0x0F
    PGM_OPT_KNOWN = 0x13            # the last that RFC 3208 and its deployed extensions define
    PGM_OPT_LAST = 0x80             # bit of the type: no further option
    PGM_OPT_MAX = 16
    PGM_OPX_DISCARD = 2             # whoever does not know this option must not look at the packet

# An address as it stands in packets (NLA).
cdef struct pgm_nla_t:
    int size                        # 4, 16, or 0: none
    unsigned char octets[16]

# Which source: its identifier and its port.
cdef struct pgm_tsi_t:
    unsigned char gsi[6]
    uint16_t port

cdef struct pgm_packet_t:
    int type
    uint16_t sport
    uint16_t dport
    unsigned char gsi[6]
    uint32_t sqn                    # of an SPM its own, of data theirs, of NAK and NCF the first that is wanted
    uint32_t trail
    uint32_t lead
    pgm_nla_t nla                   # of an SPM the path, of NAK and NCF the source
    pgm_nla_t group
    const unsigned char *payload
    size_t size
    const unsigned char *list       # of NAK and NCF: further numbers, four octets each
    int count
    bint fin                        # the source says that it ends
    bint rst                        # the source has lost what cannot be repaired
    bint continues                  # a fragment that is not the first of its APDU


# ---- small things

cdef inline bint pgm_nla_equal(const pgm_nla_t *a, const pgm_nla_t *b) noexcept nogil:
    return a.size == b.size and memcmp(a.octets, b.octets, a.size) == 0


cdef inline bint pgm_tsi_is(const pgm_tsi_t *t, const unsigned char *gsi, uint16_t port) noexcept nogil:
    return t.port == port and memcmp(t.gsi, gsi, 6) == 0


cdef inline int pgm_type(const unsigned char *p, size_t n) noexcept nogil:
    """The type, or -EPROTO: no packet of PGM. To look before a whole packet is read."""
    return p[4] & 0x0F if n >= PGM_HEADER and p[4] >> 6 == 0 else -EPROTO


cdef inline uint16_t pgm_sum(const unsigned char *p, size_t n) noexcept nogil:
    """The one's complement sum, in the order of the host: swapping the octets of each word swaps those of the sum."""
    cdef uint64_t sum = 0
    cdef uint32_t word
    cdef unsigned char rest[4]
    while n >= 4:
        memcpy(&word, p, 4)
        sum += word
        p += 4
        n -= 4
    if n:
        memset(rest, 0, 4)
        memcpy(rest, p, n)
        memcpy(&word, rest, 4)
        sum += word
    while sum >> 16:
        sum = (sum & 0xFFFF) + (sum >> 16)
    return <uint16_t> sum


cdef inline void pgm_seal(unsigned char *p, size_t n) noexcept nogil:
    """Writes the checksum of a packet that is complete."""
    cdef uint16_t sum
    memset(p + 6, 0, 2)
    sum = <uint16_t> ~pgm_sum(p, n)
    if sum == 0:
        sum = 0xFFFF
    memcpy(p + 6, &sum, 2)


# ---- read

cdef inline int pgm_nla_get(const unsigned char *p, size_t n, pgm_nla_t *out) noexcept nogil:
    """An address with its family in front. Octets taken, or -EPROTO."""
    cdef int family
    memset(out, 0, sizeof(pgm_nla_t))
    if n < 8:
        return -EPROTO
    family = load_be16(p)
    if family != 1 and family != 2:
        return -EPROTO
    out.size = 4 if family == 1 else 16
    if n < <size_t> out.size + 4:
        out.size = 0
        return -EPROTO
    memcpy(out.octets, p + 4, out.size)
    return 4 + out.size


cdef inline int pgm_option_get(int type, const unsigned char *p, int n, pgm_packet_t *k) noexcept nogil:
    """One option of n octets, four at least. 0 or -EPROTO."""
    if type == PGM_OPT_NAK_LIST:
        if n < 8 or n % 4:
            return -EPROTO
        k.list = p + 4
        k.count = n // 4 - 1
        return 0 if k.count <= PGM_LIST_MAX else -EPROTO
    if type == PGM_OPT_FRAGMENT:
        if n != 16:
            return -EPROTO
        k.continues = load_be32(p + 8) != 0
    elif type == PGM_OPT_FIN:
        k.fin = True
    elif type == PGM_OPT_RST:
        k.rst = True
    elif type > PGM_OPT_KNOWN and p[2] & 3 == PGM_OPX_DISCARD:
        return -EPROTO
    return 0


cdef inline int pgm_options_get(const unsigned char *p, size_t n, pgm_packet_t *k) noexcept nogil:
    """All options. Octets taken, or -EPROTO."""
    cdef size_t total, at = 4
    cdef int count = 0
    cdef int size
    if n < 4 or p[0] & ~PGM_OPT_LAST != PGM_OPT_LENGTH or p[1] != 4:
        return -EPROTO
    total = load_be16(p + 2)
    if total < 4 or total > n:
        return -EPROTO
    if p[0] & PGM_OPT_LAST:
        return <int> total
    while at < total:
        if total - at < 4 or count == PGM_OPT_MAX:
            return -EPROTO
        size = p[at + 1]
        if size < 4 or <size_t> size > total - at or pgm_option_get(p[at] & 0x7F, p + at, size, k) < 0:
            return -EPROTO
        if p[at] & PGM_OPT_LAST:
            break
        at += size
        count += 1
    return <int> total


cdef inline int pgm_body_get(const unsigned char *p, size_t n, pgm_packet_t *k) noexcept nogil:
    """What stands between header and options. Octets taken, or -EPROTO."""
    cdef int at, more
    if k.type == PGM_SPMR:
        return 0
    if n < 8:
        return -EPROTO
    k.sqn = load_be32(p)
    if k.type == PGM_ODATA or k.type == PGM_RDATA:
        k.trail = load_be32(p + 4)
        return 8
    at = 4
    if k.type == PGM_SPM:
        if n < 12:
            return -EPROTO
        k.trail = load_be32(p + 4)
        k.lead = load_be32(p + 8)
        at = 12
    more = pgm_nla_get(p + at, n - at, &k.nla)
    if more < 0 or k.type == PGM_SPM:
        return at + more if more > 0 else more
    at += more
    more = pgm_nla_get(p + at, n - at, &k.group)
    return at + more if more > 0 else more


cdef inline int pgm_get(const unsigned char *p, size_t n, pgm_packet_t *k) noexcept nogil:
    """A whole packet. 0, or -EPROTO: malformed, or of a kind that is not used here."""
    cdef size_t at = PGM_HEADER
    cdef bint data
    cdef int more
    memset(k, 0, sizeof(pgm_packet_t))
    k.type = pgm_type(p, n)
    data = k.type == PGM_ODATA or k.type == PGM_RDATA
    if not (data or k.type == PGM_SPM or k.type == PGM_NAK or k.type == PGM_NCF or k.type == PGM_SPMR):
        return -EPROTO
    if (p[6] | p[7] and pgm_sum(p, n) != 0xFFFF) or (data and not p[6] | p[7]):
        return -EPROTO
    if p[5] & PGM_PARITY:
        return -EPROTO
    k.sport = load_be16(p)
    k.dport = load_be16(p + 2)
    memcpy(k.gsi, p + 8, 6)
    more = pgm_body_get(p + at, n - at, k)
    if more < 0:
        return more
    at += more
    if p[5] & PGM_HAS_OPTIONS:
        more = pgm_options_get(p + at, n - at, k)
        if more < 0:
            return more
        at += more
    if data:
        if load_be16(p + 14) != n - at:
            return -EPROTO
        k.payload = p + at
        k.size = n - at
    return 0


# ---- write. Each returns the length of the packet.

cdef inline void pgm_header_put(unsigned char *out, int type, int flags, uint16_t sport, uint16_t dport,
                                const unsigned char *gsi, size_t payload) noexcept nogil:
    store_be16(out, sport)
    store_be16(out + 2, dport)
    out[4] = <unsigned char> type
    out[5] = <unsigned char> flags
    memset(out + 6, 0, 2)
    memcpy(out + 8, gsi, 6)
    store_be16(out + 14, <uint16_t> payload)


cdef inline int pgm_nla_put(unsigned char *out, const pgm_nla_t *a) noexcept nogil:
    store_be16(out, 1 if a.size == 4 else 2)
    store_be16(out + 2, 0)
    memcpy(out + 4, a.octets, a.size)
    return 4 + a.size


cdef inline int pgm_spm_put(unsigned char *out, const pgm_tsi_t *t, uint16_t dport, uint32_t sqn, uint32_t trail,
                            uint32_t lead, const pgm_nla_t *path, bint fin) noexcept nogil:
    cdef int n = PGM_HEADER + 12
    pgm_header_put(out, PGM_SPM, PGM_HAS_OPTIONS if fin else 0, t.port, dport, t.gsi, 0)
    store_be32(out + 16, sqn)
    store_be32(out + 20, trail)
    store_be32(out + 24, lead)
    n += pgm_nla_put(out + n, path)
    if fin:
        out[n] = PGM_OPT_LENGTH
        out[n + 1] = 4
        store_be16(out + n + 2, 8)
        out[n + 4] = PGM_OPT_FIN | PGM_OPT_LAST
        out[n + 5] = 4
        out[n + 6] = out[n + 7] = 0
        n += 8
    pgm_seal(out, n)
    return n


cdef inline void pgm_data_put(unsigned char *out, int type, const pgm_tsi_t *t, uint16_t dport, uint32_t sqn,
                              uint32_t trail, size_t payload) noexcept nogil:
    """In front of a payload that stands in its place already, PGM_DATA_HEADER behind `out`."""
    pgm_header_put(out, type, 0, t.port, dport, t.gsi, payload)
    store_be32(out + 16, sqn)
    store_be32(out + 20, trail)
    pgm_seal(out, PGM_DATA_HEADER + payload)


cdef inline int pgm_want_put(unsigned char *out, int type, uint16_t sport, uint16_t dport, const unsigned char *gsi,
                             const pgm_nla_t *source, const pgm_nla_t *group, const uint32_t *sqns,
                             int count) noexcept nogil:
    """NAK or NCF for `count` numbers, PGM_LIST_MAX + 1 at most."""
    cdef int i, n = PGM_HEADER + 4
    cdef int flags = PGM_HAS_OPTIONS | PGM_NETWORK_OPTIONS if count > 1 else 0
    pgm_header_put(out, type, flags, sport, dport, gsi, 0)
    store_be32(out + 16, sqns[0])
    n += pgm_nla_put(out + n, source)
    n += pgm_nla_put(out + n, group)
    if count > 1:
        out[n] = PGM_OPT_LENGTH
        out[n + 1] = 4
        store_be16(out + n + 2, <uint16_t> (4 + 4 * count))
        n += 4
        out[n] = PGM_OPT_NAK_LIST | PGM_OPT_LAST
        out[n + 1] = <unsigned char> (4 * count)
        out[n + 2] = out[n + 3] = 0
        n += 4
        for i in range(1, count):
            store_be32(out + n, sqns[i])
            n += 4
    pgm_seal(out, n)
    return n


cdef inline int pgm_spmr_put(unsigned char *out, uint16_t sport, const pgm_tsi_t *t) noexcept nogil:
    pgm_header_put(out, PGM_SPMR, 0, sport, t.port, t.gsi, 0)
    pgm_seal(out, PGM_HEADER)
    return PGM_HEADER
