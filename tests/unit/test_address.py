"""Endpoints and tcp addresses as texts."""

import socket

import pytest
from descriptors import loopback_name, needs_ipv6, needs_loopback_name
from platforms import errno

from zmqcore import _probe

# ---- endpoints ----


@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [
        (b"tcp://127.0.0.1:5555", ("tcp", b"127.0.0.1:5555")),
        (b"ipc:///tmp/x", ("ipc", b"/tmp/x")),
        (b"inproc://a://b", ("inproc", b"a://b")),
        (b"inproc://\0", ("inproc", b"\0")),
        (b"", -errno.EINVAL),
        (b"tcp", -errno.EINVAL),
        (b"tcp:/", -errno.EINVAL),
        (b"tcp:/x", -errno.EINVAL),
        (b"tcp://", -errno.EINVAL),
        (b"inproc://", -errno.EINVAL),
        (b"://", -errno.EINVAL),
        (b"://x", -errno.EINVAL),
        (b"foo://x", -errno.EPROTONOSUPPORT),
        (b"TCP://127.0.0.1:1", -errno.EPROTONOSUPPORT),
        (b"tcpx://127.0.0.1:1", -errno.EPROTONOSUPPORT),
        (b"inprox://a", -errno.EPROTONOSUPPORT),
    ],
)
def test_endpoint(endpoint, answer):
    assert _probe.transport_endpoint(endpoint) == answer


# ---- tcp: addresses to bind to ----


@pytest.mark.parametrize(
    ("text", "v4", "v6"),
    [
        (b"*:*", "tcp://0.0.0.0:0", "tcp://[::]:0"),
        (b"*:0", "tcp://0.0.0.0:0", "tcp://[::]:0"),
        (b"*:5555", "tcp://0.0.0.0:5555", "tcp://[::]:5555"),
        (b"[*]:1", "tcp://0.0.0.0:1", "tcp://[::]:1"),
        (b"0.0.0.0:1", "tcp://0.0.0.0:1", "tcp://[::ffff:0.0.0.0]:1"),
        (b"127.0.0.1:65535", "tcp://127.0.0.1:65535", "tcp://[::ffff:127.0.0.1]:65535"),
        (b"[127.0.0.1]:1", "tcp://127.0.0.1:1", "tcp://[::ffff:127.0.0.1]:1"),
        (b"127.0.0.1:05557", "tcp://127.0.0.1:5557", "tcp://[::ffff:127.0.0.1]:5557"),
        (b"[::ffff:127.0.0.1]:1", "tcp://127.0.0.1:1", "tcp://[::ffff:127.0.0.1]:1"),
        (b"1.2.3:1", "tcp://1.2.0.3:1", "tcp://[::ffff:1.2.0.3]:1"),
        (b"[::]:1", -errno.ENODEV, "tcp://[::]:1"),
        (b"[::1]:1", -errno.ENODEV, "tcp://[::1]:1"),
        (b"::1:1", -errno.ENODEV, "tcp://[::1]:1"),
        (b":::1", -errno.ENODEV, "tcp://[::]:1"),
        (b"[fd00::1:2]:9", -errno.ENODEV, "tcp://[fd00::1:2]:9"),
        (b"localhost:1", "tcp://127.0.0.1:1", "tcp://[::ffff:127.0.0.1]:1"),
        (b"[::1:1", -errno.ENODEV, -errno.ENODEV),
        (b"::1]:1", -errno.ENODEV, -errno.ENODEV),
        (b"[]:1", -errno.ENODEV, -errno.ENODEV),
        (b":1", -errno.ENODEV, -errno.ENODEV),
        (b"256.1.1.1:1", -errno.ENODEV, -errno.ENODEV),
        (b"nosuch.invalid:1", -errno.ENODEV, -errno.ENODEV),
        (b"/tmp/x:1", -errno.ENODEV, -errno.ENODEV),
        (b"127.0.0.1:*:*", -errno.ENODEV, -errno.ENODEV),
        (b"127.0.0.1\0:1", -errno.ENODEV, -errno.ENODEV),
        (b"x" * 256 + b":1", -errno.ENODEV, -errno.ENODEV),
        (b"[::1%0]:1", -errno.EINVAL, -errno.EINVAL),
        (b"[::1%nosuch]:1", -errno.EINVAL, -errno.EINVAL),
        (b"[::1%]:1", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:x", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:567bad", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:65536", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:99999999999999999999", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:-1", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:+1", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1: 55", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:00", -errno.EINVAL, -errno.EINVAL),
        (b"127.0.0.1:**", -errno.EINVAL, -errno.EINVAL),
        (b"*", -errno.EINVAL, -errno.EINVAL),
        (b"", -errno.EINVAL, -errno.EINVAL),
    ],
)
def test_tcp_bind_address(text, v4, v6):
    assert _probe.TransportAddress.tcp_bind(text, False).text == v4
    assert _probe.TransportAddress.tcp_bind(text, True).text == v6


@needs_loopback_name
def test_tcp_bind_to_an_interface():
    lo = loopback_name.encode()
    assert _probe.TransportAddress.tcp_bind(lo + b":7").text == "tcp://127.0.0.1:7"
    assert _probe.TransportAddress.tcp_bind(b"[" + lo + b"]:7").text == "tcp://127.0.0.1:7"
    v6 = _probe.TransportAddress.tcp_bind(lo + b":7", True).text
    assert v6 in ("tcp://[::1]:7", "tcp://[::ffff:127.0.0.1]:7", f"tcp://[fe80::1%{loopback_name}]:7")


@needs_ipv6
@needs_loopback_name
def test_tcp_scopes():
    index = str(socket.if_nametoindex(loopback_name)).encode()
    for scope in (loopback_name.encode(), index):
        text = _probe.TransportAddress.tcp_bind(b"[fe80::9%" + scope + b"]:7", True).text
        assert text == f"tcp://[fe80::9%{loopback_name}]:7"
    text = _probe.TransportAddress.tcp_connect(b"[fe80::9%" + index + b"]:7", True).text
    assert text == f"tcp://[fe80::9%{loopback_name}]:7"


# ---- tcp: addresses to connect to ----


@pytest.mark.parametrize(
    "text",
    [
        b"127.0.0.1:5555",
        b"127.0.0.1:0",
        b"127.0.0.1:05",
        b"localhost:5555",
        b"some_host.example.com.:65535",
        b"a-:5",
        b"256.256.256.256:5",
        b"[::1]:5555",
        b"::1:5555",
        b"[localhost]:5555",
        b"[fe80::1%eth0]:5555",
        b"127.0.0.1:5556;127.0.0.1:5555",
        b"127.0.0.1:0;[::1]:5555",
        b"127.0.0.1:*;host:5555",
        b"eth0;127.0.0.1:5555",
        b"[fd00::1];[fd00::2]:5555",
    ],
)
def test_tcp_peer_texts_that_pass(text):
    assert _probe.transport_check_connect(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b":",
        b":5555",
        b"127.0.0.1",
        b"127.0.0.1:",
        b"127.0.0.1:*",
        b"*:5555",
        b"127.0.0.1:x",
        b"127.0.0.1:5x",
        b"127.0.0.1:-1",
        b"127.0.0.1:+5",
        b"127.0.0.1: 5",
        b"127.0.0.1:5 ",
        b"127.0.0.1:65536",
        b"127.0.0.1:4294967377",
        b"in val:5",
        b"in!val:5",
        b"in$val:5",
        b"a@b:5",
        b"a/b:5",
        b"a,b:5",
        b"a=b:5",
        b"a~b:5",
        b"(a):5",
        b"a\tb:5",
        b"a\0b:5",
        b"\xc3\xa9:5",
        b"-a:5",
        b".a:5",
        b"[]:5",
        b"[::1]",
        b"[::1]5",
        b"[::1:5",
        b"::1]:5",
        b";127.0.0.1:5",
        b"127.0.0.1:1;",
        b"a;b;c:5",
        b"*:0;127.0.0.1:5555",
        b"127.0.0.1:x;127.0.0.1:5",
        b"127.0.0.1:1;127.0.0.1",
    ],
)
def test_tcp_peer_texts_that_do_not(text):
    assert _probe.transport_check_connect(text) == -errno.EINVAL
    assert _probe.TransportAddress.tcp_connect(text, True, True).text == -errno.EINVAL


@pytest.mark.parametrize(
    ("text", "ipv6", "answer"),
    [
        (b"127.0.0.1:5", False, "tcp://127.0.0.1:5"),
        (b"127.0.0.1:5", True, "tcp://127.0.0.1:5"),
        (b"[127.0.0.1]:5", True, "tcp://127.0.0.1:5"),
        (b"[::1]:5", True, "tcp://[::1]:5"),
        (b"::1:5", True, "tcp://[::1]:5"),
        (b"[::1]:5", False, -errno.EAFNOSUPPORT),
        (b"[::ffff:1.2.3.4]:5", False, "tcp://1.2.3.4:5"),
        (b"[::ffff:1.2.3.4]:5", True, "tcp://1.2.3.4:5"),
        (b"[::1%nosuch]:5", True, -errno.EINVAL),
        (b"localhost:5", False, -errno.EAGAIN),
        (b"localhost:5", True, -errno.EAGAIN),
    ],
)
def test_tcp_peer_without_lookups(text, ipv6, answer):
    assert _probe.TransportAddress.tcp_connect(text, ipv6, False).text == answer


def test_tcp_peer_by_name():
    assert _probe.TransportAddress.tcp_connect(b"localhost:5", False, True).text == "tcp://127.0.0.1:5"
    assert _probe.TransportAddress.tcp_connect(b"localhost:5", True, True).text in ("tcp://[::1]:5", "tcp://127.0.0.1:5")
    assert _probe.TransportAddress.tcp_connect(b"nosuch.invalid:5", True, True).text == -errno.EHOSTUNREACH


@pytest.mark.parametrize(
    ("behind", "index"),
    [
        (None, 0),
        (b"[::1]:5", 1),
        (b"[::2]:5", 2),
        (b"127.0.0.1:5", 3),
        (b"127.0.0.2:5", 0),
        (b"127.0.0.3:5", 0),
    ],
)
def test_tcp_next_address_of_a_name(behind, index):
    addresses = [_probe.TransportAddress.tcp_connect(text, True) for text in (b"[::1]:1", b"[::2]:1", b"127.0.0.1:1", b"127.0.0.2:1")]
    tried = _probe.TransportAddress.tcp_connect(behind, True) if behind else _probe.TransportAddress()
    assert _probe.transport_next_address(addresses, tried) == index
    assert _probe.transport_next_address(addresses[:1], tried) == 0


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (b"127.0.0.1:7;127.0.0.1:5", "tcp://127.0.0.1:7"),
        (b"127.0.0.1:0;127.0.0.1:5", "tcp://127.0.0.1:0"),
        (b"127.0.0.1:*;127.0.0.1:5", "tcp://127.0.0.1:0"),
        (b"127.0.0.1;127.0.0.1:5", "tcp://127.0.0.1:0"),
        (b"[fd00::1];[fd00::2]:5", "tcp://[fd00::1]:0"),
        (b"[fd00::1]:9;[fd00::2]:5", "tcp://[fd00::1]:9"),
        (b"127.0.0.1:5", None),
    ],
)
def test_tcp_source(text, source):
    a = _probe.TransportAddress.tcp_connect(text, True)
    assert a.error == 0
    assert a.source == source


def test_tcp_source_of_the_wrong_kind():
    assert _probe.TransportAddress.tcp_connect(b"[::1]:1;127.0.0.1:5", True).text == -errno.EAFNOSUPPORT
    assert _probe.TransportAddress.tcp_connect(b"nosuch:1;127.0.0.1:5", True).text == -errno.EAGAIN


@needs_loopback_name
def test_tcp_source_interface():
    a = _probe.TransportAddress.tcp_connect(loopback_name.encode() + b":3;127.0.0.1:5")
    assert a.source == "tcp://127.0.0.1:3"
