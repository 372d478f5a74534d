"""PLAIN, sans IO: golden octets, every step, every way to fail. RFC 24 and what deployed peers do."""


import pytest
from hypothesis import given
from hypothesis import strategies as st
from platforms import errno

from zmqcore import _probe

Handshake = _probe.zmtp_Handshake

MORE, READY, AUTHENTICATE = 0, 1, 2
NO_EVENT, NO_DETAIL, PROTOCOL, AUTH = 0, 0x800, 0x2000, 0x4000
UNEXPECTED, UNSPECIFIED = 0x10000001, 0x10000011
MALFORMED_HELLO, MALFORMED_ERROR, MALFORMED_WELCOME, INVALID_METADATA = 0x10000013, 0x10000015, 0x10000017, 0x10000018
MISMATCH = 0x11000002
DEALER, ROUTER = 5, 6
PLAIN = 1

GREETING = bytes.fromhex("FF 00 00 00 00 00 00 00 01 7F 03 01") + b"PLAIN".ljust(20, b"\0") + bytes(32)
DEALERS = bytes.fromhex("0B 536F636B65742D54797065 00000006 4445414C4552 08 4964656E74697479 00000000")
ROUTERS = bytes.fromhex("0B 536F636B65742D54797065 00000006 524F55544552 08 4964656E74697479 00000000")


def command(body):
    return bytes([4, len(body)]) + body


HELLO = command(b"\x05HELLO\x05admin\x08password")
WELCOME = command(b"\x07WELCOME")
INITIATE = command(b"\x08INITIATE" + DEALERS)
READY_ROUTER = command(b"\x05READY" + ROUTERS)


def client(username=b"admin", password=b"password", greeted=True):
    hs = Handshake(DEALER, mechanism=PLAIN, username=username, password=password)
    hs.take()
    if greeted:
        assert hs.feed(GREETING) == (MORE, 64)
    return hs


def server(heard=b"", **options):
    hs = Handshake(ROUTER, mechanism=PLAIN, as_server=True, **options)
    hs.take()
    result, used = hs.feed(GREETING + heard)
    hs.take()
    return hs, result


def pieces(hs, data, sizes):
    """Feeds in pieces, as if each were a read; the last result."""
    at, turn, left, result = 0, 0, b"", MORE
    while at < len(data):
        left += data[at : at + sizes[turn % len(sizes)]]
        at += sizes[turn % len(sizes)]
        turn += 1
        result, used = hs.feed(left)
        left = left[used:]
        if result != MORE:
            left += data[at:]
            break
    return result, left


def failed(hs, data):
    result = hs.feed(data)[0]
    assert result == -errno.EPROTO
    assert hs.feed(b"") == (-errno.EPROTO, 0)
    return hs.event


def test_golden_client():
    hs = client(greeted=False)
    assert hs.feed(GREETING) == (MORE, 64)
    assert hs.take() == GREETING[10:] + HELLO == b"\x03\x01" + b"PLAIN".ljust(20, b"\0") + bytes(32) + bytes.fromhex(
        "04 15 05 48454C4C4F 05 61646D696E 08 70617373776F7264"
    )
    assert hs.feed(WELCOME) == (MORE, 10)
    assert hs.take() == INITIATE == bytes.fromhex("04 2C 08") + b"INITIATE" + DEALERS
    assert hs.feed(READY_ROUTER + b"traffic") == (READY, len(READY_ROUTER))
    assert hs.find(b"Socket-Type") == b"ROUTER"
    assert hs.mechanism_is_plain


def test_golden_server():
    hs = Handshake(ROUTER, mechanism=PLAIN, as_server=True)
    hs.take()
    assert hs.feed(GREETING) == (MORE, 64)
    assert hs.take()[22] == 1, "as-server"
    assert hs.take() == b"", "a server speaks when it is spoken to"
    assert hs.feed(HELLO + INITIATE) == (AUTHENTICATE, len(HELLO))
    assert hs.zap_request() == ("PLAIN", [b"admin", b"password"])
    assert hs.take() == b""
    assert hs.zap_reply(200) == 0
    assert hs.zap_request() == ("PLAIN", [b"", b""]), "forgotten"
    assert hs.feed(INITIATE + b"traffic") == (READY, len(INITIATE))
    assert hs.take() == WELCOME + READY_ROUTER
    assert hs.find(b"Socket-Type") == b"DEALER"
    assert hs.mechanism_is_plain


@pytest.mark.parametrize(("username", "password"), [(b"", b""), (b"u" * 255, b"p" * 255), (b"\0\xff", b"\x05"), (b"admin", b"")])
def test_two_of_ours(username, password):
    a, (b, _) = client(username, password), server()
    assert b.feed(a.take()[54:])[0] == AUTHENTICATE
    assert b.zap_request() == ("PLAIN", [username, password])
    assert b.zap_reply(200) == 0 and b.feed(b"")[0] == MORE
    assert a.feed(b.take())[0] == MORE
    assert b.feed(a.take())[0] == READY
    assert a.feed(b.take())[0] == READY


@given(st.lists(st.integers(1, 80), min_size=1))
def test_any_fragmentation(sizes):
    a = Handshake(DEALER, mechanism=PLAIN, username=b"admin", password=b"password")
    assert pieces(a, GREETING + WELCOME + READY_ROUTER + b"traffic", sizes) == (READY, b"traffic")
    b = Handshake(ROUTER, mechanism=PLAIN, as_server=True)
    assert pieces(b, GREETING + HELLO + INITIATE, sizes) == (AUTHENTICATE, INITIATE)
    assert b.zap_reply(200) == 0
    assert b.feed(b"")[0] == MORE
    assert pieces(b, INITIATE + b"traffic", sizes) == (READY, b"traffic")


# ---- what the ZAP handler says


@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_is_told_and_the_peer_leaves(status):
    hs, _ = server(HELLO)
    assert hs.zap_reply(status) == 0
    assert hs.event == (AUTH, status)
    assert hs.feed(b"") == (MORE, 0)
    refusal = command(b"^RROR\x03%d" % status)
    assert hs.take() == refusal
    assert hs.feed(b"") == (MORE, 0) and hs.take() == b"", "once"
    a = client()
    assert failed(a, refusal) == (AUTH, status)
    assert hs.feed(INITIATE)[0] == -errno.EPROTO


def test_later_is_told_by_silence():
    hs, _ = server(HELLO)
    assert hs.zap_reply(300) == 0
    assert hs.event == (AUTH, 300)
    assert hs.feed(b"") == (MORE, 0) and hs.take() == b""


@pytest.mark.parametrize("options", [{}, {"domain": True}, {"domain": True, "handler_required": True}])
def test_without_a_handler_nobody_comes_in(options):
    hs, _ = server(HELLO, **options)
    assert hs.zap_reply(-errno.ECONNREFUSED) == -errno.EFAULT
    assert hs.event == (NO_DETAIL, errno.EFAULT)
    assert hs.take() == b"" and hs.feed(INITIATE)[0] == -errno.EFAULT


@pytest.mark.parametrize("status", [-errno.ENOMEM, 0, 100, 199, 201, 250, 301, 499, 501, 600, 65536 + 200])
def test_no_other_answer_lets_anybody_in(status):
    hs, _ = server(HELLO)
    assert hs.zap_reply(status) < 0
    assert hs.feed(INITIATE)[0] < 0 and hs.take() == b""


# ---- what goes wrong


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", UNSPECIFIED), (b"\x05", UNSPECIFIED), (b"\x05HELL", UNSPECIFIED), (b"\x09INITIATE", UNSPECIFIED), (b"\xffHELLO", UNSPECIFIED),
        (b"\x05hello", UNEXPECTED), (b"\x05READY", UNEXPECTED), (b"\x08INITIATE" + DEALERS, UNEXPECTED), (b"\x07WELCOME", UNEXPECTED),
        (b"\x05ERROR\x03400", UNEXPECTED), (b"\x04PING\0\0", UNEXPECTED), (b"\0HELLO", UNEXPECTED),
        (b"\x05HELLO", MALFORMED_HELLO), (b"\x05HELLO\x05", MALFORMED_HELLO), (b"\x05HELLO\x05admin", MALFORMED_HELLO),
        (b"\x05HELLO\x06admin", MALFORMED_HELLO), (b"\x05HELLO\x05admin\x08passwor", MALFORMED_HELLO),
        (b"\x05HELLO\x05admin\x08password!", MALFORMED_HELLO), (b"\x05HELLO\0\0\0", MALFORMED_HELLO), (b"\x05HELLO\0\x01", MALFORMED_HELLO),
    ],
)  # fmt: skip
def test_a_server_hears_something_else_than_hello(body, value):
    hs, _ = server()
    assert failed(hs, command(body)) == (PROTOCOL, value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", UNSPECIFIED), (b"\x08INITIAT", UNSPECIFIED), (b"\x08initiate", UNEXPECTED), (b"\x05HELLO\x05admin\x08password", UNEXPECTED),
        (b"\x05READY" + DEALERS, UNEXPECTED), (b"\x05ERROR\x03400", UNEXPECTED),
    ],
)  # fmt: skip
def test_a_server_hears_something_else_than_initiate(body, value):
    hs, _ = server(HELLO)
    hs.zap_reply(200)
    assert failed(hs, command(body)) == (PROTOCOL, value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", UNEXPECTED), (b"\x07", UNEXPECTED), (b"\x07WELCOM", UNEXPECTED), (b"\x07welcome", UNEXPECTED), (b"\x05HELLO\0\0", UNEXPECTED),
        (b"\x05READY" + ROUTERS, UNEXPECTED), (b"\x08INITIATE", UNEXPECTED), (b"\x07WELCOME!", MALFORMED_WELCOME),
        (b"\x05ERROR", MALFORMED_ERROR), (b"\x05ERROR\x04400", MALFORMED_ERROR),
    ],
)  # fmt: skip
def test_a_client_hears_something_else_than_welcome(body, value):
    assert failed(client(), command(body)) == (PROTOCOL, value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", UNEXPECTED), (b"\x05READ", UNEXPECTED), (b"\x07WELCOME", UNEXPECTED), (b"\x05ready" + ROUTERS, UNEXPECTED), (b"\x05ERROR", MALFORMED_ERROR),
        (b"\x05READY\x0b", INVALID_METADATA), (b"\x05READY" + ROUTERS[:-1], INVALID_METADATA),
    ],
)  # fmt: skip
def test_a_client_hears_something_else_than_ready(body, value):
    hs = client()
    assert hs.feed(WELCOME) == (MORE, len(WELCOME))
    assert failed(hs, command(body)) == (PROTOCOL, value)


@pytest.mark.parametrize("after", [b"", WELCOME])
@pytest.mark.parametrize("name", [b"\x05ERROR", b"^RROR"])  # as the RFC has it, and as libzmq does
@pytest.mark.parametrize(("reason", "event"), [(b"300", (AUTH, 300)), (b"400", (AUTH, 400)), (b"500", (AUTH, 500)), (b"", (0, 0)), (b"No.", (0, 0))])
def test_a_client_is_refused(after, name, reason, event):
    hs = client()
    hs.feed(after)
    assert failed(hs, command(name + bytes([len(reason)]) + reason)) == event


def test_unreadable_metadata_of_a_client_are_no_event():
    hs, _ = server(HELLO)
    hs.zap_reply(200)
    assert failed(hs, command(b"\x08INITIATE" + DEALERS[:-1])) == (NO_EVENT, 0)


@pytest.mark.parametrize("number", range(len(HELLO) - 2))
def test_every_prefix_of_a_hello_is_refused(number):
    hs, _ = server()
    assert failed(hs, command(HELLO[2 : 2 + number]))[0] == PROTOCOL


def test_hello_twice_and_out_of_order():
    hs, _ = server(HELLO)
    hs.zap_reply(200)
    assert failed(hs, HELLO) == (PROTOCOL, UNEXPECTED)
    hs = client()
    hs.feed(WELCOME)
    assert failed(hs, WELCOME) == (PROTOCOL, UNEXPECTED)


def test_two_clients_and_two_servers():
    assert failed(client(), HELLO) == (PROTOCOL, UNEXPECTED)
    a, result = server()
    assert result == MORE and a.take() == b"", "both wait, until a timer is over"


@pytest.mark.parametrize("name", [b"NULL", b"CURVE", b"GSSAPI", b"plain", b"PLAINX", b""])
@pytest.mark.parametrize("as_server", [False, True])
def test_mechanism_mismatch(name, as_server):
    hs = Handshake(DEALER, mechanism=PLAIN, as_server=as_server)
    hs.take()
    assert failed(hs, GREETING[:12] + name.ljust(20, b"\0") + bytes(32)) == (PROTOCOL, MISMATCH)


@pytest.mark.parametrize("stream", [b"\x01", b"\xff" + bytes(9), GREETING[:10] + b"\x00", GREETING[:10] + b"\x01"])
@pytest.mark.parametrize("as_server", [False, True])
def test_peers_that_know_no_mechanisms_are_refused(stream, as_server):
    hs = Handshake(DEALER, mechanism=PLAIN, as_server=as_server)
    hs.take()
    assert failed(hs, stream) == (NO_EVENT, 0)


@given(st.binary(max_size=100))
def test_no_garbage_comes_in(garbage):
    for hs in (server()[0], client()):
        result, _ = hs.feed(garbage)
        assert result in (MORE, AUTHENTICATE, -errno.EPROTO, -errno.EMSGSIZE)


# ---- on their way


def flips(octets):
    """(position, the same octets with one bit changed)"""
    for at in range(len(octets)):
        for bit in range(8):
            yield at, octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :]


def test_a_hello_with_any_bit_changed():
    """Names and passwords have no seal: the handler is asked about what has arrived, or the connection ends."""
    for at, body in flips(HELLO[2:]):
        hs, result = server(command(body))
        if 7 <= at < 12 or at > 12:
            assert result == AUTHENTICATE
            assert hs.zap_request() == ("PLAIN", [body[7:12], body[13:]])
            assert hs.zap_reply(400) == 0 and hs.feed(b"")[0] == MORE
        else:
            assert result == -errno.EPROTO


def test_what_follows_with_any_bit_changed():
    """A name is right in every bit. Metadata are those of a peer that is one for us, or the connection ends."""
    for _, body in flips(WELCOME[2:]):
        failed(client(), command(body))
    for start, right, name in ((admitted, INITIATE, 9), (welcomed, READY_ROUTER, 6)):
        for at, body in flips(right[2:]):
            hs = start()
            result = hs.feed(command(body))[0]
            assert result < 0 or (result == READY and at >= name)
            if result == READY:
                assert hs.find(b"Socket-Type") in (b"DEALER", b"ROUTER", None)


def admitted():
    hs, _ = server(HELLO)
    hs.zap_reply(200)
    assert hs.feed(b"") == (MORE, 0)
    return hs


def welcomed():
    hs = client()
    assert hs.feed(WELCOME)[0] == MORE
    return hs
