"""The server of one package, with its authenticator, and a client of the other."""

import importlib

import pytest
from awaiting import SECONDS, Events, endpoint, received
from zap import CLIENTS, SERVERS

pyzmq = pytest.importorskip("zmq")
KEY = CLIENTS["CURVE"]["CURVE_PUBLICKEY"]
USERS = {"NULL": "anonymous", "PLAIN": "admin", "CURVE": KEY.decode()}


@pytest.fixture(params=["ours", "theirs"])
def sides(request, zmq):
    """(package of the server, package of the client)"""
    if zmq is pyzmq:
        pytest.skip("these tests need both packages")
    return (zmq, pyzmq) if request.param == "ours" else (pyzmq, zmq)


@pytest.fixture(params=USERS)
def mechanism(request, zmq):
    if request.param == "CURVE" and not zmq.has("curve"):
        pytest.skip("no CURVE")
    return request.param


def socket_of(package, context, kind, options):
    made = context.socket(getattr(package, kind))
    made.linger = 0
    made.rcvtimeo = made.sndtimeo = int(SECONDS * 1000)
    for name, value in options.items():
        made.setsockopt(getattr(package, name), value)
    return made


@pytest.fixture
def contexts(sides):
    made = [package.Context() for package in sides]
    yield made
    for context in made:
        context.destroy(linger=0)


@pytest.fixture
def authenticator(sides, contexts, tmp_path):
    made = importlib.import_module(f"{sides[0].__name__}.auth.thread").ThreadAuthenticator(contexts[0])
    made.start()
    made.configure_plain(domain="TEST", passwords={"admin": "password"})
    (tmp_path / "client.key").write_text(f'curve\n    public-key = "{KEY.decode()}"\n')
    made.configure_curve(domain="TEST", location=str(tmp_path))
    yield made
    made.stop()


def test_who_may_comes_in(sides, contexts, authenticator, mechanism):
    bound = socket_of(sides[0], contexts[0], "DEALER", SERVERS[mechanism])
    bound.bind("tcp://127.0.0.1:*")
    peer = socket_of(sides[1], contexts[1], "DEALER", CLIENTS[mechanism])
    peer.connect(endpoint(bound))
    peer.send_multipart([b"a", b"b" * 100000])
    frames = bound.recv_multipart(copy=False)
    assert [frame.bytes for frame in frames] == [b"a", b"b" * 100000]
    assert [frame.get("User-Id") for frame in frames] == [USERS[mechanism]] * 2
    bound.send(b"welcome")
    assert peer.recv() == b"welcome"


STRANGERS = {
    "PLAIN": {"PLAIN_PASSWORD": b"passwort"},
    "CURVE": {
        "CURVE_PUBLICKEY": b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
        "CURVE_SECRETKEY": b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
    },
}


def test_who_may_not_hears_of_it(sides, contexts, authenticator, mechanism):
    if mechanism == "NULL":
        authenticator.deny("127.0.0.1")
    bound = socket_of(sides[0], contexts[0], "PULL", SERVERS[mechanism])
    refused = Events(sides[0], bound, sides[0].EVENT_HANDSHAKE_FAILED_AUTH)
    bound.bind("tcp://127.0.0.1:*")
    peer = socket_of(sides[1], contexts[1], "PUSH", {**CLIENTS[mechanism], **STRANGERS.get(mechanism, {})})
    told = Events(sides[1], peer, sides[1].EVENT_HANDSHAKE_FAILED_AUTH)
    peer.connect(endpoint(bound))
    assert refused.next()[1] == told.next()[1] == 400
    assert received(bound) == []
