"""What the unit tests share: a maker of patterns that are closed at the end."""

import pytest

from zmqcore import _probe


@pytest.fixture
def make():
    made = []

    def make(type, **options):
        socket = _probe.pattern_Socket(type)
        for name, value in options.items():
            socket.set(name, value)
        made.append(socket)
        return socket

    yield make
    for socket in made:
        socket.close()
