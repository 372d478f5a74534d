"""Large frames through memory that two processes share, on ipc (option SHARED_MEMORY)."""

import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from awaiting import endpoint, until
from rawpeer import Raw, greeting, ready

import zmqcore as zmq

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="shared memory needs Linux")

HERE = Path(__file__).parent
LARGE = 1 << 20
ROOM = 16 << 20
SHARED = {"SHARED_MEMORY": ROOM}


def maps():
    """Mappings of shared memory in this process, of connections."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if "memfd:zmqcore" in line]


def descriptors():
    return [name for name in (os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}"))
            if "memfd" in name]


def content(number, size=LARGE):
    return number.to_bytes(4, "big") * (size // 4)


@pytest.fixture
def shared(pair):
    """shared("PUSH", "PULL") -> both sockets, the first of which sends large frames through shared memory by now."""

    def shared(sender, receiver, sends=None, receives=None):
        first, second = pair(sender, receiver, "ipc", SHARED | (sends or {}), SHARED | (receives or {}))
        settle(first, second)
        return first, second

    return shared


def settle(sender, receiver):
    """The first large frames go over the connection, until the receiver has the segment."""

    def through():
        before = sender.statistics().shared_out
        sender.send(content(0))
        receiver.recv()
        return sender.statistics().shared_out > before

    until(through)


def free(sender):
    return until(lambda: sender.statistics().shared_blocks == 0)


@pytest.mark.parametrize("copy", [True, False])
def test_large_frames_do_not_go_over_the_connection(shared, copy):
    push, pull = shared("PUSH", "PULL")
    wire, out, come = push.statistics().wire_out, push.statistics().shared_out, pull.statistics().shared_in
    for number in range(20):
        push.send(content(number))
        assert bytes(pull.recv(copy=copy)) == content(number)
    after = push.statistics()
    assert after.shared_out - out == pull.statistics().shared_in - come == 20 * LARGE
    assert after.wire_out - wire < 20 * 64
    assert after.bytes_out == pull.statistics().bytes_in
    free(push)


def test_frames_of_one_message_keep_their_order(shared):
    push, pull = shared("PUSH", "PULL")
    message = [b"head", content(1), b"", content(2, 40000), b"x" * 20000, content(3), b"tail"]
    for _ in range(5):
        push.send_multipart(message)
        assert pull.recv_multipart() == message
        push.send_multipart(message, copy=False)
        assert [bytes(frame) for frame in pull.recv_multipart(copy=False)] == message


def test_what_is_read_in_place_stays_as_it_is(shared):
    push, pull = shared("PUSH", "PULL")
    kept = []
    for number in range(ROOM // LARGE * 2):
        push.send(content(number))
        kept.append(pull.recv(copy=False))
    assert [bytes(frame) for frame in kept] == [content(number) for number in range(len(kept))]
    assert push.statistics().shared_blocks <= ROOM // LARGE
    del kept
    free(push)


def test_a_frame_in_place_is_read_only(shared):
    push, pull = shared("PUSH", "PULL")
    push.send(content(7))
    frame = pull.recv(copy=False)
    assert memoryview(frame).readonly
    with pytest.raises(BufferError):
        pull.recv_into(frame)
    assert bytearray(frame) == frame.bytes == content(7)
    del frame
    free(push)


def test_more_than_the_segment_holds_goes_over_the_connection(shared):
    push, pull = shared("PUSH", "PULL", {"SHARED_MEMORY": 2 * LARGE})
    kept = []
    for number in range(6):
        push.send(content(number))
        kept.append(pull.recv(copy=False))
    push.send(content(9, 3 * LARGE))
    assert pull.recv() == content(9, 3 * LARGE)
    assert [bytes(frame) for frame in kept] == [content(number) for number in range(6)]


def test_high_water_marks_hold(shared):
    """Beyond them is what the segment holds, and then what the kernel's buffer does, as ever."""
    push, pull = shared("PUSH", "PULL", {"SNDHWM": 3, "SHARED_MEMORY": 2 * LARGE}, {"RCVHWM": 3})
    push.sndtimeo = 200
    sent = 0
    with pytest.raises(zmq.Again):
        while sent < 1000:
            push.send(content(sent, 65536))
            sent += 1
    assert sent < 400
    assert [pull.recv() == content(number, 65536) for number in range(sent)] == [True] * sent
    free(push)


def test_the_option_of_one_side_is_not_enough(pair):
    for mine, theirs in ((SHARED, {}), ({}, SHARED)):
        push, pull = pair("PUSH", "PULL", "ipc", mine, theirs)
        for number in range(5):
            push.send(content(number))
            assert pull.recv() == content(number)
        assert push.statistics().shared_out == 0


def test_other_transports_do_without(pair):
    push, pull = pair("PUSH", "PULL", "tcp", SHARED, SHARED)
    for number in range(5):
        push.send(content(number))
        assert pull.recv() == content(number)
    assert push.statistics().shared_out == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user for a moment")
@pytest.mark.parametrize("allowed", [0, 1])
def test_other_users_have_to_be_allowed(make, allowed):
    """SHARED_MEMORY_ANY_USER. The kernel remembers who has connected, and who listens."""
    pull = make("PULL", SHARED_MEMORY_ANY_USER=allowed, **SHARED)
    pull.bind(f"ipc://@zmqcore-{os.getpid()}-{allowed}")
    push = make("PUSH", SHARED_MEMORY_ANY_USER=allowed, **SHARED)
    os.seteuid(1)
    try:
        push.connect(endpoint(pull))
        until(lambda: push.statistics().connections and pull.statistics().connections)
    finally:
        os.seteuid(0)
    if allowed:
        settle(push, pull)
    for number in range(5):
        push.send(content(number))
        assert pull.recv() == content(number)
    assert (push.statistics().shared_out > 0) == allowed


def test_what_is_encrypted_stays_on_its_connection(pair):
    public, secret = zmq.curve_keypair()
    mine, own = zmq.curve_keypair()
    client = SHARED | {"CURVE_SERVERKEY": public, "CURVE_PUBLICKEY": mine, "CURVE_SECRETKEY": own}
    server = SHARED | {"CURVE_SERVER": 1, "CURVE_SECRETKEY": secret}
    push, pull = pair("PUSH", "PULL", "ipc", client, server)
    for number in range(5):
        push.send(content(number))
        assert pull.recv() == content(number)
    assert push.statistics().shared_out == 0


def test_off_nothing_is_announced(make, fresh, raws):
    """The octets are those of a socket without the feature."""
    for options, announced in (({}, False), (SHARED, True)):
        pull = make("PULL", **options)
        pull.bind(fresh("ipc"))
        raw = Raw(socket.socket(socket.AF_UNIX))
        raws(raw.socket)
        raw.socket.connect(endpoint(pull)[len("ipc://"):])
        raw.send(greeting() + ready("PUSH"))
        raw.read(64)
        _, body = raw.read_frame()
        assert (b"X-Shared-Memory" in body) is announced


def test_a_publisher_writes_once_for_all(make, fresh):
    pub = make("PUB", **SHARED)
    pub.bind(fresh("ipc"))
    subs = [make("SUB", **SHARED) for _ in range(3)]
    for sub in subs:
        sub.subscribe(b"")
        sub.connect(endpoint(pub))
    pub.wait_for_peers(3)
    until(lambda: pub.topics_count and sum(peer.state == "ready" for peer in pub.statistics().peers) == 3)

    def through():
        pub.send(content(1))
        for sub in subs:
            if sub.poll(1000):
                sub.recv()
        return all(peer.shared_out for peer in pub.statistics().peers)

    until(through)
    for sub in subs:
        while sub.poll(50):
            sub.recv()
    free(pub)
    pub.send(content(5))
    frames = [sub.recv(copy=False) for sub in subs]
    assert [bytes(frame) for frame in frames] == [content(5)] * 3
    assert pub.statistics().shared_blocks == 1
    del frames
    free(pub)


def test_a_frame_in_place_can_be_passed_on(shared, make):
    push, pull = shared("PUSH", "PULL")
    onward, end = shared("PUSH", "PULL")
    inside = make("PAIR")
    inside.bind("inproc://passed-on")
    beyond = make("PAIR")
    beyond.connect("inproc://passed-on")
    for number in range(10):
        push.send(content(number))
        frame = pull.recv(copy=False)
        inside.send(frame, copy=False)
        onward.send(beyond.recv(copy=False), copy=False)
        del frame
        assert end.recv() == content(number)
    free(push)
    free(onward)


def test_a_lost_connection_loses_no_block(make, fresh):
    """What waits for the next connection is sent over that."""
    where = fresh("ipc", ahead=True)
    push = make("PUSH", RECONNECT_IVL=10, **SHARED)
    push.connect(where)
    pull = make("PULL", RCVHWM=1, **SHARED)
    pull.bind(where)
    settle(push, pull)
    frame = push.lend(LARGE)
    memoryview(frame)[:] = content(1)
    kept = pull
    push.send(frame, copy=False)
    held = pull.recv(copy=False)
    kept.close()
    for _ in range(3):
        push.send(frame, copy=False)
    pull = make("PULL", **SHARED)
    until(lambda: _bound(pull, where))
    until(lambda: pull.poll(100))
    assert [pull.recv() for _ in range(push.statistics().messages_left and 1)] in ([content(1)], [])
    assert bytes(held) == content(1)
    settle_through(push, pull)


def _bound(sock, where):
    try:
        sock.bind(where)
        return True
    except zmq.ZMQError as error:
        assert error.errno == zmq.EADDRINUSE
        return False


def settle_through(push, pull):
    def through():
        before = push.statistics().shared_out
        push.send(content(3))
        while pull.poll(500):
            assert pull.recv() in (content(3), content(1))
        return push.statistics().shared_out > before

    until(through)


def test_nothing_is_left_behind(shared):
    held = []
    mapped, opened = len(maps()), len(descriptors())
    for _ in range(3):
        push, pull = shared("PUSH", "PULL")
        push.send(content(1))
        held.append(pull.recv(copy=False))
        push.close()
        pull.close()
    until(lambda: len(descriptors()) == opened)
    assert [bytes(frame) for frame in held] == [content(1)] * 3
    held.clear()
    until(lambda: len(maps()) == mapped)


# ---- lent frames


def test_a_lent_frame_is_written_by_the_program_and_sent_as_it_is(shared):
    push, pull = shared("PUSH", "PULL")
    before = push.statistics().shared_out
    frame = push.lend(LARGE)
    assert len(frame) == LARGE and push.statistics().shared_blocks == 1
    memoryview(frame)[:] = content(4)
    for _ in range(3):
        push.send(frame, copy=False)
    got = [pull.recv(copy=False) for _ in range(3)]
    assert [bytes(each) for each in got] == [content(4)] * 3
    assert push.statistics().shared_out - before == 3 * LARGE
    assert push.statistics().shared_blocks == 1, "no copy was made"
    del frame
    assert push.statistics().shared_blocks == 1
    del got
    free(push)


def test_an_array_in_place_is_read_only(shared):
    numpy = pytest.importorskip("numpy")
    push, pull = shared("PUSH", "PULL")
    push.send_array(numpy.arange(100_000))
    got = pull.recv_array()
    assert not got.flags.writeable
    assert (got == numpy.arange(100_000)).all()
    del got
    free(push)


def test_an_array_in_a_lent_frame(shared):
    numpy = pytest.importorskip("numpy")
    push, pull = shared("PUSH", "PULL")
    frame = push.lend(8 * 100_000)
    array = numpy.frombuffer(frame, dtype="f8")
    array[:] = numpy.arange(100_000)
    push.send(frame, copy=False)
    got = numpy.frombuffer(pull.recv(copy=False), dtype="f8")
    assert (got == array).all() and not got.flags.writeable


@pytest.mark.parametrize("size", [0, 5, 100, LARGE])
def test_lent_frames_go_over_every_transport(pair, transport, size):
    push, pull = pair("PUSH", "PULL", transport, SHARED, SHARED)
    frame = push.lend(size)
    memoryview(frame)[:] = b"7" * size
    for _ in range(2):
        push.send(frame, copy=False)
    assert [pull.recv() for _ in range(2)] == [b"7" * size] * 2


def test_more_than_the_segment_holds_is_lent_too(shared):
    push, pull = shared("PUSH", "PULL")
    frame = push.lend(ROOM + 1)
    memoryview(frame)[:] = b"7" * (ROOM + 1)
    push.send(frame, copy=False)
    assert pull.recv() == b"7" * (ROOM + 1)
    assert push.statistics().shared_blocks == 0


def test_lending_has_limits(make):
    push = make("PUSH")
    with pytest.raises(zmq.ZMQError) as caught:
        push.lend(-1)
    assert caught.value.errno == zmq.EINVAL
    push.close()
    with pytest.raises(zmq.ZMQError):
        push.lend(10)


def test_a_lent_frame_outlives_its_socket(shared):
    push, pull = shared("PUSH", "PULL")
    frame = push.lend(LARGE)
    memoryview(frame)[:] = content(1)
    push.close()
    pull.close()
    assert bytes(frame) == content(1)


# ---- processes that end


def child(role, where):
    return subprocess.Popen([sys.executable, str(HERE / "shared_memory_party.py"), role, where], stdout=subprocess.PIPE, env=os.environ)


def gone(near, role):
    """No peer is left, and nothing of it. A connection whose messages have filled the queue is not read, nor found to be over, before there is room."""
    over = all(peer.state != "ready" for peer in near.statistics().peers)
    while role == "send" and near.poll(0):
        got = near.recv()
        assert got == content(int.from_bytes(got[:4], "big"), len(got))
    return over


@pytest.mark.parametrize("role", ["send", "receive"])
def test_a_peer_that_is_killed_leaves_nothing(make, fresh, role):
    """Killed at any moment: no torn frame, no block that is lost, no descriptor, no mapping."""
    seed = random.SystemRandom().randrange(1, 10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    mapped, opened = len(maps()), len(descriptors())
    where = fresh("ipc", ahead=True)
    near = make("PULL" if role == "send" else "PUSH", **SHARED)
    near.bind(where)
    for _ in range(4):
        party = child(role, where)
        assert party.stdout.readline() == b"there\n"
        goal = chance.randrange(5, 120)
        done = 0
        while done < goal:
            if role == "send":
                frame = near.recv(copy=False)
                number = int.from_bytes(memoryview(frame)[:4], "big")
                assert bytes(frame) == content(number, len(frame))
            else:
                near.send(content(done, chance.choice([40000, 300000, LARGE])))
            done += 1
        party.send_signal(signal.SIGKILL)
        party.wait()
        party.stdout.close()
        frame = None
        until(lambda: gone(near, role))
        if role == "send":
            until(lambda: len(maps()) == mapped)
        else:
            until(lambda: near.statistics().shared_blocks == 0)
            assert len(descriptors()) <= opened + 1
    near.close()
    until(lambda: (len(maps()), len(descriptors())) == (mapped, opened))


def in_child(frame, lent, result):
    good = bytes(frame) == content(2) and bytes(lent) == content(3)
    frame = lent = None
    result.send(good)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="forks beside threads are warned of")
def test_a_child_gives_nothing_back(shared):
    push, pull = shared("PUSH", "PULL")
    push.send(content(2))
    frame = pull.recv(copy=False)
    lent = push.lend(LARGE)
    memoryview(lent)[:] = content(3)
    used = push.statistics().shared_blocks
    near, far = multiprocessing.get_context("fork").Pipe()
    pid = os.fork()
    if pid == 0:
        try:
            in_child(frame, lent, far)
            frame = lent = None
        finally:
            os._exit(0)
    assert near.recv()
    os.waitpid(pid, 0)
    assert push.statistics().shared_blocks == used == 2
    assert bytes(frame) == content(2)
    del frame, lent
    free(push)
