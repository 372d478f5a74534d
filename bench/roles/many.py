"""Many peers: one socket here, hundreds or thousands of sockets in a process there.

Rules
  - A publisher waits for the crowd after every CHUNK messages, so nothing is lost.
  - The crowd is one process with one context, so that two processors are enough for any number.
"""

import random

from .base import Role, expect, now, numbered, payload

CHUNK = 20


class Crowd(Role):
    """Sockets of one kind, connected to one endpoint."""

    def crowd(self, kind, endpoint, **options):
        peers = [self.socket(kind, **options) for _ in range(self.params["peers"])]
        for peer in peers:
            peer.connect(endpoint)
        return peers

    def new_context(self):
        context = super().new_context()
        if self.params["peers"] > 1000:
            context.set(self.zmq.MAX_SOCKETS, self.params["peers"] + 16)
        return context


class Publisher(Role):
    """n messages, each to all subscribers; a message counts once."""

    drives = True

    def open(self, endpoints):
        self.pub = self.socket("XPUB", XPUB_VERBOSE=1)
        self.done = self.socket("PULL")
        self.message = payload(self.size)
        return {"pub": self.bind(self.pub, "pub"), "done": self.bind(self.done, "done")}

    def live(self):
        for _ in range(self.params["peers"]):
            expect(self.pub.recv(), b"\x01", "subscription")
        self.pub.send(b"begin")

    def burst(self, n, check):
        start = now()
        for first in range(0, n, CHUNK):
            for i in range(first, min(n, first + CHUNK)):
                self.pub.send(numbered(self.size, i) if check else self.message)
            expect(self.done.recv(), b"chunk", "the crowd")
        return {"t0": start, "t1": now()}


class Subscribers(Crowd):
    def open(self, endpoints):
        self.done = self.socket("PUSH")
        self.done.connect(endpoints["done"])
        self.peers = self.crowd("SUB", endpoints["pub"], SUBSCRIBE=b"")
        self.message = payload(self.size)

    def live(self):
        for peer in self.peers:
            expect(peer.recv(), b"begin", "first message")

    def burst(self, n, check):
        for first in range(0, n, CHUNK):
            last = min(n, first + CHUNK)
            for peer in self.peers:
                for i in range(first, last):
                    got = peer.recv()
                    if check or i == n - 1:
                        expect(got, numbered(self.size, i) if check else self.message, f"message {i} of {n}")
            self.done.send(b"chunk")


class Router(Role):
    """Answers whoever asks; the crowd asks all at once."""

    def open(self, endpoints):
        self.router = self.socket("ROUTER")
        return {"router": self.bind(self.router, "router")}

    def burst(self, n, check):
        for _ in range(n):
            self.router.send_multipart(self.router.recv_multipart())


class Dealers(Crowd):
    drives = True

    def open(self, endpoints):
        self.peers = self.crowd("DEALER", endpoints["router"])
        self.message = payload(self.size)

    def burst(self, n, check):
        start = now()
        for first in range(0, n, len(self.peers)):
            asking = self.peers[: n - first]
            for rank, peer in enumerate(asking):
                peer.send(numbered(self.size, first + rank) if check else self.message)
            for rank, peer in enumerate(asking):
                expect(peer.recv(), numbered(self.size, first + rank) if check else self.message, f"answer {first + rank} of {n}")
        return {"t0": start, "t1": now()}


class Polled(Role):
    """Many sockets in one Poller, of which one has something: it is answered."""

    def open(self, endpoints):
        self.into = [self.socket("REP") for _ in range(self.params["peers"])]
        self.poller = self.zmq.Poller()
        for socket in self.into:
            self.poller.register(socket, self.zmq.POLLIN)
        return {f"polled{i}": self.bind(socket, f"polled{i}") for i, socket in enumerate(self.into)}

    def burst(self, n, check):
        left = n
        while left:
            for socket, _ in self.poller.poll():
                socket.send(socket.recv())
                left -= 1


class Asker(Role):
    """Asks one of them at a time, at random."""

    drives = True

    def open(self, endpoints):
        self.out = [self.socket("REQ") for _ in range(self.params["peers"])]
        for i, socket in enumerate(self.out):
            socket.connect(endpoints[f"polled{i}"])
        self.chance = random.Random(self.params["peers"])
        self.message = payload(self.size)

    def burst(self, n, check):
        turns = [self.out[self.chance.randrange(len(self.out))] for _ in range(n)]
        start = now()
        for i, socket in enumerate(turns):
            message = numbered(self.size, i) if check else self.message
            socket.send(message)
            expect(socket.recv(), message, f"answer {i} of {n}")
        return {"t0": start, "t1": now()}
