"""ZeroMQ for Python without libzmq. `import zmqcore as zmq` runs programs written for pyzmq.

Start with `Context` and `Socket`; `Poller` waits for several sockets, `zmqcore.asyncio` has sockets to be awaited, and
`ZMQError` is what fails. `proxy` connects two sockets; `devices` run proxies in threads and processes. `zmqcore.requester` asks again where no
answer comes, `zmqcore.last_values` tells late subscribers what they missed, `zmqcore.ending` shows what a program that hangs waits for.

Example:
    >>> import zmqcore as zmq
    >>> with zmq.Context() as context:
    ...     with context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
    ...         bound = server.bind("tcp://127.0.0.1:*")
    ...         connected = client.connect(bound.addr)
    ...         client.send_string("hello")
    ...         print(server.recv_string())
    hello
"""

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
    ObjectError as ObjectError,
    UntrustedPickleError as UntrustedPickleError,
    UntrustedPickleWarning as UntrustedPickleWarning,
    ZMQBaseError as ZMQBaseError,
    ZMQBindError as ZMQBindError,
    ZMQError as ZMQError,
    ZMQVersionError as ZMQVersionError,
)
from .frame import Frame as Frame, Message as Message
from .keys import PeerInfo as PeerInfo, PublicKey as PublicKey, SecretKey as SecretKey
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

# As in pyzmq's builds with libzmq's draft API: the draft types and what belongs to them are in every build of zmqcore.
DRAFT_API = PYZMQ_DRAFT_API = True


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


if not _typing.TYPE_CHECKING:
    # For type checkers the imports above say what is public, by "as" or by "*": they do not evaluate sums of lists.
    __all__ = constants.__all__ + [
        "get_includes", "COPY_THRESHOLD", "DRAFT_API", "PYZMQ_DRAFT_API", "IPC_PATH_MAX_LEN", "Again",
        "Context", "ContextTerminated", "DraftFDWarning", "Frame", "InterruptedSystemCall", "Message",
        "MessageTracker", "NotDone", "ObjectError", "PeerInfo", "Poller", "PublicKey", "SecretKey", "Socket",
        "Stopwatch", "SyncContext", "SyncSocket", "UntrustedPickleError", "UntrustedPickleWarning",
        "ZMQBaseError", "ZMQBindError", "ZMQError", "ZMQVersionError", "_FINISHED_TRACKER", "__revision__",
        "__version__", "as_zmq", "curve_keypair", "curve_public", "device", "has", "proxy", "proxy_steerable",
        "pyzmq_version", "pyzmq_version_info", "select", "strerror", "zmq_errno", "zmq_poll", "zmq_version",
        "zmq_version_info", "zmqcore_version",
    ]  # fmt: skip
