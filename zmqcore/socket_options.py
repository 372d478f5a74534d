"""The options of a socket as attributes: `socket.linger = 0` stands for `socket.set(zmq.LINGER, 0)`.

Rules
- Each option has its name in lower case and in capitals, which is also its name in SocketOption: that is where its number comes from. What it
  does is in the core's table of options: `help(zmq.Socket.linger)`.
- They are descriptors of the class and not a __getattr__, because a class with
  that hook pays for it at every look-up of `send` and `recv` too.
- In lower case `subscribe` and the like are methods, and `type` is kept by the socket itself.
- What cannot be read is no attribute, so that `hasattr` and the default of `getattr` work.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, overload

from ._option_texts import describe
from .constants import EINVAL, SocketOption
from .error import ZMQError

_ValueT = TypeVar("_ValueT")


class _Text:
    """`__doc__` of an option: made from the core's table when somebody asks for it."""

    def __get__(self, option: Option[Any] | None, owner: Any = None) -> str:
        return "One option, to be read and set like an attribute." if option is None else describe(option.number)


class Option(Generic[_ValueT]):
    __doc__ = _Text()

    def __set_name__(self, owner: type, name: str) -> None:
        option = SocketOption[name.upper()]
        self.name = option.name
        self.number = int(option)

    @overload
    def __get__(self, socket: None, owner: Any = None) -> Option[_ValueT]: ...
    @overload
    def __get__(self, socket: Any, owner: Any = None) -> _ValueT: ...
    def __get__(self, socket: Any, owner: Any = None) -> Option[_ValueT] | _ValueT:
        if socket is None:
            return self
        try:
            value: _ValueT = socket.get(self.number)
        except ZMQError as error:
            if error.errno != EINVAL:
                raise
            raise AttributeError(f"the option {self.name} cannot be read") from error
        return value

    def __set__(self, socket: Any, value: Any) -> None:
        socket.set(self.number, value)


class SocketOptions:
    """Base of Socket: an attribute for each option."""

    hwm = HWM = Option[int]()
    affinity = AFFINITY = Option[int]()
    routing_id = ROUTING_ID = Option[bytes]()
    SUBSCRIBE = Option[bytes]()
    UNSUBSCRIBE = Option[bytes]()
    SUBSCRIBE_EXACT = Option[bytes]()
    UNSUBSCRIBE_EXACT = Option[bytes]()
    EXCLUDE = Option[bytes]()
    INCLUDE = Option[bytes]()
    rate = RATE = Option[int]()
    recovery_ivl = RECOVERY_IVL = Option[int]()
    sndbuf = SNDBUF = Option[int]()
    rcvbuf = RCVBUF = Option[int]()
    rcvmore = RCVMORE = Option[int]()
    fd = FD = Option[int]()
    events = EVENTS = Option[int]()
    TYPE = Option[int]()
    linger = LINGER = Option[int]()
    reconnect_ivl = RECONNECT_IVL = Option[int]()
    backlog = BACKLOG = Option[int]()
    reconnect_ivl_max = RECONNECT_IVL_MAX = Option[int]()
    maxmsgsize = MAXMSGSIZE = Option[int]()
    sndhwm = SNDHWM = Option[int]()
    rcvhwm = RCVHWM = Option[int]()
    multicast_hops = MULTICAST_HOPS = Option[int]()
    rcvtimeo = RCVTIMEO = Option[int]()
    sndtimeo = SNDTIMEO = Option[int]()
    last_endpoint = LAST_ENDPOINT = Option[bytes]()
    router_mandatory = ROUTER_MANDATORY = Option[int]()
    tcp_keepalive = TCP_KEEPALIVE = Option[int]()
    tcp_keepalive_cnt = TCP_KEEPALIVE_CNT = Option[int]()
    tcp_keepalive_idle = TCP_KEEPALIVE_IDLE = Option[int]()
    tcp_keepalive_intvl = TCP_KEEPALIVE_INTVL = Option[int]()
    immediate = IMMEDIATE = Option[int]()
    xpub_verbose = XPUB_VERBOSE = Option[int]()
    router_raw = ROUTER_RAW = Option[int]()
    ipv6 = IPV6 = Option[int]()
    mechanism = MECHANISM = Option[int]()
    plain_server = PLAIN_SERVER = Option[int]()
    plain_username = PLAIN_USERNAME = Option[bytes]()
    plain_password = PLAIN_PASSWORD = Option[bytes]()
    curve_server = CURVE_SERVER = Option[int]()
    curve_publickey = CURVE_PUBLICKEY = Option[bytes]()
    curve_secretkey = CURVE_SECRETKEY = Option[bytes]()
    curve_serverkey = CURVE_SERVERKEY = Option[bytes]()
    probe_router = PROBE_ROUTER = Option[int]()
    req_correlate = REQ_CORRELATE = Option[int]()
    req_relaxed = REQ_RELAXED = Option[int]()
    conflate = CONFLATE = Option[int]()
    zap_domain = ZAP_DOMAIN = Option[bytes]()
    router_handover = ROUTER_HANDOVER = Option[int]()
    tos = TOS = Option[int]()
    connect_routing_id = CONNECT_ROUTING_ID = Option[bytes]()
    gssapi_server = GSSAPI_SERVER = Option[int]()
    gssapi_principal = GSSAPI_PRINCIPAL = Option[bytes]()
    gssapi_service_principal = GSSAPI_SERVICE_PRINCIPAL = Option[bytes]()
    gssapi_plaintext = GSSAPI_PLAINTEXT = Option[int]()
    handshake_ivl = HANDSHAKE_IVL = Option[int]()
    socks_proxy = SOCKS_PROXY = Option[bytes]()
    xpub_nodrop = XPUB_NODROP = Option[int]()
    blocky = BLOCKY = Option[int]()
    xpub_manual = XPUB_MANUAL = Option[int]()
    xpub_welcome_msg = XPUB_WELCOME_MSG = Option[bytes]()
    stream_notify = STREAM_NOTIFY = Option[int]()
    invert_matching = INVERT_MATCHING = Option[int]()
    heartbeat_ivl = HEARTBEAT_IVL = Option[int]()
    heartbeat_ttl = HEARTBEAT_TTL = Option[int]()
    heartbeat_timeout = HEARTBEAT_TIMEOUT = Option[int]()
    xpub_verboser = XPUB_VERBOSER = Option[int]()
    connect_timeout = CONNECT_TIMEOUT = Option[int]()
    tcp_maxrt = TCP_MAXRT = Option[int]()
    thread_safe = THREAD_SAFE = Option[int]()
    multicast_maxtpdu = MULTICAST_MAXTPDU = Option[int]()
    vmci_buffer_size = VMCI_BUFFER_SIZE = Option[int]()
    vmci_buffer_min_size = VMCI_BUFFER_MIN_SIZE = Option[int]()
    vmci_buffer_max_size = VMCI_BUFFER_MAX_SIZE = Option[int]()
    vmci_connect_timeout = VMCI_CONNECT_TIMEOUT = Option[int]()
    use_fd = USE_FD = Option[int]()
    gssapi_principal_nametype = GSSAPI_PRINCIPAL_NAMETYPE = Option[int]()
    gssapi_service_principal_nametype = GSSAPI_SERVICE_PRINCIPAL_NAMETYPE = Option[int]()
    bindtodevice = BINDTODEVICE = Option[bytes]()
    identity = IDENTITY = Option[bytes]()
    connect_rid = CONNECT_RID = Option[bytes]()
    tcp_accept_filter = TCP_ACCEPT_FILTER = Option[bytes]()
    ipc_filter_pid = IPC_FILTER_PID = Option[int]()
    ipc_filter_uid = IPC_FILTER_UID = Option[int]()
    ipc_filter_gid = IPC_FILTER_GID = Option[int]()
    ipv4only = IPV4ONLY = Option[int]()
    delay_attach_on_connect = DELAY_ATTACH_ON_CONNECT = Option[int]()
    fail_unroutable = FAIL_UNROUTABLE = Option[int]()
    router_behavior = ROUTER_BEHAVIOR = Option[int]()
    zap_enforce_domain = ZAP_ENFORCE_DOMAIN = Option[int]()
    loopback_fastpath = LOOPBACK_FASTPATH = Option[int]()
    metadata = METADATA = Option[bytes]()
    multicast_loop = MULTICAST_LOOP = Option[int]()
    router_notify = ROUTER_NOTIFY = Option[int]()
    xpub_manual_last_value = XPUB_MANUAL_LAST_VALUE = Option[int]()
    socks_username = SOCKS_USERNAME = Option[bytes]()
    socks_password = SOCKS_PASSWORD = Option[bytes]()
    in_batch_size = IN_BATCH_SIZE = Option[int]()
    out_batch_size = OUT_BATCH_SIZE = Option[int]()
    wss_key_pem = WSS_KEY_PEM = Option[bytes]()
    wss_cert_pem = WSS_CERT_PEM = Option[bytes]()
    wss_trust_pem = WSS_TRUST_PEM = Option[bytes]()
    wss_hostname = WSS_HOSTNAME = Option[bytes]()
    wss_trust_system = WSS_TRUST_SYSTEM = Option[int]()
    only_first_subscribe = ONLY_FIRST_SUBSCRIBE = Option[int]()
    reconnect_stop = RECONNECT_STOP = Option[int]()
    hello_msg = HELLO_MSG = Option[bytes]()
    disconnect_msg = DISCONNECT_MSG = Option[bytes]()
    priority = PRIORITY = Option[int]()
    busy_poll = BUSY_POLL = Option[int]()
    hiccup_msg = HICCUP_MSG = Option[bytes]()
    xsub_verbose_unsubscribe = XSUB_VERBOSE_UNSUBSCRIBE = Option[int]()
    topics_count = TOPICS_COUNT = Option[int]()
    norm_mode = NORM_MODE = Option[int]()
    norm_unicast_nack = NORM_UNICAST_NACK = Option[int]()
    norm_buffer_size = NORM_BUFFER_SIZE = Option[int]()
    norm_segment_size = NORM_SEGMENT_SIZE = Option[int]()
    norm_block_size = NORM_BLOCK_SIZE = Option[int]()
    norm_num_parity = NORM_NUM_PARITY = Option[int]()
    norm_num_autoparity = NORM_NUM_AUTOPARITY = Option[int]()
    norm_push = NORM_PUSH = Option[int]()
    io_strategy = IO_STRATEGY = Option[int]()
    max_pending_handshakes = MAX_PENDING_HANDSHAKES = Option[int]()
    max_peers = MAX_PEERS = Option[int]()
    max_message_frames = MAX_MESSAGE_FRAMES = Option[int]()
    max_message_bytes = MAX_MESSAGE_BYTES = Option[int]()
    max_subscriptions = MAX_SUBSCRIPTIONS = Option[int]()
    shared_memory = SHARED_MEMORY = Option[int]()
    shared_memory_any_user = SHARED_MEMORY_ANY_USER = Option[int]()
    tls_cert_pem = TLS_CERT_PEM = Option[bytes]()
    tls_key_pem = TLS_KEY_PEM = Option[bytes]()
    tls_trust_pem = TLS_TRUST_PEM = Option[bytes]()
    tls_hostname = TLS_HOSTNAME = Option[bytes]()
    tls_trust_system = TLS_TRUST_SYSTEM = Option[int]()
    tls_verify_client = TLS_VERIFY_CLIENT = Option[int]()
    tls_allow_12 = TLS_ALLOW_12 = Option[int]()
    ipc_file_mode = IPC_FILE_MODE = Option[int]()
    ipc_file_uid = IPC_FILE_UID = Option[int]()
    ipc_file_gid = IPC_FILE_GID = Option[int]()
    xpub_answer = XPUB_ANSWER = Option[int]()
    compression_level = COMPRESSION_LEVEL = Option[int]()
    compression_dict = COMPRESSION_DICT = Option[bytes]()
    sndhwm_bytes = SNDHWM_BYTES = Option[int]()
    rcvhwm_bytes = RCVHWM_BYTES = Option[int]()
    overflow = OVERFLOW = Option[int]()
