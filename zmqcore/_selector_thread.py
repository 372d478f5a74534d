"""add_reader and add_writer for an event loop that has none: a thread that selects for it.

The loop that Windows has by default is one (its Proactor completes reads, and cannot wait for a descriptor to become readable).

Rules
- Like a loop's own, a callback is called again and again as long as its descriptor is ready. It is called on the loop's thread; between being
  found ready and having been called a descriptor is not selected.
- Only the thread touches the selector. What the loop wants of it goes through a queue, and a byte on a pair of sockets that wakes it.
- The thread lives while anything is listened to, and no longer than its loop. It keeps nothing alive: it is a daemon, and knows the loop weakly.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import selectors
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable

from ._core import zmq_poll
from .constants import POLLERR, POLLIN, POLLOUT
from .error import ZMQError

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# Seconds, when the system refuses to select.
PAUSE = 0.05


class Polled(selectors.SelectSelector):
    """A selector of any number of sockets on Windows, where select() takes 512 of them."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        keys = list(self.get_map().values())
        wanted = [(key.fd, POLLIN * bool(key.events & READ) | POLLOUT * bool(key.events & WRITE)) for key in keys]
        try:
            found = dict(zmq_poll(wanted, -1 if timeout is None else int(timeout * 1000)))
        except ZMQError as error:  # a closed one
            raise OSError(error.errno, error.strerror) from None
        ready = []
        for key in keys:
            events = found.get(key.fd, 0)
            some = key.events & ((READ if events & (POLLIN | POLLERR) else 0) | (WRITE if events & (POLLOUT | POLLERR) else 0))
            if some:
                ready.append((key, some))
        return ready


Selector = Polled if sys.platform == "win32" else selectors.DefaultSelector


class SelectorThread:
    """Four methods of a loop. All are called on the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._callbacks: dict[tuple[int, int], Callable[[], object]] = {}
        self._watch: _Watch | None = None

    def add_reader(self, fd: int, callback: Callable[[], object]) -> None:
        self._add(fd, READ, callback)

    def add_writer(self, fd: int, callback: Callable[[], object]) -> None:
        self._add(fd, WRITE, callback)

    def remove_reader(self, fd: int) -> None:
        self._remove(fd, READ)

    def remove_writer(self, fd: int) -> None:
        self._remove(fd, WRITE)

    def forget(self) -> None:
        """In a forked child, where the thread is not."""
        self._callbacks.clear()
        self._watch = None

    def __del__(self) -> None:
        if self._watch is not None:
            self._watch.stop()  # the loop has gone

    def _add(self, fd: int, direction: int, callback: Callable[[], object]) -> None:
        self._callbacks[fd, direction] = callback
        if self._watch is None:
            self._watch = _Watch(self._loop, weakref.WeakMethod(self._ready))
        self._watch.ask(fd, direction, True)

    def _remove(self, fd: int, direction: int) -> None:
        if self._callbacks.pop((fd, direction), None) is None or self._watch is None:
            return
        if self._callbacks:
            self._watch.ask(fd, direction, False)
        else:
            self._watch.stop()
            self._watch = None

    def _ready(self, watch: _Watch, fd: int, direction: int) -> None:
        """On the loop's thread: the descriptor was found ready."""
        if watch is not self._watch or (callback := self._callbacks.get((fd, direction))) is None:
            return
        try:
            callback()
        finally:
            if watch is self._watch and (fd, direction) in self._callbacks:
                watch.ask(fd, direction, True)


class _Watch:
    """The thread and its selector, from the first descriptor to the last."""

    def __init__(self, loop: weakref.ref[asyncio.AbstractEventLoop], ready: weakref.WeakMethod[Callable[[_Watch, int, int], None]]) -> None:
        self._loop, self._ready = loop, ready
        self._asked: collections.deque[tuple[int, int, bool] | None] = collections.deque()
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)
        threading.Thread(target=self._run, name="zmqcore selector", daemon=True).start()

    def ask(self, fd: int, direction: int, wanted: bool) -> None:
        self._tell((fd, direction, wanted))

    def stop(self) -> None:
        self._tell(None)

    def _tell(self, what: tuple[int, int, bool] | None) -> None:
        self._asked.append(what)
        with contextlib.suppress(BlockingIOError, OSError):  # full: the thread will wake anyway; closed: it has gone with its loop
            self._here.send(b"\0")

    def _run(self) -> None:
        wanted: dict[int, int] = {}
        with Selector() as selector, self._here, self._there:
            selector.register(self._there, READ)
            while self._take(selector, wanted):
                try:
                    found = selector.select()
                except (OSError, ValueError):
                    # A descriptor was closed before it was taken off; the system does not say which.
                    if not _forget_closed(selector, wanted, self._there):
                        time.sleep(PAUSE)  # nothing to wait for but better times
                    continue
                if not self._report(selector, wanted, found):
                    return

    def _take(self, selector: selectors.BaseSelector, wanted: dict[int, int]) -> bool:
        """Does what was asked for. False: it was to stop."""
        with contextlib.suppress(BlockingIOError):
            while self._there.recv(4096):
                pass
        while self._asked:
            asked = self._asked.popleft()
            if asked is None:
                return False
            fd, direction, more = asked
            _select(selector, wanted, fd, wanted.get(fd, 0) | direction if more else wanted.get(fd, 0) & ~direction)
        return True

    def _report(self, selector: selectors.BaseSelector, wanted: dict[int, int], found: list[tuple[selectors.SelectorKey, int]]) -> bool:
        """Has the loop call what is ready. False: there is no loop any more."""
        for key, events in found:
            fd = key.fd
            if key.fileobj is self._there:
                continue
            _select(selector, wanted, fd, wanted[fd] & ~events)
            for direction in (READ, WRITE):
                loop, ready = self._loop(), self._ready()
                if not events & direction:
                    continue
                if loop is None or ready is None:
                    return False
                try:
                    loop.call_soon_threadsafe(ready, self, fd, direction)
                except RuntimeError:  # closed
                    return False
                del loop, ready
        return True


def _select(selector: selectors.BaseSelector, wanted: dict[int, int], fd: int, events: int) -> None:
    """Selects a descriptor for these events from now on. One that has been closed is forgotten."""
    known = wanted.pop(fd, 0)
    try:
        if not known and events:
            selector.register(fd, events)
        elif known and events:
            selector.modify(fd, events)
        elif known:
            selector.unregister(fd)
    except (OSError, ValueError, KeyError):
        with contextlib.suppress(OSError, ValueError, KeyError):
            selector.unregister(fd)
        return
    if events:
        wanted[fd] = events


def _forget_closed(selector: selectors.BaseSelector, wanted: dict[int, int], own: socket.socket) -> bool:
    """Whether there were any."""
    some = False
    for key in list(selector.get_map().values()):
        if key.fileobj is own:
            continue
        with Selector() as alone:
            try:
                alone.register(key.fd, key.events)
                alone.select(0)
            except (OSError, ValueError):
                _select(selector, wanted, key.fd, 0)
                some = True
    return some
