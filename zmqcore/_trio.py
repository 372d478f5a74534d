"""trio's tasks that wait for sockets: `_waiting` on a run of trio.

Rules
- Only one task may wait for a descriptor in trio. So of the tasks that wait for a socket one leads: it waits for the descriptor, looks for all,
  and when it goes another one takes its place. The others sleep until they are woken up.
- There is no task in the background: nothing runs, and nothing has to be ended, when nobody waits.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import trio

from . import _core
from ._awaiting import NO_KEYWORDS, awaitings_of
from ._deadlines import checked, tighter
from ._waiting import (
    CALLS_PER_TURN,
    DONTWAIT,
    PAUSE_FIRST,
    PAUSE_LAST,
    POLLIN,
    POLLOUT,
    RCVTIMEO,
    SNDTIMEO,
    VAIN,
    Waiter,
    Waits,
    next_pause,
)
from .error import Again, time_is_over

current_token = trio.lowlevel.current_trio_token

_get = _core.Socket.get

# How long a thread that closes a socket waits for trio to let go of the descriptor, in seconds: longer than any turn of a healthy program.
LETTING_GO = 1


class TrioWaiter(Waiter):
    """A task that waits. `task` while it sleeps."""

    __slots__ = ("waits", "task")

    def __init__(self, waits: TrioWaits, flags: int, alone: bool) -> None:
        super().__init__(flags, alone)
        self.waits = waits
        self.task: Any = None

    def wake(self) -> None:
        if self.waits.leader is self:
            self.waits.scope.cancel()
        else:
            self.stir()

    def stir(self) -> None:
        """Ends its sleep."""
        task, self.task = self.task, None
        if task is not None:
            trio.lowlevel.reschedule(task)


class TrioWaits(Waits):
    """All tasks of one run that wait for one socket."""

    def __init__(self, socket: Any, token: Any) -> None:
        super().__init__(socket)
        self.token = token
        self.thread = threading.get_ident()
        self.leader: TrioWaiter | None = None
        self.scope: Any = None  # of the leader
        self.paused = 0.0

    def listen(self) -> None:
        self.paused = 0.0

    def stop_listening(self) -> None:
        self.paused = 0.0

    def pause(self, seconds: float) -> None:
        self.paused = seconds

    async def wait(self, flags: int, alone: bool, front: bool = False) -> None:
        """Lets others run until an event of `flags` is there."""
        if self.ended:  # by another thread, which has not got far yet
            await trio.sleep(PAUSE_FIRST)
            return
        waiter = TrioWaiter(self, flags, alone)
        self.calls = 0
        self.add(waiter, front)
        served = False

        def abort(_: Any) -> Any:
            waiter.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        try:
            while not waiter.woken:
                if self.leader is None:
                    await self.lead(waiter)
                else:
                    waiter.task = trio.lowlevel.current_task()
                    await trio.lowlevel.wait_task_rescheduled(abort)
            served = True
        finally:
            self.leave(waiter, served)
            if self.leader is None:
                for other in self.waiters:
                    assert isinstance(other, TrioWaiter)
                    other.stir()  # it finds that nobody leads
                    break

    async def lead(self, waiter: TrioWaiter) -> None:
        socket = self.socket()
        if socket is None or socket.closed:
            self.wake_all()
            return
        fd = self.fd(socket)
        del socket
        self.leader = waiter
        try:
            with trio.CancelScope() as self.scope:
                if self.paused:
                    await trio.sleep(self.paused)
                    self.paused = 0.0
                else:
                    await trio.lowlevel.wait_readable(fd)
        finally:
            self.leader = self.scope = None
        if not waiter.woken:
            self.look()

    async def call(
        self,
        socket: Any,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        flags: int,
        event: int,
        keywords: dict[str, Any] = NO_KEYWORDS,
        timeout: float | None = None,
    ) -> Any:
        """Makes a call that does not wait, as soon as `event` lets it. `timeout`: milliseconds, beside RCVTIMEO or SNDTIMEO."""
        timeout = checked(timeout)
        begun = trio.current_time()
        await trio.lowlevel.checkpoint_if_cancelled()
        self.calls += 1
        if self.calls > CALLS_PER_TURN:
            await self.turn()
        try:
            result = call(socket, *args, **keywords)
        except Again:
            if flags & DONTWAIT:
                raise
        else:
            if self.waiters:
                self.news()
            return result
        option: int = _get(socket, RCVTIMEO if event == POLLIN else SNDTIMEO)
        wait = tighter(timeout, option)
        limit = trio.move_on_at(begun + wait / 1000) if wait >= 0 else contextlib.nullcontext()
        try:
            with limit:
                return await self._call_again(socket, call, args, keywords, event)
            try:
                return call(socket, *args, **keywords)  # time is up
            except Again:
                if timeout is None:
                    raise
                raise time_is_over(event == POLLOUT, timeout, option) from None
        finally:
            self.passed()

    async def turn(self) -> None:
        """Many calls have been done without a wait: lets others run."""
        self.calls = 0
        await trio.lowlevel.checkpoint()

    async def _call_again(
        self, socket: Any, call: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any], event: int
    ) -> Any:
        tries = 0
        while True:
            if tries > VAIN:
                await trio.sleep(next_pause(tries))
            else:
                await self.wait(event, True, tries > 0)
            try:
                return call(socket, *args, **keywords)
            except Again:
                tries += 1

    def news(self) -> None:
        if self.waiters:
            self._run(self.look)

    def end(self) -> None:
        self.ended = True
        if not self.waiters:
            return
        if threading.get_ident() == self.thread:
            self.wake_all()
            return
        # trio must let go of the descriptor before it is closed.
        gone = threading.Event()

        def let_go() -> None:
            self.wake_all()
            gone.set()

        if self._run(let_go):
            gone.wait(LETTING_GO)

    def _run(self, function: Callable[[], None]) -> bool:
        try:
            self.token.run_sync_soon(function)
        except trio.RunFinishedError:
            return False
        return True


def waits_of(socket: Any) -> TrioWaits:
    """What waits for the socket in this run."""
    token = current_token()
    for other in awaitings_of(socket).others:
        if isinstance(other, TrioWaits) and other.token is token and not other.ended:
            return other
    return TrioWaits(socket, token)


async def poll(items: list[tuple[Any, int]], timeout: int) -> list[tuple[Any, int]]:
    """As zmq_poll, but other tasks run."""
    await trio.lowlevel.checkpoint()
    ready = _core.zmq_poll(items, 0)
    if ready or timeout == 0 or (not items and timeout < 0):
        return ready
    with trio.move_on_after(timeout / 1000) if timeout > 0 else contextlib.nullcontext():
        pause = PAUSE_FIRST / 2
        while True:
            await _wait_for_any(items)
            ready = _core.zmq_poll(items, 0)
            if ready:
                return ready
            # Others were quicker, or a descriptor is ready for something that was not asked for.
            await trio.sleep(pause if pause >= PAUSE_FIRST else 0)
            pause = min(2 * pause, PAUSE_LAST)
    return _core.zmq_poll(items, 0)


async def _wait_for_any(items: list[tuple[Any, int]]) -> None:
    if len(items) == 1 and isinstance(items[0][0], _core.Socket):
        await waits_of(items[0][0]).wait(int(items[0][1]), False)
        return

    async def wait_for(wait: Callable[..., Any], *args: Any) -> None:
        try:
            await wait(*args)
        except (OSError, trio.ClosedResourceError):
            pass  # the look that follows meets it, too
        except trio.BusyResourceError:
            await trio.sleep(PAUSE_LAST)  # another task waits for this descriptor: looks now and then
        everything.cancel_scope.cancel()

    async with trio.open_nursery() as everything:
        for item, wanted in items:
            flags = int(wanted)
            if isinstance(item, _core.Socket):
                everything.start_soon(wait_for, waits_of(item).wait, flags, False)
                continue
            fd = item if isinstance(item, int) else item.fileno()
            if flags & ~POLLOUT:
                everything.start_soon(wait_for, trio.lowlevel.wait_readable, fd)
            if flags & POLLOUT:
                everything.start_soon(wait_for, trio.lowlevel.wait_writable, fd)
