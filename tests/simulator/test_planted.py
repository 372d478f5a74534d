"""The faults that planted.py puts back still have their place in the core: a hunt that cannot be begun proves nothing."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import planted
from building import ROOT


@pytest.mark.parametrize("name", planted.FAULTS)
def test_fault_can_be_planted(name, tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    planted.plant(name, tmp_path / "src")
