"""What the compiled multipart and batch forms do for a subclass that overrides send or recv: they call those for every frame.

Rules
- A subclass's method may not know `timeout`: it is told of one only if the caller gave one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from . import _core
from ._deadlines import Deadline
from .constants import DONTWAIT, RCVMORE, SNDMORE
from .error import Again


class ByFrameSocket(_core.Socket):
    """Base of Socket: messages and batches, frame by frame."""

    def _send_multipart_by_send(
        self, msg_parts: Sequence[Any], flags: int = 0, copy: bool = True, track: bool = False, *, timeout: float | None = None, **kwargs: Any
    ) -> Any:
        """Send frames as one message, each by `self.send`. Raises TypeError before anything is sent."""
        parts = list(msg_parts)
        for i, part in enumerate(parts):
            try:
                memoryview(part)
            except TypeError:
                text = repr(part)
                if len(text) > 80:
                    text = text[:77] + "..."
                raise TypeError(f"Frame {i} ({text}) does not support the buffer interface.") from None
        deadline = Deadline(timeout)
        last = parts.pop()
        for part in parts:
            self.send(part, flags | SNDMORE, copy=copy, track=track, **deadline.left())
        return self.send(last, flags, copy=copy, track=track, **deadline.left())

    def _send_many_by_send(self, iterable: Iterable[Any], flags: int, timeout: float | None = None) -> int:
        deadline = Deadline(timeout)
        sent = 0
        for item in iterable:
            try:
                self.send(item, flags, **deadline.left())
            except Again:
                if not sent:
                    raise
                break
            sent += 1
        return sent

    def _recv_multipart_by_recv(
        self, flags: int = 0, copy: bool = True, track: bool = False, *, timeout: float | None = None
    ) -> list[Any]:
        """Receive a whole message as a list of frames, each by `self.recv`."""
        deadline = Deadline(timeout)
        parts = [self.recv(flags, copy=copy, track=track, **deadline.left())]
        while self.get(RCVMORE):
            parts.append(self.recv(flags, copy=copy, track=track, **deadline.left()))
        return parts

    def _recv_many_by_recv(self, max: int, flags: int, timeout: float | None = None) -> list[Any]:
        frames = [self.recv(flags, **Deadline(timeout).left())] if max > 0 else []
        while len(frames) < max:
            try:
                frames.append(self.recv(flags | DONTWAIT))
            except Again:
                break
        return frames
