"""Helpers around sockets: monitoring, JSON, Z85, strings."""

from __future__ import annotations

import importlib
from typing import Any

_SUBMODULES = ("garbage", "interop", "jsonapi", "monitor", "strtypes", "win32", "z85")


def __getattr__(name: str) -> Any:
    # pyzmq imports some of these with the package. Here they are imported when asked for.
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
