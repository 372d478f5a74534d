"""Large frames through memory that both processes share (SHARED_MEMORY): written once and read in place, or lent and passed on as they are.

Rules
  - params["segment"] is the size of the memory; 0 is plain ipc, whose receiver gets bytes as in any other case.
  - What arrives is looked at where it lies: its last bytes in timed bursts, all of it in checked ones.
  - A lent frame is filled once and sent again and again: what passing it on costs, without the copy.
"""

from . import pipeline
from .base import Role, end_mark, expect, now, numbered, payload


class Sharing(Role):
    def socket(self, kind, **options):
        if self.params["segment"]:
            options["SHARED_MEMORY"] = self.params["segment"]
        return super().socket(kind, **options)

    def received(self, socket):
        """One frame, in place where it can be."""
        return socket.recv(copy=False).buffer if self.params["segment"] else socket.recv()


class Push(Sharing, pipeline.Push):
    """The plain loop."""


class Lender(Push):
    def burst(self, n, check):
        if check:
            return super().burst(n, check)
        frame = self.out.lend(self.size)
        memoryview(frame)[:] = self.message
        start = now()
        for _ in range(n):
            self.out.send(frame, copy=False)
        self.out.send(end_mark(n))
        return {"t0": start}


class Pull(Sharing):
    def open(self, endpoints):
        self.into = self.socket("PULL")
        self.message = payload(self.size)
        return {"sink": self.bind(self.into, "sink")}

    def burst(self, n, check):
        if check:
            for i in range(n):
                expect(self.received(self.into), numbered(self.size, i), f"message {i} of {n}")
            return expect(self.into.recv(), end_mark(n), "end of burst")
        got = b""
        for _ in range(n):
            got = self.received(self.into)
            got[-1]
        end = now()
        expect(got, self.message, "last message")
        del got
        expect(self.into.recv(), end_mark(n), "end of burst")
        return {"t1": end}


class Req(Sharing):
    drives = True

    def open(self, endpoints):
        self.req = self.socket("REQ")
        self.req.connect(endpoints["rep"])
        self.message = payload(self.size)

    def burst(self, n, check):
        got = b""
        start = now()
        for i in range(n):
            message = numbered(self.size, i) if check else self.message
            self.req.send(message)
            got = self.received(self.req)
            if check:
                expect(got, message, f"answer {i} of {n}")
            got[-1]
        end = now()
        expect(got, message, "last answer")
        return {"t0": start, "t1": end}


class Rep(Sharing):
    """Sends an answer of its own that says the same: every byte is written once on each way."""

    def open(self, endpoints):
        self.rep = self.socket("REP")
        self.message = payload(self.size)
        return {"rep": self.bind(self.rep, "rep")}

    def burst(self, n, check):
        for i in range(n):
            got = self.received(self.rep)
            got[-1]
            self.rep.send(numbered(self.size, i) if check else self.message)
