"""ZeroMQ for Python without libzmq. `import zmqcore as zmq` runs programs written for pyzmq."""

from __future__ import annotations

from . import _core, backend, constants, error, sugar, utils
from ._core import (
    IPC_PATH_MAX_LEN,
    curve_keypair,
    curve_public,
    has,
    proxy,
    proxy_steerable,
    strerror,
    zmq_errno,
    zmq_poll,
    zmq_version_info,
)
from ._device import device
from .constants import *  # noqa: F403
from .context import Context, SyncContext
from .error import (
    Again,
    ContextTerminated,
    DraftFDWarning,
    InterruptedSystemCall,
    NotDone,
    ZMQBaseError,
    ZMQBindError,
    ZMQError,
    ZMQVersionError,
)
from .frame import Frame, Message
from .poll import Poller, select
from .socket import Socket, SyncSocket
from .stopwatch import Stopwatch
from .tracker import _FINISHED_TRACKER, MessageTracker
from .version import __revision__, __version__, pyzmq_version, pyzmq_version_info, zmq_version

# Sends below this size copy; larger ones may be tracked. The default of Socket.copy_threshold.
COPY_THRESHOLD = 65536

# pyzmq builds with libzmq's draft API set these.
DRAFT_API = PYZMQ_DRAFT_API = False


def get_includes() -> list[str]:
    """Directories of C headers to build against: none, there is no C library."""
    return []


def get_library_dirs() -> list[str]:
    """Directories of libraries to link with: none, there is no C library."""
    return []


__all__ = [  # noqa: PLE0604  # strings, though the linter cannot see it
    *constants.__all__,
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
]
