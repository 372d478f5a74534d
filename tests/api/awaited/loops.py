"""The event loops that are there to test with, and coroutines as tests."""

import asyncio
import functools
import inspect
import sys

# "bare": a loop without add_reader, as Windows' default one is, on every system. "selector": Windows' other one.
LOOPS = ["asyncio", "bare"] + ["selector"] * (sys.platform == "win32")
try:
    import uvloop

    LOOPS.append("uvloop")
except ImportError:
    pass
try:
    from PyQt6 import QtCore
except ImportError:
    pass
else:
    import qasync  # which takes the Qt that it finds

    LOOPS.append("qt")

WAIT = 10


class BareLoop(asyncio.SelectorEventLoop):
    def add_reader(self, fd, callback, *args):
        raise NotImplementedError

    add_writer = add_reader

    def remove_reader(self, fd):
        raise NotImplementedError

    remove_writer = remove_reader


def new_loop(name):
    if name == "bare":
        return BareLoop()
    if name == "selector":
        return asyncio.SelectorEventLoop()
    if name == "qt":
        return qasync.QEventLoop(qt_application())
    return asyncio.new_event_loop() if name == "asyncio" else uvloop.new_event_loop()


@functools.cache  # which keeps it: its notifiers go with it
def qt_application():
    return QtCore.QCoreApplication([])


async def turns(count=20):
    """Lets the loop turn: whatever can be done without a message from outside has been done afterwards."""
    for _ in range(count):
        await asyncio.sleep(0)


async def calls_of_a_while(seconds):
    """How many functions are called in this thread while it only waits. A busy loop calls them by the thousand, on the busiest machine."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        await asyncio.sleep(seconds)
    finally:
        sys.setprofile(None)
    return calls


def on_loop(test):
    """The test is a coroutine function; fixture `run` runs it."""

    @functools.wraps(test)
    def wrapped(run, **kwargs):
        run(test(**kwargs))

    parameters = inspect.signature(test).parameters.values()
    wrapped.__signature__ = inspect.Signature([inspect.Parameter("run", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters])
    return wrapped
