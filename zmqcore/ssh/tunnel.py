"""ZeroMQ connections through ssh: by the command `ssh`, or by paramiko where there is none.

Rules
- The forwarded port is open when a function returns. What went wrong is raised.
- A host whose key is not known is refused: it could be anybody, and gets no password.
- The command asks for nothing by itself. A password that is needed and not given is asked for once, by getpass; passing it on takes pexpect.
- pexpect and paramiko are imported when they are needed.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from getpass import getpass, getuser
from typing import Any

from ..socket import Socket
from .forward import forward_tunnel as forward_tunnel

__all__ = ["tunnel_connection", "ssh_tunnel", "openssh_tunnel", "paramiko_tunnel", "try_passwordless_ssh"]

# How long a server may take to let somebody in, in seconds.
LOGIN = 60

# How often the end of a command that has a terminal is looked for, in seconds; its prompts are seen at once.
LOOK = 0.05

_PROMPT = re.compile(rb"(?i)pass(?:word|phrase)[^\r\n]*:\s*$")
_STRANGER = re.compile(rb"continue connecting")


class SSHException(RuntimeError):
    """A tunnel could not be opened."""


class MaxRetryExceeded(Exception):
    """Not raised any more: a password is asked for once."""


class ParamikoTunnel:
    """A tunnel in a process of its own, which ends with this one."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def exitcode(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.exitcode is None

    def terminate(self) -> None:
        """Close the tunnel."""
        atexit.unregister(self.terminate)
        self._process.terminate()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end.

        Args:
            timeout (float): seconds at most; None waits without limit. Default None.
        """
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass


def select_random_ports(n: int) -> list[int]:
    """Find free ports of this machine.

    Args:
        n (int): how many.

    Returns:
        list[int]: ports that nobody was using just now.
    """
    taken = []
    try:
        for _ in range(n):
            taken.append(socket.socket())
            taken[-1].bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]
    finally:
        for one in taken:
            one.close()


def _split_server(server: str) -> tuple[str, str, int]:
    """user, host and port of "user@host:port"."""
    user, at, rest = server.rpartition("@")
    host, colon, port = rest, "", ""
    if rest.startswith("["):  # an address of IPv6
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, colon, port = rest.partition(":")
    return (user if at else getuser()), host, int(port or 22)


def _split_address(addr: str) -> tuple[str, int]:
    """Host and port of a tcp endpoint."""
    found = re.fullmatch(r"tcp://(.+):(\d+)", addr)
    if found is None:
        raise ValueError(f"only tcp://host:port can be reached through a tunnel, not {addr!r}")
    return found[1], int(found[2])


def _ssh(server: str, keyfile: str | None, *options: str) -> list[str]:
    """The beginning of a command."""
    user, host, port = _split_server(server)
    command = ["ssh", "-p", str(port), "-o", f"ConnectTimeout={LOGIN}", *options]
    if "@" in server:
        command += ["-l", user]
    if keyfile:
        command += ["-i", keyfile]
    return [*command, "--", host]


def try_passwordless_ssh(server: str, keyfile: str | None, paramiko: bool | None = None) -> bool:
    """Find out whether a server lets one in without a password.

    Args:
        server (str): "user@host:port"; user and port may be missing.
        keyfile (str): a private key; None tries the usual ones.
        paramiko (bool): whether to use paramiko rather than the command ssh. Default None: where there is no such command.

    Returns:
        bool: whether it does.

    Raises:
        ImportError: paramiko is to be used and is not installed.
    """
    if _use_paramiko(paramiko):
        from paramiko import AuthenticationException
        from paramiko import SSHException as Refused

        try:
            connect_paramiko(server, keyfile, None).close()
        except (AuthenticationException, Refused):
            return False
        return True
    done = subprocess.run(
        [*_ssh(server, keyfile, "-o", "BatchMode=yes"), "exit"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def _use_paramiko(paramiko: bool | None) -> bool:
    return sys.platform == "win32" or shutil.which("ssh") is None if paramiko is None else paramiko


def tunnel_connection(
    socket: Socket[Any],
    addr: str,
    server: str,
    keyfile: str | None = None,
    password: str | None = None,
    paramiko: bool | None = None,
    timeout: int = 60,
) -> Any:
    """Connect a socket to an address that only a server can reach, through ssh.

    Args:
        socket (Socket): what to connect.
        addr (str): "tcp://host:port", as the server sees it.
        server (str): "user@host:port"; user and port may be missing.
        keyfile (str): a private key. Default None: the usual ones.
        password (str): of the user, or of the key. Default None: asked for if it is needed.
        paramiko (bool): whether to use paramiko rather than the command ssh. Default None: where there is no such command.
        timeout (int): how many seconds `ssh` waits for a first connection before it ends. Default 60.

    Returns:
        int | ParamikoTunnel: the tunnel; see `openssh_tunnel()` and `paramiko_tunnel()`.

    Raises:
        SSHException: the tunnel cannot be opened.
        ValueError: not such an address.
        ImportError: paramiko or pexpect is needed and not installed.
    """
    url, tunnel = open_tunnel(addr, server, keyfile, password, paramiko, timeout)
    socket.connect(url)
    return tunnel


def open_tunnel(
    addr: str,
    server: str,
    keyfile: str | None = None,
    password: str | None = None,
    paramiko: bool | None = None,
    timeout: int = 60,
) -> tuple[str, Any]:
    """Open a tunnel to an address that only a server can reach.

    Args:
        addr (str): "tcp://host:port", as the server sees it.
        server (str): "user@host:port"; user and port may be missing.
        keyfile (str): a private key. Default None: the usual ones.
        password (str): of the user, or of the key. Default None: asked for if it is needed.
        paramiko (bool): whether to use paramiko rather than the command ssh. Default None: where there is no such command.
        timeout (int): how many seconds `ssh` waits for a first connection before it ends. Default 60.

    Returns:
        tuple[str, Any]: the address to connect to, and the tunnel.

    Raises:
        SSHException: the tunnel cannot be opened.
        ValueError: not such an address.
        ImportError: paramiko or pexpect is needed and not installed.
    """
    host, rport = _split_address(addr)
    (lport,) = select_random_ports(1)
    open_one = paramiko_tunnel if _use_paramiko(paramiko) else openssh_tunnel
    tunnel = open_one(lport, rport, server, remoteip=host, keyfile=keyfile, password=password, timeout=timeout)
    return f"tcp://127.0.0.1:{lport}", tunnel


# -- the command ssh


def openssh_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str = "127.0.0.1",
    keyfile: str | None = None,
    password: str | None = None,
    timeout: int = 60,
) -> int:
    """Open a tunnel by the command ssh, which goes on in the background.

    It ends when there is no connection through it any more, but not before `timeout` seconds have passed.

    Args:
        lport (int): the port of this machine.
        rport (int): the port to reach.
        server (str): "user@host:port"; user and port may be missing.
        remoteip (str): the host to reach, as the server sees it. Default "127.0.0.1".
        keyfile (str): a private key. Default None: the usual ones.
        password (str): of the user, or of the key. Default None: asked for if it is needed.
        timeout (int): seconds. Default 60.

    Returns:
        int: the process id of the command that was run. It has gone to the background, as another process, and ends by itself.

    Raises:
        SSHException: the tunnel cannot be opened.
        ImportError: a password is needed and pexpect is not installed.
    """
    forward = f"127.0.0.1:{lport}:{remoteip}:{rport}"
    options = ["-f", "-S", "none", "-o", "ExitOnForwardFailure=yes", "-L", forward]
    sleep = ["sleep", str(int(timeout))]
    if password is None:
        if try_passwordless_ssh(server, keyfile, False):
            return _run([*_ssh(server, keyfile, *options, "-o", "BatchMode=yes"), *sleep])
        password = getpass(f"{server}'s password: ")
    return _run_with_password([*_ssh(server, keyfile, *options, "-o", "NumberOfPasswordPrompts=1"), *sleep], password)


ssh_tunnel = openssh_tunnel


def _run(command: list[str]) -> int:
    # The process in the background keeps what it writes to: a pipe would not end before it does.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        if process.wait() != 0:
            said.seek(0)
            raise SSHException(_failure(command, said.read()))
    return process.pid


def _run_with_password(command: list[str], password: str) -> int:
    try:
        import pexpect
    except ImportError:
        raise ImportError("pexpect is needed to pass a password to ssh: pip install pexpect, or use paramiko") from None
    # A program that asks in a window would take the terminal's place.
    environment = {name: value for name, value in os.environ.items() if name not in ("SSH_ASKPASS", "DISPLAY")}
    # The end of what has the terminal hangs up on the process that goes to the background, if that is not quick enough.
    child = pexpect.spawn(command[0], command[1:], env=environment, timeout=LOOK, echo=False, ignore_sighup=True)
    said = b""
    end = time.monotonic() + LOGIN
    told = False
    try:
        while True:
            seen = child.expect([_PROMPT, _STRANGER, pexpect.EOF, pexpect.TIMEOUT])
            if seen == 0:
                if told:
                    raise SSHException(f"{command[-3]}: the password was refused")
                told = True
                child.sendline(password)
                continue
            if seen == 1:
                raise SSHException(
                    f"the host key of {command[-3]} is not known: it may be anybody. Connect once by ssh, and compare the key."
                )
            said = child.before or b""
            if seen == 2 or not child.isalive():
                break
            if time.monotonic() > end:
                raise SSHException(f"{command[-3]} did not let us in within {LOGIN} seconds")
        child.wait()
        if child.exitstatus != 0:
            if told and b"denied" in said:
                raise SSHException(f"{command[-3]}: the password was refused")
            raise SSHException(_failure(command, said))
    finally:
        child.close(force=True)
    pid: int = child.pid
    return pid


def _failure(command: list[str], said: bytes) -> str:
    return f"the tunnel {' '.join(command)!r} failed to start: {said.decode(errors='replace').strip()}"


# -- paramiko


def paramiko_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str = "127.0.0.1",
    keyfile: str | None = None,
    password: str | None = None,
    timeout: float = 60,
) -> ParamikoTunnel:
    """Open a tunnel by paramiko, in a process of its own that ends with this one.

    Args:
        lport (int): the port of this machine.
        rport (int): the port to reach.
        server (str): "user@host:port"; user and port may be missing.
        remoteip (str): the host to reach, as the server sees it. Default "127.0.0.1".
        keyfile (str): a private key. Default None: the usual ones.
        password (str): of the user, or of the key. Default None: asked for if it is needed.
        timeout (float): how many seconds opening it may take. Default 60.

    Returns:
        ParamikoTunnel: has `pid`, `exitcode`, `is_alive()`, `join()` and `terminate()`.

    Raises:
        SSHException: the tunnel cannot be opened.
        ImportError: paramiko is not installed.
    """
    if password is None and not try_passwordless_ssh(server, keyfile, True):
        password = getpass(f"{server}'s password: ")
    from . import _forwarder

    job = {
        "path": sys.path, "module": _forwarder.__name__, "server": server, "keyfile": keyfile, "password": password,
        "lport": lport, "remoteip": remoteip.strip("[]"), "rport": rport,
    }  # fmt: skip
    process = subprocess.Popen(_forwarder.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    tunnel = ParamikoTunnel(process)
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or '{"error": "its process has ended"}')
        if "error" in answer:
            raise SSHException(f"the tunnel to {server} failed to start: {answer['error']}")
    except BaseException:
        tunnel.terminate()
        raise
    atexit.register(tunnel.terminate)
    return tunnel


def connect_paramiko(server: str, keyfile: str | None, password: str | None) -> Any:
    """A client of paramiko that is let in. A host that is not known is refused."""
    import paramiko

    user, host, port = _split_server(server)
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        client.connect(
            host, port, username=user, key_filename=keyfile, password=password, look_for_keys=keyfile is None, timeout=LOGIN
        )
    except BaseException:
        client.close()
        raise
    return client
