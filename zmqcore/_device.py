"""zmq.device, the ancestor of zmq.proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._core import proxy

if TYPE_CHECKING:
    from .socket import Socket

__all__ = ["device"]


def device(device_type: int, frontend: Socket, backend: Socket | None) -> None:
    """Forwards between two sockets until the context is terminated. The type makes no difference.

    Without a backend messages go back out through the frontend.
    """
    proxy(frontend, frontend if backend is None else backend)
