"""What is set after bind() and connect() counts for later endpoints: the same with zmqcore and with libzmq.

The peer is a plain socket that speaks ZMTP by hand. A listener is asked by a connection that is made after the set, a connecting endpoint by the
reconnection. The two values are such that the one of the endpoint makes something happen: nobody waits for what must not come.
"""

import errno
import importlib
import os
import socket
import struct
import sys

import pytest
from awaiting import SECONDS, Events, endpoint, until

pytest.importorskip("zmq", reason="pyzmq is the other side")

LIBRARIES = ("zmq", "zmqcore")
GREETING = bytes.fromhex("ff00000000000000017f0300") + b"NULL".ljust(20, b"\0") + bytes(32)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="options of Linux' sockets")


def command(name, body=b""):
    body = bytes([len(name)]) + name + body
    return bytes([4, len(body)]) + body


def ready(kind):
    return command(b"READY", b"".join(bytes([len(k)]) + k + struct.pack(">I", len(v)) + v for k, v in ((b"Socket-Type", kind), (b"Identity", b""))))


class Peer:
    """One connection to the library's socket, as far as its test takes it."""

    def __init__(self, connection):
        self.connection = connection
        connection.settimeout(SECONDS)

    def exactly(self, n):
        got = b""
        while len(got) < n:
            piece = self.connection.recv(n - len(got))
            assert piece, "the connection has ended"
            got += piece
        return got

    def greeting(self):
        self.connection.sendall(GREETING[:32] + bytes(32))
        return self.exactly(64)

    def mechanism(self, name):
        """The mechanism of its greeting, when we say that we have `name`."""
        self.connection.sendall(GREETING[:12] + name.ljust(20, b"\0") + bytes(32))
        return self.exactly(64)[12:32].rstrip(b"\0")

    def frame(self):
        flags, size = self.exactly(2)
        return flags, self.exactly(size)

    def shake_hands(self, kind):
        """Its READY."""
        self.greeting()
        self.connection.sendall(ready(kind))
        return self.frame()[1]

    def ends(self):
        """Whether the other side closes it, whatever it says before."""

        def ended():
            try:
                return self.connection.recv(4096) == b""
            except ConnectionError:
                return True

        return until(ended)


class Library:
    def __init__(self, name):
        self.zmq = importlib.import_module(name)
        self.context = self.zmq.Context()
        self.opened = []

    def make(self, kind, options):
        made = self.context.socket(getattr(self.zmq, kind))
        made.linger = 0
        made.sndtimeo = made.rcvtimeo = int(SECONDS * 1000)
        self.set(made, options)
        return made

    def set(self, made, options):
        for option, value in options.items():
            made.setsockopt(getattr(self.zmq, option), value)

    def dial(self, made):
        self.opened.append(socket.create_connection(("127.0.0.1", int(endpoint(made).rpartition(":")[2]))))
        return Peer(self.opened[-1])

    def listen(self, family=socket.AF_INET, host="127.0.0.1"):
        listener = socket.socket(family)
        self.opened.append(listener)
        listener.settimeout(SECONDS)
        listener.bind((host, 0))
        listener.listen()
        return listener

    def accept(self, listener):
        self.opened.append(listener.accept()[0])
        return Peer(self.opened[-1])

    def bound(self, kind, before, after, observe):
        made = self.make(kind, before)
        events = Events(self.zmq, made)
        made.bind("tcp://127.0.0.1:*")
        self.set(made, after)
        return observe(self.dial(made), made, lambda: events.wait("ACCEPTED")[1])

    def connecting(self, kind, before, after, observe):
        made = self.make(kind, {"RECONNECT_IVL": 10, **before})
        listener = self.listen()
        events = Events(self.zmq, made)
        made.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        first = self.accept(listener)
        events.wait("CONNECTED")
        self.set(made, after)
        first.connection.close()
        return observe(self.accept(listener), made, lambda: events.wait("CONNECTED")[1])

    def close(self):
        for connection in self.opened:
            connection.close()
        self.context.destroy(0)


@pytest.fixture
def each():
    """each(function) -> what it returned with either library, which is the same."""
    opened = []

    def each(function):
        results = {}
        for name in LIBRARIES:
            opened.append(Library(name))
            results[name] = function(opened[-1])
        assert results["zmq"] == results["zmqcore"]
        return results["zmq"]

    yield each
    for library in opened:
        library.close()


# ---- what a peer sees of an option


def property_of(name, kind):
    def observe(peer, _made, _descriptor):
        body = peer.shake_hands(kind)
        at = body.find(bytes([len(name)]) + name)
        if at < 0:
            return None
        at += 1 + len(name)
        return body[at + 4 : at + 4 + int.from_bytes(body[at : at + 4], "big")]

    return observe


def large_frame(peer, made, _descriptor):
    """Whether a frame of 100 bytes ends the connection."""
    peer.shake_hands(b"PUSH")
    peer.connection.sendall(bytes([0, 100]) + bytes(100))
    peer.connection.settimeout(0.01)

    def outcome():
        if made.poll(0):
            return "received"
        try:
            return "ended" if peer.connection.recv(1) == b"" else None
        except TimeoutError:
            return None
        except ConnectionError:
            return "ended"

    return until(outcome)


def silent_handshake(peer, _made, _descriptor):
    return peer.ends()


def silent_peer(peer, _made, _descriptor):
    peer.shake_hands(b"PUSH")
    return peer.ends()


def first_ping(peer, _made, _descriptor):
    peer.shake_hands(b"PUSH")
    flags, body = peer.frame()
    return flags, body[:5], int.from_bytes(body[5:7], "big")


def wire(peer, made, _descriptor):
    """What a stranger finds: ZMTP, or raw bytes for the application."""
    peer.connection.sendall(b"this is no greeting")
    peer.connection.settimeout(0.01)

    def outcome():
        if made.poll(0):
            return "raw"
        try:
            return "ZMTP" if peer.connection.recv(1) == GREETING[:1] else "ended"
        except TimeoutError:
            return None
        except ConnectionError:
            return "ZMTP"  # it refuses what we say, and its greeting is lost with that

    return until(outcome)


def mechanism(name):
    return lambda peer, _made, _descriptor: peer.mechanism(name)


def username(peer, _made, _descriptor):
    peer.mechanism(b"PLAIN")
    return peer.frame()[1]


def descriptor_option(level, name):
    def observe(_peer, _made, descriptor):
        with socket.socket(fileno=os.dup(descriptor())) as duplicate:
            return duplicate.getsockopt(level, name)

    return observe


def bound_to(_peer, _made, descriptor):
    with socket.socket(fileno=os.dup(descriptor())) as duplicate:
        return duplicate.getsockopt(SOCKET, socket.SO_BINDTODEVICE, 16)


SOCKET, TCP = socket.SOL_SOCKET, getattr(socket, "IPPROTO_TCP", 6)
TCP_USER_TIMEOUT = 18
PING = (4, b"\x04PING")
ALIVE = {"TCP_KEEPALIVE": 1}
HEARTBEAT = {"HEARTBEAT_IVL": 100}
# An option, kind of the socket, set before, set after, what the peer sees then, and what it sees of the value before.
SEEN = {
    "METADATA": ("PULL", {"METADATA": b"X-a:one"}, {"METADATA": b"X-a:two"}, property_of(b"X-a", b"PUSH"), b"one"),
    "METADATA-added": ("PULL", {}, {"METADATA": b"X-a:two"}, property_of(b"X-a", b"PUSH"), None),
    "ROUTING_ID": ("DEALER", {"ROUTING_ID": b"one"}, {"ROUTING_ID": b"two"}, property_of(b"Identity", b"DEALER"), b"one"),
    "MAXMSGSIZE": ("PULL", {"MAXMSGSIZE": 50}, {"MAXMSGSIZE": -1}, large_frame, "ended"),
    "MAXMSGSIZE-set": ("PULL", {}, {"MAXMSGSIZE": 50}, large_frame, "received"),
    "HANDSHAKE_IVL": ("PULL", {"HANDSHAKE_IVL": 100}, {"HANDSHAKE_IVL": 0}, silent_handshake, True),
    "HEARTBEAT_IVL": ("PULL", HEARTBEAT, {"HEARTBEAT_IVL": 0}, first_ping, (*PING, 0)),
    "HEARTBEAT_TTL": ("PULL", {**HEARTBEAT, "HEARTBEAT_TTL": 30000}, {"HEARTBEAT_TTL": 60000}, first_ping, (*PING, 300)),
    "HEARTBEAT_TIMEOUT": ("PULL", {**HEARTBEAT, "HEARTBEAT_TIMEOUT": 50}, {"HEARTBEAT_TIMEOUT": 3600000}, silent_peer, True),
    "ROUTER_RAW": ("ROUTER", {"ROUTER_RAW": 1}, {"ROUTER_RAW": 0}, wire, "raw"),
    "ROUTER_RAW-set": ("ROUTER", {}, {"ROUTER_RAW": 1}, wire, "ZMTP"),
    "ROUTER_RAW-secured": ("ROUTER", {"PLAIN_SERVER": 1}, {"ROUTER_RAW": 1}, wire, "ZMTP"),
    "PLAIN_SERVER": ("PULL", {"PLAIN_SERVER": 1}, {"PLAIN_SERVER": 0}, mechanism(b"PLAIN"), b"PLAIN"),
    "CURVE_SERVER": ("PULL", {"CURVE_SERVER": 1, "CURVE_SECRETKEY": b"k" * 32}, {"CURVE_SERVER": 0}, mechanism(b"CURVE"), b"CURVE"),
    "PLAIN_USERNAME": (
        "PUSH", {"PLAIN_USERNAME": b"one", "PLAIN_PASSWORD": b"1"}, {"PLAIN_USERNAME": b"two"}, username, b"\x05HELLO\x03one\x011",
    ),
    "PLAIN_PASSWORD": (
        "PUSH", {"PLAIN_USERNAME": b"one", "PLAIN_PASSWORD": b"1"}, {"PLAIN_PASSWORD": b"2"}, username, b"\x05HELLO\x03one\x011",
    ),
}  # fmt: skip
CLIENTS = ("PLAIN_USERNAME", "PLAIN_PASSWORD")
SERVERS = ("PLAIN_SERVER", "CURVE_SERVER", "ROUTER_RAW-secured")
DESCRIPTORS = {
    "SNDBUF": ({"SNDBUF": 20000}, {"SNDBUF": 30000}, SOCKET, socket.SO_SNDBUF, 40000),  # Linux doubles it
    "RCVBUF": ({"RCVBUF": 20000}, {"RCVBUF": 30000}, SOCKET, socket.SO_RCVBUF, 40000),
    "TOS": ({"TOS": 0x28}, {"TOS": 0x10}, getattr(socket, "IPPROTO_IP", 0), getattr(socket, "IP_TOS", 1), 0x28),
    "TCP_KEEPALIVE": ({"TCP_KEEPALIVE": 1}, {"TCP_KEEPALIVE": 0}, SOCKET, socket.SO_KEEPALIVE, 1),
    "TCP_KEEPALIVE_CNT": ({**ALIVE, "TCP_KEEPALIVE_CNT": 3}, {"TCP_KEEPALIVE_CNT": 4}, TCP, getattr(socket, "TCP_KEEPCNT", 6), 3),
    "TCP_KEEPALIVE_IDLE": ({**ALIVE, "TCP_KEEPALIVE_IDLE": 30}, {"TCP_KEEPALIVE_IDLE": 40}, TCP, getattr(socket, "TCP_KEEPIDLE", 4), 30),
    "TCP_KEEPALIVE_INTVL": ({**ALIVE, "TCP_KEEPALIVE_INTVL": 5}, {"TCP_KEEPALIVE_INTVL": 6}, TCP, getattr(socket, "TCP_KEEPINTVL", 5), 5),
    "TCP_MAXRT": ({"TCP_MAXRT": 5000}, {"TCP_MAXRT": 6000}, TCP, TCP_USER_TIMEOUT, 5000),
}


@pytest.mark.parametrize("option", [name for name in SEEN if name not in CLIENTS])
def test_OPT_9_a_listener_keeps_the_options_of_its_bind(each, option):
    kind, before, after, observe, expected = SEEN[option]
    assert each(lambda library: library.bound(kind, before, {}, observe)) == expected
    assert each(lambda library: library.bound(kind, before, after, observe)) == expected


@pytest.mark.parametrize("option", [name for name in SEEN if name not in SERVERS])
def test_OPT_9_a_reconnection_has_the_options_of_its_connect(each, option):
    kind, before, after, observe, expected = SEEN[option]
    assert each(lambda library: library.connecting(kind, before, {}, observe)) == expected
    assert each(lambda library: library.connecting(kind, before, after, observe)) == expected


@linux
@pytest.mark.parametrize("side", ["bound", "connecting"])
@pytest.mark.parametrize("option", DESCRIPTORS)
def test_OPT_9_descriptors_of_later_connections(each, option, side):
    before, after, level, name, expected = DESCRIPTORS[option]
    observe = descriptor_option(level, name)
    assert each(lambda library: getattr(library, side)("PULL", before, {}, observe)) == expected
    assert each(lambda library: getattr(library, side)("PULL", before, after, observe)) == expected


@linux
@pytest.mark.parametrize("side", ["bound", "connecting"])
def test_OPT_9_priority_of_later_connections(side):
    """Only here: a release of libzmq does not have it."""
    library = Library("zmqcore")
    observe = descriptor_option(SOCKET, socket.SO_PRIORITY)
    assert getattr(library, side)("PULL", {"PRIORITY": 3}, {"PRIORITY": 5}, observe) == 3
    library.close()


@linux
@pytest.mark.parametrize("side", ["bound", "connecting"])
def test_OPT_9_device_of_later_connections(each, side):
    """Older kernels ask for a privilege."""

    def device(library):
        try:
            return getattr(library, side)("PULL", {"BINDTODEVICE": b"lo"}, {"BINDTODEVICE": b"nowhere0"}, bound_to)
        except library.zmq.ZMQError as error:
            return error.errno

    assert each(device) in (b"lo\0", errno.EPERM)


# ---- how it is connected again; RECONNECT_... count at once here, on purpose (REC-5)


def test_OPT_9_ipv6(each):
    def again(library):
        made = library.make("PULL", {"IPV6": 1, "RECONNECT_IVL": 10})
        listener = library.listen(socket.AF_INET6, "::1")
        made.connect(f"tcp://[::1]:{listener.getsockname()[1]}")
        first = library.accept(listener)
        library.set(made, {"IPV6": 0})
        first.connection.close()
        return library.accept(listener).shake_hands(b"PUSH") != b""

    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    assert each(again)


def test_OPT_9_conflate(each):
    """A queue of one message takes any number of them."""

    def takes(library):
        def observe(peer, made, _descriptor):
            peer.shake_hands(b"PULL")
            until(lambda: made.poll(0, library.zmq.POLLOUT))
            for _ in range(1000):
                made.send(bytes(65536), library.zmq.DONTWAIT)
            return True

        return library.bound("PUSH", {"CONFLATE": 1, "SNDHWM": 5}, {"CONFLATE": 0}, observe)

    assert each(takes)


# ---- connections that are there


def test_OPT_9_a_new_connection_changes_nothing_for_others(each):
    def outcomes(library):
        made = library.make("PULL", {})
        made.bind("tcp://127.0.0.1:*")
        old = library.dial(made)
        old.shake_hands(b"PUSH")
        old.connection.sendall(bytes([0, 1]) + b"1")
        assert made.recv() == b"1"
        library.set(made, {"MAXMSGSIZE": 50})
        made.bind("tcp://127.0.0.1:*")
        new = large_frame(library.dial(made), made, None)
        old.connection.sendall(bytes([0, 100]) + bytes(100))
        return new, made.recv()

    assert each(outcomes) == ("ended", bytes(100))


# ---- what counts for connections that come later


@pytest.mark.parametrize(
    ("option", "kind", "before", "after", "expected"),
    [
        ("PROBE_ROUTER", "ROUTER", 0, 1, (0, b"")),
        ("XPUB_WELCOME_MSG", "XPUB", b"one", b"two", (0, b"two")),
    ],
)
def test_OPT_9_what_the_pattern_does_follows_the_socket(each, option, kind, before, after, expected):
    def observe(peer, made, _descriptor):
        peer.shake_hands(b"SUB" if kind == "XPUB" else b"DEALER")
        peer.connection.sendall(bytes([0, 1]) + b"\1")
        made.recv_multipart()  # libzmq takes a peer in within a call
        return peer.frame()

    assert each(lambda library: library.bound(kind, {option: before}, {option: after}, observe)) == expected


@pytest.mark.parametrize("order", ["bind first", "connect first"])
def test_OPT_9_routing_id_within_the_process(each, order):
    """Who is bound has a name for those that come later, too."""

    def told(library):
        named, router = library.make("DEALER", {"ROUTING_ID": b"one"}), library.make("ROUTER", {})
        steps = [lambda: named.bind("inproc://named"), lambda: router.connect("inproc://named")]
        if order == "connect first":
            steps = [lambda: named.connect("inproc://named"), lambda: router.bind("inproc://named")]
        steps[0]()
        library.set(named, {"ROUTING_ID": b"two"})
        steps[1]()
        named.send(b"x")
        return router.recv_multipart()[0]

    assert each(told) == b"one"
