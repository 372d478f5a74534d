"""poll(), Poller and the FD/EVENTS protocol."""
import os
import select
import signal
import socket as plain
import threading
import time

import pytest
from awaiting import SECONDS, endpoint, until
from channels import Channel
from transports import PLAIN


def test_POLL_1_number_timeout_and_immediate(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    assert poller.poll(0) == []
    started = time.perf_counter()
    assert poller.poll(50) == []
    assert 0.04 < time.perf_counter() - started < SECONDS
    push.send(b"x")
    assert poller.poll() == [(pull, zmq.POLLIN)]
    assert poller.poll(0) == [(pull, zmq.POLLIN)]
    assert pull.recv() == b"x"
    assert poller.poll(0) == []


def test_POLL_1_endless_poll_is_woken(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    woken = threading.Event()
    timer = threading.Timer(0.05, lambda: (woken.set(), push.send(b"x")))
    timer.start()
    assert pull.poll() == zmq.POLLIN
    assert woken.is_set()
    timer.join()


def test_POLL_2_nothing_to_poll(zmq):
    assert zmq.zmq_poll([], 30) == []
    assert zmq.Poller().poll(0) == []


def test_POLL_3_sockets_and_descriptors_mixed(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    left, right = plain.socketpair()
    channel = Channel()
    reader = channel.reader
    with left, right, channel:
        poller = zmq.Poller()
        poller.register(pull, zmq.POLLIN)
        poller.register(left, zmq.POLLIN)
        poller.register(reader, zmq.POLLIN)
        assert poller.poll(0) == []
        right.send(b"x")
        assert poller.poll(5000) == [(left.fileno(), zmq.POLLIN)]
        push.send(b"x")
        until(lambda: dict(poller.poll(100)) == {pull: zmq.POLLIN, left.fileno(): zmq.POLLIN})
        channel.write(b"x")
        assert len(poller.poll(100)) == 3
        left.recv(1), pull.recv()
        assert poller.poll(5000) == [(reader, zmq.POLLIN)]


def test_POLL_3_plain_descriptor_wakes_a_blocked_poll(zmq, pair):
    _push, pull = pair("PUSH", "PULL")
    with Channel() as channel:
        timer = threading.Timer(0.05, channel.write, (b"x",))
        timer.start()
        assert zmq.zmq_poll([(pull, zmq.POLLIN), (channel.reader, zmq.POLLIN)], 5000) == [(channel.reader, zmq.POLLIN)]
        timer.join()


def test_POLL_3_pollout_of_a_plain_descriptor(zmq):
    left, right = plain.socketpair()
    with left, right:
        assert zmq.zmq_poll([(left.fileno(), zmq.POLLIN | zmq.POLLOUT)], 1000) == [(left.fileno(), zmq.POLLOUT)]


def test_POLL_4_closed_socket(zmq, make):
    socket = make("PULL")
    socket.close()
    with pytest.raises(zmq.ZMQError) as caught:
        socket.poll(0)
    assert caught.value.errno == zmq.ENOTSUP  # the Python layer's own answer


@pytest.mark.better
def test_POLL_4_closed_socket_among_the_items(zmq, make):
    socket = make("PULL")
    socket.close()
    with pytest.raises(zmq.ZMQError) as caught:
        zmq.zmq_poll([(socket, zmq.POLLIN)], 0)
    assert caught.value.errno == zmq.ENOTSOCK


def test_POLL_4_term_ends_a_poll(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    terminator = threading.Timer(0.05, context.term)
    terminator.start()
    with pytest.raises(zmq.ContextTerminated):
        socket.poll(5000)
    socket.close()
    terminator.join(5)


def test_POLL_4_signal_handler_that_raises_ends_a_poll(zmq, make):
    class Alarm(Exception):
        pass

    def handler(_number, _frame):
        raise Alarm

    pull = make("PULL")
    pull.bind("tcp://127.0.0.1:*")
    old = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Alarm):
            pull.poll(5000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_POLL_5_no_events_wanted(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    push.send(b"x")
    assert pull.poll(5000)
    assert zmq.zmq_poll([(pull, 0)], 0) == []


def test_POLL_5_only_wanted_events(zmq, pair, transport):
    left, right = pair("PAIR", "PAIR", transport)
    left.send(b"x")
    assert right.poll(5000, zmq.POLLIN) == zmq.POLLIN
    assert right.poll(5000, zmq.POLLOUT) == zmq.POLLOUT
    until(lambda: right.poll(10, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLIN | zmq.POLLOUT)


def test_POLL_6_same_socket_twice(zmq, pair):
    left, right = pair("PAIR", "PAIR")
    left.send(b"x")
    assert right.poll(5000)
    found = zmq.zmq_poll([(right, zmq.POLLIN), (right, zmq.POLLOUT)], 1000)
    assert found == [(right, zmq.POLLIN), (right, zmq.POLLOUT)]


def test_POLL_9_and_11_poller_bookkeeping(zmq, make):
    socket = make("PULL")
    poller = zmq.Poller()
    assert socket not in poller
    poller.register(socket, zmq.POLLIN)
    assert socket in poller and len(poller.sockets) == 1
    poller.modify(socket, zmq.POLLOUT)
    assert poller.sockets == [(socket, zmq.POLLOUT)]
    poller.register(socket, zmq.POLLIN | zmq.POLLOUT)
    assert len(poller.sockets) == 1
    poller.unregister(socket)
    assert socket not in poller
    with pytest.raises(KeyError):
        poller.unregister(socket)
    poller.register(socket, zmq.POLLIN)
    poller.register(socket, 0)
    assert socket not in poller


def test_POLL_19_many_ready_sockets(zmq, make, fresh):
    poller, pulls = zmq.Poller(), []
    for number in range(50):
        pull = make("PULL")
        pull.bind(fresh("inproc"))
        push = make("PUSH")
        push.connect(endpoint(pull))
        push.send(b"%d" % number)
        poller.register(pull, zmq.POLLIN)
        pulls.append(pull)
    seen = set()
    while len(seen) < 50:
        for pull, _events in poller.poll(5000):
            seen.add(pull.recv())
    assert poller.poll(0) == []


def test_POLL_20_descriptor_protocol(zmq, pair, transport):
    """The edge-triggered protocol: after every wake-up and every call EVENTS is read again. A level-triggered FD satisfies it too."""
    push, pull = pair("PUSH", "PULL", transport)
    descriptor = pull.getsockopt(zmq.FD)
    assert descriptor == pull.fileno()
    got = []
    for number in range(20):
        push.send(b"%d" % number)
        while True:
            if pull.getsockopt(zmq.EVENTS) & zmq.POLLIN:
                got.append(pull.recv(zmq.DONTWAIT))
                break
            readable, _, _ = select.select([descriptor], [], [], 5)
            assert readable, "the descriptor never became readable"
    assert got == [b"%d" % number for number in range(20)]


@pytest.mark.better
def test_POLL_20_descriptor_is_level_triggered(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    push.send_multipart([b"1"])
    push.send_multipart([b"2"])
    # Connection events make it readable, too: they are something to do.
    until(lambda: pull.getsockopt(zmq.EVENTS) & zmq.POLLIN)
    for wanted in (b"1", b"2"):
        for _look in range(2):
            assert select.select([pull], [], [], 5)[0]
        assert pull.recv(zmq.DONTWAIT) == wanted


def test_POLL_20_pollout_through_the_descriptor(zmq, make, fresh):
    push = make("PUSH")
    push.bind(fresh("tcp"))
    assert not push.getsockopt(zmq.EVENTS) & zmq.POLLOUT
    pull = make("PULL")
    pull.connect(endpoint(push))
    deadline = time.perf_counter() + 5
    while not push.getsockopt(zmq.EVENTS) & zmq.POLLOUT:
        assert time.perf_counter() < deadline
        select.select([push], [], [], 1)


def test_POLL_20_room_after_a_refused_send_is_told(zmq, pair, transport):
    """EVENTS without POLLOUT, then room: the descriptor must tell, also when EVENTS was read after the refusal."""
    push, pull = pair("PUSH", "PULL", transport, {"SNDHWM": 5}, {"RCVHWM": 5})
    select.select([push], [], [], 0)  # exported before
    payload = os.urandom(100_000)  # nothing that a transport could make smaller
    sent = 0
    while push.getsockopt(zmq.EVENTS) & zmq.POLLOUT:
        push.send(payload, zmq.DONTWAIT)
        sent += 1
    with pytest.raises(zmq.Again):
        while True:
            push.send(payload, zmq.DONTWAIT)
            sent += 1
    while push.getsockopt(zmq.EVENTS) & zmq.POLLOUT:
        push.send(payload, zmq.DONTWAIT)
        sent += 1
    for _ in range(sent):
        assert pull.recv() == payload
    deadline = time.perf_counter() + 5
    while True:
        assert select.select([push], [], [], 5)[0], "the descriptor never told that there is room"
        if push.getsockopt(zmq.EVENTS) & zmq.POLLOUT:
            break
        assert time.perf_counter() < deadline


@pytest.mark.better
@pytest.mark.parametrize("scheme", ["inproc", *PLAIN])
def test_POLL_20_what_is_behind_many_messages_to_be_skipped_is_told(zmq, make, fresh, scheme):
    """So many that one look does not come to the end of them."""
    pub, sub = make("XPUB", SNDHWM=0), make("SUB", RCVHWM=0)
    pub.bind(fresh(scheme))
    sub.connect(endpoint(pub))
    sub.subscribe(b"")
    pub.recv()
    for _ in range(20_000):
        pub.send(b"a")
    pub.send(b"b")
    until(lambda: sub.getsockopt(zmq.EVENTS) & zmq.POLLIN and sub.statistics().queued_in == 20_001)
    sub.subscribe(b"b")
    sub.unsubscribe(b"")
    assert sub.recv() == b"a"  # EVENTS has told of it
    while not sub.getsockopt(zmq.EVENTS) & zmq.POLLIN:
        assert select.select([sub], [], [], SECONDS)[0]
    assert sub.recv() == b"b"


def test_POLL_21_reading_events_does_the_pending_work(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    push = make("PUSH")
    push.connect(endpoint(pull))
    push.send(b"x")
    until(lambda: pull.getsockopt(zmq.EVENTS) == zmq.POLLIN)
    assert pull.recv(zmq.DONTWAIT) == b"x"


def test_select_function(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    push.send(b"x")
    assert pull.poll(5000)
    assert zmq.select([pull], [push], [], 1) == ([pull], [push], [])
