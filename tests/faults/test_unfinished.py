"""Memory runs out inside a message of several frames. What had been taken of it is given up with it: it is not the beginning of the next."""

import contextlib
import itertools

import pytest
from countdown import memory_fails

PAIRS = [
    ("PUSH", "PULL", {}),
    ("PUSH", "PULL", {"CONFLATE": 1}),
    ("DEALER", "DEALER", {}),
    ("DEALER", "DEALER", {"CONFLATE": 1}),
    ("PAIR", "PAIR", {}),
    ("DEALER", "ROUTER", {}),
    ("ROUTER", "DEALER", {}),
    ("REQ", "REP", {"REQ_RELAXED": 1}),
    ("XSUB", "XPUB", {}),
    ("PUB", "SUB", {}),
]
NAMES = ["-".join([a, b, *options]) for a, b, options in PAIRS]
SIZES = (300, 10, 70_000, 40)


def message(number):
    return [b"%d %d " % (number, i) + bytes(size) for i, size in enumerate(SIZES)]


def number_of(parts):
    """Which message it is; it must be whole."""
    number = int(parts[0].split()[0])
    assert parts == message(number), [(part[:12], len(part)) for part in parts]
    return number


def connected(zmq, context, sender, receiver, options, endpoint):
    a, b = context.socket(getattr(zmq, sender)), context.socket(getattr(zmq, receiver))
    for s in (a, b):
        s.linger = 0
        s.rcvtimeo = s.sndtimeo = 5000
    for name, value in options.items():
        a.setsockopt(getattr(zmq, name), value)
    if receiver == "DEALER" and sender == "ROUTER":
        b.routing_id = b"peer"
    if receiver == "SUB":
        b.subscribe(b"")
    a.reconnect_ivl = b.reconnect_ivl = 1
    b.bind(endpoint)
    a.connect(b.last_endpoint)
    return a, b


@pytest.mark.parametrize("transport", ["tcp", "inproc"])
@pytest.mark.parametrize(("sender", "receiver", "options"), PAIRS, ids=NAMES)
def test_the_next_message_does_not_go_on_with_it(zmq, sender, receiver, options, transport):
    context = zmq.Context()
    front = [b"peer"] if sender == "ROUTER" else []
    back = 1 if receiver == "ROUTER" else 0
    endpoint = "inproc://here" if transport == "inproc" else "tcp://127.0.0.1:*"
    a, b = connected(zmq, context, sender, receiver, options, endpoint)
    numbers = itertools.count(1)

    def exchange(number):
        """Sends one until it arrives, which takes more than one attempt if the last failure has cost the connection."""
        b.rcvtimeo = 200
        for _ in range(50):
            try:
                a.send_multipart(front + message(number))
                while True:
                    arrived = number_of(b.recv_multipart()[back:])
                    if receiver == "REP":
                        b.send(b"")
                    if arrived == number:
                        return
            except zmq.Again:
                pass
        pytest.fail("nothing comes any more")

    if sender == "ROUTER":
        a.router_mandatory = 1
        b.send(b"here I am")
        a.recv_multipart()
    exchange(next(numbers))
    for nth in range(1, 40):
        with memory_fails(nth) as fault:
            with contextlib.suppress(MemoryError, zmq.ZMQError):
                a.send_multipart(front + message(next(numbers)))
        for _ in range(2):
            try:
                a.send_multipart(front + message(next(numbers)))
            except zmq.ZMQError as error:
                assert error.errno in (zmq.EAGAIN, zmq.EHOSTUNREACH)
        if not fault.happened:
            break
        exchange(next(numbers))
    context.destroy(linger=0)


@pytest.mark.parametrize("transport", ["tcp", "inproc"])
def test_nor_where_an_xpub_reads_it(zmq, transport):
    """An XPUB keeps what its peers send besides subscriptions in a queue of its own."""
    endpoint = "inproc://there" if transport == "inproc" else "tcp://127.0.0.1:*"
    for nth in itertools.count(1):
        context = zmq.Context()
        a, b = connected(zmq, context, "XSUB", "XPUB", {}, endpoint)
        a.send_multipart(message(0))
        assert number_of(b.recv_multipart()) == 0
        for number in range(1, 31):
            a.send_multipart(message(number))
        got = []
        with memory_fails(nth) as fault:
            with contextlib.suppress(MemoryError, zmq.ZMQError):
                while True:
                    got.append(number_of(b.recv_multipart()))
                    b.rcvtimeo = 100
        with contextlib.suppress(zmq.Again):
            while True:
                got.append(number_of(b.recv_multipart()))
        context.destroy(linger=0)
        assert got == sorted(set(got))
        if not fault.happened:
            assert got == list(range(1, 31))
            break


@pytest.mark.parametrize("sender", ["XSUB", "PUB"])
def test_a_connect_that_waits_for_its_bind_outlives_it(zmq, sender):
    """Nothing of the message has left the queue, so the queue need not end with it. It is long enough for the queue to grow inside it."""
    long = [b"part"] * 200
    for nth in itertools.count(1):
        context = zmq.Context()
        a, b = context.socket(getattr(zmq, sender)), context.socket(zmq.XPUB if sender == "XSUB" else zmq.SUB)
        b.rcvtimeo = 5000
        if sender == "PUB":
            a.invert_matching = b.invert_matching = 1       # all messages, without a subscription
        a.connect("inproc://later")
        with memory_fails(nth) as fault, contextlib.suppress(MemoryError, zmq.ZMQError):
            a.send_multipart(long)
        a.send_multipart(message(2))
        b.bind("inproc://later")
        parts = b.recv_multipart()
        assert number_of(b.recv_multipart() if parts == long else parts) == 2
        context.destroy(linger=0)
        if not fault.happened:
            break
