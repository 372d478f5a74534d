"""Attributes that are options, and the refusal of those that are nothing.

Rules
- A name that the object's class or instance has, or that a class declares, is an ordinary attribute.
- Any other name is an option or an error, also when it is set: a misspelt option must not pass unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import get_annotations
from typing import Any, ClassVar

from ._option_texts import context_option_name, option_row
from .constants import ContextOption, SocketOption, SocketType

SOCKET_OPTIONS = SocketOption.__members__
CONTEXT_OPTIONS = ContextOption.__members__

__all__ = ["AttributeSetter", "StrictAttributes", "about_context_option", "about_option", "about_type"]


def about_option(number: int) -> str:
    """What the text of an error says of a socket option."""
    row = option_row(number)
    if row is None:
        return f"no such option: {number}"
    name = row["name"]
    return f"zmqcore does not support the option {name}" if row["absent"] else f"option {name}"


def about_context_option(number: int) -> str:
    """What the text of an error says of a context option."""
    name = context_option_name(number)
    return f"option {name}" if name else f"no such context option: {number}"


def about_type(number: int) -> str:
    """What the text of an error says of a socket type that cannot be made."""
    try:
        return f"{SocketType(number).name} sockets are not implemented in zmqcore"
    except ValueError:
        return f"no such socket type: {number}"


def _annotated(cls: type) -> Iterable[str]:
    """Names that a class declares without giving them a value."""
    try:
        return get_annotations(cls)
    except NameError:  # Python 3.14 evaluates late, and this name is for type checkers only
        from annotationlib import Format  # type: ignore[import-not-found,unused-ignore]

        return get_annotations(cls, format=Format.FORWARDREF)  # type: ignore[call-arg,unused-ignore]


class StrictAttributes:
    """Base of classes that refuse attributes they do not know."""

    _declared: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._declared = frozenset(name for base in cls.__mro__ for name in _annotated(base))

    def __setattr__(self, key: str, value: Any) -> None:
        if hasattr(type(self), key) or key in type(self)._declared or key in self.__dict__:
            object.__setattr__(self, key, value)
        else:
            self._set_option(key.upper(), value)

    def _set_option(self, name: str, value: Any) -> None:
        raise self._no_option(name)

    def _no_option(self, name: str) -> AttributeError:
        return AttributeError(f"{type(self).__name__} has no such option: {name}")


class AttributeSetter(StrictAttributes):
    """Base of classes whose unknown attributes are options, in any case."""

    def __getattr__(self, key: str) -> Any:
        # Only reached for names that nothing else has.
        return self._get_option(key.upper())

    def _get_option(self, name: str) -> Any:
        raise self._no_option(name)
