"""Deprecated names of `zmqcore.eventloop.ioloop`."""

from .ioloop import IOLoop as IOLoop
from .ioloop import ZMQIOLoop as ZMQIOLoop
from .ioloop import install as install
