"""Endpoints, tcp and ipc addresses, and the descriptors made from them."""

import contextlib
import errno
import os
import select
import socket
import stat
import sys

import pytest

from zmqcore import _probe

LINUX = sys.platform.startswith("linux")
POSIX = os.name == "posix"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")
loopback_name = next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
needs_loopback_name = pytest.mark.skipif(loopback_name is None, reason="the loopback interface has no usual name")


@contextlib.contextmanager
def closing(*fds):
    try:
        yield
    finally:
        for fd in fds:
            assert fd < 0 or _probe.base_close(fd) == 0


def wait_for(fd, events=select.POLLIN):
    p = select.poll()
    p.register(fd, events)
    assert p.poll(10_000), "nothing happened"


def connect(address, **options):
    """A finished connection's descriptor, or the negative errno it ended with."""
    fd, under_way = address.open(**options)
    if fd < 0:
        return fd
    if under_way:
        wait_for(fd, select.POLLOUT)
    rc = _probe.transport_finish(fd)
    if rc < 0:
        _probe.base_close(fd)
    return fd if rc == 0 else rc


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
def test_protocol(endpoint, answer):
    assert _probe.transport_protocol(endpoint) == answer


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


# ---- tcp: descriptors ----


def listener(text=b"127.0.0.1:*", ipv6=False, **options):
    a = _probe.TransportAddress.tcp_bind(text, ipv6)
    assert a.error == 0
    return a.listen(**options)


def peer_of(fd, ipv6=False):
    text = _probe.transport_name(fd, False).removeprefix("tcp://").encode()
    a = _probe.TransportAddress.tcp_connect(text.replace(b"[::]", b"[::1]").replace(b"0.0.0.0", b"127.0.0.1"), ipv6)
    assert a.error == 0
    return a


def option(fd, level, name):
    with socket.socket(fileno=os.dup(fd)) as s:
        return s.getsockopt(level, name)


def test_tcp_connection():
    server = listener()
    client = connect(peer_of(server))
    assert client >= 0
    wait_for(server)
    accepted = _probe.transport_tcp_accept(server)
    with closing(server, client, accepted):
        assert _probe.transport_tcp_accept(server) == -errno.EAGAIN
        assert _probe.transport_name(accepted, True) == _probe.transport_name(client, False)
        assert _probe.transport_peer_ip(accepted) == "127.0.0.1"
        for fd in (server, client, accepted):
            assert not os.get_blocking(fd)
            assert not os.get_inheritable(fd)
        for fd in (client, accepted):
            assert option(fd, socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert _probe.base_recv(client, 10) == -errno.EAGAIN
        assert _probe.base_send(accepted, b"hello") == 5
        wait_for(client)
        assert _probe.base_recv(client, 10) == b"hello"


def test_tcp_tuning():
    wanted = {
        "sndbuf": 65536,
        "rcvbuf": 65536,
        "keepalive": 1,
        "keepalive_cnt": 3,
        "keepalive_idle": 40,
        "keepalive_intvl": 7,
        "tos": 0x28,
        "maxrt_ms": 5000,
        "priority": 3,
    }
    server = listener(**wanted)
    client = connect(peer_of(server), **wanted)
    wait_for(server)
    accepted = _probe.transport_tcp_accept(server, **wanted)
    with closing(server, client, accepted):
        for fd in (client, accepted):
            assert option(fd, socket.SOL_SOCKET, socket.SO_SNDBUF) >= 65536
            assert option(fd, socket.SOL_SOCKET, socket.SO_RCVBUF) >= 65536
            assert option(fd, socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert option(fd, socket.IPPROTO_IP, socket.IP_TOS) == 0x28
            if LINUX:
                assert option(fd, socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3
                assert option(fd, socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 40
                assert option(fd, socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 7
                assert option(fd, socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
                assert option(fd, socket.SOL_SOCKET, socket.SO_PRIORITY) == 3


@pytest.mark.skipif(not LINUX, reason="SO_BINDTODEVICE is Linux'")
def test_tcp_bind_to_device():
    assert listener(bindtodevice=b"nosuchdev") in (-errno.ENODEV, -errno.EPERM)
    fd = listener(bindtodevice=b"lo")
    if fd >= 0:
        with closing(fd):
            with socket.socket(fileno=os.dup(fd)) as s:
                assert s.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"
    else:
        assert fd == -errno.EPERM


def test_tcp_listen_errors():
    server = listener()
    with closing(server):
        taken = _probe.transport_name(server, False).removeprefix("tcp://").encode()
        assert listener(taken) == -errno.EADDRINUSE
    again = listener(taken)
    with closing(again):
        assert again >= 0, "free at once"
    assert listener(b"192.0.2.77:*") == -errno.EADDRNOTAVAIL


def test_tcp_rebind_while_an_old_connection_lingers():
    server = listener()
    address = _probe.transport_name(server, False).removeprefix("tcp://").encode()
    client = connect(peer_of(server))
    wait_for(server)
    accepted = _probe.transport_tcp_accept(server)
    with closing(client):
        # Who closes first keeps the port in TIME_WAIT.
        _probe.base_close(accepted)
        _probe.base_close(server)
        wait_for(client)
    again = listener(address)
    with closing(again):
        assert again >= 0


@needs_ipv6
def test_tcp_dual_stack():
    server = listener(b"*:*", True)
    port = int(_probe.transport_name(server, False).rsplit(":", 1)[1])
    assert _probe.transport_name(server, False) == f"tcp://[::]:{port}"
    with closing(server):
        for text in (b"127.0.0.1:%d" % port, b"[::1]:%d" % port):
            client = connect(_probe.TransportAddress.tcp_connect(text, True))
            wait_for(server)
            accepted = _probe.transport_tcp_accept(server)
            with closing(client, accepted):
                assert accepted >= 0
                assert _probe.transport_peer_ip(accepted).endswith(text[: text.rindex(b":")].strip(b"[]").decode())


@needs_ipv6
def test_tcp_dual_stack_on_a_v4_address():
    server = listener(b"127.0.0.1:*", True)
    client = connect(peer_of(server, True))
    with closing(server, client):
        assert _probe.transport_name(server, False).startswith("tcp://[::ffff:127.0.0.1]:")
        assert client >= 0


def test_tcp_refused():
    server = listener()
    a = peer_of(server)
    _probe.base_close(server)
    assert connect(a) == -errno.ECONNREFUSED


def test_tcp_self_connection_is_found():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.connect(s.getsockname())  # simultaneous open with ourselves
        assert _probe.transport_finish(s.fileno()) == -errno.ECONNABORTED


def test_tcp_source_is_used():
    server = listener()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    target = _probe.transport_name(server, False).removeprefix("tcp://").encode()
    for source, wanted in ((b"127.0.0.1:%d" % port, port), (b"127.0.0.1:0", None)):
        client = connect(_probe.TransportAddress.tcp_connect(source + b";" + target))
        assert client >= 0
        with closing(client):
            assert wanted in (None, int(_probe.transport_name(client, False).rsplit(":", 1)[1]))
    a = _probe.TransportAddress.tcp_connect(b"192.0.2.77:0;" + target)
    with closing(server):
        assert a.open()[0] == -errno.EADDRNOTAVAIL


def test_tcp_use_fd():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        assert listener(use_fd=s.fileno()) == s.fileno()
        assert not os.get_blocking(s.fileno())
        client = connect(peer_of(s.fileno()))
        wait_for(s.fileno())
        accepted = _probe.transport_tcp_accept(s.fileno())
        with closing(client, accepted):
            assert accepted >= 0


def test_names_of_what_is_no_connection():
    server = listener()
    with closing(server):
        assert _probe.transport_name(server, True) == -errno.ENOTCONN
        assert _probe.transport_peer_ip(server) == -errno.ENOTCONN


# ---- accept filters ----


@pytest.mark.parametrize(
    ("text", "peer", "answer"),
    [
        (b"127.0.0.1", b"127.0.0.1", True),
        (b"127.0.0.1/32", b"127.0.0.1", True),
        (b"127.0.0.2", b"127.0.0.1", False),
        (b"127.0.0.0/8", b"127.9.9.9", True),
        (b"127.0.0.0/8", b"128.0.0.1", False),
        (b"10.1.2.0/23", b"10.1.3.255", True),
        (b"10.1.2.0/23", b"10.1.4.0", False),
        (b"10.1.2.129/25", b"10.1.2.128", True),
        (b"10.1.2.129/25", b"10.1.2.127", False),
        (b"0.0.0.0/0", b"8.8.8.8", True),
        (b"0.0.0.0/0", b"::1", False),
        (b"::1", b"::1", True),
        (b"[::1]/128", b"::1", True),
        (b"fd00::/9", b"fd7f::1", True),
        (b"fd00::/9", b"fd80::1", False),
        (b"::/0", b"fd80::1", True),
        (b"::ffff:10.0.0.0/104", b"10.9.9.9", True),
        (b"::ffff:10.0.0.0/104", b"11.9.9.9", False),
        (b"127.0.0.1/33", b"127.0.0.1", -errno.EINVAL),
        (b"127.0.0.1/-1", b"127.0.0.1", -errno.EINVAL),
        (b"127.0.0.1/", b"127.0.0.1", -errno.EINVAL),
        (b"127.0.0.1/8x", b"127.0.0.1", -errno.EINVAL),
        (b"127.0.0.1/ 8", b"127.0.0.1", -errno.EINVAL),
        (b"::1/129", b"127.0.0.1", -errno.EINVAL),
        (b"/8", b"127.0.0.1", -errno.EINVAL),
        (b"localhost", b"127.0.0.1", -errno.EINVAL),
        (b"a/b/c", b"127.0.0.1", -errno.EINVAL),
        (b"", b"127.0.0.1", -errno.EINVAL),
        (b"1" * 300, b"127.0.0.1", -errno.EINVAL),
    ],
)
def test_accept_filter(text, peer, answer):
    assert _probe.transport_cidr(text, peer) == answer


def test_accept_filter_sees_mapped_peers_as_v4():
    assert _probe.transport_cidr_mapped(b"127.0.0.0/8", b"127.0.0.1") is True
    assert _probe.transport_cidr_mapped(b"128.0.0.0/8", b"127.0.0.1") is False


def test_accept_filters_close_strangers():
    server = listener()
    client = connect(peer_of(server))
    with closing(server, client):
        wait_for(server)
        assert _probe.transport_tcp_accept(server, (b"10.0.0.0/8", b"::1")) == -errno.EACCES
        wait_for(client)
        assert _probe.base_recv(client, 1) in (b"", -errno.ECONNRESET)
        friend = connect(peer_of(server))
        wait_for(server)
        accepted = _probe.transport_tcp_accept(server, (b"10.0.0.0/8", b"127.0.0.0/8"))
        with closing(friend, accepted):
            assert accepted >= 0


# ---- ipc ----


@pytest.fixture
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("i") / "s"
    assert len(str(made)) <= 100, "the temporary directory's name is too long for a socket"
    return made


def ipc(text):
    return _probe.TransportAddress.ipc(os.fsencode(text))


def test_ipc_addresses():
    assert ipc("/tmp/x").text == "ipc:///tmp/x"
    assert ipc("relative").text == "ipc://relative"
    assert ipc("").text == -errno.EINVAL
    assert ipc("@").text == -errno.EINVAL
    assert ipc("a\0b").text == -errno.EINVAL
    assert ipc("x" * 108).text == -errno.ENAMETOOLONG
    assert ipc("@" + "x" * 107).text == -errno.ENAMETOOLONG
    if LINUX:
        assert ipc("x" * 107).text == "ipc://" + "x" * 107
        assert ipc("@" + "x" * 106).text == "ipc://@" + "x" * 106


def test_ipc_connection(path):
    a = ipc(path)
    server = a.listen()
    assert server >= 0
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    client = connect(ipc(path))
    wait_for(server)
    accepted = _probe.transport_ipc_accept(server)
    with closing(server, client, accepted):
        assert client >= 0
        for fd in (server, client, accepted):
            assert not os.get_blocking(fd)
            assert not os.get_inheritable(fd)
        assert _probe.transport_ipc_accept(server) == -errno.EAGAIN
        assert _probe.base_send(client, b"hello") == 5
        wait_for(accepted)
        assert _probe.base_recv(accepted, 10) == b"hello"
        assert _probe.transport_peer_ip(accepted) < 0
        if LINUX:
            mine = f":{os.getuid()}:{os.getgid()}:{os.getpid()}"
            assert _probe.transport_ipc_credentials(accepted) == mine
    a.unlink()
    assert not path.exists()
    a.unlink()


@pytest.mark.skipif(not LINUX, reason="abstract names are Linux'")
def test_ipc_abstract_name():
    name = f"@zmqcore-test-{os.getpid()}"
    a = ipc(name)
    server = a.listen()
    client = connect(ipc(name))
    with closing(server, client):
        assert client >= 0
        assert not os.path.exists(name)
        assert ipc(name).listen() == -errno.EADDRINUSE
    a.unlink()


def test_ipc_live_listener_keeps_its_path(path):
    a = ipc(path)
    server = a.listen()
    with closing(server):
        b = ipc(path)
        assert b.listen() == -errno.EADDRINUSE
        b.unlink()
        assert path.exists()
        client = connect(ipc(path))
        with closing(client):
            assert client >= 0
    a.unlink()


def test_ipc_live_listener_with_a_full_queue_keeps_its_path(path):
    server = ipc(path).listen(backlog=0)
    clients = []
    while len(clients) < 10:
        fd, _ = ipc(path).open()
        if fd < 0:
            assert fd == -errno.ECONNREFUSED
            break
        clients.append(fd)
    with closing(server, *clients):
        assert ipc(path).listen() == -errno.EADDRINUSE


def test_ipc_dead_socket_file_is_replaced(path):
    _probe.base_close(ipc(path).listen())
    assert path.exists()
    a = ipc(path)
    server = a.listen()
    client = connect(ipc(path))
    with closing(server, client):
        assert server >= 0
        assert client >= 0
    a.unlink()
    assert not path.exists()


def test_ipc_other_files_are_left_alone(path):
    path.write_text("precious")
    assert ipc(path).listen() == -errno.EADDRINUSE
    assert path.read_text() == "precious"
    assert ipc(path.parent).listen() == -errno.EADDRINUSE
    path.unlink()
    path.symlink_to(path.parent / "elsewhere")
    assert ipc(path).listen() == -errno.EADDRINUSE
    assert path.is_symlink()
    assert ipc(path.parent / "nosuch" / "s").listen() == -errno.ENOENT


def test_ipc_unlink_spares_a_successor(path):
    a = ipc(path)
    server = a.listen()
    path.unlink()
    path.write_text("another")
    with closing(server):
        a.unlink()
    assert path.read_text() == "another"


def test_ipc_wildcard(tmp_path, monkeypatch):
    a, b = ipc("*"), ipc("*")
    servers = a.listen(), b.listen()
    with closing(*servers):
        assert a.text != b.text
        made = a.text.removeprefix("ipc://")
        assert stat.S_IMODE(os.stat(os.path.dirname(made)).st_mode) == 0o700
        client = connect(ipc(made))
        with closing(client):
            assert client >= 0
    a.unlink()
    b.unlink()
    assert not os.path.exists(os.path.dirname(made))


def test_ipc_wildcard_in_too_long_a_directory(tmp_path, monkeypatch):
    long = tmp_path / ("d" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    assert ipc("*").listen() == -errno.ENAMETOOLONG
    assert list(long.iterdir()) == []


def test_ipc_nobody_there(path):
    assert ipc(path).open()[0] == -errno.ENOENT
    _probe.base_close(ipc(path).listen())
    assert ipc(path).open()[0] == -errno.ECONNREFUSED


@pytest.mark.skipif(not LINUX, reason="credentials differ elsewhere")
@pytest.mark.parametrize(
    ("lists", "welcome"),
    [
        ({}, True),
        ({"uids": [12345]}, False),
        ({"uids": [12345, "uid"]}, True),
        ({"gids": [54321]}, False),
        ({"gids": ["gid"]}, True),
        ({"pids": [1]}, False),
        ({"pids": ["pid"]}, True),
        ({"uids": [12345], "pids": ["pid"]}, True),
    ],
)
def test_ipc_filters(path, lists, welcome):
    mine = {"uid": os.getuid(), "gid": os.getgid(), "pid": os.getpid()}
    lists = {name: [mine.get(n, n) for n in values] for name, values in lists.items()}
    server = ipc(path).listen()
    client = connect(ipc(path))
    wait_for(server)
    accepted = _probe.transport_ipc_accept(server, **lists)
    with closing(server, client, accepted):
        assert (accepted >= 0) is welcome
        if not welcome:
            assert accepted == -errno.EACCES
            wait_for(client)
            assert _probe.base_recv(client, 1) == b""


def test_ipc_use_fd(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        a = ipc(path)
        assert a.listen(use_fd=s.fileno()) == s.fileno()
        a.unlink()
        assert path.exists(), "not ours to remove"
