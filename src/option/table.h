/* The options of a socket: one row for each.
 *
 * Rules
 * - The table is indexed: option_find() goes straight to the place of a number. Numbers without a row find an empty one.
 * - Defaults and bounds are those a release libzmq answers with (tests/data/sockopt_facts.json); the draft options, which a
 *   release refuses, follow libzmq's draft builds. REP takes what ROUTER takes and PUB what XPUB takes, as in libzmq.
 * - The texts are what help() and docs/options.md say: what the option does, in one or two sentences.
 */
#ifndef ZMQCORE_OPTION_TABLE_H
#define ZMQCORE_OPTION_TABLE_H
#include "base/batch.h"
#include "base/mechanisms.h"
#include "option/numbers.h"
#include "option/record.h"
#include "option/row.h"
#include "transport/cidr.h"

#define PLACE(number) \
    ((int)(number) < (int)OPTION_PUBLIC_END ? (int)(number) : (int)(number) - OPTION_OWN_FIRST + OPTION_PUBLIC_END)
#define ROW(name_, kind_, text, ...) \
    [PLACE(OPT_##name_)] = {.number = OPT_##name_, .name = #name_, .kind = OPTION_##kind_, .doc = text, __VA_ARGS__}
#define AT(field) .offset = offsetof(options_t, field)
#define TYPES(set_, get_) .set_on = ON_##set_, .get_on = ON_##get_
#define RANGE(initial_, lowest_, highest_) .initial = initial_, .lowest = lowest_, .highest = highest_
/* An int that every socket takes and gives. */
#define NUMBER(name_, field, unit_, initial_, lowest_, highest_, when_, text) \
    ROW(name_, INT, text, AT(field), .keep = KEEP_INT, RANGE(initial_, lowest_, highest_), .unit = unit_, \
        TYPES(ALL, ALL), .when = WHEN_##when_)
/* 0 or 1, of every socket. */
#define SWITCH(name_, field, when_, text) \
    ROW(name_, INT, text, AT(field), .keep = KEEP_FLAG, RANGE(0, 0, 1), .unit = "0 or 1", \
        TYPES(ALL, ALL), .when = WHEN_##when_)
/* A switch of some types: on by any int above 0, counts at once, cannot be read. */
#define PATTERN(name_, field, set_, when_, text, ...) \
    ROW(name_, INT, text, AT(field), .keep = KEEP_FLAG, RANGE(0, 0, INT_MAX), .unit = "0 or 1", \
        TYPES(set_, NONE), .when = WHEN_##when_, __VA_ARGS__)
/* A message that the socket sends or delivers by itself; an empty one is none. */
#define MESSAGE(name_, field, set_, when_, text) \
    ROW(name_, BYTES, text, AT(field), .keep = KEEP_BYTES, RANGE(0, 0, INT64_MAX), TYPES(set_, NONE), \
        .when = WHEN_##when_)
/* Choose a mechanism, as its server. */
#define SERVER(name_, mechanism_, flags_, text) \
    ROW(name_, INT, text, .rule = RULE_SERVER, .item = MECHANISM_##mechanism_, .keep = KEEP_FLAG, AT(as_server), \
        RANGE(0, 0, 1), .unit = "0 or 1", TYPES(ALL, ALL), .when = WHEN_CALL, .flags = flags_)
/* A text that a client shows. */
#define CREDENTIAL(name_, field, mechanism_, text) \
    ROW(name_, TEXT, text, AT(field), .keep = KEEP_BYTES, .rule = RULE_CLIENT, .item = MECHANISM_##mechanism_, \
        RANGE(0, 1, SECURITY_TEXT_MAX), TYPES(ALL, ALL), .when = WHEN_CALL, .flags = OPTION_NULL_UNSETS | OPTION_TAKEN)
#define CURVE_KEY(name_, field, get_, rule_, text) \
    ROW(name_, KEY, text, AT(field), .keep = KEEP_BYTES, .rule = RULE_##rule_, .item = MECHANISM_CURVE, \
        RANGE(0, CURVE_KEY_SIZE, CURVE_KEY_TEXT_SIZE + 1), TYPES(ALL, get_), .when = WHEN_CALL, \
        .flags = OPTION_CRYPTO | OPTION_TAKEN)
#define GSSAPI_NAME(name_, field, rule_, text) \
    ROW(name_, TEXT, text, AT(field), .keep = KEEP_BYTES, .rule = RULE_##rule_, .item = MECHANISM_GSSAPI, \
        RANGE(0, 1, SECURITY_TEXT_MAX), TYPES(ALL, ALL), .when = WHEN_CALL, .flags = OPTION_NULL_UNSETS | OPTION_GSS | OPTION_TAKEN)
/* A text of TLS, which may be a secret. None at all takes it back. */
#define PEM(name_, field, most, text) \
    ROW(name_, BYTES, text, AT(field), .keep = KEEP_BYTES, RANGE(0, 0, most), TYPES(ALL, NONE), .when = WHEN_CALL, .flags = OPTION_TAKEN)
/* A feature that is not built in. */
#define ABSENT(name_, kind_, text) ROW(name_, kind_, text, .flags = OPTION_ABSENT)
/* What the socket tells about itself. */
#define ANSWER(name_, kind_, get_, action, text, ...) \
    ROW(name_, kind_, text, TYPES(NONE, get_), .on_get = ACTION_##action, .flags = OPTION_ROOMY, __VA_ARGS__)
#define TYPE_BOUND(name_, action, types_, manual, text) \
    ROW(name_, BYTES, text, RANGE(0, 0, INT64_MAX), .set_on = types_, .manual_on = manual, \
        .on_set = ACTION_##action, .when = WHEN_AT_ONCE)

static const option_row_t option_table[OPTIONS_ROOM] = {
    /* every socket */
    ROW(LINGER, INT,
        "How long messages that are not sent yet are kept after close() and disconnect(); -1: until they are sent.",
        AT(linger), .keep = KEEP_INT, RANGE(-1, -1, INT_MAX), .unit = "milliseconds", TYPES(ALL, ALL),
        .when = WHEN_AT_ONCE, .zero_on = ON_SUBSCRIBERS | ON_DISH),
    ROW(SNDHWM, INT,
        "How many messages may be queued for one peer; 0: any number. What happens then depends on the type: it "
        "waits, or drops.", AT(sndhwm), .keep = KEEP_INT, RANGE(1000, 0, INT_MAX), .unit = "messages",
        TYPES(ALL, ALL), .when = WHEN_AT_ONCE, .on_set = ACTION_MARKS),
    ROW(RCVHWM, INT,
        "How many messages of one peer may wait to be received; 0: any number. Then nothing more is read from that "
        "peer.", AT(rcvhwm), .keep = KEEP_INT, RANGE(1000, 0, INT_MAX), .unit = "messages", TYPES(ALL, ALL),
        .when = WHEN_AT_ONCE, .on_set = ACTION_MARKS),
    ROW(SNDHWM_BYTES, INT64,
        "How many bytes may be queued for one peer, beside SNDHWM: with fewer there is room for another message, whatever its size. 0: any number.",
        AT(sndhwm_bytes), .keep = KEEP_INT64, RANGE(0, 0, INT64_MAX), .unit = "bytes", TYPES(ALL, ALL), .when = WHEN_AT_ONCE, .on_set = ACTION_MARKS),
    ROW(RCVHWM_BYTES, INT64,
        "How many bytes of one peer may wait to be received, beside RCVHWM: with so many nothing more is read from that peer. 0: any number.",
        AT(rcvhwm_bytes), .keep = KEEP_INT64, RANGE(0, 0, INT64_MAX), .unit = "bytes", TYPES(ALL, ALL), .when = WHEN_AT_ONCE, .on_set = ACTION_MARKS),
    ROW(OVERFLOW, INT,
        "What a send does when the queue of its peer is full (SNDHWM, SNDHWM_BYTES): 0 as the type does, 1 it waits, 2 it drops the message, 3 it drops "
        "the oldest ones that are queued, 4 it raises ENOBUFS. A type takes what it can do.", AT(overflow), .keep = KEEP_INT,
        RANGE(OVERFLOW_DEFAULT, OVERFLOW_DEFAULT, OVERFLOW_REFUSE), TYPES(ALL, ALL), .when = WHEN_AT_ONCE, .on_set = ACTION_OVERFLOW),
    ROW(HWM, INT, "SNDHWM and RCVHWM in one. The attribute hwm can be read, too: it is SNDHWM.", RANGE(1000, 0, INT_MAX), .unit = "messages",
        .when = WHEN_AT_ONCE, .flags = OPTION_BY_API),
    NUMBER(SNDTIMEO, sndtimeo, "milliseconds", -1, -1, INT_MAX, AT_ONCE,
        "How long a send waits before it raises Again; 0: not at all, -1: without limit."),
    NUMBER(RCVTIMEO, rcvtimeo, "milliseconds", -1, -1, INT_MAX, AT_ONCE,
        "How long a receive waits before it raises Again; 0: not at all, -1: without limit."),
    ROW(AFFINITY, INT64, "Which I/O threads may serve the socket: bit 0 is the first one; 0: any of them.",
        AT(affinity), .keep = KEEP_INT64, RANGE(0, INT64_MIN, INT64_MAX), .unit = "bits", TYPES(ALL, ALL),
        .when = WHEN_FIRST_ENDPOINT),
    ROW(MAXMSGSIZE, INT64,
        "The largest frame that is accepted: a peer that sends a larger one is disconnected; negative: no limit.",
        AT(maxmsgsize), .keep = KEEP_INT64, RANGE(-1, INT64_MIN, INT64_MAX), .unit = "bytes", TYPES(ALL, ALL),
        .when = WHEN_CALL),
    SWITCH(CONFLATE, conflate, CALL,
        "Keep the newest message only, of each peer and for each peer. PUB, PUSH, PULL, SUB and DEALER heed it."),
    NUMBER(IO_STRATEGY, io_strategy, NULL, IO_ADAPTIVE, IO_BLOCK, IO_SPIN, AT_ONCE,
        "What a thread does before it sleeps in the socket: 0 nothing, 1 it spins as long as that pays, 2 it "
        "always spins a little."),
    ROW(IN_BATCH_SIZE, INT, "How much one read takes from a connection. A larger number is taken as the default.",
        AT(in_batch_size), .keep = KEEP_INT, .rule = RULE_CLIP, RANGE(RX_CHUNK, 1, RX_CHUNK), .unit = "bytes",
        TYPES(ALL, ALL), .when = WHEN_CALL),
    ROW(OUT_BATCH_SIZE, INT,
        "How much output one write of small messages takes; so much is written without waiting for more. A larger "
        "number is taken as the default.", AT(out_batch_size), .keep = KEEP_INT, .rule = RULE_CLIP,
        RANGE(TX_FULL, 1, TX_FULL), .unit = "bytes", TYPES(ALL, ALL), .when = WHEN_CALL),
    /* what peers may make the socket hold */
    NUMBER(MAX_PENDING_HANDSHAKES, max_pending_handshakes, "connections", 0, 0, INT_MAX, CONNECTION,
        "Accepted connections that have not completed their handshake; when one more comes, the oldest is closed. "
        "0: no limit."),
    NUMBER(MAX_PEERS, max_peers, "connections", 0, 0, INT_MAX, CONNECTION,
        "Accepted connections; at the limit the oldest unfinished handshake makes way, or else the newcomer is "
        "closed. 0: no limit."),
    NUMBER(MAX_MESSAGE_FRAMES, max_message_frames, "frames", 0, 0, INT_MAX, CALL,
        "Frames of one incoming message; a peer that sends more is disconnected. 0: no limit."),
    ROW(MAX_MESSAGE_BYTES, INT64,
        "Size of one incoming message, all its frames together; a peer that sends more is disconnected. 0 or less: "
        "no limit.", AT(max_message_bytes), .keep = KEEP_INT64, RANGE(0, INT64_MIN, INT64_MAX), .unit = "bytes",
        TYPES(ALL, ALL), .when = WHEN_CALL),
    ROW(MAX_SUBSCRIPTIONS, INT,
        "Topics that one peer may subscribe to; asking for another one ends its connection. 0: no limit.",
        AT(max_subscriptions), .keep = KEEP_INT, RANGE(0, 0, INT_MAX), .unit = "topics",
        TYPES(PUBLISHERS | ON_RADIO, PUBLISHERS | ON_RADIO), .when = WHEN_AT_ONCE),
    /* connections */
    SWITCH(IMMEDIATE, immediate, CONNECT,
        "Queue messages for completed connections only, not for peers that are still to be reached."),
    NUMBER(RECONNECT_IVL, reconnect_ivl, "milliseconds", 100, -1, INT_MAX, AT_ONCE,
        "Pause before a lost connection is made again, up to twice as long by chance; 0: none, -1: it is not made "
        "again."),
    NUMBER(RECONNECT_IVL_MAX, reconnect_ivl_max, "milliseconds", 0, 0, INT_MAX, AT_ONCE,
        "The pause between attempts doubles from RECONNECT_IVL up to this; 0: it does not grow."),
    NUMBER(RECONNECT_STOP, reconnect_stop, "bits", 0, INT_MIN, INT_MAX, AT_ONCE,
        "When to give up reconnecting: 1 when the peer refuses the connection, 2 when the handshake fails, 4 after "
        "disconnect()."),
    NUMBER(CONNECT_TIMEOUT, connect_timeout, "milliseconds", 0, 0, INT_MAX, CALL,
        "How long an attempt to connect may take; 0: as long as the system lets it."),
    NUMBER(BACKLOG, backlog, "connections", 100, 0, INT_MAX, BIND,
        "How many connections may wait in the kernel to be accepted."),
    NUMBER(HANDSHAKE_IVL, handshake_ivl, "milliseconds", 30000, 0, INT_MAX, CALL,
        "How long the handshake of a new connection may take before it is closed; 0: no limit."),
    NUMBER(HEARTBEAT_IVL, heartbeat_ivl, "milliseconds", 0, 0, INT_MAX, CALL,
        "Time between the PINGs sent to each peer; 0: none are sent."),
    ROW(HEARTBEAT_TTL, INT,
        "What PINGs tell the peer: after so long without one it may close the connection. Kept in tenths of a "
        "second; 0: no limit.", AT(heartbeat_ttl), .keep = KEEP_INT, .rule = RULE_TENTHS,
        RANGE(0, -99, HEARTBEAT_TTL_MAX), .unit = "milliseconds", TYPES(ALL, ALL), .when = WHEN_CALL),
    ROW(HEARTBEAT_TIMEOUT, INT,
        "How long a peer may stay silent after a PING before its connection is closed; unless it is set, "
        "HEARTBEAT_IVL.", AT(heartbeat_timeout), .keep = KEEP_INT, RANGE(-1, 0, INT_MAX), .unit = "milliseconds",
        TYPES(ALL, ALL), .when = WHEN_CALL),
    /* descriptors */
    SWITCH(IPV6, ipv6, CALL, "Use IPv6 addresses as well as IPv4 ones. Its default is the context's IPV6."),
    ROW(IPV4ONLY, INT, "The opposite of IPV6, which replaces it.", AT(ipv6), .keep = KEEP_FLAG, .rule = RULE_INVERSE,
        RANGE(1, 0, 1), .unit = "0 or 1", TYPES(ALL, ALL), .when = WHEN_CALL),
    NUMBER(SNDBUF, sndbuf, "bytes", -1, -1, INT_MAX, CALL,
        "The kernel's send buffer of a connection (SO_SNDBUF); -1: the system's default."),
    NUMBER(RCVBUF, rcvbuf, "bytes", -1, -1, INT_MAX, CALL,
        "The kernel's receive buffer of a connection (SO_RCVBUF); -1: the system's default."),
    NUMBER(TOS, tos, NULL, 0, 0, INT_MAX, CALL, "Type of service of IP packets (IP_TOS, IPV6_TCLASS)."),
    NUMBER(PRIORITY, priority, NULL, 0, 0, INT_MAX, CALL,
        "Priority of packets in this host's queues (SO_PRIORITY, Linux); 0: the system's default."),
    NUMBER(BUSY_POLL, busy_poll, "microseconds", 0, INT_MIN, INT_MAX, CALL,
        "How long the kernel polls the network device for a connection before it waits (SO_BUSY_POLL, Linux); 0: "
        "the system's default."),
    NUMBER(TCP_KEEPALIVE, tcp_keepalive, NULL, -1, -1, 1, CALL,
        "TCP keep-alive: 0 off, 1 on, -1 the system's default."),
    NUMBER(TCP_KEEPALIVE_CNT, tcp_keepalive_cnt, "probes", -1, -1, INT_MAX, CALL,
        "Keep-alive probes without an answer after which a connection is lost; -1: the system's default. Needs "
        "TCP_KEEPALIVE 1."),
    NUMBER(TCP_KEEPALIVE_IDLE, tcp_keepalive_idle, "seconds", -1, -1, INT_MAX, CALL,
        "Silence before the first keep-alive probe; -1: the system's default. Needs TCP_KEEPALIVE 1."),
    NUMBER(TCP_KEEPALIVE_INTVL, tcp_keepalive_intvl, "seconds", -1, -1, INT_MAX, CALL,
        "Time between keep-alive probes; -1: the system's default. Needs TCP_KEEPALIVE 1."),
    NUMBER(TCP_MAXRT, tcp_maxrt, "milliseconds", 0, 0, INT_MAX, CALL,
        "How long sent data may stay unacknowledged before a connection is lost (TCP_USER_TIMEOUT on Linux); 0: "
        "the system's default."),
    NUMBER(USE_FD, use_fd, "descriptor", -1, -1, INT_MAX, BIND,
        "A listening descriptor of the application that bind() uses instead of a new one; -1: none."),
    NUMBER(IPC_FILE_MODE, ipc_file_mode, "permission bits", -1, -1, 07777, BIND,
        "Who may connect to an ipc path: the mode of its socket file, set before anybody is let in; -1: what the umask of the process leaves."),
    NUMBER(IPC_FILE_UID, ipc_file_uid, "user", -1, -1, INT_MAX, BIND, "Owner of the socket file of an ipc path; -1: the process's user."),
    NUMBER(IPC_FILE_GID, ipc_file_gid, "group", -1, -1, INT_MAX, BIND, "Group of the socket file of an ipc path; -1: the system's choice."),
    NUMBER(MULTICAST_HOPS, multicast_hops, "hops", 1, 1, INT_MAX, CALL, "How far multicast packets go."),
    ROW(MULTICAST_LOOP, INT, "Whether multicast packets reach this host, too.", AT(multicast_loop), .keep = KEEP_FLAG,
        RANGE(1, INT_MIN, INT_MAX), .unit = "0 or 1", TYPES(ALL, ALL), .when = WHEN_CALL),
    NUMBER(MULTICAST_MAXTPDU, multicast_maxtpdu, "bytes", 1500, 1, INT_MAX, CALL,
        "Largest packet of pgm and epgm, the headers of IP and UDP included. A packet holds 72 bytes less, over pgm 64; "
        "what is left has to be 18 at least."),
    NUMBER(RATE, rate, "kilobits per second", 100, 1, INT_MAX, CALL,
        "How fast pgm and epgm send. What is sent again to those who have missed it may be as much again."),
    NUMBER(RECOVERY_IVL, recovery_ivl, "milliseconds", 10000, 0, INT_MAX, CALL,
        "How long pgm and epgm keep what they have sent, in order to send it again, and wait for what is missing. At the "
        "full RATE, which says how much memory that takes."),
    ROW(LOOPBACK_FASTPATH, INT,
        "The short way of Windows for tcp connections within one host (SIO_LOOPBACK_FAST_PATH).",
        AT(loopback_fastpath), .keep = KEEP_FLAG, RANGE(0, INT_MIN, INT_MAX), .unit = "0 or 1", TYPES(ALL, ALL),
        .when = WHEN_CALL),
    ROW(BINDTODEVICE, TEXT,
        "Name of the network device that binds and connections are confined to (SO_BINDTODEVICE, Linux).",
        AT(bindtodevice), .keep = KEEP_BYTES, RANGE(0, 1, DEVICE_NAME_MAX), TYPES(ALL, ALL), .when = WHEN_CALL,
        .flags = OPTION_NULL_UNSETS),
    /* through a proxy */
    ROW(SOCKS_PROXY, TEXT,
        "Address of a SOCKS5 proxy, \"host:port\", that connections of tcp, ws, wss and tls+tcp are made through. The proxy looks "
        "names up.", AT(socks_proxy), .keep = KEEP_BYTES, RANGE(0, 1, INT64_MAX), TYPES(ALL, ALL), .when = WHEN_CONNECT,
        .flags = OPTION_NULL_UNSETS),
    ROW(SOCKS_USERNAME, TEXT, "User name for the SOCKS5 proxy; empty: the proxy must ask for none.", AT(socks_username),
        .keep = KEEP_BYTES, RANGE(0, 0, SOCKS_TEXT_MAX), TYPES(ALL, ALL), .when = WHEN_CONNECT, .flags = OPTION_NULL_UNSETS),
    ROW(SOCKS_PASSWORD, TEXT, "Password for the SOCKS5 proxy. It travels unencrypted.", AT(socks_password), .keep = KEEP_BYTES,
        RANGE(0, 0, SOCKS_TEXT_MAX), TYPES(ALL, ALL), .when = WHEN_CONNECT, .flags = OPTION_NULL_UNSETS),
    ROW(SHARED_MEMORY, INT64,
        "Memory that large frames to peers over ipc go through, if these set it, too: how much of it there is for all peers together, and how much "
        "of a peer's is taken. 0: none. See docs/shared-memory.md.", AT(shared_memory), .keep = KEEP_INT64,
        RANGE(0, 0, (int64_t)1 << 40), .unit = "bytes", TYPES(ALL, ALL), .when = WHEN_CALL),
    SWITCH(SHARED_MEMORY_ANY_USER, shared_memory_any_user, CALL,
        "SHARED_MEMORY is shared with processes of other users, too, if they can connect."),
    /* whom a bound socket accepts */
    ROW(TCP_ACCEPT_FILTER, BYTES,
        "Accept tcp connections from this address, or from \"address/bits\", only. Each set adds one; IPv6 texts "
        "need IPV6.", AT(tcp_accept_filters), .keep = KEEP_LIST, .item = sizeof(cidr_t), .rule = RULE_FILTER,
        RANGE(0, 1, ACCEPT_FILTER_MAX), TYPES(ALL, NONE), .when = WHEN_BIND),
    ROW(IPC_FILTER_PID, INT, "Accept ipc connections from this process only. Each set adds one.", AT(ipc_pid_filters),
        .keep = KEEP_LIST, .item = sizeof(uint32_t), TYPES(ALL, NONE), .when = WHEN_BIND),
    ROW(IPC_FILTER_UID, INT, "Accept ipc connections from processes of this user only. Each set adds one.",
        AT(ipc_uid_filters), .keep = KEEP_LIST, .item = sizeof(uint32_t), TYPES(ALL, NONE), .when = WHEN_BIND),
    ROW(IPC_FILTER_GID, INT, "Accept ipc connections from processes of this group only. Each set adds one.",
        AT(ipc_gid_filters), .keep = KEEP_LIST, .item = sizeof(uint32_t), TYPES(ALL, NONE), .when = WHEN_BIND),
    /* security */
    ROW(MECHANISM, INT,
        "The security mechanism: 0 NULL, 1 PLAIN, 2 CURVE, 3 GSSAPI. It is the one that the option set last belongs to; "
        "0 for a _SERVER option is NULL.", AT(mechanism), .keep = KEEP_INT, TYPES(NONE, ALL)),
    SERVER(PLAIN_SERVER, PLAIN, 0,
        "Be the server of PLAIN: clients show a user name and a password, and the ZAP handler decides."),
    CREDENTIAL(PLAIN_USERNAME, plain_username, PLAIN, "User name that a client of PLAIN shows. It travels unencrypted."),
    CREDENTIAL(PLAIN_PASSWORD, plain_password, PLAIN, "Password that a client of PLAIN shows. It travels unencrypted."),
    SERVER(CURVE_SERVER, CURVE, OPTION_CRYPTO, "Be the server of CURVE, with the key CURVE_SECRETKEY."),
    CURVE_KEY(CURVE_PUBLICKEY, curve_publickey, ALL, MECHANISM,
        "Our public key, as 32 bytes or 40 characters of Z85. Unless it is set, it is made of CURVE_SECRETKEY."),
    CURVE_KEY(CURVE_SECRETKEY, curve_secretkey, NONE, MECHANISM,
        "Our secret key, as 32 bytes or 40 characters of Z85. Servers and clients of CURVE need it."),
    CURVE_KEY(CURVE_SERVERKEY, curve_serverkey, ALL, CLIENT,
        "The public key of the server, as 32 bytes or 40 characters of Z85. It makes this socket a client of CURVE."),
    SERVER(GSSAPI_SERVER, GSSAPI, OPTION_GSS, "Be the server of GSSAPI, as GSSAPI_PRINCIPAL."),
    GSSAPI_NAME(GSSAPI_PRINCIPAL, gssapi_principal, MECHANISM,
        "Who we are. Its key or ticket is found as the system's GSSAPI finds them (KRB5_KTNAME, KRB5_CLIENT_KTNAME, the "
        "cache of the user). A client may do without: then it is who the user is."),
    GSSAPI_NAME(GSSAPI_SERVICE_PRINCIPAL, gssapi_service_principal, CLIENT,
        "Who the server must be. It makes this socket a client of GSSAPI."),
    NUMBER(GSSAPI_PRINCIPAL_NAMETYPE, gssapi_principal_nametype, NULL, 0, 0, 2, CALL,
        "What kind of name GSSAPI_PRINCIPAL is: 0 service@host, 1 user, 2 Kerberos principal."),
    NUMBER(GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, gssapi_service_principal_nametype, NULL, 0, 0, 2, CALL,
        "What kind of name GSSAPI_SERVICE_PRINCIPAL is: 0 service@host, 1 user, 2 Kerberos principal."),
    SWITCH(GSSAPI_PLAINTEXT, gssapi_plaintext, CALL,
        "Let GSSAPI say who is there when a connection begins, but encrypt and sign nothing: what follows can be read and "
        "changed on its way. Both sides need the same."),
    PEM(TLS_CERT_PEM, tls_cert_pem, INT_MAX,
        "Our certificate for TLS in PEM format, and those that lead to its authority behind it. Servers need one."),
    PEM(TLS_KEY_PEM, tls_key_pem, INT_MAX, "The private key to TLS_CERT_PEM in PEM format, without a password."),
    PEM(TLS_TRUST_PEM, tls_trust_pem, INT_MAX,
        "Certificates that are trusted for TLS, in PEM format: of authorities, or of peers themselves."),
    PEM(TLS_HOSTNAME, tls_hostname, 255,
        "Whom the server's certificate has to be for: a name, or a numeric address. Unless it is set, the host in the address."),
    SWITCH(TLS_TRUST_SYSTEM, tls_trust_system, CALL, "Trust the certificates for TLS that this system trusts."),
    NUMBER(TLS_VERIFY_CLIENT, tls_verify_client, NULL, 0, 0, 2, CALL,
        "Whether a server of TLS wants certificates of its clients: 0 no, 1 it verifies those that show one, 2 nobody comes in "
        "without."),
    SWITCH(TLS_ALLOW_12, tls_allow_12, CALL, "Let TLS 1.2 do where a peer does not know TLS 1.3."),
    NUMBER(COMPRESSION_LEVEL, compression_level, NULL, 0, -7, 22, CALL,
        "How hard zstd+tcp tries to make messages small: more is smaller and slower, below 0 is faster; 0: as suits the size of a part."),
    ROW(COMPRESSION_DICT, BYTES,
        "What messages sent over lz4+tcp and zstd+tcp have in common. Each connection tells its peer; no value: none.",
        AT(compression_dict), .keep = KEEP_BYTES, RANGE(0, 0, 8192), TYPES(ALL, NONE), .when = WHEN_CALL),
    PEM(WSS_CERT_PEM, tls_cert_pem, INT_MAX, "Another name of TLS_CERT_PEM."),
    PEM(WSS_KEY_PEM, tls_key_pem, INT_MAX, "Another name of TLS_KEY_PEM."),
    PEM(WSS_TRUST_PEM, tls_trust_pem, INT_MAX, "Another name of TLS_TRUST_PEM."),
    PEM(WSS_HOSTNAME, tls_hostname, 255, "Another name of TLS_HOSTNAME."),
    ROW(WSS_TRUST_SYSTEM, INT, "Another name of TLS_TRUST_SYSTEM.", AT(tls_trust_system), .keep = KEEP_FLAG, RANGE(0, 0, 1),
        .unit = "0 or 1", TYPES(ALL, NONE), .when = WHEN_CALL),
    ROW(ZAP_DOMAIN, TEXT,
        "What the ZAP handler is told about the purpose of this socket. With NULL it is asked only if this is set.",
        AT(zap_domain), .keep = KEEP_BYTES, RANGE(0, 0, SECURITY_TEXT_MAX), TYPES(ALL, ALL), .when = WHEN_CALL,
        .flags = OPTION_NULL_UNSETS),
    ROW(ZAP_ENFORCE_DOMAIN, INT,
        "The ZAP handler is asked if ZAP_DOMAIN is set, and only then; without a handler nobody comes in. Without a domain "
        "it keeps out nobody but in a context that has had a handler, where nobody comes in.",
        AT(zap_enforce_domain), .keep = KEEP_FLAG, RANGE(0, INT_MIN, INT_MAX), .unit = "0 or 1", TYPES(ALL, ALL),
        .when = WHEN_CALL),
    /* names, and messages of the socket itself */
    ROW(ROUTING_ID, BYTES, "The name under which a ROUTER knows this socket. Without one the ROUTER chooses it.",
        AT(routing_id), .keep = KEEP_BYTES, RANGE(0, 1, ROUTING_ID_MAX), TYPES(ALL, ALL), .when = WHEN_CALL),
    ROW(CONNECT_ROUTING_ID, BYTES, "The name that this ROUTER or STREAM gives the peer of the next connect(), once.",
        AT(connect_routing_id), .keep = KEEP_BYTES, RANGE(0, 1, ROUTING_ID_MAX), .set_on = ON_ROUTERS | ON_STREAM,
        .when = WHEN_CONNECT),
    ROW(METADATA, BYTES,
        "A property for peers, \"X-name:value\"; Frame.get() reads it there. Each set adds one, or replaces the "
        "one of that name.", AT(metadata), .keep = KEEP_BYTES, .rule = RULE_PROPERTY, RANGE(0, 1, PROPERTY_TEXT_MAX),
        TYPES(ALL, NONE), .when = WHEN_CALL),
    MESSAGE(XPUB_WELCOME_MSG, xpub_welcome_msg, PUBLISHERS, CONNECTION,
        "A message that each new subscriber gets first."),
    ROW(HELLO_MSG, BYTES, "A message that each new peer gets first.", AT(hello_msg), .keep = KEEP_BYTES,
        RANGE(0, 0, INT64_MAX), .set_on = ON_GREETING, .when = WHEN_CONNECTION),
    MESSAGE(DISCONNECT_MSG, disconnect_msg, NOTICING, AT_ONCE,
        "A message that is received, as if the peer had sent it, when a peer has gone."),
    MESSAGE(HICCUP_MSG, hiccup_msg, HICCUPING, AT_ONCE,
        "A message that is received when a connection is lost and will be made again."),
    /* patterns */
    PATTERN(ROUTER_MANDATORY, router_mandatory, ROUTERS, AT_ONCE,
        "Sending to an unknown peer raises EHOSTUNREACH, and to one whose queue is full waits; otherwise both are "
        "dropped."),
    PATTERN(ROUTER_HANDOVER, router_handover, ROUTERS, AT_ONCE,
        "A new peer takes over the routing id of a peer that has the same one, which is not served from then on."),
    PATTERN(ROUTER_RAW, router_raw, ROUTERS, CALL,
        "Connections carry raw bytes instead of ZMTP, as those of a STREAM do."),
    ROW(STREAM_NOTIFY, INT,
        "A STREAM receives [routing id, empty frame] when a connection has come and when it has gone.",
        AT(stream_notify), .keep = KEEP_FLAG, RANGE(1, 0, 1), .unit = "0 or 1", TYPES(STREAM, NONE),
        .when = WHEN_AT_ONCE),
    ROW(ROUTER_NOTIFY, INT,
        "A ROUTER receives [routing id, empty frame] 1 when a peer has connected, 2 when it has gone, 3 for both.",
        AT(router_notify), .keep = KEEP_INT, RANGE(0, 0, NOTIFY_CONNECT | NOTIFY_DISCONNECT), .unit = "bits",
        TYPES(ROUTER, ALL), .when = WHEN_AT_ONCE),
    ROW(PROBE_ROUTER, INT,
        "Send an empty message to each new peer, so that a ROUTER learns this socket's routing id.", AT(probe_router),
        .keep = KEEP_FLAG, RANGE(0, 0, INT_MAX), .unit = "0 or 1", .set_on = ON_ROUTERS | ON_REQ | ON_DEALER,
        .when = WHEN_CONNECTION),
    PATTERN(REQ_CORRELATE, req_correlate, REQ, AT_ONCE,
        "Number the requests, so that a reply to an earlier one is not taken for the reply to the last one."),
    PATTERN(REQ_RELAXED, req_relaxed, REQ, AT_ONCE,
        "Allow another request before the reply; the earlier request is given up. Use it with REQ_CORRELATE."),
    PATTERN(XPUB_VERBOSE, xpub_verbose, PUBLISHERS, AT_ONCE,
        "Receive every subscription, not only the first to a topic.", .rule = RULE_VERBOSE),
    PATTERN(XPUB_VERBOSER, xpub_verboser, PUBLISHERS, AT_ONCE, "Receive every subscription and every cancellation.",
        .rule = RULE_VERBOSER),
    PATTERN(XPUB_NODROP, xpub_nodrop, PUBLISHERS | ON_RADIO, AT_ONCE,
        "A send waits, or raises Again, when a subscriber's queue is full, instead of dropping its copy."),
    PATTERN(XPUB_MANUAL, xpub_manual, PUBLISHERS, AT_ONCE,
        "XPUB: a peer's subscription holds once the application has set SUBSCRIBE in answer to it.",
        .rule = RULE_MANUAL),
    PATTERN(XPUB_MANUAL_LAST_VALUE, xpub_manual_last_value, PUBLISHERS, AT_ONCE,
        "As XPUB_MANUAL; what is sent after SUBSCRIBE goes to that subscriber only.", .rule = RULE_LAST_VALUE),
    ROW(ONLY_FIRST_SUBSCRIBE, INT,
        "Of a message in several frames only the first can be a subscription or cancellation.",
        AT(only_first_subscribe), .keep = KEEP_FLAG, RANGE(0, 0, INT_MAX), .unit = "0 or 1",
        .set_on = ON_PUBLISHERS | ON_XSUB, .when = WHEN_AT_ONCE),
    ROW(XSUB_VERBOSE_UNSUBSCRIBE, INT, "Pass every cancellation on to publishers, not only the last of a topic.",
        AT(xsub_verbose_unsubscribe), .keep = KEEP_FLAG, RANGE(0, INT_MIN, INT_MAX), .unit = "0 or 1",
        TYPES(XSUB, NONE), .when = WHEN_AT_ONCE),
    ROW(INVERT_MATCHING, INT,
        "Send and receive the messages that match no subscription. Publishers and subscribers must agree.",
        AT(invert_matching), .keep = KEEP_FLAG, RANGE(0, INT_MIN, INT_MAX), .unit = "0 or 1", TYPES(ALL, ALL),
        .when = WHEN_AT_ONCE),
    TYPE_BOUND(SUBSCRIBE, SUBSCRIBE, ON_SUB | ON_XPUB, ON_XPUB,
        "Subscribe to the messages that begin with this; b\"\" is all. XPUB: with XPUB_MANUAL only."),
    TYPE_BOUND(UNSUBSCRIBE, CANCEL, ON_SUB | ON_XPUB, ON_XPUB, "Take one subscription to this topic back. XPUB: with XPUB_MANUAL only."),
    TYPE_BOUND(SUBSCRIBE_EXACT, SUBSCRIBE_EXACT, ON_SUB, ON_NONE, "Subscribe to the messages whose first frame is just this."),
    TYPE_BOUND(UNSUBSCRIBE_EXACT, CANCEL_EXACT, ON_SUB, ON_NONE, "Take one exact subscription to this topic back."),
    TYPE_BOUND(EXCLUDE, EXCLUDE, ON_SUB, ON_NONE, "Drop the messages that begin with this, whatever is subscribed to."),
    TYPE_BOUND(INCLUDE, INCLUDE, ON_SUB, ON_NONE, "Take one EXCLUDE of this back."),
    ROW(XPUB_ANSWER, INT, "1: messages go to one subscriber only, the one whose subscription was received last, as often as is sent.",
        AT(xpub_answer), .keep = KEEP_FLAG, RANGE(0, 0, 1), .unit = "0 or 1", .set_on = ON_XPUB, .get_on = ON_XPUB, .manual_on = ON_XPUB,
        .when = WHEN_AT_ONCE),
    /* what the socket tells */
    ANSWER(RCVMORE, INT, ALL, RCVMORE, "1 if the frame received last is followed by another one of the same message.",
        .unit = "0 or 1"),
    ANSWER(FD, INT, ALL, FD,
        "A descriptor for select(), poll() and event loops, readable as long as there is something to receive.",
        .unit = "descriptor"),
    ANSWER(EVENTS, INT, ALL, EVENTS, "What is possible now without waiting: POLLIN, POLLOUT, both or none.",
        .unit = "bits"),
    ANSWER(TOPICS_COUNT, INT, PUBLISHERS | ON_SUBSCRIBERS | ON_RADIO | ON_DISH, TOPICS_COUNT,
        "How many topics are subscribed to, or groups joined, by this socket or by its peers.", .unit = "topics"),
    ANSWER(LAST_ENDPOINT, TEXT, ALL, LAST_ENDPOINT,
        "The address of the last bind() or connect(), with wildcards resolved."),
    ROW(TYPE, INT, "The type of the socket.", TYPES(NONE, ALL), .rule = RULE_TYPE),
    ANSWER(THREAD_SAFE, INT, ALL, THREAD_SAFE,
        "1 for CLIENT, SERVER, RADIO, DISH, PEER, SCATTER, GATHER and CHANNEL, which libzmq calls thread-safe. (Here sockets of any "
        "type may be shared by threads, and all have an FD.)", .unit = "0 or 1"),
    /* features that are not built in */
    ABSENT(BLOCKY, INT, "An option of contexts: context.set(zmq.BLOCKY, 0)."),
    ABSENT(VMCI_BUFFER_SIZE, INT64, "Buffer of the vmci transport."),
    ABSENT(VMCI_BUFFER_MIN_SIZE, INT64, "Smallest buffer of the vmci transport."),
    ABSENT(VMCI_BUFFER_MAX_SIZE, INT64, "Largest buffer of the vmci transport."),
    ABSENT(VMCI_CONNECT_TIMEOUT, INT, "How long an attempt to connect by vmci may take."),
    ABSENT(NORM_MODE, INT, "Congestion control of the norm transport."),
    ABSENT(NORM_UNICAST_NACK, INT, "Unicast acknowledgements of the norm transport."),
    ABSENT(NORM_BUFFER_SIZE, INT, "Buffer of the norm transport."),
    ABSENT(NORM_SEGMENT_SIZE, INT, "Segment size of the norm transport."),
    ABSENT(NORM_BLOCK_SIZE, INT, "Block size of the norm transport."),
    ABSENT(NORM_NUM_PARITY, INT, "Parity segments of the norm transport."),
    ABSENT(NORM_NUM_AUTOPARITY, INT, "Parity segments that the norm transport sends unasked."),
    ABSENT(NORM_PUSH, INT, "Whether the norm transport streams."),
};

#undef PLACE
#undef ROW
#undef AT
#undef TYPES
#undef RANGE
#undef NUMBER
#undef SWITCH
#undef PATTERN
#undef MESSAGE
#undef SERVER
#undef CREDENTIAL
#undef CURVE_KEY
#undef GSSAPI_NAME
#undef PEM
#undef ABSENT
#undef ANSWER
#undef TYPE_BOUND
#endif
