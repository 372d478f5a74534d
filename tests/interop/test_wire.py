"""Golden bytes: the module under test against a peer played by hand, as listener and as connecter, in every ZMTP version."""
import importlib

import pytest
import rawpeer
from rawpeer import COMMAND, MORE, PARTNER, SIGNATURE, command, frame, greeting, message, metadata, ready

KINDS = sorted(PARTNER)


@pytest.fixture
def opened(zmq, ctx):
    """opened("PULL") -> a socket of the module under test, with timeouts that turn a hang into a failure."""

    def make(kind, **options):
        socket = ctx.socket(getattr(zmq, kind))
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = 5000
        for name, value in options.items():
            socket.setsockopt(getattr(zmq, name), value)
        return socket

    return make


@pytest.fixture
def raws():
    made = []
    yield made.append
    for raw in made:
        raw.close()


@pytest.fixture
def bound(opened, raws):
    """bound("PULL") -> (the bound socket, a raw connection to it)."""

    def make(kind, endpoint="tcp://127.0.0.1:*", **options):
        socket = opened(kind, **options)
        socket.bind(endpoint)
        raw = rawpeer.connect(endpoint_of(socket))
        raws(raw)
        return socket, raw

    return make


@pytest.fixture
def connected(opened, raws):
    """connected("PUSH") -> (the connecting socket, the raw connection accepted from it, the raw listener)."""

    def make(kind, **options):
        listener = rawpeer.Listener()
        raws(listener)
        socket = opened(kind, RECONNECT_IVL=20, **options)
        socket.connect(listener.endpoint)
        raw = listener.accept()
        raws(raw)
        return socket, raw, listener

    return make


def endpoint_of(socket):
    return socket.last_endpoint.rstrip(b"\0").decode()


def again(zmq, socket, milliseconds=100):
    """Nothing arrives."""
    assert socket.poll(milliseconds) == 0


class Watch:
    """The monitor events of one socket, as (name, value)."""

    def __init__(self, zmq, socket):
        self.zmq = zmq
        self.recv = importlib.import_module(zmq.__name__ + ".utils.monitor").recv_monitor_message
        self.monitor = socket.get_monitor_socket()
        self.monitor.rcvtimeo = 5000

    def until(self, name):
        seen = []
        while True:
            try:
                event = self.recv(self.monitor)
            except self.zmq.Again:
                pytest.fail(f"{name} never came; seen: {seen}")
            seen.append(self.zmq.Event(event["event"]).name)
            if seen[-1] == name:
                return event["value"]


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


def test_greeting_and_ready_over_ipc(bound, ipc_folder):
    socket, raw = bound("PULL", f"ipc://{ipc_folder}/raw")
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


# Frames


@pytest.mark.parametrize("size, head", [(0, "0000"), (1, "0001"), (255, "00ff"), (256, "020000000000000100"),
                                        (8192, "020000000000002000"), (70000, "020000000000011170")])
def test_frame_header_sent(connected, size, head):
    socket, raw, _listener = connected("PUSH")
    raw.shake("PULL")
    socket.send(bytes(size))
    raw.expect(bytes.fromhex(head) + bytes(size))


def test_more_flag_sent(connected):
    socket, raw, _listener = connected("PUSH")
    raw.shake("PULL")
    socket.send_multipart([b"a", b"", b"b" * 256])
    raw.expect(bytes.fromhex("010161" "0100" "020000000000000100") + b"b" * 256)


def test_long_form_of_a_short_frame_is_accepted(bound):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(bytes.fromhex("030000000000000001") + b"a" + bytes.fromhex("020000000000000000"))
    assert socket.recv_multipart() == [b"a", b""]


def test_reserved_flag_bits_are_ignored(bound):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(bytes.fromhex("f80161"))
    assert socket.recv() == b"a"


def test_unfinished_multipart_is_discarded_when_the_peer_dies(zmq, opened, raws):
    socket = opened("PULL")
    socket.bind("tcp://127.0.0.1:*")
    first, second = rawpeer.connect(endpoint_of(socket)), rawpeer.connect(endpoint_of(socket))
    raws(first), raws(second)
    watch = Watch(zmq, socket)
    first.shake("PUSH")
    second.shake("PUSH")
    first.send(message(b"whole") + frame(b"half", MORE) + frame(b"half", MORE))
    assert socket.recv() == b"whole"
    first.close()
    watch.until("DISCONNECTED")
    second.send(message(b"after"))
    assert socket.recv_multipart() == [b"after"]


def test_commands_inside_a_multipart_do_not_disturb_it(bound):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(frame(b"a", MORE) + command(b"PING", b"\0\0ctx") + frame(b"b", MORE) + command(b"WHATEVER", b"x") + frame(b"c"))
    assert socket.recv_multipart() == [b"a", b"b", b"c"]
    assert raw.read_frame() == (COMMAND, b"\x04PONGctx")


@pytest.mark.parametrize("bad", [command(b"NOSUCHTHING", b"data"), command(b"", b""), frame(b"\xff", COMMAND), command(b"JOIN", b"g"),
                                 command(b"x" * 255, b"y" * 300)])
def test_unknown_and_malformed_commands_are_ignored(bound, bad):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(bad + message(b"still here"))
    assert socket.recv() == b"still here"


@pytest.mark.better
def test_empty_command_is_ignored_or_ends_the_connection(bound, raws):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(frame(b"", COMMAND))
    good = rawpeer.connect(endpoint_of(socket))
    raws(good)
    good.shake("PUSH")
    good.send(message(b"good"))
    assert socket.recv() == b"good"


@pytest.mark.better
@pytest.mark.parametrize("kind", ["PULL", "DEALER", "PAIR"])
@pytest.mark.parametrize("name", [b"SUBSCRIBE", b"CANCEL"])
def test_subscription_commands_never_reach_other_types(bound, kind, name):
    socket, raw = bound(kind)
    raw.shake(PARTNER[kind])
    raw.send(command(name, b"topic") + message(b"data"))
    assert socket.recv() == b"data"


@pytest.mark.better
@pytest.mark.parametrize("flags", [5, 7])
def test_command_with_more_ends_the_connection(bound, flags):
    _socket, raw = bound("PULL")
    raw.shake("PUSH")
    body = b"\x04PING\0\0"
    raw.send(bytes([flags]) + len(body).to_bytes(8 if flags & 2 else 1, "big") + body)
    raw.wait_closed()


# Envelopes


def test_req_and_rep_on_the_wire(bound, connected):
    req, raw, _listener = connected("REQ")
    raw.shake("REP")
    req.send(b"hello")
    raw.expect(bytes.fromhex("0100" "000568656c6c6f"))
    raw.send(bytes.fromhex("0100" "0005776f726c64"))
    assert req.recv() == b"world"
    rep, raw = bound("REP")
    raw.shake("REQ")
    raw.send(bytes.fromhex("0100" "000568656c6c6f"))
    assert rep.recv() == b"hello"
    rep.send(b"world")
    raw.expect(bytes.fromhex("0100" "0005776f726c64"))


def test_rep_gives_the_whole_envelope_back(bound):
    rep, raw = bound("REP")
    raw.shake("DEALER")
    raw.send(message(b"hop1", b"hop2", b"", b"question", b"", b"more"))
    assert rep.recv_multipart() == [b"question", b"", b"more"]
    rep.send(b"answer")
    assert raw.read_message() == [b"hop1", b"hop2", b"", b"answer"]


def test_rep_drops_a_request_without_delimiter(bound):
    rep, raw = bound("REP")
    raw.shake("DEALER")
    raw.send(message(b"no delimiter") + message(b"none", b"here") + message(b"", b"good"))
    assert rep.recv() == b"good"


def test_req_correlate_precedes_the_delimiter(connected):
    req, raw, _listener = connected("REQ", REQ_CORRELATE=1)
    raw.shake("REP")
    req.send(b"q")
    request_id, empty, body = raw.read_message()
    assert (len(request_id), empty, body) == (4, b"", b"q")
    wrong = bytes([request_id[0] ^ 1]) + request_id[1:]
    raw.send(message(wrong, b"", b"stale") + message(request_id, b"", b"a"))
    assert req.recv() == b"a"


@pytest.mark.parametrize("reply", [message(b"no delimiter"), message(b"12345", b"", b"x"), message(b"", )])
def test_req_drops_a_peer_that_replies_without_envelope(connected, reply):
    req, raw, _listener = connected("REQ")
    raw.shake("REP")
    req.send(b"q")
    raw.read_message()
    raw.send(reply)
    raw.wait_closed()


def test_probe_router_is_an_empty_message(connected):
    _socket, raw, _listener = connected("DEALER", PROBE_ROUTER=1)
    raw.shake("ROUTER")
    raw.expect(b"\0\0")


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


def test_malformed_subscriptions_leave_good_subscribers_alone(bound, raws):
    xpub, raw = bound("XPUB")
    raw.shake("SUB")
    raw.send(message(b"") + message(b"\2x", b"\1y") + command(b"SUBSCRIB", b"x") + command(b"CANCEL") + command(b"SUBSCRIBE"))
    good = rawpeer.connect(endpoint_of(xpub))
    raws(good)
    good.shake("SUB")
    good.send(command(b"SUBSCRIBE", b"HELLO"))
    while xpub.recv() != b"\1HELLO":
        pass
    xpub.send(b"HELLO")
    good.expect(message(b"HELLO"))


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


# Heartbeats


@pytest.mark.parametrize("context", [b"", b"abc", b"0123456789abcdef"])
def test_ping_is_answered_with_the_same_context(bound, context):
    _socket, raw = bound("DEALER")
    raw.shake("DEALER")
    raw.send(command(b"PING", b"\0\x64" + context))
    raw.expect(command(b"PONG", context))


def test_golden_ping(bound):
    _socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(bytes.fromhex("040a0450494e47000a616263"))
    raw.expect(bytes.fromhex("040804504f4e47616263"))


def test_long_ping_context_is_cut_to_16(bound):
    _socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(command(b"PING", b"\0\0" + b"0123456789abcdefGH"))
    raw.expect(command(b"PONG", b"0123456789abcdef"))


def test_heartbeat_sends_pings_with_its_ttl(connected):
    _socket, raw, _listener = connected("DEALER", HEARTBEAT_IVL=30, HEARTBEAT_TTL=5250)
    raw.shake("ROUTER")
    for _round in range(3):
        raw.expect(command(b"PING", (52).to_bytes(2, "big")))
        raw.send(command(b"PONG"))


def test_heartbeat_timeout_drops_a_silent_peer(zmq, opened, raws):
    socket = opened("DEALER", HEARTBEAT_IVL=30, HEARTBEAT_TIMEOUT=60)
    socket.bind("tcp://127.0.0.1:*")
    watch = Watch(zmq, socket)
    raw = rawpeer.connect(endpoint_of(socket))
    raws(raw)
    raw.shake("DEALER")
    watch.until("DISCONNECTED")
    raw.wait_closed()


def test_any_traffic_keeps_a_heartbeat_alive(bound):
    socket, raw = bound("PULL", HEARTBEAT_IVL=40, HEARTBEAT_TIMEOUT=200)
    raw.shake("PUSH")
    for number in range(12):
        raw.read_frame()
        raw.send(message(b"%d" % number))
        assert socket.recv() == b"%d" % number


def test_ttl_of_the_peer_ends_an_idle_connection(bound):
    _socket, raw = bound("DEALER")
    raw.shake("DEALER")
    raw.send(command(b"PING", b"\0\1"))
    raw.wait_closed(3)


@pytest.mark.better
@pytest.mark.parametrize("data", [b"", b"\0"])
def test_short_ping_is_ignored_or_ends_the_connection(bound, raws, data):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(command(b"PING", data))
    good = rawpeer.connect(endpoint_of(socket))
    raws(good)
    good.shake("PUSH")
    good.send(message(b"fine"))
    assert socket.recv() == b"fine"


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


def test_mechanism_mismatch(zmq, opened, raws):
    socket = opened("PULL")
    watch = Watch(zmq, socket)
    socket.bind("tcp://127.0.0.1:*")
    raw = rawpeer.connect(endpoint_of(socket))
    raws(raw)
    raw.send(greeting(mechanism=b"CURVE"))
    assert watch.until("HANDSHAKE_FAILED_PROTOCOL") == 0x11000002
    raw.wait_closed()


def test_mechanism_mismatch_ends_the_attempts_of_a_connecter(connected):
    _socket, raw, listener = connected("PUSH")
    raw.send(greeting(mechanism=b"PLAIN"))
    raw.wait_closed()
    listener.no_further_connection()


def test_data_before_ready_is_dropped(zmq, opened, raws):
    socket = opened("PULL")
    watch = Watch(zmq, socket)
    socket.bind("tcp://127.0.0.1:*")
    raw = rawpeer.connect(endpoint_of(socket))
    raws(raw)
    raw.send(greeting() + message(b"too early"))
    assert watch.until("HANDSHAKE_FAILED_PROTOCOL") == 0x10000001
    raw.wait_closed()
    again(zmq, socket)


@pytest.mark.better
def test_ready_without_command_flag_is_dropped(bound):
    _socket, raw = bound("PULL")
    raw.send(greeting() + b"\0" + ready("PUSH")[1:])
    raw.wait_closed()


def test_error_command_ends_the_attempts(zmq, opened, raws):
    listener = rawpeer.Listener()
    raws(listener)
    socket = opened("DEALER", RECONNECT_IVL=20)
    watch = Watch(zmq, socket)
    socket.connect(listener.endpoint)
    raw = listener.accept()
    raws(raw)
    raw.send(greeting())
    raw.expect(greeting() + ready("DEALER"))
    raw.send(bytes.fromhex("040a054552524f5203343030"))
    assert watch.until("HANDSHAKE_FAILED_AUTH") == 400
    raw.wait_closed()
    listener.no_further_connection()


def test_close_during_the_handshake_is_retried(zmq, connected, raws):
    _socket, raw, listener = connected("DEALER")
    raw.send(greeting())
    raw.close()
    second = listener.accept()
    raws(second)
    second.shake("ROUTER")


def test_handshake_timer_closes_a_silent_peer(zmq, opened, raws):
    socket = opened("PULL", HANDSHAKE_IVL=80)
    socket.bind("tcp://127.0.0.1:*")
    watch = Watch(zmq, socket)
    raw = rawpeer.connect(endpoint_of(socket))
    raws(raw)
    raw.send(greeting())
    watch.until("HANDSHAKE_FAILED_NO_DETAIL")
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


# Hostile bytes. Whatever a peer sends, only its own connection suffers.

STATES = {
    "before anything": b"",
    "inside the signature": SIGNATURE[:5],
    "after the signature": SIGNATURE,
    "after the major": SIGNATURE + b"\3",
    "inside the greeting": greeting()[:40],
    "after the greeting": greeting(),
    "inside READY": greeting() + ready("PUSH")[:20],
    "after READY": greeting() + ready("PUSH"),
    "inside a frame": greeting() + ready("PUSH") + b"\0\x20abc",
    "inside a multipart": greeting() + ready("PUSH") + frame(b"a", MORE),
    "inside a long length": greeting() + ready("PUSH") + b"\2\0\0\0",
}
POISON = {
    "nothing": b"",
    "zeros": bytes(300),
    "ones": b"\xff" * 300,
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "huge length": b"\2" + (1 << 62).to_bytes(8, "big") + b"x" * 100,
    "negative length": b"\2" + b"\xff" * 8 + b"x" * 100,
    "ramp": bytes(range(256)) * 3,
}


@pytest.mark.parametrize("state", STATES)
def test_hostile_bytes_never_hurt_a_good_peer(zmq, opened, raws, state):
    socket = opened("PULL")
    socket.bind("tcp://127.0.0.1:*")
    good = rawpeer.connect(endpoint_of(socket))
    raws(good)
    good.shake("PUSH")
    for number, poison in enumerate(POISON.values()):
        raw = rawpeer.connect(endpoint_of(socket))
        try:
            raw.send(STATES[state] + poison)
        except ConnectionError:
            pass  # refused before all of it was written: as good as closed
        raw.close()
        good.send(message(b"good %d" % number))
        deadline_reads = 0
        # Poison that happens to be a well-formed message may be delivered before ours.
        while socket.recv_multipart() != [b"good %d" % number]:
            deadline_reads += 1
            assert deadline_reads < 2000


@pytest.mark.parametrize("state", STATES)
def test_hostile_listener_delivers_nothing(zmq, opened, raws, state):
    """A connecting socket never delivers a message before a valid handshake, and a good peer of the same socket works on."""
    if "READY" in state or "frame" in state or "multipart" in state or "long" in state:
        first = STATES[state].replace(ready("PUSH"), ready("PULL"))  # a wrong type: dropped in the handshake
    else:
        first = STATES[state]
    socket = opened("PULL", RECONNECT_IVL=20)
    socket.bind("tcp://127.0.0.1:*")
    good = rawpeer.connect(endpoint_of(socket))
    raws(good)
    good.shake("PUSH")
    for poison in (POISON["http"], POISON["huge length"]):
        listener = rawpeer.Listener()
        socket.connect(listener.endpoint)
        raw = listener.accept()
        try:
            raw.send(first + poison)
        except ConnectionError:
            pass
        raw.close()
        listener.close()
        socket.disconnect(listener.endpoint)
    good.send(message(b"good"))
    assert socket.recv() == b"good"


def test_announced_length_costs_nothing(bound, raws):
    """2^62 octets are announced by many connections; memory grows with what has arrived, not with what was promised."""
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    before = rawpeer.resident_kib()
    for _connection in range(20):
        liar = rawpeer.connect(endpoint_of(socket))
        raws(liar)
        liar.send(greeting() + ready("PUSH") + b"\2" + (1 << 62).to_bytes(8, "big"))
    raw.send(message(b"still served"))
    assert socket.recv() == b"still served"
    assert rawpeer.resident_kib() - before < 8 * 1024


@pytest.mark.better
def test_announced_gigabytes_cost_what_has_arrived(zmq, bound, raws):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    with open("/proc/self/statm") as statm:
        before = int(statm.read().split()[0])
    liars = []
    for _connection in range(20):
        liar = rawpeer.connect(endpoint_of(socket))
        raws(liar)
        liar.send(greeting() + ready("PUSH") + b"\2" + (1 << 32).to_bytes(8, "big") + bytes(1000))
        liars.append(liar)
    raw.send(message(b"still served"))
    assert socket.recv() == b"still served"
    with open("/proc/self/statm") as statm:
        grown = (int(statm.read().split()[0]) - before) * 4096
    assert grown < 256 << 20, f"{grown >> 20} MiB of address space for 80 GiB of promises"


def test_a_long_frame_in_many_pieces_arrives(bound):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    body = bytes(range(256)) * 4096
    octets = frame(body)
    for start in range(0, len(octets), 70001):
        raw.send(octets[start:start + 70001])
    assert socket.recv() == body


def test_thousand_short_lived_connections(bound, raws):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    for _connection in range(1000):
        visitor = rawpeer.connect(endpoint_of(socket))
        visitor.send(SIGNATURE)
        visitor.close()
    raw.send(message(b"survived"))
    assert socket.recv() == b"survived"
