# Engine: bytes of one connection in, frames and signals out, and back. One table of operations for all kinds of wire.
#
# Rules
# - Sans-IO: an engine sees bytes and messages. It knows no descriptor, clock, socket or pipe, and never blocks.
# - One engine_t per connection, from engine_new() when the descriptor is connected to engine_delete() when the session
#   is taken apart. All of it belongs to the lock of the socket.
# - Three times, each entered once:
#
#     time       | calls                                   | ends with
#     -----------+-----------------------------------------+-----------------------------------------------------------
#     beginning  | feed, sent; zap_request, zap_reply      | feed() returns ENGINE_READY, or a negative errno (final)
#     ready      | none; `peer` tells who is there         | settle(), once the socket has taken what it wants of `peer`
#     traffic    | frame_*, *_put, body_at, signal_get     | engine_delete(), which is allowed at any time
#
# - `traits` and `plain` are settled when feed() returns ENGINE_READY. They do not change from then on.
# - Frames leave in the order in which they were put, with nothing between them and nothing left out, so an engine may
#   number them.
# - What is announced by a peer is never reserved here; whether a size is acceptable is the session's question.
# - The table is held by value: C-level modules share no variables.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint32_t, uint64_t

from mechanism.crypto cimport crypto_t
from mechanism.mechanism cimport MECHANISM_CREDENTIALS_MAX, mechanism_zap_t
from mechanism.security cimport security_t
from message.message cimport msg_t
from zmtp.command cimport CMD_BLOCK, CMD_CANCEL, CMD_JOIN, CMD_LEAVE, CMD_PING, CMD_PONG, CMD_SEGMENT, CMD_SUBSCRIBE, command_t
from zmtp.frame cimport FRAME_COMMAND, FRAME_MORE, frame_t
from zmtp.handshake cimport HS_AUTHENTICATE, HS_MORE, HS_READY
from zmtp.introduction cimport hs_config_t
from zmtp.metadata cimport metadata_t, metadata_unref

cdef enum:
    # What feed() returns.
    ENGINE_GO_ON = HS_MORE      # all bytes taken, more needed
    ENGINE_READY = HS_READY     # what follows *used is traffic
    # zap_request() tells the question; zap_reply(), then feed again from *used on.
    ENGINE_AUTHENTICATE = HS_AUTHENTICATE

cdef enum:
    # Traits.
    # a frame in the output does not show its message any more: a copy is kept until it has left
    ENGINE_OPAQUE = 1
    # no messages on the wire, only bytes: a rest that has not left means nothing to the next connection
    ENGINE_STREAM = 2
    ENGINE_HEARTBEATS = 4       # the peer answers SIGNAL_PING
    # a subscription is a message to this peer, and must not stand between the frames of another
    ENGINE_SIGNALS_WAIT = 8
    ENGINE_MASKED = 16          # bodies that arrive have to be unmasked
    ENGINE_CLOSES = 32          # the end of a connection is said: SIGNAL_CLOSE, behind which nothing may follow
    # no size that arrives ends the connection: what is too large was dropped before
    ENGINE_DATAGRAMS = 64

cdef enum:
    # No engine adds more than this to the body of a frame or the data of a signal.
    ENGINE_OVERHEAD = 320

# A frame on the wire: `header` bytes, then a body of `size` bytes. Every wire is told of in the terms of ZMTP.
ctypedef frame_t engine_frame_t

cdef enum:
    ENGINE_MORE = FRAME_MORE            # further frames of the same message follow (equal to MSG_MORE)
    ENGINE_SIGNAL = FRAME_COMMAND       # the body is a signal
    ENGINE_PIECE = 64                   # the body is a piece of a frame's: for `piece`

# What two engines tell each other beside messages.
ctypedef command_t signal_t

cdef enum:
    SIGNAL_PING = CMD_PING              # ttl_ds, and data that the answer returns
    SIGNAL_PONG = CMD_PONG
    SIGNAL_SUBSCRIBE = CMD_SUBSCRIBE    # data is the topic
    SIGNAL_CANCEL = CMD_CANCEL
    SIGNAL_SEGMENT = CMD_SEGMENT        # of an engine that is `plain`, to a peer that has announced it: session/shared.pxd
    SIGNAL_BLOCK = CMD_BLOCK
    # No command of ZMTP, and only with ENGINE_CLOSES. It is answered with one of the same data
    SIGNAL_CLOSE = 64
    # With ENGINE_DATAGRAMS: what came was no message. It is counted
    SIGNAL_NOISE = 65

ctypedef hs_config_t engine_who_t

# All borrowed for the time of engine_new().
cdef struct engine_config_t:
    engine_who_t who            # this side: its type, routing id, properties, mechanism
    bint connects               # this side has made the connection
    # What a wire that begins with a request asks for, and of whom
    const char *host
    size_t host_size
    const char *path
    size_t path_size
    int (*random)(void *out, size_t n) noexcept nogil       # bytes fit for keys; 0 or a negative errno

ctypedef mechanism_zap_t engine_zap_t
ctypedef security_t engine_security_t
ctypedef crypto_t engine_crypto_t

cdef enum:
    ENGINE_CREDENTIALS_MAX = MECHANISM_CREDENTIALS_MAX

# Who is at the other end: valid from ENGINE_READY to settle().
cdef struct engine_peer_t:
    metadata_t *properties              # NULL: none. Whoever wants to keep the reference sets it to NULL
    const unsigned char *routing_id
    size_t routing_id_size
    const unsigned char *key            # that the peer has proved to have, CURVE_KEY_SIZE bytes; NULL: none
    bint expected                       # it has proved to be the one that it had to be
    bint unversioned                    # of the kind that never sends its subscriptions: ZMTP/1.0, datagrams
    size_t message_max                  # bytes of a message that can be carried; 0: no limit


cdef struct engine_t


# Every operation but the ones marked is set in every table.
cdef struct engine_ops_t:
    # Releases everything the engine holds, not the struct itself. Called once, at any time.
    void (*free)(engine_t *e) noexcept nogil

    # ---- beginning

    # Takes bytes of the peer (n may be 0, p NULL then: go on with what has been said before). *used tells how many. ENGINE_..., or a
    # negative errno: the connection is over, `event` and `event_value` say what a monitor hears of it. What waits in
    # `out` may still be sent. It is called again after ENGINE_READY as long as not all of `out` has left: it takes nothing then, and
    # says the same.
    int (*feed)(engine_t *e, const unsigned char *p, size_t n, size_t *used) noexcept nogil
    # The first n bytes of `out` have left.
    void (*sent)(engine_t *e, size_t n) noexcept nogil
    # After ENGINE_AUTHENTICATE; an engine that never says so needs neither of these two. What to ask the ZAP handler; borrowed until
    # zap_reply().
    void (*zap_request)(engine_t *e, engine_zap_t *request) noexcept nogil
    # Its status code, or a negative errno when no answer can come. 0: feed again; with an `event` the peer is refused, and
    # will leave. Or a negative errno, as feed().
    int (*zap_reply)(engine_t *e, int status) noexcept nogil
    # Frees what only the beginning needed. `peer` and `out` are invalid from here on.
    void (*settle)(engine_t *e) noexcept nogil

    # ---- traffic out

    # A whole frame of a body of n bytes into n + ENGINE_OVERHEAD bytes. Its length, or a negative errno: nothing was
    # written, and the engine is as before if it is -ENOMEM.
    ptrdiff_t (*small_put)(engine_t *e, int flags, const unsigned char *body, size_t n,
                           unsigned char *out) noexcept nogil
    # The header of a large frame, into ENGINE_OVERHEAD bytes; its length or a negative errno. The body follows from
    # memory of its own: m's payload as it is, or, with ENGINE_OPAQUE only, a new message in *body (MSG_EMPTY when
    # called). m remains the caller's.
    ptrdiff_t (*large_put)(engine_t *e, msg_t *m, unsigned char *out, msg_t *body) noexcept nogil
    # Where in a whole frame of n bytes, written by small_put, the body begins. Not called with ENGINE_OPAQUE or
    # ENGINE_STREAM.
    size_t (*body_at)(engine_t *e, const unsigned char *frame, size_t n) noexcept nogil
    # A body of n bytes that small_put or large_put wrote behind the header `frame`, in place, as it was before. NULL: it
    # is.
    void (*reveal)(engine_t *e, const unsigned char *frame, unsigned char *body, size_t n) noexcept nogil
    # SIGNAL_... into n + ENGINE_OVERHEAD bytes. Its length, 0 if this wire has nothing of the kind, or a negative errno
    # as small_put.
    ptrdiff_t (*signal_put)(engine_t *e, int kind, uint32_t ttl_ds, const unsigned char *data, size_t n,
                            unsigned char *out) noexcept nogil

    # ---- traffic in

    # Reads the header of the frame at p; n is at least 1. 1: *f is filled, its body may not be here yet; 0: more bytes
    # needed; negative errno.
    int (*frame_get)(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil
    # ENGINE_MASKED only: a whole body, in place. Once for each frame, after its frame_get and before the next one's.
    void (*unmask)(engine_t *e, unsigned char *body, size_t n) noexcept nogil
    # ENGINE_OPAQUE only: a whole body, once for each frame, in the order of arrival. May work in place; *plain points
    # into body. 0 or negative errno.
    int (*frame_open)(engine_t *e, unsigned char *body, size_t n, int *flags, unsigned char **plain,
                      size_t *size) noexcept nogil
    # Takes a body that came with ENGINE_PIECE, as it was before it was masked. 0: there are more to come; 1: that was the
    # last, *whole (MSG_EMPTY when called) is the caller's and holds all of them, *flags say what they are. limit: of the
    # whole's size. With ENGINE_OPAQUE it is no MSG_INLINE, and goes through frame_open(). Or a negative errno. NULL: this wire
    # has no pieces.
    int (*piece)(engine_t *e, const unsigned char *body, size_t n, uint64_t limit, int *flags, msg_t *whole) noexcept nogil
    # Reads a body that came with ENGINE_SIGNAL, before the next frame_get. An unknown signal is of kind 0. 0, or a negative errno that ends the
    # connection.
    int (*signal_get)(engine_t *e, const unsigned char *body, size_t n, signal_t *g) noexcept nogil


# The common start of every engine's own struct.
cdef struct engine_t:
    engine_ops_t ops
    uint32_t traits
    # frames are those of ZMTP 2.0 to 3.1 as they are: engine/select.pxd has an inline path for them
    bint plain
    const unsigned char *out            # what the beginning wants sent
    size_t out_size
    engine_peer_t peer
    int event                           # what a monitor shall hear of a failure; 0: nothing
    uint32_t event_value


cdef inline void engine_forget_beginning(engine_t *e) noexcept nogil:
    """What settle() leaves nothing of, in an engine that has a peer to tell of."""
    metadata_unref(e.peer.properties)
    e.peer.properties = NULL
    e.peer.routing_id = NULL
    e.peer.routing_id_size = 0
    e.peer.key = NULL
    e.out = NULL
    e.out_size = 0


cdef inline void signal_of_group(signal_t *g) noexcept nogil:
    """For a socket whose subscriptions are groups: a subscription means nothing to a RADIO, and a join nothing to a
    publisher."""
    if g.kind == SIGNAL_SUBSCRIBE or g.kind == SIGNAL_CANCEL:
        g.kind = 0
    elif g.kind == CMD_JOIN:
        g.kind = SIGNAL_SUBSCRIBE
    elif g.kind == CMD_LEAVE:
        g.kind = SIGNAL_CANCEL
