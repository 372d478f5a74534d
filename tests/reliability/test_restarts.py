"""A process is killed and started again at the same address again and again, while the other side goes on. The counters account for every message.

A process that is killed takes along what it had not recorded, and what the systems had taken for it. How much that is the survivor's counters tell to the
message: what had left by each kill and was not recorded. So each life begins with the very message that the counters name, and nothing comes twice.
ZMQCORE_RESTARTS is the number of kills, 50 unless it is set.
"""
import os
import signal
import threading

import numbered
import pytest
from awaiting import endpoint, until
from reborn import RECORD, Reborn, records, small
from transports import PLAIN, unused_port

KILLS = int(os.environ.get("ZMQCORE_RESTARTS", "50"))

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs fork and SIGKILL"),
    pytest.mark.timeout(120 + KILLS),
]


@pytest.fixture(params=PLAIN)
def address(request, tmp_path):
    return f"ipc://{tmp_path}/reborn" if request.param == "ipc" else f"tcp://127.0.0.1:{unused_port()}"


@pytest.fixture
def reborn(zmq):
    made = []

    def reborn(*arguments):
        made.append(Reborn(zmq.__name__, *arguments))
        return made[-1]

    yield reborn
    assert [one.end() for one in made] == [0] * len(made)


class Sender(threading.Thread):
    """Sends until it is told to end; the answers that come are kept."""

    def __init__(self, socket, answered):
        super().__init__(daemon=True)
        self.socket, self.answered = socket, answered
        self.sent, self.answers, self.over = 0, [], False

    def run(self):
        while not self.over:
            self.socket.send_multipart(numbered.message(0, self.sent))
            self.sent += 1
            while self.answered and self.socket.poll(0):
                self.answers.append(numbered.parsed(self.socket.recv_multipart())[1])


def framed(number):
    """Octets of that message on the wire."""
    return sum(len(frame) + (2 if len(frame) < 256 else 9) for frame in numbered.message(0, number))


def written(number, octets):
    """How many messages, from that number on, so many octets are, and whether they are the beginning of another."""
    count = 0
    while octets >= framed(number + count):
        octets -= framed(number + count)
        count += 1
    return count, octets > 0


def handshake(make, kinds):
    """Octets that a connection of the first kind begins with."""
    first, second = make(kinds[0]), make(kinds[1])
    second.bind("tcp://127.0.0.1:*")
    first.connect(endpoint(second))
    first.wait_for_peers(1, timeout=15000)
    return first.statistics().wire_out


def grows(path, more):
    """Waits until `more` further messages are recorded."""
    def size():
        return path.stat().st_size // RECORD.size if path.exists() else 0

    begin = size()
    until(lambda: size() >= begin + more)


@pytest.mark.parametrize("kinds", ["PUSH-PULL", "DEALER-ROUTER"])
def test_the_receiver_is_killed(zmq, make, reborn, address, tmp_path, kinds):
    out, into = kinds.split("-")
    greeted = handshake(make, (out, into))
    record = tmp_path / "record"
    server = reborn("receive", into, address, record)
    server.order("start")
    socket = make(out, RECONNECT_IVL=1)
    small(socket)
    socket.rcvhwm = 0
    socket.connect(address)
    sender = Sender(socket, out == "DEALER")
    sender.start()
    ends = []   # at each kill, when the connection was over: (left, lost, octets written, attempts that came to nothing)
    for turn in range(KILLS):
        grows(record, turn % 5 + 1)
        server.order("kill")
        until(lambda turn=turn: socket.statistics().disconnections > turn)
        found = socket.statistics()
        ends.append((found.messages_left, found.dropped.lost, found.wire_out, found.handshake_failures))
        server.order("start")
    grows(record, 10)
    sender.over = True
    sender.join()
    until(lambda: len(records(record).get(KILLS, ())) and records(record)[KILLS][-1][0] == sender.sent - 1)
    found = socket.statistics()
    ends.append((found.messages_left, found.dropped.lost, found.wire_out, found.handshake_failures))
    assert found.messages_out == sender.sent == found.messages_left + found.dropped.lost
    assert found.queued_out == 0 and found.dropped.total == found.dropped.lost

    lives = records(record)
    assert list(lives) == list(range(KILLS + 1))
    first = left_before = lost_before = octets_before = failed_before = unrecorded = told = 0
    for life, (left, lost, octets, failed) in enumerate(ends):
        numbers = [number for number, _, _ in lives[life]]
        # Where the sender's counters say that this connection began; no gap, nothing twice, nothing that had not left.
        assert numbers == list(range(first, first + len(numbers))), f"life {life}"
        assert len(numbers) <= lives[life][-1][1] <= left - left_before, f"life {life}"
        # The receiver's own counters: what had arrived is what it took, and what was queued.
        assert [came - queued for _, came, queued in lives[life]] == list(range(1, len(numbers) + 1)), f"life {life}"
        # The octets written say the same: how many messages left, and whether one was torn. But the system may close a killed process's connections
        # before what it listens on: then there has been another connection, with octets of its own.
        if failed == failed_before:
            assert written(first, octets - octets_before - greeted) == (left - left_before, lost > lost_before), f"life {life}"
            told += 1
        assert lost - lost_before <= 1, f"life {life}"
        unrecorded += left - left_before - len(numbers)
        first, left_before, lost_before, octets_before, failed_before = left + lost, left, lost, octets, failed
    assert told > KILLS // 2
    recorded = sum(map(len, lives.values()))
    assert sender.sent == recorded + unrecorded + found.dropped.lost
    print(f"{kinds}: {sender.sent} sent, {recorded} recorded, {unrecorded} had left, {found.dropped.lost} counted as lost")
    if out == "DEALER":
        answers_add_up(socket, sender.answers, lives)


def answers_add_up(socket, answers, lives):
    """Those of each life are the first that it gave, in order, none twice; at the end all of them are there."""
    given = [number for life in lives.values() for number, _, _ in life]
    while not answers or answers[-1] != given[-1]:
        answers.append(numbered.parsed(socket.recv_multipart())[1])
    found = socket.statistics()
    assert found.messages_in == len(answers) and found.queued_in == 0 and found.dropped.total == found.dropped.lost
    whose = {number: life for life, taken in lives.items() for number, _, _ in taken}
    came = {}
    for number in answers:
        came.setdefault(whose[number], []).append(number)
    for life, numbers in came.items():
        assert numbers == [number for number, _, _ in lives[life]][:len(numbers)], f"life {life}"
    assert len(came[KILLS]) == len(lives[KILLS])


def test_the_sender_is_killed(make, reborn, address, tmp_path):
    """What its counters said had left arrives, though nobody is there any more; a message that had left in part does not."""
    record = tmp_path / "record"
    pull = make("PULL", RCVHWM=0)
    pull.bind(address.replace(address.rpartition(":")[2], "*") if address.startswith("tcp") else address)
    sender = reborn("send", "PUSH", endpoint(pull), record)
    came = []
    for turn in range(KILLS):
        sender.order("start")
        grows(record, turn % 5 + 1)
        sender.order("kill")
        # The end of the connection is behind all that it brought.
        until(lambda turn=turn: pull.statistics().disconnections > turn)
        while pull.poll(0):
            came.append(numbered.parsed(pull.recv_multipart()))
    found = pull.statistics()
    assert found.messages_in == len(came) and found.queued_in == 0 and found.dropped.total == 0
    assert len(came) == len(set(came))
    lives = records(record)
    arrived = {}
    for life, number in came:
        arrived.setdefault(life, []).append(number)
    for life in range(KILLS):
        numbers = arrived.get(life, [])
        sent, left, _ = lives[life][-1]
        assert numbers == list(range(len(numbers))), f"life {life}"
        assert left <= len(numbers) <= sent + 1, f"life {life}"   # one may have been sent and not recorded
    print(f"{sum(lives[life][-1][0] for life in range(KILLS))} recorded as sent, {len(came)} arrived")
