"""Fixtures of the API tests."""

import pytest


@pytest.fixture
def peers(make):
    """Two PAIR sockets that are connected, with timeouts."""
    one, two = make("PAIR"), make("PAIR")
    one.bind("inproc://peers")
    two.connect("inproc://peers")
    return one, two
