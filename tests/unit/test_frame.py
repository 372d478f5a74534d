"""Frame headers of ZMTP/1.0 and of 2.0/3.x, and the decoder over them."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platforms import errno

from zmqcore import _probe

MORE, LONG, COMMAND = 1, 2, 4


def unhex(text):
    return bytes.fromhex(text)


def encode(flags, body, v1=False):
    return _probe.zmtp_frame_put(len(body), flags, v1) + body


# ---- headers ----


@pytest.mark.parametrize(
    ("size", "flags", "header"),
    [
        (0, 0, "0000"),
        (0, MORE, "0100"),
        (2, 0, "0002"),
        (255, MORE, "01FF"),
        (256, 0, "020000000000000100"),
        (256, MORE, "030000000000000100"),
        (41, COMMAND, "0429"),
        (292, COMMAND, "060000000000000124"),
        (2**63 - 1, 0, "027FFFFFFFFFFFFFFF"),
    ],
)
def test_golden_headers(size, flags, header):
    assert _probe.zmtp_frame_put(size, flags) == unhex(header)
    assert _probe.zmtp_frame_get(unhex(header)) == (flags, len(header) // 2, size)


@pytest.mark.parametrize(
    ("size", "flags", "header"),
    [
        (0, 0, "0100"),
        (3, 0, "0400"),
        (5, MORE, "0601"),
        (253, 0, "FE00"),
        (254, 0, "FF00000000000000FF00"),
        (255, MORE, "FF000000000000010001"),
    ],
)
def test_golden_v1_headers(size, flags, header):
    assert _probe.zmtp_frame_put(size, flags, True) == unhex(header)
    assert _probe.zmtp_frame_get(unhex(header), True) == (flags, len(header) // 2, size)


def test_v1_has_no_command_bit():
    assert _probe.zmtp_frame_put(1, COMMAND | MORE, True) == unhex("0201")


@given(st.integers(0, 2**63 - 1) | st.integers(0, 300), st.sampled_from([0, MORE, COMMAND]), st.binary(max_size=12))
def test_header_roundtrip(size, flags, behind):
    header = _probe.zmtp_frame_put(size, flags)
    assert _probe.zmtp_frame_get(header + behind) == (flags, len(header), size)
    for cut in range(len(header)):
        assert _probe.zmtp_frame_get(header[:cut]) is None


@given(st.integers(0, 2**63 - 2) | st.integers(0, 300), st.sampled_from([0, MORE]), st.binary(max_size=12))
def test_v1_header_roundtrip(size, flags, behind):
    header = _probe.zmtp_frame_put(size, flags, True)
    assert _probe.zmtp_frame_get(header + behind, True) == (flags, len(header), size)
    for cut in range(len(header)):
        assert _probe.zmtp_frame_get(header[:cut], True) is None


@pytest.mark.parametrize("header", ["0502", "0702", "070000000000000100", "FD00", "FF00"])
def test_command_with_more_is_refused(header):
    assert _probe.zmtp_frame_get(unhex(header)) == -errno.EPROTO


@pytest.mark.parametrize("header", ["028000000000000000", "03FFFFFFFFFFFFFFFF", "068000000000000001"])
def test_size_with_top_bit_is_refused(header):
    assert _probe.zmtp_frame_get(unhex(header)) == -errno.EPROTO


@pytest.mark.parametrize("header", ["00", "0000", "0001", "FF000000000000000000", "FF800000000000000000", "FFFFFFFFFFFFFFFFFFFF"])
def test_v1_length_zero_or_absurd_is_refused(header):
    assert _probe.zmtp_frame_get(unhex(header), True) == -errno.EPROTO


@pytest.mark.parametrize("reserved", range(0, 256, 8))
def test_reserved_flags_are_ignored(reserved):
    assert _probe.zmtp_frame_get(bytes([reserved | MORE, 7])) == (MORE, 2, 7)
    assert _probe.zmtp_frame_get(bytes([reserved | COMMAND, 7])) == (COMMAND, 2, 7)
    assert _probe.zmtp_frame_get(bytes([reserved | LONG]) + (7).to_bytes(8, "big")) == (0, 9, 7)
    assert _probe.zmtp_frame_get(bytes([5, reserved | 1]), True) == (MORE, 2, 4)


def test_long_form_of_a_small_size_is_accepted():
    assert _probe.zmtp_frame_get(unhex("020000000000000000")) == (0, 9, 0)
    assert _probe.zmtp_frame_get(unhex("FF000000000000000100"), True) == (0, 10, 0)


# ---- decoder ----

frames = st.lists(st.tuples(st.sampled_from([0, MORE, COMMAND]), st.binary(max_size=40) | st.binary(min_size=250, max_size=600)), max_size=8)
v1_frames = st.lists(st.tuples(st.sampled_from([0, MORE]), st.binary(max_size=40) | st.binary(min_size=250, max_size=600)), max_size=8)


def pieces(data, stream):
    """Cut a stream into random pieces, empty ones included."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        yield stream[start:end]


@given(frames, st.data())
def test_any_split_gives_the_same_frames(expected, data):
    d = _probe.zmtp_Decoder()
    for piece in pieces(data, b"".join(encode(*f) for f in expected)):
        assert d.feed(piece) == 0
    assert d.frames == expected


@given(v1_frames, st.data())
def test_any_split_gives_the_same_v1_frames(expected, data):
    d = _probe.zmtp_Decoder(True)
    for piece in pieces(data, b"".join(encode(*f, True) for f in expected)):
        assert d.feed(piece) == 0
    assert d.frames == expected


@pytest.mark.parametrize("v1", [False, True])
@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 253, 254, 255, 256, 300])
def test_octet_by_octet(v1, size):
    body = bytes(i % 251 for i in range(size))
    d = _probe.zmtp_Decoder(v1)
    stream = encode(MORE, body, v1) + encode(0, b"last", v1)
    for i in range(len(stream)):
        assert d.feed(stream[i : i + 1]) == 0
    assert d.frames == [(MORE, body), (0, b"last")]


@pytest.mark.parametrize("v1", [False, True])
@pytest.mark.parametrize("limit", [0, 1, 64, 253, 255, 256, 1000])
def test_a_frame_above_the_limit_is_refused_before_its_body(v1, limit):
    d = _probe.zmtp_Decoder(v1, limit)
    assert d.feed(encode(0, bytes(limit), v1)) == 0
    assert d.frames == [(0, bytes(limit))]
    assert d.feed(_probe.zmtp_frame_put(limit + 1, 0, v1)) == -errno.EMSGSIZE
    assert d.capacity == 0


@pytest.mark.parametrize("v1", [False, True])
@pytest.mark.parametrize("size", [2**20, 2**40, 2**62])
def test_announced_size_is_not_reserved(v1, size):
    d = _probe.zmtp_Decoder(v1)
    arrived = 0
    if size > sys.maxsize:  # 32 bits
        assert d.feed(_probe.zmtp_frame_put(size, 0, v1)) == -errno.EMSGSIZE
        return
    assert d.feed(_probe.zmtp_frame_put(size, 0, v1)) == 0
    for n in (1, 10, 100, 1000, 10000):
        assert d.feed(bytes(n)) == 0
        arrived += n
        assert d.capacity <= max(64, 2 * arrived)
    assert d.frames == []


def test_large_buffer_is_given_back():
    d = _probe.zmtp_Decoder()
    stream = encode(0, bytes(100000))
    assert d.feed(stream[:-1]) == 0
    assert d.capacity >= 99999
    assert d.feed(stream[-1:] + encode(0, b"x")) == 0
    assert d.capacity == 0
    assert [len(body) for _, body in d.frames] == [100000, 1]


@pytest.mark.parametrize("bad", ["0502", "028000000000000000"])
def test_errors_are_final(bad):
    d = _probe.zmtp_Decoder()
    assert d.feed(encode(0, b"before") + unhex(bad) + encode(0, b"behind")) == -errno.EPROTO
    assert d.feed(encode(0, b"later")) == -errno.EPROTO
    assert d.frames == [(0, b"before")]


def test_the_receiver_of_frames_may_end_it():
    d = _probe.zmtp_Decoder()
    d.refuse = b"no"
    assert d.feed(encode(0, b"yes") + encode(0, b"no") + encode(0, b"yes")) == -errno.EPROTO
    assert d.frames == [(0, b"yes"), (0, b"no")]
    assert d.feed(encode(0, b"yes")) == -errno.EPROTO


@given(st.binary(max_size=400), st.booleans(), st.integers(-1, 300), st.data())
def test_garbage_is_decoded_alike_however_it_is_cut(stream, v1, limit, data):
    whole, cut = _probe.zmtp_Decoder(v1, limit), _probe.zmtp_Decoder(v1, limit)
    result = whole.feed(stream)
    for piece in pieces(data, stream):
        last = cut.feed(piece)
        if last:
            break
    else:
        last = 0
    assert (last, cut.frames) == (result, whole.frames)
