"""PUSH -> PULL, one way: the plain loop, multipart, the batch calls, several pushers, and both ends in one process.

The time of a burst runs from before the first send() to after the last recv() returned.
"""

import threading

from .base import Role, WrongResult, end_mark, expect, now, numbered, payload


def checked_sends(socket, size, n):
    for i in range(n):
        socket.send(numbered(size, i))
    socket.send(end_mark(n))


def checked_receives(socket, size, n):
    for i in range(n):
        expect(socket.recv(), numbered(size, i), f"message {i} of {n}")
    expect(socket.recv(), end_mark(n), "end of burst")


def timed_sends(socket, message, n):
    start = now()
    for _ in range(n):
        socket.send(message)
    socket.send(end_mark(n))
    return start


def timed_receives(socket, message, n):
    got = b""
    for _ in range(n):
        got = socket.recv()
    end = now()
    expect(got, message, "last message")
    expect(socket.recv(), end_mark(n), "end of burst")
    return end


class Push(Role):
    drives = True

    def open(self, endpoints):
        self.out = self.socket("PUSH")
        self.out.connect(endpoints["sink"])
        self.message = payload(self.size)

    def burst(self, n, check):
        if check:
            return checked_sends(self.out, self.size, n)
        return {"t0": timed_sends(self.out, self.message, n)}


class Pull(Role):
    def open(self, endpoints):
        self.into = self.socket("PULL")
        self.message = payload(self.size)
        return {"sink": self.bind(self.into, "sink")}

    def burst(self, n, check):
        if check:
            return checked_receives(self.into, self.size, n)
        return {"t1": timed_receives(self.into, self.message, n)}


class PushParts(Push):
    def burst(self, n, check):
        parts = self.params["parts"]
        if check:
            for i in range(n):
                self.out.send_multipart([numbered(self.size, i + k) for k in range(parts)])
            return self.out.send_multipart([end_mark(n)])
        message = [self.message] * parts
        start = now()
        for _ in range(n):
            self.out.send_multipart(message)
        self.out.send_multipart([end_mark(n)])
        return {"t0": start}


class PullParts(Pull):
    def burst(self, n, check):
        parts = self.params["parts"]
        if check:
            for i in range(n):
                expect(self.into.recv_multipart(), [numbered(self.size, i + k) for k in range(parts)], f"message {i}")
            return expect(self.into.recv_multipart(), [end_mark(n)], "end of burst")
        got = []
        for _ in range(n):
            got = self.into.recv_multipart()
        end = now()
        expect(got, [self.message] * parts, "last message")
        expect(self.into.recv_multipart(), [end_mark(n)], "end of burst")
        return {"t1": end}


class PushMany(Push):
    """send_many(list of messages): only zmqcore has it."""

    def burst(self, n, check):
        batch = self.params["batch"]
        if check:
            self.out.send_many([numbered(self.size, i) for i in range(n)])
            return self.out.send(end_mark(n))
        messages = [self.message] * batch
        start = now()
        for _ in range(n // batch):
            self.out.send_many(messages)
        self.out.send_many(messages[: n % batch])
        self.out.send(end_mark(n))
        return {"t0": start}


class PullMany(Pull):
    """recv_many(at most this many): waits for one, returns what is there."""

    def burst(self, n, check):
        if check:
            return checked_receives(self.into, self.size, n)
        batch = self.params["batch"]
        left = n + 1  # the end mark may come with the last batch
        got = []
        while left:
            got = self.into.recv_many(min(batch, left))
            left -= len(got)
        end = now()
        expect(got[-1], end_mark(n), "end of burst")
        return {"t1": end}


class PushFan(Role):
    """Many pushers, one connection each, that take turns; in one process, so that two cores are enough for any number."""

    drives = True

    def open(self, endpoints):
        self.message = payload(self.size)
        for _ in range(self.params["peers"]):
            self.socket("PUSH").connect(endpoints["sink"])

    def burst(self, n, check):
        peers = self.sockets
        start = now()
        for _ in range(n // len(peers)):
            for socket in peers:
                socket.send(self.message)
        for socket in peers[: n % len(peers)]:
            socket.send(self.message)
        return {"t0": start}


class PullFan(Pull):
    """Messages of several pushers interleave: contents and count are checked, the order cannot be."""

    def burst(self, n, check):
        if check:
            for i in range(n):
                expect(self.into.recv(), self.message, f"message {i} of {n}")
            return {}
        got = b""
        for _ in range(n):
            got = self.into.recv()
        end = now()
        expect(got, self.message, "last message")
        if self.into.poll(0):
            raise WrongResult(f"more than the {n} messages that were sent")
        return {"t1": end}


class Inproc(Role):
    """Both ends in one process, a thread each."""

    drives = True

    def open(self, endpoints):
        self.into = self.socket("PULL")
        self.out = self.socket("PUSH")
        self.out.connect(self.bind(self.into, "sink"))
        self.message = payload(self.size)

    def burst(self, n, check):
        outcome = {}

        def receive():
            try:
                if check:
                    checked_receives(self.into, self.size, n)
                else:
                    outcome["t1"] = timed_receives(self.into, self.message, n)
            except Exception as error:
                outcome["error"] = error

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        if check:
            checked_sends(self.out, self.size, n)
        else:
            outcome["t0"] = timed_sends(self.out, self.message, n)
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome


class Depth(Role):
    """One thread puts `depth` messages into a pipe and then takes them out: what does a deep queue cost per message?"""

    drives = True

    def open(self, endpoints):
        self.into = self.socket("PULL", RCVHWM=0)
        self.out = self.socket("PUSH", SNDHWM=0)
        self.out.connect(self.bind(self.into, "sink"))
        self.message = payload(self.size)

    def burst(self, n, check):
        depth = self.params["depth"]
        start = now()
        for _ in range(max(1, n // depth)):
            for _ in range(depth):
                self.out.send(self.message)
            for _ in range(depth):
                got = self.into.recv()
        end = now()
        expect(got, self.message, "last message")
        return {"t0": start, "t1": end, "n": max(1, n // depth) * depth}
