"""Addresses that come from other libraries."""

from __future__ import annotations

from typing import Any


def cast_int_addr(n: Any) -> int:
    """Return an address as a number.

    Args:
        n (Any): an int, or a pointer object of cffi or ctypes.

    Returns:
        int: the address.

    Raises:
        ValueError: `n` is none of these.
    """
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
    except ImportError:
        pass
    else:
        ffi = FFI()
        if isinstance(n, ffi.CData):  # cast() would take numbers and single characters, too
            return int(ffi.cast("size_t", n))
    raise ValueError(f"Cannot cast {n!r} to int")
