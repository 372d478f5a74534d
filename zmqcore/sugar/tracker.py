"""pyzmq's name for zmqcore.tracker."""

from ..error import NotDone as NotDone
from ..frame import Frame as Frame
from ..tracker import _FINISHED_TRACKER, MessageTracker

__all__ = ["_FINISHED_TRACKER", "MessageTracker"]
