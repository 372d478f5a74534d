"""What a SUB asks for beyond prefixes: exact topics, exclusions, several at once. Publishers are any: here pyzmq's and raw peers, too."""

import asyncio
import importlib

import pytest
from awaiting import endpoint
from platforms import errno

pytestmark = pytest.mark.better  # of zmqcore's own

TOPICS = [b"", b"a", b"ab", b"abc", b"b", b"ba", b"\xff", b"end"]


@pytest.fixture
def ends(zmq, make, fresh, transport):
    """ends(*calls) -> a PUB and a SUB that has made these calls and `end`; the PUB knows it."""
    def ends(*calls, **options):
        pub, sub = make("PUB"), make("SUB", **options)
        for name, *topics in calls:
            getattr(sub, name)(*topics)
        sub.subscribe("end")
        pub.bind(fresh(transport))
        sub.connect(endpoint(pub))
        pub.wait_for_subscribers(1, "end", timeout=15000)
        return pub, sub

    return ends


def received(pub, sub):
    """Which of TOPICS get through."""
    for topic in TOPICS:
        pub.send_multipart([topic, b"body"])
    found = []
    while not found or found[-1] != b"end":
        found.append(sub.recv_multipart()[0])
    return found[:-1]


CASES = {
    "exact": ([("subscribe_exact", "a", b"b")], [b"a", b"b"]),
    "exact and longer": ([("subscribe_exact", "a", "abc")], [b"a", b"abc"]),
    "exactly nothing": ([("subscribe_exact", "")], [b""]),
    "exact and a prefix": ([("subscribe_exact", "a"), ("subscribe", "ab")], [b"a", b"ab", b"abc"]),
    "exact, also as a prefix": ([("subscribe_exact", "a"), ("subscribe", "a")], [b"a", b"ab", b"abc"]),
    "not as a prefix any more": ([("subscribe_exact", "a"), ("subscribe", "a"), ("unsubscribe", "a")], [b"a"]),
    "not exactly any more": ([("subscribe_exact", "a"), ("subscribe", "a"), ("unsubscribe_exact", "a")], [b"a", b"ab", b"abc"]),
    "the other call leaves it alone": ([("subscribe_exact", "a"), ("unsubscribe", "a")], [b"a"]),
    "nor is a prefix taken back": ([("subscribe", "a"), ("unsubscribe_exact", "a")], [b"a", b"ab", b"abc"]),
    "counted": ([("subscribe_exact", "a", "a"), ("unsubscribe_exact", "a")], [b"a"]),
    "counted to the end": ([("subscribe_exact", "a", "a"), ("unsubscribe_exact", "a", "a", "a")], []),
    "excluded": ([("subscribe", ""), ("exclude", "ab", b"\xff")], [b"", b"a", b"b", b"ba"]),
    "excluded twice": ([("subscribe", ""), ("exclude", "ab", "ab"), ("include", "ab")], [b"", b"a", b"b", b"ba", b"\xff"]),
    "included again": ([("subscribe", "a"), ("exclude", "ab"), ("include", "ab", "ab")], [b"a", b"ab", b"abc"]),
    "excluded exactly": ([("subscribe_exact", "ab"), ("exclude", "a")], []),
    "several prefixes": ([("subscribe_all", "ab", b"b")], [b"ab", b"abc", b"b", b"ba"]),
    "nothing to take back": ([("include", "a"), ("unsubscribe_exact", "a"), ("subscribe", "a")], [b"a", b"ab", b"abc"]),
}


@pytest.mark.parametrize("name", CASES)
def test_TOPIC_1_to_3_what_gets_through(ends, name):
    calls, expected = CASES[name]
    assert received(*ends(*calls)) == expected


def test_TOPIC_1_changes_while_connected(ends):
    pub, sub = ends(("subscribe", ""))
    sub.exclude("a")
    assert received(pub, sub) == [b"", b"b", b"ba", b"\xff"]
    sub.include("a")
    sub.exclude("b")
    assert received(pub, sub) == [b"", b"a", b"ab", b"abc", b"\xff"]


def test_TOPIC_1_what_is_dropped_is_counted_and_wakes_nobody(ends):
    pub, sub = ends(("subscribe_exact", "a"), ("exclude", "x"), ("subscribe", "x"))
    for topic in (b"ab", b"x", b"ab"):
        pub.send(topic)
    pub.send(b"end")
    assert sub.recv() == b"end"
    assert sub.statistics().dropped.filtered == 3
    assert not sub.poll(0)


def test_TOPIC_3_inverted(zmq, make, fresh):
    pub, sub = make("PUB", INVERT_MATCHING=1), make("SUB", INVERT_MATCHING=1)
    sub.subscribe_exact("a")
    sub.exclude("b")
    pub.bind(fresh("inproc"))
    sub.connect(endpoint(pub))
    sub.poll(0)
    for topic in (b"a", b"ab", b"b", b"c"):
        pub.send(topic)
    # An inverting PUB takes the subscription for a prefix.
    assert sub.recv() == b"c"


def test_TOPIC_4_on_the_wire_they_are_prefixes(zmq, make, fresh):
    xpub, sub = make("XPUB"), make("SUB")
    xpub.bind(fresh("tcp"))
    sub.subscribe_exact("a", "a")
    sub.exclude("ab")
    sub.connect(endpoint(xpub))
    assert xpub.recv() == b"\1a"
    sub.subscribe("a")
    sub.unsubscribe_exact("a", "a")
    sub.unsubscribe("a")
    assert xpub.recv() == b"\0a"
    assert sub.topics_count == 0


def test_TOPIC_4_libzmq_publishes(zmq, make):
    pyzmq = importlib.import_module("zmq")
    with pyzmq.Context() as context, context.socket(pyzmq.XPUB) as xpub:
        xpub.linger = 0
        xpub.rcvtimeo = 15000
        xpub.bind("tcp://127.0.0.1:*")
        sub = make("SUB")
        sub.subscribe_exact("a")
        sub.subscribe("b")
        sub.exclude("bad")
        sub.connect(xpub.last_endpoint)
        assert {xpub.recv(), xpub.recv()} == {b"\1a", b"\1b"}
        for topic in (b"ab", b"bad", b"a", b"b", b"badly", b"bc"):
            xpub.send(topic)
        assert [sub.recv() for _ in range(3)] == [b"a", b"b", b"bc"]


def test_TOPIC_1_tasks(submodule):
    async def main():
        aio = submodule("asyncio")
        with aio.Context() as context, context.socket(2) as sub, context.socket(1) as pub:
            sub.subscribe_exact("a")
            sub.connect(pub.bind("inproc://topics").addr)
            waiting = asyncio.ensure_future(sub.recv())
            await pub.wait_for_subscribers(1, "a", timeout=15000)
            await pub.send(b"ab")
            await pub.send(b"a")
            return await asyncio.wait_for(waiting, 15)

    assert asyncio.run(main()) == b"a"


@pytest.mark.parametrize("kind", ["XSUB", "XPUB", "PULL", "DISH"])
@pytest.mark.parametrize("call", ["subscribe_exact", "unsubscribe_exact", "exclude", "include"])
def test_TOPIC_1_other_types_have_none(zmq, make, kind, call):
    with pytest.raises(zmq.ZMQError) as caught:
        getattr(make(kind), call)("a")
    assert caught.value.errno == errno.EINVAL


def test_TOPIC_1_all_or_none(zmq, make):
    sub = make("SUB")
    for call in (sub.subscribe_all, sub.subscribe_exact, sub.exclude):
        with pytest.raises(TypeError, match="a topic is str or bytes"):
            call("a", 3)
    assert sub.topics_count == 0


def test_TOPIC_7_answers_are_for_one(zmq, make, fresh):
    """XPUB_ANSWER: as XPUB_MANUAL_LAST_VALUE, for as many messages as the application likes."""
    xpub = make("XPUB")
    with pytest.raises(zmq.ZMQError) as caught:
        xpub.xpub_answer = 1
    assert caught.value.errno == errno.EINVAL
    xpub.xpub_manual = 1
    xpub.bind(fresh("inproc"))
    first, second = make("SUB"), make("SUB")
    for sub in (first, second):
        sub.subscribe("a")
        sub.connect(endpoint(xpub))
        assert xpub.recv() == b"\1a"
        xpub.subscribe("a")
    xpub.xpub_answer = 1
    for message in (b"a1", b"b", b"a2"):
        xpub.send(message)
    xpub.xpub_answer = 0
    xpub.send(b"a3")
    assert [second.recv() for _ in range(3)] == [b"a1", b"a2", b"a3"]
    assert first.recv() == b"a3"
    second.close()
    assert xpub.recv() == b"\0a"
    xpub.xpub_answer = 1
    xpub.send(b"a4")
    xpub.xpub_answer = 0
    xpub.send(b"a5")
    assert first.recv() == b"a5"


def test_TOPIC_7_answers_are_for_one_with_INVERT_MATCHING_too(make, fresh):
    xpub = make("XPUB", XPUB_MANUAL=1, INVERT_MATCHING=1)
    xpub.bind(fresh("inproc"))
    first, second = make("SUB", INVERT_MATCHING=1), make("SUB", INVERT_MATCHING=1)
    for sub in (first, second):
        sub.subscribe("a")
        sub.connect(endpoint(xpub))
        assert xpub.recv() == b"\1a"
        xpub.subscribe("a")
    xpub.xpub_answer = 1
    xpub.send(b"a1")
    xpub.send(b"b1")
    xpub.xpub_answer = 0
    xpub.send(b"b2")
    assert [second.recv(), second.recv()] == [b"b1", b"b2"]
    assert first.recv() == b"b2"
