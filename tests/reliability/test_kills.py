"""Senders, receivers and brokers are killed, stopped and continued at random moments, and started again at the same address.

Nothing comes twice, out of order or torn; the others go on by themselves; and messages are missing only where a killed process explains it. Each test
prints its seed; ZMQCORE_KILLS_SEED repeats it, ZMQCORE_KILLS (3) is the number of faults.
"""
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numbered
import pytest
from transports import NETWORKS

HERE = Path(__file__).parent

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
FAULTS = int(os.environ.get("ZMQCORE_KILLS", "3"))
SEED = int(os.environ.get("ZMQCORE_KILLS_SEED", "0"))
SECONDS = 20            # until what must happen has happened

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP"),
    pytest.mark.timeout(90 + 2 * SECONDS * FAULTS),
]


class Party:
    """A process of numbered.py that is started anew whenever it was killed. `named`: each start has a name of its own."""

    serial = itertools.count(1)

    def __init__(self, *arguments, record=None, named=False):
        self.arguments, self.record, self.named = arguments, record, named
        self.process = None
        self.names = []         # of all starts; the last one's is the one to end in peace
        self.start()

    def start(self):
        arguments = [MODULE, *self.arguments, "--seconds", str(60 + 2 * SECONDS * FAULTS)]
        if self.record:
            arguments += ["--record", str(self.record)]
        if self.named:
            self.names.append(next(self.serial))
            arguments += ["--name", str(self.names[-1])]
        self.process = subprocess.Popen([sys.executable, str(HERE / "numbered.py"), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))))
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def finish(self):
        """It ends by itself; what it printed."""
        self.process.stdin.close()
        output = self.process.stdout.read()
        assert self.process.wait(SECONDS) == 0
        self.process.stdout.close()
        return output


class Scene:
    def __init__(self, folder, transport, seed):
        self.folder, self.transport, self.seed = folder, transport, seed
        self.random = random.Random(seed)
        self.parties = []
        self.record = folder / "record"

    def endpoint(self, name):
        if self.transport == "ipc":
            return f"ipc://{self.folder}/{name}"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return f"tcp://127.0.0.1:{listener.getsockname()[1]}"

    def party(self, *arguments, **more):
        self.parties.append(Party(*arguments, **more))
        return self.parties[-1]

    def grows(self, path, more=1, name=None):
        """Waits until `more` further messages (of that name) are in the record."""
        def count():
            if name is None:
                return path.stat().st_size // numbered.RECORD.size if path.exists() else 0
            return sum(1 for each, _ in numbered.read_record(path) if each == name)

        begin = count()
        deadline = time.monotonic() + SECONDS
        while count() < begin + more:
            for party in self.parties:
                assert party.process.poll() in (None, 0), f"a process ended: {party.arguments}"
            assert time.monotonic() < deadline, f"no recovery: {count() - begin} of {more} messages came"
            time.sleep(0.003)

    def strike(self, victims, progress):
        """Faults at random moments; after each the messages flow again."""
        killed, stopped = [], []
        self.grows(progress, 20)
        for _ in range(FAULTS):
            self.grows(progress, self.random.randrange(1, 300))
            victim = self.random.choice(victims)
            if self.random.random() < 0.4:
                stopped.append(victim)
                victim.process.send_signal(signal.SIGSTOP)
                time.sleep(self.random.random() * 0.3)      # how long it is stopped is the fault itself
                victim.process.send_signal(signal.SIGCONT)
            else:
                killed.append(victim)
                victim.kill()
                time.sleep(self.random.choice([0, 0, 0.1]))
                victim.start()
            self.grows(progress, 20)
        return killed, stopped

    def end(self):
        for party in self.parties:
            if party.process.poll() is None:
                party.kill()


@pytest.fixture
def scene(tmp_path, transport, request):
    seed = SEED or random.SystemRandom().randrange(1, 10**9)
    print(f"ZMQCORE_KILLS_SEED={seed}")
    scene = Scene(tmp_path, transport, seed)
    yield scene
    scene.end()


@pytest.fixture(params=NETWORKS)
def transport(request):
    return request.param


def numbers_of(record):
    """name -> its numbers in the order of arrival; strictly rising, or it is a fault."""
    numbers = {}
    for name, number in numbered.read_record(record):
        numbers.setdefault(name, []).append(number)
    for name, seen in numbers.items():
        wrong = [(a, b) for a, b in zip(seen, seen[1:]) if b <= a]
        assert not wrong, f"sender {name}: doubled or out of order at {wrong[:5]}"
    return numbers


def gaps(seen):
    return [(a, b) for a, b in zip(seen, seen[1:]) if b != a + 1]


@pytest.mark.parametrize("victims", ["sender", "receiver", "both"])
@pytest.mark.parametrize("binder", ["sender", "receiver"])
@pytest.mark.parametrize("kinds", ["PUSH-PULL", "DEALER-ROUTER", "PUB-SUB"])
def test_one_way(scene, kinds, binder, victims):
    out, into = kinds.split("-")
    endpoint = scene.endpoint("s")
    flags = {binder: ["--bind"]}
    receiver = scene.party("receive", into, endpoint, *flags.get("receiver", []), record=scene.record)
    sender = scene.party("send", out, endpoint, *flags.get("sender", []), named=True)
    chosen = {"sender": [sender], "receiver": [receiver], "both": [sender, receiver]}[victims]
    killed = scene.strike(chosen, scene.record)[0]
    scene.grows(scene.record, 50, sender.names[-1])
    sent = int(sender.finish())
    receiver.finish()
    numbers = numbers_of(scene.record)
    assert set(numbers) <= set(sender.names)
    for name, seen in numbers.items():
        if out != "PUB" and receiver not in killed:
            # Nobody lost what had arrived: up to the moment its sender was killed all is there.
            assert seen[0] == 0 and not gaps(seen), f"sender {name}: lost {gaps(seen)[:5]}"
        elif out != "PUB":
            # One gap for each receiver that was killed, no more.
            assert len(gaps(seen)) + (seen[0] != 0) <= killed.count(receiver), f"sender {name}: lost {gaps(seen)[:9]}"
    if out != "PUB":
        assert numbers[sender.names[-1]][-1] == sent - 1, "the end is missing, and no one was killed any more"


@pytest.mark.parametrize("kinds", ["PUSH-PULL", "DEALER-ROUTER"])
def test_only_stopped(scene, kinds):
    """Both sides, again and again: without heartbeats nothing is lost at all."""
    out, into = kinds.split("-")
    endpoint = scene.endpoint("s")
    receiver = scene.party("receive", into, endpoint, "--bind", record=scene.record)
    sender = scene.party("send", out, endpoint, named=True)
    for _ in range(FAULTS * 3):
        scene.grows(scene.record, scene.random.randrange(1, 100))
        victim = scene.random.choice([sender, receiver])
        victim.process.send_signal(signal.SIGSTOP)
        time.sleep(scene.random.random() * 0.2)
        victim.process.send_signal(signal.SIGCONT)
    sent = int(sender.finish())
    receiver.finish()
    assert numbers_of(scene.record) == {sender.names[0]: list(range(sent))}


@pytest.mark.parametrize("victims", ["asker", "answerer", "all"])
def test_request_and_reply(scene, victims):
    endpoint, replies = scene.endpoint("s"), scene.folder / "replies"
    answerer = scene.party("answer", "REP", endpoint, "--bind", record=scene.record)
    askers = [scene.party("ask", "REQ", endpoint, "--pause", "0", record=replies, named=True) for _ in range(2)]
    chosen = {"asker": askers[:1], "answerer": [answerer], "all": [*askers, answerer]}[victims]
    scene.strike(chosen, replies)
    for asker in askers:
        scene.grows(replies, 10, asker.names[-1])
    for asker in askers:
        asker.finish()
    answerer.finish()
    asked, answered = numbers_of(scene.record), numbers_of(replies)
    for name, numbers in answered.items():
        assert set(numbers) <= set(asked[name])


@pytest.mark.parametrize("victims", ["broker", "all"])
@pytest.mark.parametrize("kinds", ["PULL-PUSH", "ROUTER-DEALER"])
def test_with_a_broker(scene, kinds, victims):
    front, back = scene.endpoint("front"), scene.endpoint("back")
    broker = scene.party("pass", kinds, front, "--back", back)
    if kinds == "PULL-PUSH":
        watched = scene.record
        last = scene.party("receive", "PULL", back, record=scene.record)
        first = scene.party("send", "PUSH", front, named=True)
    else:
        watched = scene.folder / "replies"
        last = scene.party("answer", "REP", back, record=scene.record)
        first = scene.party("ask", "REQ", front, "--pause", "0", record=watched, named=True)
    scene.strike([broker] if victims == "broker" else [broker, first, last], watched)
    scene.grows(watched, 20, first.names[-1])
    first.finish()
    last.finish()
    broker.finish()
    numbers_of(scene.record)
    numbers_of(watched)
