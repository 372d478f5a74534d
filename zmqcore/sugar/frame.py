"""pyzmq's name for zmqcore.frame."""

from ..frame import Frame, Message

__all__ = ["Frame", "Message"]
