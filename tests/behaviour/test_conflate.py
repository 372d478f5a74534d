"""CONFLATE at the receiving end: the newest whole message, whatever its size, its frames and the way it came."""

import os
import subprocess
import sys

import pytest
from awaiting import received, until

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
@pytest.mark.parametrize("kind", ["tcp", "ipc", "inproc"])
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
    assert received(pull, 50) == [[b"9", b"x" * 500]]
    push.send(b"whole")
    assert received(pull, 50) == [[b"unfinished", b"whole"]]
    for number in range(10):
        push.send(b"%d" % number)
    assert received(pull, 50) == [[b"9"]]


@pytest.mark.parametrize("kind", ["tcp", "ipc"])
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
