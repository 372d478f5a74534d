"""pyzmq's name for zmqcore.tracker."""

from ..tracker import _FINISHED_TRACKER, MessageTracker

__all__ = ["_FINISHED_TRACKER", "MessageTracker"]
