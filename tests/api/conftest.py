"""Fixtures of the API tests."""

import pytest
from transports import TRANSPORTS


@pytest.fixture
def peers(make):
    """Two PAIR sockets that are connected, with timeouts."""
    one, two = make("PAIR"), make("PAIR")
    one.bind("inproc://peers")
    two.connect("inproc://peers")
    return one, two


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    """Those that need no options: asyncio's, gevent's and anyio's sockets are made in other ways than by the fixture that sets them."""
    return request.param
