"""Several threads inside one socket: nobody sleeps on what is there for him. libzmq's sockets belong to one thread at a time."""
import threading

import pytest
from awaiting import SECONDS, endpoint
from platforms import errno

pytestmark = pytest.mark.better


@pytest.mark.parametrize("sleepers", [2, 4])
def test_every_blocked_receiver_gets_a_message(pair, transport, sleepers):
    push, pull = pair("PUSH", "PULL", transport)
    push.send(b"up")
    assert pull.recv() == b"up"
    for _ in range(5):
        got = []
        threads = [threading.Thread(target=lambda into=got: into.append(pull.recv())) for _ in range(sleepers)]
        for thread in threads:
            thread.start()
        # Each takes one and does not come back: whoever was woken must have passed the rest on.
        for _ in range(sleepers):
            push.send(b"m")
        for thread in threads:
            thread.join(SECONDS)
        assert got == [b"m"] * sleepers


def test_poller_does_not_sleep_on_what_came_before_it_slept(zmq, pair, transport):
    near, far = pair("PAIR", "PAIR", transport)
    rounds = 2000
    late = []

    def answer(socket, first):
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        if first:
            socket.send(b"ball")
        for _ in range(rounds):
            if not poller.poll(SECONDS * 1000):
                late.append(socket)
                return
            socket.send(socket.recv())

    threads = [threading.Thread(target=answer, args=(near, True)), threading.Thread(target=answer, args=(far, False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * SECONDS)
    assert not late


def test_context_is_terminated_by_several_threads(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    socket.bind("tcp://127.0.0.1:*")
    socket.close()
    threads = [threading.Thread(target=context.term) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads) and context.closed


def test_closing_with_heartbeats_leaves_the_others_alone(zmq, context, make, fresh):
    """The timers of a connection that only drains must not keep the I/O thread busy for ever."""
    other, friend = make("PUSH"), make("PULL")
    friend.bind(fresh("tcp"))
    other.connect(endpoint(friend))
    pull = make("PULL", RCVHWM=1)
    pull.bind(fresh("tcp"))
    where = endpoint(pull)
    for _ in range(3):
        push = make("PUSH", HEARTBEAT_IVL=1)
        push.connect(where)
        push.send(b"x" * 5000000)
        push.close(linger=200)
    pull.close()
    other.send(b"alive")
    assert friend.recv() == b"alive"


def test_disconnect_after_the_inproc_peer_has_gone(zmq, make, fresh):
    """The endpoint outlives its pipe."""
    where = fresh("inproc")
    for _ in range(20):
        bound, connected = make("PAIR"), make("PAIR")
        bound.bind(where)
        connected.connect(where)
        connected.send(b"x")
        bound.close()
        connected.poll(1)
        connected.disconnect(where)
        with pytest.raises(zmq.ZMQError) as caught:
            connected.disconnect(where)
        assert caught.value.errno == errno.ENOENT
        connected.close()
