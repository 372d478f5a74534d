"""Records which tests of tests/behaviour pass with pyzmq, that is with libzmq: tests/data/behaviour_on_libzmq.json.

    python tests/data/record_behaviour.py

A test counts if all its cases passed that were run. libzmq ends some files by abort() or hangs in them: each runs in a process of its own, and what
it had said by then counts.
"""

import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import zmq

ROOT = Path(__file__).resolve().parent.parent.parent
RECORD = Path(__file__).parent / "behaviour_on_libzmq.json"
FILE_SECONDS = 300
TEST_SECONDS = 40


def outcomes(path):
    """{name of a test: {"PASSED", ...}} of one file."""
    found = collections.defaultdict(set)
    command = [sys.executable, "-m", "pytest", "-v", "-n", "0", "--timeout", str(TEST_SECONDS), "-p", "no:cacheprovider", str(path)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ, ZMQ_MODULE="zmq", COLUMNS="300"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        output, _ = process.communicate(timeout=FILE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    for name, outcome in re.findall(r"::(test_\w+)\S*.*? (PASSED|FAILED|ERROR|SKIPPED)", output):
        found[name].add(outcome)
    return found


def main():
    passed = {}
    for path in sorted((ROOT / "tests" / "behaviour").glob("test_*.py")):
        found = outcomes(path)
        names = sorted(name for name, said in found.items() if said <= {"PASSED", "SKIPPED"} and "PASSED" in said)
        if names:
            passed[path.name] = names
        print(f"{path.name}: {len(names)} of {len(found)}", flush=True)
    RECORD.write_text(json.dumps({"libzmq": zmq.zmq_version(), "pyzmq": zmq.__version__, "passed": passed}, indent=1) + "\n")


if __name__ == "__main__":
    main()
