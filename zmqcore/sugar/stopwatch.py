"""pyzmq's name for zmqcore.stopwatch."""

from ..stopwatch import Stopwatch

__all__ = ["Stopwatch"]
