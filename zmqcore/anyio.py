"""Sockets to be awaited in programs of anyio, on asyncio and on trio alike.

Rules
- On asyncio the sockets are those of zmqcore.asyncio; on trio a task waits as told in `_waiting`.
- Each call notices that its scope is cancelled before it does anything. A call that is cancelled while it waits has done nothing, and a message
  whose task is cancelled after all goes to the next receive.
- A socket that is closed ends what waits for it with ENOTSOCK.
- A call that can be done at once does not let others run, but for one in so many.
- A socket may be used by several tasks, and by the loops of several threads, whatever they are.
"""

from __future__ import annotations

import sys
from asyncio import CancelledError, Future
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from anyio import to_thread
from anyio.lowlevel import checkpoint_if_cancelled

from . import _core
from . import asyncio as _asyncio
from . import poll as _poll
from . import socket as _socket
from ._anyio_requester import Requester
from ._awaiting import DONTWAIT, POLLIN, POLLOUT
from ._deadlines import Deadline, within
from ._presence import Presence
from .constants import Errno
from .error import Again, ZMQError

if TYPE_CHECKING:
    from ._trio import TrioWaits

__all__ = ["Context", "Socket", "Poller", "Requester"]

_core_send = _core.Socket.send
_core_recv = _core.Socket.recv
_core_send_multipart = _core.Socket.send_multipart
_core_recv_multipart = _core.Socket.recv_multipart
_core_recv_into = _core.Socket.recv_into
_core_send_many = _core.Socket.send_many
_core_recv_many = _core.Socket.recv_many
_await_send = _core.await_send
_await_recv = _core.await_recv
_await_send_multipart = _core.await_send_multipart
_await_recv_multipart = _core.await_recv_multipart


def _in_trio() -> bool:
    """Whether the task that runs is trio's. A program that has not imported it has none."""
    trio = sys.modules.get("trio")
    return trio is not None and trio.lowlevel.in_trio_task()


class Socket(_asyncio.Socket):
    """A socket whose sends, receives and polls are awaited, on asyncio and on trio. `async for frame in socket` receives for ever.

    Args:
        context (Context): the context to belong to.
        socket_type (int): a SocketType. Default -1: none, for shadows.
        io_loop (Any): ignored, and deprecated.
        **kwargs: as for `zmqcore.Socket`.

    Raises:
        ZMQError, ContextTerminated, TypeError: as `zmqcore.Socket`.
    """

    _repr_cls = "zmq.anyio.Socket"
    _trio: TrioWaits | None = None

    def _waits(self) -> TrioWaits:
        """What waits for the socket in this run of trio."""
        from . import _trio

        waits = self._trio
        if waits is None or waits.ended or waits.token is not _trio.current_token():
            waits = self._trio = _trio.waits_of(self)
        return waits

    def _check_closed(self, future: Future[Any]) -> None:
        """asyncio's way to end what is pending on a socket that is closed is to cancel it; but here no scope was cancelled."""
        if self.closed and future.cancelled():
            raise ZMQError(Errno.ENOTSOCK) from None

    # -- sending and receiving

    async def send(  # type: ignore[override]
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Send one frame, to be awaited. See `zmqcore.Socket.send()`."""
        if _in_trio():
            args = (data, flags | DONTWAIT, copy, track, routing_id, group)
            return await self._waits().call(self, _core_send, args, flags, POLLOUT, timeout=timeout)
        await checkpoint_if_cancelled()
        future = _await_send(self, data, flags, copy, track, routing_id, group, timeout=timeout)
        try:
            return await future
        except CancelledError:
            self._check_closed(future)
            raise

    async def send_multipart(  # type: ignore[override]
        self,
        msg_parts: Iterable[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        *,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Send a message of several frames, to be awaited. See `zmqcore.Socket.send_multipart()`."""
        if _in_trio():
            args = (_core.frames_of(msg_parts), flags | DONTWAIT, copy, track)
            return await self._waits().call(self, _core_send_multipart, args, flags, POLLOUT, timeout=timeout)
        await checkpoint_if_cancelled()
        future = _await_send_multipart(self, msg_parts, flags, copy, track, timeout=timeout)
        try:
            return await future
        except CancelledError:
            self._check_closed(future)
            raise

    async def recv(  # type: ignore[override]
        self, flags: int = 0, copy: bool = True, track: bool = False, *, timeout: float | None = None
    ) -> Any:
        """Receive one frame, to be awaited. See `zmqcore.Socket.recv()`."""
        if _in_trio():
            args = (flags | DONTWAIT, copy, track)
            return await self._waits().call(self, _core_recv, args, flags, POLLIN, timeout=timeout)
        await checkpoint_if_cancelled()
        future = _await_recv(self, flags, copy, track, timeout=timeout)
        try:
            return await future
        except CancelledError:
            self._check_closed(future)
            raise

    async def recv_multipart(  # type: ignore[override]
        self, flags: int = 0, copy: bool = True, track: bool = False, *, timeout: float | None = None
    ) -> Any:
        """Receive all frames of a message, to be awaited. See `zmqcore.Socket.recv_multipart()`."""
        if _in_trio():
            args = (flags | DONTWAIT, copy, track)
            return await self._waits().call(self, _core_recv_multipart, args, flags, POLLIN, timeout=timeout)
        await checkpoint_if_cancelled()
        future = _await_recv_multipart(self, flags, copy, track, timeout=timeout)
        try:
            return await future
        except CancelledError:
            self._check_closed(future)
            raise

    async def recv_into(  # type: ignore[override]
        self, buf: Any, /, *, nbytes: int = 0, flags: int = 0, timeout: float | None = None
    ) -> int:
        """Receive one frame into memory that is there already, to be awaited. See `zmqcore.Socket.recv_into()`."""
        length: int
        if _in_trio():
            keywords = {"nbytes": nbytes, "flags": flags | DONTWAIT}
            length = await self._waits().call(self, _core_recv_into, (buf,), flags, POLLIN, keywords, timeout)
        else:
            await checkpoint_if_cancelled()
            future = super().recv_into(buf, nbytes=nbytes, flags=flags, timeout=timeout)
            try:
                length = await future
            except CancelledError:
                self._check_closed(future)
                raise
        return length

    async def send_many(  # type: ignore[override]
        self, iterable: Iterable[Any], flags: int = 0, *, timeout: float | None = None
    ) -> int:
        """Send a batch, to be awaited. See `zmqcore.Socket.send_many()`."""
        if not _in_trio():
            return await super().send_many(iterable, flags, timeout=timeout)
        deadline = Deadline(timeout)
        items = iter(iterable)
        sent = 0
        while chunk := list(islice(items, _asyncio.CHUNK)):
            done = 0
            while done < len(chunk):
                try:
                    await self.send(chunk[done], flags, **deadline.left())
                except Again:
                    if sent + done:
                        return sent + done
                    raise
                done += 1
                try:
                    done += _core_send_many(self, chunk[done:], flags | DONTWAIT)
                except Again:
                    pass
            sent += done
            await self._waits().turn()
        return sent

    async def recv_many(  # type: ignore[override]
        self, max: int = 1000, flags: int = 0, *, timeout: float | None = None
    ) -> list[bytes]:
        """Receive a batch, to be awaited. See `zmqcore.Socket.recv_many()`."""
        if not _in_trio():
            return await super().recv_many(max, flags, timeout=timeout)
        frames = [await self.recv(flags, **within(timeout))] if max > 0 else []
        if max > 1:
            try:
                frames += _core_recv_many(self, max - 1, DONTWAIT)
            except Again:
                pass
        return frames

    # What these are made of is awaited, and so are they: see _deserialize. To a type checker they are as in zmqcore.asyncio.
    if not TYPE_CHECKING:
        recv_string = recv_unicode = _socket.Socket.recv_string
        recv_json = _socket.Socket.recv_json
        recv_object = _socket.Socket.recv_object
        recv_pyobj = _socket.Socket.recv_pyobj
        recv_serialized = _socket.Socket.recv_serialized

    async def _deserialize(self, recvd: Any, load: Callable[[Any], Any]) -> Any:
        return load(await recvd)

    # -- polling

    async def poll(self, timeout: float | None = None, flags: int = POLLIN) -> int:  # type: ignore[override]
        """Wait for events of the socket, to be awaited. See `zmqcore.Socket.poll()`."""
        if not _in_trio():
            await checkpoint_if_cancelled()
            future = super().poll(timeout, flags)
            try:
                return await future
            except CancelledError:
                self._check_closed(future)
                raise
        if self.closed:
            raise ZMQError(Errno.ENOTSUP, "cannot poll: the socket is closed")
        if not flags:
            return 0
        from . import _trio

        found = await _trio.poll([(self, int(flags))], _poll.milliseconds(timeout))
        return found[0][1] if found else 0

    # -- who is there, and who is not served yet

    async def _outside(self, wait: Callable[[], Any]) -> Any:  # type: ignore[override]
        return await to_thread.run_sync(wait)

    async def _wait_for(self, presence: Presence) -> int:
        await checkpoint_if_cancelled()
        found = presence.now()
        if found is None:
            try:
                found = await to_thread.run_sync(presence.wait, abandon_on_cancel=True)
            finally:
                presence.given_up.set()
        return found

    def _look_again(self) -> None:
        super()._look_again()
        if self._trio is not None:
            self._trio.news()


class Poller(_asyncio.Poller):
    """A Poller whose poll is awaited, on asyncio and on trio. It takes asynchronous and ordinary sockets, and descriptors."""

    _socket_class: ClassVar[Any] = Socket

    async def poll(self, timeout: float | None = -1) -> list[tuple[Any, int]]:  # type: ignore[override]
        """Wait until anything in the list is ready, to be awaited. See `zmqcore.Poller.poll()`."""
        if not _in_trio():
            await checkpoint_if_cancelled()
            return await super().poll(timeout)
        from . import _trio

        return await _trio.poll(list(self.sockets), _poll.milliseconds(timeout))


class Context(_asyncio.Context):
    """Makes sockets to be awaited, on asyncio and on trio."""

    _instance: ClassVar[Any] = None  # apart from the others'
    _repr_cls = "zmq.anyio.Context"
    _socket_class = Socket
