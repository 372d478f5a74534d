"""Runs pyzmq's own test suite on zmqcore, with zmq as its alias, and on pyzmq itself, and compares test by test.

    python tests/pyzmq_suite/run.py [VERSION ...] [--files test_socket.py ...] [--quick] [--json FILE]

Without a VERSION: the newest pyzmq that pip finds, and the release before. The suite comes from pyzmq's sdist, pyzmq itself from its wheel; both, and
what the suite needs, are fetched into a temporary folder and go with it. A test that passes with pyzmq must pass with zmqcore, or be in differs.toml
beside this file with a reason. A row of that file which no test needs any more is an error, too.

Each test file is run in a process of its own, up to three times if it has failures: what fails only once on a busy machine says nothing. One file at a
time, and one run of this program: some tests bind fixed ports.

--quick is for every change: the newest version, without the files that take long, in one process, and pyzmq is asked only about files of which a test
does not pass.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import tomllib

import zmqcore

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "shared"))

import suites  # noqa: E402

# What its tests use and can be had as a wheel; the rest of its list is for linting and coverage.
NEEDED = ["pytest>=8", "pytest-asyncio", "pytest-timeout", "gevent", "tornado", "cython", "setuptools", "mypy", "types-tornado"]
KEPT = ["tests", "mypy_tests", "examples", "mypy.ini", "pytest.ini"]
MOST_BETTER = 10
FILE_SECONDS, TEST_SECONDS = 400, 60
AGAIN = 2

# Left out by --quick: minutes of mypy and Cython, and a back end of pyzmq that nobody has.
SLOW = ["test_cffi_backend.py", "test_cython.py", "test_mypy.py"]


def newest_two():
    """The newest two versions of pyzmq: patch releases of one minor version count as one."""
    minors = {}
    for version in suites.versions("pyzmq"):  # newest first
        minors.setdefault(version.rpartition(".")[0], version)
    return list(minors.values())[:2]


def fetch(version, folder):
    """The suite of this version, and a folder of packages to run it with. The sdist's own zmq/ stays out of the way."""
    fetched = folder / "sdist"
    fetched.mkdir()
    source, suite, packages = suites.fetch_source("pyzmq", version, fetched), folder / "suite", folder / "packages"
    suite.mkdir()
    for name in KEPT:
        if (source / name).exists():
            shutil.move(source / name, suite / name)
    shutil.rmtree(fetched)
    suites.pip("install", "-q", "--only-binary", ":all:", "--target", str(packages), f"pyzmq=={version}", *NEEDED)
    return suite, packages


def run_files(paths, command, environment):
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS}", "--timeout-method=signal", *map(str, paths)]
    suite = paths[0].parents[1]
    seconds = FILE_SECONDS * (1 if len(paths) == 1 else 3)
    return suites.run_pytest([*command, *pytest], suite / "report.xml", paths[0].stem, seconds, cwd=suite, env=environment)


def run_again(paths, which, command, environment, rows):
    """A failure that does not come again is none. One that has a row does not have to."""
    began = time.monotonic()
    now, said = run_files(paths, command, environment)
    for _ in range(AGAIN):
        failed = {name.partition(".")[0] for name, outcome in now.items() if outcome == "failed" and suites.listed(name, rows) is None}
        if failed:
            again, _ = run_files([path for path in paths if path.stem in failed] or paths, command, environment)
            now |= {name: outcome for name, outcome in again.items() if outcome == "passed"}
    what = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
    print(f"  {which:8} {what:28} {time.monotonic() - began:4.0f} s  {dict(Counter(now.values()))}", flush=True)
    return now, said


def environment_of(which, suite, packages):
    variables = suites.clean_environment()
    variables["PYTHONPATH"] = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])
    if which == "pyzmq":
        variables["ZMQCORE_AS_ZMQ"] = "0"
        return variables
    # Type checkers know nothing of the alias: for them zmq is a second name of the folder, and installed, so that only its users are checked.
    types = suite.parent / "types"
    types.mkdir(exist_ok=True)
    if not (types / "zmq").exists():
        (types / "zmq").symlink_to(Path(zmqcore.__file__).resolve().parent, target_is_directory=True)
    variables["MYPYPATH"] = str(types)
    settings = suite / "mypy.ini"
    settings.write_text(settings.read_text().replace("[mypy-zmq.*]\n", "[mypy-zmq.*]\nfollow_imports = silent\n"))
    return variables


def run_suite(which, suite, packages, wanted, together, rows):
    """All outcomes with one of the two. together: of all files in one process."""
    variables = environment_of(which, suite, packages)
    command = [sys.executable, "-m", "zmqcore", "run"] if which == "zmqcore" else [sys.executable]
    asked = subprocess.run(
        [*command, "-c", "import zmq; print(zmq.Socket.__module__)"], cwd=suite, env=variables, capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == ("zmqcore.socket" if which == "zmqcore" else "zmq.sugar.socket"), asked.stdout
    paths = [path for path in sorted((suite / "tests").glob("test_*.py")) if path.name in wanted]
    found, messages = {}, {}
    for group in [paths] if together and paths else [[path] for path in paths]:
        now, said = run_again(group, which, command, variables, rows)
        found |= now
        messages |= said
    return found, messages


def files_to_ask(outcomes):
    """Test files of which not every test passes."""
    of_files = defaultdict(set)
    for name, outcome in outcomes.items():
        of_files[f"{name.partition('.')[0]}.py"].add(outcome)
    return {name for name, found in of_files.items() if found != {"passed"}}


def compare(version, suite, packages, arguments, rows):
    print(f"pyzmq {version}")
    wanted = {path.name for path in (suite / "tests").glob("test_*.py")} - set(SLOW if arguments.quick else [])
    wanted &= set(arguments.files) or wanted
    ours, messages = run_suite("zmqcore", suite, packages, wanted, arguments.quick, rows)
    asked = files_to_ask(ours) if arguments.quick else wanted
    theirs, _ = run_suite("pyzmq", suite, packages, asked, arguments.quick, rows)
    theirs |= {name: outcome for name, outcome in ours.items() if f"{name.partition('.')[0]}.py" not in asked}
    unexplained, reasons = suites.report_differences(theirs, ours, messages, rows)
    better = sum(reasons[reason] for reason in {row["reason"] for row in rows if row["kind"] == "better"})
    if better > MOST_BETTER:
        print(f"     - {better} tests are said to be better, more than {MOST_BETTER}")
        unexplained.append("(too many are better)")
    unneeded = [] if arguments.files or arguments.quick else [row["reason"] for row in rows if row["reason"] not in reasons]
    for reason in unneeded:
        print(f"     - no test needs this row of differs.toml: {reason}")
    return {"version": version, "pyzmq": theirs, "zmqcore": ours, "unexplained": unexplained, "unneeded": unneeded, "reasons": dict(reasons)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", metavar="VERSION")
    parser.add_argument("--files", nargs="+", default=[], help="these test files only")
    parser.add_argument("--quick", action="store_true", help="the newest version, without slow files; see above")
    parser.add_argument("--json", type=Path, help="write every outcome to this file")
    arguments = parser.parse_args()
    rows = tomllib.loads((HERE / "differs.toml").read_text())["differs"]
    results = []
    for version in arguments.versions or newest_two()[: 1 if arguments.quick else 2]:
        with tempfile.TemporaryDirectory(prefix="pyzmq-suite-") as folder:
            results.append(compare(version, *fetch(version, Path(folder)), arguments, rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    return 1 if any(result["unexplained"] or result["unneeded"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
