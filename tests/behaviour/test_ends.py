"""Connections that end at a bad moment: in the middle of the socket's own reading, with a full queue, within the handshake, while closing.

The faults that made these tests were fatal ones, so what they ask is mostly that the process lives, that the connection is given up, and that
the next peer is served. Debug builds also check that nothing is taken apart while it is worked on.
"""
import asyncio
import select
import signal
import subprocess
import sys
import threading
import time

import pytest
from awaiting import SECONDS, Events, endpoint, until
from platforms import descriptors
from raw_attack import MALFORMED, PEER_OF, closed, dial, greet, listener, message_to, ready, reset
from transports import NETWORKS, PLAIN

MARK = 20                       # RCVHWM of the socket under attack
ENDS = ("malformed", "too large", "end", "reset")
COUNTS = (MARK // 2, MARK, MARK * 60)
MOMENTS = ("with READY", "later")
DISCARDING = ("PUB", "XPUB", "PUSH", "REQ")     # they read what comes although nobody asks for it


def attack(raw, kind, how, count, moment):
    """One connection's whole life as seen from the peer, up to its last octet."""
    bulk = message_to(kind) * count
    if how == "malformed":
        bulk += MALFORMED
    elif how == "too large":
        bulk += b"\2" + (1 << 40).to_bytes(8, "big")
    greet(raw)
    opening = ready(PEER_OF[kind])
    try:
        if moment == "later":
            raw.sendall(opening)
            raw.sendall(bulk)
        else:
            raw.sendall(opening + bulk)
    except ConnectionError:
        pass                    # it was given up before we were through
    if how == "reset":
        reset(raw)
    elif how == "end":
        raw.close()


def by_receiving(zmq, socket):
    try:
        while True:
            socket.recv_multipart(zmq.NOBLOCK)
            if socket.type == zmq.REP:
                socket.send(b"")
    except zmq.ZMQError as error:
        assert error.errno in (zmq.EAGAIN, zmq.EFSM, zmq.ENOTSUP), error


def by_sending(zmq, socket):
    try:
        for _ in range(3):
            socket.send(b"x", zmq.NOBLOCK)
    except zmq.ZMQError as error:
        assert error.errno in (zmq.EAGAIN, zmq.EFSM, zmq.ENOTSUP, zmq.EHOSTUNREACH), error


def by_polling(zmq, socket):
    socket.poll(1)


def by_nobody(zmq, socket):
    """The I/O thread alone. It has no event to wait for here, so the caller just looks again a moment later."""
    time.sleep(0.002)


def by_descriptor(zmq, socket):
    select.select([socket.FD], [], [], 0.002)
    socket.getsockopt(zmq.EVENTS)


def by_asyncio(zmq, socket):
    async def turn():
        waiting = asyncio.ensure_future(socket.poll(5))
        await waiting
        try:
            while True:
                await asyncio.wait_for(socket.recv_multipart(zmq.NOBLOCK), 5)
        except zmq.ZMQError:
            pass

    asyncio.run(turn())


DRIVERS = {"recv": by_receiving, "send": by_sending, "poll": by_polling, "nobody": by_nobody, "descriptor": by_descriptor}


def finds_the_end(kind, driver):
    """A queue that is full and that nobody reads keeps the end of a connection from being found; that is no fault."""
    if kind == "REQ":
        return driver is not by_sending     # what may be the reply is kept
    return kind in DISCARDING or driver is by_receiving


def ends(zmq, driver, socket, raw, kind, how, seconds=10):
    """Drives the socket until the connection is gone, or long enough if that cannot be seen from here."""
    deadline = time.monotonic() + seconds
    looks = 0
    while True:
        driver(zmq, socket)
        looks += 1
        if how in ("end", "reset"):
            if looks == 3:
                return
        elif closed(raw):
            return
        elif looks == 5 and not finds_the_end(kind, driver):
            return
        assert time.monotonic() < deadline, "the connection was never given up"


@pytest.fixture
def served(zmq, make):
    """served(socket, kind): an honest peer that connects now is served as if nothing had happened."""

    def check(socket, kind):
        events = Events(zmq, socket)
        peer = make(PEER_OF[kind])
        peer.connect(endpoint(socket))
        events.wait("HANDSHAKE_SUCCEEDED")
        if kind in ("PUB", "XPUB"):
            peer.subscribe(b"news")
            until(lambda: socket.send(b"news") or peer.poll(10))
            assert peer.recv() == b"news"
        elif kind == "PUSH":
            until(lambda: socket.send(b"work", zmq.NOBLOCK) is None)
        else:
            # Until it is there, because a publisher may have to hear of a subscription first.
            until(lambda: peer.send(b"topic", zmq.NOBLOCK) or socket.poll(10))
            until(lambda: socket.recv_multipart()[-1] == b"topic")

    return check


@pytest.mark.parametrize("transport", PLAIN)
@pytest.mark.parametrize("driver", list(DRIVERS))
@pytest.mark.parametrize("kind", list(PEER_OF))
def test_a_bound_socket_outlives_its_peers(zmq, make, fresh, served, kind, driver, transport):
    socket = make(kind, RCVHWM=MARK, MAXMSGSIZE=1000)
    if kind == "SUB":
        socket.subscribe(b"")
    elif kind == "XSUB":
        socket.send(b"\1")
    socket.bind(fresh(transport))
    for how in ENDS:
        for count in COUNTS:
            for moment in MOMENTS:
                raw = dial(endpoint(socket))
                attack(raw, kind, how, count, moment)
                ends(zmq, DRIVERS[driver], socket, raw, kind, how)
                raw.close()
    if kind not in ("PAIR", "REQ", "REP"):
        by_receiving(zmq, socket)
        served(socket, kind)


@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("driver", list(DRIVERS))
@pytest.mark.parametrize("kind", list(PEER_OF))
def test_a_connected_socket_outlives_its_peer(zmq, make, tmp_path_factory, kind, driver, transport):
    directory = tmp_path_factory.mktemp("s")
    for how in ENDS:
        for count in COUNTS[1:]:
            server, name = listener(transport, directory)
            with server:
                socket = make(kind, RCVHWM=MARK, MAXMSGSIZE=1000, RECONNECT_IVL=1)
                if kind == "SUB":
                    socket.subscribe(b"")
                socket.connect(name)
                if kind == "REQ" and driver == "recv":
                    socket.send(b"request")
                raw, _ = server.accept()
                attack(raw, kind, how, count, "with READY")
                ends(zmq, DRIVERS[driver], socket, raw, kind, how)
                raw.close()
                if how in ("end", "reset") and finds_the_end(kind, DRIVERS[driver]):
                    server.accept()[0].close()      # it comes back
                socket.close()


@pytest.mark.parametrize("kind", list(PEER_OF))
def test_the_same_in_an_event_loop(zmq, submodule, fresh, kind):
    context = submodule("asyncio").Context()
    socket = context.socket(getattr(zmq, kind))
    socket.linger = 0
    socket.rcvhwm = MARK
    socket.maxmsgsize = 1000
    if kind == "SUB":
        socket.subscribe(b"")
    socket.bind(fresh("tcp"))
    for how in ENDS:
        for count in COUNTS:
            raw = dial(endpoint(socket))
            attack(raw, kind, how, count, "with READY")
            ends(zmq, by_asyncio, socket, raw, kind, how)
            raw.close()
    socket.close()
    context.term()


@pytest.mark.parametrize("linger", [0, 200])
@pytest.mark.parametrize("kind", list(PEER_OF))
def test_closing_meanwhile(zmq, make, fresh, kind, linger):
    for how in ENDS:
        for count in COUNTS:
            socket = make(kind, RCVHWM=MARK, MAXMSGSIZE=1000)
            socket.bind(fresh("tcp"))
            raw = dial(endpoint(socket))
            attack(raw, kind, how, count, "with READY")
            by_sending(zmq, socket)
            socket.close(linger=linger)
            raw.close()


# ---- ends that no read or write brings to light


def processor_time_of(seconds):
    """Of this process, while it does nothing. A spinning thread takes all of it; what is normal is a thousandth."""
    before = time.process_time()
    time.sleep(seconds)
    return time.process_time() - before


@pytest.mark.skipif(descriptors() is None, reason="counts descriptors, and nobody tells how many there are")
@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("octets", [1, 10, 11, 12, 63, 64, 80, 92])
def test_an_end_within_the_handshake(zmq, make, fresh, octets, how):
    pull = make("PULL", HANDSHAKE_IVL=0)
    pull.bind(fresh("tcp"))
    before = descriptors()
    said = (b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32) + ready("PUSH"))[:octets]
    for _ in range(20):
        raw = dial(endpoint(pull))
        raw.sendall(said)
        reset(raw) if how == "reset" else raw.close()
    until(lambda: descriptors() == before)
    assert processor_time_of(0.2) < 0.1


@pytest.mark.skipif(descriptors() is None, reason="counts descriptors, and nobody tells how many there are")
def test_messages_of_a_peer_that_left_before_we_greeted_it(zmq, make, fresh):
    """What it sent is complete; that it did not wait for our READY is no reason to throw it away."""
    pull = make("PULL")
    pull.bind(fresh("ipc"))
    before = descriptors()
    for _ in range(10):
        raw = dial(endpoint(pull))
        greet(raw, only_greeting=True)
        raw.sendall(ready("PUSH") + b"\0\4work")
        raw.close()
        assert pull.recv() == b"work"
    until(lambda: descriptors() == before)


@pytest.mark.parametrize("transport", PLAIN)
def test_a_hang_up_while_stalled_and_blocked(zmq, make, fresh, transport):
    """Neither side reads: our queue is full, and so is our output. Then the peer is gone."""
    dealer = make("DEALER", RCVHWM=1, SNDHWM=10)
    dealer.bind(fresh(transport))
    raw = dial(endpoint(dealer))
    greet(raw)
    raw.sendall(ready("DEALER") + b"\0\1x" * 100)
    until(lambda: dealer.poll(10))
    while dealer.poll(20, zmq.POLLOUT):
        dealer.send(bytes(100000), zmq.NOBLOCK)
    reset(raw)
    dealer.poll(1)
    assert processor_time_of(0.2) < 0.1
    # The peer's messages are the application's; then the end is found.
    for _ in range(100):
        assert dealer.recv() == b"x"
    until(lambda: not dealer.poll(0, zmq.POLLOUT))


# ---- bounded work


@pytest.mark.parametrize("name", ["ipc://@nobody-listens-here", "tcp://127.0.0.1:1"])
def test_reconnecting_at_once_to_nobody(zmq, context, make, fresh, name):
    if name.startswith("ipc") and sys.platform != "linux":
        pytest.skip("abstract names are Linux's")
    dealer = make("DEALER", RECONNECT_IVL=0)
    dealer.connect(name)
    assert processor_time_of(0.5) < 0.25
    other = make("PULL")
    other.bind(fresh("tcp"))
    other.close()
    dealer.close()


@pytest.mark.better         # libzmq never comes back with RECONNECT_IVL 0
def test_reconnecting_at_once_to_somebody(zmq, make, tmp_path_factory):
    server, name = listener("ipc", tmp_path_factory.mktemp("s"))
    dealer = make("DEALER", RECONNECT_IVL=0)
    dealer.connect(name)
    with server:
        for _ in range(5):
            server.accept()[0].close()
    dealer.close()


RECEIVER = """
import socket, sys
import zmqcore as zmq
pull = zmq.Context().socket(zmq.PULL)
pull.rcvhwm = 1
pull.heartbeat_ivl = 20
pull.bind("tcp://127.0.0.1:*")
print(pull.LAST_ENDPOINT.decode() if isinstance(pull.LAST_ENDPOINT, bytes) else pull.LAST_ENDPOINT, flush=True)
pull.recv()
sys.stdin.readline()
"""


@pytest.mark.parametrize("gone", [True, False])
def test_heartbeats_are_no_progress_at_exit(gone):
    """A peer that takes nothing, or is gone, does not keep the process: PINGs pile up for nobody."""
    with subprocess.Popen([sys.executable, "-c", RECEIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as receiver:
        raw = dial(receiver.stdout.readline().strip().rstrip("\0"))
        greet(raw)
        raw.sendall(ready("PUSH") + b"\0\1x" * 100000)
        if gone:
            reset(raw)
        time.sleep(0.3)      # some heartbeats
        receiver.stdin.write("end\n")
        receiver.stdin.flush()
        assert receiver.wait(20) == 0
        raw.close()


def test_a_peer_that_takes_nothing_costs_no_memory_for_heartbeats(zmq, make, fresh):
    """One PING may wait for it, not one per interval: when it comes back to read it finds what was waiting and few of them."""
    push = make("PUSH", HEARTBEAT_IVL=5, HEARTBEAT_TIMEOUT=60000, SNDHWM=1)
    push.bind(fresh("tcp"))
    raw = dial(endpoint(push))
    greet(raw)
    raw.sendall(ready("PULL"))
    sent = 0
    while push.poll(50, zmq.POLLOUT):
        push.send(b"\xaa" * 100000)
        sent += 1
    time.sleep(0.5)          # a hundred intervals
    left = sent * 100000
    pings = 0
    raw.settimeout(10)
    while left > 0:
        got = raw.recv(1 << 20)
        left -= got.count(b"\xaa")
        pings += got.count(b"\4PING")
    assert pings < 30


@pytest.mark.parametrize("linger", [300, -1])
def test_a_flood_at_a_closing_socket(zmq, make, fresh, linger):
    """The peer does not read but sends without end. The I/O thread discards that at its leisure."""
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.bind(fresh("tcp"))
    raw = dial(endpoint(dealer))
    greet(raw)
    raw.sendall(ready("DEALER"))
    while dealer.poll(50, zmq.POLLOUT):
        dealer.send(bytes(100000))
    dealer.close(linger=linger)
    raw.setblocking(False)
    junk = b"\0\xc8" + bytes(200)
    begun = time.monotonic()
    before = time.thread_time()
    everything = time.process_time()
    try:
        while time.monotonic() < begun + 0.3:
            if select.select([], [raw], [], 0.05)[1]:
                raw.send(junk * 1000)
    except ConnectionError:
        assert linger == 300
    everything = time.process_time() - everything - (time.thread_time() - before)
    assert everything < 0.67 * (time.monotonic() - begun), "the I/O thread did little else than discard"
    raw.close()
    context.term()


# ---- floods of what must not be received


SKIPPED = {"SUB": b"\0\1x", "REP": b"\0\1x", "REQ": b"\1\4abcd\1\0\0\1x"}


@pytest.mark.parametrize("kind", list(SKIPPED))
def test_a_flood_of_what_is_skipped_locks_nobody_out(zmq, make, fresh, kind):
    """A thread sits in recv(); others get their turn meanwhile, and signals are handled."""
    socket = make(kind, RCVTIMEO=-1)
    if kind == "SUB":
        socket.subscribe(b"topic")
    socket.bind(fresh("tcp"))
    raw = dial(endpoint(socket))
    greet(raw)
    raw.sendall(ready(PEER_OF[kind]))
    if kind == "REQ":
        socket.req_correlate = 1
        until(lambda: socket.poll(0, zmq.POLLOUT))
        socket.send(b"request")
    flood = SKIPPED[kind] * 20000
    over = threading.Event()

    def sending():
        try:
            while not over.is_set():
                raw.sendall(flood)
        except OSError:
            pass

    def receiving():
        try:
            socket.recv()
        except zmq.ZMQError:
            pass                # closed below

    threads = [threading.Thread(target=sending), threading.Thread(target=receiving)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            asked = time.monotonic()
            assert socket.getsockopt(zmq.LINGER) == 0
            assert time.monotonic() - asked < 2 * SECONDS
        socket.close()
    finally:
        over.set()
        raw.close()
        for thread in threads:
            thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


INTERRUPTED = """
import signal, sys
import zmqcore as zmq
sub = zmq.Context().socket(zmq.SUB)
sub.linger = 0
sub.subscribe(b"topic")
sub.bind("tcp://127.0.0.1:*")
signal.signal(signal.SIGINT, signal.default_int_handler)
print(sub.get_string(zmq.LAST_ENDPOINT), flush=True)
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
CALLS = ["sub.recv()", "sub.poll()", "zmq.zmq_poll([(sub, 1)])"]


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("call", CALLS)
def test_a_flood_of_what_is_skipped_can_be_interrupted(call):
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED.format(call=call)], stdout=subprocess.PIPE, text=True) as program:
        raw = dial(program.stdout.readline().strip())
        greet(raw)
        raw.sendall(ready("PUB"))
        flood = b"\0\1x" * 20000
        raw.settimeout(10)
        for _ in range(100):
            raw.sendall(flood)
        program.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 20
        try:
            while program.poll() is None and time.monotonic() < deadline:
                raw.sendall(flood)
        except OSError:
            pass                # it has closed
        program.kill() if program.poll() is None else None
        assert program.stdout.read().strip() == "interrupted"
        raw.close()


# ---- who is at the other end


FORGED = ((b"Peer-Address", b"6.6.6.6"), (b"User-Id", b"admin"))


@pytest.mark.parametrize("transport", PLAIN)
@pytest.mark.better         # libzmq takes the peer's word for what it does not know itself
def test_a_peer_cannot_tell_who_it_is(zmq, make, fresh, transport):
    """Peer-Address and User-Id are ours to find out. Also when the connection is reset before we could ask whose it is."""
    pull = make("PULL")
    pull.bind(fresh(transport))
    expected = "127.0.0.1" if transport == "tcp" else None
    got = 0
    for tries in range(300):
        raw = dial(endpoint(pull))
        greet(raw, only_greeting=True)
        try:
            raw.sendall(ready("PUSH", *FORGED) + b"\0\1m")
        except ConnectionError:
            pass
        reset(raw) if tries % 3 else raw.close()
        while pull.poll(100 if tries == 299 else 0):
            got += 1
            frame = pull.recv(copy=False)
            with pytest.raises(zmq.ZMQError):
                frame.get("User-Id")
            told = frame.get("Peer-Address")        # though the connection may be gone by now
            assert told == expected or (expected is None and told.startswith(":")), told
    assert got > 100
