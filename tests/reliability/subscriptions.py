"""A publisher with very many subscriptions: `subscriptions.py MODULE --topics 1000000`. Prints the memory of each topic in the publisher and in the
subscriber, and the cost of a send to a topic chosen at random, of those that are subscribed to and of others. Those that are sent to are of a plain
socket in another process."""
import argparse
import contextlib
import ctypes
import importlib
import os
import random
import socket
import subprocess
import sys
import threading
import time

from resources import resident_kib

GREETING = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(20, b"\0") + bytes(32)
READY = bytes([4, 25]) + b"\x05READY\x0bSocket-Type\0\0\0\x03SUB"
BATCH = 5000
SENDS = 1_000  # in a row; the next ones are of other topics
ROUNDS = 200


def held_kib():
    """Resident memory without what the allocator keeps for later, such as the room of notices that have been read."""
    with contextlib.suppress(AttributeError, OSError):  # of glibc
        ctypes.CDLL(None).malloc_trim(0)
    return resident_kib()


def topic(number):
    return b"topic/%09d" % number


def subscribe(topic):
    body = b"\x09SUBSCRIBE" + topic
    return bytes([4, len(body)]) + body


def play_subscriber(port, count):
    """The other process, which reads faster than any SUB."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(GREETING + READY)

    def drain():
        while connection.recv(1 << 16):
            pass

    threading.Thread(target=drain, daemon=True).start()
    for start in range(0, count, BATCH):
        connection.sendall(b"".join(subscribe(topic(number)) for number in range(start, min(count, start + BATCH))))
    connection.sendall(subscribe(b"the last one"))
    sys.stdin.read()


def held_by_subscriber(module, count):
    """Bytes of each subscription of a SUB, in this process."""
    context = importlib.import_module(module).Context()
    sub = context.socket(2)
    before = held_kib()
    for number in range(count):
        sub.subscribe(topic(number))
    print((held_kib() - before) * 1024 / count, flush=True)
    context.destroy(linger=0)


def other_process(module, count, *mode):
    return subprocess.Popen([sys.executable, os.path.abspath(__file__), *mode, module, "--topics", str(count)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def timed_sends(xpub, numbers):
    """Microseconds of this thread per send: the least of many rounds, each with topics that were not sent to before."""
    tries = []
    for start in range(0, len(numbers), SENDS):
        topics = [topic(number) for number in numbers[start : start + SENDS]]
        started = time.thread_time()
        for one in topics:
            xpub.send(one)
        tries.append((time.thread_time() - started) / len(topics))
    return min(tries) * 1e6


def measure(module, count):
    zmq = importlib.import_module(module)
    context = zmq.Context()
    xpub = context.socket(zmq.XPUB)
    xpub.linger = 0
    xpub.rcvtimeo = 60000
    xpub.rcvhwm = 0
    xpub.bind("tcp://127.0.0.1:*")
    with other_process(module, count, "--hold") as holding:
        there = float(holding.stdout.readline())
    before = held_kib()
    started = time.monotonic()
    subscriber = other_process(module, count, "--play", xpub.last_endpoint.decode().rpartition(":")[2])
    for _ in range(count + 1):
        xpub.recv()
    seconds = time.monotonic() - started
    here = (held_kib() - before) * 1024 / count
    chance = random.Random(count)
    numbers = [chance.randrange(count) for _ in range(ROUNDS * SENDS)]
    hit = timed_sends(xpub, numbers)
    miss = timed_sends(xpub, [count + number for number in numbers])
    subscriber.stdin.close()
    subscriber.wait()
    subscriber.stdout.close()
    xpub.close()
    context.term()
    return here, there, seconds, hit, miss


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--topics", type=int, default=1000000)
    parser.add_argument("--play", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--hold", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        return play_subscriber(options.play, options.topics)
    if options.hold:
        return held_by_subscriber(options.module, options.topics)
    here, there, seconds, hit, miss = measure(options.module, options.topics)
    print(f"{options.module}: {options.topics} topics in {seconds:.1f} s, {here:.0f} octets per topic at the publisher and {there:.0f} at the subscriber, "
          f"send {hit:.2f} us matching at random, {miss:.2f} us not matching")


if __name__ == "__main__":
    main()
