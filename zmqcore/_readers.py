"""Descriptors that an event loop listens to, for several who want to know.

Rules
- A loop keeps one callback for a descriptor and direction, and a second `add_reader` silently takes the place of the first. So all that listen
  to a descriptor here are in one list, which the loop calls.
- The loop alone holds on to that list: when the loop goes, so does the list.
- Everything about one loop happens on its thread.
- A loop without add_reader (Windows' default one) has a thread that selects for it (_selector_thread.py).
- A forked child shares the poll sets of its parent's loops: taking a descriptor off there would take it off in the parent. So the child forgets
  all that was listened to.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._selector_thread import SelectorThread

Look = Callable[[], object]


class _Listeners:
    """All that listen to one descriptor in one direction."""

    __slots__ = ("looks", "__weakref__")

    def __init__(self) -> None:
        self.looks: list[Look] = []

    def tell(self) -> None:
        looks = self.looks
        if len(looks) == 1:
            looks[0]()
            return
        for look in looks[:]:
            if look in looks:  # one of those before may have taken it off
                look()


_Table = weakref.WeakValueDictionary[tuple[int, bool], _Listeners]

_threads: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, SelectorThread] = weakref.WeakKeyDictionary()


def _watch(loop: asyncio.AbstractEventLoop, fd: int, tell: Look, writing: bool) -> None:
    watcher = _threads.get(loop, loop)
    try:
        (watcher.add_writer if writing else watcher.add_reader)(fd, tell)
    except NotImplementedError:
        from ._selector_thread import SelectorThread

        watcher = _threads[loop] = SelectorThread(loop)
        (watcher.add_writer if writing else watcher.add_reader)(fd, tell)


_tables: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Table] = weakref.WeakKeyDictionary()


def listen(loop: asyncio.AbstractEventLoop, fd: int, look: Look, writing: bool = False) -> None:
    """Calls `look` in each turn of the loop that finds `fd` readable, or writable."""
    table = _tables.get(loop)
    if table is None:
        table = _tables.setdefault(loop, weakref.WeakValueDictionary())
    listeners = table.get((fd, writing))
    if listeners is None:
        listeners = _Listeners()
        _watch(loop, fd, listeners.tell, writing)
        table[fd, writing] = listeners
    listeners.looks.append(look)


def stop_listening(loop: asyncio.AbstractEventLoop, fd: int, look: Look, writing: bool = False) -> None:
    """Takes `look` off again; nothing happens if it is not there."""
    table = _tables.get(loop)
    listeners = None if table is None else table.get((fd, writing))
    if listeners is None or look not in listeners.looks:
        return
    listeners.looks.remove(look)
    if listeners.looks or loop.is_closed():
        return
    assert table is not None
    del table[fd, writing]
    watcher = _threads.get(loop, loop)
    (watcher.remove_writer if writing else watcher.remove_reader)(fd)


def _forget() -> None:
    _tables.clear()
    for thread in _threads.values():
        thread.forget()
    _threads.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
