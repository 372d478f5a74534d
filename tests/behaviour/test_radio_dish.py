"""RADIO and DISH: groups over the transports that connections are made of. Over datagrams: test_udp.py."""
import asyncio
import importlib
import socket
import threading

import pytest
from awaiting import bound, endpoint, silent, until
from platforms import errno
from raw_attack import closed, dial, greet, ready

pytestmark = pytest.mark.better  # a release of libzmq has neither type

LONGEST = "g" * 255


def refused(zmq, error, call, *args, **kwargs):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*args, **kwargs)
    assert caught.value.errno == error
    return str(caught.value)


def groups(zmq, socket):
    """How many groups a DISH has joined, or a RADIO's peers, as far as it has heard."""
    socket.poll(0)
    return socket.getsockopt(zmq.TOPICS_COUNT)


def heard(zmq, radio, count):
    until(lambda: groups(zmq, radio) == count)


def told(dish):
    frame = dish.recv(copy=False)
    assert not frame.more and not dish.rcvmore
    return frame.group, frame.bytes


@pytest.fixture(params=["RADIO", "DISH"])
def couple(request, pair, transport):
    """A RADIO and a DISH; either may be the one that binds."""

    def couple(**radio_options):
        if request.param == "RADIO":
            dish, radio = pair("DISH", "RADIO", transport, binder_options=radio_options)
        else:
            radio, dish = pair("RADIO", "DISH", transport, connecter_options=radio_options)
        return radio, dish

    return couple


def test_DRAFT_9_10_a_message_goes_to_those_who_joined_just_its_group(zmq, couple):
    radio, dish = couple()
    for group in ("movies", "tv", LONGEST, ""):
        dish.join(group)
    heard(zmq, radio, 4)
    for group in ("mov", "movies2", "TV", "t", LONGEST[:-1]):
        radio.send(b"not for you", group=group)
    radio.send(b"Friends", group="tv")
    radio.send(b"", group=b"movies")
    radio.send(b"to nobody in particular")
    radio.send(b"x" * 200000, group=LONGEST)
    assert told(dish) == ("tv", b"Friends")
    assert told(dish) == ("movies", b"")
    assert told(dish) == ("", b"to nobody in particular")
    assert told(dish) == (LONGEST, b"x" * 200000)
    dish.leave("tv")
    heard(zmq, radio, 3)
    radio.send(b"gone", group="tv")
    radio.send(b"last", group="movies")
    assert dish.recv() == b"last"


def test_DRAFT_9_each_dish_gets_its_own(zmq, make, fresh, transport):
    radio = make("RADIO")
    radio.bind(fresh(transport))
    dishes = [make("DISH") for _ in range(3)]
    for number, dish in enumerate(dishes):
        dish.join(f"only {number}")
        dish.join("all")
        dish.connect(endpoint(radio))
    heard(zmq, radio, 4)
    for dish in dishes:             # the count does not tell how many have joined "all"
        until(lambda dish=dish: radio.send(b"?", group="all") or dish.poll(1))
    for number in range(3):
        radio.send(b"%d" % number, group=f"only {number}")
    radio.send(b"end", group="all")
    for number, dish in enumerate(dishes):
        messages = []
        while not messages or messages[-1] != ("all", b"end"):
            messages.append(told(dish))
        assert [each for each in messages if each[0] != "all"] == [(f"only {number}", b"%d" % number)]


def test_DRAFT_9_a_full_dish_misses_messages(zmq, make):
    radio, dish = make("RADIO", SNDHWM=5), make("DISH", RCVHWM=5)
    radio.bind("inproc://mute")
    dish.connect("inproc://mute")
    dish.join("g")
    for number in range(20):
        radio.send(b"%d" % number, group="g")
    assert [dish.recv() for _ in range(10)] == [b"%d" % number for number in range(10)]
    assert dish.poll(0) == 0


def test_DRAFT_9_nodrop_waits_for_a_full_dish(zmq, make):
    radio, dish = make("RADIO", SNDHWM=5, XPUB_NODROP=1), make("DISH", RCVHWM=5)
    radio.bind("inproc://nodrop")
    dish.connect("inproc://nodrop")
    dish.join("g")
    for _ in range(10):
        radio.send(b"x", zmq.DONTWAIT, group="g")
    refused(zmq, zmq.EAGAIN, radio.send, b"x", zmq.DONTWAIT, group="g")
    assert radio.poll(0, zmq.POLLOUT) == 0
    sender = threading.Thread(target=radio.send, args=(b"waited",), kwargs={"group": "g"})
    sender.start()
    assert [dish.recv() for _ in range(11)] == [b"x"] * 10 + [b"waited"]
    sender.join()


def test_DRAFT_9_10_what_they_cannot_do(zmq, make):
    radio, dish = make("RADIO"), make("DISH")
    refused(zmq, zmq.ENOTSUP, radio.recv)
    refused(zmq, zmq.ENOTSUP, dish.send, b"x")
    refused(zmq, zmq.EINVAL, radio.send, b"x", zmq.SNDMORE, group="g")
    refused(zmq, zmq.EINVAL, radio.send_multipart, [b"a", b"b"])
    refused(zmq, zmq.ENOTSUP, radio.join, "g")
    refused(zmq, zmq.ENOTSUP, make("SUB").join, "g")
    refused(zmq, zmq.ENOTSUP, make("PUSH").send, b"x", group="g")
    assert radio.thread_safe and dish.thread_safe and not dish.rcvmore
    assert dish.linger == 0 and zmq.Context.instance().socket(zmq.RADIO).linger == -1


def test_DRAFT_10_names_of_groups(zmq, make):
    radio, dish = make("RADIO"), make("DISH")
    dish.join("once")
    assert "joined already" in refused(zmq, zmq.EINVAL, dish.join, b"once")
    assert "not been joined" in refused(zmq, zmq.EINVAL, dish.leave, "never")
    for call in (dish.join, dish.leave, lambda group: radio.send(b"", group=group)):
        assert "255" in refused(zmq, zmq.EINVAL, call, LONGEST + "g")
        assert "byte of 0" in refused(zmq, zmq.EINVAL, call, "a\0b")
        with pytest.raises(TypeError):
            call(7)
    dish.leave("once")
    dish.join("once")
    assert groups(zmq, dish) == 1


def test_DRAFT_11_joined_before_connecting_and_again_after_a_reconnect(zmq, make, fresh):
    where = fresh("tcp", ahead=True)
    dish = make("DISH", RECONNECT_IVL=1)
    dish.join("g")
    dish.connect(where)
    dish.join("h")
    for _ in range(2):
        radio = make("RADIO")
        until(lambda radio=radio: bound(zmq, radio, where))
        heard(zmq, radio, 2)
        radio.send(b"back", group="h")
        assert told(dish) == ("h", b"back")
        radio.close()


@pytest.mark.better  # libzmq's groups are no frames
@pytest.mark.parametrize("sender", ["PUSH", "PUB", "DEALER"])
def test_DRAFT_9_a_peer_of_another_type_that_conflates(zmq, make, fresh, sender):
    """Within the process nobody asks for the type of a peer."""
    dish, peer = make("DISH"), make(sender, CONFLATE=1)
    dish.join("g")
    dish.bind(fresh("inproc"))
    peer.connect(dish.last_endpoint)
    for number in range(3):
        peer.send_multipart([b"g", b"%d" % number])
        assert dish.poll(10000) == zmq.POLLIN
        assert told(dish) == ("g", b"%d" % number)
    peer.send_multipart([b"g", b"1", b"2"])
    silent(dish)


@pytest.mark.parametrize("host, ipv6", [("127.0.0.1", 0), ("[::1]", 1)])
def test_DRAFT_13_a_dish_can_be_polled(zmq, make, host, ipv6):
    radio, dish = make("RADIO", IPV6=ipv6), make("DISH", IPV6=ipv6)
    dish.bind(f"tcp://{host}:*")
    radio.connect(endpoint(dish))
    dish.join(LONGEST)
    heard(zmq, radio, 1)
    assert dish.poll(0) == 0 and radio.poll(0, zmq.POLLOUT) == zmq.POLLOUT
    poller = zmq.Poller()
    poller.register(dish, zmq.POLLIN)
    radio.send(b"one", group=LONGEST)
    assert poller.poll(10000) == [(dish, zmq.POLLIN)]
    assert told(dish) == (LONGEST, b"one")


def test_DRAFT_20_what_poll_has_told_of_is_received(zmq, pair, transport):
    """Although its group has been left."""
    radio, dish = pair("RADIO", "DISH", transport)
    dish.join("one")
    heard(zmq, radio, 1)
    for body in (b"1", b"2"):
        radio.send(body, group="one")
    assert dish.poll(10000) == zmq.POLLIN
    dish.leave("one")
    assert told(dish) == ("one", b"1")
    silent(dish)


def test_DRAFT_20_and_no_more_than_that(zmq, pair, transport):
    """Also when the FD is up for what stands behind."""
    radio, dish = pair("RADIO", "DISH", transport)
    dish.getsockopt(zmq.FD)
    dish.join("one")
    heard(zmq, radio, 1)
    for body in (b"1", b"2", b"3"):
        radio.send(body, group="one")
    assert dish.poll(10000) == zmq.POLLIN
    assert told(dish) == ("one", b"1")
    assert told(dish) == ("one", b"2")
    dish.leave("one")
    silent(dish)


def test_MSG_14_a_frame_has_a_group(zmq, pair):
    assert zmq.Frame(b"x").group == ""
    frame = zmq.Frame(b"content")
    frame.group = "föö"
    assert (frame.group, frame["group"], frame.fast_copy().group) == ("föö", "föö", "föö")
    assert "255" in refused(zmq, zmq.EINVAL, setattr, frame, "group", LONGEST + "g")
    assert frame.group == "föö"
    radio, dish = pair("RADIO", "DISH", "inproc")
    dish.join("föö")
    radio.send(frame)
    got = dish.recv(copy=False)
    assert (got.bytes, got.group) == (b"content", "föö")
    radio.send(got, copy=False)     # on as it came
    assert dish.recv_multipart(copy=False)[0].group == "föö"
    tracker = radio.send(memoryview(b"y" * 100000), copy=False, track=True, group="föö")
    assert dish.recv() == b"y" * 100000
    tracker.wait(10)


def test_DRAFT_10_received_in_every_way(zmq, pair):
    radio, dish = pair("RADIO", "DISH", "inproc")
    dish.join("g")
    for number in range(6):
        radio.send(b"%d" % number, group="g")
    memory = bytearray(1)
    assert dish.recv_into(memory) == 1 and memory == b"0"
    assert dish.recv_multipart() == [b"1"]
    assert dish.recv_many() == [b"2", b"3", b"4", b"5"]
    radio.send_many([b"a", b"b"])
    dish.join("")
    assert radio.send_many([b"c", b"d"]) == 2
    assert dish.recv_many() == [b"c", b"d"]


def test_DRAFT_1_any_thread_may_send_and_join(zmq, pair):
    radio, dish = pair("RADIO", "DISH", "inproc", {"SNDHWM": 0}, {"RCVHWM": 0})
    dish.join("end")

    def run(name):
        dish.join(name)
        for number in range(500):
            radio.send(b"%d" % number, group=name)

    threads = [threading.Thread(target=run, args=(f"group {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    radio.send(b"", group="end")
    seen = {}
    while True:
        group, body = told(dish)
        if group == "end":
            break
        seen.setdefault(group, []).append(body)
    assert seen == {f"group {n}": [b"%d" % number for number in range(500)] for n in range(4)}


def test_DRAFT_10_a_peer_may_join_so_many_groups(zmq, make, fresh):
    """MAX_SUBSCRIPTIONS bounds what a peer makes a RADIO remember."""
    radio = make("RADIO", MAX_SUBSCRIPTIONS=3)
    radio.bind(fresh("tcp"))
    events = radio.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    dish = make("DISH", RECONNECT_IVL=-1)
    dish.connect(endpoint(radio))
    for number in range(3):
        dish.join(f"{number}")
    heard(zmq, radio, 3)
    dish.join("3")
    until(lambda: groups(zmq, radio) == 0)
    assert events.poll(10000)


@pytest.mark.parametrize("octets", [b"\1\1g\1\1a\0\1b", b"\0\1g", b"\1\1g\1\1a\1\1b\0\1c"], ids=["two bodies", "no body", "three bodies"])
@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("gone", [False, True], ids=["there", "gone"])
def test_DRAFT_9_a_peer_that_sends_no_group_and_body(zmq, make, fresh, before, octets, gone):
    """It loses its connection. What stands behind has been received, and each message that a poll promises can be read, whether or not the peer
    has gone by itself in the meantime."""
    dish = make("DISH", RCVTIMEO=0)
    dish.join("g")
    dish.bind(fresh("tcp"))
    events = dish.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    raw = dial(endpoint(dish))
    greet(raw)
    raw.sendall(ready("RADIO") + b"\1\1g\0\4good" * before + octets + b"\1\1g\0\4late" * 2)
    if gone:
        raw.shutdown(socket.SHUT_WR)
        assert events.poll(10000)
    for _ in range(before):
        assert dish.poll(10000) == zmq.POLLIN
        assert told(dish) == ("g", b"good")
    for _ in range(2):
        assert dish.poll(10000) == zmq.POLLIN
        assert told(dish) == ("g", b"late")
    while not closed(raw):
        assert dish.poll(1) == 0
        refused(zmq, zmq.EAGAIN, dish.recv)
    raw.close()


def test_DRAFT_9_asyncio(zmq, fresh):
    zmq_asyncio = importlib.import_module(f"{zmq.__name__}.asyncio")

    async def main():
        with zmq_asyncio.Context() as context:
            radio, dish = context.socket(zmq.RADIO), context.socket(zmq.DISH)
            dish.bind(fresh("tcp"))
            radio.connect(endpoint(dish))
            dish.join("g")
            while groups_now(radio) != 1:
                await radio.poll(1)
            await radio.send(b"hello", group="g")
            frame = await asyncio.wait_for(dish.recv(copy=False), 10)
            assert (frame.group, frame.bytes) == ("g", b"hello")
            context.destroy(linger=0)

    def groups_now(radio):
        radio.getsockopt(zmq.EVENTS)
        return radio.getsockopt(zmq.TOPICS_COUNT)

    asyncio.run(main())


def test_DRAFT_9_errno_of_a_bad_option(zmq, make):
    """Options of publishers that mean nothing to a RADIO are refused."""
    radio = make("RADIO")
    for name in ("XPUB_VERBOSE", "XPUB_MANUAL", "SUBSCRIBE"):
        with pytest.raises(zmq.ZMQError) as caught:
            radio.setsockopt(getattr(zmq, name), b"" if name == "SUBSCRIBE" else 1)
        assert caught.value.errno == errno.EINVAL
