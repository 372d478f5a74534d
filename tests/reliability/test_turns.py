"""Who comes for a message that is there gets it, however much more the I/O thread finds to read."""
import subprocess
import sys
from pathlib import Path

import pytest
from transports import NETWORKS

HERE = Path(__file__).resolve().parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs RUSAGE_THREAD")


@pytest.mark.parametrize("transport", NETWORKS)
def test_input_that_keeps_coming_keeps_no_call_out(zmq, transport):
    done = subprocess.run([sys.executable, str(HERE / "turns.py"), zmq.__name__, transport], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    # Once while the I/O thread reads; it comes back only when the call has had its turn. One more if it was just about to begin again.
    assert int(done.stdout) <= 2
