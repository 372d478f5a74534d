"""Builds a core with a toy in it: a copy of the sources, one more file, and the line by which its table is found.

python tests/toys/guests.py DIRECTORY transport     then: PYTHONPATH=DIRECTORY ZMQCORE_TOY_TRANSPORT=toy python ...
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TOYS = ROOT / "tests" / "native" / "toys"


class Guest(NamedTuple):
    file: str  # under tests/native/toys
    place: str  # under src
    select: str  # the file that knows all of its kind
    lines: dict[str, str]  # a line of `select`: the one to put behind it


GUESTS = {
    "transport": Guest(
        "toy.pxd",
        "transport/toy.pxd",
        "transport/select.pxd",
        {
            "from transport.tcp cimport tcp_ops": "from transport.toy cimport toy_ops",
            "    inproc_ops(transports_add(all))": "    toy_ops(transports_add(all))",
        },
    ),
}


def add(tree, guest):
    """Puts the guest into the sources under `tree`."""
    shutil.copy(TOYS / guest.file, tree / "src" / guest.place)
    path = tree / "src" / guest.select
    lines = path.read_text().splitlines()
    for line, new in guest.lines.items():
        lines.insert(lines.index(line) + 1, new)
    path.write_text("\n".join(lines) + "\n")


def build(tree, *names):
    """A package `zmqcore` in the directory `tree`, with these guests. What is made of it must import from there."""
    tree = Path(tree)
    ignore = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    for part in ("src", "zmqcore"):
        shutil.copytree(ROOT / part, tree / part, ignore=ignore)
    for part in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, tree / part)
    for name in names:
        add(tree, GUESTS[name])
    environment = dict(os.environ, PYTHONPATH="", ZMQCORE_BUILD="debug", ZMQCORE_PROBE="", ZMQCORE_SIM="")
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return tree


if __name__ == "__main__":
    print(build(*sys.argv[1:]))
