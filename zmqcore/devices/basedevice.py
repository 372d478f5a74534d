"""Device and its background forms.

Rules
- Addresses and options are only noted; sockets are made where the device runs, so that a thread or process owns its own.
- A device ends when its context is terminated or its sockets are closed; both are a normal end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing import Process
from typing import Any

from .._core import proxy
from ..constants import ENOTSOCK, ETERM, PAIR, QUEUE
from ..context import Context
from ..error import ZMQBindError, ZMQError

__all__ = ["Device", "ThreadDevice", "ProcessDevice"]


class _Side:
    """What is noted about one socket of a device."""

    def __init__(self, socket_type: int | None) -> None:
        self.type = socket_type
        self.binds: list[str] = []
        self.connects: list[str] = []
        self.options: list[tuple[int, Any]] = []

    def open(self, context: Context[Any], before: Any = None) -> Any:
        """Its socket; of no type of its own (negative), the one of the side before."""
        if self.type is None:
            raise TypeError("the type of the socket must be specified")
        socket = before if self.type < 0 and before is not None else context.socket(self.type)
        # Options first: some only count for endpoints that come later.
        for option, value in self.options:
            socket.setsockopt(option, value)
        for addr in self.binds:
            socket.bind(addr)
        for addr in self.connects:
            socket.connect(addr)
        return socket


class Device:
    """Forward between two sockets that it makes itself; `start()` runs it in the foreground.

    Args:
        device_type (int): zmq.QUEUE, zmq.FORWARDER or zmq.STREAMER; it makes no difference. Default zmq.QUEUE.
        in_type (int): type of the in-socket, such as zmq.ROUTER.
        out_type (int): type of the out-socket, such as zmq.DEALER. Negative: the in-socket is on both sides, as
            an echo.

    Raises:
        TypeError: a type is missing.
    """

    context_factory: Callable[[], Context[Any]] = Context.instance
    daemon: bool
    done: bool
    device_type: int
    in_type: int | None
    out_type: int | None
    _sockets: list[Any]

    def __init__(self, device_type: int = QUEUE, in_type: int | None = None, out_type: int | None = None) -> None:
        self.device_type = device_type  # makes no difference, so it may be anything
        if in_type is None:
            raise TypeError("in_type must be specified")
        if out_type is None:
            raise TypeError("out_type must be specified")
        self.in_type = in_type
        self.out_type = out_type
        self._in = _Side(in_type)
        self._out = _Side(out_type)
        self._sockets = []
        self.daemon = True
        self.done = False
        self._ended = threading.Event()

    def __getstate__(self) -> dict[str, Any]:
        # A process that is spawned gets a pickled copy.
        return {name: value for name, value in vars(self).items() if name != "_ended"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _ended=threading.Event())

    # -- what is noted

    def bind_in(self, addr: str) -> None:
        """Record an address; the in-socket binds to it when the device starts.

        Args:
            addr (str): the endpoint.
        """
        self._in.binds.append(addr)

    def bind_in_to_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """Record a free port; the in-socket binds to it when the device starts.

        Args:
            addr (str): the endpoint without a port.
            *args (Any): as for `Socket.bind_to_random_port()`.
            **kwargs: as for `Socket.bind_to_random_port()`.

        Returns:
            int: the port. Another process may take it before the device starts.

        Raises:
            ZMQBindError: no port was free.
        """
        return self._note_random_port(self._in, addr, *args, **kwargs)

    def connect_in(self, addr: str) -> None:
        """Record an address; the in-socket connects to it when the device starts.

        Args:
            addr (str): the endpoint.
        """
        self._in.connects.append(addr)

    def setsockopt_in(self, opt: int, value: Any) -> None:
        """Record an option; it is set on the in-socket when the device starts, before it binds and connects.

        Args:
            opt (int): a SocketOption.
            value (int | bytes): the value.
        """
        self._in.options.append((opt, value))

    def bind_out(self, addr: str) -> None:
        """Record an address; the out-socket binds to it when the device starts.

        Args:
            addr (str): the endpoint.
        """
        self._out.binds.append(addr)

    def bind_out_to_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """Record a free port; the out-socket binds to it when the device starts.

        Args:
            addr (str): the endpoint without a port.
            *args (Any): as for `Socket.bind_to_random_port()`.
            **kwargs: as for `Socket.bind_to_random_port()`.

        Returns:
            int: the port. Another process may take it before the device starts.

        Raises:
            ZMQBindError: no port was free.
        """
        return self._note_random_port(self._out, addr, *args, **kwargs)

    def connect_out(self, addr: str) -> None:
        """Record an address; the out-socket connects to it when the device starts.

        Args:
            addr (str): the endpoint.
        """
        self._out.connects.append(addr)

    def setsockopt_out(self, opt: int, value: Any) -> None:
        """Record an option; it is set on the out-socket when the device starts, before it binds and connects.

        Args:
            opt (int): a SocketOption.
            value (int | bytes): the value.
        """
        self._out.options.append((opt, value))

    def _note_random_port(self, side: _Side, addr: str, *args: Any, **kwargs: Any) -> int:
        max_tries = kwargs.get("max_tries", 100 if len(args) < 3 else args[2])
        taken = {noted for one in self._sides() for noted in one.binds}
        for _ in range(max_tries):
            port = self._free_port(addr, *args, **kwargs)
            if f"{addr}:{port}" not in taken:
                side.binds.append(f"{addr}:{port}")
                return port
        raise ZMQBindError("Could not reserve random port.")

    def _free_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        # It is free again until the device runs: somebody else may be quicker, as with any port that is named beforehand.
        with Context() as context, context.socket(PAIR) as socket:
            socket.linger = 0
            return int(socket.bind_to_random_port(addr, *args, **kwargs))

    def _sides(self) -> list[_Side]:
        return [self._in, self._out]

    # -- running

    def _setup_sockets(self) -> tuple[Any, ...]:
        context = self.context_factory()
        self._context = context  # a context of the device's own lives as long as it does
        for side in self._sides():
            self._sockets.append(side.open(context, self._sockets[0] if side is self._out else None))
        return tuple(self._sockets)

    def run_device(self) -> None:
        """Make the sockets and forward until the context ends.

        Raises:
            ContextTerminated (ETERM): the context has been ended.
            ZMQError: as `Socket.bind()`, `Socket.connect()` and `Socket.set()`.
        """
        frontend, backend = self._setup_sockets()
        proxy(frontend, backend)

    def _close_sockets(self) -> None:
        for socket in self._sockets:
            if socket is not None:
                socket.close()
        self._sockets.clear()

    def run(self) -> None:
        """Run the device until the context ends, and close its sockets.

        Raises:
            ZMQError: as `Socket.bind()`, `Socket.connect()` and `Socket.set()`.
        """
        try:
            self.run_device()
        except ZMQError as error:
            if error.errno not in (ETERM, ENOTSOCK):
                raise
        finally:
            self._close_sockets()
            self.done = True
            self._ended.set()

    def start(self) -> None:
        """Run the device here until it ends. Devices in threads and processes return at once instead.

        Raises:
            ZMQError: as `Socket.bind()`, `Socket.connect()` and `Socket.set()`.
        """
        self.run()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the device.

        Args:
            timeout (float): seconds; None waits without limit. Default None.
        """
        self._ended.wait(timeout)


class BackgroundDevice(Device):
    """Base of the devices that run beside the program."""

    launcher: Any = None
    _launch_class: Any = None

    def start(self) -> None:
        """Start the device and return."""
        self.launcher = self._launch_class(target=self.run)
        self.launcher.daemon = self.daemon
        self.launcher.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the device.

        Args:
            timeout (float): seconds; None waits without limit. Default None.
        """
        self.launcher.join(timeout=timeout)


class ThreadDevice(BackgroundDevice):
    """Device in a thread.

    Args:
        device_type (int): makes no difference. Default zmq.QUEUE.
        in_type (int): type of the in-socket, such as zmq.ROUTER.
        out_type (int): type of the out-socket, such as zmq.DEALER. Negative: the in-socket is on both sides.
    """

    _launch_class = threading.Thread


class ProcessDevice(BackgroundDevice):
    """Device in a process of its own. Addresses must be ones that other processes can reach.

    Args:
        device_type, in_type, out_type: as for `ThreadDevice`.
    """

    _launch_class = Process
    # The instance of the starting process, if forked along, is of no use in the new one.
    context_factory = Context
