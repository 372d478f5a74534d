"""Fixtures of the tests of sockets that are awaited: the loops, and contexts and peers of zmqcore.asyncio."""

import asyncio

import pytest
from awaiting import endpoint
from loops import LOOPS, WAIT, new_loop


@pytest.fixture(params=LOOPS)
def run(request):
    """run(coroutine): on each kind of loop, with a limit of time."""
    made = []

    def close():
        while made:
            loop = made.pop()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def start(coroutine, limit=WAIT):
        if request.param == "qt":
            close()  # loops of one QApplication share its notifiers, of which there is one for a descriptor
        loop = new_loop(request.param)
        made.append(loop)
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(asyncio.wait_for(coroutine, limit))

    yield start
    close()
    asyncio.set_event_loop(None)


@pytest.fixture
def aio(submodule):
    return submodule("asyncio")


@pytest.fixture
def context(aio):
    made = aio.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def peers(zmq, context):
    one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://peers")
    two.connect("inproc://peers")
    return one, two


@pytest.fixture
def tcp_peers(zmq, context):
    one, two = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
    one.bind("tcp://127.0.0.1:*")
    two.connect(endpoint(one))
    return one, two
