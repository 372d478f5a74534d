"""pyzmq's name for zmqcore.poll."""

from ..poll import Poller, select

__all__ = ["Poller", "select"]
