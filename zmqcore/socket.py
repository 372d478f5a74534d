"""Socket: the compiled socket with pyzmq's face.

Rules
- send, recv, their multipart and batch forms, get and fileno are the compiled ones, not wrapped here: this file costs them nothing.
- What is built on them calls `self.send` and `self.recv`, so a subclass that overrides those two changes all the others. The compiled
  multipart and batch forms do so too if `_asked` says that there is somebody to ask; it is found out when a socket is made.
"""

from __future__ import annotations

import builtins
import pickle
import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import GenericAlias
from typing import Any, ClassVar, Generic, TypeVar

from . import _core
from .constants import (
    DONTWAIT,
    EVENT_ALL,
    HWM,
    LAST_ENDPOINT,
    PAIR,
    POLLIN,
    RCVHWM,
    RCVMORE,
    SNDHWM,
    SNDMORE,
    SUBSCRIBE,
    UNSUBSCRIBE,
    Errno,
    SocketOption,
    SocketType,
    _OptType,
)
from .error import Again, ZMQBindError, ZMQError
from .options import SOCKET_OPTIONS, StrictAttributes
from .poll import Poller, milliseconds
from .socket_options import SocketOptions
from .utils import jsonapi

__all__ = ["Socket", "SyncSocket"]

# Bits of Socket._asked.
ASKED_SEND = 1
ASKED_RECV = 2

_SocketT = TypeVar("_SocketT", bound="Socket[Any]")
_ReceivedT = TypeVar("_ReceivedT")  # for annotations only: Socket[bytes]

# Older interpreters read it, and newer ones gain nothing from a higher one for messages.
DEFAULT_PROTOCOL = pickle.DEFAULT_PROTOCOL


class _SocketContext(Generic[_SocketT]):
    """What bind and connect return: `with socket.bind(address):` undoes it at the end of the block."""

    def __init__(self, socket: _SocketT, kind: str, addr: str | bytes) -> None:
        self.socket = socket
        self.kind = kind
        self.addr = addr

    def __repr__(self) -> str:
        return f"<SocketContext({self.kind}={self.addr!r})>"

    def __enter__(self) -> _SocketT:
        return self.socket

    def __exit__(self, *args: object) -> None:
        if self.socket.closed:
            return
        if self.kind == "bind":
            self.socket.unbind(self.addr)
        else:
            self.socket.disconnect(self.addr)


class Socket(_core.Socket, SocketOptions, StrictAttributes, Generic[_ReceivedT]):
    """A ZeroMQ socket, safe to use from several threads. `context.socket(type)` makes one."""

    type: SocketType | int
    _repr_cls = "zmq.Socket"
    _poller_class: ClassVar[Any] = Poller
    _per_frame: ClassVar[bool] = True  # the multipart and batch forms are made of send and recv

    def __init__(
        self,
        ctx_or_socket: _core.Context | _core.Socket | None = None,
        socket_type: int = 0,
        *,
        shadow: _core.Socket | int = 0,
        copy_threshold: int | None = None,
    ) -> None:
        context = None
        if isinstance(ctx_or_socket, _core.Socket):  # Socket(other) is Socket.shadow(other)
            shadow = ctx_or_socket
        else:
            context = ctx_or_socket
        address = 0
        if isinstance(shadow, _core.Socket):
            if shadow.closed:
                raise ZMQError(Errno.ENOTSOCK, "cannot shadow a closed socket")
            self._shadow_obj = shadow  # keeps it alive
            context = shadow.context
            address = shadow.underlying
        elif shadow:
            address = int(shadow)
        elif context is None:
            raise TypeError("context must be specified")
        elif socket_type < 0:
            raise TypeError("socket_type must be specified")
        super().__init__(context, socket_type, address, copy_threshold)
        number = super().socket_type
        try:
            kind = SocketType(number)
        except ValueError:
            self.type = number
        else:
            self.type = kind
            self._type_name = kind.name
        if self._per_frame:
            cls = type(self)
            if cls.send is not _core.Socket.send:
                self._asked |= ASKED_SEND
            if cls.recv is not _core.Socket.recv:
                self._asked |= ASKED_RECV

    def __class_getitem__(cls, item: Any) -> GenericAlias:
        # pyzmq programs annotate with Socket[bytes].
        return GenericAlias(cls, item)

    def __repr__(self) -> str:
        closed = " closed" if self.closed else ""
        return f"<{self._repr_cls}(zmq.{self._type_name}) at {id(self):#x}{closed}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"cannot pickle {type(self).__name__}: it belongs to its process")

    def __copy__(self: _SocketT, memo: Any = None) -> _SocketT:
        return self.shadow(self)

    __deepcopy__ = __copy__

    @classmethod
    def shadow(cls: builtins.type[_SocketT], address: int | _core.Socket) -> _SocketT:
        """A Socket of this class on top of another one, given itself or by its `underlying`. Closing one closes both."""
        return cls(shadow=address)

    def __enter__(self: _SocketT) -> _SocketT:
        return self

    def __exit__(self, *args: object, **kwargs: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Receives for ever: `for frame in socket`."""
        while True:
            yield self.recv()

    def close(self, linger: int | None = None) -> None:
        """Closes the socket, with a last LINGER if given. Messages may go on being sent until the context ends."""
        original = self._original()
        if original is not None and original._awaitings is not None:
            original._awaitings.close()  # what is pending in zmqcore.asyncio
        super().close(linger)
        if self._monitor_socket is not None:
            self._monitor_socket = None  # it goes on to say that monitoring stopped, for who else has it

    def __del__(self) -> None:
        if self.type is None or self._is_shadow or self.closed:  # without a type it was never made
            return
        warnings.warn(f"Unclosed socket {self!r}", ResourceWarning, stacklevel=2, source=self)
        self.close()

    @property
    def _shadow(self) -> bool:
        """pyzmq's name."""
        return self._is_shadow

    @property
    def socket_type(self) -> int:
        """Deprecated: `type`."""
        warnings.warn("Socket.socket_type is deprecated, use Socket.type", DeprecationWarning, stacklevel=2)
        return self.type

    # -- endpoints

    def bind(self: _SocketT, addr: str | bytes) -> _SocketContext[_SocketT]:
        """Accepts connections at `addr`."""
        super().bind(addr)
        endpoint = self.get(LAST_ENDPOINT)  # has the port that `*` stood for
        try:
            endpoint = endpoint.decode()
        except UnicodeDecodeError:
            pass  # an ipc path may have any octets
        return _SocketContext(self, "bind", endpoint)

    def connect(self: _SocketT, addr: str | bytes) -> _SocketContext[_SocketT]:
        """Connects to `addr`, now or as soon as somebody is there."""
        super().connect(addr)
        return _SocketContext(self, "connect", addr)

    def bind_to_random_port(self, addr: str, min_port: int = 49152, max_port: int = 65536, max_tries: int = 100) -> int:
        """Binds to some free port in [min_port, max_port) and returns it. The default range leaves the choice to the system."""
        if (min_port, max_port) == (49152, 65536):
            return int(str(self.bind(f"{addr}:*").addr).rpartition(":")[2])
        for _ in range(max_tries):
            port = random.randrange(min_port, max_port)
            try:
                self.bind(f"{addr}:{port}")
            except ZMQError as error:
                # Windows answers EACCES for ports that somebody has reserved.
                if error.errno not in (Errno.EADDRINUSE, 13):
                    raise
            else:
                return port
        raise ZMQBindError("Could not bind socket to random port.")

    # -- what the compiled calls do for a subclass that overrides send or recv

    def _send_multipart_by_send(
        self, msg_parts: Sequence[Any], flags: int = 0, copy: bool = True, track: bool = False, **kwargs: Any
    ) -> Any:
        """Sends an iterable of frames as one message, each by `self.send`. TypeError before anything is sent if a frame cannot be."""
        parts = list(msg_parts)
        for i, part in enumerate(parts):
            try:
                memoryview(part)
            except TypeError:
                text = repr(part)
                if len(text) > 80:
                    text = text[:77] + "..."
                raise TypeError(f"Frame {i} ({text}) does not support the buffer interface.") from None
        last = parts.pop()
        for part in parts:
            self.send(part, flags | SNDMORE, copy=copy, track=track)
        return self.send(last, flags, copy=copy, track=track)

    def _send_many_by_send(self, iterable: Iterable[Any], flags: int) -> int:
        sent = 0
        for item in iterable:
            try:
                self.send(item, flags)
            except Again:
                if not sent:
                    raise
                break
            sent += 1
        return sent

    def _recv_multipart_by_recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> list[Any]:
        """Receives a whole message as a list of frames, each by `self.recv`."""
        parts = [self.recv(flags, copy=copy, track=track)]
        while self.get(RCVMORE):
            parts.append(self.recv(flags, copy=copy, track=track))
        return parts

    def _recv_many_by_recv(self, max: int, flags: int) -> list[Any]:
        frames = [self.recv(flags)] if max > 0 else []
        while len(frames) < max:
            try:
                frames.append(self.recv(flags | DONTWAIT))
            except Again:
                break
        return frames

    # -- options

    def set(self, option: int, optval: Any) -> None:
        """Sets an option: bytes or int as the option demands."""
        if option == HWM:  # older than the two marks of today
            self.set_hwm(optval)
        else:
            super().set(option, optval)

    setsockopt = set
    getsockopt = _core.Socket.get

    def set_string(self, option: int, optval: str, encoding: str = "utf-8") -> None:
        """Sets an option of bytes to an encoded string."""
        if not isinstance(optval, str):
            raise TypeError(f"strings only, not {type(optval)}: {optval!r}")
        self.set(option, optval.encode(encoding))

    setsockopt_string = setsockopt_unicode = set_string

    def get_string(self, option: int, encoding: str = "utf-8") -> str:
        """Gets an option of bytes as a string."""
        if SocketOption(option)._opt_type is not _OptType.bytes:
            raise TypeError(f"option {option} will not return a string to be decoded")
        value: bytes = self.get(option)
        return value.decode(encoding)

    getsockopt_string = getsockopt_unicode = get_string

    def __setattr__(self, key: str, value: Any) -> None:
        # These two are methods that take text as well, and pyzmq programs also assign to them.
        name = key.lower()
        if name == "subscribe" or name == "unsubscribe":
            getattr(self, name)(value)
        else:
            if self._per_frame and (key == "send" or key == "recv"):
                self._asked |= ASKED_SEND if key == "send" else ASKED_RECV
            StrictAttributes.__setattr__(self, key, value)

    def _set_option(self, name: str, value: Any) -> None:
        # Only reached for a mixture of capitals and others.
        if name not in SOCKET_OPTIONS:
            raise self._no_option(name)
        self.set(SOCKET_OPTIONS[name], value)

    def subscribe(self, topic: str | bytes) -> None:
        """Asks for messages that begin with `topic`."""
        self.set(SUBSCRIBE, topic.encode() if isinstance(topic, str) else topic)

    def unsubscribe(self, topic: str | bytes) -> None:
        """Takes one subscription back."""
        self.set(UNSUBSCRIBE, topic.encode() if isinstance(topic, str) else topic)

    def set_hwm(self, value: int) -> None:
        """Sets both high-water marks; connections that exist may keep theirs."""
        self.set(SNDHWM, value)
        self.set(RCVHWM, value)

    def get_hwm(self) -> int:
        """The high-water mark for sending."""
        value: int = self.get(SNDHWM)
        return value

    hwm = property(get_hwm, set_hwm, doc="Both high-water marks; reads the one for sending.")

    # -- waiting

    def poll(self, timeout: float | None = None, flags: int = POLLIN) -> int:
        """Waits up to `timeout` ms for any of `flags`; returns those that are there, 0 if none."""
        if self.closed:
            raise ZMQError(Errno.ENOTSUP, "cannot poll: the socket is closed")
        if self._poller_class is not Poller:
            poller = self._poller_class()
            poller.register(self, flags)
            return dict(poller.poll(timeout)).get(self, 0)
        return self.poll_events(milliseconds(timeout), flags)

    # -- monitoring

    def monitor(self, addr: str | bytes | None, events: int = EVENT_ALL) -> None:
        """Sends the socket's events to an inproc PAIR endpoint; None stops that."""
        self._monitor(addr, events)

    def get_monitor_socket(self: _SocketT, events: int | None = None, addr: str | None = None) -> _SocketT:
        """A PAIR socket that receives the socket's events; see `zmqcore.utils.monitor`. The caller closes it."""
        if self._monitor_socket is None or self._monitor_socket.closed:
            if addr is None:
                addr = f"inproc://monitor.s-{self.fileno()}"
            self.monitor(addr, EVENT_ALL if events is None else events)
            receiver = self._pair()
            receiver.connect(addr)
            self._monitor_socket = receiver
        socket: _SocketT = self._monitor_socket
        return socket

    def disable_monitor(self) -> None:
        """Stops monitoring."""
        self._monitor_socket = None
        self.monitor(None, 0)

    def _pair(self) -> Any:
        make = getattr(self.context, "socket", None)  # a bare compiled context has none
        return type(self)(self.context, PAIR) if make is None else make(PAIR)

    # -- text, objects

    def send_string(
        self, u: str, flags: int = 0, copy: bool = True, encoding: str = "utf-8", **kwargs: Any
    ) -> Any:
        """Sends an encoded string."""
        if not isinstance(u, str):
            raise TypeError("str objects only")
        return self.send(u.encode(encoding), flags=flags, copy=copy, **kwargs)

    send_unicode = send_string

    def recv_string(self, flags: int = 0, encoding: str = "utf-8") -> Any:
        """Receives an encoded string."""
        return self._deserialize(self.recv(flags=flags), lambda frame: frame.decode(encoding))

    recv_unicode = recv_string

    def send_json(self, obj: Any, flags: int = 0, **kwargs: Any) -> Any:
        """Sends an object as JSON. `routing_id` and `group` go to send, other keywords to json.dumps."""
        of_send = {key: kwargs.pop(key) for key in ("routing_id", "group") if key in kwargs}
        return self.send(jsonapi.dumps(obj, **kwargs), flags=flags, **of_send)

    def recv_json(self, flags: int = 0, **kwargs: Any) -> Any:
        """Receives an object as JSON; keywords go to json.loads."""
        return self._deserialize(self.recv(flags=flags), lambda frame: jsonapi.loads(frame, **kwargs))

    def send_pyobj(self, obj: Any, flags: int = 0, protocol: int = DEFAULT_PROTOCOL, **kwargs: Any) -> Any:
        """Sends a pickled object."""
        return self.send(pickle.dumps(obj, protocol), flags=flags, **kwargs)

    def recv_pyobj(self, flags: int = 0) -> Any:
        """Receives a pickled object. Unpickling runs code of the sender's choice: only for peers that are trusted."""
        return self._deserialize(self.recv(flags=flags), pickle.loads)

    def send_serialized(
        self, msg: Any, serialize: Callable[[Any], Any], flags: int = 0, copy: bool = True, **kwargs: Any
    ) -> Any:
        """Sends the frames that `serialize` makes of `msg`."""
        return self.send_multipart(serialize(msg), flags=flags, copy=copy, **kwargs)

    def recv_serialized(self, deserialize: Callable[[Any], Any], flags: int = 0, copy: bool = True) -> Any:
        """Receives a message and returns what `deserialize` makes of its frames."""
        return self._deserialize(self.recv_multipart(flags=flags, copy=copy), deserialize)

    def _deserialize(self, recvd: Any, load: Callable[[Any], Any]) -> Any:
        """What the receiving methods above do with a message. Asynchronous sockets load it when it is there."""
        return load(recvd)


SyncSocket = Socket
