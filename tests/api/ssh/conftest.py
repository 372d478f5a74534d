"""ssh servers on loopback: a real sshd, and one of paramiko's that takes a password. Clients with a known_hosts of their own."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import sys

import foreign
import pytest
from awaiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="servers of POSIX")

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
SSH = shutil.which("ssh")


class Server:
    """Where it is, and how to get in."""

    def __init__(self, user, port, keyfile=None, password=None):
        self.port = port
        self.name = f"{user}@127.0.0.1:{port}"
        self.keyfile = keyfile
        self.password = password


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without keys, in which `ssh` knows only the hosts that a test has told it."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    known = folder / ".ssh" / "known_hosts"
    known.touch()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    if SSH is not None:
        bin_folder = tmp_path / "bin"
        bin_folder.mkdir()
        config = tmp_path / "ssh_config"
        config.write_text(f"UserKnownHostsFile {known}\nGlobalKnownHostsFile none\nIdentityFile none\nIdentitiesOnly yes\n")
        command = bin_folder / "ssh"
        # Python: ssh runs without a sanitizer, and sh does not start with ThreadSanitizer's library.
        words = f"[{SSH!r}, '-F', {str(config)!r}, *sys.argv[1:]]"
        command.write_text(f"#!{sys.executable} -IS\nimport os, sys\nos.environ.pop('LD_PRELOAD', None)\nos.execv({SSH!r}, {words})\n")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def know(home):
    """know(port, public key): has the host known from now on."""

    def know(port, key):
        with (home / ".ssh" / "known_hosts").open("a") as known:
            known.write(f"[127.0.0.1]:{port} {' '.join(key.split()[:2])}\n")

    return know


@pytest.fixture
def sshd(tmp_path, know):
    """A real one that lets this user in with a key."""
    if SSHD is None or shutil.which("ssh-keygen") is None:
        pytest.skip("there is no sshd")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], env=foreign.environment(), check=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config = tmp_path / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/user.pub\n"
        f"StrictModes no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
    )
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)  # where it has no privileges
    log = (tmp_path / "sshd.log").open("wb")
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log, env=foreign.environment())

    def listens():
        assert process.poll() is None, (tmp_path / "sshd.log").read_text()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    until(listens)
    know(port, (tmp_path / "host.pub").read_text())
    yield Server(getpass.getuser(), port, keyfile=str(tmp_path / "user"))
    process.terminate()
    process.wait()
    log.close()


@pytest.fixture
def password_server(know):
    """One that lets "user" in with its password, which stands in the command of no other process."""
    import ssh_server  # needs paramiko

    password = secrets.token_hex()
    server = ssh_server.PasswordServer("user", password)
    know(server.port, f"{server.key.get_name()} {server.key.get_base64()}")
    yield Server("user", server.port, password=password)
    server.stop()
