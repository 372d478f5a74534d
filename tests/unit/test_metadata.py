"""Metadata: what parses, who wins, who holds it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platforms import errno

from zmqcore import _probe


def encode(*properties):
    return b"".join(bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in properties)


names = st.binary(max_size=255) | st.sampled_from([b"X-a", b"X-b", b"Identity", b"Routing-Id", b"Socket-Type"])
properties = st.lists(st.tuples(names, st.binary(max_size=50)), max_size=12)


def test_properties_are_found_in_the_octets_of_the_rfc():
    md = _probe.zmtp_Metadata(bytes.fromhex("0B 536F636B65742D54797065 00000006 4445414C4552 08 4964656E74697479 00000000"))
    assert md.find(b"Socket-Type") == b"DEALER"
    assert md.find(b"Identity") == b""
    assert md.find(b"Routing-Id") == b""
    assert md.find(b"Socket") is None
    assert md.find(b"socket-type") is None
    assert md.find(b"") is None


@given(properties)
def test_first_wins_except_for_identity(pairs):
    md = _probe.zmtp_Metadata(encode(*pairs))
    expected = {}
    for name, value in pairs:
        if name == b"Identity":
            expected[name] = value
        else:
            expected.setdefault(name, value)
    either = expected.get(b"Identity", expected.get(b"Routing-Id"))
    for name in [*expected, b"Identity", b"Routing-Id"]:
        assert md.find(name) == (either if name in (b"Identity", b"Routing-Id") else expected[name])
    assert md.find(b"no such name") is None or b"no such name" in expected


def test_no_properties_at_all():
    assert _probe.zmtp_Metadata(b"").find(b"Socket-Type") is None


def test_empty_name_is_a_name():
    assert _probe.zmtp_Metadata(encode((b"", b"v"))).find(b"") == b"v"


def test_every_truncation_is_refused():
    pairs = [(b"Socket-Type", b"DEALER"), (b"", b""), (b"Identity", b"me")]
    whole = encode(*pairs)
    borders = {len(encode(*pairs[:n])) for n in range(len(pairs) + 1)}
    for n in range(len(whole) + 1):
        if n in borders:
            _probe.zmtp_Metadata(whole[:n])
        else:
            with pytest.raises(OSError) as e:
                _probe.zmtp_Metadata(whole[:n])
            assert e.value.errno == errno.EPROTO


@pytest.mark.parametrize("vlen", [1, 2**31 - 1, 2**31, 2**32 - 1])
def test_value_length_beyond_the_end_is_refused(vlen):
    with pytest.raises(OSError) as e:
        _probe.zmtp_Metadata(b"\x01a" + struct.pack(">I", vlen))
    assert e.value.errno == errno.EPROTO


@pytest.mark.parametrize("leftover", [b"\x00", b"\x00\x00\x00\x00", b"\xff"])
def test_leftover_is_refused(leftover):
    with pytest.raises(OSError) as e:
        _probe.zmtp_Metadata(encode((b"a", b"b")) + leftover)
    assert e.value.errno == errno.EPROTO


@given(st.binary(max_size=100))
def test_any_octets_are_survived(octets):
    try:
        md = _probe.zmtp_Metadata(octets)
    except OSError as e:
        assert e.errno == errno.EPROTO
    else:
        assert octets == b"" or md.find(octets[1 : 1 + octets[0]]) is not None


def test_what_we_put_in_front_wins():
    md = _probe.zmtp_Metadata(encode((b"Peer-Address", b"spoofed"), (b"Identity", b"a"), (b"Identity", b"b"), (b"X-x", b"y")))
    assert md.prepend(b"Peer-Address", b"127.0.0.1") == 0
    assert md.find(b"Peer-Address") == b"127.0.0.1"
    assert md.find(b"Identity") == b"b"
    assert md.find(b"X-x") == b"y"
    assert md.prepend(b"Identity", b"ours") == 0
    assert md.find(b"Identity") == md.find(b"Routing-Id") == b"ours"
    assert md.prepend(b"Peer-Address", b"newer") == 0
    assert md.find(b"Peer-Address") == b"newer"
    assert md.find(b"Identity") == b"ours"


@pytest.mark.parametrize("name", [b"Peer-Address", b"User-Id"])
def test_what_only_we_can_know_is_never_the_peers_word(name):
    md = _probe.zmtp_Metadata(encode((name, b"forged"), (b"X-x", b"y")))
    assert md.find(name) is None
    assert md.prepend(b"Other", b"ours") == 0
    assert md.find(name) is None
    assert md.prepend(name, b"true") == 0
    assert md.find(name) == b"true"
    assert md.find(b"X-x") == b"y"


def test_prepend_to_nothing():
    md = _probe.zmtp_Metadata()
    assert md.find(b"Peer-Address") is None
    assert md.prepend(b"Peer-Address", b"::1") == 0
    assert md.find(b"Peer-Address") == b"::1"


def test_name_too_long_to_encode():
    md = _probe.zmtp_Metadata(encode((b"a", b"b")))
    assert md.prepend(b"n" * 256, b"v") == -errno.EINVAL
    assert md.prepend(b"n" * 255, b"v") == 0
    assert md.find(b"n" * 255) == b"v"
    assert md.find(b"a") == b"b"


def test_a_shared_block_never_changes():
    md = _probe.zmtp_Metadata(encode((b"a", b"b")))
    other = md.share()
    assert md.refs == other.refs == 2
    assert md.prepend(b"a", b"c") == 0
    assert (md.refs, other.refs) == (1, 1)
    assert (md.find(b"a"), other.find(b"a")) == (b"c", b"b")
    del md
    assert other.find(b"a") == b"b"
