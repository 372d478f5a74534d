"""A publisher with very many subscriptions: `subscriptions.py MODULE --topics 1000000`. Prints the memory of each topic in the publisher and
the cost of a send that matches one topic, and of one that matches none. The subscriber is a plain socket in another process."""
import argparse
import importlib
import os
import socket
import subprocess
import sys
import threading
import time

from resources import resident_kib

GREETING = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(20, b"\0") + bytes(32)
READY = bytes([4, 25]) + b"\x05READY\x0bSocket-Type\0\0\0\x03SUB"
BATCH = 5000


def subscribe(topic):
    body = b"\x09SUBSCRIBE" + topic
    return bytes([4, len(body)]) + body


def play_subscriber(port, count):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(GREETING + READY)

    def drain():
        while connection.recv(1 << 16):
            pass

    threading.Thread(target=drain, daemon=True).start()
    for start in range(0, count, BATCH):
        connection.sendall(b"".join(subscribe(b"topic/%09d" % number) for number in range(start, min(count, start + BATCH))))
    connection.sendall(subscribe(b"the last one"))
    sys.stdin.read()


def timed_sends(socket, topics):
    """Microseconds per send, the better half of ten tries."""
    tries = []
    for _ in range(10):
        started = time.perf_counter()
        for topic in topics:
            socket.send(topic)
        tries.append((time.perf_counter() - started) / len(topics))
    return sum(sorted(tries)[:5]) / 5 * 1e6


def measure(module, count):
    zmq = importlib.import_module(module)
    context = zmq.Context()
    xpub = context.socket(zmq.XPUB)
    xpub.linger = 0
    xpub.rcvtimeo = 60000
    xpub.rcvhwm = 0
    xpub.bind("tcp://127.0.0.1:*")
    port = int(xpub.last_endpoint.rpartition(b":")[2])
    before = resident_kib()
    started = time.monotonic()
    subscriber = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--play", str(port), module, "--topics", str(count)],
                                  stdin=subprocess.PIPE)
    notices = 0
    while xpub.recv() != b"\1the last one":
        notices += 1
    seconds = time.monotonic() - started
    if notices != count:
        raise SystemExit(f"FAILED: {notices} of {count} subscriptions arrived")
    grown = resident_kib() - before
    step = max(1, count // 1000)
    hit = timed_sends(xpub, [b"topic/%09d" % number for number in range(0, count, step)])
    miss = timed_sends(xpub, [b"topic/%09d" % (count + number) for number in range(0, count, step)])
    subscriber.stdin.close()
    subscriber.wait()
    xpub.close()
    context.term()
    return grown * 1024 / count, seconds, hit, miss


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--topics", type=int, default=1000000)
    parser.add_argument("--play", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        return play_subscriber(options.play, options.topics)
    each, seconds, hit, miss = measure(options.module, options.topics)
    print(f"{options.module}: {options.topics} topics in {seconds:.1f} s, {each:.0f} octets per topic, "
          f"send {hit:.2f} us matching, {miss:.2f} us not matching")


if __name__ == "__main__":
    main()
