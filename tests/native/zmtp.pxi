# The wire protocol, shown to Python. Included by _probe.pyx; every name starts with the room's.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.errno cimport EPROTO as zmtp_EPROTO
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t
from base.memory cimport calloc as zmtp_calloc, free as zmtp_c_free, malloc as zmtp_malloc
from libc.string cimport memcpy as zmtp_memcpy, memset as zmtp_memset

cimport base.monitor_events as monitor_events
cimport engine.select as zmtp_engines
cimport mechanism.crypto as zmtp_crypto
cimport mechanism.curve_state as zmtp_curve
cimport mechanism.long_mac as zmtp_long
cimport mechanism.mechanism as zmtp_m
cimport mechanism.security as zmtp_security
cimport mechanism.select as zmtp_mechanisms
cimport zmtp.command as zmtp_c
cimport zmtp.decoder as zmtp_d
cimport zmtp.frame as zmtp_f
cimport zmtp.handshake as zmtp_h
cimport zmtp.introduction as zmtp_intro
cimport zmtp.metadata as zmtp_md
cimport zmtp.outgoing as zmtp_out
from pattern.ops cimport pattern_ops_t, SENDS_IDENTITY
from pattern.select cimport pattern_select


# ---- frames ----

def zmtp_frame_put(uint64_t size, int flags, bint v1=False):
    cdef unsigned char out[16]
    cdef int n = zmtp_f.frame_put_v1(out, size, flags) if v1 else zmtp_f.frame_put(out, size, flags)
    return out[:n]


def zmtp_frame_get(bytes data, bint v1=False):
    """(flags, header, size), None when more octets are needed, or a negative errno."""
    cdef zmtp_f.frame_t f
    cdef unsigned char *exact
    cdef int rc
    # A block of exactly that size, so that a sanitizer sees a read beyond it.
    exact = <unsigned char *>zmtp_malloc(len(data) if data else 1)
    zmtp_memcpy(exact, PyBytes_AS_STRING(data), len(data))
    rc = zmtp_f.frame_get_v1(exact, len(data), &f) if v1 else zmtp_f.frame_get(exact, len(data), &f)
    zmtp_c_free(exact)
    if rc < 0:
        return rc
    return (f.flags, f.header, f.size) if rc else None


def zmtp_frame_bench(uint64_t rounds, uint64_t size, bint reading):
    """Pass `rounds` times over a 64 KiB buffer, writing (or reading) the headers of frames of that size; returns the frames."""
    cdef unsigned char *buffer = <unsigned char *>zmtp_calloc(1, 65536)
    cdef zmtp_f.frame_t f
    cdef uint64_t i, frames = 0
    cdef size_t at, end = 0
    while end + 9 + size <= 65536:
        end += zmtp_f.frame_put(buffer + end, size, 0) + size
    with nogil:
        for i in range(rounds):
            at = 0
            if reading:
                while zmtp_f.frame_get(buffer + at, end - at, &f) == 1:
                    at += f.header + <size_t>f.size
                    frames += 1
            else:
                # The flag changes every round, or the compiler would do all the rounds but one in no time.
                while at < end:
                    at += zmtp_f.frame_put(buffer + at, size, <int>(i & 1)) + size
                    frames += 1
    frames += buffer[0] & 0xF8
    zmtp_c_free(buffer)
    return frames


# ---- commands ----

ZMTP_COMMANDS = dict(PING=zmtp_c.CMD_PING, PONG=zmtp_c.CMD_PONG, SUBSCRIBE=zmtp_c.CMD_SUBSCRIBE,
                     CANCEL=zmtp_c.CMD_CANCEL, ERROR=zmtp_c.CMD_ERROR, JOIN=zmtp_c.CMD_JOIN, LEAVE=zmtp_c.CMD_LEAVE)


def zmtp_command_parse(bytes body):
    """(kind, data, ttl) or a negative errno."""
    cdef zmtp_c.command_t c
    cdef unsigned char *exact = <unsigned char *>zmtp_malloc(len(body) if body else 1)
    cdef int rc
    zmtp_memcpy(exact, PyBytes_AS_STRING(body), len(body))
    rc = zmtp_c.command_parse(exact, len(body), &c)
    result = rc if rc < 0 else (c.kind, c.data[:c.size] if c.size else b"", c.ttl_ds)
    zmtp_c_free(exact)
    return result


def zmtp_command_put(int kind, bytes data=b"", uint32_t ttl=0):
    cdef size_t size = zmtp_c.command_size(kind, len(data))
    cdef bytes out = PyBytes_FromStringAndSize(NULL, size)
    cdef size_t n = zmtp_c.command_put(<unsigned char *>PyBytes_AS_STRING(out), kind, ttl,
                                       <const unsigned char *>PyBytes_AS_STRING(data), len(data))
    assert n == size, (n, size)
    return out


def zmtp_subscription_put_legacy(bint subscribe, bytes topic, bint v1=False):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, len(topic) + 11)      # the longest header, and the octet that says which
    cdef unsigned char *p = <unsigned char *>PyBytes_AS_STRING(out)
    cdef const unsigned char *t = <const unsigned char *>PyBytes_AS_STRING(topic)
    cdef size_t n = (zmtp_c.subscription_put_legacy_v1(p, subscribe, t, len(topic)) if v1
                     else zmtp_c.subscription_put_legacy(p, subscribe, t, len(topic)))
    return out[:n]


# ---- socket types ----

def zmtp_is_peer(bytes peers, bytes name):
    return bool(zmtp_intro.introduction_is_peer(<const char *>peers, <const unsigned char *>PyBytes_AS_STRING(name), len(name)))


# ---- metadata ----

cdef class zmtp_Metadata:
    cdef zmtp_md.metadata_t *md

    def __cinit__(self, bytes encoded=None):
        cdef unsigned char *exact
        cdef int rc
        if encoded is None:
            return      # nothing yet: what a 2.0 peer has
        exact = <unsigned char *>zmtp_malloc(len(encoded) if encoded else 1)
        zmtp_memcpy(exact, PyBytes_AS_STRING(encoded), len(encoded))
        rc = zmtp_md.metadata_parse(exact, len(encoded), &self.md)
        zmtp_c_free(exact)
        if rc < 0:
            raise OSError(-rc, "metadata_parse")

    def __dealloc__(self):
        zmtp_md.metadata_unref(self.md)

    def share(self):
        """Another holder of the same block."""
        cdef zmtp_Metadata other = zmtp_Metadata.__new__(zmtp_Metadata)
        zmtp_md.metadata_ref(self.md)
        other.md = self.md
        return other

    @property
    def refs(self):
        return self.md.refs

    def prepend(self, bytes name, bytes value):
        return zmtp_md.metadata_prepend(&self.md, PyBytes_AS_STRING(name), len(name),
                                        <const unsigned char *>PyBytes_AS_STRING(value), len(value))

    def find(self, bytes name):
        cdef const unsigned char *value
        cdef size_t n
        cdef int rc = zmtp_md.metadata_find(self.md, PyBytes_AS_STRING(name), len(name), &value, &n)
        return None if rc < 0 else (value[:n] if n else b"")


# ---- decoder ----

cdef int zmtp_on_frame(void *arg, int flags, const unsigned char *body, size_t n) noexcept nogil:
    with gil:
        frames, refuse = <object>arg
        data = body[:n] if n else b""
        frames.append((flags, data))
        return -zmtp_EPROTO if data == refuse else 0


cdef class zmtp_Decoder:
    cdef zmtp_d.decoder_t d
    cdef public list frames
    cdef public object refuse

    def __cinit__(self, bint v1=False, int64_t limit=-1):
        zmtp_d.decoder_init(&self.d, v1, limit)
        self.frames = []
        self.refuse = None

    def __dealloc__(self):
        zmtp_d.decoder_free(&self.d)

    def feed(self, bytes data):
        args = (self.frames, self.refuse)
        cdef unsigned char *exact = <unsigned char *>zmtp_malloc(len(data) if data else 1)
        zmtp_memcpy(exact, PyBytes_AS_STRING(data), len(data))
        cdef int rc = zmtp_d.decoder_feed(&self.d, exact, len(data), zmtp_on_frame, <void *>args)
        zmtp_c_free(exact)
        return rc

    @property
    def capacity(self):
        return self.d.capacity


# ---- a mechanism that asks ZAP ----
#
# Stands for the ones to come: it proves that the table carries an asynchronous authentication, that commands larger than
# a short frame pass, that metadata may lie in the mechanism's own memory and that its failures reach the monitor.
# Both sides: HELLO; after the peer's HELLO ask ZAP; 200: READY with metadata, anything else: failure.

cdef struct zmtp_asking_t:
    zmtp_m.mechanism_t base
    int hello_sent
    unsigned char peer[600]
    size_t peer_size


cdef void zmtp_asking_free(zmtp_m.mechanism_t *m) noexcept nogil:
    pass


cdef int zmtp_asking_next(zmtp_m.mechanism_t *m, const zmtp_m.mechanism_own_t *own, unsigned char *out, size_t room,
                          size_t *size) noexcept nogil:
    cdef zmtp_asking_t *self = <zmtp_asking_t *>m
    if m.state != zmtp_m.MECHANISM_HANDSHAKE or (self.hello_sent and self.peer_size == 0):
        return 0
    if not self.hello_sent:
        size[0] = zmtp_m.mechanism_name_own(b"\x05HELLO", 6, own, out, room)
        self.hello_sent = size[0] <= room
        return 1
    size[0] = 0        # an empty command, as GSSAPI has one
    m.peer_properties = self.peer
    m.peer_properties_size = self.peer_size
    m.state = zmtp_m.MECHANISM_READY
    return 1


cdef int zmtp_asking_process(zmtp_m.mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    cdef zmtp_asking_t *self = <zmtp_asking_t *>m
    if n < 7 or n > 606 or p[1] != c'H':
        return zmtp_m.mechanism_fail(m, -zmtp_EPROTO, monitor_events.EVENT_HANDSHAKE_FAILED_PROTOCOL,
                                     zmtp_m.ZMTP_MALFORMED_COMMAND_HELLO)
    zmtp_memcpy(self.peer, p + 6, n - 6)
    self.peer_size = n - 6
    m.state = zmtp_m.MECHANISM_AUTHENTICATE
    return 0


cdef void zmtp_asking_zap_request(zmtp_m.mechanism_t *m, zmtp_m.mechanism_zap_t *request) noexcept nogil:
    request.mechanism = m.ops.name
    request.credentials = 1
    request.credential[0] = <const unsigned char *>b"secret"
    request.credential_size[0] = 6


cdef int zmtp_asking_zap_reply(zmtp_m.mechanism_t *m, int status) noexcept nogil:
    if status != 200:
        return zmtp_m.mechanism_fail(m, -zmtp_EPROTO, monitor_events.EVENT_HANDSHAKE_FAILED_AUTH, status)
    m.state = zmtp_m.MECHANISM_HANDSHAKE
    return 0


cdef zmtp_m.mechanism_t *zmtp_asking_new() except NULL:
    cdef zmtp_asking_t *self = <zmtp_asking_t *>zmtp_calloc(1, sizeof(zmtp_asking_t))
    if self == NULL:
        raise MemoryError
    zmtp_memcpy(self.base.ops.name, b"ASKING", 6)
    self.base.invalid_metadata_value = zmtp_m.ZMTP_INVALID_METADATA
    self.base.ops.free = zmtp_asking_free
    self.base.ops.next_command = zmtp_asking_next
    self.base.ops.process_command = zmtp_asking_process
    self.base.ops.zap_request = zmtp_asking_zap_request
    self.base.ops.zap_reply = zmtp_asking_zap_reply
    return &self.base


# ---- handshake ----

cdef const unsigned char *zmtp_key(bytes key):
    return NULL if key is None else <const unsigned char *>PyBytes_AS_STRING(key)


cdef zmtp_long.long_mac_t zmtp_long_mac


cdef int zmtp_find_crypto(zmtp_crypto.crypto_t *c, object which) except -1:
    """The functions of libsodium and OpenSSL, as the API finds them."""
    cdef uintptr_t address
    cdef int i
    cdef bint streams = which != "boxes"
    from zmqcore._sodium import addresses
    from zmqcore._libcrypto import poly1305
    found = addresses([zmtp_crypto.crypto_functions[i].name.decode() for i in range(zmtp_crypto.CRYPTO_FUNCTIONS)])
    for i in range(zmtp_crypto.CRYPTO_FUNCTIONS):
        address = found[i] if streams or not zmtp_crypto.crypto_functions[i].optional else 0
        zmtp_crypto.crypto_put(c, i, address)
    found = poly1305([zmtp_long.long_mac_functions[i].name.decode() for i in range(1, zmtp_long.LONG_MAC_FUNCTIONS)]) if which is True else []
    for i, each in enumerate(found):
        address = each
        zmtp_long.long_mac_put(&zmtp_long_mac, i, address)
    c.long_mac = &zmtp_long_mac if found else NULL
    return 0


cdef class zmtp_Handshake:
    cdef zmtp_h.handshake_t hs
    cdef object keep
    cdef readonly object last_event

    def __cinit__(self, int socket_type, bytes routing_id=b"", int mechanism=0, bint as_server=False,
                  int64_t maxmsgsize=-1, bytes app_properties=b"", bint asking=False, bytes username=b"", bytes password=b"",
                  bint domain=False, bint handler_required=False, bytes public_key=None, bytes secret_key=None,
                  bytes server_key=None, crypto=True):
        """crypto: True all there is, "streams" without OpenSSL, "boxes" without libsodium's streams either, False none."""
        cdef zmtp_intro.hs_config_t config
        cdef zmtp_crypto.crypto_t functions
        cdef zmtp_security.security_t security
        cdef pattern_ops_t ops
        cdef int rc = pattern_select(socket_type, &ops)
        if rc < 0:
            raise OSError(-rc, "pattern_select")
        config.socket_type = socket_type
        config.name = ops.name
        config.peers = ops.peers
        config.sends_identity = (ops.traits & SENDS_IDENTITY) != 0
        config.groups = config.unpinged = 0
        config.routing_id = <const unsigned char *>PyBytes_AS_STRING(routing_id)
        config.routing_id_size = len(routing_id)
        zmtp_memset(&security, 0, sizeof(security))
        security.mechanism = mechanism
        security.as_server = as_server
        security.domain = domain
        security.handler_required = handler_required
        security.username = <const unsigned char *>PyBytes_AS_STRING(username)
        security.username_size = len(username)
        security.password = <const unsigned char *>PyBytes_AS_STRING(password)
        security.password_size = len(password)
        security.public_key = zmtp_key(public_key)
        security.secret_key = zmtp_key(secret_key)
        security.server_key = zmtp_key(server_key)
        config.security = &security
        zmtp_memset(&functions, 0, sizeof(functions))
        if secret_key is not None and crypto:
            zmtp_find_crypto(&functions, crypto)
        config.crypto = &functions
        config.maxmsgsize = maxmsgsize
        config.app_properties = <const unsigned char *>PyBytes_AS_STRING(app_properties)
        config.app_properties_size = len(app_properties)
        config.shares = 0
        rc = zmtp_h.handshake_init(&self.hs, &config)
        if rc < 0:
            raise OSError(-rc, "handshake_init")
        if asking:
            zmtp_mechanisms.mechanism_delete(self.hs.who.mechanism)
            self.hs.who.mechanism = NULL
            self.hs.who.mechanism = zmtp_asking_new()

    def __dealloc__(self):
        zmtp_h.handshake_free(&self.hs)
        zmtp_h.handshake_free(&self.hs)      # must be harmless

    def feed(self, bytes data):
        """(result, used)"""
        cdef size_t used = 0
        cdef unsigned char *exact = <unsigned char *>zmtp_malloc(len(data) if data else 1)
        zmtp_memcpy(exact, PyBytes_AS_STRING(data), len(data))
        cdef int rc = zmtp_h.handshake_feed(&self.hs, exact, len(data), &used)
        zmtp_c_free(exact)
        return rc, used

    def take(self, size_t most=<size_t>-1):
        """What waits to be sent, at most that many octets."""
        cdef size_t n = self.hs.out.size - self.hs.out.taken
        if n > most:
            n = most
        if n == 0:
            return b""
        data = (self.hs.out.octets + self.hs.out.taken)[:n]
        zmtp_out.outgoing_took(&self.hs.out, n)
        return data

    def zap_request(self):
        cdef zmtp_m.mechanism_zap_t request
        self.hs.who.mechanism.ops.zap_request(self.hs.who.mechanism, &request)
        return ((<bytes>request.mechanism).decode(),
                [request.credential[i][:request.credential_size[i]] for i in range(request.credentials)])

    def seal(self, int flags, bytes body):
        """What encode() makes of a frame, or a negative errno."""
        cdef zmtp_m.mechanism_t *m = self.hs.who.mechanism
        cdef size_t size = 0
        cdef size_t room = len(body) + m.ops.overhead
        cdef unsigned char *out = <unsigned char *>zmtp_malloc(room)
        cdef int rc = m.ops.encode(m, flags, <const unsigned char *>PyBytes_AS_STRING(body), len(body), out, &size)
        made = out[:size] if rc == 0 else rc
        zmtp_c_free(out)
        return made

    def open(self, bytes sealed):
        """(flags, body) that decode() finds in it, or a negative errno."""
        cdef zmtp_m.mechanism_t *m = self.hs.who.mechanism
        cdef size_t size = 0
        cdef unsigned char *plain = NULL
        cdef unsigned char *exact = <unsigned char *>zmtp_malloc(len(sealed) if sealed else 1)
        cdef int flags = -1
        cdef int rc
        zmtp_memcpy(exact, PyBytes_AS_STRING(sealed), len(sealed))
        rc = m.ops.decode(m, exact, len(sealed), &flags, &plain, &size)
        made = (flags, plain[:size]) if rc == 0 else rc
        self.last_event = m.event, m.event_value
        zmtp_c_free(exact)
        return made

    def set_said(self, uint64_t number):
        """CURVE: the number of the last command or message of ours."""
        (<zmtp_curve.curve_mechanism_t *>self.hs.who.mechanism).said = number

    @property
    def secrets(self):
        """CURVE: whether keys of the handshake are still kept."""
        return (<zmtp_curve.curve_mechanism_t *>self.hs.who.mechanism).keys != NULL

    def zap_reply(self, int status):
        return zmtp_h.handshake_zap_reply(&self.hs, status)

    def find(self, bytes name):
        cdef zmtp_Metadata md
        if self.hs.who.properties == NULL:
            return None
        md = zmtp_Metadata.__new__(zmtp_Metadata)
        zmtp_md.metadata_ref(self.hs.who.properties)
        md.md = self.hs.who.properties
        return md.find(name)

    def take_properties(self):
        cdef zmtp_Metadata md = zmtp_Metadata.__new__(zmtp_Metadata)
        md.md = zmtp_intro.introduction_take_properties(&self.hs.who)
        return md if md.md != NULL else None

    @property
    def identity(self):
        return self.hs.who.identity[:self.hs.who.identity_size] if self.hs.who.identity_size else b""

    @property
    def version(self):
        return self.hs.version

    @property
    def minor(self):
        return self.hs.minor

    @property
    def unversioned(self):
        return bool(self.hs.unversioned)

    @property
    def has_properties(self):
        return self.hs.who.properties != NULL

    @property
    def event(self):
        return self.hs.who.event, self.hs.who.event_value

    @property
    def reserved(self):
        """Octets of memory behind the input."""
        return self.hs.decoder.capacity

    @property
    def mechanism_is_plain(self):
        """Do frames stay as they are after this handshake? The mechanism is taken and released."""
        cdef zmtp_m.mechanism_t *m = zmtp_intro.introduction_take_mechanism(&self.hs.who)
        plain = m.ops.encode == NULL and m.ops.decode == NULL
        zmtp_mechanisms.mechanism_delete(m)
        return plain


# ---- engines ----

def zmtp_engine_carries(int kind, int mechanism, bint plaintext=False):
    cdef zmtp_security.security_t security
    zmtp_memset(&security, 0, sizeof(security))
    security.mechanism = mechanism
    security.plaintext = plaintext
    return bool(zmtp_engines.engine_carries(kind, &security))
