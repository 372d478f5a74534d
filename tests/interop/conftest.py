"""Fixtures of the interoperability tests: the peer processes, the module under test behind the same face, and fresh endpoints."""
import itertools
import sys
from pathlib import Path

import pytest

# pytest imports test files by path (importmode=importlib), so the modules that they share are made findable here.
for folder in (Path(__file__).parent, Path(__file__).parent / "peers"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import rawpeer  # noqa: E402
import stacks  # noqa: E402
from watch import endpoint_of  # noqa: E402

_serial = itertools.count(1)


@pytest.fixture(scope="session")
def remotes():
    """The peer processes by stack name, each started at its first use and kept for the whole run."""
    peers = {name: stacks.Remote(name) for name in ("pyzmq", "libzmq", "jeromq", "pyomq", "self")}
    yield peers
    for peer in peers.values():
        peer.stop()


@pytest.fixture(scope="session")
def local(zmq):
    side = stacks.Local(zmq)
    yield side
    side.stop()


@pytest.fixture
def ctx(zmq):
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture(scope="session")
def ipc_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ipc")


@pytest.fixture
def address(ipc_folder):
    """address("tcp") -> something to bind to that nobody else uses."""

    def fresh(transport):
        if transport == "tcp":
            return "tcp://127.0.0.1:*"
        if transport == "ipc":
            return f"ipc://{ipc_folder}/{next(_serial)}"
        return f"inproc://interop-{next(_serial)}"

    return fresh


# ---- a socket of the module under test and a peer played by hand


@pytest.fixture
def opened(zmq, ctx):
    """opened("PULL") -> a socket of the module under test, with timeouts that turn a hang into a failure."""

    def make(kind, **options):
        socket = ctx.socket(getattr(zmq, kind))
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = 5000
        for name, value in options.items():
            socket.setsockopt(getattr(zmq, name), value)
        return socket

    return make


@pytest.fixture
def raws():
    made = []
    yield made.append
    for raw in made:
        raw.close()


@pytest.fixture
def bound(opened, raws):
    """bound("PULL") -> (the bound socket, a raw connection to it)."""

    def make(kind, endpoint="tcp://127.0.0.1:*", **options):
        socket = opened(kind, **options)
        socket.bind(endpoint)
        raw = rawpeer.connect(endpoint_of(socket))
        raws(raw)
        return socket, raw

    return make


@pytest.fixture
def connected(opened, raws):
    """connected("PUSH") -> (the connecting socket, the raw connection accepted from it, the raw listener)."""

    def make(kind, **options):
        listener = rawpeer.Listener()
        raws(listener)
        socket = opened(kind, RECONNECT_IVL=20, **options)
        socket.connect(listener.endpoint)
        raw = listener.accept()
        raws(raw)
        return socket, raw, listener

    return make
