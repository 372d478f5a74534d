"""Fixtures of the tests of sockets in programs of anyio."""

import pytest
from awaiting import SECONDS, endpoint
from platforms import WINE

BACKENDS = ["asyncio"]
try:
    import trio  # noqa: F401

    BACKENDS.append(pytest.param("trio", marks=pytest.mark.skipif(WINE, reason="trio does not start: Wine's sockets lack SIO_BSP_HANDLE_POLL")))
except ImportError:
    pass


@pytest.fixture(params=BACKENDS)
def run(request):
    """run(coroutine): on each kind of loop, with a limit of time."""

    import anyio  # without it the tests are left out

    def run(coroutine):
        async def limited():
            with anyio.fail_after(2 * SECONDS):
                await coroutine

        anyio.run(limited, backend=request.param)

    return run


@pytest.fixture
def aio(submodule):
    return submodule("anyio")


@pytest.fixture
def context(aio):
    made = aio.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def pair(zmq, context, fresh):
    """pair("PUSH", "PULL", "inproc", SNDHWM=1): two sockets that are connected, the second one bound."""

    def pair(one, two, transport="tcp", **options):
        made = [context.socket(getattr(zmq, kind)) for kind in (one, two)]
        for socket in made:
            socket.linger = 0
            for name, value in options.items():
                socket.setsockopt(getattr(zmq, name), value)
        made[1].bind(fresh(transport))
        made[0].connect(endpoint(made[1]))
        return made

    return pair
