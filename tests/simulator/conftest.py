"""The simulator is built by tests/run.sh on Linux; elsewhere, and in a build without it, its tests are left out."""

import pytest


@pytest.fixture(scope="session")
def sim():
    return pytest.importorskip("zmqcore._sim", reason="built with ZMQCORE_SIM=1, on Linux")
