"""tornado's loop in a program of greenlets, whose blocking parts gevent has patched."""

from ...eventloop import IOLoop as IOLoop

__all__ = ["IOLoop"]
