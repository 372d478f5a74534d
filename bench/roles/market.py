"""Market data: one PUB, many topics taken at random, subscribers that each want a share of them and work on every message.

Rules
  - Topic i belongs to subscriber i modulo their number, so every message has one taker.
  - As in publish.py nothing is lost: the publisher stays within a window that the subscribers acknowledge, chunk by chunk.
"""

import random

from .base import Role, end_mark, expect, now, numbered, payload
from .working import turns_of, work

CHUNK, WINDOW, HWM = 1000, 4000, 10000
CONTROL = b"control "


def takers_of(params):
    """For each message of a chunk its topic and who takes it."""
    chance = random.Random(params["topics"])
    topics = [chance.randrange(params["topics"]) for _ in range(CHUNK)]
    return [(b"topic %04d " % topic, topic % params["subscribers"]) for topic in topics]


class Publisher(Role):
    drives = True

    def open(self, endpoints):
        self.pub = self.socket("PUB", SNDHWM=HWM)
        self.acks = self.socket("PULL")
        self.takers = takers_of(self.params)
        self.messages = [topic + payload(self.size) for topic, _ in self.takers]
        return {"acks": self.bind(self.acks, "acks"), "pub": self.bind(self.pub, "pub")}

    def live(self):
        missing = set(range(self.params["subscribers"]))
        while missing:
            self.pub.send(CONTROL + b"hello")
            while missing and self.acks.poll(10):
                missing.discard(self.acks.recv()[0])
        self.pub.send(CONTROL + b"begin")

    def burst(self, n, check):
        done = dict.fromkeys(range(self.params["subscribers"]), 0)
        start = now()
        for first in range(0, n, CHUNK):
            last = min(n, first + CHUNK)
            if check:
                for i in range(first, last):
                    self.pub.send(self.takers[i % CHUNK][0] + numbered(self.size, i))
            else:
                for message in self.messages[: last - first]:
                    self.pub.send(message)
            while last - min(done.values()) * CHUNK > WINDOW - CHUNK:
                done[self.acks.recv()[0]] += 1
        self.pub.send(CONTROL + end_mark(n))
        while min(done.values()) < n // CHUNK:
            done[self.acks.recv()[0]] += 1
        return {"t0": start}


class Subscriber(Role):
    def open(self, endpoints):
        rank = self.params["rank"]
        self.rank = bytes([rank])
        self.sub = self.socket("SUB", RCVHWM=HWM)
        self.acks = self.socket("PUSH")
        self.acks.connect(endpoints["acks"])
        self.wanted = [(i, topic) for i, (topic, taker) in enumerate(takers_of(self.params)) if taker == rank]
        self.turns = turns_of(self.params["subscriber_us"])
        for topic in range(rank, self.params["topics"], self.params["subscribers"]):
            self.sub.setsockopt(self.zmq.SUBSCRIBE, b"topic %04d " % topic)
        self.sub.setsockopt(self.zmq.SUBSCRIBE, CONTROL)
        self.sub.connect(endpoints["pub"])

    def live(self):
        expect(self.sub.recv(), CONTROL + b"hello", "first message")
        self.acks.send(self.rank)
        while self.sub.recv() != CONTROL + b"begin":
            pass

    def burst(self, n, check):
        turns = self.turns
        for first in range(0, n, CHUNK):
            mine = [(first + i, topic) for i, topic in self.wanted if first + i < n]
            for i, topic in mine:
                got = self.sub.recv()
                if check:
                    expect(got, topic + numbered(self.size, i), f"message {i} of {n}")
                else:
                    work(turns)
            if first + CHUNK <= n:
                self.acks.send(self.rank)
        end = now()
        expect(self.sub.recv(), CONTROL + end_mark(n), "end of burst")
        return {"t1": end}
