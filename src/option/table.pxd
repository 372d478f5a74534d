# The option tables as Cython sees them: what a row says, the record of a socket's options, and the look-up.
#
# Rules
# - Each thing is written down once, in the headers; here are the names that Cython code uses.
# - Outside this room and the tests nobody needs the number of an option.

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

cdef extern from "option/row.h" nogil:
    enum:
        OPTION_UNKNOWN
        OPTION_INT
        OPTION_INT64
        OPTION_BYTES
        OPTION_TEXT
        OPTION_KEY
    enum:
        KEEP_NOTHING
        KEEP_INT
        KEEP_FLAG
        KEEP_INT64
        KEEP_BYTES
        KEEP_LIST
    enum:
        RULE_INVERSE
        RULE_TENTHS
        RULE_CLIP
        RULE_VERBOSE
        RULE_VERBOSER
        RULE_MANUAL
        RULE_LAST_VALUE
        RULE_PROPERTY
        RULE_FILTER
        RULE_TYPE
        RULE_INCLUDE
        RULE_EXCLUDE
        RULE_MECHANISM
        RULE_CLIENT
        RULE_SERVER
    enum:
        ACTION_SUBSCRIBE
        ACTION_CANCEL
        ACTION_SUBSCRIBE_EXACT
        ACTION_CANCEL_EXACT
        ACTION_EXCLUDE
        ACTION_INCLUDE
        ACTION_MARKS
        ACTION_OVERFLOW
        ACTION_RCVMORE
        ACTION_FD
        ACTION_EVENTS
        ACTION_TOPICS_COUNT
        ACTION_LAST_ENDPOINT
        ACTION_THREAD_SAFE
    enum:
        OPTION_ABSENT
        OPTION_CONSTANT
        OPTION_NULL_UNSETS
        OPTION_ROOMY
        OPTION_BY_API
        OPTION_CRYPTO
        OPTION_TAKEN
        OPTION_GSS
    enum:
        ON_ALL
    enum:
        WHEN_CALL
    const char *const option_when[]
    ctypedef struct option_row_t:
        const char *name
        const char *unit
        const char *doc
        int64_t initial
        int64_t lowest
        int64_t highest
        uint32_t set_on
        uint32_t get_on
        uint32_t zero_on
        uint32_t manual_on
        int number
        uint16_t offset
        uint16_t item
        unsigned char kind
        unsigned char keep
        unsigned char rule
        unsigned char on_set
        unsigned char on_get
        unsigned char when
        unsigned char flags
    ctypedef struct option_bytes_t:
        unsigned char *data
        size_t size
    ctypedef struct option_list_t:
        void *items
        uint32_t count

cdef extern from "option/record.h" nogil:
    enum:
        IO_BLOCK
        IO_ADAPTIVE
        IO_SPIN
    enum:
        OVERFLOW_DEFAULT
        OVERFLOW_WAIT
        OVERFLOW_DROP_NEWEST
        OVERFLOW_DROP_OLDEST
        OVERFLOW_REFUSE
    enum:
        RECONNECT_STOP_CONN_REFUSED
        RECONNECT_STOP_HANDSHAKE_FAILED
        RECONNECT_STOP_AFTER_DISCONNECT
        NOTIFY_CONNECT
        NOTIFY_DISCONNECT
    ctypedef struct options_t:
        uint64_t affinity
        int64_t maxmsgsize
        int64_t max_message_bytes
        int linger
        int sndhwm
        int rcvhwm
        int64_t sndhwm_bytes
        int64_t rcvhwm_bytes
        int overflow
        int sndtimeo
        int rcvtimeo
        int io_strategy
        int in_batch_size
        int out_batch_size
        int conflate
        int max_pending_handshakes
        int max_peers
        int max_message_frames
        int max_subscriptions
        int immediate
        int reconnect_ivl
        int reconnect_ivl_max
        int reconnect_stop
        int connect_timeout
        int backlog
        int handshake_ivl
        int heartbeat_ivl
        int heartbeat_ttl
        int heartbeat_timeout
        int ipv6
        int64_t shared_memory
        int shared_memory_any_user
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
        int ipc_file_mode
        int ipc_file_uid
        int ipc_file_gid
        int loopback_fastpath
        int multicast_hops
        int multicast_loop
        int multicast_maxtpdu
        int rate
        int recovery_ivl
        option_bytes_t bindtodevice
        option_bytes_t socks_proxy
        option_bytes_t socks_username
        option_bytes_t socks_password
        int mechanism
        int as_server
        int zap_enforce_domain
        option_bytes_t zap_domain
        option_bytes_t plain_username
        option_bytes_t plain_password
        option_bytes_t curve_publickey
        option_bytes_t curve_secretkey
        option_bytes_t curve_serverkey
        option_bytes_t gssapi_principal
        option_bytes_t gssapi_service_principal
        int gssapi_principal_nametype
        int gssapi_service_principal_nametype
        int gssapi_plaintext
        option_bytes_t tls_cert_pem
        option_bytes_t tls_key_pem
        option_bytes_t tls_trust_pem
        option_bytes_t tls_hostname
        int tls_trust_system
        int tls_verify_client
        int tls_allow_12
        int compression_level
        option_bytes_t compression_dict
        int router_mandatory
        int router_handover
        int router_notify
        int router_raw
        int stream_notify
        int probe_router
        int req_correlate
        int req_relaxed
        int xpub_verbose
        int xpub_verboser
        int xpub_nodrop
        int xpub_manual
        int xpub_manual_last_value
        int xpub_answer
        int invert_matching
        int only_first_subscribe
        int xsub_verbose_unsubscribe
        option_bytes_t routing_id
        option_bytes_t connect_routing_id
        option_bytes_t xpub_welcome_msg
        option_bytes_t hello_msg
        option_bytes_t disconnect_msg
        option_bytes_t hiccup_msg
        option_bytes_t metadata
        option_list_t tcp_accept_filters
        option_list_t ipc_pid_filters
        option_list_t ipc_uid_filters
        option_list_t ipc_gid_filters

cdef extern from "option/numbers.h" nogil:
    enum:
        OPTION_PUBLIC_END
        OPTION_OWN_FIRST
        OPTION_OWN_END
        OPTIONS_ROOM

cdef extern from "option/table.h" nogil:
    const option_row_t option_table[]       # OPTIONS_ROOM places


cdef inline const option_row_t *option_find(int number) noexcept nogil:
    """The row of a socket's option; NULL for a number that is none."""
    cdef const option_row_t *row = NULL
    if 0 <= number < OPTION_PUBLIC_END:
        row = &option_table[number]
    elif OPTION_OWN_FIRST <= number < OPTION_OWN_END:
        row = &option_table[number - OPTION_OWN_FIRST + OPTION_PUBLIC_END]
    if row != NULL and row.name == NULL:
        return NULL
    return row
