"""Fixtures of the tests of mechanisms and of ZAP."""

import pytest
from awaiting import endpoint
from zap import CLIENTS, ONCE


@pytest.fixture
def kept():
    """Sockets that a test has no name for; one that nobody refers to is closed."""
    return []


@pytest.fixture
def client(make, kept):
    def client(mechanism, bound, kind="PUSH", **options):
        made = make(kind, **{**ONCE, **CLIENTS[mechanism], **options})
        made.connect(endpoint(bound))
        kept.append(made)
        return made

    return client
