"""Random programs, programs that once had a finding, and the promise that a seed is a run.

ZMQCORE_SIM_SEED and ZMQCORE_SIM_PROGRAMS choose other random ones than the SEED and PROGRAMS below. (tests/run.sh takes a fresh seed each time.)
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(900)  # work, not waiting: it takes what a loaded machine lets it have
HERE = Path(__file__).parent
SEED, PROGRAMS = 100_000, 6_000
REGRESSIONS = json.loads((HERE / "regressions.json").read_text())


def test_random_programs_have_no_finding(sim):
    seed = os.environ.get("ZMQCORE_SIM_SEED", str(SEED))
    programs = os.environ.get("ZMQCORE_SIM_PROGRAMS", str(PROGRAMS))
    run = subprocess.run(
        [sys.executable, HERE / "run.py", "--seed", seed, "--programs", programs, "--minutes", "60", "--jobs", "1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    assert " 0 kind(s) of findings" in run.stdout


@pytest.mark.parametrize("case", REGRESSIONS, ids=[case["name"] for case in REGRESSIONS])
def test_a_finding_of_the_past_stays_away(sim, case):
    result = sim.run(case["program"])
    assert result["finding"] == "", result["text"] + "\n" + "\n".join(sim.describe(case["program"]))


def test_the_same_seed_is_the_same_run(sim):
    runs = [sim.run(seed) for seed in range(40)]
    assert [sim.run(seed) for seed in range(40)] == runs
    assert len({run["digest"] for run in runs}) == 40


def test_an_exported_program_is_the_program_of_its_seed(sim):
    for seed in range(20):
        assert sim.run(sim.export(seed))["digest"] == sim.run(seed)["digest"]


def test_operations_left_out_leave_a_program(sim):
    for seed in range(20):
        for only in ([], [0], list(range(0, sim.number_of_operations(seed), 2))):
            assert sim.run(seed, only)["digest"] == sim.run(sim.export(seed, only))["digest"]
