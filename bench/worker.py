"""One end of a measurement in a process of its own; started by bench/children.py, never by hand.

Rules
  - Standard input and output carry one JSON object per line. The real standard output is moved out of the way first, so that a
    stack that prints cannot garble the talk.
  - The talk: open (endpoints known so far) -> endpoints added; live -> live; then any number of bursts: burst (n, check) -> armed,
    go (only roles that drive wait for it) -> result, settle -> cpu; at last quit.
  - CPU time is counted from "armed" to "settle": work that a stack leaves to its own threads after the last call counts too.
  - Any exception is told to the runner as text; it becomes the text of that cell.
"""

import importlib
import json
import os
import sys
import traceback

# Started by path, so that neither the current directory nor bench/ shadows an installed package; the source tree comes last.
sys.path[0:1] = []
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


BEGUN = "ZMQCORE_BENCH_BEGUN"


class Talk:
    def __init__(self):
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def say(self, **message):
        self._out.write(json.dumps(message) + "\n")

    def hear(self):
        line = sys.stdin.readline()
        return json.loads(line) if line else {"do": "quit"}

    def wait_for(self, order):
        """A role that does not drive finds "go" in its input when it comes for "settle"."""
        while True:
            heard = self.hear()["do"]
            if heard == order:
                return
            if heard == "quit":
                os._exit(0)  # the runner has gone away


def cpu_seconds():
    times = os.times()
    return times.user + times.system if sys.platform == "win32" else _rusage()


def _rusage():
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)  # microseconds, where os.times() has clock ticks
    return usage.ru_utime + usage.ru_stime


def begin_as_wanted(spec):
    """A role's module may want variables of the environment that count from the beginning of the process: it begins once more."""
    module = importlib.import_module(f"bench.roles.{spec['role'].split('.')[0]}") if "." in spec["role"] else None
    wanted = getattr(module, "environment", None)
    if wanted and BEGUN not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted(spec["params"]) | {BEGUN: "1"})


def make_role(spec):
    params = spec["params"]
    if params.get("pin") is not None:
        if not hasattr(os, "sched_setaffinity"):
            raise OSError("this platform cannot pin a process to a core")
        os.sched_setaffinity(0, {params["pin"]})  # before the stack is imported: its threads inherit it
    module, name = spec["role"].split(".")
    return getattr(importlib.import_module(f"bench.roles.{module}"), name)(spec["stack"], params)


def serve(talk, spec):
    from bench import stacks

    stacks.find(spec["stack"])
    if spec["role"] == "describe":
        talk.say(about=stacks.describe(spec["stack"]))
        return
    role = make_role(spec)
    while True:
        order = talk.hear()
        if order["do"] == "open":
            talk.say(endpoints=role.open(order["endpoints"]) or {})
        elif order["do"] == "live":
            role.live()
            talk.say(live=True)
        elif order["do"] == "burst":
            before = cpu_seconds()
            talk.say(armed=True)
            if role.drives:
                talk.wait_for("go")
            result = role.burst(order["n"], order["check"])
            talk.say(result=result or {})
            talk.wait_for("settle")
            talk.say(cpu=cpu_seconds() - before)
        else:
            role.close()
            talk.say(closed=True)
            return


def main():
    spec = json.loads(sys.argv[1])
    begin_as_wanted(spec)
    talk = Talk()
    try:
        serve(talk, spec)
    except BaseException as error:
        traceback.print_exc()
        talk.say(error=f"{spec['role']}: {type(error).__name__}: {error}")
        sys.stderr.flush()
        os._exit(1)  # a stack that failed may also fail to shut down
    os._exit(0)  # what the runner needs is said; interpreter shutdown is not what is measured


if __name__ == "__main__":
    main()
