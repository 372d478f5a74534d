"""No message lost, doubled or out of order when the sender leaves at once; none doubled or out of order when the receiver is killed.

The numbers are small by default; ZMQCORE_DELIVERY_COUNT=1000000 ZMQCORE_DELIVERY_REPEATS=20 is the full run.
"""
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from awaiting import endpoint
from transports import NETWORKS

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
COUNT = int(os.environ.get("ZMQCORE_DELIVERY_COUNT", "100000"))
REPEATS = int(os.environ.get("ZMQCORE_DELIVERY_REPEATS", "2"))
KILLS = int(os.environ.get("ZMQCORE_DELIVERY_KILLS", "5"))
# Large enough that the kernel's buffers (about 10 MB on a loopback connection) hold only a small part of the whole.
KILLED_SIZE = 2000
# So much that most of it is still with the sender when that ends, for three seconds.
LARGE_COUNT, LARGE_SIZE, PAUSE = 60, 1 << 20, 0.05
HERE = Path(__file__).parent

pytestmark = pytest.mark.timeout(60 + COUNT * REPEATS // 20000)


def started(script, *arguments, **more):
    return subprocess.Popen([sys.executable, str(HERE / script), MODULE, *map(str, arguments)],
                            env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))), **more)


@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("repeat", range(REPEATS))
def test_sender_leaves_at_once(zmq, fresh, transport, repeat):
    with zmq.Context() as context:
        pull = context.socket(zmq.PULL)
        pull.rcvtimeo = 20000
        pull.bind(fresh(transport))
        sender = started("push_and_exit.py", endpoint(pull), COUNT)
        try:
            for number in range(COUNT):
                got = int(pull.recv())
                assert got == number
            assert sender.wait(20) == 0
            assert not pull.poll(50), "more came than was sent"
        finally:
            sender.kill()
            sender.wait()
            pull.close(linger=0)


@pytest.mark.parametrize("ending", ["closed", "open"])
@pytest.mark.parametrize("transport", NETWORKS)
def test_sender_leaves_while_the_receiver_takes_its_time(zmq, fresh, transport, ending):
    """For longer than a process that ends would wait for a peer that takes nothing."""
    with zmq.Context() as context:
        pull = context.socket(zmq.PULL)
        pull.rcvtimeo = 20000
        pull.rcvhwm = 1
        pull.bind(fresh(transport))
        sender = started("push_and_exit.py", endpoint(pull), LARGE_COUNT, LARGE_SIZE, ending)
        try:
            for number in range(LARGE_COUNT):
                assert int(pull.recv()) == number
                time.sleep(PAUSE)
            assert sender.wait(20) == 0
        finally:
            sender.kill()
            sender.wait()
            pull.close(linger=0)


def last_number(record):
    octets = record.read_bytes()
    return int.from_bytes(octets[-8:], "big") if octets else -1


@pytest.mark.parametrize("transport", NETWORKS)
def test_receiver_is_killed_again_and_again(tmp_path, fresh, transport):
    """What was on its way to a killed receiver may be lost; nothing comes twice, nothing out of order, and the last message arrives."""
    endpoint = fresh(transport, ahead=True)
    record = tmp_path / "record"
    sender = started("push_and_exit.py", endpoint, COUNT, KILLED_SIZE)
    receiver = None
    try:
        kills = 0
        while True:
            receiver = started("record_pulled.py", endpoint, record, COUNT - 1, stdout=subprocess.PIPE)
            assert receiver.stdout.readline() == b"bound\n"
            # Only in the first half, so that the last message is never among those on their way to a killed receiver.
            if kills == KILLS or last_number(record) > COUNT // 2:
                break
            size = record.stat().st_size + 8 * (COUNT // (10 * KILLS))
            deadline = time.monotonic() + 20
            while record.stat().st_size < size:
                assert time.monotonic() < deadline, f"nothing more came after {last_number(record)}"
                time.sleep(0.001)
            receiver.kill()
            receiver.wait()
            receiver.stdout.close()
            kills += 1
        assert kills > 0
        assert receiver.stdout.readline() == b"last\n"
        assert sender.wait(20) == 0
    finally:
        for process in (sender, receiver):
            if process is not None:
                process.kill()
                process.wait()
        if receiver is not None:
            receiver.stdout.close()
    octets = record.read_bytes()
    numbers = struct.unpack(f">{len(octets) // 8}Q", octets[:len(octets) // 8 * 8])
    assert numbers[-1] == COUNT - 1
    assert all(later > earlier for earlier, later in zip(numbers, numbers[1:])), "doubled or out of order"
