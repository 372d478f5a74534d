"""pyzmq's name for zmqcore.frame."""

from ..backend import Frame as FrameBase  # noqa: F401
from ..frame import Frame, Message
from ..options import AttributeSetter as AttributeSetter

__all__ = ["Frame", "Message"]
