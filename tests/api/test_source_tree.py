"""Importing the package from a source tree that was not built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "zmqcore"


def own_environment():
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.mark.better
def test_says_what_to_do(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "zmqcore", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    code = """if True:
        try:
            import zmqcore
        except ModuleNotFoundError as error:
            assert error.name == "zmqcore._core"
            print(error)
    """
    # -S: without what an editable installation puts in the way of imports.
    said = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, env=own_environment(), capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    for words in (str(tmp_path / "zmqcore"), "source tree", "pip install -e .", "another directory"):
        assert words in said.stdout
