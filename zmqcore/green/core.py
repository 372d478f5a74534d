"""Sockets for greenlets: calls that would block let other greenlets run.

Rules
- A call that can be done at once is; one in so many lets others run even so. With DONTWAIT no call ever does.
- RCVTIMEO and SNDTIMEO hold. `gevent.Timeout` and `kill` may end a call at any moment, and lose nothing.
- A socket may be used by many greenlets, and by the hubs of several threads.
- How waiting works is in `zmqcore._waiting`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, ClassVar

import gevent
from gevent.hub import get_hub

from .. import _core
from .. import context as _context
from .. import poll as _poll
from .. import socket as _socket
from .._deadlines import Deadline, checked, tighter, within
from .._presence import Presence
from .._waiting import CALLS_PER_TURN, DONTWAIT, POLLIN, POLLOUT, RCVTIMEO, SNDTIMEO
from ..constants import Errno
from ..error import Again, ZMQError, time_is_over
from ._hub import GreenWaits, waits_of
from .poll import _Poller

__all__ = ["_Context", "_Poller", "_Socket"]

_core_get = _core.Socket.get
_core_send = _core.Socket.send
_core_recv = _core.Socket.recv
_core_send_multipart = _core.Socket.send_multipart
_core_recv_multipart = _core.Socket.recv_multipart
_core_recv_into = _core.Socket.recv_into
_core_send_many = _core.Socket.send_many
_core_recv_many = _core.Socket.recv_many

# Messages of send_many() between two turns of the hub.
CHUNK = 1000

NO_KEYWORDS: dict[str, Any] = {}


class _Socket(_socket.Socket):
    """A socket whose calls let other greenlets run."""

    _awaiting: GreenWaits | None
    _per_frame = False
    _poller_class: ClassVar[Any] = _Poller
    _repr_cls = "zmq.green.Socket"

    def _waits(self) -> GreenWaits:
        """What waits for this socket on this thread's hub."""
        waits = self._awaiting
        if waits is None or waits.ended or waits.hub is not get_hub():
            waits = self._awaiting = waits_of(self)
        return waits

    def _do(
        self,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        flags: int,
        event: int,
        keywords: dict[str, Any] = NO_KEYWORDS,
        timeout: float | None = None,
    ) -> Any:
        """Makes a call that does not wait, as soon as `event` lets it. `timeout`: milliseconds, beside RCVTIMEO or SNDTIMEO."""
        if timeout is not None:
            timeout = checked(timeout)
        if flags & DONTWAIT:
            return call(self, *args, **keywords)
        waits = self._awaiting
        if waits is None or waits.ended:
            waits = self._waits()
        waits.calls += 1
        if waits.calls > CALLS_PER_TURN:
            waits = self._waits()
            waits.turn()
        try:
            result = call(self, *args, **keywords)
        except Again:
            option: int = _core_get(self, RCVTIMEO if event == POLLIN else SNDTIMEO)
            wait = tighter(timeout, option)
            if wait == 0:
                if timeout is None:
                    raise
                raise time_is_over(event == POLLOUT, timeout, option) from None
        else:
            if waits.waiters:
                waits.news()
            return result
        try:
            return self._waits().call(self, call, args, keywords, event, wait)
        except Again:
            if timeout is None:
                raise
            raise time_is_over(event == POLLOUT, timeout, option) from None

    # -- sending and receiving

    def send(
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
        """Send one frame. See `zmqcore.Socket.send()`."""
        args = (data, flags | DONTWAIT, copy, track, routing_id, group)
        return self._do(_core_send, args, flags, POLLOUT, timeout=timeout)

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False, *, timeout: float | None = None) -> Any:
        """Receive one frame. See `zmqcore.Socket.recv()`."""
        return self._do(_core_recv, (flags | DONTWAIT, copy, track), flags, POLLIN, timeout=timeout)

    def send_multipart(
        self,
        msg_parts: Iterable[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        *,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Send a message of several frames. See `zmqcore.Socket.send_multipart()`."""
        parts = _core.frames_of(msg_parts)  # it may be an iterator, and one attempt may not be enough
        return self._do(_core_send_multipart, (parts, flags | DONTWAIT, copy, track), flags, POLLOUT, kwargs, timeout)

    def recv_multipart(
        self, flags: int = 0, copy: bool = True, track: bool = False, *, timeout: float | None = None
    ) -> Any:
        """Receive all frames of a message. See `zmqcore.Socket.recv_multipart()`."""
        return self._do(_core_recv_multipart, (flags | DONTWAIT, copy, track), flags, POLLIN, timeout=timeout)

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0, timeout: float | None = None) -> int:
        """Receive one frame into memory that is there already. See `zmqcore.Socket.recv_into()`."""
        keywords = {"nbytes": nbytes, "flags": flags | DONTWAIT}
        length: int = self._do(_core_recv_into, (buffer,), flags, POLLIN, keywords, timeout)
        return length

    def send_many(self, iterable: Iterable[Any], flags: int = 0, *, timeout: float | None = None) -> int:
        """Send a batch. See `zmqcore.Socket.send_many()`."""
        if flags & DONTWAIT:
            return _core_send_many(self, iterable, flags)
        deadline = Deadline(timeout)
        items = iter(iterable)
        sent = 0
        while chunk := list(islice(items, CHUNK)):
            done = 0
            while done < len(chunk):
                try:
                    done += _core_send_many(self, chunk[done:], flags | DONTWAIT)
                except Again:
                    try:
                        self.send(chunk[done], flags, **deadline.left())
                    except Again:
                        if sent + done:
                            return sent + done
                        raise
                    done += 1
            sent += done
            self._waits().turn()
        return sent

    def recv_many(self, max: int = 1000, flags: int = 0, *, timeout: float | None = None) -> list[bytes]:
        """Receive a batch. See `zmqcore.Socket.recv_many()`."""
        if max <= 0:
            return []
        frames = [self.recv(flags, **within(timeout))]
        if max > 1:
            try:
                frames += _core_recv_many(self, max - 1, DONTWAIT)
            except Again:
                pass
        return frames

    # -- polling

    def poll(self, timeout: float | None = None, flags: int = POLLIN) -> int:
        """Wait for events of the socket. See `zmqcore.Socket.poll()`."""
        if self.closed:
            raise ZMQError(Errno.ENOTSUP, "cannot poll: the socket is closed")
        if not flags:
            return 0
        poller = self._poller_class()
        poller.register(self, int(flags))
        return dict(poller.poll(_poll.milliseconds(timeout))).get(self, 0)

    # -- who is there, and who is not served yet

    def _outside(self, wait: Callable[[], Any]) -> Any:
        return get_hub().threadpool.apply(wait)

    def _wait_for(self, presence: Presence) -> int:
        found = presence.now()
        if found is None:
            try:
                found = get_hub().threadpool.apply(presence.wait)
            finally:
                presence.given_up.set()
        return int(found)

    # -- what may open the way for those who wait without a sound from the descriptor

    def bind(self, addr: str | bytes) -> Any:
        """Accept connections. See `zmqcore.Socket.bind()`."""
        binding = super().bind(addr)
        self._tell()
        return binding

    def connect(self, addr: str | bytes) -> Any:
        """Connect to an endpoint. See `zmqcore.Socket.connect()`."""
        connection = super().connect(addr)
        self._tell()
        return connection

    def set(self, option: int, optval: Any) -> None:
        """Set an option. See `zmqcore.Socket.set()`."""
        super().set(option, optval)
        self._tell()

    setsockopt = set

    def _tell(self) -> None:
        waits = self._awaiting
        if waits is not None and waits.waiters:
            waits.news()


class _Context(_context.Context[_Socket]):
    """Makes sockets for greenlets."""

    _instance: ClassVar[Any] = None  # apart from the ordinary Context's
    _repr_cls = "zmq.green.Context"
    _socket_class = _Socket

    def term(self, timeout: float | None = None) -> Any:
        """End the context while other greenlets run. See `zmqcore.Context.term()`."""
        hub = get_hub()
        if self.closed or gevent.getcurrent() is hub:
            return super().term(timeout)
        return hub.threadpool.apply(super().term, (timeout,))
