"""A peer made of plain sockets, for the tests in which the other side does not behave."""
import itertools
import select
import socket as plain
import struct
import time

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
PEER_OF = {
    "PAIR": "PAIR", "PUB": "SUB", "SUB": "PUB", "REQ": "REP", "REP": "REQ", "DEALER": "DEALER", "ROUTER": "DEALER",
    "PULL": "PUSH", "PUSH": "PULL", "XPUB": "SUB", "XSUB": "PUB",
}
# One small message that a peer of this kind may send to us.
MESSAGE_TO = {"PUB": b"\0\2\1a", "XPUB": b"\0\2\1a", "REQ": b"\1\0\0\1x", "REP": b"\1\0\0\1x"}
MALFORMED = b"\5\0"             # a command that says that more follows


def ready(peer_type, *properties):
    """A READY command: the socket type and further (name, value) pairs."""
    body = b"\5READY"
    for name, value in ((b"Socket-Type", peer_type.encode()), *properties):
        body += bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    return b"\4" + bytes([len(body)]) + body if len(body) < 256 else b"\6" + struct.pack(">Q", len(body)) + body


def message_to(kind):
    return MESSAGE_TO.get(kind, b"\0\1x")


def address_of(endpoint):
    """The address and the family of a tcp or ipc endpoint."""
    if endpoint.startswith("ipc://"):
        return plain.AF_UNIX, endpoint[len("ipc://"):]
    host, port = endpoint[len("tcp://"):].rsplit(":", 1)
    return plain.AF_INET, (host, int(port))


def dial(endpoint):
    family, address = address_of(endpoint)
    raw = plain.socket(family)
    raw.settimeout(10)
    raw.connect(address)
    return raw


_names = itertools.count()


def listener(transport, directory):
    """A listening plain socket and its endpoint."""
    if transport == "ipc":
        raw = plain.socket(plain.AF_UNIX)
        path = f"{directory}/{next(_names)}"
        raw.bind(path)
        name = f"ipc://{path}"
    else:
        raw = plain.socket()
        raw.bind(("127.0.0.1", 0))
        name = f"tcp://127.0.0.1:{raw.getsockname()[1]}"
    raw.listen(16)
    raw.settimeout(10)
    return raw, name


def reset(raw):
    """Closes so that the other side finds an error (tcp: RST) and not the end of a stream."""
    if raw.family != getattr(plain, "AF_UNIX", None):
        raw.setsockopt(plain.SOL_SOCKET, plain.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def closed(raw):
    """Whether the other side has closed by now. Takes what it sent before."""
    while select.select([raw], [], [], 0)[0]:
        try:
            if not raw.recv(65536):
                return True
        except ConnectionError:
            return True
    return False


def greet(raw, seconds=10, only_greeting=False):
    """Greetings in both directions, and the other side's READY: the next octets from here are ours. Or the greetings only."""
    raw.settimeout(seconds)
    raw.sendall(GREETING)
    have = b""
    deadline = time.monotonic() + seconds
    while len(have) < 64 if only_greeting else len(have) < 66 or len(have) < 66 + have[65]:
        assert time.monotonic() < deadline
        piece = raw.recv(4096)
        assert piece, "closed within the greeting"
        have += piece
    return have
