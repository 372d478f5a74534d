"""Poller, select and zmq_poll."""

import os
import socket as plain
import subprocess
import sys
import threading
import time

import pytest
from channels import Channel, silent_descriptors

WINDOWS = sys.platform == "win32"


@pytest.fixture(params=["zmq_poll", "standing"], autouse=True)
def way(request, zmq, monkeypatch):
    """A Poller of many members keeps a poll set from one poll to the next; here it does so with one member and from the first poll on."""
    if request.param == "standing":
        if zmq.__name__ != "zmqcore":
            pytest.skip("zmqcore's own")
        monkeypatch.setattr("zmqcore.poll.STANDING_MEMBERS", 1)
        monkeypatch.setattr("zmqcore.poll.STANDING_POLLS", 0)
    return request.param


@pytest.fixture
def channel():
    with Channel() as made:
        yield made


def test_registrations(zmq, peers):
    one, two = peers
    poller = zmq.Poller()
    assert one not in poller
    poller.register(one)
    assert one in poller and two not in poller
    assert poller.sockets == [(one, zmq.POLLIN | zmq.POLLOUT)]
    poller.register(two, zmq.POLLIN)
    poller.modify(one, zmq.POLLOUT)
    assert poller.sockets == [(one, zmq.POLLOUT), (two, zmq.POLLIN)]
    poller.register(one, 0)
    assert poller.sockets == [(two, zmq.POLLIN)]
    poller.register(one, 0)
    poller.register(one, zmq.POLLIN)
    assert poller.sockets == [(two, zmq.POLLIN), (one, zmq.POLLIN)]
    poller.unregister(two)
    assert poller.sockets == [(one, zmq.POLLIN)] and two not in poller
    with pytest.raises(KeyError):
        poller.unregister(two)
    poller.modify(two, zmq.POLLIN)
    assert two in poller


def test_unregister_keeps_the_others_in_place(zmq, context):
    sockets = [context.socket(zmq.PULL) for _ in range(5)]
    poller = zmq.Poller()
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    poller.unregister(sockets[1])
    poller.unregister(sockets[3])
    for socket in (sockets[0], sockets[2], sockets[4]):
        poller.modify(socket, zmq.POLLOUT)
    assert poller.sockets == [(socket, zmq.POLLOUT) for socket in sockets[::2]]


def test_events(zmq, peers):
    one, two = peers
    poller = zmq.Poller()
    poller.register(one, zmq.POLLIN | zmq.POLLOUT)
    poller.register(two, zmq.POLLIN)
    assert dict(poller.poll(0)) == {one: zmq.POLLOUT}
    one.send(b"x")
    poller.modify(one, zmq.POLLIN)
    assert poller.poll(5000) == [(two, zmq.POLLIN)]
    assert type(poller.poll(0)[0][1]) is int
    poller.register(two, zmq.POLLIN | zmq.POLLOUT)
    assert poller.poll() == poller.poll(None) == poller.poll(-1) == [(two, zmq.POLLIN | zmq.POLLOUT)]
    two.recv()
    poller.register(two, zmq.POLLIN)
    assert poller.poll(0) == []


def test_timeout_in_milliseconds(zmq, context):
    poller = zmq.Poller()
    poller.register(context.socket(zmq.PULL), zmq.POLLIN)
    for timeout in (100, 100.0):
        began = time.perf_counter()
        assert poller.poll(timeout) == []
        assert 0.09 < time.perf_counter() - began < 5
    with pytest.raises(TypeError):
        poller.poll("soon")


@pytest.mark.better
def test_nothing_registered(zmq):
    poller = zmq.Poller()
    assert poller.poll(0) == []
    began = time.perf_counter()
    assert poller.poll(50) == []
    assert time.perf_counter() - began > 0.04


def test_nothing_to_wait_for_is_not_waited_for(zmq, context):
    poller = zmq.Poller()
    poller.register(context.socket(zmq.PULL), 0)
    for timeout in ((), (None,), (-1,)):
        assert poller.poll(*timeout) == []
    assert zmq.zmq_poll([]) == zmq.zmq_poll([], -1) == []
    assert zmq.select([], [], []) == ([], [], [])


def test_wakes_from_another_thread(zmq, peers):
    one, two = peers
    poller = zmq.Poller()
    poller.register(two, zmq.POLLIN)
    sender = threading.Timer(0.05, one.send, [b"x"])
    sender.start()
    assert poller.poll(10000) == [(two, zmq.POLLIN)]
    sender.join()


def test_descriptors(zmq, peers, channel):
    one, two = peers
    reader, writer = channel.reader, channel.writer
    poller = zmq.Poller()
    poller.register(reader, zmq.POLLIN)
    poller.register(writer, zmq.POLLOUT)
    poller.register(two, zmq.POLLIN)
    assert poller.poll(0) == [(writer, zmq.POLLOUT)]
    poller.unregister(writer)
    assert poller.poll(0) == []
    channel.write(b"x")
    assert poller.poll(5000) == [(reader, zmq.POLLIN)]
    one.send(b"x")
    assert two.poll(5000)
    assert dict(poller.poll(5000)) == {reader: zmq.POLLIN, two: zmq.POLLIN}


def test_more_than_select_takes(zmq, context, channel):
    poller = zmq.Poller()
    pulls = [context.socket(zmq.PULL) for _ in range(70)]
    with silent_descriptors() as silent:
        for one in (*silent, *pulls, channel.reader):
            poller.register(one, zmq.POLLIN)
        assert poller.poll(0) == []
        channel.write(b"x")
        assert poller.poll(5000) == [(channel.reader, zmq.POLLIN)]
        push = context.socket(zmq.PUSH)
        pulls[-1].bind("inproc://last")
        push.connect("inproc://last")
        push.send(b"x")
        assert pulls[-1].poll(5000)
        assert dict(poller.poll(5000)) == {channel.reader: zmq.POLLIN, pulls[-1]: zmq.POLLIN}


def test_objects_with_a_descriptor(zmq):
    left, right = plain.socketpair()
    with left, right:
        poller = zmq.Poller()
        poller.register(left, zmq.POLLIN)
        assert poller.poll(0) == []
        right.send(b"x")
        assert poller.poll(5000) == [(left.fileno(), zmq.POLLIN)]


def test_things_that_cannot_be_polled(zmq):
    poller = zmq.Poller()
    poller.register(object(), zmq.POLLIN)
    with pytest.raises(TypeError):
        poller.poll(0)
    with pytest.raises(TypeError):
        zmq.zmq_poll([("text", zmq.POLLIN)], 0)


@pytest.mark.better
def test_closed_socket_cannot_be_polled(zmq, context):
    socket = context.socket(zmq.PULL)
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    socket.close()
    with pytest.raises(zmq.ZMQError) as caught:
        poller.poll(0)
    assert caught.value.errno == zmq.ENOTSOCK


def test_zmq_poll(zmq, peers):
    one, two = peers
    assert zmq.zmq_poll([], 0) == []
    assert zmq.zmq_poll([(one, 0)], 0) == []
    assert zmq.zmq_poll([(one, zmq.POLLOUT), (two, zmq.POLLIN)], 0) == [(one, zmq.POLLOUT)]


def test_termination_ends_a_poll(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    thread = threading.Timer(0.05, context.term)
    thread.start()
    with pytest.raises(zmq.ContextTerminated):
        # libzmq may report the socket as readable first; the next call then finds the end.
        while True:
            poller.poll()
            socket.recv(zmq.DONTWAIT)
    socket.close()
    thread.join()


def test_select(zmq, peers, channel):
    one, two = peers
    reader = channel.reader
    assert zmq.select([two], [two], [two], 0) == ([], [two], [])
    one.send(b"x")
    channel.write(b"x")
    assert two.poll(5000)
    readable, writable, failed = zmq.select([two, reader], [one], [], timeout=5)
    assert set(readable) == {two, reader} and (writable, failed) == ([one], [])
    assert zmq.select([two, two], [two], []) == ([two], [two], [])
    assert zmq.select([two], [], [], -1) == ([two], [], [])
    two.recv()
    began = time.perf_counter()
    assert zmq.select([two], [], [], 0.1) == ([], [], [])
    assert time.perf_counter() - began > 0.09


# -- descriptors


def hung_up(kind):
    """A descriptor whose other end is gone, and what to close afterwards."""
    if kind == "pipe to read":
        reader, writer = os.pipe()
        os.close(writer)
        return reader, lambda: os.close(reader)
    if kind == "pipe to write":
        reader, writer = os.pipe()
        os.close(reader)
        return writer, lambda: os.close(writer)
    one, two = plain.socketpair()
    two.close()
    return one, one.close


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a socket"])
@pytest.mark.parametrize("flags", ["POLLIN", "POLLOUT", "POLLERR", "POLLPRI"])
@pytest.mark.parametrize("kind", ["socket"] if WINDOWS else ["pipe to read", "pipe to write", "socket"])
def test_hang_up_is_told(zmq, context, kind, flags, beside):
    item, close = hung_up(kind)
    poller = zmq.Poller()
    if beside:
        silent = context.socket(zmq.PULL)
        silent.bind("tcp://127.0.0.1:*")
        poller.register(silent, zmq.POLLIN)
    poller.register(item, getattr(zmq, flags))
    cpu = time.process_time()
    events = dict(poller.poll(5000))
    assert time.process_time() - cpu < 1
    fd = item if isinstance(item, int) else item.fileno()
    assert events[fd] & zmq.POLLERR
    if kind == "pipe to read":
        assert events[fd] == zmq.POLLERR  # there is nothing to read
    close()


@pytest.mark.skipif(WINDOWS, reason="WSAPoll() takes sockets only")
def test_descriptors_of_all_kinds(zmq, tmp_path):
    reader, writer = os.pipe()
    with open(tmp_path / "file", "wb+") as file, open(os.devnull, "rb") as null:
        poller = zmq.Poller()
        for item in (reader, writer, file, null):
            poller.register(item, zmq.POLLIN | zmq.POLLOUT)
        events = dict(poller.poll(5000))
        both = zmq.POLLIN | zmq.POLLOUT
        assert events == {writer: zmq.POLLOUT, file.fileno(): both, null.fileno(): both}
        os.write(writer, b"x")
        assert dict(poller.poll(5000))[reader] == zmq.POLLIN
    os.close(writer)
    assert dict(zmq.zmq_poll([(reader, zmq.POLLIN)], 5000))[reader] == zmq.POLLIN | zmq.POLLERR
    os.read(reader, 1)
    assert dict(zmq.zmq_poll([(reader, zmq.POLLIN)], 5000))[reader] == zmq.POLLERR
    os.close(reader)


@pytest.mark.skipif(WINDOWS, reason="WSAPoll() does not tell it from what is no socket")
def test_closed_descriptor(zmq):
    with Channel() as closed:
        pass
    assert zmq.zmq_poll([(closed.reader, zmq.POLLIN)], 5000) == [(closed.reader, zmq.POLLERR)]


@pytest.mark.skipif(not WINDOWS, reason="poll() takes descriptors of all kinds")
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a socket"])
@pytest.mark.parametrize("kind", ["pipe", "closed socket"])
def test_what_is_no_socket(zmq, channel, kind, beside):
    """The poll fails, and not only if nothing else is in it."""
    with Channel() as closed:
        pass
    reader, writer = os.pipe()
    items = [(reader if kind == "pipe" else closed.reader, zmq.POLLIN)]
    if beside:
        items.append((channel.reader, zmq.POLLIN))
    with pytest.raises(zmq.ZMQError) as caught:
        zmq.zmq_poll(items, 5000)
    assert caught.value.errno == zmq.ENOTSOCK
    os.close(reader)
    os.close(writer)


@pytest.mark.better  # pyzmq's sockets compare as None once they are closed, and nothing is polled
def test_closed_members(zmq, context):
    for flags in (zmq.POLLIN, zmq.POLLOUT, zmq.POLLERR):
        closed, other = context.socket(zmq.PULL), context.socket(zmq.PULL)
        poller = zmq.Poller()
        poller.register(other, zmq.POLLIN)
        poller.register(closed, flags)
        closed.close()
        for timeout in (0, 100, -1):
            with pytest.raises(zmq.ZMQError) as caught:
                poller.poll(timeout)
            assert caught.value.errno == zmq.ENOTSOCK


def test_order_of_results(zmq, context, channel):
    """As they were registered."""
    one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://order")
    two.connect("inproc://order")
    items = [(channel.writer, zmq.POLLOUT), (one, zmq.POLLOUT), (channel.reader, zmq.POLLIN), (two, zmq.POLLOUT)]
    assert zmq.zmq_poll(items, 5000) == [items[0], items[1], items[3]]


def test_poller_of_a_class_is_asked(zmq, context):
    asked = []

    class Noting(zmq.Poller):
        def poll(self, timeout=None):
            asked.append(timeout)
            return super().poll(timeout)

    class Own(zmq.Socket):
        _poller_class = Noting

    with context.socket(zmq.PUSH, socket_class=Own) as own:
        own.bind("inproc://own")
        assert own.poll(1) == 0 and own.poll(0, zmq.POLLOUT) == 0
    assert asked == [1, 0]


@pytest.mark.parametrize("flags", ["a", "1", b"1", [1]], ids=repr)
def test_flags_of_a_wrong_type(zmq, context, flags):
    socket = context.socket(zmq.PULL)
    poller = zmq.Poller()
    poller.register(socket, flags)
    for call in (lambda: poller.poll(0), lambda: zmq.zmq_poll([(socket, flags)], 0), lambda: socket.poll(0, flags)):
        with pytest.raises(TypeError):
            call()


def test_flags_that_do_not_fit(zmq, context):
    socket = context.socket(zmq.PULL)
    for call in (lambda: zmq.zmq_poll([(socket, 1 << 70)], 0), lambda: socket.poll(0, 1 << 70)):
        with pytest.raises(OverflowError):
            call()


@pytest.mark.better
def test_select_takes_lists(zmq, make):
    """A socket can be iterated over: it would be received from for ever."""
    with pytest.raises(TypeError, match="lists of sockets"):
        zmq.select(make("PULL"), [], [], 0)


TWO_POLLERS = """
import os, threading, time, zmqcore as zmq

os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
with zmq.Context() as context, context.socket(zmq.PULL) as socket:
    socket.reconnect_ivl = 1  # each try wakes both
    socket.connect("ipc://@nobody-listens-here")
    used = time.process_time()
    threads = [threading.Thread(target=zmq.zmq_poll, args=([(socket, zmq.POLLIN)], 1000)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(time.process_time() - used)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs sched_setaffinity")
def test_pollers_on_one_processor_let_each_other_run(zmq, way):
    if zmq.__name__ != "zmqcore":
        pytest.skip("measures the process, which imports zmqcore")
    if way == "standing":
        pytest.skip("a process of its own, once")
    used = float(subprocess.check_output([sys.executable, "-c", TWO_POLLERS], text=True))
    assert used < 0.25, "a poller looked again and again, and kept the other one from its processor"
