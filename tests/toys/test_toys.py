"""A guest is one file and one line: a toy of its kind passes the tests that all of its kind pass."""

import os
import re
import subprocess
import sys

import pytest
from guests import ROOT, build

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="builds with the compiler of the development environment"),
    pytest.mark.timeout(900),
    pytest.mark.better,
]

pytest.importorskip("Cython")


def conformance(tree, *arguments, **environment):
    """Runs tests against the core in `tree`: (exit code, output)."""
    command = [sys.executable, "-P"] if sys.version_info >= (3, 11) else [sys.executable]
    command += ["-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", f"--rootdir={ROOT}", "-c", ROOT / "pyproject.toml"]
    run = subprocess.run(
        [*command, *arguments],
        cwd=tree,
        env=dict(os.environ, PYTHONPATH=str(tree), ZMQ_MODULE="zmqcore", **environment),
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_a_transport(tmp_path):
    tree = build(tmp_path / "core", "transport")
    code, text = conformance(
        tree, "-k", "toy", ROOT / "tests/behaviour", ROOT / "tests/reliability/test_delivery.py", ZMQCORE_TOY_TRANSPORT="toy"
    )
    assert code == 0, text
    # The tests found it: more than a hundred are for every transport.
    assert int(re.search(r"(\d+) passed", text)[1]) > 100, text
