"""Sub-interpreters are refused, in words, whoever imports first; the main interpreter is not harmed."""
import importlib.util
import os
import subprocess
import sys
import textwrap

import pytest

NAMES = [name for name in ("_interpreters", "_xxsubinterpreters") if importlib.util.find_spec(name)]

PROGRAM = """
import sys, {name} as interpreters
if sys.argv[1] == "main first":
    import zmqcore
for kind in sys.argv[2].split():
    if sys.version_info >= (3, 13):
        sub = interpreters.create(kind)
        failed = interpreters.exec(sub, "import zmqcore")
        print(failed.formatted)
    else:
        sub = interpreters.create(isolated=kind == "isolated")
        try:
            interpreters.run_string(sub, "import zmqcore")
            print("imported")
        except interpreters.RunFailedError as failed:
            print(failed)
    interpreters.destroy(sub)
import zmqcore as zmq
context = zmq.Context()
push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
pull.bind("inproc://x")
push.connect("inproc://x")
push.send(b"received")
print(pull.recv().decode())
context.destroy()
"""


@pytest.mark.better     # pyzmq does not say what is wrong
@pytest.mark.skipif(not NAMES, reason="this Python has no sub-interpreters")
@pytest.mark.parametrize("order", ["main first", "sub first"])
def test_a_sub_interpreter_is_told_and_the_main_one_goes_on(order):
    program = textwrap.dedent(PROGRAM.format(name=NAMES[0]))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program, order, "isolated legacy"], capture_output=True, text=True, timeout=40,
                          env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3 and lines[-1] == "received", done.stdout
    for line in lines[:2]:
        assert "ImportError" in line and "sub-interpreter" in line
