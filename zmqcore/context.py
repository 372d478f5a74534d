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
from typing import Any, ClassVar, Generic, TypeVar, cast

from . import _core
from .constants import Errno
from .error import ZMQError
from .options import CONTEXT_OPTIONS, SOCKET_OPTIONS, AttributeSetter
from .socket import Socket

__all__ = ["Context", "SyncContext"]

_SocketT = TypeVar("_SocketT", bound=Socket, covariant=True)
_ContextT = TypeVar("_ContextT", bound="Context[Any]")

_exiting = False


@atexit.register
def _note_exit() -> None:
    # Registered at import, so it runs after nearly every other exit handler: those may still use and end contexts.
    global _exiting
    _exiting = True


class Context(_core.Context, AttributeSetter, Generic[_SocketT]):
    """Makes sockets. Most programs need one, `Context.instance()`.

    Attributes that are socket options are defaults for sockets made later: `context.linger = 0`.
    """

    sockopts: dict[int, Any]
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
        if isinstance(io_threads, _core.Context):  # Context(other) is Context.shadow(other)
            io_threads, shadow = 1, io_threads
        if isinstance(shadow, _core.Context):
            if shadow.closed:
                raise ZMQError(Errno.EFAULT, "cannot shadow a closed context")
            self._shadow_obj = shadow  # keeps it alive
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
        # Its sockets hold a context, so none is left: only closed ones may still linger.
        if self._shadow or _exiting or self._pid != os.getpid() or self.closed:
            return
        warnings.warn(f"Unclosed context {self!r}", ResourceWarning, stacklevel=2, source=self)
        self.term()

    # -- one for the process

    @classmethod
    def instance(cls: type[_ContextT], io_threads: int = 1) -> _ContextT:
        """The context that the whole process shares: made at the first call, after its end, and in a forked child."""
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
        """A Context of this class on top of another one, given itself or by its `underlying`. Ending one ends both."""
        return cls(shadow=address)

    @classmethod
    def shadow_pyczmq(cls: type[_ContextT], ctx: Any) -> _ContextT:
        """Not possible: contexts of pyczmq are libzmq's."""
        raise ZMQError(Errno.ENOTSUP, "a context of libzmq cannot be shared")

    # -- sockets

    def socket(self, socket_type: int, socket_class: Callable[..., Any] | None = None, **kwargs: Any) -> _SocketT:
        """Makes a socket and sets the context's default options on it."""
        if self.closed:
            raise ZMQError(Errno.ENOTSUP, "cannot make a socket: the context is closed")
        socket = (socket_class or self._socket_class)(self, socket_type, **kwargs)
        for option, value in self.sockopts.items():
            try:
                socket.set(option, value)
            except ZMQError:
                pass  # a default for other types of socket
        return cast(_SocketT, socket)

    # -- the end

    def term(self) -> None:
        """Waits until all sockets are closed and their messages are sent or LINGER has passed."""
        super().term()

    def destroy(self, linger: int | None = None) -> None:
        """Closes all sockets, with `linger` if given, and ends the context."""
        if self.closed:
            return
        for socket in self._sockets_snapshot():
            socket.close(linger)
        self.term()

    # -- options

    def setsockopt(self, opt: int, value: Any) -> None:
        """Sets a default option for sockets made later."""
        self.sockopts[opt] = value

    def getsockopt(self, opt: int) -> Any:
        """A default option that was set; KeyError if it was not."""
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


SyncContext = Context


def _new_lock() -> None:
    # Another thread of the parent may have held it while this process was forked.
    Context._instance_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)
