"""What a platform lacks, and the table of docs/platforms.md: python tests/platforms.py REPORT...

A report is what a run of pytest leaves in the file that ZMQCORE_REPORT names (conftest.py); ZMQCORE_HOW says how it came to run there ("native" if
it says nothing). A row is replaced by a later run on the same platform and Python, in the same way, of the same tests. A run with failures is no row.
"""

import ctypes
import datetime
import errno as _errno
import json
import os
import platform
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "platforms.md"
HEAD = ["platform", "Python", "how", "tests", "passed", "skipped", "when"]


# The C library's numbers, which errors carry, as Windows has them; under these names Python's own module has the socket library's there.
WINDOWS_ERRNO = {
    "EADDRINUSE": 100, "EADDRNOTAVAIL": 101, "EAFNOSUPPORT": 102, "EALREADY": 103, "ECANCELED": 105, "ECONNABORTED": 106, "ECONNREFUSED": 107,
    "ECONNRESET": 108, "EHOSTUNREACH": 110, "EINPROGRESS": 112, "EISCONN": 113, "ELOOP": 114, "EMSGSIZE": 115, "ENETDOWN": 116, "ENETRESET": 117,
    "ENETUNREACH": 118, "ENOBUFS": 119, "ENOPROTOOPT": 123, "ENOTCONN": 126, "ENOTSOCK": 128, "ENOTSUP": 129, "EOPNOTSUPP": 130, "EOVERFLOW": 132,
    "EPROTO": 134, "EPROTONOSUPPORT": 135, "ETIMEDOUT": 138,
}  # fmt: skip
errno = SimpleNamespace(**vars(_errno) | (WINDOWS_ERRNO if sys.platform == "win32" else {}))

# What Wine lacks, Windows has.
WINE = sys.platform == "win32" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")

# The names of POSIX are missing in these modules where the system has no such call.
SYSTEM = (os, select, signal, socket)


def lacks(error):
    """What the system has no call for, if that is why a test (not the package) raised this; None otherwise."""
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    if sys.platform == "win32" and error.obj in SYSTEM and Path(last).is_relative_to(ROOT / "tests"):
        return f"{error.obj.__name__}.{error.name}"
    return None


def tested(arguments):
    """The folders and files that pytest was asked for, as the page names them."""
    paths = [Path(argument.partition("::")[0]) for argument in arguments] or [ROOT / "tests"]
    names = []
    for path in paths:
        path = path if path.is_absolute() else Path.cwd() / path
        names.append(path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name)
    return ", ".join(name.removeprefix("tests/") for name in dict.fromkeys(names))


def report(config, reporter):
    """What is told of a run, as the end of it knows it."""
    flavour = "" if getattr(sys, "_is_gil_enabled", lambda: True)() else ", free-threaded"
    counts = {kind: len(reporter.stats.get(kind, ())) for kind in ("passed", "skipped", "failed", "error")}
    return {
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}" if sys.platform == "win32"
        else f"{platform.system()} {platform.machine()}, {'musl' if not platform.libc_ver()[0] else ' '.join(platform.libc_ver())}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}{flavour}",
        "how": os.environ.get("ZMQCORE_HOW", "native"),
        "tests": "all" if tested(config.args) == "tests" else tested(config.args),
        "passed": counts["passed"],
        "skipped": counts["skipped"],
        "failed": counts["failed"] + counts["error"],
        "when": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }  # fmt: skip


def rows(lines):
    """The rows of the table among these lines: what tells them apart -> the cells."""
    cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines if line.startswith("|")]
    return {tuple(row[:4]): row for row in cells[2:]}


def main():
    lines = PAGE.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| platform"))
    last = next((number for number in range(first, len(lines)) if not lines[number].startswith("|")), len(lines))
    table = rows(lines[first:last])
    for path in sys.argv[1:]:
        found = json.loads(Path(path).read_text())
        if found["failed"]:
            sys.exit(f"{path}: {found['failed']} failed")
        row = [str(found[name]) for name in HEAD]
        table[tuple(row[:4])] = row
    made = [HEAD, ["---"] * len(HEAD), *(table[key] for key in sorted(table))]
    lines[first:last] = ["| " + " | ".join(row) + " |" for row in made]
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
