"""pyzmq's collector of memory that was sent with copy=False. Here there is nothing to collect.

pyzmq keeps such memory in a table until libzmq has told a thread, over a socket, that it is done with it. The core of zmqcore holds the Python reference
itself and gives it back as soon as the memory has been written; `MessageTracker` tells when. What is here lets programs ask as they did.
"""

from __future__ import annotations

from threading import Event, Thread
from typing import Any, NamedTuple

from ..context import Context

__all__ = ["GarbageCollector", "GarbageCollectorThread", "gc", "gcref"]


class gcref(NamedTuple):
    """What `store()` keeps: an object, and what to set when it is let go."""

    obj: object
    event: Event | None


class GarbageCollector:
    """Has no thread, and holds nothing."""

    url = "inproc://pyzmq.gc.01"

    def __init__(self, context: Context[Any] | None = None) -> None:
        self.context = context
        #: Memory in use: always empty, as the core keeps its own references.
        self.refs: dict[int, gcref] = {}

    def is_alive(self) -> bool:
        """False: there is no thread."""
        return False

    def start(self) -> None:
        """There is nothing to start."""

    def stop(self) -> None:
        """There is nothing to stop."""

    def store(self, obj: object, event: Event | None = None) -> int:
        """Raise NotImplementedError: no core would ever give the object back. Send it with copy=False instead."""
        raise NotImplementedError("zmqcore holds what is sent by itself: send(copy=False, track=True) tells when it is done with an object")


class GarbageCollectorThread(Thread):
    """There is none to be started."""

    def __init__(self, gc: GarbageCollector) -> None:
        super().__init__(daemon=True)
        self.gc = gc
        self.ready = Event()

    def run(self) -> None:
        """Is ready at once, and over."""
        self.ready.set()


gc = GarbageCollector()
