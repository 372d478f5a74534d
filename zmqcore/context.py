"""Context: makes sockets, gives them default options, and ends them all.

Rules
- Ending waits: `term`, `destroy`, leaving a `with` block and garbage collection wait for lingering messages, each socket's LINGER long.
- Ctrl-C ends the waiting for good: ending the context once more then leaves what lingers to the background.
- The interpreter's exit does not wait: contexts that are still open then are left to the operating system.
- A shadow is the same context: `term` and `destroy` end it for both. `destroy` closes the sockets that were made with the object it is called on.
- A context belongs to the process that made it; `instance` gives a child its own.
"""

from __future__ import annotations

import atexit
import os
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, cast

from . import _core, _told
from .constants import LINGER, Errno
from .error import ZMQError
from .options import CONTEXT_OPTIONS, SOCKET_OPTIONS, AttributeSetter
from .poll import milliseconds
from .socket import Socket, SyncSocket

__all__ = ["Context", "SyncContext"]

if TYPE_CHECKING:  # a default (PEP 696; mypy takes it for every version): without one, `Context.instance()` makes sockets of no type
    _SocketT = TypeVar("_SocketT", bound=Socket, covariant=True, default=Socket)
else:
    _SocketT = TypeVar("_SocketT", bound=Socket, covariant=True)
_ContextT = TypeVar("_ContextT", bound="Context[Any]")

_exiting = False


@atexit.register
def _note_exit() -> None:
    # Registered at import, so it runs after nearly every other exit handler: those may still use and end contexts.
    global _exiting
    _exiting = True


class Context(_core.Context, AttributeSetter, Generic[_SocketT]):
    """Make sockets, and end them all. Most programs need one context, `Context.instance()`.

    Attributes that are socket options are defaults for sockets made later (`context.linger = 0`), attributes
    that are context options are those (`context.max_sockets = 5000`); BLOCKY needs `context.set(zmq.BLOCKY, 0)`.
    A `with` block ends the context: it closes its sockets and waits for their messages.

    Args:
        io_threads (int | Context): background threads for tcp and ipc; 0 is enough for inproc. Or a context,
            to be a shadow of it. Default 1.
        shadow (Context | int): a context to share, or its `underlying`. Default 0: a context of its own.

    Raises:
        ZMQError (EINVAL): `io_threads` is negative.
        ZMQError (EFAULT): the context to share has been ended.

    Source: zmq_ctx_new in the ZeroMQ API.

    Example:
        >>> import zmqcore as zmq
        >>> with zmq.Context() as context:
        ...     with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        ...         bound = pull.bind("inproc://example")
        ...         connected = push.connect("inproc://example")
        ...         push.send_string("hello")
        ...         print(pull.recv_string())
        hello
    """

    sockopts: dict[int, Any]
    _origins: dict[int, str]  # of sockets, by their `underlying`
    _track_origins: bool = False
    _instance: ClassVar[Any] = None
    _instance_pid: ClassVar[int | None] = None
    _instance_lock: ClassVar[threading.Lock] = threading.Lock()
    _shadow = False
    _shadow_obj: Any = None
    _pid = 0  # of the maker, once it is made
    _repr_cls = "zmq.Context"
    _socket_class: Callable[..., Any] = Socket

    def __init__(self: Context[Socket], io_threads: int | Context[Any] = 1, shadow: Context[Any] | int = 0) -> None:
        self.sockopts = {}
        self._origins = {}
        self._track_origins = os.environ.get("ZMQCORE_TRACK_ORIGINS", "") not in ("", "0")
        if isinstance(io_threads, _core.Context):  # Context(other) is Context.shadow(other)
            io_threads, shadow = 1, io_threads
        if isinstance(shadow, _core.Context):
            if shadow.closed:
                raise ZMQError(Errno.EFAULT, "cannot shadow a closed context")
            self._shadow_obj = shadow  # keeps it alive
            self._origins = getattr(shadow, "_origins", self._origins)
            address = shadow.underlying
        else:
            address = int(shadow)
        self._shadow = bool(address)
        super().__init__(io_threads, address)
        self._pid = os.getpid()

    def __repr__(self) -> str:
        if self.closed:
            state = "closed"
        else:
            count = len(self._sockets_snapshot())
            state = f"{count} socket{'' if count == 1 else 's'}" if count else ""
        inside, outside = ("", " closed") if state == "closed" else (state, "")
        return f"<{self._repr_cls}({inside}) at {id(self):#x}{outside}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *CONTEXT_OPTIONS]

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"cannot pickle {type(self).__name__}: it belongs to its process")

    def __copy__(self: _ContextT, memo: Any = None) -> _ContextT:
        return self.shadow(self)

    __deepcopy__ = __copy__

    def __enter__(self: _ContextT) -> _ContextT:
        return self

    def __exit__(self, exc_type: object, exc_value: object, traceback: object) -> None:
        if self.closed:
            return
        for socket in self._sockets_snapshot():
            if not socket.closed:
                warnings.warn(
                    f"Destroying context with unclosed socket {socket!r}", ResourceWarning, stacklevel=2, source=socket
                )
        self.destroy()

    def __del__(self) -> None:
        # Its sockets hold a context, so none is left, and only closed ones may still linger; unless a program has set their `context` to something else.
        if self._shadow or _exiting or self._pid != os.getpid() or self.closed:
            return
        warnings.warn(f"Unclosed context {self!r}", ResourceWarning, stacklevel=2, source=self)
        self.destroy()

    # -- one for the process

    @classmethod
    def instance(cls: type[_ContextT], io_threads: int = 1) -> _ContextT:
        """Return the context that the whole process shares.

        It is made at the first call, after it was ended, and in a forked child.

        Args:
            io_threads (int): background threads, if it is made now. Default 1.

        Returns:
            Context: the context.

        Raises:
            ZMQError (EINVAL): `io_threads` is negative.

        Example:
            >>> zmq.Context.instance() is zmq.Context.instance()
            True
        """
        if not cls._has_instance():
            with cls._instance_lock:
                if not cls._has_instance():
                    cls._instance = cls(io_threads=io_threads)
                    cls._instance_pid = os.getpid()
        return cast(_ContextT, cls._instance)

    @classmethod
    def _has_instance(cls) -> bool:
        return cls._instance is not None and cls._instance_pid == os.getpid() and not cls._instance.closed

    # -- the same context under another object

    @classmethod
    def shadow(cls: type[_ContextT], address: int | Context[Any]) -> _ContextT:
        """Make a Context of this class that is the same context as another one. Ending one ends both.

        Args:
            address (Context | int): the other one, or its `underlying`.

        Returns:
            Context: the shadow.

        Raises:
            ZMQError (EFAULT): the other one has been ended.
        """
        return cls(shadow=address)

    @classmethod
    def shadow_pyczmq(cls: type[_ContextT], ctx: Any) -> _ContextT:
        """Share a context of pyczmq. Not possible: such a context is libzmq's.

        Args:
            ctx (Any): the context.

        Raises:
            ZMQError (ENOTSUP): always.
        """
        raise ZMQError(Errno.ENOTSUP, "a context of libzmq cannot be shared")

    # -- sockets

    def socket(self, socket_type: int, socket_class: Callable[..., Any] | None = None, **kwargs: Any) -> _SocketT:
        """Make a socket, with the default options of this context.

        Args:
            socket_type (int): a SocketType, such as zmq.PUSH.
            socket_class (Callable): makes the socket. Default None: the class that goes with this context.
            **kwargs: for the class.

        Returns:
            Socket: the socket; close it, or use it in a `with` block.

        Raises:
            ZMQError (EINVAL): zmqcore does not have this type of socket.
            ZMQError (EMFILE): there are MAX_SOCKETS sockets already, or no descriptor is free.
            ZMQError (ENOTSUP): the context has been ended.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_socket in the ZeroMQ API.

        Example:
            >>> with context.socket(zmq.PUSH) as push:
            ...     print(push.type.name)
            PUSH
        """
        if self.closed:
            raise ZMQError(Errno.ENOTSUP, "cannot make a socket: the context is closed")
        socket = (socket_class or self._socket_class)(self, socket_type, **kwargs)
        if self._track_origins:
            from .ending import note_origin

            note_origin(self, socket)
        for option, value in self.sockopts.items():
            try:
                socket.set(option, value)
            except ZMQError:
                pass  # a default for other types of socket
        return cast(_SocketT, socket)

    # -- the end

    def term(self, timeout: float | None = None) -> Any:
        """Wait until all sockets are closed and their messages are sent or given up, then end the context.

        How long each socket's messages are waited for is its LINGER, by default without limit. A socket that is not closed keeps the call
        waiting, and its own calls raise ContextTerminated meanwhile. Ctrl-C, or any exception of a signal handler, ends the wait; calling
        `term()` once more then leaves what lingers to the background. `destroy()` closes the sockets first.

        Args:
            timeout (float): milliseconds to wait at most, and be told what is in the way. The context goes on ending, and `term()` may be
                called again. Default None: wait without limit.

        Returns:
            TermReport | None: with a timeout, whether the context has ended, and the sockets that it still has.

        Source: zmq_ctx_term in the ZeroMQ API; options LINGER, BLOCKY.

        Example:
            >>> context = zmq.Context()
            >>> push = context.socket(zmq.PUSH)
            >>> report = context.term(timeout=10)
            >>> report.ended, [socket.type for socket in report.blocking]
            (False, ['PUSH'])
            >>> push.close()
            >>> context.term(timeout=1000).ended
            True
        """
        if timeout is None:
            return super().term()
        from .ending import TermReport, reports_of

        wait = milliseconds(timeout)
        if wait < 0:
            super().term()
            return TermReport(True, ())
        ended = self._term_within(wait)
        return TermReport(ended, () if ended else reports_of(self))

    def statistics(self) -> _told.ContextStatistics:
        """Return what the queues of all sockets hold together, the limit (option MAX_QUEUED_BYTES), and the memory kept to be used again.

        Returns:
            ContextStatistics: limit, what is queued, how often the limit was met, what is kept. Zeros for a context that is over.

        Raises:
            MemoryError: there is no memory for it.

        Source: none, zmqcore's own; docs/seeing-inside.md explains the limit.

        Example:
            >>> with zmq.Context() as context:
            ...     context.max_queued_bytes = 64 << 20
            ...     context.statistics().queued_bytes
            0
        """
        from .statistics import context_statistics_of

        return context_statistics_of(self)

    def describe(self) -> str:
        """Describe all sockets of the context: endpoints, peers, queues, what was dropped, and where they were opened if that was noted.

        `zmqcore.ending.describe()` prints this of all contexts of the process, `describe_on_signal()` when a signal arrives.

        Returns:
            str: some lines of text.

        Raises:
            MemoryError: there is no memory for it.

        Source: none, zmqcore's own.

        Example:
            >>> print(context.describe().splitlines()[1])  # doctest: +SKIP
              PUSH: 0 to receive, 0 to send, 0 dropped
        """
        from .ending import description

        return description(self)

    @property
    def track_origins(self) -> bool:
        """Whether the context notes where its sockets are opened, for `describe()` and `term(timeout=...)`.

        False until it is set; the environment variable ZMQCORE_TRACK_ORIGINS=1 sets it for every context."""
        return self._track_origins

    @track_origins.setter
    def track_origins(self, value: bool) -> None:
        self._track_origins = bool(value)

    def destroy(self, linger: int | None = None) -> None:
        """Close all sockets of this context and end it. No other thread may go on using them.

        Args:
            linger (int): milliseconds for each socket, instead of its LINGER: 0 drops what is queued, -1 has no
                limit. Default None: the option as it is.

        Example:
            >>> context = zmq.Context()
            >>> socket = context.socket(zmq.PUSH)
            >>> context.destroy(linger=0)
            >>> context.closed, socket.closed
            (True, True)
        """
        if self.closed:
            return
        for socket in self._sockets_snapshot():
            if linger is not None and not socket.closed:
                try:
                    socket.set(LINGER, linger)
                except ZMQError:  # another thread ends the context; closing takes it all the same
                    Socket.close(cast("Socket[Any]", socket), linger)
            socket.close()  # as pyzmq calls it, whose subclasses may take no arguments
        self.term()

    # -- options

    def setsockopt(self, opt: int, value: Any) -> None:
        """Set a default option for sockets made later.

        Args:
            opt (int): a SocketOption.
            value (int | bytes): the value. Types of sockets that do not have the option ignore it.
        """
        self.sockopts[opt] = value

    def getsockopt(self, opt: int) -> Any:
        """Return a default option that was set.

        Args:
            opt (int): a SocketOption.

        Returns:
            int | bytes: the value.

        Raises:
            KeyError: it was not set.
        """
        return self.sockopts[opt]

    def _set_option(self, name: str, value: Any) -> None:
        if name in CONTEXT_OPTIONS:
            self.set(CONTEXT_OPTIONS[name], value)
        elif name in SOCKET_OPTIONS:
            self.sockopts[SOCKET_OPTIONS[name]] = value
        else:
            raise self._no_option(name)

    def _get_option(self, name: str) -> Any:
        if name in CONTEXT_OPTIONS:
            try:
                return self.get(CONTEXT_OPTIONS[name])
            except ZMQError as error:
                raise AttributeError(f"the option {name} cannot be read") from error
        if name in SOCKET_OPTIONS:
            try:
                return self.sockopts[SOCKET_OPTIONS[name]]
            except KeyError:
                raise AttributeError(name) from None
        raise self._no_option(name)

    def __delattr__(self, key: str) -> None:
        if key in self.__dict__:
            object.__delattr__(self, key)
            return
        name = key.upper()
        if name not in SOCKET_OPTIONS:
            raise AttributeError(f"No such socket option: {name!r}")
        if self.sockopts.pop(SOCKET_OPTIONS[name], self) is self:
            raise AttributeError(name)


if TYPE_CHECKING:
    SyncContext: TypeAlias = Context[SyncSocket]
else:
    SyncContext = Context


def _new_lock() -> None:
    # Another thread of the parent may have held it while this process was forked.
    Context._instance_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)
