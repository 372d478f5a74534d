"""Attributes that are options, and the refusal of those that are nothing.

Rules
- A name that the object's class or instance has, or that a class declares, is an ordinary attribute.
- Any other name is an option or an error, also when it is set: a misspelt option must not pass unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import get_annotations
from typing import Any, ClassVar

from ._option_texts import context_option_row, option_row, types, wanted
from .constants import ContextOption, SocketOption, SocketType

SOCKET_OPTIONS = SocketOption.__members__
CONTEXT_OPTIONS = ContextOption.__members__

__all__ = ["AttributeSetter", "StrictAttributes", "about_context_option", "about_option", "about_settled", "about_type", "about_value"]


def _given(row: dict[str, Any], value: Any) -> str:
    """A value that was refused. Those of bytes may be secrets: only what they are is told."""
    if row["kind"] == "bytes":
        return f"{len(value)} bytes" if isinstance(value, bytes) else type(value).__name__
    told = repr(value)
    return told if len(told) <= 40 else f"{told[:37]}..."


def _about_set(row: dict[str, Any], value: Any) -> str:
    return f"option {row['name']} takes {wanted(row)}, not {_given(row, value)}"


def about_option(number: int, setting: bool = False, value: Any = None, socket_type: int | None = None) -> str:
    """What the text of an error says of a socket option that could not be read, or set to a value."""
    row = option_row(number)
    if row is None:
        return f"no such option: {number}"
    name = row["name"]
    if row["absent"]:
        return f"zmqcore does not support the option {name}"
    which = row["set_on" if setting else "get_on"]
    if which == ():
        return f"option {name} cannot be {'set' if setting else 'read'}"
    if which is not None and socket_type is not None and socket_type not in which:
        return f"option {name} is for {types(which)} sockets, not for {types((socket_type,))}"
    if setting and socket_type is not None and row["kind"] != "bytes" and isinstance(value, int) and row["lowest"] <= value <= row["highest"]:
        return f"option {name}: this {types((socket_type,))} socket cannot do {value}"
    if setting and isinstance(value, bytes) and row["lowest"] <= len(value) <= row["highest"]:
        return f"option {name} does not take these {len(value)} bytes: {row['doc']}"
    return _about_set(row, value) if setting else f"option {name}"


def about_settled(number: int) -> str:
    """What the text of an error says of a socket option that a secured socket does not take."""
    return f"option {SocketOption(number).name}: secure_server() or secure_client() has settled the security of this socket for good"


def about_value(number: int, value: Any) -> str:
    """What the text of an error says of a value that no option of this kind takes."""
    row = option_row(number)
    return f"no such option: {number}" if row is None else _about_set(row, value)


def about_context_option(number: int, setting: bool = False, value: Any = None) -> str:
    """What the text of an error says of a context option that could not be read, or set to a value."""
    access = "set_on" if setting else "get_on"
    row = context_option_row(number, access)
    if row is None:
        return f"no such context option: {number}"
    if row[access] == ():
        return f"option {row['name']} cannot be {'set' if setting else 'read'}"
    return _about_set(row, value) if setting else f"option {row['name']}"


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
    """Base of classes whose unknown attributes are options, in any case: `linger` stands for `get(zmq.LINGER)` and `set(zmq.LINGER, value)`."""

    def __getattr__(self, key: str) -> Any:
        # Only reached for names that nothing else has.
        return self._get_option(key.upper())

    def _get_option(self, name: str) -> Any:
        if name not in SOCKET_OPTIONS:
            raise self._no_option(name)
        return self.get(SOCKET_OPTIONS[name])

    def _set_option(self, name: str, value: Any) -> None:
        if name not in SOCKET_OPTIONS:
            raise self._no_option(name)
        self.set(SOCKET_OPTIONS[name], value)

    def get(self, option: int) -> Any:
        """Read an option. For subclasses to define.

        Args:
            option (int): a SocketOption.

        Returns:
            Any: its value.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define get(option)")

    def set(self, option: int, value: Any) -> None:
        """Set an option. For subclasses to define.

        Args:
            option (int): a SocketOption.
            value (Any): what to set it to.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define set(option, value)")
