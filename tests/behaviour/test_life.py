"""Creating and closing sockets, and what LINGER does with messages that are still here."""
import gc
import threading
import time

import pytest
from awaiting import SECONDS, Events, bound, dead_endpoint, endpoint, received, until
from platforms import errno
from transports import NETWORKS


def refuses(zmq, errno, call, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == errno


def test_LIFE_1_invalid_type(zmq, context):
    for number in (21, 1000):
        refuses(zmq, zmq.EINVAL, context.socket, number)
    with pytest.raises((TypeError, zmq.ZMQError)):
        context.socket(-1)


def test_LIFE_1_after_term(zmq):
    context = zmq.Context()
    context.term()
    with pytest.raises(zmq.ZMQError):
        context.socket(zmq.PULL)


def test_LIFE_1_too_many_sockets(zmq):
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 3)
    sockets = []
    with pytest.raises(zmq.ZMQError) as caught:
        for _ in range(10):
            sockets.append(context.socket(zmq.PAIR))
    assert caught.value.errno == errno.EMFILE
    assert len(sockets) <= 3
    context.destroy(linger=0)


def test_LIFE_2_closed_socket_refuses_everything(zmq, make):
    socket = make("PAIR")
    socket.close()
    assert socket.closed
    socket.close()  # again: no error
    for call in (lambda: socket.send(b""), socket.recv, lambda: socket.bind("tcp://127.0.0.1:*"), lambda: socket.getsockopt(zmq.TYPE),
                 lambda: socket.setsockopt(zmq.LINGER, 0), lambda: socket.connect("tcp://127.0.0.1:1")):
        refuses(zmq, zmq.ENOTSOCK, call)


def test_LIFE_2_close_returns_at_once_with_infinite_linger(zmq, make):
    where = dead_endpoint()
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect(where)
    socket.send(b"delivered later")
    started = time.perf_counter()
    socket.close()
    assert time.perf_counter() - started < SECONDS  # not waited for: it would be for ever
    pull = make("PULL")
    pull.bind(where)
    assert pull.recv() == b"delivered later"
    context.term()


@pytest.mark.parametrize("kind", "PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB".split())
def test_LIFE_3_default_linger(zmq, context, kind):
    socket = context.socket(getattr(zmq, kind))
    assert socket.getsockopt(zmq.LINGER) == (0 if kind in ("SUB", "XSUB") else -1)


def test_LIFE_3_blocky_off_makes_linger_zero(zmq):
    context = zmq.Context()
    context.set(zmq.BLOCKY, 0)
    socket = context.socket(zmq.PUSH)
    assert socket.getsockopt(zmq.LINGER) == 0
    context.destroy()


@pytest.mark.parametrize("transport", NETWORKS)
def test_LIFE_4_infinite_linger_delivers_everything(zmq, make, fresh, transport):
    pull = make("PULL", RCVHWM=0)
    pull.bind(fresh(transport))
    sender = zmq.Context()
    push = sender.socket(zmq.PUSH)
    push.sndhwm = 0
    push.connect(endpoint(pull))
    for number in range(20000):
        push.send(b"%d" % number)
    push.close()
    terminator = threading.Thread(target=sender.term)
    terminator.start()
    assert [pull.recv() for _ in range(20000)] == [b"%d" % number for number in range(20000)]
    terminator.join(5)
    assert not terminator.is_alive()


def test_LIFE_4_infinite_linger_waits_for_a_late_peer(zmq, make):
    where = dead_endpoint()
    sender = zmq.Context()
    push = sender.socket(zmq.PUSH)
    push.reconnect_ivl = 10
    push.connect(where)
    for number in range(10):
        push.send(b"%d" % number)
    push.close()
    terminator = threading.Thread(target=sender.term)
    terminator.start()
    pull = make("PULL")
    until(lambda: bound(zmq, pull, where))
    assert [pull.recv() for _ in range(10)] == [b"%d" % number for number in range(10)]
    terminator.join(5)
    assert not terminator.is_alive()


def test_LIFE_4_zero_linger_discards_at_once(zmq):
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.connect(dead_endpoint())
    push.send(b"lost")
    started = time.perf_counter()
    push.close(linger=0)
    context.term()
    assert time.perf_counter() - started < SECONDS


def test_LIFE_7_finite_linger_is_waited_for(zmq):
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.connect(dead_endpoint())
    push.send(b"lost after 150 ms")
    started = time.perf_counter()
    push.close(linger=150)
    context.term()
    assert 0.1 < time.perf_counter() - started < SECONDS


def test_LIFE_6_unread_messages_are_dropped_at_close(zmq, make, fresh, transport):
    pull = make("PULL")
    pull.bind(fresh(transport))
    push = make("PUSH", RECONNECT_IVL=10)
    push.connect(endpoint(pull))
    for _ in range(10):
        push.send(b"unread")
    assert pull.poll(5000)
    pull.close()
    other = make("PULL")
    if transport == "inproc":
        where = fresh("inproc")
        other.bind(where)
        push.connect(where)
    else:
        until(lambda: bound(zmq, other, endpoint(push)))
    # The first messages may still go to the connection that is just ending.
    until(lambda: sent(zmq, push, b"after") and other.poll(20))
    assert {message[0] for message in received(other, 20)} <= {b"unread", b"after"}


def sent(zmq, socket, body):
    try:
        socket.send(body, zmq.DONTWAIT)
        return True
    except zmq.Again:
        return False


@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("size", [1 << 20, 20 << 20])
def test_LIFE_8_close_right_after_a_large_send(zmq, make, fresh, transport, size):
    pull = make("PULL")
    pull.bind(fresh(transport))
    push = make("PUSH", LINGER=-1)
    push.connect(endpoint(pull))
    body = bytes(range(256)) * (size // 256)
    push.send(body)
    push.close()
    assert pull.recv() == body


def test_LIFE_9_repeated_cycles_lose_nothing(zmq, make, fresh, transport):
    router = make("ROUTER")
    router.bind(fresh(transport))
    for number in range(100):
        dealer = make("DEALER")
        dealer.connect(endpoint(router))
        dealer.send(b"%d" % number)
        routing_id, body = router.recv_multipart()
        assert body == b"%d" % number
        router.send_multipart([routing_id, b"back"])
        assert dealer.recv() == b"back"
        dealer.close()


def test_LIFE_10_closing_a_req_that_waits(zmq, pair, transport):
    req, rep = pair("REQ", "REP", transport)
    req.send(b"q")
    assert rep.recv() == b"q"
    req.close()
    rep.send(b"a")


@pytest.mark.parametrize("transport", NETWORKS)
def test_LIFE_11_disconnect_flushes_the_queue(zmq, make, fresh, transport):
    pull = make("PULL", RCVHWM=0)
    pull.bind(fresh(transport))
    push = make("PUSH", LINGER=-1, SNDHWM=0)
    push.connect(endpoint(pull))
    for number in range(5000):
        push.send(b"%d" % number)
    push.disconnect(endpoint(pull))
    assert [pull.recv() for _ in range(5000)] == [b"%d" % number for number in range(5000)]


def test_LIFE_12_garbage_collection_closes(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    events = Events(zmq, pull)
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.linger = 0
    push.connect(endpoint(pull))
    events.wait("HANDSHAKE_SUCCEEDED")
    with pytest.warns(ResourceWarning):
        del push
        gc.collect()
    events.wait("DISCONNECTED")
    context.term()
