# session: one connection, from the first connect or accept to its last byte. It joins a descriptor, an engine and a
# pipe.
#
# A session is a passive state machine. Everything here runs under the lock of the socket that owns it, but for one system
# call (apart.pxd); nothing blocks.
# Time is an argument; the clock itself is read only where there is none, for a peer's TTL and at the end of a closing
# session's last write. What the socket must do about it goes through session_host_t. What the bytes mean is known to the
# engine alone.
#
#   IDLE        no descriptor; a connecting session waits here for its reconnect timer (or for a name to be resolved)
#   CONNECTING  connect() is under way, or the proxy that it has led to makes the connection
#   HANDSHAKE   the transport's own beginning (TLS), then the engine's: who is there, and how to talk
#   READY       messages flow: frames of `rx` into pipe.inr, those of pipe.outr (or straight from the sink) into `tx`
#   DRAINING    closing: everything is written, we wait until the peer's kernel has acknowledged it
#   ENDING      over, for whatever reason; nothing is read or written any more, but nothing has been taken apart yet
#   DEAD        waits to be freed by the socket
#
#   state       event                                    function                             next
#   ------------------------------------------------------------------------------------------------------------------
#   (none)      connect() of the application             connection_new (socket)              IDLE
#   (none)      a listener has accepted                  connection_new, session_start        HANDSHAKE
#   IDLE        reconnect timer, name resolved           host.connect                         CONNECTING, or the next
#   CONNECTING  connected                                session_start                        HANDSHAKE
#   CONNECTING  refused, or connect timer                session_end                          ENDING
#   HANDSHAKE   bytes, as long as the transport begins   session_open                         HANDSHAKE
#   HANDSHAKE   bytes; the engine has all it needs       session_become_ready                 READY
#   HANDSHAKE   the engine asks for authentication       session_authenticate                 HANDSHAKE
#   HANDSHAKE   the answer                               session_authenticated                HANDSHAKE
#   HANDSHAKE   refused, end of stream, handshake timer  session_end                          ENDING
#   READY       bytes, room to write                     session_input, session_flush         READY
#   READY       the transport's own time has come        session_tick                         READY, or ENDING
#   READY       malformed, end of stream, heartbeat due  session_end                          ENDING
#   READY       closing, and all is written              session_try_finish                   DRAINING, or ENDING
#   DRAINING    acknowledged, end of stream, linger due  session_finish                       ENDING
#   any         the application lets go without linger   session_finish                       ENDING
#   ENDING      no call is at work                       session_conclude: host.lost          IDLE (tries again) or DEAD
#   ENDING      the same, after session_finish()         session_conclude: host.finished      DEAD
#
# Who may end a session, and when
# - Any function here may find that the connection is over, however deep in calls: a pattern that reads its pipe makes
#   the session go on decoding (pipe.resume), and that may find a malformed frame in the middle of the pattern's own
#   loop. So nothing is taken apart on the spot. session_end() and session_finish() only write down the reason, set
#   ENDING, and put the session on host.ending.
# - One function takes it apart: session_conclude(). One function calls it: connections_end() of the socket, at the end
#   of a call or between two events, when no session, pattern or pipe is being worked on. Only then host.lost() or
#   host.finished() is called.
# - So descriptor, pipe, engine and buffers of a session stay valid up to the end of the function that was entered with
#   them; after anything that may have called out, a function looks at `state` and leaves the session alone unless it is
#   still what it was.
# - Debug builds count calls that have left the room upwards (host.inside) and check that nothing is taken apart
#   meanwhile.
#
# Files: session.pxd the data; shared.pxd memory shared with the peer; unsent.pxd what a lost connection gives back;
# transmit.pxd output; dirty.pxd who has some; apart.pxd how it leaves, by the I/O thread without the lock if need be;
# receive.pxd input; handshake.pxd the beginning; lifecycle.pxd traffic and the end; events.pxd what a poll set reports; timers.pxd timers and
# heartbeats.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint32_t, uint64_t
from base.config cimport RX_KEPT
from base.datagram cimport datagram_losses_t
from base.errors cimport EINVAL, EMSGSIZE, EPROTO
from base.platform cimport zc_lock_t
from engine.ops cimport engine_t, engine_zap_t
from message.message cimport msg_t, buffer_t
from message.buffer cimport pool_t
from pipe.pipe cimport pipe_t
from shared.mapping cimport mapping_t
from shared.segment cimport shared_segment_t
from transport.address cimport address_t
from transport.ops cimport stream_t
from transport.socks cimport socks_t
from zmtp.metadata cimport metadata_t

cdef enum:
    SESSION_IDLE = 0
    SESSION_CONNECTING = 1
    SESSION_HANDSHAKE = 2
    SESSION_READY = 3
    SESSION_DRAINING = 4
    SESSION_DEAD = 5
    SESSION_ENDING = 6

cdef enum:
    SOURCE_WAKE = 1
    SOURCE_LISTENER = 2
    SOURCE_SESSION = 3

cdef enum:
    # Why a connection ended; decides whether a connecting session tries again.
    END_CLOSED = 1          # by the peer, or the network
    END_TIMEOUT = 2         # handshake or heartbeat timer
    END_PROTOCOL = 3        # malformed, refused, wrong type
    END_CONNECT = 4         # connect() failed

# First member of everything a poll set can point at.
cdef struct source_t:
    int kind

# A large frame in the output: its body is sent from its own memory, behind byte `at` of the tx buffer.
cdef struct outref_t:
    size_t at
    size_t sent
    msg_t body

# Messages in order.
cdef struct msg_list_t:
    msg_t *items
    uint32_t count
    uint32_t room

# Memory shared with the peer; see session/shared.pxd.
cdef struct shared_t:
    shared_segment_t *segment          # ours, that the peer has been shown; counted. NULL: none yet
    int seat                    # the peer's in it
    bint wanted                 # it shall be shown as soon as the output is empty
    bint refused                # no: there is no memory or no seat for it
    uint32_t rest_at            # of the command that shows it, what the kernel has not taken
    uint32_t rest_end
    unsigned char rest[32]      # that command: SEGMENT_DATA, its name and a header
    size_t copied               # bytes since the last write that was asked for
    mapping_t *mapping          # the peer's segment, or NULL
    uint32_t shown              # how many it has shown

# What the options of its endpoint say about a session; shared by all sessions of an endpoint, and written before the first of them is made.
cdef struct session_terms_t:
    uint64_t frame_max          # MAXMSGSIZE or MAX_MESSAGE_BYTES, whichever is less
    uint64_t message_bytes_max
    uint32_t message_frames_max
    uint32_t in_batch           # IN_BATCH_SIZE
    uint32_t out_batch          # OUT_BATCH_SIZE
    uint32_t heartbeat_ivl_ms
    uint32_t heartbeat_timeout_ms
    uint32_t heartbeat_ttl_ds
    uint64_t shared_bytes       # SHARED_MEMORY
    bint shared_any_user        # SHARED_MEMORY_ANY_USER

cdef struct session_t:
    source_t source
    int state
    int mask                    # what the poll set watches now
    bint registered             # in the poll set
    bint want_in
    bint want_out
    bint connecting_side
    bint immediate              # IMMEDIATE when the endpoint was made: each connection has a pipe of its own
    session_host_t *host
    const session_terms_t *terms
    stream_t stream
    void *endpoint
    pipe_t *pipe                # while ENDING it may be read to its end, but takes nothing more in
    uint32_t index              # in the socket's table
    uint32_t timer_index        # in the socket's timer heap, 0 = not in it
    uint64_t deadline           # earliest of the timers below; UINT64_MAX = none

    # input
    buffer_t *rx
    uint32_t rx_pos
    uint32_t rx_end
    uint32_t rx_bulk            # this chunk was filled by large reads: frames may be views of it
    bint rx_more                # inside an incoming message
    msg_t big                   # a frame larger than RX_VIEW_MAX under way (kind MSG_EMPTY: none)
    size_t big_got
    size_t big_room
    uint64_t big_size
    uint64_t big_proven         # the largest frame that has come in full
    uint64_t message_bytes      # of the message of several frames under way, ...
    uint32_t message_frames     # ... this frame included

    # output
    buffer_t *tx
    size_t tx_head
    size_t tx_tail
    size_t tx_limit             # frames end before it; behind it their boundaries are noted (unsent.pxd)
    size_t tx_refbytes          # of bodies by reference not yet sent
    outref_t *refs
    uint32_t nrefs
    uint32_t ref_head
    uint32_t ref_room
    bint tx_blocked             # the kernel takes no more for now
    bint paced                  # the transport has timers: they, and not the poll set, tell when there is room
    bint tx_broken              # writing failed; input decides what happens
    bint tx_dirty               # on host.dirty
    size_t tx_wall              # with so much unsent no further subscription is taken, and the connection is cut
    bint closing                # no more output will be queued; end when all is written
    unsigned char said_farewell     # nothing may follow SIGNAL_CLOSE
    unsigned char tx_more       # the last frame put into tx has MORE
    unsigned char tx_inside     # byte 0 of tx is inside a message whose beginning has left
    msg_list_t kept             # with an engine that is ENGINE_OPAQUE: the messages whose frames are in tx
    msg_list_t held             # subscriptions that wait for the end of the message around them (ENGINE_SIGNALS_WAIT)
    session_t *dirty_next
    session_t *pending_next     # accepted, handshake under way: socket_t.pending
    session_t *pending_prev
    uint64_t pending_since
    shared_t *shared            # NULL: none

    # protocol
    engine_t *engine            # from session_start() to session_conclude()
    void *question              # the host's: what it is asking
    # Truth values, in a byte each: there may be ten thousand sessions in a handshake.
    unsigned char opening       # HANDSHAKE: the transport has not said all it has to say before the engine may
    # HANDSHAKE: the host has the engine's question, session_authenticated() brings the answer
    unsigned char asking
    unsigned char refused       # and the answer keeps the peer out: the monitor has heard, the peer has to leave
    unsigned char has_shown     # the peer had to show who it is (a password, a key, a ticket), and did
    unsigned char hs_failed     # the last connection ended within the handshake
    unsigned char heard         # something arrived since the last look of the timers
    unsigned char counted       # in socket_t.naccepted
    unsigned char finishing     # ENDING for good, without asking what shall become of it
    metadata_t *vouched         # what the host found out about the peer while it was asked, or NULL. Until the end of the connection
    metadata_t *props
    uint64_t handshake_due
    uint64_t connect_due
    uint64_t reconnect_due
    uint64_t next_ping
    uint64_t pong_due
    uint64_t ttl_due
    uint64_t ttl_ns             # of a PING just read, to be turned into ttl_due
    uint64_t linger_due
    uint64_t drain_due          # of a closing connection: when to look at its input
    # the peer has left too much unread: the connection ends with the next look at the timers
    uint64_t cut_due
    uint32_t attempts           # connects since the last success, for the back-off
    uint32_t id                 # never reused within a socket; 0 is none
    char *ends                  # the host's: names of both ends of the connection, for a monitor; NULL if not noted
    char *peer_address          # as the system told it when the connection was made; NULL: it did not, or READY
    # counters of this session's life, all its connections together (socket/statistics.pxd)
    uint64_t reads              # system calls
    uint64_t writes
    uint64_t handed_over        # of these, writes apart
    uint64_t wire_in            # bytes
    uint64_t wire_out
    uint64_t packets_lost       # as the transport has told
    datagram_losses_t losses    # but for those that a stream still counts: session_losses()
    uint64_t shared_in          # bytes of frames through shared memory
    uint64_t shared_out
    uint64_t ping_at            # the PING whose answer is timed; 0 = none
    uint64_t rtt_ns             # of the last one that was; 0 = unknown
    uint32_t pings              # sent, not answered yet
    uint32_t pings_before       # of these, sent before the one that is timed
    uint32_t times_ready
    uint32_t failures           # handshakes that came to nothing; what a monitor heard of the last:
    uint32_t failed_event
    uint32_t failed_value
    int ending_was              # the state before ENDING
    int ending_why              # END_...
    int ending_error
    uint32_t drain_pace         # nanoseconds between the looks of drain_due
    session_t *ending_next
    socks_t *socks              # CONNECTING: what is said to the proxy on the way; NULL: there is none
    address_t *address          # of the attempt of a connecting session, or the last that failed; NULL when READY

# A write without the socket's lock: apart.pxd.
cdef struct apart_t:
    zc_lock_t call              # held during the system call
    session_t *session          # whose output it is; NULL: none, or settled
    size_t tried                # bytes that were offered
    ptrdiff_t result            # of the system call

cdef enum:
    # session_host_t.flush_now: what the end of the call decides.
    FLUSH_LARGE = 1             # a large frame has been put into an output that has room for more
    FLUSH_FIRST = 2             # so it has, and its message is the first after a pause
    FLUSH_FULL = 3              # some output is full

# What a session asks of its socket, and what all sessions of a socket share. Embedded in socket_t.
cdef struct session_host_t:
    pool_t rx_pool
    pool_t tx_pool
    # MSG_PYOBJ: bytes objects with nothing in them yet, for the next large frames of their size
    msg_t spares[2]
    void *kept[RX_KEPT]         # Atomic: bytes objects that were handed out, with a reference, or NULL; api/spares.pxi
    uint32_t kept_next          # which of them makes way; with the GIL
    session_t *dirty            # sessions with output nobody has written yet
    uint32_t dirty_adds         # atomic (relaxed): frames put into outputs; tells the I/O thread that a burst goes on
    uint32_t ndirty             # how many they are
    apart_t apart
    zc_lock_t *lock             # the socket's
    bint serving                # the I/O thread has the lock, and writes large output apart when it has released it
    session_t *ending           # sessions that are over, oldest first; connections_end() takes them apart
    session_t *ending_last
    # debug builds: calls out of a session, or into one from a pattern, that have not returned
    uint32_t inside
    int flush_now               # 0 or FLUSH_...
    uint32_t nsharing           # atomic (relaxed: read without the lock to tell a long copy): sessions that have `shared`
    shared_segment_t *segment          # that is shared now; counted
    bint replan                 # some session's want_in/want_out differs from its mask, or it is on `ending`
    ptrdiff_t view_min          # frames of a read so large may be views of it: RX_BULK, or more than any read
    bint crowded                # more than RX_KEEP_CHUNKS sessions
    bint publishes              # the socket's type understands subscriptions
    void (*connect)(session_t *s, uint64_t now) noexcept nogil      # the reconnect timer says: try now
    void (*unwatch)(session_t *s, int fd) noexcept nogil    # out of the poll set; the descriptor is closed next
    # The engine asks who the peer is. A ZAP status or a negative errno at once, or 0: session_authenticated() will be
    # called with one. Of a negative errno other than -ECONNREFUSED the host has told a monitor.
    int (*authenticate)(session_t *s, const engine_zap_t *request) noexcept nogil
    # Nobody waits for the answer any more.
    void (*withdraw)(session_t *s) noexcept nogil
    void (*ready)(session_t *s, uint64_t now) noexcept nogil
    void (*lost)(session_t *s, int why, int err, uint64_t now) noexcept nogil
    void (*received)(session_t *s) noexcept nogil
    void (*writable)(session_t *s) noexcept nogil
    void (*retime)(session_t *s) noexcept nogil
    void (*event)(session_t *s, uint32_t event, uint64_t value) noexcept nogil
    void (*finished)(session_t *s) noexcept nogil       # a closing session has nothing left to do


cdef inline int session_blame(int rc) noexcept nogil:
    """Why a connection ends that the engine gave up with `rc`. What the peer did it will do again; what went wrong here
    (memory, a ticket, a handler that is away) may go better the next time."""
    return END_PROTOCOL if rc == -EPROTO or rc == -EMSGSIZE or rc == -EINVAL else END_CLOSED


cdef inline size_t session_unsent(session_t *s) noexcept nogil:
    return s.tx_tail - s.tx_head + s.tx_refbytes


cdef inline void session_losses(const session_t *s, datagram_losses_t *to) noexcept nogil:
    """Adds what the stream that is open has counted."""
    if s.stream.fd >= 0 and s.stream.ops.losses != NULL:
        s.stream.ops.losses(&s.stream, to)


cdef inline void session_want(session_t *s, bint want_in, bint want_out) noexcept nogil:
    if s.want_in != want_in or s.want_out != want_out:
        s.want_in = want_in
        s.want_out = want_out
        s.host.replan = True
