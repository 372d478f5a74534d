"""Sockets on tornado's loop: `zmqstream` with callbacks, `future` to be awaited. Needs tornado, which nothing else here does."""

from tornado.ioloop import IOLoop as IOLoop

__all__ = ["IOLoop"]
