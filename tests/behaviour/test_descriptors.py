"""Descriptors: a closed socket has none, a failed call takes none, and a listener that had none takes up its peers by itself."""

import os
import select
import signal
import subprocess
import sys
import threading
import time

import pytest
from awaiting import SECONDS, endpoint, until
from transports import NETWORKS, PLAIN, TRANSPORTS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limit to set")

PRELUDE = """
import errno, importlib, os, resource, socket, sys, threading, time
from transports import TRANSPORTS
zmq = importlib.import_module(sys.argv[1])
KIND, FOLDER = sys.argv[2], sys.argv[3]
LIMIT = 64
ESTABLISHED, LISTEN = 1, 10      # of the kernel's tcp_states.h

def descriptors():
    found = []      # a list of /proc/self/fd would take a descriptor
    for fd in range(1024):
        try:
            os.fstat(fd)
            found.append(fd)
        except OSError:
            pass
    return found

# What it is; of an IP socket also its own port and its state. None if it has been closed meanwhile.
def shown(fd):
    try:
        what = os.readlink("/proc/self/fd/%d" % fd)
        if not what.startswith("socket:"):
            return what, None, None
        s = socket.socket(fileno=fd)
    except OSError:
        return None
    try:
        if s.family != socket.AF_INET or s.type != socket.SOCK_STREAM:
            return what, None, None
        return what, s.getsockname()[1], s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:
        return None
    finally:
        s.detach()

# Not of strangers: another program may reconnect to a port that it once had and a listener of this one has now. Their end is still there
# (ESTABLISHED), while of connections within this program both are counted.
def used():
    all = list(filter(None, map(shown, descriptors())))
    listening = {port for _, port, state in all if state == LISTEN}
    return sum(not (state == ESTABLISHED and port in listening) for _, port, state in all)

def address(serial=[0]):
    serial[0] += 1
    return TRANSPORTS[KIND](FOLDER, serial[0])

def until(true):
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true(), [shown(fd) for fd in descriptors()]

def fill():
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    files = []
    try:
        while True:
            files.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        return files
"""

CLOSED = """
context = zmq.Context()
server = context.socket(zmq.PULL)
server.bind(address())
server.poll(10)
before = used()
kept = []
for i in range(30):
    client = context.socket(zmq.PUSH)
    client.connect(server.last_endpoint)
    client.send(b"x")
    if i % 3 == 0:
        client.getsockopt(zmq.FD)
    if i % 3 == 1:
        client.poll(1)
    client.close()
    assert server.recv() == b"x"
    kept.append(client)
until(lambda: used() <= before + 2)
"""

# A thread that sleeps in the socket, alone or in a poll of several, is the last one who needs the descriptors.
CLOSED_UNDER_A_SLEEPER = """
sys.setswitchinterval(1e-5)
context = zmq.Context()
other = context.socket(zmq.PULL)
other.bind(address())
other.poll(1)
before = used()
kept = []
for i in range(60):
    pull = context.socket(zmq.PULL)
    pull.bind(address())
    entered = threading.Event()
    def sleep(pull=pull, entered=entered, i=i):
        entered.set()
        try:
            if i % 2:
                pull.recv()
            else:
                zmq.zmq_poll([(pull, zmq.POLLIN), (other, zmq.POLLIN)], 30_000)
        except zmq.ZMQError as error:
            assert error.errno == zmq.ENOTSOCK, error
    threads = [threading.Thread(target=sleep) for _ in range(3)]
    for thread in threads:
        thread.start()
    entered.wait()
    if i % 4 < 2:
        time.sleep(0.01)
    pull.close(0)
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    kept.append(pull)
until(lambda: used() <= before + 2)
"""

# bind(), connect(), poll() and a receive with few descriptors left: EMFILE, and what is left is left.
FAILED = """
context = zmq.Context()
first = context.socket(zmq.PULL)
first.bind(address())
files = fill()
lost = 0
for spare in range(6):
    for _ in range(spare):
        os.close(files.pop())
    before = used()
    for use in (lambda s: s.bind(address()), lambda s: s.connect(first.last_endpoint), lambda s: s.poll(1), lambda s: s.getsockopt(zmq.FD),
                lambda s: s.get_monitor_socket().close()):
        s = context.socket(zmq.PAIR)
        s.linger = 0
        try:
            use(s)
        except zmq.ZMQError as error:
            assert error.errno == errno.EMFILE, error
        s.close(0)
        until(lambda: used() <= before)
    while len(descriptors()) < LIMIT:
        try:
            files.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass        # a connection that has gone was accepted only now
for file in files:
    os.close(file)
push = context.socket(zmq.PUSH)
push.connect(first.last_endpoint)
push.send(b"still here")
assert first.poll(20_000) and first.recv() == b"still here"
if KIND == "ipc":
    context.destroy(0)
    assert os.listdir(FOLDER) == []
"""

# Peers come while the table is full. The program closes files and does nothing else with its sockets.
DEAF = """
context = zmq.Context()
servers = [context.socket(zmq.PULL) for _ in range(2)]
for server in servers:
    server.bind(address())
ends = [server.last_endpoint.decode() for server in servers]
peers = [socket.socket(socket.AF_INET if KIND == "tcp" else socket.AF_UNIX) for _ in ends]
files = fill()
for peer, end in zip(peers, ends):
    peer.settimeout(20)
    if KIND == "tcp":
        peer.connect(("127.0.0.1", int(end.rsplit(":", 1)[1])))
    else:
        peer.connect(end[6:])
time.sleep(0.5)     # the listeners have found out
for file in files:
    os.close(file)
for peer in peers:
    assert peer.recv(1) == bytes([255])
"""


def run(zmq, program, kind, folder):
    command = [sys.executable, "-c", PRELUDE + program, zmq.__name__, kind, str(folder)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("d")


@pytest.mark.better  # libzmq needs a moment, and more than a test may use, for its reaper
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_a_closed_socket_has_no_descriptors(zmq, folder, kind):
    run(zmq, CLOSED, kind, folder)


@pytest.mark.better
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_the_last_sleeper_gives_them_back(zmq, folder, kind):
    run(zmq, CLOSED_UNDER_A_SLEEPER, kind, folder)


@pytest.mark.better  # libzmq ends the process
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_call_that_fails_for_want_of_descriptors_keeps_none(zmq, folder, kind):
    run(zmq, FAILED, kind, folder)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_listener_takes_up_those_who_came_while_the_table_was_full(zmq, folder, kind):
    run(zmq, DEAF, kind, folder)


# ---- the exported FD is up for something that a thread does not wait for


def busy(wait):
    """The share of the time of a wait that the process spends computing."""
    began, used = time.monotonic(), time.process_time()
    wait()
    return (time.process_time() - used) / (time.monotonic() - began)


WAIT_MS = 400
WAITS = {
    "call": lambda zmq, made, flag, again: again(),
    "poll": lambda zmq, made, flag, again: made.poll(WAIT_MS, flag),
    "zmq_poll": lambda zmq, made, flag, again: zmq.zmq_poll([(made, flag)], WAIT_MS),
}


def full_with_input(zmq, make, address, milliseconds):
    """A DEALER whose FD is exported and whose only peer has sent b"input" and gone."""
    made, peer = make("DEALER", SNDTIMEO=milliseconds), make("DEALER")
    made.bind(address)
    peer.connect(endpoint(made))
    peer.send(b"input")
    made.getsockopt(zmq.FD)
    assert made.poll(SECONDS * 1000)
    peer.close()
    until(lambda: made.poll(0, zmq.POLLOUT) == 0)
    return made


@pytest.mark.parametrize("how", WAITS)
def test_a_wait_for_room_while_there_is_input_does_not_compute(zmq, make, fresh, transport, how):
    made = full_with_input(zmq, make, fresh(transport), WAIT_MS)

    def send():
        with pytest.raises(zmq.Again):
            made.send(b"no peer is there")

    assert busy(lambda: WAITS[how](zmq, made, zmq.POLLOUT, send)) < 0.5
    assert made.recv() == b"input"


def at_once(*waits):
    threads = [threading.Thread(target=wait) for wait in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.better  # libzmq's sockets are for one thread
@pytest.mark.parametrize("how", [("call", "call"), ("call", "zmq_poll"), ("zmq_poll", "zmq_poll")], ids="-".join)
def test_two_waits_for_room_while_there_is_input_do_not_compute(zmq, make, fresh, transport, how):
    """Neither keeps the other from its pause."""
    made = full_with_input(zmq, make, fresh(transport), WAIT_MS)

    def send():
        with pytest.raises(zmq.Again):
            made.send(b"no peer is there")

    assert busy(lambda: at_once(*(lambda each=each: WAITS[each](zmq, made, zmq.POLLOUT, send) for each in how))) < 0.25
    assert made.recv() == b"input"


def test_signals_are_handled_in_a_wait_beside_input(zmq, make, fresh):
    """When they come, not at the next turn that their handlers have anyway, a fifth of a second later."""
    made = full_with_input(zmq, make, fresh("tcp"), 2000)
    handled = threading.Semaphore(0)
    seen = 0
    before = signal.signal(signal.SIGUSR1, lambda number, frame: handled.release())

    def interrupt():
        nonlocal seen
        for _ in range(20):
            time.sleep(0.005)  # it pauses again, or nearly always does
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
            assert handled.acquire(timeout=SECONDS)
            seen += 1

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        with pytest.raises(zmq.Again):
            made.send(b"no peer is there")
        in_time = seen
        interrupting.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert in_time == 20


@pytest.mark.better
def test_the_descriptor_goes_down_with_the_input_beside_two_waits(zmq, make, fresh, transport):
    made = full_with_input(zmq, make, fresh(transport), WAIT_MS)
    waits = [threading.Thread(target=zmq.zmq_poll, args=([(made, zmq.POLLOUT)], SECONDS * 1000)) for _ in range(2)]
    for wait in waits:
        wait.start()
    time.sleep(0.05)  # both are in their pauses as a rule; if not, this test asks less
    assert made.recv() == b"input"
    assert select.select([made], [], [], 0) == ([], [], [])
    late = make("DEALER")
    late.connect(endpoint(made))
    for wait in waits:
        wait.join()


@pytest.mark.parametrize("how", WAITS)
def test_a_wait_for_input_while_a_refused_send_could_go_on_does_not_compute(zmq, make, fresh, transport, how):
    made, peer = make("DEALER", RCVTIMEO=WAIT_MS), make("DEALER")
    made.bind(fresh(transport))
    made.getsockopt(zmq.FD)
    with pytest.raises(zmq.Again):
        made.send(b"nobody there", zmq.DONTWAIT)
    peer.connect(endpoint(made))
    assert select.select([made], [], [], SECONDS)[0]

    def receive():
        with pytest.raises(zmq.Again):
            made.recv()

    assert busy(lambda: WAITS[how](zmq, made, zmq.POLLIN, receive)) < 0.5
    made.send(b"now")
    assert peer.recv() == b"now"


@pytest.mark.better  # libzmq's FD tells of news once
def test_a_wait_beside_input_ends_when_there_is_room(zmq, make, fresh, transport):
    """And the thread that watches the FD is told of the input meanwhile."""
    made = full_with_input(zmq, make, fresh(transport), int(SECONDS * 1000))
    sender = threading.Thread(target=made.send, args=(b"output",))
    sender.start()
    for _ in range(20):
        assert select.select([made], [], [], SECONDS)[0]
    late = make("DEALER")
    late.connect(endpoint(made))
    assert late.recv() == b"output"
    sender.join()
    assert made.recv() == b"input"
