"""1,000 clients lose their server at once: it is killed, stays away, and comes back. Each client keeps to the pauses of RECONNECT_IVL and
RECONNECT_IVL_MAX, however slow the machine is, and all of them are back by themselves. Figures are printed (pytest -rP), not asserted.
"""
import contextlib
import signal
import time

import pytest
from awaiting import until
from reborn import Reborn
from transports import unused_port

CLIENTS = 1000
BASE = 250  # milliseconds between attempts
DESCRIPTORS = 8 * CLIENTS
SECONDS = 60  # only a failure takes them

resource = pytest.importorskip("resource")

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs fork and SIGKILL"),
    pytest.mark.timeout(240),
]


def most(milliseconds, longest):
    """Attempts that the pauses leave time for: the first pause is BASE, and each may be doubled, up to `longest`."""
    attempts, pause, at = 0, BASE, BASE
    while at <= milliseconds:
        attempts += 1
        pause = min(pause * 2, longest) if longest else BASE
        at += pause
    return attempts


@pytest.mark.parametrize("longest", [0, 2000], ids=["even", "doubling"])
def test_a_crowd_that_has_lost_its_server(zmq, context, longest):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] != resource.RLIM_INFINITY and limits[1] < DESCRIPTORS:
        pytest.skip(f"{DESCRIPTORS} descriptors are needed, the hard limit is {limits[1]}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], DESCRIPTORS), limits[1]))
    address = f"tcp://127.0.0.1:{unused_port()}"
    server = Reborn(zmq.__name__, "crowd", "ROUTER", address)
    server.order("start")
    clients = []
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        stack.callback(lambda: [client.close(0) for client in clients])
        for _ in range(CLIENTS):
            clients.append(context.socket(zmq.DEALER))
            clients[-1].reconnect_ivl, clients[-1].reconnect_ivl_max = BASE, longest
            clients[-1].connect(address)

        def found():
            return [client.statistics() for client in clients]

        def all_there(more=0):
            return all(client.connections > more for client in found())

        until(all_there, SECONDS)
        before = [client.retries for client in found()]
        begin, processor = time.perf_counter(), time.process_time()
        server.order("kill")
        # Five more of each, of which the loss itself is one. How many that may have become by then the clock says.
        until(lambda: all(client.retries >= old + 5 for client, old in zip(found(), before)), SECONDS)
        retries = [client.retries - old for client, old in zip(found(), before)]
        passed = time.perf_counter() - begin
        print(f"{sum(retries)} attempts in {passed:.2f} s, processor {time.process_time() - processor:.2f} s")
        # The pause before the first attempt begins with the loss.
        assert max(retries) <= 1 + most(passed * 1000, longest)
        once = [client.connections for client in found()]
        assert once == [1] * CLIENTS
        begin, processor = time.perf_counter(), time.process_time()
        server.order("start")
        until(lambda: all_there(1), SECONDS)
        print(f"all back after {time.perf_counter() - begin:.2f} s, processor {time.process_time() - processor:.2f} s")
        after = found()
        assert [client.connections for client in after] == [2] * CLIENTS    # nobody came twice
        assert all([peer.state for peer in client.peers] == ["ready"] for client in after)
    assert server.end() == 0
