"""Deprecated: tornado's own names."""

from ...eventloop.ioloop import IOLoop as IOLoop
from ...eventloop.ioloop import PeriodicCallback as PeriodicCallback
from ...eventloop.ioloop import ZMQIOLoop as ZMQIOLoop
from ...eventloop.ioloop import install as install
