"""Patterns joined by pipes that lead nowhere: pattern_Link joins two patterns, pattern_Wire ends in the test."""


from platforms import errno

from zmqcore import _probe

PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB, XSUB = range(11)
IN, OUT = 1, 2
EFSM = -156384763
AGAIN = -errno.EAGAIN
NOTSUP = -errno.ENOTSUP
DROPPED = 1


def link(left, right, **more):
    joined = _probe.pattern_Link(left, right, **more)
    assert joined.attached == 0
    return joined


def wire(socket, **more):
    joined = _probe.pattern_Wire(socket, **more)
    assert joined.attached == 0
    return joined


def drain(socket):
    """All messages that can be received."""
    messages = []
    while True:
        message = socket.recv_multipart()
        if isinstance(message, int):
            assert message == AGAIN
            return messages
        messages.append(message)
