"""Lines of the behaviour page that belong to no other file: what follows from several parts together."""

import threading

import pytest
from awaiting import Events, dead_endpoint, endpoint, fill, until
from test_proxy import Running


def test_IO_9_what_is_passed_on_has_the_properties_of_the_last_connection(zmq, make, fresh):
    pull, middle, last = make("PULL"), make("PUSH"), make("PULL")
    pull.bind(fresh("tcp"))
    last.bind(fresh("inproc"))
    middle.connect(endpoint(last))
    push = make("PUSH", METADATA=b"X-name:value")
    push.connect(endpoint(pull))
    push.send(b"x")
    frame = pull.recv(copy=False)
    assert frame.get("X-name") == "value"
    middle.send(frame, copy=False)
    with pytest.raises(zmq.ZMQError):
        last.recv(copy=False).get("X-name")


def test_END_17_two_addresses_take_turns(zmq, make):
    first, second, client = (make(kind, IPV6=1) for kind in ("REP", "REP", "REQ"))
    first.bind("tcp://127.0.0.1:*")
    second.bind("tcp://[::1]:*")
    for server in (first, second):
        client.connect(endpoint(server))
    for server in (first, second, first, second):
        client.send(b"question")
        assert server.recv() == b"question"
        server.send(b"answer")
        assert client.recv() == b"answer"


def test_END_25_disconnect_ends_all_connects_of_an_endpoint(zmq, make, fresh, transport):
    pull, push = make("PULL"), make("PUSH")
    pull.bind(fresh(transport))
    for _ in range(3):
        push.connect(endpoint(pull))
    for _ in range(3):
        push.send(b"x")
        assert pull.recv() == b"x"
    push.disconnect(endpoint(pull))
    until(lambda: not push.poll(0, zmq.POLLOUT))
    with pytest.raises(zmq.ZMQError):
        push.disconnect(endpoint(pull))


@pytest.mark.better
def test_REC_5_the_interval_counts_at_once(zmq, make):
    """libzmq keeps that of the connect()."""
    push = make("PUSH", RECONNECT_IVL=1, RECONNECT_IVL_MAX=1)
    events = Events(zmq, push)
    push.connect(dead_endpoint())
    assert events.wait("CONNECT_RETRIED")[1] == 1
    push.set(zmq.RECONNECT_IVL, 5)
    push.set(zmq.RECONNECT_IVL_MAX, 5)
    until(lambda: events.wait("CONNECT_RETRIED")[1] == 5)


def test_MON_17_a_monitor_does_not_keep_its_context(zmq):
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    monitor = pull.get_monitor_socket()
    pull.bind("tcp://127.0.0.1:*")
    monitor.close()
    pull.close()
    context.term()


@pytest.mark.better
@pytest.mark.parametrize("connected", [False, True])
def test_MON_18_a_socket_with_a_full_monitor_is_closed(zmq, connected):
    """libzmq waits for room."""
    context = zmq.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    if connected:
        monitor = pull.get_monitor_socket()
    else:
        pull.monitor("inproc://nobody", zmq.EVENT_ALL)
    for _ in range(2000):
        pull.unbind(endpoint(bound(pull)))
    push.connect(endpoint(bound(pull)))
    push.send(b"x")
    assert pull.recv() == b"x"
    pull.close()
    push.close()
    if connected:
        monitor.close()
    context.term()


def bound(socket):
    socket.bind("tcp://127.0.0.1:*")
    return socket


def test_HWM_15_back_pressure_through_a_proxy(zmq):
    """A publisher that drops nothing, a subscriber that does not read: all marks in between fill up, and all that was sent arrives."""
    context = zmq.Context()

    def made(kind, **options):
        socket = context.socket(kind)
        for name, value in {"LINGER": 0, "SNDHWM": 10, "RCVHWM": 10, "RCVTIMEO": 5000, **options}.items():
            socket.set(getattr(zmq, name), value)
        return socket

    publisher, front, back, subscriber = made(zmq.XPUB, XPUB_NODROP=1), made(zmq.XSUB), made(zmq.XPUB, XPUB_NODROP=1), made(zmq.SUB)
    control, inside = made(zmq.REQ), made(zmq.REP)
    front.bind("inproc://front")
    back.bind("inproc://back")
    inside.bind("inproc://steer")
    control.connect("inproc://steer")
    publisher.connect("inproc://front")
    subscriber.connect("inproc://back")
    proxy = Running(zmq.proxy_steerable, front, back, None, inside)
    subscriber.subscribe(b"")
    assert publisher.recv() == b"\x01"
    sent = 0
    for _ in range(3):  # full again and again, with the proxy's answer in between
        sent += fill(zmq, publisher, limit=10000)
        control.send(b"STATISTICS")
        assert len(control.recv_multipart()) == 8
    assert 20 <= sent <= 60
    for _ in range(sent):
        assert subscriber.recv() == b"x"
    control.send(b"TERMINATE")
    proxy.join()
    for socket in (publisher, front, back, subscriber, control, inside):
        socket.close()
    context.term()


@pytest.mark.better
def test_PRX_12_one_socket_and_a_control(zmq):
    """libzmq crashes."""
    context = zmq.Context()
    echo, client, inside, control = (context.socket(kind) for kind in (zmq.DEALER, zmq.DEALER, zmq.REP, zmq.REQ))
    where = endpoint(bound(echo))
    inside.bind("inproc://steer-one")
    control.connect("inproc://steer-one")
    client.connect(where)
    proxy = Running(zmq.proxy_steerable, echo, echo, None, inside)
    client.send_multipart([b"a", b"b"])
    assert client.recv_multipart() == [b"a", b"b"]
    control.send(b"PAUSE")
    assert control.recv() == b""
    client.send(b"later")
    control.send(b"STATISTICS")
    assert len(control.recv_multipart()) == 8
    assert not client.poll(50)
    control.send(b"RESUME")
    assert control.recv() == b""
    assert client.recv() == b"later"
    control.send(b"TERMINATE")
    assert control.recv() == b""
    proxy.join()
    assert proxy.result == 0
    context.destroy(0)


def test_SUB_4_and_PUB_24_topics_are_counted_on_both_sides(zmq, make, fresh, transport):
    xpub, sub = make("XPUB"), make("SUB")
    xpub.bind(fresh(transport))
    sub.connect(endpoint(xpub))
    for topic in (b"a", b"b", b"a"):
        sub.subscribe(topic)
    for topic in (b"a", b"b"):
        assert xpub.recv() == b"\x01" + topic
    assert (sub.get(zmq.TOPICS_COUNT), xpub.get(zmq.TOPICS_COUNT)) == (2, 2)
    sub.unsubscribe(b"b")
    assert xpub.recv() == b"\x00b"
    assert (sub.get(zmq.TOPICS_COUNT), xpub.get(zmq.TOPICS_COUNT)) == (1, 1)


def test_THR_2_contexts_and_sockets_in_many_threads(zmq):
    """Each with a context of its own, all at once."""
    answers = []

    def run():
        context = zmq.Context()
        server, client = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        client.connect(endpoint(bound(server)))
        client.send(b"x")
        answers.append(server.recv())
        context.destroy(0)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [b"x"] * 8
