"""ipc addresses and the descriptors made from them."""

import os
import socket
import stat

import pytest
from descriptors import LINUX, closing, connect, wait_for
from platforms import errno
from transports import LOCAL

from zmqcore import _probe

pytestmark = pytest.mark.skipif(not LOCAL, reason="no sockets of the family AF_UNIX on this system")


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
    assert ipc("x" * 108).text == "ipc://" + "x" * 108
    assert ipc("x" * 4095).text == "ipc://" + "x" * 4095
    assert ipc("x" * 4096).text == -errno.ENAMETOOLONG
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
        assert _probe.transport_peer(b"tcp", accepted) < 0
        if LINUX:
            mine = f":{os.getuid()}:{os.getgid()}:{os.getpid()}"
            assert _probe.transport_peer(b"ipc", accepted) == mine
    a.unlink()
    assert not path.exists()
    a.unlink()


@pytest.mark.skipif(not LINUX, reason="abstract names are Linux'")
@pytest.mark.better
@pytest.mark.parametrize("wanted, at_least, at_most", [({}, 300000, 1 << 21), ({"sndbuf": 32768, "rcvbuf": 32768}, 32768, 65536)])
def test_ipc_buffers(path, wanted, at_least, at_most):
    """Of both ends; Linux grants twice what is asked for, or twice the system's limit."""
    server = ipc(path).listen(**wanted)
    client = connect(ipc(path), **wanted)
    wait_for(server)
    accepted = _probe.transport_ipc_accept(server, **wanted)
    with closing(server, client, accepted):
        for fd in (client, accepted):
            with socket.socket(fileno=os.dup(fd)) as s:
                for name in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    assert at_least <= s.getsockopt(socket.SOL_SOCKET, name) <= at_most


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
    a = ipc("*")
    with closing(a.listen()):
        assert list(long.iterdir()) == []
        assert os.path.exists(a.text.removeprefix("ipc://"))
    a.unlink()
    assert not os.path.exists(os.path.dirname(a.text.removeprefix("ipc://")))


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
