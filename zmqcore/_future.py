"""pyzmq's name for what all sockets and pollers to be awaited have in common: here the classes of zmqcore.asyncio."""

from __future__ import annotations

from .asyncio import Poller as _AsyncPoller
from .asyncio import Socket as _AsyncSocket
from .constants import EVENTS, POLLIN, POLLOUT

__all__ = ["EVENTS", "POLLIN", "POLLOUT", "_AsyncPoller", "_AsyncSocket"]
