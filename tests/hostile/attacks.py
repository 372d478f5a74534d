"""What strangers can make a listener hold: `attacks.py MODULE [--only NAME ...] [--connections N]`.

For each state of a connection another process opens N of them and leaves them there. Printed are, for each connection: the octets it had to send,
the bytes this process got from malloc for it, descriptors, and processor time; and how much processor time one further second of it costs.
The figures of docs/limits.md are from here."""

import argparse
import contextlib
import ctypes
import importlib
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("interop", "reliability")]

from rawpeer import COMMAND, LONG, MORE, PARTNER, command, frame, greeting, message, metadata, ready  # noqa: E402
from resources import allow_descriptors  # noqa: E402


def header(size, flags=0):
    """Of a frame whose body may never come."""
    return bytes([flags | LONG]) + size.to_bytes(8, "big")


def shaken(kind, identity=b""):
    return greeting() + ready(PARTNER[kind], identity)


def subscribe(topic):
    return command(b"SUBSCRIBE", topic)


def cancel(topic):
    return command(b"CANCEL", topic)


READY_OF_250_KIB = command(
    b"READY", metadata((b"Socket-Type", b"PUSH"), *((b"X-%d" % number, bytes(1000)) for number in range(245)))
)
IGNORED = command(b"NOTHING", bytes(200))

# name: (type of the listener, its options, what the connection of a number sends)
ATTACKS = {
    "silent": ("PULL", {}, lambda i: b""),
    "part of a greeting": ("PULL", {}, lambda i: greeting()[: 1 + i % 63]),
    "READY announced": ("PULL", {}, lambda i: greeting() + header(262000, COMMAND) + b"\5READY"),
    "half of a READY of 256 KiB": ("PULL", {}, lambda i: greeting() + READY_OF_250_KIB[:131072]),
    "READY of 250 KiB": ("PULL", {}, lambda i: greeting() + READY_OF_250_KIB),
    "ready": ("PULL", {}, lambda i: shaken("PULL")),
    "part of a frame": ("PULL", {}, lambda i: shaken("PULL") + b"\0\x20abc"),
    "part of a frame behind others": ("PULL", {}, lambda i: shaken("PULL") + IGNORED * 40 + b"\0\x20abc"),
    "large frame announced": ("PULL", {}, lambda i: shaken("PULL") + header(1 << 40)),
    "large command announced": ("PULL", {}, lambda i: shaken("PULL") + header(1 << 40, COMMAND)),
    "half of a frame of 1 MiB": ("PULL", {}, lambda i: shaken("PULL") + header(1 << 20) + bytes(1 << 19)),
    "unfinished message of 10,000 frames": ("PULL", {}, lambda i: shaken("PULL") + frame(b"", MORE) * 10000),
    "10,000 messages for a reader that is away": ("PULL", {}, lambda i: shaken("PULL") + message(b"x") * 10000),
    "1,000 messages among ignored commands": (
        "PULL", {}, lambda i: shaken("PULL") + (message(bytes(49)) + IGNORED * 100) * 1000,
    ),
    "5,000 PINGs, no PONG read": ("PULL", {}, lambda i: shaken("PULL") + command(b"PING", bytes(18)) * 5000),
    "10,000 topics": ("PUB", {}, lambda i: shaken("PUB") + b"".join(subscribe(b"%d.%d" % (i, n)) for n in range(10000))),
    "10,000 topics, the same for all": (
        "PUB", {}, lambda i: shaken("PUB") + b"".join(subscribe(b"%d" % n) for n in range(10000)),
    ),
    "10 topics of 64 KiB": ("PUB", {}, lambda i: shaken("PUB") + b"".join(subscribe(b"%d.%d" % (i, n) + bytes(65536)) for n in range(10))),
    "5,000 subscriptions and cancellations, not read": (
        "XPUB", {}, lambda i: shaken("XPUB") + (subscribe(b"%d" % i) + cancel(b"%d" % i)) * 5000,
    ),
    "10,000 messages for an XPUB that is not read": ("XPUB", {}, lambda i: shaken("XPUB") + message(b"x") * 10000),
    "routing id of 255 octets": ("ROUTER", {}, lambda i: shaken("ROUTER", b"%d" % i + bytes(240))),
    "the same routing id": ("ROUTER", {}, lambda i: shaken("ROUTER", b"same")),
    "the same routing id, ROUTER_HANDOVER": ("ROUTER", {"ROUTER_HANDOVER": 1}, lambda i: shaken("ROUTER", b"same")),
    "envelope of 10,000 frames": ("REP", {}, lambda i: shaken("REP") + frame(b"x", MORE) * 10000 + message(b"", b"x")),
}  # fmt: skip


def play(port, name, count):
    """The other process. Never reads. Tells when all is sent, or the other side takes no more; then waits for its stdin to end."""
    kind, _, octets_of = ATTACKS[name]
    allow_descriptors(count + 100)
    sockets = []
    sent = 0
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.settimeout(0.5)
        left = memoryview(octets_of(number))
        try:
            while left:
                taken = connection.send(left)
                sent += taken
                left = left[taken:]
        except OSError:
            pass
        sockets.append(connection)
    print(sent, flush=True)
    sys.stdin.read()


class Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def allocated():
    """Bytes in use by malloc, Python's own allocator not included."""
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Mallinfo2
    facts = libc.mallinfo2()
    return facts.uordblks + facts.hblkhd


def seconds_used():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def settled():
    """Waits until this process does nothing more: processor time stands still."""
    before = -1.0
    while seconds_used() - before > 0.005:
        before = seconds_used()
        time.sleep(0.3)


@contextlib.contextmanager
def attacker(module, listener, name, count):
    """The other process, once it has sent all it will; it goes with the block. Gives the number of octets."""
    port = int(listener.last_endpoint.rpartition(b":")[2])
    command_line = [sys.executable, os.path.abspath(__file__), module, "--play", str(port), "--only", name, "--connections", str(count)]
    with subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        yield int(child.stdout.readline())
        child.stdin.close()


def measure(module, name, count):
    zmq = importlib.import_module(module)
    kind, options, _ = ATTACKS[name]
    with zmq.Context() as context, context.socket(getattr(zmq, kind)) as listener:
        listener.linger = 0
        listener.backlog = 4096
        for option, value in options.items():
            listener.setsockopt(getattr(zmq, option), value)
        listener.bind("tcp://127.0.0.1:*")
        with attacker(module, listener, name, 1):  # what the first connection of a socket costs is not the cost of a connection
            settled()
            bytes_before, fds_before, cpu_before = allocated(), descriptors(), seconds_used()
            with attacker(module, listener, name, count) as sent:
                settled()
                held, fds, cpu = allocated() - bytes_before, descriptors() - fds_before, seconds_used() - cpu_before
                before = seconds_used()
                time.sleep(1)
                idle = seconds_used() - before
    print(
        f"{name:48} {sent / count:10.0f} octets {held / count:10.0f} bytes {fds / count:5.2f} fd {cpu / count * 1e6:8.0f} us"
        f" {idle * 1000:6.1f} ms/s",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--only", nargs="*", default=list(ATTACKS), metavar="NAME")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--play", type=int, metavar="PORT", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.play:
        return play(chosen.play, chosen.only[0], chosen.connections)
    allow_descriptors(chosen.connections + 200)
    for name in chosen.only:
        measure(chosen.module, name, chosen.connections)


if __name__ == "__main__":
    main()
