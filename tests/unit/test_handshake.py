"""The handshake, sans IO: golden octets, every fragmentation, every version, every malformed case."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platforms import errno

from zmqcore import _probe

PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB, XSUB = range(11)
TYPES = [number for number in range(64) if _probe.pattern_type(number)]
MORE, READY, AUTHENTICATE = 0, 1, 2

NO_EVENT = (0, 0)
PROTOCOL, AUTH = 0x2000, 0x4000
UNEXPECTED = (PROTOCOL, 0x10000001)
MALFORMED_HELLO = (PROTOCOL, 0x10000013)
MALFORMED_ERROR = (PROTOCOL, 0x10000015)
INVALID_METADATA = (PROTOCOL, 0x10000018)
MISMATCH = (PROTOCOL, 0x11000002)

SIGNATURE = bytes.fromhex("FF 00 00 00 00 00 00 00 01 7F")
GREETING = SIGNATURE + b"\x03\x01NULL" + bytes(16) + bytes(32)
READY_DEALER = bytes.fromhex("0429 05 5245414459 0B 536F636B65742D54797065 00000006 4445414C4552 08 4964656E74697479 00000000")
READY_ROUTER = bytes.fromhex("0429 05 5245414459 0B 536F636B65742D54797065 00000006 524F55544552 08 4964656E74697479 00000000")
READY_SUB = bytes.fromhex("0419 05 5245414459 0B 536F636B65742D54797065 00000003 535542")

Handshake = _probe.zmtp_Handshake


def prop(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def command(body, flags=4):
    return _probe.zmtp_frame_put(len(body), flags) + body


def ready(*properties):
    return command(b"\x05READY" + b"".join(prop(n, v) for n, v in properties))


def run(hs, stream):
    """Feed everything at once: (result, octets left over)."""
    result, used = hs.feed(stream)
    return result, stream[used:]


def run_octets(hs, stream):
    """Feed one octet at a time until something other than "more" comes."""
    for i in range(len(stream)):
        result, used = hs.feed(stream[i : i + 1])
        if result != MORE:
            return result, stream[i + used :]
        assert used == 1
    return MORE, b""


both_ways = pytest.mark.parametrize("run", [run, run_octets])


# ---- ZMTP/3.1 ----


@both_ways
@pytest.mark.parametrize(
    ("type", "own_ready", "peer_ready", "peer_name"),
    [
        (DEALER, READY_DEALER, READY_ROUTER, b"ROUTER"),
        (ROUTER, READY_ROUTER, READY_DEALER, b"DEALER"),
        (SUB, READY_SUB, ready((b"Socket-Type", b"PUB")), b"PUB"),
        (PUB, ready((b"Socket-Type", b"PUB")), READY_SUB, b"SUB"),
    ],
)
def test_golden_null(run, type, own_ready, peer_ready, peer_name):
    hs = Handshake(type)
    assert hs.take() == SIGNATURE
    assert run(hs, GREETING + peer_ready + b"\x00\x02hi") == (READY, b"\x00\x02hi")
    assert hs.take() == GREETING[10:] + own_ready
    assert (hs.version, hs.minor, hs.unversioned) == (3, 1, False)
    assert hs.find(b"Socket-Type") == peer_name
    assert hs.identity == b""
    assert hs.event == NO_EVENT
    assert hs.mechanism_is_plain


def test_order_of_sending():
    hs = Handshake(DEALER)
    assert hs.take() == SIGNATURE
    for n in range(9):
        assert hs.feed(GREETING[n : n + 1]) == (MORE, 1)
        assert hs.take() == b""
    assert hs.feed(GREETING[9:10]) == (MORE, 1)
    assert hs.take() == b"\x03"
    assert hs.version == 0
    assert hs.feed(GREETING[10:11]) == (MORE, 1)
    assert hs.take() == GREETING[11:]
    assert hs.version == 3
    for n in range(11, 63):
        assert hs.feed(GREETING[n : n + 1]) == (MORE, 1)
        assert hs.take() == b""
    assert hs.feed(GREETING[63:]) == (MORE, 1)
    assert hs.take() == READY_DEALER
    assert hs.feed(READY_ROUTER) == (READY, len(READY_ROUTER))
    assert hs.take() == b""


def test_output_may_be_taken_in_any_portion():
    hs = Handshake(DEALER)
    got = hs.take(3)
    hs.feed(GREETING[:10])
    got += hs.take(5) + hs.take(0)
    hs.feed(GREETING[10:])
    while more := hs.take(7):
        got += more
    assert got == GREETING + READY_DEALER


def test_two_of_ours_octet_by_octet():
    a, b = Handshake(REQ, b"me"), Handshake(ROUTER, as_server=True)
    done = {}
    while len(done) < 2:
        for one, other in ((a, b), (b, a)):
            octet = one.take(1)
            result, _ = other.feed(octet)
            if result == READY:
                done[other] = True
            else:
                assert result == MORE
    assert (a.identity, b.identity) == (b"", b"me")
    assert (a.find(b"Socket-Type"), b.find(b"Socket-Type")) == (b"ROUTER", b"REQ")
    assert b.find(b"Identity") == b"me"


@given(st.lists(st.integers(0, 120), max_size=8))
def test_any_fragmentation(cuts):
    stream = GREETING + READY_ROUTER + b"\x00\x02hi"
    hs = Handshake(DEALER)
    result, consumed, out = MORE, 0, b""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
        result, used = hs.feed(stream[start:end])
        consumed += used
        out += hs.take()
        if result != MORE:
            break
        assert used == len(stream[start:end])
    assert (result, consumed) == (READY, len(GREETING + READY_ROUTER))
    assert out == GREETING + READY_DEALER


def test_every_prefix_wants_more():
    stream = GREETING + READY_ROUTER
    for n in range(len(stream)):
        assert Handshake(DEALER).feed(stream[:n]) == (MORE, n)


def test_signature_carries_the_routing_id_length():
    for n in (1, 2, 254, 255):
        hs = Handshake(ROUTER, b"i" * n)
        assert hs.take() == b"\xff" + struct.pack(">Q", n + 1) + b"\x7f"
        assert run(hs, GREETING) == (MORE, b"")
        assert hs.take().endswith(command(b"\x05READY" + prop(b"Socket-Type", b"ROUTER") + prop(b"Identity", b"i" * n)))


@pytest.mark.parametrize("type", TYPES)
def test_own_ready(type):
    name = _probe.pattern_type(type)[0].encode()
    hs = Handshake(type, b"id", app_properties=prop(b"X-a", b"1") + prop(b"X-b", b""))
    run(hs, GREETING)
    identity = [(b"Identity", b"id")] if type in (REQ, DEALER, ROUTER) else []
    assert hs.take().endswith(ready((b"Socket-Type", name), *identity, (b"X-a", b"1"), (b"X-b", b"")))


def test_long_ready_has_a_long_header():
    value = bytes(5000)
    hs = Handshake(PUSH, app_properties=prop(b"X-big", value))
    run(hs, GREETING)
    frame = hs.take()[64:]
    assert frame == ready((b"Socket-Type", b"PUSH"), (b"X-big", value))
    assert frame[0] == 6
    peer = Handshake(PULL)
    assert run_octets(peer, GREETING + frame + b"rest") == (READY, b"rest")
    assert peer.find(b"X-big") == value


def test_as_server_bit():
    hs = Handshake(DEALER, as_server=True)
    run(hs, GREETING)
    assert hs.take()[32] == 1
    # Told by the peer it means nothing to us.
    told = GREETING[:32] + b"\x01" + GREETING[33:]
    assert run(Handshake(DEALER), told + READY_ROUTER) == (READY, b"")


def test_ignored_octets_of_the_greeting():
    odd = b"\xff" + b"paddingX" + b"\x01" + GREETING[10:32] + b"\xaa" * 32
    hs = Handshake(DEALER)
    assert run(hs, odd + READY_ROUTER) == (READY, b"")
    assert (hs.version, hs.minor) == (3, 1)


@pytest.mark.parametrize(
    ("revision", "minor", "expected"),
    [(3, 0, 0), (3, 1, 1), (3, 2, 1), (3, 255, 1), (2, 0, 1), (2, 1, 1), (4, 0, 1), (255, 0, 1)],
)
def test_minor_version(revision, minor, expected):
    hs = Handshake(DEALER)
    assert run(hs, GREETING[:10] + bytes([revision, minor]) + GREETING[12:] + READY_ROUTER) == (READY, b"")
    assert (hs.version, hs.minor) == (3, expected)
    assert hs.take() == GREETING + READY_DEALER


@both_ways
@pytest.mark.parametrize(
    "name",
    [b"PLAIN", b"CURVE", b"GSSAPI", b"", b"null", b"NUL", b"NULLX", b"NULL" + bytes(15) + b"x", b"\xff" * 20],
)
def test_mechanism_mismatch(run, name):
    hs = Handshake(DEALER)
    result, _ = run(hs, GREETING[:12] + name.ljust(20, b"\0") + GREETING[32:])
    assert (result, hs.event) == (-errno.EPROTO, MISMATCH)


# ---- READY and ERROR ----


def failure(stream, type=DEALER, **options):
    """The same failure at once and octet by octet: (errno, event)."""
    got = []
    for how in (run, run_octets):
        hs = Handshake(type, **options)
        result, _ = how(hs, GREETING + stream)
        assert result < 0
        assert hs.feed(b"more") == (result, 0)
        got.append((-result, hs.event))
    assert got[0] == got[1]
    return got[0]


@pytest.mark.parametrize(
    "frame",
    [
        command(b"\x05READY", flags=0),  # data before READY
        command(b"\x05READY", flags=1),
        command(b"hello", flags=0),
        command(b"", flags=0),
        command(b""),
        command(b"\x05"),
        command(b"\x05READ"),
        command(b"\x05ready"),
        command(b"\x04READY"),
        command(b"\xffREADY"),
        command(b"\x05ERROX\x00"),
        command(b"\x04PING\x00\x00"),
        command(b"\x09SUBSCRIBEA"),
        command(b"\x05HELLO\x05admin\x08password"),
        command(b"\x07WELCOME"),
    ],
)
def test_unexpected_command(frame):
    assert failure(frame) == (errno.EPROTO, UNEXPECTED)


@pytest.mark.parametrize("body", [b"\x05ERROR", b"\x05ERROR\x01", b"\x05ERROR\x04400", b"\x05ERROR\xff" + bytes(254)])
def test_malformed_error(body):
    assert failure(command(body)) == (errno.EPROTO, MALFORMED_ERROR)


@pytest.mark.parametrize(
    ("reason", "event"),
    [
        (b"300", (AUTH, 300)),
        (b"400", (AUTH, 400)),
        (b"500", (AUTH, 500)),
        (b"200", NO_EVENT),
        (b"600", NO_EVENT),
        (b"401", NO_EVENT),
        (b"410", NO_EVENT),
        (b"40", NO_EVENT),
        (b"4000", NO_EVENT),
        (b"", NO_EVENT),
        (b"no" * 127, NO_EVENT),
        (bytes(255), NO_EVENT),
    ],
)
def test_error_command(reason, event):
    frame = _probe.zmtp_command_put(_probe.ZMTP_COMMANDS["ERROR"], reason)
    assert failure(frame) == (errno.EPROTO, event)


@pytest.mark.parametrize("frame", ["0506 055245414459", "07 0000000000000006 055245414459", "06 8000000000000000"])
def test_illegal_frames(frame):
    assert failure(bytes.fromhex(frame)) == (errno.EPROTO, NO_EVENT)


@pytest.mark.parametrize(
    "metadata",
    [b"\x0bSocket-Type\x00\x00\x00\x07ROUTER", b"\x0bSocket-Type\xff\xff\xff\xffROUTER", b"\x00", prop(b"a", b"b") + b"x"],
)
def test_unreadable_metadata(metadata):
    assert failure(command(b"\x05READY" + metadata)) == (errno.EPROTO, NO_EVENT)


@pytest.mark.parametrize("name", [b"PUB", b"STREAM", b"router", b"ROUTER\0", b"", b"NONSENSE"])
def test_wrong_socket_type(name):
    assert failure(ready((b"Socket-Type", name))) == (errno.EINVAL, NO_EVENT)


@pytest.mark.parametrize("local", TYPES)
def test_socket_types_are_checked_against_the_table(local):
    peers = _probe.pattern_type(local)[1].split()
    for peer in TYPES:
        hs = Handshake(local)
        name = _probe.pattern_type(peer)[0]
        result, _ = run(hs, GREETING + ready((b"Socket-Type", name.encode())))
        assert result == (READY if name in peers else -errno.EINVAL)


def test_missing_socket_type_is_accepted():
    hs = Handshake(DEALER)
    assert run(hs, GREETING + ready()) == (READY, b"")
    assert hs.find(b"Socket-Type") is None


@pytest.mark.parametrize("n", [0, 1, 255])
def test_identity(n):
    hs = Handshake(ROUTER)
    assert run(hs, GREETING + ready((b"Socket-Type", b"DEALER"), (b"Identity", bytes(n)))) == (READY, b"")
    assert hs.identity == bytes(n)


def test_identity_too_long():
    assert failure(ready((b"Identity", bytes(256)))) == (errno.EPROTO, NO_EVENT)


def test_duplicate_properties():
    hs = Handshake(ROUTER)
    pairs = [(b"Socket-Type", b"REQ"), (b"Socket-Type", b"PUB"), (b"Identity", b"a"), (b"Identity", b"b"), (b"X-a", b"1"), (b"X-a", b"2")]
    assert run(hs, GREETING + ready(*pairs)) == (READY, b"")
    assert hs.identity == b"b"
    assert hs.find(b"Socket-Type") == b"REQ"
    assert hs.find(b"X-a") == b"1"


def test_properties_outlive_the_handshake():
    hs = Handshake(DEALER)
    run(hs, GREETING + READY_ROUTER)
    md = hs.take_properties()
    assert not hs.has_properties
    del hs
    assert md.find(b"Socket-Type") == b"ROUTER"
    assert md.refs == 1


def test_after_ready_nothing_is_taken():
    hs = Handshake(DEALER)
    run(hs, GREETING + READY_ROUTER)
    assert hs.feed(READY_ROUTER) == (READY, 0)


# ---- sizes ----


@pytest.mark.parametrize("limit", [0, 40, 1000])
def test_maxmsgsize_hits_commands(limit):
    assert failure(_probe.zmtp_frame_put(limit + 1, 4), maxmsgsize=limit) == (errno.EMSGSIZE, NO_EVENT)


def test_maxmsgsize_just_enough():
    assert run(Handshake(DEALER, maxmsgsize=41), GREETING + READY_ROUTER) == (READY, b"")


@pytest.mark.parametrize("size", [262145, 2**40, 2**62])
def test_commands_are_limited_without_maxmsgsize(size):
    assert failure(_probe.zmtp_frame_put(size, 4)) == (errno.EMSGSIZE, NO_EVENT)
    assert failure(_probe.zmtp_frame_put(size, 4), maxmsgsize=2**63 - 1) == (errno.EMSGSIZE, NO_EVENT)


def test_announced_size_is_not_reserved():
    hs = Handshake(DEALER)
    assert run(hs, GREETING + _probe.zmtp_frame_put(200000, 4) + b"x") == (MORE, b"")
    assert hs.reserved <= 64


# ---- ZMTP/2.0 ----


@both_ways
@pytest.mark.parametrize("peer_id", [b"", b"peer", bytes(255)])
@pytest.mark.parametrize("own_id", [b"", b"me", b"i" * 255])
def test_zmtp_2_0(run, own_id, peer_id):
    hs = Handshake(PULL, own_id)
    signature = hs.take()
    peer = SIGNATURE + b"\x01\x08" + bytes([0, len(peer_id)]) + peer_id
    assert run(hs, peer + b"\x00\x03abc") == (READY, b"\x00\x03abc")
    assert signature + hs.take() == b"\xff" + struct.pack(">Q", len(own_id) + 1) + b"\x7f\x03\x07" + bytes([0, len(own_id)]) + own_id
    assert (hs.version, hs.unversioned) == (2, False)
    assert hs.identity == peer_id
    assert not hs.has_properties
    assert hs.event == NO_EVENT


def test_2_0_answer_waits_only_for_the_revision():
    hs = Handshake(PUSH)
    hs.feed(SIGNATURE + b"\x01")
    assert hs.take() == SIGNATURE + b"\x03\x08" + b"\x00\x00"
    assert hs.version == 2


def test_2_0_socket_type_is_not_checked():
    hs = Handshake(PULL)
    assert run(hs, SIGNATURE + b"\x01\x2a" + b"\x00\x00") == (READY, b"")


def test_2_0_and_3_1_of_ours_agree_on_the_revision_only():
    """What we send to a 2.0 peer must look like 2.0 (a revision of 1 or more) to that peer: 12 octets, then frames."""
    hs = Handshake(DEALER)
    hs.feed(SIGNATURE + b"\x01\x06")
    sent = hs.take()
    assert sent[10] >= 1
    assert _probe.zmtp_frame_get(sent[12:]) == (0, 2, 0)


@pytest.mark.parametrize("flags", [0, 1, 4, 0xF8])
def test_2_0_identity_flags_are_ignored(flags):
    hs = Handshake(PULL)
    assert run(hs, SIGNATURE + b"\x01\x08" + bytes([flags, 2]) + b"id") == (READY, b"")
    assert hs.identity == b"id"


def test_2_0_identity_too_long():
    for limit in (-1, 255, 1000):
        hs = Handshake(PULL, maxmsgsize=limit)
        assert run(hs, SIGNATURE + b"\x01\x08" + b"\x02" + struct.pack(">Q", 256))[0] == -errno.EMSGSIZE
        assert (hs.event, hs.reserved) == (NO_EVENT, 0)
    assert run(Handshake(PULL, maxmsgsize=3), SIGNATURE + b"\x01\x08" + b"\x00\x04")[0] == -errno.EMSGSIZE


# ---- ZMTP/1.0 ----


@both_ways
@pytest.mark.parametrize("peer_id", [b"", b"peer", b"p" * 253, b"p" * 254, b"p" * 255])
@pytest.mark.parametrize("own_id", [b"", b"me", b"i" * 253, b"i" * 254])
def test_versioned_zmtp_1_0(run, own_id, peer_id):
    hs = Handshake(PULL, own_id)
    hs.take()
    frame = _probe.zmtp_frame_put(len(peer_id), 0, True) + peer_id
    assert run(hs, SIGNATURE + b"\x00\x08" + frame + b"\x04\x00abc") == (READY, b"\x04\x00abc")
    assert hs.take() == b"\x03\x07" + _probe.zmtp_frame_put(len(own_id), 0, True) + own_id
    assert (hs.version, hs.unversioned, hs.identity) == (1, False, peer_id)


@both_ways
@pytest.mark.parametrize("peer_id", [b"", b"peer", b"p" * 253])
@pytest.mark.parametrize("own_id", [b"", b"me", b"i" * 255])
def test_unversioned_zmtp_1_0(run, own_id, peer_id):
    hs = Handshake(PULL, own_id)
    frame = bytes([len(peer_id) + 1, 0]) + peer_id
    assert run(hs, frame + b"\x04\x00abc") == (READY, b"\x04\x00abc")
    # As that peer reads it: one long identity frame.
    sent = hs.take()
    assert _probe.zmtp_frame_get(sent, True) == (1, 10, len(own_id))
    assert sent[10:] == own_id
    assert (hs.version, hs.unversioned, hs.identity) == (1, True, peer_id)
    assert not hs.has_properties


@both_ways
@pytest.mark.parametrize("flags", [0x00, 0x7E, 0xFE])
@pytest.mark.parametrize("peer_id", [b"", b"x", b"p" * 254, b"p" * 255])
def test_unversioned_zmtp_1_0_with_a_long_identity_header(run, peer_id, flags):
    hs = Handshake(PULL, b"me")
    frame = b"\xff" + struct.pack(">Q", len(peer_id) + 1) + bytes([flags]) + peer_id
    assert run(hs, frame + b"\x04\x00abc") == (READY, b"\x04\x00abc")
    assert hs.take() == b"\xff" + struct.pack(">Q", 3) + b"\x7fme"
    assert (hs.version, hs.unversioned, hs.identity) == (1, True, peer_id)


def test_unversioned_is_known_by_its_first_octet():
    hs = Handshake(PULL, b"me")
    hs.take()
    assert hs.feed(b"\x05") == (MORE, 1)
    assert hs.take() == b"me"


def test_1_0_malformed():
    for stream, error in [
        (b"\x00", errno.EPROTO),
        (b"\x00\x00", errno.EPROTO),
        (b"\xff" + bytes(8) + b"\x00", errno.EPROTO),
        (b"\xff\x80" + bytes(7) + b"\x00", errno.EPROTO),
        (b"\xff" + struct.pack(">Q", 257) + b"\x00", errno.EMSGSIZE),
        (b"\xff" + struct.pack(">Q", 2**62) + b"\x00", errno.EMSGSIZE),
        (SIGNATURE + b"\x00\x08" + b"\x00", errno.EPROTO),
    ]:
        for how in (run, run_octets):
            hs = Handshake(PULL)
            assert how(hs, stream)[0] == -error
            assert (hs.event, hs.reserved) == (NO_EVENT, 0)


# ---- a mechanism other than NULL (the probe brings one that asks ZAP) ----


def asking(type=DEALER, **options):
    hs = Handshake(type, asking=True, **options)
    hs.take()
    return hs


ASKING_GREETING = GREETING[:12] + b"ASKING".ljust(20, b"\0") + GREETING[32:]


@pytest.mark.parametrize("stream", [b"\x01", b"\xff" + bytes(9), SIGNATURE + b"\x00", SIGNATURE + b"\x01"])
def test_old_peers_are_refused(stream):
    hs = asking()
    assert run(hs, stream)[0] == -errno.EPROTO
    assert hs.event == NO_EVENT


def test_null_peer_is_refused():
    hs = asking()
    assert (run(hs, GREETING)[0], hs.event) == (-errno.EPROTO, MISMATCH)


def test_unknown_mechanism_number():
    for number in (4, 99, -1):
        with pytest.raises(OSError) as e:
            Handshake(DEALER, mechanism=number)
        assert e.value.errno == errno.ENOTSUP


@pytest.mark.parametrize("options", [dict(socket_type=21), dict(socket_type=-1), dict(socket_type=DEALER, routing_id=bytes(256))])
def test_bad_configuration(options):
    with pytest.raises(OSError) as e:
        Handshake(**options)
    assert e.value.errno == errno.EINVAL


@both_ways
def test_asynchronous_authentication(run):
    hs = asking()
    hello = command(b"\x05HELLO" + prop(b"Socket-Type", b"ROUTER") + prop(b"Identity", b"id"))
    # What arrives while ZAP is asked stays with the owner.
    assert run(hs, ASKING_GREETING + hello + b"later") == (AUTHENTICATE, b"later")
    assert hs.take().endswith(command(b"\x05HELLO" + READY_DEALER[8:]))
    assert hs.feed(b"later") == (AUTHENTICATE, 0)
    assert hs.zap_request() == ("ASKING", [b"secret"])
    assert hs.zap_reply(200) == 0
    assert hs.feed(b"later") == (READY, 0)
    assert hs.take() == b"\x04\x00"
    assert hs.identity == b"id"
    assert hs.find(b"Socket-Type") == b"ROUTER"


def test_refused_authentication():
    hs = asking()
    assert run(hs, ASKING_GREETING + command(b"\x05HELLO" + prop(b"Socket-Type", b"ROUTER")))[0] == AUTHENTICATE
    assert hs.zap_reply(400) == -errno.EPROTO
    assert hs.event == (AUTH, 400)
    assert hs.feed(b"") == (-errno.EPROTO, 0)
    assert hs.zap_reply(200) == -errno.EPROTO


def test_failures_of_a_mechanism_reach_the_monitor():
    hs = asking()
    assert (run(hs, ASKING_GREETING + command(b"\x05XELLO!"))[0], hs.event) == (-errno.EPROTO, MALFORMED_HELLO)
    hs = asking()
    assert run(hs, ASKING_GREETING + command(b"\x05HELLO" + b"\x01a"))[0] == AUTHENTICATE
    hs.zap_reply(200)
    assert (hs.feed(b"")[0], hs.event) == (-errno.EPROTO, INVALID_METADATA)


def test_long_commands_of_a_mechanism():
    big = prop(b"X-big", bytes(400))
    a, b = asking(app_properties=big), asking(ROUTER, app_properties=big)
    assert run(a, ASKING_GREETING)[0] == MORE
    sent = a.take()[54:]
    assert _probe.zmtp_frame_get(sent)[:2] == (4, 9)
    assert run_octets(b, ASKING_GREETING + sent)[0] == AUTHENTICATE
    b.zap_reply(200)
    assert b.feed(b"")[0] == READY
    assert b.find(b"X-big") == bytes(400)


# ---- anything ----


@given(st.binary(max_size=200), st.sampled_from(TYPES), st.sampled_from([-1, 0, 64, 1000]), st.sampled_from([b"", SIGNATURE, GREETING]))
def test_garbage_gives_the_same_end_however_it_is_cut(garbage, type, limit, start):
    ends = []
    for how in (run, run_octets):
        hs = Handshake(type, maxmsgsize=limit)
        result, left = how(hs, start + garbage)
        ends.append((result, left if result >= 0 else None, hs.take(), hs.version, hs.identity, hs.event))
    assert ends[0] == ends[1]
    assert ends[0][0] in (MORE, READY, -errno.EPROTO, -errno.EMSGSIZE, -errno.EINVAL)
