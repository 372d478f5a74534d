"""Deprecated: tornado's own names. Sockets work on any loop, so there is nothing to install."""

from __future__ import annotations

import warnings

from tornado.ioloop import IOLoop as IOLoop
from tornado.ioloop import PeriodicCallback as PeriodicCallback

ZMQIOLoop = IOLoop

warnings.warn(
    f"{__name__} is not needed: sockets work on tornado's own loop", DeprecationWarning, stacklevel=2
)


def install() -> None:
    """Deprecated: there is nothing to install."""
    warnings.warn(f"{__name__}.install() is not needed: use any event loop", DeprecationWarning, stacklevel=2)
