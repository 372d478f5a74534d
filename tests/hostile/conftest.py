"""Fixtures of the tests with hostile peers."""

import sys
from pathlib import Path

import pytest

# pytest imports test files by path (importmode=importlib), so the modules that they share are made findable here.
for folder in ("hostile", "interop", "behaviour"):
    path = str(Path(__file__).parent.parent / folder)
    if path not in sys.path:
        sys.path.insert(0, path)


@pytest.fixture
def ctx(zmq):
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def raws():
    """raws(connection): closed at the end."""
    made = []
    yield made.append
    for raw in made:
        raw.close()
