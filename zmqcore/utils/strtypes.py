"""Names from the days of Python 2, for programs that still use them."""

from __future__ import annotations

from typing import Any

__all__ = ["asbytes", "bytes", "unicode", "basestring", "b", "u", "cast_bytes", "cast_unicode"]

bytes = bytes
unicode = str
basestring = (str,)


def cast_bytes(s: Any, encoding: str = "utf8", errors: str = "strict") -> Any:
    """Return a text as bytes.

    Args:
        s (str | bytes): the text; bytes stay as they are.
        encoding (str): Default "utf8".
        errors (str): as for str.encode(). Default "strict".

    Returns:
        bytes: the text.

    Raises:
        TypeError: neither str nor bytes.
    """
    if isinstance(s, bytes):
        return s
    if isinstance(s, str):
        return s.encode(encoding, errors)
    raise TypeError(f"Expected unicode or bytes, got {s!r}")


def cast_unicode(s: Any, encoding: str = "utf8", errors: str = "strict") -> Any:
    """Return a text as str.

    Args:
        s (str | bytes): the text; str stays as it is.
        encoding (str): Default "utf8".
        errors (str): as for bytes.decode(). Default "strict".

    Returns:
        str: the text.

    Raises:
        TypeError: neither str nor bytes.
    """
    if isinstance(s, str):
        return s
    if isinstance(s, bytes):
        return s.decode(encoding, errors)
    raise TypeError(f"Expected unicode or bytes, got {s!r}")


b = asbytes = cast_bytes
u = cast_unicode
