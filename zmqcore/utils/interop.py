"""Addresses that come from other libraries."""

from __future__ import annotations

from typing import Any


def cast_int_addr(n: Any) -> int:
    """An address as int: an int, or a pointer object of cffi or ctypes."""
    if isinstance(n, int):
        return n
    value = getattr(n, "value", None)  # ctypes.c_void_p
    if isinstance(value, int):
        return value
    if not isinstance(n, float):
        try:
            return int(n.__int__())
        except (AttributeError, TypeError):
            pass
    try:
        from cffi import FFI  # type: ignore[import-untyped,import-not-found,unused-ignore]

        return int(FFI().cast("size_t", n))
    except (ImportError, TypeError):
        raise ValueError(f"Cannot cast {n!r} to int") from None
