"""Refuses to be imported by a sub-interpreter, before the compiled part is loaded.

The compiled part keeps objects that all sockets of the process share, and signal handlers and `atexit` run in the main interpreter only. Cython
binds an extension to the first interpreter that loads it, whichever that is: if a sub-interpreter could, the main one never could again.
"""
from __future__ import annotations

import importlib


def in_main() -> bool:
    """Whether this is the main interpreter; True where there are no others."""
    for name in ("_interpreters", "_xxsubinterpreters"):  # from 3.13 on; before
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return bool(module.get_current() == module.get_main())
    return True


if not in_main():
    raise ImportError(
        "zmqcore cannot be used in a sub-interpreter: import it in the main interpreter, or use threads or processes (multiprocessing)", name="zmqcore"
    )
