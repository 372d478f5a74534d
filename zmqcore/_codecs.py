"""Where the functions of LZ4 and Zstandard are: in the packages `lz4` and `zstandard`, which bring these libraries, or in those of the system.

Imported with the first endpoint of lz4+tcp:// or zstd+tcp://, and only then.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

__all__ = ["addresses", "installed"]

# library: (modules of a package that have it inside, names that systems give it). A newer Python has Zstandard itself.
_PLACES = {
    "lz4": (("lz4", "lz4.block._block"), ("liblz4.so.1", "liblz4.1.dylib", "liblz4.dll", "msys-lz4-1.dll")),
    "zstd": (("zstandard", "zstandard._cffi"), ("libzstd.so.1", "libzstd.1.dylib", "libzstd.dll", "zstd.dll")),
}
# Kept for good: their functions are called from anywhere.
_loaded: list[ctypes.CDLL] = []


def _in_package(library: str) -> str | None:
    """The file of the package's module. Looking for it imports the package around it. On Windows an extension shows nobody the functions of the
    library inside it."""
    package, module = _PLACES[library][0]
    if sys.platform == "win32" or find_spec(package) is None:
        return None
    try:
        spec = find_spec(module)
    except ImportError:
        return None
    return spec.origin if spec else None


def _candidates(library: str) -> Iterator[ctypes.CDLL]:
    inside = _in_package(library)
    for name in ([inside] if inside else []) + list(_PLACES[library][1]):
        try:
            yield ctypes.CDLL(name)
        except OSError:
            pass


def installed(library: str) -> bool:
    """Whether there is such a library."""
    return next(_candidates(library), None) is not None


def addresses(library: str, names: Sequence[str], optional: Sequence[str]) -> list[int]:
    """The address of each C function; 0 for an optional one that is not there.

    Args:
        library (str): "lz4" or "zstd".
        names (list[str]): as in the library's headers.
        optional (list[str]): those that can be done without.

    Raises:
        ImportError: no library has the others.
    """
    lacking = "not found"
    if sys.platform == "win32":
        lacking = f"but not on Windows: there a lib{library}.dll is looked for in the folders of os.add_dll_directory()"
    for found in _candidates(library):
        missing = [name for name in names if name not in optional and not hasattr(found, name)]
        if missing:
            lacking = f"{found._name} has no {missing[0]}()"
            continue
        _loaded.append(found)
        return [ctypes.cast(getattr(found, name), ctypes.c_void_p).value or 0 if hasattr(found, name) else 0 for name in names]
    raise ImportError(lacking)
