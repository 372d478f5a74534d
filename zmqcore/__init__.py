"""ZeroMQ for Python without libzmq. `import zmqcore as zmq` runs programs written for pyzmq."""

from __future__ import annotations

import typing as _typing

# "x as x" says to type checkers that a name is public; the sorter would give each a line of its own.
# isort: off
from . import _interpreter  # before the compiled part

try:
    from ._core import (
        IPC_PATH_MAX_LEN as IPC_PATH_MAX_LEN,
        curve_keypair as curve_keypair,
        curve_public as curve_public,
        has as has,
        proxy as proxy,
        proxy_steerable as proxy_steerable,
        strerror as strerror,
        zmq_errno as zmq_errno,
        zmq_poll as zmq_poll,
        zmq_version_info as zmq_version_info,
    )
except ModuleNotFoundError as missing:
    if missing.name != f"{__name__}._core":
        raise
    raise ModuleNotFoundError(
        f"{__path__[0]} has no compiled part for this Python: it is the source tree of zmqcore (or a damaged installation). "
        "Run `pip install -e .` there, or start Python from another directory to use an installed zmqcore.",
        name=missing.name,
    ) from None

from . import _core as _core, backend as backend, constants as constants, error as error, sugar as sugar, utils as utils
from ._alias import as_zmq as as_zmq
from ._device import device as device
from .constants import *  # noqa: F403
from .context import Context as Context, SyncContext as SyncContext
from .error import (
    Again as Again,
    ContextTerminated as ContextTerminated,
    DraftFDWarning as DraftFDWarning,
    InterruptedSystemCall as InterruptedSystemCall,
    NotDone as NotDone,
    ZMQBaseError as ZMQBaseError,
    ZMQBindError as ZMQBindError,
    ZMQError as ZMQError,
    ZMQVersionError as ZMQVersionError,
)
from .frame import Frame as Frame, Message as Message
from .poll import Poller as Poller, select as select
from .socket import Socket as Socket, SyncSocket as SyncSocket
from .stopwatch import Stopwatch as Stopwatch
from .tracker import _FINISHED_TRACKER as _FINISHED_TRACKER, MessageTracker as MessageTracker
from .version import (
    __revision__ as __revision__,
    __version__ as __version__,
    pyzmq_version as pyzmq_version,
    pyzmq_version_info as pyzmq_version_info,
    zmq_version as zmq_version,
    zmqcore_version as zmqcore_version,
)

# Sends below this size copy; larger ones may be tracked. The default of Socket.copy_threshold.
COPY_THRESHOLD = 65536

# pyzmq builds with libzmq's draft API set these.
DRAFT_API = PYZMQ_DRAFT_API = False


def get_includes() -> list[str]:
    """Return the directories of C headers to build against: none, there is no C library.

    Returns:
        list[str]: empty.
    """
    return []


def get_library_dirs() -> list[str]:
    """Return the directories of libraries to link with: none, there is no C library.

    Returns:
        list[str]: empty.
    """
    return []


<<<<<<< HEAD
if not _typing.TYPE_CHECKING:
    # For type checkers the imports above say what is public, by "as" or by "*": they do not evaluate sums of lists.
    __all__ = constants.__all__ + [
        "get_includes", "COPY_THRESHOLD", "DRAFT_API", "PYZMQ_DRAFT_API", "IPC_PATH_MAX_LEN", "Again", "Context",
        "ContextTerminated", "DraftFDWarning", "Frame", "InterruptedSystemCall", "Message", "MessageTracker",
        "NotDone", "Poller", "Socket", "Stopwatch", "SyncContext", "SyncSocket", "ZMQBaseError", "ZMQBindError",
        "ZMQError", "ZMQVersionError", "_FINISHED_TRACKER", "__revision__", "__version__", "curve_keypair",
        "curve_public", "device", "has", "proxy", "proxy_steerable", "pyzmq_version", "pyzmq_version_info", "select",
        "strerror", "zmq_errno", "zmq_poll", "zmq_version", "zmq_version_info", "zmqcore_version",
    ]  # fmt: skip
=======
__all__ = [
    # zmqcore.constants, in full: type checkers only read what is written out
    "Enum", "IntEnum", "IntFlag", "ContextOption", "DeviceType", "Errno", "Event", "Flag", "MessageOption", "NormMode",
    "PollEvent", "ReconnectStop", "RouterNotify", "SecurityMechanism", "SocketOption", "SocketType", "IO_THREADS",
    "MAX_SOCKETS", "SOCKET_LIMIT", "THREAD_PRIORITY", "THREAD_SCHED_POLICY", "MAX_MSGSZ", "MSG_T_SIZE",
    "THREAD_AFFINITY_CPU_ADD", "THREAD_AFFINITY_CPU_REMOVE", "THREAD_NAME_PREFIX", "STREAMER", "FORWARDER", "QUEUE",
    "EAGAIN", "EFAULT", "EINVAL", "ENOTSUP", "EPROTONOSUPPORT", "ENOBUFS", "ENETDOWN", "EADDRINUSE", "EADDRNOTAVAIL",
    "ECONNREFUSED", "EINPROGRESS", "ENOTSOCK", "EMSGSIZE", "EAFNOSUPPORT", "ENETUNREACH", "ECONNABORTED", "ECONNRESET",
    "ENOTCONN", "ETIMEDOUT", "EHOSTUNREACH", "ENETRESET", "EFSM", "ENOCOMPATPROTO", "ETERM", "EMTHREAD",
    "PROTOCOL_ERROR_WS_UNSPECIFIED", "PROTOCOL_ERROR_ZMTP_UNSPECIFIED", "PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND",
    "PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE", "PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED", "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO", "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR", "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME", "PROTOCOL_ERROR_ZMTP_INVALID_METADATA",
    "PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC", "PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH", "PROTOCOL_ERROR_ZAP_UNSPECIFIED",
    "PROTOCOL_ERROR_ZAP_MALFORMED_REPLY", "PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID", "PROTOCOL_ERROR_ZAP_BAD_VERSION",
    "PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE", "PROTOCOL_ERROR_ZAP_INVALID_METADATA", "EVENT_CONNECTED",
    "EVENT_CONNECT_DELAYED", "EVENT_CONNECT_RETRIED", "EVENT_LISTENING", "EVENT_BIND_FAILED", "EVENT_ACCEPTED",
    "EVENT_ACCEPT_FAILED", "EVENT_CLOSED", "EVENT_CLOSE_FAILED", "EVENT_DISCONNECTED", "EVENT_MONITOR_STOPPED",
    "EVENT_HANDSHAKE_FAILED_NO_DETAIL", "EVENT_HANDSHAKE_SUCCEEDED", "EVENT_HANDSHAKE_FAILED_PROTOCOL",
    "EVENT_HANDSHAKE_FAILED_AUTH", "EVENT_ALL_V1", "EVENT_ALL", "EVENT_PIPES_STATS", "EVENT_ALL_V2", "DONTWAIT",
    "SNDMORE", "NOBLOCK", "MORE", "SHARED", "SRCFD", "NORM_FIXED", "NORM_CC", "NORM_CCL", "NORM_CCE",
    "NORM_CCE_ECNONLY", "POLLIN", "POLLOUT", "POLLERR", "POLLPRI", "RECONNECT_STOP_CONN_REFUSED",
    "RECONNECT_STOP_HANDSHAKE_FAILED", "RECONNECT_STOP_AFTER_DISCONNECT", "NOTIFY_CONNECT", "NOTIFY_DISCONNECT", "NULL",
    "PLAIN", "CURVE", "GSSAPI", "HWM", "AFFINITY", "ROUTING_ID", "SUBSCRIBE", "UNSUBSCRIBE", "RATE", "RECOVERY_IVL",
    "SNDBUF", "RCVBUF", "RCVMORE", "FD", "EVENTS", "TYPE", "LINGER", "RECONNECT_IVL", "BACKLOG", "RECONNECT_IVL_MAX",
    "MAXMSGSIZE", "SNDHWM", "RCVHWM", "MULTICAST_HOPS", "RCVTIMEO", "SNDTIMEO", "LAST_ENDPOINT", "ROUTER_MANDATORY",
    "TCP_KEEPALIVE", "TCP_KEEPALIVE_CNT", "TCP_KEEPALIVE_IDLE", "TCP_KEEPALIVE_INTVL", "IMMEDIATE", "XPUB_VERBOSE",
    "ROUTER_RAW", "IPV6", "MECHANISM", "PLAIN_SERVER", "PLAIN_USERNAME", "PLAIN_PASSWORD", "CURVE_SERVER",
    "CURVE_PUBLICKEY", "CURVE_SECRETKEY", "CURVE_SERVERKEY", "PROBE_ROUTER", "REQ_CORRELATE", "REQ_RELAXED", "CONFLATE",
    "ZAP_DOMAIN", "ROUTER_HANDOVER", "TOS", "CONNECT_ROUTING_ID", "GSSAPI_SERVER", "GSSAPI_PRINCIPAL",
    "GSSAPI_SERVICE_PRINCIPAL", "GSSAPI_PLAINTEXT", "HANDSHAKE_IVL", "SOCKS_PROXY", "XPUB_NODROP", "BLOCKY",
    "XPUB_MANUAL", "XPUB_WELCOME_MSG", "STREAM_NOTIFY", "INVERT_MATCHING", "HEARTBEAT_IVL", "HEARTBEAT_TTL",
    "HEARTBEAT_TIMEOUT", "XPUB_VERBOSER", "CONNECT_TIMEOUT", "TCP_MAXRT", "THREAD_SAFE", "MULTICAST_MAXTPDU",
    "VMCI_BUFFER_SIZE", "VMCI_BUFFER_MIN_SIZE", "VMCI_BUFFER_MAX_SIZE", "VMCI_CONNECT_TIMEOUT", "USE_FD",
    "GSSAPI_PRINCIPAL_NAMETYPE", "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE", "BINDTODEVICE", "IDENTITY", "CONNECT_RID",
    "TCP_ACCEPT_FILTER", "IPC_FILTER_PID", "IPC_FILTER_UID", "IPC_FILTER_GID", "IPV4ONLY", "DELAY_ATTACH_ON_CONNECT",
    "FAIL_UNROUTABLE", "ROUTER_BEHAVIOR", "ZAP_ENFORCE_DOMAIN", "LOOPBACK_FASTPATH", "METADATA", "MULTICAST_LOOP",
    "ROUTER_NOTIFY", "XPUB_MANUAL_LAST_VALUE", "SOCKS_USERNAME", "SOCKS_PASSWORD", "IN_BATCH_SIZE", "OUT_BATCH_SIZE",
    "WSS_KEY_PEM", "WSS_CERT_PEM", "WSS_TRUST_PEM", "WSS_HOSTNAME", "WSS_TRUST_SYSTEM", "ONLY_FIRST_SUBSCRIBE",
    "RECONNECT_STOP", "HELLO_MSG", "DISCONNECT_MSG", "PRIORITY", "BUSY_POLL", "HICCUP_MSG", "XSUB_VERBOSE_UNSUBSCRIBE",
    "TOPICS_COUNT", "NORM_MODE", "NORM_UNICAST_NACK", "NORM_BUFFER_SIZE", "NORM_SEGMENT_SIZE", "NORM_BLOCK_SIZE",
    "NORM_NUM_PARITY", "NORM_NUM_AUTOPARITY", "NORM_PUSH", "PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER",
    "PULL", "PUSH", "XPUB", "XSUB", "STREAM", "XREQ", "XREP", "SERVER", "CLIENT", "RADIO", "DISH", "GATHER", "SCATTER",
    "DGRAM", "PEER", "CHANNEL", "IO_STRATEGY", "MAX_PENDING_HANDSHAKES", "MAX_PEERS", "MAX_MESSAGE_FRAMES",
    "MAX_MESSAGE_BYTES", "MAX_SUBSCRIPTIONS",
    # the rest
    "get_includes",
    "COPY_THRESHOLD",
    "DRAFT_API",
    "PYZMQ_DRAFT_API",
    "IPC_PATH_MAX_LEN",
    "Again",
    "Context",
    "ContextTerminated",
    "DraftFDWarning",
    "Frame",
    "InterruptedSystemCall",
    "Message",
    "MessageTracker",
    "NotDone",
    "Poller",
    "Socket",
    "Stopwatch",
    "SyncContext",
    "SyncSocket",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
    "_FINISHED_TRACKER",
    "__revision__",
    "__version__",
    "as_zmq",
    "curve_keypair",
    "curve_public",
    "device",
    "has",
    "proxy",
    "proxy_steerable",
    "pyzmq_version",
    "pyzmq_version_info",
    "select",
    "strerror",
    "zmq_errno",
    "zmq_poll",
    "zmq_version",
    "zmq_version_info",
    "zmqcore_version",
]
>>>>>>> 2a1fad7 (api: import zmq gives zmqcore, for a program or an environment)
