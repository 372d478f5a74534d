"""Any two calls on one socket from two threads at the same time: each ends as if it had been alone, before or after the other, and the context
ends."""

import os
import subprocess
import sys

import pytest

RACE = """
import importlib, sys, threading
zmq = importlib.import_module(sys.argv[1])
one, two, rounds = sys.argv[2], sys.argv[3], int(sys.argv[4])
sys.setswitchinterval(1e-6)
serial = iter(range(10**9))
context = zmq.Context()
context.max_sockets = 100_000
far = context.socket(zmq.DEALER)
far.rcvhwm = 10
far.bind("inproc://far")
far.bind("tcp://127.0.0.1:*")
tcp = far.last_endpoint

CALLS = {
    "bind": lambda s: s.bind("tcp://127.0.0.1:*"),
    "bind inproc": lambda s: s.bind(f"inproc://{next(serial)}"),
    "connect": lambda s: s.connect(tcp),
    "connect inproc": lambda s: s.connect("inproc://far"),
    "unbind": lambda s: s.unbind(s.last_endpoint),
    "disconnect": lambda s: s.disconnect(tcp),
    "monitor": lambda s: s.monitor(f"inproc://m{next(serial)}", zmq.EVENT_ALL),
    "monitor off": lambda s: s.disable_monitor(),
    "close": lambda s: s.close(0),
    "set": lambda s: s.setsockopt(zmq.SNDHWM, 5),
    "get": lambda s: s.getsockopt(zmq.LAST_ENDPOINT),
    "fd": lambda s: s.getsockopt(zmq.FD),
    "poll": lambda s: s.poll(1),
    "send": lambda s: s.send_multipart([b"x", b"y" * 100], zmq.NOBLOCK),
    "recv": lambda s: s.recv_multipart(zmq.NOBLOCK),
}

def run(call, s):
    try:
        CALLS[call](s)
    except zmq.ZMQError:
        pass        # closed, nothing there, ...

def other():
    while True:
        start.wait()
        if s is None:
            return
        run(two, s)
        end.wait()

start, end = threading.Barrier(2), threading.Barrier(2)
thread = threading.Thread(target=other)
thread.start()
for i in range(rounds):
    s = context.socket(zmq.DEALER)
    s.linger = 0
    if i % 2:
        s.connect(tcp)
        s.bind("inproc://near")
    start.wait()
    for _ in range(i % 60):
        pass
    run(one, s)
    end.wait()
    s.close()
s = None
start.wait()
thread.join()
far.close(0)
term = threading.Thread(target=context.term, daemon=True)
term.start()
term.join(20)
assert not term.is_alive(), "term() waits for ever"
"""

CALLS = ["bind", "bind inproc", "connect", "connect inproc", "unbind", "disconnect", "monitor", "monitor off"]
CALLS += ["close", "set", "get", "fd", "poll", "send", "recv"]
# What tears something down, against everything; the rest against itself. The more likely a hit, the more rounds.
PAIRS = [(one, two) for one in ("close", "monitor", "disconnect") for two in CALLS] + [(one, one) for one in CALLS]


@pytest.mark.better  # libzmq's sockets belong to one thread
@pytest.mark.parametrize("one, two", sorted(set(map(tuple, PAIRS))), ids=lambda name: name.replace(" ", "-"))
def test_THR_any_two_calls_at_once(zmq, one, two):
    command = [sys.executable, "-c", RACE, zmq.__name__, one, two, "300"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
