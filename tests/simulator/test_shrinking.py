"""A finding becomes a short program: tried on a simulator that is none, with a fault that two operations and one property of the machine make."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import shrinking


class Faulty:
    CONFIG = ("seed", "slice", "delay_ns", "capacity")

    def __init__(self, how):
        self.how = how

    def number_of_operations(self, seed):
        return 12

    def run(self, seed, only=None, machine=None):
        operations = set(range(12)) if only is None else set(only)
        if not {2, 7} <= operations or (machine or {}).get("delay_ns", 5) != 5:
            return {"finding": "", "text": ""}
        return self.how(len(operations))


def test_what_does_not_matter_is_left_out():
    faulty = Faulty(lambda n: {"finding": "model", "text": f"lost: message {n}"})
    kept, machine, found = shrinking.shrink(faulty, 1)
    assert kept == [2, 7]
    assert machine == {"slice": 0, "capacity": 65536}
    assert found == ("model", "lost: message 2")
    assert shrinking.command(1, kept, machine).endswith("--replay 1 --only 2,7 --machine slice=0 --machine capacity=65536")


def test_a_program_that_never_ends_is_a_finding(monkeypatch):
    monkeypatch.setattr(shrinking, "PATIENCE", 1)
    assert shrinking.attempt(Faulty(lambda n: time.sleep(600)), 1) == ("hang", "no end within 1 s")


def test_a_process_that_dies_is_a_finding():
    def die(n):
        raise SystemExit(3)

    assert shrinking.attempt(Faulty(die), 1)[0] == "crash"
