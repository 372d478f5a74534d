"""`python -m zmqcore.curve_keygen`: keys for CURVE on the command line."""

import json
import os
import subprocess
import sys

import pytest

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")


@pytest.fixture(autouse=True)
def curve(zmq):
    if not zmq.has("curve"):
        pytest.skip("no library for CURVE")


def run(*arguments, said=None):
    return subprocess.run([sys.executable, "-m", f"{MODULE}.curve_keygen", *arguments], input=said, capture_output=True, text=True, timeout=60)


def test_a_pair(zmq):
    lines = run().stdout.splitlines()
    public, secret = (lines[lines.index(f"== CURVE {which} KEY ==") + 1].encode() for which in ("PUBLIC", "SECRET"))
    assert zmq.curve_public(secret) == public


def test_a_pair_as_json(zmq):
    found = json.loads(run("--json").stdout)
    assert zmq.curve_public(found["secret"].encode()) == found["public"].encode()


def test_the_public_key_of_a_secret_one(zmq):
    public, secret = zmq.curve_keypair()
    assert json.loads(run(f"--secret={secret.decode()}", "--json").stdout) == {"public": public.decode(), "secret": secret.decode()}


@pytest.mark.better
def test_a_secret_key_that_nobody_sees(zmq):
    public, secret = zmq.curve_keypair()
    assert json.loads(run("--secret", "-", "--json", said=f"{secret.decode()}\n").stdout)["public"] == public.decode()


@pytest.mark.better
def test_what_is_no_key_is_not_repeated():
    done = run("--secret", "not-a-key-but-close-to-one")
    assert done.returncode == 1 and done.stderr.startswith("zmqcore.curve_keygen: ")
    assert "close-to-one" not in done.stderr
