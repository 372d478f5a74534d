"""Runs random programs of API calls on zmqcore and on libzmq (through pyzmq) and reports where they differ.

    python tests/differential/differential.py                        60 seconds of programs, from a seed that is printed
    python tests/differential/differential.py --seconds 3600
    python tests/differential/differential.py --seed 41 --count 1    that program again, with what each call returned

A difference counts if it comes again when both libraries are given four times as long between calls. It is told apart by its kind (call,
socket type, transports: none, inproc, network or mixed; what both returned), shrunk to a short program and looked up in
docs/differences.md. Kinds that are decided there are counted; any other makes the run fail.
"""
import argparse
import collections
import fnmatch
import json
import os
import random
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import programs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

PAGE = ROOT / "docs" / "differences.md"
LIBRARIES = ("zmq", "zmqcore")
ANSWER_SECONDS = 60.0
PORTS = range(20000, 32000)     # below the ports that the system gives out by itself
_port = iter(())
_lock = threading.Lock()


class Child:
    """A process that runs programs on one library. libzmq ends some of them by abort(): then it is started again."""

    def __init__(self, library):
        self.library = library
        self.process = None
        self.directory = tempfile.mkdtemp(prefix="d")

    def start(self):
        # The last lines of a failed assertion would only confuse the report.
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "programs.py"), self.library], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))), cwd=self.directory)

    def run(self, program, patience):
        """{"calls", "rest"} or {"died": how}."""
        if self.process is None:
            self.start()
        job = {"program": program, "addresses": addresses(program, self.directory), "patience": patience}
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return self.died()
        ready, _, _ = select.select([self.process.stdout], [], [], ANSWER_SECONDS)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            return self.died(hung=not ready)
        return json.loads(line)

    def died(self, hung=False):
        if hung:
            self.process.kill()
        status = self.process.wait()
        self.process = None
        return {"died": "hang" if hung else f"status {status}"}

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def free_port():
    """A port nobody listens on, and that no other run of ours gets for a long while."""
    import socket
    global _port
    with _lock:
        while True:
            port = next(_port, None)
            if port is None:
                start = random.SystemRandom().choice(PORTS)
                _port = iter([*range(start, PORTS.stop), *range(PORTS.start, start)])
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port


_serial = 0


def addresses(program, directory):
    global _serial
    found = []
    for transport in program["endpoints"]:
        with _lock:
            _serial += 1
            name = str(_serial)
        found.append(f"tcp://127.0.0.1:{free_port()}" if transport == "tcp" else f"ipc://{directory}/{name}" if transport == "ipc" else f"inproc://{name}")
    return found


# ---- comparing

def outcome(result):
    """What kind of answer it is."""
    if isinstance(result, str) and result.startswith("!"):
        return result[1:]
    if isinstance(result, list):
        return "message"
    return "done" if result is None else str(result) if isinstance(result, int) else "frame" if result != "open" else result


def transports(program, number):
    """Those of the endpoints that calls on this socket have named."""
    used = {program["endpoints"][c[2]] for c in program["calls"] if c[1] == number and c[0] in ("bind", "connect", "unbind", "disconnect")}
    found = "none" if not used else "inproc" if used == {"inproc"} else "mixed" if "inproc" in used else "network"
    labels = {"self": joins_itself, "odd": joins_odd_types, "second": has_second_peers, "conflate": conflates,
              "partial": sends_parts, "misfit": joins_misfits, "twice": connects_twice, "again": binds_again, "askers": joins_askers}
    return " ".join([found, *(label for label, applies in labels.items() if applies(program))])


def has_second_peers(program):
    """A PAIR may have got more than one."""
    return sum(c[0] == "connect" and program["sockets"][c[1]]["type"] == "PAIR" for c in program["calls"]) > 1


def conflates(program):
    return any(name == "CONFLATE" for socket in program["sockets"] for name, _ in socket["options"])


def sends_parts(program):
    return any(c[0] == "send_more" for c in program["calls"])


def joins_itself(program):
    """A socket binds and connects one endpoint."""
    calls = {tuple(c[:3]) for c in program["calls"] if c[0] in ("bind", "connect")}
    return any(("bind" if name == "connect" else "connect", number, endpoint) in calls for name, number, endpoint in calls)


def joins_odd_types(program):
    """Over inproc a subscriber meets something that is no publisher."""
    met = collections.defaultdict(set)
    for c in program["calls"]:
        if c[0] in ("bind", "connect") and program["endpoints"][c[2]] == "inproc":
            met[c[2]].add((c[0], program["sockets"][c[1]]["type"]))
    subscribers, publishers = {"SUB", "XSUB"}, {"PUB", "XPUB"}
    return any(a == "bind" and b == "connect" and {x, y} & subscribers and not {x, y} & publishers for pairs in met.values()
               for a, x in pairs for b, y in pairs)


def joins_askers(program):
    """Over inproc a REQ meets a REQ."""
    met = collections.defaultdict(set)
    for c in program["calls"]:
        if c[0] in ("bind", "connect") and program["endpoints"][c[2]] == "inproc" and program["sockets"][c[1]]["type"] == "REQ":
            met[c[2]].add(c[0])
    return {"bind", "connect"} in met.values()


def connects_twice(program):
    """A socket to one endpoint: two connections, perhaps with one routing id."""
    return max(collections.Counter(tuple(c[1:3]) for c in program["calls"] if c[0] == "connect").values(), default=0) > 1


def binds_again(program):
    """A socket an endpoint that it has let go."""
    let_go = set()
    for name, number, *arguments in program["calls"]:
        if name == "unbind":
            let_go.add((number, arguments[0]))
        elif name == "bind" and (number, arguments[0]) in let_go:
            return True
    return False


FITTING = {frozenset(pair.split()) for pair in (
    "PAIR", "PUB SUB", "PUB XSUB", "XPUB SUB", "XPUB XSUB", "REQ REP", "REQ ROUTER", "DEALER REP", "DEALER", "DEALER ROUTER", "ROUTER", "PUSH PULL",
    "STREAM")}  # fmt: skip


def joins_misfits(program):
    """Over a network sockets meet whose types do not fit, so that one of them hangs up."""
    met = collections.defaultdict(set)
    for c in program["calls"]:
        if c[0] in ("bind", "connect") and program["endpoints"][c[2]] != "inproc":
            met[c[2]].add((c[0], program["sockets"][c[1]]["type"]))
    return any(a == "bind" and b == "connect" and frozenset((x, y)) not in FITTING for pairs in met.values() for a, x in pairs for b, y in pairs)


def difference(program, libzmq, ours):
    """(kind, place, their result, our result) of the first difference, or None. place = index of the call, or of the call count for what was left."""
    if "died" in ours:
        return f"zmqcore ended: {ours['died']}", 0, libzmq, ours
    if "died" in libzmq:
        return f"libzmq ended: {libzmq['died']}", 0, libzmq, ours
    for place, (theirs, mine) in enumerate(zip(libzmq["calls"], ours["calls"])):
        if theirs != mine:
            name, number = program["calls"][place][:2]
            kind = program["sockets"][number]["type"]
            if name in ("recv", "recv_frame", "drain") and same_in_all(program, number, libzmq, ours):
                return f"order {kind}: order / order", place, theirs, mine
            if name == "get":
                option = program["calls"][place][2]
                name = "events" if option == "EVENTS" else f"get:{option}"      # the same question
            if name == "seen":
                return f"seen {kind} {transports(program, number)}: {seen_by_one(theirs, mine)}", place, theirs, mine
            a, b = outcome(theirs), outcome(mine)
            if a == b:
                b = "more" if name == "drain" and len(mine) > len(theirs) and is_part(theirs, mine) else "another"
            return f"{name} {kind} {transports(program, number)}: {a} / {b}", place, theirs, mine
    for number, (theirs, mine) in enumerate(zip(libzmq["rest"], ours["rest"])):
        if theirs != mine:
            kind = program["sockets"][number]["type"]
            if unordered(theirs) == unordered(mine):
                return f"order {kind}: order / order", len(program["calls"]), theirs, mine
            if same_altogether(program, libzmq, ours):
                return f"turn {kind}: another / another", len(program["calls"]), theirs, mine
            more = "more" if is_part(theirs, mine) else "fewer" if is_part(mine, theirs) else "others"
            return f"rest {kind} {transports(program, number)}: left / {more}", len(program["calls"]), theirs, mine
    return None


def seen_by_one(theirs, mine):
    """The events that only one has reported, or `order`."""
    if theirs[:1] != "~" or mine[:1] != "~":
        return f"{outcome(theirs)} / {outcome(mine)}"
    theirs, mine = (collections.Counter(events[1:].split()) for events in (theirs, mine))
    sides = [" ".join(sorted(one.keys() - other.keys()) or sorted((one - other).keys())) or "nothing" for one, other in ((theirs, mine), (mine, theirs))]
    return "order / order" if theirs == mine else " / ".join(sides)


def is_part(few, many):
    """All of the few are among the many, in that order."""
    left = iter(many)
    return all(any(message == other or begins(message, other) for other in left) for message in few)


def begins(some, more):
    """Octets of a raw connection that go on."""
    return some[0] == more[0] == "<id>" and len(some) == len(more) == 2 and more[1].startswith(some[1]) and some[1] != ""


MADE_ID = re.compile(r"<id \d+>")


def unordered(messages):
    """The same for the same messages in any order, though ids that a library makes are numbered in the order of their appearance."""
    messages = [str(message) for message in messages]
    company = {made: sorted(MADE_ID.sub("<id>", m) for m in messages if made in m) for m in messages for made in MADE_ID.findall(m)}
    names = {made: f"<id {place}>" for place, made in enumerate(sorted(company, key=company.get))}
    return sorted(MADE_ID.sub(lambda found: names[found[0]], message) for message in messages)


def got_by(program, number, results):
    """All that one socket has received by the end."""
    got = list(results["rest"][number])
    for result, (name, socket, *_) in zip(results["calls"], program["calls"]):
        if socket == number and name == "drain" and isinstance(result, list):
            got.extend(result)
        elif socket == number and name in ("recv", "recv_frame") and result != "!EAGAIN":
            got.append(result)
    return got


def same_in_all(program, number, libzmq, ours):
    """Both have given this socket the same messages by the end, in whatever order."""
    return unordered(got_by(program, number, libzmq)) == unordered(got_by(program, number, ours)) and several(program, number)


def same_altogether(program, libzmq, ours):
    """Both have delivered the same messages, but not to the same sockets."""
    theirs, mine = (unordered(m for n in range(len(program["sockets"])) for m in got_by(program, n, results)) for results in (libzmq, ours))
    return theirs == mine


def several(program, number):
    """The socket may have had more than one peer, or connection, so that the order of what they sent is open."""
    joins = [c for c in program["calls"] if c[0] in ("bind", "connect")]
    return len({c[1] for c in joins if c[1] != number}) > 1 or len([c for c in joins if c[0] == "connect"]) > 1


class Table:
    """The decided kinds: rows of docs/differences.md whose first cell has patterns in backquotes, each "call type transports: libzmq / zmqcore"."""

    def __init__(self, page=PAGE):
        self.rows = []
        for line in page.read_text().splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            patterns = [p for p in re.findall(r"`([^`]+)`", cells[0]) if " / " in p or " ended: " in p]
            if line.startswith("|") and patterns:
                self.rows.append((patterns, cells[-1]))
        self.used = collections.Counter()

    def decided(self, kind):
        for patterns, _reason in self.rows:
            for pattern in patterns:
                if fnmatch.fnmatchcase(kind, pattern):
                    self.used[pattern] += 1
                    return True
        return False


# ---- running

class Pair:
    """Both libraries, each in its child."""

    def __init__(self):
        self.children = [Child(library) for library in LIBRARIES]

    def compare(self, program, patience=1):
        answers = [None, None]

        def one(place):
            answers[place] = self.children[place].run(program, patience)

        threads = [threading.Thread(target=one, args=(place,)) for place in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return difference(program, *answers)

    def confirmed(self, program, patience=4, times=6):
        """The difference that comes again and again when there is more time, or None: what a library answers while the other end of a
        connection is about to refuse it is a matter of luck in both."""
        first = self.compare(program, patience)
        for _ in range(times - 1):
            again = self.compare(program, patience) if first else None
            if again is None or again[0] != first[0]:
                return None
        return first

    def close(self):
        for child in self.children:
            child.close()


def without(program, place):
    return {**program, "calls": program["calls"][:place] + program["calls"][place + 1:]}


def shrunk(pair, program, kind, tries=60):
    """A shorter program with a difference of the same kind."""
    place = len(program["calls"]) - 1
    while place >= 0 and tries > 0 and len(program["calls"]) > 1:
        shorter = without(program, place)
        tries -= 1
        found = pair.compare(shorter)
        if found and found[0] == kind:
            program = shorter
        place -= 1
    for number, socket in enumerate(program["sockets"]):
        for option in list(socket["options"]):
            sockets = [dict(s) for s in program["sockets"]]
            sockets[number]["options"] = [o for o in socket["options"] if o != option]
            found = pair.compare({**program, "sockets": sockets})
            if found and found[0] == kind:
                program = {**program, "sockets": sockets}
                socket = sockets[number]
    return program


def told(program, found, seed):
    kind, place, theirs, mine = found
    used = sorted({c[1] for c in program["calls"]})
    lines = [f"seed {seed}: {kind}"]
    lines += [f"    s{n} = {program['sockets'][n]['type']} {program['sockets'][n]['options'] or ''}" for n in used]
    lines += [f"    endpoints {program['endpoints']}"]
    lines += [f"  {'>' if i == place else ' '} s{c[1]}.{c[0]}({', '.join(map(repr, c[2:]))})" for i, c in enumerate(program["calls"])]
    lines += [f"    libzmq : {theirs}", f"    zmqcore: {mine}"]
    return "\n".join(lines)


def search(seeds, seconds=None, workers=2, out=print, shrink=True):
    """Runs the programs of these seeds. (programs run, {kind: [count, report]} of what is not decided, the table, what did not come again)."""
    table = Table()
    end = time.monotonic() + seconds if seconds else None
    seeds = iter(seeds)
    lock = threading.Lock()
    state = {"run": 0, "again": 0}
    unknown, known = {}, collections.Counter()

    def work():
        pair = Pair()
        try:
            while end is None or time.monotonic() < end:
                with lock:
                    seed = next(seeds, None)
                    if seed is None:
                        return
                    state["run"] += 1
                program = programs.make(seed)
                found = pair.compare(program) and pair.confirmed(program)
                if not found:
                    continue
                kind = found[0]
                with lock:
                    state["again"] += 1
                    if table.decided(kind):
                        known[kind] += 1
                        continue
                    seen = kind in unknown
                    unknown.setdefault(kind, [0, None])[0] += 1
                if not seen:
                    if shrink:
                        program = shrunk(pair, program, kind)
                        found = pair.compare(program, 2) or found
                    unknown[kind][1] = told(program, found, seed)
                    out(unknown[kind][1])
        finally:
            pair.close()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return state["run"], unknown, known, table


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int, help="so many programs, whatever the time")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-shrink", action="store_true")
    arguments = parser.parse_args()
    first = random.SystemRandom().randrange(10**9) if arguments.seed is None else arguments.seed
    print(f"first seed {first}", flush=True)
    last = first + arguments.count if arguments.count else first + 10**9
    run, unknown, known, table = search(range(first, last), None if arguments.count else arguments.seconds, arguments.workers,
                                        lambda text: print(text, flush=True), not arguments.no_shrink)
    print(f"{run} programs; {sum(known.values())} differences in {len(known)} decided kinds, "
          f"{sum(n for n, _ in unknown.values())} in {len(unknown)} that are not")
    for kind, (count, _report) in sorted(unknown.items(), key=lambda item: -item[1][0]):
        print(f"{count:5}  {kind}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
