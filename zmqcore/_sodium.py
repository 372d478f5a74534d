"""Where the functions of libsodium are that CURVE is made of: in PyNaCl, which brings the library.

Imported with the first option of CURVE, and only then: neither `import zmqcore` nor a program without CURVE loads PyNaCl.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib.util import find_spec

__all__ = ["addresses", "installed"]


def installed() -> bool:
    """Whether PyNaCl could be imported, without importing it."""
    return find_spec("nacl") is not None


def addresses(names: Sequence[str]) -> list[int]:
    """The address of each C function; 0 for one that cannot be found.

    Args:
        names (list[str]): as in sodium.h.

    Raises:
        ImportError: PyNaCl is not installed, or does not load.
        RuntimeError: libsodium finds no source of random numbers.
    """
    from nacl import _sodium

    ffi, lib = _sodium.ffi, _sodium.lib
    if lib.sodium_init() < 0:
        raise RuntimeError("libsodium cannot be initialised")

    def declared(name: str) -> int:
        try:
            return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))
        except AttributeError:
            return 0

    def exported(name: str) -> int:
        # PyNaCl does not declare the parts that boxes are made of. On most systems the loader finds them in its file.
        try:
            return ctypes.cast(getattr(ctypes.CDLL(_sodium.__file__), name), ctypes.c_void_p).value or 0
        except (AttributeError, OSError):
            return 0

    return [declared(name) or exported(name) for name in names]
