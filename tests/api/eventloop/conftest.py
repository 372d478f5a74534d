"""Fixtures of the tests of sockets on tornado's loop."""

import asyncio
import logging

import pytest
from awaiting import SECONDS


@pytest.fixture
def run():
    """run(coroutine): on a loop of tornado of its own, with a limit of time."""
    from tornado.ioloop import IOLoop  # without it the tests are left out

    asyncio.set_event_loop(asyncio.new_event_loop())
    loop = IOLoop.current()
    yield lambda coroutine: loop.run_sync(lambda: coroutine, timeout=2 * SECONDS)
    loop.close(all_fds=False)
    asyncio.set_event_loop(None)


@pytest.fixture
def ZMQStream(submodule):
    return submodule("eventloop.zmqstream").ZMQStream


@pytest.fixture
def streams(run, ZMQStream, pair):
    """streams("PUSH", "PULL"): a stream on each of two sockets that are connected."""
    made = []

    def streams(one, two, **options):
        made.extend(ZMQStream(socket) for socket in pair(one, two, **options))
        return made[-2:]

    yield streams
    for stream in made:
        if not stream.closed():
            stream.close(0)


@pytest.fixture
def logged(caplog):
    """logged(): the messages that tornado's general log has got."""
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records if record.name == "tornado.general"]
