"""ws://, with the peer played by hand: what is said byte for byte, what bad peers get, and that others do not notice."""

import base64
import contextlib
import hashlib
import os
import socket
import struct
import threading

import pytest
from awaiting import Events, endpoint
from platforms import errno
from zap import CLIENTS, SERVERS, Handler

KEY = "x3JJHMbDL1EzLkh9GBhXDw=="
ACCEPT = "HSmrc0sMlYUkAGmm5OPpG2HaGWk="
UPGRADE = {"Host": "here", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
SECONDS = 15


@pytest.fixture(autouse=True)
def with_ws(zmq):
    if not zmq.has("WS"):
        pytest.skip("this libzmq has no ws")


def request(protocols="ZWS2.0", first="GET /any/path HTTP/1.1", **instead):
    fields = UPGRADE | {"Sec-WebSocket-Protocol": protocols} | {name.replace("_", "-"): value for name, value in instead.items()}
    return "\r\n".join([first, *(f"{name}: {value}" for name, value in fields.items() if value is not None), "", ""]).encode()


def frame(opcode, payload, mask=b"\x01\x02\x03\x04", first=0x80):
    size = len(payload)
    head = bytes([first | opcode])
    masked = 0x80 if mask else 0
    if size < 126:
        head += bytes([masked | size])
    elif size < 65536:
        head += bytes([masked | 126]) + struct.pack("!H", size)
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", size)
    return head + (mask or b"") + bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload)) if mask else head + payload


def pieces(payload, size, between=b"", mask=b"\x04\x03\x02\x01"):
    """One message in frames of `size` bytes each."""
    parts = [payload[at:at + size] for at in range(0, len(payload), size)]
    frames = [frame(0 if at else BINARY, part, mask, 0x80 if at == len(parts) - 1 else 0) for at, part in enumerate(parts)]
    return between.join(frames)


class Wire:
    """A connection with its bytes."""

    def __init__(self, connection):
        self.connection = connection
        self.connection.settimeout(SECONDS)
        self.have = b""

    def send(self, data):
        self.connection.sendall(data)

    def read(self, size):
        while len(self.have) < size:
            piece = self.connection.recv(65536)
            assert piece, "the connection has ended"
            self.have += piece
        data, self.have = self.have[:size], self.have[size:]
        return data

    def head(self):
        """The lines of an HTTP message's head."""
        while b"\r\n\r\n" not in self.have:
            piece = self.connection.recv(65536)
            assert piece, "the connection has ended"
            self.have += piece
        head, _, self.have = self.have.partition(b"\r\n\r\n")
        return head.decode().split("\r\n")

    def frame(self):
        """(opcode, payload), unmasked."""
        first, second = self.read(2)
        size = second & 127
        if size == 126:
            (size,) = struct.unpack("!H", self.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.read(8))
        mask = self.read(4) if second & 128 else None
        payload = self.read(size)
        return first, bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload)) if mask else payload

    def ended(self):
        try:
            while self.connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True


@pytest.fixture
def dial():
    """dial(bound socket) -> a Wire to it."""
    wires = []

    def dial(bound):
        host, port = endpoint(bound).removeprefix("ws://").partition("/")[0].rsplit(":", 1)
        wires.append(Wire(socket.create_connection((host, int(port)))))
        return wires[-1]

    yield dial
    for wire in wires:
        wire.connection.close()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        yield listener


@pytest.fixture
def bare(make, dial):
    """A PAIR, and a Wire that has come in without mechanism."""

    def bare(kind="PAIR", **options):
        here = make(kind, LINGER=0, **options)
        here.bind("ws://127.0.0.1:*")
        wire = dial(here)
        wire.send(request() + frame(BINARY, b"\x00me"))
        assert wire.head()[0] == "HTTP/1.1 101 Switching Protocols"
        assert wire.frame() == (0x82, b"\x00")
        return here, wire

    return bare


def works(here, wire):
    wire.send(frame(BINARY, b"\x00hello"))
    assert here.recv() == b"hello"
    here.send(b"back")
    assert wire.frame() == (0x82, b"\x00back")


# ---- endpoints


@pytest.mark.parametrize("path", ["", "/", "/a/long/path?with=query&more"])
def test_END_44_path_in_last_endpoint(make, path):
    here, there = make("PAIR"), make("PAIR")
    here.bind(f"ws://127.0.0.1:*{path}")
    assert endpoint(here).endswith(path or "/") and "*" not in endpoint(here)
    there.connect(endpoint(here))
    there.send(b"x")
    assert here.recv() == b"x"
    here.unbind(endpoint(here))


def test_END_44_addresses_that_are_none(zmq, make):
    here = make("PAIR")
    for where in ("127.0.0.1", "127.0.0.1/5555", ":1/", "127.0.0.1:1/a b", "127.0.0.1:1/\r\nX: y", "127.0.0.1:1/a#b", "127.0.0.1:1/\N{SNOWMAN}"):
        for call in (here.bind, here.connect):
            with pytest.raises(zmq.ZMQError) as refused:
                call(f"ws://{where}")
            assert refused.value.errno in (errno.EINVAL, errno.ENODEV), where


def test_END_44_who_cannot_use_it(zmq, make):
    for call in (make("STREAM").bind, make("STREAM").connect):
        with pytest.raises(zmq.ZMQError) as refused:
            call("ws://127.0.0.1:5555")
        assert refused.value.errno == zmq.ENOCOMPATPROTO


@pytest.mark.parametrize("mechanism", ["PLAIN", "CURVE"])
@pytest.mark.parametrize("connecting", ["client", "server"])
@pytest.mark.parametrize("kinds", [("DEALER", "ROUTER"), ("SUB", "XPUB"), ("PUSH", "PULL")], ids="-".join)
def test_END_44_mechanisms(make, mechanism, connecting, kinds):
    options = {**SERVERS[mechanism]}
    options.pop("ZAP_DOMAIN")
    client, server = make(kinds[0], LINGER=0, **CLIENTS[mechanism]), make(kinds[1], LINGER=0, **options)
    handler = make("REP")
    handler.bind("inproc://zeromq.zap.01")
    bound, connected = (server, client) if connecting == "client" else (client, server)
    bound.bind("ws://127.0.0.1:*")
    connected.connect(endpoint(bound))
    if kinds[0] == "SUB":
        client.subscribe(b"t" * 300)
    version, number = handler.recv_multipart()[:2]
    handler.send_multipart([version, number, b"200", b"", b"", b""])
    if kinds[0] == "SUB":
        assert server.recv() == b"\x01" + b"t" * 300
        client, server = server, client
    for size in (0, 1, 91, 92, 125, 126, 8192, 65536, 300000):
        body = os.urandom(size)
        client.send_multipart([b"t" * 300, body])
        assert server.recv_multipart()[-2:] == [b"t" * 300, body]


# ---- what is said


def test_the_request_and_what_follows(make, listener):
    dealer = make("DEALER", ROUTING_ID=b"me", LINGER=0)
    dealer.connect(f"ws://127.0.0.1:{listener.getsockname()[1]}/chat?room=1")
    wire = Wire(listener.accept()[0])
    lines = wire.head()
    key = lines[4].removeprefix("Sec-WebSocket-Key: ")
    assert lines == [
        "GET /chat?room=1 HTTP/1.1",
        f"Host: 127.0.0.1:{listener.getsockname()[1]}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Protocol: ZWS2.0/NULL,ZWS2.0",
        "Sec-WebSocket-Version: 13",
    ]
    assert len(base64.b64decode(key, validate=True)) == 16
    accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    wire.send(
        f"HTTP/1.1 101 Yes\r\nupgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\nsec-websocket-protocol: ZWS2.0/NULL\r\n"
        f"SEC-WEBSOCKET-ACCEPT: {accept}\r\nX-Other: whatever\r\n\r\n".encode())
    ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00"
    assert wire.frame() == (0x82, b"\x02" + ready + b"\x02me")
    wire.send(frame(BINARY, b"\x02" + ready + b"\x00", mask=None))
    dealer.send_multipart([b"", b"hello"])
    assert wire.frame() == (0x82, b"\x01") and wire.frame() == (0x82, b"\x00hello")
    masks = set()
    for _ in range(10):
        dealer.send(b"x")
        masks.add(wire.read(2 + 4 + 2)[2:6])
    assert len(masks) == 10
    wire.connection.close()


def test_the_answer(make, dial):
    pair = make("PAIR")
    pair.bind("ws://127.0.0.1:*")
    wire = dial(pair)
    wire.send(request("chat, ZWS2.0/PLAIN ,ZWS2.0/NULL,ZWS2.0", Connection="keep-alive, Upgrade", Upgrade="WebSocket"))
    assert wire.head() == [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {ACCEPT}",
        "Sec-WebSocket-Protocol: ZWS2.0/NULL",
    ]
    assert wire.frame() == (0x82, b"\x02\x05READY\x0bSocket-Type\x00\x00\x00\x04PAIR")


def test_any_pieces_give_the_same(make, dial):
    here = make("PAIR")
    here.bind("ws://127.0.0.1:*")
    wire = dial(here)
    stream = request() + frame(BINARY, b"\x00me") + frame(PING, b"are you there") + frame(BINARY, b"\x01first") + frame(BINARY, b"\x00" + b"x" * 300)
    wire.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in stream:
        wire.send(bytes([byte]))
    assert here.recv_multipart() == [b"first", b"x" * 300]
    assert wire.head()[0].startswith("HTTP/1.1 101") and wire.frame() == (0x82, b"\x00")
    assert wire.frame() == (0x80 | PONG, b"are you there")


@pytest.mark.parametrize("size", [0, 1, 123, 124, 125, 126, 65533, 65534, 65535, 65536, 1000000])
def test_lengths(bare, size):
    here, wire = bare()
    body = os.urandom(size)
    wire.send(frame(BINARY, b"\x00" + body))
    assert here.recv() == body
    here.send(body)
    assert wire.frame() == (0x82, b"\x00" + body)


@pytest.mark.parametrize("size", [1, 2, 125, 5000, 70000, 200001])
def test_FUZZ_6_a_message_in_pieces(bare, size):
    here, wire = bare("PAIR", MAXMSGSIZE=200000)
    body = os.urandom(200000 if size > 125 else 3000)
    wire.send(pieces(b"\x01first", 3, frame(PING, b"between")) + pieces(b"\x00" + body, size) + pieces(b"\x00", 1))
    assert here.recv_multipart() == [b"first", body] and here.recv() == b""
    assert wire.frame() == (0x80 | PONG, b"between")
    works(here, wire)


def test_FUZZ_6_pieces_byte_by_byte(bare):
    here, wire = bare("XPUB")
    wire.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    message = frame(BINARY, b"", first=0) + frame(0, b"", first=0) * 2 + frame(0, b"\x00", first=0) + frame(0, b"\x01topic", first=0) + frame(0, b"")
    for byte in message + pieces(b"\x02\x09SUBSCRIBEcommand", 5):
        wire.send(bytes([byte]))
    assert [here.recv(), here.recv()] == [b"\x01topic", b"\x01command"]


def test_FUZZ_6_pieces_while_nobody_reads(bare):
    """What is in pieces counts for the high-water mark like anything else."""
    here, wire = bare("PAIR", RCVHWM=10)
    for number in range(1000):
        wire.send(pieces(b"\x00%d" % number, 2, frame(PONG, b"")))
    assert [here.recv() for _ in range(1000)] == [b"%d" % number for number in range(1000)]
    works(here, wire)


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN"])
def test_FUZZ_6_a_handshake_in_pieces(make, dial, mechanism):
    """Commands, too, byte by byte; and a command that is longer than commands may be ends it."""
    here = make("PAIR", **({"PLAIN_SERVER": 1} if mechanism == "PLAIN" else {}))
    here.bind("ws://127.0.0.1:*")
    ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x04PAIR"
    initiate = b"\x08INITIATE" + ready[6:]
    wire = dial(here)
    wire.send(request(f"ZWS2.0/{mechanism}"))
    wire.head()
    if mechanism == "PLAIN":
        handler = Handler(make("REP"))
        wire.send(pieces(b"\x02\x05HELLO\x05admin\x06secret", 1))
        handler.answer(handler.asked())
        assert wire.frame()[1] == b"\x02\x07WELCOME"
        wire.send(pieces(b"\x02" + initiate, 1, frame(PING, b"")))
    else:
        assert wire.frame()[1][1:] == ready
        wire.send(pieces(b"\x02" + ready, 1, frame(PONG, b"")))
    wire.send(pieces(b"\x00hello", 1))
    assert here.recv() == b"hello"
    long = dial(here)
    long.send(request(f"ZWS2.0/{mechanism}") + pieces(b"\x02\x05READY" + b"x" * 300000, 1000))
    assert long.ended()


def cut_frames(incoming, outgoing, size, mask):
    """What a proxy in a bad mood does: every message of one side in pieces to the other."""
    try:
        while True:
            first, payload = incoming.frame()
            between = frame(PONG, b"", mask) if len(payload) > 400 else b""  # a handshake must not have too many
            outgoing.send(pieces(payload, size, between, mask) if first == 0x82 else frame(first & 15, payload, mask))
    except (AssertionError, OSError):  # it has ended
        with contextlib.suppress(OSError):
            outgoing.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN", "CURVE"])
def test_FUZZ_6_everything_in_pieces(make, listener, mechanism):
    """Both sides, from the handshake on, in pieces of seven bytes, or of some thousand."""
    options = {**SERVERS[mechanism]}
    options.pop("ZAP_DOMAIN")
    server, client = make("DEALER", LINGER=0, **options), make("DEALER", LINGER=0, **CLIENTS[mechanism])
    handler = Handler(make("REP"))
    server.bind("ws://127.0.0.1:*")
    client.connect(f"ws://127.0.0.1:{listener.getsockname()[1]}")
    left = Wire(listener.accept()[0])
    host, port = endpoint(server).removeprefix("ws://").partition("/")[0].rsplit(":", 1)
    right = Wire(socket.create_connection((host, int(port))))
    right.send("\r\n".join([*left.head(), "", ""]).encode())
    left.send("\r\n".join([*right.head(), "", ""]).encode())
    threads = [
        threading.Thread(target=cut_frames, args=(left, right, 7, b"\x01\x02\x03\x04")),
        threading.Thread(target=cut_frames, args=(right, left, 9000, None)),
    ]
    for thread in threads:
        thread.start()
    if mechanism != "NULL":
        handler.answer(handler.asked())
    for size in (0, 1, 6, 48, 500, 20000, 70000):
        body = os.urandom(size)
        client.send_multipart([b"first", body])
        assert server.recv_multipart() == [b"first", body]
        server.send_multipart([b"", body, b"last"])
        assert client.recv_multipart() == [b"", body, b"last"]
    client.close()
    server.close()
    for thread in threads:
        thread.join()
    left.connection.close()
    right.connection.close()


def test_pings_hold_what_they_held_and_heartbeats_are_pings(bare):
    here, wire = bare(HEARTBEAT_IVL=20, HEARTBEAT_TIMEOUT=0)
    wire.send(frame(PING, b"p" * 125))
    seen = set()
    while len(seen) < 2:
        seen.add(wire.frame())
    assert seen == {(0x80 | PONG, b"p" * 125), (0x80 | PING, b"")}
    wire.send(frame(PONG, b"") + frame(PONG, b"unasked"))


def test_a_silent_peer_is_left(bare):
    here, wire = bare(HEARTBEAT_IVL=20, HEARTBEAT_TIMEOUT=100)
    assert wire.ended()


def test_a_close_is_answered(bare):
    here, wire = bare()
    wire.send(frame(CLOSE, struct.pack("!H", 1001) + b"going away"))
    assert wire.frame() == (0x80 | CLOSE, struct.pack("!H", 1001) + b"going away")
    assert wire.ended()


def test_subscriptions_in_both_forms(bare):
    here, wire = bare("XPUB")
    wire.send(frame(BINARY, b"\x00\x01message") + frame(BINARY, b"\x02\x09SUBSCRIBEcommand"))
    assert [here.recv(), here.recv()] == [b"\x01message", b"\x01command"]
    wire.send(frame(BINARY, b"\x00\x00message") + frame(BINARY, b"\x02\x06CANCELcommand"))
    assert [here.recv(), here.recv()] == [b"\x00message", b"\x00command"]


def test_one_success_is_told(zmq, make):
    here, there = make("PAIR"), make("PAIR")
    events = [one.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED) for one in (here, there)]
    here.bind("ws://127.0.0.1:*")
    there.connect(endpoint(here))
    there.send(b"x")
    assert here.recv() == b"x"
    there.close()
    assert [struct.unpack("=H", events[0].recv_multipart()[0][:2])[0] for _ in range(2)] == [zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED]
    assert struct.unpack("=H", events[1].recv_multipart()[0][:2])[0] == zmq.EVENT_HANDSHAKE_SUCCEEDED


# ---- bad peers

LONG = "x" * 20000
REQUESTS = {
    "nothing like it": (b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\r\n\r\n", 400),
    "another method": (request(first="POST / HTTP/1.1"), 400),
    "another version of HTTP": (request(first="GET / HTTP/1.0"), 400),
    "no target": (request(first="GET HTTP/1.1"), 400),
    "no upgrade": (request(Upgrade=None), 400),
    "another upgrade": (request(Upgrade="h2c"), 400),
    "no connection": (request(Connection="keep-alive"), 400),
    "no key": (request(Sec_WebSocket_Key=None), 400),
    "a short key": (request(Sec_WebSocket_Key="x3JJHMbDL1EzLkh9GBhX=="), 400),
    "two keys": (request(Sec_WebSocket_key=KEY), 400),
    "no version": (request(Sec_WebSocket_Version=None), 426),
    "another version": (request(Sec_WebSocket_Version="8"), 426),
    "no protocol": (request(protocols="chat"), 400),
    "a blank before the colon": (request(**{"X ": "y"}), 400),
    "a line that goes on": (request().replace(b"\r\nHost", b"\r\n more\r\nHost"), 400),
    "a bare line feed": (request().replace(b"\r\nHost", b"\nHost"), 400),
    "a control character": (request(X="a\x00b"), 400),
    "one long field": (request(X=LONG), 431),
    "many fields": (request(**{f"X{i}": "y" * 50 for i in range(400)}), 431),
    "no end": (b"GET /" + LONG.encode(), 431),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_FUZZ_6_bad_requests_are_answered(zmq, make, dial, name):
    here = make("PAIR", LINGER=0)
    monitor = here.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
    here.bind("ws://127.0.0.1:*")
    wire = dial(here)
    data, status = REQUESTS[name]
    wire.send(data)
    assert wire.head()[0].split()[:2] == ["HTTP/1.1", str(status)]
    assert wire.ended()
    assert struct.unpack("=HI", monitor.recv_multipart()[0])[1] == zmq.Event.PROTOCOL_ERROR_WS_UNSPECIFIED
    good = dial(here)
    good.send(request() + frame(BINARY, b"\x00"))
    good.head()
    good.frame()
    works(here, good)


FRAMES = {
    "text": frame(1, b"\x00x"),
    "text in pieces": frame(1, b"\x00x", first=0),
    "a piece of none": frame(0, b"\x00x"),
    "a middle of none": frame(0, b"\x00x", first=0),
    "a beginning within": frame(BINARY, b"\x00x", first=0) * 2,
    "a message within": frame(BINARY, b"\x00x", first=0) + frame(BINARY, b"\x00x"),
    "reserved bits in a piece": frame(BINARY, b"\x00x", first=0x40),
    "an unmasked piece": frame(BINARY, b"\x00x", first=0) + frame(0, b"x", mask=None),
    "a ping in pieces": frame(BINARY, b"\x00x", first=0) + frame(PING, b"x", first=0),
    "pieces with nothing in them": frame(BINARY, b"", first=0) + frame(0, b""),
    "empty pieces without end": frame(BINARY, b"\x00x", first=0) + frame(0, b"", first=0) * 65,
    "a piece of more and command": frame(BINARY, b"", first=0) + frame(0, b"\x03x"),
    "pieces of more than MAXMSGSIZE": pieces(b"\x00" + b"x" * 100001, 50000),
    "a piece of more than MAXMSGSIZE": frame(BINARY, b"\x00x", first=0) + b"\x80\xff" + struct.pack("!Q", 100001) + b"abcdx",
    "an unknown opcode": frame(3, b"\x00x"),
    "reserved bits": frame(BINARY, b"\x00x", first=0xC0),
    "no mask": frame(BINARY, b"\x00x", mask=None),
    "nothing in it": frame(BINARY, b""),
    "more and command": frame(BINARY, b"\x03x"),
    "a long ping": frame(PING, b"x" * 126),
    "half a status": frame(CLOSE, b"x"),
    "2**63 bytes": b"\x82\xff" + struct.pack("!Q", 1 << 63) + b"abcd",
    "more than MAXMSGSIZE": b"\x82\xff" + struct.pack("!Q", 100002) + b"abcd\x00",
}


@pytest.mark.parametrize("name", FRAMES)
def test_FUZZ_6_bad_frames_end_that_connection_only(make, dial, bare, name):
    here, bad = bare("DEALER", MAXMSGSIZE=100000)
    good = dial(here)
    good.send(request() + frame(BINARY, b"\x00"))
    good.head()
    good.frame()
    bad.send(FRAMES[name])
    assert bad.ended()
    works(here, good)


def test_FUZZ_6_announced_sizes_reserve_nothing(bare):
    """2**62 bytes, of which some come: the memory of what has come, and the connection is an ordinary one."""
    here, wire = bare()
    wire.send(b"\x82\xff" + struct.pack("!Q", 1 << 62) + b"abcd" + bytes(100000))
    wire.connection.shutdown(socket.SHUT_WR)
    assert wire.ended()


def test_FUZZ_6_a_routing_id_that_is_none(make, dial):
    here = make("ROUTER")
    here.bind("ws://127.0.0.1:*")
    for first in (frame(BINARY, b"\x00" + b"x" * 256), frame(BINARY, b"\x01id"), frame(BINARY, b"\x02id")):
        wire = dial(here)
        wire.send(request() + first)
        assert wire.ended()


def test_FUZZ_6_a_slow_request_has_its_time(make, dial):
    here = make("PAIR", HANDSHAKE_IVL=200)
    here.bind("ws://127.0.0.1:*")
    wire = dial(here)
    wire.send(request()[:-2])
    assert wire.ended()


@pytest.mark.parametrize("opcode", [9, 10])
def test_FUZZ_6_control_frames_do_not_keep_a_handshake_open(zmq, make, dial, opcode):
    here = make("PAIR", HANDSHAKE_IVL=0)
    here.bind("ws://127.0.0.1:*")
    events = Events(zmq, here)
    wire = dial(here)
    wire.send(request())
    wire.head()
    wire.send(frame(opcode, b"") * 64)
    wire.send(frame(opcode, b""))
    events.wait("HANDSHAKE_FAILED_PROTOCOL")


def test_FUZZ_6_frames_before_the_handshake_is_over(make, dial):
    here = make("PAIR")
    here.bind("ws://127.0.0.1:*")
    for data in (frame(BINARY, b"\x00early"), frame(BINARY, b"\x02\x05HELLO"), frame(BINARY, b"\x02" + b"x" * 300000), frame(CLOSE, b"")):
        wire = dial(here)
        wire.send(request("ZWS2.0/NULL"))
        wire.send(data)
        assert wire.ended()


ANSWERS = {
    "another status": b"HTTP/1.1 200 OK\r\n\r\n",
    "no HTTP": b"\x05\x00\x00hello\r\n\r\n",
    "no proof": b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: ZWS2.0\r\n\r\n",
    "the wrong proof": b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n"
    b"Sec-WebSocket-Protocol: ZWS2.0\r\n\r\n",
    "no end": b"HTTP/1.1 101 x\r\n" + b"X: y\r\n" * 4000,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_FUZZ_6_a_server_that_is_none_is_left_for_good(zmq, make, listener, name):
    here = make("PAIR", LINGER=0, RECONNECT_IVL=10)
    monitor = here.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_CONNECT_RETRIED | zmq.EVENT_DISCONNECTED)
    here.connect(f"ws://127.0.0.1:{listener.getsockname()[1]}")
    wire = Wire(listener.accept()[0])
    wire.head()
    wire.send(ANSWERS[name])
    assert wire.ended()
    events = [struct.unpack("=HI", monitor.recv_multipart()[0]) for _ in range(2)]
    assert events[0] == (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.Event.PROTOCOL_ERROR_WS_UNSPECIFIED)
    assert events[1][0] == zmq.EVENT_DISCONNECTED
    wire.connection.close()


def test_without_a_password_nobody_gets_past_a_mechanism(make, dial):
    """The sub-protocol without mechanism is refused where a mechanism, or a ZAP domain, is set."""
    for options in ({"PLAIN_SERVER": 1}, {"ZAP_DOMAIN": b"here"}):
        here = make("PAIR", **options)
        here.bind("ws://127.0.0.1:*")
        wire = dial(here)
        wire.send(request("ZWS2.0") + frame(BINARY, b"\x00"))
        assert wire.head()[0].startswith("HTTP/1.1 400")
        assert wire.ended()
