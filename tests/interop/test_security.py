"""PLAIN and CURVE between zmqcore and pyzmq, both in one process: either is server or client, binds or connects, in every classic pattern."""

import threading

import pytest
import zmq as pyzmq
from awaiting import Events, try_to_send, until
from transports import PLAIN
from zap import CLIENTS, HANDLER, SERVERS

pytest.importorskip("nacl")

PATTERNS = [("PUSH", "PULL"), ("PUB", "SUB"), ("XPUB", "XSUB"), ("REQ", "REP"), ("DEALER", "ROUTER"), ("PAIR", "PAIR")]
SIZES = [0, 1, 30, 31, 222, 223, 8191, 8192, 100000]


class Side:
    """One module with a context of its own, in which a handler lets everybody in, or nobody."""

    def __init__(self, zmq):
        self.zmq = zmq
        self.context = zmq.Context()
        self.status = b"200"
        self.made = []
        self.handler = self.make("REP", {})
        self.handler.bind(HANDLER)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.answer)
        self.thread.start()

    def answer(self):
        while not self.ended.is_set():
            if self.handler.poll(20):
                version, number, *_ = self.handler.recv_multipart()
                self.handler.send_multipart([version, number, self.status, b"", b"user", b""])

    def make(self, kind, options):
        socket = self.context.socket(getattr(self.zmq, kind))
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = 10000
        for name, value in options.items():
            socket.setsockopt(getattr(self.zmq, name), value)
        self.made.append(socket)
        return socket

    def close(self):
        self.ended.set()
        self.thread.join()
        self.context.destroy(linger=0)


@pytest.fixture
def sides(zmq):
    made = {"ours": Side(zmq), "pyzmq": Side(pyzmq)}
    yield made
    for side in made.values():
        side.close()


def exchange(one, other, pattern):
    if pattern[0] in ("PUB", "XPUB"):
        if pattern[1] == "SUB":
            other.subscribe(b"t")
        else:
            other.send(b"\1t")
        if pattern[0] == "XPUB":
            until(lambda: (other.events, one.poll(1))[1])  # libzmq attaches peers inside calls
            assert one.recv() == b"\1t"

        def arrived():
            one.send_multipart([b"other", b"news"])
            one.send_multipart([b"topic", b"begin"])
            return other.poll(20)

        until(arrived)
    for number, size in enumerate(SIZES):
        body = [b"topic", b"%d" % number, bytes(size)]
        one.send_multipart(body)
        frames = other.recv_multipart()
        while frames == [b"topic", b"begin"]:
            frames = other.recv_multipart()
        assert frames[-3:] == body
        if pattern[0] in ("REQ", "DEALER", "PAIR"):
            other.send_multipart(frames)
            assert one.recv_multipart() == body


@pytest.mark.parametrize("mechanism", ["PLAIN", "CURVE"])
@pytest.mark.parametrize("where", PLAIN)
@pytest.mark.parametrize("binds", ["server", "client"])
@pytest.mark.parametrize("server", ["ours", "pyzmq"])
def test_every_pattern(sides, fresh, mechanism, where, binds, server):
    of_server, of_client = sides[server], sides["pyzmq" if server == "ours" else "ours"]
    of_one, of_other = (of_client, of_server) if binds == "server" else (of_server, of_client)
    for pattern in PATTERNS:
        if pattern[0] == "REQ" and of_one.zmq is pyzmq and of_one is of_server:
            continue  # a REQ of libzmq that has asked a handler ends the connection with the first reply, also between two of libzmq
        one = of_one.make(pattern[0], (CLIENTS if of_one is of_client else SERVERS)[mechanism])
        other = of_other.make(pattern[1], (CLIENTS if of_other is of_client else SERVERS)[mechanism])
        other.bind(fresh(where))
        one.connect(other.last_endpoint.rstrip(b"\0").decode())
        exchange(one, other, pattern)
        one.close()
        other.close()


@pytest.mark.parametrize("mechanism", ["PLAIN", "CURVE"])
@pytest.mark.parametrize("status", [b"400", b"500"])
@pytest.mark.parametrize("server", ["ours", "pyzmq"])
def test_who_is_refused_hears_it(sides, fresh, mechanism, status, server):
    of_server, of_client = sides[server], sides["pyzmq" if server == "ours" else "ours"]
    of_server.status = status
    bound = of_server.make("PULL", SERVERS[mechanism])
    bound.bind(fresh("tcp"))
    events = Events(of_server.zmq, bound, of_server.zmq.EVENT_ALL & ~of_server.zmq.EVENT_ACCEPTED)
    push = of_client.make("PUSH", {**CLIENTS[mechanism], "RECONNECT_IVL": -1})
    told = Events(of_client.zmq, push, of_client.zmq.EVENT_HANDSHAKE_FAILED_AUTH | of_client.zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
    push.connect(bound.last_endpoint.rstrip(b"\0").decode())
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", int(status))
    assert told.next()[:2] == ("HANDSHAKE_FAILED_AUTH", int(status))


@pytest.mark.parametrize("server", ["ours", "pyzmq"])
@pytest.mark.parametrize("what", ["CURVE_SERVERKEY", "CURVE_SECRETKEY"])
def test_wrong_keys(sides, fresh, server, what):
    of_server, of_client = sides[server], sides["pyzmq" if server == "ours" else "ours"]
    bound = of_server.make("PULL", SERVERS["CURVE"])
    bound.bind(fresh("tcp"))
    events = Events(of_server.zmq, bound, of_server.zmq.EVENT_ALL & ~of_server.zmq.EVENT_ACCEPTED)
    push = of_client.make("PUSH", {**CLIENTS["CURVE"], what: CLIENTS["CURVE"]["CURVE_PUBLICKEY"], "RECONNECT_IVL": -1})
    push.connect(bound.last_endpoint.rstrip(b"\0").decode())
    try_to_send(of_client.zmq, push)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_PROTOCOL", 0x11000001)
    assert not bound.poll(100)
