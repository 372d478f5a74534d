"""Proves that the simulator finds what it is for: known faults are put back, one at a time, into a copy of the core.

python tests/simulator/planted.py [NAME...] [--minutes 10] [--jobs 2]      prints how long each was not found; exit status 1 if one was not

A fault is a change of the text of one file: what to find, what to put there. If the text is not found, the core has moved on and the fault has to
be written anew.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import building

# name: (file under src, text, replacement, findings that count)
FAULTS = {
    "dropped wake-up": (
        "socket/wake.pxd",
        "    zc_swap_u32(&s.alarm, 1)\n",
        "    zc_store_relaxed_u32(&s.alarm, 0 if s.refs % 4 == 3 else 1)\n",
    ),
    "lost credit": (
        "pipe/pipe.pxd",
        "            if ring_wake_writer(p.inr):\n                p.notify(p.other, ATTENTION_OUT)\n",
        "            ring_wake_writer(p.inr)\n",
    ),
    "leaked pipe": (
        "socket/pipes.pxd",
        "    netpipe_free(p)\n",
        "    if p.peer_id == NULL or p.id % 2 == 0:\n        netpipe_free(p)\n",
    ),
    "a wake-up that stays up (zmq_poll spins)": (
        "socket/drive.pxd",
        "        if zc_load_relaxed_u32(&s.wake_pending):\n            socket_poll_set(s, zc_now_ns())\n",
        "",
    ),
    "input nobody asks for (zmq_poll spins)": (
        "socket/traffic.pxd",
        "        if rc & EVENT_IN and not rc & wanted:\n",
        "        if rc & EVENT_IN and not rc & 3:\n",
    ),
    "conflating sender tears messages": (
        "pipe/pipe.pxd",
        " and p.outr.only == NULL and p.sink(p, m, take) == 1:\n",
        " and p.sink(p, m, take) == 1:\n",
    ),
}


def plant(name, src):
    path, text, replacement = FAULTS[name]
    file = src / path
    before = file.read_text()
    if before.count(text) != 1:
        raise SystemExit(f"{name}: {path} has the text {before.count(text)} times; the fault has to be written anew")
    file.write_text(before.replace(text, replacement))


def hunt(name, minutes, jobs, keep=None):
    """Seconds until the fault was found, or None; and what the search printed."""
    with tempfile.TemporaryDirectory() as scratch:
        src = Path(scratch) / "src"
        shutil.copytree(building.ROOT / "src", src)
        if name != "none":
            plant(name, src)
        into = Path(keep) if keep else Path(scratch) / "built"
        building.build(into, "release", src)
        began = time.monotonic()
        run = subprocess.run(
            [sys.executable, Path(__file__).with_name("run.py"), "--extension", into, "--minutes", str(minutes), "--jobs", str(jobs)]
            + ["--stop-after", "1", "--shrink-seconds", "20", "--profiles", "clean,churn,hostile"],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
    if run.returncode not in (0, 1) or run.stderr:
        raise RuntimeError(run.stdout + run.stderr)
    return (seconds if run.returncode else None), run.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(map(repr, FAULTS))}; 'none' looks whether the core as it is has a finding")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    missed = 0
    for name in args.names or FAULTS:
        seconds, text = hunt(name, args.minutes, args.jobs)
        missed += seconds is None and name != "none"
        print(f"== {name}: {'not found' if seconds is None else f'found after {seconds:.0f} s (shrinking included)'}")
        print(text, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
