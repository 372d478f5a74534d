"""Socket: the compiled socket with pyzmq's face.

Rules
- send, recv, their multipart and batch forms, get and fileno are the compiled ones, not wrapped here: this file costs them nothing.
- What is built on them, also in `socket_objects`, calls `self.send` and `self.recv`, so a subclass that overrides those two changes all the
  others. The compiled multipart and batch forms do so too if `_asked` says that there is somebody to ask; it is found out when a socket is made.
"""

from __future__ import annotations

import builtins
import random
import warnings
from collections.abc import Callable, Iterator
from types import GenericAlias
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from . import _core
from .constants import (
    EVENT_ALL,
    EVENT_ALL_V2,
    HWM,
    LAST_ENDPOINT,
    LINGER,
    PAIR,
    POLLIN,
    RCVHWM,
    SNDHWM,
    Errno,
    SocketOption,
    SocketType,
    _OptType,
)
from .error import ZMQBindError, ZMQError
from .options import SOCKET_OPTIONS, StrictAttributes
from .poll import Poller, milliseconds
from .socket_by_frame import ByFrameSocket
from .socket_lending import LendingSocket
from .socket_objects import ASKED_RECV, ASKED_SEND, ObjectSocket
from .socket_options import SocketOptions
from .socket_security import SecureSocket
from .socket_seeing import SeeingSocket
from .socket_topics import TopicSocket

__all__ = ["Socket", "SyncSocket"]

_SocketT = TypeVar("_SocketT", bound="Socket[Any]")
if TYPE_CHECKING:  # for annotations only: Socket[bytes], or Socket
    _ReceivedT = TypeVar("_ReceivedT", default=Any)
else:
    _ReceivedT = TypeVar("_ReceivedT")


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


class Socket(
    LendingSocket, ObjectSocket, ByFrameSocket, SecureSocket, SeeingSocket, TopicSocket, SocketOptions, StrictAttributes,
    Generic[_ReceivedT],
):  # fmt: skip
    """A ZeroMQ socket. `context.socket(type)` makes one. Several threads may use it.

    Every option is an attribute (`socket.linger = 0`). Iterating receives for ever, and a `with` block closes
    the socket at its end.

    Attributes:
        type (SocketType): the type.
        context (Context): the context that it belongs to.
        copy_threshold (int): bytes from which `send(copy=False)` lends memory.
        closed (bool): whether it has been closed.
        last_endpoint (bytes): the endpoint that was bound or connected last.

    Args:
        ctx_or_socket (Context | Socket): the context to belong to; or a socket, to be a shadow of it.
        socket_type (int): a SocketType, such as zmq.PUSH. Default 0: zmq.PAIR.
        shadow (Socket | int): a socket to share, or its `underlying`. Default 0: a socket of its own.
        copy_threshold (int): bytes from which `send(copy=False)` lends memory instead of copying it.
            Default None: zmqcore.COPY_THRESHOLD, 65536.

    Raises:
        ZMQError (EINVAL): zmqcore does not have this type of socket.
        ZMQError (EMFILE): the context has MAX_SOCKETS sockets already, or no descriptor is free.
        ZMQError (EFAULT): the context has been ended.
        ContextTerminated (ETERM): the context is ending.
        TypeError: no context, or no type.

    Example:
        >>> with context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
        ...     address = server.bind("tcp://127.0.0.1:*").addr
        ...     connected = client.connect(address)
        ...     client.send(b"ping")
        ...     print(server.recv())
        b'ping'
    """

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
        elif not hasattr(socket_type, "__index__"):
            raise TypeError(f"socket_type must be a number such as zmq.PUSH, got: {socket_type!r}")
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
            if cls.send is not _send:
                self._asked |= ASKED_SEND
            if cls.recv is not _recv:
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
        """Make a Socket of this class that is the same socket as another one. Closing one closes both.

        Args:
            address (Socket | int): the other one, or its `underlying`.

        Returns:
            Socket: the shadow.

        Raises:
            ZMQError (ENOTSOCK): the other one is closed.
        """
        return cls(shadow=address)

    def __enter__(self: _SocketT) -> _SocketT:
        return self

    def __exit__(self, *args: object, **kwargs: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Receive for ever: `for frame in socket`."""
        while True:
            yield self.recv()

    def close(self, linger: int | None = None, *, timeout: float | None = None) -> Any:
        """Close the socket. Returns at once, unless a timeout is given.

        Messages that are queued for sending go on being sent in the background, for as long as LINGER allows.
        What was received and not read is dropped. Calls that other threads are blocked in end with ENOTSOCK.
        Closing once more does nothing.

        Args:
            linger (int): milliseconds, instead of the option LINGER: 0 drops what is queued, -1 has no limit.
                Default None: the option as it is.
            timeout (float): milliseconds to wait for the end, and be told what has not been delivered. LINGER goes on to
                decide when messages are given up. Negative: as long as it takes. Default None: do not wait.

        Returns:
            CloseReport | None: with a timeout, what has become of the messages; from an asynchronous socket, to be awaited.

        Source: zmq_close in the ZeroMQ API; option LINGER.

        Example:
            >>> socket = context.socket(zmq.PUSH)
            >>> socket.close(linger=0)
            >>> socket.closed
            True
        """
        if timeout is None or self.closed:
            return self._close(linger)
        from .ending import close_within

        patience = self.get(LINGER) if linger is None else linger
        return self._outside(lambda: close_within(self, patience, milliseconds(timeout), self._close))

    def _outside(self, wait: Callable[[], Any]) -> Any:
        """Call a function that blocks."""
        return wait()

    def _close(self, linger: int | None) -> None:
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
        """Deprecated: use `type`."""
        warnings.warn("Socket.socket_type is deprecated, use Socket.type", DeprecationWarning, stacklevel=2)
        return self.type

    # -- endpoints

    def bind(self: _SocketT, addr: str | bytes) -> _SocketContext[_SocketT]:
        """Listen on an endpoint. A socket may listen on, and connect to, any number of them.

        Args:
            addr (str | bytes): `tcp://interface:port` (`*` is any interface, or a free port), `ipc://path`,
                `ipc://@name` (without a file), `ipc://*` (a path of its own), or `inproc://name`. `ws://`, `wss://`, `tls+tcp://`, `lz4+tcp://` and
                `zstd+tcp://` take what tcp takes, ws and wss a path behind it. `udp://`, `pgm://`, `epgm://`, `vsock://` and `tipc://` have forms of
                their own: docs/groups.md, docs/multicast.md, docs/vsock-tipc.md.

        Returns:
            SocketContext: its `addr` is the endpoint with the port that was found; as a context manager it
            unbinds at the end of the block.

        Raises:
            ZMQError (EADDRINUSE): another socket has the address; over ipc, or a file lies there. The text says whose.
            ZMQError (EADDRNOTAVAIL, ENODEV): no such address, or no such interface, on this machine.
            ZMQError (EACCES, EPERM): not permitted.
            ZMQError (ENOENT): the directory of an ipc path is not there.
            ZMQError (EINVAL): not an endpoint, or a key or certificate is missing or wrong.
            ZMQError (ENOCOMPATPROTO): the type, or the security mechanism, cannot use this transport, or not at this end.
            ZMQError (ENOTSUP): the mechanism does not go with the transport, or a library that it needs is not installed.
            ZMQError (ENAMETOOLONG): the path is longer than the system takes: outside Linux, than zmq.IPC_PATH_MAX_LEN.
            ZMQError (EPROTONOSUPPORT): zmqcore does not have the transport.
            ZMQError (EMTHREAD): the context has no I/O threads, and it is not inproc.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_bind in the ZeroMQ API; options LAST_ENDPOINT, BACKLOG, IPV6, USE_FD, IPC_FILE_MODE.

        Example:
            >>> server = context.socket(zmq.REP)
            >>> with server.bind("tcp://127.0.0.1:*") as bound:
            ...     print(bound.last_endpoint.decode().startswith("tcp://127.0.0.1:"))
            True
        """
        super().bind(addr)
        endpoint = self.get(LAST_ENDPOINT)  # has the port that `*` stood for
        try:
            endpoint = endpoint.decode()
        except UnicodeDecodeError:
            pass  # an ipc path may have any bytes
        return _SocketContext(self, "bind", endpoint)

    def connect(self: _SocketT, addr: str | bytes) -> _SocketContext[_SocketT]:
        """Connect to an endpoint. Returns at once; the connection is made in the background, and made again if lost.

        Messages may be sent before it is there: they queue, unless IMMEDIATE is set.

        Args:
            addr (str | bytes): `tcp://host:port` (`tcp://source:port;host:port` chooses the local address),
                `ipc://path`, `ipc://@name` or `inproc://name`. Other transports as for `bind()`.

        Returns:
            SocketContext: as a context manager it disconnects at the end of the block.

        Raises:
            ZMQError (EINVAL): not an endpoint, or a key or certificate is missing or wrong.
            ZMQError (ENAMETOOLONG, ENOCOMPATPROTO, ENOTSUP): as for `bind()`.
            ZMQError (EPROTONOSUPPORT): zmqcore does not have the transport.
            ZMQError (EMTHREAD): the context has no I/O threads, and it is not inproc.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_connect in the ZeroMQ API; options IMMEDIATE, RECONNECT_IVL, CONNECT_TIMEOUT.

        Example:
            >>> client = context.socket(zmq.REQ)
            >>> with client.connect("tcp://127.0.0.1:5555") as connected:
            ...     print(connected is client)
            True
        """
        super().connect(addr)
        return _SocketContext(self, "connect", addr)

    def bind_to_random_port(self, addr: str | bytes, min_port: int = 49152, max_port: int = 65536, max_tries: int = 100) -> int:
        """Listen on a free port and return it.

        Args:
            addr (str | bytes): the endpoint without a port: `tcp://127.0.0.1`.
            min_port (int): lowest port. Default 49152.
            max_port (int): one above the highest port. Default 65536. With both defaults the system chooses.
            max_tries (int): ports to try. Default 100.

        Returns:
            int: the port.

        Raises:
            ZMQBindError: no port was free.
            ValueError: the transport has no ports.
            TypeError: `addr` is neither str nor bytes.
            ZMQError: as `bind()`, for other errors.

        Example:
            >>> server = context.socket(zmq.REP)
            >>> server.bind_to_random_port("tcp://127.0.0.1") > 0
            True
        """
        if isinstance(addr, bytes):
            addr = addr.decode()
        if not isinstance(addr, str):
            raise TypeError(f"an endpoint is str or bytes, not {type(addr).__name__}")
        transport = addr.partition("://")[0]
        if _core.transports().get(transport, "host:port") != "host:port":
            raise ValueError(f"{transport}:// has no ports, so none can be chosen: use bind() (addr={addr!r})")
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

    # -- options

    def set(self, option: int, optval: Any) -> None:
        """Set an option. Each is also an attribute: `socket.linger = 0`.

        Args:
            option (int): a SocketOption, such as zmq.LINGER. zmq.HWM sets SNDHWM and RCVHWM.
            optval (int | bytes): the value, by the kind of the option; for text, see `set_string()`.

        Raises:
            ZMQError (EINVAL): no such option, a value out of range, or an option that this type does not have.
            TypeError: a value of the wrong kind.
            OverflowError: a number that does not fit.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_setsockopt in the ZeroMQ API; every option with unit, default and range in docs/options.md.

        Example:
            >>> pull.set(zmq.RCVTIMEO, 1000)
            >>> pull.rcvtimeo
            1000
        """
        if option == HWM:  # older than the two marks of today
            self.set_hwm(optval)
        else:
            super().set(option, optval)

    setsockopt = set
    getsockopt = _core.Socket.get

    def set_string(self, option: int, optval: str, encoding: str = "utf-8") -> None:
        """Set an option of bytes to a text.

        Args:
            option (int): a SocketOption.
            optval (str): the text.
            encoding (str): Default "utf-8".

        Raises:
            TypeError: not str.
            ZMQError, ContextTerminated: as `set()`.
        """
        if not isinstance(optval, str):
            raise TypeError(f"strings only, not {type(optval)}")  # not the value: it may be a secret
        self.set(option, optval.encode(encoding))

    setsockopt_string = setsockopt_unicode = set_string

    def get_string(self, option: int, encoding: str = "utf-8") -> str:
        """Read an option of bytes as text.

        Args:
            option (int): a SocketOption.
            encoding (str): Default "utf-8".

        Returns:
            str: the text.

        Raises:
            TypeError: the option is a number.
            ZMQError, ContextTerminated: as `get()`.

        Example:
            >>> pull.get_string(zmq.LAST_ENDPOINT)
            'inproc://example'
        """
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

    def set_hwm(self, value: int) -> None:
        """Set both high-water marks, SNDHWM and RCVHWM.

        Args:
            value (int): messages; 0 is no limit. The default of a socket is 1000.

        Raises:
            ZMQError (EINVAL): negative.
            ZMQError, ContextTerminated: as `set()`.
        """
        self.set(SNDHWM, value)
        self.set(RCVHWM, value)

    def get_hwm(self) -> int:
        """Read the high-water mark for sending, SNDHWM.

        Returns:
            int: messages; 0 is no limit.

        Raises:
            ZMQError, ContextTerminated: as `get()`.
        """
        value: int = self.get(SNDHWM)
        return value

    hwm = property(
        get_hwm,
        set_hwm,
        doc="""zmq.HWM, option 1: int (messages).

        Both high-water marks, SNDHWM and RCVHWM. Reading gives SNDHWM.

        Default: 1000.
        Values: from 0, which is no limit.

        Setting raises TypeError for what is not int, ZMQError (EINVAL) for negative values. Both raise ZMQError
        (ENOTSOCK) on a closed socket, ContextTerminated (ETERM) when the context is ending.
        """,
    )

    # -- waiting

    def poll(self, timeout: float | None = None, flags: int = POLLIN) -> int:
        """Wait until the socket can be received from or sent to.

        Args:
            timeout (float): milliseconds; None and negative numbers wait without limit. Default None.
            flags (int): zmq.POLLIN, zmq.POLLOUT, or both. 0 and None ask for nothing. Default zmq.POLLIN.

        Returns:
            int: those of `flags` that hold; 0 when the time was over first, and at once if nothing was asked for.

        Raises:
            ZMQError (ENOTSUP): the socket is closed.
            ZMQError (ENOTSOCK): it was closed by another thread meanwhile.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_poll in the ZeroMQ API.

        Example:
            >>> pull.poll(0)
            0
            >>> push.send(b"hello")
            >>> pull.poll(1000) == zmq.POLLIN
            True
        """
        if self.closed:
            raise ZMQError(Errno.ENOTSUP, "cannot poll: the socket is closed")
        if not flags:
            return 0
        if self._poller_class is not Poller:
            poller = self._poller_class()
            poller.register(self, flags)
            return dict(poller.poll(timeout)).get(self, 0)
        return self.poll_events(milliseconds(timeout), flags)

    # -- monitoring

    def monitor(self, addr: str | bytes | None, events: int = EVENT_ALL, version: int = 1) -> None:
        """Report what happens to the connections of this socket to a PAIR socket.

        Args:
            addr (str | bytes): an inproc endpoint for the PAIR to connect to; None stops reporting.
            events (int): the events to report, zmq.EVENT_... combined. Default zmq.EVENT_ALL.
            version (int): the format: two frames with one endpoint (1), or with the endpoints of both ends and with
                room for further events (2). Default 1.

        Raises:
            ZMQError (EPROTONOSUPPORT): not an inproc endpoint.
            ZMQError (EADDRINUSE): another socket is bound there.
            ZMQError (EINVAL): no such version, or events that it has no room for.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_socket_monitor and zmq_socket_monitor_versioned in the ZeroMQ API.
        """
        super().monitor(addr, events, version)

    def get_monitor_socket(
        self: _SocketT, events: int | None = None, addr: str | None = None, version: int = 1
    ) -> _SocketT:
        """Report what happens to the connections of this socket, and return the PAIR that receives it.

        `zmqcore.utils.monitor.recv_monitor_message()` reads it. The caller closes it.

        Args:
            events (int): the events to report, zmq.EVENT_... combined. Default None: all that the version has.
            addr (str): an inproc endpoint. Default None: one of its own.
            version (int): the format, as for `monitor()`. Default 1.

        Returns:
            Socket: the PAIR; the same one, with its version, until it is closed.

        Raises:
            ZMQError, ContextTerminated: as `monitor()`.

        Example:
            >>> from zmqcore.utils.monitor import recv_monitor_message
            >>> server = context.socket(zmq.REP)
            >>> events = server.get_monitor_socket()
            >>> bound = server.bind("tcp://127.0.0.1:*")
            >>> recv_monitor_message(events)["event"].name
            'LISTENING'
        """
        if self._monitor_socket is None or self._monitor_socket.closed:
            if addr is None:
                addr = f"inproc://monitor.s-{self.fileno()}"
            self.monitor(addr, (EVENT_ALL if version == 1 else EVENT_ALL_V2) if events is None else events, version)
            receiver = self._pair()
            receiver.connect(addr)
            self._monitor_socket = receiver
        socket: _SocketT = self._monitor_socket
        return socket

    def disable_monitor(self) -> None:
        """Stop reporting. The PAIR gets EVENT_MONITOR_STOPPED as the last event.

        Raises:
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.
        """
        self._monitor_socket = None
        self.monitor(None, 0)

    def _pair(self) -> Any:
        make = getattr(self.context, "socket", None)  # a bare compiled context has none
        return type(self)(self.context, PAIR) if make is None else make(PAIR)


_core.own_methods(Socket)
_send, _recv = Socket.send, Socket.recv  # a program may put others in their place

if TYPE_CHECKING:
    SyncSocket: TypeAlias = Socket[bytes]
else:
    SyncSocket = Socket
