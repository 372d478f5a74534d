# pgm and epgm: PGM (RFC 3208) as a stream. What is written goes to a group of receivers, what is read comes from all the
# sources of a group. The protocol itself is in the room of its name; here are its sockets.
#
# pgm    protocol 113 of IP, which needs the right to make raw sockets
# epgm   the same in UDP
#
# Rules
# - The bytes are frames of ZMTP/1.0, and what is read are whole messages: those of several sources do not mix.
# - A stream either sends or receives, as the socket's type does.
# - Two descriptors. One is bound to the port and a member of the groups: it hears data, or else NAKs. The other one sends,
#   so that interface, hops and loop are its own affair.
# - Several sockets of a host may be bound to one port. All of them hear what goes to their groups, but what is sent to the
#   host alone, such as a NAK, reaches only one. That one passes it on to the group, no further than this host; sources
#   find what is meant for them. What came by way of a group is never passed on.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from base.config cimport GROUP_RCVBUF
from base.engines cimport ENGINE_FRAMES
from base.errors cimport EAGAIN, EINVAL, ENOBUFS, ENOMEM, ENOSYS
from base.memory cimport free, malloc
from base.platform cimport (
    zc_bind, zc_bind_device, zc_close, zc_datagram_filter, zc_datagram_open, zc_datagram_recv, zc_datagram_send, zc_datagram_tell,
    zc_group_hops, zc_group_interface, zc_group_join, zc_group_loop, zc_group_only_joined, zc_group_share, zc_iov_base,
    zc_iov_len, zc_iovec_t, zc_now_ns, zc_os_random, zc_sa_octets, zc_sa_port, zc_sa_set_port, zc_set_option, zc_sockaddr_t,
    ZC_FAMILY_V4, ZC_OPT_PRIORITY, ZC_OPT_RCVBUF, ZC_OPT_SNDBUF, ZC_OPT_TOS,
)
from pgm.apdu cimport pgm_limits_t, pgm_pack_empty, pgm_sink_empty, pgm_sink_take
from pgm.bucket cimport pgm_bucket_open, pgm_bucket_t, pgm_bucket_take
from pgm.packet cimport PGM_DATA_HEADER, PGM_NAK, PGM_SPMR, pgm_get, pgm_nla_t, pgm_packet_t, pgm_tsi_t, pgm_type
from pgm.receiver cimport (
    pgm_receiver_begin, pgm_receiver_due, pgm_receiver_end, pgm_receiver_holds, pgm_receiver_lost, pgm_receiver_more,
    pgm_receiver_packet, pgm_receiver_t, pgm_receiver_tick,
)
from pgm.source cimport (
    pgm_source_begin, pgm_source_due, pgm_source_end, pgm_source_packet, pgm_source_push, pgm_source_t, pgm_source_tick,
    pgm_source_write,
)
from pgm.times cimport PGM_HELD_LEAST, PGM_MS, PGM_WINDOW_MAX
from pgm.wire cimport PGM_TO_GROUP, PGM_TO_ONE, pgm_wire_t
from transport.address cimport address_t
from transport.group cimport group_parse, group_sockaddr
from transport.ops cimport stream_t, transport_ops_t, TRANSPORT_GROUP
from transport.tuning cimport tuning_t

cdef enum:
    PGM_PROTOCOL = 113              # of IP
    PGM_DATAGRAM_MAX = 65536
    # Datagrams taken by one read before somebody else gets a turn.
    PGM_READS = 64
    # NAKs passed on to the other sockets of this host, in a second.
    PGM_FORWARDS = 1000
    # Octets that a packet of original data keeps for options, as deployed sources do.
    PGM_OPTION_ROOM = 20
    # Expedited forwarding, as deployed sources ask for.
    PGM_TOS = 0xB8
    # A source that is being closed stays so long after its last packet or NAK: a receiver finds out from an SPM that the
    # last packet is missing, and then backs off.
    PGM_QUIET = 300 * PGM_MS
    # And for so long at most: the default of RECOVERY_IVL.
    PGM_GOODBYE_MS = 10000          # in nanoseconds it would not fit a C int, which constants are

cdef struct pgm_stream_t:
    int out
    int family
    unsigned int device
    int port                        # of UDP; 0: it has none
    int hops
    bint raw
    bint sends
    bint loops
    uint32_t chance
    uint64_t told                   # lost packets that `lost` has told of
    zc_sockaddr_t group
    pgm_bucket_t forwards
    pgm_source_t source             # if it sends
    pgm_receiver_t receiver         # if it does not
    unsigned char packet[PGM_DATAGRAM_MAX]


cdef inline pgm_stream_t *pgm_state(const stream_t *t) noexcept nogil:
    return <pgm_stream_t *> t.state


cdef inline void pgm_nla_from(const zc_sockaddr_t *sa, pgm_nla_t *out) noexcept nogil:
    cdef const unsigned char *octets
    memset(out, 0, sizeof(pgm_nla_t))
    octets = zc_sa_octets(sa, &out.size)
    if out.size:
        memcpy(out.octets, octets, out.size)


# ---- out

cdef inline int pgm_post(void *state, int way, const pgm_nla_t *to, const unsigned char *p, size_t n) noexcept nogil:
    """pgm_send_t"""
    cdef pgm_stream_t *s = <pgm_stream_t *> state
    cdef zc_sockaddr_t there = s.group
    cdef int rc
    if way == PGM_TO_GROUP:
        return zc_datagram_send(s.out, p, n, &s.group)
    if way == PGM_TO_ONE:
        if to.size != (4 if s.family == ZC_FAMILY_V4 else 16):
            return -EINVAL
        group_sockaddr(s.family, to.octets, s.port, s.device, &there)
        return zc_datagram_send(s.out, p, n, &there)
    zc_group_hops(s.out, s.family, 1)
    rc = zc_datagram_send(s.out, p, n, &there)
    zc_group_hops(s.out, s.family, s.hops)
    return rc


cdef inline uint32_t pgm_random(void *state) noexcept nogil:
    """pgm_random_t. Nothing depends on whether it can be guessed."""
    cdef pgm_stream_t *s = <pgm_stream_t *> state
    s.chance ^= s.chance << 13
    s.chance ^= s.chance >> 17
    s.chance ^= s.chance << 5
    return s.chance


cdef inline void pgm_forward(pgm_stream_t *s, const unsigned char *p, size_t n, uint64_t now) noexcept nogil:
    """A packet for a source of this host that is another socket's."""
    cdef zc_sockaddr_t there = s.group
    cdef pgm_packet_t k
    if not pgm_bucket_open(&s.forwards, now) or pgm_get(p, n, &k) < 0:
        return
    if k.type == PGM_NAK and k.group.size == k.nla.size and k.group.size == (4 if s.family == ZC_FAMILY_V4 else 16):
        if not (k.group.octets[0] & 0xf0 == 0xe0 or (k.group.size == 16 and k.group.octets[0] == 0xff)):
            return
        group_sockaddr(s.family, k.group.octets, s.port, s.device, &there)
    pgm_bucket_take(&s.forwards, 1, now)
    zc_group_hops(s.out, s.family, 0)
    zc_group_loop(s.out, s.family, 1)
    zc_datagram_send(s.out, p, n, &there)
    zc_group_loop(s.out, s.family, s.loops)
    zc_group_hops(s.out, s.family, s.hops)


cdef inline ptrdiff_t pgm_stream_write(stream_t *t, const void *data, size_t n) noexcept nogil:
    """transport_ops_t.write. A receiver has nobody to write to."""
    cdef pgm_stream_t *s = pgm_state(t)
    cdef uint64_t now
    cdef ptrdiff_t done
    if not s.sends:
        return <ptrdiff_t> n
    now = zc_now_ns()
    done = pgm_source_write(&s.source, <const unsigned char *> data, n, now)
    if done >= 0:
        pgm_source_push(&s.source, now)
    return done


cdef inline ptrdiff_t pgm_stream_writev(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    """transport_ops_t.writev"""
    cdef pgm_stream_t *s = pgm_state(t)
    cdef uint64_t now = zc_now_ns()
    cdef size_t total = 0
    cdef ptrdiff_t done = 0
    cdef int i
    for i in range(n):
        if s.sends:
            done = pgm_source_write(&s.source, <const unsigned char *> zc_iov_base(&v[i]), zc_iov_len(&v[i]), now)
            if done < 0:
                break
            total += done
            if <size_t> done < zc_iov_len(&v[i]):
                break
        else:
            total += zc_iov_len(&v[i])
    if s.sends:
        pgm_source_push(&s.source, now)
    return <ptrdiff_t> total if total else done


# ---- in

cdef inline bint pgm_strip(pgm_stream_t *s, const unsigned char **p, size_t *n) noexcept nogil:
    """A raw socket of IPv4 brings the header of IP, too. False: the packet has no such header."""
    cdef size_t header
    if not s.raw or s.family != ZC_FAMILY_V4:
        return True
    header = (p[0][0] & 15) * 4 if n[0] else 0
    if header < 20 or header > n[0]:
        return False
    p[0] += header
    n[0] -= header
    return True


cdef inline void pgm_take(pgm_stream_t *s, size_t n, const zc_sockaddr_t *source, bint alone, uint64_t now) noexcept nogil:
    """One datagram, in s.packet."""
    cdef const unsigned char *p = s.packet
    cdef pgm_nla_t nla
    cdef int type
    if not pgm_strip(s, &p, &n):
        return
    type = pgm_type(p, n)
    if s.sends:
        if pgm_source_packet(&s.source, p, n, now):
            return
    elif not alone:
        pgm_nla_from(source, &nla)
        pgm_receiver_packet(&s.receiver, p, n, &nla, now)
        return
    if alone and not s.raw and (type == PGM_NAK or type == PGM_SPMR):
        pgm_forward(s, p, n, now)


cdef inline int pgm_receive(stream_t *t, pgm_stream_t *s) noexcept nogil:
    """What has arrived, as far as there is room for it. 0, or a negative errno other than -EAGAIN."""
    cdef zc_sockaddr_t source
    cdef uint64_t now = zc_now_ns()
    cdef ptrdiff_t n
    cdef int alone = 0
    cdef int left = PGM_READS
    while left and (s.sends or pgm_sink_empty(&s.receiver.sink)):
        left -= 1
        n = zc_datagram_recv(t.fd, s.packet, PGM_DATAGRAM_MAX, &source, &alone)
        if n < 0:
            return 0 if n == -EAGAIN or n == -ENOBUFS else <int> n
        pgm_take(s, n, &source, alone, now)
    return 0


cdef inline ptrdiff_t pgm_stream_read(stream_t *t, void *out, size_t n) noexcept nogil:
    """transport_ops_t.read: whole messages, cut where the room ends."""
    cdef pgm_stream_t *s = pgm_state(t)
    cdef pgm_receiver_t *r = &s.receiver
    cdef size_t used
    cdef int rc
    if s.sends:
        rc = pgm_receive(t, s)
        return rc if rc < 0 else -EAGAIN
    if not pgm_sink_empty(&r.sink):
        return <ptrdiff_t> pgm_sink_take(&r.sink, <unsigned char *> out, n)
    r.sink.near = <unsigned char *> out
    r.sink.near_room = n
    pgm_receiver_more(r)
    rc = pgm_receive(t, s)
    used = r.sink.near_used
    r.sink.near_room = r.sink.near_used = 0
    if used:
        return <ptrdiff_t> used
    return rc if rc < 0 else -EAGAIN


cdef inline ptrdiff_t pgm_stream_readv(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    """transport_ops_t.readv"""
    return pgm_stream_read(t, zc_iov_base(&v[0]), zc_iov_len(&v[0]))


cdef inline bint pgm_stream_pending(const stream_t *t) noexcept nogil:
    """transport_ops_t.pending"""
    cdef pgm_stream_t *s = pgm_state(t)
    return not s.sends and pgm_receiver_holds(&s.receiver)


# ---- time

cdef inline uint64_t pgm_stream_due(const stream_t *t) noexcept nogil:
    """transport_ops_t.due"""
    cdef pgm_stream_t *s = pgm_state(t)
    return pgm_source_due(&s.source) if s.sends else pgm_receiver_due(&s.receiver)


cdef inline int pgm_stream_tick(stream_t *t, uint64_t now) noexcept nogil:
    """transport_ops_t.tick"""
    cdef pgm_stream_t *s = pgm_state(t)
    if s.sends:
        pgm_source_tick(&s.source, now)
    else:
        pgm_receiver_tick(&s.receiver, now)
    return 0


cdef inline uint64_t pgm_stream_lost(stream_t *t) noexcept nogil:
    """transport_ops_t.lost"""
    cdef pgm_stream_t *s = pgm_state(t)
    cdef uint64_t lost = 0
    if not s.sends:
        lost = pgm_receiver_lost(&s.receiver) - s.told
        s.told += lost
    return lost


# ---- beginning and end

cdef inline int pgm_open_in(pgm_stream_t *s, const address_t *a, const tuning_t *tuning) noexcept nogil:
    """The descriptor that listens, or a negative errno."""
    cdef zc_sockaddr_t sa
    cdef unsigned char anywhere[16]
    cdef int fd = zc_datagram_open(a.family, PGM_PROTOCOL if s.raw else 0)
    cdef int i, rc
    if fd < 0:
        return fd
    memset(anywhere, 0, 16)
    group_sockaddr(a.family, anywhere, s.port, 0, &sa)
    zc_group_only_joined(fd, a.family)
    zc_set_option(fd, ZC_OPT_RCVBUF, tuning.rcvbuf if tuning.rcvbuf >= 0 else GROUP_RCVBUF)
    zc_datagram_tell(fd, a.family)
    if s.sends and not (s.raw and a.family != ZC_FAMILY_V4):
        zc_datagram_filter(fd, s.raw, 4, 8)     # NAK and SPMR, and few others
    rc = zc_group_share(fd)
    if rc == 0 and tuning.bindtodevice[0]:
        rc = zc_bind_device(fd, tuning.bindtodevice)
    if rc == 0:
        rc = zc_bind(fd, &sa)
    for i in range(a.ngroups):
        if rc == 0:
            group_sockaddr(a.family, a.groups[i], 0, a.device, &sa)
            rc = zc_group_join(fd, &sa, a.device)
    if rc < 0:
        zc_close(fd)
        return rc
    return fd


cdef inline int pgm_open_out(pgm_stream_t *s, const address_t *a, const tuning_t *tuning) noexcept nogil:
    """The descriptor that sends, or a negative errno."""
    cdef int fd = zc_datagram_open(a.family, PGM_PROTOCOL if s.raw else 0)
    cdef int rc
    if fd < 0:
        return fd
    s.hops = tuning.multicast_hops
    s.loops = tuning.multicast_loop
    if s.raw:
        zc_datagram_filter(fd, s.raw, 4, 0)     # nobody reads from this one
    if tuning.sndbuf >= 0:
        zc_set_option(fd, ZC_OPT_SNDBUF, tuning.sndbuf)
    zc_set_option(fd, ZC_OPT_TOS, tuning.tos if tuning.tos else PGM_TOS)
    if tuning.priority:
        zc_set_option(fd, ZC_OPT_PRIORITY, tuning.priority)
    rc = zc_group_interface(fd, a.family, a.device)
    if rc == 0 and tuning.bindtodevice[0]:
        rc = zc_bind_device(fd, tuning.bindtodevice)
    if rc == 0:
        rc = zc_group_hops(fd, a.family, s.hops)
    if rc == 0:
        rc = zc_group_loop(fd, a.family, s.loops)
    if rc < 0:
        zc_close(fd)
        return rc
    return fd


cdef inline int pgm_begin_source(pgm_stream_t *s, pgm_wire_t *wire, const tuning_t *tuning, uint32_t window,
                                 const unsigned char *chance) noexcept nogil:
    """chance: eight random octets. 0 or a negative errno."""
    cdef pgm_tsi_t tsi
    cdef size_t overhead = (20 if s.family == ZC_FAMILY_V4 else 40) + (0 if s.raw else 8)
    cdef size_t least = overhead + PGM_DATA_HEADER + PGM_OPTION_ROOM
    memcpy(tsi.gsi, chance, 6)
    memcpy(&tsi.port, chance + 6, 2)
    if tsi.port == wire.dport:
        tsi.port ^= 1
    if <size_t> tuning.maxtpdu < least + 16 or tuning.maxtpdu > PGM_DATAGRAM_MAX - 1:
        return -EINVAL                  # hardly a frame's header fits
    return pgm_source_begin(
        &s.source, wire, &tsi, tuning.maxtpdu - least, <uint64_t> tuning.rate * 125, window, overhead, zc_now_ns()
    )


cdef inline int pgm_begin(pgm_stream_t *s, const address_t *a, const tuning_t *tuning) noexcept nogil:
    """Source or receiver. 0 or a negative errno."""
    cdef uint64_t octets = <uint64_t> tuning.recovery_ivl * <uint64_t> tuning.rate // 8
    cdef uint64_t window = octets // <uint64_t> tuning.maxtpdu
    cdef unsigned char chance[12]
    cdef pgm_wire_t wire
    cdef pgm_limits_t limits
    cdef int rc = zc_os_random(chance, sizeof(chance))
    if rc < 0:
        return rc
    memcpy(&s.chance, chance + 8, 4)
    s.chance |= 1
    if window > PGM_WINDOW_MAX:
        window = PGM_WINDOW_MAX
    if window == 0:
        window = 1
    s.group = a.target
    zc_sa_set_port(&s.group, s.port)
    s.forwards.rate = PGM_FORWARDS
    wire.send = pgm_post
    wire.random = pgm_random
    wire.state = s
    wire.dport = <uint16_t> zc_sa_port(&a.target)
    pgm_nla_from(&a.target, &wire.group)
    pgm_nla_from(&a.source, &wire.nla)
    if s.sends:
        return pgm_begin_source(s, &wire, tuning, <uint32_t> window, chance)
    limits.frame_max = tuning.frame_max
    limits.message_bytes_max = tuning.message_bytes_max
    limits.message_frames_max = tuning.message_frames_max
    limits.held = 0
    limits.held_max = <size_t> (octets * 2 if octets * 2 > PGM_HELD_LEAST else PGM_HELD_LEAST)
    return pgm_receiver_begin(
        &s.receiver, &wire, &limits, <uint32_t> window, <uint64_t> tuning.recovery_ivl * PGM_MS
    )


cdef inline int pgm_open_over(bint raw, const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """0 or a negative errno."""
    cdef pgm_stream_t *s = <pgm_stream_t *> malloc(sizeof(pgm_stream_t))
    cdef int rc
    if s == NULL:
        return -ENOMEM
    memset(s, 0, sizeof(pgm_stream_t) - PGM_DATAGRAM_MAX)      # `packet` costs memory when it is used
    s.family = a.family
    s.raw = raw
    s.sends = tuning.publishes
    s.device = a.device
    s.port = 0 if raw else zc_sa_port(&a.target)
    s.out = -1
    out.fd = pgm_open_in(s, a, tuning)
    rc = out.fd
    if rc >= 0:
        rc = s.out = pgm_open_out(s, a, tuning)
    if rc >= 0:
        rc = pgm_begin(s, a, tuning)
    if rc >= 0:
        out.state = s
        return 0
    if s.out >= 0:
        zc_close(s.out)
    if out.fd >= 0:
        zc_close(out.fd)
    out.fd = -1
    free(s)
    return rc


cdef inline int pgm_open(const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.open"""
    return pgm_open_over(True, a, tuning, out)


cdef inline int epgm_open(const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.open"""
    return pgm_open_over(False, a, tuning, out)


cdef inline long pgm_unsent(stream_t *t) noexcept nogil:
    """transport_ops_t.unsent: something, too, while a receiver may still ask for the last of it."""
    cdef pgm_stream_t *s = pgm_state(t)
    cdef uint64_t now = zc_now_ns()
    if not s.sends:
        return 0
    # Not as long as anybody asks: one that never ends would keep the socket open.
    return not pgm_pack_empty(&s.source.pack) or (
        s.source.active and s.source.active + PGM_QUIET > now and s.source.fresh + <uint64_t> PGM_GOODBYE_MS * PGM_MS > now)


cdef inline void pgm_shutdown(stream_t *t) noexcept nogil:
    """transport_ops_t.shutdown: the goodbye comes with the close."""
    pass


cdef inline void pgm_close(stream_t *t) noexcept nogil:
    """transport_ops_t.close"""
    cdef pgm_stream_t *s = pgm_state(t)
    if s.sends:
        pgm_source_end(&s.source, zc_now_ns())
    else:
        pgm_receiver_end(&s.receiver)
    zc_close(s.out)
    zc_close(t.fd)
    free(s)
    t.state = NULL
    t.fd = -1


# ---- addresses

cdef inline int pgm_check(const char *text, size_t n) noexcept nogil:
    """transport_ops_t.check"""
    cdef address_t scrap
    return group_parse(text, n, &scrap)


cdef inline int pgm_parse_connect(
        const char *text, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        address_t *out) noexcept nogil:
    """transport_ops_t.parse_connect. The family is that of the groups."""
    return group_parse(text, n, out)


cdef inline int pgm_peer(const stream_t *t, char *out, size_t room) noexcept nogil:
    """transport_ops_t.peer: a group has many members, none of them known."""
    return -ENOSYS


cdef inline void pgm_ops(transport_ops_t *o) noexcept nogil:
    o.scheme = "pgm"
    o.form = "interface;group:port"
    o.kind = TRANSPORT_GROUP
    o.optional = True
    o.engine = ENGINE_FRAMES
    o.check = pgm_check
    o.parse_connect = pgm_parse_connect
    o.open = pgm_open
    o.peer = pgm_peer
    o.read = pgm_stream_read
    o.readv = pgm_stream_readv
    o.pending = pgm_stream_pending
    o.write = pgm_stream_write
    o.writev = pgm_stream_writev
    o.due = pgm_stream_due
    o.tick = pgm_stream_tick
    o.lost = pgm_stream_lost
    o.unsent = pgm_unsent
    o.shutdown = pgm_shutdown
    o.close = pgm_close


cdef inline void epgm_ops(transport_ops_t *o) noexcept nogil:
    pgm_ops(o)
    o.scheme = "epgm"
    o.open = epgm_open
