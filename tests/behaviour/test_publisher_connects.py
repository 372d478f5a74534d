"""A PUB or XPUB that connects: its pipe outlives the connections, and so do the subscriptions that came through it."""
import threading

import pytest
from awaiting import Events, bound, endpoint, silent, until
from transports import NETWORKS

each_network = pytest.mark.parametrize("transport", NETWORKS)


@pytest.fixture
def collector(zmq, make, fresh):
    """collector("SUB", where, topics) -> a bound subscriber."""

    def opened(kind, where, *topics):
        socket = make(kind)
        for topic in topics:
            if kind == "SUB":
                socket.subscribe(topic)
            else:
                socket.send(b"\1" + topic)
        until(lambda: bound(zmq, socket, where))
        return socket

    return opened


def attached(zmq, publisher, collector, body):
    """Publishes until the collector has it: the subscription is there."""

    def arrived():
        publisher.send(body)
        publisher.getsockopt(zmq.EVENTS)
        return collector.poll(5)

    until(arrived)
    while collector.poll(20):
        assert collector.recv() == body


def report(zmq, xpub, subscriber):
    """The next report of an XPUB. A bound subscriber is asked meanwhile: libzmq attaches peers inside calls."""

    def came():
        subscriber.getsockopt(zmq.EVENTS)
        return xpub.poll(5)

    until(came)
    return xpub.recv()


@each_network
@pytest.mark.parametrize("publisher", ["PUB", "XPUB"])
@pytest.mark.parametrize("subscriber", ["SUB", "XSUB"])
def test_messages_wait_for_a_subscriber_that_restarts(zmq, make, fresh, collector, publisher, subscriber, transport):
    first = make(subscriber)
    first.bind(fresh(transport))
    where = endpoint(first)
    first.close()
    first = collector(subscriber, where, b"t")
    pub = make(publisher, RECONNECT_IVL=10)
    events = Events(zmq, pub)
    pub.connect(where)
    attached(zmq, pub, first, b"t first")
    first.close()
    events.wait("DISCONNECTED")
    for number in range(100):
        pub.send(b"t %d" % number)
        pub.send(b"nobody wants this")
    second = collector(subscriber, where, b"t")
    assert [second.recv() for _ in range(100)] == [b"t %d" % number for number in range(100)]
    pub.send(b"t and on")
    assert second.recv() == b"t and on"


@each_network
def test_they_wait_up_to_the_mark(zmq, make, fresh, collector, transport):
    first = make("SUB")
    first.subscribe(b"")
    first.bind(fresh(transport))
    where = endpoint(first)
    pub = make("PUB", RECONNECT_IVL=10, SNDHWM=5)
    events = Events(zmq, pub)
    pub.connect(where)
    attached(zmq, pub, first, b"first")
    first.close()
    events.wait("DISCONNECTED")
    for number in range(50):
        pub.send(b"%d" % number)
    second = collector("SUB", where, b"")
    messages = []

    def ended():
        pub.send(b"end")  # until there is room again
        pub.getsockopt(zmq.EVENTS)
        if second.poll(5):
            messages.append(second.recv())
        return messages[-1:] == [b"end"]

    until(ended)
    del messages[-1]
    assert 3 < len(messages) <= 5  # libzmq has not had credit for the first message back yet
    assert messages == [b"%d" % number for number in range(len(messages))]


@each_network
def test_no_unsubscription_is_reported(zmq, make, fresh, collector, transport):
    """Nor the same subscription twice: a device upstream sees one subscriber that stays."""
    first = make("SUB")
    first.subscribe(b"t")
    first.bind(fresh(transport))
    where = endpoint(first)
    xpub = make("XPUB", RECONNECT_IVL=10)
    events = Events(zmq, xpub)
    xpub.connect(where)
    assert report(zmq, xpub, first) == b"\1t"
    first.close()
    events.wait("DISCONNECTED")
    second = collector("SUB", where, b"t", b"new")
    assert report(zmq, xpub, second) == b"\1new"
    second.unsubscribe(b"t")
    assert report(zmq, xpub, second) == b"\0t"
    xpub.disconnect(where)
    assert xpub.recv() == b"\0new"


@each_network
def test_manual_subscriptions_are_kept(zmq, make, fresh, collector, transport):
    first = make("SUB")
    first.subscribe(b"asked")
    first.bind(fresh(transport))
    where = endpoint(first)
    xpub = make("XPUB", RECONNECT_IVL=10, XPUB_MANUAL=1)
    events = Events(zmq, xpub)
    xpub.connect(where)
    assert report(zmq, xpub, first) == b"\1asked"
    xpub.setsockopt(zmq.SUBSCRIBE, b"asked")
    first.close()
    events.wait("DISCONNECTED")
    # The peer of the last request still is that peer.
    xpub.setsockopt(zmq.SUBSCRIBE, b"given")
    xpub.send(b"asked 1")
    xpub.send(b"given 2")
    second = collector("SUB", where, b"asked", b"given")
    assert [second.recv(), second.recv()] == [b"asked 1", b"given 2"]


@each_network
def test_immediate_keeps_nothing(zmq, make, fresh, collector, transport):
    """With IMMEDIATE a connection that is lost takes its pipe along."""
    first = make("SUB")
    first.subscribe(b"t")
    first.bind(fresh(transport))
    where = endpoint(first)
    xpub = make("XPUB", RECONNECT_IVL=10, IMMEDIATE=1)
    xpub.connect(where)
    assert report(zmq, xpub, first) == b"\1t"
    first.close()
    assert xpub.recv() == b"\0t"
    xpub.send(b"t lost")
    second = collector("SUB", where, b"t")
    assert report(zmq, xpub, second) == b"\1t"
    xpub.send(b"t seen")
    assert second.recv() == b"t seen"


@each_network
def test_a_proxy_that_connects_keeps_the_subscription_upstream(zmq, make, fresh, collector, transport):
    """publisher <- XSUB proxy XPUB -> collector: while the collector restarts, what is published waits in the proxy."""
    source = make("XPUB")
    source.bind(fresh(transport))
    first = make("SUB")
    first.subscribe(b"t")
    first.bind(fresh(transport))
    where = endpoint(first)
    upstream, downstream = make("XSUB"), make("XPUB", RECONNECT_IVL=10)
    events = Events(zmq, downstream)
    upstream.connect(endpoint(source))
    downstream.connect(where)
    left, right = make("PAIR"), make("PAIR")
    left.bind(fresh("inproc"))
    right.connect(endpoint(left))
    device = threading.Thread(target=zmq.proxy_steerable, args=(upstream, downstream, None, right))
    device.start()
    try:
        assert report(zmq, source, first) == b"\1t"
        source.send(b"t first")
        assert first.recv() == b"t first"
        first.close()
        events.wait("DISCONNECTED")
        silent(source)
        for number in range(20):
            source.send(b"t %d" % number)
        second = collector("SUB", where, b"t")
        assert [second.recv() for _ in range(20)] == [b"t %d" % number for number in range(20)]
    finally:
        left.send(b"TERMINATE")
        device.join(5)
    assert not device.is_alive()
