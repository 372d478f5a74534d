"""Connections through ssh: by the command and by paramiko, to a real sshd and to one that takes a password."""

import getpass
import inspect
import os
import shutil
import socket
import subprocess
import sys
import threading

import foreign
import pytest
from awaiting import SECONDS, until

pytest.importorskip("paramiko")

WAYS = pytest.mark.parametrize("paramiko", [pytest.param(False, id="ssh"), pytest.param(True, id="paramiko")])
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32" or shutil.which("ssh") is None, reason="there is no ssh"),
    pytest.mark.better,  # pyzmq starts tunnels that are not there yet, and to hosts that are not known
]


@pytest.fixture
def tunnel(submodule):
    return submodule("ssh.tunnel")


@pytest.fixture
def ends():
    """ends(tunnel): closed at the end; those of the command end by themselves."""
    made = []
    yield lambda one: made.append(one) or one
    for one in made:
        if hasattr(one, "terminate"):
            one.terminate()


def talk(req, rep):
    for body in (b"hello", b"x" * 3_000_000, b""):
        req.send(body)
        assert rep.recv() == body
        rep.send(body[::-1])
        assert req.recv() == body[::-1]


def listening(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


# -- with a key


@WAYS
def test_connection_through_sshd(make, tunnel, sshd, ends, paramiko):
    rep, req = make("REP"), make("REQ")
    port = rep.bind_to_random_port("tcp://127.0.0.1")
    address = f"tcp://127.0.0.1:{port}"
    ends(tunnel.tunnel_connection(req, address, sshd.name, keyfile=sshd.keyfile, paramiko=paramiko, timeout=1))
    assert req.last_endpoint != rep.last_endpoint
    talk(req, rep)


@WAYS
def test_open_tunnel_is_open(tunnel, sshd, ends, paramiko):
    with socket.create_server(("127.0.0.1", 0)) as target:
        port = target.getsockname()[1]
        url, made = tunnel.open_tunnel(
            f"tcp://localhost:{port}", sshd.name, keyfile=sshd.keyfile, paramiko=paramiko, timeout=1
        )
        ends(made)
        local = int(url.rpartition(":")[2])
        assert url == f"tcp://127.0.0.1:{local}"
        target.settimeout(SECONDS)
        with socket.create_connection(("127.0.0.1", local)) as near, target.accept()[0] as far:
            near.settimeout(SECONDS)
            far.settimeout(SECONDS)
            near.sendall(b"there")
            assert far.recv(10) == b"there"
            near.shutdown(socket.SHUT_WR)
            assert far.recv(10) == b""
            far.sendall(b"and back")  # half closed: the other direction goes on
            far.shutdown(socket.SHUT_WR)
            assert near.recv(10) == b"and back"
            assert near.recv(10) == b""


@WAYS
def test_passwordless(tunnel, sshd, password_server, paramiko):
    assert tunnel.try_passwordless_ssh(sshd.name, sshd.keyfile, paramiko) is True
    assert tunnel.try_passwordless_ssh(sshd.name, None, paramiko) is False
    assert tunnel.try_passwordless_ssh(password_server.name, sshd.keyfile, paramiko) is False


@WAYS
def test_target_that_is_not_there(tunnel, sshd, ends, paramiko):
    """The tunnel is open; a connection through it ends."""
    (dead,) = tunnel.select_random_ports(1)
    url, made = tunnel.open_tunnel(
        f"tcp://127.0.0.1:{dead}", sshd.name, keyfile=sshd.keyfile, paramiko=paramiko, timeout=1
    )
    ends(made)
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as near:
        near.settimeout(SECONDS)
        assert near.recv(1) == b""


def test_ssh_ends_when_it_is_not_used(tunnel, sshd):
    (dead,) = tunnel.select_random_ports(1)
    url, pid = tunnel.open_tunnel(f"tcp://127.0.0.1:{dead}", sshd.name, keyfile=sshd.keyfile, paramiko=False, timeout=1)
    assert isinstance(pid, int)
    local = int(url.rpartition(":")[2])
    assert listening(local)
    until(lambda: not listening(local), 2 * SECONDS)


# -- with a password


@WAYS
def test_password(make, tunnel, password_server, ends, paramiko):
    rep, req = make("REP"), make("REQ")
    address = f"tcp://127.0.0.1:{rep.bind_to_random_port('tcp://127.0.0.1')}"
    ends(tunnel.tunnel_connection(req, address, password_server.name, password=password_server.password, paramiko=paramiko, timeout=1))
    talk(req, rep)


@WAYS
def test_password_is_asked_for(make, tunnel, password_server, ends, monkeypatch, paramiko):
    asked = []
    monkeypatch.setattr(tunnel, "getpass", lambda prompt: asked.append(prompt) or password_server.password)
    rep, req = make("REP"), make("REQ")
    address = f"tcp://127.0.0.1:{rep.bind_to_random_port('tcp://127.0.0.1')}"
    ends(tunnel.tunnel_connection(req, address, password_server.name, paramiko=paramiko, timeout=1))
    talk(req, rep)
    assert len(asked) == 1 and password_server.name in asked[0]


@WAYS
def test_wrong_password(tunnel, password_server, paramiko):
    with pytest.raises(tunnel.SSHException) as caught:
        tunnel.open_tunnel("tcp://127.0.0.1:1", password_server.name, password="wrong", paramiko=paramiko)
    assert "wrong" not in str(caught.value)


@WAYS
def test_password_does_not_show_in_the_list_of_processes(make, tunnel, password_server, ends, paramiko):
    (port,) = tunnel.select_random_ports(1)
    ends(tunnel.open_tunnel(f"tcp://127.0.0.1:{port}", password_server.name, password=password_server.password, paramiko=paramiko, timeout=1)[1])
    listed = subprocess.run(["ps", "-eo", "args"], env=foreign.environment(), capture_output=True, text=True, check=True).stdout
    assert password_server.password not in listed


# -- what fails


@WAYS
def test_host_that_is_not_known_gets_no_password(tunnel, password_server, home, paramiko):
    (home / ".ssh" / "known_hosts").write_text("")
    with pytest.raises(tunnel.SSHException):
        tunnel.open_tunnel("tcp://127.0.0.1:1", password_server.name, password=password_server.password, paramiko=paramiko)
    assert tunnel.try_passwordless_ssh(password_server.name, None, paramiko) is False


@WAYS
def test_server_that_is_not_there(tunnel, home, paramiko):
    (dead,) = tunnel.select_random_ports(1)
    with pytest.raises(tunnel.SSHException):
        tunnel.open_tunnel("tcp://127.0.0.1:1", f"user@127.0.0.1:{dead}", password="-", paramiko=paramiko)


@WAYS
def test_local_port_that_is_taken(tunnel, sshd, paramiko):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        open_one = tunnel.paramiko_tunnel if paramiko else tunnel.openssh_tunnel
        with pytest.raises(tunnel.SSHException):
            open_one(taken.getsockname()[1], 1, sshd.name, keyfile=sshd.keyfile)


def test_missing_pexpect(tunnel, password_server, monkeypatch):
    monkeypatch.setitem(sys.modules, "pexpect", None)
    with pytest.raises(ImportError, match="pexpect"):
        tunnel.openssh_tunnel(1, 1, password_server.name, password=password_server.password)


@pytest.mark.parametrize("address", ["ipc:///tmp/x", "inproc://x", "127.0.0.1:5", "tcp://host", "tcp://host:*"])
def test_addresses_that_have_no_tunnel(tunnel, address):
    with pytest.raises(ValueError, match="tcp://host:port"):
        tunnel.open_tunnel(address, "nowhere")


def test_host_is_no_option(tunnel, home):
    """A server's name that begins with a dash is not taken for an option of ssh."""
    marker = home / "ran"
    assert tunnel.try_passwordless_ssh(f"-oProxyCommand=touch${{IFS}}{marker}", None, False) is False
    assert not marker.exists()


# -- a tunnel of paramiko's


def test_paramiko_tunnel_is_terminated(tunnel, sshd):
    (port,) = tunnel.select_random_ports(1)
    made = tunnel.paramiko_tunnel(port, 1, sshd.name, keyfile=sshd.keyfile)
    assert made.is_alive() and made.exitcode is None and made.pid > 0
    made.join(0)
    assert listening(port)
    made.terminate()
    assert not made.is_alive() and not listening(port)


def test_paramiko_tunnel_ends_with_its_program(tunnel, sshd):
    (port,) = tunnel.select_random_ports(1)
    program = (
        f"from zmqcore.ssh.tunnel import paramiko_tunnel; paramiko_tunnel({port}, 1, {sshd.name!r}, keyfile={sshd.keyfile!r});"
        "import os, signal; print('open', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=50)
    assert done.stdout == b"open\n"
    until(lambda: not listening(port))


def test_forward_tunnel(submodule, sshd, tunnel):
    forward = submodule("ssh.forward")
    client = tunnel.connect_paramiko(sshd.name, sshd.keyfile, None)
    (port,) = tunnel.select_random_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as target:
        arguments = (port, "127.0.0.1", target.getsockname()[1], client.get_transport())
        threading.Thread(target=forward.forward_tunnel, args=arguments, daemon=True).start()
        until(lambda: listening(port))
        target.settimeout(SECONDS)
        target.accept()[0].close()  # of the look
        with socket.create_connection(("127.0.0.1", port)) as near, target.accept()[0] as far:
            far.sendall(b"x")
            assert near.recv(1) == b"x"
    client.close()


# -- names


def test_random_ports(tunnel):
    ports = tunnel.select_random_ports(20)
    assert len(set(ports)) == 20 and all(1024 <= port < 65536 for port in ports)


def test_servers(tunnel):
    me = getpass.getuser()
    assert tunnel._split_server("host") == (me, "host", 22)
    assert tunnel._split_server("host:23") == (me, "host", 23)
    assert tunnel._split_server("user@host:23") == ("user", "host", 23)
    assert tunnel._split_server("user@domain@host") == ("user@domain", "host", 22)
    assert tunnel._split_server("user@[::1]:23") == ("user", "::1", 23)
    assert tunnel._split_server("[::1]") == (me, "::1", 22)
    assert tunnel._split_server("fe80::1") == (me, "fe80::1", 22)


def test_signatures_are_pyzmqs(tunnel):
    theirs = pytest.importorskip("zmq.ssh.tunnel")
    for name in (*theirs.__all__, "open_tunnel", "select_random_ports"):
        wanted = inspect.signature(getattr(theirs, name)).parameters.values()
        given = inspect.signature(getattr(tunnel, name)).parameters.values()
        assert [(one.name, one.default) for one in given] == [(one.name, one.default) for one in wanted]
    package = pytest.importorskip("zmqcore.ssh")
    assert all(hasattr(package, name) for name in theirs.__all__)
    assert tunnel.ssh_tunnel is tunnel.openssh_tunnel
    assert issubclass(tunnel.MaxRetryExceeded, Exception) and os.path.basename(tunnel.__file__) == "tunnel.py"
