"""OpenSSL's Poly1305, in the library that Python's own `hashlib` works with.

Imported with the first option of CURVE. Not every Python lets others find that library's functions: on Windows none does, nor one that has OpenSSL
linked into it. Then libsodium does all of CURVE.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

__all__ = ["poly1305"]


def poly1305(names: Sequence[str]) -> list[int]:
    """The address of the algorithm, which is the caller's to keep, and of each C function. An empty list: not here, or not allowed (FIPS).

    Args:
        names (list[str]): as in openssl/evp.h.
    """
    try:
        import _hashlib

        library = ctypes.CDLL(_hashlib.__file__)  # finds what is in the libraries it needs, too
        functions = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in names]
        fetch, mark, back = library.EVP_MAC_fetch, library.ERR_set_mark, library.ERR_pop_to_mark
    except (ImportError, AttributeError, OSError):
        return []
    fetch.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    fetch.restype = ctypes.c_void_p
    mark()
    try:
        algorithm = fetch(None, b"POLY1305", None)
    finally:
        back()  # a refusal is no error of what this thread does next
    return [algorithm, *functions] if algorithm and all(functions) else []
