"""The faults that planted.py puts back still have their place in the core: a hunt that cannot be begun proves nothing."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import planted
from building import ROOT, translate


@pytest.mark.parametrize("name", planted.FAULTS)
def test_fault_can_be_planted(name, tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    planted.plant(name, tmp_path / "src")


@pytest.mark.timeout(300)
def test_planted_faults_compile(tmp_path):
    """All of them at once: what they say has to be the core's language still."""
    pytest.importorskip("Cython")
    shutil.copytree(ROOT / "src", tmp_path / "src")
    for name in planted.FAULTS:
        planted.plant(name, tmp_path / "src")
    assert translate(tmp_path / "built", tmp_path / "src").stat().st_size > 1_000_000
