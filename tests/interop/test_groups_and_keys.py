"""CURVE with JeroMQ and zeromq.js, and RADIO and DISH over tcp and udp with zeromq.js: each a process of its own, either binds."""

import pytest
from stacks import PeerError
from test_matrix import End, converse
from transports import unused_port
from words import digest, parse_frame
from zap import CLIENTS, SERVERS

SERVER = {name: value for name, value in SERVERS["CURVE"].items() if name != "ZAP_DOMAIN"}     # nobody asks who it is
CLIENT = CLIENTS["CURVE"]


class Keyed(End):
    """An end with the keys of a server or a client."""

    def __init__(self, side, name, kind, keys):
        super().__init__(side, name, kind)
        self.keys = keys

    def open(self, how, endpoint):
        options = {"SUBSCRIBE": b""} if self.kind == "SUB" else {}
        return self.side.open(self.name, self.kind, how, endpoint, **options, **self.keys)


# JeroMQ's own arithmetic takes seconds for megabytes.
MESSAGES = [["p1:5"], ["p1:10", "p0:0", "p3:7"], ["p7:222"], ["p7:255"], ["p7:256"], ["p9:8193"], ["p9:100000"]]


@pytest.mark.parametrize("stack", ["jeromq", "zeromq.js"])
@pytest.mark.parametrize("kinds", [("REQ", "REP"), ("REP", "REQ"), ("PUSH", "PULL"), ("PULL", "PUSH"), ("PUB", "SUB"), ("SUB", "PUB"), ("DEALER", "ROUTER")])
@pytest.mark.parametrize("server", ["local", "peer"])
@pytest.mark.parametrize("binds", ["local", "peer"])
def test_SEC_8_curve_with_other_stacks(monkeypatch, local, remotes, stack, kinds, server, binds):
    if not local.zmq.has("curve"):
        pytest.skip("no CURVE")
    monkeypatch.setattr("test_matrix.MESSAGES", MESSAGES)
    keys = {True: SERVER, False: CLIENT}
    left = Keyed(local, "local", kinds[0], keys[server == "local"])
    right = Keyed(remotes[stack], "peer", kinds[1], keys[server == "peer"])
    try:
        binder, connecter = (left, right) if binds == "local" else (right, left)
        connecter.open("connect", binder.open("bind", "tcp://127.0.0.1:*"))
        converse(left, right)
    finally:
        left.close()
        right.close()


BODIES = ["x", "x61", "p1:200", "p1:255", "p1:256", "p2:70000"]


@pytest.mark.parametrize("radio", ["local", "peer"])
@pytest.mark.parametrize("transport, binds", [("tcp", "radio"), ("tcp", "dish"), ("udp", "dish")])
def test_DRAFT_9_groups_with_zeromq_js(local, remotes, radio, transport, binds):
    where = "tcp://127.0.0.1:*" if transport == "tcp" else f"udp://127.0.0.1:{unused_port()}"
    sides = [local, remotes["zeromq.js"]] if radio == "local" else [remotes["zeromq.js"], local]
    opens = {
        "radio": lambda how, where: sides[0].open("radio", "RADIO", how, where),
        "dish": lambda how, where: sides[1].open("dish", "DISH", how, where, JOIN=b"TV"),
    }
    try:
        other = {"radio": "dish", "dish": "radio"}[binds]
        bound = opens[binds]("bind", where)
        opens[other]("connect", bound if transport == "tcp" else where)
        for _attempt in range(1000):    # until the join has arrived
            sides[0].send("radio", "x5456", "x00")
            try:
                sides[1].recv("dish", 10)
                break
            except PeerError as error:
                assert "EAGAIN" in str(error)
        sides[0].send("radio", "x5456", "x676f")
        while sides[1].recv("dish")[1] != digest(b"go"):
            pass
        for body in BODIES if transport == "tcp" else BODIES[:-1]:  # libzmq reads 8 KiB of a datagram
            sides[0].send("radio", "x7476", body)  # another group
            sides[0].send("radio", "x5456", body)
            assert sides[1].recv("dish") == [digest(b"TV"), digest(parse_frame(body, []))]
    finally:
        for side, name in zip(sides, ("radio", "dish"), strict=True):
            side.close(name)
