"""CURVE, sans IO: both sides of ours against each other and against a peer written here with PyNaCl; every way to fail. RFC 25, RFC 26."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platforms import errno

from zmqcore import _probe

bindings = pytest.importorskip("nacl.bindings")
from curve_peer import DEALERS, GREETING, ROUTERS, C, Client, S, Server, altered, c, command, number, parts, s, seal, unseal  # noqa: E402

Handshake = _probe.zmtp_Handshake

MORE, READY, AUTHENTICATE = 0, 1, 2
NO_EVENT, NO_DETAIL, PROTOCOL, AUTH = 0, 0x800, 0x2000, 0x4000
UNEXPECTED, INVALID_SEQUENCE, KEY_EXCHANGE, UNSPECIFIED = 0x10000001, 0x10000002, 0x10000003, 0x10000011
MALFORMED_MESSAGE, MALFORMED_HELLO, MALFORMED_INITIATE, MALFORMED_ERROR = 0x10000012, 0x10000013, 0x10000014, 0x10000015
MALFORMED_READY, INVALID_METADATA = 0x10000016, 0x10000018
CRYPTOGRAPHIC, MISMATCH = 0x11000001, 0x11000002
DEALER, ROUTER = 5, 6
CURVE = 2
FRAME_MORE, FRAME_COMMAND = 1, 4

# Others, for those who lie.
X, x = bindings.crypto_box_keypair()


LIBRARY = pytest.mark.parametrize("crypto", [True, "streams", "boxes"])


def client(crypto=True, greeted=True, **options):
    hs = Handshake(DEALER, mechanism=CURVE, **{"public_key": C, "secret_key": c, "server_key": S, **options}, crypto=crypto)
    hs.take()
    if greeted:
        assert hs.feed(GREETING) == (MORE, 64)
    return hs


def server(crypto=True, greeted=True, **options):
    hs = Handshake(ROUTER, mechanism=CURVE, as_server=True, **{"secret_key": s, **options}, crypto=crypto)
    hs.take()
    if greeted:
        assert hs.feed(GREETING) == (MORE, 64)
        hs.take()
    return hs


def connected(crypto=True, peer_crypto=None):
    """Client and server, both ready."""
    a, b = client(crypto), server(crypto if peer_crypto is None else peer_crypto)
    assert b.feed(a.take()[54:])[0] == MORE
    assert a.feed(b.take())[0] == MORE
    assert b.feed(a.take())[0] == AUTHENTICATE
    assert b.zap_request() == ("CURVE", [C])
    assert b.zap_reply(200) == 0
    assert b.feed(b"")[0] == READY
    assert a.feed(b.take())[0] == READY
    return a, b


def welcome(peer, hs):
    """HELLO of a Client, and WELCOME of a server of ours."""
    assert hs.feed(command(peer.hello()))[0] == MORE
    (body,) = parts(hs.take())
    peer.welcomed(body)


def failed(hs, data):
    result = hs.feed(data)[0]
    assert result == -errno.EPROTO
    assert hs.feed(b"") == (-errno.EPROTO, 0)
    return hs.event


# ---- right


@LIBRARY
def test_a_client_of_ours(crypto):
    hs = client(crypto)
    peer = Server(hs)
    assert peer.n == number(1)
    assert unseal(peer.hello[120:], b"CurveZMQHELLO---" + peer.n, peer.peer, s) == bytes(64)
    assert hs.feed(command(peer.welcome()))[0] == MORE
    (body,) = parts(hs.take())
    public, vouch, metadata, n = peer.initiated(body)
    assert (public, vouch, metadata, n) == (C, peer.peer + S, DEALERS, number(2))
    assert hs.feed(command(peer.ready()) + b"traffic")[0] == READY
    assert hs.find(b"Socket-Type") == b"ROUTER"
    assert not hs.secrets
    sealed = hs.seal(FRAME_MORE, b"body")
    assert len(sealed) == 33 + 4 and sealed[:16] == b"\x07MESSAGE" + number(3)
    assert unseal(sealed[16:], b"CurveZMQMESSAGEC" + number(3), peer.peer, peer.brief_secret) == b"\x01body"
    answer = b"\x07MESSAGE" + number(2) + seal(b"\x02\x04PING", b"CurveZMQMESSAGES" + number(2), peer.peer, peer.brief_secret)
    assert hs.open(answer) == (FRAME_COMMAND, b"\x04PING")


@LIBRARY
def test_a_server_of_ours(crypto):
    hs = server(crypto)
    peer = Client()
    welcome(peer, hs)
    assert hs.feed(command(peer.initiate()))[0] == AUTHENTICATE
    assert hs.zap_request() == ("CURVE", [C])
    assert hs.take() == b""
    assert hs.zap_reply(200) == 0
    assert hs.feed(b"traffic") == (READY, 0)
    (body,) = parts(hs.take())
    assert body[:14] == b"\x05READY" + number(1)
    assert unseal(body[14:], b"CurveZMQREADY---" + number(1), peer.peer, peer.brief_secret) == ROUTERS
    assert hs.find(b"Socket-Type") == b"DEALER"
    assert not hs.secrets
    message = b"\x07MESSAGE" + number(3) + seal(b"\0body", b"CurveZMQMESSAGEC" + number(3), peer.peer, peer.brief_secret)
    assert hs.open(message) == (0, b"body")
    sealed = hs.seal(0, b"")
    assert sealed[:16] == b"\x07MESSAGE" + number(2) and len(sealed) == 33
    assert unseal(sealed[16:], b"CurveZMQMESSAGES" + number(2), peer.peer, peer.brief_secret) == b"\0"


def test_the_greeting_tells_the_server():
    hs = server(greeted=False)
    hs.feed(GREETING)
    assert hs.take()[2:24] == b"CURVE".ljust(20, b"\0") + b"\x01\0"


def test_a_client_makes_its_public_key_of_its_secret_key():
    hs = client(public_key=None)
    peer = Server(hs)
    hs.feed(command(peer.welcome()))
    assert peer.initiated(parts(hs.take())[0])[0] == C


def test_a_server_goes_by_its_secret_key():
    hs = server(public_key=X)
    peer = Client()
    welcome(peer, hs)
    assert hs.feed(command(peer.initiate()))[0] == AUTHENTICATE


def test_everything_of_a_connection_is_new():
    a, b = client(), client()
    assert a.take()[54:] != b.take()[54:]
    peer = Client()
    seen = set()
    for _ in range(3):
        hs = server()
        hs.feed(command(peer.hello()))
        (body,) = parts(hs.take())
        plain = unseal(body[24:], b"WELCOME-" + body[8:24], S, peer.brief_secret)
        seen |= {body[8:24], plain[:32], plain[32:64], plain[64:96], plain[96:]}
    assert len(seen) == 15


SIZES = sorted({n + d for n in (0, 31, 32, 64, 192, 224, 256, 480, 512, 768, 992, 1024, 1504, 4096, 8192, 65536) for d in (-1, 0, 1, 2) if n + d >= 0})


@pytest.mark.parametrize(
    ("crypto", "peer_crypto"), [(True, True), (True, "boxes"), ("boxes", True), ("boxes", "boxes"), ("streams", "streams"), (True, "streams")]
)
def test_UNIT_3_messages_of_every_size_both_ways(crypto, peer_crypto):
    a, b = connected(crypto, peer_crypto)
    for n in SIZES:
        body = bytes(i * 7 & 255 for i in range(n))
        for one, other in ((a, b), (b, a)):
            for flags in (0, FRAME_MORE, FRAME_COMMAND):
                sealed = one.seal(flags, body)
                assert len(sealed) == n + 33
                assert body not in sealed or n < 4
                assert other.open(sealed) == (flags, body)


@given(st.binary(max_size=3000))
def test_what_is_sealed_is_what_the_library_seals(body):
    a, b = connected()
    c_, d = connected("boxes")
    assert b.open(a.seal(0, body)) == (0, body) and d.open(c_.seal(0, body)) == (0, body)


@given(st.lists(st.integers(1, 300), min_size=1))
def test_any_fragmentation(sizes):
    hs, peer = server(greeted=False), Client()
    octets, left, result, turn = GREETING + command(peer.hello()), b"", MORE, 0

    def feed(octets):
        nonlocal left, result, turn
        at = 0
        while at < len(octets):
            size = sizes[turn % len(sizes)]
            left += octets[at : at + size]
            at, turn = at + size, turn + 1
            result, used = hs.feed(left)
            left = left[used:]

    feed(octets)
    peer.welcomed(parts(hs.take()[54:])[0])
    feed(command(peer.initiate()))
    assert (result, left) == (AUTHENTICATE, b"")


# ---- keys


@pytest.mark.parametrize("missing", ["secret_key", "server_key"])
def test_a_handshake_without_a_key_does_not_begin(missing):
    with pytest.raises(OSError) as caught:
        client(**{missing: None})
    assert caught.value.errno == errno.EINVAL


def test_a_handshake_without_the_library_does_not_begin():
    for start in (client, server):
        with pytest.raises(OSError) as caught:
            start(crypto=False)
        assert caught.value.errno == errno.EINVAL


def test_a_server_key_that_gives_no_secret():
    hs = client(greeted=False, server_key=bytes(32))
    assert failed(hs, GREETING) == (PROTOCOL, CRYPTOGRAPHIC)


def test_the_wrong_server_key():
    a, b = client(server_key=X), server()
    assert failed(b, a.take()[54:]) == (PROTOCOL, CRYPTOGRAPHIC)


@pytest.mark.parametrize("public", [X, bytes(32)], ids=["another", "zeros"])
def test_a_public_key_that_is_not_that_of_the_secret_key(public):
    a, b = client(public_key=public), server()
    b.feed(a.take()[54:])
    a.feed(b.take())
    assert failed(b, a.take()) == (PROTOCOL, CRYPTOGRAPHIC)


# ---- HELLO


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (lambda b: b[:-1], MALFORMED_HELLO), (lambda b: b + b"\0", MALFORMED_HELLO), (lambda b: b[:7], MALFORMED_HELLO), (lambda b: b[:6], MALFORMED_HELLO),
        (lambda b: altered(b, 6, 2), MALFORMED_HELLO), (lambda b: altered(b, 6, 0), MALFORMED_HELLO), (lambda b: altered(b, 7, 1), MALFORMED_HELLO),
        (lambda b: altered(b, 1, 0x68), UNEXPECTED), (lambda b: altered(b, 0, 4), UNEXPECTED), (lambda b: b"\x08INITIATE" + b[9:], UNEXPECTED),
        (lambda b: b"\x07MESSAGE" + b[8:], UNEXPECTED), (lambda b: b"\x05READY" + b[6:], UNEXPECTED),
        (lambda b: b"", UNSPECIFIED), (lambda b: b"\x05", UNSPECIFIED), (lambda b: b"\x05HELL", UNSPECIFIED), (lambda b: altered(b, 0, 255), UNSPECIFIED),
    ],
)  # fmt: skip
def test_a_hello_that_is_none(change, value):
    assert failed(server(), command(change(Client().hello()))) == (PROTOCOL, value)


@pytest.mark.parametrize("at", range(80, 200))
def test_a_damaged_hello(at):
    assert failed(server(), command(altered(Client().hello(), at))) == (PROTOCOL, CRYPTOGRAPHIC)


def test_a_hello_for_another_server():
    assert failed(server(), command(Client().hello(key=X))) == (PROTOCOL, CRYPTOGRAPHIC)


def test_a_hello_with_a_key_that_gives_no_secret():
    peer = Client()
    peer.brief_public = bytes(32)
    assert failed(server(), command(peer.hello())) == (PROTOCOL, CRYPTOGRAPHIC)


@pytest.mark.parametrize("options", [{"zeros": b"x" * 64}, {"padding": b"x" * 72}, {"n": 2**64 - 2}, {"n": 0}])
def test_what_is_not_looked_at_in_a_hello(options):
    assert server().feed(command(Client().hello(**options)))[0] == MORE


def test_the_answer_to_a_hello_is_shorter():
    hs, peer = server(), Client()
    octets = command(peer.hello())
    hs.feed(octets)
    assert len(hs.take()) < len(octets)


# ---- INITIATE


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (lambda b: b[:256], MALFORMED_INITIATE), (lambda b: b[:9], MALFORMED_INITIATE), (lambda b: altered(b, 1, 0x69), UNEXPECTED),
        (lambda b: b"\x05HELLO" + b[6:], UNEXPECTED), (lambda b: b"", UNSPECIFIED), (lambda b: b"\x08INITIAT", UNSPECIFIED),
        (lambda b: b[:257], CRYPTOGRAPHIC), (lambda b: b[:-1], CRYPTOGRAPHIC), (lambda b: b + b"\0", CRYPTOGRAPHIC),
    ],
)  # fmt: skip
def test_an_initiate_that_is_none(change, value):
    hs, peer = server(), Client()
    welcome(peer, hs)
    assert failed(hs, command(change(peer.initiate()))) == (PROTOCOL, value)


@pytest.mark.parametrize("at", [*range(9, 105), *range(112, 292)])
def test_a_damaged_initiate(at):
    hs, peer = server(), Client()
    welcome(peer, hs)
    body = peer.initiate()
    assert len(body) == 292
    assert failed(hs, command(altered(body, at))) == (PROTOCOL, CRYPTOGRAPHIC)


def test_a_cookie_of_another_connection():
    hs, peer = server(), Client()
    welcome(peer, hs)
    other, victim = server(), Client()
    welcome(victim, other)
    assert failed(other, command(victim.initiate(cookie=peer.cookie))) == (PROTOCOL, CRYPTOGRAPHIC)


def test_an_initiate_of_another_connection():
    hs, peer = server(), Client()
    welcome(peer, hs)
    recorded = command(peer.initiate())
    assert hs.feed(recorded)[0] == AUTHENTICATE
    again = server()
    assert again.feed(command(peer.hello()))[0] == MORE
    assert failed(again, recorded) == (PROTOCOL, CRYPTOGRAPHIC)


@pytest.mark.parametrize("n", [0, 1])
def test_the_number_of_an_initiate_is_higher_than_that_of_the_hello(n):
    hs, peer = server(), Client()
    welcome(peer, hs)
    assert failed(hs, command(peer.initiate(n=n))) == (PROTOCOL, INVALID_SEQUENCE)


def test_a_vouch_for_another_connection_or_another_server():
    for change in ({"brief": X}, {"server_key": X}):
        hs, peer = server(), Client()
        welcome(peer, hs)
        assert failed(hs, command(peer.initiate(vouch=peer.vouch(**change)))) == (PROTOCOL, KEY_EXCHANGE)


def test_the_key_of_somebody_else():
    """Whoever knows a client's public key only cannot pose as it."""
    hs, peer = server(), Client(public=X, secret=x)
    welcome(peer, hs)
    assert failed(hs, command(peer.initiate(public=C))) == (PROTOCOL, CRYPTOGRAPHIC)
    hs, peer = server(), Client(public=X, secret=x)
    welcome(peer, hs)
    assert failed(hs, command(peer.initiate(public=bytes(32)))) == (PROTOCOL, CRYPTOGRAPHIC)


def test_unreadable_metadata_of_a_client_are_no_event():
    hs, peer = server(), Client()
    welcome(peer, hs)
    assert hs.feed(command(peer.initiate(metadata=DEALERS[:-1])))[0] == AUTHENTICATE
    hs.zap_reply(200)
    assert failed(hs, b"") == (NO_EVENT, 0)


def test_hello_again_and_initiate_again():
    hs, peer = server(), Client()
    hello = command(peer.hello())
    hs.feed(hello)
    assert failed(hs, hello) == (PROTOCOL, UNEXPECTED)
    hs, peer = server(), Client()
    assert failed(hs, command(b"\x08INITIATE" + bytes(283))) == (PROTOCOL, UNEXPECTED)


# ---- what the ZAP handler says


def asked(**options):
    hs, peer = server(**options), Client()
    welcome(peer, hs)
    assert hs.feed(command(peer.initiate()))[0] == AUTHENTICATE
    return hs


@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_is_told_and_the_peer_leaves(status):
    hs = asked()
    assert hs.zap_reply(status) == 0
    assert hs.event == (AUTH, status)
    assert hs.feed(b"") == (MORE, 0)
    refusal = command(b"\x05ERROR\x03%d" % status)
    assert hs.take() == refusal
    assert failed(hs, command(b"\x07MESSAGE" + bytes(25))) == (NO_EVENT, 0)
    for hears in (client, welcomed):
        assert failed(hears(), refusal) == (AUTH, status)


def test_later_is_told_by_silence():
    hs = asked()
    assert hs.zap_reply(300) == 0
    assert hs.event == (AUTH, 300)
    assert hs.feed(b"") == (MORE, 0) and hs.take() == b""


@pytest.mark.parametrize(("options", "result"), [({}, 0), ({"domain": True}, 0), ({"domain": True, "handler_required": True}, -errno.EFAULT)])
def test_without_a_handler(options, result):
    hs = asked(**options)
    assert hs.zap_reply(-errno.ECONNREFUSED) == result
    assert hs.event == ((NO_DETAIL, errno.EFAULT) if result else (NO_EVENT, 0))
    assert hs.feed(b"")[0] == (result or READY)


@pytest.mark.parametrize("status", [-errno.ENOMEM, -errno.EPROTO, 0, 100, 199, 201, 250, 301, 501, 65536 + 200])
def test_no_other_answer_lets_anybody_in(status):
    hs = asked()
    assert hs.zap_reply(status) < 0
    assert hs.feed(b"")[0] < 0 and hs.take() == b""


# ---- the client's side


def welcomed():
    hs = client()
    peer = Server(hs)
    assert hs.feed(command(peer.welcome()))[0] == MORE
    hs.take()
    hs_peers[id(hs)] = peer
    return hs


hs_peers = {}


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (lambda b: b[:-1], CRYPTOGRAPHIC), (lambda b: b + b"\0", CRYPTOGRAPHIC), (lambda b: b[:8], CRYPTOGRAPHIC),
        (lambda b: altered(b, 1, 0x77), UNEXPECTED), (lambda b: b"", UNEXPECTED), (lambda b: b"\x05READY" + b[6:], UNEXPECTED),
        (lambda b: b"\x05HELLO" + b[6:], UNEXPECTED), (lambda b: b"\x05ERROR", MALFORMED_ERROR), (lambda b: b"\x05ERROR\x04400", MALFORMED_ERROR),
    ],
)  # fmt: skip
def test_a_welcome_that_is_none(change, value):
    hs = client()
    assert failed(hs, command(change(Server(hs).welcome()))) == (PROTOCOL, value)


@pytest.mark.parametrize("at", range(8, 168))
def test_a_damaged_welcome(at):
    hs = client()
    assert failed(hs, command(altered(Server(hs).welcome(), at))) == (PROTOCOL, CRYPTOGRAPHIC)


def test_a_server_without_the_secret_key():
    hs = client()
    assert failed(hs, command(Server(hs, secret=x).welcome())) == (PROTOCOL, CRYPTOGRAPHIC)


def test_a_welcome_with_a_key_that_gives_no_secret():
    hs = client()
    assert failed(hs, command(Server(hs).welcome(public=bytes(32)))) == (PROTOCOL, CRYPTOGRAPHIC)


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (lambda b: b[:29], MALFORMED_READY), (lambda b: b[:6], MALFORMED_READY), (lambda b: altered(b, 1, 0x72), UNEXPECTED), (lambda b: b"", UNEXPECTED),
        (lambda b: b[:-1], CRYPTOGRAPHIC), (lambda b: b + b"\0", CRYPTOGRAPHIC), (lambda b: b"\x07WELCOME" + bytes(160), UNEXPECTED),
        (lambda b: b"\x07MESSAGE" + b[8:], UNEXPECTED), (lambda b: b"\x05ERROR\x01", MALFORMED_ERROR),
    ],
)  # fmt: skip
def test_a_ready_that_is_none(change, value):
    hs = welcomed()
    assert failed(hs, command(change(hs_peers.pop(id(hs)).ready()))) == (PROTOCOL, value)


@pytest.mark.parametrize("at", range(6, 65))
def test_a_damaged_ready(at):
    hs = welcomed()
    body = hs_peers.pop(id(hs)).ready()
    assert len(body) == 65
    assert failed(hs, command(altered(body, at))) == (PROTOCOL, CRYPTOGRAPHIC)


def test_unreadable_metadata_of_a_server():
    hs = welcomed()
    assert failed(hs, command(hs_peers.pop(id(hs)).ready(metadata=ROUTERS[:-1]))) == (PROTOCOL, INVALID_METADATA)


# ---- MESSAGE


@LIBRARY
@pytest.mark.parametrize("n", [0, 1, 30, 31, 32, 33, 500, 5000])
def test_a_damaged_message(crypto, n):
    body = bytes(n)
    for at in {8 + 7, 16, 31, 32, 32 + n // 2, 32 + n}:
        a, b = connected(crypto)
        sealed = a.seal(0, body)
        assert b.open(altered(sealed, at)) == -errno.EPROTO
        assert b.last_event == (PROTOCOL, INVALID_SEQUENCE if at == 15 and sealed[15] ^ 1 <= 2 else CRYPTOGRAPHIC)


@LIBRARY
def test_messages_again_and_out_of_order(crypto):
    a, b = connected(crypto)
    first, second, third = (a.seal(0, bytes([n])) for n in range(3))
    assert b.open(second) == (0, b"\1"), "a gap is no harm"
    for late in (first, second):
        assert b.open(late) == -errno.EPROTO
        assert b.last_event == (PROTOCOL, INVALID_SEQUENCE)


def test_a_message_that_is_reflected():
    a, b = connected()
    for n in range(5):
        sealed = a.seal(0, b"x")
    assert a.open(sealed) == -errno.EPROTO and a.last_event == (PROTOCOL, CRYPTOGRAPHIC)


def test_a_message_of_another_connection():
    (a, _), (_, d) = connected(), connected()
    assert d.open(a.seal(0, b"x")) == -errno.EPROTO and d.last_event == (PROTOCOL, CRYPTOGRAPHIC)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", UNSPECIFIED), (b"\x07", UNSPECIFIED), (b"\x07MESSAG", UNSPECIFIED), (b"\x07message" + bytes(30), UNEXPECTED),
        (b"\x05READY" + bytes(30), UNEXPECTED),
        (b"\x07MESSAGE", MALFORMED_MESSAGE), (b"\x07MESSAGE" + number(9) + bytes(16), MALFORMED_MESSAGE),
        (b"\x07MESSAGE" + number(2) + bytes(17), INVALID_SEQUENCE), (b"\x07MESSAGE" + number(0) + bytes(17), INVALID_SEQUENCE),
        (b"\x07MESSAGE" + number(9) + bytes(17), CRYPTOGRAPHIC), (b"\x07MESSAGE" + number(2**64 - 1) + bytes(99), CRYPTOGRAPHIC),
    ],
)  # fmt: skip
def test_a_message_that_is_none(body, value):
    _, b = connected()
    assert b.open(body) == -errno.EPROTO
    assert b.last_event == (PROTOCOL, value)


@LIBRARY
def test_the_numbers_come_to_an_end(crypto):
    a, b = connected(crypto)
    a.set_said(2**64 - 2)
    last = a.seal(0, b"last")
    assert last[8:16] == number(2**64 - 1)
    assert b.open(last) == (0, b"last")
    assert a.seal(0, b"one more") == -errno.EOVERFLOW
    assert a.seal(0, b"one more") == -errno.EOVERFLOW
    assert b.open(last) == -errno.EPROTO


# ---- others


@pytest.mark.parametrize("name", [b"NULL", b"PLAIN", b"GSSAPI", b"curve", b"CURVEX", b""])
@pytest.mark.parametrize("start", [client, server])
def test_mechanism_mismatch(start, name):
    hs = start(greeted=False)
    assert failed(hs, GREETING[:12] + name.ljust(20, b"\0") + bytes(32)) == (PROTOCOL, MISMATCH)


@pytest.mark.parametrize("stream", [b"\x01", b"\xff" + bytes(9), GREETING[:10] + b"\x00", GREETING[:10] + b"\x01"])
@pytest.mark.parametrize("start", [client, server])
def test_peers_that_know_no_mechanisms_are_refused(start, stream):
    assert failed(start(greeted=False), stream) == (NO_EVENT, 0)


def test_two_clients_and_two_servers():
    assert failed(client(), client().take()[54:]) == (PROTOCOL, UNEXPECTED)
    assert server().take() == b"", "both wait, until a timer is over"


@given(st.binary(max_size=300))
def test_FUZZ_4_no_garbage_comes_in(garbage):
    for hs in (server(), client()):
        assert hs.feed(garbage)[0] in (MORE, -errno.EPROTO, -errno.EMSGSIZE)
    _, b = connected()
    assert b.open(garbage) == -errno.EPROTO
