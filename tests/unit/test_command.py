"""Commands after the handshake and the message form of subscriptions."""


import pytest
from hypothesis import given
from hypothesis import strategies as st
from platforms import errno

from zmqcore import _probe

KINDS = _probe.ZMTP_COMMANDS
UNKNOWN = (0, b"", 0)


def put(name, data=b"", ttl=0):
    return _probe.zmtp_command_put(KINDS[name], data, ttl)


def body_of(frame):
    flags, header, size = _probe.zmtp_frame_get(frame)
    assert flags == 4
    assert len(frame) == header + size
    return frame[header:]


@pytest.mark.parametrize(
    ("name", "data", "ttl", "frame"),
    [
        ("SUBSCRIBE", b"A", 0, "040B 09 535542534352494245 41"),
        ("CANCEL", b"A", 0, "0408 06 43414E43454C 41"),
        ("PING", b"abc", 10, "040A 04 50494E47 000A 616263"),
        ("PING", b"", 0, "0407 04 50494E47 0000"),
        ("PONG", b"abc", 0, "0408 04 504F4E47 616263"),
        ("JOIN", b"Movies", 0, "040B 04 4A4F494E 4D6F76696573"),
        ("LEAVE", b"Movies", 0, "040C 05 4C45415645 4D6F76696573"),
        ("ERROR", b"400", 0, "040A 05 4552524F52 03 343030"),
    ],
)
def test_commands_have_the_octets_of_the_rfc(name, data, ttl, frame):
    frame = bytes.fromhex(frame)
    assert put(name, data, ttl) == frame
    assert _probe.zmtp_command_parse(body_of(frame)) == (KINDS[name], data, ttl)


def test_kinds_are_the_agreed_numbers():
    assert KINDS == {"PING": 1, "PONG": 2, "SUBSCRIBE": 3, "CANCEL": 4, "ERROR": 5, "JOIN": 6, "LEAVE": 7}


@given(st.sampled_from(["SUBSCRIBE", "CANCEL", "PONG"]), st.binary(max_size=600))
def test_roundtrip(name, data):
    assert _probe.zmtp_command_parse(body_of(put(name, data))) == (KINDS[name], data, 0)


@given(st.sampled_from(["JOIN", "LEAVE", "ERROR"]), st.binary(max_size=255))
def test_roundtrip_short(name, data):
    assert _probe.zmtp_command_parse(body_of(put(name, data))) == (KINDS[name], data, 0)


@given(st.binary(max_size=40), st.integers(0, 2**32 - 1))
def test_ping(context, ttl):
    assert _probe.zmtp_command_parse(body_of(put("PING", context, ttl))) == (KINDS["PING"], context[:16], min(ttl, 65535))


@pytest.mark.parametrize("topic", [244, 245, 246, 247])
def test_header_grows_with_the_whole_body(topic):
    # 10 octets of name precede the topic: 245 is the last that fits a short frame.
    frame = put("SUBSCRIBE", bytes(topic))
    assert frame[0] == (4 if topic <= 245 else 6)
    assert _probe.zmtp_command_parse(body_of(frame)) == (KINDS["SUBSCRIBE"], bytes(topic), 0)


@pytest.mark.parametrize("body", ["04 50494E47", "04 50494E47 00"])
def test_ping_without_ttl_is_refused(body):
    assert _probe.zmtp_command_parse(bytes.fromhex(body)) == -errno.EPROTO


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"\x00PING",
        b"\x01",
        b"\x04",
        b"\x04PIN",
        b"\x04ping\x00\x00",
        b"\x04PINK\x00\x00",
        b"\x05PING\x00\x00",
        b"\x03PING\x00\x00",
        b"\xffPING\x00\x00",
        b"\x05READY",
        b"\x07MESSAGE12345678",
        b"\x09SUBSCRIB",
        b"\x08SUBSCRIBE",
        b"\x06CANCE",
        b"\x05ERROR",
        b"\x05ERROR\x01",
        b"\x05ERROR\x04400",
        b"\x04JOIN" + bytes(256),
        b"\x05LEAVE" + bytes(256),
    ],
)
def test_unknown_and_malformed_are_to_be_ignored(body):
    assert _probe.zmtp_command_parse(body) == UNKNOWN


def test_every_prefix_of_every_command():
    for name, shortest in [("PING", 7), ("PONG", 5), ("SUBSCRIBE", 10), ("CANCEL", 7), ("JOIN", 5), ("LEAVE", 6), ("ERROR", 10)]:
        body = body_of(put(name, b"400", 1))
        for n in range(len(body)):
            got = _probe.zmtp_command_parse(body[:n])
            if n >= shortest:
                assert got[0] == KINDS[name]
                assert got[1] == b"400"[: n - shortest]
            elif name == "PING" and n >= 5:
                assert got == -errno.EPROTO
            else:
                assert got == UNKNOWN


def test_octets_behind_an_error_reason_are_ignored():
    assert _probe.zmtp_command_parse(b"\x05ERROR\x02hi there") == (KINDS["ERROR"], b"hi", 0)


@given(st.binary(max_size=300))
def test_any_body_is_survived(body):
    got = _probe.zmtp_command_parse(body)
    assert got == -errno.EPROTO or got[0] in {0, *KINDS.values()}


@pytest.mark.parametrize(
    ("subscribe", "topic", "v1", "frame"),
    [
        (True, b"A", False, "0002 01 41"),
        (False, b"A", False, "0002 00 41"),
        (True, b"", False, "0001 01"),
        (True, b"A", True, "0300 01 41"),
        (False, b"", True, "0200 00"),
    ],
)
def test_golden_legacy_subscriptions(subscribe, topic, v1, frame):
    assert _probe.zmtp_subscription_put_legacy(subscribe, topic, v1) == bytes.fromhex(frame)


@pytest.mark.parametrize("v1", [False, True])
@pytest.mark.parametrize("n", [251, 252, 253, 254, 255, 256, 300])
def test_legacy_subscription_counts_its_first_octet(v1, n):
    topic = bytes(i % 251 for i in range(n))
    frame = _probe.zmtp_subscription_put_legacy(True, topic, v1)
    flags, header, size = _probe.zmtp_frame_get(frame, v1)
    assert (flags, size) == (0, n + 1)
    assert frame[header:] == b"\x01" + topic
    assert header == (2 if n + 1 <= (253 if v1 else 255) else (10 if v1 else 9))
