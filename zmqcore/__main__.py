"""`python -m zmqcore`: programs that say `import zmq` run on zmqcore, one at a time or a whole environment; and what this zmqcore can do."""

from __future__ import annotations

import argparse
import importlib.machinery
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import zmqcore

from . import _environment
from ._alias import environment
from ._core import transports

# What of Python's own options takes the next argument, and what keeps it from reading its environment (or sitecustomize), what names a program.
_WITH_VALUE, _DEAF, _PROGRAM = "WX", "EIS", "cm"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong before how it is used, in one line each."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (try `{self.prog} --help`)\n")


# ---- run


def _options(arguments: list[str]) -> Iterator[tuple[int, int, str]]:
    """Python's own options in front of a program, letter by letter, up to what names the program: (which argument, where in it, letter)."""
    value_follows = False
    for position, argument in enumerate(arguments):
        if value_follows:
            value_follows = False
        elif not argument.startswith("-") or argument in ("-", "--"):
            return
        elif not argument.startswith("--"):
            for at, letter in enumerate(argument[1:], 1):
                yield position, at, letter
                if letter in _PROGRAM:
                    return
                if letter in _WITH_VALUE:
                    value_follows = at == len(argument) - 1
                    break


def _flags() -> list[str]:
    """The options that this Python was started with, up to `-m zmqcore`."""
    given = sys.orig_argv[1:]
    for position, at, letter in _options(given):
        if letter == "m":
            before = given[position][:at]
            return given[:position] + ([] if before == "-" else [before])
    return []


def _found_without_folder() -> bool:
    """Whether a program finds zmqcore: not if it is only in the current folder, which `-m` adds to sys.path and a script does not."""
    kept = sys.path[:]
    try:
        if not getattr(sys.flags, "safe_path", False):
            del sys.path[0]
        return any(
            finder.find_spec("zmqcore", None) is not None for finder in sys.meta_path if finder is not importlib.machinery.BuiltinImporter
        )
    finally:
        sys.path[:] = kept


def run(program: list[str]) -> int:
    """Starts the program in a Python of its own, so that all is as it is without zmqcore: sys.argv, __main__, tracebacks, signals, exit status."""
    command = [*_flags(), *program]
    deaf = [letter for _, _, letter in _options(command) if letter in _DEAF]
    if deaf:
        raise _environment.Refusal(
            f"Python's option -{deaf[0]} makes it ignore its environment, by which `run` reaches the program and its children; "
            "use `python -m zmqcore as-zmq enable`"
        )
    if not _found_without_folder():
        raise _environment.Refusal(
            "zmqcore is found in the current folder only, where the program would not look for it: install it (`pip install`) or name its folder in "
            "PYTHONPATH"
        )
    if not sys.executable:
        raise _environment.Refusal("this Python does not know its own executable: call zmqcore.as_zmq() in the program instead")
    variables = environment(dict(os.environ))
    if sys.platform == "win32":  # exec there is a new process that the shell does not wait for
        return subprocess.run([sys.executable, *command], env=variables, check=False).returncode
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *command], variables)


# ---- as-zmq


def _enable(arguments: argparse.Namespace) -> int:
    folder = _environment.enable(arguments.user, arguments.system)
    found = _environment.status()
    if arguments.json:
        print(json.dumps(found))
    else:
        print(_environment.status_text(found))
        if found["import_zmq"] != "zmqcore":
            print(f"zmqcore: the files are in {folder}, but something else comes before them", file=sys.stderr)
    return 0 if found["import_zmq"] == "zmqcore" else 1


def _disable(arguments: argparse.Namespace) -> int:
    cleared = _environment.disable()
    found = _environment.status()
    if arguments.json:
        print(json.dumps(found))
    else:
        print(f"removed from {', '.join(map(str, cleared))}" if cleared else "nothing to remove")
        print(_environment.status_text(found))
    return 0


def _status(arguments: argparse.Namespace) -> int:
    found = _environment.status()
    print(json.dumps(found) if arguments.json else _environment.status_text(found))
    return 0


# ---- info


def _info(arguments: argparse.Namespace) -> int:
    default = "epoll" if sys.platform.startswith("linux") else "kqueue" if "bsd" in sys.platform or sys.platform == "darwin" else "poll"
    found: dict[str, Any] = {
        "zmqcore": zmqcore.zmqcore_version(),
        "pyzmq_api": zmqcore.pyzmq_version(),
        "zmq_api": zmqcore.zmq_version(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "platform": platform.platform(),
        "transports": list(transports()),
        "mechanisms": [name for name in zmqcore.SecurityMechanism.__members__ if name in ("NULL", "PLAIN") or zmqcore.has(name.lower())],
        "poller": os.environ.get("ZMQCORE_POLLER") or default,
        "location": os.path.dirname(os.path.abspath(zmqcore.__file__)),
    }
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:11} {', '.join(value) if isinstance(value, list) else value}")
    return 0


# ---- the command line


def _parser() -> _Parser:
    parser = _Parser(prog="python -m zmqcore", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(group: Any, name: str, action: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = group.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        made.set_defaults(action=action)
        made.add_argument("--json", action="store_true", help="print one JSON object")
        return made

    running = commands.add_parser(
        "run",
        help="run a program in which `import zmq` gives zmqcore",
        usage="python -m zmqcore run [PYTHON'S OPTIONS] (SCRIPT | -m MODULE | -c CODE | -) [ARGUMENTS]",
        description="Run a program in which `import zmq` gives zmqcore: a script, a module or code, with what `python` takes in front of it. Everything "
        "else is as with plain python. Python processes that the program starts inherit it, unless it clears their environment.",
    )
    running.set_defaults(action=lambda arguments: run(arguments.program))
    running.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)

    aliasing = commands.add_parser(
        "as-zmq",
        help="let every program of this environment have zmqcore as zmq, or no longer",
        description="Let every program of this environment have zmqcore as zmq: notebooks' kernels and child processes, too. pyzmq may stay "
        "installed; it is neither used nor changed. ZMQCORE_AS_ZMQ=0 in the environment gives one program pyzmq all the same.",
    ).add_subparsers(dest="what", required=True, metavar="COMMAND")
    enabling = command(aliasing, "enable", _enable, "`import zmq` gives zmqcore in every Python of this environment from now on")
    place = enabling.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="for all Pythons of this version that your account runs, not for this environment")
    place.add_argument("--system", action="store_true", help="even if this Python belongs to the operating system")
    command(aliasing, "disable", _disable, "`import zmq` gives again what it gave before; nothing is left behind")
    command(aliasing, "status", _status, "what `import zmq` gives in this environment, and why")

    command(commands, "info", _info, "versions, platform, transports, mechanisms and poller")
    return parser


def main() -> int:
    given = sys.argv[1:]
    if given[:1] == ["run"] and given[1:2] not in (["-h"], ["--help"]):  # the rest is Python's: argparse would take -m and -c for its own
        arguments = argparse.Namespace(action=lambda _: run(given[1:]))
    else:
        arguments = _parser().parse_args(given)
    try:
        return int(arguments.action(arguments))
    except _environment.Refusal as refusal:
        print(f"zmqcore: {refusal}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
