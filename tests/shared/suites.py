"""What runs other projects' test suites have in common: fetching by pip, reading outcomes, comparing those of pyzmq with those of zmqcore."""

import fnmatch
import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path


def pip(*arguments, python=sys.executable):
    done = subprocess.run([python, "-m", "pip", "--disable-pip-version-check", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"pip {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def versions(project):
    """The versions that pip finds, newest first."""
    return re.search(r"Available versions: (.*)", pip("index", "versions", project))[1].split(", ")


def fetch_source(project, version, folder):
    """The sdist of a project, unpacked into `folder`."""
    # Not --no-binary :all:, which would also build the project's build tools.
    pip("download", "-q", "--no-binary", project, "--no-deps", f"{project}=={version}", "-d", str(folder))
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    archive.unlink()
    (source,) = folder.iterdir()
    return source


def clean_environment():
    """The variables of this process without those that change what zmq or pytest do."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("ZMQ", "PYTEST"))}
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    return variables


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


def run_pytest(command, report, what, seconds, **keywords):
    """The outcomes of a run of pytest, whose last words stand in for them if it ended without a report. `what` names it then."""
    report = Path(report)
    report.unlink(missing_ok=True)
    try:
        done = subprocess.run([*command, f"--junitxml={report}"], capture_output=True, text=True, timeout=seconds, **keywords)
        said = f"exit status {done.returncode}: {(done.stdout + done.stderr)[-400:]}"
    except subprocess.TimeoutExpired:
        said = f"not done within {seconds} s"
    if report.exists():
        return outcomes(report)
    return {f"{what}.(the whole file)": "failed"}, {f"{what}.(the whole file)": [said]}


def listed(name, rows):
    return next((row for row in rows if any(fnmatch.fnmatchcase(name, pattern) for pattern in row["tests"])), None)


def only_with_pyzmq(theirs, ours):
    return sorted(name for name, outcome in theirs.items() if outcome == "passed" and ours.get(name) != "passed")


def report_differences(theirs, ours, messages, rows):
    """Prints how the two did. Returns the names of the tests that pass with pyzmq only and have no row, and how many each reason explains."""
    worse = only_with_pyzmq(theirs, ours)
    reasons = Counter()
    unexplained = []
    for name in worse:
        row = listed(name, rows)
        if row is None:
            unexplained.append(name)
        else:
            reasons[row["reason"]] += 1
    print(f"with pyzmq:   {dict(Counter(theirs.values()))}")
    print(f"with zmqcore: {dict(Counter(ours.values()))}")
    print(f"{len(worse)} pass with pyzmq only, {len(unexplained)} of them without a reason:")
    for reason, count in reasons.most_common():
        print(f"  {count:4} {reason}")
    for name in unexplained:
        print(f"     - {name}: {ours.get(name, 'not run')}: {' '.join(messages.get(name, []))}")
    return unexplained, reasons
