"""Thousands of handshakes that wait for a ZAP handler at once: it answers late and in any order, goes and comes back, or the context ends."""

import random
import socket as plain_socket
import threading

import pytest
from awaiting import SECONDS, endpoint
from zap import HANDLER, metadata

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
CONNECTIONS, ROUNDS = 200, 10
READY = b"\x05READY" + metadata((b"Socket-Type", b"PUSH"))


class Late(threading.Thread):
    """A handler that keeps questions for a while and answers in any order. Now and then it closes with some unanswered, and binds again."""

    def __init__(self, zmq, context, seed, restarts):
        super().__init__(daemon=True)
        self.zmq, self.context, self.restarts = zmq, context, restarts
        self.random = random.Random(seed)
        self.questions = 0
        self.numbers = set()
        self.ready = threading.Event()
        self.failed = None

    def run(self):
        try:
            while self.serve():
                pass
        except self.zmq.ContextTerminated:
            pass
        except BaseException as error:
            self.failed = error
            raise

    def ended(self):
        self.join(SECONDS)
        assert not self.is_alive() and self.failed is None

    def serve(self):
        with self.context.socket(self.zmq.ROUTER) as router:
            router.linger = 0
            router.bind(HANDLER)
            self.ready.set()
            kept, life = [], self.random.randrange(100, 400) if self.restarts else float("inf")
            while life > 0:
                if len(kept) < 50 and router.poll(20):
                    kept.append(router.recv_multipart())
                    self.questions += 1
                    self.numbers.add(kept[-1][3])
                    life -= 1
                    continue
                self.random.shuffle(kept)
                for _ in range(self.random.randrange(1, 30)):
                    if kept:
                        peer, empty, version, number, *_ = kept.pop()
                        router.send_multipart([peer, empty, version, number, b"200", b"", b"user", b""])
        return True


class Peer:
    """A PUSH played by hand."""

    def __init__(self, where):
        self.socket = plain_socket.create_connection(where, SECONDS)
        self.socket.sendall(GREETING)

    def admitted(self):
        """Whether the other side's READY has come, after its greeting."""
        got = b""
        while len(got) < 72:
            more = self.socket.recv(1024)
            if not more:
                return False
            got += more
        return got[64:66] + got[66:72] == b"\x04" + got[65:66] + b"\x05READY"

    def say(self, body):
        self.socket.sendall(b"\x04" + bytes([len(READY)]) + READY + b"\0" + bytes([len(body)]) + body)


def address(bound):
    host, port = endpoint(bound).removeprefix("tcp://").split(":")
    return host, int(port)


@pytest.mark.parametrize("restarts", [False, True])
def test_thousands_of_handshakes_with_a_late_handler(zmq, context, make, restarts):
    handler = Late(zmq, context, 1, restarts)
    handler.start()
    assert handler.ready.wait(SECONDS)
    bound = make("PULL", ZAP_DOMAIN=b"TEST", ZAP_ENFORCE_DOMAIN=0)
    bound.bind("tcp://127.0.0.1:*")
    where = address(bound)
    for _ in range(ROUNDS):
        peers = [Peer(where) for _ in range(CONNECTIONS)]
        for number, peer in enumerate(peers):
            assert peer.admitted(), handler.failed
            peer.say(b"%d" % number)
        frames = [bound.recv(copy=False) for _ in peers]
        assert sorted(int(frame.bytes) for frame in frames) == list(range(CONNECTIONS))
        assert {frame.get("User-Id") for frame in frames} == {"user"}  # nobody has come in between two handlers
        for peer in peers:
            peer.socket.close()
    if not restarts:
        assert len(handler.numbers) == handler.questions == CONNECTIONS * ROUNDS
    bound.close()
    context.term()
    handler.ended()


def test_peers_that_leave_and_peers_that_stay(zmq, context, make):
    """Every other peer goes before the answer. The others come in, and are not taken for those."""
    handler = Late(zmq, context, 2, False)
    handler.start()
    assert handler.ready.wait(SECONDS)
    bound = make("PULL", ZAP_DOMAIN=b"TEST")
    bound.bind("tcp://127.0.0.1:*")
    for _ in range(ROUNDS):
        peers = [Peer(address(bound)) for _ in range(CONNECTIONS)]
        for peer in peers[::2]:
            peer.socket.close()
        for peer in peers[1::2]:
            assert peer.admitted()
            peer.socket.close()
    bound.close()
    context.term()
    handler.ended()


@pytest.mark.parametrize("round", range(10))
def test_the_context_ends_while_many_wait(zmq, round):
    context = zmq.Context()
    handler = Late(zmq, context, round, True)
    handler.start()
    assert handler.ready.wait(SECONDS)
    bound = context.socket(zmq.PULL)
    bound.linger = 0
    bound.zap_domain = b"TEST"
    bound.bind("tcp://127.0.0.1:*")
    where = address(bound)
    peers = [Peer(where) for _ in range(CONNECTIONS)]
    for peer in peers[: 20 * round]:
        peer.admitted()
    context.shutdown()
    bound.close()
    context.term()
    handler.ended()
    for peer in peers:
        peer.socket.close()
