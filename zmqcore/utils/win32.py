"""Ctrl-C on Windows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


class allow_interrupt:
    """`with allow_interrupt(action):` calls `action` at Ctrl-C while the block waits in a ZeroMQ call. Elsewhere it does nothing.

    The handler runs on a thread of Windows' own; `action` is typically what makes the block end.
    """

    def __init__(self, action: Callable[[], Any] | None = None) -> None:
        self.action = action
        self._handler: Any = None

    def __enter__(self) -> None:
        if sys.platform == "win32":
            import ctypes

            def handle(event: int) -> int:
                if event == 0 and self.action is not None:  # CTRL_C_EVENT
                    self.action()
                return 0  # and on to Python's own handler

            self._handler = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)(handle)
            if not ctypes.windll.kernel32.SetConsoleCtrlHandler(self._handler, 1):
                raise OSError(ctypes.get_last_error(), "SetConsoleCtrlHandler failed")

    def __exit__(self, *args: object) -> None:
        if sys.platform == "win32" and self._handler is not None:
            import ctypes

            ctypes.windll.kernel32.SetConsoleCtrlHandler(self._handler, 0)
            self._handler = None
