"""Runs random programs on the simulated machine: python tests/simulator/run.py [--minutes 5] [--programs N] [--seed S] [--jobs 2]

Prints the first seed, the rate, and every new kind of finding as a short program with the command that repeats it. Exit status 1 if there was any.
  --replay SEED [--only 1,2,3] [--machine name=value]...   runs one program and prints it
"""

import argparse
import mmap
import os
import secrets
import sys
import time

import shrinking

if "--extension" in sys.argv:  # built by building.py, from changed sources or for a sanitizer
    sys.path.insert(0, sys.argv[sys.argv.index("--extension") + 1])
    import _sim
else:
    from zmqcore import _sim

BATCH = 200


def worker(number, jobs, first, count, over, profiles, shared, pipe):
    """Takes every jobs-th batch of seeds until over(). Writes one line for some programs at a time, and for each finding."""
    at = memoryview(shared)[8 * number : 8 * number + 8].cast("Q")
    for begin in range(first + number * BATCH, first + count, jobs * BATCH):
        seed, end = begin, min(begin + BATCH, first + count)
        while seed < end and not over():
            looked, *numbers = _sim.run_many(seed, min(end - seed, 20), at, profiles)
            seed += looked
            os.write(pipe, (" ".join("-1" if n is None else str(n) for n in numbers) + "\n").encode())
        if over():
            break
    os._exit(0)


class Tally:
    def __init__(self):
        self.programs = self.steps = self.received = self.octets = self.tired = 0
        self.kinds = {}

    def add(self, line):
        programs, steps, bad, received, octets, tired = map(int, line.split())
        self.programs += programs
        self.tired += tired
        self.steps += steps
        self.received += received
        self.octets += octets
        return None if bad < 0 else bad


def search(first, count, minutes, jobs, stop_after=None, shrink_seconds=60, profiles=-1, out=sys.stdout, processor=False):
    """Runs programs; returns the tally. stop_after: number of kinds of findings that ends the search. processor: the minutes are processor time of each
    job, not the clock's."""
    began = time.monotonic()
    deadline = began + minutes * 60
    left = dict.fromkeys(range(jobs), minutes * 60)     # of processor time
    used = 0.0
    shared = mmap.mmap(-1, 4096)
    tally = Tally()

    def over(number, seconds=0.0):
        return seconds >= left[number] if processor else time.monotonic() >= deadline

    def start(number, begin, programs):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            forked = time.process_time()
            worker(number, jobs, begin, programs, lambda: over(number, time.process_time() - forked), profiles, shared, writer)
        os.close(writer)
        return child, os.fdopen(reader, "r")

    def finding(seed, result):
        key = shrinking.kind(*result)
        seeds = tally.kinds.setdefault(key, [])
        seeds.append(seed)
        if len(seeds) == 1:
            print(f"\nseed {seed}:", file=out, end="")
            shrinking.report(_sim, seed, shrink_seconds, out)

    running = {number: start(number, first, count) for number in range(jobs)}
    begins = dict.fromkeys(range(jobs), first)
    while running:
        for number, (child, lines) in list(running.items()):
            line = lines.readline()
            if line:
                bad = tally.add(line)
                if bad is not None:
                    finding(bad, shrinking.attempt(_sim, bad))
            else:
                lines.close()
                _, status, usage = os.wait4(child, 0)
                used += usage.ru_utime + usage.ru_stime
                left[number] -= usage.ru_utime + usage.ru_stime
                del running[number]
                if status != 0:
                    seed = int.from_bytes(shared[8 * number : 8 * number + 8], sys.byteorder)
                    finding(seed, shrinking.attempt(_sim, seed))
                    if not over(number):
                        # It goes on behind the batch that ended it.
                        done = (seed - begins[number]) // (jobs * BATCH) + 1
                        begins[number] += done * jobs * BATCH
                        running[number] = start(number, begins[number], first + count - begins[number])
            if stop_after is not None and len(tally.kinds) >= stop_after:
                for child, lines in running.values():
                    os.kill(child, 9)
                    _, _, usage = os.wait4(child, 0)
                    used += usage.ru_utime + usage.ru_stime
                    lines.close()
                running = {}
                break
    seconds = time.monotonic() - began
    print(
        f"\n{tally.programs} programs, {tally.steps} steps, {tally.received} messages received, {tally.octets} octets moved in {seconds:.0f} s, "
        f"{used:.0f} of processor time: "
        f"{tally.programs / (used or seconds):.0f} programs, {tally.steps / (used or seconds):.0f} steps a second of it; "
        f"{tally.tired} given up as too long; {len(tally.kinds)} kind(s) of findings",
        file=out,
    )
    for key, seeds in sorted(tally.kinds.items(), key=lambda item: -len(item[1])):
        print(f"{len(seeds):6} {key[0]}: {key[1]}  (seeds {', '.join(map(str, seeds[:4]))})", file=out)
    out.flush()
    return tally


def replay(seed, only, machine):
    for line in _sim.describe(seed, only, machine):
        print(line)
    result = _sim.run(seed, only, machine)
    for name, value in result.items():
        print(f"{name:12} {value}")
    if place := shrinking.where(_sim, result["text"]):
        print(place)
    return 1 if result["finding"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="of the first program; the next ones follow")
    parser.add_argument("--programs", type=int, default=1 << 40)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--processor-time", action="store_true", help="the minutes are processor time of each job: for a machine that does other things")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--stop-after", type=int, default=None, metavar="KINDS")
    parser.add_argument("--shrink-seconds", type=float, default=60)
    parser.add_argument("--profiles", help=f"some of: {', '.join(_sim.PROFILE_NAMES)}")
    parser.add_argument("--extension", metavar="DIRECTORY", help="of a simulator built by building.py")
    parser.add_argument("--replay", type=int, metavar="SEED")
    parser.add_argument("--only", help="operations to keep, 'none' for none")
    parser.add_argument("--machine", action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args()
    if args.replay is not None:
        only = None
        if args.only is not None:
            only = [] if args.only == "none" else [int(n) for n in args.only.split(",")]
        machine = {name: int(value) for name, value in (item.split("=") for item in args.machine)}
        return replay(args.replay, only, machine)
    first = secrets.randbits(48) if args.seed is None else args.seed
    print(f"seed {first}", flush=True)
    profiles = -1
    if args.profiles:
        profiles = sum(1 << _sim.PROFILE_NAMES.index(name.strip()) for name in args.profiles.split(","))
    tally = search(first, args.programs, args.minutes, args.jobs, args.stop_after, args.shrink_seconds, profiles, processor=args.processor_time)
    return 1 if tally.kinds else 0


if __name__ == "__main__":
    sys.exit(main())
