"""Fixtures of the tests of greenlets."""

import pytest
from awaiting import SECONDS, endpoint


@pytest.fixture
def green(submodule):
    return submodule("green")


@pytest.fixture
def context(green):
    made = green.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def pair(green, context, fresh):
    """pair("PUSH", "PULL", "inproc", SNDHWM=1): two sockets that are connected, the second one bound."""

    def pair(one, two, transport="tcp", **options):
        made = [context.socket(getattr(green, kind)) for kind in (one, two)]
        for socket in made:
            socket.linger = 0
            for name, value in options.items():
                socket.setsockopt(getattr(green, name), value)
        made[1].bind(fresh(transport))
        made[0].connect(endpoint(made[1]))
        return made

    return pair


@pytest.fixture
def spawn():
    """spawn(function, ...): a greenlet; what it raised is raised at the end of the test, unless somebody has asked for its result."""
    import gevent  # without it the tests are left out

    made = []
    yield lambda *args: made.append(gevent.spawn(*args)) or made[-1]
    gevent.killall(made, timeout=SECONDS)
