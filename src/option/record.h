/* What the options of a socket are kept in.
 *
 * Rules
 * - options_t is owned by the socket and guarded by the socket lock. It is a plain record: no behaviour, small (one per socket).
 * - Patterns, and the rooms io and socket, read its fields directly. Sessions and transports are handed what they need
 *   (socket/established.pxd, socket/tuning.pxd). It is written through the table (store.pxd).
 */
#ifndef ZMQCORE_OPTION_RECORD_H
#define ZMQCORE_OPTION_RECORD_H
#include "base/limits.h"
#include "option/row.h"

enum { /* values of IO_STRATEGY: what a thread does when its socket has nothing for it */
    IO_BLOCK = 0,    /* waits in the kernel at once */
    IO_ADAPTIVE = 1, /* spins first, as long as spinning has been worth it */
    IO_SPIN = 2,     /* always spins its budget first */
};

enum { /* values of OVERFLOW: what a send does when the queues it is for are full */
    OVERFLOW_DEFAULT = 0, /* as the type does */
    OVERFLOW_WAIT = 1,
    OVERFLOW_DROP_NEWEST = 2,
    OVERFLOW_DROP_OLDEST = 3,
    OVERFLOW_REFUSE = 4,
};

enum { /* bits of RECONNECT_STOP and ROUTER_NOTIFY */
    RECONNECT_STOP_CONN_REFUSED = 1,
    RECONNECT_STOP_HANDSHAKE_FAILED = 2,
    RECONNECT_STOP_AFTER_DISCONNECT = 4,
    NOTIFY_CONNECT = 1,
    NOTIFY_DISCONNECT = 2,
};

enum { /* sizes in bytes */
    ACCEPT_FILTER_MAX = 255,    /* of the text; enough for any numeric address */
    PROPERTY_TEXT_MAX = 1 << 18,/* more than any property that METADATA_MAX lets in */
    HEARTBEAT_TTL_MAX = 6553599, /* PING carries tenths of a second in two bytes */
};

typedef struct options_t {
    /* all sockets */
    uint64_t affinity;
    int64_t maxmsgsize;
    int64_t max_message_bytes;
    int linger;
    int sndhwm;
    int rcvhwm;
    int64_t sndhwm_bytes;
    int64_t rcvhwm_bytes;
    int overflow;
    int sndtimeo;
    int rcvtimeo;
    int io_strategy;
    int in_batch_size;
    int out_batch_size;
    int conflate;
    /* what peers may make the socket hold; 0: no limit */
    int max_pending_handshakes;
    int max_peers;
    int max_message_frames;
    int max_subscriptions;
    /* connections */
    int immediate;
    int reconnect_ivl;
    int reconnect_ivl_max;
    int reconnect_stop;
    int connect_timeout;
    int backlog;
    int handshake_ivl;
    int heartbeat_ivl;
    int heartbeat_ttl;
    int heartbeat_timeout; /* -1: as heartbeat_ivl, see options_heartbeat_timeout() */
    /* descriptors */
    int ipv6;
    int64_t shared_memory; /* bytes of the segment; 0: none */
    int shared_memory_any_user;
    int sndbuf;
    int rcvbuf;
    int tos;
    int priority;
    int busy_poll;
    int tcp_keepalive;
    int tcp_keepalive_cnt;
    int tcp_keepalive_idle;
    int tcp_keepalive_intvl;
    int tcp_maxrt;
    int use_fd;
    int ipc_file_mode;
    int ipc_file_uid;
    int ipc_file_gid;
    int loopback_fastpath;
    int multicast_hops;
    int multicast_loop;
    int multicast_maxtpdu;
    int rate;
    int recovery_ivl;
    option_bytes_t bindtodevice;
    /* the proxy, if connections are made through one */
    option_bytes_t socks_proxy;
    option_bytes_t socks_username;
    option_bytes_t socks_password;
    /* security: what mechanism/security.pxd tells of */
    int mechanism;          /* of the option set last */
    int as_server;
    int zap_enforce_domain;
    option_bytes_t zap_domain;
    option_bytes_t plain_username;
    option_bytes_t plain_password;
    option_bytes_t curve_publickey; /* CURVE_KEY_SIZE bytes, as the others */
    option_bytes_t curve_secretkey;
    option_bytes_t curve_serverkey;
    option_bytes_t gssapi_principal;
    option_bytes_t gssapi_service_principal;
    int gssapi_principal_nametype;
    int gssapi_service_principal_nametype;
    int gssapi_plaintext;
    /* TLS: what transport/tuning.pxd tells of */
    option_bytes_t tls_cert_pem;
    option_bytes_t tls_key_pem;
    option_bytes_t tls_trust_pem;
    option_bytes_t tls_hostname;
    int tls_trust_system;
    int tls_verify_client;
    int tls_allow_12;
    /* lz4+tcp, zstd+tcp */
    int compression_level;
    option_bytes_t compression_dict;
    /* patterns */
    int router_mandatory;
    int router_handover;
    int router_notify;
    int router_raw;
    int stream_notify;
    int probe_router;
    int req_correlate;
    int req_relaxed;
    int xpub_verbose;  /* pass repeated subscriptions up */
    int xpub_verboser; /* pass repeated unsubscriptions up; implies xpub_verbose */
    int xpub_nodrop;
    int xpub_manual;
    int xpub_manual_last_value; /* implies xpub_manual */
    int xpub_answer; /* messages are for one subscriber */
    int invert_matching;
    int only_first_subscribe;
    int xsub_verbose_unsubscribe;
    /* identity and messages sent by the socket itself */
    option_bytes_t routing_id;
    option_bytes_t connect_routing_id; /* one-shot, see options_take_connect_routing_id() */
    option_bytes_t xpub_welcome_msg;
    option_bytes_t hello_msg;
    option_bytes_t disconnect_msg;
    option_bytes_t hiccup_msg;
    option_bytes_t metadata; /* properties as READY carries them: (length byte, name, 4 length bytes, value)* */
    /* whom a bound socket accepts; an empty list accepts everybody */
    option_list_t tcp_accept_filters; /* of cidr_t */
    option_list_t ipc_pid_filters;    /* of uint32_t, as the others */
    option_list_t ipc_uid_filters;
    option_list_t ipc_gid_filters;
} options_t;
#endif
