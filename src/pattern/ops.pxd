# pattern_t, the routing state of one socket, and pattern_ops_t, the table that makes a socket type of it.
#
# Rules
# - Everything here is used under the lock of the socket. Nothing blocks, reads a clock or knows how a peer is reached.
# - A type is one file that ends with `<type>_ops(ops)`. It sets the name, the peers, the traits and the functions in which it differs from
#   the defaults (defaults.pxd); select.pxd fills the table in by number. No other place knows what a type does; which types
#   have an option stands in the option's row.
# - New input of a pipe is reported only after pipe_front() has said NULL. The fair queue begins by asking; a type that leaves
#   it out reads every pipe once in ready(), as the default does with inproc pipes of types that cannot receive.
# - News of an inproc pipe may wait for the next call of the application; only network connections are served meanwhile. What
#   a type does by itself when input arrives can be as late as that.
# - The table is held by value: C-level modules share no variables.
# - Options are read from the socket's own record when they matter, and may be other ones at the next call.
# - What only one type needs is behind `part`.
# - hooks.close_pipe() may be called from inside any call; the socket ends and detaches the pipe after that call, never inside it.
# - `unfinished`: a receive or events call stopped because it had discarded PATTERN_SKIP_MAX messages (filtered or malformed), not because
#   there was nothing left. No new input will be reported for what is left: the caller must not sleep but do what else it has to (signals,
#   deadlines, other sockets) and call again.

from libc.stdint cimport uint32_t, uint64_t
from libc.stddef cimport size_t
from message.message cimport msg_t
from option.table cimport options_t
from pipe.pipe cimport pipe_t
from pattern.strategies.fair_queue cimport fair_queue_t
from pattern.strategies.load_balance cimport load_balance_t

cdef enum:                      # pattern_ops_t.traits: what others may want to know of a type
    CAN_SEND = 1
    CAN_RECV = 1 << 1
    ANSWERS = 1 << 2            # usually replies to what it receives: more input means that more output is likely to follow soon
    ONE_PEER = 1 << 3           # a second peer is refused while there is one in the load balancer
    CONNECTS_ONCE = 1 << 4      # gains nothing from a second connection to the same endpoint: connecting twice is once
    CONFLATES_IN = 1 << 5       # CONFLATE applies to what it receives,
    CONFLATES_OUT = 1 << 6      # ... to what it sends. Data only: subscriptions travel the other way and must all arrive
    PUBLISHES = 1 << 7          # its peers subscribe: takes subscriptions from the wire
    SENDS_IDENTITY = 1 << 8     # announces its routing id in READY, even an empty one
    SINGLE_FRAME = 1 << 9       # messages have one frame: MORE is refused
    CONNECTS_PEERS = 1 << 10    # connect_peer() tells the number of the peer, disconnect_peer() takes it
    RAW = 1 << 11               # there is no ZMTP on its connections
    SERVES = 1 << 12            # takes the requests of a REQ and answers them: it can be the ZAP handler
    GROUPS = 1 << 13            # a message belongs to a group; peers join and leave groups
    SUBSCRIBES = 1 << 14        # says what it wants to receive, and does not rely on being sent nothing else
    DATAGRAMS = 1 << 15         # a message is a peer's address and a body: it needs a transport of datagrams

    # Values of OVERFLOW that the type can do: one bit for each, WAITS << (value - 1). What it does by default is among them. Where
    # send() is -EAGAIN the front drops what is in the load balancer, unless the type PUBLISHES; otherwise send() sees to it.
    WAITS = 1 << 16             # OVERFLOW_WAIT
    DROPS_NEWEST = 1 << 17      # OVERFLOW_DROP_NEWEST
    DROPS_OLDEST = 1 << 18      # OVERFLOW_DROP_OLDEST
    REFUSES = 1 << 19           # OVERFLOW_REFUSE
    DROPS = DROPS_NEWEST | DROPS_OLDEST

cdef enum:                      # pattern_events()
    PATTERN_IN = 1
    PATTERN_OUT = 2

cdef enum:                      # pipe_t.pattern_flags
    FLAG_UP = 1                 # pattern_ready() came after the last pattern_lost(): there is a peer
    FLAG_ENDED = 2              # pattern_ended() has been here
    FLAG_BUSY = 4               # being read by pattern_in_ready(): a nested report adds nothing
    FLAG_KEYED = 8              # ROUTER, SERVER, PEER: in the routing table
    FLAG_FIXED = 16             # ROUTER: the id was given by CONNECT_ROUTING_ID and outlives connections
    FLAG_WAITING = 32           # ROUTER: another pipe has this peer's id
    FLAG_ATTACHED = 64          # between pattern_attach() and pattern_detach(); nothing here touches another pipe
    FLAG_DISPLACED = 128        # ROUTER: its id has gone to another pipe by a handover; it waits, or has ended since
    FLAG_GREETED = 256          # ROUTER: this connection has had its greetings
    FLAG_NOTICE = 512           # ROUTER: ahead of its next message goes the notice that it is there

cdef enum:
    # Messages discarded in one call before the caller gets to look at anything else: some 50 us of work.
    PATTERN_SKIP_MAX = 1000

cdef enum:
    # What pattern_ops_t.refine adds or takes back.
    REFINE_EXACT = 0            # just this topic
    REFINE_EXCLUDE = 1          # nothing that begins with it

cdef struct pattern_hooks_t:
    void (*close_pipe)(void *owner, pipe_t *p) noexcept nogil
    int (*random)(void *buf, size_t n) noexcept nogil
    # Whether this is the address of a peer as DGRAM has them. 0 or -EINVAL.
    int (*check_address)(const unsigned char *text, size_t n) noexcept nogil
    # A message has found the queue of a peer full (NULL: those of all peers), and more has come of it than that somebody waits: a value of OVERFLOW.
    void (*overflow)(void *owner, pipe_t *p, int what) noexcept nogil

cdef struct pattern_t

# Every entry is set in every table, by the type or by default (defaults.pxd); "default:" says how. The lock of the socket is held by the
# caller throughout, nothing may block, and no entry may call the front (pattern.pxd) back. Entries that get a pipe get one that is attached,
# and the front has updated FLAG_UP and FLAG_ENDED as said here.
cdef struct pattern_ops_t:
    # On the wire: capitals, NUL at the end.
    const char *name
    # The names of the types it talks to, with one space between them. "" for a type that has no ZMTP peer.
    const char *peers
    uint32_t traits

    # Allocates `part`, which the front frees, and what belongs to it. pt.ops, options, owner and hooks are set, all else is zero. 0 or -ENOMEM; then
    # nothing may be left to free but `part`. Default: nothing.
    int (*init)(pattern_t *pt) noexcept nogil
    # All pipes have been detached: frees what `part` owns, not `part` itself. Not called when `part` is NULL. Default: nothing.
    void (*free)(pattern_t *pt) noexcept nogil

    # A new pipe, connected or not; if it is, ready() follows. 0, or the front detaches it again: -ENOMEM, -EEXIST. Default: fair queuing
    # if the type can receive, load balancing if it can send.
    int (*attach)(pattern_t *pt, pipe_t *p) noexcept nogil
    # A connection came up under the pipe, also after each reconnect: p.peer_id is set, FLAG_UP too, and nothing that the ring holds has been
    # sent over it. 0, or the caller closes the connection: -ENOMEM. Default: in_ready() of an inproc
    # pipe if the type cannot receive, and 0.
    int (*ready)(pattern_t *pt, pipe_t *p) noexcept nogil
    # The connection has been lost (FLAG_UP still tells whether there was one); the pipe waits for another. Default: nothing.
    void (*lost)(pattern_t *pt, pipe_t *p) noexcept nogil
    # Nothing more will arrive and nothing can be written, for good; the pipe is out of the load balancer, FLAG_UP still says whether there
    # was a peer. What is queued stays readable, and if nothing is, p.drained() must come of it. Default: by the fair queue.
    void (*ended)(pattern_t *pt, pipe_t *p) noexcept nogil
    # The pipe is about to go, whatever state it is in, also after an attach() that failed half-way; it is out of load balancer and fair queue.
    # Frees what the type has allocated for it. Default: nothing.
    void (*detach)(pattern_t *pt, pipe_t *p) noexcept nogil
    # The pipe may have become readable. May be called while the type is reading this very pipe. Default: tells the fair queue.
    void (*in_ready)(pattern_t *pt, pipe_t *p) noexcept nogil
    # The pipe may have become writable. Default: tells the load balancer.
    void (*out_ready)(pattern_t *pt, pipe_t *p) noexcept nogil

    # One frame. 0: dealt with; the payload is still the caller's if m.kind is not MSG_EMPTY. LB_DROPPED: see pattern.pxd. Negative (-EAGAIN,
    # -EFSM, -EINVAL, -EHOSTUNREACH, -ENOMEM): nothing happened. Default: load balancing; -ENOTSUP without CAN_SEND.
    int (*send)(pattern_t *pt, msg_t *m) noexcept nogil
    # The rest of the message begun will not come: what is sent next begins a message. Returns the pipe it went to for the front to
    # repair or close, NULL if there is none. Default: as load balancing needs it.
    pipe_t *(*abandon)(pattern_t *pt) noexcept nogil
    # One frame, moved into `m`, which owns nothing. 0, -EAGAIN, -EFSM, -ENOMEM. Sets pt.last at the first frame of a message, and
    # pt.unfinished (cleared by the front) as told above. Default: fair queuing; -ENOTSUP without CAN_RECV.
    int (*recv)(pattern_t *pt, msg_t *m) noexcept nogil
    # PATTERN_IN if recv() would give a frame, PATTERN_OUT if send() would take one. pt.unfinished as for recv(). Default: by the queues.
    int (*events)(pattern_t *pt) noexcept nogil
    # The application hears of the PATTERN_IN that events() has just returned: it has been promised a message. Default: nothing.
    void (*told)(pattern_t *pt) noexcept nogil

    # The options SUBSCRIBE and UNSUBSCRIBE. 0, -EINVAL, -ENOMEM. Default: -EINVAL.
    int (*subscribe)(pattern_t *pt, const unsigned char *topic, size_t n, bint add) noexcept nogil
    # What a subscriber asks for beyond prefixes (REFINE_...). 0, -EINVAL, -ENOMEM. Default: -EINVAL.
    int (*refine)(pattern_t *pt, int what, const unsigned char *topic, size_t n, bint add) noexcept nogil
    # join() and leave(). 0, -EINVAL: has joined already, or has not; -ENOMEM. Default: -ENOTSUP.
    int (*join)(pattern_t *pt, const unsigned char *group, size_t n, bint add) noexcept nogil
    # TOPICS_COUNT: distinct topics. Default: -EINVAL.
    int (*topics_count)(pattern_t *pt) noexcept nogil
    # How many peers have subscribed to what a message of that topic (of that group) would be sent to. -EFSM inside a message. Default: -ENOTSUP.
    int (*subscribers)(pattern_t *pt, const unsigned char *topic, size_t n) noexcept nogil
    # CONNECT_ROUTING_ID: for the next pipe attached that is `local`. 0; -EINVAL: wrong size, or in use. Default: -EINVAL.
    int (*set_connect_routing_id)(pattern_t *pt, const unsigned char *id, size_t n) noexcept nogil
    # PATTERN_OUT if the peer of that id can take a message, 0 if not, -EHOSTUNREACH. Default: -ENOTSUP.
    int (*peer_state)(pattern_t *pt, const unsigned char *id, size_t n) noexcept nogil
    # The number that msg_t.routing_id knows this peer by, never 0; and the pipe of a number, NULL if there is none. Default: 0 and NULL.
    uint32_t (*peer_number)(pattern_t *pt, pipe_t *p) noexcept nogil
    pipe_t *(*peer_of_number)(pattern_t *pt, uint32_t number) noexcept nogil

cdef struct pattern_t:
    pattern_ops_t ops
    uint32_t attached           # pipes
    bint rcvmore                # the last frame received has followers
    bint unfinished
    uint64_t nobody             # messages sent for which there was no peer: dropped
    bint told_full              # as pipe_t.told_full, of all peers together
    uint64_t overflowed         # messages sent while the queues of all peers were full: dropped (OVERFLOW)
    uint64_t unread             # messages that the type itself had kept for the application when it closed
    void *part                  # of the type
    pipe_t *last                # where the last frame received came from; NULL when it is gone
    msg_t *group                # of the last message received; NULL: the type has none
    fair_queue_t fq
    load_balance_t lb
    const options_t *options    # of the socket, which lives longer; written under the same lock
    void *owner
    pattern_hooks_t hooks


cdef inline bint pattern_raw_by(const pattern_t *pt, const options_t *o) noexcept nogil:
    """Whether the connections of an endpoint with these options carry raw bytes."""
    return (pt.ops.traits & RAW) != 0 or o.router_raw != 0


cdef inline bint pattern_raw(const pattern_t *pt) noexcept nogil:
    """Messages are those of raw connections: an empty one ends its connection. Older endpoints may carry others."""
    return pattern_raw_by(pt, pt.options)
