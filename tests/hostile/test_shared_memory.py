"""Shared memory with a peer that does not keep to it, played by hand on a unix socket."""

import fcntl
import os
import socket
import sys
from pathlib import Path

import pytest
from awaiting import endpoint, until
from rawpeer import Raw, command, frame, greeting, message, metadata

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="shared memory needs Linux")

PAGE = 4096
SIZE = 1 << 20
LARGE = 100_000
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
OPEN = (0x5A4D5153).to_bytes(4, sys.byteorder)


def introduction(kind):
    return greeting() + command(b"READY", metadata((b"Socket-Type", kind), (b"X-Shared-Memory", b"1")))


def segment(size=SIZE):
    return command(b"X-SEGMENT", size.to_bytes(8, "big"))


def block(offset, size, slot=0, flags=0):
    return command(b"X-BLOCK", bytes([flags]) + slot.to_bytes(4, "big") + offset.to_bytes(8, "big") + size.to_bytes(8, "big"))


class Peer(Raw):
    """Has done the handshake, and holds memory of its own."""

    def __init__(self, where, kind):
        super().__init__(socket.socket(socket.AF_UNIX))
        self.made = []
        self.socket.connect(where[len("ipc://"):])
        self.send(introduction(kind))
        self.read(64)
        self.read_frame()

    def memory(self, size=SIZE, seals=SEALS):
        fd = os.memfd_create("hostile", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.made.append(fd)
        os.ftruncate(fd, size)
        if seals:
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
        return fd

    def pass_on(self, octets, *fds):
        socket.send_fds(self.socket, [octets], fds)

    def show(self, size=SIZE):
        """A segment as it should be. (memory, ledger)"""
        memory, ledger = self.memory(size), self.memory(PAGE)
        self.pass_on(segment(size), memory, ledger)
        return memory, ledger

    def ended(self):
        """The other side has closed the connection."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self):
        self.socket.close()
        for fd in self.made:
            os.close(fd)


def count():
    return len(os.listdir("/proc/self/fd"))


def maps():
    """What this process has mapped of a hostile peer's memory."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if "memfd:hostile" in line]


@pytest.fixture
def attack(make, fresh, raws):
    """attack("PULL") -> the socket under attack, and a function that makes one more peer."""

    def attack(kind, partner, **options):
        victim = make(kind, SHARED_MEMORY=SIZE, **options)
        victim.bind(fresh("ipc"))

        def peer():
            made = Peer(endpoint(victim), partner)
            raws(made)
            return made

        return victim, peer

    return attack


def unharmed(victim, peer):
    """A peer that behaves is served."""
    other = peer()
    memory, ledger = other.show()
    os.pwrite(memory, b"good" * 10, 0)
    other.send(block(0, 40) + message(b"plain"))
    assert [victim.recv(), victim.recv()] == [b"good" * 10, b"plain"]
    assert os.pread(ledger, 8, 0) == OPEN + (1).to_bytes(4, sys.byteorder)


@pytest.mark.parametrize("place", [
    (0, SIZE + 1), (SIZE, 1), (1, SIZE), (2**64 - 1, 1), (2**63, 2**63), (0, 2**64 - 1), (0, 0), (2**64 - PAGE, 2 * PAGE),
])
def test_blocks_outside_the_segment_end_the_connection(attack, place):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    bad.show()
    bad.send(block(*place))
    assert bad.ended()
    unharmed(pull, peer)


@pytest.mark.parametrize("slot", [1023, 2**31, 2**32 - 1])
def test_slots_outside_the_ledger_end_the_connection(attack, slot):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    bad.show()
    bad.send(block(0, 10, slot))
    assert bad.ended()
    unharmed(pull, peer)


def test_a_block_without_a_segment_ends_the_connection(attack):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    bad.send(block(0, 10))
    assert bad.ended()
    unharmed(pull, peer)


@pytest.mark.parametrize("data", [b"", b"\0" * 20, b"\0" * 22])
def test_a_malformed_block_ends_the_connection(attack, data):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    bad.show()
    bad.send(command(b"X-BLOCK", data))
    assert bad.ended()
    unharmed(pull, peer)


def test_who_has_not_announced_it_is_not_understood(attack, raws):
    """To others the commands are unknown ones, and ignored."""
    pull, peer = attack("PULL", b"PUSH")
    plain = Raw(socket.socket(socket.AF_UNIX))
    raws(plain.socket)
    plain.socket.connect(endpoint(pull)[len("ipc://"):])
    plain.send(greeting() + command(b"READY", metadata((b"Socket-Type", b"PUSH"))))
    plain.send(segment() + block(0, 10) + message(b"after"))
    assert pull.recv() == b"after"


def bad_segments(peer):
    """What may be shown instead of a segment: (octets, descriptors)."""
    good, ledger = peer.memory(), peer.memory(PAGE)
    pipe = os.pipe()
    peer.made += pipe
    return {
        "no descriptor": (segment(), ()),
        "one descriptor": (segment(), (good,)),
        "more than two": (segment(), (good, ledger, good, ledger, good)),
        "not sealed": (segment(), (peer.memory(SIZE, 0), ledger)),
        "ledger not sealed": (segment(), (good, peer.memory(PAGE, 0))),
        "can be shrunk": (segment(), (peer.memory(SIZE, fcntl.F_SEAL_GROW), ledger)),
        "no memory": (segment(), pipe),
        "a socket": (segment(), (peer.socket.fileno(), ledger)),
        "smaller than it says": (segment(SIZE), (peer.memory(PAGE), ledger)),
        "larger than allowed": (segment(SIZE + PAGE), (peer.memory(SIZE + PAGE), ledger)),
        "huge": (segment(1 << 45), (peer.memory(1 << 45), ledger)),
        "of no size": (segment(0), (peer.memory(0), ledger)),
        "ledger too small": (segment(), (good, peer.memory(8))),
        "malformed": (command(b"X-SEGMENT", b"1234567"), (good, ledger)),
    }


@pytest.mark.parametrize("name", [
    "no descriptor", "one descriptor", "more than two", "not sealed", "ledger not sealed", "can be shrunk", "no memory", "a socket",
    "smaller than it says", "larger than allowed", "huge", "of no size", "ledger too small", "malformed",
])
def test_a_segment_that_is_not_as_it_should_be_is_not_mapped(attack, name):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    octets, fds = bad_segments(bad)[name]
    before = count()
    bad.pass_on(octets + message(b"goes on"), *fds)
    if name != "more than two":  # the first two are in order
        assert pull.recv() == b"goes on"
        assert not maps()
        bad.send(block(0, 10))
        assert bad.ended()
    else:
        assert pull.recv() == b"goes on"
    bad.close()
    bad.made = []
    until(lambda: not maps())
    until(lambda: count() <= before)
    unharmed(pull, peer)


def test_a_flood_of_descriptors_is_held_two_at_a_time(attack):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    fds = [bad.memory(PAGE) for _ in range(2)]
    until(lambda: pull.statistics().connections == 1)
    before = count()
    for number in range(300):
        bad.pass_on(message(b"with luggage"), *fds)
        if number % 10 == 9:
            assert [pull.recv() for _ in range(10)] == [b"with luggage"] * 10
            assert count() <= before + 2
    bad.close()
    bad.made = []
    until(lambda: count() <= before)


def test_segments_without_end_are_bounded(attack):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    memory, ledger = bad.memory(), bad.memory(PAGE)
    for number in range(64):
        bad.pass_on(segment() + block(0, 50), memory, ledger)
        assert len(pull.recv(copy=False)) == 50
        assert len(maps()) <= 4
    bad.pass_on(segment() + message(b"one too many"), memory, ledger)
    assert pull.recv() == b"one too many"
    assert not maps()
    bad.send(block(0, 50))
    assert bad.ended()


def test_the_largest_frame_counts_here_too(attack):
    pull, peer = attack("PULL", b"PUSH", MAXMSGSIZE=5000)
    bad = peer()
    bad.show()
    bad.send(block(0, 5000))
    assert len(pull.recv()) == 5000
    bad.send(block(0, 5001))
    assert bad.ended()


def test_limits_of_a_whole_message_count_here_too(attack):
    pull, peer = attack("PULL", b"PUSH", MAX_MESSAGE_FRAMES=3)
    bad = peer()
    bad.show()
    bad.send((block(0, 10, flags=1) + frame(b"small", 1)) + block(20, 10))
    assert [len(part) for part in pull.recv_multipart()] == [10, 5, 10]
    bad.send(block(0, 10, flags=1) * 3 + block(20, 10))
    assert bad.ended()


def test_a_message_that_breaks_off_is_not_received(attack):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    bad.show()
    bad.send(block(0, 10, flags=1))
    bad.close()
    bad.made = []
    unharmed(pull, peer)
    assert pull.poll(0) == 0


def test_a_peer_that_scribbles_changes_no_copy(attack):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    memory, _ = bad.show()
    os.pwrite(memory, b"a" * LARGE, 0)
    bad.send(block(0, LARGE))
    whole = pull.recv()
    os.pwrite(memory, b"b" * LARGE, 0)
    assert whole == b"a" * LARGE
    bad.send(block(0, LARGE))
    frame = pull.recv(copy=False)
    taken = frame.bytes
    os.pwrite(memory, b"c" * LARGE, 0)
    assert frame.bytes is taken and taken == b"b" * LARGE
    assert len(frame) == LARGE and bytes(memoryview(frame)[:5]) == b"ccccc"  # in place is in place


def test_the_receivers_memory_cannot_be_taken_away(attack):
    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    memory, ledger = bad.show()
    os.pwrite(memory, b"a" * LARGE, 0)
    bad.send(block(0, LARGE))
    frame = pull.recv(copy=False)
    for fd in (memory, ledger):
        with pytest.raises(PermissionError):
            os.ftruncate(fd, 0)
    bad.close()
    bad.made = []
    assert bytes(frame) == b"a" * LARGE


# ---- a receiver that does not keep to it


def take(peer):
    """The segment that the victim shows: (memory, ledger), and the frames that came before it."""
    octets, fds, _, _ = socket.recv_fds(peer.socket, 1 << 20, 4)
    while not fds:
        more, fds, _, _ = socket.recv_fds(peer.socket, 1 << 20, 4)
        octets += more
    peer.made += fds
    return fds


def shown(push, peer):
    """A peer that has the segment of `push`, and says so."""
    bad = peer()
    push.send(b"x" * LARGE)
    memory, ledger = take(bad)
    os.pwrite(ledger, OPEN, 0)
    return bad, memory, ledger


def test_a_receiver_that_gives_nothing_back_gets_the_rest_over_the_connection(attack):
    push, peer = attack("PUSH", b"PULL")
    bad, _, _ = shown(push, peer)
    bad.socket.settimeout(1)
    for _ in range(30):
        push.send(b"y" * LARGE)
        bad.socket.recv(1 << 22)
    blocks = push.statistics().shared_blocks
    assert blocks <= SIZE // LARGE
    assert push.statistics().shared_out <= SIZE
    bad.close()
    bad.made = []
    until(lambda: push.statistics().shared_blocks == 0)


@pytest.mark.parametrize("returns", [1, 2, 7, 2**32 - 1])
def test_a_receiver_that_gives_back_what_it_never_got_harms_itself(attack, returns):
    push, peer = attack("PUSH", b"PULL")
    bad, memory, ledger = shown(push, peer)
    os.pwrite(ledger, returns.to_bytes(4, sys.byteorder) * (PAGE // 4 - 1), 4)
    for number in range(20):
        push.send(bytes([number]) * LARGE)
        bad.socket.recv(1 << 22)
    assert push.statistics().shared_blocks <= SIZE // LARGE


def test_a_receiver_can_write_to_no_segment(attack):
    push, peer = attack("PUSH", b"PULL")
    _, memory, ledger = shown(push, peer)
    with pytest.raises(PermissionError):
        os.pwrite(memory, b"x", 0)
    for fd in (memory, ledger):
        with pytest.raises(PermissionError):
            os.ftruncate(fd, 0)


def test_a_receiver_that_says_nothing_gets_everything_over_the_connection(attack):
    push, peer = attack("PUSH", b"PULL")
    bad = peer()
    push.send(b"x" * LARGE)
    take(bad)
    for _ in range(5):
        push.send(b"y" * LARGE)
        bad.socket.recv(1 << 22)
    assert push.statistics().shared_out == 0


def test_no_descriptor_to_spare(attack):
    """EMFILE at the receiver: the kernel hands none over, and everything goes over the connection."""
    import resource

    pull, peer = attack("PULL", b"PUSH")
    bad = peer()
    until(lambda: pull.statistics().connections == 1)
    memory, ledger = bad.memory(), bad.memory(PAGE)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(fd) for fd in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        bad.pass_on(segment() + message(b"goes on"), memory, ledger)
        assert pull.recv() == b"goes on"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert highest and not maps()
    bad.send(block(0, 5))
    assert bad.ended()
