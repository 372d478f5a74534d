"""pyzmq's name for zmqcore.options."""

from ..options import AttributeSetter

__all__ = ["AttributeSetter"]
