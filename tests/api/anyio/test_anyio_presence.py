"""Waiting for peers in programs of anyio."""

import pytest
from tornado_loop import on_tornado as on_loop

anyio = pytest.importorskip("anyio")

pytestmark = pytest.mark.better


@on_loop
async def test_waiting_for_peers_lets_others_run_and_can_be_cancelled(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    assert await push.wait_for_peers(1, timeout=15000) == 1
    with anyio.move_on_after(0.05) as scope:
        await push.wait_for_peers(2)
    assert scope.cancelled_caught
    with pytest.raises(zmq.Again):
        await pull.wait_for_peers(2, timeout=0)
