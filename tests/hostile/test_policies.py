"""Crowds at the door of a secured socket: whatever changes meanwhile, only those who may come in do."""

import random
import subprocess
import sys
import threading

import pytest
from awaiting import endpoint, until

pytestmark = pytest.mark.better

pytest.importorskip("nacl")

SEED = 20261126


@pytest.mark.timeout(120)
def test_policies_change_while_clients_come_and_go(zmq, make, tmp_path):
    server_key, good, bad = (zmq.SecretKey.generate() for _ in range(3))
    good.public.save(tmp_path / "good.key")
    asked = []

    def allow(peer):
        asked.append(peer.key)
        if len(asked) % 3 == 0:
            raise ValueError("in a bad mood")
        return peer.key == good.public

    policies = [[good.public], allow, tmp_path, [], lambda peer: peer.key == good.public]
    server = make("PULL", RCVHWM=0)
    server.secure_server(server_key, allow=policies[0])
    server.bind("tcp://127.0.0.1:*")
    where = endpoint(server)
    over = threading.Event()

    def change():
        rng = random.Random(SEED)
        while not over.is_set():
            server.secure_server(server_key, allow=rng.choice(policies))
            over.wait(0.001)

    def come(seed):
        rng = random.Random(seed)
        for _ in range(25):
            key = rng.choice([good, bad, None])
            with make("PUSH") as client:
                client.secure_client(server_key.public, key)
                client.connect(where)
                try:
                    client.send(b"good" if key is good else b"bad", zmq.DONTWAIT)
                except zmq.Again:  # it has been refused already
                    pass
                if rng.random() < 0.7:
                    client.poll(rng.choice([0, 1, 5]), zmq.POLLOUT)

    threads = [threading.Thread(target=change), *(threading.Thread(target=come, args=(seed,)) for seed in range(3))]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join()
    over.set()
    threads[0].join()

    server.secure_server(server_key, allow=[good.public])
    with make("PUSH") as last:
        last.secure_client(server_key.public, good)
        last.connect(where)
        last.send(b"last")
        frames = []
        while not frames or frames[-1].bytes != b"last":
            frames.append(server.recv(copy=False))
    for frame in frames:
        assert frame.bytes in (b"good", b"last")
        assert frame.peer_key == good.public and frame.authenticated


def test_a_crowd_that_leaves_without_an_answer(zmq, make):
    server_key, good = zmq.SecretKey.generate(), zmq.SecretKey.generate()
    answer = threading.Event()
    asked = []

    def allow(peer):
        asked.append(peer.key)
        assert answer.wait(30)
        return peer.key == good.public

    server = make("PULL")
    server.secure_server(server_key, allow=allow)
    server.bind("tcp://127.0.0.1:*")
    crowd = [make("PUSH") for _ in range(60)]
    for client in crowd:
        client.secure_client(server_key.public)
        client.connect(endpoint(server))
    until(lambda: asked)
    for client in crowd:
        client.close(0)
    guest = make("PUSH")
    guest.secure_client(server_key.public, good)
    guest.connect(endpoint(server))
    guest.send(b"hello")
    answer.set()
    frame = server.recv(copy=False)
    assert frame.bytes == b"hello" and frame.peer_key == good.public


@pytest.mark.parametrize("closing", ["", "server.close()", "context.term()", "context.destroy(0)"])
def test_a_process_ends_while_its_function_is_asked(closing):
    program = f"""if True:
        import threading, time
        import zmqcore as zmq
        context = zmq.Context()
        server, client = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        server.linger = client.linger = 0
        asked = threading.Event()
        def allow(peer):
            asked.set()
            time.sleep(0.05)
            return True
        key = zmq.SecretKey.generate()
        server.secure_server(key, allow=allow)
        client.secure_client(key.public)
        client.connect(server.bind("tcp://127.0.0.1:*").addr)
        assert asked.wait(20)
        if "term" in {closing!r}:
            server.close(); client.close()
        {closing}
        print("end")
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("end\n", "")
