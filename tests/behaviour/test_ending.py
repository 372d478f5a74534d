"""An end that ends: what close() and term() say about what was not delivered, and what holds them up."""

import asyncio
import io
import os
import signal
import socket as sockets
import threading

import pytest
from awaiting import dead_endpoint, endpoint, until

pytestmark = pytest.mark.better


def test_LAST_1_everything_is_delivered(pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    for _ in range(10):
        push.send(b"x" * 1000)
    report = push.close(linger=-1, timeout=15000)
    assert (report.ended, report.undelivered, report.dropped.total) == (True, (), 0)
    for _ in range(10):
        pull.recv()


def test_LAST_2_what_is_not_delivered_is_told_and_to_whom(zmq, make):
    with sockets.create_server(("127.0.0.1", 0)) as deaf:
        where = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        push = make("PUSH")
        push.connect(where)
        for _ in range(3):
            push.send(b"x")
        report = push.close(linger=50, timeout=15000)
        assert report.ended
        assert [(peer.endpoint, peer.queued_out) for peer in report.undelivered] == [(where, 3)]
        assert report.dropped.lingered == 3


def test_LAST_3_the_wait_does_not_shorten_linger(zmq, make):
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        where = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        push = make("PUSH", RECONNECT_IVL=10)
        push.connect(where)
        push.send(b"late")
        report = push.close(linger=15000, timeout=10)
        assert (report.ended, report.dropped.total) == (False, 0)
        assert [peer.queued_out for peer in report.undelivered] == [1]
    pull = make("PULL")
    until(lambda: bound(zmq, pull, where))
    assert pull.recv() == b"late"


def bound(zmq, socket, where):
    try:
        socket.bind(where)
    except zmq.ZMQError:
        return False
    return True


def test_LAST_4_close_without_a_timeout_returns_nothing_as_before(zmq, make):
    push = make("PUSH")
    push.connect(dead_endpoint())
    push.send(b"x")
    assert push.close(0) is None
    assert push.close(timeout=10) is None


def test_LAST_5_term_tells_which_socket_is_in_the_way_and_where_it_was_opened(zmq):
    context = zmq.Context()
    context.track_origins = True
    push, forgotten = context.socket(zmq.PUSH), context.socket(zmq.REP)
    where = dead_endpoint()
    push.connect(where)
    push.send(b"x")
    push.close(linger=-1)
    forgotten.bind("tcp://127.0.0.1:*")
    report = context.term(timeout=10)
    assert not report.ended
    assert not context.closed
    by_type = {one.type: one for one in report.blocking}
    assert sorted(by_type) == ["PUSH", "REP"]
    assert (by_type["PUSH"].closed, by_type["PUSH"].queued_out) == (True, 1)
    assert [(peer.endpoint, peer.queued_out) for peer in by_type["PUSH"].peers] == [(where, 1)]
    assert not by_type["REP"].closed
    assert len(by_type["REP"].bound) == 1
    assert "context.socket(zmq.REP)" in by_type["REP"].origin
    forgotten.close()
    assert [one.type for one in context.term(timeout=10).blocking] == ["PUSH"]
    other = zmq.Context()
    with other.socket(zmq.PULL) as pull:
        pull.bind(where)
        assert pull.recv() == b"x"
        report = context.term(timeout=15000)
    assert (report.ended, report.blocking, context.closed) == (True, (), True)
    other.term()


def test_LAST_6_a_context_is_described(zmq, make, fresh, context, transport):
    context.track_origins = True
    push, pull = make("PUSH"), make("PULL", ROUTING_ID=b"me")
    push.bind(fresh(transport))
    pull.connect(endpoint(push))
    push.wait_for_peers(1, 15000)
    push.send(b"x")
    pull.poll(15000)
    text = context.describe()
    assert f"bound to {endpoint(push)}" in text
    assert f"connects to {endpoint(push)}" in text
    assert "PULL: 1 to receive, 0 to send, 0 dropped" in text
    assert "make(" in text


def test_LAST_7_a_signal_describes_the_process_while_a_call_is_blocked(zmq, submodule, make):
    ending = submodule("ending")
    written = io.StringIO()
    before = signal.getsignal(signal.SIGUSR1)
    pull = make("PULL")
    pull.bind("inproc://described")
    ending.describe_on_signal(file=written)
    try:
        push = make("PUSH")
        push.connect("inproc://described")

        def interrupt():
            os.kill(os.getpid(), signal.SIGUSR1)
            until(written.getvalue)
            push.send(b"x")

        thread = threading.Thread(target=interrupt)
        thread.start()
        assert pull.recv() == b"x"
        thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert "bound to inproc://described" in written.getvalue()


def test_LAST_8_asynchronous_sockets_await_the_report(zmq, submodule, make):
    push, pull = make("PUSH"), make("PULL")
    pull.bind("tcp://127.0.0.1:*")
    push.connect(endpoint(pull))

    async def main():
        shadow = submodule("asyncio").Socket.from_socket(push)
        await shadow.send(b"x")
        return await shadow.close(linger=-1, timeout=15000)

    assert asyncio.run(main()).ended
    assert pull.recv() == b"x"
