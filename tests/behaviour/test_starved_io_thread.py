"""What a program sees when the I/O thread gets no processor: answers do not overtake the subscriptions that were made before them.

The thread is stopped with ptrace() by a small process of its own, so nothing here depends on how busy the machine is.
"""
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from awaiting import endpoint

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops a single thread with ptrace()")

# Stops the thread whose number it is given, says so, and lets it go when its input ends.
STOPPER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
sys.stdin.readline()
thread = int(sys.argv[1])
if libc.ptrace(PTRACE_SEIZE, thread, None, None) or libc.ptrace(PTRACE_INTERRUPT, thread, None, None):
    print(os.strerror(ctypes.get_errno()), flush=True)
else:
    os.waitpid(thread, WALL)
    print("stopped", flush=True)
    sys.stdin.read()
"""
PR_SET_PTRACER = 0x59616D61


def name_of(task):
    try:
        return (task / "comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # a thread of another test, which has just ended


def io_threads():
    return {int(task.name) for task in Path("/proc/self/task").iterdir() if "ZMQbg/IO" in name_of(task)}


@contextmanager
def stopped(thread):
    """The thread sleeps, and does not wake up in here."""
    import ctypes

    state = Path(f"/proc/self/task/{thread}/stat")
    deadline = time.monotonic() + 20
    while state.read_text().rpartition(")")[2].split()[0] != "S" and time.monotonic() < deadline:
        time.sleep(0.001)
    with subprocess.Popen(
        [sys.executable, "-c", STOPPER, str(thread)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as stopper:
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(stopper.pid), 0, 0, 0)
        stopper.stdin.write("\n")
        stopper.stdin.flush()
        answer = stopper.stdout.readline().strip()
        if answer != "stopped":
            stopper.stdin.close()
            pytest.skip(f"ptrace(): {answer}")
        try:
            yield
        finally:
            stopper.stdin.close()


@pytest.fixture
def bound(make, fresh):
    """A PUB and a ROUTER whose I/O thread has nothing to do, and its number."""
    others = io_threads()
    publisher, router = make("PUB"), make("ROUTER")
    for socket in (publisher, router):
        socket.bind(fresh("tcp"))
    deadline = time.monotonic() + 20
    while not io_threads() - others and time.monotonic() < deadline:
        time.sleep(0.001)       # a thread gives itself its name
    (thread,) = io_threads() - others
    return publisher, router, thread


def sent(socket, *frames):
    """Sends, and looks for input, so that nothing waits for the I/O thread to write it."""
    socket.send_multipart(frames)
    socket.poll(0)


def by_receiving(dealer, router):
    sent(dealer, b"ask")
    peer, _ = router.recv_multipart()
    sent(router, peer, b"answer")
    dealer.recv()


def by_polling(dealer, router):
    sent(dealer, b"ask")
    assert router.poll(5000)
    peer, _ = router.recv_multipart()
    sent(router, peer, b"answer")
    assert dealer.poll(5000)
    dealer.recv()


def test_a_subscription_is_there_after_a_zmq_poll_of_others(zmq, bound, make):
    publisher, router, thread = bound
    dealer, subscriber = make("DEALER"), make("SUB")
    poller = zmq.Poller()
    for socket in (dealer, router):
        poller.register(socket, zmq.POLLIN)
    with stopped(thread):
        dealer.connect(endpoint(router))
        subscriber.connect(endpoint(publisher))
        subscriber.subscribe(b"t")
        for _ in range(10):
            sent(dealer, b"ask")
            assert poller.poll(5000)
            peer, _ = router.recv_multipart()
            sent(router, peer, b"answer")
            assert poller.poll(5000)
            dealer.recv()
        publisher.send(b"topic")
        assert subscriber.recv() == b"topic"


@pytest.mark.parametrize("round_trip", [by_receiving, by_polling])
def test_an_old_connection_helps_a_new_one(bound, make, round_trip):
    """The answers come over a connection that has long been there."""
    publisher, router, thread = bound
    dealer, subscriber = make("DEALER"), make("SUB")
    dealer.connect(endpoint(router))
    round_trip(dealer, router)
    with stopped(thread):
        subscriber.connect(endpoint(publisher))
        subscriber.subscribe(b"t")
        for _ in range(10):
            round_trip(dealer, router)
        publisher.send(b"topic")
        assert subscriber.recv() == b"topic"
