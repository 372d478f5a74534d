"""Greenlets that wait for sockets: `_waiting` on a hub of gevent.

Rules
- A greenlet that begins to wait for a message lets the hub look again in each of its turns for a short while, before it listens to the
  descriptor: most answers come that soon, and the hub takes its time to start and stop a watcher.
- What the hub itself finds wakes a greenlet at once; what a greenlet finds wakes others in the hub's next turn.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

import gevent
from gevent import getcurrent
from gevent.hub import Waiter as Switch
from gevent.hub import get_hub

from .. import _core
from .._awaiting import awaitings_of
from .._waiting import PAUSE_FIRST, PAUSE_LAST, POLLIN, POLLOUT, VAIN, Waiter, Waits, next_pause
from ..error import Again

# What a loop of gevent calls them.
READ = 1
WRITE = 2


class GreenWaiter(Waiter):
    """A greenlet that waits. It may wait for several sockets at once: all its waiters have one switch."""

    __slots__ = ("hub", "switch")

    def __init__(self, hub: Any, flags: int, alone: bool, switch: Any) -> None:
        super().__init__(flags, alone)
        self.hub = hub
        self.switch = switch

    def wake(self) -> None:
        if getcurrent() is self.hub:
            self.switch.switch(True)
        else:
            self.hub.loop.run_callback(self.switch.switch, True)


class GreenWaits(_core.Spinner, Waits):
    """All greenlets of one hub that wait for one socket."""

    def __init__(self, socket: Any, hub: Any) -> None:
        super().__init__(socket)
        self.hub = hub
        self.thread = threading.get_ident()
        self.watcher: Any = None
        self.timer: Any = None

    def listen(self) -> None:
        if self.watcher is None and self.timer is None and (socket := self.socket()) is not None and not self.ended:
            self.watcher = self.hub.loop.io(self.fd(socket), READ)
            self.watcher.start(self._told)

    def stop_listening(self) -> None:
        for watcher in (self.watcher, self.timer):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self.watcher = self.timer = None

    def _told(self) -> None:
        """The descriptor is readable."""
        socket = self.socket()
        if socket is not None and not socket.closed:
            self.waited(socket)
        self.look()

    def spin(self) -> None:
        """A greenlet has begun to wait for a message, which may be on its way."""
        socket = self.socket()
        if socket is None or socket.closed or not self.waiters:
            self.end_spin()
            if self.waiters:
                self.wake_all()
            return
        state = self.spin_on(socket)
        if state == 0:
            self.hub.loop.run_callback(self.spin)
        elif state > 0:
            self.look()
        else:
            self.listen()

    def _spins(self) -> bool:
        """Whether the first greenlet that waits for a message need not listen yet."""
        if self.waiters or self.watcher is not None or self.timer is not None or (socket := self.socket()) is None or socket.closed:
            return False
        return self.begin_spin(socket)

    def pause(self, seconds: float) -> None:
        self.timer = self.hub.loop.timer(seconds)
        self.timer.start(self._look_again)

    def _look_again(self) -> None:
        self.stop_listening()
        self.look()

    def wait(self, flags: int, alone: bool, seconds: float, front: bool = False) -> bool:
        """Switches to others until an event of `flags` is there, or for so many seconds if not negative; whether one came."""
        if self.ended:  # by another thread, which has not got far yet
            gevent.sleep(PAUSE_FIRST)
            return True
        switch = Switch(self.hub)
        waiter = GreenWaiter(self.hub, flags, alone, switch)
        self.calls = 0
        if flags == POLLIN and alone and not front and self._spins():
            self.waiters.append(waiter)
            self.hub.loop.run_callback(self.spin)
        else:
            self.add(waiter, front)
        timer = None
        served = False
        try:
            if seconds >= 0:
                timer = self.hub.loop.timer(seconds)
                timer.start(switch.switch, False)
            served = switch.get()
        finally:
            if timer is not None:
                timer.stop()
                timer.close()
            self.leave(waiter, served)
        return served

    def call(
        self, socket: Any, call: Any, args: tuple[Any, ...], keywords: dict[str, Any], flags: int, timeout: float
    ) -> Any:
        """Makes a call that does not wait when an event of `flags` lets it, `timeout` ms at most if not negative. It was made just now, to
        no avail."""
        end = monotonic() + timeout / 1000
        tries = 0
        while True:
            seconds = max(end - monotonic(), 0) if timeout >= 0 else -1
            if tries > VAIN:
                pause = next_pause(tries)
                gevent.sleep(pause if seconds < 0 else min(pause, seconds))
                last = 0 <= seconds <= pause
            else:
                last = not self.wait(flags, True, seconds, tries > 0)
            try:
                result = call(socket, *args, **keywords)
            except Again:
                tries += 1
                if last:
                    raise
            except BaseException:
                self.passed()
                raise
            else:
                self.passed()
                return result

    def turn(self) -> None:
        """Many calls have been done without a wait: lets others run."""
        self.calls = 0
        if gevent.getcurrent() is not self.hub:
            gevent.sleep(0)

    def news(self) -> None:
        if self.waiters:
            if threading.get_ident() == self.thread:
                self.hub.loop.run_callback(self.look)
            else:
                self.hub.loop.run_callback_threadsafe(self.look)

    def end(self) -> None:
        self.ended = True
        if not self.waiters:
            return
        if threading.get_ident() == self.thread:
            self.wake_all()
        else:
            self.hub.loop.run_callback_threadsafe(self.wake_all)


def waits_of(socket: Any) -> GreenWaits:
    """What waits for the socket on this thread's hub."""
    hub = get_hub()
    for other in awaitings_of(socket).others:
        if isinstance(other, GreenWaits) and other.hub is hub and not other.ended:
            return other
    return GreenWaits(socket, hub)


def poll(items: list[tuple[Any, int]], timeout: int) -> list[tuple[Any, int]]:
    """As zmq_poll, but other greenlets run."""
    ready = _core.zmq_poll(items, 0)
    if ready or (not items and timeout < 0):
        return ready
    if timeout == 0:
        gevent.sleep(0)  # who asks all the time lets others run
        return _core.zmq_poll(items, 0)
    end = monotonic() + timeout / 1000
    pause = PAUSE_FIRST / 2
    while True:
        seconds = max(end - monotonic(), 0) if timeout > 0 else -1
        came = _wait_for_any(items, seconds)
        ready = _core.zmq_poll(items, 0)
        if ready or not came:
            return ready
        # Others were quicker, or a descriptor is ready for something that was not asked for.
        if pause >= PAUSE_FIRST:
            gevent.sleep(pause)
        pause = min(2 * pause, PAUSE_LAST)


def _wait_for_any(items: list[tuple[Any, int]], seconds: float) -> bool:
    hub = get_hub()
    switch = Switch(hub)
    watchers: list[Any] = []
    waiters: list[tuple[GreenWaits, GreenWaiter]] = []
    try:
        for item, flags in items:
            if isinstance(item, _core.Socket):
                waits = waits_of(item)
                waiter = GreenWaiter(hub, int(flags), False, switch)
                waits.add(waiter)
                waiters.append((waits, waiter))
                continue
            fd = item if isinstance(item, int) else item.fileno()
            events = (READ if flags & ~POLLOUT else 0) | (WRITE if flags & POLLOUT else 0)
            watchers.append(hub.loop.io(fd, events))
            watchers[-1].start(switch.switch, True)
        if seconds >= 0:
            watchers.append(hub.loop.timer(seconds))
            watchers[-1].start(switch.switch, False)
        came: bool = switch.get()
        return came
    finally:
        for watcher in watchers:
            watcher.stop()
            watcher.close()
        for waits, waiter in waiters:
            waits.leave(waiter, True)  # it has taken nothing that others could have
