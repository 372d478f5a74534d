"""Coroutines as tests on a loop of tornado, and queues for functions that a loop calls."""

import asyncio
import functools
import inspect

from awaiting import SECONDS


def on_tornado(test):
    """The test is a coroutine function; fixture `run` runs it."""

    @functools.wraps(test)
    def wrapped(run, **kwargs):
        run(test(**kwargs))

    parameters = inspect.signature(test).parameters.values()
    wrapped.__signature__ = inspect.Signature(
        [inspect.Parameter("run", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters]
    )
    return wrapped


class Calls(asyncio.Queue):
    """A function to be called; `await calls.next()` is what it was called with."""

    def __call__(self, *args):
        self.put_nowait(args[0] if len(args) == 1 else args)

    async def next(self):
        return await asyncio.wait_for(self.get(), SECONDS)

    async def several(self, count):
        return [await self.next() for _ in range(count)]

    async def silent(self, seconds=0.05):
        """Nothing calls it for a while."""
        await asyncio.sleep(seconds)
        assert self.empty(), self.get_nowait()
