"""A ZMTP peer played by hand on a plain stream socket: golden bytes go out and come in here, no ZeroMQ stack is involved."""
import os
import select
import socket
import time

SIGNATURE = bytes.fromhex("ff00000000000000017f")
MORE, LONG, COMMAND = 1, 2, 4
WITH_IDENTITY = {"REQ", "DEALER", "ROUTER"}
PARTNER = {"REQ": "REP", "REP": "REQ", "DEALER": "ROUTER", "ROUTER": "DEALER", "PUB": "SUB", "XPUB": "XSUB", "SUB": "PUB",
           "XSUB": "XPUB", "PUSH": "PULL", "PULL": "PUSH", "PAIR": "PAIR"}
SECONDS = 15.0  # only a failure takes them


def greeting(minor=1, mechanism=b"NULL", major=3):
    return SIGNATURE + bytes([major, minor]) + mechanism.ljust(20, b"\0") + bytes(32)


def frame(body, flags=0):
    if len(body) > 255:
        return bytes([flags | LONG]) + len(body).to_bytes(8, "big") + body
    return bytes([flags, len(body)]) + body


def message(*bodies):
    return b"".join(frame(body, MORE) for body in bodies[:-1]) + frame(bodies[-1])


def command(name, data=b""):
    return frame(bytes([len(name)]) + name + data, COMMAND)


def metadata(*properties):
    return b"".join(bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value for name, value in properties)


def ready(kind, identity=b""):
    """The READY that libzmq's socket of this type sends."""
    properties = [(b"Socket-Type", kind.encode())]
    if kind in WITH_IDENTITY:
        properties.append((b"Identity", identity))
    return command(b"READY", metadata(*properties))


class Raw:
    """One end of a connection. Reads fail loudly after SECONDS."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(SECONDS)
        if connection.family != getattr(socket, "AF_UNIX", None):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, octets):
        self.socket.sendall(octets)

    def send_slowly(self, octets):
        """One octet per segment; TCP_NODELAY is set, so each travels alone unless the reader is late."""
        for octet in octets:
            self.socket.sendall(bytes([octet]))

    def read(self, count):
        octets = b""
        while len(octets) < count:
            piece = self.socket.recv(count - len(octets))
            assert piece, f"closed by the other side after {octets.hex()}"
            octets += piece
        return octets

    def expect(self, octets):
        assert self.read(len(octets)).hex() == octets.hex()

    def silent(self, seconds=0.05):
        ready_to_read, _, _ = select.select([self.socket], [], [], seconds)
        assert not ready_to_read, f"unexpected: {self.socket.recv(4096)!r}"

    def read_frame(self):
        flags = self.read(1)[0]
        size = int.from_bytes(self.read(8 if flags & LONG else 1), "big")
        return flags & ~LONG, self.read(size)

    def read_message(self):
        bodies = []
        while True:
            flags, body = self.read_frame()
            assert not flags & COMMAND, f"command {body!r}"
            bodies.append(body)
            if not flags & MORE:
                return bodies

    def wait_closed(self, seconds=SECONDS):
        """Reads and forgets until the other side has closed; fails if it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            readable, _, _ = select.select([self.socket], [], [], deadline - time.monotonic())
            if readable:
                try:
                    if not self.socket.recv(65536):
                        return
                except ConnectionError:
                    return
        raise AssertionError("the other side did not close the connection")

    def shake(self, own_kind, minor=1, identity=b""):
        """The whole handshake as a peer of type `own_kind`; returns the other side's READY body."""
        self.send(greeting(minor) + ready(own_kind, identity))
        self.read(64)
        flags, body = self.read_frame()
        assert flags == COMMAND and body.startswith(b"\x05READY")
        return body

    def shake_after_signature(self, own_kind):
        """The rest of the handshake when the other side's signature has been read already."""
        self.send(greeting() + ready(own_kind))
        self.expect(greeting()[len(SIGNATURE):] + ready(PARTNER[own_kind]))

    def close(self):
        self.socket.close()


class Listener:
    """A raw server for the module under test to connect to."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(SECONDS)
        self.endpoint = f"tcp://127.0.0.1:{self.socket.getsockname()[1]}"

    def accept(self):
        return Raw(self.socket.accept()[0])

    def pending(self):
        """Whether somebody waits to be accepted."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def no_further_connection(self, seconds=0.2):
        readable, _, _ = select.select([self.socket], [], [], seconds)
        assert not readable, "connected again"

    def close(self):
        self.socket.close()


def connect(endpoint):
    """A raw client for a bound socket of the module under test."""
    transport, _, rest = endpoint.partition("://")
    if transport == "ipc":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect("\0" + rest[1:] if rest.startswith("@") else rest)
        return Raw(connection)
    host, _, port = rest.rpartition(":")
    return Raw(socket.create_connection((host, int(port)), SECONDS))


def resident_kib():
    """Resident set size of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
