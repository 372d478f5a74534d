"""Ten thousand handshakes of CURVE that are begun and left, while a client is served and new ones come in."""

import subprocess
import sys
from pathlib import Path

import pytest
from awaiting import endpoint, until

pytestmark = [
    pytest.mark.better,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc"),
    pytest.mark.timeout(300),
]

pytest.importorskip("nacl")

from attacks import allocated, descriptors, seconds_used  # noqa: E402
from zap import CLIENTS, SERVERS  # noqa: E402

WAVES, SIZE = 40, 250
# What one that is within its handshake may cost: keys and cookie, the answer that waits, its receive chunk's share.
PENDING_BYTES = 8192
# What 10,000 of them may leave behind: pools and tables that have grown.
LEFT_BYTES = 512 * 1024


def test_ten_thousand_handshakes_that_are_left(make):
    server = make("REP", BACKLOG=1024, **SERVERS["CURVE"])
    server.bind("tcp://127.0.0.1:*")
    where = endpoint(server)

    def newcomer():
        client = make("REQ", **CLIENTS["CURVE"])
        client.connect(where)
        return client

    def served(client):
        client.send(b"question")
        assert server.recv() == b"question"
        server.send(b"answer")
        assert client.recv() == b"answer"

    good = newcomer()
    served(good)
    command = [sys.executable, str(Path(__file__).parent / "curve_crowd.py"), where.rpartition(":")[2], str(WAVES), str(SIZE)]
    fds, memory, seconds = descriptors(), allocated(), seconds_used()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crowd:
        pipes = descriptors() - fds
        for number in range(WAVES):
            assert crowd.stdout.readline() == b"left\n"
            assert descriptors() <= fds + pipes + SIZE
            assert allocated() - memory <= SIZE * PENDING_BYTES + LEFT_BYTES
            served(good)
            if number % 10 == 5:
                with newcomer() as client:
                    served(client)
            crowd.stdin.write(b"next\n")
            crowd.stdin.flush()
        crowd.stdin.close()
    assert crowd.returncode == 0
    print(f"{(seconds_used() - seconds) / (WAVES * SIZE) * 1e6:.0f} us of processor time for each")
    until(lambda: descriptors() <= fds)
    served(good)
    assert allocated() - memory <= LEFT_BYTES
