"""Fixtures of the behaviour tests. Every test is named after the line of the behaviour checklist that it pins down.

Tests marked `better` describe a deliberate difference from libzmq.
"""
import itertools
import sys
from pathlib import Path

import pytest

# pytest imports test files by path (importmode=importlib), so the module that they share is made findable here.
sys.path.insert(0, str(Path(__file__).parent))

_serial = itertools.count(1)


@pytest.fixture
def ctx(zmq):
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def make(zmq, ctx):
    """make("PUSH", SNDHWM=5) -> a socket with LINGER 0 and timeouts that turn a hang into a failure."""

    def opened(kind, **options):
        socket = ctx.socket(getattr(zmq, kind))
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = 5000
        for name, value in options.items():
            socket.setsockopt(getattr(zmq, name), value)
        return socket

    return opened


@pytest.fixture
def fresh(tmp_path_factory):
    """fresh("ipc") -> an endpoint to bind to that nobody else uses."""

    def address(transport):
        if transport == "tcp":
            return "tcp://127.0.0.1:*"
        if transport == "ipc":
            # Short: a path in the socket address may have 107 octets at most.
            return f"ipc://{tmp_path_factory.mktemp('s')}/{next(_serial)}"
        return f"inproc://behaviour-{next(_serial)}"

    return address


@pytest.fixture(params=["tcp", "ipc", "inproc"])
def transport(request):
    return request.param


@pytest.fixture
def pair(make, fresh):
    """pair("PUSH", "PULL", "tcp") -> both sockets, the second one bound, the first one connected to it."""

    def connected(connecter, binder, transport="tcp", connecter_options=None, binder_options=None):
        bound = make(binder, **(binder_options or {}))
        bound.bind(fresh(transport))
        other = make(connecter, **(connecter_options or {}))
        other.connect(bound.last_endpoint.rstrip(b"\0").decode())
        return other, bound

    return connected
