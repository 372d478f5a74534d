"""Whole sockets in two processes on two hosts, with a bad wire between them.

Nothing comes twice, out of order or torn. Loss, delay, reordering and duplicates of packets lose no message; where connections were lost there is at
most one gap for each. Sockets recover by themselves. Figures are printed (pytest -rP), not asserted.

ZMQCORE_NETWORK=long runs longer and shows the figures of pyzmq beside ours; ZMQCORE_NETWORK_SEED repeats a run.
"""
import importlib.util
import itertools
import os
import random
import time
from pathlib import Path

import numbered
import pytest
from wire import ADDRESSES, Wire

HERE = Path(__file__).parent

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
LONG = os.environ.get("ZMQCORE_NETWORK") == "long"
SEED = int(os.environ.get("ZMQCORE_NETWORK_SEED", "0"))
COUNT = 10000 if LONG else 1500           # messages
ROUNDS = 10 if LONG else 2              # resets, partitions
PARTITION = 5 if LONG else 0.7          # seconds
SECONDS = 120                           # for whatever must happen; retransmissions back off while packets are lost
KINDS = ["PUSH-PULL", "DEALER-ROUTER", "PUB-SUB"]
ENDPOINT = f"tcp://{ADDRESSES[1]}:5555"
# PUB drops at its mark: that is no loss of the network.
UNBOUNDED = ["--option", "SNDHWM=0"]

pytestmark = pytest.mark.timeout(1200 if LONG else 300)


class Course:
    """One way: a sender on host A, which connects, and a receiver on host B, which binds."""

    def __init__(self, folder, module, kinds, seed, options=(), count=10**9, pause=0.002):
        self.record, self.module, self.kinds = folder / f"{module}.record", module, kinds
        self.random, self.wire = random.Random(seed), Wire(seed)
        out, into = kinds.split("-")
        self.into = into
        more = [word for option in options for word in ("--option", option)]
        try:
            self.receiver = self.wire.start(1, module, "receive", into, ENDPOINT, "--bind", "--record", self.record, "--seconds", "900", *more)
            self.sender = self.wire.start(0, module, "send", out, ENDPOINT, "--count", str(count), "--seconds", "900", "--pause", str(pause),
                                          *UNBOUNDED, *more)
            self.reached(20)
        except BaseException:
            self.wire.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def arrived(self):
        return self.record.stat().st_size // numbered.RECORD.size if self.record.exists() else 0

    def reached(self, count):
        """Waits until so many have arrived; the seconds it took."""
        begin = time.monotonic()
        while self.arrived() < count:
            assert time.monotonic() < begin + SECONDS, f"no recovery: {self.arrived()} of {count} arrived"
            assert self.receiver.poll() is None, "the receiver ended"
            time.sleep(0.002)
        return time.monotonic() - begin

    def flows(self, more):
        return self.reached(self.arrived() + more)

    def end(self):
        """Both end in peace. How many were sent, how many are missing, and the gaps."""
        self.wire.order(loss=0, duplicate=0, late=0, delay=0, cut=False)
        self.sender.stdin.close()
        sent = int(self.sender.stdout.readline())
        assert self.sender.wait(SECONDS) == 0
        self.receiver.stdin.close()
        assert self.receiver.wait(SECONDS) == 0, "torn"
        numbers = [number for _, number in numbered.read_record(self.record)]
        wrong = [(a, b) for a, b in zip(numbers, numbers[1:]) if b <= a]
        assert not wrong, f"doubled or out of order: {wrong[:5]}"
        begin = numbers[0] if self.kinds == "PUB-SUB" else 0
        gaps = [(a, b) for a, b in zip([begin - 1, *numbers], [*numbers, sent]) if b != a + 1]
        return sent, sent - begin - len(numbers), gaps


@pytest.fixture
def seed():
    seed = SEED or random.SystemRandom().randrange(1, 10**9)
    print(f"ZMQCORE_NETWORK_SEED={seed}")
    return seed


def modules():
    """Who runs a scenario: the one under test, whose outcome is asserted; pyzmq for comparison only."""
    compare = LONG and MODULE != "zmq" and importlib.util.find_spec("zmq") is not None
    return [MODULE, "zmq"] if compare else [MODULE]


def told(module, kinds, sent, lost, recoveries=(), **more):
    longest = f", recovery at most {max(recoveries):.2f} s" if recoveries else ""
    print(f"{module} {kinds}: sent {sent}, lost {lost}{longest}", *(f"{name} {value}" for name, value in more.items()))


TROUBLES = {
    "loss": {"loss": 0.05},
    "delay": {"delay": 0.03},
    "reordered": {"late": 0.2, "late_by": 0.03, "duplicate": 0.1},
    "everything": {"loss": 0.02, "late": 0.2, "late_by": 0.03, "duplicate": 0.1, "delay": 0.005},
}


@pytest.mark.parametrize(("name", "kinds"), [
    pair for pair in itertools.product(TROUBLES, KINDS)
    if LONG or pair[0] == "everything" or pair in {("loss", "PUSH-PULL"), ("delay", "PUB-SUB"), ("reordered", "DEALER-ROUTER")}
])
def test_packets_in_trouble_lose_nothing(tmp_path, seed, name, kinds):
    trouble = TROUBLES[name]
    for module in modules():
        with Course(tmp_path, module, kinds, seed) as course:
            course.wire.order(**trouble)
            seconds = course.flows(COUNT)
            counts = course.wire.order()
            sent, lost, gaps = course.end()
        told(module, kinds, sent, lost, seconds=round(seconds, 2), **counts)
        assert counts["dropped"] > 0 or "loss" not in trouble
        assert counts["out_of_order"] > 0 or "late" not in trouble
        assert module != MODULE or not gaps, gaps


@pytest.mark.parametrize("kinds", KINDS)
def test_resets(tmp_path, seed, kinds):
    for module in modules():
        recoveries = []
        with Course(tmp_path, module, kinds, seed) as course:
            for _ in range(ROUNDS):
                course.flows(course.random.randrange(20, 200))
                course.wire.order(reset=True)
                recoveries.append(course.flows(20))
            assert course.wire.order()["resets"] >= ROUNDS
            sent, lost, gaps = course.end()
        told(module, kinds, sent, lost, recoveries, gaps=gaps)
        assert module != MODULE or len(gaps) <= ROUNDS, gaps


@pytest.mark.parametrize(("kinds", "heartbeats"), [
    pair for pair in itertools.product(KINDS, [False, True]) if LONG or not pair[1] or pair[0] == "DEALER-ROUTER"
])
def test_partitions(tmp_path, seed, kinds, heartbeats):
    """Without heartbeats TCP itself bridges them and nothing is lost; with them the connections are lost and made anew."""
    # Long enough that a busy machine is not taken for a partition.
    options = ["HEARTBEAT_IVL=200", "HEARTBEAT_TIMEOUT=1000", "CONNECT_TIMEOUT=500"] if heartbeats else []
    for module in modules():
        recoveries = []
        with Course(tmp_path, module, kinds, seed, options) as course:
            for _ in range(ROUNDS):
                course.flows(course.random.randrange(20, 200))
                course.wire.order(cut=True)
                time.sleep(max(PARTITION, 2) if heartbeats else PARTITION)      # the fault itself
                course.wire.order(cut=False)
                recoveries.append(course.flows(20))
            sent, lost, gaps = course.end()
        told(module, kinds, sent, lost, recoveries)
        if module == MODULE:
            assert len(gaps) <= (ROUNDS if heartbeats else 0), gaps


@pytest.mark.parametrize("kinds", KINDS)
def test_the_receivers_host_vanishes(tmp_path, seed, kinds):
    """No FIN and no RST tells the sender. The host comes back with nothing of its connections, and a new process."""
    for module in modules():
        recoveries = []
        with Course(tmp_path, module, kinds, seed) as course:
            for _ in range(ROUNDS):
                course.flows(course.random.randrange(20, 200))
                course.wire.order(cut=True, vanish=1)
                course.receiver.kill()
                course.receiver.wait()
                course.receiver = course.wire.start(1, module, "receive", course.into, ENDPOINT, "--bind", "--record", course.record,
                                                    "--seconds", "900")
                course.wire.order(cut=False)
                recoveries.append(course.flows(20))
            sent, lost, gaps = course.end()
        told(module, kinds, sent, lost, recoveries)
        assert module != MODULE or len(gaps) <= ROUNDS, gaps


@pytest.mark.parametrize("kinds", KINDS if LONG else ["DEALER-ROUTER"])
def test_the_senders_host_vanishes(tmp_path, seed, kinds):
    """The receiver's old connection is half open for ever: what comes through new ones is not held up by it, and all that had come stays."""
    for module in modules():
        with Course(tmp_path, module, kinds, seed) as course:
            for name in range(1, ROUNDS + 1):
                course.flows(course.random.randrange(20, 200))
                course.wire.order(cut=True, vanish=0)
                course.sender.kill()
                course.sender.wait()
                course.sender = course.wire.start(0, module, "send", kinds.split("-")[0], ENDPOINT, "--seconds", "900", "--name", str(name),
                                                  *UNBOUNDED)
                course.wire.order(cut=False)
                course.flows(20)
            course.sender.stdin.close()
            sent = int(course.sender.stdout.readline())
            assert course.sender.wait(SECONDS) == 0
            course.receiver.stdin.close()
            assert course.receiver.wait(SECONDS) == 0, "torn"
        record = numbered.read_record(course.record)
        assert [name for name, _ in record] == sorted(name for name, _ in record)
        for name in range(ROUNDS + 1):
            numbers = [number for each, number in record if each == name]
            begin = numbers[0] if kinds == "PUB-SUB" else 0
            assert module != MODULE or numbers == list(range(begin, begin + len(numbers))), f"start {name}: gaps"
        told(module, kinds, sent, sent - begin - len(numbers))
        assert module != MODULE or numbers[-1] == sent - 1


def test_requests_and_replies(tmp_path, seed):
    """Loss, a reset and a partition. Who gets no answer asks anew with another socket; no answer is that of another question."""
    for module in modules():
        asked, replies, wire = tmp_path / f"{module}.asked", tmp_path / f"{module}.replies", Wire(seed)

        def reached(more, replies=replies):
            begin, deadline = len(numbered.read_record(replies)), time.monotonic() + SECONDS
            while len(numbered.read_record(replies)) < begin + more:
                assert time.monotonic() < deadline, "no recovery"
                time.sleep(0.01)

        try:
            answerer = wire.start(1, module, "answer", "REP", ENDPOINT, "--bind", "--record", asked, "--seconds", "900")
            asker = wire.start(0, module, "ask", "REQ", ENDPOINT, "--record", replies, "--seconds", "900", "--patience", "1000")
            for _ in range(ROUNDS):
                wire.order(loss=0.05)
                reached(20)
                wire.order(reset=True, loss=0)
                reached(20)
                wire.order(cut=True)
                time.sleep(PARTITION)
                wire.order(cut=False)
                reached(20)
            asker.stdin.close()
            sent = int(asker.stdout.readline())
            assert asker.wait(SECONDS) == 0
            answerer.stdin.close()
            assert answerer.wait(SECONDS) == 0
        finally:
            wire.close()
        questions, answers = ([number for _, number in numbered.read_record(path)] for path in (asked, replies))
        told(module, "REQ-REP", sent, sent - len(answers), never_asked=sent - len(questions))
        for numbers in (questions, answers):
            assert module != MODULE or all(b > a for a, b in zip(numbers, numbers[1:])), "doubled or out of order"
        assert set(answers) <= set(questions)
