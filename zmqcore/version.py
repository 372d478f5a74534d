"""Versions: the package's own, the ZeroMQ API's that it implements, and the pyzmq API's that it follows."""

from __future__ import annotations

from ._core import zmq_version_info

__all__ = ["zmq_version", "zmq_version_info", "pyzmq_version", "pyzmq_version_info", "__version__", "__revision__"]

__version__ = "0.1.0"
__revision__ = ""

# Programs compare these to know what they may call.
VERSION_MAJOR = 27
VERSION_MINOR = 3
VERSION_PATCH = 0
VERSION_EXTRA = ""
version_info: tuple[int, int, int] = (VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH)


def zmq_version() -> str:
    """The level of the ZeroMQ API, as libzmq numbers it."""
    return ".".join(map(str, zmq_version_info()))


def pyzmq_version() -> str:
    """The level of the pyzmq API."""
    return ".".join(map(str, version_info)) + VERSION_EXTRA


def pyzmq_version_info() -> tuple[int, int, int] | tuple[int, int, int, float]:
    """The level of the pyzmq API as a tuple that compares."""
    return version_info
