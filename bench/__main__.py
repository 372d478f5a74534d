"""python -m bench: runs the cases against the installed stacks and shows, saves or draws what came out."""

import argparse
import fnmatch
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from . import cases, plot, results, rounds, stacks, table
from .children import CellError, ask
from .roles import raw

# All cases x three stacks x 5 rounds are about 490 bursts in fresh processes, a second each: below ten minutes, while a burst is
# still far above the grain of the clock and of the scheduler.
SECONDS, ROUNDS = 0.5, 5
# A smoke test with numbers: every case once, below a minute and a half.
QUICK_SECONDS, QUICK_ROUNDS = 0.15, 1


PAGES = ("README.md", "docs/performance.md")


def arguments():
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--case", action="append", metavar="GLOB", help="only cases that match (may be repeated); see --list")
    parser.add_argument("--stack", help=f"comma-separated, the first is compared with the others; of {', '.join(stacks.KNOWN)}")
    parser.add_argument("--against", metavar="DIR", help="compare with zmqcore built in place in this other checkout: the stack `before`")
    parser.add_argument("--peer", choices=stacks.ZMQ_LIKE, help="this stack on the other side (receiver, server) of every case")
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}")
    parser.add_argument("--seconds", type=float, help=f"length of a timed burst; default {SECONDS}")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} short round: does it work, and roughly how fast")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--table", action="store_true", help="print a table at the end (the default without another output)")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("--load", metavar="FILE", action="append", help="take the results of --json instead of measuring (several files are joined)")
    parser.add_argument(
        "--readme", nargs="*", metavar="FILE", help="rewrite the tables of these pages (README.md and docs/performance.md)"
    )
    parser.add_argument("--plot", metavar="FILE", help="bar chart of the ratios (svg, png, ...)")
    parser.add_argument("--scaling", metavar="FILE", help="run the scaling cases instead and plot them")
    return parser.parse_args()


def chosen_cases(options):
    if options.case:
        everything = (*cases.ALL, *cases.SCALING)
        chosen = [case for case in everything if any(fnmatch.fnmatchcase(case.name, glob) for glob in options.case)]
        if not chosen:
            sys.exit("no case matches; python -m bench --list shows the names")
        return chosen
    return list(cases.SCALING if options.scaling else cases.ALL)


def available_stacks(options):
    if options.against:
        os.environ[stacks.BEFORE] = os.path.abspath(options.against)
    default = ("zmqcore", "before") if options.against else stacks.DEFAULT
    wanted = [label.strip() for label in options.stack.split(",")] if options.stack else list(default)
    if "before" in wanted and stacks.BEFORE not in os.environ:
        sys.exit("the stack `before` needs --against DIR")
    if unknown := [label for label in wanted if label not in stacks.KNOWN]:
        sys.exit(f"unknown stack {', '.join(unknown)}; choose from {', '.join(stacks.KNOWN)}")
    found, missing = {}, {}
    for label in wanted:
        try:
            found[label] = ask(label, "describe", {}, "about")
        except CellError as error:
            missing[label] = str(error)
            print(f"{label} is left out: {error}", file=sys.stderr)
    return found, missing


class Progress:
    """One line on a terminal, one line per case elsewhere."""

    def __init__(self, total, round_count):
        self.total, self.round_count, self.done, self.name = total, round_count, 0, ""
        self.start = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def __call__(self, case, contestant, index):
        if case.name != self.name:
            self.name = case.name
            self.done += 1
            if not self.terminal:
                print(f"[{self.done}/{self.total}] {case.name}", file=sys.stderr)
        if self.terminal:
            line = f"[{self.done}/{self.total}] {case.name}: {contestant.label}, round {index + 1} of {self.round_count}"
            print(f"\r{line:<100}", end="", file=sys.stderr)

    def finish(self):
        end = "\n" if self.terminal else ""
        print(f"{end}{time.monotonic() - self.start:.0f} s", file=sys.stderr)


def pinned_core():
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


def measure(options):
    found, missing = available_stacks(options)
    if not found:
        sys.exit("no stack to measure")
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    round_count = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    result = {
        "schema": results.SCHEMA,
        "machine": results.machine(),
        "stacks": found,
        "missing": missing,
        "options": {"rounds": round_count, "seconds": seconds, "peer": options.peer},
        "cases": [],
    }
    chosen = chosen_cases(options)
    progress = Progress(len(chosen), round_count)
    with tempfile.TemporaryDirectory(prefix="zb-") as directory:  # short: ipc paths have at most 107 characters
        library, labels = None, list(found)
        if any(label in (*stacks.RAW, stacks.SECRETBOX) for label in labels):
            try:
                library = raw.build(directory)
            except (OSError, ValueError) as error:
                print(f"what needs a C compiler is left out: {error}", file=sys.stderr)
                labels = [label for label in labels if label in stacks.ZMQ_LIKE]
        for case in chosen:
            field = rounds.run_case(
                case, labels, rounds=round_count, wanted=seconds, directory=directory, core=pinned_core(),
                raw_library=library, peer=options.peer, progress=progress,
            )  # fmt: skip
            if field:
                result["cases"].append(results.case_result(case, field))
            if options.json:
                Path(options.json).write_text(json.dumps(result, indent=1))  # after each case: an interrupted run keeps what it has
    progress.finish()
    return result


def loaded(paths):
    first, *others = (json.loads(Path(path).read_text()) for path in paths)
    for other in others:
        first["cases"] += other["cases"]
        first["stacks"] |= other["stacks"]
    return first


def main():
    options = arguments()
    if options.list:
        print("\n".join(case.name for case in (*cases.ALL, *cases.SCALING)))
        return
    result = loaded(options.load) if options.load else measure(options)
    if options.plot:
        plot.ratios(result, options.plot)
    if options.scaling:
        plot.scaling(result, options.scaling)
    if options.readme is not None:
        for page in options.readme or PAGES:
            table.rewrite_page(page, result)
    if options.table or not (options.json or options.readme is not None or options.plot or options.scaling):
        print(table.text(result))


if __name__ == "__main__":
    main()
