# A receiver: the sources it hears of, what each of them has sent, and what is asked of them again.
#
# Rules
# - Sans-IO: packets leave through pgm_wire_t, messages through pgm_sink_t, time is an argument, pgm_receiver_due() tells
#   when pgm_receiver_tick() is wanted.
# - A source is known by its TSI from its first SPM or data on. It must keep to the address it came from first. Its NAKs go
#   to the path that its SPMs name.
# - Memory is bounded for all sources together (pgm_limits_t.held), their number by PGM_SOURCES_MAX. A known source keeps
#   its place as long as it is heard.
# - Lost packets are counted for each source; pgm_receiver_lost() tells the sum, sources that have gone included.

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint16_t, uint32_t, uint64_t, UINT64_MAX
from libc.string cimport memcpy, memset
from base.endian cimport load_be32
from base.errors cimport ENOMEM
from base.memory cimport calloc, free
from pgm.apdu cimport pgm_limits_t, pgm_sink_empty, pgm_sink_t
from pgm.packet cimport (
    PGM_LIST_MAX, PGM_NAK, PGM_NCF, PGM_RDATA, PGM_SPM, PGM_SPMR, pgm_get, pgm_nla_equal,
    pgm_nla_t, pgm_packet_t, pgm_spmr_put, pgm_tsi_is, pgm_tsi_t, pgm_want_put,
)
from pgm.times cimport (
    PGM_BACK_OFF, PGM_DATA_WAIT, PGM_NAKS_AT_ONCE, PGM_NAK_REST, PGM_NCF_WAIT, PGM_SOURCES_MAX, PGM_SPMR_DOUBLINGS,
    PGM_SPMR_WAIT, PGM_TRIES, pgm_source_doubt, pgm_source_silence,
)
from pgm.window cimport (
    PGM_BACKING_OFF, PGM_DATA_AWAITED, PGM_NCF_AWAITED, pgm_requeue, pgm_slot, pgm_window_begin, pgm_window_confirm, pgm_window_data,
    pgm_window_deliver, pgm_window_due, pgm_window_end, pgm_window_extend, pgm_window_lose, pgm_window_missing, pgm_window_ready,
    pgm_window_release, pgm_window_t, pgm_window_takes, pgm_window_trail,
)
from pgm.wire cimport PGM_TO_ONE, PGM_TO_SUBNET, pgm_wire_t

# One source, as this receiver knows it.
cdef struct pgm_peer_t:
    pgm_tsi_t tsi
    pgm_nla_t came_from
    pgm_nla_t path                  # where its NAKs go; size 0: no SPM yet
    uint32_t spm_sqn
    bint fin                        # it has said goodbye
    uint64_t heard
    uint64_t spmr_due               # 0: none is wanted
    int spmr_tries
    uint64_t nak_rest               # no NAK before
    pgm_window_t window

cdef struct pgm_counts_t:
    uint64_t lost                   # packets
    uint64_t recovered
    uint64_t twice
    uint64_t malformed              # packets and APDUs
    uint64_t strange                # packets that belong to no source here, or come from a wrong address
    uint64_t turned_away            # packets of sources that there was no place for
    uint64_t naks

cdef struct pgm_receiver_t:
    pgm_wire_t wire
    pgm_limits_t limits
    pgm_sink_t sink
    pgm_peer_t **peers              # PGM_SOURCES_MAX places
    uint32_t count
    uint32_t latest                 # who was heard last
    uint32_t window                 # packets
    uint64_t recovery               # nanoseconds
    pgm_counts_t counts             # of sources that have gone, and of what belongs to none
    uint64_t due                    # of all sources


cdef inline uint64_t pgm_receiver_back_off(pgm_receiver_t *r, uint64_t now) noexcept nogil:
    """Some time within the back-off interval."""
    return now + 1 + r.wire.random(r.wire.state) % <uint32_t> PGM_BACK_OFF


# ---- sources

cdef inline pgm_peer_t *pgm_peer_find(pgm_receiver_t *r, const unsigned char *gsi, uint16_t port) noexcept nogil:
    """NULL: not known."""
    cdef uint32_t i
    if r.latest < r.count and pgm_tsi_is(&r.peers[r.latest].tsi, gsi, port):
        return r.peers[r.latest]
    for i in range(r.count):
        if pgm_tsi_is(&r.peers[i].tsi, gsi, port):
            r.latest = i
            return r.peers[i]
    return NULL


cdef inline void pgm_peer_forget(pgm_receiver_t *r, uint32_t i) noexcept nogil:
    cdef pgm_peer_t *p = r.peers[i]
    pgm_window_end(&p.window, &r.limits, &r.sink)
    r.counts.lost += p.window.lost
    r.counts.recovered += p.window.recovered
    r.counts.twice += p.window.twice
    r.counts.malformed += p.window.malformed
    free(p)
    r.count -= 1
    r.peers[i] = r.peers[r.count]


cdef inline bint pgm_peer_ended(const pgm_peer_t *p) noexcept nogil:
    """It has said goodbye, and all that it sent has been handed on."""
    return p.fin and p.window.base == p.window.next


cdef inline bint pgm_receiver_place(pgm_receiver_t *r, uint64_t now) noexcept nogil:
    """A place for one more source, which may be that of one that nobody has heard for long."""
    cdef uint32_t i, oldest = 0
    if r.count < PGM_SOURCES_MAX:
        return True
    for i in range(r.count):
        if pgm_peer_ended(r.peers[i]):
            oldest = i
            break
        if r.peers[i].heard < r.peers[oldest].heard:
            oldest = i
    if not pgm_peer_ended(r.peers[oldest]) and r.peers[oldest].heard + pgm_source_doubt() > now:
        return False
    pgm_peer_forget(r, oldest)
    return True


cdef inline pgm_peer_t *pgm_peer_new(pgm_receiver_t *r, const pgm_packet_t *k, const pgm_nla_t *source,
                                     uint64_t now) noexcept nogil:
    """From the first packet of a source, SPM or ODATA. NULL: there is no place."""
    cdef pgm_peer_t *p = NULL
    if pgm_receiver_place(r, now):
        p = <pgm_peer_t *> calloc(1, sizeof(pgm_peer_t))
    if p == NULL:
        r.counts.turned_away += 1
        return NULL
    memcpy(p.tsi.gsi, k.gsi, 6)
    p.tsi.port = k.sport
    p.came_from = source[0]
    p.spm_sqn = k.sqn - 1 if k.type == PGM_SPM else 0
    # What was sent before is not asked for: who joins, joins now.
    pgm_window_begin(&p.window, k.lead + 1 if k.type == PGM_SPM else k.sqn, r.window)
    r.peers[r.count] = p
    r.latest = r.count
    r.count += 1
    return p


# ---- what arrives

cdef inline void pgm_peer_spm(pgm_receiver_t *r, pgm_peer_t *p, const pgm_packet_t *k, uint64_t now) noexcept nogil:
    if p.path.size and <int32_t> (k.sqn - p.spm_sqn) <= 0:
        return                      # an old one
    if <int32_t> (k.lead + 1 - k.trail) < 0:
        r.counts.malformed += 1
        return
    p.spm_sqn = k.sqn
    p.path = k.nla
    p.spmr_due = 0
    p.spmr_tries = 0
    pgm_window_trail(&p.window, k.trail, &r.limits, &r.sink)
    pgm_window_extend(&p.window, k.lead + 1, pgm_receiver_back_off(r, now), now, &r.limits, &r.sink)
    p.fin = k.fin


cdef inline void pgm_peer_data(pgm_receiver_t *r, pgm_peer_t *p, const pgm_packet_t *k, uint64_t now) noexcept nogil:
    if <int32_t> (k.sqn - k.trail) < 0:
        r.counts.malformed += 1
        return
    pgm_window_trail(&p.window, k.trail, &r.limits, &r.sink)
    pgm_window_data(&p.window, k.sqn, k.payload, k.size, k.continues, pgm_receiver_back_off(r, now), now, &r.limits, &r.sink)


cdef inline void pgm_peer_confirm(pgm_receiver_t *r, pgm_peer_t *p, const pgm_packet_t *k, bint own, uint64_t now) noexcept nogil:
    """NCF, or the NAK of another receiver. own: the source has said it. Only that tells of numbers we did not know of, and of no more than
    the window holds: whoever could move it on could make us deaf to the source."""
    cdef uint32_t sqn = k.sqn
    cdef int i
    if not pgm_nla_equal(&k.group, &r.wire.group) or not pgm_nla_equal(&k.nla, &p.path):
        r.counts.strange += 1
        return
    for i in range(k.count + 1):
        if i:
            sqn = load_be32(k.list + 4 * (i - 1))
        if own and sqn + 1 - p.window.base <= p.window.most:
            pgm_window_extend(&p.window, sqn + 1, pgm_receiver_back_off(r, now), now, &r.limits, &r.sink)
        pgm_window_confirm(&p.window, sqn, now + PGM_DATA_WAIT)


cdef inline void pgm_receiver_from_source(pgm_receiver_t *r, const pgm_packet_t *k, const pgm_nla_t *source,
                                          uint64_t now) noexcept nogil:
    cdef pgm_peer_t *p = pgm_peer_find(r, k.gsi, k.sport)
    cdef bint own
    if p == NULL:
        if k.type == PGM_NCF or k.type == PGM_RDATA or k.fin:
            r.counts.strange += 1   # of the past of a source that is not known
            return
        p = pgm_peer_new(r, k, source, now)
        if p == NULL:
            return
    own = pgm_nla_equal(&p.came_from, source)
    if k.type != PGM_NCF and not own:
        r.counts.strange += 1
        return
    if own:
        p.heard = now
    if k.rst and own:
        pgm_window_trail(&p.window, p.window.next, &r.limits, &r.sink)
    if k.type == PGM_SPM:
        pgm_peer_spm(r, p, k, now)
    elif k.type == PGM_NCF:
        pgm_peer_confirm(r, p, k, own, now)
    else:
        pgm_peer_data(r, p, k, now)
    if p.path.size == 0 and p.spmr_due == 0 and pgm_window_missing(&p.window):
        p.spmr_due = now + PGM_SPMR_WAIT
    pgm_window_deliver(&p.window, False, &r.limits, &r.sink)
    pgm_window_release(&p.window, &r.limits)


cdef inline void pgm_receiver_packet(pgm_receiver_t *r, const unsigned char *p, size_t n, const pgm_nla_t *source,
                                     uint64_t now) noexcept nogil:
    """A packet has arrived from that address."""
    cdef pgm_packet_t k
    cdef pgm_peer_t *peer
    if pgm_get(p, n, &k) < 0:
        r.counts.malformed += 1
    elif k.type == PGM_NAK or k.type == PGM_SPMR:
        # Of another receiver, to all of us: it has asked already.
        peer = pgm_peer_find(r, k.gsi, k.dport) if k.sport == r.wire.dport else NULL
        if peer == NULL:
            r.counts.strange += 1
        elif k.type == PGM_NAK:
            pgm_peer_confirm(r, peer, &k, False, now)
        elif peer.spmr_due:
            peer.spmr_due = now + (<uint64_t> PGM_SPMR_WAIT << peer.spmr_tries)
    elif k.dport != r.wire.dport:
        r.counts.strange += 1
    else:
        pgm_receiver_from_source(r, &k, source, now)
    pgm_receiver_retime(r)


# ---- time

cdef inline void pgm_peer_ask(pgm_receiver_t *r, pgm_peer_t *p, uint64_t now) noexcept nogil:
    """SPMR: to all, so that nobody else asks, and to the source."""
    cdef unsigned char out[512]         # the longest of these has 320
    cdef int n = pgm_spmr_put(out, r.wire.dport, &p.tsi)
    r.wire.send(r.wire.state, PGM_TO_SUBNET, &r.wire.group, out, n)
    r.wire.send(r.wire.state, PGM_TO_ONE, &p.came_from, out, n)
    if p.spmr_tries < PGM_SPMR_DOUBLINGS:
        p.spmr_tries += 1
    p.spmr_due = now + (<uint64_t> PGM_SPMR_WAIT << p.spmr_tries)


cdef inline void pgm_peer_naks(pgm_receiver_t *r, pgm_peer_t *p, uint64_t now) noexcept nogil:
    """Asks for what has backed off long enough."""
    cdef unsigned char out[512]         # the longest of these has 320
    cdef uint32_t sqns[PGM_LIST_MAX + 1]
    cdef uint32_t sqn = 0
    cdef int n, count, left = PGM_NAKS_AT_ONCE
    while left and p.nak_rest <= now:
        count = 0
        while count <= PGM_LIST_MAX and pgm_window_takes(&p.window, PGM_BACKING_OFF, now, &sqn):
            if pgm_slot(&p.window, sqn).since + r.recovery <= now:
                pgm_window_lose(&p.window, sqn)
            elif p.path.size == 0:
                pgm_requeue(&p.window, sqn, PGM_BACKING_OFF, now + PGM_BACK_OFF)
            else:
                pgm_slot(&p.window, sqn).ncf_tries += 1
                pgm_requeue(&p.window, sqn, PGM_NCF_AWAITED, now + PGM_NCF_WAIT)
                sqns[count] = sqn
                count += 1
        if count == 0:
            return
        n = pgm_want_put(out, PGM_NAK, r.wire.dport, p.tsi.port, p.tsi.gsi, &p.path, &r.wire.group, sqns, count)
        r.wire.send(r.wire.state, PGM_TO_ONE, &p.path, out, n)
        r.counts.naks += 1
        left -= 1
    if left == 0:
        p.nak_rest = now + PGM_NAK_REST


cdef inline void pgm_peer_overdue(pgm_receiver_t *r, pgm_peer_t *p, int state, uint64_t now) noexcept nogil:
    """What was awaited and has not come is asked for again, or given up."""
    cdef uint32_t sqn = 0
    while pgm_window_takes(&p.window, state, now, &sqn):
        if state == PGM_DATA_AWAITED:
            pgm_slot(&p.window, sqn).data_tries += 1
        if pgm_slot(&p.window, sqn).ncf_tries >= PGM_TRIES or pgm_slot(&p.window, sqn).data_tries >= PGM_TRIES \
                or pgm_slot(&p.window, sqn).since + r.recovery <= now:
            pgm_window_lose(&p.window, sqn)
        else:
            pgm_requeue(&p.window, sqn, PGM_BACKING_OFF, pgm_receiver_back_off(r, now))


cdef inline bint pgm_peer_over(const pgm_peer_t *p, uint64_t now) noexcept nogil:
    """It is forgotten. Not sooner: what of its packets is still on the way must not pass for a new source's."""
    return p.heard + (pgm_source_doubt() if pgm_peer_ended(p) else pgm_source_silence()) <= now


cdef inline uint64_t pgm_peer_due(pgm_peer_t *p) noexcept nogil:
    cdef uint64_t due = pgm_window_due(&p.window)
    if due < p.nak_rest:
        due = p.nak_rest
    if p.spmr_due and p.spmr_due < due:
        due = p.spmr_due
    if p.heard + pgm_source_silence() < due:
        due = p.heard + pgm_source_silence()
    return due


cdef inline void pgm_receiver_retime(pgm_receiver_t *r) noexcept nogil:
    cdef uint32_t i
    cdef uint64_t due
    r.due = UINT64_MAX
    for i in range(r.count):
        due = pgm_peer_due(r.peers[i])
        if due < r.due:
            r.due = due


cdef inline uint64_t pgm_receiver_due(const pgm_receiver_t *r) noexcept nogil:
    """When pgm_receiver_tick() is wanted."""
    return r.due


cdef inline void pgm_receiver_tick(pgm_receiver_t *r, uint64_t now) noexcept nogil:
    cdef uint32_t i = r.count
    cdef pgm_peer_t *p
    while i:
        i -= 1
        p = r.peers[i]
        pgm_peer_overdue(r, p, PGM_NCF_AWAITED, now)
        pgm_peer_overdue(r, p, PGM_DATA_AWAITED, now)
        pgm_peer_naks(r, p, now)
        if p.spmr_due and p.spmr_due <= now:
            if p.path.size == 0 and pgm_window_missing(&p.window):
                pgm_peer_ask(r, p, now)
            else:
                p.spmr_due = 0
        pgm_window_deliver(&p.window, False, &r.limits, &r.sink)
        pgm_window_release(&p.window, &r.limits)
        if pgm_peer_over(p, now):
            pgm_peer_forget(r, i)
    pgm_receiver_retime(r)


# ---- whoever reads

cdef inline bint pgm_receiver_holds(pgm_receiver_t *r) noexcept nogil:
    """Whether messages wait for the reader."""
    cdef uint32_t i
    if not pgm_sink_empty(&r.sink):
        return True
    for i in range(r.count):
        if pgm_window_ready(&r.peers[i].window):
            return True
    return False


cdef inline void pgm_receiver_more(pgm_receiver_t *r) noexcept nogil:
    """The reader has room again: what waited in order goes on."""
    cdef uint32_t i
    for i in range(r.count):
        pgm_window_deliver(&r.peers[i].window, False, &r.limits, &r.sink)


cdef inline uint64_t pgm_receiver_lost(const pgm_receiver_t *r) noexcept nogil:
    """Packets given up so far."""
    cdef uint64_t lost = r.counts.lost
    cdef uint32_t i
    for i in range(r.count):
        lost += r.peers[i].window.lost
    return lost


cdef inline int pgm_receiver_begin(pgm_receiver_t *r, const pgm_wire_t *wire, const pgm_limits_t *limits, uint32_t window,
                                   uint64_t recovery) noexcept nogil:
    """window: packets; recovery: nanoseconds. 0 or -ENOMEM."""
    memset(r, 0, sizeof(pgm_receiver_t))
    r.wire = wire[0]
    r.limits = limits[0]
    r.window = window
    r.recovery = recovery
    r.due = UINT64_MAX
    r.peers = <pgm_peer_t **> calloc(PGM_SOURCES_MAX, sizeof(pgm_peer_t *))
    return 0 if r.peers != NULL else -ENOMEM


cdef inline void pgm_receiver_end(pgm_receiver_t *r) noexcept nogil:
    while r.count:
        pgm_peer_forget(r, r.count - 1)
    free(r.peers)
    r.peers = NULL
    free(r.sink.far)
    r.sink.far = NULL
    r.sink.far_head = r.sink.far_tail = r.sink.far_room = 0
