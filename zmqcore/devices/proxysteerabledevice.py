"""ProxySteerable: a proxy that takes commands on a fourth socket."""

from __future__ import annotations

from typing import Any

from .._core import proxy_steerable
from ..constants import PAIR, PUB
from .basedevice import _Side
from .proxydevice import ProcessProxy, Proxy, ProxyBase, ThreadProxy

__all__ = ["ProxySteerable", "ThreadProxySteerable", "ProcessProxySteerable"]


class ProxySteerableBase(ProxyBase):
    """What the three forms share. Commands are PAUSE, RESUME, TERMINATE and STATISTICS."""

    def __init__(self, in_type: int, out_type: int, mon_type: int = PUB, ctrl_type: int | None = None) -> None:
        super().__init__(in_type, out_type, mon_type)
        self.ctrl_type = PAIR if ctrl_type is None else ctrl_type
        self._ctrl = _Side(self.ctrl_type)

    def _sides(self) -> list[_Side]:
        return [*super()._sides(), self._ctrl]

    def bind_ctrl(self, addr: str) -> None:
        """Record an address; the control socket binds to it when the device starts.

        Args:
            addr (str): the endpoint.
        """
        self._ctrl.binds.append(addr)

    def bind_ctrl_to_random_port(self, addr: str, *args: Any, **kwargs: Any) -> int:
        """Record a free port; the control socket binds to it when the device starts.

        Args:
            addr (str): the endpoint without a port.
            *args (Any): as for `Socket.bind_to_random_port()`.
            **kwargs: as for `Socket.bind_to_random_port()`.

        Returns:
            int: the port. Another process may take it before the device starts.

        Raises:
            ZMQBindError: no port was free.
        """
        return self._note_random_port(self._ctrl, addr, *args, **kwargs)

    def connect_ctrl(self, addr: str) -> None:
        """Record an address; the control socket connects to it when the device starts.

        Args:
            addr (str): the endpoint.
        """
        self._ctrl.connects.append(addr)

    def setsockopt_ctrl(self, opt: int, value: Any) -> None:
        """Record an option; it is set on the control socket when the device starts.

        Args:
            opt (int): a SocketOption.
            value (int | bytes): the value.
        """
        self._ctrl.options.append((opt, value))

    def run_device(self) -> None:
        """Make the sockets and forward until TERMINATE or the end of the context.

        Raises:
            ContextTerminated (ETERM): the context has been ended.
            ZMQError: as `Socket.bind()`, `Socket.connect()` and `Socket.set()`.
        """
        ins, outs, mons, ctrls = self._setup_sockets()
        proxy_steerable(ins, outs, mons, ctrls)


class ProxySteerable(ProxySteerableBase, Proxy):
    """zmq.proxy_steerable as a device.

    Args:
        in_type (int): type of the in-socket, such as zmq.ROUTER.
        out_type (int): type of the out-socket, such as zmq.DEALER. Negative: the in-socket is on both sides.
        mon_type (int): type of the socket that gets a copy of every message. Default zmq.PUB.
        ctrl_type (int): type of the socket that receives commands: zmq.PAIR, zmq.REP or zmq.SUB. Default None: zmq.PAIR.
    """


class ThreadProxySteerable(ProxySteerableBase, ThreadProxy):
    """ProxySteerable in a thread.

    Args:
        in_type, out_type, mon_type, ctrl_type: as for `ProxySteerable`.
    """


class ProcessProxySteerable(ProxySteerableBase, ProcessProxy):
    """ProxySteerable in a process of its own.

    Args:
        in_type, out_type, mon_type, ctrl_type: as for `ProxySteerable`.
    """
