"""zmq.device, the ancestor of zmq.proxy."""

from __future__ import annotations

from ._core import proxy
from .socket import Socket

__all__ = ["device"]


def device(device_type: int, frontend: Socket, backend: Socket | None) -> None:
    """Forward messages between two sockets until the context ends. `zmq.proxy()` is the newer form.

    Args:
        device_type (int): zmq.QUEUE, zmq.FORWARDER or zmq.STREAMER; it makes no difference.
        frontend (Socket): one side.
        backend (Socket): the other; None sends everything back out through the frontend.

    Raises:
        ContextTerminated (ETERM): the context has been ended.
        ZMQError (ENOTSOCK): a socket has been closed.
        TypeError: not a socket.

    Source: zmq_device in the ZeroMQ API.
    """
    proxy(frontend, frontend if backend is None else backend)
