"""Descriptors made from tcp addresses, and who may connect to them."""

import os
import socket

import pytest
from descriptors import LINUX, POSIX, closing, connect, needs_ipv6, wait_for
from platforms import errno

from zmqcore import _probe


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
    """Without os.dup(), which knows no sockets of Windows."""
    lent = socket.socket(fileno=fd)
    try:
        return lent.getsockopt(level, name)
    finally:
        lent.detach()


def test_tcp_connection():
    server = listener()
    client = connect(peer_of(server))
    assert client >= 0
    wait_for(server)
    accepted = _probe.transport_tcp_accept(server)
    with closing(server, client, accepted):
        assert _probe.transport_tcp_accept(server) == -errno.EAGAIN
        assert _probe.transport_name(accepted, True) == _probe.transport_name(client, False)
        assert _probe.transport_peer(b"tcp", accepted) == "127.0.0.1"
        for fd in (server, client, accepted) if POSIX else ():
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
                try:
                    device = s.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
                except OSError:
                    pytest.skip("SO_BINDTODEVICE can be set here, but not read (qemu-user)")
                assert device.rstrip(b"\0") == b"lo"
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
                assert _probe.transport_peer(b"tcp", accepted).endswith(text[: text.rindex(b":")].strip(b"[]").decode())


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
        assert not POSIX or not os.get_blocking(s.fileno())
        client = connect(peer_of(s.fileno()))
        wait_for(s.fileno())
        accepted = _probe.transport_tcp_accept(s.fileno())
        with closing(client, accepted):
            assert accepted >= 0


def test_names_of_what_is_no_connection():
    server = listener()
    with closing(server):
        assert _probe.transport_name(server, True) == -errno.ENOTCONN
        assert _probe.transport_peer(b"tcp", server) == -errno.ENOTCONN


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
        (b"127.0.0.1/8x", b"127.9.9.9", True),  # as C's atoi() reads a number
        (b"127.0.0.1/ 8", b"127.9.9.9", True),
        (b"127.1/16", b"127.0.9.9", True),
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
