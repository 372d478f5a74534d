"""pyzmq's name for zmqcore.options."""

from .. import constants as constants
from ..options import AttributeSetter

__all__ = ["AttributeSetter"]
