"""One environment with pyzmq and one without, for all tests of the folder. A test leaves them as they were."""

import pytest
from environments import Environment


@pytest.fixture(scope="session")
def _environments(tmp_path_factory):
    made = {}

    def give(with_pyzmq):
        if with_pyzmq not in made:
            made[with_pyzmq] = Environment(tmp_path_factory.mktemp("with" if with_pyzmq else "without"), with_pyzmq)
        return made[with_pyzmq]

    return give


@pytest.fixture(params=[False, True], ids=["without-pyzmq", "with-pyzmq"])
def environment(request, _environments):
    return _environments(request.param)


@pytest.fixture
def with_pyzmq(_environments):
    return _environments(True)
