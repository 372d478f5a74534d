"""pyzmq's name for the extension module itself: zmqcore._core, and what pyzmq's imports."""

from __future__ import annotations

from ...constants import SocketOption as SocketOption
from ...devices.monitoredqueue import monitored_queue
from ...error import Again as Again
from ...error import ContextTerminated as ContextTerminated
from ...error import InterruptedSystemCall as InterruptedSystemCall
from ...error import ZMQError as ZMQError
from ...tracker import MessageTracker as MessageTracker
from .. import *  # noqa: F403
from .. import __all__ as _names

__all__ = [*_names, "monitored_queue"]  # noqa: PLE0604
