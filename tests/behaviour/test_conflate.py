"""CONFLATE at the receiving end: the newest whole message, whatever its size, its frames and the way it came."""

import os
import subprocess
import sys
import threading

import pytest
from awaiting import received, silent, until
from transports import NETWORKS, TRANSPORTS

SIZES = [0, 1, 48, 49, 500, 4000, 20_000, 300_000]  # inside the message, views of a receive buffer, blocks of their own
BURST = """
import importlib, sys
zmq = importlib.import_module(sys.argv[1])
sender, receiver, endpoint, frames = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
context = zmq.Context()
target = context.socket(getattr(zmq, receiver))
target.conflate = 1
target.rcvhwm = 1
target.rcvtimeo = 30_000
target.linger = 0
target.bind(endpoint)
source = context.socket(getattr(zmq, sender))
source.sndtimeo = 30_000
source.linger = 0
source.connect(target.last_endpoint)
if receiver == "SUB":
    target.subscribe(b"")
    if sender == "XPUB":
        while not source.poll(1):
            target.getsockopt(zmq.EVENTS)
        source.recv()
for size in map(int, sys.argv[6:]):
    for number in range(300):
        body = b"%d " % number + b"%c" % (number % 251) * size
        source.send_multipart([body] * frames)
        if number == 5:
            target.recv_multipart()
    while True:
        message = target.recv_multipart()
        number = int(message[0].split(b" ")[0])
        assert message == [b"%d " % number + b"%c" % (number % 251) * size] * frames, (size, number)
        if number == 299:
            break
    assert not target.poll(0)
for number in range(300):
    source.send_multipart([b"%c" % (number % 251) * 500] * frames)
target.close()
source.close()
context.term()
"""


@pytest.mark.better
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("kind", TRANSPORTS)
@pytest.mark.parametrize("sender, receiver", [("PUSH", "PULL"), ("XPUB", "SUB"), ("DEALER", "DEALER")])
def test_HWM_16_bursts_of_every_size(zmq, fresh, sender, receiver, kind, frames):
    # Freed memory is overwritten, so that what is still read of it shows.
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)), MALLOC_PERTURB_="165")
    program = [sys.executable, "-c", BURST, zmq.__name__, sender, receiver, fresh(kind), str(frames), *map(str, SIZES)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.better
@pytest.mark.parametrize("binder", ["first", "last"])
def test_HWM_16_a_receiver_that_binds_after_the_messages_conflates_them(zmq, make, fresh, binder):
    endpoint = fresh("inproc")
    pull = make("PULL", CONFLATE=1)
    push = make("PUSH")
    if binder == "first":
        pull.bind(endpoint)
    push.connect(endpoint)
    for number in range(10):
        push.send_multipart([b"%d" % number, b"x" * 500])
    push.send(b"unfinished", zmq.SNDMORE)
    if binder == "last":
        pull.bind(endpoint)
    assert received(pull, 0) == [[b"9", b"x" * 500]]
    push.send(b"whole")
    assert received(pull, 0) == [[b"unfinished", b"whole"]]
    for number in range(10):
        push.send(b"%d" % number)
    assert received(pull, 0) == [[b"9"]]


@pytest.mark.parametrize("kind", NETWORKS)
def test_HWM_16_a_receiver_that_closes_while_messages_come(zmq, make, fresh, kind):
    push = make("PUSH", SNDHWM=0)
    endpoint = fresh(kind)
    push.bind(endpoint)
    for _ in range(30):
        pull = make("PULL", CONFLATE=1)
        pull.connect(push.last_endpoint)
        until(lambda: push.poll(5, zmq.POLLOUT))
        for number in range(200):
            push.send_multipart([b"%d" % number * 100, b"x" * 300])
        pull.recv_multipart()
        pull.close(0)


@pytest.mark.better  # libzmq does so over tcp and ipc, but over inproc only if the connecting socket has CONFLATE
@pytest.mark.parametrize("sender, receiver", [("PUSH", "PULL"), ("XPUB", "SUB"), ("DEALER", "DEALER")])
def test_HWM_16_what_poll_has_told_of_gives_way_to_what_is_newer(zmq, make, fresh, sender, receiver):
    target, source = make(receiver, CONFLATE=1), make(sender)
    target.bind(fresh("inproc"))
    source.connect(target.last_endpoint)
    if receiver == "SUB":
        target.subscribe(b"")
        assert source.recv() == b"\1"
    for number in range(3):
        source.send(b"old %d" % number)
        assert target.poll(5000) == zmq.POLLIN
        source.send(b"older")
        assert target.getsockopt(zmq.EVENTS) & zmq.POLLIN
        source.send(b"new %d" % number)
        assert target.recv() == b"new %d" % number
        assert target.poll(0) == 0


@pytest.mark.better  # libzmq has no multipart messages here
def test_HWM_16_a_message_that_is_being_read_stays_whole(zmq, make, fresh):
    pull, push = make("PULL", CONFLATE=1), make("PUSH")
    pull.bind(fresh("inproc"))
    push.connect(pull.last_endpoint)
    push.send_multipart([b"1", b"old"])
    assert pull.poll(5000) == zmq.POLLIN
    push.send_multipart([b"2", b"newer"])
    assert pull.recv() == b"2"
    push.send_multipart([b"3", b"newest"])
    assert pull.poll(0) == zmq.POLLIN
    assert pull.recv() == b"newer" and not pull.rcvmore
    assert pull.recv_multipart() == [b"3", b"newest"]
    silent(pull)


@pytest.mark.better  # the same
@pytest.mark.parametrize("frames", [1, 2])
def test_HWM_16_discarding_what_does_not_match_keeps_what_is_newer(zmq, make, fresh, frames):
    """Two threads: what a SUB drops is the message that it has looked at, whatever comes meanwhile."""
    sub, pub = make("SUB", CONFLATE=1, RCVTIMEO=60_000), make("XPUB", XPUB_MANUAL=1)
    sub.bind(fresh("inproc"))
    pub.connect(sub.last_endpoint)
    sub.subscribe(b"yes")
    assert pub.recv() == b"\1yes"
    pub.setsockopt(zmq.SUBSCRIBE, b"")  # it gets everything and has to choose

    def publish():
        for number in range(3000):
            pub.send_multipart([b"no %d" % number] + [b"x"] * (frames - 1))
            pub.send_multipart([b"yes %d" % number] + [b"x"] * (frames - 1))

    thread = threading.Thread(target=publish)
    thread.start()
    while True:
        message = sub.recv_multipart()
        assert message[0].startswith(b"yes") and len(message) == frames
        if message[0] == b"yes 2999":
            break
    thread.join()
