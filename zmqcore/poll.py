"""Waiting for several sockets and descriptors at once.

Rules
- The waiting itself is compiled (`zmq_poll`); a Poller only keeps the list.
- Timeouts are milliseconds; None and negative numbers wait for ever, but not for nothing: an empty list is answered at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._core import zmq_poll
from .constants import POLLERR, POLLIN, POLLOUT

__all__ = ["Poller", "select"]


def milliseconds(timeout: float | None) -> int:
    """A timeout as the compiled core wants it: -1 for ever. A fraction is not rounded down to a busy loop of zeros."""
    if timeout is None or timeout < 0:
        return -1
    whole = int(timeout)
    return whole if whole == timeout or whole > 0 else 1


class Poller:
    """A list of sockets and descriptors, and what to wait for on each."""

    sockets: list[tuple[Any, int]]
    _map: dict[Any, int]

    def __init__(self) -> None:
        self.sockets = []
        self._map = {}  # where in the list each one is

    def __contains__(self, socket: object) -> bool:
        return socket in self._map

    def register(self, socket: Any, flags: int = POLLIN | POLLOUT) -> None:
        """Waits for `flags` on `socket` from now on; flags of 0 take it off the list."""
        if not flags:
            if socket in self._map:
                self.unregister(socket)
        elif socket in self._map:
            self.sockets[self._map[socket]] = (socket, flags)
        else:
            self._map[socket] = len(self.sockets)
            self.sockets.append((socket, flags))

    def modify(self, socket: Any, flags: int = POLLIN | POLLOUT) -> None:
        """The same as `register`."""
        self.register(socket, flags)

    def unregister(self, socket: Any) -> None:
        """Takes `socket` off the list; KeyError if it is not there."""
        place = self._map.pop(socket)
        del self.sockets[place]
        for moved, _ in self.sockets[place:]:
            self._map[moved] -= 1

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Waits up to `timeout` ms; returns (socket, events) of those that have events."""
        return zmq_poll(self.sockets, milliseconds(timeout))


def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """`select.select` for sockets and descriptors; the timeout is in seconds."""
    wanted: dict[Any, int] = {}
    for group, flag in ((rlist, POLLIN), (wlist, POLLOUT), (xlist, POLLERR)):
        for item in group:
            wanted[item] = wanted.get(item, 0) | flag
    ready = zmq_poll(list(wanted.items()), milliseconds(None if timeout is None else timeout * 1000))
    return (
        [item for item, events in ready if events & POLLIN],
        [item for item, events in ready if events & POLLOUT],
        [item for item, events in ready if events & POLLERR],
    )
