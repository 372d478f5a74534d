"""Sockets that have nothing to do cost nothing, whatever the program has done with them before."""

import os
import sys
import time
from pathlib import Path

import pytest
from awaiting import endpoint

pytestmark = [
    pytest.mark.better,  # libzmq has other threads
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
]


class IOThread:
    """That of a context of its own: how often it has slept."""

    def __init__(self, context, connect):
        before = set(os.listdir("/proc/self/task"))
        connect(context)
        (self.number,) = set(os.listdir("/proc/self/task")) - before

    def sleeps(self):
        status = Path(f"/proc/self/task/{self.number}/status").read_text()
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    def check(self):
        had = self.sleeps()
        time.sleep(0.3)  # what is measured
        assert self.sleeps() - had < 80


@pytest.fixture
def context(zmq):
    context = zmq.Context()
    yield context
    context.destroy(0)


def test_a_closed_socket_that_waits_for_its_peer(zmq, context, fresh):
    """Its exported descriptor has nothing more to tell."""

    def connect(context):
        push = context.socket(zmq.PUSH)
        push.linger, push.reconnect_ivl = 600, 60000
        push.connect(fresh("tcp", ahead=True))
        push.getsockopt(zmq.FD)
        push.send(b"nobody comes for it")
        push.close()

    IOThread(context, connect).check()


def test_a_message_that_nobody_receives(zmq, context, fresh):
    """The exported descriptor tells of it all the time. Nobody looks; what comes by the connection is taken in all the same."""
    made = []

    def connect(context):
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        made.extend((pull, push))
        pull.bind(fresh("tcp"))
        push.connect(endpoint(pull))
        push.send(b"left alone")
        assert pull.poll(5000)
        pull.getsockopt(zmq.FD)
        pull.getsockopt(zmq.EVENTS)

    IOThread(context, connect).check()
    pull, push = made
    push.send(b"the next")
    end = time.monotonic() + 5
    while pull.statistics().queued_in < 2:
        assert time.monotonic() < end
    assert [pull.recv(), pull.recv()] == [b"left alone", b"the next"]
