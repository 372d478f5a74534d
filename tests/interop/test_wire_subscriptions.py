"""Golden bytes of subscriptions, by command and by message. The peer is played by hand."""

import socket

import pytest
import rawpeer
from awaiting import endpoint
from rawpeer import COMMAND, MORE, command, frame, message

# Subscriptions


def test_sub_subscribes_by_command_to_3_1(connected):
    sub, raw, _listener = connected("SUB")
    sub.subscribe(b"A")
    raw.shake("PUB")
    raw.expect(bytes.fromhex("040b09535542534352494245" "41"))
    raw.send(bytes.fromhex("0004414c4f4c"))
    assert sub.recv() == b"ALOL"
    sub.unsubscribe(b"A")
    raw.expect(bytes.fromhex("04080643414e43454c" "41"))


def test_sub_subscribes_by_message_to_3_0(connected):
    sub, raw, _listener = connected("SUB")
    sub.subscribe(b"A")
    raw.shake("PUB", minor=0)
    raw.expect(bytes.fromhex("00020141"))
    sub.unsubscribe(b"A")
    raw.expect(bytes.fromhex("00020041"))


def test_sub_sends_cancel_only_with_the_last_reference(connected):
    sub, raw, _listener = connected("SUB")
    raw.shake("PUB")
    sub.subscribe(b"A")
    sub.subscribe(b"A")
    raw.expect(command(b"SUBSCRIBE", b"A") * 2)
    sub.unsubscribe(b"A")
    raw.silent()
    sub.unsubscribe(b"A")
    raw.expect(command(b"CANCEL", b"A"))


@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("form", ["command", "message"])
def test_xpub_accepts_both_forms_from_both_minors(bound, minor, form):
    xpub, raw = bound("XPUB")
    raw.shake("SUB", minor)
    on, off = (command(b"SUBSCRIBE", b"A"), command(b"CANCEL", b"A")) if form == "command" else (frame(b"\1A"), frame(b"\0A"))
    raw.send(on)
    assert xpub.recv() == b"\1A"
    xpub.send(b"B")
    xpub.send(b"ALOL")
    raw.expect(bytes.fromhex("0004414c4f4c"))
    raw.send(off)
    assert xpub.recv() == b"\0A"
    xpub.send(b"ALOL")
    raw.silent()


def test_publisher_keeps_a_set_per_connection(bound):
    """One CANCEL removes a topic however often it was subscribed."""
    xpub, raw = bound("XPUB", XPUB_VERBOSE=1)
    raw.shake("SUB")
    raw.send(command(b"SUBSCRIBE", b"A") * 3 + command(b"CANCEL", b"A"))
    assert [xpub.recv() for _ in range(4)] == [b"\1A"] * 3 + [b"\0A"]
    xpub.send(b"A")
    raw.silent()


@pytest.mark.better
def test_topic_of_255_octets_to_3_0(connected):
    """The leading 01 makes the body 256 octets: a long frame."""
    sub, raw, _listener = connected("SUB")
    sub.subscribe(b"t" * 255)
    raw.shake("PUB", minor=0)
    raw.expect(frame(b"\1" + b"t" * 255))


@pytest.mark.parametrize("size", [245, 246, 254, 5000])
def test_topic_length_borders_to_3_1(connected, size):
    sub, raw, _listener = connected("SUB")
    sub.subscribe(b"t" * size)
    raw.shake("PUB")
    raw.expect(command(b"SUBSCRIBE", b"t" * size))


def test_subscriptions_are_sent_again_after_a_reconnect(connected, raws):
    sub, raw, listener = connected("SUB")
    sub.subscribe(b"A")
    raw.shake("PUB")
    raw.expect(command(b"SUBSCRIBE", b"A"))
    sub.subscribe(b"B")
    raw.expect(command(b"SUBSCRIBE", b"B"))
    sub.unsubscribe(b"B")
    raw.expect(command(b"CANCEL", b"B"))
    raw.close()
    sub.poll(1)
    raw = listener.accept()
    raws(raw)
    raw.shake("PUB")
    sub.poll(1)
    raw.expect(command(b"SUBSCRIBE", b"A"))
    raw.silent()
    raw.send(message(b"A again"))
    assert sub.recv() == b"A again"


@pytest.mark.better
def test_subscriptions_are_exempt_from_the_high_water_mark(connected):
    sub, raw, _listener = connected("SUB", SNDHWM=5)
    topics = [b"%04d" % number for number in range(2000)]
    for topic in topics:
        sub.subscribe(topic)
    raw.shake("PUB")
    assert sorted(raw.read_frame()[1] for _ in topics) == sorted(b"\x09SUBSCRIBE" + topic for topic in topics)


def test_xsub_user_message_goes_upstream_unchanged(connected):
    xsub, raw, _listener = connected("XSUB")
    raw.shake("XPUB")
    xsub.send(b"hello upstream")
    raw.expect(message(b"hello upstream"))


# Subscriptions that are messages (to 3.0 and older) and the application's own messages

# More than the output buffer and the kernel's two take in, so that the rest waits in the queue.
LARGE = [b"%02d" % number * 30000 for number in range(64)]


def twice_subscribed(connected, minor):
    """An XSUB with two references to a topic: dropping one inside a message makes it subscribe again."""
    xsub, raw, _listener = connected("XSUB")
    raw.shake("XPUB", minor)
    for _ in range(2):
        xsub.send(b"\1T")
    return xsub, raw


@pytest.mark.better
def test_subscription_by_message_waits_for_the_end_of_a_message(zmq, connected):
    xsub, raw = twice_subscribed(connected, minor=0)
    xsub.send(b"\0T", zmq.SNDMORE)
    xsub.send(b"middle", zmq.SNDMORE)
    xsub.send(b"last")
    raw.expect(message(b"\1T") * 2 + message(b"\0T", b"middle", b"last") + message(b"\1T"))
    xsub.send(b"next")
    raw.expect(message(b"next"))


@pytest.mark.better
def test_subscription_by_command_goes_between_the_frames(zmq, connected):
    xsub, raw = twice_subscribed(connected, minor=1)
    xsub.send(b"\0T", zmq.SNDMORE)
    xsub.send(b"last")
    raw.expect(command(b"SUBSCRIBE", b"T") * 2 + frame(b"\0T", MORE) + command(b"SUBSCRIBE", b"T") + message(b"last"))


@pytest.fixture
def half_sent(connected):
    """half_sent(minor) -> an XSUB, a raw peer that has not read yet, its listener: a large message is half way out, and subscriptions came after."""

    def make(minor):
        xsub, raw, listener = connected("XSUB", SNDBUF=65536)
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        raw.shake("XPUB", minor)
        xsub.send_multipart(LARGE)
        for subscription in (b"\1A", b"\1B" * 9000, b"\0A", b"\1A"):
            xsub.send(subscription)
        xsub.send(b"next")
        return xsub, raw, listener

    return make


def test_subscriptions_by_message_do_not_overtake_into_a_queued_message(half_sent):
    _xsub, raw, _listener = half_sent(minor=0)
    assert raw.read_message() == LARGE
    raw.expect(message(b"\1A") + message(b"\1B" * 9000) + message(b"\0A") + message(b"\1A") + message(b"next"))


def test_subscriptions_that_wait_are_sent_before_the_socket_closes(half_sent):
    xsub, raw, _listener = half_sent(minor=0)
    xsub.close(linger=5000)
    assert raw.read_message() == LARGE
    raw.expect(message(b"\1A") + message(b"\1B" * 9000) + message(b"\0A") + message(b"\1A") + message(b"next"))
    raw.wait_closed()


@pytest.mark.better
@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 1), (1, 0)])
def test_subscriptions_that_waited_are_sent_once_after_a_reconnect(half_sent, raws, before, after):
    """And of the message that was cut off nothing more is sent."""
    _xsub, raw, listener = half_sent(before)
    for body in LARGE[:20]:
        while (received := raw.read_frame())[0] & COMMAND:
            pass
        assert received == (MORE, body)
    raw.socket.shutdown(socket.SHUT_WR)
    raw = listener.accept()
    raws(raw)
    raw.shake("XPUB", after)
    topics = [b"A", b"B" + b"\1B" * 8999]
    again = [(COMMAND, b"\x09SUBSCRIBE" + topic) if after else (0, b"\1" + topic) for topic in topics]
    assert sorted(raw.read_frame() for _ in topics) == again
    raw.expect(message(b"next"))
    raw.silent()


@pytest.mark.better
def test_subscriptions_by_message_that_never_left_die_with_the_connection(connected, raws):
    """Sent after the reconnect, the old cancel would undo the new subscription."""
    sub, raw, listener = connected("SUB", SNDBUF=65536)
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    raw.shake("PUB", minor=0)
    sub.subscribe(b"A")
    for topic in LARGE:
        sub.subscribe(topic)
        sub.unsubscribe(topic)
    sub.unsubscribe(b"A")
    raw.socket.shutdown(socket.SHUT_WR)
    raw = listener.accept()
    raws(raw)
    sub.subscribe(b"A")
    raw.shake("PUB", minor=0)
    raw.expect(message(b"\1A"))
    raw.silent()


def test_malformed_subscriptions_leave_good_subscribers_alone(bound, raws):
    xpub, raw = bound("XPUB")
    raw.shake("SUB")
    raw.send(message(b"") + message(b"\2x", b"\1y") + command(b"SUBSCRIB", b"x") + command(b"CANCEL") + command(b"SUBSCRIBE"))
    good = rawpeer.connect(endpoint(xpub))
    raws(good)
    good.shake("SUB")
    good.send(command(b"SUBSCRIBE", b"HELLO"))
    while xpub.recv() != b"\1HELLO":
        pass
    xpub.send(b"HELLO")
    good.expect(message(b"HELLO"))
