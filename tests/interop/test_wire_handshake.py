"""Golden bytes of greeting and READY, and which of them are refused. The peer is played by hand."""

import pytest
import rawpeer
from awaiting import Events, endpoint
from rawpeer import PARTNER, SIGNATURE, command, greeting, message, metadata, ready

KINDS = sorted(PARTNER)


def again(zmq, socket, milliseconds=100):
    """Nothing arrives."""
    assert socket.poll(milliseconds) == 0


# Greeting and READY


@pytest.mark.parametrize("kind", KINDS)
def test_greeting_and_ready_of_a_listener(zmq, bound, kind):
    _socket, raw = bound(kind)
    raw.send(greeting() + ready(PARTNER[kind]))
    raw.expect(greeting())
    raw.expect(ready(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_greeting_and_ready_of_a_connecter(zmq, connected, kind):
    _socket, raw, _listener = connected(kind)
    raw.send(greeting() + ready(PARTNER[kind]))
    raw.expect(greeting())
    raw.expect(ready(kind))


def test_greeting_and_ready_over_ipc(bound, fresh):
    socket, raw = bound("PULL", fresh("ipc"))
    raw.send(greeting() + ready("PUSH"))
    raw.expect(greeting() + ready("PULL"))
    raw.send(message(b"hi"))
    assert socket.recv() == b"hi"


@pytest.mark.parametrize("side", ["listener", "connecter"])
def test_greeting_comes_in_three_steps(bound, connected, side):
    """Signature at once; major only after a versioned signature; the rest only after the peer's revision."""
    _socket, raw, *_listener = bound("DEALER") if side == "listener" else connected("DEALER")
    raw.expect(SIGNATURE)
    raw.silent()
    raw.send(SIGNATURE)
    raw.expect(b"\x03")
    raw.silent()
    raw.send(b"\x03")
    raw.expect(greeting()[11:])
    raw.silent()
    raw.send(greeting()[11:])
    raw.expect(ready("DEALER"))


def test_signature_carries_the_length_of_the_routing_id(connected):
    """The padding is the long header of an identity frame for peers of ZMTP/1.0."""
    _socket, raw, _listener = connected("DEALER", ROUTING_ID=b"seven!!")
    raw.expect(bytes.fromhex("ff00000000000000087f"))


def test_identity_travels_in_ready(connected):
    _socket, raw, _listener = connected("DEALER", ROUTING_ID=b"me")
    raw.send(greeting() + ready("ROUTER"))
    raw.read(64)
    raw.expect(ready("DEALER", b"me"))


def test_golden_dealer_to_router(zmq, connected, bound):
    """The transcript of the specification, octet by octet, in both roles."""
    hello = bytes.fromhex("FF00000000000000017F03014E554C4C") + bytes(16 + 1 + 31)
    dealer_ready = bytes.fromhex("0429055245414459" "0B536F636B65742D54797065000000064445414C4552" "084964656E7469747900000000")
    router_ready = bytes.fromhex("0429055245414459" "0B536F636B65742D5479706500000006524F55544552" "084964656E7469747900000000")
    dealer, raw, _listener = connected("DEALER")
    raw.send(hello + router_ready)
    dealer.send(b"hi")
    raw.expect(hello + dealer_ready + bytes.fromhex("00026869"))
    router, raw = bound("ROUTER")
    raw.send(hello + dealer_ready)
    raw.expect(hello + router_ready)
    raw.send(bytes.fromhex("00026869"))
    routing_id, body = router.recv_multipart()
    assert len(routing_id) == 5 and routing_id[0] == 0 and body == b"hi"
    router.send_multipart([routing_id, b"yo"])
    raw.expect(bytes.fromhex("0002796f"))


@pytest.mark.parametrize("kind", ["DEALER", "PULL", "SUB", "REP"])
def test_everything_one_octet_at_a_time(zmq, bound, kind):
    socket, raw = bound(kind)
    if kind == "SUB":
        socket.subscribe(b"")
    body = [b"", b"question"] if kind == "REP" else [b"a", b"", b"x" * 300]
    raw.send_slowly(greeting() + ready(PARTNER[kind]))
    raw.expect(greeting() + ready(kind))
    raw.send_slowly(message(*body))
    assert socket.recv_multipart() == (body[1:] if kind == "REP" else body)


@pytest.mark.better
def test_everything_in_one_segment(bound):
    """libzmq refuses data that comes before its own READY has left; a peer need not know when that is."""
    socket, raw = bound("PULL")
    raw.send(greeting() + ready("PUSH") + b"".join(message(b"%d" % i) for i in range(500)))
    assert [socket.recv() for _ in range(500)] == [b"%d" % i for i in range(500)]


def test_peer_may_wait_for_our_signature(bound):
    """Neither side may wait for the other before its own signature: here the peer waits for ours."""
    socket, raw = bound("PULL")
    raw.expect(SIGNATURE)
    raw.shake_after_signature("PUSH")
    raw.send(message(b"x"))
    assert socket.recv() == b"x"


# Refusals


@pytest.mark.parametrize("kind, wrong", [("PULL", "PULL"), ("REP", "REP"), ("PUB", "PUSH"), ("DEALER", "PUB"), ("PAIR", "NONSENSE"),
                                         ("ROUTER", "router"), ("SUB", "SUB"), ("PUSH", "")])
def test_wrong_socket_type_is_dropped(bound, kind, wrong):
    _socket, raw = bound(kind)
    raw.send(greeting() + command(b"READY", metadata((b"Socket-Type", wrong.encode()))))
    raw.wait_closed()


def test_wrong_socket_type_ends_the_attempts_of_a_connecter(connected):
    _socket, raw, listener = connected("PUSH")
    raw.send(greeting() + ready("PUSH"))
    raw.wait_closed()
    listener.no_further_connection()


def test_missing_socket_type_is_accepted(bound):
    socket, raw = bound("PULL")
    raw.send(greeting() + command(b"READY"))
    raw.expect(greeting() + ready("PULL"))
    raw.send(message(b"x"))
    assert socket.recv() == b"x"


def test_unknown_properties_are_accepted(bound):
    socket, raw = bound("PULL")
    raw.send(greeting() + command(b"READY", metadata((b"X-a", b"1"), (b"Socket-Type", b"PUSH"), (b"Resource", b"r" * 300))))
    raw.expect(greeting() + ready("PULL"))
    raw.send(message(b"x"))
    assert socket.recv() == b"x"


@pytest.mark.parametrize("body", [b"\x0bSocket-Type\0\0\0\x04PUS", b"\x0bSocket", b"\x0bSocket-Type\0\0",
                                  b"\x0bSocket-Type\xff\xff\xff\xffPUSH", metadata((b"Socket-Type", b"PUSH")) + b"\x05"])
def test_truncated_metadata_is_dropped(bound, body):
    _socket, raw = bound("PULL")
    raw.send(greeting() + command(b"READY", body))
    raw.wait_closed()


@pytest.mark.better
def test_identity_above_255_octets_is_refused(bound):
    _socket, raw = bound("ROUTER")
    raw.send(greeting() + command(b"READY", metadata((b"Socket-Type", b"DEALER"), (b"Identity", b"i" * 256))))
    raw.wait_closed()


def test_mechanism_mismatch(zmq, make, raws):
    socket = make("PULL")
    events = Events(zmq, socket)
    socket.bind("tcp://127.0.0.1:*")
    raw = rawpeer.connect(endpoint(socket))
    raws(raw)
    raw.send(greeting(mechanism=b"CURVE"))
    assert events.wait("HANDSHAKE_FAILED_PROTOCOL")[1] == 0x11000002
    raw.wait_closed()


def test_mechanism_mismatch_ends_the_attempts_of_a_connecter(connected):
    _socket, raw, listener = connected("PUSH")
    raw.send(greeting(mechanism=b"PLAIN"))
    raw.wait_closed()
    listener.no_further_connection()


def test_data_before_ready_is_dropped(zmq, make, raws):
    socket = make("PULL")
    events = Events(zmq, socket)
    socket.bind("tcp://127.0.0.1:*")
    raw = rawpeer.connect(endpoint(socket))
    raws(raw)
    raw.send(greeting() + message(b"too early"))
    assert events.wait("HANDSHAKE_FAILED_PROTOCOL")[1] == 0x10000001
    raw.wait_closed()
    again(zmq, socket)


@pytest.mark.better
def test_ready_without_command_flag_is_dropped(bound):
    _socket, raw = bound("PULL")
    raw.send(greeting() + b"\0" + ready("PUSH")[1:])
    raw.wait_closed()


def test_error_command_ends_the_attempts(zmq, make, raws):
    listener = rawpeer.Listener()
    raws(listener)
    socket = make("DEALER", RECONNECT_IVL=20)
    events = Events(zmq, socket)
    socket.connect(listener.endpoint)
    raw = listener.accept()
    raws(raw)
    raw.send(greeting())
    raw.expect(greeting() + ready("DEALER"))
    raw.send(bytes.fromhex("040a054552524f5203343030"))
    assert events.wait("HANDSHAKE_FAILED_AUTH")[1] == 400
    raw.wait_closed()
    listener.no_further_connection()


def test_close_during_the_handshake_is_retried(zmq, connected, raws):
    _socket, raw, listener = connected("DEALER")
    raw.send(greeting())
    raw.close()
    second = listener.accept()
    raws(second)
    second.shake("ROUTER")


def test_handshake_timer_closes_a_silent_peer(zmq, make, raws):
    socket = make("PULL", HANDSHAKE_IVL=80)
    socket.bind("tcp://127.0.0.1:*")
    events = Events(zmq, socket)
    raw = rawpeer.connect(endpoint(socket))
    raws(raw)
    raw.send(greeting())
    events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1]
    raw.wait_closed()


def test_handshake_timer_of_a_connecter_retries(zmq, connected, raws):
    _socket, raw, listener = connected("PUSH", HANDSHAKE_IVL=80)
    raw.wait_closed()
    raws(listener.accept())


def test_maxmsgsize_drops_the_connection(bound, raws):
    socket, raw = bound("PULL", MAXMSGSIZE=100)
    raw.shake("PUSH")
    raw.send(message(bytes(100)))
    assert socket.recv() == bytes(100)
    raw.send(message(bytes(101)))
    raw.wait_closed()


def test_maxmsgsize_is_checked_before_the_body_arrives(bound):
    _socket, raw = bound("PULL", MAXMSGSIZE=1000)
    raw.shake("PUSH")
    raw.send(b"\2" + (1001).to_bytes(8, "big"))
    raw.wait_closed()
