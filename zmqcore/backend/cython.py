"""pyzmq's name for its compiled layer in Cython: zmqcore.backend."""

from . import *  # noqa: F403
from . import __all__ as __all__
