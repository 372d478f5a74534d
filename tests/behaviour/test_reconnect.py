"""Connecting and reconnecting: delays, IMMEDIATE, what survives a peer's restart, heartbeats between two of us."""
import socket as plain
import time

import pytest
from awaiting import SECONDS, Events, bound, dead_endpoint, endpoint, fill, until
from transports import NETWORKS

each_network = pytest.mark.parametrize("transport", NETWORKS)


def test_REC_1_connect_returns_at_once(zmq, make, fresh):
    with plain.socket() as busy, plain.socket() as first, plain.socket() as second:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        for queued in (first, second):      # the backlog is full: who waits for a connection waits for minutes
            queued.setblocking(False)
            queued.connect_ex(busy.getsockname())
        started = time.monotonic()
        make("PUSH").connect(f"tcp://127.0.0.1:{busy.getsockname()[1]}")
        assert time.monotonic() - started < SECONDS


def test_REC_1_connect_is_told_by_events(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    push = make("PUSH")
    events = Events(zmq, push)
    push.connect(endpoint(pull))
    names = events.all_until("HANDSHAKE_SUCCEEDED")
    assert names[-2:] == ["CONNECTED", "HANDSHAKE_SUCCEEDED"]
    assert set(names[:-2]) <= {"CONNECT_DELAYED"}


def retry_delays(zmq, make, count, **options):
    push = make("PUSH", **options)
    events = Events(zmq, push)
    push.connect(dead_endpoint())
    return [events.wait("CONNECT_RETRIED")[1] for _ in range(count)]


def test_REC_2_jitter_without_a_maximum(zmq, make):
    delays = retry_delays(zmq, make, 8, RECONNECT_IVL=20)
    assert all(20 <= delay < 40 for delay in delays), delays


def test_REC_2_doubling_up_to_the_maximum(zmq, make):
    assert retry_delays(zmq, make, 5, RECONNECT_IVL=5, RECONNECT_IVL_MAX=30)[0] == 5
    delays = retry_delays(zmq, make, 5, RECONNECT_IVL=5, RECONNECT_IVL_MAX=30)
    assert delays == [5, 10, 20, 30, 30]


def test_REC_2_maximum_below_the_interval(zmq, make):
    with_small_maximum = retry_delays(zmq, make, 3, RECONNECT_IVL=30, RECONNECT_IVL_MAX=10)
    assert with_small_maximum[1:] == [10, 10]


@each_network
def test_REC_3_no_reconnect_with_minus_one(zmq, make, fresh, transport):
    pull = make("PULL")
    pull.bind(fresh(transport))
    where = endpoint(pull)
    push = make("PUSH", RECONNECT_IVL=-1, IMMEDIATE=1)
    events = Events(zmq, push)
    push.connect(where)
    push.send(b"1")
    assert pull.recv() == b"1"
    pull.close()
    events.wait("DISCONNECTED")
    pull = make("PULL")
    until(lambda: bound(zmq, pull, where))
    assert not pull.poll(100)
    until(lambda: not push.poll(0, zmq.POLLOUT))
    push.connect(where)
    push.send(b"2")
    assert pull.recv() == b"2"


def test_REC_4_long_interval_is_reported(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    push = make("PUSH", RECONNECT_IVL=60000)
    events = Events(zmq, push)
    push.connect(endpoint(pull))
    events.wait("HANDSHAKE_SUCCEEDED")
    pull.close()
    events.wait("DISCONNECTED")
    assert 60000 <= events.wait("CONNECT_RETRIED")[1] < 120000
    assert not events.monitor.poll(100)


@each_network
def test_REC_6_peer_restarts(zmq, make, fresh, transport):
    where = fresh(transport)
    server = make("ROUTER")
    server.bind(where)
    where = endpoint(server)
    client = make("DEALER", RECONNECT_IVL=10, ROUTING_ID=b"c")
    events = Events(zmq, client)
    client.connect(where)
    for number in range(3):
        client.send(b"%d" % number)
        assert server.recv_multipart() == [b"c", b"%d" % number]
        server.send_multipart([b"c", b"back"])
        assert client.recv() == b"back"
        server.close()
        events.wait("DISCONNECTED")
        server = make("ROUTER")
        until(lambda server=server: bound(zmq, server, where))
        events.wait("HANDSHAKE_SUCCEEDED")


@pytest.mark.better
def test_REC_7_stop_when_refused(zmq, make):
    push = make("PUSH", RECONNECT_IVL=10, RECONNECT_STOP=1)
    events = Events(zmq, push)
    push.connect(dead_endpoint())
    events.wait("CLOSED")
    assert not events.monitor.poll(100)


@pytest.mark.better
def test_REC_8_stop_when_the_handshake_fails(zmq, make):
    with plain.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        push = make("PUSH", RECONNECT_IVL=10, RECONNECT_STOP=2)
        push.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        listener.accept()[0].close()
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.fixture
def waiting(zmq):
    """waiting(where, RECONNECT_STOP=4) -> a context, and its PUSH with endless LINGER that has a message for a peer that is not there."""
    made = []

    def waiting(where, **options):
        context = zmq.Context()
        push = context.socket(zmq.PUSH)
        for name, value in options.items():
            push.setsockopt(getattr(zmq, name), value)
        made.append((context, push))
        events = Events(zmq, push)
        push.connect(where)
        push.send(b"for whoever comes")
        events.wait("CONNECT_RETRIED")
        push.disable_monitor()
        events.monitor.close()
        return context, push

    yield waiting
    for context, push in made:
        push.close(linger=0)
        context.term()


@each_network
@pytest.mark.better
def test_REC_9_stop_after_disconnect_gives_up_what_is_queued(zmq, fresh, waiting, transport):
    where = fresh(transport, ahead=True)
    context, push = waiting(where, RECONNECT_IVL=10, RECONNECT_STOP=4)
    push.disconnect(where)
    push.close()  # LINGER is -1: were it tried again, term() would wait for ever
    context.term()


@each_network
@pytest.mark.better
def test_REC_9_without_it_what_is_queued_is_still_delivered(zmq, fresh, make, waiting, transport):
    where = fresh(transport, ahead=True)
    context, push = waiting(where, RECONNECT_IVL=10)
    push.disconnect(where)
    push.close()
    pull = make("PULL")
    pull.bind(where)
    assert pull.recv() == b"for whoever comes"
    context.term()


@pytest.mark.better
def test_REC_9_a_connection_that_is_lost_after_disconnect_is_not_made_again(zmq, make, fresh):
    """What does not fit the kernel's buffers is left when the peer goes."""
    pull = make("PULL", RCVHWM=1)
    pull.bind(fresh("tcp"))
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    for name, value in (("RECONNECT_STOP", 4), ("RECONNECT_IVL", 10), ("SNDHWM", 0)):
        push.setsockopt(getattr(zmq, name), value)
    push.connect(endpoint(pull))
    push.send(b"first")
    assert pull.recv() == b"first"
    for _ in range(32):
        push.send(b"x" * 1_000_000)
    push.disconnect(endpoint(pull))
    push.close()
    pull.close()
    context.term()


@pytest.mark.better
def test_REC_interval_zero_means_at_once(zmq, make, fresh):
    with plain.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        push = make("PUSH", RECONNECT_IVL=0)
        push.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(3):
            listener.accept()[0].close()


@each_network
def test_REC_11_queue_survives_while_disconnected(zmq, make, fresh, transport):
    pull = make("PULL")
    pull.bind(fresh(transport))
    where = endpoint(pull)
    push = make("PUSH", RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect(where)
    push.send(b"first")
    assert pull.recv() == b"first"
    pull.close()
    events.wait("DISCONNECTED")
    for number in range(200):
        push.send(b"%d" % number)
    pull = make("PULL")
    until(lambda: bound(zmq, pull, where))
    assert [pull.recv() for _ in range(200)] == [b"%d" % number for number in range(200)]


@each_network
def test_REC_12_immediate_has_no_pipe_before_the_handshake(zmq, make, fresh, transport):
    where = fresh(transport, ahead=True)
    push = make("PUSH", IMMEDIATE=1, RECONNECT_IVL=10)
    push.connect(where)
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.DONTWAIT)
    assert push.poll(30, zmq.POLLOUT) == 0
    pull = make("PULL")
    pull.bind(where)
    assert push.poll(5000, zmq.POLLOUT)
    push.send(b"now", zmq.DONTWAIT)
    assert pull.recv() == b"now"


@each_network
def test_REC_12_immediate_is_for_the_endpoints_made_later(zmq, make, fresh, transport):
    where = fresh(transport, ahead=True)
    push, pull = make("PUSH", RECONNECT_IVL=10), make("PULL")
    events = Events(zmq, push)
    push.connect(where)
    push.send(b"queued")
    push.setsockopt(zmq.IMMEDIATE, 1)
    for _ in range(3):
        events.wait("CONNECT_RETRIED")
    pull.bind(where)
    assert pull.recv() == b"queued"


@each_network
def test_REC_13_immediate_and_a_peer_that_restarts(zmq, make, fresh, transport):
    pull = make("PULL")
    pull.bind(fresh(transport))
    where = endpoint(pull)
    push = make("PUSH", IMMEDIATE=1, RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect(where)
    push.send(b"1")
    assert pull.recv() == b"1"
    pull.close()
    events.wait("DISCONNECTED")
    until(lambda: not push.poll(0, zmq.POLLOUT))
    assert fill(zmq, push) == 0
    pull = make("PULL")
    until(lambda: bound(zmq, pull, where))
    assert push.poll(5000, zmq.POLLOUT)
    push.send(b"2")
    assert pull.recv() == b"2"


def test_REC_14_handshake_interval(zmq, make):
    assert make("PUSH").getsockopt(zmq.HANDSHAKE_IVL) == 30000
    with plain.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        push = make("PUSH", HANDSHAKE_IVL=50, RECONNECT_IVL=10)
        push.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        first = listener.accept()[0]
        second = listener.accept()[0]
        first.close(), second.close()


@pytest.mark.parametrize("kinds", [("DEALER", "ROUTER"), ("REQ", "REP"), ("PUSH", "PULL"), ("SUB", "PUB"), ("PAIR", "PAIR")],
                         ids=lambda kinds: "-".join(kinds))
def test_REC_15_answered_heartbeats_keep_the_connection(zmq, make, fresh, kinds):
    options = {"HEARTBEAT_IVL": 20, "HEARTBEAT_TIMEOUT": 300, "HEARTBEAT_TTL": 500}
    server = make(kinds[1], **options)
    server.bind(fresh("tcp"))
    client = make(kinds[0], **options)
    events = Events(zmq, client)
    client.connect(endpoint(server))
    events.wait("HANDSHAKE_SUCCEEDED")
    assert not events.monitor.poll(200)


def test_REC_15_silent_peer_is_dropped_and_tried_again(zmq, make):
    """A listener that completes the handshake and then falls silent."""
    body = b"\x05READY\x0bSocket-Type" + (4).to_bytes(4, "big") + b"PULL"
    ready = bytes([4, len(body)]) + body
    greeting = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(20, b"\0") + bytes(32)
    with plain.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        push = make("PUSH", HEARTBEAT_IVL=30, HEARTBEAT_TIMEOUT=60, RECONNECT_IVL=10)
        events = Events(zmq, push)
        push.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        with listener.accept()[0] as first:
            first.sendall(greeting + ready)
            events.wait("DISCONNECTED")
            with listener.accept()[0]:
                pass
    assert "HANDSHAKE_SUCCEEDED" in [name for name, _value, _where in events.seen]
