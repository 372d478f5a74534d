"""The same shapes under other loops: gevent (`green`), tornado (`ZMQStream`) and anyio. Stacks without such a module are left out by name.

Rules
  - Green sockets run the plain roles: that is their point.
  - A ZMQStream sends from a callback and counts in another; the loop is stopped when the count is reached.
  - pyzmq has no anyio module; zmq-anyio, another distribution, stands for it.
"""

import asyncio
import importlib

from bench import stacks

from . import pipeline, roundtrip
from .aio import AsyncRole
from .base import Role, end_mark, expect, now, numbered, payload


def submodule(stack, name):
    return importlib.import_module(f"{stacks.ZMQ_LIKE[stack][0]}.{name}")


# ---- gevent


class Green:
    def __init__(self, stack, params):
        super().__init__(stack, params)
        self.zmq = submodule(stack, "green")


class GreenPush(Green, pipeline.Push):
    pass


class GreenPull(Green, pipeline.Pull):
    pass


class GreenReq(Green, roundtrip.Req):
    pass


class GreenRep(Green, roundtrip.Rep):
    pass


# ---- tornado


class StreamRole(Role):
    def __init__(self, stack, params):
        super().__init__(stack, params)
        from tornado.ioloop import IOLoop

        self.zmqstream = submodule(stack, "eventloop.zmqstream")
        self.loop = IOLoop(make_current=False)
        self.message = payload(self.size)

    def stream(self, kind):
        return self.zmqstream.ZMQStream(self.socket(kind), self.loop)

    def until_stopped(self, first):
        """Runs the loop, which calls `first` before anything else."""
        self.loop.add_callback(first)
        self.loop.start()

    def close(self):
        self.end.close()
        self.loop.close(all_fds=False)
        self.context.destroy(linger=0)


class StreamPush(StreamRole):
    drives = True
    BATCH = 100  # so many are handed to the stream at once, as a program with something else to do would

    def open(self, endpoints):
        self.end = self.stream("PUSH")
        self.end.connect(endpoints["sink"])

    def burst(self, n, check):
        start = now()
        left = iter(range(n))

        def some():
            for _ in range(self.BATCH):
                i = next(left, None)
                if i is None:
                    self.end.send(end_mark(n))
                    self.end.flush(self.zmq.POLLOUT)
                    self.loop.stop()
                    return
                self.end.send(numbered(self.size, i) if check else self.message)
            self.end.flush(self.zmq.POLLOUT)
            self.loop.add_callback(some)

        self.until_stopped(some)
        return {"t0": start}


class StreamPull(StreamRole):
    def open(self, endpoints):
        self.end = self.stream("PULL")
        return {"sink": self.bind(self.end.socket, "sink")}

    def burst(self, n, check):
        seen = 0
        end = 0

        def arrived(frames):
            nonlocal seen, end
            if seen == n:
                expect(frames[0], end_mark(n), "end of burst")
                self.loop.stop()
                return
            if check:
                expect(frames[0], numbered(self.size, seen), f"message {seen} of {n}")
            seen += 1
            if seen == n:
                end = now()

        self.until_stopped(lambda: self.end.on_recv(arrived))
        self.end.stop_on_recv()
        return {"t1": end}


class StreamReq(StreamRole):
    drives = True

    def open(self, endpoints):
        self.end = self.stream("DEALER")
        self.end.connect(endpoints["rep"])

    def burst(self, n, check):
        start = now()
        seen = 0

        def ask():
            self.end.send(numbered(self.size, seen) if check else self.message)

        def answered(frames):
            nonlocal seen
            expect(frames[0], numbered(self.size, seen) if check else self.message, f"answer {seen} of {n}")
            seen += 1
            if seen == n:
                self.loop.stop()
            else:
                ask()

        self.end.on_recv(answered)
        self.until_stopped(ask)
        return {"t0": start, "t1": now()}


class StreamRep(StreamRole):
    def open(self, endpoints):
        self.end = self.stream("DEALER")
        return {"rep": self.bind(self.end.socket, "rep")}

    def burst(self, n, check):
        seen = 0

        def asked(frames):
            nonlocal seen
            self.end.send_multipart(frames)
            seen += 1
            if seen == n:
                self.end.flush(self.zmq.POLLOUT)
                self.loop.stop()

        self.until_stopped(lambda: self.end.on_recv(asked))
        self.end.stop_on_recv()  # a message of the next burst must not find the counter of this one
        return {}


# ---- anyio, on asyncio


class AnyioRole(AsyncRole):
    """`send` and `recv` are the names of the calls to be awaited."""

    def __init__(self, stack, params):
        super().__init__(stack, params)
        self.send, self.recv = ("asend", "arecv") if stack == "zmq" else ("send", "recv")

    def new_context(self):
        return self.zmq.Context() if self.stack == "zmq" else submodule(self.stack, "anyio").Context()

    async def started(self, kind):
        made = self.socket(kind)
        if self.stack == "zmq":
            import zmq_anyio

            made = self.sockets[-1] = zmq_anyio.Socket(made)
            self.task = asyncio.ensure_future(made.start())
            await made.started.wait()
        return made


class AnyioPush(AnyioRole):
    drives = True

    async def open_in_loop(self, endpoints):
        self.out = await self.started("PUSH")
        self.out.connect(endpoints["sink"])

    async def run(self, n, check):
        send = getattr(self.out, self.send)
        start = now()
        for i in range(n):
            await send(numbered(self.size, i) if check else self.message)
        await send(end_mark(n))
        return {"t0": start}


class AnyioPull(AnyioRole):
    async def open_in_loop(self, endpoints):
        self.into = await self.started("PULL")
        return {"sink": self.bind(self.into, "sink")}

    async def run(self, n, check):
        recv = getattr(self.into, self.recv)
        for i in range(n):
            got = await recv()
            if check:
                expect(got, numbered(self.size, i), f"message {i} of {n}")
        end = now()
        expect(await recv(), end_mark(n), "end of burst")
        return {"t1": end}


class AnyioReq(AnyioRole):
    drives = True

    async def open_in_loop(self, endpoints):
        self.req = await self.started("REQ")
        self.req.connect(endpoints["rep"])

    async def run(self, n, check):
        send, recv = getattr(self.req, self.send), getattr(self.req, self.recv)
        start = now()
        for i in range(n):
            message = numbered(self.size, i) if check else self.message
            await send(message)
            expect(await recv(), message, f"answer {i} of {n}")
        return {"t0": start, "t1": now()}


class AnyioRep(AnyioRole):
    async def open_in_loop(self, endpoints):
        self.rep = await self.started("REP")
        return {"rep": self.bind(self.rep, "rep")}

    async def run(self, n, check):
        send, recv = getattr(self.rep, self.send), getattr(self.rep, self.recv)
        for _ in range(n):
            await send(await recv())
        return {}
