"""secure_server() and secure_client(): who comes in, who does not, and that nothing falls back to NULL."""

import asyncio
import gc
import logging
import threading
import warnings
import weakref
from types import SimpleNamespace

import pytest
from awaiting import Events, endpoint, until
from platforms import errno
from transports import NETWORKS

pytestmark = pytest.mark.better

pytest.importorskip("nacl")


@pytest.fixture(scope="module")
def keys():
    import zmqcore as zmq

    return SimpleNamespace(**{name: zmq.SecretKey.generate() for name in ("server", "client", "other", "wrong")})


@pytest.fixture
def serve(zmq, make, fresh, keys):
    """serve(allow) -> a bound PULL, and the events of its handshakes."""

    def bound(allow, network="tcp", kind="PULL"):
        socket = make(kind)
        socket.secure_server(keys.server, allow=allow)
        events = Events(
            zmq, socket,
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
        )  # fmt: skip
        socket.bind(fresh(network))
        return socket, events

    return bound


@pytest.fixture
def join(make, keys):
    """join(server, key) -> a PUSH that is connected to it, or tries to be."""
    made = []

    def connected(server, key, kind="PUSH", expect=None):
        socket = make(kind)
        socket.secure_client(expect or keys.server.public, key)
        socket.connect(endpoint(server))
        made.append(socket)
        return socket

    return connected


def comes_in(server, events, client):
    assert events.next()[0] == "HANDSHAKE_SUCCEEDED"
    client.send(b"hello")
    frame = server.recv(copy=False)
    assert frame.bytes == b"hello"
    return frame


# -- who may come in


@pytest.mark.parametrize("network", NETWORKS)
def test_clients_of_the_set_come_in_and_others_do_not(zmq, keys, serve, join, network):
    server, events = serve({keys.client.public, keys.other.public}, network)
    for key in (keys.client, keys.other):
        frame = comes_in(server, events, join(server, key))
        assert frame.peer_key == key.public
        assert frame.get("Peer-Key") == frame.get("User-Id") == str(key.public)
        assert frame.authenticated
    join(server, keys.wrong)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)
    join(server, None)  # a key of its own
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)
    comes_in(server, events, join(server, keys.client))


@pytest.mark.parametrize("form", [lambda key: key, lambda key: [key], lambda key: [str(key)], lambda key: (bytes(key),), lambda key: iter([key])])
def test_forms_of_keys(keys, serve, join, form):
    server, events = serve(form(keys.client.public))
    comes_in(server, events, join(server, keys.client))


def test_many_keys(zmq, keys, serve, join):
    server, events = serve([bytes([i, j] * 16) for i in range(50) for j in range(50)] + [keys.client.public])
    comes_in(server, events, join(server, keys.client))
    join(server, keys.wrong)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)


def test_an_empty_set_lets_nobody_in(zmq, keys, serve, join):
    server, events = serve([])
    join(server, keys.client)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)


def test_anyone_may_come_in_but_is_not_authenticated(zmq, keys, serve, join):
    server, events = serve("*")
    frame = comes_in(server, events, join(server, None))
    assert frame.peer_key is not None and not frame.authenticated
    with pytest.raises(zmq.ZMQError):
        frame.get("User-Id")


@pytest.mark.parametrize("wrong", [None, 5, b"x" * 32, [5], ["not a key"], [None], {"a": 1}])
def test_what_is_no_policy(zmq, make, keys, wrong):
    socket = make("PULL")
    with pytest.raises((TypeError, ValueError)):
        socket.secure_server(keys.server, allow=wrong)
    assert socket.mechanism == zmq.NULL  # nothing has been done


def test_a_text_is_a_directory(make, keys, tmp_path):
    for wrong in (str(keys.client.public), str(tmp_path / "missing")):
        with pytest.raises(OSError):
            make("PULL").secure_server(keys.server, allow=wrong)


def test_a_policy_can_be_replaced(zmq, make, keys, serve, join):
    server, events = serve([keys.client.public])
    client = join(server, keys.client)
    comes_in(server, events, client)
    server.secure_server(keys.server, allow=lambda peer: peer.key == keys.other.public)
    comes_in(server, events, join(server, keys.other))
    join(server, keys.client)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)
    server.secure_server(keys.server, allow=[])
    join(server, keys.other)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)
    client.send(b"still here")
    assert server.recv() == b"still here"


# -- functions


def test_a_function_is_told_who_asks(zmq, make, keys, serve):
    seen = []

    def allow(peer):
        seen.append((peer, threading.get_ident()))
        return True

    server, events = serve(allow, kind="ROUTER")
    client = make("DEALER", ROUTING_ID=b"\0me\xff", METADATA=b"X-Version:7")
    client.secure_client(keys.server.public, keys.client)
    client.connect(endpoint(server))
    client.send(b"hello")
    assert server.recv_multipart() == [b"\0me\xff", b"hello"]
    ((peer, thread),) = seen
    assert isinstance(peer, zmq.PeerInfo)
    assert (peer.key, peer.address, peer.identity) == (keys.client.public, "127.0.0.1", b"\0me\xff")
    assert peer.metadata["Socket-Type"] == "DEALER" and peer.metadata["X-Version"] == "7"
    assert thread != threading.get_ident()


def test_a_function_is_told_of_ipv4_as_ipv4(zmq, make, keys):
    seen = []
    server = make("PULL", IPV6=1)
    server.secure_server(keys.server, allow=lambda peer: seen.append(peer.address) or True)
    try:
        server.bind("tcp://*:*")
    except zmq.ZMQError:
        pytest.skip("this machine has no IPv6")
    client = make("PUSH")
    client.secure_client(keys.server.public, keys.client)
    client.connect("tcp://127.0.0.1:" + endpoint(server).rpartition(":")[2])
    client.send(b"x")
    assert server.recv() == b"x"
    assert seen == ["127.0.0.1"]


def test_what_a_function_returns(zmq, keys, serve, join):
    answers = [True, 1, "the user", "", 0, None, False, []]
    server, events = serve(lambda peer: answers[0])
    while answers:
        client = join(server, keys.client)
        if answers[0]:
            frame = comes_in(server, events, client)
            assert frame.get("User-Id") == (answers[0] if isinstance(answers[0], str) else str(keys.client.public))
            assert frame.authenticated
        else:
            assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)
        answers.pop(0)


@pytest.mark.parametrize("raises", [ValueError("no"), SystemExit(1), KeyboardInterrupt(), StopIteration(), MemoryError(), UnicodeError], ids=repr)
def test_a_function_that_raises_refuses_and_is_logged(zmq, keys, serve, join, caplog, raises):
    def allow(peer):
        if peer.key == keys.wrong.public:
            if raises is UnicodeError:
                return "no user \ud800"  # it cannot be told
            raise raises
        return True

    server, events = serve(allow)
    with caplog.at_level(logging.ERROR, "zmqcore"):
        join(server, keys.wrong)
        assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 500)
    assert str(keys.wrong.public) in caplog.text and ("Unicode" if raises is UnicodeError else type(raises).__name__) in caplog.text
    for key in vars(keys).values():
        assert key.reveal().decode() not in caplog.text
    comes_in(server, events, join(server, keys.client))


def test_what_is_to_be_awaited_is_no_answer(zmq, keys, make, serve, join, caplog):
    async def allow(peer):
        return True

    with pytest.raises(TypeError, match="ordinary function"):
        make("PULL").secure_server(keys.server, allow=allow)
    server, events = serve(lambda peer: allow(peer))
    join(server, keys.client)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 500)


def test_while_a_function_thinks_nothing_else_waits(zmq, keys, serve, join):
    asked, answer = threading.Event(), threading.Event()

    def allow(peer):
        if peer.key == keys.other.public:
            asked.set()
            assert answer.wait(10)
        return True

    server, events = serve(allow)
    first = join(server, keys.client)
    comes_in(server, events, first)
    late = join(server, keys.other)
    assert asked.wait(10)
    for _ in range(3):  # the socket's lock is free
        first.send(b"x")
        assert server.recv() == b"x"
    answer.set()
    comes_in(server, events, late)


def test_a_client_that_leaves_before_the_answer(zmq, keys, serve, join):
    asked, answer = threading.Semaphore(0), threading.Event()

    def allow(peer):
        asked.release()
        if peer.key != keys.client.public:
            assert answer.wait(10)
        return True

    server, events = serve(allow)
    leaving = [join(server, keys.other) for _ in range(5)]
    assert asked.acquire(timeout=10)
    for client in leaving:
        client.close(0)
    assert [events.next()[0] for _ in leaving] == ["HANDSHAKE_FAILED_NO_DETAIL"] * 5
    answer.set()
    comes_in(server, events, join(server, keys.client))
    assert not asked.acquire(blocking=False) or not asked.acquire(blocking=False)  # those that waited were not asked about


def test_a_socket_that_is_closed_while_its_function_thinks(zmq, keys, serve, join):
    asked, answer = threading.Event(), threading.Event()

    def allow(peer):
        asked.set()
        assert answer.wait(10)
        return True

    watch = weakref.ref(allow)
    server, _events = serve(allow)
    join(server, keys.client)
    assert asked.wait(10)
    server.close(0)
    answer.set()
    del allow
    until(lambda: gc.collect() is not None and watch() is None)  # its thread has ended


def test_threads_end_with_their_sockets(zmq, keys, make):
    def allow(peer):
        return True

    watch = weakref.ref(allow)
    for _ in range(20):
        socket = make("PULL")
        socket.secure_server(keys.server, allow=allow)
        socket.secure_server(keys.server, allow=allow)
        socket.close()
    del allow
    until(lambda: gc.collect() is not None and watch() is None)


# -- directories


def test_a_directory_is_read_again_when_it_changes(zmq, keys, serve, join, tmp_path):
    keys.other.public.save(tmp_path / "other.key")
    (tmp_path / "notes.txt").write_text(f'public-key = "{keys.client.public}"')
    server, events = serve(tmp_path)
    comes_in(server, events, join(server, keys.other))
    join(server, keys.client)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)

    keys.client.public.save(tmp_path / "client.key")

    def admitted(key):
        client = join(server, key)
        name = events.next()[0]
        client.close(0)
        return name == "HANDSHAKE_SUCCEEDED"

    until(lambda: admitted(keys.client))
    (tmp_path / "other.key").unlink()
    until(lambda: not admitted(keys.other))
    keys.wrong.public.save(tmp_path / "client.key", overwrite=True)
    until(lambda: not admitted(keys.client))
    until(lambda: admitted(keys.wrong))


def test_a_directory_that_cannot_be_read_refuses(zmq, keys, serve, join, tmp_path, caplog):
    folder = tmp_path / "certificates"
    folder.mkdir()
    keys.client.public.save(folder / "client.key")
    server, events = serve(str(folder))
    comes_in(server, events, join(server, keys.client))
    folder.rename(tmp_path / "elsewhere")
    with caplog.at_level(logging.ERROR, "zmqcore"):
        join(server, keys.client)
        assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 500)
    assert "cannot be read" in caplog.text
    (tmp_path / "elsewhere").rename(folder)
    comes_in(server, events, join(server, keys.client))


def test_a_file_that_is_no_certificate_is_left_out(zmq, keys, serve, join, tmp_path, caplog):
    (tmp_path / "broken.key").write_text("nonsense")
    (tmp_path / "folder.key").mkdir()
    keys.wrong.public.save(tmp_path / ".hidden.key")
    keys.client.public.save(tmp_path / "client.key")
    with caplog.at_level(logging.WARNING, "zmqcore"):
        server, events = serve(tmp_path)
    assert caplog.text.count("left out") == 2
    comes_in(server, events, join(server, keys.client))
    join(server, keys.wrong)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)


# -- clients


def test_a_client_talks_to_its_server_only(zmq, make, keys, serve, join):
    server, events = serve("*")
    client = join(server, keys.client, expect=keys.wrong.public)
    client.send(b"for another server")
    assert events.next()[0].startswith("HANDSHAKE_FAILED")
    other = join(server, keys.other)
    other.send(b"for this one")
    assert server.recv() == b"for this one"
    assert server.poll(0) == 0


def test_a_client_knows_who_answers(zmq, keys, serve, join):
    server, _events = serve([keys.client.public], kind="REP")
    client = join(server, keys.client, kind="REQ")
    client.send(b"?")
    assert server.recv() == b"?"
    server.send(b"!")
    frame = client.recv(copy=False)
    assert frame.bytes == b"!" and frame.peer_key == keys.server.public and frame.authenticated


@pytest.mark.parametrize("form", [str, bytes, lambda key: str(key).encode(), lambda key: key])
def test_forms_of_the_servers_key(keys, serve, join, form):
    server, events = serve([keys.client.public])
    comes_in(server, events, join(server, keys.client, expect=form(keys.server.public)))


@pytest.mark.parametrize("network", NETWORKS)
def test_a_server_may_connect_and_a_client_bind(zmq, make, fresh, keys, network):
    client, server = make("PULL"), make("PUSH")
    client.secure_client(keys.server.public, keys.client)
    client.bind(fresh(network))
    server.secure_server(keys.server, allow=[keys.client.public])
    server.connect(endpoint(client))
    server.send(b"hello")
    frame = client.recv(copy=False)
    assert frame.peer_key == keys.server.public and frame.authenticated


# -- no way around it


@pytest.fixture(params=["server", "client"])
def secured(request, make, keys):
    socket = make("ROUTER")
    if request.param == "server":
        socket.secure_server(keys.server, allow=[keys.client.public])
    else:
        socket.secure_client(keys.server.public, keys.client)
    return socket


def test_a_peer_without_security_is_refused(zmq, make, secured, fresh):
    events = Events(zmq, secured, zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
    secured.bind(fresh("tcp"))
    for options in ({}, {"PLAIN_USERNAME": b"admin", "PLAIN_PASSWORD": b"x"}):
        dealer = make("DEALER", **options)
        dealer.connect(endpoint(secured))
        assert events.next()[0] == "HANDSHAKE_FAILED_PROTOCOL"
        dealer.close(0)
    bound = make("DEALER")
    bound.bind(fresh("tcp"))
    secured.connect(endpoint(bound))
    assert events.next()[0] == "HANDSHAKE_FAILED_PROTOCOL"


def test_options_cannot_undo_it(zmq, make, secured):
    tried = {
        zmq.CURVE_SERVER: 0, zmq.CURVE_PUBLICKEY: b"x" * 32, zmq.CURVE_SECRETKEY: b"x" * 32, zmq.CURVE_SERVERKEY: b"x" * 32, zmq.PLAIN_SERVER: 0,
        zmq.PLAIN_USERNAME: b"x", zmq.PLAIN_PASSWORD: b"x", zmq.ROUTER_RAW: 1,
    }  # fmt: skip
    before = secured.curve_server
    for option, value in tried.items():
        with pytest.raises(zmq.ZMQError, match="secure_server" if option != zmq.ROUTER_RAW else None) as error:
            secured.setsockopt(option, value)
        assert error.value.errno == errno.EPERM
    assert (secured.mechanism, secured.curve_server) == (zmq.CURVE, before)
    secured.linger = 5


def test_every_option_that_chooses_a_mechanism_is_refused(zmq, make, secured):
    """Also those that are added one day."""
    for option in zmq.SocketOption:
        for value in (0, 1, b"x", b"x" * 32):
            try:
                secured.setsockopt(option, value)
            except (zmq.ZMQError, TypeError):
                pass
            assert secured.mechanism == zmq.CURVE, option


def test_security_comes_first(zmq, make, fresh, keys):
    for how in ("bind", "connect"):
        socket = make("DEALER")
        getattr(socket, how)(fresh("tcp", ahead=how == "connect"))
        for call in (
            lambda socket=socket: socket.secure_server(keys.server, allow=[]), lambda socket=socket: socket.secure_client(keys.server.public)
        ):  # fmt: skip
            with pytest.raises(zmq.ZMQError, match="security comes first") as error:
                call()
            assert error.value.errno == errno.EBUSY
        assert socket.mechanism == zmq.NULL


def test_once_and_for_all(zmq, secured, keys):
    for call in (
        lambda: secured.secure_server(keys.other, allow=[]), lambda: secured.secure_client(keys.server.public),
        lambda: secured.secure_client(keys.server.public, keys.client),
    ):  # fmt: skip
        with pytest.raises(zmq.ZMQError) as error:
            call()
        assert error.value.errno == errno.EPERM


def test_raw_sockets_cannot_be_secured(zmq, make, keys):
    for socket in (make("STREAM"), make("ROUTER", ROUTER_RAW=1)):
        with pytest.raises(zmq.ZMQError) as error:
            socket.secure_server(keys.server, allow=[])
        assert error.value.errno == errno.ENOTSUP


def test_a_key_is_a_key(zmq, make, keys):
    for wrong in (keys.server.reveal(), keys.server.reveal().decode(), keys.server.public, None):
        with pytest.raises(TypeError) as error:
            make("PULL").secure_server(wrong, allow=[])
        assert keys.server.reveal().decode() not in str(error.value)
    with pytest.raises((TypeError, ValueError)):
        make("PUSH").secure_client(keys.server)
    with pytest.raises((TypeError, ValueError)):
        make("PUSH").secure_client("short")
    closed = make("PULL")
    closed.close()
    with pytest.raises(zmq.ZMQError):
        closed.secure_server(keys.server, allow=lambda peer: True)


def test_no_zap_handler_is_asked(zmq, context, keys, serve, join):
    handler = context.socket(zmq.REP)
    handler.bind("inproc://zeromq.zap.01")
    server, events = serve([keys.client.public])
    comes_in(server, events, join(server, keys.client))
    assert handler.poll(0) == 0
    handler.close()


# -- who sent this


@pytest.mark.parametrize("kinds", ["PUSH PULL", "DEALER ROUTER", "REQ REP", "PUB SUB", "CLIENT SERVER", "PAIR PAIR"])
def test_every_frame_tells_who_sent_it(zmq, make, fresh, keys, kinds):
    kind, server_kind = kinds.split()
    server, client = make(server_kind), make(kind)
    server.secure_server(keys.server, allow=[keys.client.public])
    server.bind(fresh("tcp"))
    client.secure_client(keys.server.public, keys.client)
    client.connect(endpoint(server))
    single = kind == "CLIENT"
    parts = [b"one"] if single else [b"one", b"two", b"x" * 100_000]
    if kind == "PUB":
        server.subscribe(b"")
        while not server.poll(10):
            client.send_multipart(parts)
    else:
        client.send_multipart(parts)
    frames = server.recv_multipart(copy=False)
    assert {frame.peer_key for frame in frames if len(frame) > 5 or frame.bytes in parts} == {keys.client.public}
    assert all(frame.authenticated for frame in frames if frame.bytes in parts)


def test_a_peer_cannot_say_that_it_is_somebody_else(zmq, make, raws, keys):
    """By metadata of its own, over NULL."""
    import rawpeer

    server = make("PULL")
    server.bind("tcp://127.0.0.1:*")
    raw = rawpeer.connect(endpoint(server))
    raws(raw)
    key = str(keys.client.public).encode()

    def prop(name, value):
        return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value

    properties = prop(b"Socket-Type", b"PUSH") + prop(b"Peer-Key", key) + prop(b"User-Id", b"admin") + prop(b"X-Peer-Key", key)
    raw.send(rawpeer.greeting() + rawpeer.command(b"READY", properties) + rawpeer.message(b"hello"))
    frame = server.recv(copy=False)
    assert frame.get("X-Peer-Key") == key.decode()
    assert frame.peer_key is None and not frame.authenticated
    for name in ("Peer-Key", "User-Id"):
        with pytest.raises(zmq.ZMQError):
            frame.get(name)


def test_frames_that_came_without_security(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    push.send(b"x")
    for frame in (pull.recv(copy=False), zmq.Frame(b"x")):
        assert frame.peer_key is None and frame.authenticated is False


def test_pickles_of_authenticated_peers_are_trusted(zmq, make, keys, serve, join, monkeypatch):
    from zmqcore import _pickles

    monkeypatch.setattr(_pickles, "_is_local", lambda address: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        server, events = serve([keys.client.public])
        client = join(server, keys.client)
        client.send_pyobj({1})
        assert server.recv_pyobj(trusted_only=True) == {1}
        everyone, _events = serve("*")
        client = join(everyone, None)
        client.send_pyobj({1})
        with pytest.raises(zmq.UntrustedPickleError):
            everyone.recv_pyobj(trusted_only=True)


# -- others


def test_asyncio(zmq, submodule, keys):
    aio = submodule("asyncio")

    async def main():
        with aio.Context() as context, context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
            asked = []
            server.secure_server(keys.server, allow=lambda peer: not asked.append(peer.key))
            client.secure_client(keys.server.public, keys.client)
            client.connect(server.bind("tcp://127.0.0.1:*").addr)
            await client.send(b"hello")
            frame = await server.recv(copy=False)
            assert frame.peer_key == keys.client.public and asked == [keys.client.public]
            await server.send(b"world")
            assert (await client.recv(copy=False)).peer_key == keys.server.public

    asyncio.run(asyncio.wait_for(main(), 20))


def test_pyzmq_as_client_and_as_server(zmq, make, keys, serve):
    pyzmq = pytest.importorskip("zmq")
    if not pyzmq.has("curve"):
        pytest.skip("this pyzmq has no CURVE")
    server, events = serve([keys.client.public])
    with pyzmq.Context() as context, context.socket(pyzmq.PUSH) as push, context.socket(pyzmq.REP) as rep:
        push.linger = rep.linger = 0
        push.rcvtimeo = rep.rcvtimeo = 10_000
        push.curve_publickey, push.curve_secretkey = str(keys.client.public).encode(), keys.client.reveal()
        push.curve_serverkey = str(keys.server.public).encode()
        push.connect(endpoint(server))
        push.send(b"from pyzmq")
        frame = server.recv(copy=False)
        assert frame.bytes == b"from pyzmq" and frame.peer_key == keys.client.public
        rep.curve_server, rep.curve_secretkey = True, keys.other.reveal()
        rep.bind("tcp://127.0.0.1:*")
        req = make("REQ")
        req.secure_client(keys.other.public)
        req.connect(rep.last_endpoint.rstrip(b"\0"))
        req.send(b"to pyzmq")
        assert rep.recv() == b"to pyzmq"
        rep.send(b"and back")
        frame = req.recv(copy=False)
        assert frame.peer_key == keys.other.public and frame.authenticated


def test_malformed_properties_harm_nothing():
    import random

    from zmqcore._policies import _metadata

    rng = random.Random(20261126)
    for _ in range(3000):
        found = _metadata(rng.randbytes(rng.randrange(40)))
        assert all(isinstance(name, str) and isinstance(value, bytes) for name, value in found.items())
