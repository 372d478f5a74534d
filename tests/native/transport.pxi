# Shows src/transport to the tests: addresses, listeners, connections, by way of the tables.

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memset

cimport base.errors as base_e
cimport base.platform as base_p
cimport transport.address as transport_ad
cimport transport.cidr as transport_filter
cimport transport.ipc as transport_ipc
cimport transport.ops as transport_op
cimport transport.resolve as transport_re
cimport transport.select as transport_se
cimport transport.socks as transport_so
cimport transport.tcp as transport_tcp
cimport transport.tuning as transport_tu


cdef transport_text(const base_p.zc_sockaddr_t *sa):
    cdef char out[256]
    cdef int n = transport_tcp.tcp_text(b"tcp", sa, out, sizeof(out))
    return out[:n].decode() if n >= 0 else n


cdef void transport_tuning(transport_tu.tuning_t *t, dict options):
    transport_tu.tuning_default(t)
    for name, value in options.items():
        if name == "sndbuf":
            t.sndbuf = value
        elif name == "rcvbuf":
            t.rcvbuf = value
        elif name == "keepalive":
            t.keepalive = value
        elif name == "keepalive_cnt":
            t.keepalive_cnt = value
        elif name == "keepalive_idle":
            t.keepalive_idle = value
        elif name == "keepalive_intvl":
            t.keepalive_intvl = value
        elif name == "tos":
            t.tos = value
        elif name == "priority":
            t.priority = value
        elif name == "maxrt_ms":
            t.maxrt_ms = value
        elif name == "backlog":
            t.backlog = value
        elif name == "busy_poll":
            t.busy_poll = value
        elif name == "use_fd":
            t.use_fd = value
        elif name == "bindtodevice":
            for i, c in enumerate(value[:transport_tu.DEVICE_NAME_MAX]):
                t.bindtodevice[<int>i] = c
        else:
            raise TypeError(name)


cdef class TransportAddress:
    """An address_t of one transport. `error` is 0 or the negative errno of parsing it."""
    cdef transport_ad.address_t a
    cdef const transport_op.transport_ops_t *ops
    cdef readonly int error
    cdef object kept                # the text, which an address may refer to

    @staticmethod
    def tcp_bind(bytes text, bint ipv6=False):
        cdef TransportAddress self = transport_address(b"tcp")
        self.error = self.ops.parse_bind(PyBytes_AS_STRING(text), len(text), ipv6, &self.a)
        return self

    @staticmethod
    def tcp_connect(bytes text, bint ipv6=False, bint dns=False):
        cdef TransportAddress self = transport_address(b"tcp")
        cdef TransportAddress none = TransportAddress()
        self.error = self.ops.parse_connect(PyBytes_AS_STRING(text), len(text), ipv6, dns, &none.a.target, &self.a)
        return self

    @staticmethod
    def of(bytes scheme, bytes text, bint bind):
        cdef TransportAddress self = transport_address(scheme)
        cdef TransportAddress none = TransportAddress()
        if bind:
            self.error = self.ops.parse_bind(PyBytes_AS_STRING(text), len(text), False, &self.a)
        else:
            self.error = self.ops.parse_connect(PyBytes_AS_STRING(text), len(text), False, False, &none.a.target, &self.a)
        return self

    @staticmethod
    def ipc(bytes text):
        cdef TransportAddress self = transport_address(b"ipc")
        self.kept = text
        self.error = self.ops.parse_bind(PyBytes_AS_STRING(text), len(text), False, &self.a)
        return self

    @property
    def text(self):
        cdef char out[4200]
        cdef int n
        if self.error:
            return self.error
        if self.a.family != base_p.ZC_FAMILY_LOCAL:
            return transport_text(&self.a.target)
        n = transport_ipc.ipc_name(self.ops, -1, &self.a, NULL, 0, out, sizeof(out))
        return out[:n].decode() if n >= 0 else n

    @property
    def source(self):
        return transport_text(&self.a.source) if self.a.source.len else None

    def listen(self, **options):
        cdef transport_tu.tuning_t t
        transport_tuning(&t, options)
        return self.ops.listen(&self.a, &t)

    def open(self, **options):
        """(fd or negative errno, still under way)"""
        cdef transport_tu.tuning_t t
        cdef transport_op.stream_t stream
        cdef int rc
        transport_tuning(&t, options)
        transport_op.stream_clear(&stream, self.ops)
        rc = self.ops.open(&self.a, &t, &stream)
        under_way = rc == -base_e.EINPROGRESS
        return (stream.fd if rc == 0 or under_way else rc), under_way

    def unlink(self):
        transport_ipc.ipc_unlink(&self.a)


cdef transport_se.transports_t transport_tables
transport_se.transports_init(&transport_tables)


cdef const transport_op.transport_ops_t *transport_of(bytes scheme):
    return transport_se.transport_find(&transport_tables, PyBytes_AS_STRING(scheme), len(scheme))


cdef TransportAddress transport_address(bytes scheme):
    cdef TransportAddress self = TransportAddress()
    self.ops = transport_of(scheme)
    return self


cdef transport_op.stream_t transport_stream(bytes scheme, int fd):
    cdef transport_op.stream_t stream
    transport_op.stream_clear(&stream, transport_of(scheme))
    stream.fd = fd
    return stream


def transport_endpoint(bytes endpoint):
    """(scheme, address) or a negative errno"""
    cdef size_t scheme = 0, offset = 0
    cdef int rc = transport_ad.address_split(PyBytes_AS_STRING(endpoint), len(endpoint), &scheme, &offset)
    if rc < 0:
        return rc
    if transport_of(endpoint[:scheme]) == NULL:
        return -base_e.EPROTONOSUPPORT
    return endpoint[:scheme].decode(), endpoint[offset:]


def transport_next_address(list addresses, TransportAddress behind):
    """Index of the one of at most 16 TransportAddress to try after `behind`. Of `addresses` only the hosts count, as in
    an answer of the resolver."""
    cdef base_p.zc_sockaddr_t list_[16]
    cdef int i
    for i in range(len(addresses)):
        list_[i] = (<TransportAddress> addresses[i]).a.target
        base_p.zc_sa_set_port(&list_[i], 0)
    return transport_re.resolve_next(list_, <int> len(addresses), &behind.a.target)


def transport_check_connect(bytes text):
    return transport_tcp.tcp_check_connect(PyBytes_AS_STRING(text), len(text))


def transport_finish(int fd):
    cdef transport_tu.tuning_t t
    cdef transport_op.stream_t stream = transport_stream(b"tcp", fd)
    transport_tuning(&t, {})
    return stream.ops.finish(&stream, &t)


def transport_tcp_accept(int fd, filters=(), **options):
    """fd or negative errno"""
    cdef char peer[128]
    cdef transport_tu.tuning_t t
    cdef transport_op.visitors_t visitors
    cdef transport_op.stream_t stream = transport_stream(b"tcp", -1)
    cdef transport_filter.cidr_t c[8]
    cdef bytes text
    cdef int rc
    transport_tuning(&t, options)
    memset(&visitors, 0, sizeof(visitors))
    visitors.addresses = c
    assert len(filters) <= 8
    for text in filters:
        assert transport_filter.cidr_parse(PyBytes_AS_STRING(text), len(text), True, &c[visitors.naddresses]) == 0
        visitors.naddresses += 1
    rc = stream.ops.accept(fd, &t, &visitors, &stream, peer, sizeof(peer))
    return stream.fd if rc == 0 else rc


def transport_ipc_accept(int fd, uids=(), gids=(), pids=(), **options):
    """fd or negative errno"""
    cdef char peer[128]
    cdef transport_tu.tuning_t t
    cdef transport_op.visitors_t visitors
    cdef transport_op.stream_t stream = transport_stream(b"ipc", -1)
    cdef uint32_t u[8]
    cdef uint32_t g[8]
    cdef int32_t p[8]
    cdef int rc
    transport_tuning(&t, options)
    memset(&visitors, 0, sizeof(visitors))
    for i, n in enumerate(uids):
        u[<int>i] = n
    for i, n in enumerate(gids):
        g[<int>i] = n
    for i, n in enumerate(pids):
        p[<int>i] = n
    visitors.uids, visitors.gids, visitors.pids = u, g, p
    visitors.nuids, visitors.ngids, visitors.npids = len(uids), len(gids), len(pids)
    rc = stream.ops.accept(fd, &t, &visitors, &stream, peer, sizeof(peer))
    return stream.fd if rc == 0 else rc


def transport_peer(bytes scheme, int fd):
    """Who is at the other end, as the transport tells it."""
    cdef char out[256]
    cdef transport_op.stream_t stream = transport_stream(scheme, fd)
    cdef int n = stream.ops.peer(&stream, out, sizeof(out))
    return out[:n].decode() if n >= 0 else n


def transport_name(int fd, bint peer):
    """"tcp://address:port" of either end."""
    cdef base_p.zc_sockaddr_t sa
    cdef int rc = base_p.zc_peer_address(fd, &sa) if peer else base_p.zc_local_address(fd, &sa)
    return transport_text(&sa) if rc == 0 else rc


def transport_cidr(bytes text, bytes peer):
    """Does the filter let the peer (a numeric address) in? True, False, or a negative errno for a bad filter."""
    cdef transport_filter.cidr_t c
    cdef TransportAddress a = TransportAddress.tcp_connect(b"[" + peer + b"]:1", True)
    cdef int rc = transport_filter.cidr_parse(PyBytes_AS_STRING(text), len(text), True, &c)
    if rc < 0:
        return rc
    assert a.error == 0
    return bool(transport_filter.cidr_match(&c, &a.a.target))


def transport_cidr_mapped(bytes text, bytes v4):
    """The same for a v4 peer of a dual-stack listener."""
    cdef transport_filter.cidr_t c
    cdef TransportAddress a = TransportAddress.tcp_bind(v4 + b":1", True)
    assert a.error == 0 and transport_filter.cidr_parse(PyBytes_AS_STRING(text), len(text), True, &c) == 0
    return bool(transport_filter.cidr_match(&c, &a.a.target))


# ---- what is said to a SOCKS5 proxy

cdef transport_tu.tuning_text_t transport_text_of(bytes text):
    cdef transport_tu.tuning_text_t t
    t.data = PyBytes_AS_STRING(text)
    t.size = len(text)
    return t


cdef class TransportSocks:
    """A conversation with a SOCKS5 proxy, sans IO, to have it connect to `target` ("host:port")."""
    cdef transport_so.socks_way_t *way
    cdef transport_so.socks_t s

    def __cinit__(self, bytes target, bytes proxy=b"127.0.0.1:1080", bytes user=b"", bytes password=b"", bytes source=b""):
        cdef transport_tu.tuning_text_t p = transport_text_of(proxy), u = transport_text_of(user), w = transport_text_of(password)
        cdef transport_re.host_port_t parts
        cdef const char *why = NULL
        cdef int rc = transport_re.resolve_split(PyBytes_AS_STRING(target), len(target), &parts)
        if rc == 0:
            rc = transport_so.socks_way_new(&p, &u, &w, &parts, PyBytes_AS_STRING(source), len(source), &self.way, &why)
        if rc < 0:
            raise OSError(-rc, "" if why == NULL else why.decode())
        transport_so.socks_begin(&self.s, self.way)

    def __dealloc__(self):
        transport_so.socks_way_free(self.way)

    @property
    def proxy(self):
        return <bytes> self.way.proxy

    def output(self):
        """What is to be sent now; it counts as sent."""
        cdef const unsigned char *data = NULL
        cdef size_t n = transport_so.socks_output(&self.s, &data)
        self.s.sent += n
        return (<const char *> data)[:n]

    def awaits(self):
        return transport_so.socks_awaits(&self.s)

    def feed(self, bytes octets):
        """1: let through; 0; a negative errno."""
        if len(octets) > transport_so.socks_awaits(&self.s):
            raise ValueError("more than it awaits")
        return transport_so.socks_feed(&self.s, <const unsigned char *> PyBytes_AS_STRING(octets), len(octets))
