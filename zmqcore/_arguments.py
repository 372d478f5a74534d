"""What helpers that have a socket of their own are given: a context of the right kind, and messages.

Rules
- What is wrong is said before anything has been done: a context of the wrong kind would block the loop, or leave everything unawaited.
- A text is not taken apart into letters, and a number is not so many zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def message_frames(message: bytes | Sequence[bytes]) -> list[bytes]:
    """The frames of a message: it is one, or several."""
    whole = _frame(message)
    if whole is not None:
        return [whole]
    if isinstance(message, str) or not hasattr(message, "__iter__"):
        raise TypeError(f"a message is bytes, or a list of bytes for several frames, not {type(message).__name__}")
    frames: list[bytes] = []
    for part in message:
        frame = _frame(part)
        if frame is None:
            raise TypeError(f"frame {len(frames)} of the message is {type(part).__name__}, not bytes")
        frames.append(frame)
    if not frames:
        raise IndexError("a message needs at least one frame")
    return frames


def _frame(given: Any) -> bytes | None:
    """The content of bytes, another buffer or a Frame; None: it is none of these."""
    if isinstance(given, bytes):
        return given
    try:
        return bytes(memoryview(given))
    except TypeError:
        return None


def check_kind(helper: Any, socket: Any, awaited: bool) -> None:
    """Refuse a socket whose calls are awaited where they must block, or the other way round."""
    if hasattr(socket, "__aiter__") != awaited:
        wanted = "a context of zmqcore.asyncio" if awaited else "a zmqcore.Context"
        given = type(socket.context)
        raise TypeError(f"{type(helper).__name__} needs {wanted}, not a {given.__module__}.{given.__qualname__}")
