"""What is said to a SOCKS5 proxy, and every answer: golden octets, octet by octet, malformed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platforms import errno

from zmqcore import _probe

V4, V6 = b"\5\0\0\1\x7f\0\0\1\x04\x38", b"\5\0\0\4" + bytes(16) + b"\x04\x38"
NAME = b"\5\0\0\3\x05proxy\x04\x38"
ANSWERS = {"v4": V4, "v6": V6, "name": NAME, "no name": b"\5\0\0\3\0\0\0", "longest": b"\5\0\0\3\xff" + b"n" * 255 + b"\1\2"}


def feed(talk, octets):
    """In the largest pieces that it awaits; the first result that is not 0, and what is left."""
    while octets:
        n = talk.awaits()
        rc = talk.feed(octets[:n])
        octets = octets[n:]
        if rc:
            return rc, octets
        if talk.output():
            break
    return 0, octets


@pytest.mark.parametrize(
    "target, octets",
    [
        (b"1.2.3.4:80", b"\1\1\2\3\4\0\x50"),
        (b"[::1]:65535", b"\4" + bytes(15) + b"\1\xff\xff"),
        (b"::2:1", b"\4" + bytes(15) + b"\2\0\1"),
        (b"example.org:443", b"\3\x0bexample.org\1\xbb"),
        (b"n" * 255 + b":1", b"\3\xff" + b"n" * 255 + b"\0\1"),
    ],
)
def test_octets_without_a_login(target, octets):
    talk = _probe.TransportSocks(target)
    assert (talk.output(), talk.output(), talk.awaits()) == (b"\5\1\0", b"", 2)
    assert talk.feed(b"\5\0") == 0
    assert talk.output() == b"\5\1\0" + octets
    assert feed(talk, V4) == (1, b"")


@pytest.mark.parametrize("user, password", [(b"u", b""), (b"user", b"secret"), (b"u" * 255, b"p" * 255)])
def test_octets_with_a_login(user, password):
    talk = _probe.TransportSocks(b"a:1", user=user, password=password)
    assert talk.output() == b"\5\1\2"
    assert talk.feed(b"\5\2") == 0
    assert talk.output() == b"\1" + bytes([len(user)]) + user + bytes([len(password)]) + password
    assert talk.feed(b"\1\0") == 0
    assert talk.output() == b"\5\1\0\3\1a\0\1"


def test_a_password_without_a_user_is_not_shown():
    talk = _probe.TransportSocks(b"a:1", password=b"secret")
    assert talk.output() == b"\5\1\0"
    assert (talk.feed(b"\5\0"), talk.output()) == (0, b"\5\1\0\3\1a\0\1")


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("rest", [b"", b"\xff\0\0"])
def test_answers_of_every_kind_of_address(answer, rest):
    """In one piece and octet by octet; what follows belongs to the peer and is never asked for."""
    for piece in (1, 512):
        talk = _probe.TransportSocks(b"a:1")
        talk.output()
        talk.feed(b"\5\0")
        talk.output()
        octets = answer + rest
        rc = 0
        while rc == 0:
            n = min(piece, talk.awaits())
            assert n > 0
            rc = talk.feed(octets[:n])
            octets = octets[n:]
        assert (rc, octets) == (1, rest)


REPLIES = {
    1: errno.ECONNABORTED, 2: errno.EACCES, 3: errno.ENETUNREACH, 4: errno.EHOSTUNREACH, 5: errno.ECONNREFUSED, 6: errno.EHOSTUNREACH,
    7: errno.EOPNOTSUPP, 8: errno.EOPNOTSUPP, 9: errno.ECONNABORTED, 255: errno.ECONNABORTED,
}  # fmt: skip


@pytest.mark.parametrize("reply", REPLIES)
def test_refusals_have_a_reason(reply):
    talk = _probe.TransportSocks(b"a:1")
    talk.output()
    talk.feed(b"\5\0")
    talk.output()
    assert talk.feed(bytes([5, reply])) == -REPLIES[reply]


@pytest.mark.parametrize(
    "user, answers, error",
    [
        (b"", [b"\4"], errno.EPROTO), (b"", [b"\0\0"], errno.EPROTO), (b"", [b"\5\xff"], errno.EACCES), (b"", [b"\5\2"], errno.EACCES),
        (b"u", [b"\5\0"], errno.EACCES), (b"u", [b"\5\2", b"\5\0"], errno.EPROTO), (b"u", [b"\5\2", b"\1\1"], errno.EACCES),
        (b"", [b"\5\0", b"\1\0"], errno.EPROTO), (b"", [b"\5\0", b"\5\0\0\2\0"], errno.EPROTO), (b"", [b"HT"], errno.EPROTO),
    ],
)  # fmt: skip
def test_answers_that_are_none(user, answers, error):
    talk = _probe.TransportSocks(b"a:1", user=user)
    for answer in answers[:-1]:
        talk.output()
        assert talk.feed(answer) == 0
    talk.output()
    assert talk.feed(answers[-1]) == -error


@pytest.mark.parametrize(
    "settings, text",
    [
        ({"proxy": b""}, "host:port"), ({"proxy": b"nowhere"}, "host:port"), ({"proxy": b"h:0x1"}, "host:port"), ({"proxy": b"a b:1"}, "host:port"),
        ({"proxy": b"h:1", "source": b"s" * 1024}, "host:port"), ({"user": b"u" * 256}, "255"), ({"user": b"u", "password": b"p" * 256}, "255"),
        ({"target": b"n" * 256 + b":1"}, "255"),
    ],
)  # fmt: skip
def test_ways_that_cannot_be_gone(settings, text):
    with pytest.raises(OSError, match=text) as caught:
        _probe.TransportSocks(**({"target": b"a:1"} | settings))
    assert caught.value.errno == errno.EINVAL


def test_our_own_end():
    assert _probe.TransportSocks(b"a:1", source=b"127.0.0.2").proxy == b"127.0.0.2;127.0.0.1:1080"
    assert _probe.TransportSocks(b"a:1", source=b"127.0.0.2", proxy=b"127.0.0.3;p:1").proxy == b"127.0.0.3;p:1"


def converse(octets, user, sizes):
    """The result and how many octets it took; 0: it awaits more."""
    talk = _probe.TransportSocks(b"example.org:1", user=user, password=b"w")
    at = 0
    while True:
        talk.output()
        n = talk.awaits()
        assert 0 < n <= 257, "it never awaits more than a name and a port"
        n = min(n, sizes(), len(octets) - at)
        if n == 0:
            return 0, at
        rc = talk.feed(octets[at : at + n])
        at += n
        if rc:
            return rc, at


@given(st.binary(max_size=300), st.booleans(), st.integers(0, 2**32))
def test_pieces_make_no_difference(noise, login, seed):
    draw = random.Random(seed)
    octets = draw.choice([b"", b"\5\2\1\0" if login else b"\5\0", b"\5\2\1\0\5\0\0\3" if login else b"\5\0\5\0\0\3"]) + noise
    whole = converse(octets, b"u" * login, lambda: 300)
    assert converse(octets, b"u" * login, lambda: draw.randint(1, 5))[0] == whole[0]
