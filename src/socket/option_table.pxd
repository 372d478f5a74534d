# The options of a socket: their numbers, where each one is kept, and the one table that says which values it takes.
#
# Rules:
#  - `options_t` is owned by the socket and guarded by the socket lock. It is a plain record: no behaviour, small (one per socket).
#  - `option_row()` is the table: one row per option number. Whoever reads or writes an option goes through its row, so a rule
#    (range, socket types, size) is written once. It is a function and not an array because a .pxd has no variables;
#    the C compiler turns it into a jump table.
#  - An option of a feature that is not built in takes its default only (REFUSED, NO_TEXT) and reads back that default.
#    It is never accepted and ignored.
#  - Numbers, defaults and bounds are those a release libzmq answers with (tests/data/sockopt_facts.json); the draft options, which a release
#    refuses, follow libzmq's draft builds. REP takes what ROUTER takes and PUB what XPUB takes, as in libzmq, where the former are made of the latter.

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.limits cimport INT_MAX, INT_MIN
from transport.cidr cimport cidr_t

cdef enum:
    OPT_HWM = 1  # split in two by the Python API; the core does not know it
    OPT_AFFINITY = 4
    OPT_ROUTING_ID = 5
    OPT_SUBSCRIBE = 6
    OPT_UNSUBSCRIBE = 7
    OPT_RATE = 8
    OPT_RECOVERY_IVL = 9
    OPT_SNDBUF = 11
    OPT_RCVBUF = 12
    OPT_RCVMORE = 13
    OPT_FD = 14
    OPT_EVENTS = 15
    OPT_TYPE = 16
    OPT_LINGER = 17
    OPT_RECONNECT_IVL = 18
    OPT_BACKLOG = 19
    OPT_RECONNECT_IVL_MAX = 21
    OPT_MAXMSGSIZE = 22
    OPT_SNDHWM = 23
    OPT_RCVHWM = 24
    OPT_MULTICAST_HOPS = 25
    OPT_RCVTIMEO = 27
    OPT_SNDTIMEO = 28
    OPT_IPV4ONLY = 31
    OPT_LAST_ENDPOINT = 32
    OPT_ROUTER_MANDATORY = 33
    OPT_TCP_KEEPALIVE = 34
    OPT_TCP_KEEPALIVE_CNT = 35
    OPT_TCP_KEEPALIVE_IDLE = 36
    OPT_TCP_KEEPALIVE_INTVL = 37
    OPT_TCP_ACCEPT_FILTER = 38
    OPT_IMMEDIATE = 39
    OPT_XPUB_VERBOSE = 40
    OPT_ROUTER_RAW = 41
    OPT_IPV6 = 42
    OPT_MECHANISM = 43
    OPT_PLAIN_SERVER = 44
    OPT_PLAIN_USERNAME = 45
    OPT_PLAIN_PASSWORD = 46
    OPT_CURVE_SERVER = 47
    OPT_CURVE_PUBLICKEY = 48
    OPT_CURVE_SECRETKEY = 49
    OPT_CURVE_SERVERKEY = 50
    OPT_PROBE_ROUTER = 51
    OPT_REQ_CORRELATE = 52
    OPT_REQ_RELAXED = 53
    OPT_CONFLATE = 54
    OPT_ZAP_DOMAIN = 55
    OPT_ROUTER_HANDOVER = 56
    OPT_TOS = 57
    OPT_IPC_FILTER_PID = 58
    OPT_IPC_FILTER_UID = 59
    OPT_IPC_FILTER_GID = 60
    OPT_CONNECT_ROUTING_ID = 61
    OPT_GSSAPI_SERVER = 62
    OPT_GSSAPI_PRINCIPAL = 63
    OPT_GSSAPI_SERVICE_PRINCIPAL = 64
    OPT_GSSAPI_PLAINTEXT = 65
    OPT_HANDSHAKE_IVL = 66
    OPT_SOCKS_PROXY = 68
    OPT_XPUB_NODROP = 69
    OPT_BLOCKY = 70  # a context option that shares the number space
    OPT_XPUB_MANUAL = 71
    OPT_XPUB_WELCOME_MSG = 72
    OPT_STREAM_NOTIFY = 73
    OPT_INVERT_MATCHING = 74
    OPT_HEARTBEAT_IVL = 75
    OPT_HEARTBEAT_TTL = 76
    OPT_HEARTBEAT_TIMEOUT = 77
    OPT_XPUB_VERBOSER = 78
    OPT_CONNECT_TIMEOUT = 79
    OPT_TCP_MAXRT = 80
    OPT_THREAD_SAFE = 81
    OPT_MULTICAST_MAXTPDU = 84
    OPT_VMCI_BUFFER_SIZE = 85
    OPT_VMCI_BUFFER_MIN_SIZE = 86
    OPT_VMCI_BUFFER_MAX_SIZE = 87
    OPT_VMCI_CONNECT_TIMEOUT = 88
    OPT_USE_FD = 89
    OPT_GSSAPI_PRINCIPAL_NAMETYPE = 90
    OPT_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE = 91
    OPT_BINDTODEVICE = 92
    OPT_ZAP_ENFORCE_DOMAIN = 93
    OPT_LOOPBACK_FASTPATH = 94
    OPT_METADATA = 95
    OPT_MULTICAST_LOOP = 96
    OPT_ROUTER_NOTIFY = 97
    OPT_XPUB_MANUAL_LAST_VALUE = 98
    OPT_SOCKS_USERNAME = 99
    OPT_SOCKS_PASSWORD = 100
    OPT_IN_BATCH_SIZE = 101
    OPT_OUT_BATCH_SIZE = 102
    OPT_WSS_KEY_PEM = 103
    OPT_WSS_CERT_PEM = 104
    OPT_WSS_TRUST_PEM = 105
    OPT_WSS_HOSTNAME = 106
    OPT_WSS_TRUST_SYSTEM = 107
    OPT_ONLY_FIRST_SUBSCRIBE = 108
    OPT_RECONNECT_STOP = 109
    OPT_HELLO_MSG = 110
    OPT_DISCONNECT_MSG = 111
    OPT_PRIORITY = 112
    OPT_BUSY_POLL = 113
    OPT_HICCUP_MSG = 114
    OPT_XSUB_VERBOSE_UNSUBSCRIBE = 115
    OPT_TOPICS_COUNT = 116
    OPT_NORM_MODE = 117
    OPT_NORM_UNICAST_NACK = 118
    OPT_NORM_BUFFER_SIZE = 119
    OPT_NORM_SEGMENT_SIZE = 120
    OPT_NORM_BLOCK_SIZE = 121
    OPT_NORM_NUM_PARITY = 122
    OPT_NORM_NUM_AUTOPARITY = 123
    OPT_NORM_PUSH = 124
    # zmqcore's own, from 9001 on, far from numbers libzmq may still give away
    OPT_IO_STRATEGY = 9001
    OPT_MAX_PENDING_HANDSHAKES = 9002
    OPT_MAX_PEERS = 9003
    OPT_MAX_MESSAGE_FRAMES = 9004
    OPT_MAX_MESSAGE_BYTES = 9005
    OPT_MAX_SUBSCRIPTIONS = 9006

cdef enum:  # values of OPT_IO_STRATEGY: what a thread does when its socket has nothing for it
    IO_BLOCK = 0  # waits in the kernel at once
    IO_ADAPTIVE = 1  # spins first, as long as spinning has been worth it
    IO_SPIN = 2  # always spins its budget first

cdef enum:  # bits of OPT_RECONNECT_STOP and OPT_ROUTER_NOTIFY
    RECONNECT_STOP_CONN_REFUSED = 1
    RECONNECT_STOP_HANDSHAKE_FAILED = 2
    RECONNECT_STOP_AFTER_DISCONNECT = 4
    NOTIFY_CONNECT = 1
    NOTIFY_DISCONNECT = 2

cdef enum:  # sizes
    ROUTING_ID_MAX = 255  # what a ZMTP greeting or READY command can announce
    DEVICE_NAME_MAX = 16  # what libzmq takes; the kernel refuses 16 characters itself, when the device is bound
    ACCEPT_FILTER_MAX = 255  # of the text; enough for any numeric address
    METADATA_NAME_MAX = 255  # one length octet in the READY command
    CURVE_KEY_SIZE = 32
    CURVE_KEY_TEXT_SIZE = 41  # Z85 of 32 octets and its NUL

cdef struct option_bytes_t:  # owned copy; NULL, 0 when unset
    unsigned char *data
    size_t size

cdef struct option_ids_t:  # owned list of process, user or group numbers
    uint32_t *ids
    uint32_t count

cdef struct options_t:
    # all sockets
    uint64_t affinity
    int64_t maxmsgsize
    int64_t max_message_bytes
    int linger
    int sndhwm
    int rcvhwm
    int sndtimeo
    int rcvtimeo
    int io_strategy
    int in_batch_size
    int out_batch_size
    int conflate
    # what peers may make the socket hold; 0: no limit
    int max_pending_handshakes
    int max_peers
    int max_message_frames
    int max_subscriptions
    # connections: copied or read when the next one is made
    int immediate
    int reconnect_ivl
    int reconnect_ivl_max
    int reconnect_stop
    int connect_timeout
    int backlog
    int handshake_ivl
    int heartbeat_ivl
    int heartbeat_ttl  # ms, a multiple of 100
    int heartbeat_ttl_ds  # the same in tenths of a second, as PING carries it
    int heartbeat_timeout  # -1: as heartbeat_ivl, see options_heartbeat_timeout()
    # descriptors
    int ipv6
    int sndbuf
    int rcvbuf
    int tos
    int priority
    int busy_poll
    int tcp_keepalive
    int tcp_keepalive_cnt
    int tcp_keepalive_idle
    int tcp_keepalive_intvl
    int tcp_maxrt
    int use_fd
    int loopback_fastpath
    int bindtodevice_size
    char bindtodevice[17]  # NUL-terminated
    # patterns
    int router_mandatory
    int router_handover
    int router_notify
    int router_raw
    int probe_router
    int req_correlate
    int req_relaxed
    int xpub_verbose  # pass repeated subscriptions up
    int xpub_verboser  # pass repeated unsubscriptions up; implies xpub_verbose
    int xpub_nodrop
    int xpub_manual
    int xpub_manual_last_value  # implies xpub_manual
    int invert_matching
    int only_first_subscribe
    int xsub_verbose_unsubscribe
    # identity and messages sent by the socket itself
    int routing_id_size
    unsigned char routing_id[256]
    option_bytes_t connect_routing_id  # one-shot, see options_take_connect_routing_id()
    option_bytes_t xpub_welcome_msg
    option_bytes_t hello_msg
    option_bytes_t disconnect_msg
    option_bytes_t hiccup_msg
    option_bytes_t metadata  # properties as READY carries them: (length octet, name, 4 length octets, value)*
    # whom a bound socket accepts; an empty list accepts everybody
    cidr_t *tcp_accept_filters  # owned
    uint32_t tcp_accept_filter_count
    option_ids_t ipc_pid_accept_filters
    option_ids_t ipc_uid_accept_filters
    option_ids_t ipc_gid_accept_filters

cdef enum:  # what Python hands over for an option
    KIND_UNKNOWN = 0
    KIND_INT = 1
    KIND_INT64 = 2
    KIND_BYTES = 3

cdef enum:  # how an option is kept
    KEEP_NOTHING  # number known, feature absent: neither set nor get
    KEEP_INT  # int within bounds
    KEEP_FLAG  # int within bounds, kept as 0 or 1
    KEEP_INT64  # any 8 octets
    KEEP_BLOB  # octets of any length, unset by none
    KEEP_ONE_VALUE  # feature absent: the default is the only value
    KEEP_NO_TEXT  # feature absent: empty is the only value
    KEEP_NO_KEY  # feature absent: reads as a key of zeros
    KEEP_CALLER_INT  # the caller answers or acts
    KEEP_CALLER_TEXT
    KEEP_CALLER_SET
    KEEP_TYPE
    KEEP_THREAD_SAFE
    KEEP_ROUTING_ID
    KEEP_DEVICE
    KEEP_IPV4ONLY
    KEEP_HEARTBEAT_TTL
    KEEP_VERBOSE
    KEEP_VERBOSER
    KEEP_MANUAL
    KEEP_MANUAL_LAST_VALUE
    KEEP_CONNECT_ROUTING_ID
    KEEP_ACCEPT_FILTER
    KEEP_IDS
    KEEP_METADATA

cdef enum:  # results of options_set and options_get besides 0 and a negative errno
    OPTION_LIVE = 1  # set: stored, and the caller must apply it to what already runs
    OPTION_ACTION = 2  # nothing stored: the caller acts (set) or answers (get)

cdef enum:  # sets of socket types, one bit per ZeroMQ type number
    ON_NONE = 0
    ON_ALL = 0x7FFFFFFF
    ON_PUB = 1 << 1
    ON_SUB = 1 << 2
    ON_REQ = 1 << 3
    ON_REP = 1 << 4
    ON_DEALER = 1 << 5
    ON_ROUTER = 1 << 6
    ON_XPUB = 1 << 9
    ON_XSUB = 1 << 10
    ON_PUBLISHERS = (1 << 1) | (1 << 9)
    ON_ROUTERS = (1 << 4) | (1 << 6)

cdef struct option_row_t:
    int kind  # KIND_*
    int keep  # KEEP_*
    int set_on  # socket types that can set it
    int get_on  # socket types that can get it
    int lowest  # bounds of an int; KEEP_ONE_VALUE: the value; KEEP_NO_TEXT: empty unsets
    int highest
    int done  # what a successful set returns: 0 or OPTION_LIVE
    void *field  # where it is kept


cdef inline int _row(option_row_t *row, int kind, int keep, int set_on, int get_on, int lowest, int highest, int done, void *field) noexcept nogil:
    row.kind = kind
    row.keep = keep
    row.set_on = set_on
    row.get_on = get_on
    row.lowest = lowest
    row.highest = highest
    row.done = done
    row.field = field
    return kind


cdef inline int _int(option_row_t *row, int *field, int lowest) noexcept nogil:
    """The common case: an int of every socket, bounded below, read when it is needed."""
    return _row(row, KIND_INT, KEEP_INT, ON_ALL, ON_ALL, lowest, INT_MAX, 0, field)


cdef inline int _flag(option_row_t *row, int *field, int lowest, int highest) noexcept nogil:
    return _row(row, KIND_INT, KEEP_FLAG, ON_ALL, ON_ALL, lowest, highest, 0, field)


cdef inline int _pattern(option_row_t *row, int *field, int types) noexcept nogil:
    """A switch of a pattern: any int from 0 on, works at once, cannot be read."""
    return _row(row, KIND_INT, KEEP_FLAG, types, ON_NONE, 0, INT_MAX, OPTION_LIVE, field)


cdef inline int _absent(option_row_t *row, int kind) noexcept nogil:
    return _row(row, kind, KEEP_NOTHING, ON_NONE, ON_NONE, 0, 0, 0, NULL)


cdef inline int _one_value(option_row_t *row, int value) noexcept nogil:
    return _row(row, KIND_INT, KEEP_ONE_VALUE, ON_ALL, ON_ALL, value, value, 0, NULL)


cdef inline int _no_text(option_row_t *row, int empty_unsets) noexcept nogil:
    """`empty_unsets`: an empty text unsets as well; without it an empty text is a value, and only NULL unsets."""
    return _row(row, KIND_BYTES, KEEP_NO_TEXT, ON_ALL, ON_ALL, empty_unsets, 0, 0, NULL)


cdef inline int _blob(option_row_t *row, option_bytes_t *field, int types, int done) noexcept nogil:
    return _row(row, KIND_BYTES, KEEP_BLOB, types, ON_NONE, 0, 0, done, field)


cdef inline int _own(option_row_t *row, int kind, int keep, int set_on, int get_on, int done, void *field) noexcept nogil:
    return _row(row, kind, keep, set_on, get_on, 0, INT_MAX, done, field)


cdef inline int option_row(options_t *o, int option, option_row_t *row) noexcept nogil:
    """Fills `row` for `option` and returns its kind; KIND_UNKNOWN for a number that is no option. Only takes addresses within `o`."""
    # numbers of every socket
    if option == OPT_AFFINITY:
        return _row(row, KIND_INT64, KEEP_INT64, ON_ALL, ON_ALL, 0, 0, 0, &o.affinity)
    elif option == OPT_MAXMSGSIZE:
        return _row(row, KIND_INT64, KEEP_INT64, ON_ALL, ON_ALL, 0, 0, 0, &o.maxmsgsize)
    elif option == OPT_LINGER:
        return _int(row, &o.linger, -1)
    elif option == OPT_SNDHWM:
        return _row(row, KIND_INT, KEEP_INT, ON_ALL, ON_ALL, 0, INT_MAX, OPTION_LIVE, &o.sndhwm)
    elif option == OPT_RCVHWM:
        return _row(row, KIND_INT, KEEP_INT, ON_ALL, ON_ALL, 0, INT_MAX, OPTION_LIVE, &o.rcvhwm)
    elif option == OPT_SNDTIMEO:
        return _int(row, &o.sndtimeo, -1)
    elif option == OPT_RCVTIMEO:
        return _int(row, &o.rcvtimeo, -1)
    elif option == OPT_IO_STRATEGY:
        return _row(row, KIND_INT, KEEP_INT, ON_ALL, ON_ALL, IO_BLOCK, IO_SPIN, OPTION_LIVE, &o.io_strategy)
    elif option == OPT_MAX_PENDING_HANDSHAKES:
        return _int(row, &o.max_pending_handshakes, 0)
    elif option == OPT_MAX_PEERS:
        return _int(row, &o.max_peers, 0)
    elif option == OPT_MAX_MESSAGE_FRAMES:
        return _int(row, &o.max_message_frames, 0)
    elif option == OPT_MAX_MESSAGE_BYTES:
        return _row(row, KIND_INT64, KEEP_INT64, ON_ALL, ON_ALL, 0, 0, 0, &o.max_message_bytes)
    elif option == OPT_MAX_SUBSCRIPTIONS:
        return _row(row, KIND_INT, KEEP_INT, ON_PUBLISHERS, ON_PUBLISHERS, 0, INT_MAX, OPTION_LIVE, &o.max_subscriptions)
    elif option == OPT_IN_BATCH_SIZE:
        return _int(row, &o.in_batch_size, 1)
    elif option == OPT_OUT_BATCH_SIZE:
        return _int(row, &o.out_batch_size, 1)
    elif option == OPT_CONFLATE:
        return _flag(row, &o.conflate, 0, 1)
    # numbers of connections
    elif option == OPT_IMMEDIATE:
        return _flag(row, &o.immediate, 0, 1)
    elif option == OPT_RECONNECT_IVL:
        return _int(row, &o.reconnect_ivl, -1)
    elif option == OPT_RECONNECT_IVL_MAX:
        return _int(row, &o.reconnect_ivl_max, 0)
    elif option == OPT_RECONNECT_STOP:
        return _int(row, &o.reconnect_stop, INT_MIN)
    elif option == OPT_CONNECT_TIMEOUT:
        return _int(row, &o.connect_timeout, 0)
    elif option == OPT_BACKLOG:
        return _int(row, &o.backlog, 0)
    elif option == OPT_HANDSHAKE_IVL:
        return _int(row, &o.handshake_ivl, 0)
    elif option == OPT_HEARTBEAT_IVL:
        return _int(row, &o.heartbeat_ivl, 0)
    elif option == OPT_HEARTBEAT_TTL:
        return _own(row, KIND_INT, KEEP_HEARTBEAT_TTL, ON_ALL, ON_ALL, 0, &o.heartbeat_ttl)
    elif option == OPT_HEARTBEAT_TIMEOUT:
        return _int(row, &o.heartbeat_timeout, 0)
    # numbers of descriptors
    elif option == OPT_IPV6:
        return _flag(row, &o.ipv6, 0, 1)
    elif option == OPT_IPV4ONLY:
        return _own(row, KIND_INT, KEEP_IPV4ONLY, ON_ALL, ON_ALL, 0, &o.ipv6)
    elif option == OPT_SNDBUF:
        return _int(row, &o.sndbuf, -1)
    elif option == OPT_RCVBUF:
        return _int(row, &o.rcvbuf, -1)
    elif option == OPT_TOS:
        return _int(row, &o.tos, 0)
    elif option == OPT_PRIORITY:
        return _int(row, &o.priority, 0)
    elif option == OPT_BUSY_POLL:
        return _int(row, &o.busy_poll, INT_MIN)
    elif option == OPT_TCP_KEEPALIVE:
        return _row(row, KIND_INT, KEEP_INT, ON_ALL, ON_ALL, -1, 1, 0, &o.tcp_keepalive)
    elif option == OPT_TCP_KEEPALIVE_CNT:
        return _int(row, &o.tcp_keepalive_cnt, -1)
    elif option == OPT_TCP_KEEPALIVE_IDLE:
        return _int(row, &o.tcp_keepalive_idle, -1)
    elif option == OPT_TCP_KEEPALIVE_INTVL:
        return _int(row, &o.tcp_keepalive_intvl, -1)
    elif option == OPT_TCP_MAXRT:
        return _int(row, &o.tcp_maxrt, 0)
    elif option == OPT_USE_FD:
        return _int(row, &o.use_fd, -1)
    elif option == OPT_LOOPBACK_FASTPATH:
        return _flag(row, &o.loopback_fastpath, INT_MIN, INT_MAX)
    elif option == OPT_BINDTODEVICE:
        return _own(row, KIND_BYTES, KEEP_DEVICE, ON_ALL, ON_ALL, 0, NULL)
    # switches of patterns
    elif option == OPT_ROUTER_MANDATORY:
        return _pattern(row, &o.router_mandatory, ON_ROUTERS)
    elif option == OPT_ROUTER_HANDOVER:
        return _pattern(row, &o.router_handover, ON_ROUTERS)
    elif option == OPT_ROUTER_RAW:
        return _row(row, KIND_INT, KEEP_FLAG, ON_ROUTERS, ON_NONE, 0, 0, 0, &o.router_raw)     # off; on is not built in
    elif option == OPT_ROUTER_NOTIFY:
        return _row(row, KIND_INT, KEEP_INT, ON_ROUTER, ON_ALL, 0, NOTIFY_CONNECT | NOTIFY_DISCONNECT, OPTION_LIVE, &o.router_notify)
    elif option == OPT_PROBE_ROUTER:
        return _pattern(row, &o.probe_router, ON_ROUTERS | ON_REQ | ON_DEALER)
    elif option == OPT_REQ_CORRELATE:
        return _pattern(row, &o.req_correlate, ON_REQ)
    elif option == OPT_REQ_RELAXED:
        return _pattern(row, &o.req_relaxed, ON_REQ)
    elif option == OPT_XPUB_VERBOSE:
        return _own(row, KIND_INT, KEEP_VERBOSE, ON_PUBLISHERS, ON_NONE, OPTION_LIVE, NULL)
    elif option == OPT_XPUB_VERBOSER:
        return _own(row, KIND_INT, KEEP_VERBOSER, ON_PUBLISHERS, ON_NONE, OPTION_LIVE, NULL)
    elif option == OPT_XPUB_NODROP:
        return _pattern(row, &o.xpub_nodrop, ON_PUBLISHERS)
    elif option == OPT_XPUB_MANUAL:
        return _own(row, KIND_INT, KEEP_MANUAL, ON_PUBLISHERS, ON_NONE, OPTION_LIVE, NULL)
    elif option == OPT_XPUB_MANUAL_LAST_VALUE:
        return _own(row, KIND_INT, KEEP_MANUAL_LAST_VALUE, ON_PUBLISHERS, ON_NONE, OPTION_LIVE, NULL)
    elif option == OPT_ONLY_FIRST_SUBSCRIBE:
        return _pattern(row, &o.only_first_subscribe, ON_PUBLISHERS | ON_XSUB)
    elif option == OPT_XSUB_VERBOSE_UNSUBSCRIBE:
        return _row(row, KIND_INT, KEEP_FLAG, ON_XSUB, ON_NONE, INT_MIN, INT_MAX, OPTION_LIVE, &o.xsub_verbose_unsubscribe)
    elif option == OPT_INVERT_MATCHING:
        return _row(row, KIND_INT, KEEP_FLAG, ON_ALL, ON_ALL, INT_MIN, INT_MAX, OPTION_LIVE, &o.invert_matching)
    # octets
    elif option == OPT_ROUTING_ID:
        return _own(row, KIND_BYTES, KEEP_ROUTING_ID, ON_ALL, ON_ALL, 0, NULL)
    elif option == OPT_CONNECT_ROUTING_ID:
        return _own(row, KIND_BYTES, KEEP_CONNECT_ROUTING_ID, ON_ROUTERS, ON_NONE, 0, &o.connect_routing_id)
    elif option == OPT_XPUB_WELCOME_MSG:
        return _blob(row, &o.xpub_welcome_msg, ON_PUBLISHERS, OPTION_LIVE)
    elif option == OPT_HELLO_MSG:
        return _blob(row, &o.hello_msg, ON_ROUTER | ON_DEALER, 0)
    elif option == OPT_DISCONNECT_MSG:
        return _blob(row, &o.disconnect_msg, ON_ROUTER, 0)
    elif option == OPT_HICCUP_MSG:
        return _blob(row, &o.hiccup_msg, ON_DEALER, 0)
    elif option == OPT_METADATA:
        return _own(row, KIND_BYTES, KEEP_METADATA, ON_ALL, ON_NONE, 0, &o.metadata)
    # whom a bound socket accepts
    elif option == OPT_TCP_ACCEPT_FILTER:
        return _own(row, KIND_BYTES, KEEP_ACCEPT_FILTER, ON_ALL, ON_NONE, 0, NULL)
    elif option == OPT_IPC_FILTER_PID:
        return _own(row, KIND_INT, KEEP_IDS, ON_ALL, ON_NONE, 0, &o.ipc_pid_accept_filters)
    elif option == OPT_IPC_FILTER_UID:
        return _own(row, KIND_INT, KEEP_IDS, ON_ALL, ON_NONE, 0, &o.ipc_uid_accept_filters)
    elif option == OPT_IPC_FILTER_GID:
        return _own(row, KIND_INT, KEEP_IDS, ON_ALL, ON_NONE, 0, &o.ipc_gid_accept_filters)
    # what the caller does or knows
    elif option in (OPT_SUBSCRIBE, OPT_UNSUBSCRIBE):
        return _own(row, KIND_BYTES, KEEP_CALLER_SET, ON_SUB | ON_XPUB, ON_NONE, 0, NULL)
    elif option in (OPT_RCVMORE, OPT_FD, OPT_EVENTS):
        return _own(row, KIND_INT, KEEP_CALLER_INT, ON_NONE, ON_ALL, 0, NULL)
    elif option == OPT_TOPICS_COUNT:
        return _own(row, KIND_INT, KEEP_CALLER_INT, ON_NONE, ON_PUBLISHERS | ON_SUB | ON_XSUB, 0, NULL)
    elif option == OPT_LAST_ENDPOINT:
        return _own(row, KIND_BYTES, KEEP_CALLER_TEXT, ON_NONE, ON_ALL, 0, NULL)
    elif option == OPT_TYPE:
        return _own(row, KIND_INT, KEEP_TYPE, ON_NONE, ON_ALL, 0, NULL)
    elif option == OPT_THREAD_SAFE:
        return _own(row, KIND_INT, KEEP_THREAD_SAFE, ON_NONE, ON_ALL, 0, NULL)
    # features that are not built in, but whose defaults a release libzmq reads back
    elif option == OPT_MECHANISM:
        return _row(row, KIND_INT, KEEP_ONE_VALUE, ON_NONE, ON_ALL, 0, 0, 0, NULL)
    elif option in (OPT_PLAIN_SERVER, OPT_CURVE_SERVER, OPT_ZAP_ENFORCE_DOMAIN):
        return _one_value(row, 0)
    elif option in (OPT_PLAIN_USERNAME, OPT_PLAIN_PASSWORD, OPT_SOCKS_PROXY):
        return _no_text(row, 0)
    elif option in (OPT_ZAP_DOMAIN, OPT_SOCKS_USERNAME, OPT_SOCKS_PASSWORD):
        return _no_text(row, 1)
    elif option in (OPT_CURVE_PUBLICKEY, OPT_CURVE_SECRETKEY, OPT_CURVE_SERVERKEY):
        return _own(row, KIND_BYTES, KEEP_NO_KEY, ON_NONE, ON_ALL, 0, NULL)
    elif option == OPT_RATE:
        return _one_value(row, 100)
    elif option == OPT_RECOVERY_IVL:
        return _one_value(row, 10000)
    elif option in (OPT_MULTICAST_HOPS, OPT_MULTICAST_LOOP):
        return _one_value(row, 1)
    elif option == OPT_MULTICAST_MAXTPDU:
        return _one_value(row, 1500)
    # numbers that only have a kind
    elif option in (
        OPT_HWM, OPT_BLOCKY, OPT_STREAM_NOTIFY, OPT_GSSAPI_SERVER, OPT_GSSAPI_PLAINTEXT, OPT_GSSAPI_PRINCIPAL_NAMETYPE,
        OPT_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, OPT_VMCI_CONNECT_TIMEOUT, OPT_WSS_TRUST_SYSTEM, OPT_NORM_MODE, OPT_NORM_UNICAST_NACK,
        OPT_NORM_BUFFER_SIZE, OPT_NORM_SEGMENT_SIZE, OPT_NORM_BLOCK_SIZE, OPT_NORM_NUM_PARITY, OPT_NORM_NUM_AUTOPARITY, OPT_NORM_PUSH,
    ):
        return _absent(row, KIND_INT)
    elif option in (OPT_GSSAPI_PRINCIPAL, OPT_GSSAPI_SERVICE_PRINCIPAL, OPT_WSS_KEY_PEM, OPT_WSS_CERT_PEM, OPT_WSS_TRUST_PEM, OPT_WSS_HOSTNAME):
        return _absent(row, KIND_BYTES)
    elif option in (OPT_VMCI_BUFFER_SIZE, OPT_VMCI_BUFFER_MIN_SIZE, OPT_VMCI_BUFFER_MAX_SIZE):
        return _absent(row, KIND_INT64)
    else:
        return _absent(row, KIND_UNKNOWN)
