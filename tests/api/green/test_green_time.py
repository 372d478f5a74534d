"""Sockets for greenlets: timeouts of one call, and requests that are tried again."""

import pytest
from awaiting import SECONDS, endpoint

gevent = pytest.importorskip("gevent")


def result(greenlet):
    return greenlet.get(timeout=SECONDS)


@pytest.mark.better
def test_TIME_12_a_timeout_of_one_call(green, context, spawn):
    push, pull = context.socket(green.PUSH), context.socket(green.PULL)
    push.sndhwm = 1
    push.bind("inproc://nobody")
    pull.bind("inproc://nothing")
    ran = spawn(lambda: [gevent.sleep(0.001) for _ in range(3)])
    for call in (
        lambda t: pull.recv(timeout=t),
        lambda t: pull.recv_multipart(timeout=t),
        lambda t: pull.recv_into(bytearray(2), timeout=t),
        lambda t: pull.recv_many(timeout=t),
        lambda t: pull.recv_string(timeout=t),
        lambda t: pull.recv_json(timeout=t),
        lambda t: pull.recv_pyobj(timeout=t),
    ):
        for limit in (0, 2):
            with pytest.raises(green.Again, match=f"nothing to receive within timeout={limit} ms"):
                call(limit)
    ran.join(timeout=SECONDS)
    assert ran.ready()
    for call in (
        lambda: push.send(b"x", timeout=2),
        lambda: push.send_multipart([b"x", b"y"], timeout=2),
        lambda: push.send_many([b"x", b"y"], timeout=2),
        lambda: push.send_string("x", timeout=2),
    ):
        with pytest.raises(green.Again, match="no room for the message within timeout=2 ms"):
            call()
    pull.rcvtimeo = 2
    with pytest.raises(green.Again, match="within RCVTIMEO, 2 ms"):
        pull.recv(timeout=60000)
    with pytest.raises(TypeError, match="timeout must be"):
        pull.recv(timeout="1")


@pytest.mark.better
def test_TIME_13_greenlets_ask(green, context, spawn):
    router = context.socket(green.ROUTER)
    router.bind("tcp://127.0.0.1:*")
    with green.Requester(context, endpoint(router)) as asking:
        asks = [spawn(asking.request, b"%d" % n, SECONDS * 1000) for n in range(8)]
        questions = [router.recv_multipart() for _ in asks]
        for question in reversed(questions):
            router.send_multipart([*question[:3], b"re: " + question[3]])
        assert [result(one) for one in asks] == [[b"re: %d" % n] for n in range(8)]
        with pytest.raises(green.Again, match="no answer to 2 attempts"):
            asking.request(b"x", timeout=20, retries=1)
        late = [router.recv_multipart() for _ in range(2)]
        killed = spawn(asking.request, b"killed")
        router.recv_multipart()
        killed.kill()
        for question in late:
            router.send_multipart(question)
        again = spawn(asking.request, [b"y", b"z"])
        router.send_multipart(router.recv_multipart())
        assert result(again) == [b"y", b"z"]
        assert asking.dropped == 2
        closed = spawn(asking.request, b"closed")
        router.recv_multipart()
    with pytest.raises(green.ZMQError):
        result(closed)
