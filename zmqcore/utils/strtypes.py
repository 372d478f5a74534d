"""Names from the days of Python 2, for programs that still use them."""

from __future__ import annotations

from typing import Any

__all__ = ["asbytes", "bytes", "unicode", "basestring", "b", "u", "cast_bytes", "cast_unicode"]

bytes = bytes
unicode = str
basestring = (str,)


def cast_bytes(s: Any, encoding: str = "utf8", errors: str = "strict") -> Any:
    """`s` as bytes."""
    if isinstance(s, bytes):
        return s
    if isinstance(s, str):
        return s.encode(encoding, errors)
    raise TypeError(f"Expected unicode or bytes, got {s!r}")


def cast_unicode(s: Any, encoding: str = "utf8", errors: str = "strict") -> Any:
    """`s` as str."""
    if isinstance(s, str):
        return s
    if isinstance(s, bytes):
        return s.decode(encoding, errors)
    raise TypeError(f"Expected unicode or bytes, got {s!r}")


b = asbytes = cast_bytes
u = cast_unicode
