"""Short runs of the long-running scripts, so that they are known to work when they are needed."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
HERE = Path(__file__).parent

pytestmark = pytest.mark.timeout(120)


def run(script, *arguments):
    done = subprocess.run([sys.executable, str(HERE / script), MODULE, *arguments], capture_output=True, text=True, timeout=100,
                          env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_soak():
    # So short a run still warms up, therefore the wide allowance; it finds leaks per conversation all the same.
    assert "conversations" in run("soak.py", "--minutes", "0.1", "--allow-kib", "8192")


def test_hammer():
    locked = ["--locked"] if MODULE == "zmq" else []
    assert "messages" in run("hammer.py", "--seconds", "2", *locked)


def test_idle_peers():
    assert "per idle peer" in run("idle_peers.py", "--peers", "300")


@pytest.mark.better
@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="measures resident memory, of which a sanitizer takes most")
def test_an_idle_peer_costs_at_most_6_kib():
    run("idle_peers.py", "--peers", "1000", "--limit-kib", "6")


def test_subscriptions():
    assert "octets per topic" in run("subscriptions.py", "--topics", "20000")
