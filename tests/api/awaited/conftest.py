"""Fixtures of the tests of sockets that are awaited: the loops, and contexts and pairs of zmqcore.asyncio."""

import asyncio
import sys
from pathlib import Path

import pytest

# pytest imports test files by path (importmode=importlib), so the module that they share is made findable here.
sys.path.insert(0, str(Path(__file__).parent))

from loops import LOOPS, WAIT, new_loop


@pytest.fixture(params=LOOPS)
def run(request):
    """run(coroutine): on each kind of loop, with a limit of time."""
    made = []

    def start(coroutine, limit=WAIT):
        loop = new_loop(request.param)
        made.append(loop)
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(asyncio.wait_for(coroutine, limit))

    yield start
    for loop in made:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def aio(submodule):
    return submodule("asyncio")


@pytest.fixture
def context(aio):
    ctx = aio.Context()
    yield ctx
    ctx.destroy(linger=0)


@pytest.fixture
def pair(zmq, context):
    one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://pair")
    two.connect("inproc://pair")
    return one, two


@pytest.fixture
def tcp_pair(zmq, context):
    one, two = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
    one.bind("tcp://127.0.0.1:*")
    two.connect(one.get_string(zmq.LAST_ENDPOINT))
    return one, two
