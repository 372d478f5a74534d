# The stream of an endpoint of datagrams: what is written and read are records (base/datagram.pxd), bytes one behind the other.
#
# A transport opens a datagram socket, calls datagrams_begin(), and has datagrams_ops() in its table; engines of datagrams do the rest.
#
# Rules
# - A datagram that cannot be sent is gone, as one that the network loses: no error of one ends the endpoint, nor does one that a
#   read tells of (what it is about was sent long ago). Only -EAGAIN is told.
# - A write takes whole records, as many as the system does. Those of one size and one address that follow one another are given to
#   the system as one, where it can take them apart again (UDP_SEGMENT): for small ones that takes a tenth of the time. If it turns
#   out that it cannot (an interface with small packets), it is not asked again.
# - A read takes what has come into memory of the stream's own, which is made with the first look, for no size is known beforehand;
#   records are then handed on as bytes, and the rest is `pending`. Of each slot only what was ever filled takes up memory.
# - Datagrams above tuning_t.frame_max are dropped here. What comes to nothing is counted.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp, memcpy
from base.datagram cimport RECORD_ADDRESS_MAX, RECORD_HEADER, datagram_losses_t, record_get, record_put, record_t
from base.errors cimport EAGAIN, EINVAL, ENAMETOOLONG, ENOMEM
from base.memory cimport calloc, free, malloc
from base.platform cimport (
    zc_close, zc_datagrams_can_join, zc_datagrams_join, zc_datagrams_overrun, zc_datagrams_recv, zc_datagrams_send,
    zc_datagrams_t, zc_iov_base, zc_iov_len, zc_iov_set, zc_iovec_t, zc_sa_equal, zc_sa_family, zc_sa_port, zc_sa_set_port, zc_sa_text, zc_sockaddr_t,
    ZC_FAMILY_V6,
)
from transport.address cimport ENDPOINT_MAX
from transport.ops cimport stream_t, transport_ops_t
from transport.resolve cimport (
    host_port_t, resolve_copy, resolve_map, resolve_number, resolve_numeric, resolve_split, resolve_unmap, HOST_MAX, PORT_MAX,
)
from transport.tuning cimport tuning_t

cdef enum:
    # Batches read or written by one system call, and vectors for those written, on the stack.
    BATCHES = 8
    VECTORS = 256
    # Datagrams that go as one: Linux takes 64 at least, none larger than a packet, and 64 KiB in all.
    JOINED_MAX = 64
    JOINED_SIZE_MAX = 1400
    JOINED_TOTAL_MAX = 65000
    # Room for what comes as one.
    SLOT = 65536
    # Errors that one read passes over. With more of them the poll set calls again.
    READ_ERRORS = 16
    # Calls of the system in one read, be there room left or not: datagrams that are too large bring nothing.
    READ_FETCHES = 16

cdef struct datagrams_t:
    zc_sockaddr_t target        # where records without an address go; len 0: nowhere
    int family
    bint addressed              # records that arrive bear an address
    bint joins                  # the system takes several datagrams as one
    uint64_t size_max
    # the address sent to last, and its text
    zc_sockaddr_t known
    char text[RECORD_ADDRESS_MAX]
    uint32_t text_size
    datagram_losses_t losses    # but for what the system counts
    # the address of the batch that is being handed on, and its text: a send in the middle of it must not change them
    zc_sockaddr_t met
    char met_text[RECORD_ADDRESS_MAX]
    uint32_t met_size
    # what has been read: batches `slot` to `slots`; of the first one what begins at `at`, of its record what begins at `part`
    unsigned char *room         # BATCHES slots
    zc_iovec_t vectors[BATCHES]
    zc_datagrams_t got[BATCHES]
    int slot
    int slots
    uint32_t at
    uint32_t part


cdef inline datagrams_t *datagrams_of(const stream_t *t) noexcept nogil:
    return <datagrams_t *> t.state


# ---- the addresses of peers, as text

cdef inline int datagram_peer_address(const unsigned char *text, size_t n, zc_sockaddr_t *out) noexcept nogil:
    """A numeric address and a port, as datagram_peer_text() writes them; a byte of 0 behind them is allowed. 0 or -EINVAL."""
    cdef char host[HOST_MAX + 1]
    cdef host_port_t parts
    cdef int port
    if n and text[n - 1] == 0:
        n -= 1
    if n > RECORD_ADDRESS_MAX or resolve_split(<const char *> text, n, &parts) < 0:
        return -EINVAL
    port = resolve_number(parts.port, parts.port_len, PORT_MAX)
    if port <= 0 or resolve_copy(parts.host, parts.host_len, host) < 0 or resolve_numeric(host, out) < 0:
        return -EINVAL
    zc_sa_set_port(out, port)
    return 0


cdef inline int datagram_check_peer(const unsigned char *text, size_t n) noexcept nogil:
    """pattern_hooks_t.check_address"""
    cdef zc_sockaddr_t address
    return datagram_peer_address(text, n, &address)


cdef inline int datagram_peer_text(const zc_sockaddr_t *address, char *out, size_t room) noexcept nogil:
    """Length or a negative errno."""
    cdef zc_sockaddr_t plain = address[0]
    cdef char host[ENDPOINT_MAX]
    cdef int n
    resolve_unmap(&plain)
    n = zc_sa_text(&plain, host, ENDPOINT_MAX)
    if n < 0:
        return n
    if zc_sa_family(&plain) == ZC_FAMILY_V6:
        n = snprintf(out, room, b"[%s]:%d", host, zc_sa_port(address))
    else:
        n = snprintf(out, room, b"%s:%d", host, zc_sa_port(address))
    return n if n >= 0 and <size_t> n < room else -ENAMETOOLONG


cdef inline int datagrams_know(datagrams_t *g, const char *text, size_t n) noexcept nogil:
    """`known` becomes the address of that text, of the socket's family. 0 or -EINVAL."""
    cdef zc_sockaddr_t address
    cdef int port
    if n == g.text_size and memcmp(g.text, text, n) == 0:
        return 0
    g.text_size = 0
    if n > RECORD_ADDRESS_MAX or datagram_peer_address(<const unsigned char *> text, n, &address) < 0:
        return -EINVAL
    port = zc_sa_port(&address)
    if g.family == ZC_FAMILY_V6:
        resolve_map(&address)
    elif zc_sa_family(&address) != g.family and not resolve_unmap(&address):
        return -EINVAL
    zc_sa_set_port(&address, port)      # another family begins without one
    g.known = address
    memcpy(g.text, text, n)
    g.text_size = <uint32_t> n
    return 0


cdef inline void datagrams_meet(datagrams_t *g, const zc_sockaddr_t *address) noexcept nogil:
    """`met_text` becomes that of the address."""
    cdef char text[128]
    cdef int n
    if g.met_size and zc_sa_equal(&g.met, address):
        return
    n = datagram_peer_text(address, text, sizeof(text))
    g.met_size = <uint32_t> n if 0 < n <= RECORD_ADDRESS_MAX else 0
    memcpy(g.met_text, text, g.met_size)
    g.met = address[0]


# ---- writing

# A place in the vectors that are to be written.
cdef struct cursor_t:
    zc_iovec_t *v
    int n
    size_t at                   # in v[0]
    size_t passed               # bytes since the beginning
    uint64_t refused            # records among them that go nowhere

# What one system call is given.
cdef struct parcel_t:
    zc_datagrams_t batches[BATCHES]
    cursor_t ends[8]            # of each
    cursor_t lead               # up to here nothing is to be sent
    zc_iovec_t vectors[VECTORS]
    int count
    int used                    # vectors
    uint32_t joined             # datagrams in the last batch
    bint closed                 # the last batch takes no further one


cdef inline bint cursor_take(cursor_t *c, unsigned char *out, size_t n) noexcept nogil:
    """The next n bytes, copied. False: there are not so many."""
    cdef size_t part
    while n:
        while c.n and c.at == zc_iov_len(c.v):
            c.v += 1
            c.n -= 1
            c.at = 0
        if c.n == 0:
            return False
        part = zc_iov_len(c.v) - c.at
        if part > n:
            part = n
        memcpy(out, <unsigned char *> zc_iov_base(c.v) + c.at, part)
        out += part
        c.at += part
        c.passed += part
        n -= part
    return True


cdef inline int cursor_show(cursor_t *c, size_t n, zc_iovec_t *out, int room) noexcept nogil:
    """The next n bytes where they lie. How many vectors that takes; -1: they are not all there, or there is no room."""
    cdef size_t part
    cdef int used = 0
    while n:
        while c.n and c.at == zc_iov_len(c.v):
            c.v += 1
            c.n -= 1
            c.at = 0
        if c.n == 0 or used == room:
            return -1
        part = zc_iov_len(c.v) - c.at
        if part > n:
            part = n
        zc_iov_set(&out[used], <unsigned char *> zc_iov_base(c.v) + c.at, part)
        used += 1
        c.at += part
        c.passed += part
        n -= part
    return used


cdef inline bint parcel_joins(datagrams_t *g, parcel_t *p, const zc_sockaddr_t *to, uint32_t size) noexcept nogil:
    """Whether a datagram goes with the last batch."""
    cdef zc_datagrams_t *last
    if not g.joins or p.count == 0 or p.closed or size == 0:
        return False
    last = &p.batches[p.count - 1]
    return (p.joined < JOINED_MAX and size <= last.segment and last.size + size <= JOINED_TOTAL_MAX
            and zc_sa_equal(&last.address, to))


cdef inline bint parcel_add(datagrams_t *g, parcel_t *p, cursor_t *c) noexcept nogil:
    """The record at the cursor. False: it is not whole, or there is no room for it; the cursor is anywhere then."""
    cdef unsigned char head[RECORD_HEADER + RECORD_ADDRESS_MAX]
    cdef zc_datagrams_t *batch
    cdef const zc_sockaddr_t *to = &g.target
    cdef record_t r
    cdef int used
    if not cursor_take(c, head, RECORD_HEADER):
        return False
    record_get(head, &r)
    if r.address > RECORD_ADDRESS_MAX or not cursor_take(c, head, r.address):
        return False
    used = cursor_show(c, r.size, &p.vectors[p.used], VECTORS - p.used)
    if used < 0:
        return False
    if r.address:
        to = &g.known
        if datagrams_know(g, <char *> head, r.address) < 0:
            to = NULL
    if to == NULL or to.len == 0:
        # Nobody to send it to. It is passed with what is in front of it.
        c.refused += 1
        if p.count:
            p.ends[p.count - 1] = c[0]
            p.closed = True
        else:
            p.lead = c[0]
        return True
    if parcel_joins(g, p, to, r.size):
        batch = &p.batches[p.count - 1]
        p.closed = r.size < batch.segment
        p.joined += 1
    else:
        if p.count == BATCHES:
            return False
        batch = &p.batches[p.count]
        batch.address = to[0]
        batch.vectors = &p.vectors[p.used]
        batch.nvectors = batch.size = 0
        batch.segment = r.size
        p.closed = r.size > JOINED_SIZE_MAX
        p.joined = 1
        p.count += 1
    batch.nvectors += <uint32_t> used
    batch.size += r.size
    p.used += used
    p.ends[p.count - 1] = c[0]
    return True


cdef inline int parcel_send(datagrams_t *g, int fd, cursor_t *c) noexcept nogil:
    """One system call's worth of records, from the cursor on, which moves behind what is done with. 1; 0: there is no whole record;
    -EAGAIN."""
    cdef parcel_t p
    cdef cursor_t at = c[0]
    cdef int i, rc
    p.count = p.used = 0
    p.joined = 0
    p.closed = True
    p.lead = c[0]
    while parcel_add(g, &p, &at):
        pass
    if p.count == 0:
        rc = p.lead.passed != c.passed
        c[0] = p.lead
        return rc
    for i in range(p.count):
        if p.batches[i].size == p.batches[i].segment:
            p.batches[i].segment = 0    # one datagram
    rc = zc_datagrams_send(fd, p.batches, p.count)
    if rc == -EAGAIN:
        c[0] = p.lead
        return rc
    if rc > 0:
        c[0] = p.ends[rc - 1]
    elif p.batches[0].segment:
        g.joins = False                 # from now on one by one
    else:
        c[0] = p.ends[0]                # this one is lost
        c.refused += 1
    return 1


cdef inline ptrdiff_t datagrams_writev(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    """transport_ops_t.writev"""
    cdef datagrams_t *g = datagrams_of(t)
    cdef cursor_t c
    cdef int rc = 1
    c.v = v
    c.n = n
    c.at = c.passed = 0
    c.refused = 0
    while rc > 0:
        rc = parcel_send(g, t.fd, &c)
    g.losses.refused += c.refused
    return <ptrdiff_t> c.passed if c.passed else rc


cdef inline ptrdiff_t datagrams_write(stream_t *t, const void *data, size_t n) noexcept nogil:
    """transport_ops_t.write"""
    cdef zc_iovec_t v
    zc_iov_set(&v, data, n)
    return datagrams_writev(t, &v, 1)


# ---- reading

cdef inline int datagrams_fetch(datagrams_t *g, int fd) noexcept nogil:
    """What has come to the system, one call's worth. How many batches; -EAGAIN; -ENOMEM."""
    cdef int left = READ_ERRORS
    cdef int i, rc
    if g.room == NULL:
        g.room = <unsigned char *> malloc(BATCHES * <size_t> SLOT)
        if g.room == NULL:
            return -ENOMEM
        for i in range(BATCHES):
            zc_iov_set(&g.vectors[i], g.room + i * <size_t> SLOT, SLOT)
            g.got[i].vectors = &g.vectors[i]
            g.got[i].nvectors = 1
    while True:
        rc = zc_datagrams_recv(fd, g.got, BATCHES)
        left -= 1
        if rc >= 0 or rc == -EAGAIN or left == 0:
            break
    if rc < 0:
        return -EAGAIN
    g.slot = 0
    g.slots = rc
    g.at = g.part = 0
    return rc


cdef inline size_t piece_hand(const void *piece, size_t size, size_t *skip, unsigned char *out, size_t room) noexcept nogil:
    """Hands on what of a piece is behind the first *skip bytes of its record, which become those behind the piece. How much it was."""
    cdef size_t part
    if skip[0] >= size:
        skip[0] -= size
        return 0
    part = size - skip[0]
    if part > room:
        part = room
    memcpy(out, <const unsigned char *> piece + skip[0], part)
    skip[0] = 0
    return part


cdef inline size_t record_hand(datagrams_t *g, const unsigned char *data, size_t size, unsigned char *out, size_t room) noexcept nogil:
    """The record of a datagram, behind its first `part` bytes. How much of it was handed on; `part` is 0 when it is done."""
    cdef unsigned char head[RECORD_HEADER]
    cdef size_t address = g.met_size if g.addressed else 0
    cdef size_t skip = g.part
    cdef size_t done
    record_put(head, <uint32_t> address, <uint32_t> size)
    done = piece_hand(head, RECORD_HEADER, &skip, out, room)
    done += piece_hand(g.met_text, address, &skip, out + done, room - done)
    done += piece_hand(data, size, &skip, out + done, room - done)
    g.part += <uint32_t> done
    if g.part == RECORD_HEADER + address + size:
        g.part = 0
    return done


cdef inline size_t datagrams_hand(datagrams_t *g, unsigned char *out, size_t room) noexcept nogil:
    """Records of the first batch, as much as there is room for. It goes when it is done with."""
    cdef zc_datagrams_t *batch = &g.got[g.slot]
    cdef const unsigned char *data = g.room + g.slot * <size_t> SLOT
    cdef size_t segment = batch.segment if batch.segment else batch.size
    cdef size_t done = 0
    cdef size_t size
    if g.addressed and g.at == 0 and g.part == 0:
        datagrams_meet(g, &batch.address)
    while done < room:
        size = batch.size - g.at
        if size > segment:
            size = segment
        if size <= g.size_max and not batch.cut:
            done += record_hand(g, data + g.at, size, out + done, room - done)
            if g.part:
                return done
        else:
            g.losses.oversized += 1
        g.at += <uint32_t> size
        if g.at >= batch.size:
            g.slot += 1
            g.at = 0
            break
    return done


cdef inline ptrdiff_t datagrams_read(stream_t *t, void *out, size_t n) noexcept nogil:
    """transport_ops_t.read"""
    cdef datagrams_t *g = datagrams_of(t)
    cdef size_t done = 0
    cdef int rc = BATCHES
    cdef int left = READ_FETCHES
    while done < n:
        if g.slot == g.slots:
            if rc < BATCHES or left == 0:
                break           # that was all, or others wait; the poll set calls again
            left -= 1
            rc = datagrams_fetch(g, t.fd)
            if rc <= 0:
                break
        done += datagrams_hand(g, <unsigned char *> out + done, n - done)
    if done:
        return <ptrdiff_t> done
    return rc if rc < 0 else -EAGAIN


cdef inline ptrdiff_t datagrams_readv(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    """transport_ops_t.readv"""
    cdef ptrdiff_t all = 0
    cdef ptrdiff_t part
    cdef int i
    for i in range(n):
        part = datagrams_read(t, zc_iov_base(&v[i]), zc_iov_len(&v[i]))
        if part < 0:
            return all if all else part
        all += part
        if <size_t> part < zc_iov_len(&v[i]):
            break
    return all


cdef inline bint datagrams_pending(const stream_t *t) noexcept nogil:
    """transport_ops_t.pending"""
    return datagrams_of(t).slot < datagrams_of(t).slots


# ---- life

cdef inline int datagrams_begin(int fd, int family, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """The stream of a descriptor, which becomes the stream's. 0 or -ENOMEM."""
    cdef datagrams_t *g = <datagrams_t *> calloc(1, sizeof(datagrams_t))
    if g == NULL:
        return -ENOMEM
    g.family = family
    g.addressed = tuning.addressed
    g.joins = zc_datagrams_can_join(fd)
    g.size_max = tuning.frame_max
    zc_datagrams_join(fd)
    out.fd = fd
    out.state = g
    return 0


cdef inline long datagrams_unsent(stream_t *t) noexcept nogil:
    """transport_ops_t.unsent: nobody acknowledges anything."""
    return 0


cdef inline void datagrams_losses(const stream_t *t, datagram_losses_t *to) noexcept nogil:
    """transport_ops_t.losses"""
    cdef datagrams_t *g = datagrams_of(t)
    to.refused += g.losses.refused
    to.oversized += g.losses.oversized
    to.overrun += zc_datagrams_overrun(t.fd)


cdef inline void datagrams_shutdown(stream_t *t) noexcept nogil:
    """transport_ops_t.shutdown: there is no end to tell of."""
    pass


cdef inline void datagrams_close(stream_t *t) noexcept nogil:
    """transport_ops_t.close"""
    cdef datagrams_t *g = datagrams_of(t)
    zc_close(t.fd)
    free(g.room)
    free(g)
    t.fd = -1
    t.state = NULL


cdef inline void datagrams_ops(transport_ops_t *o) noexcept nogil:
    o.read = datagrams_read
    o.readv = datagrams_readv
    o.pending = datagrams_pending
    o.write = datagrams_write
    o.writev = datagrams_writev
    o.losses = datagrams_losses
    o.unsent = datagrams_unsent
    o.shutdown = datagrams_shutdown
    o.close = datagrams_close
