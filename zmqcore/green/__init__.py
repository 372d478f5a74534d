# ruff: noqa: F403  # the names of zmqcore
"""ZeroMQ for gevent: `import zmqcore.green as zmq`. All names of zmqcore; the calls that wait let other greenlets run."""

from __future__ import annotations

import typing as _typing

import zmqcore as _zmq
from zmqcore import *

from .core import _Context as _Context
from .core import _Poller as _Poller
from .core import _Socket as _Socket
from .device import device as device  # type: ignore[assignment]
from .device import proxy as proxy
from .device import proxy_steerable as proxy_steerable
from .poll import select as select
from .poll import zmq_poll as zmq_poll
from .requester import Requester as Requester

Context = _Context  # type: ignore[misc]
Poller = _Poller  # type: ignore[misc]
Socket = _Socket  # type: ignore[misc]

if not _typing.TYPE_CHECKING:  # see zmqcore
    __all__ = _zmq.__all__
