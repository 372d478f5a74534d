"""pyzmq's name for its compiled layer in Cython: zmqcore.backend."""

from __future__ import annotations

import importlib
from typing import Any

from .. import *  # noqa: F403
from .. import __all__ as __all__
from .. import __getattr__ as _backend_attribute


def __getattr__(name: str) -> Any:
    if name == "monitored_queue":
        return _backend_attribute(name)
    if name == "_zmq":
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
