"""pyzmq's name for its compiled layer: zmqcore._core."""

from __future__ import annotations

import importlib
from typing import Any

from .._core import (
    IPC_PATH_MAX_LEN,
    Context,
    Frame,
    Socket,
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

Message = Frame
PYZMQ_DRAFT_API = True

__all__ = [
    "Context",
    "Socket",
    "Frame",
    "Message",
    "proxy",
    "proxy_steerable",
    "zmq_poll",
    "strerror",
    "zmq_errno",
    "has",
    "curve_keypair",
    "curve_public",
    "zmq_version_info",
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
]

# Names that are imported when asked for: the module below the package, or the name in another one.
_SUBMODULES = ("cython", "select")
_ELSEWHERE = {"monitored_queue": "..devices.monitoredqueue", "public_api": ".select", "select_backend": ".select"}


def __getattr__(name: str) -> Any:
    # pyzmq imports its submodules with the package. Here they are aliases that few programs look at, so they are imported when asked for.
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _ELSEWHERE:
        return getattr(importlib.import_module(_ELSEWHERE[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_ELSEWHERE})
