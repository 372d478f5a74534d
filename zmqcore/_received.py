"""The Future of a receive that has to wait, and what becomes of a message whose task is cancelled too late.

Rules
- asyncio may cancel a task after its Future is done and before the task runs again (`wait_for` does, from Python 3.12 on). The message is
  then in nobody's hands: it goes back, and the next receive gets it.
- It goes back only if the task that is cancelled is the only one that awaits it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from . import _core
from .constants import SocketOption

RCVMORE = int(SocketOption.RCVMORE)

_recv_into = _core.Socket.recv_into
_recv_multipart = _core.Socket.recv_multipart

# Frames of one message, oldest first, and whether the socket still holds more of it.
Returned = tuple[list[Any], bool]


class Received(asyncio.Future[Any]):
    """`give_back` is called with what was received, if it comes to that."""

    def __init__(self, give_back: Callable[[Returned], None], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.give_back = give_back
        self.message: Returned | None = None
        self.awaiters = 0

    def __await__(self) -> Generator[Any, None, Any]:
        if self.done():
            return self.result()
        self.awaiters += 1
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError:
            message, self.message = self.message, None
            if message is not None and self.awaiters == 1:
                self.give_back(message)
            raise

    __iter__ = __await__

    def finish(self, message: Returned, result: Any) -> None:
        self.message = message
        self.set_result(result)


def message_of(socket: Any, call: Callable[..., Any], args: tuple[Any, ...], result: Any) -> Returned:
    """What a receive has taken from the socket."""
    if call is _recv_multipart:
        return result, False
    if call is _recv_into:
        view = memoryview(args[0]).cast("B")
        result = bytes(view[: min(result, len(view))])
    return [result], bool(socket.get(RCVMORE))


def receive_again(
    socket: Any, returned: deque[Returned], call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Makes a receive, of whatever kind, from what was given back."""
    frames, more = returned.popleft()
    if call is _recv_multipart:
        # Messages arrive whole, so the rest is there.
        return [_as_wanted(frame, args) for frame in frames] + (call(socket, *args, **kwargs) if more else [])
    frame, *rest = frames
    if rest:
        returned.appendleft((rest, more))
    if call is _recv_into:
        view = memoryview(args[0]).cast("B")
        data = bytes(frame)[: kwargs["nbytes"] or len(view)]
        view[: len(data)] = data
        return len(frame)
    return _as_wanted(frame, args)


def _as_wanted(frame: Any, args: tuple[Any, ...]) -> Any:
    copy = args[1] if len(args) > 1 else True
    if copy:
        return bytes(frame)
    return frame if isinstance(frame, _core.Frame) else _core.Frame(frame)
