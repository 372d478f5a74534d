"""The Future of a receive that has to wait, and what becomes of a message whose task is cancelled too late.

Rules
- asyncio may cancel a task after its Future is done and before the task runs again (`wait_for` does, from Python 3.12 on). The message is
  then in nobody's hands: it goes back, and the next receive gets it.
- It goes back only if the task that is cancelled is the only one that awaits it.
- So it does if a function that was to make something of the message has failed, and the task will not hear of that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from . import _core
from .constants import SocketOption
from .error import ZMQError

RCVMORE = int(SocketOption.RCVMORE)

_get = _core.Socket.get
_recv_into = _core.Socket.recv_into
_recv_multipart = _core.Socket.recv_multipart

# Frames of one message, oldest first; whether the socket still holds more of it; and whether frames before these have been received.
Returned = tuple[list[Any], bool, bool]


class Received(asyncio.Future[Any]):
    """`give_back`, which whoever makes one must set, is called with what was received, if it comes to that."""

    # On the class, as there is one of these for every receive that waits: a constructor would take as long as all the rest of it.
    give_back: Callable[[Returned], None]
    message: Returned | None = None
    awaiters = 0

    def __await__(self) -> Generator[Any, None, Any]:
        if self.done():
            return self.result()
        self.awaiters += 1
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError:
            if self.awaiters == 1:
                self.return_message()
            raise

    __iter__ = __await__

    def return_message(self) -> None:
        message, self.message = self.message, None
        if message is not None:
            self.give_back(message)


def message_of(
    socket: Any, returned: deque[Returned], call: Callable[..., Any], args: tuple[Any, ...], result: Any
) -> Returned:
    """What a receive has taken from the socket."""
    if call is _recv_multipart:
        return result, False, False
    if call is _recv_into:
        result = memoryview(args[0]).tobytes("A")[:result]
    try:
        more = returned[0][2] if returned else bool(_get(socket, RCVMORE))
    except ZMQError:  # the context has ended since
        more = False
    return [result], more, False


def receive_again(
    socket: Any, returned: deque[Returned], call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Makes a receive, of whatever kind, from what was given back."""
    frames, more, _ = returned[0]
    if call is _recv_multipart:
        # Messages arrive whole, so the rest is there.
        result: Any = [_as_wanted(frame, args) for frame in frames] + (call(socket, *args, **kwargs) if more else [])
        returned.popleft()
        return result
    frame, *rest = frames
    if call is _recv_into:
        result = _core.fill(args[0], frame if isinstance(frame, _core.Frame) else _core.Frame(frame), kwargs["nbytes"])
    else:
        result = _as_wanted(frame, args)
    returned.popleft()
    if rest:
        returned.appendleft((rest, more, True))
    return result


def _as_wanted(frame: Any, args: tuple[Any, ...]) -> Any:
    copy = args[1] if len(args) > 1 else True
    if copy:
        return bytes(frame)
    return frame if isinstance(frame, _core.Frame) else _core.Frame(frame)
