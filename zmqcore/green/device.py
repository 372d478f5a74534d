"""zmq.device and zmq.proxy for greenlets.

A message is taken from one side when the other one has room for it, so a device that is killed loses none.
"""

from __future__ import annotations

from typing import Any

import gevent

from .._waiting import DONTWAIT, POLLIN, POLLOUT
from ..error import Again

__all__ = ["device", "proxy"]


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
    ways = [gevent.spawn(_forward, frontend, backend, capture)]
    if backend is not frontend:
        ways.append(gevent.spawn(_forward, backend, frontend, capture))
    try:
        gevent.joinall(ways, raise_error=True, count=1)
    finally:
        gevent.killall(ways)


def _forward(source: Any, target: Any, capture: Any) -> None:
    while True:
        source.poll(None, POLLIN)
        if target is not source:  # one that echoes has room when it has received
            target.poll(None, POLLOUT)
        try:
            message = source.recv_multipart(DONTWAIT, copy=False)
        except Again:  # another greenlet was quicker
            continue
        if capture is not None:
            capture.send_multipart(message, copy=False)
        target.send_multipart(message, copy=False)
