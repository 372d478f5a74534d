"""Processes end, in every way, with daemon threads inside every call: they end soon, with the status they should have.

And what they wait for while peers take nothing.
"""
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import exits
import pytest
from transports import NETWORKS, TRANSPORTS

HERE = Path(__file__).parent

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
SECONDS = 40        # what a process may take on a loaded machine; a fault is one that never ends


def ends(transport, ending, *more):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), PYTHONFAULTHANDLER="1")
    process = subprocess.Popen([sys.executable, str(HERE / "exits.py"), MODULE, "--transport", transport, "--ending", ending, *more],
                               stderr=subprocess.PIPE, text=True, env=environment)
    try:
        errors = process.communicate(timeout=SECONDS)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        errors = process.communicate()[1]
        pytest.fail(f"the process never ended\n{errors[-3000:]}")
    assert process.returncode == exits.ENDINGS[ending], errors[-3000:]
    assert "Fatal" not in errors, errors[-3000:]


@pytest.mark.parametrize("ending", exits.ENDINGS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_process_ends_with_threads_in_every_call(transport, ending):
    ends(transport, ending)


@pytest.mark.parametrize("name", exits.CALLS)
def test_a_process_ends_with_threads_in_one_call(name):
    """By itself: threads of other calls leave it more turns of the GIL, and other moments to be stopped at."""
    ends("tcp", "return", "--calls", name, "--delay", "0.02")


UNSENT = """
import importlib, signal, sys
zmq = importlib.import_module(sys.argv[1])
handler = {"SIGINT": signal.default_int_handler, "SIGTERM": lambda *_: print("handled", flush=True)}
for name, function in handler.items():
    signal.signal(getattr(signal, name), function)
kept = []
for _ in range(int(sys.argv[2])):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.linger = int(sys.argv[4])
    socket.connect(sys.argv[3])
    socket.send(bytes(1 << 20))
    assert socket.wait_for_peers(1, timeout=20000)
    for _ in range(40):
        socket.send(bytes(1 << 20))
    kept.append(socket)
print("at its end", flush=True)
"""


@pytest.fixture
def with_unsent(zmq, fresh):
    """Starts a process that ends with more in its sockets than a receiver takes, who takes nothing."""
    with zmq.Context() as context:
        pull = context.socket(zmq.PULL)
        pull.rcvhwm = 1
        pull.bind(fresh("tcp"))
        processes = []

        def start(contexts, linger):
            process = subprocess.Popen([sys.executable, "-c", UNSENT, MODULE, str(contexts), pull.last_endpoint.decode(), str(linger)],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
            processes.append(process)
            assert process.stdout.readline() == "at its end\n"
            return process
        try:
            yield start
        finally:
            for process in processes:
                process.kill()
                process.communicate()
            pull.close(linger=0)


def test_ctrl_c_ends_the_wait_for_peers_that_take_nothing(with_unsent):
    process = with_unsent(1, -1)
    began = time.monotonic()
    while process.poll() is None:       # one may come before the handler that waits
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    assert time.monotonic() - began < 8, "it has waited for as long as it does without"
    assert "KeyboardInterrupt" in process.stderr.read()


def test_a_handler_that_returns_runs_and_the_wait_goes_on(with_unsent):
    process = with_unsent(1, -1)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "handled\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)       # without a LINGER it would end after one second


def test_contexts_are_waited_for_at_once(with_unsent):
    """Three of them for five seconds each."""
    process = with_unsent(3, 5000)
    began = time.monotonic()
    assert process.wait(SECONDS) == 0
    assert time.monotonic() - began < 10


FLOOD = """
import importlib, sys, threading
zmq = importlib.import_module(sys.argv[1])
socket = zmq.Context().socket(zmq.PUSH)
socket.sndhwm = 20
socket.connect(sys.argv[2])
assert socket.wait_for_peers(1, timeout=20000)
sent = 0
def flood():
    global sent
    while True:
        socket.send((b"%d" % (sent + 1)).ljust(200_000))
        sent += 1
threading.Thread(target=flood, daemon=True).start()
while socket.poll(100, zmq.POLLOUT):
    pass
print(sent, flush=True)
"""


@pytest.mark.parametrize("transport", NETWORKS)
def test_a_thread_goes_on_sending_and_what_was_sent_before_is_waited_for(zmq, fresh, transport):
    """Some 70 messages are in its queue, and in buffers of the system; the end of all would never come."""
    taken = 0
    with zmq.Context() as context:
        pull = context.socket(zmq.PULL)
        pull.rcvhwm = 1
        pull.rcvtimeo = 1000
        pull.bind(fresh(transport))
        process = subprocess.Popen([sys.executable, "-c", FLOOD, MODULE, pull.last_endpoint.decode()], stdout=subprocess.PIPE,
                                   env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
        try:
            sent = int(process.stdout.readline())       # its queue is full, and it ends
            while taken < sent + 1000:
                try:
                    number = int(pull.recv())
                except zmq.Again:
                    if process.poll() is not None:
                        break
                    continue
                taken += 1
                assert number == taken
                time.sleep(0.005)       # slower than the thread, which has no rest
            assert process.wait(SECONDS) == 0
            assert sent <= taken < sent + 1000
        finally:
            process.kill()
            process.communicate()
            pull.close(linger=0)
