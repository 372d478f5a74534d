"""Poller for greenlets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..poll import Poller, milliseconds, select_with
from . import _hub

__all__ = ["_Poller", "select", "zmq_poll"]


class _Poller(Poller):
    """A Poller whose poll lets other greenlets run."""

    def poll(self, timeout: float | None = -1) -> list[tuple[Any, int]]:
        """Wait until anything in the list is ready. See `zmqcore.Poller.poll()`."""
        return _hub.poll(self.sockets, milliseconds(timeout))


def zmq_poll(sockets: Sequence[tuple[Any, int]], timeout: float | None = -1) -> list[tuple[Any, int]]:
    """Wait until one of several is ready while other greenlets run. See `zmqcore.zmq_poll()`."""
    return _hub.poll(list(sockets), milliseconds(timeout))


def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Wait as `select.select()` does while other greenlets run. See `zmqcore.select()`."""
    return select_with(_hub.poll, rlist, wlist, xlist, timeout)
