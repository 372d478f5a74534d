"""The options of a socket as attributes: `socket.linger = 0` stands for `socket.set(zmq.LINGER, 0)`.

Rules
- Each option has its name in lower case and in capitals. They are descriptors of the class and not a __getattr__, because a class with
  that hook pays for it at every look-up of `send` and `recv` too.
- In lower case `subscribe` and `unsubscribe` are methods, and `type` is kept by the socket itself.
- What cannot be read is no attribute, so that `hasattr` and the default of `getattr` work.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, overload

from .constants import EINVAL, SocketOption
from .error import ZMQError

_ValueT = TypeVar("_ValueT")


class Option(Generic[_ValueT]):
    """One option, to be read and set like an attribute."""

    def __init__(self, option: SocketOption) -> None:
        self.name = option.name
        self.number = int(option)
        self.__doc__ = f"zmq.{option.name}"

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

    hwm = HWM = Option[int](SocketOption.HWM)
    affinity = AFFINITY = Option[int](SocketOption.AFFINITY)
    routing_id = ROUTING_ID = Option[bytes](SocketOption.ROUTING_ID)
    SUBSCRIBE = Option[bytes](SocketOption.SUBSCRIBE)
    UNSUBSCRIBE = Option[bytes](SocketOption.UNSUBSCRIBE)
    rate = RATE = Option[int](SocketOption.RATE)
    recovery_ivl = RECOVERY_IVL = Option[int](SocketOption.RECOVERY_IVL)
    sndbuf = SNDBUF = Option[int](SocketOption.SNDBUF)
    rcvbuf = RCVBUF = Option[int](SocketOption.RCVBUF)
    rcvmore = RCVMORE = Option[int](SocketOption.RCVMORE)
    fd = FD = Option[int](SocketOption.FD)
    events = EVENTS = Option[int](SocketOption.EVENTS)
    TYPE = Option[int](SocketOption.TYPE)
    linger = LINGER = Option[int](SocketOption.LINGER)
    reconnect_ivl = RECONNECT_IVL = Option[int](SocketOption.RECONNECT_IVL)
    backlog = BACKLOG = Option[int](SocketOption.BACKLOG)
    reconnect_ivl_max = RECONNECT_IVL_MAX = Option[int](SocketOption.RECONNECT_IVL_MAX)
    maxmsgsize = MAXMSGSIZE = Option[int](SocketOption.MAXMSGSIZE)
    sndhwm = SNDHWM = Option[int](SocketOption.SNDHWM)
    rcvhwm = RCVHWM = Option[int](SocketOption.RCVHWM)
    multicast_hops = MULTICAST_HOPS = Option[int](SocketOption.MULTICAST_HOPS)
    rcvtimeo = RCVTIMEO = Option[int](SocketOption.RCVTIMEO)
    sndtimeo = SNDTIMEO = Option[int](SocketOption.SNDTIMEO)
    last_endpoint = LAST_ENDPOINT = Option[bytes](SocketOption.LAST_ENDPOINT)
    router_mandatory = ROUTER_MANDATORY = Option[int](SocketOption.ROUTER_MANDATORY)
    tcp_keepalive = TCP_KEEPALIVE = Option[int](SocketOption.TCP_KEEPALIVE)
    tcp_keepalive_cnt = TCP_KEEPALIVE_CNT = Option[int](SocketOption.TCP_KEEPALIVE_CNT)
    tcp_keepalive_idle = TCP_KEEPALIVE_IDLE = Option[int](SocketOption.TCP_KEEPALIVE_IDLE)
    tcp_keepalive_intvl = TCP_KEEPALIVE_INTVL = Option[int](SocketOption.TCP_KEEPALIVE_INTVL)
    immediate = IMMEDIATE = Option[int](SocketOption.IMMEDIATE)
    xpub_verbose = XPUB_VERBOSE = Option[int](SocketOption.XPUB_VERBOSE)
    router_raw = ROUTER_RAW = Option[int](SocketOption.ROUTER_RAW)
    ipv6 = IPV6 = Option[int](SocketOption.IPV6)
    mechanism = MECHANISM = Option[int](SocketOption.MECHANISM)
    plain_server = PLAIN_SERVER = Option[int](SocketOption.PLAIN_SERVER)
    plain_username = PLAIN_USERNAME = Option[bytes](SocketOption.PLAIN_USERNAME)
    plain_password = PLAIN_PASSWORD = Option[bytes](SocketOption.PLAIN_PASSWORD)
    curve_server = CURVE_SERVER = Option[int](SocketOption.CURVE_SERVER)
    curve_publickey = CURVE_PUBLICKEY = Option[bytes](SocketOption.CURVE_PUBLICKEY)
    curve_secretkey = CURVE_SECRETKEY = Option[bytes](SocketOption.CURVE_SECRETKEY)
    curve_serverkey = CURVE_SERVERKEY = Option[bytes](SocketOption.CURVE_SERVERKEY)
    probe_router = PROBE_ROUTER = Option[int](SocketOption.PROBE_ROUTER)
    req_correlate = REQ_CORRELATE = Option[int](SocketOption.REQ_CORRELATE)
    req_relaxed = REQ_RELAXED = Option[int](SocketOption.REQ_RELAXED)
    conflate = CONFLATE = Option[int](SocketOption.CONFLATE)
    zap_domain = ZAP_DOMAIN = Option[bytes](SocketOption.ZAP_DOMAIN)
    router_handover = ROUTER_HANDOVER = Option[int](SocketOption.ROUTER_HANDOVER)
    tos = TOS = Option[int](SocketOption.TOS)
    connect_routing_id = CONNECT_ROUTING_ID = Option[bytes](SocketOption.CONNECT_ROUTING_ID)
    gssapi_server = GSSAPI_SERVER = Option[int](SocketOption.GSSAPI_SERVER)
    gssapi_principal = GSSAPI_PRINCIPAL = Option[bytes](SocketOption.GSSAPI_PRINCIPAL)
    gssapi_service_principal = GSSAPI_SERVICE_PRINCIPAL = Option[bytes](SocketOption.GSSAPI_SERVICE_PRINCIPAL)
    gssapi_plaintext = GSSAPI_PLAINTEXT = Option[int](SocketOption.GSSAPI_PLAINTEXT)
    handshake_ivl = HANDSHAKE_IVL = Option[int](SocketOption.HANDSHAKE_IVL)
    socks_proxy = SOCKS_PROXY = Option[bytes](SocketOption.SOCKS_PROXY)
    xpub_nodrop = XPUB_NODROP = Option[int](SocketOption.XPUB_NODROP)
    blocky = BLOCKY = Option[int](SocketOption.BLOCKY)
    xpub_manual = XPUB_MANUAL = Option[int](SocketOption.XPUB_MANUAL)
    xpub_welcome_msg = XPUB_WELCOME_MSG = Option[bytes](SocketOption.XPUB_WELCOME_MSG)
    stream_notify = STREAM_NOTIFY = Option[int](SocketOption.STREAM_NOTIFY)
    invert_matching = INVERT_MATCHING = Option[int](SocketOption.INVERT_MATCHING)
    heartbeat_ivl = HEARTBEAT_IVL = Option[int](SocketOption.HEARTBEAT_IVL)
    heartbeat_ttl = HEARTBEAT_TTL = Option[int](SocketOption.HEARTBEAT_TTL)
    heartbeat_timeout = HEARTBEAT_TIMEOUT = Option[int](SocketOption.HEARTBEAT_TIMEOUT)
    xpub_verboser = XPUB_VERBOSER = Option[int](SocketOption.XPUB_VERBOSER)
    connect_timeout = CONNECT_TIMEOUT = Option[int](SocketOption.CONNECT_TIMEOUT)
    tcp_maxrt = TCP_MAXRT = Option[int](SocketOption.TCP_MAXRT)
    thread_safe = THREAD_SAFE = Option[int](SocketOption.THREAD_SAFE)
    multicast_maxtpdu = MULTICAST_MAXTPDU = Option[int](SocketOption.MULTICAST_MAXTPDU)
    vmci_buffer_size = VMCI_BUFFER_SIZE = Option[int](SocketOption.VMCI_BUFFER_SIZE)
    vmci_buffer_min_size = VMCI_BUFFER_MIN_SIZE = Option[int](SocketOption.VMCI_BUFFER_MIN_SIZE)
    vmci_buffer_max_size = VMCI_BUFFER_MAX_SIZE = Option[int](SocketOption.VMCI_BUFFER_MAX_SIZE)
    vmci_connect_timeout = VMCI_CONNECT_TIMEOUT = Option[int](SocketOption.VMCI_CONNECT_TIMEOUT)
    use_fd = USE_FD = Option[int](SocketOption.USE_FD)
    gssapi_principal_nametype = GSSAPI_PRINCIPAL_NAMETYPE = Option[int](SocketOption.GSSAPI_PRINCIPAL_NAMETYPE)
    gssapi_service_principal_nametype = GSSAPI_SERVICE_PRINCIPAL_NAMETYPE = Option[int](SocketOption.GSSAPI_SERVICE_PRINCIPAL_NAMETYPE)
    bindtodevice = BINDTODEVICE = Option[bytes](SocketOption.BINDTODEVICE)
    identity = IDENTITY = Option[bytes](SocketOption.IDENTITY)
    connect_rid = CONNECT_RID = Option[bytes](SocketOption.CONNECT_RID)
    tcp_accept_filter = TCP_ACCEPT_FILTER = Option[bytes](SocketOption.TCP_ACCEPT_FILTER)
    ipc_filter_pid = IPC_FILTER_PID = Option[int](SocketOption.IPC_FILTER_PID)
    ipc_filter_uid = IPC_FILTER_UID = Option[int](SocketOption.IPC_FILTER_UID)
    ipc_filter_gid = IPC_FILTER_GID = Option[int](SocketOption.IPC_FILTER_GID)
    ipv4only = IPV4ONLY = Option[int](SocketOption.IPV4ONLY)
    delay_attach_on_connect = DELAY_ATTACH_ON_CONNECT = Option[int](SocketOption.DELAY_ATTACH_ON_CONNECT)
    fail_unroutable = FAIL_UNROUTABLE = Option[int](SocketOption.FAIL_UNROUTABLE)
    router_behavior = ROUTER_BEHAVIOR = Option[int](SocketOption.ROUTER_BEHAVIOR)
    zap_enforce_domain = ZAP_ENFORCE_DOMAIN = Option[int](SocketOption.ZAP_ENFORCE_DOMAIN)
    loopback_fastpath = LOOPBACK_FASTPATH = Option[int](SocketOption.LOOPBACK_FASTPATH)
    metadata = METADATA = Option[bytes](SocketOption.METADATA)
    multicast_loop = MULTICAST_LOOP = Option[int](SocketOption.MULTICAST_LOOP)
    router_notify = ROUTER_NOTIFY = Option[int](SocketOption.ROUTER_NOTIFY)
    xpub_manual_last_value = XPUB_MANUAL_LAST_VALUE = Option[int](SocketOption.XPUB_MANUAL_LAST_VALUE)
    socks_username = SOCKS_USERNAME = Option[bytes](SocketOption.SOCKS_USERNAME)
    socks_password = SOCKS_PASSWORD = Option[bytes](SocketOption.SOCKS_PASSWORD)
    in_batch_size = IN_BATCH_SIZE = Option[int](SocketOption.IN_BATCH_SIZE)
    out_batch_size = OUT_BATCH_SIZE = Option[int](SocketOption.OUT_BATCH_SIZE)
    wss_key_pem = WSS_KEY_PEM = Option[bytes](SocketOption.WSS_KEY_PEM)
    wss_cert_pem = WSS_CERT_PEM = Option[bytes](SocketOption.WSS_CERT_PEM)
    wss_trust_pem = WSS_TRUST_PEM = Option[bytes](SocketOption.WSS_TRUST_PEM)
    wss_hostname = WSS_HOSTNAME = Option[bytes](SocketOption.WSS_HOSTNAME)
    wss_trust_system = WSS_TRUST_SYSTEM = Option[int](SocketOption.WSS_TRUST_SYSTEM)
    only_first_subscribe = ONLY_FIRST_SUBSCRIBE = Option[int](SocketOption.ONLY_FIRST_SUBSCRIBE)
    reconnect_stop = RECONNECT_STOP = Option[int](SocketOption.RECONNECT_STOP)
    hello_msg = HELLO_MSG = Option[bytes](SocketOption.HELLO_MSG)
    disconnect_msg = DISCONNECT_MSG = Option[bytes](SocketOption.DISCONNECT_MSG)
    priority = PRIORITY = Option[int](SocketOption.PRIORITY)
    busy_poll = BUSY_POLL = Option[int](SocketOption.BUSY_POLL)
    hiccup_msg = HICCUP_MSG = Option[bytes](SocketOption.HICCUP_MSG)
    xsub_verbose_unsubscribe = XSUB_VERBOSE_UNSUBSCRIBE = Option[int](SocketOption.XSUB_VERBOSE_UNSUBSCRIBE)
    topics_count = TOPICS_COUNT = Option[int](SocketOption.TOPICS_COUNT)
    norm_mode = NORM_MODE = Option[int](SocketOption.NORM_MODE)
    norm_unicast_nack = NORM_UNICAST_NACK = Option[int](SocketOption.NORM_UNICAST_NACK)
    norm_buffer_size = NORM_BUFFER_SIZE = Option[int](SocketOption.NORM_BUFFER_SIZE)
    norm_segment_size = NORM_SEGMENT_SIZE = Option[int](SocketOption.NORM_SEGMENT_SIZE)
    norm_block_size = NORM_BLOCK_SIZE = Option[int](SocketOption.NORM_BLOCK_SIZE)
    norm_num_parity = NORM_NUM_PARITY = Option[int](SocketOption.NORM_NUM_PARITY)
    norm_num_autoparity = NORM_NUM_AUTOPARITY = Option[int](SocketOption.NORM_NUM_AUTOPARITY)
    norm_push = NORM_PUSH = Option[int](SocketOption.NORM_PUSH)
    io_strategy = IO_STRATEGY = Option[int](SocketOption.IO_STRATEGY)
    max_pending_handshakes = MAX_PENDING_HANDSHAKES = Option[int](SocketOption.MAX_PENDING_HANDSHAKES)
    max_peers = MAX_PEERS = Option[int](SocketOption.MAX_PEERS)
    max_message_frames = MAX_MESSAGE_FRAMES = Option[int](SocketOption.MAX_MESSAGE_FRAMES)
    max_message_bytes = MAX_MESSAGE_BYTES = Option[int](SocketOption.MAX_MESSAGE_BYTES)
    max_subscriptions = MAX_SUBSCRIPTIONS = Option[int](SocketOption.MAX_SUBSCRIPTIONS)
