# What a transport is: one table of operations for all of them, and the stream that sessions read and write.
#
# Rules
# - A transport knows descriptors, addresses and system calls; no frames, no patterns, no sockets. It keeps nothing
#   between two calls but what stands in the structs it is handed: `state` of a stream, and what `prepare` made of the
#   options for an endpoint, which comes back in tuning_t.prepared.
# - Nothing blocks but looking a name up, in parse_bind, and in parse_connect where that is allowed. Nothing here calls
#   back.
# - Operations on listeners and streams run under the lock of the socket that owns them; parse_connect and check need no
#   lock. But `write` and `writev` of a stream without `state` may run without it, on the I/O thread, while another thread
#   reads (stream_alone()): they use the descriptor and nothing else of the stream.
# - An entry that is not said to be NULL is set, but for those that a kind of transport has no use for (below); `release` goes
#   with `prepare`, `tick` with `due`.
# - Results are 0 or more, or a negative errno. -EAGAIN: not now, the poll set will tell.
# - Descriptors handed out are non-blocking and close on exec.
# - A transport within the process has no listeners and no streams: of the operations only `check` is set in its table. One
#   to a group has no listeners, and its streams are open at once: what stands under "listeners" is not set, nor is
#   `finish`.
# - The tables live in the context (transport/select.pxd fills them): C-level modules share no variables. The owner
#   of a stream has a reference of the context through its socket.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport int32_t, uint32_t, uint64_t, UINT64_MAX
from base.datagram cimport datagram_losses_t
from base.platform cimport zc_iovec_t, zc_sockaddr_t
from transport.address cimport address_t
from transport.cidr cimport cidr_t
from transport.resolve cimport host_port_t
from transport.tuning cimport tuning_t

cdef enum:
    # What a transport is. A socket binds and connects in one way for each (endpoint_ops_t in socket/state.pxd).
    TRANSPORT_STREAM = 0        # a connection is a stream of bytes, with a session on either side
    TRANSPORT_IN_PROCESS = 1    # a connection is a pair of rings between two sockets of a context
    TRANSPORT_GROUP = 2         # a stream to or from everybody in a group: to bind and to connect is the same
    TRANSPORT_DATAGRAM = 3      # no connections: an endpoint that sends, or one that receives, each with a session
    TRANSPORT_KINDS = 4

cdef enum:
    # Whose messages it carries.
    CARRIES_ALL = 0             # of every type but those that are for datagrams only
    CARRIES_DATAGRAMS = 1       # of those, and groups. Who receives binds, who only sends connects

cdef enum:
    # Libraries of the context that a transport needs before an endpoint of it is made.
    TRANSPORT_NEEDS_OPENSSL = 1
    TRANSPORT_NEEDS_LZ4 = 2
    TRANSPORT_NEEDS_ZSTD = 4

cdef enum:
    TRANSPORT_PROPERTY_MAX = 1024       # bytes of a property that a transport tells of its peer

# Who may connect to a listener. Lists that are empty let everybody in; the arrays are the socket's.
cdef struct visitors_t:
    const cidr_t *addresses
    const uint32_t *uids
    const uint32_t *gids
    const int32_t *pids
    int naddresses
    int nuids
    int ngids
    int npids

# What a request says it is for, where a connection begins with one. Pointers into the text of an address, or static.
cdef struct place_t:
    const char *host
    const char *path
    size_t host_size
    size_t path_size

cdef struct transport_ops_t

# One connection, as the system and the transport see it. It belongs to its session. One that is not open has `ops`, fd
# -1 and nothing else.
cdef struct stream_t:
    const transport_ops_t *ops
    void *state                 # of a transport that keeps some for each connection; NULL for the others
    int fd                      # what a poll set watches

cdef struct transport_ops_t:
    const char *scheme          # "tcp"
    const char *form            # of an address, for people: "host:port"
    int kind                    # TRANSPORT_STREAM, ...
    bint optional               # has() answers for it: there are libraries without it
    int engine                  # ENGINE_...: what is spoken over its streams
    int needs                   # TRANSPORT_NEEDS_...
    int carries                 # CARRIES_...
    int codec                   # CODEC_..., of one that compresses
    # Whether this system can have such endpoints at all. NULL: every system can.
    bint (*there)() noexcept nogil

    # ---- addresses. `text` is what stands behind "scheme://"; it has no end but `n`.

    # Where to listen. May look a name up. What `listen` chooses (a port, a path) need not be known yet.
    int (*parse_bind)(const char *text, size_t n, bint ipv6, address_t *out) noexcept nogil
    # Whether parse_connect can ever succeed, as far as the text tells. 0 or a negative errno, which the caller of
    # connect() gets.
    int (*check)(const char *text, size_t n) noexcept nogil
    # Where to connect to, anew for every attempt. -EAGAIN: there is a name to look up and allow_dns is 0. behind: what
    # was tried last, of a name with several addresses (len 0: none). `out` may be half filled in after an error: it is
    # for `behind` of the next attempt.
    int (*parse_connect)(
        const char *text, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        address_t *out) noexcept nogil

    # Host and path of an address that `check` finds good. NULL: connections begin with no request.
    void (*place)(const char *text, size_t n, place_t *out) noexcept nogil
    # Whom a proxy is asked to connect to: host and port of an address that `check` finds good, and how many bytes at its
    # beginning name our own end (0: none). 0 or -EINVAL. NULL: this transport does not go through proxies.
    int (*target)(const char *text, size_t n, host_port_t *out, size_t *source) noexcept nogil

    # ---- endpoints

    # Make of the options what all connections of an endpoint share (certificates). `text` as above. 0, and *made is the
    # caller's until `release`; or a negative errno, and with -EINVAL *why may be what the options lack, as a text. NULL:
    # there is nothing to make.
    int (*prepare)(
        const transport_ops_t *o, const tuning_t *tuning, bint connects, const char *text, size_t n, void **made,
        const char **why) noexcept nogil
    # Streams may still be open.
    void (*release)(void *made) noexcept nogil

    # ---- listeners

    # A descriptor that connections come to; the caller's until close_listener. `address` becomes what was chosen.
    int (*listen)(address_t *address, const tuning_t *tuning) noexcept nogil
    # The whole endpoint, as LAST_ENDPOINT tells it. Its length. text: of the address, as parse_bind had it.
    int (*name)(
        const transport_ops_t *o, int listener, const address_t *address, const char *text, size_t n, char *out,
        size_t room) noexcept nogil
    # The next connection: 0 and `out` is open. -EACCES: one was there and `visitors` does not name it; there may be
    # more. `peer` as from the entry of that name, or empty: ask later.
    int (*accept)(
        int listener, const tuning_t *tuning, const visitors_t *visitors, stream_t *out,
        char *peer, size_t room) noexcept nogil
    # Close it and remove what `listen` made besides. adopted: the descriptor came from the application, and what
    # belongs to it stays.
    void (*close_listener)(int listener, address_t *address, bint adopted) noexcept nogil

    # ---- TRANSPORT_DATAGRAM has no listeners but this

    # `out` is open and receives what is sent to the address. `name` is asked with its descriptor.
    int (*receive_at)(address_t *address, const tuning_t *tuning, stream_t *out) noexcept nogil

    # ---- the beginning of a connection

    # 0: `out` is open. -EINPROGRESS: it will be; wait for writable and ask `finish`. Another error: nothing is left
    # behind.
    int (*open)(const address_t *address, const tuning_t *tuning, stream_t *out) noexcept nogil
    # What has become of a connection under way: 0 or a negative errno. The stream is the caller's to close in either
    # case.
    int (*finish)(stream_t *t, const tuning_t *tuning) noexcept nogil
    # Who is at the other end, for the property Peer-Address. Length or a negative errno; if nothing is known 0 and an empty text. With a NUL behind it.
    int (*peer)(const stream_t *t, char *out, size_t room) noexcept nogil
    # The whole endpoint of one end of the connection, ours or (remote) the peer's, for monitors. Length or a negative errno.
    # NULL: nothing is known but what the endpoint was given as.
    int (*end)(const stream_t *t, bint remote, char *out, size_t room) noexcept nogil
    # What the transport itself says to its peer before anything else, on a stream that is open. 0: all is said. -EAGAIN:
    # call again when there is something to read, or room to write if *wants_room. Another errno: the connection is over.
    # NULL: nothing.
    int (*begin)(stream_t *t, bint *wants_room) noexcept nogil
    # Property number i of the peer, which `begin` has verified: its size in `out`, and *name; -ENOENT: there are not so
    # many; -ENOMEM. NULL: none. A peer with a property has proved who it is.
    ptrdiff_t (*property)(stream_t *t, int i, const char **name, unsigned char *out, size_t room) noexcept nogil

    # ---- a connection. All of these are called with a stream that is open.

    # Take what has arrived: bytes, 0 at the end of the stream, -EAGAIN. A read that returns less than it was offered
    # has taken all there was, but for what is pending and, of a transport that cannot cut what arrives at any byte, what is not
    # worth while: that the poll set reports.
    ptrdiff_t (*read)(stream_t *t, void *out, size_t n) noexcept nogil
    ptrdiff_t (*readv)(stream_t *t, zc_iovec_t *v, int n) noexcept nogil
    # Whether a read would find something although the poll set may have nothing to report: bytes that the transport has
    # taken from the system and still holds. NULL: this one holds none.
    bint (*pending)(const stream_t *t) noexcept nogil
    # Whether something has come from the peer that reads have not brought yet, since the last time this was asked. NULL: what comes is brought.
    bint (*heard)(stream_t *t) noexcept nogil
    # Hand bytes over: how many were taken, -EAGAIN if none. The memory is the caller's again at once, but bytes that were
    # not taken are offered again, unchanged, before any others. An error says that nothing more can be sent; what the
    # peer sent before may still be read.
    ptrdiff_t (*write)(stream_t *t, const void *data, size_t n) noexcept nogil
    ptrdiff_t (*writev)(stream_t *t, zc_iovec_t *v, int n) noexcept nogil
    # A transport with a time of its own: when `tick` wants to be called, on the clock of zc_now_ns(). It may have changed
    # after any other operation. The poll set does not tell when there is room to write again: `tick` does, by coming.
    # NULL: this one has no timers.
    uint64_t (*due)(const stream_t *t) noexcept nogil
    # Do what is due. 0, or a negative errno: the connection is over.
    int (*tick)(stream_t *t, uint64_t now) noexcept nogil
    # How many packets have been lost for good since the last call. NULL: nothing is ever lost, or nobody knows.
    uint64_t (*lost)(stream_t *t) noexcept nogil
    # Adds those of a stream of datagrams since it was opened. It only looks. NULL: this one has none.
    void (*losses)(const stream_t *t, datagram_losses_t *to) noexcept nogil
    # Hand bytes over, and descriptors that arrive with the first of them; these stay the caller's. As `write`. NULL, as the next two: descriptors
    # cannot be passed here.
    ptrdiff_t (*pass_)(stream_t *t, const void *data, size_t n, const int *fds, int count) noexcept nogil
    # The descriptors that came last, the caller's from now on; how many. Only if tuning_t.passing was set.
    int (*passed)(stream_t *t, int *fds) noexcept nogil
    # Whether the peer is a process of our user.
    bint (*kin)(const stream_t *t) noexcept nogil
    # Bytes that were written and that the peer's system has not acknowledged; 0 or a negative errno where nothing is
    # known to be missing.
    long (*unsent)(stream_t *t) noexcept nogil
    # No more will be written: the peer finds the end of the stream behind what has been.
    void (*shutdown)(stream_t *t) noexcept nogil
    # Give back the descriptor and the state; the stream is not open any more. The descriptor is in no poll set.
    void (*close)(stream_t *t) noexcept nogil


cdef inline bint stream_alone(const stream_t *t) noexcept nogil:
    """Its transport keeps nothing for it: a call that reads or writes uses the descriptor and no word else, and may be made
    without a lock by a thread that keeps the stream open."""
    return t.state == NULL and t.ops.kind == TRANSPORT_STREAM


cdef inline void stream_clear(stream_t *t, const transport_ops_t *ops) noexcept nogil:
    t.ops = ops
    t.state = NULL
    t.fd = -1


cdef inline ptrdiff_t stream_read(stream_t *t, void *out, size_t n) noexcept nogil:
    return t.ops.read(t, out, n)


cdef inline ptrdiff_t stream_readv(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    return t.ops.readv(t, v, n)


cdef inline bint stream_pending(const stream_t *t) noexcept nogil:
    return t.ops.pending != NULL and t.ops.pending(t)


cdef inline uint64_t stream_due(const stream_t *t) noexcept nogil:
    return t.ops.due(t) if t.ops.due != NULL else UINT64_MAX


cdef inline ptrdiff_t stream_write(stream_t *t, const void *data, size_t n) noexcept nogil:
    return t.ops.write(t, data, n)


cdef inline ptrdiff_t stream_writev(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    return t.ops.writev(t, v, n)


cdef inline long stream_unsent(stream_t *t) noexcept nogil:
    return t.ops.unsent(t)


cdef inline void stream_shutdown(stream_t *t) noexcept nogil:
    t.ops.shutdown(t)


cdef inline void stream_close(stream_t *t) noexcept nogil:
    t.ops.close(t)
