"""ZMQStream for sockets of zmqcore.green: its loop waits, not the socket."""

from __future__ import annotations

from typing import Any

from ...eventloop import zmqstream
from ...eventloop.zmqstream import IOLoop as IOLoop

__all__ = ["ZMQStream"]


class ZMQStream(zmqstream.ZMQStream):
    """A socket whose messages are handed to functions, on a loop."""

    def __init__(self, socket: Any, io_loop: Any = None) -> None:
        super().__init__(socket, IOLoop.current() if io_loop is None else io_loop)
