"""JSON with a declared type, by the standard library alone.

Rules
- A declared type is compiled into a checker once. What it cannot be made of is a TypeError then, before any message is received.
- A checker takes what json.loads() made and returns the object, or raises Mismatch, which collects the path on its way out. It calls nothing
  but the declared dataclasses.
- Nothing is converted but what JSON cannot tell apart: an int where a float is declared, keys that are numbers, arrays that are tuples.
- Members of an object that the dataclass does not have are ignored, so that senders can be newer than receivers.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import repeat
from typing import Any

Check = Callable[[Any], Any]

# Text of a received key in an error.
KEY_TEXT_MAX = 40

# Ints as keys have 64 bits, signed or not. Beyond, a sender could choose thousands that all have the same hash (which is the int
# modulo a prime of 61 bits), and a dict of these takes minutes.
KEY_MIN, KEY_MAX = -(2**63), 2**64 - 1
KEY_DIGITS = len(str(KEY_MIN))


class Mismatch(Exception):
    """Received data are not of the declared type."""

    def __init__(self, expected: str, value: Any, got: str | None = None) -> None:
        self.expected = expected
        self.got = got or _name(type(value))
        self.steps: list[str | int] = []  # innermost first

    def path(self) -> str:
        """Where: `$` is the whole, as in `$.orders[3].id`."""
        return "$" + "".join(map(_step, reversed(self.steps)))

    def __str__(self) -> str:
        return f"expected {self.expected}, got {self.got}"


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step.isidentifier() and len(step) <= KEY_TEXT_MAX:
        return f".{step}"
    return f"[{step[:KEY_TEXT_MAX]!r}{'...' if len(step) > KEY_TEXT_MAX else ''}]"


def dumps(obj: Any) -> bytes:
    """The object as JSON in UTF-8."""
    text = json.dumps(obj, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def _plain(obj: Any) -> Any:
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return {field.name: getattr(obj, field.name) for field in dataclasses.fields(obj)}
    raise TypeError(
        f"JSON has nothing for {type(obj).__name__}: make it of dict, list, str, numbers, bool, None and dataclasses, "
        'or choose codec="msgspec", which knows more types'
    )


def loads(check: Check, data: Any) -> Any:
    """What the checker makes of JSON in UTF-8. ValueError: it is none; Mismatch: it is something else than declared."""
    return check(json.loads(str(data, "utf-8"), parse_constant=_no_constant, parse_float=_finite))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large for float")
    return number


# ---- from a type to its checker


def checker(declared: Any) -> Check:
    """The checker of a declared type. TypeError: JSON, or this module, has no such type."""
    return (_cached_checker if hashable(declared) else _new_checker)(declared)


def hashable(thing: Any) -> bool:
    """Whether it can be remembered. Types can, but for the notes of an Annotated."""
    try:
        hash(thing)
    except TypeError:
        return False
    return True


def _new_checker(declared: Any) -> Check:
    return _Compiler().checker(declared)


_cached_checker = lru_cache(maxsize=256)(_new_checker)


def _name(declared: Any) -> str:
    if declared is None or declared is types.NoneType:
        return "None"
    return declared.__name__ if isinstance(declared, type) and not typing.get_args(declared) else str(declared)


class _Compiler:
    """Makes the checker of one declared type and of what that is made of."""

    def __init__(self) -> None:
        self.objects: dict[type, _Object] = {}  # a dataclass may be made of itself

    def checker(self, declared: Any) -> Check:
        origin, arguments = typing.get_origin(declared), typing.get_args(declared)
        if origin is typing.Annotated:  # its notes may be anything
            return self.checker(arguments[0])
        if not hashable(declared):
            raise TypeError(f"{declared!r} is not a type")
        simple = _SIMPLE.get(declared)
        if simple is not None:
            return simple
        if dataclasses.is_dataclass(declared) and isinstance(declared, type):
            return self.of_dataclass(declared)
        make = self._GENERIC.get(origin or declared)
        if make is not None:
            return make(self, *arguments)
        raise TypeError(
            f"{_name(declared)} cannot be checked in JSON: declare what is received with dict, list, tuple, str, int, float, bool, None, "
            'Union, Literal, Any and dataclasses, or choose codec="msgspec", which knows more types'
        )

    def of_dataclass(self, cls: type) -> Check:
        made = self.objects.get(cls)
        if made is None:
            made = self.objects[cls] = _Object(cls)
            hints = typing.get_type_hints(cls, include_extras=True)
            for field in dataclasses.fields(cls):
                if field.init:
                    optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
                    made.fields.append((field.name, self.checker(hints[field.name]), optional))
        return made

    def of_list(self, item: Any = Any) -> Check:
        check_item = self.checker(item)

        def check(value: Any) -> list[Any]:
            if type(value) is not list:
                raise Mismatch("list", value)
            return _items(value, repeat(check_item))

        return check

    def of_tuple(self, *items: Any) -> Check:
        if not items or items[1:] == (...,):
            check_list = self.of_list(*items[:1])
            return lambda value: tuple(check_list(value))
        checks = [self.checker(item) for item in items]

        def check(value: Any) -> tuple[Any, ...]:
            if type(value) is not list:
                raise Mismatch("list", value)
            if len(value) != len(checks):
                raise Mismatch(f"{len(checks)} items", value, f"{len(value)}")
            return tuple(_items(value, checks))

        return check

    def of_dict(self, key: Any = str, item: Any = Any) -> Check:
        check_item = self.checker(item)
        if key not in (str, int, Any):
            raise TypeError(f"keys in JSON are str, or int written as str, not {_name(key)}")

        def check(value: Any) -> dict[Any, Any]:
            if type(value) is not dict:
                raise Mismatch("dict", value)
            made: dict[Any, Any] = {}
            for name, member in value.items():
                try:
                    made[_number(name) if key is int else name] = check_item(member)
                except Mismatch as mismatch:
                    mismatch.steps.append(name)
                    raise
            return made

        return check

    def of_literal(self, *values: Any) -> Check:
        if not all(type(value) in (str, int, bool, types.NoneType) for value in values):
            raise TypeError("a Literal in JSON is made of str, int, bool and None")
        allowed = {(type(value), value): value for value in values}
        expected = " | ".join(map(repr, values))

        def check(value: Any) -> Any:
            try:
                return allowed[type(value), value]
            except (KeyError, TypeError):  # or not hashable
                raise Mismatch(expected, value) from None

        return check

    def of_union(self, *members: Any) -> Check:
        kinds = [_kind(member) for member in members]
        if kinds.count(dict) > 1 or kinds.count(list) > 1:
            raise TypeError(
                f"{' | '.join(map(_name, members))} cannot be told apart in JSON: one member may be a dataclass or dict, "
                'and one a list or tuple; codec="msgspec" has tagged unions'
            )
        # A dict or list is for the one member that is such: its error tells the inner path.
        containers = {kind: self.checker(member) for kind, member in zip(kinds, members) if kind is not None}
        others = [self.checker(member) for kind, member in zip(kinds, members) if kind is None]
        others.sort(key=lambda other: other is _float)  # an int stays one if the union has both
        expected = " | ".join(map(_name, members))

        def check(value: Any) -> Any:
            container = containers.get(type(value))
            if container is not None:
                return container(value)
            for other in others:
                try:
                    return other(value)
                except Mismatch:
                    pass
            raise Mismatch(expected, value)

        return check

    _GENERIC: dict[Any, Callable[..., Check]] = {
        list: of_list,
        tuple: of_tuple,
        dict: of_dict,
        typing.Union: of_union,
        types.UnionType: of_union,
        typing.Literal: of_literal,
    }


def _kind(declared: Any) -> type | None:
    """dict or list, for what JSON makes of such."""
    if dataclasses.is_dataclass(declared):
        return dict
    return {dict: dict, list: list, tuple: list}.get(typing.get_origin(declared) or declared)


# ---- checkers


class _Object:
    """The checker of a dataclass."""

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.fields: list[tuple[str, Check, bool]] = []  # name, checker, whether it may be missing

    def __call__(self, value: Any) -> Any:
        if type(value) is not dict:
            raise Mismatch(self.cls.__name__, value)
        made = {}
        for name, check, optional in self.fields:
            if name in value:
                try:
                    made[name] = check(value[name])
                except Mismatch as mismatch:
                    mismatch.steps.append(name)
                    raise
            elif not optional:
                raise Mismatch(f"{self.cls.__name__} with {name!r}", value, "one without")
        try:
            return self.cls(**made)
        except (TypeError, ValueError) as error:  # its __post_init__ is the last check
            raise Mismatch(f"a valid {self.cls.__name__}", value, f"one that it refuses: {error}") from error


def _items(value: list[Any], checks: Iterable[Check]) -> list[Any]:
    made: list[Any] = []
    try:
        for item, check in zip(value, checks):
            made.append(check(item))
    except Mismatch as mismatch:
        mismatch.steps.append(len(made))
        raise
    return made


def _number(key: str) -> int:
    if len(key) > KEY_DIGITS:
        raise Mismatch("int as key", key)
    try:
        number = int(key)
    except ValueError:
        raise Mismatch("int as key", key) from None
    if str(number) != key:  # int() also takes " 1", "1_0" and the digits of other scripts
        raise Mismatch("int as key", key)
    if not KEY_MIN <= number <= KEY_MAX:
        raise Mismatch("int of 64 bits as key", key, "one that is too large")
    return number


def _anything(value: Any) -> Any:
    return value


def _float(value: Any) -> float:
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Mismatch("float", value, "an int that is too large") from None
    if type(value) is not float:
        raise Mismatch("float", value)
    return value


def _exactly(kind: type) -> Check:
    """For a type that JSON has. A bool is no int."""
    name = _name(kind)

    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise Mismatch(name, value)
        return value

    return check


_NONE = _exactly(types.NoneType)
_SIMPLE: dict[Any, Check] = {
    Any: _anything,
    object: _anything,
    float: _float,
    None: _NONE,
    types.NoneType: _NONE,
    str: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
}
