"""Options as attributes: `socket.linger = 0` stands for `socket.set(zmq.LINGER, 0)`.

Rules
- A name that the object's class or instance has, or that a class declares, is an ordinary attribute; any other name is an option, in any case, or an error.
- An unknown name is an AttributeError also when it is set: a misspelt option must not pass unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import get_annotations
from typing import Any, ClassVar

from .constants import ContextOption, MessageOption, SocketOption

SOCKET_OPTIONS = SocketOption.__members__
CONTEXT_OPTIONS = ContextOption.__members__
MESSAGE_OPTIONS = MessageOption.__members__

__all__ = ["AttributeSetter"]


def _annotated(cls: type) -> Iterable[str]:
    """Names that a class declares without giving them a value."""
    try:
        return get_annotations(cls)
    except NameError:  # Python 3.14 evaluates late, and this name is for type checkers only
        from annotationlib import Format  # type: ignore[import-not-found,unused-ignore]

        return get_annotations(cls, format=Format.FORWARDREF)  # type: ignore[call-arg,unused-ignore]


class AttributeSetter:
    """Base of the classes whose unknown attributes are options. They have `get` and `set`."""

    _own_names: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own_names = frozenset(name for base in cls.__mro__ for name in _annotated(base))

    def __setattr__(self, key: str, value: Any) -> None:
        if hasattr(type(self), key) or key in type(self)._own_names or key in self.__dict__:
            object.__setattr__(self, key, value)
        else:
            self._set_option(key.upper(), value)

    def __getattr__(self, key: str) -> Any:
        # Only reached for names that nothing else has.
        return self._get_option(key.upper())

    def _set_option(self, name: str, value: Any) -> None:
        raise self._no_option(name)

    def _get_option(self, name: str) -> Any:
        raise self._no_option(name)

    def _no_option(self, name: str) -> AttributeError:
        return AttributeError(f"{type(self).__name__} has no such option: {name}")
