"""Programs with one of this folder's C files between them and the system."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import foreign
import pytest

FOLDER = Path(__file__).parent


def run_with(name, folder, program):
    """What `program`, Python, printed with NAME.c, compiled to `folder`, in front of the system's library."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("needs LD_PRELOAD and a compiler")
    library = folder / f"{name}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, FOLDER / f"{name}.c", "-ldl"], env=foreign.environment(), check=True)
    preload = f"{os.environ.get('LD_PRELOAD', '')} {library}".strip()
    run = subprocess.run([sys.executable, "-c", program], env={**os.environ, "LD_PRELOAD": preload}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout
