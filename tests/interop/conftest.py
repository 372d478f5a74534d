"""Fixtures of the interoperability tests: the peer processes, the module under test behind the same face, and peers played by hand."""

import pytest
import rawpeer
import stacks
from awaiting import endpoint


@pytest.fixture(scope="session")
def remotes():
    """The peer processes by stack name, each started at its first use and kept for the whole run."""
    peers = {name: stacks.Remote(name) for name in ("pyzmq", "libzmq", "jeromq", "zeromq.js", "pyomq", "self", *stacks.MORE)}
    yield peers
    for peer in peers.values():
        peer.stop()


@pytest.fixture(scope="session")
def local(zmq):
    side = stacks.Local(zmq)
    yield side
    side.stop()


@pytest.fixture
def bound(make, raws):
    """bound("PULL") -> (the bound socket, a raw connection to it)."""

    def bound(kind, where="tcp://127.0.0.1:*", **options):
        socket = make(kind, **options)
        socket.bind(where)
        raw = rawpeer.connect(endpoint(socket))
        raws(raw)
        return socket, raw

    return bound


@pytest.fixture
def connected(make, raws):
    """connected("PUSH") -> (the connecting socket, the raw connection accepted from it, the raw listener)."""

    def connected(kind, **options):
        listener = rawpeer.Listener()
        raws(listener)
        socket = make(kind, RECONNECT_IVL=20, **options)
        socket.connect(listener.endpoint)
        raw = listener.accept()
        raws(raw)
        return socket, raw, listener

    return connected
