"""Fuzzes whole sockets, one type after the other, and keeps count: python tests/fuzz/sockets.py [CONVERSATIONS | SECONDSs] [-- libFuzzer's arguments]

    python tests/fuzz/sockets.py 1000000            a million conversations with each type
    python tests/fuzz/sockets.py 300s               for each type what 300 seconds of processor time give
    python tests/fuzz/sockets.py 50000 --types STREAM PEER --jobs 2
    python tests/fuzz/sockets.py --counts           what has been run so far

build/fuzz/fuzz_sockets must be there (`sh tests/fuzz/run.sh sockets` builds it and comes here). What is learnt, the logs and the counts are kept in
--state (default: $ZMQCORE_FUZZ_STATE, else ~/.cache/zmqcore-fuzz), so that long runs add up; a run may be stopped at any time. One line for each
type is the result; exit status 1 if anything was found.
"""

import argparse
import concurrent.futures
import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import conversations

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "build" / "fuzz" / "fuzz_sockets"
SLICE = 200_000  # conversations between two writings of the counts
OPTIONS = [
    "-max_len=200", "-len_control=20", "-timeout=20", "-rss_limit_mb=2048", "-detect_leaks=0", "-entropic=0", "-use_counters=0",
    f"-dict={ROOT / 'tests' / 'fuzz' / 'zmtp.dict'}", "-print_final_stats=1",
]  # fmt: skip
# Leaks are the simulator's to find, and the core's blocks are in its arena: the heap is libFuzzer's alone.
ASAN = "detect_leaks=0:quarantine_size_mb=1:malloc_context_size=0:allocator_release_to_os_interval_ms=-1"


def state_folder():
    return Path(os.environ.get("ZMQCORE_FUZZ_STATE") or Path.home() / ".cache" / "zmqcore-fuzz")


def version():
    """The commit that the sources are of; + where they differ from it."""
    try:
        text = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return text.stdout.strip()


class Counts:
    """{type: {"conversations", "seconds", "findings", "versions": {commit: conversations}}}, in a file."""

    def __init__(self, folder):
        self.path = folder / "counts.json"
        self.lock = threading.Lock()

    def read(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def add(self, kind, conversations, seconds, found, commit):
        with self.lock:
            counts = self.read()
            of = counts.setdefault(kind, {"conversations": 0, "seconds": 0.0, "findings": 0, "versions": {}})
            of["conversations"] += conversations
            of["seconds"] = round(of["seconds"] + seconds, 1)
            of["findings"] += found
            of["versions"][commit] = of["versions"].get(commit, 0) + conversations
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(counts, indent=1) + "\n")
            new.replace(self.path)
            return of

    def show(self):
        for kind, of in self.read().items():
            versions = ", ".join(f"{number} on {commit}" for commit, number in of["versions"].items())
            print(f"{kind:10} {of['conversations']:12} conversations in {of['seconds']:.0f} s, {of['findings']} finding(s): {versions}")


def one_slice(number, folder, seeds, runs, arguments):
    """(conversations, processor seconds, whether there was a finding) of one process of libFuzzer."""
    kind = conversations.TYPES[number]
    corpus = folder / kind
    corpus.mkdir(exist_ok=True)
    command = [TARGET, f"--type={number}", f"-runs={runs}", f"-artifact_prefix={folder / kind}-", *OPTIONS, *arguments, corpus, seeds]
    environment = {**os.environ, "ASAN_OPTIONS": ":".join(filter(None, [ASAN, os.environ.get("ASAN_OPTIONS")]))}
    with (folder / f"{kind}.log").open("w+b") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        done = re.search(rb"stat::number_of_executed_units: (\d+)", log.read())
    if done is None and child.returncode == 0:
        raise RuntimeError(f"{kind}: libFuzzer told no number of runs, see {folder / kind}.log")
    return int(done[1]) if done else 0, used.ru_utime + used.ru_stime, child.returncode != 0


def fuzz(number, wanted, seconds, folder, seeds, counts, commit, arguments):
    """Until there have been that many conversations, or so much processor time, or a finding. The line that tells."""
    kind = conversations.TYPES[number]
    done, used, found = 0, 0.0, False
    while not found and (done < wanted if wanted else used < seconds):
        # The seeds come first, and are counted.
        rate = done / used if used else 1000
        runs = min(SLICE, wanted - done if wanted else int(rate * (seconds - used)) + 1)
        more, time_used, found = one_slice(number, folder, seeds, max(runs, 2000), arguments)
        done += more
        used += time_used
        total = counts.add(kind, more, time_used, found, commit)
    result = f"FINDING, see {folder / kind}.log" if found else "no finding"
    known = sum(1 for _ in (folder / kind).iterdir())
    return found, (
        f"{kind:10} {done:10} conversations, {used:6.0f} s of processor time, {done / used:6.0f}/s, {known:5} kept; {result};"
        f" {total['conversations']} so far, {total['versions'][commit]} of them on {commit}"
    )


def main():
    given, arguments = sys.argv[1:], []
    if "--" in given:
        given, arguments = given[: given.index("--")], given[given.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("amount", nargs="?", default="1000000")
    parser.add_argument("--types", nargs="+", choices=conversations.TYPES, default=list(conversations.TYPES), metavar="TYPE")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--state", type=Path, default=state_folder())
    parser.add_argument("--counts", action="store_true")
    chosen = parser.parse_args(given)
    chosen.state.mkdir(parents=True, exist_ok=True)
    counts = Counts(chosen.state)
    if chosen.counts:
        return counts.show()
    wanted, seconds = (0, float(chosen.amount[:-1])) if chosen.amount.endswith("s") else (int(chosen.amount), 0.0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seeds = chosen.state / "seeds"
    seeds.mkdir(exist_ok=True)
    conversations.unpack(seeds)
    commit = version()
    began = time.monotonic()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        numbers = [conversations.TYPES.index(kind) for kind in chosen.types]
        runs = [pool.submit(fuzz, number, wanted, seconds, chosen.state, seeds, counts, commit, arguments) for number in numbers]
        for run in runs:
            found, line = run.result()
            failed += found
            print(line, flush=True)
    print(f"{len(runs)} type(s) in {time.monotonic() - began:.0f} s, {failed} with a finding")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
