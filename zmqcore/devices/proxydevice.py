"""Proxy: a device with a third socket that gets a copy of every message."""

from __future__ import annotations

from typing import Any

from .._core import proxy
from ..constants import PUB, QUEUE
from .basedevice import Device, ProcessDevice, ThreadDevice, _Side

__all__ = ["Proxy", "ThreadProxy", "ProcessProxy"]


class ProxyBase(Device):
    """What the three forms share."""

    def __init__(self, in_type: int, out_type: int, mon_type: int = PUB) -> None:
        super().__init__(QUEUE, in_type, out_type)
        self.mon_type = mon_type
        self._mon = _Side(mon_type)

    def _sides(self) -> list[_Side]:
        return [*super()._sides(), self._mon]

    def bind_mon(self, addr: str) -> None:
        """Record an address; the capturing socket binds to it when the device starts.

        Args:
            addr (str): the endpoint.
        """
        self._mon.binds.append(addr)

    def bind_mon_to_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """Record a free port; the capturing socket binds to it when the device starts.

        Args:
            addr (str): the endpoint without a port.
            *args (Any): as for `Socket.bind_to_random_port()`.
            **kwargs: as for `Socket.bind_to_random_port()`.

        Returns:
            int: the port. Another process may take it before the device starts.

        Raises:
            ZMQBindError: no port was free.
        """
        return self._note_random_port(self._mon, addr, *args, **kwargs)

    def connect_mon(self, addr: str) -> None:
        """Record an address; the capturing socket connects to it when the device starts.

        Args:
            addr (str): the endpoint.
        """
        self._mon.connects.append(addr)

    def setsockopt_mon(self, opt: int, value: Any) -> None:
        """Record an option; it is set on the capturing socket when the device starts.

        Args:
            opt (int): a SocketOption.
            value (int | bytes): the value.
        """
        self._mon.options.append((opt, value))

    def run_device(self) -> None:
        """Make the sockets and forward until the context ends.

        Raises:
            ContextTerminated (ETERM): the context has been ended.
            ZMQError: as `Socket.bind()`, `Socket.connect()` and `Socket.set()`.
        """
        ins, outs, mons = self._setup_sockets()
        proxy(ins, outs, mons)


class Proxy(ProxyBase, Device):
    """zmq.proxy as a device.

    Args:
        in_type (int): type of the in-socket, such as zmq.ROUTER.
        out_type (int): type of the out-socket, such as zmq.DEALER. Negative: the in-socket is on both sides.
        mon_type (int): type of the socket that gets a copy of every message. Default zmq.PUB.
    """


class ThreadProxy(ProxyBase, ThreadDevice):
    """Proxy in a thread.

    Args:
        in_type, out_type, mon_type: as for `Proxy`.
    """


class ProcessProxy(ProxyBase, ProcessDevice):
    """Proxy in a process of its own.

    Args:
        in_type, out_type, mon_type: as for `Proxy`.
    """
