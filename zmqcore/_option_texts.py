"""What help() and docs/options.md say about an option, from the core's table of options."""

from __future__ import annotations

from functools import cache
from typing import Any

from . import _core
from .constants import SocketType

__all__ = ["about_row", "bounds", "context_option_row", "default", "describe", "option_row", "support", "types", "wanted"]

INT_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
# Bounds that are those of the type.
LIMITS = {INT_MAX, -INT_MAX - 1, INT64_MAX, -INT64_MAX - 1}


@cache
def _rows() -> dict[int, dict[str, Any]]:
    return {row["number"]: row for row in _core.option_info()[0]}


def option_row(number: int) -> dict[str, Any] | None:
    """What the table says of a socket option; None for a number that is none."""
    return _rows().get(number)


def context_option_row(number: int, access: str) -> dict[str, Any] | None:
    """What the table says of a context option; None for a number that is none. One number may be two options: the one that has this `access`
    ("set_on", "get_on") goes first."""
    rows = [row for row in _core.option_info()[1] if row["number"] == number]
    return next((row for row in rows if row[access] != ()), rows[0] if rows else None)


def wanted(row: dict[str, Any]) -> str:
    """What an option can be set to, in words for an error: "an int (milliseconds), from -1"."""
    if row["switch"]:
        return "0 or 1"
    values = bounds(row)
    if row["kind"] == "bytes":
        return {"": "bytes", "any length": "bytes", "empty only": 'b"" only'}.get(values, values)
    unit = f" ({row['unit']})" if row["unit"] else ""
    return f"an int{unit}{', ' + values if values not in ('', 'any') else ''}"


def types(numbers: tuple[int, ...] | None) -> str:
    """Socket types by name: "all", "none", "PUB, XPUB"."""
    if numbers is None:
        return "all"
    return ", ".join(SocketType(number).name for number in numbers) or "none"


def bounds(row: dict[str, Any]) -> str:
    """The values that an option takes, in words; "" for one that cannot be set, or for a switch."""
    lowest, highest = row["lowest"], row["highest"]
    if row["set_on"] == () or row["switch"] or (row["adds"] and row["kind"] == "int"):
        return ""
    if row["kind"] == "bytes":
        if lowest > highest or highest == 0:
            return "empty only"
        if highest == INT64_MAX:
            return "any length"
        return f"{lowest} to {highest} bytes"
    if lowest == highest:
        return f"{lowest} only"
    if highest not in LIMITS:
        return f"{lowest} to {highest}"
    return "any" if lowest in LIMITS else f"from {lowest}"


def default(row: dict[str, Any]) -> str:
    """The value before any is set; "" if there is none."""
    if row["default"] is None:
        return ""
    text = repr(row["default"])
    return f"{text} ({types(row['zero_on'])}: 0)" if row["zero_on"] else text


def _sockets(numbers: tuple[int, ...] | None) -> str:
    return "all types of socket" if numbers is None else types(numbers)


def _access(row: dict[str, Any]) -> str:
    setters, getters = row["set_on"], row["get_on"]
    if setters == getters:
        return "Neither set nor read." if setters == () else f"Set and read by {_sockets(setters)}."
    if setters == ():
        return f"Read by {_sockets(getters)}; it cannot be set."
    if getters == ():
        return f"Set by {_sockets(setters)}; it cannot be read."
    return f"Set by {_sockets(setters)}; read by {_sockets(getters)}."


def support(row: dict[str, Any]) -> str:
    """What is left of an option whose feature is not built in."""
    if not row["absent"]:
        return ""
    return "setting raises EINVAL" if row["set_on"] == () else "only the default can be set"


def _errors(row: dict[str, Any]) -> list[str]:
    kind = "bytes" if row["kind"] == "bytes" else "int"
    lines = []
    if row["set_on"] == ():
        lines.append("Setting raises ZMQError(EINVAL).")
    else:
        lines.append(
            f"Setting raises TypeError for what is not {kind}, ZMQError(EINVAL) for other values and on other types of socket."
        )
    if row["get_on"] == ():
        lines.append("Reading raises AttributeError as an attribute, ZMQError(EINVAL) with get().")
    return [*lines, "Both raise ZMQError(ENOTSOCK) on a closed socket, ContextTerminated after term() of its context."]


def about_row(row: dict[str, Any]) -> str:
    """A docstring for one option."""
    kind = "bytes" if row["kind"] == "bytes" else "int"
    unit = f" ({row['unit']})" if row["unit"] else ""
    lines = [f"zmq.{row['name']}, option {row['number']}: {kind}{unit}.", "", row["doc"], ""]
    if row["absent"]:
        lines.append(f"Not supported by zmqcore: {support(row)}.")
    lines += [f"{name}: {text}." for name, text in [("Default", default(row)), ("Values", bounds(row))] if text]
    lines.append(_access(row))
    if row["when"]:
        lines.append(f"A new value counts {row['when']}.")
    return "\n".join([*lines, "", *_errors(row)])


def describe(number: int) -> str:
    """A docstring for the option of that number."""
    return about_row(_rows()[number])
