"""What all tests share: the module under test, the oracle mode, and the fixtures that open contexts and sockets.

ZMQ_MODULE=zmq runs the same tests against pyzmq. A test that only zmqcore passes is marked `better`: a deliberate difference, to be
listed in docs/from-pyzmq.md.
"""

import importlib
import itertools
import json
import os
import sys
from pathlib import Path

import hypothesis
import platforms
import pytest
from awaiting import SECONDS, endpoint
from transports import AHEAD, LOCAL, OPTIONS, TRANSPORTS

NO_LOCAL = "no sockets of the family AF_UNIX on this system"

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
ORACLE = MODULE == "zmq"

# An example's time on a loaded machine says nothing about the code; pytest-timeout ends what hangs.
hypothesis.settings.register_profile("zmqcore", deadline=None)
hypothesis.settings.load_profile("zmqcore")


def pytest_configure(config):
    config.addinivalue_line("markers", "better: a deliberate difference from pyzmq; not run when ZMQ_MODULE=zmq")
    if not config.pluginmanager.hasplugin("timeout"):
        raise pytest.UsageError("pytest-timeout is needed: a test that hangs must not hang the run")


def lacking(error):
    """Ends the test as skipped if it failed for want of a call that the system does not have."""
    if missing := platforms.lacks(error):
        pytest.skip(f"no {missing} on this system")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    try:
        return (yield)
    except Exception as error:
        lacking(error)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except Exception as error:
        lacking(error)
        raise


class Module(pytest.Module):
    """A module of tests. Without a call that it needs to be imported all of it is skipped."""

    def collect(self):
        try:
            return super().collect()
        except Exception as error:
            if missing := platforms.lacks(error):
                pytest.skip(f"no {missing} on this system", allow_module_level=True)
            raise


def pytest_pycollect_makemodule(module_path, parent):
    return Module.from_parent(parent, path=module_path) if sys.platform == "win32" else None


def pytest_terminal_summary(terminalreporter, config):
    if file := os.environ.get("ZMQCORE_REPORT"):
        Path(file).write_text(json.dumps(platforms.report(config, terminalreporter)))


# Seconds that a test must ask for to be counted among the long ones.
LONG_SECONDS = 300


def is_long(item):
    marker = item.get_closest_marker("timeout")
    return marker is not None and marker.args[0] >= LONG_SECONDS


def pytest_collection_modifyitems(config, items):
    # Long ones first: begun at the end, one of them alone would be what the run waits for.
    items.sort(key=is_long, reverse=True)
    if not LOCAL:
        for item in items:
            if hasattr(item, "callspec") and "ipc" in item.callspec.id.split("-"):
                item.add_marker(pytest.mark.skip(reason=NO_LOCAL))
    if not ORACLE:
        return
    unwanted = [item for item in items if item.get_closest_marker("better")]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if item not in unwanted]


@pytest.fixture(scope="session")
def zmq():
    """The module under test."""
    return importlib.import_module(MODULE)


@pytest.fixture(scope="session")
def submodule():
    """submodule("utils.z85") -> that module of the package under test."""
    return lambda name: importlib.import_module(f"{MODULE}.{name}")


@pytest.fixture
def context(zmq):
    made = zmq.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def make(zmq, context, request):
    """make("PUSH", SNDHWM=5) -> a socket with LINGER 0 and timeouts that turn a hang into a failure. If the test is one of several over transports,
    it has what its transport cannot do without."""
    parameters = getattr(request.node, "callspec", None)
    needs = {}
    for value in parameters.params.values() if parameters else ():
        if isinstance(value, str) and value in OPTIONS:
            needs = OPTIONS[value]()

    def make(kind, **options):
        socket = context.socket(getattr(zmq, kind))
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = int(SECONDS * 1000)
        for name, value in (needs | options).items():
            socket.setsockopt(getattr(zmq, name), value)
        return socket

    return make


_numbers = itertools.count(1)


@pytest.fixture
def fresh(tmp_path_factory):
    """fresh("ipc") -> an endpoint to bind to that is not in use; with ahead=True, one to connect to before."""

    def fresh(transport, ahead=False):
        if transport == "ipc" and not LOCAL:
            pytest.skip(NO_LOCAL)
        folder = tmp_path_factory.mktemp("s") if transport == "ipc" else None
        return (AHEAD if ahead or transport in OPTIONS else TRANSPORTS)[transport](folder, next(_numbers))

    return fresh


@pytest.fixture(params=[*TRANSPORTS, *OPTIONS])
def transport(request):
    return request.param


@pytest.fixture
def pair(make, fresh):
    """pair("PUSH", "PULL", "tcp") -> both sockets, the second one bound, the first one connected to it."""

    def pair(connecter, binder, transport="tcp", connecter_options=None, binder_options=None):
        bound = make(binder, **(binder_options or {}))
        bound.bind(fresh(transport))
        connected = make(connecter, **(connecter_options or {}))
        connected.connect(endpoint(bound))
        return connected, bound

    return pair


@pytest.fixture
def raws():
    """raws(connection): a connection played by hand, closed at the end."""
    made = []
    yield made.append
    for raw in made:
        raw.close()
