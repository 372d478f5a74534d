"""Runs pyzmq's own test suite on zmqcore, with zmq as its alias, and on pyzmq itself, and compares test by test.

    python tests/pyzmq_suite/run.py [VERSION ...] [--files test_socket.py ...] [--json FILE]

Without a VERSION: the newest pyzmq that pip finds, and the release before. The suite comes from pyzmq's sdist, pyzmq itself from its wheel; both, and
what the suite needs, are fetched into a temporary folder and go with it. A test that passes with pyzmq must pass with zmqcore, or be in differs.toml
beside this file with a reason. A row of that file which no test needs any more is an error, too.

Each test file is run in a process of its own, twice if it has failures: what fails only once on a busy machine says nothing.
"""

import argparse
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import tomllib

import zmqcore

HERE = Path(__file__).resolve().parent
# What its tests use and can be had as a wheel; the rest of its list is for linting and coverage.
NEEDED = ["pytest>=8", "pytest-asyncio", "pytest-timeout", "gevent", "tornado", "cython", "setuptools", "mypy", "types-tornado"]
KEPT = ["tests", "mypy_tests", "examples", "mypy.ini", "pytest.ini"]
MOST_BETTER = 10
FILE_SECONDS, TEST_SECONDS = 400, 60


def pip(*arguments):
    done = subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"pip {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def newest_two():
    """The newest two versions of pyzmq: patch releases of one minor version count as one."""
    listed = re.search(r"Available versions: (.*)", pip("index", "versions", "pyzmq"))[1].split(", ")
    minors = {}
    for version in listed:  # newest first
        minors.setdefault(version.rpartition(".")[0], version)
    return list(minors.values())[:2]


def fetch(version, folder):
    """The suite of this version, and a folder of packages to run it with. The sdist's own zmq/ stays out of the way."""
    # Not --no-binary :all:, which would also build pyzmq's build tools, CMake among them.
    pip("download", "-q", "--no-binary", "pyzmq", "--no-deps", f"pyzmq=={version}", "-d", str(folder))
    with tarfile.open(folder / f"pyzmq-{version}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    source, suite, packages = folder / f"pyzmq-{version}", folder / "suite", folder / "packages"
    suite.mkdir()
    for name in KEPT:
        if (source / name).exists():
            shutil.move(source / name, suite / name)
    shutil.rmtree(source)
    pip("install", "-q", "--only-binary", ":all:", "--target", str(packages), f"pyzmq=={version}", *NEEDED)
    return suite, packages


def outcomes(report):
    """{"test_socket.TestSocket.test_bind": "passed" | "failed" | "skipped"}, and the first line of what went wrong."""
    found, messages = {}, {}
    for case in ET.parse(report).getroot().iter("testcase"):
        name = f"{(case.get('classname') or '').removeprefix('tests.')}.{case.get('name')}"
        outcome = "passed"
        for child in case:
            if child.tag in ("failure", "error"):
                outcome = "failed"
            elif child.tag == "skipped" and outcome == "passed":
                outcome = "skipped"
            if child.tag in ("failure", "error", "skipped"):
                messages[name] = (child.get("message") or "").strip().splitlines()[:1]
        if found.get(name) != "failed":  # a test and its teardown are two cases of one name
            found[name] = outcome
    return found, messages


def run_file(path, command, environment):
    report = path.parents[1] / "report.xml"
    report.unlink(missing_ok=True)
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS}", "--timeout-method=signal", f"--junitxml={report}", str(path)]
    try:
        done = subprocess.run([*command, *pytest], cwd=path.parents[1], env=environment, capture_output=True, text=True, timeout=FILE_SECONDS)
        said = f"exit status {done.returncode}: {(done.stdout + done.stderr)[-400:]}"
    except subprocess.TimeoutExpired:
        said = f"not done within {FILE_SECONDS} s"
    if report.exists():
        return outcomes(report)
    return {f"{path.stem}.(the whole file)": "failed"}, {f"{path.stem}.(the whole file)": [said]}


def run_suite(which, suite, packages, files):
    """All outcomes with one of the two. A failure that does not come again is none."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("ZMQ", "PYTEST"))}
    variables["PYTHONPATH"] = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "-m", "zmqcore", "run"] if which == "zmqcore" else [sys.executable]
    if which == "zmqcore":
        # Type checkers know nothing of the alias: for them zmq is a second name of the folder, and installed, so that only its users are checked.
        types = suite.parent / "types"
        types.mkdir(exist_ok=True)
        if not (types / "zmq").exists():
            (types / "zmq").symlink_to(Path(zmqcore.__file__).resolve().parent, target_is_directory=True)
        variables["MYPYPATH"] = str(types)
        settings = suite / "mypy.ini"
        settings.write_text(settings.read_text().replace("[mypy-zmq.*]\n", "[mypy-zmq.*]\nfollow_imports = silent\n"))
    else:
        variables["ZMQCORE_AS_ZMQ"] = "0"
    asked = subprocess.run(
        [*command, "-c", "import zmq; print(zmq.Socket.__module__)"], cwd=suite, env=variables, capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == ("zmqcore.socket" if which == "zmqcore" else "zmq.sugar.socket"), asked.stdout
    found, messages = {}, {}
    for path in sorted((suite / "tests").glob("test_*.py")):
        if files and path.name not in files:
            continue
        now, said = run_file(path, command, variables)
        if "failed" in now.values():
            again, _ = run_file(path, command, variables)
            now |= {name: outcome for name, outcome in again.items() if outcome == "passed"}
        found |= now
        messages |= said
        print(f"  {which:8} {path.name:28} {dict(Counter(now.values()))}", flush=True)
    return found, messages


def listed(name, rows):
    return next((row for row in rows if any(fnmatch.fnmatchcase(name, pattern) for pattern in row["tests"])), None)


def compare(version, suite, packages, files, rows):
    print(f"pyzmq {version}")
    theirs, _ = run_suite("pyzmq", suite, packages, files)
    ours, messages = run_suite("zmqcore", suite, packages, files)
    worse = sorted(name for name, outcome in theirs.items() if outcome == "passed" and ours.get(name) != "passed")
    reasons = Counter()
    unexplained = []
    for name in worse:
        row = listed(name, rows)
        if row is None:
            unexplained.append(name)
        else:
            reasons[row["reason"]] += 1
    better = sum(count for row in rows if row["kind"] == "better" for reason, count in reasons.items() if reason == row["reason"])
    if better > MOST_BETTER:
        unexplained.append(f"(more than {MOST_BETTER} tests are said to be better)")
    print(f"with pyzmq:   {dict(Counter(theirs.values()))}")
    print(f"with zmqcore: {dict(Counter(ours.values()))}")
    print(f"{len(worse)} pass with pyzmq only, {len(unexplained)} of them without a reason:")
    for reason, count in reasons.most_common():
        print(f"  {count:4} {reason}")
    for name in unexplained:
        print(f"     - {name}: {ours.get(name, 'not run')}: {' '.join(messages.get(name, []))}")
    unneeded = [] if files else [row["reason"] for row in rows if row["reason"] not in reasons]
    for reason in unneeded:
        print(f"     - no test needs this row of differs.toml: {reason}")
    return {"version": version, "pyzmq": theirs, "zmqcore": ours, "unexplained": unexplained, "unneeded": unneeded, "reasons": dict(reasons)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", metavar="VERSION")
    parser.add_argument("--files", nargs="+", default=[], help="these test files only")
    parser.add_argument("--json", type=Path, help="write every outcome to this file")
    arguments = parser.parse_args()
    rows = tomllib.loads((HERE / "differs.toml").read_text())["differs"]
    results = []
    for version in arguments.versions or newest_two():
        with tempfile.TemporaryDirectory(prefix="pyzmq-suite-") as folder:
            results.append(compare(version, *fetch(version, Path(folder)), arguments.files, rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    return 1 if any(result["unexplained"] or result["unneeded"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
