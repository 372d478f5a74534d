"""MonitoredQueue: monitored_queue as a device."""

from __future__ import annotations

from ..constants import PUB
from .monitoredqueue import monitored_queue
from .proxydevice import ProcessProxy, Proxy, ProxyBase, ThreadProxy

__all__ = ["MonitoredQueue", "ThreadMonitoredQueue", "ProcessMonitoredQueue"]


class MonitoredQueueBase(ProxyBase):
    """What the three forms share."""

    def __init__(
        self,
        in_type: int,
        out_type: int,
        mon_type: int = PUB,
        in_prefix: bytes = b"in",
        out_prefix: bytes = b"out",
    ) -> None:
        super().__init__(in_type, out_type, mon_type)
        self._in_prefix = in_prefix
        self._out_prefix = out_prefix

    def run_device(self) -> None:
        """Make the sockets and forward until the context ends.

        Raises:
            ContextTerminated (ETERM): the context has been ended.
            ZMQError: as `Socket.bind()`, `Socket.connect()` and `Socket.set()`.
        """
        ins, outs, mons = self._setup_sockets()
        monitored_queue(ins, outs, mons, self._in_prefix, self._out_prefix)


class MonitoredQueue(MonitoredQueueBase, Proxy):
    """Two sockets, and a third that gets every message after a frame that says where it came from.

    Args:
        in_type (int): type of the in-socket, such as zmq.ROUTER.
        out_type (int): type of the out-socket, such as zmq.DEALER. Negative: the in-socket is on both sides.
        mon_type (int): type of the socket that gets a copy of every message. Default zmq.PUB.
        in_prefix (bytes): first frame of what comes from the in-socket. Default b"in".
        out_prefix (bytes): first frame of what comes from the out-socket. Default b"out".
    """


class ThreadMonitoredQueue(MonitoredQueueBase, ThreadProxy):
    """MonitoredQueue in a thread.

    Args:
        in_type, out_type, mon_type, in_prefix, out_prefix: as for `MonitoredQueue`.
    """


class ProcessMonitoredQueue(MonitoredQueueBase, ProcessProxy):
    """MonitoredQueue in a process of its own.

    Args:
        in_type, out_type, mon_type, in_prefix, out_prefix: as for `MonitoredQueue`.
    """
