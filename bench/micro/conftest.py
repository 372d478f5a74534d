"""Micro-benchmarks: pytest bench/micro (needs pytest-benchmark and pytest-timeout).

Rules
  - `zmq` is each installed stack in turn; results of the same test stand in one group, so that pytest-benchmark compares them.
  - `probe` is zmqcore._probe (built with ZMQCORE_PROBE=1); without it the tests of the C-level parts are skipped.
  - No test asserts a time; what is computed is checked.
"""

import importlib

import pytest


def _load(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"{name}: {error}")


@pytest.fixture(params=["zmqcore", "zmq", "pyomq"])
def zmq(request):
    return _load(request.param)


@pytest.fixture(scope="session")
def probe():
    return _load("zmqcore._probe")


@pytest.fixture(autouse=True)
def _group(request):
    """One group per test and parameter, across the stacks."""
    if "benchmark" not in request.fixturenames:
        return
    parameters = getattr(request.node, "callspec", None)
    rest = [str(v) for k, v in parameters.params.items() if k != "zmq"] if parameters else []
    request.getfixturevalue("benchmark").group = " ".join([request.node.originalname.removeprefix("test_"), *rest])


@pytest.fixture
def context(zmq):
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def pipe(zmq, context):
    """A connected PUSH -> PULL in this process."""
    into, out = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    into.bind("inproc://pipe")
    out.connect("inproc://pipe")
    out.send(b"ready")
    assert into.recv() == b"ready"
    return out, into
