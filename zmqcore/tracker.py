"""MessageTracker is compiled; this module gives it its name in the package."""

from ._core import MessageTracker

__all__ = ["MessageTracker", "_FINISHED_TRACKER"]

# What a send that copied returns when tracking was asked for: nothing is left to wait for.
_FINISHED_TRACKER = MessageTracker()
