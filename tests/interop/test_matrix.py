"""Every legal pair of socket types, the module under test against another process (or itself), over every shape of message.

One test id per (stack, transport, local type, peer type, bind side); all shapes of messages of that pair are exchanged inside it.
"""
import os
import sys
import sysconfig
import time

import pytest
from stacks import PeerError
from transports import NETWORKS, OPTIONS, PLAIN
from words import digest, parse_frame

PAIRS = [
    ("REQ", "REP"), ("REQ", "ROUTER"), ("DEALER", "REP"), ("DEALER", "DEALER"), ("DEALER", "ROUTER"), ("ROUTER", "ROUTER"),
    ("PUB", "SUB"), ("PUB", "XSUB"), ("XPUB", "SUB"), ("XPUB", "XSUB"), ("PUSH", "PULL"), ("PAIR", "PAIR"),
]
ORDERED = PAIRS + [(right, left) for left, right in PAIRS if left != right]

# The sizes at which the encoding changes: empty, the short/long frame border, the usual 8 KiB batch, far above every buffer.
MESSAGES = [
    ["p1:5"],
    ["p0:0"],
    ["p1:10", "p0:0", "p3:7"],
    ["p7:255"],
    ["p7:256"],
    ["p9:8191"],
    ["p9:8192"],
    ["p9:8193"],
    ["p0:0", "p0:0"],
    ["p5:255", "p6:256", "p7:8193", "p0:0", "p9:1"],
    ["p3:10485760"],
    ["x61"],
]


class End:
    """One socket of a pair: a side (local module or peer process), the name of the socket there and its type."""

    def __init__(self, side, name, kind):
        self.side, self.name, self.kind = side, name, kind

    def open(self, how, endpoint):
        options = {}
        if self.kind == "SUB":
            options["SUBSCRIBE"] = b""
        if self.kind == "ROUTER":
            options["ROUTER_MANDATORY"] = 1
            options["ROUTING_ID"] = b"id-of-" + self.name.encode()
        options |= OPTIONS.get(endpoint.partition("://")[0], dict)()
        return self.side.open(self.name, self.kind, how, endpoint, **options)

    def send(self, *frames):
        self.side.send(self.name, *frames)

    def recv(self, timeout=10000):
        return self.side.recv(self.name, timeout)

    def close(self):
        self.side.close(self.name)


def digests(message):
    return [digest(parse_frame(word, [])) for word in message]


def one_way(sender, receiver):
    for message in MESSAGES:
        sender.send(*message)
        assert receiver.recv() == digests(message), message


def both_ways(left, right):
    one_way(left, right)
    one_way(right, left)


def ask(client, server, client_envelope=(), server_envelope=0):
    """`client` sends each message, `server` returns it. A raw server sees `server_envelope` frames first and gives them back."""
    for message in MESSAGES:
        client.send(*client_envelope, *message)
        received = server.recv()
        assert received[server_envelope:] == digests(message), message
        server.send(*[f"r{index}" for index in range(server_envelope)], *message)
        received = client.recv()
        assert received == digests([*client_envelope, *message]), message


def until_reachable(sender, *frames):
    """A mandatory ROUTER refuses a peer that has not finished its handshake; ask until it is there."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return sender.send(*frames)
        except PeerError as error:
            if "EHOSTUNREACH" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.002)


def routers(left, right):
    to_right, to_left = "x" + f"id-of-{right.name}".encode().hex(), "x" + f"id-of-{left.name}".encode().hex()
    until_reachable(left, to_right, "x00")
    right.recv()
    until_reachable(right, to_left, "x00")
    left.recv()
    for message in MESSAGES:
        left.send(to_right, *message)
        assert right.recv()[1:] == digests(message), message
        right.send(to_left, *message)
        assert left.recv()[1:] == digests(message), message


def subscription_seen_by(publisher, subscriber):
    """libzmq attaches an accepted connection inside an application's call, so an idle bound subscriber must be asked now and then."""
    for _attempt in range(1000):
        try:
            return publisher.recv(10)
        except PeerError as error:
            assert "EAGAIN" in str(error)
        with pytest.raises(PeerError, match="EAGAIN"):
            subscriber.recv(1)
    pytest.fail("the subscription never arrived")


def publish(publisher, subscriber):
    if subscriber.kind == "XSUB":
        subscriber.send("x01")
    if publisher.kind == "XPUB":
        assert subscription_seen_by(publisher, subscriber) == digests(["x01"])
    else:
        # A PUB is silent about subscriptions: publish until something comes through, then skip to a marker.
        for _attempt in range(1000):
            publisher.send("x77616974")
            try:
                subscriber.recv(10)
                break
            except PeerError as error:
                assert "EAGAIN" in str(error)
        publisher.send("x676f")
        while subscriber.recv() != digests(["x676f"]):
            pass
    one_way(publisher, subscriber)


def converse(left, right):
    ends = {left.kind: left, right.kind: right}
    kinds = {left.kind, right.kind}
    if kinds == {"REQ", "REP"}:
        ask(ends["REQ"], ends["REP"])
    elif kinds == {"REQ", "ROUTER"}:
        ask(ends["REQ"], ends["ROUTER"], server_envelope=2)
    elif kinds == {"DEALER", "REP"}:
        ask(ends["DEALER"], ends["REP"], client_envelope=["x"])
    elif kinds == {"DEALER", "ROUTER"}:
        ask(ends["DEALER"], ends["ROUTER"], server_envelope=1)
    elif kinds == {"ROUTER"}:
        routers(left, right)
    elif kinds == {"PUSH", "PULL"}:
        one_way(ends["PUSH"], ends["PULL"])
    elif kinds in ({"PAIR"}, {"DEALER"}):
        both_ways(left, right)
    else:
        publisher, subscriber = (left, right) if left.kind.endswith("PUB") else (right, left)
        publish(publisher, subscriber)


def exchange(left, right, binder, endpoint):
    """`binder` is one of the two; opens both ends, lets them converse and closes them whatever happens."""
    connecter = right if binder is left else left
    try:
        bound = binder.open("bind", endpoint)
        connecter.open("connect", bound)
        converse(left, right)
    finally:
        left.close()
        right.close()


STACKS = [("pyzmq", PLAIN), ("libzmq", PLAIN), ("jeromq", ["tcp"]), ("zeromq.js", ["tcp"]), ("self", NETWORKS)]
if "PYOMQ_PYTHON" in os.environ or (sys.version_info >= (3, 12) and not sysconfig.get_config_var("Py_GIL_DISABLED")):
    # The pyomq releases for older interpreters have a REP that no REQ understands; free-threaded ones have none.
    STACKS.append(("pyomq", PLAIN))


def cases(stacks_and_transports):
    for stack, transports in stacks_and_transports:
        for transport in transports:
            for local_kind, peer_kind in ORDERED:
                for bind_side in ("local-binds", "peer-binds"):
                    if (stack, peer_kind, bind_side) == ("pyomq", "SUB", "peer-binds"):
                        continue  # subscribed before bind, it tells nobody; pyzmq on the other side hears nothing either
                    yield pytest.param(stack, transport, local_kind, peer_kind, bind_side,
                                       id=f"{stack}-{transport}-{local_kind}-{peer_kind}-{bind_side}")


@pytest.mark.parametrize("stack, transport, local_kind, peer_kind, bind_side", list(cases(STACKS)))
def test_pair_of_types(local, remotes, fresh, stack, transport, local_kind, peer_kind, bind_side):
    left, right = End(local, "local", local_kind), End(remotes[stack], "peer", peer_kind)
    exchange(left, right, left if bind_side == "local-binds" else right, fresh(transport))


# ---- transports that some stacks have


def some_cases():
    for stack, where in (("zeromq.js", "ws://127.0.0.1:*/matrix"), ("self", "tls+tcp://127.0.0.1:*"), ("self", "wss://127.0.0.1:*/matrix")):
        if stack == "self" and where.partition("://")[0] not in OPTIONS:
            continue  # no package for TLS
        for number, kinds in enumerate(PAIRS):
            binders = ["local-binds", "peer-binds"]
            for binder in binders if stack != "self" else binders[number % 2 :: 2]:  # between two of ours the sides are the same
                yield pytest.param(stack, where, *kinds, binder, id="-".join([stack, where.partition(":")[0], *kinds, binder]))


@pytest.mark.parametrize("stack, where, local_kind, peer_kind, bind_side", list(some_cases()))
def test_pair_of_types_over(local, remotes, stack, where, local_kind, peer_kind, bind_side):
    left, right = End(local, "local", local_kind), End(remotes[stack], "peer", peer_kind)
    exchange(left, right, left if bind_side == "local-binds" else right, where)


@pytest.mark.parametrize("left_kind, right_kind", ORDERED)
def test_pair_of_types_inproc(local, fresh, left_kind, right_kind):
    left, right = End(local, "left", left_kind), End(local, "right", right_kind)
    exchange(left, right, left, fresh("inproc"))


@pytest.mark.parametrize("stack", ["pyzmq", "libzmq"])
def test_peer_is_the_version_we_claim_to_test(remotes, stack):
    """The two libzmq peers are only worth having if they are different releases."""
    peer = remotes[stack]
    if peer.process is None:
        peer.start()
    wanted = "4.3.5" if stack == "pyzmq" else "libzmq 4.3.4"
    assert wanted in peer.version, f"{stack} peer is {peer.version}"
