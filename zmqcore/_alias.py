"""`import zmq` gives zmqcore: every module zmq.x is the module object zmqcore.x, under a second name in sys.modules.

Rules
- One module object for both names, so that classes, enums and exceptions are the same ones and instances cross over.
- A process has zmqcore or pyzmq under the name zmq, never parts of both: where pyzmq has been imported, as_zmq() refuses, and a module that
  zmqcore lacks is absent, even if pyzmq is installed and has it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any, cast

ALIAS, OURS = "zmq", "zmqcore"

# Set to 0, it keeps a Python that starts from calling zmqcore zmq; `run` sets it to 1.
SWITCH = "ZMQCORE_AS_ZMQ"
STARTUP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_startup")


class _Loader(InspectLoader):
    """Gives the module of zmqcore instead of making one. runpy and inspect ask it for code, which is the module's own."""

    def __init__(self, real: ModuleSpec) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return importlib.import_module(self._real.name)

    def exec_module(self, module: ModuleType) -> None:
        # It has run already. The import system has just given it the alias' spec: by its own one it is reloaded, and known to be complete.
        module.__spec__ = self._real

    def get_code(self, fullname: str) -> CodeType | None:
        return cast(InspectLoader, self._real.loader).get_code(self._real.name)

    def get_source(self, fullname: str) -> str | None:
        return cast(InspectLoader, self._real.loader).get_source(self._real.name)

    def is_package(self, fullname: str) -> bool:
        return self._real.submodule_search_locations is not None

    def get_filename(self, fullname: str) -> str:
        return cast(str, self._real.origin)


def _refuse_mixing(name: str, path: Sequence[str] | None) -> None:
    """Raises if some other finder would fill a gap in zmqcore with a part of pyzmq (that of an editable installation does)."""
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        if finder is Finder or find_spec is None:
            continue
        stray = find_spec(name, sys.modules[OURS].__path__ if path is None else path)
        if stray is not None:
            raise ModuleNotFoundError(
                f"zmqcore, which stands for zmq here, has no module {name!r}; {stray.origin} is of another package and is not mixed with it", name=name
            )


class Finder:
    """In sys.meta_path: finds zmq and what is below it."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        head, dot, rest = fullname.partition(".")
        if head != ALIAS or foreign() is not None:
            return None
        real = importlib.util.find_spec(OURS + dot + rest)
        if real is None:
            _refuse_mixing(fullname, path)
            return None
        found = ModuleSpec(fullname, _Loader(real), origin=real.origin, is_package=real.submodule_search_locations is not None)
        if real.submodule_search_locations is not None:
            found.submodule_search_locations = list(real.submodule_search_locations)
        return found


def foreign() -> ModuleType | None:
    """What has been imported as zmq and is not zmqcore."""
    module = sys.modules.get(ALIAS)
    return None if module is None or module is sys.modules[OURS] else module


def install(replaced: Any = None) -> None:
    if replaced in sys.meta_path:
        sys.meta_path.remove(replaced)
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, cast(Any, Finder))


def environment(variables: dict[str, str]) -> dict[str, str]:
    """These environment variables and what makes a Python that starts with them call zmqcore zmq."""
    path = [entry for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != STARTUP]
    return {**variables, "PYTHONPATH": os.pathsep.join([STARTUP, *path]), SWITCH: "1"}


def as_zmq(*, children: bool = False) -> None:
    """Make `import zmq` give zmqcore in this process: the same modules under a second name.

    Call it before anything imports pyzmq. A repeated call does nothing.

    Args:
        children (bool): also in Python processes started from here on (multiprocessing's "spawn" and "forkserver",
            subprocess), by PYTHONPATH and ZMQCORE_AS_ZMQ in os.environ. Forked processes have it anyway.
            Default False.

    Raises:
        ImportError: pyzmq has been imported already; its objects are not zmqcore's.
    """
    other = foreign()
    if other is not None:
        place = getattr(other, "__file__", None) or "an unknown place"
        raise ImportError(
            f"zmq has been imported from {place} already: pyzmq and zmqcore cannot both be zmq in one process. "
            "Call zmqcore.as_zmq() before anything imports zmq.",
            name=ALIAS,
        )
    install()
    importlib.import_module(ALIAS)
    if children:
        os.environ.update(environment(dict(os.environ)))
