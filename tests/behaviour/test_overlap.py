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

import pytest
from awaiting import SECONDS, endpoint
from transports import PLAIN

pytestmark = pytest.mark.better  # the statistics that tell

TESTS = Path(__file__).resolve().parents[1]
LARGE = 65536
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


@pytest.mark.parametrize("transport", PLAIN)
def test_frames_of_a_working_program_are_handed_over(pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    reader = Reader(pull, LARGE)
    sent = 0
    until = time.monotonic() + SECONDS
    while push.statistics().handed_over < 20:
        assert time.monotonic() < until
        push.send(numbered(sent, LARGE))
        sent += 1
        work(100e-6)
    push.send(b"")
    reader.check(sent)
    assert push.statistics().messages_left == sent + 1


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
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, TESTS / "shared" / "gate.c", "-ldl"], check=True)
    return made


@pytest.mark.parametrize("what", ["close", "refill"])
def test_while_the_io_thread_writes(gate, what):
    """For as long as we like, with something between it and the kernel. What is done meanwhile stands in overlap_party.py."""
    preload = f"{os.environ.get('LD_PRELOAD', '')} {gate}".strip()
    command = [sys.executable, TESTS / "behaviour" / "overlap_party.py", what]
    run = subprocess.run(command, env={**os.environ, "LD_PRELOAD": preload}, capture_output=True, text=True, check=False)
    assert run.stdout == "done\n", run.stderr
