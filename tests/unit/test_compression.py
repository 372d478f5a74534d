"""Compression: what parts of messages become, what is read of them, and what is refused before there is memory for it.

Bytes of batches were seen on the wire of pyomq 0.27."""

import errno
import random
import struct

import pytest

from zmqcore import _probe as probe

pytest.importorskip("zmqcore._codecs")

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL".ljust(23, b"\0") + bytes(32)
READY = b"\x04\x06\x05READY"
CODECS = ["lz4", "zstd"]
PACKED = {"lz4": b"LZ4B", "zstd": b"\x28\xb5\x2f\xfd"}
BATCH = {"lz4": b"LZ4A", "zstd": b"ZSTA"}
DICTIONARY = {"lz4": b"LZ4D", "zstd": b"\x37\xa4\x30\xec"}
TEXT = b"a sentence that compresses; " * 200
EPROTO, EMSGSIZE = -errno.EPROTO, -errno.EMSGSIZE


def frame(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body


def frames(stream):
    """[(flags, body)] of whole frames."""
    found = []
    while stream:
        flags, header, size = probe.zmtp_frame_get(stream)
        found.append((flags, stream[header:header + size]))
        stream = stream[header + size:]
    return found


def packer(codec):
    made = probe.compression_Packer(codec)
    assert made.pack(GREETING) == (GREETING, 64)
    return made


def unpacker(codec, **more):
    """Behind greeting and command."""
    made = probe.compression_Unpacker(codec, **more)
    assert made.feed(GREETING + READY, 100) == (GREETING + READY, 0)
    return made


def parts_of(name, *bodies, dictionary=b"", **more):
    """The bodies on the wire."""
    stream = b"".join(frame(body) for body in bodies)
    made, taken = packer(probe.compression_Codec(name, dictionary=dictionary, **more)).pack(stream)
    assert taken == len(stream)
    return [body for _, body in frames(made)]


def whole_dictionary(name):
    """A dictionary of a codec, for TEXT and the like. That of Zstandard is trained."""
    if name == "lz4":
        return TEXT[:600]
    zstandard = pytest.importorskip("zstandard")
    chance = random.Random(7)
    words = [f"{chance.random():.6f}".encode() for _ in range(40)]
    samples = [TEXT[:60] + b" ".join(chance.choices(words, k=12)) for _ in range(2000)]
    return zstandard.train_dictionary(2000, samples).as_bytes()


# ---- what is sent


@pytest.mark.parametrize("name", CODECS)
def test_a_part_is_compressed_where_that_pays(name):
    short, incompressible = b"x" * 511, random.Random(1).randbytes(3000)
    small, large, chance = parts_of(name, short, TEXT, incompressible)
    assert small == bytes(4) + short
    assert chance == bytes(4) + incompressible
    assert large.startswith(PACKED[name]) and len(large) < 300
    if name == "lz4":
        assert struct.unpack("<Q", large[4:12]) == (len(TEXT),)


@pytest.mark.parametrize("name", CODECS)
def test_commands_and_the_greeting_pass(name):
    codec = probe.compression_Codec(name)
    made = probe.compression_Packer(codec)
    stream = GREETING + frame(b"\x05READY" + bytes(400), 4) + frame(b"\x04PING\0\0", 4)
    got = b""
    pieces = [stream[at:at + 7] for at in range(0, 63, 7)] + [stream[63:64], stream[64:80], stream[80:-5], stream[-5:]]
    for piece in pieces:
        more, taken = made.pack(piece)
        assert taken == len(piece)
        got += more
    assert got == stream
    assert made.pack(b"\2\0\0") == (b"", 0)  # half a header


@pytest.mark.parametrize("name", CODECS)
def test_a_body_may_lie_elsewhere(name):
    whole = frame(TEXT, 1)
    together, taken = packer(probe.compression_Codec(name)).pack(whole[:9], whole[9:])
    assert taken == len(whole) and together == packer(probe.compression_Codec(name)).pack(whole)[0]
    # One that comes in pieces goes as it is.
    made = packer(probe.compression_Codec(name))
    assert made.pack(whole[:9] + TEXT[:10])[0] + made.pack(TEXT[10:])[0] == frame(bytes(4) + TEXT, 1)


@pytest.mark.parametrize("attaches", [True, False])
@pytest.mark.parametrize("name", CODECS)
def test_a_dictionary_goes_before_the_first_part(name, attaches):
    dictionary = whole_dictionary(name)
    without = parts_of(name, TEXT[:150])
    told, first, second = parts_of(name, TEXT[:150], TEXT[:150], dictionary=dictionary, attaches=attaches)
    assert told == (DICTIONARY[name] + dictionary if name == "lz4" else dictionary)
    assert first == second and len(first) < len(without[0]) and first.startswith(PACKED[name])
    reader = unpacker(probe.compression_Codec(name))
    stream = frame(told) + frame(first) + frame(second)
    assert reader.feed(stream, 4096) == (2 * frame(TEXT[:150]), 0)


def test_a_dictionary_must_be_one():
    for name, wrong in (("lz4", bytes(8193)), ("zstd", b"anything at all"), ("zstd", b"\x37\xa4\x30\xec"), ("zstd", b"\x37\xa4\x30\xec" + bytes(50))):
        with pytest.raises(OSError) as caught:
            probe.compression_Codec(name, dictionary=wrong)
        assert caught.value.errno == errno.EINVAL, wrong


# ---- what is read


@pytest.mark.parametrize("room", [1, 5, 100, 100000])
@pytest.mark.parametrize("piece", [1, 3, 64, 100000])
@pytest.mark.parametrize("name", CODECS)
def test_what_was_packed_is_unpacked(name, piece, room):
    chance = random.Random(piece * room)
    sizes = [0, 1, 251, 252, 255, 256, 511, 512, 700, 5000]
    bodies = [chance.choice([TEXT[:n], chance.randbytes(n)]) for n in sizes]
    stream = b"".join(frame(body, chance.choice([0, 1])) for body in bodies) + frame(b"\x04PING\0\0", 4)
    codec = probe.compression_Codec(name)
    wire = packer(codec).pack(stream)[0]
    reader, got, waits = unpacker(codec), b"", b""
    for at in range(0, len(wire), piece):
        waits += wire[at:at + piece]
        more, left = reader.feed(waits, room)
        got += more
        waits = waits[len(waits) - left:]
    assert got == stream and not waits


@pytest.mark.parametrize(
    "name, batch, messages",
    [
        ("lz4", "4c5a34410000000068000000020000000032" + 50 * "61" + "0032" + 50 * "62", [b"a" * 50, b"b" * 50]),
        ("zstd", "5a5354410000000068000000020000000032" + 50 * "61" + "0032" + 50 * "62", [b"a" * 50, b"b" * 50]),
    ],
)
def test_a_batch_that_is_not_compressed(name, batch, messages):
    reader = unpacker(probe.compression_Codec(name))
    assert reader.feed(frame(bytes.fromhex(batch)), 4096) == (b"".join(frame(m) for m in messages), 0)


def batch_of(name, stream, messages, size=None):
    """A batch whose frames are compressed."""
    (packed,) = parts_of(name, stream)
    assert packed.startswith(PACKED[name])
    return BATCH[name] + struct.pack("<III", 1, len(stream) if size is None else size, messages) + (packed[12:] if name == "lz4" else packed)


INSIDE = frame(TEXT[:700], 1) + frame(b"end") + frame(TEXT[:20]) + frame(TEXT[:600])


@pytest.mark.parametrize("room", [1, 10, 4096])
@pytest.mark.parametrize("name", CODECS)
def test_a_batch_that_is_compressed(name, room):
    reader = unpacker(probe.compression_Codec(name))
    assert reader.feed(frame(batch_of(name, INSIDE, 3)) + frame(bytes(4) + b"next"), room) == (INSIDE + frame(b"next"), 0)


# ---- what is refused


def refused(name, *bodies, why=EPROTO, **more):
    reader = unpacker(probe.compression_Codec(name), **more)
    stream = b"".join(body if isinstance(body, bytes) and body[:1] in b"\0\1\2\3\4" and len(body) > 1 else frame(body) for body in bodies)
    assert reader.feed(stream, 4096) == why, stream[:40]


@pytest.mark.parametrize("name", CODECS)
def test_no_sentinel(name):
    other = "zstd" if name == "lz4" else "lz4"
    for body in (b"", b"x", b"xyz", b"hello", PACKED[other] + bytes(30), BATCH[other] + bytes(30), DICTIONARY[other] + bytes(30), bytes(3), b"\0\0\0\1more"):
        refused(name, frame(body))


@pytest.mark.parametrize("name", CODECS)
def test_nothing_comes_before_the_handshake(name):
    """A peer that nobody knows gets no memory."""
    (packed,) = parts_of(name, TEXT)
    for early in (frame(packed), frame(bytes(4) + b"plain"), bytes([2]) + struct.pack(">Q", 1 << 40) + PACKED[name]):
        reader = probe.compression_Unpacker(probe.compression_Codec(name))
        assert reader.feed(GREETING + early, 8192) == EPROTO


@pytest.mark.parametrize("name", CODECS)
def test_older_peers(name):
    codec = probe.compression_Codec(name)
    for greeting in (GREETING[:10] + b"\1" + GREETING[11:], GREETING[:10] + b"\0", b"\1\0", b"\x01"):
        assert probe.compression_Unpacker(codec).feed(greeting, 100) == EPROTO
        reader = probe.compression_Unpacker(codec)
        answers = [reader.feed(greeting[i:i + 1], 100) for i in range(min(len(greeting), 11))]
        assert answers[-1] == EPROTO or answers[0] == EPROTO


@pytest.mark.parametrize("name", CODECS)
def test_truncated_and_flipped(name):
    """Whatever the library makes of it: an error, or just so many bytes as were announced."""
    (packed,) = parts_of(name, TEXT)
    for cut in range(4, len(packed)):
        refused(name, frame(packed[:cut]))
    refused(name, frame(packed + b"\0"))
    chance = random.Random(3)
    for _ in range(2000):
        changed = bytearray(packed)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(4, len(changed))] ^= 1 << chance.randrange(8)
        got = unpacker(probe.compression_Codec(name), most=1 << 16).feed(frame(bytes(changed)), 8192)
        if isinstance(got, int):
            assert got in (EPROTO, EMSGSIZE)
        elif name == "lz4" and len(got[0]):
            assert len(got[0]) == struct.unpack("<Q", changed[4:12])[0] + (9 if len(got[0]) > 257 else 2)


@pytest.mark.parametrize("name", CODECS)
def test_more_than_is_wanted(name):
    (packed,) = parts_of(name, TEXT)
    assert unpacker(probe.compression_Codec(name), most=len(TEXT)).feed(frame(packed), 8192) == (frame(TEXT), 0)
    refused(name, frame(packed), most=len(TEXT) - 1, why=EMSGSIZE)
    # What has to be here in full is refused with its header.
    refused(name, bytes([2]) + struct.pack(">Q", 1 << 40) + PACKED[name], most=1000, why=EMSGSIZE)
    refused(name, bytes([2]) + struct.pack(">Q", 1 << 40) + BATCH[name], why=EMSGSIZE)
    refused(name, bytes([2]) + struct.pack(">Q", 1 << 14) + DICTIONARY[name], why=EMSGSIZE)


def test_a_size_that_cannot_be():
    block = parts_of("lz4", TEXT)[0][12:]
    for claim in (len(TEXT) - 1, len(TEXT) + 1, 0, len(block) * 255, 1 << 30, (1 << 30) + 1, 1 << 62, (1 << 64) - 1):
        for kind, middle in ((b"LZ4B", b""), (b"LZ4M", struct.pack("<I", len(block)))):
            refused("lz4", frame(kind + struct.pack("<Q", claim) + middle + block))
    # A frame of Zstandard that does not say its size; one of 1 TiB in a single block; two frames.
    refused("zstd", frame(PACKED["zstd"] + bytes.fromhex("0058 0100 00 41".replace(" ", ""))))
    refused("zstd", frame(PACKED["zstd"] + bytes.fromhex("e0") + struct.pack("<Q", 1 << 40) + bytes.fromhex("03000041")))
    refused("zstd", frame(2 * parts_of("zstd", TEXT)[0]))


def test_several_blocks():
    block = parts_of("lz4", TEXT)[0][12:]
    several = b"LZ4M" + struct.pack("<QI", len(TEXT), len(block)) + block
    reader = unpacker(probe.compression_Codec("lz4"))
    assert reader.feed(frame(several, 1), 8192) == (frame(TEXT, 1), 0)
    for wrong in (several + b"\0", several[:-1], several[:13], several[:12], several[:8]):
        refused("lz4", frame(wrong))


def test_a_bomb_is_refused_without_a_limit():
    """Nobody has set a limit: some hundred bytes still do not fill the memory."""
    zstandard = pytest.importorskip("zstandard")
    bomb = zstandard.ZstdCompressor(level=3).compress(bytes(200 << 20))
    assert len(bomb) < 20000
    refused("zstd", frame(bomb), why=EMSGSIZE)
    # We do not send anything of the kind: a peer of the same mind would refuse it.
    assert parts_of("zstd", bytes(10 << 20))[0].startswith(PACKED["zstd"])
    packed, taken = packer(probe.compression_Codec("zstd")).pack(frame(bytes(65 << 20)))
    assert packed[9:13] == bytes(4) and taken == len(packed) - 4


@pytest.mark.parametrize("name", CODECS)
def test_batches_that_are_none(name):
    good = batch_of(name, INSIDE, 3)
    for wrong in (
        good[:15], good[:16], good[:-1], good + b"\0",
        batch_of(name, INSIDE, 2), batch_of(name, INSIDE, 4), batch_of(name, INSIDE, 0),
        batch_of(name, INSIDE, 3, size=len(INSIDE) - 1), batch_of(name, INSIDE, 3, size=len(INSIDE) + 1), batch_of(name, INSIDE, 3, size=1 << 31),
        batch_of(name, frame(TEXT, 1), 1), batch_of(name, frame(TEXT, 1), 0), batch_of(name, frame(TEXT, 4), 1), batch_of(name, frame(TEXT)[:-1], 1),
        batch_of(name, frame(TEXT) + b"\0", 1),
        BATCH[name] + struct.pack("<III", 2, 3, 1) + b"\0\1x",
        BATCH[name] + struct.pack("<III", 0, 4, 1) + b"\0\1x",
        BATCH[name] + struct.pack("<III", 0, 0, 1),
        BATCH[name] + struct.pack("<III", 0, 0, 0),
    ):  # fmt: skip
        refused(name, frame(wrong))
    refused(name, frame(good, 1))
    refused(name, frame(bytes(4), 1), frame(good))


@pytest.mark.parametrize("name", CODECS)
def test_dictionaries_at_the_wrong_place(name):
    whole = whole_dictionary(name)
    told = DICTIONARY[name] + whole if name == "lz4" else whole
    refused(name, frame(told), frame(told))
    refused(name, frame(told, 1))
    refused(name, frame(bytes(4), 1), frame(told))
    if name == "lz4":
        refused(name, frame(DICTIONARY[name]))
        refused(name, frame(DICTIONARY[name] + bytes(8193)), why=EMSGSIZE)
        assert unpacker(probe.compression_Codec(name)).feed(frame(DICTIONARY[name] + bytes(8192)), 100) == (b"", 0)
    else:
        refused(name, frame(whole + bytes(8193 - len(whole))))


def test_a_frame_for_another_dictionary():
    whole = whole_dictionary("zstd")
    _, packed = parts_of("zstd", TEXT[:150], dictionary=whole)
    refused("zstd", frame(packed))
