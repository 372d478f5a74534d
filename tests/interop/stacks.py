"""The two sides of an interoperability test behind one face: `Remote` commands a peer process, `Local` the module here.

Both offer open, send, recv and close with the words of peers/words.py; recv returns digests.
"""
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import foreign
import pytest
from words import digest, parse_frame

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("ZMQCORE_PEERS", Path.home() / ".cache" / "zmqcore-peers"))
# Those of more_peers.sh.
MORE = {"omq": "omq_peer", "zmq.rs": "zmqrs_peer", "go-zeromq": "go_peer"}
ANSWER_SECONDS = 25.0  # longer than any wait inside a peer, so that the peer's own error is seen first


class PeerError(Exception):
    pass


def command_of(stack):
    """The command line of a stack's peer process, or a failure that tells what to install."""
    if sys.platform == "win32" and stack not in ("pyzmq", "self"):
        pytest.skip(f"no {stack} peer for Windows is fetched")
    peers = HERE / "peers"
    if stack == "self":
        return [sys.executable, str(peers / "pyzmq_peer.py"), os.environ.get("ZMQ_MODULE", "zmqcore")]
    if stack == "pyomq":
        return [os.environ.get("PYOMQ_PYTHON", sys.executable), str(peers / "pyzmq_peer.py"), "pyomq"]
    if stack == "pyzmq":
        return [os.environ.get("PYZMQ_PYTHON", sys.executable), str(peers / "pyzmq_peer.py"), "zmq"]
    if stack == "libzmq":
        return [sys.executable, str(peers / "libzmq_ctypes_peer.py"), os.environ.get("LIBZMQ", "libzmq.so.5")]
    if stack == "jeromq":
        jars = list(CACHE.glob("jeromq-*.jar"))
        if not jars or not (CACHE / "Peer.class").exists() or not shutil.which("java"):
            raise PeerError("JeroMQ's peer is not installed: run tests/interop/peers.sh")
        # A small heap and the serial collector: the peer must not steal the second core from the module under test.
        classpath = os.pathsep.join(map(str, [*CACHE.glob("*.jar"), CACHE]))
        return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", classpath, "Peer"]
    if stack == "zeromq.js":
        return ["node", "--no-warnings", str(peers / "zeromq_peer.js")]
    if stack in MORE:
        if not (CACHE / MORE[stack]).exists():
            raise PeerError(f"the {stack} peer is not built: run tests/interop/more_peers.sh")
        return [str(CACHE / MORE[stack])]
    raise ValueError(stack)


def listen(stream, lines):
    """On a thread of its own, because no call of Windows waits for a pipe with a timeout: the lines that come; b"" is the end."""
    with open(stream.fileno(), "rb", closefd=False) as buffered:
        while line := buffered.readline():
            lines.put(line)
    lines.put(b"")


class Remote:
    """One long-lived peer process; started at the first command and again after it has died or stalled."""

    def __init__(self, stack):
        self.stack = stack
        self.process = None
        self.version = ""

    def start(self):
        # Also the package that was found by the current directory, but never another than the one under test.
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), str(HERE.parents[1])]))
        environment = dict(os.environ) if self.stack == "self" else foreign.environment()
        environment.update(PYTHONPATH=path, ZMQCORE_PEERS=str(CACHE))
        self.process = subprocess.Popen(command_of(self.stack), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0, env=environment)
        self.lines = queue.SimpleQueue()
        self.listener = threading.Thread(target=listen, args=(self.process.stdout, self.lines), daemon=True)
        self.listener.start()
        try:
            greeting = self.line()
        except PeerError as error:
            hint = "install the peers with tests/interop/peers.sh"
            raise PeerError(f"the {self.stack} peer does not start: {error} ({hint})") from None
        self.version = greeting.removeprefix("ready ")

    def line(self):
        try:
            line = self.lines.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            line = None
        if line:
            return line.rstrip(b"\r\n").decode()
        self.process.kill()
        said = self.process.stderr.read().decode(errors="replace").strip()[-500:]
        self.stop()
        raise PeerError(f"{self.stack} peer {'gave no answer' if line is None else 'ended: ' + said}")

    def call(self, *words):
        if self.process is None:
            self.start()
        self.process.stdin.write((" ".join(words) + "\n").encode())
        reply = self.line()
        verdict, _, rest = reply.partition(" ")
        if verdict != "ok":
            raise PeerError(f"{self.stack} peer: {rest}")
        return rest.strip()

    def open(self, name, kind, how, endpoint, **options):
        words = [f"{key}={'x' + value.hex() if isinstance(value, bytes) else value}" for key, value in options.items()]
        return self.call("open", name, kind, how, endpoint, *words)

    def send(self, name, *frames):
        self.call("send", name, *frames)

    def recv(self, name, timeout=10000):
        return self.call("recv", name, str(timeout)).split()

    def close(self, name):
        if self.process is not None:
            self.call("close", name)

    def stop(self):
        process, self.process = self.process, None
        if process is None:
            return
        try:
            process.stdin.write(b"quit\n")
            process.wait(2)
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        self.listener.join(ANSWER_SECONDS)
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


class Local:
    """The module under test in this process, with the face of a peer. A message of RADIO and DISH is its group and its body."""

    def __init__(self, zmq):
        self.zmq = zmq
        self.context = zmq.Context()
        self.sockets = {}
        self.last = {}

    def open(self, name, kind, how, endpoint, **options):
        socket = self.context.socket(getattr(self.zmq, kind))
        self.sockets[name] = socket
        socket.linger = 0
        socket.sndtimeo = 10000
        if "JOIN" in options:
            socket.join(options.pop("JOIN"))
        for key, value in options.items():
            socket.setsockopt(getattr(self.zmq, key), value)
        if how == "bind":
            socket.bind(endpoint)
            return socket.getsockopt(self.zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        socket.connect(endpoint)
        return endpoint

    def send(self, name, *frames):
        bodies = [parse_frame(word, self.last.get(name, [])) for word in frames]
        socket = self.sockets[name]
        try:
            if socket.type == self.zmq.RADIO:
                socket.send(bodies[1], group=bodies[0].decode())
            else:
                socket.send_multipart(bodies)
        except self.zmq.ZMQError as error:
            text = "EHOSTUNREACH" if error.errno == self.zmq.EHOSTUNREACH else str(error)
            raise PeerError(f"local {name}: {text}") from None

    def recv(self, name, timeout=10000):
        socket = self.sockets[name]
        socket.rcvtimeo = timeout
        try:
            if socket.type == self.zmq.DISH:
                frame = socket.recv(copy=False)
                self.last[name] = [frame.group.encode(), frame.bytes]
            else:
                self.last[name] = socket.recv_multipart()
        except self.zmq.Again:
            raise PeerError(f"local {name}: EAGAIN") from None
        return [digest(frame) for frame in self.last[name]]

    def close(self, name):
        if name in self.sockets:
            self.sockets.pop(name).close()
        self.last.pop(name, None)

    def stop(self):
        self.context.destroy(linger=0)
