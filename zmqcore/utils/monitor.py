"""Reading the events of a monitored socket."""

from __future__ import annotations

import struct
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypedDict, overload

from ..constants import Event

if TYPE_CHECKING:
    from .. import asyncio as _asyncio
    from ..socket import Socket

__all__ = ["parse_monitor_message", "recv_monitor_message"]

# Native byte order: a monitor's messages never leave the process.
_HEAD = struct.Struct("=HI")
_NUMBER = struct.Struct("=Q")
_AROUND = 4  # frames of version 2 that are no values: event, number of values, local, remote


class _Ends(TypedDict, total=False):
    values: tuple[int, ...]
    local: bytes
    remote: bytes


class _MonitorMessage(_Ends):
    event: Event
    value: Event
    endpoint: bytes


def _parse_both_ends(msg: list[bytes]) -> _MonitorMessage:
    """Version 2."""
    if len(msg) < _AROUND or any(len(number) != _NUMBER.size for number in msg[:-2]):
        raise RuntimeError(f"Invalid event message format: {msg}")
    event, count, *values = (_NUMBER.unpack(number)[0] for number in msg[:-2])
    if count != len(values):
        raise RuntimeError(f"Invalid event message format: {msg}")
    local, remote = msg[-2:]
    return {
        "event": Event(event),
        "value": Event(values[0] if values else 0),
        "endpoint": remote or local,
        "values": tuple(values),
        "local": local,
        "remote": remote,
    }


def parse_monitor_message(msg: list[bytes]) -> _MonitorMessage:
    """Return the event of a monitor message.

    Args:
        msg (list[bytes]): the frames of the message, of either version.

    Returns:
        dict: "event" (zmq.Event), "value" (descriptor, errno or milliseconds, depending on the event; an Event as
        in pyzmq, whatever the number means) and "endpoint" (bytes). Of version 2 also "values" (tuple[int]: all that
        the event has), "local" and "remote" (bytes, empty where there is none); "endpoint" is the remote one if there
        is one, or else the local one.

    Raises:
        RuntimeError: not a monitor message.
    """
    if len(msg) > 2:
        return _parse_both_ends(msg)
    if len(msg) != 2 or len(msg[0]) != _HEAD.size:
        raise RuntimeError(f"Invalid event message format: {msg}")
    event, value = _HEAD.unpack(msg[0])
    return {
        "event": Event(event),
        "value": Event(value),
        "endpoint": msg[1],
    }


async def _parse_when_there(message: Awaitable[list[bytes]]) -> _MonitorMessage:
    return parse_monitor_message(await message)


@overload
def recv_monitor_message(socket: _asyncio.Socket, flags: int = 0) -> Awaitable[_MonitorMessage]: ...


@overload
def recv_monitor_message(socket: Socket[bytes], flags: int = 0) -> _MonitorMessage: ...


def recv_monitor_message(socket: Any, flags: int = 0) -> _MonitorMessage | Awaitable[_MonitorMessage]:
    """Receive one event from a monitor socket; from an asynchronous one, to be awaited.

    Args:
        socket (Socket): the PAIR of `Socket.get_monitor_socket()`.
        flags (int): zmq.DONTWAIT. Default 0.

    Returns:
        dict: as `parse_monitor_message()`.

    Raises:
        Again, ZMQError, ContextTerminated: as `Socket.recv_multipart()`.
        RuntimeError: not a monitor message.
    """
    message = socket.recv_multipart(flags)
    return _parse_when_there(message) if isinstance(message, Awaitable) else parse_monitor_message(message)
