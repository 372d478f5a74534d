"""monitored_queue: a proxy whose capture says which side each message came from."""

from __future__ import annotations

from typing import Any

from .._core import zmq_poll
from ..constants import DONTWAIT, POLLIN, POLLOUT, ROUTER, SNDMORE, TYPE
from ..error import Again

__all__ = ["monitored_queue"]

# Messages that one way may pass on before the other way gets its turn.
_BATCH = 100


class _Way:
    """One direction. It waits for a message, or, when its target is full, for room."""

    def __init__(self, source: Any, target: Any, monitor: Any, prefix: bytes | str, swap: bool) -> None:
        self.source = source
        self.target = target
        self.monitor = monitor
        if not isinstance(prefix, (bytes, str)):
            raise TypeError(f"a prefix is bytes or str, not {type(prefix).__name__}")
        self.prefix = prefix.encode() if isinstance(prefix, str) else prefix
        self.swap = swap
        self.waits_for: tuple[Any, int] = (source, POLLIN)

    def forward(self) -> None:
        self.waits_for = (self.source, POLLIN)
        for _ in range(_BATCH):
            if self.target is not self.source and not self.target.poll(0, POLLOUT):
                self.waits_for = (self.target, POLLOUT)
                return
            try:
                parts = self.source.recv_multipart(DONTWAIT)
            except Again:
                return
            if self.swap and len(parts) > 1:
                parts[0], parts[1] = parts[1], parts[0]
            self.monitor.send(self.prefix, SNDMORE)
            self.monitor.send_multipart(parts)
            self.target.send_multipart(parts)


def monitored_queue(
    in_socket: Any, out_socket: Any, mon_socket: Any, in_prefix: bytes | str = b"in", out_prefix: bytes | str = b"out"
) -> None:
    """Forward between two sockets, and send each message to a third, after a frame that says which way it goes.

    Between two ROUTERs the first two frames, sender and receiver, change places. Ends with an exception only.

    Args:
        in_socket (Socket): one side.
        out_socket (Socket): the other side; the same socket is an echo.
        mon_socket (Socket): gets every message.
        in_prefix (bytes | str): first frame of messages that come from `in_socket`. Default b"in".
        out_prefix (bytes | str): first frame of messages that come from `out_socket`. Default b"out".

    Raises:
        ContextTerminated (ETERM): the context has been ended.
        ZMQError (ENOTSOCK): a socket has been closed.
        TypeError: a prefix is neither bytes nor str.
    """
    swap = in_socket.get(TYPE) == out_socket.get(TYPE) == ROUTER
    ways = [
        _Way(in_socket, out_socket, mon_socket, in_prefix, swap),
        _Way(out_socket, in_socket, mon_socket, out_prefix, swap),
    ]
    if in_socket is out_socket:
        ways = ways[:1]
    while True:
        wanted: dict[Any, int] = {}
        for way in ways:
            socket, flag = way.waits_for
            wanted[socket] = wanted.get(socket, 0) | flag
        ready = dict(zmq_poll(list(wanted.items()), -1))
        for way in ways:
            socket, flag = way.waits_for
            if ready.get(socket, 0) & flag:
                way.forward()
