"""Sockets to be awaited, on any event loop.

Rules
- What can be done at once is done in the call itself; it returns a `_core.Finished`, a Future that awaiting does not take through the loop.
- A socket follows the running loop. What is pending on another loop waits for that loop.
- How waiting works is in `_awaiting`.
"""

from __future__ import annotations

import asyncio
import selectors
import warnings
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, ClassVar, TypeVar, overload

from . import _core, _objects, _pickles
from . import context as _context
from . import poll as _poll
from . import socket as _socket
from ._awaiting import (
    DONTWAIT,
    NO_KEYWORDS,
    POLLIN,
    Awaiting,
    awaiting_of,
    returned_to,
    running_loop,
)
from ._deadlines import Deadline, within
from ._poll_round import Round, ready_now
from ._presence import Presence
from .constants import Errno, SocketOption
from .error import Again, ZMQError
from .socket_objects import Codec
from .utils import jsonapi

__all__ = ["Context", "Socket", "Poller", "ZMQEventLoop", "install"]

_SocketT = TypeVar("_SocketT", bound="Socket")
_T = TypeVar("_T")

EVENTS = int(SocketOption.EVENTS)
RCVMORE = int(SocketOption.RCVMORE)

_core_send = _core.Socket.send
_core_recv = _core.Socket.recv
_core_send_multipart = _core.Socket.send_multipart
_core_recv_multipart = _core.Socket.recv_multipart
_core_recv_into = _core.Socket.recv_into
_core_send_many = _core.Socket.send_many
_core_recv_many = _core.Socket.recv_many

# Messages of send_many() between two turns of the loop.
CHUNK = 1000


class Socket(_socket.Socket):
    """A socket whose sends, receives and polls are awaited, on any event loop.

    What can be done at once is done by the call, which returns a Future that is done: awaiting it takes no turn
    of the loop. `async for frame in socket` receives for ever.

    Args:
        context (Context): the context to belong to.
        socket_type (int): a SocketType. Default -1: none, for shadows.
        io_loop (Any): ignored, and deprecated: the running loop is used.
        **kwargs: as for `zmqcore.Socket`.

    Raises:
        ZMQError, ContextTerminated, TypeError: as `zmqcore.Socket`.

    Example:
        >>> import asyncio
        >>> from zmqcore.asyncio import Context
        >>> async def main():
        ...     with Context() as context:
        ...         with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        ...             bound = pull.bind("inproc://example")
        ...             connected = push.connect("inproc://example")
        ...             await push.send(b"hello")
        ...             return await pull.recv()
        >>> asyncio.run(main())
        b'hello'
    """

    _awaiting: Awaiting | None
    _per_frame = False
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
        if _from_socket is not None:
            kwargs["shadow"] = _from_socket
        super().__init__(context, socket_type, **kwargs)

    @classmethod
    def from_socket(cls: type[_SocketT], socket: _core.Socket, io_loop: Any = None) -> _SocketT:
        """Make an asynchronous Socket that is the same socket as another one. Closing one closes both.

        Args:
            socket (Socket): the other one.
            io_loop (Any): ignored, and deprecated.

        Returns:
            Socket: the shadow.

        Raises:
            ZMQError (ENOTSOCK): the other one is closed.
        """
        return cls(_from_socket=socket, io_loop=io_loop)

    def _await(self) -> Awaiting:
        """What is pending on the loop to work on."""
        loop = running_loop() or asyncio.get_event_loop()
        awaiting = self._awaiting
        if awaiting is None or awaiting.loop is not loop:
            awaiting = self._awaiting = awaiting_of(self, loop)
        return awaiting

    # Blocking iteration would stop the loop: `async for`.
    __iter__ = None  # type: ignore[assignment]

    def __aiter__(self: _SocketT) -> _SocketT:
        return self

    def __anext__(self) -> asyncio.Future[Any]:
        return self.recv()

    # -- sending and receiving
    #
    # The compiled calls do what can be done at once; for everything else they call the methods that end with _later.

    send = _core.await_send  # type: ignore[assignment]
    send_multipart = _core.await_send_multipart  # type: ignore[assignment]
    recv = _core.await_recv  # type: ignore[assignment]
    recv_multipart = _core.await_recv_multipart  # type: ignore[assignment]
    for _name, _call in list(vars().items()):
        if getattr(_call, "__name__", None) == f"await_{_name}":  # help() shows the name under which it is called
            _call.__name__, _call.__qualname__ = _name, f"Socket.{_name}"
    del _name, _call

    def _send_later(
        self,
        data: Any,
        flags: int,
        copy: bool,
        track: bool,
        routing_id: int | None,
        group: str | bytes | None,
        timeout: float | None,
    ) -> asyncio.Future[Any]:
        awaiting = self._await()
        args = (data, flags | DONTWAIT, copy, track, routing_id, group)
        return awaiting.do(self, awaiting.sends, _core_send, args, flags, timeout=timeout)

    def _send_multipart_later(
        self, msg_parts: list[Any], flags: int, copy: bool, track: bool, timeout: float | None
    ) -> asyncio.Future[Any]:
        awaiting = self._await()
        args = (msg_parts, flags | DONTWAIT, copy, track)
        return awaiting.do(self, awaiting.sends, _core_send_multipart, args, flags, timeout=timeout)

    def _recv_later(
        self, flags: int, copy: bool, track: bool, tried: bool, timeout: float | None
    ) -> asyncio.Future[Any]:
        return self._receive(_core_recv, (flags | DONTWAIT, copy, track), flags, None, tried, timeout)

    def _recv_multipart_later(
        self, flags: int, copy: bool, track: bool, tried: bool, timeout: float | None
    ) -> asyncio.Future[Any]:
        return self._receive(_core_recv_multipart, (flags | DONTWAIT, copy, track), flags, None, tried, timeout)

    async def send_many(  # type: ignore[override]
        self, iterable: Iterable[Any], flags: int = 0, *, timeout: float | None = None
    ) -> int:
        """Send a batch, to be awaited. See `zmqcore.Socket.send_many()`.

        Args:
            iterable (Iterable[bytes | buffer | Frame]): the messages.
            flags (int): zmq.DONTWAIT. Default 0.
            timeout (float): milliseconds to wait at most, for the whole batch. Default None: SNDTIMEO, for each message.

        Returns:
            int: how many were sent.

        Raises:
            Again, TypeError, ZMQError, ContextTerminated: as `zmqcore.Socket.send_many()`.
        """
        awaiting = self._await()
        deadline = Deadline(timeout)
        items = iter(iterable)
        sent = 0
        while chunk := list(islice(items, CHUNK)):
            done = 0
            while done < len(chunk):
                if not awaiting.sends:
                    try:
                        done += _core_send_many(self, chunk[done:], flags | DONTWAIT)
                    except Again:
                        pass
                if done < len(chunk):
                    try:
                        await self.send(chunk[done], flags, **deadline.left())
                    except Again:
                        if sent + done:
                            return sent + done
                        raise
                    done += 1
            sent += done
            await asyncio.sleep(0)  # others have their turn
        return sent

    async def recv_many(  # type: ignore[override]
        self, max: int = 1000, flags: int = 0, *, timeout: float | None = None
    ) -> list[bytes]:
        """Receive a batch, to be awaited. See `zmqcore.Socket.recv_many()`.

        Args:
            max (int): frames to take at most. Default 1000.
            flags (int): zmq.DONTWAIT. Default 0.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            list[bytes]: one to `max` frames.

        Raises:
            Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv_many()`.
        """
        if max <= 0:
            return []
        awaiting = self._await()
        frames = [await self.recv(flags, **within(timeout))]
        if max > 1 and not (awaiting.receives or awaiting.returned):
            try:
                frames += _core_recv_many(self, max - 1, DONTWAIT)
            except Again:
                pass
        return frames

    def recv_into(  # type: ignore[override]
        self, buf: Any, /, *, nbytes: int = 0, flags: int = 0, timeout: float | None = None
    ) -> asyncio.Future[int]:
        """Receive one frame into memory that is there already, to be awaited. See `zmqcore.Socket.recv_into()`.

        Args:
            buf (buffer): contiguous memory that can be written to.
            nbytes (int): bytes to store at most; 0 is the whole buffer. Default 0.
            flags (int): zmq.DONTWAIT. Default 0.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            Future: its result is the size of the frame.

        Raises:
            ValueError, Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv_into()`, when awaited.
        """
        awaiting = self._await()
        keywords = {"nbytes": nbytes, "flags": flags | DONTWAIT}
        return awaiting.do(self, awaiting.receives, _core_recv_into, (buf,), flags, keywords, timeout=timeout)

    def recv_string(  # type: ignore[override]
        self, flags: int = 0, encoding: str = "utf-8", *, timeout: float | None = None
    ) -> asyncio.Future[str]:
        """Receive one frame as text, to be awaited. See `zmqcore.Socket.recv_string()`.

        Args:
            flags (int): zmq.DONTWAIT. Default 0.
            encoding (str): Default "utf-8".
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            Future: its result is the text.

        Raises:
            UnicodeDecodeError, Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv_string()`, when awaited.
        """
        return self._receive(_core_recv, (flags | DONTWAIT,), flags, lambda frame: frame.decode(encoding), timeout=timeout)

    recv_unicode = recv_string  # type: ignore[assignment]

    def recv_json(self, flags: int = 0, *, timeout: float | None = None, **kwargs: Any) -> asyncio.Future[Any]:
        """Receive one frame of JSON as an object, to be awaited. See `zmqcore.Socket.recv_json()`.

        Args:
            flags (int): zmq.DONTWAIT. Default 0.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.
            **kwargs: for json.loads().

        Returns:
            Future: its result is the object.

        Raises:
            ValueError, Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv_json()`, when awaited.
        """
        load = lambda frame: jsonapi.loads(frame, **kwargs)  # noqa: E731
        return self._receive(_core_recv, (flags | DONTWAIT,), flags, load, timeout=timeout)

    @overload  # type: ignore[override]
    def recv_object(
        self, type: type[_T], flags: int = 0, *, codec: Codec = "json", timeout: float | None = None
    ) -> asyncio.Future[_T]: ...
    @overload
    def recv_object(
        self, type: Any, flags: int = 0, *, codec: Codec = "json", timeout: float | None = None
    ) -> asyncio.Future[Any]: ...
    def recv_object(
        self, type: Any, flags: int = 0, *, codec: Codec = "json", timeout: float | None = None
    ) -> asyncio.Future[Any]:
        """Receive an object of a declared type, to be awaited. See `zmqcore.Socket.recv_object()`.

        Args:
            type (Any): a dataclass, `dict[str, int]`, `list[Order]`, ...
            flags (int): zmq.DONTWAIT. Default 0.
            codec (str): as the sender's: "json", "msgspec" or "msgpack". Default "json".
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            Future: its result is the object.

        Raises:
            ObjectError, Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv_object()`, when awaited.
            TypeError, ValueError, ImportError: as `zmqcore.Socket.recv_object()`, at once.
        """
        return self._receive(_core_recv, (flags | DONTWAIT,), flags, _objects.loader(type, codec), timeout=timeout)

    def recv_pyobj(
        self, flags: int = 0, *, key: bytes | None = None, trusted_only: bool = False, timeout: float | None = None
    ) -> asyncio.Future[Any]:
        """Receive a pickled object, to be awaited. See `zmqcore.Socket.recv_pyobj()`.

        Unpickling can run any code that the sender chose: for trusted peers only.

        Args:
            flags (int): zmq.DONTWAIT. Default 0.
            key (bytes): takes nothing but what `send_pyobj()` has signed with the same key. Default None.
            trusted_only (bool): refuses pickles of peers that are not trusted. Default False.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            Future: its result is the object.

        Raises:
            UntrustedPickleError, Exception, Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv_pyobj()`, when awaited.
            TypeError, ValueError: as `zmqcore.Socket.recv_pyobj()`, at once.
        """
        load = _pickles.loader(self, key, trusted_only)
        return self._receive(_core_recv, (flags | DONTWAIT, False), flags, load, timeout=timeout)

    def recv_serialized(
        self, deserialize: Callable[[Any], Any], flags: int = 0, copy: bool = True, *, timeout: float | None = None
    ) -> asyncio.Future[Any]:
        """Receive a message as an object, by way of a function, to be awaited. See `zmqcore.Socket.recv_serialized()`.

        Args:
            deserialize (Callable): called with the list of frames, returns the object.
            flags (int): zmq.DONTWAIT. Default 0.
            copy (bool): False passes Frames to the function. Default True.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            Future: its result is what `deserialize` returned.

        Raises:
            Exception, Again, ZMQError, ContextTerminated: as `zmqcore.Socket.recv_serialized()`, when awaited.
        """
        return self._receive(_core_recv_multipart, (flags | DONTWAIT, copy), flags, deserialize, timeout=timeout)

    def _receive(
        self,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        flags: int,
        load: Callable[[Any], Any] | None = None,
        tried: bool = False,
        timeout: float | None = None,
    ) -> asyncio.Future[Any]:
        awaiting = self._await()
        return awaiting.do(self, awaiting.receives, call, args, flags, NO_KEYWORDS, load, tried, timeout)

    # -- polling

    def poll(self, timeout: float | None = None, flags: int = POLLIN) -> asyncio.Future[int]:  # type: ignore[override]
        """Wait until the socket can be received from or sent to, to be awaited. See `zmqcore.Socket.poll()`.

        Args:
            timeout (float): milliseconds; None and negative numbers wait without limit. Default None.
            flags (int): zmq.POLLIN, zmq.POLLOUT, or both. 0 and None ask for nothing. Default zmq.POLLIN.

        Returns:
            Future: its result is those of `flags` that hold; 0 when the time was over first, and at once if nothing was asked for.

        Raises:
            ZMQError (ENOTSUP): the socket is closed.
            ContextTerminated (ETERM): the context is ending, when awaited.
        """
        if self.closed:
            raise ZMQError(Errno.ENOTSUP, "cannot poll: the socket is closed")
        return self._await().watch(self, int(flags or 0), _poll.milliseconds(timeout) if flags else 0)

    async def try_recv(self, copy: bool = True) -> Any:
        """Receive one frame if there is one, to be awaited. See `zmqcore.Socket.try_recv()`.

        Args:
            copy (bool): False returns a Frame. Default True.

        Returns:
            bytes | Frame | None: the frame; None if there is none.

        Raises:
            ZMQError, ContextTerminated: as `zmqcore.Socket.recv()`.
        """
        try:
            return await self.recv(DONTWAIT, copy=copy)
        except Again:
            return None

    async def try_recv_multipart(self, copy: bool = True) -> Any:
        """Receive one message if there is one, to be awaited. See `zmqcore.Socket.try_recv_multipart()`.

        Args:
            copy (bool): False returns Frames. Default True.

        Returns:
            list[bytes] | list[Frame] | None: the frames; None if there is no message.

        Raises:
            ZMQError, ContextTerminated: as `zmqcore.Socket.recv_multipart()`.
        """
        try:
            return await self.recv_multipart(DONTWAIT, copy=copy)
        except Again:
            return None

    # -- who is there, and who is not served yet

    def _outside(self, wait: Callable[[], Any]) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(None, wait)

    async def _wait_for(self, presence: Presence) -> int:
        found = presence.now()
        if found is not None:
            return found
        try:
            return await asyncio.get_running_loop().run_in_executor(None, presence.wait)
        finally:
            presence.given_up.set()

    # -- what may open the way for something pending without a sound from the descriptor

    def bind(self: _SocketT, addr: str | bytes) -> _socket._SocketContext[_SocketT]:
        binding = super().bind(addr)
        self._look_again()
        return binding

    def connect(self: _SocketT, addr: str | bytes) -> _socket._SocketContext[_SocketT]:
        connection = super().connect(addr)
        self._look_again()
        return connection

    def set(self, option: int, optval: Any) -> None:
        super().set(option, optval)
        self._look_again()

    setsockopt = set

    def _look_again(self) -> None:
        awaiting = self._awaiting
        if awaiting is not None and awaiting.busy:
            awaiting.kick()

    # -- what a message that was given back makes different

    def get(self, option: int) -> Any:
        value = super().get(option)
        if option == EVENTS or option == RCVMORE:
            returned = returned_to(self)
            if returned and option == EVENTS:
                value |= POLLIN
            elif returned:
                value = int(returned[0][2])
        return value

    getsockopt = get


class Poller(_poll.Poller):
    """Wait for several sockets and descriptors, to be awaited. Takes asynchronous and ordinary sockets."""

    _socket_class: ClassVar[Any] = Socket

    def poll(self, timeout: float | None = -1) -> asyncio.Future[list[tuple[Any, int]]]:  # type: ignore[override]
        """Wait until one of them is ready, to be awaited.

        Args:
            timeout (float): milliseconds; None and negative numbers wait without limit. Default -1.

        Returns:
            Future: its result is a list of (socket, events) of those that are ready; empty when the time is over.

        Raises:
            ZMQError (ENOTSOCK): a socket is closed, when awaited.
            ContextTerminated (ETERM): a context is ending, when awaited.
        """
        loop = running_loop() or asyncio.get_event_loop()
        future: asyncio.Future[list[tuple[Any, int]]] = loop.create_future()
        wait = _poll.milliseconds(timeout)
        try:
            ready = ready_now(self.sockets, Socket)
        except Exception as error:
            future.set_exception(error)
            return future
        if ready or wait == 0:
            future.set_result(ready)
        else:
            Round(loop, list(self.sockets), Socket, future, wait)
        return future


class Context(_context.Context[Socket]):
    """Make sockets that are awaited. Everything else is as in `zmqcore.Context`.

    Args:
        io_threads (int | Context): background threads, or a context to be a shadow of. Default 1.
        shadow (Context | int): a context to share, or its `underlying`. Default 0: a context of its own.

    Raises:
        ZMQError: as `zmqcore.Context`.
    """

    _instance: ClassVar[Any] = None  # apart from the ordinary Context's
    _repr_cls = "zmq.asyncio.Context"
    _socket_class = Socket

    def __init__(self, io_threads: int | _context.Context[Any] = 1, shadow: _context.Context[Any] | int = 0) -> None:
        super().__init__(io_threads, shadow)


class ProactorSelectorThreadWarning(RuntimeWarning):
    """Warn of the thread that makes add_reader work on Windows' default loop. zmqcore starts it without a warning; programs name it to ignore it."""


class ZMQEventLoop(asyncio.SelectorEventLoop):
    """Deprecated: sockets work on any event loop."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        warnings.warn("ZMQEventLoop is not needed: use any event loop", DeprecationWarning, stacklevel=2)
        super().__init__(selector)


def install() -> None:
    """Do nothing. Deprecated: sockets work on any event loop."""
    warnings.warn("zmqcore.asyncio.install() is not needed: use any event loop", DeprecationWarning, stacklevel=2)
