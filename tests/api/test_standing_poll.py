"""A Poller of many sockets, which keeps a poll set from one poll to the next: nothing but its speed is different. The tests of Poller run this
way, too (test_poll.py)."""

import gc
import os
import threading
import weakref

import pytest
from awaiting import SECONDS, endpoint, until

from zmqcore import _core

MANY = 80


@pytest.fixture
def many(zmq, context):
    """So many PULL sockets, a PUSH connected to each, and a Poller that stands."""
    pulls = [context.socket(zmq.PULL) for _ in range(MANY)]
    pushes = [context.socket(zmq.PUSH) for _ in range(MANY)]
    poller = zmq.Poller()
    for number, (pull, push) in enumerate(zip(pulls, pushes)):
        pull.bind(f"inproc://{number}" if number % 2 else "tcp://127.0.0.1:*")
        push.connect(endpoint(pull))
        push.linger = 0
        poller.register(pull, zmq.POLLIN)
    for _ in range(10):
        assert poller.poll(0) == []
    return pulls, pushes, poller


def quiet(zmq):
    """A context that a test ends, so many PULL sockets of it that nothing comes to, and a Poller of them that stands."""
    context = zmq.Context()
    sockets = [context.socket(zmq.PULL) for _ in range(MANY)]
    poller = zmq.Poller()
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    for _ in range(10):
        assert poller.poll(0) == []
    return context, sockets, poller


def test_what_is_ready_is_told_again_and_again(zmq, many):
    pulls, pushes, poller = many
    pushes[7].send(b"x")
    for _ in range(20):
        assert poller.poll(5000) == [(pulls[7], zmq.POLLIN)]


def test_all_that_is_ready_in_the_order_of_registering(zmq, many):
    pulls, pushes, poller = many
    for push in reversed(pushes):
        push.send(b"x")
    until(lambda: len(poller.poll(5000)) == MANY)
    assert poller.poll() == [(pull, zmq.POLLIN) for pull in pulls]


def test_ready_until_all_is_received(zmq, many):
    pulls, pushes, poller = many
    for n in range(3):
        pushes[4].send(b"%d" % n)
        pushes[5].send(b"%d" % n)
    for n in range(3):
        for place in (4, 5):
            until(lambda: (pulls[place], zmq.POLLIN) in poller.poll(5000))  # noqa: B023
            assert pulls[place].recv() == b"%d" % n
    assert poller.poll(0) == []


def test_ready_after_its_own_turn(zmq, many, context):
    """A REP that owes a reply has nothing to receive. What came meanwhile shows when it has replied, though nothing arrives then."""
    pulls, _, poller = many
    rep, one, two = context.socket(zmq.REP), context.socket(zmq.REQ), context.socket(zmq.REQ)
    rep.bind("tcp://127.0.0.1:*")
    for req in (one, two):
        req.linger = 0
        req.connect(endpoint(rep))
        req.send(b"ask")
    poller.register(rep, zmq.POLLIN)
    for _ in range(10):
        assert poller.poll(5000) == [(rep, zmq.POLLIN)]
    until(lambda: rep.statistics().queued_in == 2)
    rep.recv()
    assert poller.poll(0) == []
    rep.send(b"answer")
    assert poller.poll(5000) == [(rep, zmq.POLLIN)]


def test_a_socket_in_two_pollers(zmq, many):
    pulls, pushes, poller = many
    other = zmq.Poller()
    for pull in pulls[5:]:
        other.register(pull, zmq.POLLIN)
    for _ in range(10):
        assert other.poll(0) == []
    pushes[6].send(b"x")
    assert poller.poll(5000) == other.poll(5000) == [(pulls[6], zmq.POLLIN)]
    pulls[6].recv()
    assert poller.poll(0) == other.poll(0) == []


def test_members_that_come_and_go(zmq, many, context):
    pulls, pushes, poller = many
    pushes[3].send(b"x")
    poller.unregister(pulls[3])
    assert poller.poll(0) == []
    late = context.socket(zmq.PULL)
    late.bind("inproc://late")
    poller.register(late, zmq.POLLIN)
    with context.socket(zmq.PUSH) as push:
        push.connect("inproc://late")
        push.send(b"x")
        for _ in range(10):
            assert poller.poll(5000) == [(late, zmq.POLLIN)]
        poller.register(pulls[3], zmq.POLLIN)
        for _ in range(10):
            assert poller.poll(5000) == [(late, zmq.POLLIN), (pulls[3], zmq.POLLIN)]


def test_a_closed_member(zmq, many):
    pulls, pushes, poller = many
    pulls[9].close()
    for _ in range(2):
        with pytest.raises(zmq.ZMQError) as raised:
            poller.poll(0)
        assert raised.value.errno == zmq.ENOTSOCK
    poller.unregister(pulls[9])
    pushes[10].send(b"x")
    for _ in range(10):
        assert poller.poll(5000) == [(pulls[10], zmq.POLLIN)]


@pytest.mark.parametrize("how", ["close", "destroy"])
def test_a_member_closed_by_another_thread(zmq, how):
    """A poll that sleeps for good by then: the first moments of one are shorter sleeps."""
    context, sockets, poller = quiet(zmq)
    raised = []

    def wait():
        with pytest.raises(zmq.ZMQError) as error:
            poller.poll()
        raised.append(error.value.errno)

    sleeper = threading.Thread(target=wait, daemon=True)
    sleeper.start()
    sleeper.join(0.25)
    (sockets[9].close if how == "close" else context.destroy)()
    sleeper.join(SECONDS)
    assert raised in ([zmq.ENOTSOCK], [zmq.ETERM])
    context.destroy()


def test_a_member_closed_by_way_of_another_object(zmq, many, context):
    pulls, _, poller = many
    shadow = zmq.Socket.shadow(pulls[9])
    poller.unregister(pulls[9])
    poller.register(shadow, zmq.POLLIN)
    for _ in range(10):
        assert poller.poll(0) == []
    pulls[9].close()
    with pytest.raises(zmq.ZMQError) as raised:
        poller.poll(0)
    assert raised.value.errno == zmq.ENOTSOCK


def test_a_former_member_is_let_go(zmq, many):
    pulls, pushes, poller = many
    pushes[9].close()
    former = weakref.ref(pulls[9])
    poller.unregister(pulls.pop(9))
    gc.collect()
    assert former() is None


def test_room_to_send_and_descriptors_beside(zmq, many, context):
    pulls, pushes, poller = many
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    reader, writer = os.pipe()
    poller.register(dealer, zmq.POLLIN | zmq.POLLOUT)
    poller.register(reader, zmq.POLLIN)
    for _ in range(10):
        assert poller.poll(0) == []
    with context.socket(zmq.DEALER) as peer:
        peer.bind("inproc://room")
        dealer.connect("inproc://room")
        assert poller.poll(5000) == [(dealer, zmq.POLLOUT)]
        os.write(writer, b"x")
        assert poller.poll(5000) == [(dealer, zmq.POLLOUT), (reader, zmq.POLLIN)]
        peer.send(b"x")
        assert poller.poll(5000) == [(dealer, zmq.POLLIN | zmq.POLLOUT), (reader, zmq.POLLIN)]
    os.close(writer)
    os.close(reader)


def test_news_end_a_wait(zmq, many):
    pulls, pushes, poller = many
    for place in (20, 21):
        sender = threading.Timer(0.02, pushes[place].send, [b"x"])
        sender.start()
        assert poller.poll() == [(pulls[place], zmq.POLLIN)]
        sender.join()
        pulls[place].recv()
    assert poller.poll(20) == []


def test_two_threads_poll(zmq, many):
    """The second one goes the long way."""
    pulls, pushes, poller = many
    found = []
    threads = [threading.Thread(target=lambda: found.append(poller.poll())) for _ in range(2)]
    for thread in threads:
        thread.start()
    pushes[30].send(b"x")
    for thread in threads:
        thread.join()
    assert found == [[(pulls[30], zmq.POLLIN)]] * 2


def test_the_end_of_the_context_ends_a_wait(zmq):
    context, sockets, poller = quiet(zmq)
    ending = threading.Timer(0.02, context.term)
    ending.start()
    with pytest.raises(zmq.ContextTerminated):
        poller.poll()
    for socket in sockets:
        socket.close()
    ending.join()


def test_what_it_is_not_for(zmq, context):
    """Members that do not wait for input, and one twice."""
    sockets = [context.socket(zmq.PUB) for _ in range(3)]
    for items in ([(socket, zmq.POLLOUT) for socket in sockets], [(sockets[0], zmq.POLLIN)] * 2, [(sockets[0], zmq.POLLIN), (sockets[1], zmq.POLLOUT)]):
        standing = _core.StandingPoll(0)
        for _ in range(3):
            assert standing.poll(items, 0) == zmq.zmq_poll(items, 0)
