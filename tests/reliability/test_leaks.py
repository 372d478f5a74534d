"""What a conversation allocates below Python is given back. Counted by the C library, so a few octets for each of some hundred rounds show."""

import ctypes
import gc
import sys

import pytest
from awaiting import endpoint

pytestmark = [
    pytest.mark.better,  # libzmq keeps pools of its own
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc"),
]


class Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def allocated():
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Mallinfo2
    facts = libc.mallinfo2()
    return facts.uordblks + facts.hblkhd


def monitor_without_consumer(zmq, context, number):
    with context.socket(zmq.PUSH) as socket:
        socket.monitor(f"inproc://monitor{number}", zmq.EVENT_ALL)
        socket.bind("inproc://place")
        if number % 2:
            socket.disable_monitor()


def conflating_pair(zmq, context, number):
    with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
        push.conflate = pull.conflate = 1
        pull.bind("inproc://place")
        push.connect("inproc://place")
        push.send(b"x")
        assert pull.recv() == b"x"


def pair_that_leaves_messages(zmq, context, number):
    with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
        pull.bind("inproc://place")
        push.connect("inproc://place")
        for size in (1, 100, 10000):
            push.send_multipart([bytes(size), bytes(size)])


def connect_without_bind(zmq, context, number):
    with context.socket(zmq.DEALER) as socket:
        socket.connect("inproc://nobody")
        socket.send_multipart([b"x", bytes(1000)])
        socket.linger = 0


def request_over_tcp(zmq, context, number):
    with context.socket(zmq.REQ) as req, context.socket(zmq.REP) as rep:
        rep.bind("tcp://127.0.0.1:*")
        req.connect(endpoint(rep))
        req.send(bytes(number * 50))
        rep.send(rep.recv())
        req.recv()


# The last number: octets for each round that are put down to the C library's and Python's own bookkeeping. Over tcp the I/O thread is still at it.
@pytest.mark.parametrize(
    ("conversation", "allowed"),
    [
        (monitor_without_consumer, 100),
        (conflating_pair, 30),
        (pair_that_leaves_messages, 30),
        (connect_without_bind, 30),
        (request_over_tcp, 300),
    ],
)
def test_gives_everything_back(zmq, conversation, allowed):
    def run(rounds):
        with zmq.Context() as context:
            for number in range(rounds):
                conversation(zmq, context, number)
        gc.collect()
        return allocated()

    run(300)
    before = run(300)
    assert run(600) - before < 600 * allowed
