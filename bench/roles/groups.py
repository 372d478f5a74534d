"""RADIO -> DISH over udp: as fast as the sender can, whether the receiver keeps up or not.

Rules
  - What counts is what has arrived, from before the first send() to the end mark: datagrams may be lost, and are when a sender is faster than its
    receiver. In a checked burst those that arrive must be whole, of that burst and in order.
  - The end mark is sent until the receiver has said by another socket, over tcp, that it is there.
"""

import socket

from .base import Role, WrongResult, end_mark, expect, now, numbered, payload

GROUP = "bench"


def unused():
    """Not every stack tells which port it has chosen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"udp://127.0.0.1:{probe.getsockname()[1]}"


class Radio(Role):
    drives = True

    def open(self, endpoints):
        self.out = self.socket("RADIO")
        self.out.connect(endpoints["dish"])
        self.said = self.socket("PULL")
        self.said.connect(endpoints["said"])
        self.message = payload(self.size)
        self.bursts = 0

    def until_heard(self, mark):
        while True:
            self.out.send(mark, group=GROUP)
            if self.said.poll(2):
                return expect(self.said.recv(), mark, "answer")

    def live(self):
        self.until_heard(b"hello")

    def burst(self, n, check):
        self.bursts += 1
        if check:
            for i in range(n):
                self.out.send(numbered(self.size, i), group=GROUP)
            return self.until_heard(end_mark(self.bursts))
        start = now()
        for _ in range(n):
            self.out.send(self.message, group=GROUP)
        self.until_heard(end_mark(self.bursts))
        return {"t0": start}


class Dish(Role):
    def open(self, endpoints):
        self.into = self.socket("DISH")
        where = unused()
        self.into.bind(where)
        self.into.join(GROUP)
        self.says = self.socket("PUSH")
        self.says.bind("tcp://127.0.0.1:*")
        said = self.says.getsockopt(self.zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        self.message = payload(self.size)
        self.bursts = 0
        return {"dish": where, "said": said}

    def live(self):
        expect(self.into.recv(), b"hello", "first message")
        self.says.send(b"hello")

    def burst(self, n, check):
        self.bursts += 1
        mark, earlier = end_mark(self.bursts), (b"hello", end_mark(self.bursts - 1))
        got = self.into.recv()
        while got in earlier:  # it was sent more than once
            got = self.into.recv()
        arrived = self.checked(n, got, mark) if check else self.timed(got, mark)
        end = now()
        self.says.send(mark)
        return {} if check else {"t1": end, "n": arrived}

    def checked(self, n, got, mark):
        sent = iter(range(n))
        arrived = 0
        while got != mark:
            if not any(got == numbered(self.size, i) for i in sent):
                raise WrongResult("a message that was not sent, or not in this order")
            arrived += 1
            got = self.into.recv()
        return arrived

    def timed(self, got, mark):
        arrived = 0
        last = self.message
        while got != mark:
            arrived += 1
            last = got
            got = self.into.recv()
        expect(last, self.message, "last message")
        return arrived
