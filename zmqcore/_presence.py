"""Waiting until peers are there, for sockets of every kind.

Rules
- A thread that waits wakes up for the news itself. So that a wait that was given up ends soon, it comes up every SLICE_MS as well.
- Where waiting must not block (an event loop, a hub of greenlets) a thread of its own waits.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from . import _core
from .error import Again
from .poll import milliseconds

SLICE_MS = 200


def topic_bytes(topic: str | bytes) -> bytes:
    return topic.encode() if isinstance(topic, str) else topic


class Presence:
    """One wait: for `n` peers, or with a topic for so many subscribers."""

    def __init__(self, socket: Any, n: int, topic: str | bytes | None, timeout: float | None) -> None:
        self.socket = socket
        self.n = n
        self.topic = None if topic is None else topic_bytes(topic)
        wait = milliseconds(timeout)
        self.until = None if wait < 0 else time.monotonic() + wait / 1000
        self.given_up = threading.Event()

    def now(self) -> int | None:
        """The number of those that are there if it is enough, without waiting."""
        found = _core.wait_present(self.socket, self.n, self.topic, 0)
        return found if found >= self.n else None

    def wait(self) -> int:
        """Wait on this thread."""
        while not self.given_up.is_set():
            left = SLICE_MS if self.until is None else min(SLICE_MS, max(0, round((self.until - time.monotonic()) * 1000)))
            found = _core.wait_present(self.socket, self.n, self.topic, left)
            if found >= self.n:
                return found
            if left == 0:
                break
        what = "peers" if self.topic is None else f"subscribers of {self.topic!r}"
        late = Again()
        late.strerror = f"time is over, and there are not yet {self.n} {what}"
        raise late
