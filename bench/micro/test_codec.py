"""ZMTP frames, commands and metadata through zmqcore._probe: how long the sans-IO parts take without any socket.

A sample contains the call from Python; where the probe has a loop of its own (..._bench) the call does not count.
"""

import struct

import pytest

ROUNDS = 20


@pytest.mark.parametrize("reading", [False, True], ids=["write", "read"])
@pytest.mark.parametrize("size", [0, 16, 255, 256, 4096])
def test_frame_headers_of_20_buffers(benchmark, probe, size, reading):
    frame = (2 if size <= 255 else 9) + size
    per_buffer = (65536 - 9 - size) // frame + 1  # the probe leaves room for the longest header
    assert benchmark(probe.zmtp_frame_bench, ROUNDS, size, reading) == ROUNDS * per_buffer
    benchmark.extra_info["frames"] = ROUNDS * per_buffer


@pytest.mark.parametrize("size", [16, 256, 4096])
def test_decoder_feed_64_kib(benchmark, probe, size):
    frame = (struct.pack("BB", 0, size) if size < 256 else struct.pack(">BQ", 2, size)) + bytes(size)
    data = frame * (65536 // len(frame))

    def once():
        decoder = probe.zmtp_Decoder()
        assert decoder.feed(data) >= 0
        return decoder.frames

    assert len(benchmark(once)) == 65536 // len(frame)


def test_command_parse_subscribe(benchmark, probe):
    kind, topic, _ = benchmark(probe.zmtp_command_parse, b"\x09SUBSCRIBEtopic")
    assert (kind, topic) == (probe.ZMTP_COMMANDS["SUBSCRIBE"], b"topic")


def test_metadata_find(benchmark, probe):
    metadata = probe.zmtp_Metadata(b"\x0bSocket-Type\x00\x00\x00\x04PUSH\x08Identity\x00\x00\x00\x02me")
    assert benchmark(metadata.find, b"Identity") == b"me"


def test_handshake_null(benchmark, probe):
    """Both sides of a NULL handshake, in memory."""

    def once():
        one, two = probe.zmtp_Handshake(8), probe.zmtp_Handshake(7)  # PUSH, PULL
        for _ in range(4):
            one.feed(two.take())
            two.feed(one.take())
        return one.peer_type, two.peer_type

    assert benchmark(once) == (7, 8)
