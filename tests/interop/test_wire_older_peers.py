"""Golden bytes of ZMTP 2.0 and 1.0. The peer is played by hand."""

import pytest
from rawpeer import SIGNATURE, frame, greeting, message, ready

# Older peers


def test_2_0_push_to_pull(bound):
    pull, raw = bound("PULL")
    raw.send(SIGNATURE + b"\1\x08")
    raw.expect(SIGNATURE + b"\3\x07")
    raw.send(bytes.fromhex("0000" "0003616263"))
    raw.expect(b"\0\0")
    assert pull.recv() == b"abc"


def test_2_0_pull_behind_a_connecting_push(connected):
    push, raw, _listener = connected("PUSH")
    raw.send(SIGNATURE + b"\1\x07" + b"\0\0")
    push.send(b"abc")
    raw.expect(SIGNATURE + b"\3\x08" + bytes.fromhex("0000" "0003616263"))


def test_2_0_identities_in_both_directions(bound):
    router, raw = bound("ROUTER", ROUTING_ID=b"srv")
    raw.send(SIGNATURE + b"\1\x05" + message(b"cli") + message(b"hi"))
    raw.expect(bytes.fromhex("ff00000000000000047f") + b"\3\x06" + message(b"srv"))
    assert router.recv_multipart() == [b"cli", b"hi"]
    router.send_multipart([b"cli", b"yo"])
    raw.expect(message(b"yo"))


def test_2_0_subscriptions_are_messages(bound, connected):
    xpub, raw = bound("XPUB")
    raw.send(SIGNATURE + b"\1\x02" + message(b"") + message(b"\1A"))
    assert xpub.recv() == b"\1A"
    xpub.send(b"AB")
    raw.expect(SIGNATURE + b"\3\x09" + message(b"") + message(b"AB"))
    sub, raw, _listener = connected("SUB")
    sub.subscribe(b"A")
    raw.send(SIGNATURE + b"\1\x01" + message(b""))
    raw.expect(SIGNATURE + b"\3\x02" + message(b"") + message(b"\1A"))


def v1(body, more=False):
    return bytes([len(body) + 1, int(more)]) + body


def test_1_0_push_to_pull(bound):
    pull, raw = bound("PULL")
    raw.send(v1(b"") + v1(b"abc") + v1(b"x", True) + v1(b"y"))
    raw.expect(SIGNATURE)
    assert pull.recv() == b"abc"
    assert pull.recv_multipart() == [b"x", b"y"]


def test_1_0_long_frames_both_ways(bound):
    pair, raw = bound("PAIR")
    big = b"b" * 300
    long_form = b"\xff" + (301).to_bytes(8, "big") + b"\0" + big
    raw.send(v1(b"") + long_form)
    raw.expect(SIGNATURE)
    assert pair.recv() == big
    pair.send(big)
    raw.expect(long_form)
    pair.send(b"s" * 253)
    raw.expect(b"\xfe\0" + b"s" * 253)


def test_1_0_identity_reaches_the_router(bound):
    router, raw = bound("ROUTER")
    raw.send(v1(b"old") + v1(b"hi"))
    assert router.recv_multipart() == [b"old", b"hi"]
    router.send_multipart([b"old", b"yo"])
    raw.expect(SIGNATURE + v1(b"yo"))


def test_1_0_identity_is_sent_behind_the_signature(bound):
    router, raw = bound("DEALER", ROUTING_ID=b"new")
    raw.send(v1(b"old") + v1(b"hi"))
    assert router.recv() == b"hi"
    raw.expect(bytes.fromhex("ff00000000000000047f") + b"new")


def test_1_0_subscriber_gets_everything(zmq, bound):
    """A 0MQ 2.x subscriber filters by itself and never subscribes."""
    pub, raw = bound("PUB")
    raw.send(v1(b""))
    raw.expect(SIGNATURE)
    for _attempt in range(200):
        pub.send(b"any topic")
        try:
            raw.socket.settimeout(0.02)
            raw.expect(v1(b"any topic"))
            return
        except TimeoutError:
            continue
    pytest.fail("nothing was published to the 1.0 subscriber")


def test_1_0_connecter_behind_our_listener_and_theirs(connected):
    push, raw, _listener = connected("PUSH")
    raw.send(v1(b""))
    push.send_multipart([b"a", b"bc"])
    raw.expect(SIGNATURE + v1(b"a", True) + v1(b"bc"))


@pytest.mark.better
@pytest.mark.parametrize("version", [1, 2])
def test_subscriptions_wait_for_the_end_of_a_message(zmq, connected, version):
    """Dropping one of two references inside a message makes an XSUB subscribe again."""
    xsub, raw, _listener = connected("XSUB")
    form = v1 if version == 1 else lambda body, more=False: frame(body, int(more))
    raw.send(v1(b"") if version == 1 else SIGNATURE + b"\1\x09" + message(b""))
    raw.expect(SIGNATURE if version == 1 else SIGNATURE + b"\3\x0a" + message(b""))
    for body in (b"\1T", b"\1T"):
        xsub.send(body)
    xsub.send(b"\0T", zmq.SNDMORE)
    xsub.send(b"last")
    raw.expect(form(b"\1T") * 2 + form(b"\0T", True) + form(b"last") + form(b"\1T"))


@pytest.mark.parametrize("revision", [0, 1])
def test_old_versions_one_octet_at_a_time(bound, revision):
    pull, raw = bound("PULL")
    body = v1(b"") + v1(b"abc") if revision == 0 else message(b"") + message(b"abc")
    raw.send_slowly(SIGNATURE + bytes([revision, 8]) + body)
    assert pull.recv() == b"abc"


@pytest.mark.parametrize("major", [4, 9])
def test_newer_majors_are_treated_as_3_1(bound, major):
    pull, raw = bound("PULL")
    raw.send(greeting(major=major) + ready("PUSH"))
    raw.expect(greeting() + ready("PULL"))
    raw.send(message(b"x"))
    assert pull.recv() == b"x"
