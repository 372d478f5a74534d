"""`as-zmq`: whether every Python of an environment calls zmqcore zmq. Two files in site-packages do it; without them nothing is changed.

Files are written and removed whole, in the order that never leaves a .pth file whose module is missing. What can be wrong (no permission, an
environment that belongs to the operating system, another place that is enabled) is a Refusal, told in words.
"""

from __future__ import annotations

import contextlib
import json
import os
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._alias import STARTUP, SWITCH
from .version import zmqcore_version

MODULE = "_zmqcore_as_zmq"
PTH = "zmqcore-as-zmq.pth"
# Lines of a .pth file that begin with "import" are executed when Python starts.
PTH_TEXT = f"import {MODULE}\n"


class Refusal(Exception):
    """What cannot be done, and why, for the person who asked."""


def _in_venv() -> bool:
    return sys.prefix != sys.base_prefix


def chosen_folder(user: bool, system: bool) -> Path:
    """Where the files of this environment belong."""
    if user:
        if not site.ENABLE_USER_SITE:
            raise Refusal("this Python reads no user site-packages (as in most virtual environments): leave out --user")
        return Path(site.getusersitepackages())
    if not (_in_venv() or system) and (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").exists():
        raise Refusal(
            f"{sys.executable} belongs to the operating system, whose own programs would get zmqcore, too. "
            "Use a virtual environment, --user for your account only, or --system if that is what you want."
        )
    return Path(sysconfig.get_path("purelib"))


def _folders() -> list[Path]:
    """All folders whose .pth files this Python reads, this environment's own first."""
    found = [Path(sysconfig.get_path("purelib")), *map(Path, site.getsitepackages())]
    if site.ENABLE_USER_SITE:
        found.append(Path(site.getusersitepackages()))
    return list(dict.fromkeys(found))


def _write(path: Path, text: str) -> None:
    """The file is there with all of its text, or as it was."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _in_words(doing: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refusal(f"cannot {doing} {folder}: {error.strerror or error}") from error


def enable(user: bool = False, system: bool = False) -> Path:
    """Writes the files; over those of an older zmqcore, too."""
    folder = chosen_folder(user, system)
    module = (Path(STARTUP) / f"{MODULE}.py").read_text(encoding="utf-8")
    with _in_words("write to", folder):
        if user:
            folder.mkdir(parents=True, exist_ok=True)
        _write(folder / f"{MODULE}.py", module)
        try:
            _write(folder / PTH, PTH_TEXT)
        except OSError:
            if not (folder / PTH).exists():
                (folder / f"{MODULE}.py").unlink()
            raise
    return folder


def disable() -> list[Path]:
    """Removes the files from everywhere that belongs to this environment or to the user. Returns the folders that had them."""
    cleared = []
    elsewhere = []
    for folder in _folders():
        if not ((folder / PTH).exists() or (folder / f"{MODULE}.py").exists()):
            continue
        if _in_venv() and not folder.is_relative_to(sys.prefix):
            elsewhere.append(folder)
            continue
        with _in_words("remove the files from", folder):
            (folder / PTH).unlink(missing_ok=True)
            (folder / f"{MODULE}.py").unlink(missing_ok=True)
            for compiled in (folder / "__pycache__").glob(f"{MODULE}.*.pyc"):
                compiled.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty, or never there
            (folder / "__pycache__").rmdir()
        cleared.append(folder)
    if elsewhere and not cleared:
        raise Refusal(
            f"it was enabled in {', '.join(map(str, elsewhere))}, outside this environment: disable it with the Python that this folder belongs to, "
            f"or set {SWITCH}=0 in the environment of a program"
        )
    return cleared


# Asks a Python that starts as a program's would, from a folder without modules, and with no more than the name zmq.
_QUESTION = """
import importlib.util, json, sys
sys.path[:] = [entry for entry in sys.path if entry]
spec = importlib.util.find_spec("zmq")
print(json.dumps(None if spec is None else [type(spec.loader).__module__, spec.origin]))
"""


def winner() -> tuple[str, str | None]:
    """What `import zmq` gives in a fresh Python of this environment, ("zmqcore", "pyzmq" or "nothing"), and from where."""
    variables = {name: value for name, value in os.environ.items() if name != SWITCH}
    variables["PYTHONPATH"] = os.pathsep.join(p for p in variables.get("PYTHONPATH", "").split(os.pathsep) if p and p != STARTUP)
    asked = subprocess.run([sys.executable, "-c", _QUESTION], env=variables, capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        raise Refusal(f"a fresh Python cannot look for zmq: {asked.stderr.strip()}")
    answer = json.loads(asked.stdout)
    if answer is None:
        return "nothing", None
    return "zmqcore" if answer[0] == "zmqcore._alias" else "pyzmq", answer[1]


def _pyzmq_version() -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pyzmq")
    except PackageNotFoundError:
        return None


def status() -> dict[str, Any]:
    """What is written where, and what comes of it."""
    current = (Path(STARTUP) / f"{MODULE}.py").read_text(encoding="utf-8")
    enabled, damaged = [], []
    for folder in _folders():
        module = folder / f"{MODULE}.py"
        if (folder / PTH).exists() and module.exists() and module.read_text(encoding="utf-8") == current:
            enabled.append(str(folder))
        elif (folder / PTH).exists() or module.exists():
            damaged.append(str(folder))
    name, origin = winner()
    return {
        "enabled": bool(enabled),
        "folders": enabled,
        "damaged": damaged,
        "import_zmq": name,
        "origin": origin,
        "switched_off_here": os.environ.get(SWITCH) == "0",
        "zmqcore": zmqcore_version(),
        "pyzmq": _pyzmq_version(),
        "python": sys.executable,
    }


def status_text(found: dict[str, Any]) -> str:
    """The status for people."""
    lines = [f"{'enabled' if found['enabled'] else 'disabled'} for {found['python']}"]
    lines += [f"  files in {folder}" for folder in found["folders"]]
    lines += [f"  incomplete, or of another version, in {folder}: enable or disable again" for folder in found["damaged"]]
    lines.append({
        "zmqcore": f"`import zmq` gives zmqcore {found['zmqcore']} ({found['origin']})",
        "pyzmq": f"`import zmq` gives pyzmq ({found['origin']})",
        "nothing": "`import zmq` finds nothing",
    }[found["import_zmq"]])
    if found["pyzmq"] is None:
        lines.append("pyzmq is not installed")
    else:
        rest = {"zmqcore": "but not used, and not changed", "pyzmq": "and wins", "nothing": "but not found"}[found["import_zmq"]]
        lines.append(f"pyzmq {found['pyzmq']} is installed, {rest}")
    if found["switched_off_here"]:
        lines.append(f"{SWITCH}=0 is set here: programs started from here get pyzmq all the same")
    return "\n".join(lines)
