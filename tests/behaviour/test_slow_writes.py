"""A system that takes long to write: a program that waits for its own writes makes no pauses, and its messages leave together."""

import os

import pytest
from preload import run_with

pytestmark = [
    pytest.mark.better,  # the statistics that tell
    pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer makes a burst so slow that it is none"),
]

MESSAGES = 400

# One message, with which the connection is there; two that nobody drives, so that the I/O thread comes and takes the time from then on; then as many as
# the program can.
PROGRAM = f"""
import sys, zmqcore as zmq
context = zmq.Context()
%s
for count in 1, 2:
    for number in range(count):
        for sender in senders:
            sender.send(b"first")
    for receiver in receivers:
        for number in range(count):
            receiver.recv()
began = sum(sender.statistics().writes for sender in senders)
for number in range({MESSAGES}):
    for sender in senders:
        sender.send(b"%%d" %% number)
for receiver in receivers:
    assert [int(receiver.recv()) for number in range({MESSAGES})] == list(range({MESSAGES}))
print(sum(sender.statistics().writes for sender in senders) - began)
context.destroy(linger=0)
"""

PUSH = """
senders, receivers = [context.socket(zmq.PUSH)], [context.socket(zmq.PULL)]
receivers[0].rcvhwm = senders[0].sndhwm = 0
senders[0].connect(f"tcp://127.0.0.1:{receivers[0].bind_to_random_port('tcp://127.0.0.1')}")
"""

PUB = """
senders, receivers = [context.socket(zmq.XPUB)], [context.socket(zmq.SUB) for _ in range(8)]
senders[0].sndhwm, senders[0].xpub_verbose = 0, 1
port = senders[0].bind_to_random_port("tcp://127.0.0.1")
for receiver in receivers:
    receiver.rcvhwm = 0
    receiver.subscribe(b"")
    receiver.connect(f"tcp://127.0.0.1:{port}")
    senders[0].recv()
"""

IN_TURN = """
senders = [context.socket(zmq.PUSH) for _ in range(16)]
receivers = [context.socket(zmq.PULL) for _ in senders]
for sender, receiver in zip(senders, receivers):
    sender.sndhwm = receiver.rcvhwm = 0
    sender.connect(f"tcp://127.0.0.1:{receiver.bind_to_random_port('tcp://127.0.0.1')}")
"""


@pytest.mark.parametrize("opened, connections", [(PUSH, 1), (PUB, 8), (IN_TURN, 16)], ids=["PUSH", "PUB", "in turn"])
def test_writes_that_take_long_are_no_pauses(tmp_path, opened, connections):
    writes = int(run_with("slow_writes", tmp_path, PROGRAM % opened))
    assert writes < MESSAGES * connections // 2
