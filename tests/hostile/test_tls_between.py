"""Somebody between two ends of TLS: whatever becomes of the bytes on their way, what arrives is what was sent, in order and up to some point, and
others are served. tests/fuzz/fuzz_tls.pyx does this with the transport alone, very often; here are whole sockets and some seeds."""

import collections
import random
import select
import socket

import pytest
from awaiting import endpoint, until

pytest.importorskip("cryptography")
from certificates import trusting

pytestmark = pytest.mark.better  # pyzmq has no TLS

SEEDS = range(24)
QUIET = 0.05  # seconds without a byte: both ends have seen what there was to see
PATIENCE = 15


def messages(seed):
    return [b"%d %d " % (seed, number) + bytes(number * 7 % 5000) for number in range(80)]


def changed(chance, data, at):
    """One change of `data` at that place; None: the connection is cut there."""
    size = chance.choice((1, 5, 300, 20000))
    what = chance.randrange(5)
    if what == 0:
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    if what == 1:
        return data[:at] + data[at + size :]
    if what == 2:
        return data[: at + size] + data[at:]
    return data[:at] + chance.randbytes(size) + data[at:] if what == 3 else None


def relay(near, far, chance, total):
    """Until there is nothing to relay any more after the change."""
    other = {near: far, far: near}
    # The server says little beside its handshake.
    victim, at = chance.choice(((near, chance.randrange(700)), (near, chance.randrange(total)), (far, chance.randrange(700))))
    passed, pending = 0, True
    for end in other:
        end.settimeout(PATIENCE)
    try:
        while True:
            readable, _, _ = select.select([near, far], [], [], PATIENCE if pending else QUIET)
            assert readable or not pending, "no byte came to be changed"
            if not readable:
                return
            for source in readable:
                data = source.recv(65536)
                if source is victim and pending and passed + len(data) > at:
                    pending = False
                    data = changed(chance, data, at - passed)
                passed += len(data or b"") if source is victim else 0
                if not data:
                    return
                other[source].sendall(data)
    except OSError:
        pass  # one of them has had enough
    finally:
        near.close()
        far.close()


def test_TLS_7_somebody_in_between(zmq, make):
    server = make("PULL", RCVHWM=0, **trusting())
    server.bind("tls+tcp://127.0.0.1:*")
    port = int(endpoint(server).rpartition(":")[2])
    honest = make("PUSH", **trusting())
    honest.connect(endpoint(server))
    got = collections.defaultdict(list)
    for seed in SEEDS:
        sent = messages(seed)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = make("PUSH", RECONNECT_IVL=-1, **trusting())
            client.connect(f"tls+tcp://127.0.0.1:{listener.getsockname()[1]}")
            for message in sent:
                client.send(message)
            near, _ = listener.accept()
        relay(near, socket.create_connection(("127.0.0.1", port)), random.Random(seed), sum(map(len, sent)))
        client.close()
        honest.send(b"-1 served")
        while not got[-1]:
            message = server.recv()
            got[int(message.split()[0])].append(message)
        assert got.pop(-1) == [b"-1 served"]
    until(lambda: len(server.statistics().peers) == 1)  # the others are gone, and what they sent is here
    while server.poll(0):
        message = server.recv()
        got[int(message.split()[0])].append(message)
    for seed, received in got.items():
        assert received == messages(seed)[: len(received)], seed
    assert any(got.values())
