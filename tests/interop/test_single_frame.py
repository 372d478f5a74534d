"""CLIENT, SERVER, PEER, SCATTER, GATHER and CHANNEL beside another stack that has them (pyomq), and as bytes.

No release of libzmq has these types. pyomq is loaded into this process; only sockets join the two.
"""
import sys
import sysconfig

import pytest
from awaiting import endpoint
from rawpeer import Listener, connect, frame, greeting, message, metadata, ready
from transports import PLAIN
from words import pattern

SIZES = [0, 1, 255, 256, 8192, 8193, 1 << 20]
# (type here, type there)
PAIRS = [("CLIENT", "SERVER"), ("SERVER", "CLIENT"), ("PEER", "PEER"), ("SCATTER", "GATHER"), ("GATHER", "SCATTER"), ("CHANNEL", "CHANNEL")]


@pytest.fixture(scope="module")
def omq():
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("pyomq has no free-threaded releases")
    import pyomq

    if not hasattr(pyomq, "CLIENT"):
        pytest.skip(f"pyomq for Python {sys.version_info.major}.{sys.version_info.minor} has no CLIENT")
    return pyomq


@pytest.fixture
def theirs(omq):
    """theirs("GATHER") -> a socket of pyomq."""
    context = omq.Context()
    made = []

    def theirs(kind):
        socket = context.socket(getattr(omq, kind))
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = 10000
        made.append(socket)
        return socket

    yield theirs
    for socket in made:
        socket.close()


def echoed(omq, server):
    """What pyomq's SERVER gets and sends back. The releases for older Pythons name the client in a frame before it."""
    heard = server.recv(copy=False)
    if server.getsockopt(omq.RCVMORE):
        body = server.recv()
        server.send_multipart([heard.bytes, body])
        return body
    reply = omq.Frame(heard.bytes)
    reply.routing_id = heard.routing_id
    server.send(reply)
    return heard.bytes


# pyomq's PEER has no connect_peer(), so it can answer only.
@pytest.mark.parametrize("kind, their_kind, we_bind", [(*pair, binds) for pair in PAIRS for binds in (True, False) if pair[0] != "PEER" or not binds])
@pytest.mark.parametrize("transport", PLAIN)
def test_with_pyomq(make, fresh, omq, theirs, transport, kind, their_kind, we_bind):
    ours, there = make(kind), theirs(their_kind)
    to_them = {}
    if we_bind:
        ours.bind(fresh(transport))
        there.connect(endpoint(ours))
    else:
        there.bind(fresh(transport))
        if kind == "PEER":
            to_them = {"routing_id": ours.connect_peer(endpoint(there))}
        else:
            ours.connect(endpoint(there))
    for number, size in enumerate(SIZES):
        body = pattern(number, size)
        if kind == "PEER":
            ours.send(body, **to_them)
            who, heard = there.recv_multipart()
            assert heard == body
            there.send_multipart([who, body])
            answer = ours.recv(copy=False)
            assert (answer.routing_id, answer.bytes) == (to_them["routing_id"], body)
        elif their_kind == "SERVER":
            ours.send(body)
            assert echoed(omq, there) == body
            assert ours.recv() == body
        elif kind not in ("GATHER", "SERVER"):
            ours.send(body)
            assert there.recv() == body
        if their_kind in ("SCATTER", "CHANNEL", "CLIENT"):
            there.send(body)
            heard = ours.recv(copy=False)
            assert heard.bytes == body
            if kind == "SERVER":
                ours.send(body, routing_id=heard.routing_id)
                assert there.recv() == body


@pytest.mark.parametrize("kind, peer_kind", PAIRS)
def test_wire_of_the_types(make, raws, kind, peer_kind):
    """READY names the type and no identity; a message is one frame; one of several frames is dropped."""
    listener = Listener()
    socket = make(kind, ROUTING_ID=b"me")
    number = None
    if kind == "PEER":
        number = socket.connect_peer(listener.endpoint)
    else:
        socket.connect(listener.endpoint)
    raw = listener.accept()
    raws(raw)
    assert raw.shake(peer_kind) == b"\x05READY" + metadata((b"Socket-Type", kind.encode()))
    if kind != "SCATTER":
        raw.send(message(b"a", b"b") + message(b"whole"))
        received = socket.recv(copy=False)
        assert received.bytes == b"whole"
        if kind in ("SERVER", "PEER"):
            assert number in (None, received.routing_id)
            number = received.routing_id
    if kind != "GATHER":
        socket.send(b"out", **({"routing_id": number} if number else {}))
        raw.expect(frame(b"out"))
    listener.close()


@pytest.mark.parametrize("kind", [kind for kind, _ in PAIRS])
def test_wire_of_a_peer_of_another_type(make, raws, kind):
    socket = make(kind)
    socket.bind("tcp://127.0.0.1:*")
    raw = connect(endpoint(socket))
    raws(raw)
    raw.send(greeting() + ready("DEALER"))
    raw.wait_closed()
