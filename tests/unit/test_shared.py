"""Shared memory without any connection: the two commands, the blocks of a segment, and a peer's mapping of it."""

import errno
import fcntl
import os
import random
import subprocess
import sys

import pytest

from zmqcore import _probe

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="shared memory needs Linux")

PAGE = 4096
SIZE = 64 * PAGE


@pytest.fixture
def segment():
    return _probe.shared_Segment(SIZE)


@pytest.fixture
def descriptors():
    """descriptors(fd) -> fd, closed at the end."""
    made = []

    def keep(fd):
        made.append(fd)
        return fd

    yield keep
    for fd in made:
        os.close(fd)


@pytest.fixture
def peer(segment, descriptors):
    """(seat, mapping) of a peer that has been shown the segment."""
    seat, ledger = segment.seat()
    descriptors(ledger)
    assert not segment.welcome(seat)
    mapping = _probe.shared_Mapping(segment.fd, ledger, SIZE, SIZE)
    assert segment.welcome(seat)
    return seat, mapping


def send(segment, peer, block):
    """What the peer has of it."""
    seat, mapping = peer
    segment.sent(seat, block)
    slot, offset = segment.place(block)
    return mapping.take(slot, offset, block.size)


# ---- the commands


def test_data_of_the_commands():
    assert _probe.shared_segment_put(0x0102030405) == bytes.fromhex("0000000102030405")
    assert _probe.shared_block_put(1, 2, 3, 0x0A0B) == bytes.fromhex("01 00000002 0000000000000003 0000000000000a0b")
    assert _probe.shared_block_get(_probe.shared_block_put(0, 2**32 - 1, 2**64 - 1, 2**64 - 1)) == (0, 2**32 - 1, 2**64 - 1, 2**64 - 1)


@pytest.mark.parametrize("size", [0, 1, 7, 9, 20, 22, 300])
def test_data_of_another_length_is_refused(size):
    for get in (_probe.shared_block_get, _probe.shared_segment_get):
        with pytest.raises(OSError) as caught:
            get(bytes(size))
        assert caught.value.errno == errno.EPROTO


def test_flags_that_mean_nothing_are_ignored():
    assert _probe.shared_block_get(b"\xff" + bytes(20))[0] == 1


# ---- blocks


def test_a_block_that_is_let_go_is_used_again(segment):
    block = segment.alloc(PAGE + 1)
    assert (segment.in_use, segment.layout) == (1, [(0, 2 * PAGE)])
    block.drop()
    assert segment.in_use == 0
    again = segment.alloc(2 * PAGE)
    assert segment.place(again) == (0, 0)


def test_a_block_is_in_use_as_long_as_anybody_holds_it(segment, peer):
    block = segment.alloc(PAGE)
    other = block.share()
    got = [send(segment, peer, block), send(segment, peer, block)]
    for each in (block, other, got[0]):
        each.drop()
        assert segment.in_use == 1
    got[1].drop()
    assert segment.in_use == 0


def test_a_block_sent_to_two_peers_waits_for_both(segment, peer, descriptors):
    seat, ledger = segment.seat()
    second = seat, _probe.shared_Mapping(segment.fd, descriptors(ledger), SIZE, SIZE)
    block = segment.alloc(PAGE)
    block.write(b"content")
    got = [send(segment, each, block) for each in (peer, second)]
    block.drop()
    assert [each.read()[:7] for each in got] == [b"content"] * 2
    got[0].drop()
    assert segment.in_use == 1
    got[1].drop()
    assert segment.in_use == 0


def test_the_segment_is_bounded(segment):
    blocks = [segment.alloc(PAGE) for _ in range(SIZE // PAGE)]
    assert None not in blocks and segment.alloc(1) is None
    blocks[5].drop()
    assert segment.place(segment.alloc(PAGE))[1] == 5 * PAGE
    assert segment.alloc(SIZE + 1) is None and segment.alloc(0) is None


def test_neighbours_are_joined_for_a_larger_one(segment):
    blocks = [segment.alloc(PAGE) for _ in range(SIZE // PAGE)]
    for each in (10, 11, 12, 30):
        blocks[each].drop()
    assert segment.alloc(4 * PAGE) is None
    large = segment.alloc(2 * PAGE + 1)
    assert segment.place(large)[1] == 10 * PAGE
    large.drop()
    assert segment.place(segment.alloc(PAGE))[1] in (10 * PAGE, 30 * PAGE)


def test_the_last_block_grows_into_what_was_never_used(segment):
    segment.alloc(SIZE - PAGE).drop()
    assert segment.place(segment.alloc(SIZE))[1] == 0


def test_slots_are_bounded():
    segment = _probe.shared_Segment((_probe.shared_SLOTS + 10) * PAGE)
    blocks = [segment.alloc(PAGE) for _ in range(_probe.shared_SLOTS)]
    assert segment.alloc(PAGE) is None
    blocks[3].drop()
    assert segment.alloc(PAGE) is not None


@pytest.mark.parametrize("seed", range(8))
def test_blocks_never_overlap_and_keep_their_content(segment, peer, seed):
    chance = random.Random(seed)
    ours, theirs = {}, []
    for step in range(600):
        action = chance.random()
        if action < 0.5:
            size = chance.choice([1, 50, PAGE, 3 * PAGE, 9 * PAGE, chance.randrange(1, SIZE // 2)])
            if block := segment.alloc(size):
                content = step.to_bytes(4, "big") * (size // 4 + 1)
                block.write(content[:size])
                ours[block] = content[:size]
        elif action < 0.75 and ours:
            block = chance.choice(list(ours))
            theirs.append((send(segment, peer, block), ours[block]))
            if chance.random() < 0.7:
                block.drop()
                del ours[block]
        elif theirs:
            got, content = theirs.pop(chance.randrange(len(theirs)))
            assert got.read() == content
            got.drop()
        layout = segment.layout
        assert all(at + room == after for (at, room), (after, _) in zip(layout, layout[1:]))
        assert not layout or (layout[0][0] == 0 and sum(layout[-1]) <= SIZE)
    for got, content in theirs:
        assert got.read() == content
        got.drop()
    for block, content in ours.items():
        assert block.read() == content
        block.drop()
    assert segment.in_use == 0


# ---- peers that leave


def test_a_peer_that_leaves_with_blocks_retires_the_segment(segment, peer):
    seat, _ = peer
    got = send(segment, peer, segment.alloc(PAGE))
    assert segment.leave(seat)
    assert got.size == PAGE


def test_the_last_of_several_peers_takes_a_retired_segment_along():
    """What it is asked after that is answered from memory that is still there: glibc fills what is freed."""
    code = (
        "from zmqcore import _probe\n"
        "segment = _probe.shared_Segment(1 << 20)\n"
        "(first, _), (last, _) = segment.seat(), segment.seat()\n"
        "assert not segment.leave(first)\n"
        "assert not segment.leave_last(last)\n"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "MALLOC_PERTURB_": "90"}, check=True)


def test_a_peer_that_has_given_everything_back_leaves_nothing_behind(segment, peer, descriptors):
    seat, _ = peer
    send(segment, peer, segment.alloc(PAGE)).drop()
    assert not segment.leave(seat)
    again, ledger = segment.seat()
    descriptors(ledger)
    assert again == seat and segment.in_use == 0


def test_what_is_held_outlives_segment_and_mapping(descriptors):
    segment = _probe.shared_Segment(SIZE)
    seat, ledger = segment.seat()
    mapping = _probe.shared_Mapping(segment.fd, descriptors(ledger), SIZE, SIZE)
    block = segment.alloc(5)
    block.write(b"stays")
    got = send(segment, (seat, mapping), block)
    segment.leave(seat)
    del segment, mapping
    assert (block.read(), got.read()) == (b"stays", b"stays")


def test_seats_are_bounded(segment, descriptors):
    for _ in range(_probe.shared_PEERS):
        descriptors(segment.seat()[1])
    with pytest.raises(OSError) as caught:
        segment.seat()
    assert caught.value.errno == errno.ENOSPC


def test_nonsense_in_a_ledger_takes_places_away_and_no_more(segment, descriptors):
    seat, ledger = segment.seat()
    descriptors(ledger)
    block = segment.alloc(PAGE)
    segment.sent(seat, block)
    block.drop()
    os.pwrite(ledger, b"\xff" * _probe.shared_LEDGER, 0)
    assert segment.in_use == 1
    assert segment.place(segment.alloc(PAGE)) == (1, PAGE)


# ---- what a receiver maps


def sealed(size, seals=fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW):
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


@pytest.mark.parametrize("seals", [0, fcntl.F_SEAL_GROW, fcntl.F_SEAL_SHRINK])
def test_memory_that_is_not_sealed_is_not_mapped(descriptors, seals):
    good, ledger = descriptors(sealed(SIZE)), descriptors(sealed(PAGE))
    bad, bad_ledger = descriptors(sealed(SIZE, seals)), descriptors(sealed(PAGE, seals))
    _probe.shared_Mapping(good, ledger, SIZE, SIZE)
    for pair in ((bad, ledger), (good, bad_ledger)):
        with pytest.raises(OSError) as caught:
            _probe.shared_Mapping(*pair, SIZE, SIZE)
        assert caught.value.errno == errno.EINVAL


def test_huge_pages_are_not_mapped(descriptors):
    """A peer can take them out from under us, and there need not be others."""
    try:
        fd = descriptors(os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING | os.MFD_HUGETLB))
        os.ftruncate(fd, 1 << 30)
    except OSError as error:
        pytest.skip(f"there are none here: {error}")
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    with pytest.raises(OSError) as caught:
        _probe.shared_Mapping(fd, descriptors(sealed(PAGE)), 1 << 30, 1 << 30)
    assert caught.value.errno == errno.EINVAL


def test_what_is_no_memory_is_not_mapped(descriptors, tmp_path):
    ledger = descriptors(sealed(PAGE))
    (tmp_path / "file").write_bytes(bytes(SIZE))
    for fd in (os.open(tmp_path / "file", os.O_RDWR), *os.pipe(), os.open("/dev/zero", os.O_RDWR)):
        with pytest.raises(OSError):
            _probe.shared_Mapping(descriptors(fd), ledger, SIZE, SIZE)


@pytest.mark.parametrize("size, told, most", [(SIZE, SIZE + 1, 2 * SIZE), (SIZE, SIZE - 1, SIZE), (SIZE, 2**63, 2**40), (SIZE, SIZE, SIZE - 1), (0, 0, SIZE)])
def test_sizes_have_to_be_true_and_within_the_limit(descriptors, size, told, most):
    with pytest.raises(OSError) as caught:
        _probe.shared_Mapping(descriptors(sealed(size)), descriptors(sealed(PAGE)), told, most)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("place", [
    (0, 0, 0), (0, 0, SIZE + 1), (0, SIZE, 1), (0, 1, SIZE), (0, 2**64 - 1, 1), (0, 2**64 - PAGE, PAGE), (0, PAGE, 2**64 - PAGE),
    (_probe.shared_SLOTS, 0, 1), (2**32 - 1, 0, 1),
])
def test_blocks_outside_are_refused(peer, place):
    _, mapping = peer
    with pytest.raises(OSError) as caught:
        mapping.take(*place)
    assert caught.value.errno == errno.EPROTO


def test_the_receiver_cannot_write(segment):
    assert fcntl.fcntl(segment.fd, fcntl.F_GET_SEALS) & 16, "F_SEAL_FUTURE_WRITE"
    with pytest.raises(OSError):
        os.pwrite(segment.fd, b"x", 0)
    for change in (SIZE - 1, SIZE + 1):
        with pytest.raises(OSError):
            os.ftruncate(segment.fd, change)


def numbers(chance):
    """Numbers near all edges."""
    edge = chance.choice([0, 1, PAGE, SIZE, 2**31, 2**32, 2**63, 2**64 - 1, _probe.shared_SLOTS])
    return (edge + chance.choice([0, 0, 1, -1, chance.randrange(-PAGE, PAGE)])) % 2**64


def test_no_numbers_lead_outside(peer):
    """Whatever is taken for a block lies within the segment and can be read; ZMQCORE_FUZZ is how often it is tried."""
    _, mapping = peer
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    taken = 0
    for _ in range(int(os.environ.get("ZMQCORE_FUZZ", "5000"))):
        data = chance.randbytes(chance.choice([21, 21, 20, 22]))
        if chance.random() < 0.9:
            data = _probe.shared_block_put(chance.randrange(256), numbers(chance) % 2**32, numbers(chance), numbers(chance))
        try:
            _, slot, offset, size = _probe.shared_block_get(data)
            block = mapping.take(slot, offset, size)
        except OSError as error:
            assert error.errno == errno.EPROTO
            continue
        taken += 1
        assert slot < _probe.shared_SLOTS and 0 < size and offset + size <= SIZE
        assert len(block.read()) == size
    assert taken > 10
