"""PUB -> SUB without loss: the publisher stays within a window that the subscribers acknowledge over PUSH -> PULL.

Rules
  - PUB drops at its high-water mark, so an unpaced publisher would measure how fast messages are thrown away. The window is below
    the high-water mark and wide (thousands of messages), so that acknowledging costs little and nobody waits for a wake-up per message.
  - With params["topics"] each message begins with the last of that many topics, or with params["random"] with one of them at random, and the
    subscriber has subscribed to all of them one by one; without, it has subscribed to everything.
  - Every subscriber gets every message; one of n messages counts once, however many subscribers there are.
"""

import random

from .base import Role, end_mark, expect, now, numbered, payload

WINDOW = 8000
CHUNK = 2000
# More than twice the window, so that nothing is ever dropped: libzmq gives credit back only after half a high-water mark is read.
HWM = 20000


def prefix_of(topics):
    return b"topic %06d" % (topics - 1) if topics else b""


def prefixes_of(params):
    """The topics of the messages of a chunk."""
    topics = params.get("topics")
    if params.get("random"):
        chance = random.Random(topics)
        return [prefix_of(1 + chance.randrange(topics)) for _ in range(CHUNK)]
    return [prefix_of(topics)] * CHUNK


class Publisher(Role):
    drives = True

    def open(self, endpoints):
        self.pub = self.socket("PUB", SNDHWM=HWM)
        self.acks = self.socket("PULL")
        self.prefix = prefix_of(self.params.get("topics"))
        self.prefixes = prefixes_of(self.params)
        self.messages = [prefix + payload(self.size) for prefix in self.prefixes]
        added = {"acks": self.bind(self.acks, "acks")}
        if "frontend" in endpoints:
            self.pub.connect(endpoints["frontend"])
        else:
            added["pub"] = self.bind(self.pub, "pub")
        return added

    def live(self):
        """Sends until each subscriber has heard something; then all subscriptions are in place everywhere."""
        missing = set(range(self.params["subscribers"]))
        while missing:
            self.pub.send(self.prefix + b"hello")
            while missing and self.acks.poll(10):
                missing.discard(self.acks.recv()[0])
        self.pub.send(self.prefix + b"begin")

    def burst(self, n, check):
        acknowledged = dict.fromkeys(range(self.params["subscribers"]), 0)
        start = now()
        sent = 0
        while sent < n:
            if check:
                for i in range(sent, min(n, sent + CHUNK)):
                    self.pub.send(self.prefixes[i % CHUNK] + numbered(self.size, i))
            else:
                for message in self.messages[: n - sent]:
                    self.pub.send(message)
            sent = min(n, sent + CHUNK)
            while sent - min(acknowledged.values()) * CHUNK > WINDOW - CHUNK:
                acknowledged[self.acks.recv()[0]] += 1
        self.pub.send(self.prefix + end_mark(n))
        while min(acknowledged.values()) < n // CHUNK:
            acknowledged[self.acks.recv()[0]] += 1
        return {"t0": start}


class Subscriber(Role):
    def open(self, endpoints):
        # Subscriptions pass libzmq's outgoing pipe too, and those beyond its high-water mark are lost without a word.
        self.sub = self.socket("SUB", RCVHWM=HWM, SNDHWM=0)
        self.acks = self.socket("PUSH")
        topics = self.params.get("topics")
        self.prefix = prefix_of(topics)
        self.prefixes = prefixes_of(self.params)
        self.rank = bytes([self.params["rank"]])
        self.acks.connect(endpoints["acks"])
        for k in range(topics or 1):
            self.sub.setsockopt(self.zmq.SUBSCRIBE, prefix_of(k + 1 if topics else 0))
        self.sub.connect(endpoints.get("backend") or endpoints["pub"])

    def live(self):
        expect(self.sub.recv(), self.prefix + b"hello", "first message")
        self.acks.send(self.rank)
        while self.sub.recv() != self.prefix + b"begin":
            pass

    def burst(self, n, check):
        got = b""
        for first in range(0, n, CHUNK):
            last = min(n, first + CHUNK)
            if check:
                for i in range(first, last):
                    expect(self.sub.recv(), self.prefixes[i % CHUNK] + numbered(self.size, i), f"message {i} of {n}")
            else:
                for _ in range(first, last):
                    got = self.sub.recv()
            if last - first == CHUNK:
                self.acks.send(self.rank)
        end = now()
        if not check:
            expect(got, self.prefixes[(n - 1) % CHUNK] + payload(self.size), "last message")
        expect(self.sub.recv(), self.prefix + end_mark(n), "end of burst")
        return {"t1": end}
