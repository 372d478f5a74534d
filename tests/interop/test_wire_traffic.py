"""Golden bytes of frames, envelopes and heartbeats. The peer is played by hand."""

import select
import socket
import struct
import time

import pytest
import rawpeer
from awaiting import Events, endpoint
from rawpeer import COMMAND, MORE, PARTNER, command, frame, message

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


def test_unfinished_multipart_is_discarded_when_the_peer_dies(zmq, make, raws):
    socket = make("PULL")
    socket.bind("tcp://127.0.0.1:*")
    first, second = rawpeer.connect(endpoint(socket)), rawpeer.connect(endpoint(socket))
    raws(first), raws(second)
    events = Events(zmq, socket)
    first.shake("PUSH")
    second.shake("PUSH")
    first.send(message(b"whole") + frame(b"half", MORE) + frame(b"half", MORE))
    assert socket.recv() == b"whole"
    first.close()
    events.wait("DISCONNECTED")[1]
    second.send(message(b"after"))
    assert socket.recv_multipart() == [b"after"]


@pytest.mark.better
def test_rest_of_a_multipart_whose_beginning_left_is_discarded(zmq, connected, raws):
    """libzmq sends nothing before the message is complete."""
    push, raw, listener = connected("PUSH")
    raw.shake("PULL")
    push.send(b"x" * 300000, zmq.SNDMORE)
    assert raw.read_frame() == (MORE, b"x" * 300000)
    raw.close()
    raw = listener.accept()
    raws(raw)
    push.send(b"middle", zmq.SNDMORE)
    push.send(b"last")
    raw.shake("PULL")
    push.send(b"whole")
    raw.expect(message(b"whole"))


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
def test_empty_command_is_ignored(bound):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(frame(b"", COMMAND) + message(b"good"))
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


# Heartbeats


@pytest.mark.parametrize("echo", [b"", b"abc", b"0123456789abcdef"])
def test_ping_is_answered_with_the_same_context(bound, echo):
    _socket, raw = bound("DEALER")
    raw.shake("DEALER")
    raw.send(command(b"PING", b"\0\x64" + echo))
    raw.expect(command(b"PONG", echo))


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


def test_heartbeat_timeout_drops_a_silent_peer(zmq, make, raws):
    socket = make("DEALER", HEARTBEAT_IVL=30, HEARTBEAT_TIMEOUT=60)
    socket.bind("tcp://127.0.0.1:*")
    events = Events(zmq, socket)
    raw = rawpeer.connect(endpoint(socket))
    raws(raw)
    raw.shake("DEALER")
    events.wait("DISCONNECTED")[1]
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
def test_short_ping_ends_the_connection(bound, raws, data):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    raw.send(command(b"PING", data) + message(b"never"))
    raw.wait_closed()
    good = rawpeer.connect(endpoint(socket))
    raws(good)
    good.shake("PUSH")
    good.send(message(b"fine"))
    assert socket.recv() == b"fine"


# Closing


@pytest.mark.parametrize("size, before", [(3000, 60000), (5000, 100000), (20000, 100000)])
def test_disconnected_is_closed_by_whoever_writes_the_last_octet(zmq, make, raws, size, before):
    """Not only by the event that the kernel takes more again: here any call of the application may come first."""
    for _ in range(5):
        listener = rawpeer.Listener()
        raws(listener)
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100000)
        push = make("PUSH", SNDBUF=100000, SNDHWM=1, LINGER=-1)
        push.connect(listener.endpoint)
        raw = listener.accept()
        raws(raw)
        raw.shake("PULL")
        left = 0
        while push.poll(0, zmq.POLLOUT):
            push.send(bytes(size))
            left += len(message(bytes(size)))
        left -= len(raw.socket.recv(before))  # room for some of what waits, not for all of it
        push.disconnect(listener.endpoint)
        while left:
            left -= len(raw.read(min(left, len(raw.socket.recv(1 << 20, socket.MSG_PEEK)))))
            push.poll(0)
        raw.wait_closed()


@pytest.mark.parametrize("end", ["reads", "resets"])
def test_close_of_a_socket_that_did_not_read(zmq, raws, end):
    """Its input is full, so its peer cannot go on sending; and what it has sent itself waits for that peer to read."""
    with zmq.Context() as own:
        pair = own.socket(zmq.PAIR)
        pair.rcvhwm = pair.sndhwm = 1
        pair.linger = -1
        pair.bind("tcp://127.0.0.1:*")
        raw = rawpeer.connect(endpoint(pair))
        raws(raw)
        raw.shake("PAIR")
        raw.socket.setblocking(False)
        full = message(bytes(20000))
        left = full
        while select.select([], [raw.socket], [], 0.1)[1]:
            left = left[raw.socket.send(left):] or full
        while pair.poll(0, zmq.POLLOUT):
            pair.send(bytes(20000))
        pair.close()
        raw.socket.settimeout(rawpeer.SECONDS)
        if end == "reads":
            raw.send(left + full * 500)
            raw.wait_closed()
        else:
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()


# Lost connections


@pytest.mark.better
@pytest.mark.parametrize("closes", [False, True])
def test_what_never_left_survives_a_failed_write(zmq, make, raws, closes):
    """The sender goes on (or closes) while the connection is reset under it: only what the kernels had may be missing afterwards."""
    listener = rawpeer.Listener()
    listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4608)  # before the connection: it cannot be taken back later
    raws(listener)
    push = make("PUSH", RECONNECT_IVL=20, SNDBUF=4608, SNDHWM=5000, LINGER=-1)
    push.connect(listener.endpoint)
    raw = listener.accept()
    raws(raw)
    raw.shake("PULL")
    sent = 0
    while True:
        try:
            push.send(b"%0100d" % sent, zmq.DONTWAIT)
        except zmq.Again:
            break
        sent += 1
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    if closes:
        push.close()
    else:
        # Calls that try to write at once, so that writing finds the reset before reading does.
        deadline = time.monotonic() + 5
        while not listener.pending():
            assert time.monotonic() < deadline
            try:
                push.send(b"%0100d" % sent, zmq.DONTWAIT)
            except zmq.Again:
                continue
            sent += 1
    again = listener.accept()
    raws(again)
    again.shake("PULL")
    first = int(again.read_message()[0])
    assert first < 40000 / 100, "more is missing than the kernels' buffers hold"
    for number in range(first + 1, sent):
        assert int(again.read_message()[0]) == number
