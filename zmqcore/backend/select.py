"""pyzmq's way to choose its compiled layer. There is one here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import __all__ as _names

public_api = list(_names)


def select_backend(name: str) -> dict[str, Any]:
    """The names of a compiled layer, given by the name of its module."""
    module = import_module(name)
    missing = [each for each in public_api if not hasattr(module, each)]
    if missing:
        raise ImportError(f"{name} is no backend: it has no {', '.join(missing)}")
    return {each: getattr(module, each) for each in public_api}
