"""Waiting for several sockets and descriptors at once.

Rules
- The waiting itself is compiled (`zmq_poll`); a Poller keeps the list, and for many members what makes the next poll cheaper (`StandingPoll`).
- Timeouts are milliseconds; None and negative numbers wait for ever, but not for nothing: an empty list is answered at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ._core import Socket, StandingPoll, zmq_poll
from .constants import POLLERR, POLLIN, POLLOUT

__all__ = ["Poller", "select"]

# From so many members on a poll set of their own is worth more than it costs: the I/O thread has to leave each event to the Poller first.
STANDING_MEMBERS = 64
# A list that has been polled so often in a row without a change is likely to stay. Making the set costs as much as a few polls.
STANDING_POLLS = 4


def milliseconds(timeout: float | None) -> int:
    """A timeout as the compiled core wants it: -1 for ever. A fraction is not rounded down to a busy loop of zeros."""
    try:
        if timeout is None or timeout < 0:
            return -1
        whole = int(timeout)
    except (TypeError, OverflowError, ValueError) as error:
        raise type(error)(f"timeout must be a number of milliseconds or None, not {timeout!r}") from None
    return whole if whole == timeout or whole > 0 else 1


class Poller:
    """Wait for several sockets and descriptors.

    Example:
        >>> poller = zmq.Poller()
        >>> poller.register(pull, zmq.POLLIN)
        >>> poller.poll(0)
        []
        >>> push.send(b"hello")
        >>> dict(poller.poll(1000)) == {pull: zmq.POLLIN}
        True
    """

    sockets: list[tuple[Any, int]]
    _map: dict[Any, int]
    _standing: StandingPoll | None = None

    def __init__(self) -> None:
        self.sockets = []
        self._map = {}  # where in the list each one is

    def __contains__(self, socket: object) -> bool:
        return socket in self._map

    def register(self, socket: Any, flags: int = POLLIN | POLLOUT) -> None:
        """Add a socket or descriptor, or change what to wait for on it.

        Args:
            socket (Socket | int | file): a socket, a descriptor, or an object with fileno().
            flags (int): zmq.POLLIN, zmq.POLLOUT, and for descriptors zmq.POLLERR and zmq.POLLPRI. 0 removes it.
                Default POLLIN | POLLOUT.
        """
        if not flags:
            if socket in self._map:
                self.unregister(socket)
        elif socket in self._map:
            self.sockets[self._map[socket]] = (socket, flags)
        else:
            self._map[socket] = len(self.sockets)
            self.sockets.append((socket, flags))

    def modify(self, socket: Any, flags: int = POLLIN | POLLOUT) -> None:
        """Change what to wait for; the same as `register()`.

        Args:
            socket (Socket | int | file): as for `register()`.
            flags (int): as for `register()`. Default POLLIN | POLLOUT.
        """
        self.register(socket, flags)

    def unregister(self, socket: Any) -> None:
        """Remove a socket or descriptor.

        Args:
            socket (Socket | int | file): as it was registered.

        Raises:
            KeyError: it is not registered.
        """
        place = self._map.pop(socket)
        del self.sockets[place]
        for moved, _ in self.sockets[place:]:
            self._map[moved] -= 1
        self._standing = None  # it holds what was polled last

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Wait until one of the registered sockets and descriptors is ready.

        Args:
            timeout (float): milliseconds; None and negative numbers wait without limit, but not for an empty list.
                Default None.

        Returns:
            list[tuple]: (socket, events) of those that are ready, in the order of registering; empty when the
            time is over.

        Raises:
            ZMQError (ENOTSOCK): a socket is closed. On Windows also: a descriptor is no socket, or closed.
            ContextTerminated (ETERM): a context is ending.
        """
        if len(self.sockets) < STANDING_MEMBERS:
            return zmq_poll(self.sockets, milliseconds(timeout))
        standing = self._standing
        if standing is None:
            standing = self._standing = StandingPoll(STANDING_POLLS)
        return standing.poll(self.sockets, milliseconds(timeout))


def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Wait as `select.select()` does, for sockets, too.

    Args:
        rlist (Iterable): sockets and descriptors to read from.
        wlist (Iterable): those to write to.
        xlist (Iterable): descriptors to wait for errors of.
        timeout (float): seconds; None waits without limit. Default None.

    Returns:
        tuple[list, list, list]: those of each list that are ready.

    Raises:
        ZMQError (ENOTSOCK): a socket is closed. On Windows also: a descriptor is no socket, or closed.
        ContextTerminated (ETERM): a context is ending.
    """
    return select_with(zmq_poll, rlist, wlist, xlist, timeout)


def select_with(
    poll: Callable[[list[tuple[Any, int]], int], list[tuple[Any, int]]],
    rlist: Iterable[Any],
    wlist: Iterable[Any],
    xlist: Iterable[Any],
    timeout: float | None,
) -> tuple[list[Any], list[Any], list[Any]]:
    """`select`, by means of `poll`."""
    wanted: dict[Any, int] = {}
    for group, flag in ((rlist, POLLIN), (wlist, POLLOUT), (xlist, POLLERR)):
        if isinstance(group, Socket):  # it would be received from for ever
            raise TypeError(f"select() takes lists of sockets, not a socket: [{group!r}]")
        for item in group:
            wanted[item] = wanted.get(item, 0) | flag
    if not (timeout is None or hasattr(timeout, "__float__") or hasattr(timeout, "__index__")):
        raise TypeError(f"timeout must be a number of seconds or None, not {timeout!r}")
    ready = poll(list(wanted.items()), milliseconds(None if timeout is None else timeout * 1000))
    return (
        [item for item, events in ready if events & POLLIN],
        [item for item, events in ready if events & POLLOUT],
        [item for item, events in ready if events & POLLERR],
    )
