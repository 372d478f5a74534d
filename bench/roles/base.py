"""What all roles share: sockets of a stack, endpoints, and message contents that can be checked.

Rules
  - Timed loops contain send() and recv() calls and nothing else: no clock, no check, no bound method hoisted out of the loop.
  - What is not checked inside a timed loop is checked around it: bursts with check=True carry numbered messages that the receiver
    compares byte by byte; timed one-way bursts are closed by a message that tells the count, so that a message lost, doubled or
    overtaken shows.
"""

import time

from bench import stacks

from . import certificate

now = time.monotonic_ns


class WrongResult(Exception):
    """The stack delivered something else than what was sent."""


def expect(got, wanted, what):
    if got != wanted:
        raise WrongResult(f"{what}: got {_short(got)}, wanted {_short(wanted)}")


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}... ({len(value)} long)"


def payload(size):
    return bytes(i % 251 for i in range(min(size, 4096))).ljust(size, b"\x5a")


def numbered(size, i):
    """Message i of a checked burst: its number, over and over, so that a shifted or torn body cannot pass."""
    stamp = (i * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little")
    return (stamp * (size // 8 + 1))[:size]


def end_mark(n):
    return b"end of %d" % n


# For CURVE: Z85, as all stacks take them. The ends that bind are its servers.
SERVER_PUBLIC, SERVER_SECRET = b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
CLIENT_PUBLIC, CLIENT_SECRET = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
SERVERS = ("PULL", "REP")
TLS = ("tls+tcp", "wss")


def curve(kind):
    if kind in SERVERS:
        return {"CURVE_PUBLICKEY": SERVER_PUBLIC, "CURVE_SECRETKEY": SERVER_SECRET, "CURVE_SERVER": 1}
    return {"CURVE_PUBLICKEY": CLIENT_PUBLIC, "CURVE_SECRETKEY": CLIENT_SECRET, "CURVE_SERVERKEY": SERVER_PUBLIC}


class Role:
    drives = False

    def __init__(self, stack, params):
        self.params = params
        self.stack = stack
        self.size = params.get("size", 16)
        self.transport = params.get("transport", "tcp")
        self.zmq = stacks.load(stack)
        self.context = None
        self.sockets = []

    def new_context(self):
        return self.zmq.Context()

    def socket(self, kind, **options):
        if self.context is None:
            self.context = self.new_context()
        socket = self.context.socket(getattr(self.zmq, kind))
        self.sockets.append(socket)
        if "strategy" in self.params and hasattr(self.zmq, "IO_STRATEGY"):
            options["IO_STRATEGY"] = self.params["strategy"]
        if self.params.get("curve"):
            options |= curve(kind)
        if self.transport in TLS:
            options |= (certificate.make if kind in SERVERS else certificate.trust)(self.params["dir"])
        for name, value in {"LINGER": 0, **options}.items():
            socket.setsockopt(getattr(self.zmq, name), value)
        return socket

    def bind(self, socket, name):
        if self.transport == "ipc":
            socket.bind(f"ipc://{self.params['dir']}/{name}")
        elif self.transport == "inproc":
            socket.bind(f"inproc://{name}")
        else:
            socket.bind(f"{self.transport}://127.0.0.1:*")
        endpoint = socket.getsockopt(self.zmq.LAST_ENDPOINT)
        if isinstance(endpoint, bytes):
            endpoint = endpoint.rstrip(b"\0").decode()
        return endpoint

    def open(self, endpoints):
        raise NotImplementedError

    def live(self):
        pass

    def burst(self, n, check):
        raise NotImplementedError

    def close(self):
        for socket in self.sockets:
            socket.close()
        if self.context is not None:
            self.context.term()
