"""Every pattern, with peers that come and go: `soak.py MODULE --minutes 10`. Fails when memory, descriptors or threads grow.

One process holds a bound socket of each pattern and transport; each round opens clients, exchanges messages, checks them and closes the
clients, now and then in the middle of the traffic. RSS is sampled all the time; the last fifth is compared with the fifth after warm-up.
"""
import argparse
import gc
import importlib
import random
import statistics
import tempfile
import time

from resources import descriptors, resident_kib, threads

PATTERNS = [
    ("REQ", "REP"), ("REQ", "ROUTER"), ("DEALER", "ROUTER"), ("DEALER", "DEALER"), ("PUSH", "PULL"), ("SUB", "PUB"), ("SUB", "XPUB"), ("XSUB", "XPUB"),
    ("PAIR", "PAIR"),
]  # fmt: skip
WAIT_MS = 10000
SAMPLES = 200  # in all: they are kept in the memory that is measured


def opened(zmq, context, kind):
    socket = context.socket(getattr(zmq, kind))
    socket.linger = 0
    socket.rcvtimeo = socket.sndtimeo = WAIT_MS
    return socket


class Service:
    """One bound socket and the conversation that its pattern allows."""

    def __init__(self, zmq, context, client_kind, kind, endpoint):
        self.zmq, self.context, self.client_kind, self.kind = zmq, context, client_kind, kind
        self.socket = opened(zmq, context, kind)
        self.socket.bind(endpoint)
        self.endpoint = self.socket.last_endpoint.decode()

    def round(self, chance):
        body = bytes(chance.choice([0, 1, 30, 300, 5000, 70000]))
        client = opened(self.zmq, self.context, self.client_kind)
        getattr(self, "with_" + self.client_kind.lower())(client, body, chance)
        client.close()

    def forget_strays(self):
        """Messages of clients that left in the middle; a REP must answer before it can read on."""
        while self.socket.poll(0):
            self.socket.recv_multipart()
            if self.kind == "REP":
                self.socket.send(b"")

    def answer(self, wanted):
        """Reads until the message of the present client comes (strays of earlier ones are older)."""
        while True:
            frames = self.socket.recv_multipart()
            if frames[-len(wanted):] == wanted:
                return frames
            if self.kind == "REP":
                self.socket.send(b"")

    def with_req(self, client, body, chance):
        client.connect(self.endpoint)
        for number in range(chance.randint(1, 5)):
            question = [b"%d" % number, b"%d" % id(client), body]
            client.send_multipart(question)
            envelope = self.answer(question)
            if chance.random() < 0.1:
                client.close()  # before the reply
                self.socket.send_multipart([*envelope[:-3], b"nobody hears this"])
                return
            if self.kind == "ROUTER":
                self.socket.send_multipart(envelope[:-3] + question[::-1])
            else:
                self.socket.send_multipart(question[::-1])
            assert client.recv_multipart() == question[::-1]

    def with_dealer(self, client, body, chance):
        client.connect(self.endpoint)
        tag = b"%d-%d" % (id(client), chance.randrange(1 << 30))
        count = chance.randint(1, 20)
        for _ in range(count):
            client.send_multipart([tag, body])
        for _ in range(count):
            envelope = self.answer([tag, body])
            if self.kind == "ROUTER":
                self.socket.send_multipart(envelope)
        if self.kind == "ROUTER" and chance.random() < 0.8:
            for _ in range(count):
                assert client.recv_multipart() == [tag, body]

    def with_push(self, client, body, chance):
        client.connect(self.endpoint)
        tag = b"%d-%d" % (id(client), chance.randrange(1 << 30))
        count = chance.randint(1, 200)
        for _ in range(count):
            client.send_multipart([tag, body])
        if chance.random() < 0.8:
            for _ in range(count):
                self.answer([tag, body])

    def with_sub(self, client, body, chance):
        topic = b"t%d" % chance.randrange(1 << 30)
        if self.client_kind == "XSUB":
            client.send(b"\1" + topic)
        else:
            client.subscribe(topic)
        client.connect(self.endpoint)
        if self.kind == "PUB":  # which does not tell who subscribed
            while not client.poll(1):
                self.socket.send_multipart([topic, b"probe"])
        else:
            self.answer([b"\1" + topic])
        for number in range(chance.randint(1, 50)):
            self.socket.send_multipart([topic, b"%d" % number, body])
            self.socket.send_multipart([b"other", body])
            while (got := client.recv_multipart()) == [topic, b"probe"]:
                pass
            assert got == [topic, b"%d" % number, body]

    with_xsub = with_sub

    def with_pair(self, client, body, chance):
        client.reconnect_ivl = 1  # refused as long as the one before it is there
        client.connect(self.endpoint)
        tag = b"%d-%d" % (id(client), chance.randrange(1 << 30))
        client.send_multipart([tag, body])
        self.answer([tag, body])
        for number in range(chance.randint(1, 20)):
            self.socket.send_multipart([tag, b"%d" % number, body])
            assert client.recv_multipart() == [tag, b"%d" % number, body]
        if chance.random() < 0.2:
            client.send_multipart([b"stray", body])


def soak(module, minutes, seed):
    zmq = importlib.import_module(module)
    chance = random.Random(seed)
    context = zmq.Context()
    with tempfile.TemporaryDirectory() as folder:
        services = []
        for client_kind, kind in PATTERNS:
            for endpoint in ("tcp://127.0.0.1:*", f"ipc://{folder}/{kind}{client_kind}", f"inproc://{kind}{client_kind}"):
                services.append(Service(zmq, context, client_kind, kind, endpoint))
        samples, rounds, start = [], 0, time.monotonic()
        end = start + minutes * 60
        while time.monotonic() < end:
            for service in services:
                service.round(chance)
                service.forget_strays()
            rounds += 1
            if time.monotonic() - start > len(samples) * minutes * 60 / SAMPLES:
                gc.collect()
                samples.append((time.monotonic() - start, resident_kib(), descriptors(), threads()))
        for service in services:
            service.socket.close()
        context.term()
    return rounds * len(services), samples


def fifth(samples, place):
    size = max(1, len(samples) // 5)
    return [statistics.median(column) for column in list(zip(*samples[place * size:(place + 1) * size]))[1:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--allow-kib", type=int, default=2048, help="growth of RSS that is put down to the allocator")
    options = parser.parse_args()
    conversations, samples = soak(options.module, options.minutes, options.seed)
    if len(samples) < 10:
        raise SystemExit(f"only {len(samples)} samples: too short to judge")
    early, late = fifth(samples, 1), fifth(samples, 4)
    print(f"{options.module}: {conversations} conversations; rss {early[0]:.0f} -> {late[0]:.0f} KiB, "
          f"descriptors {early[1]:.0f} -> {late[1]:.0f}, threads {early[2]:.0f} -> {late[2]:.0f}")
    if late[0] - early[0] > options.allow_kib or late[1] - early[1] > 10 or late[2] > early[2]:
        raise SystemExit("FAILED: it grows")


if __name__ == "__main__":
    main()
