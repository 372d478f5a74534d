"""The last value of each topic for those who come late."""

import asyncio
import threading

import pytest
from awaiting import endpoint, until

pytestmark = pytest.mark.better


@pytest.fixture
def publisher(submodule, context):
    made = []

    def publisher(**bounds):
        made.append(submodule("last_values").LastValuePublisher(context, **bounds))
        made[-1].socket.bind("tcp://127.0.0.1:*")
        return made[-1]

    yield publisher
    for one in made:
        one.close()


def subscriber(make, publishing, *topics):
    sub = make("SUB", RCVHWM=0)
    for topic in topics:
        sub.subscribe(topic)
    sub.connect(endpoint(publishing.socket))
    return sub


def test_TOPIC_5_late_subscribers_get_the_last_value(make, publisher):
    publishing = publisher()
    for number in range(3):
        publishing.publish([b"a.1", b"%d" % number])
        publishing.publish([b"a.2", b"%d" % number, b"more"])
        publishing.publish(b"b")
    first = subscriber(make, publishing, "a.")
    assert [first.recv_multipart() for _ in range(2)] == [[b"a.1", b"2"], [b"a.2", b"2", b"more"]]
    second = subscriber(make, publishing, "a.2", "b")
    assert sorted(second.recv_multipart() for _ in range(2)) == [[b"a.2", b"2", b"more"], [b"b"]]
    publishing.publish([b"a.2", b"3"])
    # Nobody but the newcomer was told again.
    assert first.recv_multipart() == second.recv_multipart() == [b"a.2", b"3"]
    second.unsubscribe("b")
    first.subscribe("b")
    assert first.recv_multipart() == [b"b"]
    publishing.publish(b"b")
    publishing.publish([b"a.2", b"4"])
    assert (first.recv(), first.recv_multipart()) == (b"b", [b"a.2", b"4"])


def test_TOPIC_5_a_limit_of_time_ends_nothing(zmq, context, make, publisher):
    """RCVTIMEO is often given to a context, for all of its sockets."""
    context.rcvtimeo = 1
    publishing = publisher()
    context.rcvtimeo = -1
    until(lambda: publishing.socket.get(zmq.RCVTIMEO) == -1)
    publishing.publish([b"a", b"1"])
    assert subscriber(make, publishing, "a").recv_multipart() == [b"a", b"1"]


def test_TOPIC_5_asynchronous_ones_have_no_limit_of_time_either(zmq, submodule):
    async def a_wait_has_ended(socket):
        while socket.get(zmq.RCVTIMEO) != -1:
            await asyncio.sleep(0)

    async def main():
        with submodule("asyncio").Context() as context:
            context.rcvtimeo = 1
            async with submodule("last_values").AsyncLastValuePublisher(context) as publishing:
                context.rcvtimeo = -1
                bound = publishing.socket.bind("tcp://127.0.0.1:*")
                await asyncio.wait_for(a_wait_has_ended(publishing.socket), 15)
                publishing.publish([b"a", b"1"])
                with context.socket(zmq.SUB) as sub:
                    sub.subscribe(b"a")
                    sub.connect(bound.addr)
                    assert await asyncio.wait_for(sub.recv_multipart(), 15) == [b"a", b"1"]

    asyncio.run(main())


def test_TOPIC_5_an_unsubscription_ends_what_is_sent(make, publisher):
    publishing = publisher()
    sub = subscriber(make, publishing, "a", "end")
    publishing.socket.wait_for_subscribers(1, "a", timeout=15000)
    publishing.socket.wait_for_subscribers(1, "end", timeout=15000)
    sub.unsubscribe("a")
    until(lambda: publishing.socket.topics_count == 1)
    publishing.publish(b"a")
    sub.subscribe("a")
    assert sub.recv() == b"a"  # by its new subscription
    publishing.publish(b"end")
    assert sub.recv() == b"end"


def test_TOPIC_5_nothing_twice_and_nothing_old_after_new(make, publisher):
    """While values are published all the time, each newcomer gets numbers that go up by one from where it came in."""
    publishing = publisher()
    over = threading.Event()

    def publish():
        number = 0
        while not over.is_set():
            publishing.publish([b"n", b"%d" % number])
            number += 1
            over.wait(0.0005)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for _ in range(10):
            sub = subscriber(make, publishing, "n")
            numbers = [int(sub.recv_multipart()[1]) for _ in range(20)]
            assert numbers == list(range(numbers[0], numbers[0] + 20))
            sub.close()
    finally:
        over.set()
        thread.join()


def test_TOPIC_5_all_that_is_kept_finds_room(make, publisher):
    publishing = publisher(topics_max=5000)
    for number in range(5001):
        publishing.publish([b"%05d" % number, b"x"])
    assert (len(publishing.values), publishing.values.evicted) == (5000, 1)
    sub = subscriber(make, publishing, "")
    assert [sub.recv_multipart()[0] for _ in range(5000)] == [b"%05d" % number for number in range(1, 5001)]


def test_TOPIC_5_tasks_publish(submodule):
    async def main():
        aio = submodule("asyncio")
        with aio.Context() as context, context.socket(2) as sub:
            async with submodule("last_values").AsyncLastValuePublisher(context) as publishing:
                publishing.publish([b"a", b"1"])
                sub.subscribe("a")
                sub.connect(publishing.socket.bind("tcp://127.0.0.1:*").addr)
                first = await asyncio.wait_for(sub.recv_multipart(), 15)
                publishing.publish([b"a", b"2"])
                return first, await asyncio.wait_for(sub.recv_multipart(), 15)

    assert asyncio.run(main()) == ([b"a", b"1"], [b"a", b"2"])


def test_TOPIC_6_what_is_kept_is_bounded(submodule):
    values = submodule("last_values").LastValues(lifetime=1000, topics_max=3, bytes_max=20)
    for number, topic in enumerate((b"a", b"ab", b"b")):
        values.keep([topic, b"%d" % number], now=number)
        assert [frames[0] for frames in values.matching(b"", now=number)] == [topic]  # those before are too old
    for topic in (b"a", b"ab", b"b", b"c"):
        values.keep([topic, b"x"], now=5)
    assert [frames[0] for frames in values.matching(b"", now=5)] == [b"ab", b"b", b"c"]
    assert [frames[0] for frames in values.matching(b"a", now=5.9)] == [b"ab"]
    assert (len(values), values.bytes, values.evicted) == (3, 7, 1)
    values.keep([b"ab", b"y" * 14], now=5.5)
    assert [frames[0] for frames in values.matching(b"", now=5.5)] == [b"ab", b"b", b"c"]
    values.keep([b"c", b"z"], now=5.5)
    values.keep([b"d", b"12345"], now=5.5)
    assert [frames[0] for frames in values.matching(b"", now=5.5)] == [b"c", b"d"]
    assert (values.bytes, values.evicted) == (8, 3)
    values.keep([b"d", b"x" * 20], now=5.5)
    assert [frames[0] for frames in values.matching(b"", now=5.5)] == [b"c"]
    values.forget(b"c")
    values.forget(b"c")
    assert (len(values), values.bytes, values.evicted) == (0, 0, 4)
    for wrong in ({"topics_max": 0}, {"bytes_max": -1}, {"lifetime": -1}):
        with pytest.raises(ValueError):
            submodule("last_values").LastValues(**wrong)


@pytest.mark.parametrize("how", ["close", "term"])
def test_TOPIC_5_closing_ends_the_thread(zmq, submodule, how):
    context = zmq.Context()
    publishing = submodule("last_values").LastValuePublisher(context)
    before = threading.active_count()
    if how == "term":
        ending = threading.Thread(target=context.term)
        ending.start()
        until(lambda: threading.active_count() == before)  # one more, one less
    publishing.close()
    with pytest.raises(zmq.ZMQError):
        publishing.publish(b"x")
    if how == "term":
        ending.join()
    else:
        context.term()


def test_what_is_no_message_is_refused(zmq, publisher):
    publishing = publisher()
    for message in ("text", 5, None, [b"topic", "text"], [b"topic", 5]):
        with pytest.raises(TypeError):
            publishing.publish(message)
    with pytest.raises(IndexError):
        publishing.publish([])
    assert len(publishing.values) == 0
    publishing.publish([zmq.Frame(b"topic"), bytearray(b"value")])
    assert list(publishing.values.matching(b"")) == [[b"topic", b"value"]]
    publishing.forget("topic")
    assert len(publishing.values) == 0


def test_a_context_of_another_kind_is_refused(submodule, context):
    awaited = submodule("asyncio").Context(context)
    made = submodule("last_values")
    with pytest.raises(TypeError, match=r"LastValuePublisher needs a zmqcore.Context, not a zmqcore.asyncio.Context"):
        made.LastValuePublisher(awaited)
    with pytest.raises(TypeError, match=r"AsyncLastValuePublisher needs a context of zmqcore.asyncio"):
        made.AsyncLastValuePublisher(context)
    assert not [socket for socket in context._sockets_snapshot() if not socket.closed]
