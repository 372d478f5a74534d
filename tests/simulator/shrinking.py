"""Makes a program with a finding short: operations and properties of the machine are left out as long as the finding stays.

Every attempt runs in a process of its own, so a finding may be a crash.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

PATIENCE = 120  # seconds for one attempt
# What a property of the machine is set to when it does not matter.
PLAIN = {"slice": 0, "jump": 0, "processors": 1, "capacity": 65536, "delay_ns": 0}


def kind(finding, text):
    """Findings of one kind differ in numbers only."""
    if text.startswith("written") or "blocks are left" in text:
        return finding, "blocks"
    return finding, re.sub(r"\d+", "#", text)


def attempt(sim, seed, only=None, machine=None):
    """(finding, text) of one run; ("", "") if it has none; ("crash", "signal ...") if the process dies."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = sim.run(seed, only, machine)
            os.write(writer, json.dumps([result["finding"], result["text"]]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        # A run ends by itself: the simulator bounds its steps. Should it not, the alarm below ends the reading.
        try:
            old = signal.signal(signal.SIGALRM, _expired)
            signal.alarm(PATIENCE)
            data = answer.read()
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hang", f"no end within {PATIENCE} s"
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, old)
    _, status = os.waitpid(child, 0)
    if data:
        return tuple(json.loads(data))
    return "crash", f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def _expired(*_):
    raise TimeoutError


def shrink(sim, seed, seconds=60, say=lambda text: None):
    """(operations kept, machine changed, (finding, text)) of the shortest program found within the time."""
    deadline = time.monotonic() + seconds
    found = attempt(sim, seed)
    wanted = kind(*found)
    kept = list(range(sim.number_of_operations(seed)))
    machine = {}

    def holds(operations, changes):
        nonlocal found
        result = attempt(sim, seed, operations, changes)
        if kind(*result) != wanted:
            return False
        found = result
        return True

    def fewer_operations():
        nonlocal kept
        size = max(1, len(kept) // 2)
        while size and time.monotonic() < deadline:
            at = 0
            while at < len(kept) and time.monotonic() < deadline:
                without = kept[:at] + kept[at + size :]
                if holds(without, machine):
                    kept = without
                else:
                    at += size
            size //= 2

    def plainer_machine():
        nonlocal machine
        for name in sim.CONFIG:
            if name == "seed" or time.monotonic() > deadline:
                continue
            changed = {**machine, name: PLAIN.get(name, 0)}
            if name not in machine and holds(kept, changed):
                machine = changed

    fewer_operations()
    say(f"{len(kept)} operations are left")
    plainer_machine()
    fewer_operations()
    return kept, machine, found


def command(seed, kept, machine):
    parts = [f"python tests/simulator/run.py --replay {seed} --only {','.join(map(str, kept)) or 'none'}"]
    parts += [f"--machine {name}={value}" for name, value in machine.items()]
    return " ".join(parts)


def where(sim, text):
    """The source line of an address in a finding's text, if addr2line is there to tell."""
    m = re.search(r"at \+0x([0-9a-f]+)", text)
    if not m:
        return ""
    try:
        out = subprocess.run(["addr2line", "-f", "-i", "-e", sim.__file__, hex(int(m[1], 16) - 1)], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = out.stdout.split("\n")
    return " < ".join(f"{re.sub(r'^__pyx_f_', '', f)} ({p})" for f, p in zip(lines[::2], lines[1::2], strict=False))


def report(sim, seed, seconds=60, out=sys.stdout):
    """Prints a finding as a short program and the command that repeats it."""
    kept, machine, (finding, text) = shrink(sim, seed, seconds)
    print(f"\n{finding}: {text}", file=out)
    if place := where(sim, text):
        print(f"  allocated in {place}", file=out)
    for line in sim.describe(seed, kept, machine):
        print(line, file=out)
    print(command(seed, kept, machine), file=out, flush=True)
