"""PUB, SUB, XPUB and XSUB: matching, subscription notices, manual mode, what is dropped and what is not."""
import pytest
from awaiting import SECONDS, Events, bound, endpoint, fill, join, received, received_up_to, silent, until
from transports import NETWORKS


def no_support(zmq, call, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == zmq.ENOTSUP


@pytest.fixture
def publishing(zmq, make, fresh):
    """publishing("tcp", b"topic", ...) -> an XPUB and one SUB per topic, all subscribed."""

    def opened(transport, *topics, **options):
        xpub = make("XPUB", **options)
        xpub.bind(fresh(transport))
        subs = []
        for topic in topics:
            sub = make("SUB")
            sub.connect(endpoint(xpub))
            sub.subscribe(topic)
            assert xpub.recv() == b"\1" + topic
            subs.append(sub)
        return xpub, *subs

    return opened


def test_PUB_1_prefix_matching(zmq, publishing, transport):
    xpub, apple, app, everything = publishing(transport, b"apple", b"app", b"")
    for body in (b"apple pie", b"application", b"banana", b"", b"app"):
        xpub.send(body)
    xpub.send(b"apple end")
    assert received_up_to(apple, b"apple end") == [[b"apple pie"], [b"apple end"]]
    assert received_up_to(app, b"apple end") == [[b"apple pie"], [b"application"], [b"app"], [b"apple end"]]
    assert len(received_up_to(everything, b"apple end")) == 6


def test_PUB_1_without_subscriber_send_succeeds(zmq, make, fresh, transport):
    pub = make("PUB")
    pub.send(b"nobody at all", zmq.DONTWAIT)
    pub.bind(fresh(transport))
    for _ in range(5000):
        pub.send(b"nobody", zmq.DONTWAIT)


def test_PUB_2_full_pipe_drops_only_its_own_messages(zmq, make, fresh):
    xpub = make("XPUB", SNDHWM=5, XPUB_VERBOSE=1)
    xpub.bind(fresh("inproc"))
    slow, fast = make("SUB", RCVHWM=5), make("SUB", RCVHWM=1000)
    for sub in (slow, fast):
        sub.connect(endpoint(xpub))
        join(zmq, xpub, sub)
    for number in range(50):
        xpub.send(b"%d" % number)
    assert [message[0] for message in received(slow, 0)] == [b"%d" % number for number in range(10)]
    assert len(received(fast, 0)) == 50


def test_PUB_3_recv(zmq, make):
    pub = make("PUB")
    no_support(zmq, pub.recv, zmq.DONTWAIT)
    assert pub.poll(0) == 0


def test_PUB_4_never_a_partial_message(zmq, make, fresh):
    xpub = make("XPUB", SNDHWM=1)
    xpub.bind(fresh("inproc"))
    sub = make("SUB", RCVHWM=2)
    sub.connect(endpoint(xpub))
    join(zmq, xpub, sub)
    messages = []
    for number in range(20):
        xpub.send_multipart([b"%d" % number] * 3)
        if number % 4 == 0 and sub.poll(0):
            messages.append(sub.recv_multipart())
    messages += received(sub, 0)
    assert 3 <= len(messages) < 20
    for frames in messages:
        assert len(frames) == 3 and len(set(frames)) == 1



def test_PUB_5_first_and_last_subscription_are_reported(zmq, publishing, make, transport):
    xpub, first = publishing(transport, b"A")
    second = make("SUB")
    second.connect(endpoint(xpub))
    second.subscribe(b"A")
    second.subscribe(b"second is attached")
    assert xpub.recv() == b"\1second is attached"
    first.unsubscribe(b"A")
    first.subscribe(b"next")
    assert xpub.recv() == b"\1next"
    second.unsubscribe(b"A")
    assert xpub.recv() == b"\0A"


def test_PUB_6_duplicates_are_not_reported(zmq, publishing):
    xpub, sub = publishing("tcp", b"A")
    sub.subscribe(b"A")
    sub.subscribe(b"B")
    assert xpub.recv() == b"\1B"


def test_PUB_7_verbose(zmq, publishing, make):
    xpub, first = publishing("tcp", b"A", XPUB_VERBOSE=1)
    first.subscribe(b"A")
    assert xpub.recv() == b"\1A"
    second = make("SUB")
    second.connect(endpoint(xpub))
    second.subscribe(b"A")
    assert xpub.recv() == b"\1A"
    for _ in range(2):
        first.unsubscribe(b"A")
    first.subscribe(b"next")
    assert xpub.recv() == b"\1next"
    second.unsubscribe(b"A")
    assert xpub.recv() == b"\0A"


def test_PUB_8_verboser(zmq, publishing, make):
    xpub, first = publishing("tcp", b"A", XPUB_VERBOSER=1)
    second = make("SUB")
    second.connect(endpoint(xpub))
    second.subscribe(b"A")
    assert xpub.recv() == b"\1A"
    first.unsubscribe(b"A")
    assert xpub.recv() == b"\0A"
    second.close()
    assert xpub.recv() == b"\0A"


def test_PUB_9_verbose_and_verboser_set_each_other(zmq, publishing, make):
    xpub, first, second = publishing("tcp", b"A", b"B", XPUB_VERBOSER=1)
    xpub.setsockopt(zmq.XPUB_VERBOSE, 1)
    second.subscribe(b"A")
    assert xpub.recv() == b"\1A"
    first.unsubscribe(b"A")
    first.subscribe(b"next")
    assert xpub.recv() == b"\1next"
    second.unsubscribe(b"A")
    assert xpub.recv() == b"\0A"


def test_PUB_10_disconnect_unsubscribes_everything(zmq, publishing, transport):
    xpub, sub = publishing(transport, b"A")
    sub.subscribe(b"B")
    assert xpub.recv() == b"\1B"
    sub.close()
    assert sorted(xpub.recv() for _ in range(2)) == [b"\0A", b"\0B"]


@pytest.mark.parametrize("size", [0, 1, 245, 246, 255, 256, 9000])
def test_PUB_11_topics_are_reported_exactly(zmq, publishing, transport, size):
    topic = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    xpub, sub = publishing(transport, topic)
    xpub.send(topic + b"!")
    assert sub.recv() == topic + b"!"
    sub.unsubscribe(topic)
    assert xpub.recv() == b"\0" + topic


def test_PUB_12_user_messages_go_upstream(zmq, pair, transport):
    xsub, xpub = pair("XSUB", "XPUB", transport)
    xsub.send(b"hello")
    xsub.send_multipart([b"a", b"b", b""])
    assert xpub.recv_multipart() == [b"hello"]
    assert xpub.recv_multipart() == [b"a", b"b", b""]


def test_PUB_12_user_messages_are_discarded_by_pub(zmq, pair):
    xsub, pub = pair("XSUB", "PUB")
    xsub.send(b"hello")
    xsub.send(b"\1")
    until(lambda: [pub.send(b"x"), xsub.poll(1)][1])


def test_PUB_14_manual(zmq, make, fresh, transport):
    xpub = make("XPUB", XPUB_MANUAL=1)
    xpub.bind(fresh(transport))
    sub = make("SUB")
    sub.connect(endpoint(xpub))
    sub.subscribe(b"A")
    assert xpub.recv() == b"\1A"
    xpub.setsockopt(zmq.SUBSCRIBE, b"XA")
    sub.subscribe(b"XA")
    assert xpub.recv() == b"\1XA"  # asked for, not granted
    xpub.send(b"A")
    xpub.send(b"XA")
    assert sub.recv() == b"XA"
    sub.unsubscribe(b"A")
    assert xpub.recv() == b"\0A"
    xpub.setsockopt(zmq.UNSUBSCRIBE, b"XA")
    sub.subscribe(b"next")
    assert xpub.recv() == b"\1next"
    xpub.setsockopt(zmq.SUBSCRIBE, b"next")
    xpub.send(b"XA")
    xpub.send(b"next")
    assert sub.recv() == b"next"


def test_PUB_16_manual_reports_the_requested_topics_at_disconnect(zmq, make, fresh, transport):
    xpub = make("XPUB", XPUB_MANUAL=1)
    xpub.bind(fresh(transport))
    sub = make("SUB")
    sub.connect(endpoint(xpub))
    sub.subscribe(b"A")
    assert xpub.recv() == b"\1A"
    xpub.setsockopt(zmq.SUBSCRIBE, b"effective")
    sub.close()
    assert xpub.recv() == b"\0A"
    other = make("SUB")
    other.connect(endpoint(xpub))
    other.subscribe(b"next")
    assert xpub.recv() == b"\1next"  # "effective" is not reported


def test_PUB_17_manual_unsubscribe_of_one_leaves_the_other(zmq, make, fresh):
    xpub = make("XPUB", XPUB_MANUAL=1)
    xpub.bind(fresh("tcp"))
    subs = [make("SUB") for _ in range(2)]
    for sub in subs:
        sub.connect(endpoint(xpub))
        sub.subscribe(b"A")
        assert xpub.recv() == b"\1A"
        xpub.setsockopt(zmq.SUBSCRIBE, b"A")
    xpub.send(b"A1")
    assert [sub.recv() for sub in subs] == [b"A1"] * 2
    subs[0].unsubscribe(b"A")
    assert xpub.recv() == b"\0A"
    xpub.setsockopt(zmq.UNSUBSCRIBE, b"A")
    xpub.send(b"A2")
    assert subs[1].recv() == b"A2"
    assert subs[0].poll(20) == 0


@pytest.mark.better
def test_PUB_18_manual_last_value(zmq, make, fresh):
    xpub = make("XPUB", XPUB_MANUAL_LAST_VALUE=1)
    xpub.bind(fresh("tcp"))
    subs = [make("SUB") for _ in range(2)]
    for sub in subs:
        sub.connect(endpoint(xpub))
        sub.subscribe(b"A")
        assert xpub.recv() == b"\1A"
        xpub.setsockopt(zmq.SUBSCRIBE, b"A")
        xpub.send(b"A last value")
        assert sub.recv() == b"A last value"
    xpub.send(b"A for all")
    assert [sub.recv() for sub in subs] == [b"A for all"] * 2


def test_PUB_19_subscribe_without_manual(zmq, make):
    with pytest.raises(zmq.ZMQError) as caught:
        make("XPUB").setsockopt(zmq.SUBSCRIBE, b"A")
    assert caught.value.errno == zmq.EINVAL


def test_PUB_20_nodrop(zmq, make, fresh):
    xpub = make("XPUB", XPUB_NODROP=1, SNDHWM=3)
    xpub.bind(fresh("inproc"))
    slow, fast = make("SUB", RCVHWM=3), make("SUB", RCVHWM=1000)
    for place, sub in enumerate((slow, fast)):
        sub.connect(endpoint(xpub))
        join(zmq, xpub, sub, b"" if place == 0 else b"x")
    assert fill(zmq, xpub) == 6
    assert len(received(fast, 0)) == 6
    assert len(received(slow, 0)) == 6
    assert xpub.poll(5000, zmq.POLLOUT)
    xpub.send(b"x again", zmq.DONTWAIT)
    assert [slow.recv(), fast.recv()] == [b"x again"] * 2


def test_PUB_21_welcome_message(zmq, make, fresh, transport):
    xpub = make("XPUB", XPUB_WELCOME_MSG=b"W")
    xpub.bind(fresh(transport))
    sub, other = make("SUB"), make("SUB")
    sub.subscribe(b"W")
    sub.connect(endpoint(xpub))
    other.subscribe(b"other")
    other.connect(endpoint(xpub))
    assert sorted(xpub.recv() for _ in range(2)) == [b"\1W", b"\1other"]
    assert sub.recv() == b"W"
    xpub.send(b"other")
    assert other.recv() == b"other"


def test_PUB_22_welcome_message_can_be_cleared(zmq, make, fresh):
    xpub = make("XPUB", XPUB_WELCOME_MSG=b"W")
    xpub.setsockopt(zmq.XPUB_WELCOME_MSG, b"")
    xpub.bind(fresh("tcp"))
    sub = make("SUB")
    sub.connect(endpoint(xpub))
    join(zmq, xpub, sub)
    xpub.send(b"next")
    assert sub.recv() == b"next"


def test_PUB_23_invert_matching(zmq, make, fresh, transport):
    xpub = make("XPUB", INVERT_MATCHING=1)
    xpub.bind(fresh(transport))
    sub = make("SUB", INVERT_MATCHING=1)
    sub.connect(endpoint(xpub))
    join(zmq, xpub, sub, b"not me")
    for body in (b"not me", b"me", b"not me either", b"not m", b"end"):
        xpub.send(body)
    assert received_up_to(sub, b"end") == [[b"me"], [b"not m"], [b"end"]]


@pytest.mark.better
def test_PUB_24_topics_count(zmq, make, fresh):
    xpub = make("XPUB")
    xpub.bind(fresh("tcp"))
    sub = make("SUB")
    sub.connect(endpoint(xpub))
    assert sub.getsockopt(zmq.TOPICS_COUNT) == 0
    for topic in (b"A", b"B", b"A"):
        sub.subscribe(topic)
    assert sub.getsockopt(zmq.TOPICS_COUNT) == 2
    assert [xpub.recv(), xpub.recv()] == [b"\1A", b"\1B"]
    assert xpub.getsockopt(zmq.TOPICS_COUNT) == 2
    sub.unsubscribe(b"B")
    assert xpub.recv() == b"\0B"
    assert xpub.getsockopt(zmq.TOPICS_COUNT) == 1


def test_PUB_26_direction_of_the_connection_is_irrelevant(zmq, make, fresh, transport):
    sub = make("SUB")
    sub.subscribe(b"")
    sub.bind(fresh(transport))
    xpub = make("XPUB")
    xpub.connect(endpoint(sub))

    def seen():
        sub.getsockopt(zmq.EVENTS)
        return xpub.poll(2)

    until(seen)
    xpub.send(b"x")
    assert sub.recv() == b"x"


def test_PUB_28_forwarder(zmq, make, fresh):
    pub = make("XPUB")
    pub.bind(fresh("tcp"))
    front, back = make("XSUB"), make("XPUB")
    front.connect(endpoint(pub))
    back.bind(fresh("tcp"))
    sub = make("SUB")
    sub.connect(endpoint(back))
    sub.subscribe(b"A")
    front.send(back.recv())
    assert pub.recv() == b"\1A"
    pub.send_multipart([b"A", b"data"])
    back.send_multipart(front.recv_multipart())
    assert sub.recv_multipart() == [b"A", b"data"]


@pytest.mark.better
def test_PUB_29_multipart_state_is_kept_per_peer(zmq, make, fresh):
    xpub = make("XPUB")
    xpub.bind(fresh("inproc"))
    one, two = make("XSUB"), make("XSUB")
    for xsub in (one, two):
        xsub.connect(endpoint(xpub))
    one.send(b"a", zmq.SNDMORE)
    two.send_multipart([b"x", b"y"])
    one.send(b"b")
    assert sorted([xpub.recv_multipart(), xpub.recv_multipart()]) == [[b"a", b"b"], [b"x", b"y"]]


def test_SUB_1_send_is_not_supported_and_xsub_does_not_filter(zmq, pair, make, transport):
    no_support(zmq, make("SUB").send, b"x", zmq.DONTWAIT)
    xsub, xpub = pair("XSUB", "XPUB", transport)
    xsub.send(b"\1A")
    assert xpub.recv() == b"\1A"
    xpub.send(b"A1")
    assert xsub.recv() == b"A1"


def test_SUB_2_nothing_until_subscribed(zmq, publishing, make):
    xpub, control = publishing("tcp", b"")
    mute = make("SUB")
    mute.connect(endpoint(xpub))
    mute.subscribe(b"never")
    assert xpub.recv() == b"\1never"
    xpub.send(b"x")
    assert control.recv() == b"x"
    mute.subscribe(b"")
    mute.subscribe(b"next")
    assert received_up_to(xpub, b"\1next")
    xpub.send(b"next")
    assert mute.recv() == b"next"


def test_SUB_3_any_octets_and_effect(zmq, publishing, transport):
    topic = bytes(range(256))
    xpub, sub = publishing(transport, topic)
    xpub.send(topic)
    assert sub.recv() == topic
    sub.unsubscribe(topic)
    xpub.send(topic)
    assert xpub.recv() == b"\0" + topic
    sub.subscribe(b"next")
    assert xpub.recv() == b"\1next"
    xpub.send(b"next")
    assert sub.recv() == b"next"


def test_SUB_4_reference_counts(zmq, publishing):
    xpub, sub = publishing("tcp", b"A")
    sub.subscribe(b"A")
    sub.unsubscribe(b"A")
    sub.unsubscribe(b"unknown")
    sub.subscribe(b"next")
    assert xpub.recv() == b"\1next"
    xpub.send(b"A")
    assert sub.recv() == b"A"
    sub.unsubscribe(b"A")
    assert xpub.recv() == b"\0A"


def test_SUB_5_xsub_subscribes_by_message(zmq, pair, transport):
    xsub, xpub = pair("XSUB", "XPUB", transport)
    xsub.send(b"\1topic")
    assert xpub.recv() == b"\1topic"
    xsub.send(b"\0topic")
    assert xpub.recv() == b"\0topic"


def test_SUB_5_xsub_send_never_blocks(zmq, make):
    xsub = make("XSUB")
    for _ in range(3000):
        xsub.send(b"to nobody", zmq.DONTWAIT)


@pytest.mark.better
def test_SUB_6_verbose_unsubscribe(zmq, pair):
    xsub, xpub = pair("XSUB", "XPUB", "tcp", {"XSUB_VERBOSE_UNSUBSCRIBE": 1}, {"XPUB_VERBOSER": 1})
    for message in (b"\1A", b"\1A", b"\0A", b"\0A"):
        xsub.send(message)
        assert xpub.recv() == message


def test_SUB_8_subscriptions_before_connect(zmq, make, fresh, transport):
    xpub = make("XPUB")
    xpub.bind(fresh(transport))
    sub = make("SUB")
    for topic in (b"A", b"B", b"A"):
        sub.subscribe(topic)
    sub.connect(endpoint(xpub))
    assert sorted([xpub.recv(), xpub.recv()]) == [b"\1A", b"\1B"]
    sub.subscribe(b"next")
    assert xpub.recv() == b"\1next"


@pytest.mark.parametrize("transport", NETWORKS)
def test_SUB_8_subscriptions_after_a_reconnect(zmq, make, fresh, transport):
    xpub = make("XPUB")
    xpub.bind(fresh(transport))
    where = endpoint(xpub)
    sub = make("SUB", RECONNECT_IVL=10)
    events = Events(zmq, sub)
    sub.connect(where)
    topics = [b"%d" % number for number in range(50)]
    for topic in topics:
        sub.subscribe(topic)
    assert sorted(xpub.recv() for _ in topics) == sorted(b"\1" + topic for topic in topics)
    xpub.close()
    events.wait("DISCONNECTED")
    xpub = make("XPUB")
    until(lambda: bound(zmq, xpub, where))

    def seen():
        sub.getsockopt(zmq.EVENTS)
        return xpub.poll(2)

    until(seen)
    assert sorted(xpub.recv() for _ in topics) == sorted(b"\1" + topic for topic in topics)
    xpub.send(b"7 again")
    assert sub.recv() == b"7 again"


def with_publishers(make, fresh, transport, topic):
    """A SUB, and three XPUBs that have seen its subscription."""
    sub = make("SUB")
    sub.subscribe(topic)
    xpubs = [make("XPUB") for _ in range(3)]
    for xpub in xpubs:
        xpub.bind(fresh(transport))
        sub.connect(endpoint(xpub))
        assert xpub.recv() == b"\1" + topic
    return sub, xpubs


def test_SUB_9_several_publishers(zmq, make, fresh, transport):
    sub, xpubs = with_publishers(make, fresh, transport, b"")
    for place, xpub in enumerate(xpubs):
        xpub.send(b"%d" % place)
    assert sorted(sub.recv() for _ in range(3)) == [b"0", b"1", b"2"]


def test_SUB_10_only_the_first_frame_is_matched(zmq, publishing, transport):
    xpub, sub = publishing(transport, b"A")
    xpub.send_multipart([b"B", b"A"])
    xpub.send_multipart([b"A", b"B", b"C"])
    assert sub.recv_multipart() == [b"A", b"B", b"C"]


def test_SUB_11_pollin_only_for_matching_messages(zmq, publishing):
    xpub, control = publishing("tcp", b"")
    xpub.send(b"x")
    control.recv()
    control.unsubscribe(b"")
    control.subscribe(b"A")
    xpub.send(b"B")
    silent(control, 50)


def leave_a(sub, how):
    if how == "unsubscribe":
        sub.unsubscribe(b"A")
    else:
        sub.subscribe(b"A")  # with INVERT_MATCHING that is one topic less


@pytest.mark.parametrize("how", ["unsubscribe", "invert"])
@pytest.mark.parametrize("told_by", ["poll", "EVENTS"])
def test_SUB_16_what_poll_has_told_of_is_received(zmq, make, fresh, transport, told_by, how):
    """Whatever is unsubscribed from before it is received; what comes behind is filtered."""
    xpub, sub = make("XPUB", INVERT_MATCHING=int(how == "invert")), make("SUB", INVERT_MATCHING=int(how == "invert"))
    xpub.bind(fresh(transport))
    sub.subscribe(b"A" if how == "unsubscribe" else b"B")
    sub.connect(endpoint(xpub))
    assert xpub.recv()[:1] == b"\1"
    xpub.send_multipart([b"A1", b"rest"])
    xpub.send(b"A2")
    if told_by == "poll":
        assert sub.poll(SECONDS * 1000) == zmq.POLLIN
    else:
        until(lambda: sub.getsockopt(zmq.EVENTS) & zmq.POLLIN)
    leave_a(sub, how)
    assert sub.recv_multipart(zmq.DONTWAIT) == [b"A1", b"rest"]
    silent(sub)


@pytest.mark.parametrize("watched", ["by nobody", "by an event loop", "by a monitor"])
def test_SUB_16_and_no_more_than_that(zmq, make, fresh, transport, watched):
    """What stands behind is filtered, also when the FD is up for it."""
    xpub, sub = make("XPUB"), make("SUB")
    xpub.bind(fresh(transport))
    sub.subscribe(b"A")
    sub.connect(endpoint(xpub))
    assert xpub.recv() == b"\1A"
    if watched == "by an event loop":
        sub.getsockopt(zmq.FD)
    elif watched == "by a monitor":
        sub.get_monitor_socket()
    for number in range(4):
        xpub.send(b"A%d" % number)
    assert sub.poll(SECONDS * 1000) == zmq.POLLIN
    assert sub.recv() == b"A0"
    assert sub.recv() == b"A1"
    sub.unsubscribe(b"A")
    silent(sub)


def test_SUB_16_of_one_that_conflates(zmq, make, fresh, transport):
    xpub, sub = make("XPUB"), make("SUB", CONFLATE=1)
    xpub.bind(fresh(transport))
    sub.subscribe(b"A")
    sub.connect(endpoint(xpub))
    assert xpub.recv() == b"\1A"
    for number in range(2):
        xpub.send(b"A%d" % number)
        assert sub.poll(SECONDS * 1000) == zmq.POLLIN
        sub.unsubscribe(b"A")
        assert xpub.recv() == b"\0A"
        assert sub.recv(zmq.DONTWAIT) == b"A%d" % number
        sub.subscribe(b"A")
        assert xpub.recv() == b"\1A"
    silent(sub)


@pytest.mark.better
def test_SUB_16_with_several_publishers(zmq, make, fresh, transport):
    """One message was told of, that of one publisher; it is received also when its publisher has gone."""
    sub, xpubs = with_publishers(make, fresh, transport, b"A")
    for number, xpub in enumerate(xpubs):
        xpub.send(b"A%d" % number)
    assert sub.poll(SECONDS * 1000) == zmq.POLLIN
    sub.unsubscribe(b"A")
    for xpub in xpubs:
        xpub.recv()
    assert len(received(sub)) == 1
    sub.subscribe(b"A")
    for xpub in xpubs:
        xpub.recv()
        xpub.send(b"A")
        assert sub.poll(SECONDS * 1000) == zmq.POLLIN
        xpub.close()
    sub.unsubscribe(b"A")
    assert len(received(sub)) == 1


@pytest.mark.better
def test_SUB_13_more_subscriptions_than_the_high_water_mark(zmq, make, fresh):
    xpub = make("XPUB", RCVHWM=10)
    xpub.bind(fresh("tcp"))
    sub = make("SUB", SNDHWM=10, RCVHWM=10)
    topics = [b"%05d" % number for number in range(3000)]
    for topic in topics:
        sub.subscribe(topic)
    sub.connect(endpoint(xpub))
    assert sorted(xpub.recv()[1:] for _ in topics) == topics


def test_SUB_14_publisher_options_are_refused(zmq, make):
    for number in (108, 115):  # ONLY_FIRST_SUBSCRIBE, XSUB_VERBOSE_UNSUBSCRIBE
        with pytest.raises(zmq.ZMQError) as caught:
            make("SUB").setsockopt(number, 1)
        assert caught.value.errno == zmq.EINVAL


def test_SUB_15_roundtrip(zmq, publishing, transport):
    xpub, sub = publishing(transport, b"")
    xpub.send_multipart([b"topic", b"", b"body" * 5000])
    assert sub.recv_multipart() == [b"topic", b"", b"body" * 5000]
