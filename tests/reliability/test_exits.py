"""Processes end, in every way, with daemon threads inside every call: they end soon, with the status they should have."""
import os
import subprocess
import sys
from pathlib import Path

import exits
import pytest
from transports import TRANSPORTS

HERE = Path(__file__).parent

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
SECONDS = 40        # what a process may take on a loaded machine; a fault is one that never ends


def ends(transport, ending, *more):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), PYTHONFAULTHANDLER="1")
    process = subprocess.Popen([sys.executable, str(HERE / "exits.py"), MODULE, "--transport", transport, "--ending", ending, *more],
                               stderr=subprocess.PIPE, text=True, env=environment)
    try:
        errors = process.communicate(timeout=SECONDS)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        errors = process.communicate()[1]
        pytest.fail(f"the process never ended\n{errors[-3000:]}")
    assert process.returncode == exits.ENDINGS[ending], errors[-3000:]
    assert "Fatal" not in errors, errors[-3000:]


@pytest.mark.parametrize("ending", exits.ENDINGS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_process_ends_with_threads_in_every_call(transport, ending):
    ends(transport, ending)


@pytest.mark.parametrize("name", exits.CALLS)
def test_a_process_ends_with_threads_in_one_call(name):
    """By itself: threads of other calls leave it more turns of the GIL, and other moments to be stopped at."""
    ends("tcp", "return", "--calls", name, "--delay", "0.02")
