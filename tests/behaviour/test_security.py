"""PLAIN and CURVE between sockets: who comes in, who does not, what both sides hear of it, and that every pattern works over them."""

import itertools
import select
import socket as plain_socket
import threading

import pytest
from awaiting import Events, endpoint, join, silent, try_to_send, until
from platforms import errno
from transports import PLAIN
from zap import CLIENT_KEY, CLIENTS, ONCE, SERVERS, Handler

pytest.importorskip("nacl")  # zmqcore runs without it, but for CURVE
import curve_peer

MISMATCH, CRYPTOGRAPHIC = 0x11000002, 0x11000001
UNEXPECTED, MALFORMED_HELLO, MALFORMED_INITIATE = 0x10000001, 0x10000013, 0x10000014
OTHER = {"CURVE_PUBLICKEY": b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "CURVE_SECRETKEY": b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"}
WITHOUT_DOMAIN = {name: {option: value for option, value in options.items() if option != "ZAP_DOMAIN"} for name, options in SERVERS.items()}
ZERO = b"0" * 40
PUSHES = curve_peer.DEALERS.replace(b"\0\0\0\6DEALER", b"\0\0\0\4PUSH")


@pytest.fixture
def serve(make, fresh, kept):
    def serve(mechanism, kind="PULL", where="tcp", **options):
        made = make(kind, **{**WITHOUT_DOMAIN[mechanism], **options})
        made.bind(fresh(where))
        kept.append(made)
        return made

    return serve


@pytest.fixture
def open_to_all(make):
    """A ZAP handler that lets everybody in."""
    handler = Handler(make("REP"))
    ended = threading.Event()

    def serve():
        while not ended.is_set():
            if handler.socket.poll(20):
                handler.answer(handler.asked())

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    ended.set()
    thread.join()


def raw(socket, octets=b""):
    """A plain connection to a bound socket, which has said `octets`."""
    host, port = endpoint(socket).removeprefix("tcp://").split(":")
    made = plain_socket.create_connection((host, int(port)), timeout=10)
    made.sendall(octets)
    return made


def heard(connection, size):
    """So many octets of it."""
    found = b""
    while len(found) < size:
        piece = connection.recv(size - len(found))
        assert piece, f"closed after {found}"
        found += piece
    return found


# ---- who comes in


@pytest.mark.parametrize("where", PLAIN)
def test_SEC_8_right_keys(zmq, make, serve, where):
    bound = serve("CURVE", where=where)
    events = Events(zmq, bound)
    push = make("PUSH", **CLIENTS["CURVE"])
    told = Events(zmq, push, zmq.EVENT_ALL & ~(zmq.EVENT_CONNECTED | zmq.EVENT_CONNECT_DELAYED))
    push.connect(endpoint(bound))
    sent = [[b"", b"x" * size, bytes(size)] for size in (0, 1, 30, 31, 500, 8000, 100000)]
    for message in sent:
        push.send_multipart(message)
    assert [bound.recv_multipart() for _ in sent] == sent
    assert events.next()[0] == "ACCEPTED"
    assert events.next()[:2] == ("HANDSHAKE_SUCCEEDED", 0)
    silent(events.monitor)
    assert told.next()[0] == "HANDSHAKE_SUCCEEDED"
    silent(told.monitor)


WRONG = {
    "another server key": {"CURVE_SERVERKEY": CLIENTS["CURVE"]["CURVE_PUBLICKEY"]},
    "a server key of zeros": {"CURVE_SERVERKEY": ZERO},
    "a public key of zeros": {"CURVE_PUBLICKEY": ZERO},
    "a secret key of zeros": {"CURVE_SECRETKEY": ZERO},
    "the public key of somebody else": {"CURVE_SECRETKEY": OTHER["CURVE_SECRETKEY"]},
}


@pytest.mark.parametrize("what", [pytest.param(name, marks=pytest.mark.better) if "a server key of zeros" == name else name for name in WRONG])
def test_SEC_9_wrong_and_empty_keys(zmq, serve, client, what):
    bound = serve("CURVE")
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client("CURVE", bound, **WRONG[what])
    try_to_send(zmq, push)
    name, value, _ = events.next()
    assert (name, value) in [("HANDSHAKE_FAILED_PROTOCOL", CRYPTOGRAPHIC), ("HANDSHAKE_FAILED_NO_DETAIL", errno.EPIPE)]
    assert events.next()[0] == "DISCONNECTED"
    silent(bound)


def test_SEC_10_a_key_that_the_handler_refuses(zmq, make, serve, client):
    handler = Handler(make("REP"))
    bound = serve("CURVE", ZAP_DOMAIN=b"TEST")
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client("CURVE", bound)
    told = Events(zmq, push, zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    push.send(b"never")
    question = handler.asked()
    assert (question["mechanism"], question["credentials"]) == (b"CURVE", [CLIENT_KEY])
    handler.answer(question, b"400")
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)
    assert told.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 400)
    silent(bound)


@pytest.mark.parametrize("options", [SERVERS["NULL"], SERVERS["PLAIN"], SERVERS["CURVE"]], ids=list(SERVERS))
@pytest.mark.parametrize("stream", [b"\1\0\4\0abc", b"\xff" + bytes(7) + b"\1\0" + b"\4\0abc", b"\xff" + bytes(7) + b"\1\x7f\1\x08" + b"\0\0\0\3abc"])
def test_SEC_3_peers_without_mechanisms(make, fresh, options, stream):
    """ZMTP 1.0 without and with a greeting, and 2.0: each would deliver its message to a socket that asks nobody."""
    bound = make("PULL", **options)
    bound.bind(fresh("tcp"))
    with raw(bound, stream) as connection:
        try:
            while connection.recv(1000):
                pass
        except ConnectionResetError:
            pass
        silent(bound)


@pytest.mark.better  # libzmq tells an errno of a call before it
def test_SEC_5_plain_between_two_servers(zmq, make, serve, kept):
    bound = serve("PLAIN", HANDSHAKE_IVL=300)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    other = make("PUSH", **ONCE, **CLIENTS["PLAIN"], **WITHOUT_DOMAIN["PLAIN"])
    other.connect(endpoint(bound))
    assert events.next()[:2] == ("HANDSHAKE_FAILED_NO_DETAIL", errno.ETIMEDOUT)
    silent(bound)


@pytest.mark.parametrize(("ours", "theirs"), list(itertools.permutations(SERVERS, 2)))
def test_SEC_11_no_two_mechanisms_talk_to_each_other(zmq, make, serve, client, ours, theirs):
    handler = Handler(make("REP"))
    bound = serve(ours)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client(theirs, bound)
    try_to_send(zmq, push)
    name, value, _ = events.next()
    assert (name, value) in [("HANDSHAKE_FAILED_PROTOCOL", MISMATCH), ("HANDSHAKE_FAILED_NO_DETAIL", errno.EPIPE)]
    silent(bound)
    silent(handler.socket)


# ---- CURVE with commands that are wrong: the client is played by hand


DAMAGED_HELLO = {
    "a shorter one": (lambda body: body[:-1], MALFORMED_HELLO),
    "a longer one": (lambda body: body + b"\0", MALFORMED_HELLO),
    "another name": (lambda body: b"\5HELLP" + body[6:], UNEXPECTED),
    "another version": (lambda body: curve_peer.altered(body, 6, 2), MALFORMED_HELLO),
    "a damaged box": (lambda body: curve_peer.altered(body, 150), CRYPTOGRAPHIC),
}
DAMAGED_INITIATE = {
    "a shorter one": (lambda body: body[:256], MALFORMED_INITIATE),
    "another name": (lambda body: b"\x08INITIATF" + body[9:], UNEXPECTED),
    "a damaged cookie": (lambda body: curve_peer.altered(body, 50), CRYPTOGRAPHIC),
    "a damaged box": (lambda body: curve_peer.altered(body, 200), CRYPTOGRAPHIC),
}


@pytest.mark.parametrize("what", DAMAGED_HELLO)
def test_SEC_12_a_damaged_hello(zmq, serve, what):
    change, value = DAMAGED_HELLO[what]
    bound = serve("CURVE")
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    with raw(bound, curve_peer.GREETING + curve_peer.command(change(curve_peer.Client().hello()))):
        assert events.next()[:2] == ("HANDSHAKE_FAILED_PROTOCOL", value)
        assert events.next()[0] == "DISCONNECTED"


@pytest.mark.parametrize("what", DAMAGED_INITIATE)
def test_SEC_12_a_damaged_initiate(zmq, serve, what):
    change, value = DAMAGED_INITIATE[what]
    bound = serve("CURVE")
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    peer = curve_peer.Client()
    with raw(bound, curve_peer.GREETING + curve_peer.command(peer.hello())) as connection:
        (body,) = curve_peer.parts(heard(connection, 64 + 170)[64:])
        peer.welcomed(body)
        connection.sendall(curve_peer.command(change(peer.initiate())))
        assert events.next()[:2] == ("HANDSHAKE_FAILED_PROTOCOL", value)


@pytest.fixture
def by_hand():
    """by_hand(socket) -> (connection, peer): a client that is in."""
    made = []

    def by_hand(bound):
        peer = curve_peer.Client()
        connection = raw(bound, curve_peer.GREETING + curve_peer.command(peer.hello()))
        made.append(connection)
        peer.welcomed(curve_peer.parts(heard(connection, 64 + 170)[64:])[0])
        connection.sendall(curve_peer.command(peer.initiate(metadata=PUSHES)))
        head = heard(connection, 2)
        heard(connection, head[1])
        return connection, peer

    yield by_hand
    for connection in made:
        connection.close()


def sealed(peer, n, plain, flags=0):
    """A frame around a MESSAGE."""
    n = curve_peer.number(n)
    body = b"\7MESSAGE" + n + curve_peer.seal(plain, b"CurveZMQMESSAGEC" + n, peer.peer, peer.brief_secret)
    return bytes([flags, len(body)]) + body


@pytest.mark.better  # libzmq takes a message with the outer COMMAND for a command
def test_what_stands_around_a_message_means_nothing(serve, by_hand):
    """Peers set the outer COMMAND, as the RFC has it, or not, as libzmq does; MORE is inside."""
    bound = serve("CURVE")
    connection, peer = by_hand(bound)
    connection.sendall(sealed(peer, 3, b"\1one") + sealed(peer, 4, b"\0two", flags=4) + sealed(peer, 9, b"\0three", flags=1))
    assert bound.recv_multipart() == [b"one", b"two"]
    assert bound.recv_multipart() == [b"three"]


@pytest.mark.better  # libzmq reports what is wrong, and goes on without a word
@pytest.mark.parametrize("what", ["again", "backwards", "damaged", "plain"])
def test_a_message_that_is_wrong_ends_the_connection(zmq, serve, by_hand, what):
    bound = serve("CURVE")
    connection, peer = by_hand(bound)
    good = sealed(peer, 5, b"\0good")
    bad = {"again": good, "backwards": sealed(peer, 4, b"\0bad"), "damaged": sealed(peer, 6, b"\0bad")[:-1] + b"?", "plain": b"\0\3bad"}[what]
    connection.sendall(good)
    assert bound.recv() == b"good"
    events = Events(zmq, bound)
    connection.sendall(bad + sealed(peer, 7, b"\0after"))
    assert events.wait("DISCONNECTED")
    silent(bound)


def test_a_ping_inside(serve, by_hand):
    bound = serve("CURVE")
    connection, peer = by_hand(bound)
    connection.sendall(sealed(peer, 3, b"\2\4PING\0\0context"))
    assert bound.poll(100) == 0
    readable, _, _ = select.select([connection], [], [], 5)
    assert readable
    size = heard(connection, 2)[1]
    body = heard(connection, size)
    plain = curve_peer.unseal(body[16:], b"CurveZMQMESSAGES" + body[8:16], peer.peer, peer.brief_secret)
    assert plain == b"\2\4PONGcontext"


# ---- what goes over them


def exchange(zmq, one, other, pattern):
    """A few messages, as the pattern has them."""
    if pattern in (("PUB", "SUB"), ("XPUB", "XSUB")):
        if pattern[1] == "SUB":
            other.subscribe(b"t")
        else:
            other.send(b"\1t")
        if pattern[0] == "XPUB":
            until(lambda: (other.events, one.poll(1))[1])  # libzmq attaches peers inside calls
            assert one.recv() == b"\1t"

        def arrived():
            one.send_multipart([b"topic", b"news"])
            one.send_multipart([b"other", b"news"])
            return other.poll(20)

        until(arrived)
        assert other.recv_multipart() == [b"topic", b"news"]
        return
    back = pattern[0] in ("REQ", "DEALER", "PAIR")
    for number in range(3):
        body = [b"%d" % number, bytes(10 ** (number + 2))]
        one.send_multipart(body)
        frames = other.recv_multipart()
        assert frames[-2:] == body
        if back:
            other.send_multipart(frames)
            assert one.recv_multipart() == body


PATTERNS = [("PUSH", "PULL"), ("PUB", "SUB"), ("XPUB", "XSUB"), ("REQ", "REP"), ("DEALER", "ROUTER"), ("PAIR", "PAIR")]


@pytest.mark.parametrize("pattern", PATTERNS, ids="-".join)
@pytest.mark.parametrize("where", PLAIN)
@pytest.mark.parametrize("mechanism", ["PLAIN", "CURVE"])
@pytest.mark.parametrize("binds", ["server", "client"])
def test_every_pattern(zmq, make, fresh, open_to_all, mechanism, where, pattern, binds):
    one = make(pattern[0], **(WITHOUT_DOMAIN if binds == "client" else CLIENTS)[mechanism])
    other = make(pattern[1], **(CLIENTS if binds == "client" else WITHOUT_DOMAIN)[mechanism])
    other.bind(fresh(where))
    one.connect(endpoint(other))
    exchange(zmq, one, other, pattern)


def test_subscriptions_are_sealed_and_cancelled(zmq, serve, client):
    publisher = serve("CURVE", "XPUB")
    subscriber = client("CURVE", publisher, "SUB")
    join(zmq, publisher, subscriber, b"a")
    subscriber.unsubscribe(b"a")
    assert publisher.recv() == b"\0a"
    join(zmq, publisher, subscriber, b"l" * 300)
    publisher.send_multipart([b"l" * 300 + b"!", b"x"])
    assert subscriber.recv_multipart() == [b"l" * 300 + b"!", b"x"]


def test_many_subscribers_get_each_their_own(zmq, serve, client):
    """A message is sealed for each of them: what one connection has numbered is nothing to another."""
    publisher = serve("CURVE", "XPUB", XPUB_VERBOSE=1)
    subscribers = []
    for number in range(5):
        subscribers.append(client("CURVE", publisher, "SUB"))
        subscribers[-1].subscribe(b"")
        assert publisher.recv() == b"\1"
        publisher.send_multipart([b"%d" % number, bytes(number * 4000)])
    for first, subscriber in enumerate(subscribers):
        for number in range(first, 5):
            assert subscriber.recv_multipart() == [b"%d" % number, bytes(number * 4000)]


def test_heartbeats_keep_a_connection(zmq, serve, client):
    bound = serve("CURVE", HEARTBEAT_IVL=20, HEARTBEAT_TIMEOUT=2000)
    events = Events(zmq, bound, zmq.EVENT_DISCONNECTED)
    push = client("CURVE", bound, HEARTBEAT_IVL=20, HEARTBEAT_TTL=3000)
    push.send(b"x")
    assert bound.recv() == b"x"
    silent(events.monitor, 200)
    push.send(b"y")
    assert bound.recv() == b"y"


def test_conflate(zmq, serve, client):
    bound = serve("CURVE", "PULL", CONFLATE=1)
    push = client("CURVE", bound)
    for number in range(100):
        push.send(b"%d" % number)
    until(lambda: bound.poll(100) and bound.recv() == b"99")
