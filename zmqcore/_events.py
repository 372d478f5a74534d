"""Typed events of a socket: what `socket.watch()` gives.

Rules
- They come over a monitor in a format of zmqcore's own, which has the number of the peer; so there is one at a time, as there is one monitor.
- What a peer looked like is remembered from the moment it was there, so that the event of its end can tell, too.
"""

from __future__ import annotations

import errno
import itertools
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

from . import _core
from .constants import EVENT_ALL_V2, RCVTIMEO, Event
from .error import ContextTerminated, ZMQError
from .statistics import PeerStatistics, peer_of

_NUMBER = struct.Struct("=Q")  # native: the messages never leave the process
_numbers = itertools.count(1)

# What the value of an event is: a descriptor, an errno, or milliseconds.
_ERRNOS = Event.BIND_FAILED | Event.ACCEPT_FAILED | Event.CLOSE_FAILED | Event.HANDSHAKE_FAILED_NO_DETAIL
_PEER_BEGINS = Event.HANDSHAKE_SUCCEEDED
_PEER_ENDS = Event.DISCONNECTED
_PEER_CHANGES = _PEER_BEGINS | _PEER_ENDS | Event.QUEUE_FULL
_ALL = EVENT_ALL_V2 | Event.QUEUE_FULL


@dataclass(frozen=True)
class SocketEvent:
    """Something that has happened to the connections of a socket.

    Attributes:
        event (Event): what, such as zmq.EVENT_HANDSHAKE_SUCCEEDED.
        value (int): descriptor, errno, status or milliseconds, as the event has it. Of QUEUE_FULL what was done, as a value of the option
            OVERFLOW: 2 the message was dropped, 3 the oldest one was, 4 the message was refused.
        local (str): the end here: the endpoint that is bound, or the address of the connection. "" if there is none.
        remote (str): the end of the peer: its address, or the endpoint that was connected to. "" if there is none.
        error (str | None): name of the errno, of events that tell of a failure; None for others.
        peer_id (int): number of the peer, `PeerStatistics.id`; 0 while there is none.
        peer (PeerStatistics | None): the peer as it was when the event was read, or when it was last seen. None if it is not known.
    """

    event: Event
    value: int
    local: str
    remote: str
    error: str | None
    peer_id: int
    peer: PeerStatistics | None

    @property
    def name(self) -> str:
        """Name of the event, such as "HANDSHAKE_SUCCEEDED"."""
        return str(self.event.name)


def _text(frame: bytes) -> str:
    return frame.decode("utf-8", "surrogateescape")


def event_of(frames: list[bytes]) -> SocketEvent:
    """Of a message of the monitor."""
    event = Event(_NUMBER.unpack(frames[0])[0])
    values = [_NUMBER.unpack(frame)[0] for frame in frames[2:-3]]
    value = values[0] if values else 0
    return SocketEvent(
        event=event,
        value=value,
        local=_text(frames[-3]),
        remote=_text(frames[-2]),
        error=errno.errorcode.get(value, str(value)) if event & _ERRNOS else None,
        peer_id=_NUMBER.unpack(frames[-1])[0],
        peer=None,
    )


class SocketEvents:
    """The events of a socket, one after the other: iterate, with `for` or, for an asynchronous socket, `async for`.

    It ends when the socket is closed, or after `close()`. Events that came before are still told.
    """

    def __init__(self, socket: Any, events: int | None) -> None:
        self._socket = socket
        self._peers: dict[int, PeerStatistics] = {}
        self._over = False
        address = f"inproc://zmqcore.events-{socket.underlying:x}-{next(_numbers)}"
        _core.monitor_peers(socket, address.encode(), int(_ALL if events is None else events | Event.MONITOR_STOPPED))
        self._pair = socket._pair()
        self._pair.set(RCVTIMEO, -1)  # that of the context is not for this: events may be a long time coming
        self._pair.connect(address)

    def __enter__(self) -> SocketEvents:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop reporting. Once more does nothing."""
        self._over = True
        self._pair.close(linger=0)
        if not self._socket.closed:
            self._socket.disable_monitor()

    def recv(self, flags: int = 0) -> Any:
        """Receive one event; from an asynchronous socket, to be awaited.

        Args:
            flags (int): zmq.DONTWAIT. Default 0.

        Returns:
            SocketEvent | None: the event; None: there will be no more.

        Raises:
            Again (EAGAIN): none is there and DONTWAIT is set.
            ZMQError, ContextTerminated: as `Socket.recv_multipart()`.
        """
        if self._over:
            return self._nothing() if self._awaited() else None
        frames = self._pair.recv_multipart(flags)
        return self._when_there(frames) if isawaitable(frames) else self._complete(frames)

    def _awaited(self) -> bool:
        return hasattr(self._socket, "__aiter__")

    async def _nothing(self) -> None:
        return None

    async def _when_there(self, frames: Any) -> SocketEvent | None:
        return self._complete(await frames)

    def _complete(self, frames: list[bytes]) -> SocketEvent | None:
        found = event_of(frames)
        if found.event == Event.MONITOR_STOPPED:
            self._over = True
            self._pair.close(linger=0)
            return None
        if not found.peer_id:
            return found
        if found.event & _PEER_CHANGES or found.peer_id not in self._peers:
            seen = peer_of(self._socket, found.peer_id)
            if seen is not None:
                self._peers[seen.id] = seen
        peer = self._peers.get(found.peer_id)
        if found.event == _PEER_ENDS and peer is not None and not peer.connects:
            del self._peers[found.peer_id]
        return replace(found, peer=peer)

    def __iter__(self) -> Iterator[SocketEvent]:
        if self._awaited():
            raise TypeError("the events of an asynchronous socket are awaited: async for event in socket.watch()")
        while (event := self.recv()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[SocketEvent]:
        if not self._awaited():
            raise TypeError("the events of this socket are not awaited, and would block the loop: take a socket of zmqcore.asyncio")
        while (event := await self.recv()) is not None:
            yield event

    def call(self, function: Callable[[SocketEvent], object]) -> threading.Thread:
        """Call a function with each event, in a thread of its own, until the socket is closed, or after `close()`.

        Not for asynchronous sockets: their events are awaited. An exception of the function ends the thread, as that of any thread.

        Args:
            function (Callable[[SocketEvent], object]): what to call.

        Returns:
            threading.Thread: the thread, which has been started. It does not keep the process from ending.

        Raises:
            TypeError: the socket is asynchronous, or what is to be called is no function.

        Example:
            >>> with context.socket(zmq.PUSH) as push:
            ...     thread = push.watch(zmq.EVENT_QUEUE_FULL).call(print)
            >>> thread.join()
        """
        if not callable(function):
            raise TypeError(f"a function is needed, not {function!r}")
        if self._awaited():
            raise TypeError("an asynchronous socket has no thread to call a function in: async for event in socket.watch()")
        thread = threading.Thread(target=self._call_all, args=(function,), name="zmqcore events", daemon=True)
        thread.start()
        return thread

    def _call_all(self, function: Callable[[SocketEvent], object]) -> None:
        try:
            for event in self:
                function(event)
        except ContextTerminated:
            pass  # the socket is about to be closed
        except ZMQError:
            if not self._over:  # close() of another thread
                raise
        finally:
            self._pair.close(linger=0)

    def poll(self, timeout: float | None = None) -> Any:
        """Wait until there is an event; of an asynchronous socket, to be awaited.

        Args:
            timeout (float): milliseconds; None waits without limit. Default None.

        Returns:
            int: 0 when the time was over first.
        """
        return self._pair.poll(timeout)
