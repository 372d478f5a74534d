"""Memory is given back when a socket is quiet: what a burst has left behind is gone a second later, by the core's own clock."""

import sys

import pytest
from awaiting import endpoint, until
from countdown import advance, blocks

WITH_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()

# A socket that a program goes on reading from has the buffer for that: 64 KiB, and what stands before them.
READ_BUFFER = 65536 + 64


def rests(zmq, context, *waiting):
    """Until nothing is kept to be used again. The clock goes on by more than a rest each time, and the I/O thread is woken to look at it."""

    def look():
        advance(1.5)
        with context.socket(zmq.PULL) as other:
            other.bind("tcp://127.0.0.1:*")
        for socket in waiting:
            socket.poll(1)
        return context.statistics().recycled_bytes <= READ_BUFFER * len(waiting)

    until(look)


@pytest.mark.parametrize("waits", [True, False], ids=["waiting", "elsewhere"])
@pytest.mark.parametrize("scheme", ["tcp", "ipc"])
def test_buffers_queues_and_blocks_of_a_burst(zmq, context, make, fresh, scheme, waits):
    push, pull = make("PUSH", SNDHWM=0), make("PULL", RCVHWM=0)
    pull.bind(fresh(scheme))
    push.connect(endpoint(pull))
    push.send(b"first")
    pull.recv()
    for _ in range(1000):
        push.send_multipart([b"x" * 200, b"y"])
    for _ in range(10):
        push.send(bytes(300_000))
    for _ in range(1010):
        pull.recv_multipart()
    assert context.statistics().recycled_bytes > 300_000
    rests(zmq, context, *([pull] if waits else []))
    push.send(b"last")
    assert pull.recv() == b"last"


def test_after_the_first_rest_there_is_another_one(zmq, context, make, fresh):
    """A burst that comes right after memory was given back is followed by a rest of its own."""
    push, pull = make("PUSH", SNDHWM=0), make("PULL", RCVHWM=0)
    pull.bind(fresh("tcp"))
    push.connect(endpoint(pull))
    for _ in range(3):
        for _ in range(10):
            push.send(bytes(300_000))
        for _ in range(10):
            pull.recv()
        assert context.statistics().recycled_bytes > 300_000
        rests(zmq, context)


def test_queues_of_many_peers(zmq, context, make, fresh):
    router = make("ROUTER", SNDHWM=0)
    router.bind(fresh("tcp"))
    dealers = [make("DEALER", ROUTING_ID=b"%d" % n, RCVHWM=0) for n in range(20)]
    for dealer in dealers:
        dealer.connect(endpoint(router))
        dealer.send(b"here")
    for _ in dealers:
        router.recv_multipart()
    rests(zmq, context)
    before = blocks()
    for n in range(20):
        for _ in range(100):
            router.send_multipart([b"%d" % n, b"x" * 500])
    for dealer in dealers:
        for _ in range(100):
            dealer.recv()
    rests(zmq, context)
    assert blocks() <= before


@pytest.mark.parametrize("scheme", ["tcp", "ipc", "ws"])
def test_objects_for_large_frames(zmq, context, make, fresh, scheme):
    """What was handed out is known to the socket, and let go when it rests."""
    push, pull = make("PUSH"), make("PULL")
    pull.bind(fresh(scheme))
    push.connect(endpoint(pull))
    for _ in range(3):
        push.send(bytes(300_000))
        got = pull.recv()
    alone = sys.getrefcount(bytes(bytearray(300_000)))
    assert sys.getrefcount(got) == alone + 2 or not WITH_GIL  # the name, and the socket
    rests(zmq, context)
    assert sys.getrefcount(got) == alone + 1


def test_what_is_queued_stays(zmq, context, make, fresh):
    push, pull = make("PUSH"), make("PULL")
    pull.bind(fresh("tcp"))
    push.connect(endpoint(pull))
    for n in range(500):
        push.send(b"%d" % n)
    push.send(bytes(300_000))
    assert pull.recv() == b"0"
    for _ in range(3):
        advance(1.5)
        with context.socket(zmq.PULL) as other:
            other.bind("tcp://127.0.0.1:*")
        context.statistics()
    assert [pull.recv() for _ in range(499)] == [b"%d" % n for n in range(1, 500)]
    assert pull.recv() == bytes(300_000)
