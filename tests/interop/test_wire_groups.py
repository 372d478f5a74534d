"""RADIO and DISH on the wire: joins as commands, a message as group and body, and peers that get it wrong."""
import select

import pytest
from awaiting import endpoint, until
from rawpeer import COMMAND, MORE, Listener, command, connect, frame, message, metadata

pytestmark = pytest.mark.better  # a release of libzmq has neither type


def raw_dish(make, raws, **options):
    """A RADIO, and a peer played by hand that listens to it."""
    radio = make("RADIO", **options)
    radio.bind("tcp://127.0.0.1:*")
    raw = connect(endpoint(radio))
    raws(raw)
    assert raw.shake("DISH") == b"\x05READY" + metadata((b"Socket-Type", b"RADIO"))
    return radio, raw


def has_closed(raw):
    """Whether the other side has ended the connection."""
    try:
        return select.select([raw.socket], [], [], 0)[0] and not raw.socket.recv(65536)
    except ConnectionError:
        return True


def raw_radio(make, raws, **options):
    listener = Listener()
    dish = make("DISH", RECONNECT_IVL=1, **options)
    dish.connect(listener.endpoint)
    raw = listener.accept()
    raws(raw)
    raw.shake("RADIO")
    return dish, raw, listener


def test_DRAFT_9_wire_of_radio(make, raws):
    radio, raw = raw_dish(make, raws)
    raw.send(command(b"JOIN", b"TV") + command(b"JOIN", b"") + command(b"JOIN", b"x" * 255))
    raw.send(command(b"SUBSCRIBE", b"no") + frame(b"\1no") + command(b"PING", b"\0\0sync"))
    raw.expect(command(b"PONG", b"sync"))
    radio.send(b"", group="no")
    radio.send(b"Friends", group="TV")
    raw.expect(bytes.fromhex("0102545600074672 69656e6473".replace(" ", "")))
    radio.send(b"plain")
    raw.expect(bytes.fromhex("0100 0005 706c61696e".replace(" ", "")))
    raw.send(command(b"LEAVE", b"TV") + command(b"LEAVE", b"never") + command(b"PING", b"\0\0sync"))
    raw.expect(command(b"PONG", b"sync"))
    radio.send(b"Friends", group="TV")
    radio.send(b"y" * 300, group="x" * 255)
    raw.expect(message(b"x" * 255, b"y" * 300))


def test_DRAFT_10_wire_of_dish(make, raws):
    dish, raw, _ = raw_radio(make, raws)
    dish.join("TV")
    raw.expect(bytes.fromhex("0407044a4f494e5456"))
    dish.leave("TV")
    raw.expect(bytes.fromhex("0408054c4541564 55456".replace(" ", "")))
    dish.join("x" * 255)
    raw.expect(frame(b"\x04JOIN" + b"x" * 255, COMMAND))
    raw.send(message(b"other", b"1") + command(b"PING", b"\0\0sync") + frame(b"x" * 255, MORE) + command(b"PING", b"\0\0in")
             + frame(b"2"))
    raw.expect(command(b"PONG", b"sync") + command(b"PONG", b"in"))
    received = dish.recv(copy=False)
    assert (received.group, received.bytes) == ("x" * 255, b"2")


def test_DRAFT_10_joined_before_connecting_to_a_peer_of_3_0(make, raws):
    listener = Listener()
    dish = make("DISH")
    dish.join("TV")
    dish.connect(listener.endpoint)
    raw = listener.accept()
    raws(raw)
    raw.shake("RADIO", minor=0)
    raw.expect(command(b"JOIN", b"TV"))


@pytest.mark.parametrize(
    "octets",
    [frame(b"TV"), message(b"TV", b"a", b"b"), message(b"g" * 256, b"body"), message(b"TV", b"a") + frame(b"alone")],
    ids=["no body", "three frames", "long group", "behind a good one"],
)
def test_DRAFT_10_a_message_of_another_shape_ends_the_connection(make, raws, octets):
    dish = make("DISH")
    dish.join("TV")
    dish.bind("tcp://127.0.0.1:*")
    for wrong in (octets, b""):
        raw = connect(endpoint(dish))
        raws(raw)
        raw.shake("RADIO")
        raw.expect(command(b"JOIN", b"TV"))
        if wrong:
            raw.send(wrong + message(b"TV", b"behind"))
            until(lambda raw=raw: (dish.poll(1) and dish.recv() and False) or has_closed(raw))
        else:
            raw.send(message(b"TV", b"good"))
            until(lambda: dish.recv() == b"good")


def test_DRAFT_9_commands_that_are_none(make, raws):
    """A group of more than 255 octets is no group (libzmq's process ends over it); a broken name is no command."""
    radio, raw = raw_dish(make, raws)
    raw.send(command(b"JOIN", b"x" * 256) + frame(b"\x09JOIN", COMMAND) + frame(b"", COMMAND) + command(b"join", b"TV"))
    raw.send(frame(b"\x04JOIN", MORE) + frame(b"TV") + command(b"JOIN", b"good") + command(b"PING", b"\0\0sync"))
    raw.expect(command(b"PONG", b"sync"))
    radio.send(b"1", group="x" * 255)
    radio.send(b"1", group="TV")
    radio.send(b"2", group="good")
    raw.expect(message(b"good", b"2"))


def test_DRAFT_9_a_radio_does_not_ping(make, raws):
    """libzmq's DISH takes a PING for a group and leaves."""
    radio, raw = raw_dish(make, raws, HEARTBEAT_IVL=20)
    raw.send(command(b"JOIN", b"TV"))
    raw.silent(0.1)
    raw.send(command(b"PING", b"\0\0sync"))
    raw.expect(command(b"PONG", b"sync"))
    radio.send(b"x", group="TV")
    raw.expect(message(b"TV", b"x"))
