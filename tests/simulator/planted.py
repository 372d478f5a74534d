"""Proves that the simulator finds what it is for: known faults are put back, one at a time, into a copy of the core.

python tests/simulator/planted.py [NAME...] [--minutes 10] [--jobs 2]      prints how long each was not found; exit status 1 if one was not
  (minutes and seconds are processor time of each job)

A fault is a change of the text of one file: what to find, what to put there. If the text is not found, the core has moved on and the fault has to
be written anew. The copy is built without C asserts: it is the effect that has to be found.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import building

# name: (file under src, then text and replacement, as many as needed), or several of them
FAULTS = {
    "conflating receiver closes uncounted views": (
        "session/receive.pxd",
        "        views[0] = (s.rx_end - <uint32_t> (body - s.rx.data)) // MSG_INLINE_MAX\n        zc_add_u32(&s.rx.refs, views[0])\n",
        "        views[0] = 1 << 30\n",
        "        zc_sub_u32(&s.rx.refs, views)       # ours is left\n",
        "        zc_add_u32(&s.rx.refs, (1 << 30) - views)\n",
    ),
    "RECONNECT_IVL 0 spins": (
        "socket/reconnect.pxd",
        "(<uint64_t> delay * 1000000 if delay else reconnect_least(x))",
        "(<uint64_t> delay * 1000000 + 1)",
    ),
    "a connection ends inside its own reading": (
        (
            "session/lifecycle.pxd",
            "    s.ending_error = err\n    session_mark_ending(s)\n",
            "    s.ending_error = err\n    session_mark_ending(s)\n    if s.host.ending == s and s.ending_next == NULL:\n"
            "        s.host.ending = NULL\n        session_conclude(s, zc_now_ns())\n",
        ),
        (
            "socket/pipes.pxd",
            "            return\n    s.doomed[s.ndoomed] = p\n    s.ndoomed += 1\n",
            "            return\n    if p.link == NULL:\n        pipe_remove(s, p)\n        return\n    s.doomed[s.ndoomed] = p\n    s.ndoomed += 1\n",
        ),
    ),
    "the flush at exit takes heartbeats for progress": (
        "socket/exit_wait.pxd",
        "    if w.owed < w.least:\n",
        "    if w.owed != w.least:\n",
    ),
    "dropped wake-up": (
        "io/wakeup.pxd",
        "    zc_swap_u32(&s.notified, 1)\n",
        "    zc_swap_u32(&s.notified, 0 if s.refs % 4 == 3 else 1)\n",
    ),
    "lost credit": (
        "pipe/pipe.pxd",
        "            if ring_wake_writer(p.inr):\n                p.notify(p.other, MAIL_OUT)\n",
        "            ring_wake_writer(p.inr)\n",
    ),
    "leaked pipe": (
        "socket/pipes.pxd",
        "    netpipe_free(p)\n",
        "    if p.peer_id == NULL or p.id % 2 == 0:\n        netpipe_free(p)\n",
    ),
    "a wake-up that stays up (zmq_poll spins)": (
        "io/turn.pxd",
        "        if zc_load_relaxed_u32(&s.wake_pending):\n            socket_poll_set(s, zc_now_ns())\n",
        "",
    ),
    "input nobody asks for (zmq_poll spins)": (
        "io/poll.pxd",
        "        if rc & EVENT_IN and not rc & wanted:\n",
        "        if rc & EVENT_IN and not rc & 3:\n",
    ),
    "a connection ends under the hands of the thread that writes it": (
        "session/lifecycle.pxd",
        "    apart_settle(s, True)\n",
        "",
    ),
    "two threads write one output": (
        "session/transmit.pxd",
        " or s.tx_broken or not apart_settle(s, False):\n",
        " or s.tx_broken:\n",
    ),
    "what is sent during a write apart is forgotten": (
        "session/transmit.pxd",
        "    if session_unsent(s) and not s.tx_blocked and not s.tx_broken:\n        transmit_mark(s)\n",
        "",
    ),
    "what waits for the tempo is not looked for": (
        "reactor/io_main.pxd",
        "            c.rests = 0\n            io_serve(io, c, SERVE_FLUSH, now, next)\n",
        "            c.rests = 0\n",
    ),
    "what the I/O thread could not write is not asked for again": (
        "io/overlap.pxd",
        "    elif s.client.io != NULL:\n        overlap_ask(s)\n    if room:\n",
        "    if room:\n",
    ),
    "a lease that a helper begins does not end": (
        "io/serve.pxd",
        "    io_poke(c.io, at)       # this may be a thread that helps the I/O thread: that one has to see the end of the lease\n",
        "",
    ),
    "conflating sender tears messages": (
        "pipe/pipe.pxd",
        " and p.outr.only == NULL and p.sink(p, m, take) == 1:\n",
        " and p.sink(p, m, take) == 1:\n",
    ),
}


def plant(name, src):
    fault = FAULTS[name]
    for path, *changes in fault if isinstance(fault[0], tuple) else [fault]:
        file = src / path
        content = file.read_text()
        for text, replacement in zip(changes[::2], changes[1::2], strict=True):
            if content.count(text) != 1:
                raise SystemExit(f"{name}: {path} has {text!r} {content.count(text)} times; the fault has to be written anew")
            content = content.replace(text, replacement)
        file.write_text(content)


def processor_time():
    """Of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def hunt(name, minutes, jobs, keep=None):
    """Seconds until the fault was found, or None; and what the search printed."""
    with tempfile.TemporaryDirectory() as scratch:
        src = Path(scratch) / "src"
        shutil.copytree(building.ROOT / "src", src)
        if name != "none":
            plant(name, src)
        into = Path(keep) if keep else Path(scratch) / "built"
        building.build(into, "bare", src)
        before = processor_time()
        run = subprocess.run(
            [sys.executable, Path(__file__).with_name("run.py"), "--extension", into, "--minutes", str(minutes), "--jobs", str(jobs)]
            + ["--processor-time", "--stop-after", "1", "--shrink-seconds", "20", "--profiles", "clean,churn,hostile"],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = (processor_time() - before) / jobs
    if run.returncode not in (0, 1):
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
