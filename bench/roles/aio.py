"""The same shapes under asyncio: `await socket.send()` / `await socket.recv()` in ordinary coroutines; params["loop"] chooses the loop."""

import asyncio

from bench import stacks

from .base import Role, end_mark, expect, now, numbered, payload


def new_loop(name):
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


class AsyncRole(Role):
    def __init__(self, stack, params):
        super().__init__(stack, params)
        self.aio = stacks.load_asyncio(stack)
        self.loop = new_loop(params.get("loop", "asyncio"))
        asyncio.set_event_loop(self.loop)
        self.message = payload(self.size)

    def new_context(self):
        return self.aio.Context()

    def open(self, endpoints):
        return self.loop.run_until_complete(self.open_in_loop(endpoints))

    def burst(self, n, check):
        return self.loop.run_until_complete(self.run(n, check))

    def close(self):
        async def close_in_loop():
            for socket in self.sockets:
                socket.close()

        self.loop.run_until_complete(close_in_loop())
        self.context.term()


class Push(AsyncRole):
    drives = True

    async def open_in_loop(self, endpoints):
        self.out = self.socket("PUSH")
        self.out.connect(endpoints["sink"])

    async def run(self, n, check):
        start = now()
        if check:
            for i in range(n):
                await self.out.send(numbered(self.size, i))
        else:
            for _ in range(n):
                await self.out.send(self.message)
        await self.out.send(end_mark(n))
        return {"t0": start}


class Pull(AsyncRole):
    async def open_in_loop(self, endpoints):
        self.into = self.socket("PULL")
        return {"sink": self.bind(self.into, "sink")}

    async def run(self, n, check):
        got = self.message
        if check:
            for i in range(n):
                expect(await self.into.recv(), numbered(self.size, i), f"message {i} of {n}")
        else:
            for _ in range(n):
                got = await self.into.recv()
        end = now()
        expect(got, self.message, "last message")
        expect(await self.into.recv(), end_mark(n), "end of burst")
        return {"t1": end}


class Req(AsyncRole):
    drives = True

    async def open_in_loop(self, endpoints):
        self.req = self.socket("REQ")
        self.req.connect(endpoints["rep"])

    async def run(self, n, check):
        if check:
            for i in range(n):
                await self.req.send(numbered(self.size, i))
                expect(await self.req.recv(), numbered(self.size, i), f"answer {i} of {n}")
            return {}
        got = b""
        start = now()
        for _ in range(n):
            await self.req.send(self.message)
            got = await self.req.recv()
        end = now()
        expect(got, self.message, "last answer")
        return {"t0": start, "t1": end}


class Rep(AsyncRole):
    async def open_in_loop(self, endpoints):
        self.rep = self.socket("REP")
        return {"rep": self.bind(self.rep, "rep")}

    async def run(self, n, check):
        for _ in range(n):
            await self.rep.send(await self.rep.recv())
