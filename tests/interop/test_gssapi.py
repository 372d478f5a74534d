"""GSSAPI with a Kerberos realm of its own, beside Debian's libzmq, and as bytes (SEC-19)."""
import shutil
import sys

import kdc
import pytest
from awaiting import Events, bound, endpoint, silent, try_to_send, until
from middle import Middle
from platforms import errno
from rawpeer import COMMAND, LONG, connect, greeting
from stacks import Local, PeerError, Remote
from words import digest, pattern
from zap import Handler

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Debian's krb5-kdc"),
    pytest.mark.timeout(30),
]
SIZES = [0, 1, 255, 256, 8192, 8193, 1 << 20]
SERVER = {"GSSAPI_SERVER": 1, "GSSAPI_PRINCIPAL": kdc.SERVER, "GSSAPI_PRINCIPAL_NAMETYPE": kdc.KERBEROS_NAME}
CLIENT = {
    "GSSAPI_PRINCIPAL": kdc.CLIENT,
    "GSSAPI_PRINCIPAL_NAMETYPE": kdc.KERBEROS_NAME,
    "GSSAPI_SERVICE_PRINCIPAL": kdc.SERVER,
    "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE": kdc.KERBEROS_NAME,
}
ENDS = [("self", "libzmq"), ("libzmq", "self"), ("self", "self")]


@pytest.fixture(scope="module", autouse=True)
def realm(tmp_path_factory):
    missing = [name for name in ("krb5kdc", "kdb5_util", "kadmin.local") if not shutil.which(name, path=kdc.PATH)]
    assert not missing, f"{missing} not found; on Debian: apt-get install krb5-kdc krb5-admin-server"
    with kdc.realm(tmp_path_factory.mktemp("realm")) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment


@pytest.fixture(scope="module")
def sides(zmq, realm):
    """The module under test, and a process with libzmq that knows of the realm."""
    both = {"self": Local(zmq), "libzmq": Remote("libzmq")}
    yield both
    for side in both.values():
        side.stop()


@pytest.mark.parametrize("plaintext", [0, 1])
@pytest.mark.parametrize("binds", ["server", "client"])
@pytest.mark.parametrize("server, client", ENDS)
def test_SEC_19_messages_both_ways(sides, server, client, binds, plaintext):
    there = {"server": (sides[server], "s", SERVER), "client": (sides[client], "c", CLIENT)}
    first, second = (there[name] for name in (("server", "client") if binds == "server" else ("client", "server")))
    where = first[0].open(first[1], "DEALER", "bind", "tcp://127.0.0.1:*", GSSAPI_PLAINTEXT=plaintext, **first[2])
    second[0].open(second[1], "DEALER", "connect", where, GSSAPI_PLAINTEXT=plaintext, **second[2])
    try:
        for size in SIZES:
            frames = [pattern(7, size), b"", pattern(9, size)]
            words = [f"p7:{size}", "p0:0", f"p9:{size}"]
            sides[client].send("c", *words)
            assert sides[server].recv("s") == [digest(frame) for frame in frames]
            sides[server].send("s", *words)
            assert sides[client].recv("c") == [digest(frame) for frame in frames]
    finally:
        sides[server].close("s")
        sides[client].close("c")


# libzmq 4.3.4 loses what makes a message of a SUB a subscription, and finds none itself either.
SUBSCRIBERS = [(*ends, publisher) for ends in ENDS for publisher in ("PUB", "XPUB") if ends[1] == "self" or publisher == "XPUB"]


@pytest.mark.parametrize("server, client, publisher", SUBSCRIBERS)
def test_SEC_19_subscriptions(sides, server, client, publisher):
    subscriber = "XSUB" if publisher == "XPUB" else "SUB"
    where = sides[server].open("s", publisher, "bind", "tcp://127.0.0.1:*", **SERVER)
    topics = {"SUBSCRIBE": b"a"} if subscriber == "SUB" else {}
    sides[client].open("c", subscriber, "connect", where, **CLIENT, **topics)
    try:
        if publisher == "XPUB":
            sides[client].send("c", "x" + b"\1a".hex())
            assert sides[server].recv("s") == [digest(b"\1a")]
            sides[client].send("c", "x" + b"\1".hex())
            assert sides[server].recv("s") == [digest(b"\1")]
            sides[client].send("c", "x" + b"\0".hex())
            assert sides[server].recv("s") == [digest(b"\0")]

        def received():  # a PUB does not tell when the subscription has come
            sides[server].send("s", "x" + b"b1".hex())
            sides[server].send("s", "x" + b"a1".hex())
            try:
                return sides[client].recv("c", 50)
            except PeerError as error:
                assert "EAGAIN" in str(error)
                return None

        assert until(received) == [digest(b"a1")]
    finally:
        sides[server].close("s")
        sides[client].close("c")


def refused(zmq, make, server, client, **options):
    """Nothing comes through; what the two ends' monitors heard."""
    near, there = make("DEALER", **server), make("DEALER", **client, **options)
    near_events, there_events = Events(zmq, near), Events(zmq, there)
    near.bind("tcp://127.0.0.1:*")
    there.connect(endpoint(near))
    try_to_send(zmq, there)
    silent(near)
    return near_events, there_events


@pytest.mark.parametrize("client", [{}, {"PLAIN_USERNAME": b"admin", "PLAIN_PASSWORD": b"password"}])
def test_SEC_19_a_client_of_another_mechanism(zmq, make, client):
    near, _ = refused(zmq, make, SERVER, client)
    assert near.wait("HANDSHAKE_FAILED_PROTOCOL")[1] == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH


def test_SEC_19_plaintext_on_one_side_only(zmq, make):
    near, there = refused(zmq, make, {**SERVER, "GSSAPI_PLAINTEXT": 1}, CLIENT)
    assert there.wait("HANDSHAKE_FAILED_PROTOCOL")[1] == zmq.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND


def test_SEC_19_a_service_that_does_not_exist(zmq, make):
    """The client finds out by itself, says so, and tries again: the realm may not be complete yet."""
    _, there = refused(zmq, make, SERVER, {**CLIENT, "GSSAPI_SERVICE_PRINCIPAL": b"nobody"})
    assert there.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] == errno.EACCES


def test_SEC_19_again_after_a_reconnect(zmq, make):
    near, there = make("DEALER", **SERVER), make("DEALER", **CLIENT, RECONNECT_IVL=10)
    events = Events(zmq, there)
    near.bind("tcp://127.0.0.1:*")
    where = endpoint(near)
    there.connect(where)
    there.send(b"1")
    assert near.recv() == b"1"
    near.close()
    events.wait("DISCONNECTED")  # what is sent before that may be lost
    near = make("DEALER", **SERVER)
    until(lambda: bound(zmq, near, where))
    there.send(b"2")
    assert near.recv() == b"2"


def test_SEC_19_a_peer_without_mechanisms(zmq, make, raws):
    near = make("DEALER", **SERVER)
    near.bind("tcp://127.0.0.1:*")
    raw = connect(endpoint(near))
    raws(raw)
    raw.send(b"\x01\x00\x00\x05hello")
    silent(near)


def initiate(token):
    body = b"\x08INITIATE" + len(token).to_bytes(4, "big") + token
    return bytes([COMMAND | LONG]) + len(body).to_bytes(8, "big") + body


HOSTILE = {
    "no token": (initiate(b""), "CRYPTOGRAPHIC"),
    "a token of noise": (initiate(bytes(range(256)) * 4), "CRYPTOGRAPHIC"),
    "a length beyond the end": (b"\x04\x0d\x08INITIATE\xff\xff\xff\xff", "MALFORMED_COMMAND_INITIATE"),
    "octets behind the token": (b"\x04\x0f\x08INITIATE\x00\x00\x00\x01ab", "MALFORMED_COMMAND_INITIATE"),
    "no length": (b"\x04\x09\x08INITIATE", "MALFORMED_COMMAND_INITIATE"),
    "another command": (b"\x04\x06\x05READY", "UNEXPECTED_COMMAND"),
    "no body": (b"\x04\x00", "UNEXPECTED_COMMAND"),
}


@pytest.mark.parametrize("octets, value", HOSTILE.values(), ids=HOSTILE)
def test_SEC_19_hostile_clients_lose_their_connection(zmq, make, raws, octets, value):
    near = make("DEALER", **SERVER)
    events = Events(zmq, near)
    near.bind("tcp://127.0.0.1:*")
    raw = connect(endpoint(near))
    raws(raw)
    raw.send(greeting(mechanism=b"GSSAPI") + octets)
    assert events.wait("HANDSHAKE_FAILED_PROTOCOL")[1] == getattr(zmq, f"PROTOCOL_ERROR_ZMTP_{value}")
    good = make("DEALER", **CLIENT)
    good.connect(endpoint(near))
    good.send(b"still served")
    assert near.recv() == b"still served"


def test_SEC_19_without_a_key_nobody_is_served(make):
    near = make("DEALER", **{**SERVER, "GSSAPI_PRINCIPAL": b"somebody"})
    near.bind("tcp://127.0.0.1:*")
    there = make("DEALER", **CLIENT, RECONNECT_IVL=10)
    there.connect(endpoint(near))
    there.send(b"never")
    silent(near)


@pytest.mark.parametrize("client", ["libzmq", "self"])
def test_SEC_19_the_handler_is_told_the_principal(make, sides, client):
    """An accepted client comes in; its frames tell who it is."""
    handler = Handler(make("REP"))
    near = make("DEALER", **SERVER)
    near.bind("tcp://127.0.0.1:*")
    there = sides[client]
    there.open("c", "DEALER", "connect", endpoint(near), **CLIENT)
    try:
        question = handler.asked()
        assert (question["mechanism"], question["credentials"]) == (b"GSSAPI", [kdc.CLIENT + b"@" + kdc.REALM.encode()])
        handler.answer(question, user=b"client of the realm")
        there.send("c", "x" + b"hello".hex())
        frame = near.recv(copy=False)
        assert (frame.bytes, frame.get("User-Id")) == (b"hello", "client of the realm")
    finally:
        there.close("c")


@pytest.mark.parametrize("status", [b"300", b"400", b"500"])
def test_SEC_19_a_client_that_the_handler_refuses(zmq, make, status):
    handler = Handler(make("REP"))
    near, there = make("DEALER", **SERVER, HANDSHAKE_IVL=500), make("DEALER", **CLIENT, RECONNECT_IVL=-1)
    events = Events(zmq, near)
    near.bind("tcp://127.0.0.1:*")
    there.connect(endpoint(near))
    there.send(b"never")
    handler.answer(handler.asked(), status=status)
    assert events.wait("HANDSHAKE_FAILED_AUTH")[1] == int(status)
    events.wait("DISCONNECTED", "CLOSED")
    assert near.poll(0) == 0


def test_SEC_19_a_client_without_a_ticket_tries_again(zmq, make, realm):
    """What is wrong on this side may be right the next time."""
    near, there = make("DEALER", **SERVER), make("DEALER", **{**CLIENT, "GSSAPI_PRINCIPAL": b"latecomer"}, RECONNECT_IVL=10)
    events = Events(zmq, there)
    near.bind("tcp://127.0.0.1:*")
    there.connect(endpoint(near))
    events.wait("CONNECT_RETRIED")
    kdc.add(realm, b"latecomer")
    there.send(b"now")
    assert near.recv() == b"now"


def body_of(octets):
    return octets[9 if octets[0] & LONG else 2 :]


def framed(body, like):
    flags = like[0] & ~LONG
    if len(body) > 255:
        return bytes([flags | LONG]) + len(body).to_bytes(8, "big") + body
    return bytes([flags, len(body)]) + body


def flipped(share):
    """One bit, so far into the token (behind name and length)."""

    def change(octets):
        body = bytearray(body_of(octets))
        body[13 + int((len(body) - 14) * share)] ^= 0x10
        return [framed(bytes(body), octets)]

    return change


def cut(octets):
    """The token lacks its last octet, and says so."""
    body = body_of(octets)
    at = body.index(b"INITIATE" if b"INITIATE" in body[:9] else b"MESSAGE") + (8 if b"INITIATE" in body[:9] else 7)
    return [framed(body[:at] + (len(body) - at - 5).to_bytes(4, "big") + body[at + 4 : -1], octets)]


DAMAGES = {
    "flipped at the beginning": flipped(0),
    "flipped in the middle": flipped(0.5),
    "flipped at the end": flipped(1),
    "cut": cut,
    "twice": lambda octets: [octets, octets],
    "as a frame that is no command": lambda octets: [bytes([octets[0] ^ COMMAND]) + octets[1:]],
}
# Who says it and its number: INITIATE both ways, nothing, READY both ways.
COMMANDS = {"client's INITIATE": (True, 0), "server's INITIATE": (False, 0), "server's READY": (False, 1), "client's READY": (True, 2)}
# READY is wrapped, and what the frame around it says means nothing.
CASES = [(said, damage) for said in COMMANDS for damage in DAMAGES if "READY" not in said or "frame" not in damage]


@pytest.mark.parametrize(("said", "damage"), CASES)
def test_SEC_19_each_command_damaged_on_its_way(zmq, make, said, damage):
    """A server's READY that comes twice has come: the client's message may arrive before the second one ends the connection."""
    near = make("DEALER", **SERVER)
    near.bind("tcp://127.0.0.1:*")
    middle = Middle(endpoint(near), lambda *what: DAMAGES[damage](what[2]) if what[:2] == COMMANDS[said] else [what[2]])
    there = make("DEALER", **CLIENT, RECONNECT_IVL=-1)
    there.connect(middle.endpoint)
    try_to_send(zmq, there)
    assert middle.over.wait(15)
    middle.close()
    if (said, damage) == ("server's READY", "twice") and near.poll(0):
        assert near.recv() == b"never"
    assert near.poll(0) == 0
    good = make("DEALER", **CLIENT)
    good.connect(endpoint(near))
    good.send(b"still served")
    assert near.recv() == b"still served"


def test_SEC_19_a_recorded_client_does_not_come_in_again(make, raws):
    near = make("DEALER", **SERVER)
    near.bind("tcp://127.0.0.1:*")
    middle = Middle(endpoint(near), lambda from_client, number, octets: [octets])
    there = make("DEALER", **CLIENT)
    there.connect(middle.endpoint)
    there.send(b"once")
    assert near.recv() == b"once"
    there.close()
    middle.close()
    raw = connect(endpoint(near))
    raws(raw)
    raw.send(greeting(mechanism=b"GSSAPI") + b"".join(middle.heard[True]))
    raw.wait_closed()
    assert near.poll(0) == 0


@pytest.mark.parametrize("damage", ["flipped in the middle", "cut", "twice"])
def test_SEC_19_a_message_damaged_on_its_way(make, damage):
    near = make("DEALER", **SERVER)
    near.bind("tcp://127.0.0.1:*")
    middle = Middle(endpoint(near), lambda *what: DAMAGES[damage](what[2]) if what[:2] == (True, 4) else [what[2]])
    there = make("DEALER", **CLIENT, RECONNECT_IVL=-1)
    there.connect(middle.endpoint)
    there.send(b"right")
    assert near.recv() == b"right"
    there.send(b"damaged")
    assert middle.over.wait(15)
    middle.close()
    assert near.poll(0) == (1 if damage == "twice" else 0)  # and then not a second time
    if damage == "twice":
        assert near.recv() == b"damaged"
        assert near.poll(0) == 0
