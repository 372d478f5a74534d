"""Fixtures of the API tests."""

import pytest


@pytest.fixture
def context(zmq):
    ctx = zmq.Context()
    yield ctx
    ctx.destroy(linger=0)


@pytest.fixture
def pair(zmq, context):
    """Two PAIR sockets that are connected, with timeouts."""
    one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    for socket in (one, two):
        socket.rcvtimeo = socket.sndtimeo = 5000
    one.bind("inproc://pair")
    two.connect("inproc://pair")
    return one, two
