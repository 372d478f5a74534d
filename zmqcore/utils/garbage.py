"""pyzmq's collector of memory that was sent with copy=False. Here there is nothing to collect.

pyzmq keeps such memory in a table until libzmq has told a thread, over a socket, that it is done with it. The core of zmqcore holds the Python reference
itself and gives it back as soon as the memory has been written; `MessageTracker` tells when. What is here lets programs ask as they did.
"""

from __future__ import annotations

from typing import Any

from ..context import Context

__all__ = ["GarbageCollector", "gc"]


class GarbageCollector:
    """Has no thread, and holds nothing."""

    url = "inproc://pyzmq.gc.01"

    def __init__(self, context: Context[Any] | None = None) -> None:
        self.context = context
        #: Memory in use: always empty, as the core keeps its own references.
        self.refs: dict[int, Any] = {}

    def is_alive(self) -> bool:
        """False: there is no thread."""
        return False

    def start(self) -> None:
        """There is nothing to start."""

    def stop(self) -> None:
        """There is nothing to stop."""


gc = GarbageCollector()
