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


@pytest.mark.parametrize("waits", ["recv", "poll", "sleep"])
def test_the_end_of_a_burst_is_written_by_the_thread_that_waits_elsewhere(sim, waits):
    """A program that sleeps does not say that it does: its burst is written by the I/O thread."""
    push, pull, answers = range(3)
    program = {
        "profile": "clean", "types": [8, 7, 7], "threads": 1, "poller": 1, "io_threads": 1,
        "machine": {"seed": 1, "slice": 1000, "processors": 2, "capacity": 1 << 18},
        "operations": [
            ["bind", 0, pull, 0, 0, 0, -2], ["connect", 0, push, 0, 0, 0, -2], ["bind", 0, answers, 1, 0, 0, -2],
            ["send", 0, push, 1, 1, 100, 300], ["recv", 0, pull, 1, 0, 0, 5000],
            ["send", 0, push, 20, 1, 100, 300],
            {"recv": ["recv", 0, answers, 1, 0, 0, 10], "poll": ["poll", 0, answers, 1, 1, 0, 10], "sleep": ["sleep", 0, 0, 10000000, 0, 0, -2]}[waits],
            ["recv", 0, pull, 20, 0, 0, 5000],
        ],
    }  # fmt: skip
    result = sim.run(program)
    assert result["finding"] == "", result["text"]
    assert result["received"] == 21
    assert (result["others_octets"] >= 1900) == (waits == "sleep"), result["others_octets"]
