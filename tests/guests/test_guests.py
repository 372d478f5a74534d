"""One file and one line make a socket type, a mechanism, an engine or a transport: toys of each are built into copies of the core, and pass tests there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("Cython")

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
pytestmark = pytest.mark.timeout(900)  # a build of the core, and hundreds of tests
sys.path.insert(0, str(ROOT / "tests" / "native" / "guests"))
import guest_building as building  # noqa: E402

# The peers of these tests are sockets of zmqcore at both ends, whatever they speak.
CONFORMANCE = [
    "test_batches.py", "test_conflate.py", "test_hwm.py", "test_last_output.py", "test_messages.py", "test_pair.py", "test_pipeline.py",
    "test_poll.py", "test_proxy.py", "test_pub_sub.py", "test_req_rep.py", "test_router_dealer.py", "test_unsent.py",
]  # fmt: skip
# A toy need not do everything. A transport is one of several: the tests of all of them run once more for it.
CHOSEN = {"prefixed": "not metadata and not newer_name", "xor": "", "toy": "toy"}
EVERY_TRANSPORT = ["test_descriptors.py", "test_endpoints.py", "test_ends.py", "test_letting_go.py", "test_life.py", "test_monitor.py", "test_reconnect.py"]


def the_copy_is_what_is_tested(package):
    """Two ends that speak different wires never meet: the toy was really there."""
    code = (
        "import sys, zmqcore, socket\n"
        "assert zmqcore.__file__.startswith(sys.argv[1]), zmqcore.__file__\n"
        "bound = zmqcore.Context.instance().socket(zmqcore.PULL)\n"
        "port = bound.bind_to_random_port('tcp://127.0.0.1')\n"
        "raw = socket.create_connection(('127.0.0.1', port))\n"
        "raw.sendall(b'\\xff' + bytes(8) + b'\\x7f\\x03\\x01' + bytes(52))\n"
        "data = b''\n"
        "while len(data) < 64: data += raw.recv(64)\n"
        "assert data[12:32] == b'XOR' + bytes(17), data\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(package)], cwd=package, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def conforms(guest, package):
    names = CONFORMANCE + EVERY_TRANSPORT if guest == "toy" else CONFORMANCE
    tests = [str(ROOT / "tests" / "behaviour" / name) for name in names]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    if guest == "toy":
        environment["ZMQCORE_TOY_TRANSPORT"] = guest
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "-k", CHOSEN[guest], "--no-header", "-p", "no:cacheprovider"]
    # The first folder on the path is the one that `python -m` is started in.
    run = subprocess.run([*command, *tests], cwd=package, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]


def the_type_answers(package):
    command = [sys.executable, str(HERE / "answerer.py"), str(package), str(building.TYPE_NUMBER)]
    addresses = ["tcp://127.0.0.1:*", f"ipc://{package}/s", "inproc://toy", "toy://*"]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    run = subprocess.run([*command, *addresses], cwd=package, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0 and run.stdout == "done\n", run.stdout + run.stderr


# Those that take nobody's place move in together: a build is most of the time.
@pytest.mark.parametrize("guests", [["xor"], ["prefixed"], ["toy", "answerer"]], ids="+".join)
def test_a_guest_is_one_file_and_one_line(guests, tmp_path):
    package = building.build(tmp_path / "core", guests)
    if "xor" in guests:
        the_copy_is_what_is_tested(package)
    for guest in guests:
        if guest in building.TYPES:
            the_type_answers(package)
        else:
            conforms(guest, package)
