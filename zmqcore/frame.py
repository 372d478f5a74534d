"""Frame is compiled; this module gives it its name in the package."""

from ._core import Frame

__all__ = ["Frame", "Message"]

Message = Frame
