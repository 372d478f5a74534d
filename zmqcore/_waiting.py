"""Waiting for a socket by tasks that try again when they are woken up: what is common to greenlets and trio's tasks.

Rules
- A task that must wait has taken nothing from the socket, and takes what it waited for when it runs again. So it may be killed, cancelled or
  timed out at any moment, and no message is lost by it.
- All tasks of one scheduler that wait for one socket, through whatever object, are in one `Waits`. It listens to the descriptor while there
  are any, and only then.
- Of those that would take the same thing one is woken up, in the order of their coming. It passes on: after its call it has the next one woken
  up if there is more, and so it does if it goes without one.
- A task that was woken up in vain waits at its old place. If that happens again and again, because what stops its call shows in no event, it
  tries now and then.
- While the descriptor is readable for something that no task waits for, it is looked at now and then.
- All happens on the scheduler's thread, but for `news` and `end`.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any

from ._awaiting import DONTWAIT, PAUSE_FIRST, PAUSE_LAST, POLLIN, POLLOUT, RCVTIMEO, SNDTIMEO, Sharer, awaitings_of

__all__ = ["DONTWAIT", "PAUSE_FIRST", "PAUSE_LAST", "POLLIN", "POLLOUT", "RCVTIMEO", "SNDTIMEO", "Waiter", "Waits"]

# So many calls may be done at once before one lets others run; otherwise a fast peer could keep a task running for ever.
CALLS_PER_TURN = 1000

# So often may a task be woken up in vain before it only tries now and then: others may have been quicker.
VAIN = 3


class Waiter:
    """A task that waits for events; `alone` if it will take what they tell of."""

    __slots__ = ("flags", "alone", "woken")

    def __init__(self, flags: int, alone: bool) -> None:
        self.flags = flags
        self.alone = alone
        self.woken = False

    def wake(self) -> None:
        """Has the task run, soon or at once."""
        raise NotImplementedError


class Waits(Sharer):
    """All tasks of one scheduler that wait for one socket."""

    def __init__(self, socket: Any) -> None:
        self.shared = awaitings_of(socket)
        self.shared.add(self)
        self.socket = weakref.ref(socket._original() or socket)
        self.waiters: deque[Waiter] = deque()
        self.calls = 0  # since others could run
        self.ended = False  # the socket is being closed
        self.pause_time = PAUSE_FIRST
        self._fd = -1

    # -- of the scheduler

    def listen(self) -> None:
        """Has `look` called as long as the descriptor is readable. Called again and again."""
        raise NotImplementedError

    def stop_listening(self) -> None:
        """Ends that, and a pause, if there is one."""
        raise NotImplementedError

    def pause(self, seconds: float) -> None:
        """Has `look` called after that time."""
        raise NotImplementedError

    # -- waiting

    def fd(self, socket: Any) -> int:
        """The descriptor."""
        if self._fd < 0:
            self._fd = socket.fileno()
        return self._fd

    def add(self, waiter: Waiter, front: bool = False) -> None:
        """`front`: it has been woken up in vain."""
        if front:
            self.waiters.appendleft(waiter)
        else:
            self.waiters.append(waiter)
        self.listen()

    def leave(self, waiter: Waiter, served: bool) -> None:
        """The task runs again. `served`: it was woken up, and will call `passed` when it has made its call."""
        if not waiter.woken:
            self.waiters.remove(waiter)
        if not self.waiters:
            self.stop_listening()
        elif waiter.woken and not served:
            self.look()

    def passed(self) -> None:
        """A call has been made: there may be more, or room, for others."""
        if self.waiters:
            self.look()
        if self.shared.of_loop or len(self.shared.others) > 1:
            self.shared.tell(self)

    def look(self) -> None:
        """Wakes those up whose turn it is."""
        socket = self.socket()
        if socket is None or self.ended:
            self.wake_all()
            return
        try:
            events: int = socket._events()
        except Exception:  # closed, or its context has ended: they shall meet that
            self.wake_all()
            return
        left = events
        waiting: deque[Waiter] = deque()
        chosen: list[Waiter] = []
        for waiter in self.waiters:
            if not waiter.flags & (left if waiter.alone else events):
                waiting.append(waiter)
                continue
            if waiter.alone:
                left &= ~waiter.flags
            waiter.woken = True
            chosen.append(waiter)
        self.waiters = waiting
        if not waiting:
            self.stop_listening()
        elif chosen or not events & POLLIN:
            self.pause_time = PAUSE_FIRST
            self.listen()
        else:
            self.stop_listening()
            self.pause(self.pause_time)
            self.pause_time = min(2 * self.pause_time, PAUSE_LAST)
        for waiter in chosen:  # the last thing: they may run at once
            waiter.wake()

    def wake_all(self) -> None:
        """To find out what has happened."""
        waiters, self.waiters = self.waiters, deque()
        self.stop_listening()
        for waiter in waiters:
            waiter.woken = True
        for waiter in waiters:
            waiter.wake()


def next_pause(tries: int) -> float:
    """How long to wait before the next of many tries in vain."""
    return min(PAUSE_FIRST * 2 ** min(tries - VAIN, 10), PAUSE_LAST)
