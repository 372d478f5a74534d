"""Versions: the package's own, the ZeroMQ API's that it implements, and the pyzmq API's that it follows."""

from __future__ import annotations

from ._core import zmq_version_info

__all__ = [
    "zmq_version",
    "zmq_version_info",
    "pyzmq_version",
    "pyzmq_version_info",
    "zmqcore_version",
    "__version__",
    "__revision__",
]

# zmqcore's own, as in pyproject.toml.
ZMQCORE_VERSION = "0.1.0"

# The pyzmq API's. Programs compare these to know what they may call, __version__ most of all, so it is not zmqcore's own.
VERSION_MAJOR = 27
VERSION_MINOR = 3
VERSION_PATCH = 0
VERSION_EXTRA = ""
version_info: tuple[int, int, int] = (VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH)
__version__ = ".".join(map(str, version_info)) + VERSION_EXTRA
__revision__ = ""


def zmq_version() -> str:
    """Return the release of libzmq whose behaviour is matched.

    Returns:
        str: "4.3.5".
    """
    return ".".join(map(str, zmq_version_info()))


def pyzmq_version() -> str:
    """Return the release of pyzmq whose API is followed.

    Returns:
        str: such as "27.3.0".
    """
    return __version__


def zmqcore_version() -> str:
    """Return the version of zmqcore itself.

    Returns:
        str: such as "0.1.0".
    """
    return ZMQCORE_VERSION


def pyzmq_version_info() -> tuple[int, int, int] | tuple[int, int, int, float]:
    """Return the release of pyzmq whose API is followed, as a tuple that compares.

    Returns:
        tuple[int, int, int]: such as (27, 3, 0).
    """
    return version_info
