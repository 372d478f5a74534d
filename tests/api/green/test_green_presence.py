"""Waiting for peers while other greenlets run."""

import pytest

pytest.importorskip("gevent")

pytestmark = pytest.mark.better


def test_waiting_for_peers_lets_others_run(green, context, spawn):
    push, pull = context.socket(green.PUSH), context.socket(green.PULL)
    push.linger = 0
    pull.bind("tcp://127.0.0.1:*")
    waiting = spawn(push.wait_for_peers, 1, 15000)
    spawn(push.connect, pull.last_endpoint.decode())
    assert waiting.get() == 1
    with pytest.raises(green.Again):
        pull.wait_for_peers(2, timeout=0)
