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
import re
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

# The source of what Ctrl-C does. Windows runs the handler on another thread; a process that is sent the signal by another one just ends there.
INTERRUPT = "signal.raise_signal(signal.SIGINT)" if sys.platform == "win32" else "os.kill(os.getpid(), signal.SIGINT)"

# How an error tells that the system has no such call, of its own or in what a child process wrote: modules of POSIX, and names missing in others.
ABSENT = re.compile(
    r"module '(?P<module>os|select|signal|socket|time)' has no attribute '(?P<name>\w+)'"
    r"|No module named '(?P<whole>fcntl|grp|pwd|resource|termios|pty)'"
    r"|(?P<signal>Unsupported signal): "
)
PACKAGE = re.compile(r"[\\/]zmqcore[\\/][^\\/\"]*\"")


def descriptors():
    """How many of the system's the process has open, sockets and files and on Windows everything else; None where nobody tells."""
    if sys.platform == "win32":
        count = ctypes.c_ulong()
        kernel = ctypes.WinDLL("kernel32")
        return count.value if kernel.GetProcessHandleCount(ctypes.c_void_p(-1), ctypes.byref(count)) else None
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None


def lacks(error):
    """What the system has no call for, if that is why a test (not the package) raised this; None otherwise."""
    if sys.platform != "win32":
        return None
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    text = f'File "{last}"\n{error}'
    found = ABSENT.search(text)
    if found is None:
        return lacks(error.__cause__) if error.__cause__ is not None and error.__cause__.__traceback__ else None
    where = [line for line in text[: found.start()].splitlines() if 'File "' in line][-1]
    if PACKAGE.search(where):
        return None
    if found["signal"]:
        return "kill() with SIGINT"
    if found["whole"]:
        return f"module {found['whole']}"
    return f"{found['module']}.{found['name']}" + "()" * found["name"].islower()


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
    machine = platform.machine() + (", 32 bits" if sys.maxsize < 2**32 else "")  # the kernel's, which may be wider
    counts = {kind: len(reporter.stats.get(kind, ())) for kind in ("passed", "skipped", "failed", "error")}
    return {
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}" if sys.platform == "win32"
        else f"{platform.system()} {machine}, {'musl' if not platform.libc_ver()[0] else ' '.join(platform.libc_ver())}",
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
