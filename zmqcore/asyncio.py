"""Sockets to be awaited, on any event loop that has add_reader.

Rules
- What can be done at once is done in the call itself; it returns a finished Future, so awaiting it does not go through the loop.
- What must wait becomes a `_Pending` in a queue of its direction. A pending receive has not taken its message yet: cancelling one,
  at any time, loses nothing.
- The socket's descriptor is level-triggered: readable while the socket has something to do. One reader serves the socket; its
  wake-up completes all that can be completed, in order. The reader is only taken away by a wake-up that finds nothing pending.
- A socket follows the running loop. What was pending on an earlier loop is given up.
"""

from __future__ import annotations

import asyncio
import asyncio.events
import pickle
import selectors
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from . import _core
from . import context as _context
from . import poll as _poll
from . import socket as _socket
from .constants import Errno, Flag, PollEvent, SocketOption
from .error import Again, ZMQError
from .utils import jsonapi

__all__ = ["Context", "Socket", "Poller", "ZMQEventLoop", "install"]

_SocketT = TypeVar("_SocketT", bound="Socket")
_Call = Callable[..., Any]

# As many calls in a row may be done at once before one must wait for the loop's next turn; otherwise a fast peer could keep a task
# running for ever and starve all others. A turn costs about as much as 50 messages, so this is lost in them.
_CALLS_PER_TURN = 1000

# How long to look away from a descriptor that is readable for something nobody waits for, in seconds: at first, and at most.
# Happens while a send waits for room and messages that nobody receives are there.
_PAUSE_FIRST = 0.001
_PAUSE_LAST = 0.02

# As plain ints: operators of enums are slow, and these are used for every message.
DONTWAIT = int(Flag.DONTWAIT)
POLLIN = int(PollEvent.POLLIN)
POLLOUT = int(PollEvent.POLLOUT)
POLLFD = POLLIN | int(PollEvent.POLLERR | PollEvent.POLLPRI)
RCVTIMEO = int(SocketOption.RCVTIMEO)
SNDTIMEO = int(SocketOption.SNDTIMEO)

_core_send = _core.Socket.send
_core_recv = _core.Socket.recv
_core_send_multipart = _core.Socket.send_multipart
_core_recv_multipart = _core.Socket.recv_multipart
_core_recv_into = _core.Socket.recv_into


def _loop() -> asyncio.AbstractEventLoop:
    running = asyncio.events._get_running_loop()
    return asyncio.get_event_loop() if running is None else running


class _Pending:
    """A call that waits: how to make it, its Future, and its timeout."""

    __slots__ = ("future", "call", "args", "kwargs", "load", "timer")

    def __init__(
        self,
        future: asyncio.Future[Any],
        call: _Call,
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

    def attempt(self, socket: Socket) -> bool:
        """Makes the call and finishes the Future; False if it would have to wait longer."""
        try:
            result = self.call(socket, *self.args, **self.kwargs)
            if self.load is not None:
                result = self.load(result)
        except Again:
            return False
        except BaseException as error:
            self.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            self.finish(result)
        return True

    def finish(self, result: Any) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if not self.future.done():
            self.future.set_exception(error)

    def expire(self) -> None:
        self.fail(Again())

    def abandon(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if not self.future.done():
            self.future.cancel()


class _Watch:
    """A poll that waits for events of one socket."""

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


class Socket(_socket.Socket):
    """A socket whose sends, receives and polls are awaited."""

    _repr_cls = "zmq.asyncio.Socket"

    def __init__(
        self,
        context: Any = None,
        socket_type: int = -1,
        io_loop: Any = None,
        _from_socket: _core.Socket | None = None,
        **kwargs: Any,
    ) -> None:
        if io_loop is not None:
            warnings.warn("io_loop is ignored: the running event loop is used", DeprecationWarning, stacklevel=2)
        set_own = vars(self).__setitem__  # the names below are no options, and are set before anything can fail
        set_own("_current_loop", None)
        set_own("_done", None)  # a finished Future of the current loop
        set_own("_fd", -1)  # asked for when first needed: it costs the process a descriptor
        set_own("_reading", False)
        set_own("_kicked", False)
        set_own("_pause", None)
        set_own("_pause_time", _PAUSE_FIRST)
        set_own("_calls", 0)
        set_own("_receives", deque())
        set_own("_sends", deque())
        set_own("_watches", [])
        if _from_socket is not None:
            kwargs["shadow"] = _from_socket
        super().__init__(context, socket_type, **kwargs)

    _current_loop: asyncio.AbstractEventLoop | None
    _done: asyncio.Future[None] | None
    _fd: int
    _reading: bool
    _kicked: bool
    _pause: asyncio.TimerHandle | None
    _pause_time: float
    _calls: int
    _receives: deque[_Pending]
    _sends: deque[_Pending]
    _watches: list[_Watch]

    @classmethod
    def from_socket(cls: type[_SocketT], socket: _core.Socket, io_loop: Any = None) -> _SocketT:
        """The same socket, to be awaited."""
        return cls(_from_socket=socket, io_loop=io_loop)

    # Blocking iteration would stop the loop: `async for`.
    __iter__ = None  # type: ignore[assignment]

    def __aiter__(self: _SocketT) -> _SocketT:
        return self

    def __anext__(self) -> asyncio.Future[Any]:
        return self.recv()

    def close(self, linger: int | None = None) -> None:
        """Closes the socket and cancels what is pending on it."""
        if not self.closed:
            self._give_up()
        super().close(linger)

    # -- sending

    def send(  # type: ignore[override]
        self, data: Any, flags: int = 0, copy: bool = True, track: bool = False, **kwargs: Any
    ) -> asyncio.Future[Any]:
        """Sends a frame."""
        return self._do(self._sends, _core_send, (data, flags | DONTWAIT, copy, track), kwargs, flags)

    def send_multipart(  # type: ignore[override]
        self, msg_parts: Any, flags: int = 0, copy: bool = True, track: bool = False, **kwargs: Any
    ) -> asyncio.Future[Any]:
        """Sends a message of several frames."""
        return self._do(self._sends, _core_send_multipart, (msg_parts, flags | DONTWAIT, copy, track), kwargs, flags)

    # -- receiving

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> asyncio.Future[Any]:  # type: ignore[override]
        """Receives a frame."""
        return self._do(self._receives, _core_recv, (flags | DONTWAIT, copy, track), _NO_KEYWORDS, flags)

    def recv_multipart(  # type: ignore[override]
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> asyncio.Future[Any]:
        """Receives a message of several frames."""
        return self._do(self._receives, _core_recv_multipart, (flags | DONTWAIT, copy, track), _NO_KEYWORDS, flags)

    def recv_into(self, buf: Any, /, *, nbytes: int = 0, flags: int = 0) -> asyncio.Future[int]:  # type: ignore[override]
        """Receives a frame into a buffer; gives its whole length."""
        keywords = {"nbytes": nbytes, "flags": flags | DONTWAIT}
        return self._do(self._receives, _core_recv_into, (buf,), keywords, flags)

    def recv_string(self, flags: int = 0, encoding: str = "utf-8") -> asyncio.Future[str]:
        """Receives an encoded string."""
        return self._recv_loaded(flags, lambda frame: frame.decode(encoding))

    recv_unicode = recv_string

    def recv_json(self, flags: int = 0, **kwargs: Any) -> asyncio.Future[Any]:
        """Receives an object as JSON; keywords go to json.loads."""
        return self._recv_loaded(flags, lambda frame: jsonapi.loads(frame, **kwargs))

    def recv_pyobj(self, flags: int = 0) -> asyncio.Future[Any]:
        """Receives a pickled object. Unpickling runs code of the sender's choice: only for peers that are trusted."""
        return self._recv_loaded(flags, pickle.loads)

    def recv_serialized(
        self, deserialize: Callable[[Any], Any], flags: int = 0, copy: bool = True
    ) -> asyncio.Future[Any]:
        """Receives a message and gives what `deserialize` makes of its frames."""
        args = (flags | DONTWAIT, copy, False)
        return self._do(self._receives, _core_recv_multipart, args, _NO_KEYWORDS, flags, deserialize)

    def _recv_loaded(self, flags: int, load: Callable[[Any], Any]) -> asyncio.Future[Any]:
        args = (flags | DONTWAIT, True, False)
        return self._do(self._receives, _core_recv, args, _NO_KEYWORDS, flags, load)

    # -- polling

    def poll(self, timeout: float | None = None, flags: int = POLLIN) -> asyncio.Future[int]:  # type: ignore[override]
        """Waits up to `timeout` ms for any of `flags`; gives those that are there, 0 if none."""
        if self.closed:
            raise ZMQError(Errno.ENOTSUP, "cannot poll: the socket is closed")
        loop = self._enter()
        future: asyncio.Future[int] = loop.create_future()
        flags = int(flags)
        events = self._events() & flags
        wait = _poll.milliseconds(timeout)
        if events or wait == 0:
            future.set_result(events)
            return future
        watch = _Watch(future, flags)
        if wait > 0:
            watch.timer = loop.call_later(wait / 1000, watch.finish, 0)
        # Those that timed out or were cancelled go when the next one comes.
        self._watches[:] = [one for one in self._watches if not one.future.done()]
        self._watches.append(watch)
        self._read()
        return future

    # -- the machinery

    def _enter(self) -> asyncio.AbstractEventLoop:
        """The loop to work on. When it is another one than before, the earlier one is left behind."""
        loop = _loop()
        if loop is not self._current_loop:
            self._give_up()
            own = vars(self)
            own["_current_loop"] = loop
            done = loop.create_future()
            done.set_result(None)
            own["_done"] = done
        return loop

    def _do(
        self,
        queue: deque[_Pending],
        call: _Call,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        flags: int,
        load: Callable[[Any], Any] | None = None,
    ) -> asyncio.Future[Any]:
        """Makes a call that does not wait, at once if nothing of its direction is pending, or else as soon as it is its turn."""
        loop = self._enter()
        own = vars(self)
        while queue and queue[0].future.done():
            queue.popleft().abandon()
        calls = own["_calls"] + 1
        if queue or (calls >= _CALLS_PER_TURN and not flags & DONTWAIT):
            own["_calls"] = 0
            if flags & DONTWAIT:
                return _failed(loop, Again())
            self._kick()
            return self._wait(loop, queue, call, args, kwargs, load)
        own["_calls"] = calls
        try:
            result = call(self, *args, **kwargs)
            if load is not None:
                result = load(result)
        except Again as error:
            if flags & DONTWAIT:
                return _failed(loop, error)
            return self._wait(loop, queue, call, args, kwargs, load)
        except Exception as error:
            return _failed(loop, error)
        if self._sends or self._watches:
            # The call may have done the very work that they wait for, and then the descriptor stays silent.
            self._kick()
        if result is None:
            return own["_done"]  # type: ignore[no-any-return]
        future = loop.create_future()
        future.set_result(result)
        return future

    def _wait(
        self,
        loop: asyncio.AbstractEventLoop,
        queue: deque[_Pending],
        call: _Call,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        load: Callable[[Any], Any] | None,
    ) -> asyncio.Future[Any]:
        pending = _Pending(loop.create_future(), call, args, kwargs, load)
        timeout: int = self.get(RCVTIMEO if queue is self._receives else SNDTIMEO)
        if timeout >= 0:
            pending.timer = loop.call_later(timeout / 1000, pending.expire)
        queue.append(pending)
        self._read()
        return pending.future

    def _read(self) -> None:
        """Listens to the descriptor."""
        own = vars(self)
        if own["_reading"] or own["_pause"] is not None:
            return
        if own["_fd"] < 0:
            own["_fd"] = self.fileno()
        own["_current_loop"].add_reader(own["_fd"], _waker(self))
        own["_reading"] = True

    def _stop_reading(self) -> None:
        own = vars(self)
        if own["_reading"]:
            own["_reading"] = False
            loop = own["_current_loop"]
            if not loop.is_closed():
                loop.remove_reader(self._fd)

    def _kick(self) -> None:
        """Looks at everything pending in the loop's next turn, whatever the descriptor says."""
        own = vars(self)
        if not own["_kicked"]:
            own["_kicked"] = True
            own["_current_loop"].call_soon(self._kicked_wake)

    def _kicked_wake(self) -> None:
        vars(self)["_kicked"] = False
        if not self.closed:
            self._complete()

    def _wake(self) -> None:
        """The descriptor is readable."""
        if self.closed:
            return
        if self._complete():
            vars(self)["_pause_time"] = _PAUSE_FIRST
        elif not (self._receives or self._sends or self._watches):
            self._stop_reading()
        elif self._wants_other_than(self._events()):
            self._look_away()

    def _wants_other_than(self, events: int) -> bool:
        """Whether the descriptor stays readable for events that nothing pending takes."""
        if not events & POLLIN or any(not one.future.done() for one in self._receives):
            return False
        return not any(watch.flags & POLLIN and not watch.future.done() for watch in self._watches)

    def _look_away(self) -> None:
        own = vars(self)
        self._stop_reading()
        own["_pause"] = own["_current_loop"].call_later(own["_pause_time"], _ender(self))
        own["_pause_time"] = min(2 * own["_pause_time"], _PAUSE_LAST)

    def _end_pause(self) -> None:
        own = vars(self)
        own["_pause"] = None
        if self.closed:
            return
        self._complete()
        if self._receives or self._sends or self._watches:
            self._read()

    def _complete(self) -> bool:
        """Finishes what can be finished, in order; whether that was anything."""
        progress = False
        # Receives first: they may make room for sends.
        for queue in (self._receives, self._sends):
            while queue:
                pending = queue[0]
                if not pending.future.done() and not pending.attempt(self):
                    break
                if queue and queue[0] is pending:
                    queue.popleft()
                progress = True
        if self._watches:
            events = self._events()
            waiting = []
            for watch in self._watches:
                if watch.future.done():
                    watch.finish(0)
                elif events & watch.flags:
                    watch.finish(events & watch.flags)
                    progress = True
                else:
                    waiting.append(watch)
            self._watches[:] = waiting
        return progress

    def _give_up(self) -> None:
        """Leaves the current loop: nothing is pending afterwards."""
        own = vars(self)
        self._stop_reading()
        if own["_pause"] is not None:
            own["_pause"].cancel()
            own["_pause"] = None
        loop = own["_current_loop"]
        alive = loop is not None and not loop.is_closed()
        for queue in (self._receives, self._sends):
            while queue:
                pending = queue.popleft()
                if alive:
                    pending.abandon()
        watches, self._watches[:] = list(self._watches), []
        for watch in watches:
            if alive:
                watch.finish(0)


_NO_KEYWORDS: dict[str, Any] = {}


def _failed(loop: asyncio.AbstractEventLoop, error: Exception) -> asyncio.Future[Any]:
    future = loop.create_future()
    future.set_exception(error)
    return future


# The loop must not keep a socket alive that the program has forgotten.


def _waker(socket: Socket) -> Callable[[], None]:
    reference = weakref.ref(socket)

    def wake() -> None:
        alive = reference()
        if alive is not None:
            alive._wake()

    return wake


def _ender(socket: Socket) -> Callable[[], None]:
    reference = weakref.ref(socket)

    def end() -> None:
        alive = reference()
        if alive is not None:
            alive._end_pause()

    return end


class Poller(_poll.Poller):
    """A Poller whose poll is awaited. It takes asynchronous and ordinary sockets, and descriptors."""

    _socket_class: ClassVar[Any] = Socket

    def poll(self, timeout: float | None = -1) -> asyncio.Future[list[tuple[Any, int]]]:  # type: ignore[override]
        """Waits up to `timeout` ms; gives (socket, events) of those that have events."""
        loop = _loop()
        future: asyncio.Future[list[tuple[Any, int]]] = loop.create_future()
        wait = _poll.milliseconds(timeout)
        try:
            ready = _core.zmq_poll(self.sockets, 0)
        except Exception as error:
            future.set_exception(error)
            return future
        if ready or wait == 0:
            future.set_result(ready)
        else:
            _Round(loop, list(self.sockets), future, wait)
        return future


class _Round:
    """One poll of a Poller that has to wait: everything it listens to, until its Future is done."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        items: list[tuple[Any, int]],
        future: asyncio.Future[list[tuple[Any, int]]],
        wait: int,
    ) -> None:
        self.loop = loop
        self.items = items
        self.future = future
        self.watches: list[asyncio.Future[int]] = []
        self.readers: list[int] = []
        self.writers: list[int] = []
        self.shadows: dict[_core.Socket, Socket] = {}
        self.timer = loop.call_later(wait / 1000, self.finish, []) if wait > 0 else None
        future.add_done_callback(self.clean_up)
        try:
            for item, flags in items:
                self.listen(item, int(flags))
        except Exception as error:
            future.set_exception(error)

    def listen(self, item: Any, flags: int) -> None:
        if isinstance(item, _core.Socket):
            watch = self.awaitable(item).poll(-1, flags)
            watch.add_done_callback(lambda _: self.look_again(item, flags))
            self.watches.append(watch)
            return
        fd = item if isinstance(item, int) else item.fileno()
        if flags & POLLFD:
            self.loop.add_reader(fd, self.look)
            self.readers.append(fd)
        if flags & POLLOUT:
            self.loop.add_writer(fd, self.look)
            self.writers.append(fd)

    def awaitable(self, socket: _core.Socket) -> Socket:
        if isinstance(socket, Socket):
            return socket
        if socket not in self.shadows:
            self.shadows[socket] = Socket.from_socket(socket)
        return self.shadows[socket]

    def look_again(self, item: _core.Socket, flags: int) -> None:
        self.look()
        if not self.future.done():  # somebody else was quicker
            self.watches[:] = [watch for watch in self.watches if not watch.done()]
            self.listen(item, flags)

    def look(self) -> None:
        if self.future.done():
            return
        try:
            ready = _core.zmq_poll(self.items, 0)
        except Exception as error:
            self.future.set_exception(error)
        else:
            if ready:
                self.finish(ready)

    def finish(self, ready: list[tuple[Any, int]]) -> None:
        if not self.future.done():
            self.future.set_result(ready)

    def clean_up(self, _: object) -> None:
        if self.timer is not None:
            self.timer.cancel()
        for fd in self.readers:
            self.loop.remove_reader(fd)
        for fd in self.writers:
            self.loop.remove_writer(fd)
        for watch in self.watches:
            watch.cancel()
        for shadow in self.shadows.values():
            shadow._give_up()


class Context(_context.Context[Socket]):
    """Makes sockets to be awaited."""

    _instance: ClassVar[Any] = None  # apart from the ordinary Context's
    _repr_cls = "zmq.asyncio.Context"
    _socket_class = Socket

    def __init__(self, io_threads: int | _context.Context[Any] = 1, shadow: _context.Context[Any] | int = 0) -> None:
        super().__init__(io_threads, shadow)  # type: ignore[misc]


class ZMQEventLoop(asyncio.SelectorEventLoop):
    """Deprecated: sockets work on any event loop."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        warnings.warn("ZMQEventLoop is not needed: use any event loop", DeprecationWarning, stacklevel=2)
        super().__init__(selector)


def install() -> None:
    """Deprecated: there is nothing to install."""
    warnings.warn("zmqcore.asyncio.install() is not needed: use any event loop", DeprecationWarning, stacklevel=2)
