"""Sockets to be awaited on tornado's loop: those of zmqcore.asyncio, for tornado's Futures are asyncio's.

Rules
- The running loop is used, or outside of coroutines tornado's current one.
- A cancelled call raises asyncio's CancelledError.
"""

from __future__ import annotations

import warnings
from asyncio import CancelledError as CancelledError
from asyncio import Future as Future
from typing import Any, ClassVar

from tornado.ioloop import IOLoop

from .. import asyncio as _asyncio
from .._awaiting import Awaiting, awaiting_of, running_loop

__all__ = ["Context", "Socket", "Poller", "CancelledError"]


class Socket(_asyncio.Socket):
    """A socket whose sends, receives and polls are awaited."""

    _repr_cls = "zmq.eventloop.future.Socket"

    def _await(self) -> Awaiting:
        if running_loop() is not None:
            return super()._await()
        loop = IOLoop.current().asyncio_loop
        awaiting = self._awaiting
        if awaiting is None or awaiting.loop is not loop:
            awaiting = self._awaiting = awaiting_of(self, loop)
        return awaiting


class Poller(_asyncio.Poller):
    """A Poller whose poll is awaited."""

    _socket_class: ClassVar[Any] = Socket


class Context(_asyncio.Context):
    """Makes sockets to be awaited."""

    io_loop: ClassVar[Any] = None
    _instance: ClassVar[Any] = None
    _repr_cls = "zmq.eventloop.future.Context"
    _socket_class = Socket

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.pop("io_loop", None) is not None:
            warnings.warn("io_loop is ignored: the running event loop is used", DeprecationWarning, stacklevel=2)
        super().__init__(*args, **kwargs)
