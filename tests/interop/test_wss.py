"""wss:// between sockets of ours, and with Python's websockets inside Python's ssl, both ways: those of asyncio, for the others read and write one TLS
session in two threads, which OpenSSL does not allow, and one time in 250 does not bear."""

import asyncio
import concurrent.futures
import contextlib
import ssl
import threading

import pytest
from awaiting import Events, endpoint
from platforms import errno

pytest.importorskip("certificates", reason="TLS needs cryptography")

from certificates import authority, host_names, server, sign, trusting
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from zap import CLIENTS, ONCE, SERVERS, Handler

pytestmark = pytest.mark.better

SECONDS = 25.0
WHERE = "wss://127.0.0.1:*/path"
IDENTITY = {"TLS_CERT_PEM": server().cert_pem, "TLS_KEY_PEM": server().key_pem}
TRUST = {"TLS_TRUST_PEM": authority().cert_pem}


def test_END_45_the_endpoint_has_scheme_and_path(make):
    rep, req = make("REP", **IDENTITY), make("REQ", **TRUST)
    rep.bind(WHERE)
    assert endpoint(rep).startswith("wss://127.0.0.1:") and endpoint(rep).endswith("/path")
    req.connect(endpoint(rep))
    req.send(b"question")
    assert rep.recv() == b"question"
    rep.send_multipart([b"a" * 200000, b""])
    assert req.recv_multipart() == [b"a" * 200000, b""]


@pytest.mark.parametrize("mechanism", ["PLAIN", "CURVE"])
def test_END_45_mechanisms(make, mechanism):
    handler = Handler(make("REP"))
    pull, push = make("PULL", **IDENTITY, **SERVERS[mechanism]), make("PUSH", **TRUST, **CLIENTS[mechanism])
    pull.bind(WHERE)
    push.connect(endpoint(pull))
    handler.answer(handler.asked())
    push.send(b"inside both")
    assert pull.recv() == b"inside both"


def test_END_45_subscriptions(make):
    xpub, sub = make("XPUB", **IDENTITY), make("SUB", SUBSCRIBE=b"a", **TRUST)
    xpub.bind(WHERE)
    sub.connect(endpoint(xpub))
    assert xpub.recv() == b"\x01a"
    xpub.send(b"b no")
    xpub.send(b"a yes")
    assert sub.recv() == b"a yes"


def test_END_45_a_server_that_is_not_trusted_is_left(zmq, make):
    stranger = sign("stranger", names=host_names("127.0.0.1"))
    rep = make("REP", TLS_CERT_PEM=stranger.cert_pem, TLS_KEY_PEM=stranger.key_pem)
    rep.bind(WHERE)
    req = make("REQ", **TRUST, **ONCE)
    events = Events(zmq, req)
    req.connect(endpoint(rep))
    assert events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] == errno.EACCES


def client_context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=authority().cert_pem.decode())
    return made


def test_END_45_a_plain_client(make):
    router = make("ROUTER", **IDENTITY)
    router.bind(WHERE)

    async def talk():
        # a name of the protocol of RFC 45 without a slash, which RFC 6455 forbids
        async with connect(endpoint(router), ssl=client_context(), subprotocols=["ZWS2.0"], compression=None) as client:
            assert await client.recv() == b"\x00"
            await client.send(b"\x00me")
            await client.send(b"\x01part")
            await client.send(b"\x00last")
            assert router.recv_multipart() == [b"me", b"part", b"last"]
            router.send_multipart([b"me", b"z" * 65536])
            assert await client.recv() == b"\x00" + b"z" * 65536

    asyncio.run(asyncio.wait_for(talk(), SECONDS))


@pytest.fixture
def plain_server(tmp_path):
    """plain_server(handler) -> the address of a websockets server inside TLS."""
    (tmp_path / "server.pem").write_bytes(server().cert_pem + server().key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")

    def without_slashes(connection, request):
        offered = request.headers["Sec-WebSocket-Protocol"]
        del request.headers["Sec-WebSocket-Protocol"]
        request.headers["Sec-WebSocket-Protocol"] = ",".join(name for name in offered.split(",") if "/" not in name)

    async def stand(handler, where, ended):
        async with serve(handler, "127.0.0.1", 0, ssl=context, subprotocols=["ZWS2.0"], compression=None, process_request=without_slashes) as one:
            where.set_result(one.sockets[0].getsockname()[1])
            await ended.wait()

    with contextlib.ExitStack() as running:

        def start(handler):
            loop, ended, where = asyncio.new_event_loop(), asyncio.Event(), concurrent.futures.Future()
            thread = threading.Thread(target=lambda: loop.run_until_complete(stand(handler, where, ended)))
            thread.start()
            running.callback(loop.close)
            running.callback(thread.join)
            running.callback(loop.call_soon_threadsafe, ended.set)
            return f"wss://127.0.0.1:{where.result(SECONDS)}/x"

        yield start


def test_END_45_a_plain_server(make, plain_server):
    said = []

    async def handler(connection):
        said.append((connection.request.path, await connection.recv()))
        await connection.send(b"\x00")
        async for message in connection:
            await connection.send(message)

    dealer = make("DEALER", ROUTING_ID=b"here", **TRUST)
    dealer.connect(plain_server(handler))
    dealer.send_multipart([b"there", b"and back"])
    assert dealer.recv_multipart() == [b"there", b"and back"]
    assert said == [("/x", b"\x00here")]


def test_END_45_both_ends_from_one_set_of_options(make):
    one, two = make("PAIR", **trusting()), make("PAIR", **trusting())
    one.bind(WHERE)
    two.connect(endpoint(one))
    for i in range(200):
        two.send(b"%d" % i)
        assert one.recv() == b"%d" % i
