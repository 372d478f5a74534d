"""One poll of a `zmqcore.asyncio.Poller`: what is ready, and how it waits.

Rules
- `awaited` is the class of sockets to be awaited: messages may have been given back to these, which no descriptor tells.
- What it listens to, it lets go when its Future is done, whoever ends that.
"""

from __future__ import annotations

import asyncio
from typing import Any

from . import _core
from ._awaiting import PAUSE_FIRST, PAUSE_LAST, POLLIN, POLLOUT, Awaiting, awaiting_of, returned_to
from ._readers import listen, stop_listening
from .constants import PollEvent

POLLFD = POLLIN | int(PollEvent.POLLERR | PollEvent.POLLPRI)


def ready_now(items: list[tuple[Any, int]], awaited: type[_core.Socket]) -> list[tuple[Any, int]]:
    """As zmq_poll() without waiting, and messages that were given back count."""
    ready = _core.zmq_poll(items, 0)
    for item, flags in items:
        if isinstance(item, awaited) and flags & POLLIN and returned_to(item):
            told = dict(ready)
            told[item] = told.get(item, 0) | POLLIN
            ready = list(told.items())
    return ready


class Round:
    """One poll of a Poller that has to wait: everything it listens to, until its Future is done."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        items: list[tuple[Any, int]],
        awaited: type[_core.Socket],
        future: asyncio.Future[list[tuple[Any, int]]],
        wait: int,
    ) -> None:
        self.loop = loop
        self.items = items
        self.awaited = awaited
        self.future = future
        self.watches: list[asyncio.Future[int]] = []
        self.watched: list[Awaiting] = []  # of ordinary sockets
        self.descriptors: list[tuple[int, bool]] = []
        self.listening = False
        self.pause: asyncio.TimerHandle | None = None
        self.pause_time = PAUSE_FIRST
        self.timer = loop.call_later(wait / 1000, self.expire) if wait > 0 else None
        future.add_done_callback(self.clean_up)
        try:
            for item, flags in items:
                if isinstance(item, _core.Socket):
                    self.watch(item, int(flags))
                else:
                    self.add_descriptor(item, int(flags))
            self.listen()
        except Exception as error:
            future.set_exception(error)

    def watch(self, item: _core.Socket, flags: int) -> None:
        awaiting = awaiting_of(item, self.loop)
        if not isinstance(item, self.awaited):
            self.watched.append(awaiting)
        watch = awaiting.watch(item, flags, -1)
        watch.add_done_callback(lambda _: self.watch_again(item, flags))
        self.watches.append(watch)

    def watch_again(self, item: _core.Socket, flags: int) -> None:
        self.look()
        if not self.future.done():  # somebody else was quicker
            self.watches[:] = [watch for watch in self.watches if not watch.done()]
            try:
                self.watch(item, flags)
            except Exception as error:
                self.future.set_exception(error)

    def add_descriptor(self, item: Any, flags: int) -> None:
        fd = item if isinstance(item, int) else item.fileno()
        if flags & POLLFD:
            self.descriptors.append((fd, False))
        if flags & POLLOUT:
            self.descriptors.append((fd, True))

    def listen(self) -> None:
        self.listening = True
        for fd, writing in self.descriptors:
            listen(self.loop, fd, self.look_at_descriptors, writing)

    def stop_listening(self) -> None:
        if self.listening:
            self.listening = False
            for fd, writing in self.descriptors:
                stop_listening(self.loop, fd, self.look_at_descriptors, writing)

    def look_at_descriptors(self) -> None:
        """One of them is ready. If it is for something that nobody asked for (input, while waiting for an error), the loop would tell so
        in each of its turns: looks away for a while."""
        self.look()
        if not self.future.done():
            self.stop_listening()
            self.pause = self.loop.call_later(self.pause_time, self.listen_again)
            self.pause_time = min(2 * self.pause_time, PAUSE_LAST)

    def listen_again(self) -> None:
        self.look()
        if not self.future.done():
            try:
                self.listen()
            except Exception as error:
                self.future.set_exception(error)

    def look(self) -> None:
        if self.future.done():
            return
        try:
            ready = ready_now(self.items, self.awaited)
        except Exception as error:
            self.future.set_exception(error)
        else:
            if ready:
                self.future.set_result(ready)

    def expire(self) -> None:
        """Time is up."""
        self.look()
        if not self.future.done():
            self.future.set_result([])

    def clean_up(self, _: object) -> None:
        for timer in (self.timer, self.pause):
            if timer is not None:
                timer.cancel()
        self.stop_listening()
        for watch in self.watches:
            watch.cancel()
        for awaiting in self.watched:
            awaiting.rest()
