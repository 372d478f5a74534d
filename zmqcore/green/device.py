"""zmq.device, zmq.proxy and zmq.proxy_steerable for greenlets.

A message is taken from one side when the other one has room for it, so a device that is killed loses none.
"""

from __future__ import annotations

import sys
from typing import Any

import gevent
from gevent.event import Event

from .._waiting import DONTWAIT, POLLIN, POLLOUT
from ..constants import PULL, SUB
from ..error import Again

__all__ = ["device", "proxy", "proxy_steerable"]


def device(device_type: int, isocket: Any, osocket: Any = None) -> None:
    """Forward between two sockets until an error occurs, such as the end of the context.

    Args:
        device_type (int): makes no difference.
        isocket (Socket): a socket of zmqcore.green.
        osocket (Socket): the other one. Default None: messages go back out through the first one.

    Raises:
        ZMQError, ContextTerminated: what ended it.
    """
    proxy(isocket, isocket if osocket is None else osocket)


def proxy(frontend: Any, backend: Any, capture: Any = None) -> None:
    """Forward between two sockets until an error occurs, such as the end of the context.

    Args:
        frontend (Socket): a socket of zmqcore.green.
        backend (Socket): the other one; may be the same.
        capture (Socket): gets a copy of each message. Default None.

    Raises:
        ZMQError, ContextTerminated: what ended it.
    """
    _Proxy(frontend, backend, capture).run()


def proxy_steerable(frontend: Any, backend: Any, capture: Any = None, control: Any = None) -> int:
    """Forward as `proxy()` does, under control. See `zmqcore.proxy_steerable()`.

    Args:
        frontend (Socket): a socket of zmqcore.green.
        backend (Socket): the other one; may be the same.
        capture (Socket): gets a copy of each message. Default None.
        control (Socket): PAIR, REP or SUB that receives commands. Default None.

    Returns:
        int: 0, after TERMINATE.

    Raises:
        ZMQError, ContextTerminated: what ended it.
    """
    _Proxy(frontend, backend, capture).run(control)
    return 0


class _Side:
    """A socket, and the frames and bytes that it has received and sent."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.received, self.sent = [0, 0], [0, 0]


class _Proxy:
    def __init__(self, frontend: Any, backend: Any, capture: Any) -> None:
        self.sides = _Side(frontend), _Side(backend)
        self.capture = capture
        self.running = Event()
        self.running.set()

    def run(self, control: Any = None) -> None:
        frontend, backend = self.sides
        greenlets = [gevent.spawn(self.forward, frontend, backend)]
        if backend.socket is not frontend.socket:
            greenlets.append(gevent.spawn(self.forward, backend, frontend))
        if control is not None:
            greenlets.append(gevent.spawn(self.obey, control))
        try:
            gevent.joinall(greenlets, raise_error=True, count=1)
        finally:
            gevent.killall(greenlets)

    def forward(self, source: _Side, target: _Side) -> None:
        while True:
            source.socket.poll(None, POLLIN)
            if target.socket is not source.socket:  # one that echoes has room when it has received
                target.socket.poll(None, POLLOUT)
            if not self.running.is_set():
                self.running.wait()
                continue
            try:
                message = source.socket.recv_multipart(DONTWAIT, copy=False)
            except Again:  # another greenlet was quicker
                continue
            _count(source.received, message)
            if self.capture is not None:
                self.capture.send_multipart(message, copy=False)
            target.socket.send_multipart(message, copy=False)
            _count(target.sent, message)

    def obey(self, control: Any) -> None:
        """Until TERMINATE."""
        done = False
        while not done:
            command = control.recv_multipart()[0]
            if command == b"PAUSE":
                self.running.clear()
            elif command == b"RESUME":
                self.running.set()
            done = command == b"TERMINATE"
            if command == b"STATISTICS":
                control.send_multipart([n.to_bytes(8, sys.byteorder) for side in self.sides for n in (*side.received, *side.sent)])
            elif control.type not in (SUB, PULL):
                control.send(b"")


def _count(counts: list[int], message: list[Any]) -> None:
    counts[0] += len(message)
    counts[1] += sum(map(len, message))
