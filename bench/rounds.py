"""Runs cases: rounds, in each round every contestant once, each time in fresh processes.

Rules
  - A B C A B C ...: what disturbs the machine for a while disturbs all contestants; ratios are taken within a round.
  - Which contestant begins is rotated from round to round, so that no one is always the first after a pause.
  - How many messages make a burst of the wanted duration is found once per contestant, in its first round; every timed burst is
    preceded by a checked one and a warm-up. A change and the commit before it (`before`) send the same number: found for each
    from a single burst, the numbers differed by a factor of up to 3, and shorter bursts have other rates.
  - A contestant that fails is recorded with the reason and left out of the case's further rounds. Nothing here asserts a time.
"""

import queue
import shutil
import tempfile
import time
from dataclasses import dataclass, field

from .cases import Case, Part
from .children import CLOSE_SECONDS, CellError, Child, hear_all
from .measures import MEASURES, seconds
from .stacks import RAW, SECRETBOX

# Between starting a process and the first message: imports, bind, connect, subscriptions.
START_SECONDS = 15.0
# Beyond the wanted duration, for a burst on a machine that is busy with other things.
BURST_SECONDS = 10.0
# Calibration stops growing a burst when it lasts this share of the wanted duration.
CALIBRATE_SHARE = 0.1
WARM_UP_SHARE = 0.1
GROWTH = 4
# Below this a calibration burst says nothing about speed.
SHORTEST_SECONDS = 0.005
# Three heartbeats of each connection.
SHORTEST_IDLE_SECONDS = 0.3


@dataclass
class Contestant:
    label: str
    parts: tuple
    stacks: dict  # side -> stack
    values: list = field(default_factory=list)
    cpu: list = field(default_factory=list)
    n: int = 0
    error: str = ""
    notes: set = field(default_factory=set)


class Cell:
    """The processes of one contestant in one round."""

    def __init__(self, case: Case, contestant: Contestant, directory, core, raw_library):
        self.case = case
        self.directory = tempfile.mkdtemp(dir=directory)
        self.children = []
        inbox = queue.Queue()
        common = dict(case.params, dir=self.directory)
        if case.one_core:
            common["pin"] = core
        if raw_library:
            common["raw_library"] = raw_library
        for index, part in enumerate(contestant.parts):
            stack = contestant.stacks[part.side]
            role, params = part.role, {**common, **part.params}
            if stack in RAW:
                role = "raw." + part.role.split(".")[1]
                params["own_core"] = index  # the ceiling shall not depend on where the scheduler puts two processes
            self.children.append(Child(stack, role, params, inbox))

    def tell(self, **order):
        for child in self.children:
            child.say(**order)

    def hear(self, key, deadline):
        return hear_all(self.children, key, deadline)

    def open(self):
        deadline = time.monotonic() + START_SECONDS
        endpoints = {}
        for child in self.children:
            child.say(do="open", endpoints=endpoints)
            endpoints.update(child.hear("endpoints", deadline))
        self.tell(do="live")
        self.hear("live", deadline)

    def burst(self, n, allowed, check=False):
        deadline = time.monotonic() + BURST_SECONDS + allowed
        self.tell(do="burst", n=n, check=check)
        self.hear("armed", deadline)
        self.tell(do="go")  # who does not drive has begun already
        reports = self.hear("result", deadline)
        self.tell(do="settle")
        for report, cpu in zip(reports, self.hear("cpu", deadline), strict=True):
            report["cpu"] = cpu
        return reports

    def quit(self):
        """Orderly shutdown of all; False when one of them hung and had to be killed."""
        self.tell(do="quit")
        try:
            self.hear("closed", time.monotonic() + CLOSE_SECONDS)
        except CellError:
            self.kill()
            return False
        return all([child.gone() for child in self.children])

    def kill(self):
        for child in self.children:
            child.kill()

    def clean(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def calibrate(cell, case, wanted):
    n = case.at_least if case.at_least > 1 else case.check_count
    while True:
        took = seconds(cell.burst(n, wanted * 10))
        if took >= max(SHORTEST_SECONDS, wanted * CALIBRATE_SHARE):
            return max(case.at_least, int(n * wanted / took))
        n *= GROWTH


def as_many_as(contestant, others):
    """The number that the other one of a change and the commit before it sends, once that is known."""
    pair = {"zmqcore", "before"}
    return next((other.n for other in others if {other.stacks["a"], contestant.stacks["a"]} == pair and other.n), 0)


def one_round(case, contestant, wanted, directory, core, raw_library, as_many):
    cell = Cell(case, contestant, directory, core, raw_library)
    try:
        cell.open()
        if case.fixed:
            contestant.n = int(max(wanted, SHORTEST_IDLE_SECONDS) * 1000)
        else:
            cell.burst(case.check_count, wanted, check=True)
            if not contestant.n:
                contestant.n = as_many or calibrate(cell, case, wanted)
            cell.burst(max(1, int(contestant.n * WARM_UP_SHARE)), wanted)
        reports = cell.burst(contestant.n, wanted * 10)
        measure = MEASURES[case.measure][0]
        n = next((report["n"] for report in reports if "n" in report), contestant.n)
        contestant.values.append(measure(reports, n))
        contestant.cpu.append(round(sum(report["cpu"] for report in reports), 6))
        if not cell.quit():
            contestant.notes.add("a process hung in close() or term() and was killed")
    except BaseException:
        cell.kill()
        raise
    finally:
        cell.clean()


def contestants_of(case, labels, peer):
    """Who takes part: the stacks that can, or the case's own variants."""
    if case.variants:
        if "zmqcore" not in labels:
            return []
        return [Contestant(label, parts, {"a": "zmqcore", "b": "zmqcore"}) for label, parts in case.variants.items()]
    chosen = []
    for label in labels:
        if label in RAW and (not case.raw or peer):
            continue
        if label == SECRETBOX:
            if case.box and not peer:
                chosen.append(Contestant(label, (Part("secretbox.Loop"),), {"a": label}))
            continue
        if peer:
            if all(part.side == "a" for part in case.parts):
                return []  # one process, no other side
            chosen.append(Contestant(f"{label}>{peer}", case.parts, {"a": label, "b": peer}))
        else:
            chosen.append(Contestant(label, case.parts, {"a": label, "b": label}))
    return chosen


def run_case(case, labels, *, rounds, wanted, directory, core, raw_library, peer=None, progress=None):
    field_ = contestants_of(case, labels, peer)
    for index in range(rounds):
        shift = index % len(field_) if field_ else 0
        for contestant in field_[shift:] + field_[:shift]:
            if contestant.error:
                continue
            if progress:
                progress(case, contestant, index)
            try:
                one_round(case, contestant, wanted, directory, core, raw_library, as_many_as(contestant, field_))
            except (CellError, KeyError, ValueError, OSError) as error:
                contestant.error = f"round {index + 1}: {error}"
    return field_
