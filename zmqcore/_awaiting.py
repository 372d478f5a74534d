"""The waiting behind zmqcore.asyncio: what is pending on one socket, and the one reader that serves it.

Rules
- What must wait becomes a `Pending` in the queue of its direction. A pending receive has not taken its message yet: cancelling one
  loses nothing. Cancelling a task whose receive is done gives the message back, see `_received`.
- The socket's descriptor is level-triggered: readable while the socket has something to do. A wake-up completes all that can be
  completed, in order. The reader is only taken away by a wake-up that finds nothing pending.
- The descriptor is silent about what a call on this socket brings about itself; such calls are followed by `kick`.
- The loop holds on to an `Awaiting`, never to the socket: a socket that the program forgets must go.
- Everything here runs on the loop's thread.
"""

from __future__ import annotations

import asyncio
import asyncio.events
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from . import _core
from ._received import Received, Returned, message_of, receive_again
from .constants import Flag, PollEvent, SocketOption
from .error import Again

# As plain ints: operators of enums are slow, and these are used for every message.
DONTWAIT = int(Flag.DONTWAIT)
POLLIN = int(PollEvent.POLLIN)
POLLOUT = int(PollEvent.POLLOUT)
RCVTIMEO = int(SocketOption.RCVTIMEO)
SNDTIMEO = int(SocketOption.SNDTIMEO)

NO_KEYWORDS: dict[str, Any] = {}

# How long to look away from a descriptor that is readable for something nobody waits for, in seconds: at first, and at most.
# It happens while a send waits for room and messages are there that nobody receives.
PAUSE_FIRST = 0.001
PAUSE_LAST = 0.02

running_loop = asyncio.events._get_running_loop


class Pending:
    """A call that waits: how to make it, and its Future."""

    __slots__ = ("future", "call", "args", "kwargs", "load", "timer")

    def __init__(
        self,
        future: asyncio.Future[Any],
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        load: Callable[[Any], Any] | None,
    ) -> None:
        self.future = future
        self.call = call
        self.args = args
        self.kwargs = kwargs
        self.load = load
        self.timer: asyncio.TimerHandle | None = None

    def attempt(self, socket: Any, returned: deque[Returned] | None = None) -> bool:
        """Makes the call and finishes the Future; False if it has to wait longer. `returned`: messages to receive first."""
        future = self.future
        message = None
        try:
            if returned:
                result = receive_again(socket, returned, self.call, self.args, self.kwargs)
            else:
                result = self.call(socket, *self.args, **self.kwargs)
            if isinstance(future, Received):
                message = message_of(socket, self.call, self.args, result)
            if self.load is not None:
                result = self.load(result)
        except Again:
            return False
        except Exception as error:
            self.stop_timer()
            self.future.set_exception(error)
        else:
            self.stop_timer()
            if isinstance(future, Received) and message is not None:
                future.finish(message, result)
            else:
                future.set_result(result)
        return True

    def expire(self) -> None:
        if not self.future.done():
            self.future.set_exception(Again())

    def abandon(self) -> None:
        self.stop_timer()
        self.future.cancel()  # nothing happens if it is done

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Watch:
    """A poll that waits for events of the socket."""

    __slots__ = ("future", "flags", "timer")

    def __init__(self, future: asyncio.Future[int], flags: int) -> None:
        self.future = future
        self.flags = flags
        self.timer: asyncio.TimerHandle | None = None

    def finish(self, events: int) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if not self.future.done():
            self.future.set_result(events)


def failed(loop: asyncio.AbstractEventLoop, error: Exception) -> asyncio.Future[Any]:
    future = loop.create_future()
    future.set_exception(error)
    return future


class Awaiting(_core.AwaitingBase):
    """Everything that is pending on one socket, on one loop at a time."""

    receives: deque[Pending]
    sends: deque[Pending]
    returned: deque[Returned]  # received for tasks that were cancelled; the next receives get it
    watches: list[Watch]

    def __init__(self, socket: Any) -> None:
        self.socket = weakref.ref(socket)
        self.fd = -1  # asked for when first needed: it costs the process a descriptor
        self.reading = False
        self.kicked = False
        self.pause: asyncio.TimerHandle | None = None
        self.pause_time = PAUSE_FIRST
        self.receives = deque()
        self.returned = deque()
        self.sends = deque()
        self.watches = []

    # -- making calls

    def enter(self) -> asyncio.AbstractEventLoop:
        """The loop to work on. When it is another one than before, the earlier one is left behind."""
        loop = running_loop() or asyncio.get_event_loop()
        if loop is not self.loop:
            self.give_up()
            self.loop = loop
            self.sent = _core.Finished(None, loop)
        return loop

    def do(
        self,
        socket: Any,
        queue: deque[Pending],
        call: Callable[..., Any],
        args: tuple[Any, ...],
        flags: int,
        kwargs: dict[str, Any] = NO_KEYWORDS,
        load: Callable[[Any], Any] | None = None,
        tried: bool = False,
    ) -> asyncio.Future[Any]:
        """Makes a call that does not wait: at once if nothing of its direction is pending, or else when it is its turn. `tried`: it has
        been made just now, to no avail."""
        loop = self.enter()
        while queue and queue[0].future.done():
            queue.popleft().abandon()
        waits = not flags & DONTWAIT
        behind = bool(queue) or (waits and self.exhausted())
        if not (behind or tried):
            try:
                if queue is self.receives and self.returned:
                    result = receive_again(socket, self.returned, call, args, kwargs)
                else:
                    result = call(socket, *args, **kwargs)
                if load is not None:
                    result = load(result)
            except Again:
                pass
            except Exception as error:
                return failed(loop, error)
            else:
                self.calls += 1
                if self.sends or self.watches:
                    self.kick()
                return _core.Finished(result, loop)
        if not waits:
            return failed(loop, Again())
        future = Received(self.give_back, loop) if queue is self.receives else loop.create_future()
        pending = Pending(future, call, args, kwargs, load)
        self.add(socket, queue, pending)
        if behind:
            self.calls = 0
            self.kick()
        elif queue is self.receives and self.begin_spin(socket):
            loop.call_soon(self.spin)
        return future

    def add(self, socket: Any, queue: deque[Pending], pending: Pending) -> None:
        assert self.loop is not None
        timeout: int = socket.get(RCVTIMEO if queue is self.receives else SNDTIMEO)
        if timeout >= 0:
            pending.timer = self.loop.call_later(timeout / 1000, pending.expire)
        queue.append(pending)
        self.read(socket)

    def watch(self, socket: Any, flags: int, timeout: int) -> asyncio.Future[int]:
        """Waits up to `timeout` ms, for ever if negative, for events among `flags`."""
        loop = self.enter()
        future: asyncio.Future[int] = loop.create_future()
        events = self.events(socket) & flags
        if events or timeout == 0:
            future.set_result(events)
            return future
        watch = Watch(future, flags)
        if timeout > 0:
            watch.timer = loop.call_later(timeout / 1000, watch.finish, 0)
        # Those that timed out or were cancelled go when the next one comes.
        self.watches = [one for one in self.watches if not one.future.done()]
        self.watches.append(watch)
        self.read(socket)
        return future

    @property
    def busy(self) -> bool:
        return bool(self.receives or self.sends or self.watches)

    # -- the reader

    def read(self, socket: Any) -> None:
        """Listens to the descriptor."""
        if self.reading or self.pause is not None:
            return
        assert self.loop is not None
        if self.fd < 0:
            self.fd = socket.fileno()
        self.loop.add_reader(self.fd, self.wake)
        self.reading = True

    def stop_reading(self) -> None:
        if self.reading:
            self.reading = False
            assert self.loop is not None
            if not self.loop.is_closed():
                self.loop.remove_reader(self.fd)

    def wake(self) -> None:
        """The descriptor is readable."""
        socket = self.socket()
        if socket is None or socket.closed:
            self.stop_reading()
        elif self.complete(socket):
            self.pause_time = PAUSE_FIRST
            self.waited(socket)
        elif not self.busy:
            self.stop_reading()
        elif self.readable_for_nobody(socket):
            self.look_away()

    def kick(self) -> None:
        """Looks at everything pending in the loop's next turn, whatever the descriptor says."""
        if not self.kicked:
            assert self.loop is not None
            self.kicked = True
            self.loop.call_soon(self.wake_kicked)

    def wake_kicked(self) -> None:
        self.kicked = False
        socket = self.socket()
        if socket is not None and not socket.closed:
            self.complete(socket)

    # -- spinning, and not spinning

    def spin(self) -> None:
        """A receive has begun to wait, but an answer may be on its way: quicker than sleeping and being woken up."""
        socket = self.socket()
        if socket is None or socket.closed or not self.receives:
            self.end_spin()
            return
        state = self.spin_on(socket)
        if state > 0:
            if not self.complete(socket):
                self.events_or_all(socket)  # brings the descriptor up to date, which the look has left to the call that follows
        elif state == 0:
            assert self.loop is not None
            self.loop.call_soon(self.spin)

    def readable_for_nobody(self, socket: Any) -> bool:
        """Whether messages are there that nothing pending takes."""
        if any(not one.future.done() for one in self.receives):
            return False
        if any(one.flags & POLLIN and not one.future.done() for one in self.watches):
            return False
        try:
            events = self.events(socket)
        except Exception:  # what is pending will meet the same error, and tell
            return False
        if events & POLLOUT and self.sends:
            self.kick()  # there is room since just now, and the descriptor counts it as told
            return False
        return bool(events & POLLIN)

    def look_away(self) -> None:
        assert self.loop is not None
        self.stop_reading()
        self.pause = self.loop.call_later(self.pause_time, self.look_again)
        self.pause_time = min(2 * self.pause_time, PAUSE_LAST)

    def look_again(self) -> None:
        self.pause = None
        socket = self.socket()
        if socket is not None and not socket.closed:
            self.complete(socket)
            if self.busy:
                self.read(socket)

    # -- finishing

    def complete(self, socket: Any) -> bool:
        """Finishes what can be finished, in order; whether that was anything."""
        progress = False
        # Receives first: they may make room for sends.
        for queue in (self.receives, self.sends):
            while queue:
                pending = queue[0]
                if pending.future.done():
                    pending.abandon()
                elif not pending.attempt(socket, self.returned if queue is self.receives else None):
                    break
                queue.popleft()
                progress = True
        if self.watches:
            events = self.events_or_all(socket)
            waiting = []
            for watch in self.watches:
                if watch.future.done() or events & watch.flags:
                    watch.finish(events & watch.flags)
                    progress = True
                else:
                    waiting.append(watch)
            self.watches = waiting
        return progress

    def events_or_all(self, socket: Any) -> int:
        """Events of the socket; of one that is at its end all, so that whoever waits looks and meets the error."""
        try:
            return self.events(socket)
        except Exception:
            return -1

    def events(self, socket: Any) -> int:
        events: int = socket._events()
        return events | POLLIN if self.returned else events

    def give_back(self, message: Returned) -> None:
        self.returned.append(message)
        if self.busy:
            self.kick()

    def give_up(self) -> None:
        """Leaves the loop: nothing is pending afterwards."""
        self.stop_reading()
        self.end_spin()
        if self.pause is not None:
            self.pause.cancel()
            self.pause = None
        given_up, self.watches = self.watches, []
        pendings = [*self.receives, *self.sends]
        self.receives.clear()
        self.sends.clear()
        if self.loop is None or self.loop.is_closed():
            return
        for pending in pendings:
            pending.abandon()
        for watch in given_up:
            watch.finish(0)
