# The structs of a context and its sockets.
#
# Locks: socket_t.lock guards everything in socket_t except the words marked atomic. context_t.mutex guards the lists of the context.
# Order: context mutex -> socket lock -> a second socket's lock -> io_thread_t.lock, zap_t.lock, budget_t.lock or resolver_t.mutex -> nothing. A second
# one is taken where inproc joins two sockets (the connecting side's first, under the context mutex) and for the PAIR of a monitor. A thread that holds
# the GIL never waits for any of them.
#
# Life of socket_t: counted references. One is the Python object's, one the context's while the socket is open or lingering, one is held by each end
# of an inproc link (the other end may still notify it), one by each thread that waits in it. A closed socket gives its descriptors back when its last
# session has gone and its last sleeper has left (socket_close_set), however long references of it live.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from base.config cimport RESOLVERS
from base.platform cimport zc_cond_t, zc_lock_t, zc_mutex_t, zc_sockaddr_t, zc_thread_t, zc_wake_t
from compression.libraries cimport lz4_t, zstd_t
from engine.ops cimport ENGINE_CREDENTIALS_MAX, engine_crypto_t, engine_security_t
from message.message cimport msg_t
from option.context_table cimport context_options_t
from option.table cimport options_t
from pattern.ops cimport pattern_t
from pipe.budget cimport account_t, budget_t
from pipe.pipe cimport pipe_t
from pipe.ring cimport ring_t
from reactor.io_thread cimport io_client_t, io_thread_t
from reactor.pollset cimport pollset_t
from session.session cimport session_host_t, session_t, session_terms_t, source_t
from transport.address cimport address_t
from transport.openssl cimport openssl_t
from transport.ops cimport transport_ops_t, visitors_t, TRANSPORT_KINDS
from transport.select cimport transports_t
from transport.socks cimport socks_way_t
from zmtp.metadata cimport metadata_t

cdef enum:
    SOCKET_OPEN = 0
    SOCKET_CLOSING = 1          # the application has closed it; output may still be flushed
    SOCKET_CLOSED = 2           # nothing left but memory

cdef struct endpoint_t
cdef struct policy_t
cdef struct socket_t

# How the endpoints of one kind of transport come and go. The context holds a table for each kind (socket/endpoints.pxd fills them).
cdef struct endpoint_ops_t:
    # No lock held; takes what it needs. 0: the endpoint is the socket's now. Or a negative errno, and it is still the caller's.
    int (*bind)(socket_t *s, endpoint_t *e) noexcept nogil
    int (*connect)(socket_t *s, endpoint_t *e) noexcept nogil
    # unbind, disconnect: it is off the list; the caller frees it afterwards. Context mutex and socket lock held.
    void (*end)(socket_t *s, endpoint_t *e) noexcept nogil
    # The same when its socket is closed: sessions and pipes are taken down by the caller.
    void (*close)(socket_t *s, endpoint_t *e) noexcept nogil

# What its connections say of the socket and demand of peers: one block of memory, with the texts and keys behind it (socket/security.pxd).
cdef struct credentials_t:
    engine_security_t security
    bint enforces               # ZAP_ENFORCE_DOMAIN
    const unsigned char *domain
    size_t domain_size
    const unsigned char *routing_id
    size_t routing_id_size
    size_t size                 # of the block

# The options of an endpoint and of the connections that come of it: socket/terms.pxd.
cdef struct terms_t:
    const options_t *opt        # the socket's, as long as they are the same; else `own`
    options_t *own
    session_terms_t session
    uint32_t refs               # atomic: endpoints, and one while they are those of the next endpoint

cdef struct endpoint_t:
    source_t source             # SOURCE_LISTENER in a poll set
    bint connects               # made by connect, not by bind
    const transport_ops_t *transport    # of the context's tables, as is `ops`
    const endpoint_ops_t *ops
    int fd                      # of a listener
    bint adopted                # USE_FD: the descriptor was the application's
    bint left                   # unbound or disconnected: it is not in the socket's list any more
    bint paused                 # a listener out of descriptors rests until socket_t.retry_due
    char *given                 # as the application wrote it
    char *resolved              # of a listener: with the port or the path that was chosen
    char *told                  # what LAST_ENDPOINT is going to tell; made before anything else happens, so that telling cannot fail
    uint32_t refs               # sessions made through it, and one while it is in the socket's list
    size_t name_size            # of `given`
    size_t address_offset       # of the part behind "scheme://" in `given`
    session_t *session          # of a connecter
    uint32_t *peer_number       # where connect_peer() wants the number of the peer, until it is connected; or NULL
    pipe_t *pipe                # of an inproc connect
    address_t *address          # of a listener
    socks_way_t *way            # through a proxy; NULL: straight
    void *prepared              # what the transport made of the options; its `release` takes it
    visitors_t *visitors        # of a listener: whom the filters let in, as they were at bind(), in one block; NULL: everybody
    terms_t *terms              # the options at bind() or connect(); NULL: neither has come so far
    credentials_t *credentials  # of the options at bind() or connect(); NULL: NULL, without domain and name
    socket_t *socket
    endpoint_t *next
    endpoint_t *registry_next   # context_t.bound

# Both ends of an inproc pipe and the two rings between them.
cdef struct inproc_pair_t:
    ring_t rings[2]             # rings[i] is written by ends[i]; first, because the block begins at a cache line
    pipe_t ends[2]
    uint32_t refs               # atomic: ends not yet detached
    void *memory                # what was allocated
    char *name                  # of a connect that waits for its bind
    inproc_pair_t *pending_next  # context_t.pending
    bint pending
    uint32_t withdrawn          # atomic: its socket has given it up; who finds it in context_t.pending takes it out
    uint32_t hwm_out[2]         # each side's SNDHWM
    uint32_t hwm_in[2]          # each side's RCVHWM
    uint64_t bytes_out[2]       # each side's SNDHWM_BYTES
    uint64_t bytes_in[2]        # each side's RCVHWM_BYTES

# A network pipe with its rings.
cdef struct netpipe_t:
    pipe_t pipe
    metadata_t *props           # of the connection that is gone; while there is a session: its props count
    ring_t in_ring
    ring_t out_ring

cdef struct monitor_t:
    socket_t *pair              # the internal socket that events are sent from
    uint32_t events
    int form                    # MONITOR_ENDPOINT, ...

# What came, went and was dropped: of one peer, or of a socket and all the peers it has had (socket/counters.pxd).
cdef struct counts_t:
    uint64_t messages_in
    uint64_t bytes_in
    uint64_t queued_in
    uint64_t messages_out
    uint64_t bytes_out
    uint64_t queued_out
    # dropped, see zmqcore/statistics.py
    uint64_t full
    uint64_t nobody
    uint64_t lost
    uint64_t lingered
    uint64_t conflated
    uint64_t outdated
    uint64_t filtered
    uint64_t unwanted
    uint64_t unread
    uint64_t refused
    uint64_t overrun
    uint64_t oversized
    uint64_t malformed
    uint64_t full_in
    uint64_t full_out
    uint64_t reads
    uint64_t writes
    uint64_t handed_over
    uint64_t wire_in
    uint64_t wire_out
    uint64_t packets_lost       # of multicast groups
    uint64_t shared_in
    uint64_t shared_out
    uint64_t shared_blocks
    uint64_t connections
    uint64_t disconnections
    uint64_t retries
    uint64_t handshake_failures
    uint32_t failed_event
    uint32_t failed_value

cdef enum:
    # socket_t.fresh: who has seen that nothing waits to be written, the program that looked for input, or the I/O thread.
    FRESH_DRIVEN = 1
    FRESH_SERVED = 2

# Whether the I/O thread writes large frames while the program works: io/overlap.pxd. Times in ns.
cdef struct overlap_t:
    uint64_t left               # when the program last left a call with a large frame; 0 = it has driven the socket since
    uint64_t away               # how long it stays away then: a running mean
    uint32_t waiting            # large messages since the I/O thread has written
    uint32_t lonely             # its looks in a row that found but one of them
    uint32_t skip               # so many are not written in a tempo; how many they were the last time
    uint32_t skipped
    uint32_t handed             # large messages handed over since the last look at the processor; 0 = no look counts
    uint32_t taken              # how often the thread that looked had lost it then
    void *looker
    uint32_t rest               # so many are not handed over; how many they were the last time
    uint32_t rested

cdef struct socket_t:
    zc_lock_t lock
    uint32_t notified           # atomic: check the mailbox, the I/O thread's requests, shutdown before going on
    uint32_t refs               # atomic
    uint32_t fork_generation
    uint32_t state              # written under the lock; atomic (relaxed) for `closed`, which asks without it
    int type
    # hot
    pattern_t pattern
    session_host_t host
    io_client_t client
    int fresh                   # FRESH_...: the next message is the first of a burst: write it at once
    uint64_t wrote              # since FRESH_SERVED: when the last write was over; 0 = unknown
    uint32_t self_flush_streak  # that came before the I/O thread's, lately; counted up to self_flush_limit
    uint32_t self_flush_limit   # so many of them earn trust (SELF_FLUSH_LIMIT)
    uint64_t rest_due           # a timer: whether the socket rests (io/rest.pxd). 0 = not planned
    overlap_t overlap
    bint expecting_out          # a send was refused; tell FD watchers when it could go on
    session_t **sessions
    uint32_t nsessions          # atomic: a receiver of a large frame asks without the lock whether there are any
    uint32_t sessions_room
    # waiting
    uint32_t sleepers           # atomic: threads (or an exported FD) to be woken by other threads
    uint32_t wake_pending       # atomic
    uint32_t wakers             # atomic: threads that may be using the wake-up descriptor without the lock
    uint32_t waiting_threads    # threads waiting for this socket: they hold the lease
    uint32_t blocked            # those of them that are in the kernel, or may go there without looking again
    uint32_t rousing            # of these, how many have yet to see the wake-up: it is not drained before, and nobody goes to sleep
    uint32_t progress           # grows when somebody takes in what others may wait for
    uint32_t epoch              # grows when a session, its descriptor or a listener goes: events collected before are not to be trusted
    pipe_t *mailbox             # atomic stack of inproc ends with news
    bint set_open
    bint fd_exported
    bint helps                  # this thread has taken input in while connections are young: io_help() when the lock is released
    bint level                  # the wake descriptor is held readable for FD watchers
    pollset_t set
    zc_wake_t wake
    source_t wake_source
    # spinning
    uint32_t spin_skip          # waits to go without spinning
    uint32_t spin_backoff
    uint64_t spin_credit        # ns that spins have saved, less what they have lost
    uint64_t cpus_checked
    int cpus
    # everything else
    context_t *ctx
    account_t account           # what its queues hold counts for the limit of the context
    options_t opt
    terms_t *terms              # of the next endpoint; NULL: they are still to be made of `opt`
    endpoint_t *endpoints
    char *last_endpoint
    session_t **heap            # timers: sessions by deadline, 1-based
    uint32_t heap_size
    uint32_t heap_room
    session_t *grave            # dead sessions not yet freed (linked by dirty_next)
    pipe_t **doomed             # pipes to detach after the current call
    uint32_t ndoomed
    uint32_t doomed_room
    pipe_t **pipes              # all attached pipes
    uint32_t npipes
    uint32_t pipes_room
    uint32_t next_pipe_id
    uint32_t next_session_id
    uint64_t retry_due          # a timer: what the system refused (a descriptor, a place in the poll set) is tried again. 0 = nothing was refused
    uint64_t rest_saw           # what had happened when rest_due was planned
    uint32_t rest_progress      # `progress` at the last look
    session_t *pending          # accepted connections within their handshake, the oldest first; its `pending_prev` is the newest
    uint32_t npending
    uint32_t naccepted          # connections accepted and still there, pending ones included
    counts_t counts             # of peers and sessions that are gone
    monitor_t *monitor
    policy_t *policy            # who may come in; NULL: whom the ZAP handler lets in
    bint secured                # by socket_secure(): mechanism and keys are settled
    void (*resolved)(socket_t *s, session_t *x, const address_t *address, int rc, uint64_t now) noexcept nogil
    socket_t *ctx_prev
    socket_t *ctx_next
    bint listed                 # in the context's list
    bint internal               # monitor sockets: not counted as the application's

# A name to look up for a connecting session.
cdef struct lookup_t:
    lookup_t *next
    const transport_ops_t *transport
    socket_t *socket            # counted reference
    uint32_t session_id
    int ipv6
    zc_sockaddr_t behind        # the address tried last, of a name that may have several
    size_t size
    char text[1]

# A context's lookups, and the threads that do them (socket/resolver.pxd). Its mutex guards the rest.
cdef struct resolver_t:
    zc_mutex_t mutex
    zc_cond_t changed
    zc_thread_t threads[RESOLVERS]
    uint32_t started
    uint32_t idle               # of these: they wait for a lookup
    uint32_t waiting            # lookups that no thread has taken yet
    lookup_t *lookups           # they; the oldest first
    bint stop

cdef enum:
    # of a request: delimiter, version, request id, domain, address, identity, mechanism, and the credentials
    ZAP_FRAMES_MAX = 7 + ENGINE_CREDENTIALS_MAX

# A handshake's question to the ZAP handler. Who may touch what: socket/questions.pxd.
cdef struct question_t:
    question_t *next
    question_t *prev
    int state                   # QUESTION_...
    uint64_t number             # the request id
    socket_t *socket            # counted reference; NULL until it is put
    policy_t *policy            # that is asked instead of the ZAP handler, or NULL
    uint32_t session_id
    uint32_t nframes
    msg_t frames[ZAP_FRAMES_MAX]

cdef struct question_list_t:
    question_t *first
    question_t *last

# Who may come in: socket/policy.pxd.
cdef struct policy_t:
    uint32_t refs               # atomic: its socket, and its thread
    int kind                    # POLICY_...
    size_t nkeys
    unsigned char *keys         # CURVE_KEY_SIZE bytes each, in order
    zc_mutex_t mutex            # guards the next two
    zc_cond_t changed
    question_list_t waiting
    bint closed

# How a context asks its ZAP handler: socket/questions.pxd, socket/zap_handler.pxd, socket/authenticate.pxd.
cdef struct zap_t:
    zc_lock_t lock              # guards the next three
    question_list_t waiting
    question_list_t asked
    uint64_t last_number
    uint32_t had_handler        # atomic. The name has been bound, ever; written under context_t.mutex
    inproc_pair_t *link         # to the handler; the first I/O thread's alone. Its first end belongs to no socket

cdef struct context_t:
    zc_mutex_t mutex
    zc_cond_t changed           # a socket left the list
    uint32_t refs               # atomic
    uint32_t shutdown           # atomic
    uint32_t monitor_backlog
    uint32_t fork_generation
    int poller                  # kind of poll set
    context_options_t opt
    budget_t budget             # what the queues of all sockets hold
    engine_crypto_t crypto      # filled once, under the mutex, before the first socket needs it; so are the next three
    openssl_t openssl
    lz4_t lz4
    zstd_t zstd
    transports_t transports     # only read once the context is made, as is the next
    endpoint_ops_t endpoint_ops[TRANSPORT_KINDS]
    # Atomic (relaxed: a stale value costs one spin). Nobody spins before this time: a program that computes has had a processor that was yielded
    uint64_t spin_again
    uint64_t spin_rest          # ... for so long
    # Whose output was left last, and by which thread (io/left_output.pxd). Atomic (relaxed).
    void *left_by
    io_thread_t *left_at
    uint32_t left_slot
    io_thread_t *ios
    uint32_t nios
    bint started
    socket_t *sockets
    uint32_t nsockets
    endpoint_t *bound           # inproc names
    inproc_pair_t *pending      # inproc connects without a bind yet
    zap_t zap
    resolver_t resolver
