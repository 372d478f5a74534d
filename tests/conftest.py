"""What all tests share: the module under test, and the oracle mode.

ZMQ_MODULE=zmq runs the same tests against pyzmq. A test that only zmqcore passes is marked `better`: a deliberate difference, to be
listed in the changelog.
"""

import importlib
import os

import hypothesis
import pytest

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
ORACLE = MODULE == "zmq"

# An example's time on a loaded machine says nothing about the code; pytest-timeout ends what hangs.
hypothesis.settings.register_profile("zmqcore", deadline=None)
hypothesis.settings.load_profile("zmqcore")


def pytest_configure(config):
    config.addinivalue_line("markers", "better: a deliberate difference from pyzmq; not run when ZMQ_MODULE=zmq")
    if not config.pluginmanager.hasplugin("timeout"):
        raise pytest.UsageError("pytest-timeout is needed: a test that hangs must not hang the run")


def pytest_collection_modifyitems(config, items):
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
