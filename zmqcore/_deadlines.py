"""timeout=: how long one call may wait, for what is made of several calls, and for waiting that is not the compiled core's.

Rules
- Milliseconds, as every time in ZeroMQ. None and negative numbers leave it to RCVTIMEO or SNDTIMEO, which hold in any case.
- The deadline is that of the whole call, on the monotonic clock.
- What an error says is what the caller had asked for, not what was left of it.
- A call is told of it only if there is one: a subclass may have a `send` or `recv` that does not know `timeout`.
"""

from __future__ import annotations

import time
from math import isnan
from typing import Any

NONE: dict[str, Any] = {}


def checked(timeout: float | None) -> float | None:
    """The timeout, None if it is none."""
    try:
        if timeout is None or timeout < 0:
            return None
        milliseconds = timeout if isinstance(timeout, float) else float(timeout)  # of a Decimal, say; a Rest stays one
    except TypeError:
        raise TypeError(f"timeout must be a number of milliseconds or None, not {timeout!r}") from None
    except OverflowError:
        return None
    if isnan(milliseconds):
        raise ValueError("timeout must be a number of milliseconds or None, not NaN")
    return milliseconds


def tighter(timeout: float | None, option: int) -> float:
    """How long a call may wait, in milliseconds, -1 without limit. `option` is the value of RCVTIMEO or SNDTIMEO."""
    if timeout is None or (0 <= option <= timeout):
        return option
    return timeout


class Rest(float):
    """What is left of a timeout, in milliseconds. It remembers the whole, for the text of an error."""

    __slots__ = ("whole",)
    whole: float | None


class Deadline:
    """When a call that is made of others has to end."""

    __slots__ = ("end", "whole")

    def __init__(self, timeout: float | None) -> None:
        milliseconds = checked(timeout)
        self.whole: float | None = getattr(timeout, "whole", milliseconds)  # of a call that is part of another
        self.end = None if milliseconds is None else time.monotonic() + milliseconds / 1000

    def left(self) -> dict[str, Any]:
        """The keyword that gives the next of them what is left."""
        if self.end is None:
            return NONE
        rest = Rest(max(0.0, (self.end - time.monotonic()) * 1000))
        rest.whole = self.whole
        return {"timeout": rest}


def within(timeout: float | None) -> dict[str, Any]:
    """The keyword that passes a timeout on."""
    return NONE if timeout is None else {"timeout": timeout}
