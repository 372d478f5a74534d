"""Faults can be made only in a build for tests, and only zmqcore has them."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items):
    import countdown

    if countdown.possible:
        return
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.skip(reason="needs ZMQCORE_PROBE=1 (src/base/memory.h)"))
