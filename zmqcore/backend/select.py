"""pyzmq's way to choose its compiled layer. There is one here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

public_api = [
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


def select_backend(name: str) -> dict[str, Any]:
    """The names of a compiled layer, given by the name of its module."""
    module = import_module(name)
    missing = [each for each in public_api if not hasattr(module, each)]
    if missing:
        raise ImportError(f"{name} is no backend: it has no {', '.join(missing)}")
    return {each: getattr(module, each) for each in public_api}
