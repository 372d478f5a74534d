"""The waiting behind zmqcore.asyncio: what is pending on one socket and loop, and the one reader that serves it.

Rules
- All objects of one socket (the socket, its shadows, those a Poller has) share one `Awaiting` for each loop: one queue, one reader, and
  whatever one of them does is seen by what another one waits for.
- What must wait becomes a `Pending` in the queue of its direction. A pending receive has not taken its message yet: cancelling one
  loses nothing. Cancelling a task whose receive is done gives the message back, see `_received`.
- Only the call itself may have to wait. What a function of the program raises, Again included, is the end of the call it was given to.
- Functions of the program may do anything, also close the socket: a `Pending` has left its queue before they are called.
- The socket's descriptor is level-triggered: readable while the socket has something to do. A wake-up completes all that can be
  completed, in order. The reader is only taken away by a wake-up that finds nothing pending.
- The descriptor is silent about what a call on this socket brings about itself; such calls are followed by `kick`. Who gives up looks once more.
- The loop holds on to an `Awaiting`, never to the socket: a socket that the program forgets must go.
- Everything here runs on the loop's thread.
"""

from __future__ import annotations

import asyncio
import asyncio.events
import os
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from . import _core
from ._deadlines import checked, tighter
from ._readers import listen, stop_listening
from ._received import Received, Returned, message_of, receive_again
from .constants import Flag, PollEvent, SocketOption
from .error import Again, time_is_over

# As plain ints: operators of enums are slow, and these are used for every message.
DONTWAIT = int(Flag.DONTWAIT)
POLLIN = int(PollEvent.POLLIN)
POLLOUT = int(PollEvent.POLLOUT)
RCVTIMEO = int(SocketOption.RCVTIMEO)
SNDTIMEO = int(SocketOption.SNDTIMEO)

core_get = _core.Socket.get  # without what a subclass adds to it

NO_KEYWORDS: dict[str, Any] = {}

# How long to look away from a descriptor that is readable for something nobody waits for, in seconds: at first, and at most.
# It happens while a send waits for room and messages are there that nobody receives.
PAUSE_FIRST = 0.001
PAUSE_LAST = 0.02

running_loop = asyncio.events._get_running_loop


class Pending:
    """A call that waits: how to make it, and its Future."""

    __slots__ = ("socket", "future", "call", "args", "kwargs", "load", "timer", "timeout", "option")

    def __init__(
        self,
        socket: Any,
        future: asyncio.Future[Any],
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        load: Callable[[Any], Any] | None,
    ) -> None:
        self.socket = weakref.ref(socket)
        self.future = future
        self.call = call
        self.args = args
        self.kwargs = kwargs
        self.load = load
        self.timer: asyncio.TimerHandle | None = None
        self.timeout: float | None = None  # as it was given
        self.option = -1  # what RCVTIMEO or SNDTIMEO was

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

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def finish(self, events: int) -> None:
        self.stop_timer()
        if not self.future.done():
            self.future.set_result(events)

    def abandon(self) -> None:
        self.stop_timer()
        self.future.cancel()


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
    """Ends a call with whatever was raised in it, as asyncio ends a task."""
    if future.done():
        pass
    elif isinstance(error, asyncio.CancelledError):
        future.cancel()
    elif isinstance(error, StopIteration):
        told = RuntimeError("StopIteration was raised by a function that was called for an awaited result")
        told.__cause__ = error
        future.set_exception(told)
    else:
        future.set_exception(error)
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        raise error


def failed(loop: asyncio.AbstractEventLoop, error: BaseException) -> asyncio.Future[Any]:
    future = loop.create_future()
    fail(future, error)
    return future


class Sharer:
    """Something other than an Awaiting that waits for a socket. It does so on its own thread, while these may be called from any."""

    def news(self) -> None:
        """A call on the socket may have brought about what is waited for, and the descriptor may be silent about it."""
        raise NotImplementedError

    def end(self) -> None:
        """The socket is about to be closed."""
        raise NotImplementedError


class Awaitings:
    """What the objects of one socket share: an Awaiting for each loop, those who wait in other ways, and what was received in vain."""

    __slots__ = ("of_loop", "others", "several", "returned", "process")

    def __init__(self) -> None:
        self.process = os.getpid()
        self.of_loop: dict[asyncio.AbstractEventLoop, Awaiting] = {}
        self.others: weakref.WeakSet[Sharer] = weakref.WeakSet()
        self.several = False  # whether there ever were two to tell of what one has done; asked for every message
        self.returned: deque[Returned] = deque()

    def on(self, loop: asyncio.AbstractEventLoop, socket: Any) -> Awaiting:
        awaiting = self.of_loop.get(loop)
        if awaiting is None:
            for old in [old for old in self.of_loop if old.is_closed()]:
                self.of_loop.pop(old).leave()
            awaiting = self.of_loop[loop] = Awaiting(socket, loop, self)
            self.several = self.several or len(self.of_loop) > 1 or bool(self.others)
        return awaiting

    def add(self, sharer: Sharer) -> None:
        self.others.add(sharer)
        self.several = self.several or bool(self.of_loop)

    def tell(self, teller: object) -> None:
        """What `teller` has done may be what others wait for, and they may have slept through the signal."""
        for loop, awaiting in list(self.of_loop.items()):
            if awaiting is not teller and awaiting.busy and not loop.is_closed():
                loop.call_soon_threadsafe(awaiting.wake_kicked)
        for other in list(self.others):
            if other is not teller:
                other.news()

    def close(self) -> None:
        """The socket is about to be closed."""
        self.returned.clear()
        if self.process != os.getpid():  # the loops, and what waits there, are the parent's
            self.of_loop.clear()
            self.others.clear()
        while self.of_loop:
            loop, awaiting = self.of_loop.popitem()
            if loop is running_loop() or not loop.is_running():
                awaiting.give_up()
            else:  # closed by a thread that is not the loop's
                loop.call_soon_threadsafe(awaiting.give_up)
        for other in list(self.others):
            other.end()


def awaitings_of(socket: Any) -> Awaitings:
    """What all objects of this socket share, of which `socket` may be a shadow."""
    original = socket._original() or socket
    awaitings: Awaitings | None = original._awaitings
    if awaitings is None:
        awaitings = original._awaitings = Awaitings()
    return awaitings


def awaiting_of(socket: Any, loop: asyncio.AbstractEventLoop) -> Awaiting:
    """What is pending on the socket, of which `socket` may be a shadow, on this loop."""
    return awaitings_of(socket).on(loop, socket._original() or socket)


def returned_to(socket: Any) -> Any:
    """The messages that were given back to it, if any."""
    awaitings = (socket._original() or socket)._awaitings
    return None if awaitings is None else awaitings.returned


class Awaiting(_core.AwaitingBase):
    """Everything that is pending on one socket, on one loop."""

    receives: deque[Pending]
    sends: deque[Pending]
    returned: deque[Returned]  # received for tasks that were cancelled; the next receives get it, on whatever loop
    watches: list[Watch]

    def __init__(self, socket: Any, loop: asyncio.AbstractEventLoop, awaitings: Awaitings) -> None:
        self.socket = weakref.ref(socket)
        self.loop = loop
        self.awaitings = awaitings
        self.fd = -1  # asked for when first needed: it costs the process a descriptor
        self.reading = False
        self.kicked = False
        self.pause: asyncio.TimerHandle | None = None
        self.pause_time = PAUSE_FIRST
        self.retries = 0  # of a send that was refused although there is room, since anything was finished
        self.retrying: asyncio.TimerHandle | None = None
        self.receives = deque()
        self.returned = awaitings.returned
        self.sends = deque()
        self.watches = []

    # -- making calls

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
        timeout: float | None = None,
    ) -> asyncio.Future[Any]:
        """Makes a call that does not wait: at once if nothing of its direction is pending, or else when it is its turn. `tried`: it has
        been made just now, to no avail. `timeout`: milliseconds from now, beside RCVTIMEO or SNDTIMEO."""
        loop = self.loop
        if timeout is not None:
            try:
                timeout = checked(timeout)
            except (TypeError, ValueError) as error:
                return failed(loop, error)
        while queue and queue[0].future.done():
            queue.popleft().abandon()
        waits = not flags & DONTWAIT
        behind = bool(queue) or (waits and self.exhausted())
        if not (behind or tried):
            try:
                if self.returned and queue is self.receives:
                    result = receive_again(socket, self.returned, call, args, kwargs)
                else:
                    result = call(socket, *args, **kwargs)
            except Again:
                pass
            except Exception as error:
                return failed(loop, error)
            else:
                self.calls += 1
                if self.sends or self.watches:
                    self.kick()
                if load is not None:
                    try:
                        result = load(result)
                    except (Exception, asyncio.CancelledError) as error:
                        return failed(loop, error)
                return _core.finished(result, loop)
        if not waits:
            return failed(loop, Again())
        future: asyncio.Future[Any]
        if queue is self.receives:
            future = Received(loop=loop)
            future.give_back = self.give_back
        else:
            future = loop.create_future()
        if queue:
            # What stops the first one, a peer without room say, need not stop those behind it.
            queue[-1].future.add_done_callback(self.next_in_line)
        pending = Pending(socket, future, call, args, kwargs, load)
        pending.timeout = timeout
        try:
            self.add(socket, queue, pending, behind)
        except Exception as error:
            return failed(loop, error)
        return future

    def add(self, socket: Any, queue: deque[Pending], pending: Pending, behind: bool) -> None:
        """`behind`: something else must come first, the loop's next turn at least."""
        receives = queue is self.receives
        pending.option = core_get(socket, RCVTIMEO if receives else SNDTIMEO)
        timeout = tighter(pending.timeout, pending.option)
        if self.fd < 0:
            self.fd = socket.fileno()
        # What a spin finds needs no reader: most answers come that soon, and a loop takes its time to add a reader and to remove it.
        if not receives or behind or not self.begin_spin(socket):
            self.read(socket)
        else:
            self.loop.call_soon(self.spin)
        if timeout >= 0:
            pending.timer = self.loop.call_later(timeout / 1000, self.expire, pending)
        queue.append(pending)
        if behind:
            self.calls = 0
            self.kick()

    def expire(self, pending: Pending) -> None:
        """Its time is up."""
        self.wake_kicked()
        if not pending.future.done():
            late = Again()
            if pending.timeout is not None:
                late = time_is_over(not isinstance(pending.future, Received), pending.timeout, pending.option)
            pending.future.set_exception(late)
            self.kick()

    def next_in_line(self, future: asyncio.Future[Any]) -> None:
        if future.cancelled() and self.busy:
            self.kick()

    def watch(self, socket: Any, flags: int, timeout: int) -> asyncio.Future[int]:
        """Waits up to `timeout` ms, for ever if negative, for events among `flags`."""
        future: asyncio.Future[int] = self.loop.create_future()
        events = self.events(socket) & flags
        if events or timeout == 0:
            future.set_result(events)
            return future
        watch = Watch(future, flags)
        self.read(socket)
        if timeout > 0:
            watch.timer = self.loop.call_later(timeout / 1000, self.end_watch, watch)
        # Those that timed out or were cancelled go when the next one comes.
        self.watches = [one for one in self.watches if not one.future.done()]
        self.watches.append(watch)
        return future

    def end_watch(self, watch: Watch) -> None:
        """Its time is up."""
        self.wake_kicked()
        watch.finish(0)

    @property
    def busy(self) -> bool:
        return bool(self.receives or self.sends or self.watches)

    # -- the reader

    def read(self, socket: Any) -> None:
        """Listens to the descriptor."""
        if self.reading or self.pause is not None:
            return
        if self.fd < 0:
            self.fd = socket.fileno()
        listen(self.loop, self.fd, self.wake)
        self.reading = True

    def read_on(self, socket: Any) -> None:
        """Listens for what is pending already, which must not be left alone: if the loop refuses, asks it again later."""
        try:
            self.read(socket)
        except OSError:
            self.look_away()

    def stop_reading(self) -> None:
        if self.reading:
            self.reading = False
            stop_listening(self.loop, self.fd, self.wake)

    def rest(self) -> None:
        """Stops listening if nothing is pending any more, without waiting for a wake-up that finds this out."""
        self.watches = [one for one in self.watches if not one.future.done()]
        if not self.busy:
            self.stop_reading()

    def wake(self) -> None:
        """The descriptor is readable."""
        socket = self.socket()
        if socket is None or socket.closed:
            self.give_up()
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
            self.kicked = True
            self.loop.call_soon(self.wake_kicked)

    def wake_kicked(self) -> None:
        self.kicked = False
        socket = self.socket()
        if socket is None or socket.closed:
            self.give_up()
        else:
            self.complete(socket)

    # -- spinning, and not spinning

    def spin(self) -> None:
        """A receive has begun to wait, but an answer may be on its way: quicker than sleeping and being woken up."""
        socket = self.socket()
        if socket is None or socket.closed:
            self.give_up()
            return
        if not self.receives:  # what else is pending is listened for
            self.end_spin()
            return
        state = self.spin_on(socket)
        if state == 0:
            self.loop.call_soon(self.spin)
            return
        if state > 0 and not self.complete(socket):
            self.events_or_all(socket)  # brings the descriptor up to date, which the look has left to the call that follows
        if self.busy:
            self.read_on(socket)

    def readable_for_nobody(self, socket: Any) -> bool:
        """Whether messages are there that nothing pending takes."""
        wanted = any(not one.future.done() for one in self.receives) or any(
            one.flags & POLLIN and not one.future.done() for one in self.watches
        )
        if wanted and not self.sends:
            return False
        try:
            events = self.events(socket)
        except Exception:  # what is pending will meet the same error, and tell
            return False
        if events & POLLOUT and self.sends:
            self.retry()
        return bool(events & POLLIN) and not wanted

    def retry(self) -> None:
        """There is room, but the first send was refused. Either it is there since just now, and the descriptor counts it as told; or it is
        room at another peer than the one that the send is for, which no event can tell from room at this one."""
        if self.retries == 0:
            self.kick()
        elif self.retrying is None:
            pause = min(PAUSE_FIRST * 2 ** min(self.retries, 10), PAUSE_LAST)
            self.retrying = self.loop.call_later(pause, self.retry_now)
        self.retries += 1

    def retry_now(self) -> None:
        self.retrying = None
        self.wake_kicked()

    def look_away(self) -> None:
        self.stop_reading()
        self.pause = self.loop.call_later(self.pause_time, self.look_again)
        self.pause_time = min(2 * self.pause_time, PAUSE_LAST)

    def look_again(self) -> None:
        self.pause = None
        socket = self.socket()
        if socket is not None and not socket.closed:
            self.complete(socket)
            if self.busy:
                self.read_on(socket)

    # -- finishing

    def complete(self, socket: Any) -> bool:
        """Finishes what can be finished, in order; whether that was anything."""
        progress = False
        # Receives first: they may make room for sends.
        for queue in (self.receives, self.sends):
            while queue:
                pending = queue[0]
                if pending.future.done():
                    queue.popleft()
                    pending.abandon()
                elif not self.attempt(socket, queue, pending):
                    break
                progress = True
        if self.watches and not socket.closed:
            events = self.events_or_all(socket)
            waiting = []
            for watch in self.watches:
                if watch.future.done() or events & watch.flags:
                    watch.finish(events & watch.flags)
                    progress = True
                else:
                    waiting.append(watch)
            self.watches = waiting
        if progress:
            self.retries = 0
            if self.awaitings.several:
                self.awaitings.tell(self)
        return progress

    def attempt(self, socket: Any, queue: deque[Pending], pending: Pending) -> bool:
        """Makes the call and finishes its Future; False if it has to wait longer."""
        future = pending.future
        call, args = pending.call, pending.args
        try:
            if self.returned and queue is self.receives:
                result = receive_again(pending.socket() or socket, self.returned, call, args, pending.kwargs)
            else:
                result = call(pending.socket() or socket, *args, **pending.kwargs)
        except Again:
            return False
        except BaseException as error:
            leave(queue, pending)
            fail(future, error)
            return True
        if pending.timer is None and queue and queue[0] is pending:
            queue.popleft()
        else:
            leave(queue, pending)
        if isinstance(future, Received):
            future.message = message_of(socket, self.returned, call, args, result)
        if pending.load is not None:
            try:
                result = pending.load(result)
            except BaseException as error:
                fail(future, error)
                return True
        if not future.done():
            future.set_result(result)
        elif isinstance(future, Received):  # the function has cancelled the task that called it
            future.return_message()
        return True

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
        if self.awaitings.several:
            self.awaitings.tell(self)

    def give_up(self) -> None:
        """Nothing is pending afterwards."""
        watches, self.watches = self.watches, []
        pendings: list[Pending | Watch] = [*self.receives, *self.sends, *watches]
        self.leave()
        if not self.loop.is_closed():
            for pending in pendings:
                pending.abandon()

    def leave(self) -> None:
        """Leaves the loop alone."""
        self.stop_reading()
        self.end_spin()
        for timer in (self.pause, self.retrying):
            if timer is not None:
                timer.cancel()
        self.pause = self.retrying = None
        self.receives.clear()
        self.sends.clear()


def leave(queue: deque[Pending], pending: Pending) -> None:
    """The call is over, and its Future will be done."""
    pending.stop_timer()
    if queue and queue[0] is pending:
        queue.popleft()
