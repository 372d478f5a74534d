"""A process forks in every state that a socket, a thread or an event loop can be in: the child lets go of what it inherited and does its own work,
and the parent's connections notice nothing."""
import os
import subprocess
import sys
from pathlib import Path

import forks
import pytest
from transports import TRANSPORTS

HERE = Path(__file__).parent

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
SECONDS = 50
TCP_ONLY = {"connecting", "handshaking", "lingering"}
# There an exception would not end the child: asyncio would go on to run and close the parent's loop in it, and a finalizer's is ignored.
NO_EXIT = {"in_a_finalizer", "loop_paused", "loop_running", "loop_callback", "loop_of_another_thread"}

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()"),
    pytest.mark.skipif("tsan" in os.environ.get("LD_PRELOAD", ""), reason="ThreadSanitizer ends a forked child that starts threads"),
]


def run(*arguments):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), PYTHONFAULTHANDLER="1")
    done = subprocess.Popen([sys.executable, str(HERE / "forks.py"), MODULE, *arguments], stderr=subprocess.PIPE, text=True, env=environment,
                            start_new_session=True)
    try:
        errors = done.communicate(timeout=SECONDS)[1]
    except subprocess.TimeoutExpired:
        os.killpg(done.pid, 9)
        pytest.fail(f"it hangs\n{done.communicate()[1][-3000:]}")
    assert done.returncode == 0, errors[-3000:]
    assert "Fatal" not in errors and "Traceback" not in errors, errors[-3000:]


@pytest.mark.parametrize("child", forks.CHILDREN)
@pytest.mark.parametrize("state", forks.STATES)
def test_fork_over_tcp(state, child):
    if child == "exit" and state in NO_EXIT:
        child = "hard"
    run("--state", state, "--child", child)


@pytest.mark.parametrize("transport", sorted(TRANSPORTS.keys() - {"tcp"}))
@pytest.mark.parametrize("child", ["own", "collect", "exit"])
@pytest.mark.parametrize("state", [state for state in forks.STATES if state not in TCP_ONLY])
def test_fork_over(state, child, transport):
    if child == "exit" and state in NO_EXIT:
        child = "hard"
    run("--state", state, "--child", child, "--transport", transport)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method):
    run("--multiprocessing", method)
