"""Sockets to be awaited on tornado's loop: those of zmqcore.asyncio, for tornado's Futures are asyncio's.

Rules
- The running loop is used, or outside of coroutines tornado's current one.
- A cancelled call raises asyncio's CancelledError.
- `IOLoop.close(all_fds=True)` closes the sockets that were awaited on that loop. It holds on to none of them.
"""

from __future__ import annotations

import warnings
from asyncio import CancelledError as CancelledError
from asyncio import Future as Future
from typing import Any, ClassVar

from tornado.ioloop import IOLoop

from .. import asyncio as _asyncio
from .._awaiting import Awaiting, awaiting_of, running_loop
from ._closer import Closer

__all__ = ["Context", "Socket", "Poller", "CancelledError"]


class Socket(_asyncio.Socket):
    """A socket whose sends, receives and polls are awaited, on tornado's loop. See `zmqcore.asyncio.Socket`."""

    _repr_cls = "zmq.eventloop.future.Socket"
    _io_loop: Any = None
    _closer: Closer | None = None

    def _await(self) -> Awaiting:
        loop = running_loop()
        awaiting = self._awaiting
        if awaiting is None or loop is None or awaiting.loop is not loop:
            awaiting = self._awaiting = awaiting_of(self, self._get_loop().asyncio_loop)
        return awaiting

    def _get_loop(self) -> Any:
        """tornado's current loop, which knows the socket from now on."""
        io_loop = IOLoop.current()
        if self._io_loop is not io_loop:
            self._leave_loop()
            try:
                self._closer = Closer(self, io_loop)
            except ValueError:  # another object of this socket is there already
                pass
            self._io_loop = io_loop
        return io_loop

    def _leave_loop(self) -> None:
        if self._closer is not None:
            self._closer.remove()
            self._closer = None

    def close(self, linger: int | None = None, *, timeout: float | None = None) -> Any:
        """Close the socket. See `zmqcore.Socket.close()`."""
        self._leave_loop()
        return super().close(linger, timeout=timeout)


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
