"""A process is stopped: its connections stay, and nothing comes. Heartbeats find that within HEARTBEAT_IVL + HEARTBEAT_TIMEOUT, at either end.

How late this machine is by itself is allowed for: twice that time is let pass by the waits of another socket of this process.
"""
import signal
import time

import pytest
from awaiting import endpoint, until
from reborn import Reborn
from transports import PLAIN, unused_port

CLIENTS = 20
INTERVAL, TIMEOUT = 400, 800    # milliseconds

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")


def found_in_time(make, peer, sockets):
    idle = make("PULL")
    peer.order("stop")
    begin = time.perf_counter()
    late = []
    for _ in range(2):
        assert not idle.poll(INTERVAL + TIMEOUT)
        late.append([socket.statistics().disconnections for socket in sockets].count(0))
        if not late[-1]:
            break
    print(f"{len(sockets)} connections, {late} not found after {time.perf_counter() - begin:.2f} s")
    assert late[-1] == 0
    assert peer.end() == 0


@pytest.mark.parametrize("transport", PLAIN)
def test_those_who_connect_find_that_the_server_is_stopped(zmq, make, tmp_path, transport):
    address = f"ipc://{tmp_path}/stopped" if transport == "ipc" else f"tcp://127.0.0.1:{unused_port()}"
    server = Reborn(zmq.__name__, "crowd", "ROUTER", address)
    server.order("start")
    sockets = [make("DEALER", HEARTBEAT_IVL=INTERVAL, HEARTBEAT_TIMEOUT=TIMEOUT, RECONNECT_IVL=-1) for _ in range(CLIENTS)]
    for socket in sockets:
        socket.connect(address)
    until(lambda: all(socket.statistics().connections for socket in sockets))
    found_in_time(make, server, sockets)


@pytest.mark.parametrize("transport", PLAIN)
def test_who_has_bound_finds_that_the_client_is_stopped(zmq, make, fresh, transport):
    router = make("ROUTER", HEARTBEAT_IVL=INTERVAL, HEARTBEAT_TIMEOUT=TIMEOUT)
    router.bind(fresh(transport))
    client = Reborn(zmq.__name__, "guest", "DEALER", endpoint(router))
    client.order("start")
    router.wait_for_peers(1, timeout=15000)
    found_in_time(make, client, [router])
