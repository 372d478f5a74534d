"""Programs that work between their calls: one way with computing ends, and a server that hands requests with large frames to engines.

Rules
  - Work is so much processor time of this thread in plain Python, found out once when the role opens; it is no pause: a stack that
    wants a processor meanwhile has to find one.
  - Whoever works does so after every message, in timed bursts only.
"""

import asyncio
import time

from .aio import AsyncRole
from .base import Role, end_mark, expect, now, numbered, payload
from .pipeline import checked_receives, checked_sends

# How many turns of the loop that is timed, and how often: the least of them was disturbed least.
CALIBRATE_TURNS, CALIBRATE_TIMES = 20000, 5
# Requests an engine has before it; the server sends no more until one is answered.
AHEAD = 4


def work(turns):
    for _ in range(turns):
        pass


def turns_of(microseconds):
    """How many turns of work() take so long, when nobody disturbs them."""
    least = None
    for _ in range(CALIBRATE_TIMES):
        start = time.thread_time_ns()
        work(CALIBRATE_TURNS)
        took = time.thread_time_ns() - start
        least = took if least is None else min(least, took)
    return round(microseconds * 1000 * CALIBRATE_TURNS / least)


class Push(Role):
    drives = True

    def open(self, endpoints):
        self.out = self.socket("PUSH")
        self.out.connect(endpoints["sink"])
        self.message = payload(self.size)
        self.turns = turns_of(self.params.get("sender_us", 0))

    def burst(self, n, check):
        if check:
            return checked_sends(self.out, self.size, n)
        message, turns = self.message, self.turns
        start = now()
        for _ in range(n):
            self.out.send(message)
            work(turns)
        self.out.send(end_mark(n))
        return {"t0": start}


class Pull(Role):
    def open(self, endpoints):
        self.into = self.socket("PULL")
        self.message = payload(self.size)
        self.turns = turns_of(self.params.get("receiver_us", 0))
        return {"sink": self.bind(self.into, "sink")}

    def burst(self, n, check):
        if check:
            return checked_receives(self.into, self.size, n)
        got, turns = b"", self.turns
        for _ in range(n):
            got = self.into.recv()
            work(turns)
        end = now()
        expect(got, self.message, "last message")
        expect(self.into.recv(), end_mark(n), "end of burst")
        return {"t1": end}


class Server(AsyncRole):
    """asyncio: a ROUTER that requests leave by, for engines in turn, and a PULL that answers come back by."""

    drives = True

    async def open_in_loop(self, endpoints):
        self.engines = [b"engine%d" % rank for rank in range(self.params["engines"])]
        self.out = self.socket("ROUTER", ROUTER_MANDATORY=1)
        self.into = self.socket("PULL")
        return {"requests": self.bind(self.out, "requests"), "answers": self.bind(self.into, "answers")}

    def live(self):
        self.loop.run_until_complete(self.greet())

    async def greet(self):
        for _ in self.engines:
            await self.out.recv_multipart()  # it has connected, and can be sent to

    async def run(self, n, check):
        """Request i has i % 3 large frames, so that all engines get some of each."""
        room = {engine: asyncio.Semaphore(AHEAD) for engine in self.engines}
        answered = asyncio.ensure_future(self.take(n, room))
        start = now()
        for i in range(n):
            engine = self.engines[i % len(self.engines)]
            await room[engine].acquire()
            body = numbered(self.size, i) if check else self.message
            await self.out.send_multipart([engine, b"%d" % i, *[body] * (i % 3)], copy=False)
        seen = await answered
        end = now()
        expect(sorted(seen), list(range(n)), "answers")
        for engine in self.engines:
            await self.out.send_multipart([engine, end_mark(n)])
        return {"t0": start, "t1": end}

    async def take(self, n, room):
        seen = []
        for _ in range(n):
            engine, i = await self.into.recv_multipart()
            seen.append(int(i))
            room[engine].release()
        return seen


class Engine(Role):
    """Takes requests in an ordinary loop, looks at their frames in place, and works."""

    def open(self, endpoints):
        self.name = b"engine%d" % self.params["rank"]
        self.requests = self.socket("DEALER", IDENTITY=self.name)
        self.requests.connect(endpoints["requests"])
        self.answers = self.socket("PUSH")
        self.answers.connect(endpoints["answers"])
        self.turns = turns_of(self.params["engine_us"])
        self.message = payload(self.size)
        self.requests.send(b"here")

    def burst(self, n, check):
        while True:
            frames = self.requests.recv_multipart(copy=False)
            if frames[0].bytes == end_mark(n):
                return {}
            i = int(frames[0].bytes)
            if len(frames) != 1 + i % 3:
                raise ValueError(f"request {i} came with {len(frames) - 1} frames")
            for frame in frames[1:]:
                whole = numbered(self.size, i) if check else self.message
                expect(bytes(frame.buffer[-64:]), whole[-64:], f"end of a frame of request {i}")
                if check:
                    expect(frame.bytes, whole, f"frame of request {i}")
            if not check:
                work(self.turns)
            self.answers.send_multipart([self.name, frames[0].bytes])
