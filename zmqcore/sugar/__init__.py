"""pyzmq's name for its Python layer: the same objects as in zmqcore itself."""

from __future__ import annotations

import importlib
from typing import Any

from .. import error as error
from .._core import proxy as proxy
from .._device import device
from ..constants import DeviceType as DeviceType
from ..context import Context, SyncContext
from ..error import (
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
from ..frame import Frame, Message
from ..poll import Poller, select
from ..socket import Socket, SyncSocket
from ..stopwatch import Stopwatch
from ..tracker import _FINISHED_TRACKER, MessageTracker
from ..version import __revision__, __version__, pyzmq_version, pyzmq_version_info, zmq_version, zmq_version_info

__all__ = [
    "device",
    "Context",
    "SyncContext",
    "DraftFDWarning",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "NotDone",
    "ContextTerminated",
    "InterruptedSystemCall",
    "Again",
    "ZMQVersionError",
    "Frame",
    "Message",
    "Poller",
    "select",
    "Socket",
    "SyncSocket",
    "MessageTracker",
    "_FINISHED_TRACKER",
    "zmq_version",
    "zmq_version_info",
    "pyzmq_version",
    "pyzmq_version_info",
    "__version__",
    "__revision__",
    "Stopwatch",
]

_SUBMODULES = ("attrsettr", "context", "frame", "poll", "socket", "stopwatch", "tracker", "version")


def __getattr__(name: str) -> Any:
    # pyzmq imports its submodules with the package. Here they are aliases that few programs look at, so they are imported when asked for.
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
