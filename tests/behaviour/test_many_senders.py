"""One program that sends by many sockets in turn."""

import os
import subprocess
import sys

import pytest
from transports import PLAIN

pytestmark = [
    pytest.mark.better,  # the statistics that tell
    # What leaves together is what was sent within microseconds of the core's clock; there a send takes ten times as long.
    pytest.mark.skipif("tsan" in os.environ.get("LD_PRELOAD", ""), reason="ThreadSanitizer makes a burst so slow that it is none"),
]

MANY = 48
ROUNDS = 300

READER = """
import sys, zmqcore as zmq
pull = zmq.Context().socket(zmq.PULL)
pull.bind(sys.argv[1])
print(pull.last_endpoint.decode(), flush=True)
count = {}
for _ in range(int(sys.argv[2])):
    who, number = pull.recv().split()
    assert int(number) == count.get(who, 0), (who, number)
    count[who] = int(number) + 1
print(len(count), flush=True)
"""


@pytest.mark.parametrize("transport", PLAIN)
def test_sockets_that_take_turns_send_several_messages_with_one_write(make, fresh, transport):
    """Each is away from its connection for long, but only because the program writes to the others'. The reader is a process of its own."""
    command = [sys.executable, "-c", READER, fresh(transport), str(MANY * ROUNDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        where = reader.stdout.readline().strip()
        pushes = [make("PUSH", SNDHWM=0) for _ in range(MANY)]
        for push in pushes:
            push.connect(where)
        for number in range(ROUNDS):
            for who, push in enumerate(pushes):
                push.send(b"%d %d" % (who, number))
        assert int(reader.stdout.readline()) == MANY
    counts = [push.statistics() for push in pushes]
    assert sum(count.messages_left for count in counts) == MANY * ROUNDS
    assert sum(count.writes for count in counts) < MANY * ROUNDS // 2
