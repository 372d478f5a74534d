"""Large frames of a program that works between its calls are written by the I/O thread meanwhile. They arrive whole, once and in order, whatever
becomes of the connection."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import foreign
import pytest
from awaiting import SECONDS, endpoint
from transports import PLAIN

pytestmark = pytest.mark.better  # the statistics that tell

TESTS = Path(__file__).resolve().parents[1]
LARGE = 65536
LARGER = 4 * LARGE  # with pauses between, handed over one by one
HUGE = 1 << 20


def numbered(number, size):
    return b"%08d" % number * (size // 8)


def work(seconds):
    """Without a call into a socket."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


class Reader(threading.Thread):
    """Receives numbered frames until the empty one."""

    def __init__(self, pull, size):
        super().__init__(daemon=True)
        self.pull, self.size, self.count, self.wrong = pull, size, 0, None
        self.start()

    def run(self):
        while frame := self.pull.recv():
            if frame != numbered(self.count, self.size) and self.wrong is None:
                self.wrong = self.count
            self.count += 1

    def check(self, count):
        self.join(SECONDS)
        assert (self.count, self.wrong) == (count, None)


# Writes are handed over to the I/O thread if what they take is worth it, compared with what a program does between two of them: by microseconds.
NEEDS_RHYTHM = pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer makes the calls take longer than the writes that they would save")

READER = """
import sys, zmqcore as zmq
pull = zmq.Context().socket(zmq.PULL)
pull.bind(sys.argv[1])
print(pull.last_endpoint.decode(), flush=True)
count = 0
while frame := pull.recv():
    assert frame == b"%08d" % count * (len(frame) // 8), count
    count += 1
print(count, flush=True)
"""


@pytest.fixture
def apart(make, fresh):
    """apart(transport) -> a PUSH, and a function that tells how many numbered frames have arrived in order before the empty one. They are read by a
    process of their own: a thread of this one would wait for the GIL, and hold it, and so break the rhythm that is measured."""
    started = []

    def apart(transport):
        command = [sys.executable, "-c", READER, fresh(transport)]
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(reader)
        push = make("PUSH")
        push.connect(reader.stdout.readline().strip())
        return push, lambda: int(reader.stdout.readline())

    yield apart
    for reader in started:
        reader.kill()
        reader.communicate()


@NEEDS_RHYTHM
@pytest.mark.parametrize("transport", PLAIN)
@pytest.mark.parametrize(("size", "pause"), [(LARGE, 30e-6), (LARGER, 100e-6), (LARGER, 300e-6)], ids=["tempo", "100us", "300us"])
def test_frames_of_a_working_program_are_handed_over(apart, transport, size, pause):
    """The last message arrives, too, without another call of the program."""
    push, arrived = apart(transport)
    sent = 0
    end = time.monotonic() + SECONDS
    while push.statistics().handed_over < 20:
        assert time.monotonic() < end
        push.send(numbered(sent, size))
        sent += 1
        work(pause)
    push.send(b"")
    assert arrived() == sent
    assert push.statistics().messages_left == sent + 1


ON_ONE_PROCESSOR = """
import os, subprocess, sys, time, zmqcore as zmq

os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
reader = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], stdout=subprocess.PIPE, text=True)
push = zmq.Context().socket(zmq.PUSH)
push.sndhwm = 100
push.connect(reader.stdout.readline().strip())
numbers = iter(range(5000))

def send(count, seconds):
    before = push.statistics()
    for _ in range(count):
        push.send(b"%08d" % next(numbers) * 8192)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
    after = push.statistics()
    return after.handed_over - before.handed_over, after.writes - before.writes

send(2000, 50e-6)
working, _ = send(2000, 50e-6)
_, writes = send(1000, 0)
push.send(b"")
assert int(reader.stdout.readline()) == 5000
print(working, writes)
"""


@NEEDS_RHYTHM
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs sched_setaffinity")
@pytest.mark.parametrize("transport", PLAIN)
def test_where_no_processor_is_free_the_program_writes_by_itself(fresh, transport):
    """The I/O thread would only take the program's processor. Messages without work between are still written together, several with each call."""
    command = [sys.executable, "-c", ON_ONE_PROCESSOR, READER, fresh(transport)]
    working, writes = map(int, subprocess.check_output(command, text=True).split())
    assert working < 400, "of 2000; some are handed over now and then, to see what that costs"
    assert writes < 900, "of 1000"


def test_a_program_that_sends_regularly_may_stop_at_any_time(apart):
    """What it has sent is written without another call."""
    push, arrived = apart("tcp")
    for number in range(1000):
        push.send(numbered(number, LARGE))
        work(40e-6)
    push.send(b"")
    assert arrived() == 1000


def there_at_once(zmq, push, pull):
    """Whether a small message can be received as soon as it is sent; else it is waited for."""
    push.send(b"small")
    try:
        pull.recv(zmq.DONTWAIT)
    except zmq.Again:
        pull.recv()
        return False
    return True


@NEEDS_RHYTHM
def test_small_messages_after_large_ones_leave_with_their_call_again(zmq, pair):
    """Every other one: the one between waits for more to come, and what the I/O thread writes ends that."""
    push, pull = pair("PUSH", "PULL", "ipc", {"SNDHWM": 0}, {"RCVHWM": 0})
    for _ in range(5):
        end = time.monotonic() + SECONDS
        enough = push.statistics().handed_over + 20
        while push.statistics().handed_over < enough:
            assert time.monotonic() < end
            push.send(bytes(LARGE))
            work(40e-6)
        for _ in range(20):
            push.send(bytes(LARGE))
            work(40e-6)
        push.send(b"")
        while pull.recv():
            pass
        # A program that was itself delayed between two of them looks as if it worked there: the next two hundred may tell.
        end = time.monotonic() + SECONDS
        while sum(there_at_once(zmq, push, pull) for _ in range(200)) <= 50:
            assert time.monotonic() < end


def test_messages_with_pauses_between_leave_with_their_call(zmq, pair):
    """All of them, and not every other one, for which the I/O thread would have to come."""
    push, pull = pair("PUSH", "PULL", "ipc")
    there = 0
    for _ in range(200):
        there += there_at_once(zmq, push, pull)
        work(200e-6)
    assert there > 150


@pytest.mark.parametrize("transport", PLAIN)
@pytest.mark.parametrize("size", [LARGE, HUGE])
def test_what_found_no_room_is_written_when_there_is_some(pair, transport, size):
    """The program is in no call by then."""
    push, pull = pair("PUSH", "PULL", transport, {"SNDHWM": 0}, {"RCVHWM": 1})
    sent = 40 * HUGE // size
    for number in range(sent):
        push.send(numbered(number, size))
    push.send(b"")
    Reader(pull, size).check(sent)
    assert push.statistics().messages_left == sent + 1


@pytest.mark.parametrize("transport", PLAIN)
def test_a_peer_that_does_not_read_is_sent_no_more_than_its_share(zmq, pair, transport):
    """What the I/O thread writes makes room for no more messages than what the program writes itself."""
    taken = []
    for pause in (0, 200e-6):
        buffers = {"SNDBUF": LARGE, "RCVBUF": LARGE}
        push, pull = pair("PUSH", "PULL", transport, {"SNDHWM": 4, **buffers}, {"RCVHWM": 1, **buffers})
        push.send(b"")
        assert pull.recv() == b""  # connected
        count = 0
        with pytest.raises(zmq.Again):
            while True:
                push.send(numbered(count, LARGE), zmq.DONTWAIT)
                count += 1
                work(pause)
        taken.append(count)
        for number in range(count):
            assert pull.recv() == numbered(number, LARGE)
    assert 4 <= min(taken) and max(taken) <= 4 + 16  # its share: SNDHWM, what one output takes, and what two kernels do


@pytest.mark.parametrize("transport", PLAIN)
@pytest.mark.parametrize("how", ["close", "disconnect"])
def test_what_is_being_written_when_its_socket_is_closed_still_arrives(make, fresh, transport, how):
    pull = make("PULL", RCVHWM=2)
    pull.bind(fresh(transport))
    push = make("PUSH", SNDHWM=0)
    push.linger = -1
    push.connect(endpoint(pull))
    for number in range(20):
        push.send(numbered(number, HUGE))
        work(600e-6)
    push.send(b"")
    if how == "close":
        push.close()
    else:
        push.disconnect(endpoint(pull))
    Reader(pull, HUGE).check(20)


@pytest.mark.parametrize("transport", PLAIN)
def test_a_connection_that_is_dropped_while_it_is_written_takes_its_descriptor_along(make, fresh, transport):
    """Who gets the number of the descriptor next reads nothing of what was being sent."""
    pull = make("PULL", RCVHWM=1)
    pull.bind(fresh(transport))
    strangers = []
    for _ in range(20):
        push = make("PUSH")
        push.connect(endpoint(pull))
        for number in range(4):
            push.send(numbered(number, HUGE))
            work(600e-6)
        push.close(0)
        strangers.append(socket.socketpair())
    strangers = [end for ends in strangers for end in ends]
    for end in strangers:
        end.setblocking(False)
        with pytest.raises(BlockingIOError):
            end.recv(1)
    for end in strangers:
        end.close()


def test_a_term_waits_for_what_is_being_written(zmq, fresh):
    """Sockets of a context that ends, with LINGER to spare."""
    there, here = zmq.Context(), zmq.Context()
    pull = there.socket(zmq.PULL)
    pull.rcvtimeo = int(SECONDS * 1000)
    pull.bind(fresh("ipc"))
    push = here.socket(zmq.PUSH)
    push.connect(endpoint(pull))
    for number in range(10):
        push.send(numbered(number, HUGE))
        work(600e-6)
    push.send(b"")
    push.close(-1)
    reader = Reader(pull, HUGE)
    here.term()
    reader.check(10)
    pull.close()
    there.term()


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """gate.c, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("needs LD_PRELOAD and a compiler")
    made = tmp_path_factory.mktemp("gate") / "gate.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, TESTS / "shared" / "gate.c", "-ldl"], env=foreign.environment(), check=True)
    return made


@pytest.mark.skipif("tsan" in os.environ.get("LD_PRELOAD", ""), reason="ThreadSanitizer leaves nothing of the rhythm for which writes are handed over")
@pytest.mark.parametrize("what", ["close", "refill"])
def test_while_the_io_thread_writes(gate, what):
    """For as long as we like, with something between it and the kernel. What is done meanwhile stands in overlap_party.py."""
    preload = f"{os.environ.get('LD_PRELOAD', '')} {gate}".strip()
    command = [sys.executable, TESTS / "behaviour" / "overlap_party.py", what]
    run = subprocess.run(command, env={**os.environ, "LD_PRELOAD": preload}, capture_output=True, text=True, check=False)
    assert run.stdout == "done\n", run.stderr
