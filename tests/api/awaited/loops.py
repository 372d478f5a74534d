"""The event loops that are there to test with, and coroutines as tests."""

import asyncio
import functools
import inspect

LOOPS = ["asyncio"]
try:
    import uvloop

    LOOPS.append("uvloop")
except ImportError:
    pass

WAIT = 10


def new_loop(name):
    return asyncio.new_event_loop() if name == "asyncio" else uvloop.new_event_loop()


def on_loop(test):
    """The test is a coroutine function; fixture `run` runs it."""

    @functools.wraps(test)
    def wrapped(run, **kwargs):
        run(test(**kwargs))

    parameters = inspect.signature(test).parameters.values()
    wrapped.__signature__ = inspect.Signature(
        [inspect.Parameter("run", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters]
    )
    return wrapped
