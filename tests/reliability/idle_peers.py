"""Memory of one idle connection: `idle_peers.py MODULE --peers 2000`. A ROUTER is bound here; the peers are plain sockets in another process
that complete the handshake as DEALERs and then say nothing, so only the ROUTER's side is measured."""
import argparse
import importlib
import os
import socket
import subprocess
import sys
import time

from resources import allow_descriptors, resident_kib

GREETING = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(20, b"\0") + bytes(32)
PROPERTIES = b"\x0bSocket-Type\0\0\0\x06DEALER" + b"\x08Identity\0\0\0\0"
READY = bytes([4, 6 + len(PROPERTIES)]) + b"\x05READY" + PROPERTIES


def play_peers(port, count):
    """The other process: connects, shakes hands, sends one message each so that the ROUTER has seen it, and waits for its stdin to end."""
    allow_descriptors(count + 100)
    sockets = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(GREETING + READY)
        received = b""
        while b"READY" not in received or len(received) < 64:
            received += connection.recv(4096)
        connection.sendall(b"\0\1x")
        sockets.append(connection)
    print("ready", flush=True)
    sys.stdin.read()


def measure(module, count):
    """KiB of RSS per idle peer."""
    allow_descriptors(count + 200)
    zmq = importlib.import_module(module)
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.linger = 0
    router.rcvtimeo = 30000
    router.backlog = 4096
    router.rcvhwm = 0
    router.bind("tcp://127.0.0.1:*")
    port = int(router.last_endpoint.rpartition(b":")[2])

    def with_peers(number):
        peers = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--play", str(port), module, "--peers", str(number)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(number):
            router.recv_multipart()
        assert peers.stdout.readline() == b"ready\n"
        return peers

    few = with_peers(10)  # what the first connections of a process cost is not the cost of a peer
    before = resident_kib()
    started = time.monotonic()
    many = with_peers(count)
    seconds = time.monotonic() - started
    after = resident_kib()
    for peers in (few, many):
        peers.stdin.close()
        peers.wait()
        peers.stdout.close()
    router.close()
    context.term()
    return (after - before) / count, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--peers", type=int, default=2000)
    parser.add_argument("--limit-kib", type=float, help="fail above this much per peer")
    parser.add_argument("--play", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        return play_peers(options.play, options.peers)
    each, seconds = measure(options.module, options.peers)
    print(f"{options.module}: {each:.2f} KiB per idle peer, {options.peers} peers attached in {seconds:.1f} s")
    if options.limit_kib is not None and each > options.limit_kib:
        raise SystemExit(f"FAILED: more than {options.limit_kib} KiB")


if __name__ == "__main__":
    main()
