"""Many threads on few shared sockets: `hammer.py MODULE --seconds 60`. Counts every message and checks that multiparts stay whole.

Eight sockets in four connected pairs; the threads are divided among the pairs, half of them send, half receive. Each message is
[sender, number, filler ..., checksum]. Every number must arrive exactly once; one receiver sees the numbers of one sender rising.
pyzmq's sockets must not be shared by threads: for it, --locked takes a Python lock around every call.
"""
import argparse
import contextlib
import importlib
import tempfile
import threading
import time
import zlib

PAIRS = [("PUSH", "PULL", "tcp"), ("DEALER", "DEALER", "ipc"), ("PAIR", "PAIR", "inproc"), ("DEALER", "ROUTER", "tcp")]
POLL_MS = 20


class Pair:
    def __init__(self, zmq, context, sender, receiver, endpoint, locked):
        self.zmq = zmq
        self.routed = receiver == "ROUTER"
        self.target = context.socket(getattr(zmq, receiver))
        self.source = context.socket(getattr(zmq, sender))
        for socket in (self.source, self.target):
            socket.linger = 0
            socket.rcvtimeo = socket.sndtimeo = POLL_MS
        self.target.bind(endpoint)
        self.source.connect(self.target.last_endpoint.decode())
        self.send_lock = threading.Lock() if locked else contextlib.nullcontext()
        self.recv_lock = threading.Lock() if locked else contextlib.nullcontext()
        self.sent, self.received, self.faults = {}, [], []

    def send(self, name, stop):
        number = 0
        while not stop.is_set():
            filler = [b"x" * (number % 300)] * (number % 4)
            frames = [b"%d" % name, b"%d" % number, *filler]
            frames.append(b"%d" % zlib.crc32(b"|".join(frames)))
            try:
                with self.send_lock:
                    self.source.send_multipart(frames)
            except self.zmq.Again:
                continue
            number += 1
        self.sent[name] = number

    def recv(self, finished):
        numbers = {}
        while True:
            was_finished = finished.is_set()
            try:
                with self.recv_lock:
                    frames = self.target.recv_multipart()
            except self.zmq.Again:
                if was_finished:
                    break
                continue
            if self.routed:
                del frames[0]
            if len(frames) < 3 or frames[-1] != b"%d" % zlib.crc32(b"|".join(frames[:-1])):
                self.faults.append(f"mixed up: {[frame[:20] for frame in frames]}")
                continue
            numbers.setdefault(int(frames[0]), []).append(int(frames[1]))
        for name, seen in numbers.items():
            if any(later <= earlier for earlier, later in zip(seen, seen[1:])):
                self.faults.append(f"sender {name}: out of order")
        self.received.append(numbers)

    def verdict(self):
        for name, count in self.sent.items():
            got = sorted(number for numbers in self.received for number in numbers.get(name, []))
            if got != list(range(count)):
                self.faults.append(f"sender {name}: {count} sent, {len(got)} received, {len(set(got))} different")
        return sum(self.sent.values())


def hammer(module, seconds, threads, locked, only=None):
    zmq = importlib.import_module(module)
    context = zmq.Context()
    with tempfile.TemporaryDirectory() as folder:
        endpoints = {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/h%d", "inproc": "inproc://hammer%d"}
        pairs = []
        for sender, receiver, transport in PAIRS:
            endpoint = endpoints[only or transport].replace("%d", str(len(pairs)))
            pairs.append(Pair(zmq, context, sender, receiver, endpoint, locked))
        stop, finished = threading.Event(), threading.Event()
        per_pair = max(1, threads // len(pairs) // 2)
        senders = [threading.Thread(target=pair.send, args=(name, stop)) for pair in pairs for name in range(per_pair)]
        receivers = [threading.Thread(target=pair.recv, args=(finished,)) for pair in pairs for _ in range(per_pair)]
        for thread in senders + receivers:
            thread.start()
        time.sleep(seconds)  # the duration is what was asked for; nothing is synchronised by it
        stop.set()
        for thread in senders:
            thread.join(30)
        finished.set()
        for thread in receivers:
            thread.join(30)
        stuck = [thread for thread in senders + receivers if thread.is_alive()]
        if stuck:
            raise SystemExit(f"FAILED: {len(stuck)} threads are stuck")
        total = sum(pair.verdict() for pair in pairs)
        faults = [fault for pair in pairs for fault in pair.faults]
        context.destroy(linger=0)
    print(f"{module}: {total} messages by {len(senders)} senders and {len(receivers)} receivers on {2 * len(pairs)} sockets")
    if faults:
        raise SystemExit("FAILED: " + "; ".join(faults[:10]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--locked", action="store_true")
    parser.add_argument("--transport", choices=["tcp", "ipc", "inproc"], help="for all pairs; else each has its own")
    options = parser.parse_args()
    hammer(options.module, options.seconds, options.threads, options.locked, options.transport)


if __name__ == "__main__":
    main()
